package rules

import (
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Bounds of the pause of a contested minimum.
const (
	firstPause   = 24 * time.Hour      // after the first reversal; it doubles with each
	longestPause = 30 * 24 * time.Hour // the longest
	// stepReach is how long after it was accepted a step of ours may become visible.
	stepReach = 2 * time.Hour
)

// Contest is what became of our steps: how often somebody set the minimum back to what it was
// before one, or higher. The zero value means that no one did, as far as is known. A raise by
// a schedule counts as well: a person asked for it, and steps stay above its level anyway.
type Contest struct {
	Reversals int
	Last      time.Time // start of the hour in which the latest one shows
	Minimum   int       // what it was set back to; TPS or RPS
	// Undo is the minimum before our latest step, if that is not reversed, and Step the start of
	// the hour in which the step shows; else zero.
	Undo int
	Step time.Time
}

// ContestQueries ask for what ContestOf goes by.
func ContestQueries(r model.Resource, m EvaluationTime) []model.Query {
	return []model.Query{
		cautionQuery(r, r.Kind.MinimumMetric(), model.Minimum, m), cautionQuery(r, model.MetricActionsTaken, model.Sum, m),
	}
}

// ContestOf finds whether somebody sets the minimum back, by the answers to ContestQueries;
// complete means that these are.
func ContestOf(r model.Resource, readings model.Readings, m EvaluationTime) (c Contest, complete bool) {
	queries := ContestQueries(r, m)
	minimums, steps := readings.Get(queries[0]), readings.Get(queries[1])
	// An earlier endpoint may have had the same name.
	own := slices.DeleteFunc(slices.Clone(minimums.Points), func(p model.Datapoint) bool { return p.Time.Before(r.Created.Truncate(time.Hour)) })
	return contestOf(own, steps.Points), minimums.Complete && steps.Complete
}

// ChangedLately reports whether a resource may have been updated within the longest pause. One
// that was only listed may have been.
func ChangedLately(r model.Resource, now time.Time) bool {
	return !r.Described || now.Sub(r.LastTouched()) < longestPause+firstPause
}

// Until is when the pause after the latest reversal ends: 1, 2, 4 … 30 days after it. From then on
// there is one step a day, so that a second tool does not set back a whole descent.
func (c Contest) Until() time.Time {
	if c.Reversals == 0 {
		return time.Time{}
	}
	pause := firstPause
	for range c.Reversals - 1 {
		pause = min(2*pause, longestPause) // guard: contested: the pause doubles; each
	}
	until := c.Last.Add(pause)
	if c.Undo > 0 { // guard: contested: one step a day
		until = model.Later(until, c.Step.Add(firstPause))
	}
	return until
}

// contestOf follows the minimum, by the lowest value of each hour, and the hours in which steps
// of ours were accepted. A minimum that fell in an hour of a step or shortly after was lowered
// by us; one that later rises to what it was before, or higher, was set back. Hours without
// data are passed over.
func contestOf(minimums, steps []model.Datapoint) Contest {
	accepted := make(map[int64]bool, len(steps))
	for _, p := range steps {
		if p.Value > 0 {
			accepted[p.Time.Truncate(time.Hour).Unix()] = true
		}
	}
	ours := func(from, to time.Time) bool {
		for at := from.Add(-stepReach); !at.After(to); at = at.Add(time.Hour) {
			if accepted[at.Unix()] {
				return true
			}
		}
		return false
	}
	var c Contest
	var last model.Datapoint
	for _, p := range minimums {
		switch {
		case last.Time.IsZero():
		case p.Value < last.Value && ours(last.Time, p.Time): // guard: contested: only after a step of ours; each
			c.Undo, c.Step = int(last.Value), p.Time
		case c.Undo > 0 && p.Value >= float64(c.Undo): // guard: contested: set back as far; each
			c = Contest{Reversals: c.Reversals + 1, Last: p.Time, Minimum: int(p.Value)}
		}
		last = p
	}
	return c
}
