package cli

import (
	"context"
	"errors"

	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// errAbsent is the problem with a resource that is named and does not exist.
var errAbsent = errors.New("it does not exist, though a parameter names it")

// naming makes a problem of each resource that a person names and that does not exist. The
// schedules pass it over with a warning: there it may have been deleted since it was named,
// perhaps by the monitor itself.
type naming struct{ cycle.Inventory }

// Discover is that of the inventory, with these problems.
func (n naming) Discover(
	ctx context.Context, scope model.Scope, due func(model.ARN) bool, progress func(done, total int),
) model.Snapshot {
	snapshot := n.Inventory.Discover(ctx, scope, due, progress)
	for _, listing := range snapshot.Listings {
		snapshot.Problems = append(snapshot.Problems, absent(listing, model.Campaign, scope.Campaigns)...)
		snapshot.Problems = append(snapshot.Problems, absent(listing, model.Recommender, scope.Recommenders)...)
	}
	return snapshot
}

// absent are the problems with those named that a complete listing does not show.
func absent(listing model.Listing, kind model.Kind, named model.Selection) []model.Problem {
	var problems []model.Problem
	if named.All || !listing.Complete(kind) {
		return nil
	}
	for _, arn := range named.ARNs {
		if arn.Region == listing.Region && !listing.Seen[arn] {
			problems = append(problems, model.Problem{ARN: arn.String(), Region: arn.Region, Operation: "List" + kind.Title() + "s", Err: errAbsent})
		}
	}
	return problems
}
