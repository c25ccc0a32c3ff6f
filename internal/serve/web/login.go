package web

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/serve/door"
)

const (
	// cookieName is the login cookie's.
	cookieName = "personalize-monitor"
	// sessionTime is how long a login lasts. It ends with the process in any case.
	sessionTime = 12 * time.Hour
	// maxRevoked is how many sessions that were ended before their time are remembered.
	maxRevoked = 10_000
)

// revoked are the sessions that were ended by those who had them, until they would have
// ended anyway. The zero value is empty.
type revoked struct {
	mu    sync.Mutex
	until map[string]time.Time // by session
	order []string             // the first that ends is the first
}

// add ends a session.
func (r *revoked) add(session string, until, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.until == nil {
		r.until = map[string]time.Time{}
	}
	if _, known := r.until[session]; known {
		return
	}
	r.until[session] = until
	// Nearly in order already: sessions all last the same time.
	at, _ := slices.BinarySearchFunc(r.order, until, func(kept string, t time.Time) int { return r.until[kept].Compare(t) })
	r.order = slices.Insert(r.order, at, session)
	for len(r.order) > maxRevoked || len(r.order) > 0 && !now.Before(r.until[r.order[0]]) {
		delete(r.until, r.order[0])
		r.order = r.order[1:]
	}
}

func (r *revoked) has(session string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.until[session]
	return ok
}

// loggedIn lets pass who has shown the token, and assets and the login page in any case.
func (h *Handler) loggedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		open := h.Token == "" || r.URL.Path == "/login" || strings.HasPrefix(r.URL.Path, "/assets/")
		switch {
		case open || h.hasSession(r) || h.bearer(w, r):
			next.ServeHTTP(w, r)
		case w.Header().Get("Retry-After") != "":
			h.fail(w, r, http.StatusTooManyRequests, "Too many wrong tokens. Wait a minute.")
		case r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html"):
			http.Redirect(w, r, "/login", http.StatusSeeOther)
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="personalize-monitor"`)
			h.fail(w, r, http.StatusUnauthorized, "A token is needed.")
		}
	})
}

// bearer tells whether the request brings the token itself, as programs do.
func (h *Handler) bearer(w http.ResponseWriter, r *http.Request) bool {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && h.tokenIs(w, r, given)
}

// tokenIs compares in constant time, and counts what is wrong.
func (h *Handler) tokenIs(w http.ResponseWriter, r *http.Request, given string) bool {
	if h.door.Tired(r, h.Wall.Now()) {
		w.Header().Set("Retry-After", strconv.Itoa(int(door.Window.Seconds())))
		return false
	}
	want, got := sha256.Sum256([]byte(h.Token)), sha256.Sum256([]byte(given))
	if subtle.ConstantTimeCompare(want[:], got[:]) == 1 {
		return true
	}
	h.door.Failed(r, h.Wall.Now())
	return false
}

// hasSession tells whether the request brings a login cookie that has not run out.
func (h *Handler) hasSession(r *http.Request) bool {
	session, _ := h.sessionOf(r)
	return session != ""
}

// sessionOf is the session that the request's login cookie stands for, and when it ends;
// empty if it has none that still holds.
func (h *Handler) sessionOf(r *http.Request) (session string, until time.Time) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return "", time.Time{}
	}
	at := strings.LastIndex(cookie.Value, ".")
	if at < 0 {
		return "", time.Time{}
	}
	session, code := cookie.Value[:at], cookie.Value[at+1:]
	text, _, _ := strings.Cut(session, ".")
	seconds, err := strconv.ParseInt(text, 10, 64)
	until = time.Unix(seconds, 0)
	if err != nil || !h.signed("session", session, code) || !h.Wall.Now().Before(until) || h.ended.has(session) {
		return "", time.Time{}
	}
	return session, until
}

type loginView struct{ Fault string }

func (h *Handler) loginPage(w http.ResponseWriter, r *http.Request) {
	if h.Token == "" || h.hasSession(r) {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	h.showLogin(w, r, http.StatusOK, "")
}

func (h *Handler) showLogin(w http.ResponseWriter, r *http.Request, status int, fault string) {
	sendOrigin(w)
	h.render(w, r, status, "login", frame{Title: "Log in", Bare: true}, loginView{fault})
}

func (h *Handler) login(w http.ResponseWriter, r *http.Request) {
	if h.Token == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if err := r.ParseForm(); err != nil {
		h.showLogin(w, r, http.StatusBadRequest, "The form could not be read.")
		return
	}
	if !h.tokenIs(w, r, r.PostForm.Get("token")) {
		status, fault := http.StatusUnauthorized, "That is not the token."
		if w.Header().Get("Retry-After") != "" {
			status, fault = http.StatusTooManyRequests, "Too many wrong tokens. Wait a minute."
		}
		h.Logger.Warn("login refused", "op", "login")
		h.showLogin(w, r, status, fault)
		return
	}
	// The end, and something that no other session has.
	session := strconv.FormatInt(h.Wall.Now().Add(sessionTime).Unix(), 10) + "." + rand.Text()
	// Without Expires it goes with the browser, and the date within ends it anyway.
	http.SetCookie(w, h.cookie(r, session+"."+h.sign("session", session), 0))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// logout ends the session also for whoever else has come by its cookie.
func (h *Handler) logout(w http.ResponseWriter, r *http.Request) {
	if session, until := h.sessionOf(r); session != "" {
		h.ended.add(session, until, h.Wall.Now())
	}
	http.SetCookie(w, h.cookie(r, "", -1))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

func (h *Handler) cookie(r *http.Request, value string, maxAge int) *http.Cookie {
	// Where TLS ends at a proxy, the origin of the form tells that the browser uses it.
	secure := h.SecureCookies || r.TLS != nil || strings.HasPrefix(r.Header.Get("Origin"), "https://")
	return &http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: secure,
	}
}
