package cycle_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/advice"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// over makes a ledger of spans, which must succeed.
func (b *bed) over(spans billing.Spans) report.Ledger {
	b.tb.Helper()
	out, err := b.ledger().Run(context.Background(), cycle.LedgerInput{Params: values(b.tb, nil), Spans: spans})
	if err != nil {
		b.tb.Fatal(err)
	}
	return out
}

// TestReportOfAMonth has it at noon of the 4th of March. A campaign with a minimum of 40 is called
// with 10 TPS, one of 2 has had no calls for eleven days.
func TestReportOfAMonth(t *testing.T) {
	description := flat(2, home)
	group := &description.Regions[0].DatasetGroups[0]
	group.Campaigns[0].MinTPS, group.Campaigns[0].Traffic.TPS = 40, 10
	idle := group.Campaigns[0]
	idle.Name, idle.MinTPS, idle.Traffic = "idle", 2, localaws.EstateTraffic{Shape: "stopped", TPS: 5, Since: 11 * 24 * time.Hour}
	group.Campaigns = append(group.Campaigns, idle)
	description.Monitored = 40 * 24 * time.Hour
	b := newBed(t, description)
	delay := values(t, nil).MetricDelay
	spans, err := billing.MonthOf(b.clock.Now(), b.clock.Now(), delay)
	if err != nil {
		t.Fatal(err)
	}
	month, recent := b.over(spans), b.account(14, nil)
	if month.MetricsGot-recent.MetricsGot > 6 { // failed calls of each that had time without a request, in the month as well
		t.Errorf("%d series read for the month, %d for 14 days", month.MetricsGot, recent.MetricsGot)
	}
	c := entry(t, month, "c")
	close6(t, "four days and a half of 40 TPS", c.Usage.TPSHours.Paid, 84*40)
	m := month.Month
	if m == nil || m.Month != "2026-03" || m.Forecast == nil || m.Before == nil || m.Before.Month != "2026-02" || m.Unknown != 2 {
		t.Fatalf("month %+v", m)
	}
	close6(t, "the month is what is shown", m.TPSHours, month.Totals.TPSHours.Paid)
	// The fixed price is that of a campaign of a v1 recipe: the others are unknown, not 0.
	close6(t, "February", m.Before.TPSHours, 28*24*(40+2.2)+idleBefore(t, b, spans))
	close6(t, "forecast", m.Forecast.TPSHours, m.TPSHours+(31*24-84)*(40+2+2.2))
	// Proposals are those of a report of 14 days.
	if diff := cmp.Diff(recent.Recommendations, month.Recommendations); diff != "" || len(month.Recommendations) != 2 {
		t.Errorf("recommendations (-14 days +month):\n%s", diff)
	}
	kinds := []advice.Kind{month.Recommendations[0].Kind, month.Recommendations[1].Kind}
	if slices.Sort(kinds); !slices.Equal(kinds, []advice.Kind{advice.Delete, advice.LowerMinimum}) {
		t.Errorf("%v", kinds)
	}
	if s := entry(t, month, "idle").Saving; s == nil || s.TPSHours != 84*2 || s.PerMonth != 2*730 {
		t.Errorf("within the month: %+v", s)
	}
	february, err := billing.MonthOf(b.clock.Now(), b.clock.Now().AddDate(0, -1, 0), delay)
	if err != nil {
		t.Fatal(err)
	}
	past := b.over(february)
	close6(t, "February alone", past.Totals.TPSHours.Paid, m.Before.TPSHours)
	if past.Recommendations != nil || past.Totals.Actions["delete"]+past.Totals.Actions["step-down"] > 0 || past.Month.Forecast != nil {
		t.Errorf("proposals by the past: %+v", past.Recommendations)
	}
	// The page shows 14 days, and the month beside them.
	page, err := b.ledger().Run(context.Background(), cycle.LedgerInput{Params: values(t, nil), Days: 14, Month: true})
	if err != nil || page.Month == nil || page.Month.Before != nil {
		t.Fatal(err, page.Month)
	}
	close6(t, "the month beside 14 days", page.Month.TPSHours, m.TPSHours)
	close6(t, "14 days", page.Totals.TPSHours.Paid, recent.Totals.TPSHours.Paid)
}

// idleBefore is what the idle campaign was paid for in February, by a report of its own.
func idleBefore(t *testing.T, b *bed, spans billing.Spans) float64 {
	t.Helper()
	before, err := billing.Between(b.clock.Now(), spans.Before.Start, spans.Before.End, 0)
	if err != nil {
		t.Fatal(err)
	}
	return entry(t, b.over(before), "idle").Usage.TPSHours.Paid
}
