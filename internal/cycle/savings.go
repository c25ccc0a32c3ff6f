package cycle

import (
	"context"
	"slices"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
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
	if r.Prices == nil {
		return nil
	}
	var changing []rules.Decision
	var resources, others []model.Resource
	var regions []string
	for _, d := range decisions {
		if !d.Verdict.Changes() || d.Verdict.Scheduled() {
			others = append(others, d.Resource)
			continue
		}
		changing = append(changing, d)
		resources = append(resources, d.Resource)
		regions = append(regions, d.Resource.Region())
	}
	if len(changing) == 0 {
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
	found := make([]*billing.Saving, 0, len(changing))
	proposals := make([]pricing.Proposal, 0, len(changing))
	uses := minimumUses(others, prices, at)
	for chunk := range slices.Chunk(resources, meteredAtOnce) {
		list := usages(chunk, read, running, at)
		var silent []model.Query
		for i, usage := range list {
			silent = append(silent, usage.SilenceQueries(chunk[i], at)...)
		}
		confirmed, problems := r.Gaps.Read(reading, silent)
		r.problems.add(problems...)
		for i, usage := range list {
			d := changing[len(found)]
			saving := savingOf(d, usage, usage.Demand(chunk[i], confirmed, at))
			proposal := pricing.Proposal{}
			if saving != nil {
				proposal = pricing.ProposalOf(prices, d.Resource, usage, *saving)
				uses = append(uses, proposal.Use)
			}
			found, proposals = append(found, saving), append(proposals, proposal)
		}
	}
	bill := pricing.NewBill(uses)
	out := make(map[model.ARN]saved, len(changing))
	for i, d := range changing {
		out[d.Resource.ARN] = saved{found[i], report.EstimateOf(bill, proposals[i], d.Resource.MinTPS)}
	}
	return out
}

// minimumUses are the uses of resources that no decision changes, by their minimums alone: they
// fill the tiers of prices, too. Demand above a minimum is left out, so that the price that a
// saving goes by may be too high.
func minimumUses(resources []model.Resource, prices pricing.Table, at billing.ReportTime) []pricing.Use {
	uses := make([]pricing.Use, len(resources))
	for i, resource := range resources {
		uses[i] = pricing.MinimumUse(prices, resource, at.Span)
	}
	return uses
}

// savingOf is what one decision would save; nil if that is not known.
func savingOf(d rules.Decision, u billing.Metered, demand billing.Demand) *billing.Saving {
	switch {
	case !u.Readable:
		return nil
	case d.Verdict == rules.StepDown:
		return report.SavingOf(u.SavingOf(d.Resource, d.NewMinTPS, demand))
	case u.IdleSince == nil: // called since the decision
		return nil
	}
	return report.SavingOf(u.RemovalSaving(d.Resource))
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
