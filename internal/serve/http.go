package serve

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/guard"
)

const requestTime = 30 * time.Second

// NewServer makes a server of handler, with limits on what a client may use. A page that
// streams lifts the write limit for itself (http.ResponseController).
func NewServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: requestTime, WriteTimeout: time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// site is what the daemon serves.
type site struct {
	guard   *guard.Guard
	watches []*watch
	process *prometheus.Registry
	clock   model.Clock
	log     *slog.Logger
}

// handler routes requests. Health probes use any host name and no token, and learn nothing
// else.
func (s site) handler(page http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/healthz", readOnly(http.HandlerFunc(s.healthz)))
	mux.Handle("/readyz", readOnly(http.HandlerFunc(s.readyz)))
	mux.Handle("/metrics", s.guard.KnownHosts(s.guard.Bearers(s.clock.Now, readOnly(http.HandlerFunc(s.metrics)))))
	if page != nil {
		mux.Handle("/", s.guard.KnownHosts(page))
	}
	return mux
}

// readOnly rejects methods that could change something.
func readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD are allowed here", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// stuckAfter is how long no cycle may end before the daemon reports itself as stuck.
const stuckAfter = 3 * cycleEvery

// healthz reports whether the process should be kept: it should not if the cycles of an account no
// longer end, successfully or not. A restart does not help if AWS cannot be reached.
func (s site) healthz(w http.ResponseWriter, _ *http.Request) {
	longest := time.Duration(0)
	for _, one := range s.watches {
		status := one.Memory.Status()
		last := status.Started
		if status.LastCycle.After(last) {
			last = status.LastCycle
		}
		longest = max(longest, s.clock.Now().Sub(last))
	}
	writeHealth(w, longest <= stuckAfter, "alive", fmt.Sprintf("no cycle has ended for %v", longest.Round(time.Second)))
}

// readyz reports whether the daemon does its work. Of several accounts the first cycle of each must have
// ended, and the last one of one of them must have succeeded: the others are on the page and in the metrics.
func (s site) readyz(w http.ResponseWriter, _ *http.Request) {
	problem, ready := "", false
	for _, one := range s.watches {
		status := one.Memory.Status()
		switch {
		case status.LastCycle.IsZero():
			writeHealth(w, false, "", notReady(status))
			return
		case status.Ready():
			ready = true
		case problem == "":
			problem = notReady(status)
		}
	}
	writeHealth(w, ready, "ready", problem)
}

// notReady is why an account is not ready.
func notReady(status Status) string {
	switch {
	case status.Stopping:
		return "the daemon is stopping"
	case status.Credentials != "":
		return "the AWS credentials cannot be used"
	case !status.LastSuccess.IsZero():
		return "the last cycle failed"
	}
	return "no cycle has succeeded yet"
}

func writeHealth(w http.ResponseWriter, good bool, status, problem string) {
	w.Header().Set("Content-Type", "application/json")
	body := map[string]string{"status": status}
	if !good {
		w.WriteHeader(http.StatusServiceUnavailable)
		body = map[string]string{"problem": problem}
	}
	_ = json.NewEncoder(w).Encode(body) // fails only if the client is gone
}
