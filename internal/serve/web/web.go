// Package web is the page of the daemon: it shows what the daemon knows, draws metrics
// that it reads through a small interface, and takes a person's requests if it is allowed
// to. It renders and calls no AWS. Everything works without a script; with one, charts
// can be looked into and pages follow what happens.
package web

import (
	"crypto/rand"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/personalize-monitor/personalize-monitor/internal/dashboard"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/door"
)

// Options wires the page.
type Options struct {
	Source Source       // what is shown
	Series Series       // where charts come from; nil shows none
	Clock  model.Clock  // of what is shown; nil is the system's
	Wall   model.Clock  // by which logins run out, where Clock tells another time; nil is Clock
	Logger *slog.Logger // nil discards

	// AllowActions shows buttons that change resources, and Actions carries them out.
	// Without it every request to change something is refused with 403.
	AllowActions bool
	Actions      Actions

	// Hosts are the names under which the page may be asked for, without ports; a request
	// for any other name is refused with 421, so that no foreign name can be pointed at
	// the daemon and read it with a visitor's browser. localhost and IP addresses, which
	// cannot be pointed elsewhere, are always good.
	Hosts []string
	// Token is asked for before anything is shown, as a bearer token or on a login page;
	// empty asks for none. It never appears in a page or a log.
	Token string
	// SecureCookies marks the login cookie for https only, also where TLS ends at a proxy
	// and requests arrive here without it.
	SecureCookies bool

	// Demo is a line shown on top of each page, for instance that nothing is real; may be
	// empty.
	Demo string
	// Version of the program, shown at the foot of each page.
	Version string
	// MetricDelay is how long counts take to arrive; charts end that long ago.
	MetricDelay time.Duration
}

// Handler serves the page.
type Handler struct {
	Options
	mux       *http.ServeMux
	templates map[string]*template.Template
	assets    map[string]asset
	key       []byte // signs form tokens and login cookies; of this process alone

	reading singleflight.Group
	cache   seriesCache
	totals  memo[*report.Ledger, []chartView]
	boards  memo[boardsKey, []dashboard.Page]
	notes   notes
	door    door.Keeper
	ended   revoked

	closing   sync.Mutex     // guards that closed is closed once, and no action begins after it
	acting    sync.WaitGroup // actions under way
	closed    chan struct{}  // ends live streams, and what waits for AWS
	listeners chan struct{}  // bounds live streams
}

// maxListeners is how many browsers may follow at the same time; the page of any further
// one asks again every now and then.
const maxListeners = 200

// New makes the page, to be served at the root of an HTTP server. It is an error if there
// is no Source, or if actions are allowed and there is nobody to carry them out.
func New(o Options) (*Handler, error) {
	switch {
	case o.Source == nil:
		return nil, errors.New("the web page needs a source")
	case o.AllowActions && o.Actions == nil:
		return nil, errors.New("the web page is to allow actions and cannot carry any out")
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
	h := &Handler{
		Options: o, mux: http.NewServeMux(), key: make([]byte, 32),
		closed: make(chan struct{}), listeners: make(chan struct{}, maxListeners),
	}
	if _, err := rand.Read(h.key); err != nil {
		return nil, fmt.Errorf("make a key for the web page: %w", err)
	}
	var err error
	if h.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	if h.templates, err = h.loadTemplates(); err != nil {
		return nil, err
	}
	h.routes()
	return h, nil
}

// Close ends all live streams, which would otherwise hold up the shutdown of the server,
// and takes no further action. Actions under way are told to come to an end: what
// Personalize has accepted is seen to, the rest is broken off. It may be called more than
// once.
func (h *Handler) Close() {
	h.closing.Lock()
	defer h.closing.Unlock()
	if !h.isClosed() {
		close(h.closed)
	}
}

// Wait waits until the actions under way have come to their end. It follows Close.
func (h *Handler) Wait() { h.acting.Wait() }

func (h *Handler) isClosed() bool {
	select {
	case <-h.closed:
		return true
	default:
		return false
	}
}

// begin notes an action under way, for which Wait waits until acting is done. It says no
// once the page is closed.
func (h *Handler) begin() bool {
	h.closing.Lock()
	defer h.closing.Unlock()
	if h.isClosed() {
		return false
	}
	h.acting.Add(1)
	return true
}

// routes says what is served where.
func (h *Handler) routes() {
	h.mux.HandleFunc("GET /{$}", h.overview)
	h.mux.HandleFunc("GET /resources", h.resources)
	h.mux.HandleFunc("GET /resource", h.resource)
	h.mux.HandleFunc("GET /timeline", h.timeline)
	h.mux.HandleFunc("GET /dashboard", h.board)
	h.mux.HandleFunc("GET /chart", h.boardChart)
	h.mux.HandleFunc("GET /live", h.live)
	h.mux.HandleFunc("POST /action", h.act)
	h.mux.HandleFunc("GET /login", h.loginPage)
	h.mux.HandleFunc("POST /login", h.login)
	h.mux.HandleFunc("POST /logout", h.logout)
	h.mux.HandleFunc("GET /assets/{name}", h.asset)
	h.mux.HandleFunc("GET /{rest...}", func(w http.ResponseWriter, r *http.Request) {
		h.fail(w, r, http.StatusNotFound, "There is no such page.")
	})
}

// ServeHTTP serves a request, if nothing speaks against it.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.guard(h.mux).ServeHTTP(w, r)
}
