package report

import (
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// flatEntry is a resource with a constant demand for two days, and its proposal; a new minimum of
// 0 is a removal, and one below 0 no proposal.
func flatEntry(t pricing.Table, kind model.Kind, region, name, recipe string, minimum, newMin int, demand float64) Entry {
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	r := model.Resource{
		ARN:  model.NewARN("aws", "personalize", region, "123456789012", string(kind)+"/"+name),
		Kind: kind, Name: name, Recipe: recipe, MinTPS: minimum, Created: start.AddDate(-1, 0, 0),
	}
	at := func(minimum int) []billing.Hour {
		var hours []billing.Hour
		for i := range 48 {
			lowest := float64(minimum)
			hours = append(hours, billing.Hour{Start: start.Add(time.Duration(i) * time.Hour), Provisioned: lowest, Actual: demand, Paid: max(lowest, demand), Used: demand})
		}
		return hours
	}
	use := pricing.NewUse(t, r, at(minimum), at(minimum), 48)
	m := billing.Metered{Readable: true, Hourly: at(minimum)}
	m.Window, m.Hours, m.Used, m.Paid = model.NewWindow(start, start.Add(48*time.Hour)), 48, 48*demand, 48*max(demand, float64(minimum))
	m.Wasted = m.Paid - m.Used
	s, p := billing.Saving{Action: rules.None}, pricing.Proposal{Use: use}
	switch {
	case newMin > 0:
		s.Action, s.NewMin = rules.StepDown, newMin
		p.After = new(pricing.NewUse(t, r, at(newMin), at(newMin), 48))
	case newMin == 0:
		s.Action = rules.IdleVerdict(kind)
		p.After = new(pricing.NewUse(t, r, nil, nil, 48))
	}
	return EntryOf(r, m, s, p, nil, "")
}

// A recommender whose lower minimum lies within what its fee includes saves nothing by it, and
// the report explains what would.
func TestTheRowOfARecommenderExplainsItsFee(t *testing.T) {
	given := pricing.NewTable([]pricing.Price{{
		Region: "us-east-1", Product: pricing.Recommender, Currency: "USD", Date: "2026-02-01", Source: "test",
		Fee: &pricing.Fee{PerHour: 0.5, UsersIncluded: 100_000, RequestsIncluded: 7_200, PerThousand: 1},
	}}, nil, 0)
	step := Priced([]Entry{flatEntry(given, model.Recommender, "us-east-1", "r", "aws-vod-top-picks", 2, 1, 0.1)})[0]
	if step.Estimate.SavedPerMonth != 0 || step.Estimate.Paid != 24 || step.Estimate.PerTPSHour != nil {
		t.Errorf("estimate %+v", step.Estimate)
	}
	text := step.advice().Text
	for _, want := range []string{"step-down from 2 to 1", "(estimate USD 0.00)", "includes 7,200 requests an hour", "stopping it would save USD 365.00 a month"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in: %s", want, text)
		}
	}
	stop := Priced([]Entry{flatEntry(given, model.Recommender, "us-east-1", "r", "aws-vod-top-picks", 2, 0, 0)})[0]
	if stop.Estimate.SavedPerMonth != 365 || stop.Estimate.Note != "" {
		t.Errorf("stopping: %+v", stop.Estimate)
	}
}

// Every resource has an estimate by the built-in table, and the totals are the sums of the rows.
func TestTotalsAreTheSumsOfRows(t *testing.T) {
	table := pricing.Builtin()
	l := Ledger{Window: model.NewWindow(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)), Resources: Priced([]Entry{
		flatEntry(table, model.Campaign, "us-east-1", "a", "aws-user-personalization", 300, 200, 100),
		flatEntry(table, model.Campaign, "us-east-1", "b", "aws-sims", 50, 0, 0),
		flatEntry(table, model.Campaign, "eu-west-1", "c", "aws-user-personalization-v2", 5, -1, 7),
		flatEntry(table, model.Recommender, "eu-west-1", "d", "aws-vod-top-picks", 2, 1, 1.5),
	})}
	l.Normalize()
	if l.Totals.Unpriced != 0 || len(l.Totals.Estimates) != 1 || l.Totals.Estimates[0].Resources != 4 {
		t.Fatalf("%+v", l.Totals)
	}
	sum := Money{}
	for _, e := range l.Resources {
		sum.add(e.Estimate.Money)
	}
	if got := l.Totals.Estimates[0].Money; got != sum || !(got.Paid > got.Wasted && got.Wasted > 0 && got.Saved > 0) {
		t.Errorf("%+v, the rows are %+v", got, sum)
	}
	notes := strings.Join(l.Notes, "\n")
	for _, want := range []string{"Money figures are estimates", "Assumed in 1 estimate: at most 100,000 users", "Assumed in 2 estimates: the month before the span"} {
		if !strings.Contains(notes, want) {
			t.Errorf("no %q in %s", want, notes)
		}
	}
	texts := PriceTexts(l.Prices)
	if len(texts) != 3 || !strings.Contains(strings.Join(texts, "\n"), "also used for eu-west-1 (price not known)") {
		t.Errorf("%q", texts)
	}
}
