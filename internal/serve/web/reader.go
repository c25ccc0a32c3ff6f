package web

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
	"weak"

	"golang.org/x/sync/singleflight"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// readTime is how long a page waits for its metrics. What has not arrived by then is not
// drawn, and the page reports it.
const readTime = 20 * time.Second

// cachedSeries bounds the cached series: some 40 MB of the longest. All metrics of a dashboard
// fit in, at most 2,500 (CloudWatch's quota): if they did not, each view would read all of
// them again, and CloudWatch bills each.
const cachedSeries = 4096

// reader reads metrics and caches complete ones. A query names its window, so its result is
// valid for ever; a page costs nothing again until the next period is over.
type reader struct {
	series Series
	calls  singleflight.Group
	cache  bounded[model.Query, model.Series]
	closed context.Context
}

func newReader(closed context.Context, series Series) *reader {
	return &reader{series: series, closed: closed, cache: bounded[model.Query, model.Series]{limit: cachedSeries}}
}

var errClosed = errors.New("the monitor is stopping")

// read answers queries, from the cache where possible. Pages that ask the same at the same
// time, as all do when a cycle has ended, share one call; name identifies the queries.
func (r *reader) read(ctx context.Context, name string, queries []model.Query) (model.Readings, error) {
	readings := make(model.Readings, len(queries))
	var missing []model.Query
	for _, q := range queries {
		if s, ok := r.cache.get(q); ok {
			readings[q] = s
		} else {
			missing = append(missing, q)
		}
	}
	if len(missing) == 0 {
		return readings, nil
	}
	result := r.calls.DoChan(name, func() (any, error) {
		// If the first caller goes away, the others still wait.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTime)
		defer cancel()
		got, problems := r.series.Measure(ctx, missing, nil)
		for q, s := range got {
			if s.Complete {
				r.cache.put(q, s)
			}
		}
		if len(problems) > 0 {
			return got, problems[0]
		}
		return got, nil
	})
	select {
	case <-ctx.Done():
		return readings, ctx.Err()
	case <-r.closed.Done():
		return readings, errClosed
	case got := <-result:
		answer, _ := got.Val.(model.Readings)
		for _, q := range missing {
			s, ok := answer[q]
			if !ok {
				s, ok = r.cache.get(q) // read by another caller meanwhile
			}
			if ok {
				readings[q] = s
			}
		}
		return readings, got.Err
	}
}

// bounded is a map that drops its oldest entries beyond limit. It is safe for concurrent use.
type bounded[K comparable, V any] struct {
	limit  int
	mu     sync.Mutex
	values map[K]V
	order  []K // oldest first
}

// put adds a value. A key that exists keeps its age.
func (b *bounded[K, V]) put(key K, value V) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.values == nil {
		b.values = map[K]V{}
	}
	if _, exists := b.values[key]; !exists {
		b.order = append(b.order, key)
	}
	b.values[key] = value
	for len(b.order) > b.limit {
		delete(b.values, b.order[0])
		b.order = b.order[1:]
	}
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
// an estate of thousands. It keeps it until the garbage collector wants the memory, as no one may look at a page for days.
type memo[K comparable, V any] struct {
	mu   sync.Mutex
	key  K
	last weak.Pointer[V]
}

// get returns the value of the key. Others wait while it is made. It is shared and must not
// be changed.
func (m *memo[K, V]) get(key K, create func() V) V {
	m.mu.Lock()
	defer m.mu.Unlock()
	if last := m.last.Value(); last != nil && m.key == key {
		return *last
	}
	made := new(V)
	*made = create()
	m.key, m.last = key, weak.Make(made)
	return *made
}
