package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/guard"
)

const (
	// cookieName is the name of the login cookie.
	cookieName = "personalize-monitor"
	// sessionTime is how long a login is valid, at most until the process ends.
	sessionTime = 12 * time.Hour
	// maxEnded is how many sessions that were logged out are remembered.
	maxEnded = 10_000
)

// sessions are the logins of people. They are kept in signed cookies.
type sessions struct {
	guard *guard.Guard
	clock model.Clock
	key   []byte // signs forms and cookies; of this process only
	ended bounded[string, struct{}]
}

func newSessions(g *guard.Guard, clock model.Clock) (*sessions, error) {
	s := &sessions{guard: g, clock: clock, key: make([]byte, 32), ended: bounded[string, struct{}]{limit: maxEnded}}
	if _, err := rand.Read(s.key); err != nil {
		return nil, fmt.Errorf("make a key for the web page: %w", err)
	}
	return s, nil
}

// sign makes a code for a text that only this process can make. Codes of different purposes
// differ.
func (s *sessions) sign(purpose, text string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(purpose + "\x00" + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (s *sessions) signed(purpose, text, code string) bool {
	return subtle.ConstantTimeCompare([]byte(s.sign(purpose, text)), []byte(code)) == 1
}

// formToken is what a form about a resource must contain: no other site can read it.
func (s *sessions) formToken(arn string) string { return s.sign("form", arn) }

// start makes the cookie of a new session.
func (s *sessions) start(r *http.Request) *http.Cookie {
	// The end, and something that no other session has.
	session := strconv.FormatInt(s.clock.Now().Add(sessionTime).Unix(), 10) + "." + rand.Text()
	// Without Expires it ends with the browser, and by the time in it anyway.
	return cookie(r, session+"."+s.sign("session", session), 0)
}

// end ends the session of a request, also for someone else who has its cookie.
func (s *sessions) end(r *http.Request) *http.Cookie {
	if session, ok := s.current(r); ok {
		s.ended.put(session, struct{}{})
	}
	return cookie(r, "", -1)
}

// open reports whether the page needs no login, or the request has one.
func (s *sessions) open(r *http.Request) bool {
	if !s.guard.NeedsToken() {
		return true
	}
	_, ok := s.current(r)
	return ok
}

// current is the valid session of a request.
func (s *sessions) current(r *http.Request) (session string, ok bool) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return "", false
	}
	at := max(0, strings.LastIndex(cookie.Value, "."))
	session, code := cookie.Value[:at], strings.TrimPrefix(cookie.Value[at:], ".")
	until, _, _ := strings.Cut(session, ".")
	seconds, err := strconv.ParseInt(until, 10, 64)
	if err != nil || !s.signed("session", session, code) || !s.clock.Now().Before(time.Unix(seconds, 0)) {
		return "", false
	}
	_, ended := s.ended.get(session)
	return session, !ended
}

func cookie(r *http.Request, value string, maxAge int) *http.Cookie {
	// Behind a proxy that ends TLS, the origin of the form shows that the browser uses it.
	secure := r.TLS != nil || strings.HasPrefix(r.Header.Get("Origin"), "https://")
	return &http.Cookie{Name: cookieName, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: secure}
}
