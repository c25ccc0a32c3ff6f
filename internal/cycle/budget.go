package cycle

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// applyBudgets refuses the decisions that exceed the budgets of their regions, so that no event
// is sent that would be refused. The regions are read at the same time, and only those where
// something would be done.
func (r *run) applyBudgets(ctx context.Context, decisions []rules.Decision, topics map[string]model.ARN) {
	reading, cancel := r.reading(ctx)
	defer cancel()
	var mu sync.Mutex
	left := map[string]map[rules.Budgeted]rules.Left{}
	group := errgroup.Group{}
	group.SetLimit(regionConcurrency)
	for region, kinds := range rules.BudgetsNeeded(decisions) {
		group.Go(func() error {
			answer := r.Budgets.Left(reading, r.budgetQuestion(region, topics[region], kinds))
			for _, one := range answer {
				if one.Problem != nil {
					r.problems.add(*one.Problem)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			left[region] = answer
			return nil
		})
	}
	_ = group.Wait()                          // it cannot fail
	rules.ApplyBudgets(decisions, r.at, left) // guard: cycle: budgets
	for _, d := range decisions {
		r.Logger.DebugContext(ctx, "decided", "region", d.Resource.Region(), "arn", d.Resource.ARN.String(),
			"kind", string(d.Resource.Kind), "decision", string(d.Verdict), "reason", d.Reason)
	}
}

// inRegion is the part of a list that is in a region.
func inRegion(list []model.Resource, region string) (here []model.Resource) {
	for _, r := range list {
		if r.Region() == region {
			here = append(here, r)
		}
	}
	return here
}

func (r *run) budgetQuestion(region string, topic model.ARN, kinds []rules.Budgeted) writer.BudgetQuestion {
	endpoints, others := inRegion(r.snapshot.Resources, region), inRegion(r.snapshot.Others, region)
	q := writer.BudgetQuestion{Region: region, Topic: topic, Limits: map[rules.Budgeted]int{}, Leaving: rules.Leaving(others)}
	for _, kind := range kinds {
		q.Limits[kind] = r.params.MaxRemovalsPerHour
		if kind == rules.StepDowns {
			q.Limits[kind] = rules.StepDownsAnHour(len(endpoints))
		}
	}
	return q
}
