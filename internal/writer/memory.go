package writer

import (
	"maps"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// sweepInterval is how often a Memory drops what has expired.
const sweepInterval = time.Hour

// Memory remembers values by key until they expire. It stays about as large as the
// inventory, however long the process lives. It is safe for concurrent use.
type Memory[T any] struct {
	clock model.Clock
	ttl   time.Duration

	mu      sync.Mutex
	entries map[string]entry[T]
	swept   time.Time
}

type entry[T any] struct {
	value   T
	expires time.Time
}

// NewMemory makes an empty Memory whose values expire after ttl.
func NewMemory[T any](clock model.Clock, ttl time.Duration) *Memory[T] {
	return &Memory[T]{clock: clock, ttl: ttl, entries: map[string]entry[T]{}}
}

// Get returns the value of a key that has not expired.
func (m *Memory[T]) Get(key string) (value T, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.entries[key]; m.clock.Now().Before(e.expires) {
		return e.value, true
	}
	return value, false
}

// Put replaces the value of a key, and returns the former one if it has not expired. Of several
// that put a new key at the same time, one finds that it has no value.
func (m *Memory[T]) Put(key string, value T) (former T, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.clock.Now()
	if e := m.entries[key]; now.Before(e.expires) {
		former, ok = e.value, true
	}
	m.entries[key] = entry[T]{value, now.Add(m.ttl)}
	if now.Sub(m.swept) >= sweepInterval {
		m.swept = now
		maps.DeleteFunc(m.entries, func(_ string, e entry[T]) bool { return !now.Before(e.expires) })
	}
	return former, ok
}

// Delete forgets a key.
func (m *Memory[T]) Delete(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, key)
}
