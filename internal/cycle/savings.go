package cycle

import (
	"context"
	"slices"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// saved is what a decision would save, as the result shows it.
type saved struct {
	saving   *billing.Saving
	estimate *report.Estimate
}

// savings meters the last 14 days of the resources that a decision would change, and returns
// what it would save. Only plan requests it. What could not be read has no saving; nothing is
// decided on it.
func (r *run) savings(ctx context.Context, decisions []rules.Decision) map[model.ARN]saved {
	var changing []rules.Decision
	var resources []model.Resource
	var regions []string
	for _, d := range decisions {
		if d.Verdict.Changes() && !d.Verdict.Scheduled() {
			changing = append(changing, d)
			resources = append(resources, d.Resource)
			regions = append(regions, d.Resource.Region())
		}
	}
	if r.Prices == nil || len(changing) == 0 {
		return nil
	}
	reading, cancel := r.reading(ctx)
	defer cancel()
	at := billing.ReportTimeOf(r.at.Now, billing.MaxDays, r.params.MetricDelay)
	prices, problems := r.Prices(reading, sorted(regions))
	r.problems.add(problems...)
	read := func(queries []model.Query) model.Readings { return r.measure(reading, "meter", queries) }
	query := rules.RunningQuery(r.Region, at.Span)
	running := read([]model.Query{query}).Get(query)
	out := make(map[model.ARN]saved, len(changing))
	for chunk := range slices.Chunk(resources, meteredAtOnce) {
		for _, usage := range usages(chunk, read, running, at) {
			d := changing[len(out)]
			out[d.Resource.ARN] = savingOf(d, usage, prices)
		}
	}
	return out
}

// savingOf is what one decision would save.
func savingOf(d rules.Decision, u billing.Metered, prices report.Prices) saved {
	var s billing.Saving
	switch {
	case !u.Readable:
		return saved{}
	case d.Verdict == rules.StepDown:
		s = u.SavingOf(d.Resource, d.NewMinTPS)
	case u.IdleSince == nil: // called since the decision
		return saved{}
	default:
		s = u.RemovalSaving(d.Resource)
	}
	shown := report.SavingOf(s)
	return saved{shown, report.EstimateOf(d.Resource, prices, u.TPSHours, shown)}
}

// meteredAtOnce is how many resources of a region are metered together: their series of 14
// days fill eight calls, and are dropped before the next ones are read.
const meteredAtOnce = 100

// usages meters resources by their own metrics and by when the monitor ran.
func usages(
	resources []model.Resource, read func([]model.Query) model.Readings, running model.Series, at billing.ReportTime,
) []billing.Metered {
	var queries []model.Query
	for _, resource := range resources {
		queries = append(queries, billing.Queries(resource, at)...)
	}
	readings := read(queries)
	list := make([]billing.Metered, len(resources))
	for i, resource := range resources {
		list[i] = billing.Measure(resource, readings, running, at)
	}
	return list
}
