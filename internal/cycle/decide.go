package cycle

import (
	"context"
	"fmt"
	"maps"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// decideAll makes the hourly checks of the resources that are due, and decides on all. A
// recommender that would be acted on is described again first: its list summary does not show
// an update in progress. Only of those that nothing else keeps from being removed is the
// history read.
func (r *run) decideAll(ctx context.Context) []rules.Decision {
	reading, cancel := r.reading(ctx)
	defer cancel()
	r.check(reading)
	decisions := make([]rules.Decision, len(r.snapshot.Resources))
	var undescribed []int
	var resources []model.Resource
	for i, resource := range r.snapshot.Resources {
		decisions[i] = rules.Decide(resource, r.readings, r.settings, r.at)
	}
	r.readGaps(reading, decisions)
	for i, resource := range r.snapshot.Resources {
		if rules.NeedsDescription(decisions[i]) { // guard: cycle: described again before an action
			undescribed = append(undescribed, i)
			resources = append(resources, resource)
		}
	}
	fresh := r.refresh(reading, resources)
	for _, i := range undescribed {
		decisions[i] = r.decideAgain(decisions[i], fresh) // guard: cycle: decided again on the fresh description
	}
	r.readHistories(reading, decisions)
	r.readGaps(reading, decisions)
	r.applyCaution(reading, decisions)
	r.refuseLate(ctx, decisions) // guard: cycle: late data
	return decisions
}

// applySchedules merges the decisions with what tags arrange, unless the clock is wrong.
func (r *run) applySchedules(ctx context.Context, decisions []rules.Decision) {
	if r.settings.WrongClock != "" {
		return
	}
	reading, cancel := r.reading(ctx)
	defer cancel()
	// HourlyChecks=never does not switch off what tags arrange.
	due := func(arn model.ARN) bool { return r.due(arn) || rules.InSlot(arn, r.at) }
	s := schedules{tags: r.Tags, refresh: r.refresh, due: due}
	r.problems.add(s.apply(reading, decisions)...)
	if r.Observer != nil {
		r.Observer.SawTags(r.Tags.Known(r.snapshot.Resources))
	}
}

// check reads what the hourly checks of the resources that are due need, and whether the data of
// their regions are late.
func (r *run) check(ctx context.Context) {
	var queries []model.Query
	var regions []string
	for _, resource := range r.snapshot.Resources {
		if !r.due(resource.ARN) {
			continue
		}
		more := rules.CheckQueries(resource, rules.ThroughputOf(resource, r.readings, r.at), r.settings, r.at)
		if queries = append(queries, more...); len(more) > 0 {
			regions = append(regions, resource.Region())
		}
	}
	for _, region := range sorted(regions) {
		queries = append(queries, rules.ArrivalQueries(region, r.snapshot.Resources, r.settings, r.at)...)
	}
	maps.Copy(r.readings, r.measure(ctx, "check", queries))
}

// readGaps reads the gaps of the regions that decisions would rest on, and makes those again. A
// region that could not be listed a moment ago is not listed again: it may take the others' time.
func (r *run) readGaps(ctx context.Context, decisions []rules.Decision) {
	unlisted := map[string]bool{}
	for _, p := range r.problems.all() {
		if p.Operation == "ListCampaigns" || p.Operation == "ListRecommenders" {
			unlisted[p.Region] = true
		}
	}
	var queries []model.Query
	for _, d := range decisions {
		if !unlisted[d.Resource.Region()] {
			queries = append(queries, rules.SilenceQueries(d)...)
		}
	}
	readings, problems := r.Gaps.Read(ctx, queries)
	r.problems.add(problems...)
	maps.Copy(r.readings, readings)
	for i, d := range decisions {
		if len(rules.SilenceQueries(d)) > 0 { // guard: cycle: decided again with the regional gaps; never
			decisions[i] = rules.Decide(d.Resource, r.readings, r.settings, r.at)
		}
	}
}

// readHistories reads the histories of the candidates for removal, and decides on them again.
func (r *run) readHistories(ctx context.Context, decisions []rules.Decision) {
	var queries []model.Query
	var candidates []int
	for i, d := range decisions {
		if history := rules.HistoryQueries(d); len(history) > 0 {
			queries, candidates = append(queries, history...), append(candidates, i)
		}
	}
	if len(candidates) == 0 {
		return
	}
	maps.Copy(r.readings, r.measure(ctx, "read history", queries))
	for _, i := range candidates {
		decisions[i] = rules.Decide(decisions[i].Resource, r.readings, r.settings, r.at)
	}
}

// refreshed are resources that were described again.
type refreshed struct {
	resources map[model.ARN]model.Resource
	failed    map[string]bool // ARNs that could not be described
}

func (r *run) refresh(ctx context.Context, list []model.Resource) refreshed {
	if len(list) == 0 {
		return refreshed{}
	}
	resources, problems := r.Inventory.Refresh(ctx, list)
	r.problems.add(problems...)
	fresh := refreshed{resources: make(map[model.ARN]model.Resource, len(resources)), failed: map[string]bool{}}
	for _, resource := range resources {
		fresh.resources[resource.ARN] = resource
	}
	for _, p := range problems {
		fresh.failed[p.ARN] = true
	}
	return fresh
}

// decideAgain decides on the fresh description, or refuses if it is missing.
func (r *run) decideAgain(d rules.Decision, fresh refreshed) rules.Decision {
	resource, ok := fresh.resources[d.Resource.ARN]
	switch {
	case !ok && fresh.failed[d.Resource.ARN.String()]:
		return rules.Refuse(d, "it could not be described again") // guard: cycle: could not be described again; first
	case !ok:
		return rules.Refuse(d, "it no longer exists") // guard: cycle: no longer exists; first
	case !resource.Monitored(): // guard: cycle: no longer monitored
		return rules.Refuse(d, fmt.Sprintf("its status is now %s", resource.Status))
	}
	return rules.Decide(resource, r.readings, r.settings, r.at)
}
