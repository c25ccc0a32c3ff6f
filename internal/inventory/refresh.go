package inventory

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// unseenLimit is how long a resource that was not met is remembered.
const unseenLimit = 24 * time.Hour

// Remembered is how many resources and solution versions are remembered.
func (inv *Inventory) Remembered() int { return inv.cache.size() }

// Refresh describes the given resources anew and gives them as they are now, in the
// same order, whatever their status. One that no longer exists is left out; one that
// could not be described is left out with a problem, as a copy is never given.
func (inv *Inventory) Refresh(ctx context.Context, resources []model.Resource) ([]model.Resource, []model.Problem) {
	byRegion := map[string][]int{}
	for i, resource := range resources {
		byRegion[resource.Region()] = append(byRegion[resource.Region()], i)
	}
	findings := make([]finding, len(resources))
	recipes := newRecipeLookups(inv)
	var regions errgroup.Group
	regions.SetLimit(regionsAtOnce)
	for _, indices := range byRegion {
		regions.Go(func() error {
			var group errgroup.Group
			group.SetLimit(inv.concurrency)
			for _, i := range indices {
				group.Go(func() error {
					findings[i] = inv.refresh(ctx, recipes, resources[i].ARN, resources[i].Kind)
					return nil
				})
			}
			return group.Wait()
		})
	}
	_ = regions.Wait() // failures are in the findings
	// Who only refreshes never learns by a listing what is gone.
	inv.cache.dropUnseen(inv.clock.Now().Add(-unseenLimit))
	var found []model.Resource
	var problems []model.Problem
	for _, f := range findings {
		if f.found {
			found = append(found, f.resource)
		}
		problems = append(problems, f.problems...)
	}
	return found, problems
}

// refresh describes one resource anew and remembers it.
func (inv *Inventory) refresh(ctx context.Context, recipes *recipeLookups, arn model.ARN, kind model.Kind) finding {
	describe := inv.describeCampaign
	if kind == model.Recommender {
		describe = inv.describeRecommender
	}
	e, err := describe(ctx, arn)
	if err != nil {
		if awsapi.KindOf(err) == awsapi.NotFound {
			inv.cache.drop(arn)
			return finding{arn: arn, gone: true}
		}
		return finding{arn: arn, problems: []model.Problem{
			{ARN: arn.String(), Region: arn.Region, Operation: describeOperation(kind), Err: err},
		}}
	}
	f := finding{arn: arn, found: true}
	if kind == model.Campaign {
		if old, ok := inv.cache.get(arn); ok {
			e.summary = old.summary
			e.keepServed(old)
		}
		if problem := recipes.complete(ctx, &e); problem != nil {
			f.problems = append(f.problems, *problem)
		}
	}
	inv.cache.put(e)
	f.resource = e.full()
	return f
}
