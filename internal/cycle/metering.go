package cycle

import (
	"context"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// spans are the spans of a ledger that is made now.
func (in LedgerInput) spans(now time.Time) billing.Spans {
	switch {
	case in.Days == 0:
		return in.Spans
	case in.Month:
		return billing.Days(now, in.Days, in.Params.MetricDelay).WithMonth()
	}
	return billing.Days(now, in.Days, in.Params.MetricDelay)
}

// existing are the resources without those that were created after a span in the past.
func existing(resources []model.Resource, s billing.Spans) []model.Resource {
	if s.Open {
		return resources
	}
	return slices.DeleteFunc(slices.Clone(resources), func(r model.Resource) bool { return !r.Created.Before(s.Shown.End) })
}

// chunkOf is how many resources are metered together: as many datapoints as meteredAtOnce have in
// 14 days.
func chunkOf(s billing.Spans) int {
	const usual = time.Duration(meteredAtOnce*billing.MaxDays) * 24 * time.Hour
	return max(1, min(meteredAtOnce, int(usual/s.Wide().Span.Duration())))
}

// metering is a resource over the spans of a ledger. Spans that are the same share a value; those
// that are not metered are nil.
type metering struct {
	shown   *billing.Metered
	advised *billing.Metered // what proposals go by
	month   *billing.Metered
	before  *billing.Metered // the month before
}

// usages meters resources by their own metrics and by when the monitor ran. Everything is read once.
func (r *ledgerRun) usages(ctx context.Context, resources []model.Resource) []metering {
	wide := r.spans.Wide()
	var queries []model.Query
	for _, resource := range resources {
		queries = append(queries, billing.Queries(resource, wide)...)
	}
	readings := r.measure(ctx, queries)
	list := make([]metering, len(resources))
	for i, resource := range resources {
		list[i] = meteringOf(resource, readings, r.running, r.spans)
	}
	return list
}

func meteringOf(resource model.Resource, readings model.Readings, running model.Series, spans billing.Spans) metering {
	wide, done := spans.Wide(), map[model.Window]*billing.Metered{}
	of := func(at billing.ReportTime, ok bool) *billing.Metered {
		if !ok {
			return nil
		}
		if done[at.Span] == nil {
			done[at.Span] = new(billing.Measure(resource, billing.Narrow(resource, readings, wide, at), running, at))
		}
		return done[at.Span]
	}
	m := metering{shown: of(spans.Of(), true), advised: of(spans.Advised())}
	m.month, m.before = of(spans.OfMonth()), of(spans.OfBefore())
	return m
}

// questions are what else has to be read: calls that are not among the requests, and for proposals
// whether the minimum is contested and whether data of the region are missing.
func (m metering) questions(r model.Resource, idle time.Duration, spans billing.Spans) (queries, gaps []model.Query) {
	queries = m.shown.CallQueries(r, idle, spans.Of())
	at, ok := spans.Advised()
	if !ok {
		return queries, nil
	}
	if m.advised != m.shown {
		queries = append(queries, m.advised.CallQueries(r, idle, at)...)
	}
	return append(queries, m.advised.ContestQueries(r, at)...), m.advised.GapsQueries(r, at)
}

// entry is the resource in a ledger, given the answers to its questions.
func (m metering) entry(resource model.Resource, calls model.Readings, r *ledgerRun) report.Entry {
	m.shown.AddCalls(resource, calls, r.idle, r.spans.Of())
	var saving billing.Saving
	if at, ok := r.spans.Advised(); ok {
		if m.advised != m.shown {
			m.advised.AddCalls(resource, calls, r.idle, at)
		}
		saving = billing.Advise(resource, *m.advised, calls, r.idle, r.used, at)
	}
	e := report.EntryOf(resource, *m.shown, saving, r.prices)
	e.Tags = r.tags[resource.ARN]
	return e
}
