package cycle

import (
	"context"
	"fmt"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// decideAll makes the hourly checks of the resources that are due, and decides on all.
// A recommender that would be acted on is described anew first: its list summary does
// not tell of an update under way.
func (r *run) decideAll(ctx context.Context) []rules.Decision {
	looking, cancel := r.look(ctx)
	defer cancel()
	r.check(looking)
	decisions := make([]rules.Decision, len(r.snapshot.Resources))
	var uncertain []int
	var look []model.Resource
	for i, resource := range r.snapshot.Resources {
		decisions[i] = rules.Decide(resource, r.readings, r.settings, r.moment)
		if rules.NeedsDescription(decisions[i]) {
			uncertain = append(uncertain, i)
			look = append(look, resource)
		}
	}
	if len(look) > 0 {
		fresh := r.refresh(looking, look)
		for _, i := range uncertain {
			decisions[i] = r.decideAgain(decisions[i], fresh)
		}
	}
	rules.ApplyBudget(decisions, r.moment, func(region string) (int, string) {
		return r.Actor.EndingsLeft(looking, region, r.params.MaxEndingsPerHour)
	})
	r.log(ctx, decisions)
	return decisions
}

// check reads what the hourly checks of the resources that are due need.
func (r *run) check(ctx context.Context) {
	var queries []model.Query
	for _, resource := range r.snapshot.Resources {
		if r.due(resource.ARN) {
			queries = append(queries, rules.CheckQueries(resource, rules.ThroughputOf(resource, r.readings, r.moment), r.settings, r.moment)...)
		}
	}
	readings, problems := r.measure(ctx, "check", queries)
	for q, series := range readings {
		r.readings[q] = series
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems(problems...)
}

// freshLook is what came of describing resources anew.
type freshLook struct {
	resources map[model.ARN]model.Resource
	failed    map[string]bool // ARNs that could not be described
}

func (r *run) refresh(ctx context.Context, look []model.Resource) freshLook {
	resources, problems := r.Inventory.Refresh(ctx, look)
	fresh := freshLook{resources: make(map[model.ARN]model.Resource, len(resources)), failed: map[string]bool{}}
	for _, resource := range resources {
		fresh.resources[resource.ARN] = resource
	}
	for _, p := range problems {
		fresh.failed[p.ARN] = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems(problems...)
	return fresh
}

// decideAgain decides on the fresh description, or refuses if there is none.
func (r *run) decideAgain(d rules.Decision, fresh freshLook) rules.Decision {
	resource, ok := fresh.resources[d.Resource.ARN]
	switch {
	case !ok && fresh.failed[d.Resource.ARN.String()]:
		return rules.Refuse(d, "it could not be described anew")
	case !ok:
		return rules.Refuse(d, "it no longer exists")
	case !resource.Monitored():
		return rules.Refuse(d, fmt.Sprintf("its status is now %s", resource.Status))
	}
	return rules.Decide(resource, r.readings, r.settings, r.moment)
}

// log tells what was decided; what would change something stands on the audit trail too.
func (r *run) log(ctx context.Context, decisions []rules.Decision) {
	for _, d := range decisions {
		r.Logger.DebugContext(ctx, "decided", "region", d.Resource.Region(), "arn", d.Resource.ARN.String(),
			"kind", string(d.Resource.Kind), "decision", string(d.Verdict), "reason", d.Reason)
	}
}

// emit puts events on the bus and notes those that were sent.
func (r *run) emit(ctx context.Context, list []events.Event) []events.Event {
	if len(list) == 0 {
		return nil
	}
	sent, problems := r.Actor.Emit(ctx, list)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.addEvents(sent)
	r.problems(problems...)
	return sent
}
