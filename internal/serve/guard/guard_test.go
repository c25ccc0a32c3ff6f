package guard

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const secret = "correct-horse-battery-staple"

func TestNew(t *testing.T) {
	for name, c := range map[string]struct {
		address, token string
		hosts          []string
		want           string // of the error; empty for none
	}{
		"no address":                {"here", "", nil, "is not an address to listen on"},
		"all addresses, no token":   {"0.0.0.0:8090", "", nil, "needs a token"},
		"no host, no token":         {":8090", "", nil, "needs a token"},
		"another host, no token":    {"monitor.example.com:8090", "", nil, "needs a token"},
		"all of IPv6, no token":     {"[::]:8090", "", nil, "needs a token"},
		"a short token":             {"127.0.0.1:0", "hunter2", nil, "too short"},
		"a token with a line break": {"127.0.0.1:0", secret + "\nx", nil, "visible ASCII"},
		"a host with a port":        {"127.0.0.1:0", "", []string{"monitor:8090"}, "without a port"},
		"loopback":                  {"127.0.0.1:0", "", nil, ""},
		"localhost":                 {"localhost:0", "", nil, ""},
		"loopback of IPv6":          {"[::1]:0", "", nil, ""},
		"another loopback address":  {"127.8.9.10:0", "", nil, ""},
		"all addresses, with token": {"0.0.0.0:8090", secret, []string{"monitor.example.com"}, ""},
	} {
		g, err := New(c.address, c.token, c.hosts)
		if c.want == "" {
			if err != nil || g.Address() != c.address || g.NeedsToken() != (c.token != "") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || c.token != "" && strings.Contains(err.Error(), c.token) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An address that guesses on one handler is blocked on all that share the guard.
func TestGuessesCountTogether(t *testing.T) {
	g, err := New("127.0.0.1:0", secret, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	served := g.Bearers(func() time.Time { return now }, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	ask := func(token string) int {
		r := from("192.0.2.1:1000")
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		served.ServeHTTP(w, r)
		return w.Code
	}
	for range maxWrong - 1 {
		if err := g.CheckToken(from("192.0.2.1:2000"), "guess", now); !errors.Is(err, ErrWrong) {
			t.Fatal(err)
		}
	}
	if got := ask(secret); got != http.StatusOK {
		t.Errorf("before the last guess: %d", got)
	}
	if got := ask("guess"); got != http.StatusUnauthorized {
		t.Errorf("the last guess: %d", got)
	}
	if got := ask("guess"); got != http.StatusTooManyRequests {
		t.Errorf("blocked: %d", got)
	}
	if err := g.CheckToken(from("192.0.2.1:1"), "guess", now); !errors.Is(err, ErrBlocked) {
		t.Error(err)
	}
	// Others may come from the same address, as behind a proxy.
	if got := ask(secret); got != http.StatusOK {
		t.Errorf("the right token after ten wrong ones: %d", got)
	}
}
