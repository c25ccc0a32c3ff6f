package billing

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

func on(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestSpansOfAReport(t *testing.T) {
	const delay = 2 * time.Minute
	at := on("2026-11-28 22:40")
	month := func(text string) func() (Spans, error) {
		return func() (Spans, error) { return MonthOf(at, on(text+"-01 00:00"), delay) }
	}
	between := func(since, until string) func() (Spans, error) {
		return func() (Spans, error) {
			end := time.Time{}
			if until != "" {
				end = on(until)
			}
			return Between(at, on(since), end, delay)
		}
	}
	for _, c := range []struct {
		name          string
		spans         func() (Spans, error)
		shown         string // start, end
		advised       string // start of the 14 days that proposals go by; empty if there are none
		wide          string // start of what is read
		before, fault string
		coarse        bool
		days          int
	}{
		{"days", func() (Spans, error) { return Days(at, 14, delay), nil }, "2026-11-14 22:00 2026-11-28 22:00", "2026-11-14 22:00", "2026-11-14 22:00", "", "", false, 14},
		{"the present month, and the one before", month("2026-11"), "2026-11-01 00:00 2026-11-28 22:00", "2026-11-14 22:00", "2026-10-01 00:00", "2026-10-01 00:00", "", false, 28},
		{
			"a young month: proposals go by 14 days all the same",
			func() (Spans, error) { return MonthOf(on("2026-11-01 03:02"), on("2026-11-01 00:00"), delay) },
			"2026-11-01 00:00 2026-11-01 03:00", "2026-10-18 03:00", "2026-10-01 00:00", "2026-10-01 00:00", "", false, 1,
		},
		{"a month in the past: no proposals", month("2026-10"), "2026-10-01 00:00 2026-11-01 00:00", "", "2026-10-01 00:00", "", "", false, 31},
		{"a month of which data by 5 minutes are gone", month("2026-09"), "2026-09-01 00:00 2026-10-01 00:00", "", "2026-09-01 00:00", "", "", true, 30},
		{"the first month that is kept as a whole", month("2025-09"), "2025-09-01 00:00 2025-10-01 00:00", "", "2025-09-01 00:00", "", "", true, 30},
		{"one before that", month("2025-08"), "", "", "", "", "2025-08 is not complete any more; the first month that is: 2025-09", false, 0},
		{"next month", month("2026-12"), "", "", "", "", "2026-12 has not begun", false, 0},
		{"since a day ago", between("2026-11-27 22:10", ""), "2026-11-27 22:00 2026-11-28 22:00", "2026-11-27 22:00", "2026-11-27 22:00", "", "", false, 1},
		{"20 days up to now: proposals go by the last 14", between("2026-11-08 22:00", ""), "2026-11-08 22:00 2026-11-28 22:00", "2026-11-14 22:00", "2026-11-08 22:00", "", "", false, 20},
		{"an end in the future is now", between("2026-11-27 22:00", "2027-01-01 00:00"), "2026-11-27 22:00 2026-11-28 22:00", "2026-11-27 22:00", "2026-11-27 22:00", "", "", false, 1},
		{"two hours last week", between("2026-11-20 03:00", "2026-11-20 05:59"), "2026-11-20 03:00 2026-11-20 05:00", "", "2026-11-20 03:00", "", "", false, 1},
		{"the first hour of data by 5 minutes", between("2026-09-27 00:00", "2026-09-28 00:00"), "2026-09-27 00:00 2026-09-28 00:00", "", "2026-09-27 00:00", "", "", false, 1},
		{"an hour before that", between("2026-09-26 23:00", "2026-09-28 00:00"), "2026-09-26 23:00 2026-09-28 00:00", "", "2026-09-26 23:00", "", "", true, 2},
		{"no whole hour", between("2026-11-20 03:00", "2026-11-20 03:59"), "", "", "", "", "no whole hour", false, 0},
		{"backwards", between("2026-11-20 03:00", "2026-11-19 03:00"), "", "", "", "", "begins 2026-11-20 03:00 UTC, but ends 2026-11-19 03:00 UTC", false, 0},
		{"in the future", between("2026-11-28 22:41", ""), "", "", "", "", "in the future", false, 0},
		{
			"the first hour of a month", func() (Spans, error) { return MonthOf(on("2026-11-01 01:01"), on("2026-11-01 00:00"), delay) },
			"", "", "", "", "try again in an hour, or report 2026-10", false, 0,
		},
		{"an hour whose data have not arrived", between("2026-11-28 22:00", ""), "", "", "", "", "no whole hour", false, 0},
		{"the first hour that is kept", between("2025-08-31 00:00", ""), "2025-08-31 00:00 2026-11-28 22:00", "2026-11-14 22:00", "2025-08-31 00:00", "", "", true, 455},
		{"an hour before", between("2025-08-30 23:00", ""), "", "", "", "", "begin 2025-08-31 00:00 or later", false, 0},
	} {
		s, err := c.spans()
		if c.fault != "" || err != nil {
			if err == nil || !strings.Contains(err.Error(), c.fault) || c.fault == "" {
				t.Errorf("%s: error %v, want %q", c.name, err, c.fault)
			}
			continue
		}
		const layout = "2006-01-02 15:04"
		if got := s.Shown.Start.Format(layout) + " " + s.Shown.End.Format(layout); got != c.shown {
			t.Errorf("%s: shown %s, want %s", c.name, got, c.shown)
		}
		advised, ok := s.Advised()
		if got := advised.Span.Start.Format(layout); ok != (c.advised != "") || ok && (got != c.advised || advised.Span.End != s.Shown.End || advised.Until.Sub(s.Until) != 0) {
			t.Errorf("%s: advised %v %+v, want %s", c.name, ok, advised, c.advised)
		}
		if got := s.Wide().Span; got.Start.Format(layout) != c.wide || got.End != s.Shown.End {
			t.Errorf("%s: wide %v, want since %s", c.name, got, c.wide)
		}
		if before, ok := s.OfBefore(); ok != (c.before != "") || ok && (before.Span.Start.Format(layout) != c.before || before.Span.End != s.Month.Start) {
			t.Errorf("%s: before %v, want %q", c.name, before.Span, c.before)
		}
		if s.Coarse() != c.coarse || s.Days() != c.days {
			t.Errorf("%s: by the hour %v, %d days", c.name, s.Coarse(), s.Days())
		}
	}
	if s := Days(on("2026-11-01 00:40"), 14, delay).WithMonth(); !s.Month.Start.IsZero() {
		t.Errorf("a month without an hour: %v", s.Month)
	}
	if s := Days(on("2026-11-20 00:40"), 14, delay).WithMonth(); s.Month != model.NewWindow(on("2026-11-01 00:00"), on("2026-11-20 00:00")) || s.Wide().Span != s.Month {
		t.Errorf("the month beside 14 days: %v, read %v", s.Month, s.Wide().Span)
	}
}

// TestAPartOfASpanIsMeteredAsIfReadAlone meters two parts of a wide span, from its readings.
func TestAPartOfASpanIsMeteredAsIfReadAlone(t *testing.T) {
	at := on("2026-11-20 12:02")
	spans, err := MonthOf(at, at, 2*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []model.Kind{model.Campaign, model.Recommender} {
		wide := newBench(kind, 6, spans.Wide())
		wide.resource.Created = at.AddDate(0, -3, 0)
		wide.resource.LastUpdated = spans.Month.Start.AddDate(0, 0, 3)
		wide.running = series(spans.Wide().Span, Slot, func(int) float64 { return 1 })
		// It was lowered from 9 to 6 three days into the month, is called every other hour, and was
		// not watched in the last two days of the month before.
		slot := func(when time.Time) int { return int(when.Sub(spans.Before.Start) / Slot) }
		wide.requests(func(i int) float64 { return float64((i / 12 % 2) * 3000 * (i % 5)) })
		wide.minimums(func(i int) float64 {
			switch {
			case i >= slot(spans.Month.Start.AddDate(0, 0, -2)) && i < slot(spans.Month.Start):
				return -1
			case i < slot(spans.Month.Start.AddDate(0, 0, 3)):
				return 9
			}
			return 6
		})
		advised, _ := spans.Advised()
		before, _ := spans.OfBefore()
		whole, sum := Measure(wide.resource, wide.readings, wide.running, spans.Wide()), TPSHours{}
		for _, part := range []ReportTime{before, spans.Of()} {
			u := Measure(wide.resource, Narrow(wide.resource, wide.readings, spans.Wide(), part), wide.running, part)
			if !u.Readable {
				t.Fatal(u.Why)
			}
			sum.Add(u.TPSHours)
		}
		near(t, string(kind)+": the parts paid", sum.Paid, whole.Paid)
		near(t, string(kind)+": the parts used", sum.Used, whole.Used)
		// Proposals go by the same evidence as in a report of 14 days.
		alone := newBench(kind, 6, advised)
		alone.resource = wide.resource
		alone.running = wide.running
		offset := slot(advised.Span.Start)
		alone.requests(func(i int) float64 { return float64(((i + offset) / 12 % 2) * 3000 * ((i + offset) % 5)) })
		narrow := Narrow(wide.resource, wide.readings, spans.Wide(), advised)
		for _, q := range rules.ConfirmQueries(wide.resource, lookBack(advised)) {
			narrow[q] = alone.readings[q]
		}
		got := Measure(wide.resource, narrow, wide.running, advised)
		want := alone.measure()
		near(t, string(kind)+": 14 days paid", got.Paid, want.Paid)
		idle, used := 24*time.Hour, 192*time.Hour
		if g, w := Advise(wide.resource, got, narrow, idle, used, advised), Advise(alone.resource, want, alone.readings, idle, used, advised); cmp.Diff(w, g) != "" {
			t.Errorf("%s: advice (-want +got)\n%s", kind, cmp.Diff(w, g))
		}
	}
}

// TestOldDataAreMeteredByTheHour reads a span of which the first part is kept by the hour alone.
func TestOldDataAreMeteredByTheHour(t *testing.T) {
	b := newBench(model.Campaign, 2, ReportTime{Now: now, Span: model.NewWindow(on("2026-01-01 00:00"), on("2026-01-03 00:00")), usageOnly: true})
	b.resource.Created = on("2025-01-01 00:00")
	fine := on("2026-01-02 00:00")
	queries := Queries(b.resource, b.moment)
	kept, readings := Kept(queries, fine), model.Readings{}
	if len(queries) != 2 || len(kept) != 4 {
		t.Fatalf("%d queries, %d kept", len(queries), len(kept))
	}
	for _, q := range kept {
		old := q.Window.End.Equal(fine)
		if old != (q.Period == time.Hour) || !old && q.Window.Start != fine {
			t.Errorf("%+v", q)
		}
		switch {
		case q.Metric.Namespace == model.NamespaceMonitor && q.Stat == model.Minimum && !old, q.Stat == model.Average && old:
			readings[q] = series(q.Window, q.Period, func(int) float64 { return 2 })
		case q.Stat == model.Sum && old: // one hour of 4 TPS, one of none
			readings[q] = series(q.Window, q.Period, func(i int) float64 { return float64(i % 2 * 4 * 3600) })
		case q.Stat == model.Sum: // the same in 5 minutes, all of it in the first half of the hour
			readings[q] = series(q.Window, q.Period, func(i int) float64 {
				if i%24 >= 12 && i%24 < 18 {
					return 8 * 300
				}
				return 0
			})
		default:
			t.Errorf("not expected: %+v", q)
		}
	}
	u := Measure(b.resource, Spread(queries, readings, fine), b.running, b.moment)
	if !u.Readable {
		t.Fatal(u.Why)
	}
	near(t, "used", u.Used, 2*12*4)
	near(t, "known", u.MinKnown, 100)
	near(t, "paid", u.Paid, 12*(2+4)+12*(2+0.5*8+0.5*2)) // by the hour the rest of a busy hour is not seen
	readings[kept[0]] = model.Series{}
	if u := Measure(b.resource, Spread(queries, readings, fine), b.running, b.moment); u.Readable {
		t.Error("a part that could not be read must not count as no traffic")
	}
}
