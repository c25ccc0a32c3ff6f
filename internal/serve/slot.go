package serve

import (
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

const (
	// cyclesAtOnce bounds the accounts in which a cycle runs at the same time, to limit memory: a cycle holds
	// some 6 KB for each endpoint until it ends, the first one more. One account that hangs leaves room for others.
	cyclesAtOnce = 4
	// smallAccount is how many endpoints an account may have whose cycle takes one place. That of a larger one
	// takes two, as does the first cycle of each account, as no one knows how large it is.
	smallAccount = 1000
)

// places are what the cycles of all accounts share: cyclesAtOnce of them.
type places struct {
	taken chan struct{}
	// turn is held by the one that takes places: two that have one of two each would wait for each other.
	turn sync.Mutex
}

func newPlaces(n int) *places { return &places{taken: make(chan struct{}, n)} }

// slot is what an account has of the places. The cycle loop acquires it, one cycle after the other.
type slot struct {
	all *places

	mu    sync.Mutex
	held  int // places
	small bool
}

// acquire waits for room. Each cycle ends in time, so that there will be some.
func (s *slot) acquire() {
	need := s.need()
	s.all.turn.Lock()
	defer s.all.turn.Unlock()
	for range need {
		s.all.taken <- struct{}{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = need
}

// need is how many places the next cycle takes.
func (s *slot) need() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.small {
		return 1
	}
	return min(2, cap(s.all.taken))
}

// release makes room for another account. It may be called again.
func (s *slot) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ; s.held > 0; s.held-- {
		<-s.all.taken
	}
}

// saw notes how many endpoints a cycle found.
func (s *slot) saw(endpoints int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.small = endpoints <= smallAccount
}

// untilDecided is the observer of a cycle, which holds its places until all is decided: to change many
// alarms takes minutes, in which other accounts must not wait.
type untilDecided struct {
	*Memory
	slot *slot
}

// Decided implements cycle.Observer.
func (u untilDecided) Decided(result report.Result, at time.Time) {
	u.Memory.Decided(result, at)
	u.slot.saw(len(result.Resources))
	u.slot.release()
}
