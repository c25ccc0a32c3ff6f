package inventory

import (
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// entry is one resource as last known. Entries are values: get, change, put.
type entry struct {
	resource   model.Resource
	summary    summaryKey // of the list entry that the description belongs to
	versionARN string     // the solution version that a campaign serves
	version    *version   // nil if it could not be read yet
}

// summaryKey is the part of a list entry that shows whether a campaign has changed.
type summaryKey struct {
	status           model.Status
	created, updated time.Time
}

func keyOf(r model.Resource) summaryKey {
	return summaryKey{r.Status, r.Created, r.LastUpdated}
}

func (e entry) full() model.Resource {
	r := e.resource
	r.Version = e.versionARN
	if e.version != nil {
		r.Recipe, r.DatasetGroup, r.VersionReady = e.version.recipe, e.version.datasetGroup, e.version.ready
	}
	return r
}

// stale returns the resource as a copy that replaces a fresh description.
func (e entry) stale() model.Resource {
	r := e.full()
	r.Stale = true
	return r
}

// fresh reports whether the copy may still replace a description.
func (e entry) fresh(now time.Time) bool { return now.Sub(e.resource.Observed) <= copyTTL }

// settled reports whether no change of the resource is in progress, so that it stays as it
// is until its list entry changes.
func (e entry) settled() bool {
	return e.resource.Status == model.StatusActive && (e.resource.Update == nil || e.resource.Update.Status.Settled())
}

func (e entry) isOf(j job) bool {
	return e.resource.ARN.Region() == j.region && e.resource.Kind == j.kind
}

// reuseVersion copies the solution version from an older entry of the same campaign, if
// it is still valid: one read from the version itself as long as the campaign serves the
// version, one read from the solution only while nothing has changed.
func (e *entry) reuseVersion(old entry) {
	if old.version != nil && old.versionARN == e.versionARN && (old.version.permanent || unchanged(old.resource, e.resource)) {
		e.version = old.version
	}
}

func unchanged(old, r model.Resource) bool {
	if old.Update == nil || r.Update == nil {
		return keyOf(old) == keyOf(r) && old.Update == r.Update
	}
	return keyOf(old) == keyOf(r) && *old.Update == *r.Update
}

// shelf is a map that is safe for concurrent use.
type shelf[K comparable, V any] struct {
	mu    sync.Mutex
	items map[K]V
}

func (s *shelf[K, V]) get(key K) (V, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	item, ok := s.items[key]
	return item, ok
}

func (s *shelf[K, V]) put(key K, item V) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items[key] = item
}

// with calls a function with the map itself. The function must not use the shelf.
func (s *shelf[K, V]) with(f func(items map[K]V)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.items)
}

func (s *shelf[K, V]) drop(key K) { s.with(func(items map[K]V) { delete(items, key) }) }
