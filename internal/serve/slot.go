package serve

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

const (
	// endpointsAtOnce bounds the cycles of all accounts that run at the same time, by their endpoints together, to
	// limit memory: a cycle holds some 6 KB for each until all is decided.
	endpointsAtOnce = 10_000
	// endpointsAtLeast is what a small account counts as, so that at most four cycles run at the same time, and what
	// the largest leaves to others: one account that hangs does not keep all of them waiting.
	endpointsAtLeast = endpointsAtOnce / 4
	// coldCycles is how many cycles of an account read 14 days of some endpoints, until each was checked once. Their
	// endpoints count twice.
	coldCycles = 12
	// ledgerTakes is how much room has to be free before a ledger goes on: more than the largest cycle leaves.
	ledgerTakes = endpointsAtLeast + 1
	// ledgerWait is how long a part of a ledger waits for that at most, so that it is made even if cycles never pause.
	ledgerWait = 10 * time.Second
	// learnedAtOnce is of how many accounts the endpoints are described at the same time, before their first cycles.
	learnedAtOnce = 8
	// boardsAtOnce is of how many accounts the dashboards are built at the same time, which is wanted of all at the same
	// minute of an hour: that of 5,000 endpoints takes some 10 MB.
	boardsAtOnce = 2
)

// room is what all accounts share.
type room struct {
	cycles   *semaphore.Weighted // in endpoints
	learning *semaphore.Weighted
	boards   *semaphore.Weighted
}

func newRoom(endpoints int64) *room {
	return &room{
		cycles: semaphore.NewWeighted(endpoints), learning: semaphore.NewWeighted(learnedAtOnce), boards: semaphore.NewWeighted(boardsAtOnce),
	}
}

// awaitRoom returns when there is room beside the cycles and none waits for it, after ledgerWait at the latest, or when
// ctx ends. It neither takes room nor waits in line for it: what hangs must not delay a cycle.
func (r *room) awaitRoom(ctx context.Context, clock model.Clock) {
	for range int(ledgerWait / time.Second) {
		if r.cycles.TryAcquire(ledgerTakes) {
			r.cycles.Release(ledgerTakes)
			return
		}
		if clock.Sleep(ctx, time.Second) != nil {
			return
		}
	}
}

// slot is what an account has of the room. The cycle loop acquires it, one cycle after the other.
type slot struct {
	room *room

	mu        sync.Mutex
	endpoints int64 // as far as they are known
	cycles    int   // that were begun
	held      int64
}

// acquire waits until there is room for a cycle, or ctx ends. Each cycle ends in time, so that there will be some.
func (s *slot) acquire(ctx context.Context) {
	s.mu.Lock()
	need := s.endpoints
	if s.cycles < coldCycles {
		need *= 2
	}
	need = min(max(need, endpointsAtLeast), endpointsAtOnce-endpointsAtLeast)
	s.cycles++
	s.mu.Unlock()
	if s.room.cycles.Acquire(ctx, need) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = need
}

// release makes room for another account. It may be called again.
func (s *slot) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.room.cycles.Release(s.held)
	s.held = 0
}

// saw notes how many endpoints there are.
func (s *slot) saw(endpoints int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endpoints = int64(endpoints)
}

// untilDecided is the observer of a cycle, which holds its room until all is decided: to change many
// alarms takes minutes, in which other accounts must not wait.
type untilDecided struct {
	*Memory
	slot    *slot
	results *resultCollector
}

// Decided implements cycle.Observer.
func (u untilDecided) Decided(result report.Result, at time.Time) {
	u.Memory.Decided(result, at)
	if !readNothing(result) {
		u.results.decided(result)
	}
	u.slot.saw(len(result.Resources))
	u.slot.release()
}
