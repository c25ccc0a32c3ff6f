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
	group.Campaigns[0].MinTPS, group.Campaigns[0].Traffic.TPS, group.Campaigns[0].Recipe = 40, 10, "aws-sims"
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
	if m == nil || m.Month != "2026-03" || m.Forecast == nil || m.Before == nil || m.Before.Month != "2026-02" || m.Unknown != 1 || len(m.Spent) != 1 {
		t.Fatalf("month %+v", m)
	}
	// A TPS-hour of such a campaign costs 2 dollars. The recommender has no price: it is unknown, not 0.
	close6(t, "spent", m.Spent[0].Amount, 84*(40+2)*2)
	close6(t, "forecast in money", m.Forecast.Spent[0].Amount, 31*24*(40+2)*2)
	close6(t, "the month is what is shown", m.TPSHours, month.Totals.TPSHours.Paid)
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
	born := entry(t, past, "c").Usage
	close6(t, "since its creation", born.TPSHours.Paid, born.Hours*40)
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
