// Package schedule is what a person writes into the tags of a campaign or recommender about its
// minimum: levels for hours of the week, and a timed raise that returns. It knows the text of the
// tags, the local clock and its changes, and no AWS.
package schedule

import (
	"slices"
	"time"
	_ "time/tzdata" // Lambda's image and a scratch container have no zones of their own
)

// Tags of a campaign or recommender.
const (
	Tag       = "personalize-monitor:schedule"
	ReturnTag = "personalize-monitor:return"
)

// Bounds of a schedule.
const (
	DefaultLead = 15 * time.Minute // an update takes minutes
	MaxLead     = 3 * time.Hour
	// MaxLevel is the largest minimum: an int32 in the API model of Personalize, which documents none.
	MaxLevel = 1<<31 - 1
	// MaxLength is the longest value of a tag (TagValue in the API model of Personalize).
	MaxLength = 256

	day = 24 * 60 // minutes
)

// Schedule is the minimum for each hour of the week. The zero value is no schedule.
type Schedule struct {
	Base  int // the minimum outside of all rules; TPS or RPS, at least 1
	Rules []Rule
	Zone  *time.Location // of the rules' days and hours; nil counts as UTC
	Lead  time.Duration  // how long before its start a level is in place, 0 to MaxLead
}

// Rule is a higher minimum at some hours of some days.
type Rule struct {
	Days Days // on which it starts
	// From and Until are minutes of the local day, 0 to 1439 and 1 to 1440. An Until that is not
	// after From is on the next day.
	From, Until int
	Level       int // higher than the base
}

// Days is a set of days of the week, a bit for each: 1<<time.Sunday to 1<<time.Saturday.
type Days uint8

// Daily are all days.
const Daily Days = 1<<7 - 1

// On makes the set of some days.
func On(list ...time.Weekday) (d Days) {
	for _, w := range list {
		d |= 1 << w
	}
	return d
}

// Has reports whether the day is in the set.
func (d Days) Has(w time.Weekday) bool { return d&(1<<w) != 0 }

// Span is a time in which the minimum stays the same.
type Span struct {
	From  time.Time `json:"from"` // UTC
	Until time.Time `json:"until"`
	Level int       `json:"minimum"`
}

// At is the minimum that the schedule wants at a time: the highest level of the rules that apply
// then, each from its lead before its start, or else the base.
func (s Schedule) At(t time.Time) int { return s.level(s.active(t, t), t) }

func (s Schedule) level(active []Span, t time.Time) int {
	level := s.Base
	for _, span := range active {
		if !t.Before(span.From) && t.Before(span.Until) {
			level = max(level, span.Level)
		}
	}
	return level
}

// Next is when the minimum that the schedule wants next changes after a time, and to what. It is
// not ok if it does not within eight days.
func (s Schedule) Next(t time.Time) (at time.Time, level int, ok bool) {
	spans := s.Spans(t, t.AddDate(0, 0, 8))
	if len(spans) < 2 {
		return time.Time{}, 0, false
	}
	return spans[1].From, spans[1].Level, true
}

// Spans are the minimums that the schedule wants from one time to another, without a gap.
func (s Schedule) Spans(from, until time.Time) []Span {
	active := s.active(from, until)
	edges := []time.Time{from}
	for _, span := range active {
		edges = append(edges, span.From, span.Until)
	}
	slices.SortFunc(edges, time.Time.Compare)
	var spans []Span
	for _, edge := range edges {
		if edge.Before(from) || len(spans) > 0 && !edge.Before(until) {
			continue
		}
		level, last := s.level(active, edge), len(spans)-1
		if last >= 0 && spans[last].Level == level {
			continue
		}
		if last >= 0 {
			spans[last].Until = edge.UTC()
		}
		spans = append(spans, Span{From: edge.UTC(), Until: until.UTC(), Level: level})
	}
	return spans
}

// AboveBase are the TPS-hours above the base from one time to another: what the schedule costs.
func (s Schedule) AboveBase(from, until time.Time) float64 {
	hours := 0.0
	for _, span := range s.Spans(from, until) {
		hours += span.Until.Sub(span.From).Hours() * float64(span.Level-s.Base)
	}
	return hours
}

// Owns reports whether a minimum is one that the schedule may have set: its base or a level.
func (s Schedule) Owns(minimum int) bool {
	return minimum == s.Base || slices.ContainsFunc(s.Rules, func(r Rule) bool { return r.Level == minimum })
}

// Highest is the highest level, or the base without rules.
func (s Schedule) Highest() int {
	highest := s.Base
	for _, r := range s.Rules {
		highest = max(highest, r.Level)
	}
	return highest
}

// active are the spans of the rules that may touch the time from one moment to another.
func (s Schedule) active(from, until time.Time) []Span {
	zone := s.zone()
	var spans []Span
	// A day before and after: ranges over midnight, the lead, and a clock that is changed.
	first, last := dateOf(from.In(zone)).AddDate(0, 0, -2), dateOf(until.In(zone)).AddDate(0, 0, 1)
	for date := first; !date.After(last); date = date.AddDate(0, 0, 1) {
		for _, r := range s.Rules {
			if !r.Days.Has(date.Weekday()) {
				continue
			}
			end := r.Until
			if end <= r.From {
				end += day
			}
			start, _ := instants(date.Add(time.Duration(r.From)*time.Minute), zone)
			_, stop := instants(date.Add(time.Duration(end)*time.Minute), zone)
			if start.Before(stop) {
				spans = append(spans, Span{From: start.Add(-s.Lead), Until: stop, Level: r.Level})
			}
		}
	}
	return spans
}

func (s Schedule) zone() *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}

// dateOf is the local date of a time, as midnight in UTC.
func dateOf(local time.Time) time.Time {
	y, m, d := local.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// instants are the times at which the local clock shows wall, a reading of it written as a time in
// UTC. Where the clock is set back over it, it shows it twice: first and last. Where the clock is
// set forward over it, both are the moment of that.
func instants(wall time.Time, zone *time.Location) (first, last time.Time) {
	offset := func(around time.Time) time.Duration {
		_, seconds := around.In(zone).Zone()
		return time.Duration(seconds) * time.Second
	}
	// The offsets in use shortly before and after, whatever the zone (-12 to +14 hours).
	before, after := wall.Add(-offset(wall.Add(-24*time.Hour))), wall.Add(-offset(wall.Add(24*time.Hour)))
	shows := func(t time.Time) bool { return t.Add(offset(t)).Equal(wall) }
	switch {
	case shows(before) && shows(after):
		return before, after
	case shows(before):
		return before, before
	case shows(after):
		return after, after
	}
	moment, _ := before.In(zone).ZoneBounds()
	return moment.UTC(), moment.UTC()
}
