package web

import (
	"slices"
	"sync"
)

// bounded is a map that drops its oldest entries beyond limit. It is safe for concurrent use.
type bounded[K comparable, V any] struct {
	limit  int
	mu     sync.Mutex
	values map[K]V
	order  []K // oldest first
}

// put adds a value. A key that exists keeps its age.
func (b *bounded[K, V]) put(key K, value V) { b.update(key, func(V, bool) V { return value }) }

// getOrPut returns the value of a key, and makes it if there is none.
func (b *bounded[K, V]) getOrPut(key K, create func() V) V {
	return b.update(key, func(old V, exists bool) V {
		if exists {
			return old
		}
		return create()
	})
}

// update replaces a value by what next makes of it, while no one else changes the map.
func (b *bounded[K, V]) update(key K, next func(old V, exists bool) V) V {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.values == nil {
		b.values = map[K]V{}
	}
	old, exists := b.values[key]
	if !exists {
		b.order = append(b.order, key)
	}
	value := next(old, exists)
	b.values[key] = value
	for len(b.order) > b.limit {
		delete(b.values, b.order[0])
		b.order = b.order[1:]
	}
	return value
}

func (b *bounded[K, V]) get(key K) (value V, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	value, ok = b.values[key]
	return value, ok
}

// take is get, and removes the value.
func (b *bounded[K, V]) take(key K) (value V, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if value, ok = b.values[key]; ok {
		delete(b.values, key)
		b.order = slices.DeleteFunc(b.order, func(k K) bool { return k == key })
	}
	return value, ok
}

// memo keeps the last value made for a key: what all pages show, and takes long to make for
// an estate of thousands.
type memo[K comparable, V any] struct {
	mu    sync.Mutex
	made  bool
	key   K
	value V
}

// get returns the value of the key. Others wait while it is made. It is shared and must not
// be changed.
func (m *memo[K, V]) get(key K, create func() V) V {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.made || m.key != key {
		m.value, m.key, m.made = create(), key, true
	}
	return m.value
}
