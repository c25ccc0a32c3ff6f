package cycle

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// RegionGaps finds the hours in which the data of a region are missing, by the requests of some of
// its endpoints. It remembers them for as long as they are the latest: rules ask for whole
// hours, so that a process reads them once an hour and region. It is safe for concurrent use.
type RegionGaps struct {
	meter  Meter
	mu     sync.Mutex
	memory map[model.Query]model.Series
}

// NewRegionGaps makes one that remembers nothing yet.
func NewRegionGaps(m Meter) *RegionGaps {
	return &RegionGaps{meter: m, memory: map[model.Query]model.Series{}}
}

// Lister lists all resources of a region. It is not complete if there is a problem.
type Lister func(ctx context.Context, region string) ([]model.Resource, []model.Problem)

// Read answers queries made by rules.GapsQuery. What is missing could not be read.
func (g *RegionGaps) Read(ctx context.Context, queries []model.Query, list Lister) (model.Readings, []model.Problem) {
	if len(queries) == 0 {
		return nil, nil
	}
	readings, peers := model.Readings{}, map[model.Query][]model.Query{}
	var all []model.Query
	var problems []model.Problem
	for _, q := range queries {
		if _, seen := peers[q]; seen {
			continue
		}
		if series, ok := g.known(q); ok {
			readings[q] = series
			continue
		}
		peers[q] = nil
		resources, failed := list(ctx, q.Region)
		problems = append(problems, failed...)
		if len(failed) > 0 { // guard: regional gaps: all endpoints listed
			continue
		}
		peers[q] = rules.PeerQueries(resources, q)
		all = append(all, peers[q]...)
	}
	if len(peers) == 0 {
		return readings, problems
	}
	read, failed := g.meter.Measure(ctx, all, nil)
	for q, list := range peers {
		if list != nil {
			readings[q] = rules.RegionalGaps(q, list, read)
			g.remember(q, readings[q])
		}
	}
	return readings, append(problems, failed...)
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
