package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
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

func newSessions(g *guard.Guard, clock model.Clock) (*sessions, error) {
	s := &sessions{guard: g, clock: clock, key: make([]byte, 32), until: bounded[string, time.Time]{limit: maxSessions}}
	if _, err := rand.Read(s.key); err != nil {
		return nil, fmt.Errorf("make a key for the web page: %w", err)
	}
	return s, nil
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
	return &http.Cookie{Name: cookieName, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: secure}
}
