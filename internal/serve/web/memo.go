package web

import "sync"

// memo keeps the last of what is made from a key: what all pages show alike, and takes
// long to make for an estate of thousands.
type memo[K comparable, V any] struct {
	mu    sync.Mutex
	made  bool
	key   K
	value V
}

// get gives what belongs to the key. Who comes while it is being made waits for it. It is
// shared: nobody may change it.
func (m *memo[K, V]) get(key K, create func() V) V {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.made || m.key != key {
		m.value, m.key, m.made = create(), key, true
	}
	return m.value
}
