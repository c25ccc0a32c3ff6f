package serve

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// State is what a page may read of a daemon. All methods are safe for concurrent use,
// answer from memory at once, and give copies or values that are never changed again.
// Lists have the newest first.
type State interface {
	// Status tells how the daemon stands.
	Status() Status
	// Cycles are the cycles of the last 24 hours, in short.
	Cycles() []CycleRecord
	// Results are the full results of the last cycles that ended without an error, at least
	// of the last one if there was any: up to 12, fewer for a large estate.
	Results() []CycleResult
	// Events are the last 500 events that were sent.
	Events() []EventRecord
	// Audit are records of decisions and actions: of the last 2,000 that were done, and of
	// the last 500 others, such as refusals.
	Audit() []events.Audit
	// Estate is what the last cycle has found: what is monitored, and what exists beside
	// that, by region, kind and name.
	Estate() (monitored, others []model.Resource)
	// Checks are the last hourly checks, by ARN of what is monitored.
	Checks() map[string]Check
	// Alarms are those that exist, as of when they could be listed last. Only those whose
	// names begin as ours do are among them.
	Alarms() AlarmsSeen
	// AlarmChanges are the last 500 changes of alarms to and from ALARM, as seen from cycle
	// to cycle.
	AlarmChanges() []AlarmChange
	// Version grows with every change, and Changed is closed at the next.
	Version() uint64
	Changed() <-chan struct{}
}

// Check is what an hourly check of a resource came to.
type Check struct {
	Time     time.Time
	Decision rules.Verdict
	NewMin   int // of a step-down
	Reason   string
	Outcome  string // what came of it, if anything was to be done
}

// Role says which of several daemons of one deployment this one is.
type Role string

// The roles. There is one that leads in each cycle; what it does the others would only
// do again, so they measure and write nothing.
const (
	Waiting Role = "waiting" // no cycle has begun yet
	Leading Role = "leading"
	Standby Role = "standby"
)

// Status is how a daemon stands.
type Status struct {
	Version    string
	Account    string // 12 digits; empty as long as it is not known
	Region     string // the deployment region
	Regions    []string
	Deployment string // the tag's value
	DryRun     bool
	Settings   []Setting // the parameters in effect, addresses of people left out

	Started       time.Time
	Recorded      time.Time // since when what was done is on record here: Started, or before by a file, or later if there was too much
	Role          Role
	Running       time.Time // when the cycle under way began; zero if none is
	LastCycle     time.Time // when the last cycle ended, well or badly; zero if none has
	LastSuccess   time.Time // when the last one ended that could measure something
	LastError     string    // of the last cycle; empty if it had none
	Credentials   string    // why the credentials cannot be used; empty as far as they can
	NextCycle     time.Time
	LastDashboard time.Time // when the dashboard was last written
	NextDashboard time.Time
	Stopping      bool
}

// Ready tells whether a first cycle has been done, the credentials are good as of the last
// one, and the daemon is not on its way out.
func (s Status) Ready() bool { return !s.LastSuccess.IsZero() && s.Credentials == "" && !s.Stopping }

// Setting is a parameter and its value, as people write them.
type Setting struct{ Name, Value string }

// CycleRecord is one cycle in short.
type CycleRecord struct {
	At        time.Time // the 5-minute mark that it was run for
	Began     time.Time
	Took      time.Duration
	Role      Role
	Error     string // empty unless nothing could be measured
	Window    model.Window
	Resources int
	Decisions map[rules.Verdict]int
	Alarms    report.Alarms
	Events    int
	Problems  int
	Calls     int
}

// With is the record with what the cycle came to.
func (c CycleRecord) With(result report.Result, err error) CycleRecord {
	c.Window, c.Resources, c.Alarms = result.Window, len(result.Resources), result.Alarms
	c.Events, c.Problems = len(result.Events), len(result.Problems)
	c.Decisions = map[rules.Verdict]int{}
	for _, r := range result.Resources {
		c.Decisions[r.Decision]++
	}
	for _, n := range result.Calls {
		c.Calls += n
	}
	if err != nil {
		c.Error = awsapi.Line(err)
	}
	return c
}

// CycleResult is the full result of one cycle.
type CycleResult struct {
	At     time.Time // the 5-minute mark that it was run for
	Role   Role
	Result report.Result
}

// EventRecord is one event that was sent.
type EventRecord struct {
	Time       time.Time
	DetailType string
	Resource   string // ARN; empty if it concerns none alone
}

// How much is remembered.
const (
	keptCycles    = 288 // of 5 minutes: a day
	keptResults   = 12
	keptResources = 50_000 // in all kept results together
	keptRecords   = 500
	keptDone      = 2000 // records of what was done, which refusals must not displace
)

// Memory is what a daemon remembers of itself, to be shown; nothing is decided by it. It
// is made before the daemon, so that a page can be given to that.
type Memory struct {
	mu      sync.Mutex
	status  Status
	cycles  ring[CycleRecord]
	results []CycleResult // the newest first
	events  ring[EventRecord]
	audit   ring[events.Audit] // but for those of what was done
	done    ring[events.Audit]
	before  time.Time // since when there were records, in a file, before the start; zero if there were none
	checks  map[string]Check
	found   map[string]model.Snapshot // by region
	alarms  alarmsSeen
	changes ring[AlarmChange]
	version uint64
	changed chan struct{}
}

// NewMemory makes an empty memory. It serves one daemon.
func NewMemory() *Memory {
	return &Memory{
		status: Status{Role: Waiting},
		checks: map[string]Check{}, found: map[string]model.Snapshot{}, alarms: newAlarmsSeen(), changed: make(chan struct{}),
		cycles: ring[CycleRecord]{limit: keptCycles}, events: ring[EventRecord]{limit: keptRecords}, audit: ring[events.Audit]{limit: keptRecords},
		done:    ring[events.Audit]{limit: keptDone},
		changes: ring[AlarmChange]{limit: keptRecords},
	}
}

var _ State = (*Memory)(nil)

// Status tells how the daemon stands.
func (m *Memory) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.status
	s.Regions, s.Settings = slices.Clone(s.Regions), slices.Clone(s.Settings)
	s.Recorded = s.Started
	if !m.before.IsZero() && m.before.Before(s.Started) {
		s.Recorded = m.before
	}
	if first, full := m.done.oldest(); full && first.Time.After(s.Recorded) {
		s.Recorded = first.Time
	}
	return s
}

// Cycles are the cycles of the last 24 hours, the newest first.
func (m *Memory) Cycles() []CycleRecord {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.cycles.newestFirst()
	for i := range list {
		list[i].Decisions = maps.Clone(list[i].Decisions)
	}
	return list
}

// Results are the full results of the last cycles, the newest first. They are shared:
// nobody may change them.
func (m *Memory) Results() []CycleResult {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.results)
}

// Events are the last events that were sent, the newest first.
func (m *Memory) Events() []EventRecord {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.events.newestFirst()
}

// Checks are the last hourly checks, by ARN.
func (m *Memory) Checks() map[string]Check {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.checks)
}

// Estate is what the last cycle has found.
func (m *Memory) Estate() (monitored, others []model.Resource) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, region := range slices.Sorted(maps.Keys(m.found)) {
		monitored = append(monitored, m.found[region].Resources...)
		others = append(others, m.found[region].Others...)
	}
	return monitored, others
}

// Version grows with every change.
func (m *Memory) Version() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.version
}

// Changed is closed at the next change.
func (m *Memory) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

// change makes a change, and tells those who wait for one.
func (m *Memory) change(work func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	work()
	m.tell()
}

// tell tells those who wait for a change. The caller holds mu.
func (m *Memory) tell() {
	m.version++
	close(m.changed)
	m.changed = make(chan struct{})
}

// Update changes the status.
func (m *Memory) Update(change func(*Status)) { m.change(func() { change(&m.status) }) }

// SawEstate notes what was found in a region. Of a kind that could not be listed
// completely, what was known before stands beside what was found.
func (m *Memory) SawEstate(snapshot model.Snapshot) {
	m.change(func() {
		for _, l := range snapshot.Listings {
			m.found[l.Region] = seenAfter(m.found[l.Region], snapshot, l)
		}
	})
}

// seenAfter is what is known of the region of a listing, by what was known before and what
// was found now.
func seenAfter(before, now model.Snapshot, l model.Listing) model.Snapshot {
	found := map[model.ARN]bool{}
	in := func(list []model.Resource) (here []model.Resource) {
		for _, r := range list {
			if r.Region() == l.Region {
				here, found[r.ARN] = append(here, r), true
			}
		}
		return here
	}
	seen := model.Snapshot{Resources: in(now.Resources), Others: in(now.Others)}
	kept := func(list []model.Resource) (old []model.Resource) {
		for _, r := range list {
			if !l.Complete(r.Kind) && !found[r.ARN] {
				old = append(old, r)
			}
		}
		return old
	}
	seen.Resources = slices.Concat(seen.Resources, kept(before.Resources))
	seen.Others = slices.Concat(seen.Others, kept(before.Others))
	for _, list := range [][]model.Resource{seen.Resources, seen.Others} {
		slices.SortStableFunc(list, model.CompareResources)
	}
	return seen
}

// AddCycle notes a cycle that has ended at the time given, and its result if it had one.
func (m *Memory) AddCycle(record CycleRecord, result report.Result, ended time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer m.tell()
	m.cycles.add(record)
	var changed report.Alarms
	if record.Role == Leading && !result.DryRun {
		changed = result.Alarms
	}
	m.alarms.cycled(ended, changed)
	m.status.Running, m.status.LastCycle, m.status.LastError = time.Time{}, ended, record.Error
	if record.Error != "" {
		return
	}
	m.status.LastSuccess = ended
	if record.Role == Leading && !result.DryRun {
		for _, e := range result.Events {
			m.events.add(EventRecord{Time: ended, DetailType: e.DetailType, Resource: e.Resource})
		}
	}
	m.results = slices.Insert(m.results, 0, CycleResult{At: record.At, Role: record.Role, Result: result})
	m.forget()
	m.noteChecks(result, ended)
}

// noteChecks keeps the last check of all that is monitored.
func (m *Memory) noteChecks(result report.Result, ended time.Time) {
	kept := make(map[string]Check, len(result.Resources))
	for _, r := range result.Resources {
		if r.Checked {
			kept[r.ARN] = Check{Time: ended, Decision: r.Decision, NewMin: r.NewMin, Reason: r.Reason, Outcome: r.Outcome}
		} else if check, ok := m.checks[r.ARN]; ok {
			kept[r.ARN] = check
		}
	}
	m.checks = kept
}

// forget drops the oldest results that there is no room for; one is always kept.
func (m *Memory) forget() {
	resources := 0
	for i, kept := range m.results {
		resources += len(kept.Result.Resources)
		if i == keptResults || i > 0 && resources > keptResources {
			clear(m.results[i:])
			m.results = m.results[:i]
			return
		}
	}
}
