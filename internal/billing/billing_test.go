package billing

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

var now = time.Date(2026, 3, 4, 12, 2, 30, 0, time.UTC)

// oneDay is a report over the day up to 12:00.
var oneDay = ReportTimeOf(now, 1, 2*time.Minute)

// bench is a resource with what its series say.
type bench struct {
	resource model.Resource
	moment   ReportTime
	readings model.Readings
	running  model.Series
}

func newBench(kind model.Kind, minimum int, m ReportTime) *bench {
	arn := model.NewARN("aws", "personalize", "us-east-1", "123456789012", string(kind)+"/one")
	b := &bench{
		resource: model.Resource{
			ARN: arn, Kind: kind, Name: "one", Recipe: "aws-user-personalization", Status: model.StatusActive,
			MinTPS: minimum, Created: now.Add(-30 * 24 * time.Hour),
		},
		moment: m, readings: model.Readings{},
	}
	b.minimums(func(int) float64 { return float64(minimum) })
	b.hourly(func(int) float64 { return 0 })
	b.running = series(m.Span, Slot, func(int) float64 { return 1 })
	return b
}

// series has a datapoint for every period whose value is not negative.
func series(w model.Window, period time.Duration, value func(i int) float64) model.Series {
	s := model.Series{Complete: true}
	for i, at := 0, w.Start; at.Before(w.End); i, at = i+1, at.Add(period) {
		if v := value(i); v >= 0 {
			s.Points = append(s.Points, model.Datapoint{Time: at, Value: v})
		}
	}
	return s
}

func (b *bench) requests(value func(i int) float64) *bench {
	b.readings[requestsQuery(b.resource, b.moment)] = series(b.moment.Span, Slot, value)
	return b
}

func (b *bench) ofRecipe(name string) *bench {
	b.resource.Recipe = name
	return b
}

func (b *bench) minimums(value func(i int) float64) *bench {
	q := minimumQuery(b.resource, b.moment)
	before := int(b.moment.Span.Start.Sub(q.Window.Start) / Slot) // by when it had been watched all the time
	b.readings[q] = series(q.Window, Slot, func(i int) float64 {
		if i < before {
			return float64(b.resource.MinTPS)
		}
		return value(i - before)
	})
	for _, q := range rules.ConfirmQueries(b.resource, lookBack(b.moment)) {
		b.readings[q] = model.Series{Complete: true}
		if q.Stat == model.Sum { // it measured no calls
			b.readings[q] = series(q.Window, time.Hour, constant(0))
		}
	}
	return b
}

// hourly are the requests of the hours of 14 days.
func (b *bench) hourly(value func(i int) float64) *bench {
	q := hourlyQuery(b.resource, b.moment)
	b.readings[q] = series(q.Window, time.Hour, value)
	return b
}

// calls are those of the idle time, of one metric of each kind.
func (b *bench) calls(failed float64) *bench { return b.callsOf(1, failed) }

// callsOf are those of one of the queries.
func (b *bench) callsOf(which int, each float64) *bench {
	for i, q := range idleQueries(b.resource, 24*time.Hour, b.moment) {
		b.readings[q] = series(q.Window, Slot, func(int) float64 {
			if i == which && each > 0 {
				return each
			}
			return -1
		})
	}
	return b
}

func (b *bench) measure() Metered { return Measure(b.resource, b.readings, b.running, b.moment) }

func (b *bench) advise() (Metered, Saving) {
	u := b.measure()
	u.AddCalls(b.resource, b.readings, 24*time.Hour, b.moment)
	return u, Advise(b.resource, u, b.readings, 24*time.Hour, 192*time.Hour, b.moment)
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func constant(v float64) func(int) float64 { return func(int) float64 { return v } }

func TestSpanIsOfWholeHoursThatHaveArrived(t *testing.T) {
	for _, c := range []struct {
		at    string
		delay time.Duration
		end   string
		until string
	}{
		{"12:02:30", 2 * time.Minute, "12:00", "12:00"},
		{"12:01:59", 2 * time.Minute, "11:00", "11:55"},
		{"12:59:59", 0, "12:00", "12:55"},
		{"12:02:30", 15 * time.Minute, "11:00", "11:45"},
	} {
		at, err := time.Parse("2006-01-02 15:04:05", "2026-03-04 "+c.at)
		if err != nil {
			t.Fatal(err)
		}
		m := ReportTimeOf(at, 3, c.delay)
		if got := m.Span.End.Format("15:04"); got != c.end || m.Span.Duration() != 72*time.Hour {
			t.Errorf("%s: the span ends %s after %v, want %s", c.at, got, m.Span.Duration(), c.end)
		}
		if got := m.Until.Format("15:04"); got != c.until {
			t.Errorf("%s: until %s, want %s", c.at, got, c.until)
		}
	}
}

// In each hour ten minutes have 3,000 requests in 5 minutes (10 TPS), the rest none.
func spiky(i int) float64 {
	if i%12 < 2 {
		return 3000
	}
	return -1
}

func TestCampaignsAreMeteredInSlotsOfFiveMinutes(t *testing.T) {
	u := newBench(model.Campaign, 4, oneDay).requests(spiky).measure()
	near(t, "paid", u.Paid, 24*(2*10+10*4)/12.0)
	near(t, "used", u.Used, 24*2*10/12.0)
	near(t, "wasted", u.Wasted, 24*10*4/12.0)
	near(t, "peak", u.Peak, 10)
	near(t, "mean", *u.Utilization.Mean, 100*20/12.0/4)
	near(t, "p50", *u.Utilization.P50, 0)
	near(t, "p95", *u.Utilization.P95, 250)
	near(t, "lowest hour", *u.Utilization.LowestHour, 100*20/12.0/4)
	near(t, "idle", *u.IdleHours, 20)
	near(t, "known", u.MinKnown/100*u.Hours, 24)
	if !u.IdleSince.Equal(oneDay.Span.End.Add(-50 * time.Minute)) {
		t.Errorf("idle since %v", u.IdleSince)
	}
}

func TestRecommendersAreMeteredInHours(t *testing.T) {
	u := newBench(model.Recommender, 1, oneDay).requests(spiky).measure()
	near(t, "paid above the minimum", u.Paid, 24*20/12.0)
	near(t, "wasted", u.Wasted, 0)
	u = newBench(model.Recommender, 4, oneDay).requests(spiky).measure()
	near(t, "paid at the minimum", u.Paid, 24*4)
	near(t, "wasted", u.Wasted, 24*(4-20/12.0))
	// A minimum that changed within an hour counts for its part of it.
	u = newBench(model.Recommender, 4, oneDay).requests(constant(-1)).minimums(func(i int) float64 {
		if i%12 < 3 {
			return 8
		}
		return 4
	}).measure()
	near(t, "paid with a minimum that changed", u.Paid, 24*5)
}

func TestWhereTheMonitorDidNotRunThePresentMinimumIsAssumed(t *testing.T) {
	u := newBench(model.Campaign, 4, oneDay).requests(constant(-1)).minimums(func(i int) float64 {
		if i < 72 {
			return 10
		}
		return -1
	}).measure()
	near(t, "known", u.MinKnown/100*u.Hours, 6)
	near(t, "paid", u.Paid, 6*10+18*4)
	b := newBench(model.Campaign, 4, oneDay).requests(constant(-1))
	unread := b.readings[minimumQuery(b.resource, oneDay)]
	unread.Complete = false
	b.readings[minimumQuery(b.resource, oneDay)] = unread
	u = b.measure()
	near(t, "known of what could not be read", u.MinKnown/100*u.Hours, 0)
	if u.Assumption == "" {
		t.Error("nothing says that the minimum could not be read")
	}
}

func TestAMinimumThatWasNotPublishedIsAssumedFromThoseThatWere(t *testing.T) {
	at := func(i int) time.Time { return now.Add(time.Duration(i) * time.Hour) }
	for name, tt := range map[string]struct {
		updated         time.Time
		published, want []float64
	}{
		"published":                      {at(9), []float64{8, 6, 4}, []float64{8, 6, 4}},
		"never published":                {at(9), []float64{0, 0, 0}, []float64{4, 4, 4}},
		"never published, never updated": {time.Time{}, []float64{0, 0, 0}, []float64{4, 4, 4}},
		"before the monitor ran":         {at(9), []float64{0, 0, 8, 6}, []float64{8, 8, 8, 6}},
		"while it did not run":           {at(9), []float64{8, 0, 0, 6}, []float64{8, 8, 8, 6}},
		"until the latest update":        {at(2), []float64{8, 0, 0, 0}, []float64{8, 8, 4, 4}},
		"updated before all of it":       {at(-1), []float64{0, 0, 4}, []float64{4, 4, 4}},
		"nothing":                        {at(1), []float64{}, []float64{}},
	} {
		r := model.Resource{MinTPS: 4, LastUpdated: tt.updated}
		AssumeMinimums(r, tt.published, at, 0, 0)
		if !slices.Equal(tt.published, tt.want) {
			t.Errorf("%s: %v, want %v", name, tt.published, tt.want)
		}
	}
}

func TestWhatCouldNotBeReadIsNotZero(t *testing.T) {
	for name, spoil := range map[string]func(b *bench){
		"could not be read": func(b *bench) { delete(b.readings, requestsQuery(b.resource, oneDay)) },
		"completely": func(b *bench) {
			b.readings[requestsQuery(b.resource, oneDay)] = model.Series{Points: []model.Datapoint{{Time: oneDay.Span.Start, Value: 5}}}
		},
		"recipe could not be read": func(b *bench) { b.resource.Recipe = "" },
		"cannot be seen":           func(b *bench) { b.resource.Recipe = "aws-next-best-action"; b.requests(constant(-1)) },
		"too new":                  func(b *bench) { b.resource.Created = now.Add(-2 * time.Minute) },
	} {
		b := newBench(model.Campaign, 4, oneDay).requests(constant(300))
		spoil(b)
		u, s := b.advise()
		if u.Readable || !strings.Contains(u.Why, name) || u.Paid != 0 {
			t.Errorf("%s: %+v", name, u)
		}
		if s.Action != rules.None || s.Reason != u.Why {
			t.Errorf("%s: advice %+v", name, s)
		}
	}
	b := newBench(model.Campaign, 4, oneDay)
	b.resource.Recipe = "aws-next-best-action"
	b.requests(constant(300))
	if u := b.measure(); !u.Readable {
		t.Errorf("traffic that is seen can be metered: %s", u.Why)
	}
}

func TestAYoungResourceIsMeteredFromItsCreation(t *testing.T) {
	for kind, want := range map[model.Kind]float64{model.Campaign: 2 + 35/60.0, model.Recommender: 2} {
		b := newBench(kind, 6, oneDay)
		b.resource.Created = time.Date(2026, 3, 4, 9, 21, 0, 0, time.UTC)
		// An earlier resource of that name left its series behind.
		u := b.requests(constant(30_000)).measure()
		near(t, string(kind)+" hours", u.Hours, want)
		near(t, string(kind)+" used", u.Used, want*100)
		if len(u.Hourly) == 0 || u.Hourly[0].Actual != 100 {
			t.Errorf("%s: hours %+v", kind, u.Hourly)
		}
	}
}

func TestAStoppedRecommenderCostsNothing(t *testing.T) {
	gone := func(from, to int) func(int) float64 {
		return func(i int) float64 {
			if i >= from && i < to {
				return -1
			}
			return 6
		}
	}
	for _, c := range []struct {
		name    string
		kind    model.Kind
		change  func(b *bench)
		stopped float64
	}{
		{"seen, then not, while the monitor ran", model.Recommender, func(b *bench) { b.minimums(gone(60, 84)) }, 2},
		{"a campaign cannot be stopped", model.Campaign, func(b *bench) { b.minimums(gone(60, 84)) }, 0},
		{"a single step may be a failed read", model.Recommender, func(b *bench) { b.minimums(gone(60, 61)) }, 0},
		{"never seen before: perhaps not watched", model.Recommender, func(b *bench) {
			b.resource.Created = oneDay.Span.Start
			b.minimums(gone(0, 84))
		}, 0},
		{"seen before the span", model.Recommender, func(b *bench) { b.minimums(gone(0, 84)) }, 7},
		{"the last steps may not be visible yet", model.Recommender, func(b *bench) { b.minimums(gone(286, 288)) }, 0},
		{"the monitor did not run", model.Recommender, func(b *bench) {
			b.minimums(gone(60, 84))
			b.running = series(oneDay.Span, Slot, gone(60, 84))
		}, 0},
		{"whether it ran could not be read", model.Recommender, func(b *bench) { b.minimums(gone(60, 84)); b.running.Complete = false }, 0},
		{"it was called all the same", model.Recommender, func(b *bench) { b.minimums(gone(60, 84)).requests(constant(1)) }, 0},
	} {
		b := newBench(c.kind, 6, oneDay).requests(constant(-1))
		c.change(b)
		u := b.measure()
		near(t, c.name+": stopped", u.StoppedHours, c.stopped)
		near(t, c.name+": hours", u.Hours, 24-c.stopped)
		near(t, c.name+": paid", u.Paid, 6*(24-c.stopped))
		near(t, c.name+": provisioned", u.Provisioned, 6)
	}
}

func TestAdvice(t *testing.T) {
	busyHours := constant(3600 * 7.9)
	quiet := func(hours ...int) func(int) float64 {
		return func(i int) float64 {
			if slices.Contains(hours, i) {
				return -1
			}
			return 3600 * 7.9
		}
	}
	unwatched := func(b *bench) *bench {
		b.readings[minimumQuery(b.resource, b.moment)] = model.Series{Complete: true}
		return b
	}
	for _, c := range []struct {
		name   string
		b      *bench
		want   rules.Verdict
		newMin int
		reason string
	}{
		{"down to the lowest hour", newBench(model.Campaign, 10, oneDay).requests(constant(300 * 7.9)).hourly(busyHours), rules.StepDown, 7, "reached 3 times: 7.9 TPS (329 of 329 h known)"},
		{"one above the lowest hour", newBench(model.Campaign, 8, oneDay).requests(constant(300 * 7.9)).hourly(busyHours), rules.StepDown, 7, "7.9"},
		{"at the lowest hour", newBench(model.Campaign, 7, oneDay).requests(constant(300 * 7.9)).hourly(busyHours), rules.None, 0, "kept at 7"},
		{"watched hours without data have no requests", newBench(model.Campaign, 7, oneDay).requests(constant(300 * 7.9)).hourly(quiet(5, 29, 53)), rules.StepDown, 1, "3 times: 0.0"},
		{"one such hour does not decide", newBench(model.Campaign, 7, oneDay).requests(constant(300 * 7.9)).hourly(quiet(5)), rules.None, 0, "seen below 7 TPS 1 of 3 times"},
		{"without our own series it is not known", unwatched(newBench(model.Campaign, 7, oneDay).requests(constant(300 * 7.9)).hourly(quiet(5, 29, 53))), rules.None, 0, "320 of 329 h known; 9 h unknown"},
		{"the lowest minimum", newBench(model.Recommender, 1, oneDay).requests(constant(1)), rules.None, 0, "the lowest there is"},
		{"idle campaign", newBench(model.Campaign, 3, oneDay).requests(constant(-1)).calls(0), rules.Delete, 0, "no request in all"},
		{"idle recommender", newBench(model.Recommender, 1, oneDay).requests(constant(-1)).calls(0), rules.Stop, 0, "no request in all"},
		{
			"of a recipe in doubt, called once", newBench(model.Campaign, 1, ReportTimeOf(now, 3, 2*time.Minute)).ofRecipe("aws-next-best-action").calls(0).
				requests(func(i int) float64 { return float64(1 - min(i, 2)) }),
			rules.None, 0, "idle, but calls by its recipe aws-next-best-action may not be counted by any metric",
		},
		{"called in vain", newBench(model.Campaign, 1, oneDay).requests(constant(-1)).calls(2), rules.None, 0, "broken, not idle"},
		{"called in vain at a high minimum", newBench(model.Campaign, 9, oneDay).requests(constant(-1)).calls(2), rules.StepDown, 1, "broken, not idle"},
		{"serving by another operation", newBench(model.Campaign, 9, oneDay).requests(constant(-1)).callsOf(3, 2), rules.None, 0, "it served"},
		{"idle, but the calls were not read", newBench(model.Campaign, 1, oneDay).requests(constant(-1)), rules.None, 0, "could not be read"},
	} {
		_, s := c.b.advise()
		if s.Action != c.want || s.NewMin != c.newMin || !strings.Contains(s.Reason, c.reason) {
			t.Errorf("%s: %s to %d (%s)", c.name, s.Action, s.NewMin, s.Reason)
		}
	}
}

// failing are the failed calls of a resource that does not look idle.
func (b *bench) failing(value func(i int) float64) *bench {
	for _, q := range rules.FailedQueries(requestsQuery(b.resource, b.moment)) {
		b.readings[q] = series(q.Window, Slot, value)
	}
	return b
}

// What is counted up to now is of more than the idle time, which ends with the span.
func TestCallsInVainAreOfTheHoursCounted(t *testing.T) {
	later := oneDay
	later.Until = later.Span.End.Add(50 * time.Minute)
	for m, want := range map[ReportTime]string{oneDay: "in the last 24 h failed", later: "in the last 25 h failed"} {
		if _, saving := newBench(model.Campaign, 1, m).requests(constant(-1)).calls(2).advise(); !strings.Contains(saving.Reason, want) {
			t.Errorf("until %v: %s", m.Until, saving.Reason)
		}
	}
}

// Who is called in vain is broken, not idle.
func TestFailedCallsAreNotIdleTime(t *testing.T) {
	idle := 24 * time.Hour
	morning := func(i int) float64 { // no request, but a failed one, in the first six hours
		if i < 72 {
			return 1
		}
		return -1
	}
	lastHour := func(i int) float64 {
		if i >= 276 {
			return 300
		}
		return -1
	}
	for _, c := range []struct {
		name  string
		b     *bench
		hours float64
		since time.Time
		asked int
	}{
		{"all calls fail", newBench(model.Campaign, 1, oneDay).requests(constant(-1)).calls(2), 0, time.Time{}, 9},
		{"no calls at all", newBench(model.Campaign, 1, oneDay).requests(constant(-1)).calls(0), 24, oneDay.Span.Start, 9},
		{"failed in the morning, served in the last hour", newBench(model.Campaign, 1, oneDay).requests(lastHour).failing(morning), 17, time.Time{}, 2},
		{"served in the morning, failing since", newBench(model.Recommender, 1, oneDay).requests(morning).failing(constant(1)), 0, time.Time{}, 2},
		{"served in the morning, quiet since", newBench(model.Recommender, 1, oneDay).requests(morning).failing(constant(-1)), 18, oneDay.Span.Start.Add(6 * time.Hour), 2},
		{"served all the time", newBench(model.Campaign, 1, oneDay).requests(constant(1)), 0, time.Time{}, 0},
	} {
		if asked := len(c.b.measure().CallQueries(c.b.resource, idle, oneDay)); asked != c.asked {
			t.Errorf("%s: %d questions, want %d", c.name, asked, c.asked)
		}
		u, _ := c.b.advise()
		near(t, c.name, *u.IdleHours, c.hours)
		if (u.IdleSince == nil) != c.since.IsZero() || u.IdleSince != nil && !u.IdleSince.Equal(c.since) {
			t.Errorf("%s: idle since %v, want %v", c.name, u.IdleSince, c.since)
		}
	}
	b := newBench(model.Campaign, 1, oneDay).requests(lastHour)
	if u, _ := b.advise(); u.IdleHours != nil || u.IdleSince != nil {
		t.Errorf("idle for %v h since %v, though failed calls were not read", *u.IdleHours, u.IdleSince)
	}
}

// A report over less than the idle time looks at the whole of it, one over more at its end.
func TestIdleTimeIsLookedAtWhole(t *testing.T) {
	m := ReportTimeOf(now, 3, 2*time.Minute)
	b := newBench(model.Campaign, 1, m).requests(constant(-1))
	for _, q := range idleQueries(b.resource, 24*time.Hour, m) {
		b.readings[q] = series(q.Window, Slot, func(i int) float64 { // failed on the first day alone
			if strings.HasSuffix(q.Metric.Name, model.Suffix5xx) && i < 288 {
				return 7
			}
			return -1
		})
	}
	u, s := b.advise()
	near(t, "idle", *u.IdleHours, 48)
	near(t, "saved since the last call", s.TPSHours, 48)
	if s.Action != rules.Delete || !strings.Contains(s.Reason, "no request since 2026-03-02 12:00") {
		t.Errorf("%s: %s", s.Action, s.Reason)
	}
	if q := idleQueries(b.resource, 48*time.Hour, oneDay)[0]; !q.Window.Start.Equal(oneDay.Span.End.Add(-48 * time.Hour)) {
		t.Errorf("48 h without a request are looked at from %v on", q.Window.Start)
	}
}

// Someone who calls once a week has not abandoned anything on the sixth day.
func TestASilenceThatMayBeUsualIsNoAdviceToRemove(t *testing.T) {
	for _, c := range []struct {
		days   int // since the last call
		want   rules.Verdict
		reason string
	}{
		{2, rules.None, "idle, but called up to 2026-03-02 12:00 UTC, so not removed within 192 h of that"},
		{7, rules.None, "idle, but called up to 2026-02-25 12:00 UTC"},
		{8, rules.Delete, "no request in all"},
		{15, rules.Delete, "no request in all"},
	} {
		b := newBench(model.Campaign, 1, oneDay).requests(constant(-1)).calls(0).hourly(func(i int) float64 {
			if i == 24*(14-c.days)-1 {
				return 5
			}
			return -1
		})
		if _, s := b.advise(); s.Action != c.want || !strings.Contains(s.Reason, c.reason) {
			t.Errorf("called %d days ago: %s (%s)", c.days, s.Action, s.Reason)
		}
	}
	b := newBench(model.Campaign, 1, oneDay).requests(constant(-1)).calls(0)
	delete(b.readings, hourlyQuery(b.resource, oneDay))
	if _, s := b.advise(); s.Action != rules.None || !strings.Contains(s.Reason, "its requests of 14 days could not be read") {
		t.Errorf("without the hours of 14 days: %s (%s)", s.Action, s.Reason)
	}
}

func TestYoungOnesAreLeftAlone(t *testing.T) {
	for _, c := range []struct {
		age  time.Duration
		want rules.Verdict
	}{{24*time.Hour - time.Second, rules.None}, {24 * time.Hour, rules.None}, {56 * time.Hour, rules.StepDown}} {
		b := newBench(model.Campaign, 10, oneDay)
		b.resource.Created = now.Add(-c.age)
		b.requests(constant(300)).hourly(constant(3600))
		if _, s := b.advise(); s.Action != c.want {
			t.Errorf("%v old: %s (%s)", c.age, s.Action, s.Reason)
		}
	}
	b := newBench(model.Campaign, 10, oneDay).requests(constant(300))
	delete(b.readings, hourlyQuery(b.resource, oneDay))
	if _, s := b.advise(); s.Action != rules.None || !strings.Contains(s.Reason, "could not be read completely") {
		t.Errorf("without the hours of 14 days: %+v", s)
	}
}

func TestWhatALowerMinimumSaves(t *testing.T) {
	// 10 TPS for two slots an hour, else 3; the minimum was 20 for half of the day.
	demand := func(i int) float64 {
		if i%12 < 2 {
			return 3000
		}
		return 900
	}
	b := newBench(model.Campaign, 12, oneDay).requests(demand).hourly(constant(3600 * 4)).minimums(func(i int) float64 {
		if i < 144 {
			return 20
		}
		return 12
	})
	u, s := b.advise()
	near(t, "paid", u.Paid, 12*20+12*12)
	after := 24 * (2*10 + 10*4) / 12.0
	near(t, "saved", s.TPSHours, u.Paid-after)
	near(t, "a month, from the present minimum on", s.PerMonth, (24*12-after)*730/24)
	if s.NewMin != 4 || s.Jumps != 23 || s.Sudden != 23 || s.JumpsNow != 0 {
		t.Errorf("new minimum %d, jumps %d and %d, now %d", s.NewMin, s.Jumps, s.Sudden, s.JumpsNow)
	}
	// Demand that climbs past twice the minimum is no sudden jump.
	b = newBench(model.Campaign, 100, oneDay).requests(func(i int) float64 { return 300 * float64(4+i%12) }).hourly(constant(3600 * 4))
	if _, s := b.advise(); s.Jumps != 24 || s.Sudden != 0 {
		t.Errorf("a climb: jumps %d, sudden %d", s.Jumps, s.Sudden)
	}
}

func TestWhatAnEndSaves(t *testing.T) {
	half := func(i int) float64 {
		if i < 147 {
			return 3000
		}
		return -1
	}
	m := ReportTimeOf(now, 2, 2*time.Minute)
	for kind, want := range map[model.Kind]float64{
		model.Campaign: 429 * 4 / 12.0,
		// In the hour of the last request (3 × 10 TPS) the minimum was used up to 30 of 48.
		model.Recommender: 35*4 + (48-30)/12.0,
	} {
		b := newBench(kind, 4, m).requests(half)
		u := b.measure()
		s := u.RemovalSaving(b.resource)
		near(t, string(kind), s.TPSHours, want)
		near(t, string(kind)+" a month", s.PerMonth, 4*730)
		if !strings.Contains(s.Reason, "since 2026-03-03 00:15 UTC") {
			t.Error(s.Reason)
		}
	}
}

func TestFourteenDaysNeedNoSecondLookAtHours(t *testing.T) {
	m := ReportTimeOf(now, 14, 2*time.Minute)
	b := newBench(model.Campaign, 10, m)
	if got := len(Queries(b.resource, m)); got != 2 {
		t.Errorf("%d queries for 14 days", got)
	}
	if got := len(Queries(b.resource, oneDay)); got != 3 {
		t.Errorf("%d queries for a day", got)
	}
	delete(b.readings, hourlyQuery(b.resource, m))
	// Requests that only add up to whole TPS over the hour.
	b.requests(func(i int) float64 { return []float64{1001, 1999}[i%2] })
	if _, s := b.advise(); s.NewMin != 5 {
		t.Errorf("new minimum %d (%s)", s.NewMin, s.Reason)
	}
}
