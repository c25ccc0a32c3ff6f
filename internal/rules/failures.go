package rules

import (
	"fmt"
	"math"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// What counts as failures that point to a missing minimum. Demand above the minimum is served
// only as fast as Personalize adds capacity.
const (
	riseFactor    = 1.2  // how far a 5-minute step exceeds the highest of the three before it
	riseSteps     = 3    // how many steps before it are looked at
	riseCalls     = 50   // calls in the step, failed ones included
	riseShare     = 0.02 // share of them that failed
	riseOverDaily = 3    // times the share of failed calls of the day before
	// riseReach is how far back a rise is searched, so that a check that was left out or that
	// came before the counts does no harm. The rest of the day is what it is compared with.
	riseReach = 6 * time.Hour
	// holdTime is how long after such failures nothing is stepped down.
	holdTime = 14 * 24 * time.Hour
)

// Rise is a 5-minute step in which demand rose above the minimum and calls failed. The zero
// value means that there was none, as far as is known.
type Rise struct {
	At      time.Time // start of the step
	Minimum float64   // at that time; TPS or RPS
	Calls   float64   // failed ones included
	Failed  float64
}

// Found reports whether there was such a step.
func (f Rise) Found() bool { return !f.At.IsZero() }

// text reports the step with its numbers. The share is rounded down.
func (f Rise) text(kind model.Kind) string {
	unit := kind.RateUnit()
	return fmt.Sprintf("%.0f of %.0f calls (%.1f %%) failed in the 5 minutes from %s, as demand rose to %.1f %s, above the minimum of %g",
		f.Failed, f.Calls, math.Floor(f.Failed/f.Calls*1000)/10, f.At.Format(gapFormat), f.Calls/WindowLength.Seconds(), unit, f.Minimum)
}

// dayWindow is the day up to the end of the measured window, in 5-minute steps.
func dayWindow(m EvaluationTime) model.Window {
	return model.NewWindow(m.Window.End.Add(-24*time.Hour), m.Window.End)
}

// riseQueries ask for the calls of a day, failed ones apart, and the minimum. They are asked of
// a resource that may have been stepped down lately; of any other, only failures before a step
// matter, and are read then. A resource that was only listed may have been updated.
func riseQueries(r model.Resource, m EvaluationTime) []model.Query {
	if age(r, m) < stepDownAge || r.Described && m.Now.Sub(r.LastTouched()) >= holdTime {
		return nil
	}
	return allRiseQueries(r, m)
}

func allRiseQueries(r model.Resource, m EvaluationTime) []model.Query {
	metric, why := RequestMetric(r)
	if why != "" {
		return nil
	}
	queries := []model.Query{MinimumQuery(r, dayWindow(m))}
	for _, suffix := range []string{"", model.Suffix4xx, model.Suffix5xx} {
		named := metric
		named.Name += suffix
		queries = append(queries, model.Query{
			Region: r.Region(), Metric: named, Stat: model.Sum, Window: dayWindow(m), Period: WindowLength,
		})
	}
	return queries
}

// latestRise finds the latest step of the last hours with failures that point to a missing
// minimum: calls of at least riseCalls, above the minimum and 1.2 times those of any of the
// three steps before, of which 2 % failed and three times the share of the day before. A step
// without data had no calls, which makes a rise more likely. complete means that all of it was
// read completely. Where the minimum was not published it is taken to be the present one.
func latestRise(r model.Resource, readings model.Readings, m EvaluationTime) (latest Rise, complete bool) {
	queries := allRiseQueries(r, m)
	if len(queries) == 0 {
		return Rise{}, false
	}
	steps, complete := readSteps(queries, readings, m)
	w := dayWindow(m)
	before, failedBefore := 0.0, 0.0
	for at, one := range steps {
		minimum := one.minimum
		if minimum == 0 {
			minimum = float64(r.MinTPS)
		}
		highest := 0.0
		for _, former := range steps[max(0, at-riseSteps):at] {
			highest = max(highest, former.calls)
		}
		usual := 0.0
		if before > 0 {
			usual = failedBefore / before
		}
		share := one.failed / max(1, one.calls)
		start := w.Start.Add(time.Duration(at) * WindowLength)
		// guard: failures in a rise; each
		if one.calls >= riseCalls && one.calls > minimum*WindowLength.Seconds() && one.calls >= riseFactor*highest &&
			share >= riseShare && share >= riseOverDaily*usual && !start.Before(w.End.Add(-riseReach)) {
			latest = Rise{At: start, Minimum: minimum, Calls: one.calls, Failed: one.failed}
		}
		before, failedBefore = before+one.calls, failedBefore+one.failed
	}
	return latest, complete
}

// step is what was read of a window of 5 minutes: zero without a datapoint.
type step struct{ minimum, calls, failed float64 }

// readSteps are the answers to allRiseQueries by step. complete means that all of them were read completely.
func readSteps(queries []model.Query, readings model.Readings, m EvaluationTime) (steps []step, complete bool) {
	w := dayWindow(m)
	steps, complete = make([]step, int(w.Duration()/WindowLength)), true
	for i, q := range queries {
		series := readings.Get(q)
		complete = complete && series.Complete // guard: failures read completely; each
		for _, p := range series.Points {
			at := int(p.Time.Sub(w.Start) / WindowLength)
			switch {
			case at < 0 || at >= len(steps):
			case i == 0:
				steps[at].minimum = p.Value
			default:
				steps[at].calls += p.Value
				if i > 1 {
					steps[at].failed += p.Value
				}
			}
		}
	}
	return steps, complete
}
