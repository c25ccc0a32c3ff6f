package inventory

import (
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// cache is what an Inventory remembers from one time to the next.
type cache struct {
	mu      sync.Mutex
	entries map[model.ARN]entry
	// versions are the solution versions read, by ARN: a version never changes once it
	// is ACTIVE.
	versions map[string]version
}

// entry is one resource as last known. Entries are values: taken out, changed, put back.
type entry struct {
	resource   model.Resource
	summary    summaryKey // of the list entry that the description was made for
	versionARN string     // the solution version that a campaign serves
	served     *version   // what is known of it; nil if it could not be read yet
}

// summaryKey is what a list entry tells of whether a campaign has changed.
type summaryKey struct {
	status           model.Status
	created, updated time.Time
}

func keyOf(r model.Resource) summaryKey {
	return summaryKey{status: r.Status, created: r.Created, updated: r.LastUpdated}
}

// full is the resource with what its solution version tells.
func (e entry) full() model.Resource {
	r := e.resource
	if e.served != nil {
		r.Recipe, r.DatasetGroup, r.VersionReady = e.served.recipe, e.served.datasetGroup, e.served.ready
	}
	return r
}

// settled tells whether nothing is under way with the resource, so that it stays as it
// is until its list entry changes.
func (e entry) settled() bool {
	return e.resource.Status == model.StatusActive && (e.resource.Update == nil || e.resource.Update.Status.Settled())
}

// keepServed takes over what another entry of the same campaign knows of the solution
// version, if it still holds: what was read of the version itself does as long as the
// version is served, what was read in a roundabout way only while nothing has changed.
func (e *entry) keepServed(old entry) {
	if old.served == nil || old.versionARN != e.versionARN {
		return
	}
	if old.served.lasting || (keyOf(old.resource) == keyOf(e.resource) && sameUpdate(old.resource.Update, e.resource.Update)) {
		e.served = old.served
	}
}

func sameUpdate(a, b *model.Update) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
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

// dropAbsent takes out the entries of a kind and region that keep does not know.
func (c *cache) dropAbsent(region string, kind model.Kind, keep map[model.ARN]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for arn, e := range c.entries {
		if arn.Region == region && e.resource.Kind == kind && !keep[arn] {
			delete(c.entries, arn)
		}
	}
}

// dropUnseen takes out the entries that were not seen since a time, and the solution
// versions that none serves any more.
func (c *cache) dropUnseen(since time.Time) {
	c.mu.Lock()
	for arn, e := range c.entries {
		if e.resource.Observed.Before(since) {
			delete(c.entries, arn)
		}
	}
	c.mu.Unlock()
	c.forgetVersions()
}

// size is how many resources and solution versions are remembered.
func (c *cache) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries) + len(c.versions)
}

// of gives the entries of a kind and region.
func (c *cache) of(region string, kind model.Kind) []entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	var entries []entry
	for arn, e := range c.entries {
		if arn.Region == region && e.resource.Kind == kind {
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

// forgetVersions drops the solution versions that no campaign serves any more.
func (c *cache) forgetVersions() {
	c.mu.Lock()
	defer c.mu.Unlock()
	served := make(map[string]bool, len(c.entries))
	for _, e := range c.entries {
		served[e.versionARN] = true
	}
	for arn := range c.versions {
		if !served[arn] {
			delete(c.versions, arn)
		}
	}
}
