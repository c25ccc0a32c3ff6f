package web

import (
	"strconv"
	"testing"
	"time"
)

// Ended sessions are remembered until they run out, in whatever order they were ended, and
// no more than so many.
func TestEndedSessionsAreRemembered(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	var r revoked
	for _, hour := range []int{5, 3, 4, 3} {
		r.add(strconv.Itoa(hour), now.Add(time.Duration(hour)*time.Hour), now)
	}
	r.add("last", now.Add(12*time.Hour), now.Add(4*time.Hour))
	if r.has("3") || r.has("4") || !r.has("5") || !r.has("last") || len(r.until) != 2 || len(r.order) != 2 {
		t.Errorf("remembered: %v, %q", r.until, r.order)
	}
	for i := range maxRevoked {
		r.add("many "+strconv.Itoa(i), now.Add(13*time.Hour), now.Add(4*time.Hour))
	}
	if len(r.until) != maxRevoked || len(r.order) != maxRevoked || r.has("5") || !r.has("many 0") {
		t.Errorf("%d remembered", len(r.until))
	}
}
