// Package web is the page of the daemon: it shows what the daemon knows, draws metrics that
// it reads through a small interface, and executes a person's requests if that is allowed. It
// calls no AWS itself. Everything works without scripts; with scripts, charts are interactive
// and pages update automatically.
package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
	"weak"

	"github.com/personalize-monitor/personalize-monitor/internal/chart"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/guard"
)

// Options configure the page.
type Options struct {
	Source Source      // what is shown
	Series Series      // where charts come from
	WhatIf WhatIf      // compares minimums of a resource
	Clock  model.Clock // the time of what is shown
	Wall   model.Clock // the clock of logins, if Clock is not the real one; nil is Clock
	Logger *slog.Logger

	// AllowActions shows buttons that change resources, which Actions executes. Without it
	// every request for a change is rejected with 403.
	AllowActions bool
	Actions      Actions

	// Guard checks host names, with 421 for an unknown one, and the token, which comes as a
	// bearer token or from a login form. The token never appears in a page or a log.
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
	// Version is that of what is known now, without the work to put it together.
	Version() uint64
	// Changed returns a channel that is closed when there is a newer snapshot.
	Changed() <-chan struct{}
}

// Snapshot is what is known at one moment. The zero value is a daemon that has just started;
// whatever is missing is shown as unknown.
type Snapshot struct {
	serve.Snapshot
	DashboardName string // of the CloudWatch dashboard; empty for the default
	Flags         string // what commands need to work in several accounts, after a space

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

// Handler serves the page.
type Handler struct {
	*site
	handler http.Handler // the routes behind all checks
}

// site is what pages are made from.
type site struct {
	options   Options
	sessions  *sessions
	pages     *renderer
	reader    *reader
	forms     *actionForms
	compared  *comparisons
	totals    memo[weak.Pointer[report.Ledger], chart.Chart] // of all resources together
	listeners chan struct{}                                  // bounds live streams
}

// maxListeners is how many browsers may follow changes at the same time. The pages of others
// reload periodically.
const maxListeners = 200

// New makes the page, to be served at the root of an HTTP server. It needs all options but Wall, Demo and Version, and
// Actions only with AllowActions.
func New(o Options) (*Handler, error) {
	switch {
	case o.Source == nil || o.Guard == nil || o.Clock == nil:
		return nil, errors.New("the web page needs a source, a guard and a clock")
	case o.AllowActions && o.Actions == nil:
		return nil, errors.New("the web page allows actions, and nothing executes them")
	}
	if o.Wall == nil {
		o.Wall = o.Clock
	}
	sessions := newSessions(o.Guard, o.Wall)
	pages := newRenderer(o, sessions)
	forms := newActionForms(o, sessions, pages)
	h := &site{
		options: o, sessions: sessions, pages: pages, reader: newReader(forms.closed, o.Series), forms: forms, compared: newComparisons(o),
		listeners: make(chan struct{}, maxListeners),
	}
	login := &loginForms{sessions, pages}
	return &Handler{h, o.Guard.KnownHosts(protect(pages, login.required(routes(h, login))))}, nil
}

// Close ends all live streams, which would delay the shutdown of the server, and accepts no
// further action. Actions in progress are interrupted: what Personalize has accepted is
// completed. It may be called more than once.
func (h *Handler) Close() { h.forms.close() }

// Wait waits until the actions in progress have ended. It follows Close.
func (h *Handler) Wait() { h.forms.running.Wait() }

// ServeHTTP serves a request that passes all checks.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	h.handler.ServeHTTP(w, r)
}

// window is the time of charts that end now.
func (h *site) window(s span) model.Window {
	return s.window(h.options.Clock.Now(), h.options.MetricDelay)
}

func routes(h *site, login *loginForms) http.Handler {
	mux := http.NewServeMux()
	boards := &boards{site: h}
	mux.Handle("GET /{$}", h.pages.handler(h.overview))
	mux.Handle("GET /resources", h.pages.handler(h.resources, tableKeys...))
	mux.Handle("GET /resource", h.pages.handler(h.resource, keyARN, keySpan, keyDone, keyMin))
	mux.Handle("GET /activity", h.pages.handler(h.activity, keyKind, keyARN, keyPage, keySearch))
	mux.Handle("GET /bill", h.pages.handler(h.bill, keyBy))
	mux.Handle("GET /dashboard", h.pages.handler(boards.page, keyBoard, keyWidget, keySpan))
	mux.HandleFunc("GET /chart", boards.chart)
	mux.HandleFunc("GET /live", h.live)
	mux.Handle("POST /action", h.forms)
	mux.HandleFunc("GET /login", login.page)
	mux.HandleFunc("POST /login", login.login)
	mux.HandleFunc("POST /logout", login.logout)
	mux.HandleFunc("GET /assets/{name}", h.pages.asset)
	mux.HandleFunc("GET /{rest...}", func(w http.ResponseWriter, r *http.Request) {
		h.pages.reject(w, r, notFound("There is no such page."))
	})
	return mux
}
