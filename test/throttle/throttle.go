// Package throttle limits the rates of operations of an embedded AWS.
package throttle

import (
	"math"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

// Handler serves an embedded AWS and throttles operations that are called too often: a token
// bucket for each operation and region holds one second's worth of calls, at least one.
type Handler struct {
	*localaws.Server
	clock localaws.Clock
	rates map[string]float64

	mu      sync.Mutex
	buckets map[string]*bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

// New limits the operations with a rate, in calls per second on the clock of the endpoint. The
// other operations have no limit.
func New(server *localaws.Server, clock localaws.Clock, rates map[string]float64) *Handler {
	return &Handler{Server: server, clock: clock, rates: rates, buckets: map[string]*bucket{}}
}

// ServeHTTP serves a request. A throttled one is hit by a fault of the server, so that it counts
// as a call and fails as the protocol has it.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := path.Base(r.URL.Path)
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		operation = target[strings.LastIndexByte(target, '.')+1:]
	}
	region := ""
	if scope := strings.Split(r.Header.Get("Authorization"), "/"); len(scope) > 2 {
		region = scope[2]
	}
	if rate, limited := h.rates[operation]; limited && !h.take(operation+" "+region, rate) {
		h.AddFault(localaws.Fault{Operation: operation, Region: region, Times: 1})
	}
	h.Server.ServeHTTP(w, r)
}

// take consumes a token, and reports whether there is one.
func (h *Handler) take(key string, rate float64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now, burst := h.clock.Now(), math.Max(1, rate)
	b := h.buckets[key]
	if b == nil {
		b = &bucket{burst, now}
		h.buckets[key] = b
	}
	if elapsed := now.Sub(b.at).Seconds(); elapsed > 0 {
		b.tokens, b.at = math.Min(burst, b.tokens+elapsed*rate), now
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
