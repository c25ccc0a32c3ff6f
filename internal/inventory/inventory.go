// Package inventory finds the campaigns and recommenders and their state, with as few
// calls as possible. It reads every page of the lists. It describes a campaign only when
// its list entry does not confirm what is known already. If AWS refuses a call, a copy of
// at most 22 minutes of age replaces the response, marked as stale.
package inventory

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// copyTTL is how long after its last confirmation a copy may replace a fresh description:
// 22 minutes bridge four cycles of throttling.
const copyTTL = 22 * time.Minute

// unseenTTL is how long Refresh keeps a resource in the cache that it does not meet again.
const unseenTTL = 24 * time.Hour

// Options configures an Inventory.
type Options struct {
	Clients *awsapi.Clients
	Clock   model.Clock  // nil means the system clock
	Logger  *slog.Logger // nil discards
}

// Inventory discovers resources and caches what it saw. It is safe for concurrent use.
type Inventory struct {
	o        Options
	entries  shelf[model.ARN, entry]
	versions shelf[string, *version]   // the permanent ones, by ARN
	dropped  atomic.Pointer[time.Time] // when dropUnseen last did
}

// New makes an Inventory with an empty cache.
func New(o Options) *Inventory {
	return &Inventory{
		o:        Options{o.Clients, cmp.Or[model.Clock](o.Clock, model.SystemClock{}), cmp.Or(o.Logger, slog.New(slog.DiscardHandler))},
		entries:  shelf[model.ARN, entry]{items: map[model.ARN]entry{}},
		versions: shelf[string, *version]{items: map[string]*version{}},
	}
}

// Discover lists the scope in every region involved and describes the campaigns that
// are new, changed or unsettled, and those for which due returns true (nil means none).
// It reports progress, one call at a time, as resources done of those listed so far; nil
// is allowed. A failure affects only its own region or resource and is in the snapshot's
// problems; if ctx ends, so is what was not reached.
func (inv *Inventory) Discover(
	ctx context.Context, scope model.Scope, due func(model.ARN) bool, progress func(done, total int),
) model.Snapshot {
	if due == nil {
		due = func(model.ARN) bool { return false }
	}
	d := &discovery{inv: inv, due: due, recipes: newRecipeReader(inv), progress: &progressCount{report: progress}}
	jobs := jobsOf(scope)
	results := make([]result, len(jobs))
	awsapi.Parallel(len(jobs), 2*awsapi.RegionsAtOnce, func(i int) { results[i] = d.run(ctx, jobs[i]) })
	inv.dropUnusedVersions()
	return snapshotOf(jobs, results)
}

// job is to list one kind in one region and to examine the resources selected.
type job struct {
	region string
	kind   model.Kind
	all    bool
	named  map[model.ARN]bool // where all is false
}

func (j job) has(arn model.ARN) bool { return j.all || j.named[arn] }

// jobsOf returns the jobs of a scope, by region: the regions scanned if a kind selects
// all, and those of the resources named.
func jobsOf(scope model.Scope) []job {
	var jobs []job
	for kind, selection := range map[model.Kind]model.Selection{model.Campaign: scope.Campaigns, model.Recommender: scope.Recommenders} {
		if selection.All {
			for _, region := range slices.Compact(slices.Sorted(slices.Values(scope.Regions))) {
				jobs = append(jobs, job{region: region, kind: kind, all: true})
			}
			continue
		}
		named := map[string]map[model.ARN]bool{}
		for _, arn := range selection.ARNs {
			if named[arn.Region()] == nil {
				named[arn.Region()] = map[model.ARN]bool{}
				jobs = append(jobs, job{region: arn.Region(), kind: kind, named: named[arn.Region()]})
			}
			named[arn.Region()][arn] = true
		}
	}
	slices.SortFunc(jobs, func(a, b job) int {
		return cmp.Or(cmp.Compare(a.region, b.region), cmp.Compare(a.kind, b.kind))
	})
	return jobs
}

// snapshotOf joins the results of the jobs, which are in the order of their regions.
func snapshotOf(jobs []job, results []result) model.Snapshot {
	total := 0
	for _, r := range results {
		total += len(r.resources)
	}
	s := model.Snapshot{Resources: make([]model.Resource, 0, total)}
	for i, j := range jobs {
		if n := len(s.Listings); n == 0 || s.Listings[n-1].Region != j.region {
			s.Listings = append(s.Listings, model.Listing{Region: j.region, Seen: map[model.ARN]bool{}})
		}
		listing, r := &s.Listings[len(s.Listings)-1], results[i]
		if j.kind == model.Campaign {
			listing.Campaigns = r.complete
		} else {
			listing.Recommenders = r.complete
		}
		maps.Copy(listing.Seen, r.seen)
		s.Problems = append(s.Problems, r.problems...)
		for _, resource := range r.resources {
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

// progressCount counts resources done of those listed so far, and reports each change.
type progressCount struct {
	mu          sync.Mutex
	done, total int
	report      func(done, total int)
}

func (p *progressCount) add(done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += done
	p.total += total
	if p.report != nil {
		p.report(p.done, p.total)
	}
}

// Known are the monitored resources of a scope as they were last seen, by region, kind and name. The inventory may have
// seen others, as actions and savings look up what is on record.
func (inv *Inventory) Known(scope model.Scope) []model.Resource {
	jobs := jobsOf(scope)
	var known []model.Resource
	inv.entries.with(func(items map[model.ARN]entry) {
		for arn, e := range items {
			r := e.full()
			if r.Monitored() && slices.ContainsFunc(jobs, func(j job) bool { return e.isOf(j) && j.has(arn) }) {
				known = append(known, r)
			}
		}
	})
	slices.SortFunc(known, model.CompareResources)
	return known
}

// Refresh describes the given resources again and returns them as they are now, in the
// same order, whatever their status. It leaves out a resource that no longer exists, and,
// with a problem, one that could not be described: it never returns a copy.
func (inv *Inventory) Refresh(ctx context.Context, resources []model.Resource) ([]model.Resource, []model.Problem) {
	findings := make([]finding, len(resources))
	recipes := newRecipeReader(inv)
	awsapi.ParallelByRegion(resources, model.Resource.Region, func(i int) {
		findings[i] = inv.refresh(ctx, recipes, resources[i].ARN, resources[i].Kind)
	})
	inv.retryThrottled(ctx, findings, func(recipes *recipeReader, i int) finding {
		return inv.refresh(ctx, recipes, resources[i].ARN, resources[i].Kind)
	})
	inv.dropUnseen()
	return divide(findings)
}

// dropUnseen drops what was not met for long: without Discover, no listing shows which resources no longer exist. It
// does so once an hour, as a cycle may refresh hundreds of resources, one at a time, among thousands.
func (inv *Inventory) dropUnseen() {
	now := inv.o.Clock.Now()
	last := inv.dropped.Load()
	if last != nil && now.Sub(*last) < time.Hour && !now.Before(*last) || !inv.dropped.CompareAndSwap(last, &now) {
		return
	}
	inv.entries.with(func(items map[model.ARN]entry) {
		maps.DeleteFunc(items, func(_ model.ARN, e entry) bool { return now.Sub(e.resource.Observed) > unseenTTL })
	})
	inv.dropUnusedVersions()
}

func (inv *Inventory) refresh(ctx context.Context, recipes *recipeReader, arn model.ARN, kind model.Kind) finding {
	e, err := inv.describe(ctx, arn, kind)
	switch {
	case awsapi.KindOf(err) == awsapi.NotFound:
		inv.entries.drop(arn)
		return finding{gone: true}
	case err != nil:
		return finding{problem: &model.Problem{ARN: arn.String(), Region: arn.Region(), Operation: kind.DescribeOperation(), Err: err}}
	}
	if old, ok := inv.entries.get(arn); ok && kind == model.Campaign {
		e.summary = old.summary
		e.reuseVersion(old)
	}
	return recipes.complete(ctx, e)
}

// dropUnusedVersions drops the solution versions that no campaign serves any more.
func (inv *Inventory) dropUnusedVersions() {
	used := map[string]bool{}
	inv.entries.with(func(items map[model.ARN]entry) {
		for _, e := range items {
			used[e.versionARN] = true
		}
	})
	inv.versions.with(func(items map[string]*version) {
		maps.DeleteFunc(items, func(arn string, _ *version) bool { return !used[arn] })
	})
}
