package cycle

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// readShare of the budget is the time of each round of reading. What does not answer by then
// is left out, so that a region that hangs does not delay the others.
const readShare = 3.0 / 8

// discoverShare of a round of reading is for finding the resources. The rest measures those
// that were found, even if one region hangs.
const discoverShare = 2.0 / 3

// reading limits a context to one round of reading.
func (r *run) reading(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, time.Duration(readShare*float64(r.budget)))
}

// regionConcurrency bounds how many regions are read at the same time.
const regionConcurrency = 32

// found is what discovery and measuring found in a region.
type found struct {
	snapshot  model.Snapshot
	readings  model.Readings
	published int
}

// Learn describes every resource ahead of the first cycle, which then describes only what has changed since, and
// returns how many are monitored. What fails is left to the cycle, which reports it.
func (c *Cycle) Learn(ctx context.Context, params config.Values) int {
	return len(c.Inventory.Discover(ctx, Scope(params, c.Region), nil, c.Progress.of("discover")).Resources)
}

// discover discovers, measures and publishes all regions concurrently, so that none waits for
// another.
func (r *run) discover(ctx context.Context) {
	scope := Scope(r.params, r.Region)
	regions := Regions(scope)
	results := make([]found, len(regions))
	group := errgroup.Group{}
	group.SetLimit(regionConcurrency)
	for i, region := range regions {
		group.Go(func() error {
			results[i] = r.discoverRegion(ctx, region, within(scope, region))
			return nil
		})
	}
	_ = group.Wait() // failures are problems
	total := 0
	for _, f := range results {
		total += len(f.snapshot.Resources)
	}
	r.snapshot.Resources = make([]model.Resource, 0, total)
	for _, f := range results {
		r.snapshot.Resources = append(r.snapshot.Resources, f.snapshot.Resources...)
		r.snapshot.Others = append(r.snapshot.Others, f.snapshot.Others...)
		r.snapshot.Listings = append(r.snapshot.Listings, f.snapshot.Listings...)
		maps.Copy(r.readings, f.readings)
		r.result.MetricsPublished += f.published
	}
	slices.SortFunc(r.snapshot.Resources, model.CompareResources)
}

// discoverRegion discovers and measures one region, and publishes its metrics before anything
// else is attempted with its resources.
func (r *run) discoverRegion(ctx context.Context, region string, scope model.Scope) found {
	reading, cancel := r.reading(ctx)
	defer cancel()
	discovering, discovered := context.WithTimeout(reading, time.Duration(discoverShare*readShare*float64(r.budget)))
	snapshot := r.Inventory.Discover(discovering, scope, r.due, r.Progress.of("discover "+region))
	discovered()
	r.problems.add(snapshot.Problems...)
	if r.Observer != nil {
		r.Observer.SawEstate(snapshot)
	}
	readings := r.measure(reading, "measure "+region, rules.WindowQueries(snapshot.Resources, r.at))
	data := make([]model.Datum, 0, 3*len(snapshot.Resources))
	for _, resource := range snapshot.Resources {
		data = append(data, rules.Metrics(resource, rules.ThroughputOf(resource, readings, r.at), r.at.Window)...)
	}
	return found{snapshot, readings, r.publish(ctx, data)}
}

func (r *run) due(arn model.ARN) bool { return rules.Due(arn, r.settings, r.at) }

func (r *run) measure(ctx context.Context, step string, queries []model.Query) model.Readings {
	if len(queries) == 0 {
		return nil
	}
	readings, problems := r.Meter.Measure(ctx, queries, r.Progress.of(step))
	r.problems.add(problems...)
	return readings
}

func (r *run) publish(ctx context.Context, data []model.Datum) int {
	if len(data) == 0 {
		return 0
	}
	published, problems := r.Writer.Publish(ctx, data)
	r.problems.add(problems...)
	return published
}

// publishCount publishes how many resources are monitored, once all regions are discovered.
func (r *run) publishCount(ctx context.Context) {
	count := rules.CountMetric(r.Region, len(r.snapshot.Resources), r.at.Window)
	r.result.MetricsPublished += r.publish(ctx, []model.Datum{count})
}

// nothingListed is the error of a cycle that cannot go on: no listing succeeded, and there is
// no earlier copy of one.
func (r *run) nothingListed(ctx context.Context) error {
	list := r.problems.all()
	if len(r.snapshot.Resources) > 0 || len(list) == 0 && ctx.Err() == nil || anyListed(r.snapshot) {
		return nil
	}
	const stopped = "stopped while listing campaigns and recommenders"
	switch err := ctx.Err(); {
	case err == nil:
		return fmt.Errorf("%w: %w", ErrNothingMeasured, list[0])
	case len(list) == 0:
		return fmt.Errorf("%w: %s: %w", ErrNothingMeasured, stopped, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrNothingMeasured, stopped, list[0])
}

// anyListed reports whether a listing of campaigns or recommenders succeeded.
func anyListed(snapshot model.Snapshot) bool {
	return slices.ContainsFunc(snapshot.Listings, func(l model.Listing) bool { return l.Campaigns || l.Recommenders })
}

// notify starts to update topics, subscriptions and the rule, and returns the topics when
// that is done.
func (r *run) notify(ctx context.Context) <-chan map[string]model.ARN {
	in := notify.Input{Endpoints: r.params.Endpoints, Chat: r.params.ChatNotifications, Key: r.params.KMSKey}
	regions := []string{r.Region}
	for _, resource := range r.snapshot.Resources {
		regions = append(regions, resource.Region())
		in.Identity = writer.Identity{Account: resource.ARN.Account(), Partition: resource.ARN.Partition()}
	}
	in.Regions = sorted(regions)
	done := make(chan map[string]model.ARN, 1)
	go func() {
		reading, cancel := r.reading(ctx)
		defer cancel()
		topics, problems := r.Notifier.Ensure(reading, in)
		r.problems.add(problems...)
		done <- topics
	}()
	return done
}
