package web

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// Source is what the page shows. Its methods are called from many goroutines.
type Source interface {
	// Snapshot returns what is known now. The page only reads it.
	Snapshot() Snapshot
	// Changed returns a channel that is closed when there is a newer snapshot.
	Changed() <-chan struct{}
}

// Snapshot is what is known at one moment. The zero value is a daemon that has just started;
// whatever is missing is shown as unknown.
type Snapshot struct {
	serve.Snapshot
	DashboardName string // of the CloudWatch dashboard; empty for the default

	// Ledger is what was paid for and used in the last days, with hours (cycle.Ledger with
	// Hourly): at least the last chart.SparkHours of each resource, and all of those whose
	// minimum was lowered. Nil while it is unknown; LedgerErr says why, or why it is old.
	Ledger    *report.Ledger
	LedgerErr string

	Entries []Entry // for the time line, besides what the daemon itself knows; in any order
}

// EntryKind is the kind of an entry.
type EntryKind string

// The kinds of entries.
const (
	EntryEvent   EntryKind = "event"   // a command or notification on the bus
	EntryAction  EntryKind = "action"  // an action on a resource, executed or refused
	EntryAlarm   EntryKind = "alarm"   // an alarm was created, deleted or changed its state
	EntryCycle   EntryKind = "cycle"   // a cycle ended
	EntryProblem EntryKind = "problem" // something failed
)

// Entry is one line of the time line.
type Entry struct {
	Time      time.Time
	Kind      EntryKind
	ARN       string // of the resource; empty if it is about none
	Region    string // may be empty
	Title     string // a few words: "UpdatePersonalizeCampaignMinProvisionedTPS"
	Text      string // a sentence; may be empty
	Outcome   string // one of the outcomes of events.Audit, or empty
	Automatic bool   // decided by the monitor, not by a person
}

// Series reads metrics; traffic.Meter does. Readings that could not be read completely are
// marked, and the problems say why.
type Series interface {
	Measure(ctx context.Context, queries []model.Query, progress func(done, total int)) (model.Readings, []model.Problem)
}

// Actions executes what a person requests on the page. The sentence says what was done, or
// that nothing had to be; an error means that nothing was changed, as far as is known.
type Actions interface {
	// Do executes an action on a resource: update-tps, delete-campaign, stop-recommender or
	// start-recommender.
	Do(ctx context.Context, action model.Action, req events.Request) (sentence string, err error)
	// Restore undoes what the record describes. It returns as soon as Personalize has
	// accepted it, and does not wait for the resource to be in service.
	Restore(ctx context.Context, record events.Audit) (sentence string, err error)
}

// timeline are all entries, newest first.
func (s Snapshot) timeline() []Entry {
	list := slices.Clone(s.Entries)
	for _, e := range s.Events {
		list = append(list, Entry{Time: e.Time, Kind: EntryEvent, ARN: e.Resource, Title: e.DetailType})
	}
	for _, c := range s.AlarmChanges {
		list = append(list, Entry{Time: c.Since, Kind: EntryAlarm, ARN: c.Resource, Region: c.Region, Title: "alarm is " + c.State, Text: c.Name + ", before: " + c.From})
	}
	for _, c := range s.Cycles {
		e := Entry{Time: c.Began.Add(c.Took), Kind: EntryCycle, Title: "cycle over " + plural(c.Resources, "resource")}
		e.Text = fmt.Sprintf("%s; %s sent, %s, %s, in %s", c.Role, plural(c.Events, "event"), plural(c.Problems, "problem"), plural(c.Calls, "AWS call"), c.Took.Round(100*time.Millisecond))
		if c.Error != "" {
			e.Kind, e.Title, e.Text = EntryProblem, "a cycle measured nothing", c.Error
		}
		list = append(list, e)
	}
	for _, a := range s.Audits {
		list = append(list, Entry{
			Time: a.Time, Kind: EntryAction, ARN: a.ARN, Region: a.Region, Title: actionText(a), Text: a.Reason, Outcome: a.Outcome, Automatic: a.Automatic,
		})
	}
	slices.SortStableFunc(list, func(a, b Entry) int { return b.Time.Compare(a.Time) })
	return list
}
