package cycle

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/advice"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
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

// chunkOf is how many resources are metered together: as many datapoints as so many have in 14 days,
// or meteredAtOnce if atOnce is zero.
func chunkOf(s billing.Spans, atOnce int) int {
	most := cmp.Or(atOnce, meteredAtOnce)
	usual := time.Duration(most*billing.MaxDays) * 24 * time.Hour
	return max(1, min(most, int(usual/s.Wide().Span.Duration())))
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
	m.month = of(spans.OfMonth())
	if resource.Created.Before(spans.Before.End) {
		m.before = of(spans.OfBefore())
	}
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
	return append(queries, m.advised.ContestQueries(r, at)...), m.advised.SilenceQueries(r, at)
}

// advise adds the answers to the questions, and returns what would save most. In a span in the past
// nothing would.
func (m metering) advise(resource model.Resource, calls model.Readings, r *ledgerRun) billing.Saving {
	m.shown.AddCalls(resource, calls, r.idle, r.spans.Of())
	at, ok := r.spans.Advised()
	if !ok {
		return billing.Saving{Action: rules.None}
	}
	if m.advised == m.shown {
		return billing.Advise(resource, *m.shown, calls, r.idle, r.used, at)
	}
	m.advised.AddCalls(resource, calls, r.idle, at)
	saving := billing.Advise(resource, *m.advised, calls, r.idle, r.used, at)
	if m.shown.Readable && saving.Action.Changes() { // what it would have saved in the span that is shown
		in := m.shown.RemovalSaving(resource)
		if saving.NewMin > 0 {
			in = m.shown.SavingOf(resource, saving.NewMin, billing.Demand{})
		}
		saving.TPSHours = in.TPSHours
	}
	return saving
}

// entry is the resource in a ledger, and parts what it used in the month.
func (m metering) entry(
	resource model.Resource, saving billing.Saving, schedule proposed, r *ledgerRun,
) (e report.Entry, parts report.Parts) {
	priced := pricing.ProposalOf(r.prices, resource, *m.shown, saving)
	if m.advised != nil && m.advised != m.shown { // a month goes by the days that proposals go by
		recent := pricing.ProposalOf(r.prices, resource, *m.advised, saving)
		priced.Use.Month = recent.Use.Month
		if priced.After != nil && recent.After != nil {
			priced.After.Month = recent.After.Month
		}
	}
	e = report.EntryOf(resource, *m.shown, saving, priced, schedule.Proposal, schedule.why)
	e.Tags = r.tags[resource.ARN]
	if m.month != nil {
		parts = report.Parts{Month: report.PartOf(r.prices, resource, *m.month), Billed: priced.Use.Month}
		switch {
		case saving.Action.Changes() && saving.NewMin == 0: // what no one calls any more costs its minimum
			parts.PerMonth = new(saving.PerMonth)
		case m.advised != nil:
			parts.PerMonth = m.advised.PerMonth(resource)
		}
	}
	if m.before != nil {
		parts.Before = report.PartOf(r.prices, resource, *m.before)
	}
	return e, parts
}

// endpoint is what proposals go by. Hours are kept only of campaigns that share a solution.
func (m metering) endpoint(
	resource model.Resource, saving billing.Saving, priced *pricing.Proposal, shared map[string]int,
) advice.Endpoint {
	e := advice.Endpoint{Resource: resource, Saving: saving, Priced: *priced}
	if m.advised.Readable {
		used := m.advised.Usage // a copy: a pointer into advised would keep its series in memory
		e.Usage = &used
		if shared[training.SolutionOf(resource.Version)] > 1 {
			e.Hours = m.advised.Hourly
		}
	}
	return e
}

// campaignsOf counts the campaigns of each solution.
func campaignsOf(resources []model.Resource) map[string]int {
	counts := map[string]int{}
	for _, r := range resources {
		if solution := training.SolutionOf(r.Version); solution != "" {
			counts[solution]++
		}
	}
	return counts
}
