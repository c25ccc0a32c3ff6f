package demo_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/demo"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// checkSavings compares the ledger of savings of a demo of three days with what the same estate would
// have been billed in a dry run, less what it was billed: endpoint by endpoint, to 6 digits.
func checkSavings(t *testing.T, d *demo.Demo, records []events.Audit) {
	saved, err := d.App.Savings(func(context.Context, []string) (pricing.Table, []model.Problem) { return pricing.Builtin(), nil }).Run(t.Context(), cycle.SavingsInput{Params: d.Params, Records: records})
	if err != nil || saved.Failed() || saved.Total.UnknownHours != 0 || saved.Total.ByHours {
		t.Fatalf("%v, %+v", err, saved)
	}
	without, with := dryRun(t, d), threeDays(t, d.App, d)
	sums, kinds := map[string]float64{}, map[model.Action]bool{}
	for _, a := range saved.Actions {
		sums[a.ARN] += *a.TPSHours
		kinds[a.Action] = true
		if a.PromisedPerMonth == nil || a.AchievedPerMonth == nil {
			t.Errorf("%s of %s has no promise or nothing achieved", a.Action, a.Name)
		}
		if a.Estimate == nil || a.Estimate.Amount <= 0 && a.Kind == model.Campaign {
			t.Errorf("%s of %s has no estimate: %+v", a.Action, a.Name, a.Estimate)
		}
	}
	if len(kinds) != 3 {
		t.Errorf("not all kinds of actions: %v", kinds)
	}
	total := 0.0
	for _, e := range without.Resources {
		paid := paidFor(t, d, with, e)
		total += sums[e.ARN]
		if diff := e.Usage.Paid - paid; math.Abs(diff-sums[e.ARN]) > 1e-6 {
			t.Errorf("%s was billed %v TPS-hours less than without the actions, the ledger has %v", e.Name, diff, sums[e.ARN])
		}
	}
	if math.Abs(total-*saved.Total.TPSHours) > 1e-6 || total < 100 {
		t.Errorf("total %v, the sum of the endpoints is %v", *saved.Total.TPSHours, total)
	}
}

// dryRun is what is billed for the estate of a demo if a monitor only looks on.
func dryRun(t *testing.T, d *demo.Demo) report.Ledger {
	estate := demo.Estate()
	estate.Seed++ // as the seed of the demo is 1
	clock := model.NewVirtualClock(d.End().AddDate(0, 0, -3))
	server, err := localaws.New(estate, localaws.WithClock(clock))
	if err != nil {
		t.Fatal(err)
	}
	memory := localaws.InMemory(server)
	defer memory.Shut()
	a := app.New(app.Options{
		Config: awsapi.LocalConfig(d.Home, memory.URL(), "DEMO", memory.Transport()), Clock: clock, Params: d.Params, DryRun: true, Act: true,
	})
	defer a.Clients.Close()
	for clock.Now().Before(d.End()) {
		if _, err := a.Cycle.Run(t.Context(), cycle.Input{Params: d.Params}); err != nil {
			t.Fatal(err)
		}
		clock.Advance(6 * time.Hour)
		server.Tick()
	}
	return threeDays(t, a, d)
}

func threeDays(t *testing.T, a *app.App, d *demo.Demo) report.Ledger {
	l, err := a.Ledger(nil, false).Run(t.Context(), cycle.LedgerInput{Params: d.Params, Days: 3})
	if err != nil || l.Failed() {
		t.Fatalf("%v, %v", err, l.Problems)
	}
	return l
}

// paidFor is what an endpoint was billed in the demo: what the ledger has of those that are left, and
// up to the last slot in which they were seen of the others.
func paidFor(t *testing.T, d *demo.Demo, left report.Ledger, e report.Entry) float64 {
	for _, one := range left.Resources {
		if one.ARN == e.ARN {
			return one.Usage.Paid
		}
	}
	arn, err := model.ParseARN(e.ARN)
	if err != nil {
		t.Fatal(err)
	}
	r := model.Resource{ARN: arn, Kind: e.Kind, Recipe: e.Recipe, MinTPS: e.Min, Created: e.Created}
	read := func(q model.Query) model.Series {
		readings, problems := d.App.Meter.Measure(t.Context(), []model.Query{q}, nil)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return readings.Get(q)
	}
	seen := read(rules.MinimumQuery(r, left.Window)).Points
	span := model.NewWindow(left.Window.Start, seen[len(seen)-1].Time.Add(billing.Slot))
	m := billing.ReportTime{Now: d.Clock.Now(), Span: span, Until: span.End}
	readings := model.Readings{}
	for _, q := range billing.Queries(r, m) {
		if q.Period == billing.Slot { // hours do not fit into the span, and are for advice
			readings[q] = read(q)
		}
	}
	u := billing.Measure(r, readings, read(rules.RunningQuery(d.Home, span)), m)
	if !u.Readable {
		t.Fatalf("%s: %s", e.Name, u.Why)
	}
	return u.Paid
}
