package webstory

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/advice"
	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/savings"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
)

// Names lists the stories.
func Names() []string { return []string{"shop", "start", "failing", "large"} }

// Snapshot returns the snapshot of a story: an ordinary day of a shop, a daemon that has just started, a daemon whose cycles fail,
// or thousands of resources. It is not ok for any other name.
func Snapshot(name string) (s web.Snapshot, ok bool) {
	switch name {
	case "shop":
		return shop(), true
	case "start":
		return web.Snapshot{Snapshot: serve.Snapshot{Version: 1, Status: serve.Status{Region: Region, Started: Now.Add(-time.Minute), Recorded: Now.Add(-time.Minute)}}}, true
	case "failing":
		return failing(), true
	case "large":
		return large(5000), true
	}
	return web.Snapshot{}, false
}

// The resources of the shop.
const (
	HomePage     = "arn:aws:personalize:us-east-1:123456789012:campaign/shop-home-page"
	SimilarItems = "arn:aws:personalize:us-east-1:123456789012:campaign/shop-similar-items"
	Ranking      = "arn:aws:personalize:us-east-1:123456789012:campaign/shop-search-ranking"
	SpringSale   = "arn:aws:personalize:us-east-1:123456789012:campaign/shop-spring-sale"
	ForYou       = "arn:aws:personalize:us-east-1:123456789012:recommender/shop-recommended-for-you"
	Popular      = "arn:aws:personalize:us-east-1:123456789012:recommender/shop-popular-items"
	HomeRows     = "arn:aws:personalize:eu-west-1:123456789012:campaign/video-home-rows"
	NextAction   = "arn:aws:personalize:eu-west-1:123456789012:campaign/video-next-best-action"
	TopPicks     = "arn:aws:personalize:eu-west-1:123456789012:recommender/video-top-picks"
	Trailers     = "arn:aws:personalize:eu-west-1:123456789012:campaign/video-trailers" // of the story of failed reads alone
)

var characters = map[string]character{
	HomePage:     {mean: 42, swing: 17, min: 20, before: 20, since: Now.Add(-400 * time.Hour)},
	SimilarItems: {mean: 10, swing: 4, min: 30, before: 40, since: Now.Add(-52 * time.Hour)},
	Ranking:      {mean: 14, swing: 2, min: 10, before: 10, since: Now.Add(-400 * time.Hour)},
	SpringSale:   {mean: 6, swing: 2, min: 1, before: 4, since: Now.Add(-200 * time.Hour), silent: Now.Add(-120 * time.Hour)},
	ForYou:       {mean: 3, swing: 1, min: 12, before: 12, since: Now.Add(-400 * time.Hour)},
	HomeRows:     {mean: 16, swing: 8, min: 5, before: 5, since: Now.Add(-400 * time.Hour)},
	TopPicks:     {mean: 2.4, swing: 1.2, min: 8, before: 11, since: Now.Add(-130 * time.Hour)},
	Trailers:     {mean: 4, swing: 1, min: 2, before: 2, since: Now.Add(-400 * time.Hour), broken: Now.Add(-30 * time.Hour)},
}

// resource returns a resource of the shop.
func resource(arn, group, recipe string, minTPS int) model.Resource {
	parsed, kind, err := model.ParseResourceARN(arn)
	if err != nil {
		panic("webstory: " + err.Error()) // a constant of this package
	}
	groupARN := parsed
	groupARN = groupARN.WithResource("dataset-group/" + group)
	return model.Resource{
		ARN: parsed, Kind: kind, Name: parsed.Name(), DatasetGroup: groupARN, Recipe: recipe, Status: model.StatusActive,
		MinTPS: minTPS, Created: Now.Add(-60 * 24 * time.Hour), LastUpdated: Now.Add(-52 * time.Hour), Observed: Now, Described: true,
	}
}

// shop is the story of an ordinary day.
func shop() web.Snapshot {
	popular := resource(Popular, "online-shop", "aws-ecomm-popular-items-by-views", 1)
	popular.Status = model.StatusInactive
	s := web.Snapshot{Snapshot: serve.Snapshot{
		Version: 7,
		Status: serve.Status{
			Region: Region, Started: Now.Add(-30 * time.Hour), Recorded: Now.Add(-30 * time.Hour), AutoAdjust: model.On, AutoStop: model.Off,
			LastCycle: Now.Add(-150 * time.Second), LastSuccess: Now.Add(-150 * time.Second), NextCycle: Now.Add(150 * time.Second),
		},
		Alarms: serve.AlarmsSeen{Known: true}, Others: []model.Resource{popular},
		Resources: []model.Resource{
			resource(HomeRows, "video-service", "aws-user-personalization-v2", 5),
			resource(NextAction, "video-service", "aws-next-best-action", 4),
			resource(TopPicks, "video-service", "aws-vod-top-picks", 8),
			resource(HomePage, "online-shop", "aws-user-personalization-v2", 20),
			resource(Ranking, "online-shop", "aws-personalized-ranking-v2", 10),
			resource(SimilarItems, "online-shop", "aws-similar-items", 30),
			resource(SpringSale, "online-shop", "aws-user-personalization", 1),
			resource(ForYou, "online-shop", "aws-ecomm-recommended-for-you", 12),
		},
	}}
	s.Result = resultOf(s.Resources)
	s.Checks = checks()
	s.Alarms.List = alarmsOf(s.Resources)
	ledger := ledgerOf(s.Resources)
	ledger.Keep()
	s.Ledger = &ledger
	s.Audits, s.Entries = audits(), entries()
	s.Saved = savedOf()
	s.Tags = map[string]map[string]string{HomePage: {schedule.Tag: "base=20 tz=Europe/Berlin mon-fri@17:00-22:00=45 sat-sun@10:00-22:00=60"}}
	return s
}

// resultOf returns the result of a cycle over the resources.
func resultOf(resources []model.Resource) report.Result {
	end := Now.Add(-150 * time.Second).Truncate(5 * time.Minute)
	result := report.Result{
		Window: model.Window{Start: end.Add(-5 * time.Minute), End: end}, MetricsPublished: 3*len(resources) + 1, DurationMs: 1840,
		Calls: map[string]int{"cloudwatch.GetMetricData": 2, "personalize.ListCampaigns": 2},
	}
	for _, r := range resources {
		one := report.Resource{
			Subject: report.SubjectOf(r), Decision: rules.None, Reason: "not due: its hourly checks are made at minute 35",
		}
		if c, ok := characters[one.ARN]; ok {
			average := c.rate(result.Window.Start)
			utilization := average / float64(r.MinTPS) * 100
			one.Average, one.Utilization = &average, &utilization
		} else {
			one.Invisible = true
			one.Reason = "traffic of recipe aws-next-best-action cannot be seen: there are no GetActionRecommendations data"
		}
		result.Resources = append(result.Resources, one)
	}
	return result
}

func checks() map[string]serve.Check {
	at := Now.Add(-32 * time.Minute)
	return map[string]serve.Check{
		HomePage:     {Time: at, Decision: rules.None, Codes: []rules.ReasonCode{rules.ReasonInUse, rules.ReasonKept}, Reason: "kept at 20: lowest hour averaged 23.7 TPS over 336 hours"},
		SimilarItems: {Time: at, Decision: rules.StepDown, NewMin: 22, Reason: "step down from 30 to 22: lowest hour averaged 5.8 TPS over 336 hours", Outcome: events.OutcomeAsked},
		Ranking:      {Time: at, Decision: rules.None, Codes: []rules.ReasonCode{rules.ReasonInUse, rules.ReasonKept}, Reason: "kept at 10: lowest hour averaged 11.4 TPS over 336 hours"},
		SpringSale:   {Time: at, Decision: rules.None, Codes: []rules.ReasonCode{rules.ReasonOff, rules.ReasonAtLowest}, Reason: "idle 5 days; deleting is off (AutoDeleteOrStopIdleResources=No); its minimum is 1, the lowest there is"},
		ForYou: {
			Time: at, Decision: rules.Refused, Codes: []rules.ReasonCode{rules.ReasonOversized, rules.ReasonContested},
			Reason: "not stepped down from 12 to 9 (lowest level reached 3 times: 2.8 RPS (330 of 336 h known)): contested: somebody set the minimum " +
				"back to 12 RPS after a step-down, once in 63 days, last at about 2026-03-03 12:00; steps pause until 2026-03-04 12:00",
			Health: &rules.Load{Hours: 336, Known: 330, Unknown: "6 h unknown: 6 not watched (from 2026-03-01 04:00)"},
		},
		HomeRows: {Time: at, Decision: rules.None, Reason: "kept at 5: lowest hour averaged 7.9 TPS over 336 hours"},
		TopPicks: {Time: at, Decision: rules.StepDown, NewMin: 6, Reason: "step down from 8 to 6: lowest hour averaged 1.1 RPS over 336 hours", Outcome: events.OutcomeDone},
	}
}

func alarmsOf(resources []model.Resource) []serve.Alarm {
	var list []serve.Alarm
	for _, r := range resources {
		c, ok := characters[r.ARN.String()]
		if !ok {
			continue
		}
		low, idle := alarms.StateOK, alarms.StateOK
		if c.rate(Now) < c.min {
			low = alarms.StateAlarm
		}
		if !c.silent.IsZero() {
			idle = alarms.StateAlarm
		}
		list = append(list, alarm(r, alarms.LowUtilization, low, 26*time.Hour), alarm(r, alarms.Idle, idle, 96*time.Hour))
	}
	return list
}

// ledgerOf returns the report of 14 days.
func ledgerOf(resources []model.Resource) report.Ledger {
	end := Now.Truncate(time.Hour)
	l := report.Ledger{Window: model.Window{Start: end.Add(-14 * 24 * time.Hour), End: end}, Days: 14}
	prices := prices()
	for _, r := range resources {
		e := report.Entry{Subject: report.SubjectOf(r), Created: r.Created, Note: "its requests cannot be seen"}
		if c, ok := characters[e.ARN]; ok {
			e.Note = "lowest hour of 336 decides"
			e.Usage, e.Hourly = usageOf(c, l.Window)
			if e.Usage.TPSHours.Wasted > 500 {
				e.Saving = &billing.Saving{Action: rules.StepDown, NewMin: max(1, r.MinTPS/3)}
				e.Saving.TPSHours, e.Saving.PerMonth = e.Usage.Wasted*.7, e.Usage.Wasted*1.5
			}
			e.Proposal = &pricing.Proposal{Use: pricing.NewUse(prices, r, e.Hourly, e.Hourly, e.Usage.Hours)}
			if e.Saving != nil {
				lower := hoursAt(e.Hourly, float64(e.Saving.NewMin))
				e.Proposal.After = new(pricing.NewUse(prices, r, lower, lower, e.Usage.Hours))
			}
		}
		l.Resources = append(l.Resources, e)
	}
	l.Hourly, l.Resources = totals(l.Resources), report.Priced(l.Resources)
	advise(&l, resources, prices)
	l.Normalize()
	return l
}

// prices are made up, for one product in one region.
func prices() pricing.Table {
	return pricing.NewTable([]pricing.Price{{
		Region: Region, Product: pricing.Campaign, Tiers: []pricing.Tier{{PerTPSHour: 0.2}}, Currency: "USD", Date: "2026-02-01", Source: "made up",
	}}, nil, 0)
}

// advise fills in the recommendations.
func advise(l *report.Ledger, resources []model.Resource, prices pricing.Table) {
	byARN := map[string]model.Resource{}
	for _, r := range resources {
		byARN[r.ARN.String()] = r
	}
	var endpoints []advice.Endpoint
	for _, e := range l.Resources {
		one := advice.Endpoint{Resource: byARN[e.ARN], Usage: e.Usage, Priced: *cmp.Or(e.Proposal, &pricing.Proposal{})}
		if one.Saving.Action = rules.None; e.Saving != nil {
			one.Saving = *e.Saving
		}
		endpoints = append(endpoints, one)
	}
	l.Recommendations = advice.Of(endpoints, nil, report.BillOf(l.Resources), prices)
}

// hoursAt are hours as they would be with another minimum.
func hoursAt(hours []billing.Hour, minimum float64) []billing.Hour {
	list := slices.Clone(hours)
	for i, h := range list {
		list[i].Provisioned, list[i].Paid = minimum, max(minimum, h.Actual)
	}
	return list
}

// totals adds the hours of the resources of each kind. All resources have the same hours.
func totals(entries []report.Entry) map[model.Kind][]billing.Hour {
	sums := map[model.Kind][]billing.Hour{}
	for _, e := range entries {
		for i, h := range e.Hourly {
			if len(sums[e.Kind]) <= i {
				sums[e.Kind] = append(sums[e.Kind], billing.Hour{Start: h.Start})
			}
			sum := &sums[e.Kind][i]
			sum.Provisioned, sum.Actual, sum.Paid = sum.Provisioned+h.Provisioned, sum.Actual+h.Actual, sum.Paid+h.Paid
		}
	}
	return sums
}

func usageOf(c character, w model.Window) (*billing.Usage, []billing.Hour) {
	u := &billing.Usage{Window: w, Hours: w.End.Sub(w.Start).Hours(), MinKnown: 100}
	var hours []billing.Hour
	for at := w.Start; at.Before(w.End); at = at.Add(time.Hour) {
		h := billing.Hour{Start: at, Provisioned: c.minimum(at), Actual: c.rate(at)}
		h.Paid, h.Used = max(h.Provisioned, h.Actual), h.Actual
		u.TPSHours.Paid += h.Paid
		u.TPSHours.Used += h.Actual
		u.Peak = max(u.Peak, h.Actual*1.1)
		hours = append(hours, h)
	}
	u.TPSHours.Wasted = u.TPSHours.Paid - u.TPSHours.Used
	u.Requests = u.TPSHours.Used * 3600
	return u, hours
}

func audits() []events.Audit {
	record := func(arn string, ago time.Duration, action model.Action, outcome, reason string, before, after int) events.Audit {
		parsed, kind, err := model.ParseResourceARN(arn)
		if err != nil {
			panic("webstory: " + err.Error()) // a constant of this package
		}
		a := events.Audit{Time: Now.Add(-ago), ARN: arn, Kind: kind, Region: parsed.Region(), Action: action, Outcome: outcome, Automatic: true, Reason: reason, NewMinTPS: after}
		if before > 0 {
			a.Before = &events.Before{Name: parsed.Name(), Status: "ACTIVE", MinTPS: before}
		}
		return a
	}
	raised := record(HomePage, 29*time.Hour, model.ActionUpdate, events.OutcomeDone, "sale on Friday", 15, 20)
	raised.Automatic = false
	stepped := record(SimilarItems, 52*time.Hour, model.ActionUpdate, events.OutcomeDone, "step down from 40 to 30: lowest hour averaged 5.8 TPS over 336 hours", 40, 30)
	stepped.Restore = "personalize-monitor update-tps " + SimilarItems + " 40"
	return []events.Audit{
		record(SimilarItems, 32*time.Minute, model.ActionUpdate, events.OutcomeAsked, "step down from 30 to 22: lowest hour averaged 5.8 TPS over 336 hours", 0, 22),
		record(ForYou, 32*time.Minute, "", events.OutcomeRefused, "not stepped down: its latest update was 20 min ago, at least 45 min are needed", 0, 0),
		raised,
		record(Popular, 50*time.Hour, model.ActionStop, events.OutcomeDone, "no request in 31 h, IdleThresholdHours is 24", 3, 0),
		stepped,
		record(TopPicks, 130*time.Hour, model.ActionUpdate, events.OutcomeDone, "step down from 11 to 8: lowest hour averaged 1.1 RPS over 336 hours", 11, 8),
	}
}

func entries() []web.Entry {
	list := []web.Entry{
		{Time: Now.Add(-32 * time.Minute), Kind: web.EntryEvent, ARN: SimilarItems, Region: Region, Title: string(events.UpdateCampaign)},
		{Time: Now.Add(-50 * time.Hour), Kind: web.EntryEvent, ARN: Popular, Region: Region, Title: string(events.RecommenderStopped)},
		{Time: Now.Add(-26 * time.Hour), Kind: web.EntryAlarm, ARN: SimilarItems, Region: Region, Title: "PersonalizeMonitor-LowCampaignUtilization-shop-similar-items is in ALARM"},
		{Time: Now.Add(-3 * time.Hour), Kind: web.EntryProblem, Region: "eu-west-1", Title: "ListRecommenders", Text: "throttled; the last known copy was used"},
	}
	for i := range 24 {
		list = append(list, web.Entry{Time: Now.Add(-time.Duration(i)*5*time.Minute - 150*time.Second), Kind: web.EntryCycle, Title: "cycle over 8 resources", Text: "25 metrics published, 2 decisions, 1 event, no problem, in 1.8 s"})
	}
	return list
}

// failing is the story of failed reads. Its texts have markup that the page must escape.
func failing() web.Snapshot {
	s := shop()
	s.Status.LastError = "nothing could be measured: ListCampaigns us-east-1: AccessDeniedException: not authorized to perform personalize:ListCampaigns"
	s.Ledger, s.LedgerErr = nil, "ListCampaigns us-east-1: access denied"
	s.Alarms = serve.AlarmsSeen{}
	s.Result.DataLate = []rules.LateRegion{{
		Region: "us-east-1", Reason: "CloudWatch data are late: the newest of our own metrics is of 2026-03-04 08:55 UTC, 3 h ago; at most 20 min are accepted", Refused: 2,
	}}
	s.Result.Problems = []model.Problem{
		{Region: "eu-west-1", Operation: "ListRecommenders", Err: errors.New("ThrottlingException: Rate exceeded")},
		{ARN: ForYou, Region: Region, Operation: "GetMetricData", Err: errors.New(`<script>alert("x")</script> & 'quotes'`)},
	}
	trailers := resource(Trailers, "video-service", "aws-user-personalization-v2", 2)
	s.Resources = append(s.Resources, trailers)
	zero := 0.0
	s.Result.Resources = append(s.Result.Resources, report.Resource{Subject: report.SubjectOf(trailers), Average: &zero, Utilization: &zero})
	s.Checks[Trailers] = serve.Check{
		Time: Now.Add(-20 * time.Minute), Decision: rules.None, Codes: []rules.ReasonCode{rules.ReasonFailing, rules.ReasonUnconfirmed},
		Reason: "broken, not idle: all its 345,600 requests in the last 24 h failed",
	}
	for i := range s.Result.Resources {
		if s.Result.Resources[i].ARN == ForYou {
			s.Result.Resources[i].Average, s.Result.Resources[i].Utilization = nil, nil
			s.Result.Resources[i].Reason = `nothing is decided: <img src=x onerror=alert(1)>`
		}
	}
	return s
}

// large is the story of n more resources.
func large(n int) web.Snapshot {
	s := shop()
	for i := range n {
		r := resource(fmt.Sprintf("arn:aws:personalize:us-west-2:123456789012:campaign/many-%05d", i), fmt.Sprintf("group-%03d", i/5), "aws-user-personalization-v2", 1+i%40)
		average := float64(i%57) / 2
		utilization := average / float64(r.MinTPS) * 100
		s.Resources = append(s.Resources, r)
		s.Result.Resources = append(s.Result.Resources, report.Resource{
			Subject: report.SubjectOf(r), Average: &average, Utilization: &utilization, Checked: true, Decision: rules.None, Reason: "kept",
		})
	}
	ledger := ledgerOf(s.Resources)
	for i := range ledger.Resources { // each has some traffic and something to save
		e := &ledger.Resources[i]
		if _, ok := characters[e.ARN]; ok {
			continue
		}
		c := character{mean: float64(e.Min) / 3, swing: 1, min: float64(e.Min), before: float64(e.Min)}
		e.Usage, e.Hourly = usageOf(c, model.NewWindow(ledger.Window.End.Add(-72*time.Hour), ledger.Window.End))
		e.Note = "lowest hour of 72 decides"
		if e.Min > 2 {
			e.Saving = &billing.Saving{Action: rules.StepDown, NewMin: e.Min - 1}
			e.Saving.PerMonth = 730
		}
	}
	advise(&ledger, s.Resources, prices())
	ledger.Normalize()
	ledger.Keep()
	s.Ledger = &ledger
	return s
}

func nameOf(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

// UpdateTo is an update in progress to a minimum.
func UpdateTo(minimum int) *model.Update {
	return &model.Update{Status: "UPDATE IN_PROGRESS", MinTPS: minimum, Created: Now.Add(-time.Minute), Changed: Now}
}

// savedOf is a ledger of savings with a step that saves, and a stop of which nothing is known.
func savedOf() *report.Saved {
	step, until := Now.Add(-26*time.Hour), Now.Truncate(time.Hour)
	amount := savings.Amount{TPSHours: new(208.0), Hours: 26}
	unknown := savings.Amount{UnknownHours: 20}
	money := model.Money{Currency: "USD", Amount: 41.6}
	month := until.Format("2006-01")
	return &report.Saved{Records: 2, Ledger: savings.Ledger{
		Until: until, FineFrom: until.Add(-63 * 24 * time.Hour),
		Actions: []savings.Action{
			{
				Time: step, ARN: SimilarItems, Kind: model.Campaign, Name: "shop-similar-items", Region: Region, Action: model.ActionUpdate,
				Automatic: true, From: 38, To: 30, Left: 8, State: savings.InEffect, Amount: amount, Estimate: &money,
				PromisedPerMonth: new(5840.0), AchievedPerMonth: new(5840.0), Months: []savings.Month{{Month: month, Amount: amount, Estimate: &money}},
			},
			{
				Time: step.Add(6 * time.Hour), ARN: Popular, Kind: model.Recommender, Name: "shop-popular", Region: Region, Action: model.ActionStop,
				From: 1, State: savings.Unverified, Amount: unknown, Months: []savings.Month{{Month: month, Amount: unknown}},
			},
		},
		Months: []savings.MonthOf{
			{Month: month, Action: model.ActionStop, Sum: savings.Sum{Actions: 1, Amount: unknown, Unpriced: 1}},
			{Month: month, Action: model.ActionUpdate, Sum: savings.Sum{Actions: 1, Amount: amount, Estimates: []model.Money{money}}},
		},
		Total: savings.Sum{
			Actions: 2, Amount: savings.Amount{TPSHours: new(208.0), Hours: 26, UnknownHours: 20}, Estimates: []model.Money{money}, Unpriced: 1,
		},
	}}
}
