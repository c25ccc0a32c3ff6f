// Package inventory is the first step of discover → measure → decide → act → report:
// it finds out which campaigns and recommenders there are and how they stand, with as
// few calls as that takes. Lists are read in whole; a campaign is described only when
// its list entry does not already tell all that is known, and what a refused call
// would have told comes from a copy of at most 22 minutes of age, marked as stale.
package inventory

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// copyKept is how long after its last confirmation a copy may stand in for a fresh
// description: 22 minutes bridge four cycles of throttling.
const copyKept = 22 * time.Minute

// defaultConcurrency is how many calls are under way in one region at a time. At 20 ms
// a call it is far more than the rate limit lets through, so a few slow answers do not
// hold the others up.
const defaultConcurrency = 8

// regionsAtOnce bounds the regions looked at at the same time; Personalize is offered
// in about a dozen.
const regionsAtOnce = 16

// Options says what an Inventory works with.
type Options struct {
	Clients *awsapi.Clients
	Clock   model.Clock  // nil means the system clock
	Logger  *slog.Logger // nil discards
	// Concurrency bounds the calls under way in one region; zero means 8.
	Concurrency int
}

// Inventory discovers resources and remembers what it saw for the next time. It is
// safe for concurrent use.
type Inventory struct {
	personalize func(region string) api
	clock       model.Clock
	logger      *slog.Logger
	concurrency int
	cache       *cache
}

// api is what the inventory asks of Personalize.
type api interface {
	lister
	describer
	solutionDescriber
}

var _ api = (*personalize.Client)(nil)

// New makes an Inventory that has seen nothing yet.
func New(o Options) *Inventory {
	inv := &Inventory{
		personalize: func(region string) api { return o.Clients.Personalize(region) },
		clock:       o.Clock,
		logger:      o.Logger,
		concurrency: o.Concurrency,
		cache:       newCache(),
	}
	if inv.clock == nil {
		inv.clock = model.SystemClock{}
	}
	if inv.logger == nil {
		inv.logger = slog.New(slog.DiscardHandler)
	}
	if inv.concurrency <= 0 {
		inv.concurrency = defaultConcurrency
	}
	return inv
}

// Discover lists the scope in every region involved and describes the campaigns that
// are new, changed or unsettled, and those for which due answers true (nil means none).
// Progress is told, one call at a time, how many of the resources listed so far are
// done; nil is allowed. A failure costs no more than what it stands in the way of and
// is in the snapshot's problems; if ctx ends, what was not reached is in there too.
func (inv *Inventory) Discover(
	ctx context.Context, scope model.Scope, due func(model.ARN) bool, progress func(done, total int),
) model.Snapshot {
	if due == nil {
		due = func(model.ARN) bool { return false }
	}
	d := &discovery{
		Inventory: inv,
		due:       due,
		recipes:   newRecipeLookups(inv),
		progress:  &progressCount{tell: progress},
	}
	campaigns, recommenders := selectionOf(scope.Campaigns), selectionOf(scope.Recommenders)
	regions := involved(scope)
	results := make([]regionResult, len(regions))
	var group errgroup.Group
	group.SetLimit(regionsAtOnce)
	for i, region := range regions {
		group.Go(func() error {
			results[i] = d.region(ctx, region, campaigns.in(region, scope.Regions), recommenders.in(region, scope.Regions))
			return nil
		})
	}
	_ = group.Wait() // failures are in the results
	inv.cache.forgetVersions()
	return snapshotOf(results)
}

// discovery is one Discover under way.
type discovery struct {
	*Inventory
	due      func(model.ARN) bool
	recipes  *recipeLookups
	progress *progressCount
}

// regionResult is what came of one region.
type regionResult struct {
	listing   model.Listing
	resources []model.Resource
	problems  []model.Problem
}

func snapshotOf(results []regionResult) model.Snapshot {
	var s model.Snapshot
	for _, result := range results {
		s.Listings = append(s.Listings, result.listing)
		s.Problems = append(s.Problems, result.problems...)
		for _, resource := range result.resources {
			if resource.Monitored() {
				s.Resources = append(s.Resources, resource)
			} else {
				s.Others = append(s.Others, resource)
			}
		}
	}
	slices.SortFunc(s.Resources, model.CompareResources)
	slices.SortFunc(s.Others, model.CompareResources)
	return s
}

// progressCount counts resources done against those listed so far, and tells.
type progressCount struct {
	mu          sync.Mutex
	done, total int
	tell        func(done, total int)
}

func (p *progressCount) add(done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += done
	p.total += total
	if p.tell != nil {
		p.tell(p.done, p.total)
	}
}
