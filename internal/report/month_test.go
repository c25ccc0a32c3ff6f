package report

import (
	"math"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
)

// TestMonth has 20 days of November, at a minimum of 40 TPS until the 10th and of 10 since: with
// prices of 0.20 for 20,000 TPS-hours and 0.10 beyond.
func TestMonth(t *testing.T) {
	first := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	end := first.AddDate(0, 0, 20)
	r := model.Resource{
		ARN:  model.NewARN("aws", "personalize", "us-east-1", "123456789012", "campaign/c"),
		Kind: model.Campaign, Name: "c", Recipe: "aws-sims", MinTPS: 10, Created: first.AddDate(-1, 0, 0),
	}
	metered := func(from, to time.Time, tps func(at time.Time) float64) billing.Metered {
		m := billing.Metered{Readable: true, Usage: billing.Usage{Hours: to.Sub(from).Hours()}}
		for at := from; at.Before(to); at = at.Add(time.Hour) {
			m.Hourly = append(m.Hourly, billing.Hour{Start: at, Provisioned: tps(at), Paid: tps(at)})
			m.Paid += tps(at)
		}
		return m
	}
	spans, err := billing.MonthOf(end.Add(2*time.Minute), first, 0)
	if err != nil || spans.Month.End != end {
		t.Fatal(err, spans.Month)
	}
	lowered := func(at time.Time) float64 {
		if at.Day() <= 10 {
			return 40
		}
		return 10
	}
	entry := Parts{
		Month:    PartOf(pricing.Builtin(), r, metered(first, end, lowered)),
		Before:   PartOf(pricing.Builtin(), r, metered(first.AddDate(0, -1, 0), first, func(time.Time) float64 { return 40 })),
		PerMonth: new(7300.0), Billed: pricing.Quantity{TPSHours: 7300},
	}
	unread := Parts{Month: &Part{}, Before: &Part{}}
	young := Parts{Month: PartOf(pricing.Table{}, r, metered(end.Add(-time.Hour), end, lowered)), PerMonth: new(730.0)}
	m := MonthOf([]Parts{entry, unread, young}, spans)
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-6*want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	if len(m.Spent) != 1 || len(m.Forecast.Spent) != 1 || len(m.Before.Spent) != 1 || m.Unknown != 2 || m.Forecast.Unknown != 2 || m.Before.Unknown != 1 {
		t.Fatalf("%+v, forecast %+v, before %+v", m, m.Forecast, m.Before)
	}
	near("TPS-hours so far", m.TPSHours, 240*40+240*10+10)
	near("spent so far", m.Spent[0].Amount, 12000*0.2)
	// Ten more days at 10 TPS; the one without a price uses 1 TPS.
	near("TPS-hours to the end", m.Forecast.TPSHours, 12000+2400+10+240)
	near("spent to the end", m.Forecast.Spent[0].Amount, 14400*0.2)
	near("TPS-hours before", m.Before.TPSHours, 744*40)
	near("spent before", m.Before.Spent[0].Amount, 20000*0.2+(744*40-20000)*0.1)
	want := "November so far USD 2,400.00 (12,010.0 TPS-hours; without 2 unknown); " +
		"forecast to its end, at the present rate: USD 2,880.00 (14,650.0 TPS-hours; without 2 unknown); " +
		"October 2026 USD 4,976.00 (29,760.0 TPS-hours; without 1 unknown)"
	if got := m.Text(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	both := m.plus(m) // of two accounts, each with tiers of its own
	near("TPS-hours of two accounts", both.TPSHours, 2*m.TPSHours)
	near("spent by two accounts", both.Spent[0].Amount, 2*12000*0.2)
	near("spent by two accounts to the end", both.Forecast.Spent[0].Amount, 2*14400*0.2)
	near("spent by two accounts before", both.Before.Spent[0].Amount, 2*m.Before.Spent[0].Amount)
	if both.Unknown != 4 || both.Forecast.Unknown != 4 || both.Before.Unknown != 2 || m.plus(nil) != m || (*Month)(nil).plus(m) != m {
		t.Errorf("%+v of two accounts", both)
	}
	if MonthOf([]Parts{entry}, billing.Days(end, 14, 0)) != nil {
		t.Error("a month that was not metered")
	}
}
