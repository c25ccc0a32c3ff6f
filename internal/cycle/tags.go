package cycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// Bounds of reading tags.
const (
	// tagsAge is how old the tags of a resource that stays as it is become before they are read
	// again, and tagsPerCycle how many of a region are for that reason in one cycle: 60 an hour.
	tagsAge      = 55 * time.Minute
	tagsPerCycle = 5
	// tagsAtOnce is how many calls run at the same time in a region.
	tagsAtOnce = 8
	// tagsReach is how long ago a resource may have been updated that may be raised for a time.
	tagsReach = events.MaxRaise + 24*time.Hour
	// unseenTags is how long the tags of a resource are kept that no cycle has met again.
	unseenTags = 24 * time.Hour
)

// TagsReader reads the tags of a resource. The error may be that it does not exist.
type TagsReader func(ctx context.Context, region, arn string) (writer.Tags, error)

// ResourceTags are the tags of campaigns and recommenders. Listings have none, and each resource
// takes a call. They are remembered, and read when they may matter or have changed: the tags of a
// resource that was updated, as a timed raise updates it, and until that returns; of one that is not known, once it was
// updated lately or its hourly checks are due; of any other once an hour, a few at a time. It is safe
// for concurrent use.
type ResourceTags struct {
	read   TagsReader
	clock  model.Clock
	mu     sync.Mutex
	memory map[model.ARN]taggedAt
}

// taggedAt is what is remembered of a resource.
type taggedAt struct {
	tags        map[string]string
	read        time.Time
	lastUpdated time.Time // of the resource, as it was then
}

// NewResourceTags makes one that remembers nothing yet.
func NewResourceTags(read TagsReader, clock model.Clock) *ResourceTags {
	return &ResourceTags{read: read, clock: clock, memory: map[model.ARN]taggedAt{}}
}

// Read returns the tags that are known of the resources, and reads those that are due. Tags that
// could not be read are missing.
func (t *ResourceTags) Read(
	ctx context.Context, resources []model.Resource, due func(model.ARN) bool,
) (map[model.ARN]map[string]string, []model.Problem) {
	problems := t.readAll(ctx, t.due(resources, due))
	known := t.Known(resources)
	t.mu.Lock()
	defer t.mu.Unlock()
	oldest := t.clock.Now().Add(-unseenTags)
	maps.DeleteFunc(t.memory, func(_ model.ARN, tagged taggedAt) bool { return tagged.read.Before(oldest) })
	return known, problems
}

// Known returns the tags of those of the resources whose tags are known; nil for one without any.
func (t *ResourceTags) Known(resources []model.Resource) map[model.ARN]map[string]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := map[model.ARN]map[string]string{}
	for _, r := range resources {
		if tagged, ok := t.memory[r.ARN]; ok {
			known[r.ARN] = tagged.tags
		}
	}
	return known
}

// Again returns the tags of the resources as they are now.
func (t *ResourceTags) Again(ctx context.Context, resources []model.Resource) (map[model.ARN]map[string]string, []model.Problem) {
	t.forget(resources)
	return t.Read(ctx, resources, func(model.ARN) bool { return true })
}

func (t *ResourceTags) forget(resources []model.Resource) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range resources {
		delete(t.memory, r.ARN)
	}
}

// due are the resources whose tags are to be read now.
func (t *ResourceTags) due(resources []model.Resource, slot func(model.ARN) bool) []model.Resource {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock.Now()
	var list []model.Resource
	old := map[string][]model.Resource{}
	for _, r := range resources {
		tagged, known := t.memory[r.ARN]
		switch {
		case !known && (slot(r.ARN) || now.Sub(r.LastTouched()) < tagsReach),
			known && !tagged.lastUpdated.Equal(r.LastUpdated),
			known && tagged.tags[schedule.ReturnTag] != "", // guard: tags: a return ahead may be brought forward; each:2
			r.Update != nil && !r.Update.Status.Settled():
			list = append(list, r)
		case known && now.Sub(tagged.read) >= tagsAge:
			old[r.Region()] = append(old[r.Region()], r)
		}
	}
	for _, region := range old {
		slices.SortFunc(region, func(a, b model.Resource) int {
			return cmp.Or(t.memory[a.ARN].read.Compare(t.memory[b.ARN].read), a.ARN.Compare(b.ARN))
		})
		list = append(list, region[:min(len(region), tagsPerCycle)]...)
	}
	return list
}

// readAll reads the tags of resources, several regions at the same time. What cannot be read is
// forgotten: nothing is arranged by tags that may have changed.
func (t *ResourceTags) readAll(ctx context.Context, resources []model.Resource) []model.Problem {
	t.forget(resources)
	regions := map[string][]model.Resource{}
	for _, r := range resources {
		regions[r.Region()] = append(regions[r.Region()], r)
	}
	failed := problems{}
	var group errgroup.Group
	group.SetLimit(regionConcurrency)
	for region, list := range regions {
		group.Go(func() error {
			failed.add(t.readRegion(ctx, region, list)...)
			return nil
		})
	}
	_ = group.Wait() // failures are problems
	return failed.all()
}

func (t *ResourceTags) readRegion(ctx context.Context, region string, list []model.Resource) []model.Problem {
	breaker := writer.NewBreaker(region, writer.OpListTags)
	for chunk := range slices.Chunk(list, tagsAtOnce) {
		if breaker.Open() {
			breaker.Skip(len(chunk))
			continue
		}
		errs := make([]error, len(chunk))
		var group errgroup.Group
		for i, r := range chunk {
			group.Go(func() error {
				errs[i] = t.readOne(ctx, r)
				return nil
			})
		}
		_ = group.Wait() // the errors are in errs
		for i, err := range errs {
			switch {
			case err == nil:
				breaker.Succeed()
			case !errors.Is(writer.AlreadyGone(err), writer.ErrAlreadySo):
				breaker.Fail(chunk[i].ARN.String(), fmt.Errorf("its schedule and timed raise are not carried out this time: %w", err))
			}
		}
	}
	return breaker.Problems()
}

func (t *ResourceTags) readOne(ctx context.Context, r model.Resource) error {
	began := t.clock.Now()
	tags, err := t.read(ctx, r.Region(), r.ARN.String())
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.memory[r.ARN] = taggedAt{tags: tags, read: began, lastUpdated: r.LastUpdated}
	return nil
}
