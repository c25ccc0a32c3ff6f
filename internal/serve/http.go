package serve

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

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
	memory  *Memory
	metrics *metrics
	clock   model.Clock
	log     *slog.Logger
}

// handler routes requests. Health probes use any host name and no token, and learn nothing
// else.
func (s site) handler(page http.Handler) http.Handler {
	metrics := promhttp.HandlerFor(s.metrics.gatherer(), promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelError), Timeout: requestTime,
	})
	if page == nil {
		page = s.guard.Bearers(s.clock.Now, readOnly(http.HandlerFunc(s.index)))
	}
	mux := http.NewServeMux()
	mux.Handle("/healthz", readOnly(http.HandlerFunc(s.healthz)))
	mux.Handle("/readyz", readOnly(http.HandlerFunc(s.readyz)))
	mux.Handle("/metrics", s.guard.KnownHosts(s.guard.Bearers(s.clock.Now, readOnly(metrics))))
	mux.Handle("/", s.guard.KnownHosts(page))
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

// healthz reports whether the process should be kept: it should not if cycles no longer end,
// successfully or not. A restart does not help if AWS cannot be reached.
func (s site) healthz(w http.ResponseWriter, _ *http.Request) {
	status := s.memory.Status()
	last := status.Started
	if status.LastCycle.After(last) {
		last = status.LastCycle
	}
	since := s.clock.Now().Sub(last)
	writeHealth(w, since <= stuckAfter, "alive", fmt.Sprintf("no cycle has ended for %v", since.Round(time.Second)))
}

// readyz reports whether the daemon does its work.
func (s site) readyz(w http.ResponseWriter, _ *http.Request) {
	status := s.memory.Status()
	problem := "no cycle has succeeded yet"
	switch {
	case status.Stopping:
		problem = "the daemon is stopping"
	case status.Credentials != "":
		problem = "the AWS credentials cannot be used"
	}
	writeHealth(w, status.Ready(), "ready", problem)
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

// index is shown if there is no page.
func (s site) index(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/" {
		http.NotFound(w, r)
		return
	}
	timeText := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	status := s.memory.Status()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintf(w, `Personalize Monitor %s
deployment %s, events in %s, regions %s
role %s, last cycle %s, last success %s, next %s

/metrics  for Prometheus
/healthz  is the process alive
/readyz   does it work
`, status.Version, status.Deployment, status.Region, strings.Join(status.Regions, ", "), status.Role,
		timeText(status.LastCycle), timeText(status.LastSuccess), timeText(status.NextCycle))
}
