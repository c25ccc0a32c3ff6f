package rules

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// What counts as failures that point to a missing minimum. Demand above the minimum is served
// only as fast as Personalize adds capacity.
const (
	riseFactor    = 1.2  // how far a 5-minute step exceeds the highest of the three before it
	riseCalls     = 50   // calls in the step, failed ones included
	riseShare     = 0.02 // share of them that failed
	riseOverDaily = 3    // times the share of failed calls of the day before
	// riseReach is how far back a rise is searched, so that a check that was left out or that
	// came before the counts does no harm. The rest of the day is what it is compared with.
	riseReach = 6 * time.Hour
	// holdTime is how long after such failures nothing is stepped down.
	holdTime = 14 * 24 * time.Hour
)

// coldFactor is how far demand exceeds the highest of the three steps before it when it comes
// faster than capacity is added.
const coldFactor = 1.5

// ColdReach is how many 5-minute steps before one decide, beside the minimum, whether it is cold, and
// whether demand rose.
const ColdReach = 3

// Bounds of what is compared before and after a step-down.
const (
	effectSteps = 288 // a day at most; less if another step-down is nearer
	// effectReach is how far back step-downs can be compared: CloudWatch keeps 5-minute steps for 63
	// days.
	effectReach = 62 * 24 * time.Hour
)

// Cold reports whether a 5-minute step is cold: its demand is above the minimum, and above 1.5
// times the highest of the three steps before it, so that no warm capacity is sure to serve it. All
// three are in the same unit. What Personalize serves until it has scaled is not documented, so
// cold steps measure exposure, not loss.
func Cold(demand, minimum, highestBefore float64) bool {
	return demand > minimum && demand > coldFactor*highestBefore
}

// step is what was read of a window of 5 minutes: zero without a datapoint.
type step struct {
	minimum        float64
	served, failed float64
	millis         float64 // how long the served calls took
}

func (s step) calls() float64 { return s.served + s.failed }

// steps are those of a window, oldest first.
type steps []step

// readSteps adds up answers about calls, latency and the minimum. complete means that all those about calls were read completely.
func readSteps(w model.Window, queries []model.Query, readings model.Readings) (list steps, complete bool) {
	list, complete = make(steps, int(w.Duration()/WindowLength)), true
	for _, q := range queries {
		series := readings.Get(q)
		var served map[time.Time]float64 // of an operation, if its latency was asked for
		if operation, ok := strings.CutSuffix(q.Metric.Name, model.SuffixLatency); ok {
			calls := q
			calls.Metric.Name, calls.Stat = operation, model.Sum
			served = byTime(readings.Get(calls))
		}
		complete = complete && (series.Complete || q.Stat != model.Sum) // guard: failures read completely; each:1-3
		for _, p := range series.Points {
			at := int(p.Time.Sub(w.Start) / WindowLength)
			switch {
			case at < 0 || at >= len(list):
			case q.Stat == model.Minimum:
				list[at].minimum = p.Value
			case q.Stat == model.Average:
				list[at].millis += p.Value * served[p.Time.UTC()]
			case failure(q.Metric.Name):
				list[at].failed += p.Value
			default:
				list[at].served += p.Value
			}
		}
	}
	return list, complete
}

// highestBefore is the highest demand of the three steps before one.
func (list steps) highestBefore(at int) (highest float64) {
	for _, one := range list[max(0, at-ColdReach):at] {
		highest = max(highest, one.calls())
	}
	return highest
}

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
	share, rate := math.Floor(f.Failed/f.Calls*1000)/10, f.Calls/WindowLength.Seconds()
	return fmt.Sprintf("%.0f of %.0f calls (%.1f %%) failed in the 5 minutes from %s, as demand rose to %.1f %s, above the minimum of %g",
		f.Failed, f.Calls, share, f.At.Format(gapFormat), rate, kind.RateUnit(), f.Minimum)
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
	if _, why := RequestMetric(r); why != "" {
		return nil
	}
	return append([]model.Query{minimumQuery(r, m)}, perOutcome(RequestsQuery(r, dayWindow(m), WindowLength), outcomes)...)
}

// latestRise finds the latest step of the last hours with failures that point to a missing
// minimum: calls of at least riseCalls, above the minimum and 1.2 times those of any of the
// three steps before, of which 2 % failed and three times the share of the day before. A step
// without data had no calls, which makes a rise more likely. complete means that all of it was
// read completely. Where the minimum was not published it is taken to be the present one.
func latestRise(r model.Resource, readings model.Readings, m EvaluationTime) (latest Rise, complete bool) {
	queries, w := allRiseQueries(r, m), dayWindow(m)
	if len(queries) == 0 {
		return Rise{}, false
	}
	list, complete := readSteps(w, queries, readings)
	before, failedBefore := 0.0, 0.0
	for at, one := range list {
		calls, minimum := one.calls(), cmp.Or(one.minimum, float64(r.MinTPS))
		share, usual := one.failed/max(1, calls), failedBefore/max(1, before)
		start := w.Start.Add(time.Duration(at) * WindowLength)
		// guard: failures in a rise; each
		if calls >= riseCalls && calls > minimum*WindowLength.Seconds() && calls >= riseFactor*list.highestBefore(at) &&
			share >= riseShare && share >= riseOverDaily*usual && !start.Before(w.End.Add(-riseReach)) {
			latest = Rise{At: start, Minimum: minimum, Calls: calls, Failed: one.failed}
		}
		before, failedBefore = before+calls, failedBefore+one.failed
	}
	return latest, complete && readings.Get(queries[0]).Complete
}

// Fare is how the calls to a resource fared over some time.
type Fare struct {
	Hours         float64 `json:"hours"` // the length of the time
	Calls         float64 `json:"calls"` // failed ones included
	Failed        float64 `json:"failed"`
	LatencyMillis float64 `json:"latencyMs"` // average of the successful calls; 0 if no call succeeded
	// ColdSteps are the cold 5-minute steps: above the minimum, and above 1.5 times that of any of the
	// three before. Their demand includes failed calls.
	ColdSteps int `json:"coldSteps"`
}

// Effect is how calls fared before and after a step-down.
type Effect struct {
	Before Fare `json:"before"`
	After  Fare `json:"after"`
}

// AcceptedStep is a step-down that was made.
type AcceptedStep struct {
	At       time.Time
	From, To int // the minimums; TPS or RPS
}

// EffectQueries ask for how the calls to a resource fared around its step-downs, in whatever
// order. There are none if all are too long ago. The recipe of the resource is not known, so they
// ask about all operations; it has one.
func EffectQueries(r model.Resource, made []AcceptedStep, now time.Time) []model.Query {
	w := effectWindow(made, now)
	if w.Duration() == 0 {
		return nil
	}
	queries := append(CallQueries(r, w, WindowLength), MinimumQuery(r, w))
	for _, operation := range []string{model.MetricGetRecommendations, model.MetricGetPersonalizedRanking} { // the others have no latency
		queries = append(queries, query(r, model.NamespacePersonalize, operation+model.SuffixLatency, model.Average, w, WindowLength))
	}
	return queries
}

// effectWindow is empty if all step-downs are too long ago.
func effectWindow(made []AcceptedStep, now time.Time) model.Window {
	var first, last time.Time
	for _, s := range made {
		if ago := now.Sub(s.At); ago < 0 || ago > effectReach {
			continue
		}
		if first.IsZero() {
			first = s.At
		}
		first, last = model.Earlier(first, s.At), model.Later(last, s.At)
	}
	if first.IsZero() {
		return model.Window{}
	}
	end := model.Earlier(last.Add((effectSteps+1)*WindowLength), now).Truncate(WindowLength)
	return model.NewWindow(first.Truncate(WindowLength).Add(-(effectSteps+ColdReach)*WindowLength), end)
}

// Effects are the effects of the step-downs of a resource, by their times. A step-down has none if
// what it takes was not read completely, or nothing was measured before or after it. The time
// before and after it ends where another one is.
func Effects(r model.Resource, made []AcceptedStep, readings model.Readings, now time.Time) map[time.Time]Effect {
	w := effectWindow(made, now)
	list, complete := readSteps(w, EffectQueries(r, made, now), readings)
	if !complete || len(list) == 0 {
		return nil
	}
	made = slices.SortedFunc(slices.Values(made), func(a, b AcceptedStep) int { return a.At.Compare(b.At) })
	slot := func(s AcceptedStep) int { return int(s.At.Truncate(WindowLength).Sub(w.Start) / WindowLength) }
	effects := map[time.Time]Effect{}
	for i, s := range made {
		at := slot(s)
		from, until := at-effectSteps, min(at+1+effectSteps, len(list))
		if i > 0 {
			from = max(from, slot(made[i-1])+1)
		}
		if i+1 < len(made) {
			until = min(until, slot(made[i+1]))
		}
		if from >= 0 && from < at && at+1 < until {
			effects[s.At] = Effect{Before: list.fare(from, at, s.From), After: list.fare(at+1, until, s.To)}
		}
	}
	return effects
}

// fare adds up the steps from one up to another. Where the minimum was not published it is taken to be usual.
func (list steps) fare(from, until, usual int) Fare {
	sum := Fare{Hours: (time.Duration(until-from) * WindowLength).Hours()}
	millis, timed := 0.0, 0.0
	for at, one := range list[from:until] {
		minimum := cmp.Or(one.minimum, float64(usual))
		if Cold(one.calls(), minimum*WindowLength.Seconds(), list.highestBefore(from+at)) {
			sum.ColdSteps++
		}
		sum.Calls, sum.Failed = sum.Calls+one.calls(), sum.Failed+one.failed
		if one.millis > 0 {
			millis, timed = millis+one.millis, timed+one.served
		}
	}
	if timed > 0 {
		sum.LatencyMillis = millis / timed
	}
	return sum
}
