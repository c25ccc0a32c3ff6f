package inventory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// discovery is one Discover in progress.
type discovery struct {
	inv      *Inventory
	due      func(model.ARN) bool
	recipes  *recipeReader
	progress *progressCount
}

type result struct {
	complete  bool               // every page was read, and every entry made sense
	seen      map[model.ARN]bool // all that the listing showed
	resources []model.Resource
	problems  []model.Problem
}

// finding is the outcome for one resource.
type finding struct {
	resource *model.Resource // nil if gone, or if the problem says why
	gone     bool            // does not exist any more
	problem  *model.Problem
}

// run lists the resources of a kind and examines those selected.
func (d *discovery) run(ctx context.Context, j job) result {
	inv := d.inv
	listed, err := inv.list(ctx, j.region, j.kind)
	r := result{complete: err == nil, seen: make(map[model.ARN]bool, len(listed))}
	var selected []model.Resource
	for _, resource := range listed {
		if j.has(resource.ARN) && !r.seen[resource.ARN] {
			selected = append(selected, resource)
		}
		r.seen[resource.ARN] = true
	}
	d.progress.add(0, len(selected))
	if j.kind == model.Campaign {
		d.campaigns(ctx, j.region, selected, &r)
	} else {
		// Summaries of recommenders are complete: no describe needed.
		for _, resource := range selected {
			inv.entries.put(resource.ARN, entry{resource: resource, summary: keyOf(resource)})
		}
		r.resources = selected
		d.progress.add(len(selected), 0)
	}
	if err != nil {
		r.problems = append(r.problems, model.Problem{Region: j.region, Operation: j.kind.ListOperation(), Err: err})
		d.addCopies(j, &r)
	} else {
		inv.entries.with(func(items map[model.ARN]entry) {
			maps.DeleteFunc(items, func(arn model.ARN, e entry) bool { return e.isOf(j) && !r.seen[arn] })
		})
		for arn := range j.named {
			if !r.seen[arn] {
				inv.o.Logger.Warn("resource does not exist", "arn", arn.String(), "region", arn.Region(), "kind", string(j.kind))
			}
		}
	}
	inv.o.Logger.Debug("region listed", "region", j.region, "kind", string(j.kind), "listed", len(listed), "selected", len(selected),
		"complete", r.complete)
	return r
}

// addCopies adds stale copies of what an incomplete listing does not show.
func (d *discovery) addCopies(j job, r *result) {
	now, count := d.inv.o.Clock.Now(), 0
	d.inv.entries.with(func(items map[model.ARN]entry) {
		for arn, e := range items {
			if e.isOf(j) && j.has(arn) && !r.seen[arn] && e.fresh(now) {
				r.resources = append(r.resources, e.stale())
				count++
			}
		}
	})
	d.progress.add(count, count)
	d.inv.o.Logger.Debug("listing incomplete, copies used", "region", j.region, "kind", string(j.kind),
		"op", j.kind.ListOperation(), "copies", count)
}

// campaigns examines each of the campaigns listed.
func (d *discovery) campaigns(ctx context.Context, region string, selected []model.Resource, r *result) {
	findings := make([]finding, len(selected))
	awsapi.Parallel(len(selected), awsapi.CallsAtOnce, func(i int) {
		findings[i] = d.campaign(ctx, selected[i])
		d.progress.add(1, 0)
	})
	d.inv.retryThrottled(ctx, findings, func(recipes *recipeReader, i int) finding {
		again := &discovery{inv: d.inv, due: d.due, recipes: recipes}
		return again.campaign(ctx, selected[i])
	})
	for i, f := range findings {
		if f.gone {
			delete(r.seen, selected[i].ARN)
		}
	}
	resources, problems := divide(findings)
	r.resources = append(r.resources, resources...)
	r.problems = append(r.problems, mergeCanceled(region, problems)...)
}

// divide takes findings apart.
func divide(findings []finding) (resources []model.Resource, problems []model.Problem) {
	for _, f := range findings {
		if f.resource != nil {
			resources = append(resources, *f.resource)
		}
		if f.problem != nil {
			problems = append(problems, *f.problem)
		}
	}
	return resources, problems
}

// campaign completes the list entry of a campaign. One that is not ACTIVE stays as listed.
func (d *discovery) campaign(ctx context.Context, listed model.Resource) finding {
	inv := d.inv
	old, known := inv.entries.get(listed.ARN)
	if known && old.summary.created != listed.Created {
		// Another campaign has the name now: the copy is of no use.
		inv.entries.drop(listed.ARN)
		old, known = entry{}, false
	}
	if listed.Status != model.StatusActive {
		inv.entries.drop(listed.ARN)
		return finding{resource: &listed}
	}
	if known && old.summary == keyOf(listed) && old.settled() {
		old.resource.Observed = listed.Observed
		inv.entries.put(listed.ARN, old)
		if !d.due(listed.ARN) {
			return d.recipes.complete(ctx, old)
		}
	}
	e, err := inv.describe(ctx, listed.ARN, model.Campaign)
	switch {
	case err == nil:
		e.summary = keyOf(listed)
		e.reuseVersion(old)
		return d.recipes.complete(ctx, e)
	case awsapi.KindOf(err) == awsapi.NotFound:
		inv.entries.drop(listed.ARN)
		inv.o.Logger.Info("campaign does not exist any more", "arn", listed.ARN.String(), "region", listed.Region())
		return finding{gone: true}
	}
	problem := model.Problem{ARN: listed.ARN.String(), Region: listed.Region(), Operation: model.Campaign.DescribeOperation()}
	if !known || !old.fresh(inv.o.Clock.Now()) {
		problem.Err = fmt.Errorf("skipped this time: %w", err)
		return finding{problem: &problem}
	}
	problem.Err = fmt.Errorf("metrics only, from the copy of %s: %w", old.resource.Observed.Format(time.TimeOnly), err)
	inv.o.Logger.Debug("last known copy used", "arn", problem.ARN, "region", problem.Region, "kind", string(model.Campaign),
		"op", problem.Operation, "observed", old.resource.Observed, "err", err)
	resource := old.stale()
	return finding{resource: &resource, problem: &problem}
}

const (
	// throttledRounds is how often what is throttled is tried again without any success.
	throttledRounds = 6
	// maxPause is the longest pause before another round.
	maxPause = 4 * time.Second
)

// retryThrottled repeats what AWS throttled, with growing pauses, until nothing is throttled,
// several rounds bring nothing, or ctx ends: to leave resources out is worse than to be late. The
// SDK's own retries share a small budget.
func (inv *Inventory) retryThrottled(ctx context.Context, findings []finding, again func(recipes *recipeReader, i int) finding) {
	throttled := throttledOf(findings)
	pause := time.Second
	for vain := 0; len(throttled) > 0 && vain < throttledRounds; {
		if inv.o.Clock.Sleep(ctx, pause) != nil {
			return
		}
		inv.o.Logger.Debug("throttled, trying again", "resources", len(throttled))
		recipes := newRecipeReader(inv)
		awsapi.Parallel(len(throttled), awsapi.CallsAtOnce, func(n int) {
			f := again(recipes, throttled[n])
			if f.problem == nil || awsapi.KindOf(f.problem) != awsapi.Canceled { // the first problem says more
				findings[throttled[n]] = f
			}
		})
		left := throttledOf(findings)
		if len(left) == len(throttled) {
			vain, pause = vain+1, min(2*pause, maxPause)
		} else {
			vain = 0
		}
		throttled = left
	}
}

func throttledOf(findings []finding) (indices []int) {
	for i, f := range findings {
		if f.problem != nil && awsapi.KindOf(f.problem) == awsapi.Throttled {
			indices = append(indices, i)
		}
	}
	return indices
}

// mergeCanceled makes one problem of all those that the end of a context caused.
func mergeCanceled(region string, problems []model.Problem) []model.Problem {
	canceled := func(p model.Problem) bool { return awsapi.KindOf(p.Err) == awsapi.Canceled }
	first := slices.IndexFunc(problems, canceled)
	if first < 0 {
		return problems
	}
	one := problems[first]
	kept := slices.DeleteFunc(slices.Clone(problems), canceled)
	if n := len(problems) - len(kept); n > 1 {
		one = model.Problem{Region: region, Operation: one.Operation, Err: fmt.Errorf("%w (and %d more)", one.Err, n-1)}
	}
	return append(kept, one)
}
