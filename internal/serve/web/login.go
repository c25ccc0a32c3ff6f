package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// cookieName is the login cookie's.
	cookieName = "personalize-monitor"
	// sessionTime is how long a login lasts. It ends with the process in any case.
	sessionTime = 12 * time.Hour
	// maxAttempts wrong tokens within attemptTime close the door to further ones.
	maxAttempts = 10
	attemptTime = time.Minute
)

// doorkeeper counts wrong tokens. It counts those of everybody together: behind a proxy
// all come from the same address.
type doorkeeper struct {
	mu     sync.Mutex
	wrong  int
	window time.Time // when counting began
}

// tired tells whether there were too many wrong tokens of late.
func (d *doorkeeper) tired(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Sub(d.window) >= attemptTime {
		d.wrong, d.window = 0, now
	}
	return d.wrong >= maxAttempts
}

func (d *doorkeeper) failed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wrong++
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
	return ok && h.tokenIs(w, given)
}

// tokenIs compares in constant time, and counts what is wrong.
func (h *Handler) tokenIs(w http.ResponseWriter, given string) bool {
	if h.door.tired(h.Wall.Now()) {
		w.Header().Set("Retry-After", strconv.Itoa(int(attemptTime.Seconds())))
		return false
	}
	want, got := sha256.Sum256([]byte(h.Token)), sha256.Sum256([]byte(given))
	if subtle.ConstantTimeCompare(want[:], got[:]) == 1 {
		return true
	}
	h.door.failed()
	return false
}

// hasSession tells whether the request brings a login cookie that has not run out.
func (h *Handler) hasSession(r *http.Request) bool {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return false
	}
	until, code, _ := strings.Cut(cookie.Value, ".")
	seconds, err := strconv.ParseInt(until, 10, 64)
	return err == nil && h.signed("session", until, code) && h.Wall.Now().Before(time.Unix(seconds, 0))
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
	if !h.tokenIs(w, r.PostForm.Get("token")) {
		status, fault := http.StatusUnauthorized, "That is not the token."
		if w.Header().Get("Retry-After") != "" {
			status, fault = http.StatusTooManyRequests, "Too many wrong tokens. Wait a minute."
		}
		h.Logger.Warn("login refused", "op", "login")
		h.showLogin(w, r, status, fault)
		return
	}
	until := strconv.FormatInt(h.Wall.Now().Add(sessionTime).Unix(), 10)
	// Without Expires it goes with the browser, and the date within ends it anyway.
	http.SetCookie(w, h.cookie(r, until+"."+h.sign("session", until), 0))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (h *Handler) logout(w http.ResponseWriter, r *http.Request) {
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
