package web

import (
	"context"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Source is what the daemon knows. Its methods are called from many goroutines.
type Source interface {
	// Snapshot is what is known now. The page only reads it; lists in it may be shared
	// with other snapshots and must not be changed after they were handed out.
	Snapshot() Snapshot
	// Changed gives a channel that is closed when there is a newer snapshot than the one
	// that Snapshot would give now.
	Changed() <-chan struct{}
}

// Snapshot is what the daemon knows at one moment. The zero value is a daemon that has
// just started; whatever is missing is shown as not known yet.
type Snapshot struct {
	Version       uint64 // grows with every change
	Region        string // deployment region
	DashboardName string // of the CloudWatch dashboard; empty for the default

	DryRun  bool // nothing is written, whatever is asked for
	Standby bool // another daemon leads: this one makes no hourly checks and has no records of them

	Started  time.Time // of the daemon
	Recorded time.Time // since when Audits holds all that was done; zero for since Started
	Cycle    time.Time // when the last cycle ended; zero before the first
	CycleErr string    // why the last cycle measured nothing; empty if it did
	Next     time.Time // when the next cycle is due; zero if that is not known

	// Result is the result of the last cycle that measured anything, which ended at
	// Measured. It stays when a later cycle fails.
	Result   report.Result
	Measured time.Time
	// Resources are the monitored ones, as discovered; Others exist, but are stopped,
	// being created or deleted.
	Resources []model.Resource
	Others    []model.Resource
	// Checks holds the last decision of an hourly check by ARN: what Result says of a
	// resource is in most cycles only that its check is not due.
	Checks map[string]Check

	// Alarms are those that there were when they were listed last; AlarmsCreated and
	// AlarmsDeleted count what the monitor has changed since.
	Alarms                       []Alarm
	AlarmsCreated, AlarmsDeleted int
	// AlarmsKnown tells whether those of every region could be listed at least once, and
	// AlarmsOld which regions could not in the last cycle: by region, the time of which
	// its alarms are; zero if they never could.
	AlarmsKnown bool
	AlarmsOld   map[string]time.Time

	// Ledger is what was paid for and used over the last days, with hours (cycle.Ledger
	// with Hourly): the last SparkHours of each resource at least, and all of those whose
	// minimum was lowered; nil while it is not known. LedgerErr says why there is none, or
	// none of late.
	Ledger    *report.Ledger
	LedgerErr string

	Entries []Entry        // recent happenings, in any order
	Audits  []events.Audit // recent records, in any order
}

// Check is what an hourly check came to.
type Check struct {
	Time     time.Time
	Decision rules.Verdict
	NewMin   int // step-down only
	Reason   string
	Outcome  string // what came of it, if anything was done or asked
}

// Alarm is one of the monitor's alarms.
type Alarm struct {
	Name     string
	Resource string // ARN
	Region   string
	Type     alarms.Type
	State    alarms.State
	Since    time.Time // when State last became another; zero if unknown
	Actions  bool      // whether it tells anybody
}

// EntryKind says what an Entry tells of.
type EntryKind string

// The kinds of entries.
const (
	EntryEvent   EntryKind = "event"   // a command or notification on the bus
	EntryAction  EntryKind = "action"  // something was done to a resource, or refused
	EntryAlarm   EntryKind = "alarm"   // an alarm was made, removed or changed its state
	EntryCycle   EntryKind = "cycle"   // a cycle ended
	EntryProblem EntryKind = "problem" // something failed
)

// Entry is one line of the time line.
type Entry struct {
	Time   time.Time
	Kind   EntryKind
	ARN    string // of the resource; empty if it is about none
	Region string // may be empty
	Title  string // a few words: "UpdatePersonalizeCampaignMinProvisionedTPS"
	Text   string // a sentence; may be empty
	// Outcome is one of the outcomes of events.Audit, or empty.
	Outcome string
	// Automatic tells that the monitor decided it, and not a person.
	Automatic bool
}

// Series answers questions about metrics; traffic.Meter does. Whatever could not be read
// completely is marked so in the readings, and told in the problems.
type Series interface {
	Measure(ctx context.Context, queries []model.Query, progress func(done, total int)) (model.Readings, []model.Problem)
}

// Actions carries out what a person asks for on the page. The sentence tells what was
// done, or that nothing had to be; an error means that nothing was changed, as far as is
// known.
type Actions interface {
	// Do carries out an action on a resource: update-tps, delete-campaign,
	// stop-recommender or start-recommender.
	Do(ctx context.Context, action model.Action, req events.Request) (sentence string, err error)
	// Restore undoes what the record tells of. It answers as soon as Personalize has
	// accepted it, and does not wait for the resource to be in service.
	Restore(ctx context.Context, record events.Audit) (sentence string, err error)
}
