package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Bounds of what is compared before and after a step-down.
const (
	effectSpan = 24 * time.Hour // at most; less if another step is nearer
	// effectReach is how far back steps can be compared: CloudWatch keeps 5-minute steps for 63
	// days.
	effectReach = 62 * 24 * time.Hour
)

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
// order. There are none if all are too long ago.
func EffectQueries(r model.Resource, steps []AcceptedStep, now time.Time) []model.Query {
	w, ok := effectWindow(steps, now)
	if !ok {
		return nil
	}
	queries := append(CallQueries(r, w), MinimumQuery(r, w))
	for _, name := range latencyMetrics() {
		queries = append(queries, model.Query{
			Region: r.Region(), Metric: model.ResourceMetric(r, model.NamespacePersonalize, name), Stat: model.Average, Window: w, Period: WindowLength,
		})
	}
	return queries
}

// latencyMetrics are those of the operations that have one.
func latencyMetrics() []string {
	return []string{model.MetricGetRecommendations + model.SuffixLatency, model.MetricGetPersonalizedRanking + model.SuffixLatency}
}

func effectWindow(steps []AcceptedStep, now time.Time) (w model.Window, ok bool) {
	var first, last time.Time
	for _, s := range steps {
		if ago := now.Sub(s.At); ago < 0 || ago > effectReach {
			continue
		}
		if first.IsZero() || s.At.Before(first) {
			first = s.At
		}
		if s.At.After(last) {
			last = s.At
		}
	}
	if first.IsZero() {
		return model.Window{}, false
	}
	last = last.Add(effectSpan + WindowLength)
	if last.After(now) {
		last = now
	}
	start := first.Truncate(WindowLength).Add(-effectSpan - ColdReach*WindowLength)
	return model.NewWindow(start, last.Truncate(WindowLength)), true
}

// Effects are the effects of the step-downs of a resource, by their times. A step has none if
// what it takes was not read completely, or nothing was measured before or after it. The time
// before and after a step ends where another one is.
func Effects(r model.Resource, steps []AcceptedStep, readings model.Readings, now time.Time) map[time.Time]Effect {
	w, ok := effectWindow(steps, now)
	if !ok {
		return nil
	}
	f, ok := readFares(r, steps, readings, now)
	if !ok {
		return nil
	}
	steps = slices.Clone(steps)
	slices.SortFunc(steps, func(a, b AcceptedStep) int { return a.At.Compare(b.At) })
	effects := map[time.Time]Effect{}
	for i, s := range steps {
		at := s.At.Truncate(WindowLength)
		before := model.NewWindow(at.Add(-effectSpan), at)
		after := model.NewWindow(at.Add(WindowLength), at.Add(WindowLength+effectSpan))
		if i > 0 {
			before.Start = model.Later(before.Start, steps[i-1].At.Truncate(WindowLength).Add(WindowLength))
		}
		if i+1 < len(steps) {
			after.End = model.Earlier(after.End, steps[i+1].At.Truncate(WindowLength))
		}
		after.End = model.Earlier(after.End, w.End)
		if before.Start.Before(w.Start) || before.Duration() <= 0 || after.Duration() <= 0 {
			continue
		}
		effects[s.At] = Effect{Before: f.fare(before, float64(s.From)), After: f.fare(after, float64(s.To))}
	}
	return effects
}

// fares are the 5-minute steps of the time around step-downs, by their start.
type fares struct {
	served, failed, millis, minimum map[time.Time]float64 // millis is the sum over the served calls
}

// readFares adds up the answers to EffectQueries. It is not ok if a series of calls is not
// complete. The recipe of a resource is not known, so all operations are added; it has one.
func readFares(r model.Resource, steps []AcceptedStep, readings model.Readings, now time.Time) (f fares, ok bool) {
	f = fares{map[time.Time]float64{}, map[time.Time]float64{}, map[time.Time]float64{}, map[time.Time]float64{}}
	byOperation := map[string]map[time.Time]float64{}
	for _, q := range EffectQueries(r, steps, now) {
		name, series := q.Metric.Name, readings.Get(q)
		operation, isLatency := strings.CutSuffix(name, model.SuffixLatency)
		isFailed := strings.HasSuffix(name, model.Suffix4xx) || strings.HasSuffix(name, model.Suffix5xx)
		isMinimum := name == r.Kind.MinimumMetric()
		if !series.Complete && !isLatency && !isMinimum {
			return fares{}, false
		}
		if !isFailed && !isLatency && !isMinimum {
			byOperation[name] = map[time.Time]float64{}
		}
		for _, p := range series.Points {
			switch at := p.Time.UTC(); {
			case isMinimum:
				f.minimum[at] = p.Value
			case isFailed:
				f.failed[at] += p.Value
			case isLatency:
				f.millis[at] += p.Value * byOperation[operation][at]
			default:
				f.served[at] += p.Value
				byOperation[name][at] = p.Value
			}
		}
	}
	return f, true
}

// fare adds up a window. Where the minimum was not published it is taken to be usual.
func (f fares) fare(w model.Window, usual float64) Fare {
	sum := Fare{Hours: w.Duration().Hours()}
	served, millis, timed := 0.0, 0.0, 0.0
	for at := w.Start; at.Before(w.End); at = at.Add(WindowLength) {
		calls, minimum := f.calls(at), usual
		if published, ok := f.minimum[at]; ok {
			minimum = published
		}
		highest := 0.0
		for i := 1; i <= ColdReach; i++ {
			highest = max(highest, f.calls(at.Add(-time.Duration(i)*WindowLength)))
		}
		if Cold(calls, minimum*WindowLength.Seconds(), highest) {
			sum.ColdSteps++
		}
		served, sum.Failed = served+f.served[at], sum.Failed+f.failed[at]
		if ms := f.millis[at]; ms > 0 {
			millis, timed = millis+ms, timed+f.served[at]
		}
	}
	sum.Calls = served + sum.Failed
	if timed > 0 {
		sum.LatencyMillis = millis / timed
	}
	return sum
}

func (f fares) calls(at time.Time) float64 { return f.served[at] + f.failed[at] }
