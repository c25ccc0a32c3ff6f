package guard

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func from(remote string, forwarded ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = remote
	for _, list := range forwarded {
		r.Header.Add("X-Forwarded-For", list)
	}
	return r
}

func TestAddressesThatCountAsOne(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		guesses, asks *http.Request
		want          bool
	}{
		"the same address":                      {from("192.0.2.1:1000"), from("192.0.2.1:2000"), true},
		"another one":                           {from("192.0.2.1:1000"), from("192.0.2.2:1000"), false},
		"another of the same network in IPv6":   {from("[2001:db8:0:1::1]:1000"), from("[2001:db8:0:1:ffff::2]:1000"), true},
		"another network in IPv6":               {from("[2001:db8:0:1::1]:1000"), from("[2001:db8:0:2::1]:1000"), false},
		"IPv4 within IPv6":                      {from("192.0.2.1:1000"), from("[::ffff:192.0.2.1]:1000"), true},
		"behind a proxy here":                   {from("127.0.0.1:1000", "192.0.2.1"), from("127.0.0.1:1000", "192.0.2.2"), false},
		"one that invents addresses before it":  {from("127.0.0.1:1000", "192.0.2.7, 192.0.2.1"), from("127.0.0.1:1000", "192.0.2.8", "192.0.2.9, 192.0.2.1"), true},
		"one elsewhere that invents addresses":  {from("192.0.2.1:1000", "192.0.2.7"), from("192.0.2.1:1000", "192.0.2.8"), true},
		"behind a proxy that writes no address": {from("127.0.0.1:1000", "unknown"), from("127.0.0.1:1000"), true},
		"no address and an address":             {from("pipe"), from("192.0.2.1:1000"), false},
		"two without an address":                {from("pipe"), from("@"), true},
	} {
		t.Run(name, func(t *testing.T) {
			var l limiter
			for range maxWrong - 1 {
				l.count(tt.guesses, now)
			}
			if l.blocked(tt.guesses, now) {
				t.Error("blocked too early")
			}
			l.count(tt.guesses, now)
			if got := l.blocked(tt.asks, now.Add(window-1)); got != tt.want || !l.blocked(tt.guesses, now.Add(window-1)) {
				t.Errorf("blocked: %v, want %v", got, tt.want)
			}
			if l.blocked(tt.asks, now.Add(window)) || l.blocked(tt.guesses, now.Add(window)) {
				t.Error("still blocked when the minute is over")
			}
			l.count(tt.guesses, now.Add(window))
			if l.blocked(tt.guesses, now.Add(window)) {
				t.Error("the next minute begins with the guesses of the last")
			}
		})
	}
}

// However many addresses guess, the limiter counts a bounded number of them: the latest.
func TestLimiterIsBounded(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	var l limiter
	guess := func(i int, at time.Time) *http.Request {
		r := from(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255))
		for range maxWrong {
			l.count(r, at)
		}
		return r
	}
	first := guess(0, now)
	for i := 1; i < maxClients+10; i++ {
		guess(i, now.Add(time.Second))
	}
	last := guess(maxClients+10, now.Add(2*time.Second))
	if len(l.clients) > maxClients || l.blocked(first, now.Add(2*time.Second)) || !l.blocked(last, now.Add(2*time.Second)) {
		t.Errorf("%d are remembered", len(l.clients))
	}
	guess(maxClients+11, now.Add(window+2*time.Second))
	if len(l.clients) != 1 {
		t.Errorf("%d are remembered although their minute is over", len(l.clients))
	}
}
