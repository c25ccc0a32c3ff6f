// Package web is the page of the daemon: it shows what the daemon knows, draws metrics that
// it reads through a small interface, and executes a person's requests if that is allowed. It
// calls no AWS itself. Everything works without scripts; with scripts, charts are interactive
// and pages update automatically.
package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/guard"
)

// Options configure the page.
type Options struct {
	Source Source       // what is shown
	Series Series       // where charts come from; nil shows none
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

// Handler serves the page.
type Handler struct {
	options  Options
	sessions *sessions
	pages    *renderer
	reader   *reader
	forms    *actionForms
	totals   totalCharts
	boards   boardPages
	protect  http.Handler // the routes behind all checks

	closed    chan struct{} // ends live streams, and what waits for AWS
	listeners chan struct{} // bounds live streams
}

// maxListeners is how many browsers may follow changes at the same time. The pages of others
// reload periodically.
const maxListeners = 200

// New makes the page, to be served at the root of an HTTP server. It needs a Source, and with
// AllowActions also Actions.
func New(o Options) (*Handler, error) {
	switch {
	case o.Source == nil:
		return nil, errors.New("the web page needs a source")
	case o.AllowActions && o.Actions == nil:
		return nil, errors.New("the web page allows actions, and nothing executes them")
	}
	if o.Clock == nil {
		o.Clock = model.SystemClock{}
	}
	if o.Wall == nil {
		o.Wall = o.Clock
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Guard == nil {
		o.Guard = &guard.Guard{}
	}
	h := &Handler{options: o, closed: make(chan struct{}), listeners: make(chan struct{}, maxListeners)}
	var err error
	if h.sessions, err = newSessions(o.Guard, o.Wall); err != nil {
		return nil, err
	}
	if h.pages, err = newRenderer(o, h.sessions); err != nil {
		return nil, err
	}
	h.reader = newReader(o.Series, h.closed)
	h.forms = newActionForms(o, h.sessions, h.pages, h.closed)
	h.protect = o.Guard.KnownHosts(protect(h.pages, h.loggedIn(h.routes())))
	return h, nil
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
	h.protect.ServeHTTP(w, r)
}

func (h *Handler) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", h.pages.handler(h.overview))
	mux.Handle("GET /resources", h.pages.handler(h.resources, tableKeys...))
	mux.Handle("GET /resource", h.pages.handler(h.resource, keyARN, keySpan, keyDone))
	mux.Handle("GET /timeline", h.pages.handler(h.timeline, keyKind, keyARN, keyPage))
	mux.Handle("GET /dashboard", h.pages.handler(h.board, keyBoard, keyWidget, keySpan))
	mux.HandleFunc("GET /chart", h.boardChart)
	mux.HandleFunc("GET /live", h.live)
	mux.Handle("POST /action", h.forms)
	mux.HandleFunc("GET /login", h.loginPage)
	mux.HandleFunc("POST /login", h.login)
	mux.HandleFunc("POST /logout", h.logout)
	mux.HandleFunc("GET /assets/{name}", h.pages.asset)
	mux.HandleFunc("GET /{rest...}", func(w http.ResponseWriter, r *http.Request) {
		h.pages.reject(w, r, notFound("There is no such page."))
	})
	return mux
}

// snapshot is what is known now, and the time to show it at.
func (h *Handler) snapshot() (Snapshot, time.Time) {
	return h.options.Source.Snapshot(), h.options.Clock.Now()
}

// window is the time span of charts that end now.
func (h *Handler) window(s span) model.Window {
	return s.window(h.options.Clock.Now(), h.options.MetricDelay)
}

// statusError is an error with the status of its response. Its text is shown as it is.
type statusError struct {
	status int
	text   string
}

func (e statusError) Error() string { return e.text }

func notFound(format string, args ...any) error {
	return statusError{http.StatusNotFound, fmt.Sprintf(format, args...)}
}
