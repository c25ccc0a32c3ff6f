package web

import (
	"context"
	"log/slog"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/guard"
)

// Options configure the page.
type Options struct {
	Source Source       // what is shown
	Series Series       // where charts come from; nil shows none
	WhatIf WhatIf       // compares minimums of a resource; nil shows none
	Clock  model.Clock  // the time of what is shown; nil is the system clock
	Wall   model.Clock  // the clock of logins, if Clock is not the real one; nil is Clock
	Logger *slog.Logger // nil discards the log

	// AllowActions shows buttons that change resources, which Actions executes. Without it
	// every request for a change is rejected with 403.
	AllowActions bool
	Actions      Actions

	// Guard checks host names, with 421 for an unknown one, and the token, which comes as a
	// bearer token or from a login form. The token never appears in a page or a log. Nil
	// needs no token.
	Guard *guard.Guard

	// Demo is a line at the top of each page, for example that nothing is real; may be empty.
	Demo string
	// Version of the program, shown at the bottom of each page.
	Version string
	// MetricDelay is how long counts take to arrive; charts end that long ago.
	MetricDelay time.Duration
}

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

	records decision // that it describes; empty without one
}

// Series reads metrics; traffic.Meter does. Readings that could not be read completely are
// marked, and the problems are the reasons.
type Series interface {
	Measure(ctx context.Context, queries []model.Query, progress func(done, total int)) (model.Readings, []model.Problem)
}

// WhatIf compares minimums; cycle.WhatIf does. The entry has no options if nothing is known.
type WhatIf interface {
	Of(ctx context.Context, r model.Resource, metricDelay time.Duration) (report.WhatIfEntry, []model.Problem)
}

// Actions executes what a person requests on the page. The sentence reports what was done, or
// that nothing had to be; an error means that nothing was changed, as far as is known.
type Actions interface {
	// Do executes an action on a resource: update-tps, delete-campaign, stop-recommender or
	// start-recommender.
	Do(ctx context.Context, action model.Action, req events.Request) (sentence string, err error)
	// Restore undoes what the record describes. It returns as soon as Personalize has
	// accepted it, and does not wait for the resource to be in service.
	Restore(ctx context.Context, record events.Audit) (sentence string, err error)
}
