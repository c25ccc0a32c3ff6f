package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/personalize-monitor/personalize-monitor/internal/advice"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
	"github.com/personalize-monitor/personalize-monitor/internal/whatif"
)

func utilization(mean, p50, p95, lowest, highest float64) billing.Utilization {
	return billing.Utilization{Mean: &mean, P50: &p50, P95: &p95, LowestHour: &lowest, HighestHour: &highest}
}

// trainingOf has a solution that is trained and not served, one that fails, a dataset group that
// nothing uses, and a region that could not be read.
func trainingOf(now time.Time) *training.Report {
	const prefix = "arn:aws:personalize:us-east-1:123456789012:"
	day := func(n int) time.Time { return now.AddDate(0, 0, -n) }
	version := func(solution string, n int, status model.Status, hours *float64) training.Version {
		v := training.Version{
			ARN: prefix + "solution/" + solution + "/" + strconv.Itoa(n), Status: status, Automatic: new(true), Created: day(n), Updated: day(n), Hours: hours,
		}
		if hours == nil {
			v.FailureReason = "no data"
		}
		return v
	}
	solution := func(name string, automatic *bool, versions ...training.Version) training.Solution {
		return training.Solution{
			ARN: prefix + "solution/" + name, Name: name, Group: prefix + "dataset-group/shop", Recipe: "aws-sims", Created: day(90), Versions: versions,
			Automatic: automatic, Schedule: "rate(7 days)",
		}
	}
	r := training.Analyze([]training.Facts{
		{
			Region: "us-east-1", Known: training.Known{Groups: true, Solutions: true, Versions: true, Jobs: true, Trackers: true, Campaigns: true, Recommenders: true},
			Groups: []training.DatasetGroup{
				{ARN: prefix + "dataset-group/shop", Name: "shop", Created: day(90)}, {ARN: prefix + "dataset-group/test", Name: "test", Created: day(300)},
			},
			Solutions: []training.Solution{
				solution("gifts", new(true), version("gifts", 3, model.StatusActive, new(2.5)), version("gifts", 10, model.StatusActive, new(2.25))),
				solution("broken", nil, version("broken", 3, "CREATE FAILED", nil), version("broken", 20, "CREATE FAILED", nil)),
				solution("quiet", nil, version("quiet", 60, model.StatusActive, nil)),
			},
			Jobs: []training.BatchJob{{Version: prefix + "solution/broken/60", Created: day(2)}},
		},
		{Region: "eu-west-1"},
	}, pricing.Builtin(), now)
	return &r
}

// ledgerOf has a resource of every sort.
func ledgerOf() Ledger {
	end := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	span := model.NewWindow(end.Add(-48*time.Hour), end)
	resource := func(kind model.Kind, region, name, recipe string, minimum int) model.Resource {
		return model.Resource{
			ARN:  model.NewARN("aws", "personalize", region, "123456789012", string(kind)+"/"+name),
			Kind: kind, Name: name, Recipe: recipe, Status: model.StatusActive, MinTPS: minimum,
			Created:      end.Add(-90 * 24 * time.Hour),
			DatasetGroup: model.NewARN("aws", "personalize", region, "123456789012", "dataset-group/shop"),
		}
	}
	usage := func(paid, used, known float64, idleSince time.Time) billing.Metered {
		idle := 3.25
		u := billing.Metered{Readable: true, Usage: billing.Usage{
			Window: span, Hours: 48, MinKnown: known / 48 * 100, Requests: used * 3600,
			Throughput: billing.Throughput{
				Provisioned: paid / 48, Actual: used / 48, Peak: used / 20,
				Utilization: utilization(used/paid*100, used/paid*90, used/paid*150, 1.25, 88.8),
			},
			IdleHours: &idle, TPSHours: billing.TPSHours{Paid: paid, Used: used, Wasted: paid - used},
		}}
		if !idleSince.IsZero() {
			u.IdleSince = &idleSince
		}
		for i := range 48 {
			u.Hourly = append(u.Hourly, billing.Hour{Start: span.Start.Add(time.Duration(i) * time.Hour), Provisioned: paid / 48, Actual: used / 48 * float64(i%3), Paid: paid / 48, Used: used / 48 * float64(i%3)})
		}
		return u
	}
	price := func(region string, product pricing.Product, currency, source string, tiers ...pricing.Tier) pricing.Price {
		return pricing.Price{Region: region, Product: product, Tiers: tiers, Currency: currency, Date: "2026-02-01", Source: source, Confidence: pricing.Given}
	}
	prices := pricing.NewTable([]pricing.Price{
		price("us-east-1", pricing.Campaign, "USD", "bill of January", pricing.Tier{UpTo: 10_000, PerTPSHour: 0.25}, pricing.Tier{PerTPSHour: 0.125}),
		price("cn-north-1", pricing.Recommender, "CNY", "bill of January", pricing.Tier{PerTPSHour: 1.5}),
		price("us-west-2", pricing.Campaign, "USD", "not used", pricing.Tier{PerTPSHour: 9}),
	}, nil, 0)
	lunch := &whatif.Proposal{
		Schedule: schedule.Schedule{Base: 5, Lead: schedule.DefaultLead, Rules: []schedule.Rule{{Days: schedule.Daily, From: 720, Until: 840, Level: 24}}},
		Base:     billing.Trial{Hours: 336, TPSHours: 2000, Used: 1990, Cold: billing.ColdSteps{Cold: 14, Known: 4000, Steps: 4032}},
		With:     billing.Trial{Hours: 336, TPSHours: 2050, Used: 1990, Cold: billing.ColdSteps{Cold: 1, Known: 4000, Steps: 4032}},
	}
	entry := func(r model.Resource, u billing.Metered, s billing.Saving) Entry {
		at := func(minimum float64) []billing.Hour {
			hours := slices.Clone(u.Hourly)
			for i := range hours {
				hours[i].Provisioned, hours[i].Paid = minimum, max(minimum, hours[i].Actual)
			}
			return hours
		}
		p := pricing.Proposal{Use: pricing.NewUse(prices, r, u.Hourly, at(float64(r.MinTPS)), 48)}
		switch {
		case s.NewMin > 0:
			p.After = new(pricing.NewUse(prices, r, at(float64(s.NewMin)), at(float64(s.NewMin)), 48))
		case s.Action != rules.None:
			p.After = new(pricing.NewUse(prices, r, nil, nil, 48))
		}
		switch s.Action {
		case rules.StepDown:
			return EntryOf(r, u, s, p, lunch, "")
		case rules.Stop:
			return EntryOf(r, u, s, p, nil, "no schedule: too little of the demand is known")
		}
		return EntryOf(r, u, s, p, nil, "")
	}
	noUtilization := usage(10, 0, 48, span.Start)
	noUtilization.Utilization = billing.Utilization{}
	noUtilization.Assumption = "its past minimum could not be read"
	together := billing.Throughput{
		Provisioned: 43.208, Actual: 12.031, Peak: 33.75,
		Utilization: utilization(27.845, 25, 41.5, 1.25, 77.7),
	}
	cold := &billing.ColdExposure{
		Then: billing.ColdSteps{Cold: 15, Known: 4000, Steps: 4032, PerWeek: num(7.5), Worst: &billing.Surge{At: end.Add(-26 * time.Hour), From: 2, To: 24.02}},
		Now:  billing.ColdSteps{Cold: 1, Known: 4000, Steps: 4032, PerWeek: num(0.5)}, Risk: billing.RiskHigh,
	}
	hostile := resource(model.Campaign, "eu-west-1", `</script><b>"x" & y`, "aws-user-personalization-v2", 2)
	l := Ledger{
		Window: span, Days: 2, Totals: Totals{Throughput: &together}, Training: trainingOf(end), TrainingCost: &advice.TrainingCost{Spent: []model.Money{{Currency: "USD", Amount: 1.14}}, Unknown: 1},
		Resources: []Entry{
			entry(resource(model.Campaign, "us-east-1", "home", "aws-user-personalization", 40), usage(1920, 480.5, 24, time.Time{}),
				billing.Saving{Action: rules.StepDown, NewMin: 5, Savings: billing.Savings{TPSHours: 1400.25, PerMonth: 21_297.1, ColdPerWeek: num(7.5), ColdPerWeekNow: num(0.5), Jumps: 3, Sudden: 1, JumpsNow: 0}, Cold: cold, Reason: "lowest hour averaged 5.8 TPS over 336 hours"}),
			entry(resource(model.Campaign, "us-east-1", "sale", "aws-sims", 1), usage(48, 1, 48, end.Add(-30*time.Hour)),
				billing.Saving{Action: rules.Delete, Savings: billing.Savings{TPSHours: 30, PerMonth: 730}, Reason: "no request since 2026-03-03 06:00 UTC"}),
			entry(resource(model.Recommender, "cn-north-1", "for-you", "aws-ecomm-recommended-for-you", 1), noUtilization,
				billing.Saving{Action: rules.Stop, Savings: billing.Savings{TPSHours: 10, PerMonth: 730}, Reason: "no request in all the time looked at"}),
			entry(hostile, usage(96, 96, 48, time.Time{}), billing.Saving{Action: rules.None, Reason: "needs its minimum of 2: lowest hour averaged 2.0 TPS over 336 hours"}),
			entry(resource(model.Campaign, "eu-west-1", "unread", "", 3), billing.Metered{Why: "its requests could not be read completely"}, billing.Saving{Action: rules.None}),
		},
		Reading: Reading{
			Problems: []model.Problem{{Region: "eu-west-1", Operation: "GetMetricData", Err: errors.New("2 series not read: only part of the data was returned")}},
			Calls:    map[string]int{"cloudwatch.GetMetricData": 3, "personalize.ListCampaigns": 2}, MetricsGot: 1, DurationMs: 1234,
		},
		Hourly: map[model.Kind][]billing.Hour{},
		Recommendations: []advice.Proposal{
			{
				Rank: 1, Kind: advice.LowerMinimum, ARN: "arn:aws:personalize:us-east-1:123456789012:campaign/home", Name: "home", Region: "us-east-1",
				What: "lower home from 40 to 5 TPS", Saves: advice.Saving{Amount: new(2677.678), Currency: "USD", TPSHours: new(21_297.1)}, Risk: advice.Medium,
				Sure: advice.High, Command: "personalize-monitor update-tps arn:aws:personalize:us-east-1:123456789012:campaign/home 5",
				Why: "lowest hour averaged 5.8 TPS over 336 hours, and this goes on and on so that it does not fit into a line",
			},
			{
				Rank: 2, Kind: advice.Included, ARN: "arn:aws:personalize:us-east-1:123456789012:recommender/a-long-name", Name: "a-long-name", Region: "us-east-1",
				What:  "keep a-recommender-with-a-name-of-many-words at 2 RPS: a lower minimum saves nothing",
				Saves: advice.Saving{Amount: new(0.0), Currency: "USD"}, Risk: advice.Low, Sure: advice.Low, Why: "its fee stays",
			},
			{
				Rank: 3, Kind: advice.PauseTraining, ARN: "arn:aws:personalize:us-east-1:123456789012:solution/x", Name: "x", Region: "us-east-1",
				What: "pause the training of x", Saves: advice.Saving{TrainingHours: new(4.8)}, Risk: advice.Low, Sure: advice.Medium,
				Command: "personalize-monitor pause-training arn:aws:personalize:us-east-1:123456789012:solution/x", Why: "trained and not served",
			},
		},
	}
	l.Resources = Priced(l.Resources)
	for _, e := range l.Resources {
		together := l.Hourly[e.Kind]
		for i, h := range e.Hourly {
			if i == len(together) {
				together = append(together, billing.Hour{Start: h.Start})
			}
			together[i].Provisioned += h.Provisioned
			together[i].Actual += h.Actual
		}
		l.Hourly[e.Kind] = together
	}
	return l
}

// writing writes a report in a form.
func writing(r Report, form Form, style Style) func(io.Writer) error {
	return func(w io.Writer) error { return Write(w, r, form, style) }
}

func TestLedgerForms(t *testing.T) {
	full, empty := ledgerOf(), Ledger{Window: ledgerOf().Window, Days: 14}
	for name, write := range map[string]func(io.Writer) error{
		"ledger.json":       writing(full, JSON, Style{}),
		"ledger.csv":        writing(full, CSV, Style{}),
		"ledger.txt":        writing(full, Table, Style{}),
		"ledger-80.txt":     writing(full, Table, Style{Width: 80}),
		"advice.csv":        writing(Advice{full}, CSV, Style{}),
		"advice.json":       writing(Advice{full}, JSON, Style{}),
		"advice-80.txt":     writing(Advice{full}, Table, Style{Width: 80}),
		"ledger-100.txt":    writing(full, Table, Style{Width: 100}),
		"ledger-color.txt":  writing(full, Table, Style{160, true}),
		"ledger-empty.txt":  writing(empty, Table, Style{}), // a span in the past
		"ledger-empty.json": writing(empty, JSON, Style{}),
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := write(&out); err != nil {
				t.Fatal(err)
			}
			golden(t, name, out.Bytes())
		})
	}
}

func TestLedgerTotals(t *testing.T) {
	l := ledgerOf()
	l.Normalize()
	got := l.Totals
	longer := l
	longer.IdleAfter = 49 * time.Hour
	if longer.Normalize(); longer.Totals.Idle != 0 {
		t.Errorf("%d idle, though none for so long", longer.Totals.Idle)
	}
	if got.Resources != 5 || got.Unread != 1 || got.Unpriced != 1 || got.Idle != 2 {
		t.Errorf("%+v", got)
	}
	if got.TPSHours != (billing.TPSHours{Paid: 1920 + 48 + 10 + 96, Used: 480.5 + 1 + 96, Wasted: 1439.5 + 47 + 10}) {
		t.Errorf("TPS-hours %+v", got.TPSHours)
	}
	if got.Hours != 4*48 || got.IdleHours != 4*3.25 || got.Throughput == nil || got.Throughput.Actual != 12.031 {
		t.Errorf("%v of %v hours idle, throughput %+v", got.IdleHours, got.Hours, got.Throughput)
	}
	if s := got.Saving; s.ColdPerWeek == nil || *s.ColdPerWeek != 7.5 || *s.ColdPerWeekNow != 0.5 || s.ColdUnknown != 0 {
		t.Errorf("cold steps %+v", s)
	}
	if s := got.Saving; s.Jumps != 3 || s.Sudden != 1 || s.JumpsNow != 0 {
		t.Errorf("jumps %+v", s)
	}
	// home pays for 40 TPS and would for 5, or its demand of 0, 10.01 and 20.02 TPS hour by hour.
	lowered := 16*5 + 480.5 // in the 48 hours
	const month = 730.0 / 48
	tiers := func(volume float64) float64 { return min(volume, 10_000)*0.25 + max(0, volume-10_000)*0.125 }
	perMonth := tiers(1968*month) - tiers(1968*month-(1920-lowered)*month) + 730*0.125
	want := []EstimateTotal{
		{Currency: "CNY", Resources: 1, Money: Money{Paid: 15, Wasted: 15, Saved: 15, SavedPerMonth: 1095}},
		{Currency: "USD", Resources: 2, Money: Money{Paid: 492, Wasted: 371.625, Saved: (1920-lowered)/4 + 12, SavedPerMonth: perMonth}},
	}
	if !cmp.Equal(got.Estimates, want, cmpopts.EquateApprox(1e-9, 0)) {
		t.Errorf("estimates %v, want %v", got.Estimates, want)
	}
	if len(l.Prices) != 2 {
		t.Errorf("prices that no estimate rests on: %v", l.Prices)
	}
	if texts := strings.Join(PriceTexts(l.Prices), "\n"); !strings.Contains(texts, "USD 0.25 per TPS-hour up to 10,000 a month, 0.125 beyond, campaign in us-east-1") {
		t.Errorf("prices: %s", texts)
	}
	l.Normalize()
	if again := l.Totals; fmt.Sprint(again) != fmt.Sprint(got) || len(l.Prices) != 2 {
		t.Error("normalizing twice changes the sums")
	}
}

// What is not known is in no sum, and is not shown as none.
func TestUnknownColdSteps(t *testing.T) {
	for name, tt := range map[string]struct {
		sum  billing.Savings
		want string
	}{
		"no step-down is known": {billing.Savings{ColdUnknown: 2}, "not known for any of the step-downs"},
		"some are":              {billing.Savings{ColdPerWeek: num(3), ColdPerWeekNow: num(0), ColdUnknown: 1}, "3.0 a week with the new minimums, now 0.0; not known for 1 step-down"},
	} {
		if got := exposureOfAll(tt.sum); got != tt.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	unknown := Entry{Saving: &billing.Saving{Action: rules.StepDown, NewMin: 1, Cold: &billing.ColdExposure{Risk: billing.RiskUnknown}}}
	if got := unknown.exposure(); !strings.Contains(got, "not known") {
		t.Error(got)
	}
	rows := Ledger{Resources: []Entry{unknown}}.CSV()
	for i, column := range rows[0] {
		if (column == "risk" || strings.HasPrefix(column, "cold") || strings.HasPrefix(column, "worst")) && rows[1][i] != "" {
			t.Errorf("a CSV shows %s %q", column, rows[1][i])
		}
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestLedgerReturnsWriteErrors(t *testing.T) {
	l := ledgerOf()
	for name, write := range map[string]func(io.Writer) error{
		"json": writing(l, JSON, Style{}), "csv": writing(l, CSV, Style{}), "table": writing(l, Table, Style{}),
	} {
		if err := write(brokenWriter{}); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGroupedNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0.0", 0.01: "<0.1", 999.94: "999.9", 1000: "1,000.0", 1234567.89: "1,234,567.9"} {
		if got := commas(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
	for v, want := range map[float64]string{0: "0.00", 1234.5: "1,234.50", -1234.5: "-1,234.50", -0.5: "-0.50"} {
		if got := amount(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}

// A plan shows savings beside the decision.
func TestSavingsOfAPlan(t *testing.T) {
	r := day()
	r.DryRun = true
	for i := range r.Resources {
		one := &r.Resources[i]
		switch one.Decision {
		case rules.StepDown:
			one.Recipe = "aws-sims"
			cold := billing.ColdExposure{
				Then: billing.ColdSteps{Cold: 5, Known: 4000, Steps: 4032, PerWeek: num(2.5)}, Now: billing.ColdSteps{Known: 4000, Steps: 4032, PerWeek: num(0)}, Risk: billing.RiskMedium,
			}
			one.Saving = &billing.Saving{Action: rules.StepDown, NewMin: one.NewMin, Cold: &cold, Savings: billing.Savings{
				TPSHours: 1008, PerMonth: 2190, ColdPerWeek: cold.Then.PerWeek, ColdPerWeekNow: cold.Now.PerWeek,
			}}
			price := pricing.Price{
				Region: one.Region, Product: pricing.Campaign, Tiers: []pricing.Tier{{PerTPSHour: 0.25}}, Currency: "USD", Date: "2026-02-01", Source: "bill of January",
			}
			one.Estimate = &Estimate{Product: pricing.Campaign, Price: &price, Currency: "USD", PerTPSHour: price.PerTPSHour(), PriceDate: "2026-02-01", PriceSource: "bill of January", Assumptions: []string{}, Money: Money{Paid: 840, Wasted: 400, Saved: 252, SavedPerMonth: 547.5}}
		case rules.Delete:
			one.Saving = &billing.Saving{Action: rules.Delete, Savings: billing.Savings{TPSHours: 50, PerMonth: 730}}
		}
	}
	for name, write := range map[string]func(io.Writer) error{
		"plan.json": writing(r, JSON, Style{}), "plan.csv": writing(r, CSV, Style{}),
		"plan.txt":    writing(r, Table, Style{}),
		"plan-80.txt": writing(r, Table, Style{Width: 80}),
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := write(&out); err != nil {
				t.Fatal(err)
			}
			golden(t, name, out.Bytes())
		})
	}
}
