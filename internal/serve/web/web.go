// Package web is the page of the daemon: it shows what the daemon knows, draws metrics that
// it reads through a small interface, and executes a person's requests if that is allowed. It
// calls no AWS itself. Everything works without scripts; with scripts, charts are interactive
// and pages update automatically.
package web

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/guard"
)

// Handler serves the page.
type Handler struct {
	site    *site
	handler http.Handler // the routes behind all checks
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
	sessions, err := newSessions(o.Guard, o.Wall)
	if err != nil {
		return nil, err
	}
	pages, err := newRenderer(o, sessions)
	if err != nil {
		return nil, err
	}
	forms := newActionForms(o, sessions, pages)
	h := &site{
		options: o, sessions: sessions, pages: pages, reader: newReader(forms.closed, o.Series), forms: forms,
		compared:  newComparisons(o),
		listeners: make(chan struct{}, maxListeners),
	}
	login := &loginForms{sessions, pages}
	return &Handler{h, o.Guard.KnownHosts(protect(pages, login.required(routes(h, login))))}, nil
}

// Close ends all live streams, which would delay the shutdown of the server, and accepts no
// further action. Actions in progress are interrupted: what Personalize has accepted is
// completed. It may be called more than once.
func (h *Handler) Close() { h.site.forms.close() }

// Wait waits until the actions in progress have ended. It follows Close.
func (h *Handler) Wait() { h.site.forms.running.Wait() }

// ServeHTTP serves a request that passes all checks.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	h.handler.ServeHTTP(w, r)
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
