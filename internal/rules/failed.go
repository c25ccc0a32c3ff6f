package rules

import (
	"fmt"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// failedQueries ask for the failed calls of each hour of the look-back.
func failedQueries(r model.Resource, m EvaluationTime) []model.Query {
	var queries []model.Query
	for _, suffix := range []string{model.Suffix4xx, model.Suffix5xx} {
		q := hourlyQuery(r, m)
		q.Metric.Name += suffix
		queries = append(queries, q)
	}
	return queries
}

// countFailed decides on a step-down again with the failed calls of each hour beside the served
// ones: callers that are in trouble for some days need the minimum when they are not. It never
// makes a step larger. read is false if the answers to failedQueries are not complete.
func countFailed(d Decision, readings model.Readings) (decided Decision, read bool) {
	r, m := d.Resource, d.At
	e := evidenceOf(r, readings, m)
	sums, failed := byTime(e.Requests), 0.0
	for _, q := range failedQueries(r, m) {
		series := readings.Get(q)
		if !series.Complete { // guard: failed calls of the look-back not read
			return d, false
		}
		for at, n := range byTime(series) {
			if n > 0 { // guard: failed calls are demand
				sums[at] += n
				failed += n
			}
		}
	}
	if failed == 0 {
		return d, true
	}
	e.Requests.Points = nil
	for at, n := range sums {
		e.Requests.Points = append(e.Requests.Points, model.Datapoint{Time: at, Value: n})
	}
	load, enough := checkLoad(r, e, m.Now, m.Window.End)
	if enough.code != ReasonOversized { // guard: failed calls need the minimum
		return d.refuseStep(ReasonFailing, "with its failed calls: "+enough.reason), true
	}
	minimum := nextMinimum(r.MinTPS, load.Watermark())
	if minimum <= d.StepDown.NewMinTPS {
		return d, true
	}
	text := func(minimum int, load Load) string {
		return fmt.Sprintf("%d to %d: %s", r.MinTPS, minimum, load.Text(r.Kind))
	}
	d.Reason = strings.Replace(d.Reason, text(d.StepDown.NewMinTPS, d.StepDown.Load), text(minimum, load)+", failed calls included", 1)
	d.StepDown.Load, d.StepDown.NewMinTPS = load, minimum // guard: failed calls need a part of the minimum
	if d.Verdict == StepDown {
		d.NewMinTPS = minimum
	} else {
		d.WouldMin = minimum
	}
	return d, true
}
