package serve

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Role is the role of one of several daemons of a deployment. One of them leads each cycle;
// the others measure and write nothing, as they would only repeat what it does.
type Role string

// The roles.
const (
	Waiting Role = "waiting" // no cycle has begun yet
	Leading Role = "leading"
	Standby Role = "standby"
)

// Status is the status of a daemon. A zero time means that it has not happened yet.
type Status struct {
	Version    string
	Region     string // the deployment region
	Regions    []string
	Deployment string // the tag's value
	DryRun     bool
	// What happens automatically; empty while it is unknown.
	AutoAdjust, AutoStop model.Switch

	Started       time.Time
	Recorded      time.Time // the audit records are complete since then: Started, earlier with a file, or later if there were too many
	Role          Role
	LastCycle     time.Time // the last cycle ended, successfully or not
	LastSuccess   time.Time // the last cycle that read metric data ended
	Measured      time.Time // the shown result is of this time: LastSuccess, or later while a cycle still changes alarms
	LastError     string    // of the last cycle; empty if it had none
	Credentials   string    // why the credentials cannot be used; empty if they can
	NextCycle     time.Time
	LastDashboard time.Time // the dashboard was last written
	Stopping      bool
}

// Ready reports whether the last cycle succeeded and the daemon is not stopping.
func (s Status) Ready() bool { return !s.LastSuccess.IsZero() && s.LastError == "" && !s.Stopping }

// CycleRecord summarizes a cycle.
type CycleRecord struct {
	Account   model.Account // if there are several
	Began     time.Time
	Took      time.Duration
	Role      Role
	Error     string // empty unless nothing could be listed, or no metric data read
	Resources int
	Events    int
	Problems  int
	Calls     int
}

// NewCycleRecord summarizes a cycle.
func NewCycleRecord(began, ended time.Time, role Role, result report.Result, err error) CycleRecord {
	c := CycleRecord{
		Began: began, Took: ended.Sub(began), Role: role,
		Resources: len(result.Resources), Events: len(result.Events), Problems: len(result.Problems),
	}
	for _, n := range result.Calls {
		c.Calls += n
	}
	if err != nil {
		c.Error = awsapi.Explain(err)
	}
	return c
}

// EventRecord is an event that was sent.
type EventRecord struct {
	Time       time.Time
	DetailType string
	Resource   string        // ARN; empty if it is about none
	Account    model.Account // if there are several
}

// Check is the result of an hourly check of a resource.
type Check struct {
	Time     time.Time
	Decision rules.Verdict
	NewMin   int // of a step-down
	Reason   string
	Codes    []rules.ReasonCode
	Health   *rules.Load // how much of the demand is known; nil if the check did not read it
	Outcome  string      // of the decision, if something was to be done
}

// CheckOf is what a cycle that ended at a time found of a resource.
func CheckOf(r report.Resource, ended time.Time) Check {
	return Check{
		Time: ended, Decision: r.Decision, NewMin: r.NewMin, Reason: r.Reason, Codes: r.Codes, Health: r.Health, Outcome: r.Outcome,
	}
}

// Snapshot is what a daemon knows at one moment. Lists are sorted newest first. Its content
// is shared and must not be changed, except Checks.
type Snapshot struct {
	Version      uint64 // grows with every change
	Status       Status
	Cycles       []CycleRecord // of the last 24 hours
	Result       report.Result // of the last cycle that measured something
	Events       []EventRecord
	Audits       []events.Audit
	AlarmChanges []AlarmChange // to and from ALARM, from cycle to cycle
	Alarms       AlarmsSeen
	// Resources are monitored, Others exist besides them; by region, kind and name.
	Resources, Others []model.Resource
	Checks            map[string]Check // the last hourly check by ARN
	Progress          []Progress       // of the cycle under way, in its order; empty between two cycles
	// Accounts are the accounts, if there are several.
	Accounts []AccountStatus
	// Tags are those that are known, by ARN; they are read within the first hour.
	Tags map[string]map[string]string
	// Saved is what the actions on record have saved; nil while that is unknown.
	Saved *report.Saved
	// Ledger is what was paid for and used in the last days, with hours (cycle.Ledger with
	// Hourly): at least the last chart.SparkHours of each resource. Nil while it is unknown;
	// LedgerErr is the reason, or why it is old.
	Ledger    *report.Ledger
	LedgerErr string
}

// Progress is how far a step of a cycle has come, in all regions together.
type Progress struct {
	Step        string // its first word: discover, measure, check, alarms
	Done, Total int
}

// How much is remembered.
const (
	keptCycles  = 288 // of 5 minutes: a day
	keptRecords = 500
	keptDone    = 2000 // records of completed actions, which refusals must not displace
)

// Memory is what a daemon remembers about itself, to be shown; no decision depends on it. It
// is safe for concurrent use and belongs to one daemon.
type Memory struct {
	mu      sync.Mutex
	status  Status
	result  report.Result
	cycles  ring[CycleRecord]
	events  ring[EventRecord]
	audit   ring[events.Audit]          // except those in done
	done    ring[events.Audit]          // of completed actions
	before  time.Time                   // the records in a file go back to; zero if there is no file
	checks  map[string]*Check           // by ARN
	known   func() []model.Resource     // what is monitored; nil before Follow
	others  map[string][]model.Resource // what is not, by region
	alarms  alarmsSeen
	changes ring[AlarmChange]
	steps   progress
	tags    map[string]map[string]string // by ARN; never changed, only replaced
	saved   *report.Saved
	ledger  *keptLedger
	fault   string                   // why there is no ledger, or an old one
	most    map[model.Action]float64 // the highest sum of each kind of action so far, in TPS-hours
	version uint64
	changed chan struct{}
}

// NewMemory makes an empty memory.
func NewMemory() *Memory {
	return &Memory{
		ledger: &keptLedger{},
		status: Status{Role: Waiting},
		checks: map[string]*Check{}, others: map[string][]model.Resource{}, alarms: newAlarmsSeen(), changed: make(chan struct{}),
		most:   map[model.Action]float64{},
		cycles: ring[CycleRecord]{limit: keptCycles}, events: ring[EventRecord]{limit: keptRecords},
		audit: ring[events.Audit]{limit: keptRecords}, done: ring[events.Audit]{limit: keptDone}, changes: ring[AlarmChange]{limit: keptRecords},
	}
}

// Snapshot returns what is known now.
func (m *Memory) Snapshot() Snapshot {
	s, ledger, known := m.seen()
	if l, err := ledger.get(); err != nil {
		s.LedgerErr = err.Error()
	} else {
		s.Ledger = l
	}
	if known != nil {
		s.Resources = known()
	}
	return s
}

// seen is a snapshot without what takes long to put together, and how that is done.
func (m *Memory) seen() (s Snapshot, ledger *keptLedger, known func() []model.Resource) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s = Snapshot{
		Version: m.version, Status: m.statusNow(), Result: m.result, Cycles: m.cycles.newestFirst(), Events: m.events.newestFirst(),
		Audits: m.audits(), AlarmChanges: m.changes.newestFirst(),
		Alarms: m.alarms.seen(m.status.Regions, m.status.LastCycle), Checks: make(map[string]Check, len(m.checks)), Progress: m.steps.list(),
		Saved: m.saved, Tags: m.tags, LedgerErr: m.fault,
	}
	for arn, check := range m.checks {
		s.Checks[arn] = *check
	}
	for _, region := range slices.Sorted(maps.Keys(m.others)) {
		s.Others = append(s.Others, m.others[region]...)
	}
	return s, m.ledger, m.known
}

// Follow sets where to look up what is monitored: to keep all of it twice would take too much memory. It is called before
// anything else.
func (m *Memory) Follow(known func() []model.Resource) { m.change(func() { m.known = known }) }

// Audits returns the audit records, the newest first.
func (m *Memory) Audits() []events.Audit {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.audits()
}

func (m *Memory) audits() []events.Audit {
	list := slices.Concat(m.audit.newestFirst(), m.done.newestFirst())
	slices.SortStableFunc(list, func(a, b events.Audit) int { return b.Time.Compare(a.Time) })
	return list
}

// Status returns the status.
func (m *Memory) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.statusNow()
}

func (m *Memory) statusNow() Status {
	s := m.status
	s.Recorded = s.Started
	if !m.before.IsZero() && m.before.Before(s.Started) {
		s.Recorded = m.before
	}
	if first, full := m.done.oldest(); full && first.Time.After(s.Recorded) {
		s.Recorded = first.Time
	}
	return s
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

// change makes a change and notifies those who wait for one.
func (m *Memory) change(apply func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	apply()
	m.version++
	close(m.changed)
	m.changed = make(chan struct{})
}

// Update changes the status.
func (m *Memory) Update(change func(*Status)) { m.change(func() { change(&m.status) }) }

// AddAudit adds an audit record.
func (m *Memory) AddAudit(record events.Audit) { m.change(func() { m.addAudit(record) }) }

func (m *Memory) addAudit(record events.Audit) {
	if record.Outcome == events.OutcomeDone {
		m.done.add(record)
		return
	}
	m.audit.add(record)
}

// Remember adds the records of earlier daemons, the oldest first, before there are others.
// No record from before since was kept.
func (m *Memory) Remember(records []events.Audit, since time.Time) {
	m.change(func() {
		for _, record := range records {
			m.addAudit(record)
		}
		m.before = since
	})
}

// AddCycle adds a cycle that ended at the given time, and its result if it has one.
func (m *Memory) AddCycle(record CycleRecord, result report.Result, ended time.Time) {
	m.change(func() {
		wrote := record.Role == Leading && !result.DryRun
		m.cycles.add(record)
		m.alarms.cycleEnded(ended, result.Alarms, wrote)
		m.status.LastCycle, m.status.LastError = ended, record.Error
		if record.Error != "" {
			return
		}
		m.status.LastSuccess, m.status.Measured, m.result = ended, ended, result
		if wrote {
			for _, e := range result.Events {
				m.events.add(EventRecord{Time: ended, DetailType: e.DetailType, Resource: e.Resource})
			}
		}
		m.addChecks(result, ended)
	})
}

// addChecks adds the hourly checks of a result. What is no longer monitored is forgotten.
func (m *Memory) addChecks(result report.Result, at time.Time) {
	checks := make(map[string]*Check, len(result.Resources))
	for _, r := range result.Resources {
		if r.Checked {
			check := CheckOf(r, at)
			checks[r.ARN] = &check
		} else if check, ok := m.checks[r.ARN]; ok {
			checks[r.ARN] = check
		}
	}
	m.checks = checks
}

// Decided implements cycle.Observer. A result without any data is not shown: the cycle fails.
func (m *Memory) Decided(result report.Result, at time.Time) {
	if readNothing(result) {
		return
	}
	m.change(func() {
		m.status.Measured, m.result = at, result
		m.addChecks(result, at)
	})
}

// BeginProgress notes that a cycle begins.
func (m *Memory) BeginProgress() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.steps = progress{running: true, steps: map[string]Progress{}}
}

// SawProgress notes how far a step has come; an empty step is the end of the cycle. Only steps that a
// person would see count as changes.
func (m *Memory) SawProgress(step string, done, total int) {
	m.mu.Lock()
	visible := m.steps.saw(step, done, total)
	m.mu.Unlock()
	if visible {
		m.change(func() {})
	}
}

// SawSavings keeps what the actions on record have saved.
func (m *Memory) SawSavings(saved report.Saved) {
	m.change(func() {
		m.saved = &saved
		for action, hours := range saved.ByAction() {
			m.most[action] = max(m.most[action], hours)
		}
	})
}

// SawLedger keeps what was paid for or, without one, why there is none beside the one before it.
func (m *Memory) SawLedger(ledger *report.Ledger, fault string) {
	m.mu.Lock()
	same := ledger == nil && m.fault == fault
	m.mu.Unlock()
	if same {
		return
	}
	m.change(func() {
		m.fault = fault
		if ledger != nil {
			m.ledger = &keptLedger{whole: ledger}
		}
	})
}

// SawLargeLedger is SawLedger of a ledger that takes too much memory to be kept whole.
func (m *Memory) SawLargeLedger(ledger report.Ledger) error {
	packed, err := packLedger(ledger)
	if err == nil {
		m.change(func() { m.ledger, m.fault = packed, "" })
	}
	return err
}

// savedHours are the TPS-hours that each kind of action has saved, as far as is known. They never fall,
// although a later ledger may have less of an old month: by the hour, or none of it.
func (m *Memory) savedHours() map[model.Action]float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.most)
}

// SawEstate implements cycle.Observer. If a kind could not be listed completely, what was
// known before is kept.
func (m *Memory) SawEstate(snapshot model.Snapshot) {
	m.change(func() {
		for _, l := range snapshot.Listings {
			m.others[l.Region] = othersOf(m.others[l.Region], snapshot, l)
		}
	})
}

// othersOf is what is known of a region beside what is monitored, after a listing.
func othersOf(before []model.Resource, now model.Snapshot, l model.Listing) []model.Resource {
	var others []model.Resource
	for _, r := range now.Others {
		if r.Region() == l.Region {
			others = append(others, r)
		}
	}
	if l.Campaigns && l.Recommenders || len(before) == 0 {
		return others // the usual case
	}
	found := map[model.ARN]bool{}
	for _, list := range [][]model.Resource{now.Resources, now.Others} {
		for _, r := range list {
			found[r.ARN] = true
		}
	}
	for _, r := range before {
		if !l.Complete(r.Kind) && !found[r.ARN] {
			others = append(others, r)
		}
	}
	slices.SortStableFunc(others, model.CompareResources)
	return others
}

// SawTags implements cycle.Observer.
func (m *Memory) SawTags(tags map[model.ARN]map[string]string) {
	known := make(map[string]map[string]string, len(tags))
	for arn, one := range tags {
		known[arn.String()] = one
	}
	m.mu.Lock()
	same := maps.EqualFunc(known, m.tags, maps.Equal[map[string]string, map[string]string])
	m.mu.Unlock()
	if !same {
		m.change(func() { m.tags = known })
	}
}

// SawAlarms implements cycle.Observer.
func (m *Memory) SawAlarms(region string, list []alarms.Alarm) {
	m.change(func() {
		for _, c := range m.alarms.saw(region, list) {
			m.changes.add(c)
		}
	})
}

// ring keeps the last values.
type ring[T any] struct {
	limit int
	list  []T // oldest first, beginning at next once it is full
	next  int
}

func (r *ring[T]) add(v T) {
	if len(r.list) < r.limit {
		r.list = append(r.list, v)
		return
	}
	r.list[r.next] = v
	r.next = (r.next + 1) % r.limit
}

// oldest returns the oldest value once the ring is full.
func (r *ring[T]) oldest() (first T, full bool) {
	if len(r.list) < r.limit {
		return first, false
	}
	return r.list[r.next], true
}

func (r *ring[T]) newestFirst() []T {
	list := slices.Concat(r.list[r.next:], r.list[:r.next])
	slices.Reverse(list)
	return list
}
