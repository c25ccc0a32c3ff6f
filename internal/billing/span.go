package billing

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// How far back CloudWatch keeps data ("Metrics retention", CloudWatch user guide): 63 days by 5 minutes, and 455
// days by the hour. Both are shorter by two hours here, as time passes until they are read.
const (
	FineReach = 63*24*time.Hour - 2*time.Hour
	HourReach = 455*24*time.Hour - 2*time.Hour
)

// Spans are the spans of time of one report, all in whole hours.
type Spans struct {
	Now time.Time
	// Shown is what the resources and totals of the report are of.
	Shown model.Window
	// Until is the end of the last whole 5 minutes whose counts have arrived, or that of Shown if
	// it ended before.
	Until time.Time
	// Open reports whether Shown reaches up to now, so that proposals can be made.
	Open bool
	// Month is the calendar month that is also metered, up to now if it is the present one; zero
	// if none is.
	Month model.Window
	// Before is the month before the present one, for comparison; zero if it is not wanted.
	Before model.Window
}

// Days is a span of so many times 24 whole hours up to now, as in ReportTimeOf.
func Days(now time.Time, days int, delay time.Duration) Spans {
	m := ReportTimeOf(now, days, delay)
	return Spans{Now: now, Shown: m.Span, Until: m.Until, Open: true}
}

// Between is the span from since to until, or to now if until is zero or later. Both are cut to
// whole hours. It returns an error for what CloudWatch does not keep, or a span that is empty.
func Between(now, since, until time.Time, delay time.Duration) (Spans, error) {
	last := ReportTimeOf(now, MinDays, delay)
	s := Spans{Now: now, Until: last.Until, Open: until.IsZero() || until.After(last.Span.End)}
	start, end := since.UTC().Truncate(time.Hour), last.Span.End
	if !s.Open {
		end = until.UTC().Truncate(time.Hour)
		s.Until = end
	}
	switch {
	case since.After(now):
		return Spans{}, fmt.Errorf("the span begins %s, in the future; begin earlier", minutes(since.UTC()))
	case !until.IsZero() && !since.Before(until):
		return Spans{}, fmt.Errorf("the span begins %s, but ends %s; begin before its end", minutes(since.UTC()), minutes(until.UTC()))
	case !start.Before(end):
		return Spans{}, fmt.Errorf("the span from %s to %s has no whole hour whose data have arrived; begin an hour earlier, or more",
			minutes(start), minutes(end))
	case start.Before(keptSince(now)):
		return Spans{}, fmt.Errorf("the span begins %s, but CloudWatch keeps data of 455 days; begin %s or later",
			minutes(start), keptSince(now).Format(minuteForm))
	}
	s.Shown = model.NewWindow(start, end)
	return s, nil
}

const minuteForm = "2006-01-02 15:04"

func minutes(t time.Time) string { return t.Format(minuteForm) + " UTC" }

// keptSince is since when CloudWatch has data by the hour.
func keptSince(now time.Time) time.Time {
	return now.UTC().Add(-HourReach).Truncate(time.Hour)
}

// MonthOf is the calendar month (UTC) that a time is in. The present month reaches up to now, and
// has the month before beside it.
func MonthOf(now, month time.Time, delay time.Duration) (Spans, error) {
	first, name := FirstOfMonth(month), FirstOfMonth(month).Format("2006-01")
	switch kept := keptSince(now); {
	case first.After(now):
		return Spans{}, fmt.Errorf("the month %s has not begun", name)
	case first.Before(kept):
		return Spans{}, fmt.Errorf("CloudWatch keeps data of 455 days: %s is not complete any more; the first month that is: %s",
			name, MonthEnd(kept).Format("2006-01"))
	case !first.Before(ReportTimeOf(now, MinDays, delay).Span.End):
		return Spans{}, fmt.Errorf("the month %s has no whole hour yet whose data have arrived; try again in an hour, or report %s",
			name, first.AddDate(0, -1, 0).Format("2006-01"))
	}
	s, err := Between(now, first, first.AddDate(0, 1, 0), delay)
	if err != nil {
		return Spans{}, err
	}
	s.Month = s.Shown
	if s.Open {
		s.Before = model.NewWindow(first.AddDate(0, -1, 0), first)
	}
	return s, nil
}

// WithMonth also meters the present month, beside what is shown. In its first hour there is nothing
// to meter.
func (s Spans) WithMonth() Spans {
	if first := FirstOfMonth(s.Shown.End); s.Open && first.Before(s.Shown.End) {
		s.Month = model.NewWindow(first, s.Shown.End)
	}
	return s
}

// MonthEnd is the end of the calendar month that a time is in.
func MonthEnd(t time.Time) time.Time { return FirstOfMonth(t).AddDate(0, 1, 0) }

// FirstOfMonth is the beginning of the calendar month (UTC) of t.
func FirstOfMonth(t time.Time) time.Time {
	return time.Date(t.UTC().Year(), t.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
}

// Days is how many days the shown span has, a part of one counted as one.
func (s Spans) Days() int {
	const day = 24 * time.Hour
	return int((s.Shown.Duration() + day - 1) / day)
}

// Fine is since when there are data by 5 minutes. What is older is metered by the hour.
func (s Spans) Fine() time.Time {
	return s.Now.UTC().Add(-FineReach).Truncate(time.Hour)
}

// Coarse reports whether a part of the shown span is metered by the hour, by which peaks within an
// hour are not seen, so that a campaign was paid for a little more than that.
func (s Spans) Coarse() bool { return s.Shown.Start.Before(s.Fine()) }

// Of is the time of a report over the shown span alone.
func (s Spans) Of() ReportTime { return s.over(s.Shown) }

// OfMonth is the time of a report over the month; ok is false if none is metered.
func (s Spans) OfMonth() (m ReportTime, ok bool) {
	return s.over(s.Month), !s.Month.Start.IsZero()
}

// OfBefore is the time of a report over the month before; ok is false if it is not metered.
func (s Spans) OfBefore() (m ReportTime, ok bool) {
	return s.over(s.Before), !s.Before.Start.IsZero()
}

// advisedByShown reports whether proposals go by the shown span. In a report of a month they go by 14
// days, however young the month is, as more than those are read.
func (s Spans) advisedByShown() bool {
	return s.Open && s.Shown.Duration() <= rules.LookBack && s.Before.Start.IsZero()
}

func (s Spans) over(w model.Window) ReportTime {
	if w == s.Shown && s.advisedByShown() {
		return ReportTime{Now: s.Now, Span: w, Until: s.Until}
	}
	return ReportTime{Now: s.Now, Span: w, Until: w.End, usageOnly: true}
}

// Advised is the time that proposals are made for: that of the shown span, or of the last 14 days if
// that is longer or of a month. ok is false if the report makes none, as its span ended in the past.
func (s Spans) Advised() (m ReportTime, ok bool) {
	switch {
	case !s.Open:
		return ReportTime{}, false
	case s.advisedByShown():
		return s.Of(), true
	}
	w := model.NewWindow(s.Shown.End.Add(-rules.LookBack), s.Shown.End)
	return ReportTime{Now: s.Now, Span: w, Until: s.Until}, true
}

// Wide is the time of all that has to be read, which covers the others.
func (s Spans) Wide() ReportTime {
	start := s.Shown.Start
	for _, w := range []model.Window{s.Month, s.Before} {
		if !w.Start.IsZero() {
			start = model.Earlier(start, w.Start)
		}
	}
	if m, ok := s.Advised(); ok {
		start = model.Earlier(start, m.Span.Start)
	}
	if start.Equal(s.Shown.Start) {
		return s.Of()
	}
	return ReportTime{Now: s.Now, Span: model.NewWindow(start, s.Shown.End), Until: s.Shown.End, usageOnly: true}
}

// Narrow are the readings of a resource for a part of what was read for a wide time. They share
// its datapoints. The minimums stay those of all the time, as the past one is assumed by them.
func Narrow(r model.Resource, readings model.Readings, wide, part ReportTime) model.Readings {
	if wide == part {
		return readings
	}
	requests := readings.Get(requestsQuery(r, wide))
	narrow := model.Readings{
		requestsQuery(r, part): within(requests, part.Span),
		minimumQuery(r, part):  readings.Get(minimumQuery(r, wide)),
	}
	if hourly := hourlyQuery(r, part); !part.usageOnly {
		narrow[hourly] = hourlySums(within(requests, hourly.Window))
	}
	return narrow
}

// within are the datapoints of a series in a window that its own covers.
func within(s model.Series, w model.Window) model.Series {
	index := func(t time.Time) int {
		return sort.Search(len(s.Points), func(i int) bool { return !s.Points[i].Time.Before(t) })
	}
	return model.Series{Points: s.Points[index(w.Start):index(w.End)], Complete: s.Complete}
}

// Kept divides queries by 5 minutes into those that CloudWatch can answer: what is older than the
// fine time is asked for by the hour. Spread puts the answers together again.
func Kept(queries []model.Query, fine time.Time) []model.Query {
	kept := make([]model.Query, 0, len(queries))
	for _, q := range queries {
		old, recent := divide(q, fine)
		kept = append(kept, old, recent)
	}
	return slices.DeleteFunc(kept, func(q model.Query) bool { return q.Window.Duration() <= 0 })
}

// divide is the part of a query by 5 minutes that is asked for by the hour, and the rest. Either
// may be empty.
func divide(q model.Query, fine time.Time) (old, recent model.Query) {
	if q.Period%time.Hour == 0 || !q.Window.Start.Before(fine) {
		return model.Query{}, q
	}
	old, recent = q, q
	cut := model.Earlier(fine, q.Window.End)
	old.Window.End, recent.Window.Start = ceil(cut, time.Hour), cut // the whole last hour
	old.Period = time.Hour
	if q.Stat == model.Minimum { // of a level, which is paid for by its mean
		old.Stat = model.Average
	}
	return old, recent
}

// Spread are the answers to queries by 5 minutes, from those to Kept: an hour's count is spread
// evenly over its 12 slots, and its level is that of each.
func Spread(queries []model.Query, readings model.Readings, fine time.Time) model.Readings {
	for _, q := range queries {
		old, recent := divide(q, fine)
		if old.Window.Duration() <= 0 {
			continue
		}
		hours := readings.Get(old)
		joined := model.Series{Complete: hours.Complete, Points: make([]model.Datapoint, 0, len(hours.Points)*slotsPerHour)}
		share := 1.0
		if old.Stat == model.Sum || old.Stat == model.Count {
			share = 1 / float64(slotsPerHour)
		}
		for _, p := range hours.Points {
			for i := range slotsPerHour {
				if at := p.Time.Add(time.Duration(i) * Slot); at.Before(q.Window.End) {
					joined.Points = append(joined.Points, model.Datapoint{Time: at, Value: p.Value * share})
				}
			}
		}
		if recent.Window.Duration() > 0 {
			late := readings.Get(recent)
			joined.Points, joined.Complete = append(joined.Points, late.Points...), joined.Complete && late.Complete
		}
		readings[q] = joined
	}
	return readings
}
