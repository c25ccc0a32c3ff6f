package inventory

import (
	"maps"
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
	return summaryKey{status: r.Status, created: r.Created, updated: r.LastUpdated}
}

// full returns the resource with the data of its solution version.
func (e entry) full() model.Resource {
	r := e.resource
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
	return e.resource.ARN.Region == j.region && e.resource.Kind == j.kind
}

// reuseVersion copies the solution version from an older entry of the same campaign, if
// it is still valid: one read from the version itself as long as the campaign serves the
// version, one read from the solution only while nothing has changed.
func (e *entry) reuseVersion(old entry) {
	if old.version == nil || old.versionARN != e.versionARN {
		return
	}
	if old.version.permanent || (keyOf(old.resource) == keyOf(e.resource) && sameUpdate(old.resource.Update, e.resource.Update)) {
		e.version = old.version
	}
}

func sameUpdate(a, b *model.Update) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// cache is what an Inventory keeps between calls.
type cache struct {
	mu      sync.Mutex
	entries map[model.ARN]entry
	// versions are the permanent solution versions, by ARN.
	versions map[string]version
}

func newCache() *cache {
	return &cache{entries: map[model.ARN]entry{}, versions: map[string]version{}}
}

func (c *cache) get(arn model.ARN) (entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[arn]
	return e, ok
}

func (c *cache) put(e entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[e.resource.ARN] = e
}

func (c *cache) drop(arn model.ARN) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, arn)
}

func (c *cache) dropFunc(match func(entry) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.entries, func(_ model.ARN, e entry) bool { return match(e) })
}

// entriesOf returns the entries of a job's kind and region.
func (c *cache) entriesOf(j job) []entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	var entries []entry
	for _, e := range c.entries {
		if e.isOf(j) {
			entries = append(entries, e)
		}
	}
	return entries
}

func (c *cache) version(arn string) (version, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.versions[arn]
	return v, ok
}

func (c *cache) putVersion(arn string, v version) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.versions[arn] = v
}

// dropUnusedVersions drops the solution versions that no campaign serves any more.
func (c *cache) dropUnusedVersions() {
	c.mu.Lock()
	defer c.mu.Unlock()
	used := make(map[string]bool, len(c.entries))
	for _, e := range c.entries {
		used[e.versionARN] = true
	}
	maps.DeleteFunc(c.versions, func(arn string, _ version) bool { return !used[arn] })
}
