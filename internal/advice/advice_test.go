package advice

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

var start = time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)

const week = 7 * 24

// known is a demand of which every hour of two weeks is known.
func known(lowest float64) rules.Load { return rules.Load{Hours: 300, Known: 300, Lowest: lowest} }

// endpoint has used so many TPS every hour of a week.
func endpoint(kind model.Kind, name, recipe string, minimum int, used float64, s billing.Saving) Endpoint {
	return endpointIn(pricing.Builtin(), kind, name, recipe, minimum, used, s)
}

func endpointIn(t pricing.Table, kind model.Kind, name, recipe string, minimum int, used float64, s billing.Saving) Endpoint {
	r := model.Resource{
		ARN:  model.NewARN("aws", "personalize", "us-east-1", "123456789012", string(kind)+"/"+name),
		Kind: kind, Name: name, Recipe: recipe, MinTPS: minimum, Created: start.AddDate(0, -3, 0),
		Version: "arn:aws:personalize:us-east-1:123456789012:solution/" + name + "/1",
	}
	hours := func(minimum float64) []billing.Hour {
		var list []billing.Hour
		for i := range week {
			list = append(list, billing.Hour{Start: start.Add(time.Duration(i) * time.Hour), Provisioned: minimum, Actual: used, Paid: max(minimum, used), Used: used})
		}
		return list
	}
	e := Endpoint{Resource: r, Usage: &billing.Usage{Hours: week, Requests: used * 3600 * week}, Saving: s, Hours: hours(float64(minimum))}
	e.Priced.Use = pricing.NewUse(t, r, hours(float64(minimum)), hours(float64(minimum)), week)
	if s.Action.Changes() && e.Priced.Use.Priced() {
		var after []billing.Hour
		if s.NewMin > 0 {
			after = hours(float64(s.NewMin))
		}
		u := pricing.NewUse(t, r, after, after, week)
		if s.NewMin == 0 {
			u.Month = pricing.Quantity{}
		}
		e.Priced.After = &u
	}
	return e
}

func of(t pricing.Table, list ...Endpoint) []Proposal {
	var uses []pricing.Use
	for _, e := range list {
		uses = append(uses, e.Priced.Use)
	}
	return Of(list, nil, pricing.NewBill(uses), t)
}

func stepDown(newMin int, perMonth float64, coldSteps int) billing.Saving {
	then, now := billing.ColdSteps{PerWeek: new(float64(coldSteps))}, billing.ColdSteps{PerWeek: new(0.0)}
	return billing.Saving{
		Action: rules.StepDown, NewMin: newMin, Cold: &billing.ColdExposure{Then: then, Now: now, Risk: billing.RiskOf(then, now)},
		Savings: billing.Savings{PerMonth: perMonth}, Reason: "seen three times", Observed: known(float64(newMin)),
	}
}

func idle(kind model.Kind) billing.Saving {
	return billing.Saving{
		Action: rules.IdleVerdict(kind), Savings: billing.Savings{PerMonth: 730}, Reason: "no request since 2026-11-01", Observed: known(0),
	}
}

func none(lowest float64) billing.Saving { return billing.Saving{Observed: known(lowest)} }

func only(t *testing.T, list []Proposal) Proposal {
	t.Helper()
	if len(list) != 1 {
		t.Fatalf("%d proposals: %+v", len(list), list)
	}
	return list[0]
}

func near(t *testing.T, what string, got *float64, want float64) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > 1e-6*max(1, math.Abs(want)) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestTheMainProposals(t *testing.T) {
	const v1, v2 = "aws-user-personalization", "aws-user-personalization-v2"
	for _, c := range []struct {
		name   string
		e      Endpoint
		kind   Kind
		what   string
		amount float64 // by prices of 0.20 and 0.54 per TPS-hour, and a fee of 0.375
		hours  float64
		cmd    string
		risk   Level
		sure   Level
	}{
		{
			"an idle campaign is deleted", endpoint(model.Campaign, "sale", v1, 1, 0, idle(model.Campaign)), Delete, "delete sale", 146, 730,
			"personalize-monitor delete-campaign arn:aws:personalize:us-east-1:123456789012:campaign/sale", Low, Medium,
		},
		{"one of a v2 recipe", endpoint(model.Campaign, "sale", v2, 1, 0, idle(model.Campaign)), Delete, "delete sale", 394.2, 730, "", Low, Medium},
		{
			"an idle recommender is stopped: the whole fee", endpoint(model.Recommender, "r", "aws-ecomm-x", 1, 0, idle(model.Recommender)), Stop, "stop r", 273.75, 730,
			"personalize-monitor stop-recommender arn:aws:personalize:us-east-1:123456789012:recommender/r", Low, Low,
		},
		{
			"a minimum is lowered", endpoint(model.Campaign, "home", v1, 40, 6, stepDown(6, 34*730, 0)), LowerMinimum, "lower home from 40 to 6 TPS",
			// 29,200 TPS-hours are paid for: the last 9,200 at 0.10, then 0.20
			9200*0.10 + (34*730-9200)*0.20, 34 * 730,
			"personalize-monitor update-tps arn:aws:personalize:us-east-1:123456789012:campaign/home 6", Low, Medium,
		},
		{"one rise a week more", endpoint(model.Campaign, "home", v1, 10, 6, stepDown(6, 4*730, 1)), LowerMinimum, "lower home from 10 to 6 TPS", 584, 4 * 730, "", Medium, Medium},
		{"seven", endpoint(model.Campaign, "home", v1, 10, 6, stepDown(6, 4*730, 7)), LowerMinimum, "lower home from 10 to 6 TPS", 584, 4 * 730, "", High, Medium},
		{
			"from 3 to 2 RPS: requests beyond the fee", endpoint(model.Recommender, "r", "aws-ecomm-x", 3, 0.5, stepDown(2, 730, 0)), LowerMinimum, "lower r from 3 to 2 RPS",
			730 * 3.6 * 0.083, 730, "", Low, Low,
		},
	} {
		list := of(pricing.Builtin(), c.e)
		p := list[0]
		for _, other := range list { // the main one
			if other.Kind != Batch {
				p = other
			}
		}
		if p.Kind != c.kind || p.What != c.what || p.Risk != c.risk || p.Sure != c.sure || c.cmd != "" && p.Command != c.cmd || p.Command == "" {
			t.Errorf("%s: %+v", c.name, p)
		}
		near(t, c.name+": saves", p.Saves.Amount, c.amount)
		near(t, c.name+": TPS-hours", p.Saves.TPSHours, c.hours)
		if !strings.Contains(p.Why, c.e.Saving.Reason) || p.Saves.Currency != "USD" {
			t.Errorf("%s: %s", c.name, p.Why)
		}
	}
}

// TestAMinimumWithinTheFeeStays has a fee that includes 8,000 requests an hour, so 2.2 RPS.
func TestAMinimumWithinTheFeeStays(t *testing.T) {
	table := pricing.NewTable([]pricing.Price{{
		Region: "us-east-1", Product: pricing.Recommender, Currency: "EUR", Date: "2026-01-01", Source: "contract", Confidence: pricing.Given,
		Fee: &pricing.Fee{PerHour: 1, UsersIncluded: 1000, RequestsIncluded: 8000, PerThousand: 0.1},
	}}, nil, 0)
	p := only(t, of(table, endpointIn(table, model.Recommender, "r", "aws-vod-x", 2, 0.5, stepDown(1, 730, 0))))
	if p.Kind != Included || p.Command != "" || p.What != "keep r at 2 RPS: a lower minimum saves nothing" || !strings.Contains(p.Why, "EUR 730.00 a month") {
		t.Errorf("%+v", p)
	}
	near(t, "saves", p.Saves.Amount, 0)
	p = only(t, of(table, endpointIn(table, model.Recommender, "r", "aws-vod-x", 3, 0.5, stepDown(1, 1460, 0))))
	if p.Kind != LowerMinimum || p.Command == "" {
		t.Errorf("above what the fee includes: %+v", p)
	}
	near(t, "saves", p.Saves.Amount, 730*2.8*0.1)
}

func TestNothingIsProposedWithoutKnownDemand(t *testing.T) {
	const v1 = "aws-user-personalization"
	unread := endpoint(model.Campaign, "unread", v1, 9, 0, billing.Saving{})
	unread.Usage = nil
	gaps := func(name string) Endpoint {
		e := endpoint(model.Campaign, name, v1, 5, 0.1, billing.Saving{Observed: rules.Load{Hours: 300, Known: 299}})
		e.Resource.Version = "arn:aws:personalize:us-east-1:123456789012:solution/shared/1"
		return e
	}
	young := endpoint(model.Campaign, "young", v1, 5, 0.1, billing.Saving{Observed: rules.Load{Hours: week - 1, Known: week - 1}})
	inDoubt := endpoint(model.Campaign, "doubt", "aws-new-recipe", 5, 0.1, none(0.1))
	if list := of(pricing.Builtin(), unread, gaps("a"), gaps("b"), young, inDoubt); len(list) > 0 {
		t.Errorf("%+v", list)
	}
}

func TestBatchIsComparedWithTheMinimum(t *testing.T) {
	for _, c := range []struct {
		name   string
		e      Endpoint
		amount float64 // 0: not proposed
	}{
		// A minimum of 1 costs 146 a month; 1,697,674 requests cost as much by batch: 0.646 TPS.
		{"below", endpoint(model.Campaign, "c", "aws-sims", 1, 0.64, none(0.6)), 146 - 0.64*2628*0.086},
		{"above", endpoint(model.Campaign, "c", "aws-sims", 1, 0.65, none(0.6)), 0},
		{"a lower minimum is proposed as well: what is left", endpoint(model.Campaign, "c", "aws-sims", 3, 0.5, stepDown(1, 1460, 0)), 146 - 0.5*2628*0.086},
		{"demand above the minimum", endpoint(model.Campaign, "c", "aws-sims", 1, 5, none(5)), 0},
		{"never called", endpoint(model.Campaign, "c", "aws-sims", 1, 0, none(0)), 0},
		{"idle", endpoint(model.Campaign, "c", "aws-sims", 1, 0.1, idle(model.Campaign)), 0},
		{"a recipe without batch", endpoint(model.Campaign, "c", "aws-trending-now", 1, 0.1, none(0.1)), 0},
		{"a recommender", endpoint(model.Recommender, "c", "aws-ecomm-x", 1, 0.1, none(0.1)), 0},
	} {
		found := false
		for _, p := range of(pricing.Builtin(), c.e) {
			if p.Kind == Batch {
				found = true
				near(t, c.name, p.Saves.Amount, c.amount)
				if p.Command != "" || p.Risk != High || p.Sure != Low {
					t.Errorf("%s: %+v", c.name, p)
				}
			}
		}
		if found != (c.amount > 0) {
			t.Errorf("%s: proposed %v", c.name, found)
		}
	}
}

func TestSeveralCampaignsOfASolutionCouldBeOne(t *testing.T) {
	of2 := func(name string, minimum int, used, lowest float64, s billing.Saving) Endpoint {
		s.Observed = known(lowest)
		e := endpoint(model.Campaign, name, "aws-user-personalization", minimum, used, s)
		e.Resource.Version = "arn:aws:personalize:us-east-1:123456789012:solution/shop/" + name
		return e
	}
	list := of(pricing.Builtin(), of2("a", 2, 0.6, 0.6, none(0)), of2("b", 1, 0.7, 0.7, none(0)), of2("c", 4, 3.9, 3.9, stepDown(3, 73, 0)))
	var p Proposal
	for _, one := range list {
		switch one.Kind {
		case OneCampaign:
			p = one
		case Batch:
			t.Errorf("the saving of %s is counted twice", one.Name)
		}
	}
	// Apart max(2, 0.6) + max(1, 0.7) + max(3, 3.9); together max(5, 5.2).
	if p.What != "serve a and b and c with one campaign" || p.Name != "shop" || p.ARN != "arn:aws:personalize:us-east-1:123456789012:solution/shop" || p.Command != "" {
		t.Errorf("%+v", p)
	}
	near(t, "TPS-hours", p.Saves.TPSHours, (2+1+3.9-5.2)*730)
	near(t, "money", p.Saves.Amount, (2+1+3.9-5.2)*730*0.2)
	for _, p := range of(pricing.Builtin(), of2("a", 2, 2, 2, none(0)), of2("b", 1, 1.4, 1.4, none(0))) {
		if p.Kind == OneCampaign {
			t.Errorf("one would save nothing: %+v", p)
		}
	}
	for _, p := range of(pricing.Builtin(), of2("a", 2, 0.6, 0.6, none(0)), of2("idle", 1, 0, 0, idle(model.Campaign))) {
		if p.Kind == OneCampaign {
			t.Errorf("one of the two is to be deleted: %+v", p)
		}
	}
}

// Campaigns that are pinned to different versions of a solution may compare them.
func TestOneCampaignInsteadOfSeveralVersions(t *testing.T) {
	serving := func(name, version string, follows bool) Endpoint {
		s := none(0)
		s.Observed = known(0.6)
		e := endpoint(model.Campaign, name, "aws-user-personalization", 2, 0.6, s)
		e.Resource.Version, e.Resource.AutoSync = "arn:aws:personalize:us-east-1:123456789012:solution/shop/"+version, follows
		return e
	}
	const note = "they serve 2 different solution versions, perhaps to compare them, and one campaign serves one"
	for _, c := range []struct {
		name    string
		group   []Endpoint
		differs bool
	}{
		{"the same version", []Endpoint{serving("a", "v1", false), serving("b", "v1", false)}, false},
		{"two versions", []Endpoint{serving("a", "v1", false), serving("b", "v2", false)}, true},
		{"two versions of three campaigns", []Endpoint{serving("a", "v1", false), serving("b", "v2", false), serving("c", "v1", false)}, true},
		{"both follow each new version, one is still behind", []Endpoint{serving("a", "v1", true), serving("b", "v2", true)}, false},
		{"one follows, and one is pinned to the same version", []Endpoint{serving("a", "v2", true), serving("b", "v2", false)}, false},
		{"one follows, and one is pinned to an older version", []Endpoint{serving("a", "v2", true), serving("b", "v1", false)}, true},
	} {
		var found []Proposal
		for _, p := range of(pricing.Builtin(), c.group...) {
			if p.Kind == OneCampaign {
				found = append(found, p)
			}
		}
		p, risk := only(t, found), Medium
		if c.differs {
			risk = High
		}
		if p.Risk != risk || strings.Contains(p.Why, note) != c.differs || strings.Contains(p.Why, "different") != c.differs {
			t.Errorf("%s: risk %s: %s", c.name, p.Risk, p.Why)
		}
	}
}

// Before a campaign existed it had no demand, which is no saving of one campaign.
func TestCampaignsAreComparedInTheHoursThatAllHave(t *testing.T) {
	young := endpoint(model.Campaign, "young", "aws-sims", 4, 4, none(1))
	old := endpoint(model.Campaign, "old", "aws-sims", 4, 4, none(1))
	young.Resource.Version, old.Resource.Version = "arn:aws:personalize:us-east-1:123456789012:solution/shop/1", "arn:aws:personalize:us-east-1:123456789012:solution/shop/1"
	var before []billing.Hour
	for i := range week {
		before = append(before, billing.Hour{Start: start.Add(time.Duration(i-week) * time.Hour), Provisioned: 4, Actual: 4, Paid: 4, Used: 4})
	}
	old.Hours = append(before, old.Hours...)
	for _, p := range of(pricing.Builtin(), old, young) {
		if p.Kind == OneCampaign {
			t.Errorf("both use all they pay for: %+v", p)
		}
	}
}

func TestProposalsAreRankedByMoney(t *testing.T) {
	unpriced := func(name string, perMonth float64) Endpoint {
		s := idle(model.Campaign)
		s.PerMonth = perMonth
		return endpointIn(pricing.Table{}, model.Campaign, name, "aws-sims", 9, 0, s)
	}
	list := of(pricing.Builtin(),
		unpriced("little", 100), endpoint(model.Campaign, "second", "aws-sims", 1, 0, idle(model.Campaign)), unpriced("much", 9000),
		endpoint(model.Recommender, "first", "aws-vod-x", 1, 0, idle(model.Recommender)))
	var names []string
	for i, p := range list {
		names = append(names, p.Name)
		if p.Rank != i+1 || (p.Saves.Amount == nil) != (i > 1) || (p.Saves.Currency == "") != (i > 1) {
			t.Errorf("%+v", p)
		}
	}
	if got := strings.Join(names, " "); got != "first second much little" {
		t.Errorf("order %s", got)
	}
	sum := Sum(list)
	if len(sum) != 1 || sum[0].Currency != "USD" {
		t.Fatalf("sum %+v", sum)
	}
	near(t, "sum", &sum[0].Amount, 146+273.75)
}

func TestTrainingIsPausedWhereNothingUsesIt(t *testing.T) {
	solution := func(name string) string { return "arn:aws:personalize:us-east-1:123456789012:solution/" + name }
	finding := func(kind training.Kind, name string, hours *float64, command string) training.Finding {
		f := training.Finding{Kind: kind, ARN: solution(name), Name: name, Region: "us-east-1", Hours: hours, Sentence: "why " + name, Command: command}
		if name == "v1" {
			f.Estimate = pricing.Estimate{Amount: new(*hours * 0.24), Currency: "USD"}
		}
		return f
	}
	report := &training.Report{
		Solutions: []training.Summary{{ARN: solution("unknown")}, {ARN: solution("unserved"), Campaigns: []string{}}},
		Findings: []training.Finding{
			finding(training.Unserved, "v1", new(72.0), training.PauseCommand(solution("v1"))),
			finding(training.TrainedTwice, "v1", new(10.0), training.PauseCommand(solution("v1"))),
			finding(training.Unserved, "v2", new(36.0), training.PauseCommand(solution("v2"))),
			finding(training.Failing, "unknown", nil, training.PauseCommand(solution("unknown"))),
			finding(training.Failing, "unserved", nil, training.PauseCommand(solution("unserved"))),
			finding(training.NewerVersion, "other", new(99.0), "aws personalize update-campaign"),
			finding(training.UnusedGroup, "group", nil, ""),
		},
	}
	list := Of(nil, report, pricing.NewBill(nil), pricing.Builtin())
	if len(list) != 4 {
		t.Fatalf("%+v", list)
	}
	for i, want := range []struct {
		name   string
		hours  float64
		amount float64
		risk   Level
	}{{"v1", 72 * 730 / 720.0, 72 * 730 / 720.0 * 0.24, Low}, {"v2", 36 * 730 / 720.0, 0, Low}, {"unknown", 0, 0, Medium}, {"unserved", 0, 0, Low}} {
		p := list[i]
		if p.Name != want.name || p.Kind != PauseTraining || p.Why != "why "+want.name || p.Risk != want.risk || p.Sure != Medium ||
			p.Command != "personalize-monitor pause-training "+solution(want.name) {
			t.Errorf("%+v", p)
		}
		if want.hours > 0 {
			near(t, want.name+": hours", p.Saves.TrainingHours, want.hours)
		} else if p.Saves.TrainingHours != nil {
			t.Errorf("%s: hours that are not known: %v", want.name, *p.Saves.TrainingHours)
		}
		if want.amount > 0 {
			near(t, want.name+": money", p.Saves.Amount, want.amount)
		} else if p.Saves.Amount != nil {
			t.Errorf("%s: money that is not known: %v", want.name, *p.Saves.Amount)
		}
	}
}

func TestSummary(t *testing.T) {
	do := func(n int, amount *float64) []Proposal {
		var list []Proposal
		for i := range n {
			list = append(list, Proposal{What: "do " + string(rune('a'+i)), Command: "x", Saves: Saving{Amount: amount, Currency: "USD"}})
		}
		return list
	}
	usd := []model.Money{{Currency: "USD", Amount: 4812.334}}
	for _, c := range []struct {
		name string
		f    Summary
		want string
	}{
		{
			"everything",
			Summary{
				Period: "November so far", Spent: usd, Endpoints: 13, Idle: 2, Training: &Training{Hours: 41.54, NeverServed: new(12.0)},
				Do: append([]Proposal{{What: "no command does it"}}, do(4, new(100.5))...),
			},
			"November so far: USD 4,812.33 (estimate). 13 endpoints (2 idle), 41.5 training hours in 30 days of which 12.0 were never served. " +
				"Do these three things: do a; do b; do c; saves USD 301.50 a month.",
		},
		{"one thing", Summary{Period: "14 days", Spent: usd, Endpoints: 1, Do: do(1, new(1.0))}, "14 days: USD 4,812.33 (estimate). 1 endpoint (0 idle). Do this: do a; saves USD 1.00 a month."},
		{
			"unknown parts",
			Summary{Period: "14 days", Spent: usd, Unknown: 3, Endpoints: 9, Training: &Training{Hours: 1}, Do: do(2, nil)},
			"14 days: USD 4,812.33 (estimate, without 3 of 9 endpoints). 9 endpoints (0 idle), 1.0 training hours in 30 days of which it is unknown how many were served. " +
				"Do these two things: do a; do b.",
		},
		{
			"a part of the training in the past",
			Summary{Period: "October 2026", Spent: usd, Endpoints: 1, Training: &Training{Hours: 2, NeverServed: new(1.0), Partial: true}},
			"October 2026: USD 4,812.33 (estimate). 1 endpoint (0 idle), at least 2.0 training hours in the last 30 days of which at least 1.0 were never served.",
		},
		{"no price at all", Summary{Period: "14 days", Unknown: 9, Endpoints: 9, Do: []Proposal{}}, "14 days: the cost is not known. 9 endpoints (0 idle). Nothing to do."},
		{
			"not everything could be read",
			Summary{Period: "14 days", Spent: usd, Endpoints: 2, Accounts: 3, AccountsUnread: 1, Gaps: []string{"some campaigns in eu-west-1"}, Do: []Proposal{}},
			"14 days: USD 4,812.33 (estimate, without 1 of 3 accounts, without some campaigns in eu-west-1). 2 endpoints (0 idle). Nothing to do in what could be read.",
		},
		{"two currencies", Summary{Period: "14 days", Spent: []model.Money{{Currency: "CNY", Amount: 1}, {Currency: "USD", Amount: 2}}, Endpoints: 2}, "14 days: CNY 1.00 and USD 2.00 (estimate). 2 endpoints (0 idle)."},
		{
			"part of the saving is known",
			Summary{Period: "14 days", Spent: usd, Endpoints: 2, Do: append(do(1, nil), do(1, new(2.0))...)},
			"14 days: USD 4,812.33 (estimate). 2 endpoints (0 idle). Do these two things: do a; do a; saves USD 2.00 a month, and what 1 of them saves is not known.",
		},
	} {
		c.f.TrainingCost = &TrainingCost{}
		if got := SummaryOf(c.f).Text; got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

func TestSummaryOfWhatTrainingCost(t *testing.T) {
	endpoint := Summary{Period: "14 days", Spent: []model.Money{{Currency: "USD", Amount: 7}}, Endpoints: 1}
	for _, c := range []struct {
		name string
		f    Summary
		cost *TrainingCost
		want string
	}{
		{"not known", endpoint, nil, "14 days: USD 7.00 (estimate, without training). 1 endpoint (0 idle)."},
		{"none", endpoint, &TrainingCost{}, "14 days: USD 7.00 (estimate). 1 endpoint (0 idle)."},
		{"some", endpoint, &TrainingCost{Spent: []model.Money{{Currency: "USD", Amount: 1.5}}}, "14 days: USD 7.00 (estimate), and USD 1.50 for training. 1 endpoint (0 idle)."},
		{
			"a part of it", endpoint, &TrainingCost{[]model.Money{{Currency: "USD", Amount: 1.5}}, 2},
			"14 days: USD 7.00 (estimate), and USD 1.50 for training (without that of 2 solutions). 1 endpoint (0 idle).",
		},
		{"at unknown cost", endpoint, &TrainingCost{Unknown: 1}, "14 days: USD 7.00 (estimate), and the training of 1 solution at unknown cost. 1 endpoint (0 idle)."},
		{
			"without an endpoint",
			Summary{Period: "14 days"},
			&TrainingCost{Spent: []model.Money{{Currency: "USD", Amount: 1.5}}},
			"14 days: no endpoint, and USD 1.50 for training. 0 endpoints (0 idle).",
		},
	} {
		c.f.TrainingCost = c.cost
		if got := SummaryOf(c.f).Text; got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}
