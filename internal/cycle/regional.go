package cycle

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// RegionGaps answers what confirms a silence: it finds the hours in which the data of a region are
// missing, by the requests of some of its endpoints, monitored or not. It remembers them for as long as they are the latest: rules ask
// for whole hours, so that a process reads them once an hour and region. It is safe for concurrent
// use.
type RegionGaps struct {
	meter  Meter
	list   Lister
	mu     sync.Mutex
	memory map[model.Query]model.Series
}

// NewRegionGaps makes one that remembers nothing yet.
func NewRegionGaps(m Meter, list Lister) *RegionGaps {
	return &RegionGaps{meter: m, list: list, memory: map[model.Query]model.Series{}}
}

// Lister lists all endpoints of a region. It is not complete if there is a problem.
type Lister func(ctx context.Context, region string) ([]model.Resource, []model.Problem)

// Read answers queries made by rules.SilenceQueries, several regions at the same time. What could
// not be read is not complete.
func (g *RegionGaps) Read(ctx context.Context, queries []model.Query) (model.Readings, []model.Problem) {
	gaps, records := map[model.Query]bool{}, []model.Query{}
	for _, q := range queries {
		if q.Stat == model.Gaps {
			gaps[q] = true
		} else {
			records = append(records, q)
		}
	}
	readings, failed := model.Readings{}, problems{}
	var mu sync.Mutex // guards the readings
	var group errgroup.Group
	group.SetLimit(regionConcurrency)
	for q := range gaps {
		group.Go(func() error {
			series, problems := g.read(ctx, q)
			failed.add(problems...)
			mu.Lock()
			defer mu.Unlock()
			readings[q] = series
			return nil
		})
	}
	if len(records) > 0 {
		group.Go(func() error {
			read, problems := g.meter.Measure(ctx, records, nil)
			failed.add(problems...)
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(readings, read)
			return nil
		})
	}
	_ = group.Wait() // failures are problems
	return readings, failed.all()
}

func (g *RegionGaps) read(ctx context.Context, q model.Query) (model.Series, []model.Problem) {
	if series, ok := g.known(q); ok {
		return series, nil
	}
	endpoints, failed := g.list(ctx, q.Region)
	if len(failed) > 0 { // guard: regional gaps: all endpoints listed
		return model.Series{}, failed
	}
	endpoints = slices.DeleteFunc(endpoints, func(r model.Resource) bool { return !r.Monitored() })
	peers := rules.PeerQueries(endpoints, q)
	read, failed := g.meter.Measure(ctx, peers, nil)
	series := rules.RegionalGaps(q, peers, read)
	g.remember(q, series)
	return series, failed
}

func (g *RegionGaps) known(q model.Query) (model.Series, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	series, ok := g.memory[q]
	return series, ok
}

func (g *RegionGaps) remember(q model.Query, series model.Series) {
	if !series.Complete {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	maps.DeleteFunc(g.memory, func(old model.Query, _ model.Series) bool { return q.Window.End.Sub(old.Window.End) > time.Hour })
	g.memory[q] = series
}
