package app

import (
	"context"
	"errors"

	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// reportMissing adds a problem for each resource that a parameter names and that does not
// exist. Schedules go without it: there the monitor itself may have deleted the resource.
type reportMissing struct{ cycle.Inventory }

// Discover implements cycle.Inventory.
func (r reportMissing) Discover(
	ctx context.Context, scope model.Scope, due func(model.ARN) bool, progress func(done, total int),
) model.Snapshot {
	snapshot := r.Inventory.Discover(ctx, scope, due, progress)
	for _, listing := range snapshot.Listings {
		snapshot.Problems = append(snapshot.Problems, missing(listing, model.Campaign, scope.Campaigns)...)
		snapshot.Problems = append(snapshot.Problems, missing(listing, model.Recommender, scope.Recommenders)...)
	}
	return snapshot
}

var errMissing = errors.New("it does not exist, though a parameter names it")

// missing are the problems of named resources that a complete listing does not show.
func missing(listing model.Listing, kind model.Kind, named model.Selection) []model.Problem {
	var problems []model.Problem
	if named.All || !listing.Complete(kind) {
		return nil
	}
	for _, arn := range named.ARNs {
		if arn.Region() == listing.Region && !listing.Seen[arn] {
			operation := "List" + kind.Title() + "s"
			problems = append(problems, model.Problem{ARN: arn.String(), Region: arn.Region(), Operation: operation, Err: errMissing})
		}
	}
	return problems
}
