package door

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

func TestWhoIsCountedTogether(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		guesses, asks *http.Request
		want          bool
	}{
		"the same address":                         {from("192.0.2.1:1000"), from("192.0.2.1:2000"), true},
		"another one":                              {from("192.0.2.1:1000"), from("192.0.2.2:1000"), false},
		"another of the same network in IPv6":      {from("[2001:db8:0:1::1]:1000"), from("[2001:db8:0:1:ffff::2]:1000"), true},
		"another network in IPv6":                  {from("[2001:db8:0:1::1]:1000"), from("[2001:db8:0:2::1]:1000"), false},
		"IPv4 within IPv6":                         {from("192.0.2.1:1000"), from("[::ffff:192.0.2.1]:1000"), true},
		"behind a proxy here":                      {from("127.0.0.1:1000", "192.0.2.1"), from("127.0.0.1:1000", "192.0.2.2"), false},
		"one that makes up addresses before it":    {from("127.0.0.1:1000", "192.0.2.7, 192.0.2.1"), from("127.0.0.1:1000", "192.0.2.8", "192.0.2.9, 192.0.2.1"), true},
		"one elsewhere that makes addresses up":    {from("192.0.2.1:1000", "192.0.2.7"), from("192.0.2.1:1000", "192.0.2.8"), true},
		"behind a proxy that writes what is none":  {from("127.0.0.1:1000", "unknown"), from("127.0.0.1:1000"), true},
		"who has no address, and who has one":      {from("pipe"), from("192.0.2.1:1000"), false},
		"two who have none, as far as can be told": {from("pipe"), from("@"), true},
	} {
		t.Run(name, func(t *testing.T) {
			var k Keeper
			for range Attempts - 1 {
				k.Failed(tt.guesses, now)
			}
			if k.Tired(tt.guesses, now) {
				t.Error("tired too early")
			}
			k.Failed(tt.guesses, now)
			if got := k.Tired(tt.asks, now.Add(Window-1)); got != tt.want || !k.Tired(tt.guesses, now.Add(Window-1)) {
				t.Errorf("tired: %v, want %v", got, tt.want)
			}
			if k.Tired(tt.asks, now.Add(Window)) || k.Tired(tt.guesses, now.Add(Window)) {
				t.Error("still tired when the minute is over")
			}
			k.Failed(tt.guesses, now.Add(Window))
			if k.Tired(tt.guesses, now.Add(Window)) {
				t.Error("the next minute begins with the guesses of the last")
			}
		})
	}
}

// However many guess, no more than so many are remembered, and the last ones are.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	var k Keeper
	guess := func(i int, at time.Time) *http.Request {
		r := from(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255))
		for range Attempts {
			k.Failed(r, at)
		}
		return r
	}
	first := guess(0, now)
	for i := 1; i < maxClients+10; i++ {
		guess(i, now.Add(time.Second))
	}
	last := guess(maxClients+10, now.Add(2*time.Second))
	if len(k.clients) > maxClients || k.Tired(first, now.Add(2*time.Second)) || !k.Tired(last, now.Add(2*time.Second)) {
		t.Errorf("%d are remembered", len(k.clients))
	}
	guess(maxClients+11, now.Add(Window+2*time.Second))
	if len(k.clients) != 1 {
		t.Errorf("%d are remembered although their minute is over", len(k.clients))
	}
}
