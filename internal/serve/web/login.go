package web

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/guard"
)

const blockedText = "Too many wrong tokens. Wait a minute."

// loginForms logs people in and out.
type loginForms struct {
	guard    *guard.Guard
	clock    model.Clock
	log      *slog.Logger
	sessions *sessions
	pages    *renderer
}

// required requires a session or the token. Assets and the login form need neither.
func (h *loginForms) required(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" || strings.HasPrefix(r.URL.Path, "/assets/") || h.sessions.open(r) {
			next.ServeHTTP(w, r)
			return
		}
		err := guard.ErrWrong
		if r.Header.Get("Authorization") != "" {
			err = h.guard.CheckBearer(r, h.clock.Now())
		}
		switch {
		case err == nil:
			next.ServeHTTP(w, r)
		case errors.Is(err, guard.ErrBlocked):
			h.pages.reject(w, r, statusError{guard.Reject(w, err), blockedText})
		case r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html"):
			http.Redirect(w, r, "/login", http.StatusSeeOther)
		default:
			h.pages.reject(w, r, statusError{guard.Reject(w, err), "A token is needed."})
		}
	})
}

type loginView struct{ Fault string }

func (h *loginForms) page(w http.ResponseWriter, r *http.Request) {
	if h.sessions.open(r) {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	h.show(w, r, http.StatusOK, "")
}

func (h *loginForms) show(w http.ResponseWriter, r *http.Request, status int, fault string) {
	h.pages.render(w, r, status, page{template: "login", title: "Log in", bare: true, forms: true, view: loginView{fault}})
}

func (h *loginForms) login(w http.ResponseWriter, r *http.Request) {
	if !h.guard.NeedsToken() {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if err := r.ParseForm(); err != nil {
		h.show(w, r, http.StatusBadRequest, "The form could not be read.")
		return
	}
	if err := h.guard.CheckToken(r, r.PostForm.Get("token"), h.clock.Now()); err != nil {
		fault := "The token is wrong."
		if errors.Is(err, guard.ErrBlocked) {
			fault = blockedText
		}
		h.log.Warn("login rejected", "op", "login")
		status := guard.Reject(w, err)
		w.Header().Del("WWW-Authenticate") // the form is the way to log in
		h.show(w, r, status, fault)
		return
	}
	http.SetCookie(w, h.sessions.start(r))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (h *loginForms) logout(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, h.sessions.end(r))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}
