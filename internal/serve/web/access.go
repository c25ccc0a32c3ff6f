package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/guard"
)

// policy is the Content-Security-Policy: only what the daemon itself serves, no script or
// style within a page, no frame around it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxForm bounds the body of a form, in bytes.
const maxForm = 16 << 10

// protect rejects requests that other sites make.
func protect(pages *renderer, next http.Handler) http.Handler {
	foreign := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pages.log.Warn("request from another site rejected", "op", "serve", "path", r.URL.Path)
		pages.reject(w, r, statusError{http.StatusForbidden, "This request comes from another site and was rejected."})
	})
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(foreign)
	inner := crossOrigin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if embedded(r) {
			foreign(w, r)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		inner.ServeHTTP(w, r)
	})
}

// embedded reports whether a page of another site loads one of ours as a part of itself, for
// example as an image. It could not read it, but each load may read from CloudWatch, which
// costs money. Links to us are followed (Fetch metadata, "resource isolation").
func embedded(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return (site == "cross-site" || site == "same-site") && r.Header.Get("Sec-Fetch-Mode") != "navigate"
}

func setHeaders(header http.Header) {
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	header.Set("Cache-Control", "no-store")
}

const (
	// cookieName is the name of the login cookie.
	cookieName = "personalize-monitor"
	// sessionTime is how long a login is valid, at most until the process ends.
	sessionTime = 12 * time.Hour
	// maxSessions is how many logins are valid at the same time.
	maxSessions = 10_000
)

// sessions are the logins of people. They end with the process.
type sessions struct {
	guard *guard.Guard
	clock model.Clock
	key   []byte                     // signs forms; of this process only
	until bounded[string, time.Time] // by cookie
}

func newSessions(g *guard.Guard, clock model.Clock) *sessions {
	return &sessions{guard: g, clock: clock, key: []byte(rand.Text() + rand.Text()), until: bounded[string, time.Time]{limit: maxSessions}}
}

// formToken is what a form about a resource must contain: no other site can read it.
func (s *sessions) formToken(arn string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(arn))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// checkForm checks the token of a form about a resource.
func (s *sessions) checkForm(arn, token string) bool {
	return subtle.ConstantTimeCompare([]byte(s.formToken(arn)), []byte(token)) == 1
}

// start makes the cookie of a new session. Without Expires it ends with the browser.
func (s *sessions) start(r *http.Request) *http.Cookie {
	session := rand.Text()
	s.until.put(session, s.clock.Now().Add(sessionTime))
	return cookie(r, session, 0)
}

// end ends the session of a request, also for someone else who has its cookie.
func (s *sessions) end(r *http.Request) *http.Cookie {
	if one, err := r.Cookie(cookieName); err == nil {
		s.until.take(one.Value)
	}
	return cookie(r, "", -1)
}

// open reports whether the page needs no login, or the request has a valid one.
func (s *sessions) open(r *http.Request) bool {
	if !s.guard.NeedsToken() {
		return true
	}
	one, err := r.Cookie(cookieName)
	if err != nil {
		return false
	}
	until, ok := s.until.get(one.Value)
	return ok && s.clock.Now().Before(until)
}

func cookie(r *http.Request, value string, maxAge int) *http.Cookie {
	// Behind a proxy that ends TLS, the origin of the form shows that the browser uses it.
	secure := r.TLS != nil || strings.HasPrefix(r.Header.Get("Origin"), "https://")
	return &http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: secure,
	}
}

const blockedText = "Too many wrong tokens. Wait a minute."

// loginForms logs people in and out.
type loginForms struct {
	*sessions
	pages *renderer
}

// required requires a session or the token. Assets and the login form need neither.
func (h *loginForms) required(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" || strings.HasPrefix(r.URL.Path, "/assets/") || h.open(r) {
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

func (h *loginForms) page(w http.ResponseWriter, r *http.Request) {
	if h.open(r) {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	h.show(w, r, http.StatusOK, "")
}

func (h *loginForms) show(w http.ResponseWriter, r *http.Request, status int, fault string) {
	h.pages.render(w, r, status, page{template: "login", title: "Log in", bare: true, forms: true, view: fault})
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
		h.pages.log.Warn("login rejected", "op", "login")
		status := guard.Reject(w, err)
		w.Header().Del("WWW-Authenticate") // the form is the way to log in
		h.show(w, r, status, fault)
		return
	}
	http.SetCookie(w, h.start(r))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (h *loginForms) logout(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, h.end(r))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}
