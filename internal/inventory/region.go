package inventory

import (
	"context"
	"fmt"
	"maps"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// region looks at one region, both kinds at the same time.
func (d *discovery) region(ctx context.Context, region string, campaigns, recommenders selection) regionResult {
	result := regionResult{listing: model.Listing{Region: region, Seen: map[model.ARN]bool{}}}
	selections := map[model.Kind]selection{model.Campaign: campaigns, model.Recommender: recommenders}
	kinds := []model.Kind{model.Campaign, model.Recommender}
	results := make([]kindResult, len(kinds))
	var group errgroup.Group
	for i, kind := range kinds {
		if selections[kind].none() {
			continue
		}
		group.Go(func() error {
			results[i] = d.kind(ctx, region, kind, selections[kind])
			return nil
		})
	}
	_ = group.Wait() // failures are in the results
	result.listing.Campaigns, result.listing.Recommenders = results[0].complete, results[1].complete
	for _, r := range results {
		maps.Copy(result.listing.Seen, r.seen)
		result.resources = append(result.resources, r.resources...)
		result.problems = append(result.problems, r.problems...)
	}
	return result
}

// kindResult is what came of one kind in one region.
type kindResult struct {
	complete  bool
	seen      map[model.ARN]bool
	resources []model.Resource
	problems  []model.Problem
}

// kind lists the resources of a kind and looks closer at those selected.
func (d *discovery) kind(ctx context.Context, region string, kind model.Kind, wanted selection) kindResult {
	list := d.list(ctx, region, kind)
	result := kindResult{complete: list.err == nil, seen: make(map[model.ARN]bool, len(list.resources))}
	var selected []model.Resource
	for _, resource := range list.resources {
		if wanted.has(resource.ARN) && !result.seen[resource.ARN] {
			selected = append(selected, resource)
		}
		result.seen[resource.ARN] = true
	}
	d.progress.add(0, len(selected))
	if kind == model.Campaign {
		d.campaigns(ctx, region, selected, &result)
	} else {
		d.recommenders(selected, &result)
	}
	if result.complete {
		d.cache.dropAbsent(region, kind, result.seen)
		d.warnAbsent(kind, wanted, result.seen)
	} else {
		result.problems = append(result.problems, model.Problem{Region: region, Operation: listOperation(kind), Err: list.err})
		d.standIns(region, kind, wanted, &result)
	}
	d.logger.Debug("region listed", "region", region, "kind", string(kind), "listed", len(list.resources), "selected", len(selected), "complete", result.complete)
	return result
}

// recommenders are taken as their summaries describe them.
func (d *discovery) recommenders(selected []model.Resource, result *kindResult) {
	for _, resource := range selected {
		d.cache.put(entry{resource: resource, summary: keyOf(resource)})
	}
	result.resources = append(result.resources, selected...)
	d.progress.add(len(selected), 0)
}

// warnAbsent says which of the resources asked for by name do not exist.
func (d *discovery) warnAbsent(kind model.Kind, wanted selection, seen map[model.ARN]bool) {
	for arn := range wanted.named {
		if !seen[arn] {
			d.logger.Warn("resource does not exist", "arn", arn.String(), "region", arn.Region, "kind", string(kind))
		}
	}
}

// standIns adds stale copies of what a broken listing did not come to.
func (d *discovery) standIns(region string, kind model.Kind, wanted selection, result *kindResult) {
	now, count := d.clock.Now(), 0
	for _, e := range d.cache.of(region, kind) {
		if wanted.has(e.resource.ARN) && !result.seen[e.resource.ARN] && fresh(e, now) {
			result.resources = append(result.resources, stale(e))
			count++
		}
	}
	d.progress.add(count, count)
	d.logger.Debug("listing incomplete, copies stand in", "region", region, "kind", string(kind), "op", listOperation(kind), "copies", count)
}

// fresh tells whether a copy may still stand in for a description.
func fresh(e entry, now time.Time) bool { return now.Sub(e.resource.Observed) <= copyKept }

// stale is the resource as a copy that stands in.
func stale(e entry) model.Resource {
	r := e.full()
	r.Stale = true
	return r
}

// campaigns looks at each of the campaigns listed.
func (d *discovery) campaigns(ctx context.Context, region string, selected []model.Resource, result *kindResult) {
	findings := make([]finding, len(selected))
	var group errgroup.Group
	group.SetLimit(d.concurrency)
	for i, campaign := range selected {
		group.Go(func() error {
			findings[i] = d.campaign(ctx, campaign)
			d.progress.add(1, 0)
			return nil
		})
	}
	_ = group.Wait() // failures are in the findings
	var problems []model.Problem
	for _, f := range findings {
		if f.gone {
			delete(result.seen, f.arn)
		}
		if f.found {
			result.resources = append(result.resources, f.resource)
		}
		problems = append(problems, f.problems...)
	}
	result.problems = append(result.problems, withoutRepeats(region, problems)...)
}

// withoutRepeats makes one problem of all those that a context's end caused.
func withoutRepeats(region string, problems []model.Problem) []model.Problem {
	var kept []model.Problem
	var first model.Problem
	count := 0
	for _, p := range problems {
		if awsapi.KindOf(p.Err) != awsapi.Canceled {
			kept = append(kept, p)
			continue
		}
		if count == 0 {
			first = p
		}
		count++
	}
	switch {
	case count == 1:
		kept = append(kept, first)
	case count > 1:
		kept = append(kept, model.Problem{Region: region, Operation: first.Operation, Err: fmt.Errorf("%w (and %d more)", first.Err, count-1)})
	}
	return kept
}
