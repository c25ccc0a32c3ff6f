// Package guard decides whether a request may be answered: by the host name that it asks for
// and by the token that it carries. The metrics and the page of a daemon share one guard, so
// that an address that guesses at the token is blocked on both.
package guard

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// minToken is the minimum length of a token, in bytes.
const minToken = 16

// Guard checks requests. The zero value needs no token and knows localhost and IP addresses.
// It is safe for concurrent use.
type Guard struct {
	address string
	hosts   []string
	token   string // empty: none is needed
	limiter limiter
}

// New makes a guard for a server that listens on address, host:port. Hosts are names under
// which the server may be requested, without ports, besides localhost and IP addresses. New
// reports all invalid settings at once; an address that other machines can reach needs a
// token.
func New(address, token string, hosts []string) (*Guard, error) {
	if err := errors.Join(checkAddress(address, token), checkToken(token), checkHosts(hosts)); err != nil {
		return nil, err
	}
	return &Guard{address: address, token: token, hosts: hosts}, nil
}

func checkAddress(address, token string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is not an address to listen on, such as 127.0.0.1:8090", address)
	}
	if !Loopback(host) && token == "" {
		return fmt.Errorf("other machines can reach %q, so it needs a token: set one with --token-file or PERSONALIZE_MONITOR_TOKEN", address)
	}
	return nil
}

// Loopback reports whether only this machine can reach a host.
func Loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

func checkToken(token string) error {
	if token != "" && len(token) < minToken {
		return fmt.Errorf("the token is too short: it needs at least %d characters", minToken)
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("the token may contain visible ASCII characters only, no spaces and no line breaks")
	}
	return nil
}

func checkHosts(hosts []string) error {
	for _, host := range hosts {
		if host == "" || strings.ContainsAny(host, ":/* ") {
			return fmt.Errorf("%q is not the name of a host, without a port", host)
		}
	}
	return nil
}

// Address is what the server listens on.
func (g *Guard) Address() string { return g.address }

// NeedsToken reports whether requests need a token.
func (g *Guard) NeedsToken() bool { return g.token != "" }

// KnownHosts rejects requests for unknown names: an attacker may have pointed one at this
// server to read it with a visitor's browser (DNS rebinding). IP addresses cannot be pointed
// elsewhere.
func (g *Guard) KnownHosts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.knows(r.Host) {
			http.Error(w, "this server does not answer under that name; see --allowed-hosts", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (g *Guard) knows(host string) bool {
	if bare, _, err := net.SplitHostPort(host); err == nil {
		host = bare
	}
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	if _, err := netip.ParseAddr(host); err == nil || strings.EqualFold(host, "localhost") {
		return true
	}
	return slices.ContainsFunc(g.hosts, func(name string) bool { return strings.EqualFold(name, host) })
}

// ErrWrong and ErrBlocked are why a token is not accepted.
var (
	ErrWrong   = errors.New("the token is wrong")
	ErrBlocked = errors.New("too many wrong tokens; wait a minute")
)

// CheckToken compares a token in constant time, and counts wrong ones. The right one is always
// accepted: everyone behind a proxy may have one address, and one program with an old token must
// not lock the others out. What the limit slows down is guessing, which a token of 16 characters
// makes hopeless anyway.
func (g *Guard) CheckToken(r *http.Request, token string, now time.Time) error {
	want, got := sha256.Sum256([]byte(g.token)), sha256.Sum256([]byte(token))
	switch {
	case subtle.ConstantTimeCompare(want[:], got[:]) == 1:
		return nil
	case g.limiter.blocked(r, now):
		return ErrBlocked
	}
	g.limiter.count(r, now)
	return ErrWrong
}

// CheckBearer checks the token in the Authorization header. A request without one is wrong,
// and is not counted.
func (g *Guard) CheckBearer(r *http.Request, now time.Time) error {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return g.CheckToken(r, token, now)
	}
	if g.limiter.blocked(r, now) {
		return ErrBlocked
	}
	return ErrWrong
}

// Reject sets the headers that go with an error of CheckToken or CheckBearer, and returns the
// status.
func Reject(w http.ResponseWriter, err error) (status int) {
	if errors.Is(err, ErrBlocked) {
		w.Header().Set("Retry-After", strconv.Itoa(int(window.Seconds())))
		return http.StatusTooManyRequests
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="personalize-monitor"`)
	return http.StatusUnauthorized
}

// Bearers rejects requests without the token, if one is needed.
func (g *Guard) Bearers(now func() time.Time, next http.Handler) http.Handler {
	if !g.NeedsToken() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := g.CheckBearer(r, now())
		if err == nil {
			next.ServeHTTP(w, r)
			return
		}
		text := "a token is needed: Authorization: Bearer …"
		if errors.Is(err, ErrBlocked) {
			text = ErrBlocked.Error()
		}
		http.Error(w, text, Reject(w, err))
	})
}
