package cycle

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/whatif"
)

// historiesAtOnce is how many histories of a region are read together: their series of 56 days
// fill eight calls, and take 25 MB.
const historiesAtOnce = 24

// histories reads what was observed of the demand of resources over many days.
type histories struct {
	meter Meter
	gaps  *RegionGaps
}

// read reads the histories of resources of one region, a few at a time, and calls use with each. It
// returns how many series it has read.
func (h histories) read(
	ctx context.Context, resources []model.Resource, at billing.ReportTime, use func(model.Resource, billing.History),
) (series int, problems []model.Problem) {
	for chunk := range slices.Chunk(resources, historiesAtOnce) {
		if ctx.Err() != nil {
			return series, problems
		}
		var queries, silent []model.Query
		for _, r := range chunk {
			queries = append(queries, billing.Queries(r, at)...)
		}
		readings, failed := model.Readings{}, []model.Problem(nil)
		if len(queries) > 0 {
			readings, failed = h.meter.Measure(ctx, queries, nil)
		}
		series, problems = series+len(readings), append(problems, failed...)
		for _, r := range chunk {
			silent = append(silent, billing.HistorySilence(r, readings, at)...)
		}
		confirmed, failed := h.gaps.Read(ctx, silent)
		series, problems = series+len(confirmed), append(problems, failed...)
		maps.Copy(readings, confirmed)
		for _, r := range chunk {
			use(r, billing.HistoryOf(r, readings, at))
		}
	}
	return series, problems
}

// proposalPause is how long a proposal is shown before it is made again: patterns of weeks do not
// change in hours, and each costs two series to read.
const proposalPause = 7 * 24 * time.Hour

// proposals finds schedules to propose, and remembers them for a week. It is safe for concurrent use.
type proposals struct {
	histories
	mu     sync.Mutex
	memory map[model.ARN]proposed
}

// proposed is a schedule to propose, or why there is none.
type proposed struct {
	made    time.Time
	created time.Time // of the resource
	*whatif.Proposal
	why string
}

func newProposals(h histories) *proposals {
	return &proposals{histories: h, memory: map[model.ARN]proposed{}}
}

// of finds the schedules of resources of one region.
func (p *proposals) of(
	ctx context.Context, resources []model.Resource, now time.Time, delay time.Duration,
) (found map[model.ARN]proposed, series int, problems []model.Problem) {
	found = map[model.ARN]proposed{}
	var unknown []model.Resource
	p.mu.Lock()
	maps.DeleteFunc(p.memory, func(_ model.ARN, old proposed) bool { return now.Sub(old.made) >= proposalPause })
	for _, r := range resources {
		if old, ok := p.memory[r.ARN]; ok && old.created.Equal(r.Created) {
			found[r.ARN] = old
		} else {
			unknown = append(unknown, r)
		}
	}
	p.mu.Unlock()
	at := billing.ReportTimeOf(now, billing.MaxHistoryDays, delay)
	series, problems = p.read(ctx, unknown, at, func(r model.Resource, h billing.History) {
		one := proposed{made: now, created: r.Created}
		one.Proposal, one.why = whatif.Propose(r, h)
		found[r.ARN] = one
		if h.Why == "" { // what could not be read is read again
			p.mu.Lock()
			defer p.mu.Unlock()
			p.memory[r.ARN] = one
		}
	})
	return found, series, problems
}
