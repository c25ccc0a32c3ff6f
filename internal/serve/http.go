package serve

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/personalize-monitor/personalize-monitor/internal/serve/door"
)

// Limits on what a client may take of the daemon's time. A page that streams lifts the
// write limit for itself (http.ResponseController).
const (
	headerTime    = 10 * time.Second
	requestTime   = 30 * time.Second
	responseTime  = time.Minute
	keepAliveTime = 2 * time.Minute
	headerBytes   = 16 << 10
)

// stuckAfter is how many cycles may be missed before the daemon calls itself stuck.
const stuckAfter = 3

// minToken is how long a token must be at least, in bytes.
const minToken = 16

// CheckListen refuses what must not be listened with, all at once: an address that is none
// or that others can reach while there is no token, a token that is too short or no header
// can hold, and names that are none of hosts.
func CheckListen(address, token string, hosts []string) error {
	return errors.Join(checkAddress(address, token), checkToken(token), checkHosts(hosts))
}

// checkAddress refuses an address that is none, and one that others can reach while there
// is no token.
func checkAddress(address, token string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is not an address to listen on, such as 127.0.0.1:8090", address)
	}
	if !loopback(host) && token == "" {
		return fmt.Errorf("%q can be reached from other machines: that needs a token", address)
	}
	return nil
}

// loopback tells whether a host to listen on is this machine's alone. A name may mean
// anything.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

func checkToken(token string) error {
	if token != "" && len(token) < minToken {
		return fmt.Errorf("the token is too short: it needs at least %d characters", minToken)
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("the token may hold visible ASCII characters only, no spaces and no line breaks")
	}
	return nil
}

func checkHosts(hosts []string) error {
	for _, host := range hosts {
		if host == "" || strings.ContainsAny(host, ":/* ") {
			return fmt.Errorf("%q is not the name of a host, which is given without a port", host)
		}
	}
	return nil
}

// NewServer makes a server of handler, with limits on what a client may take of it.
func NewServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: responseTime,
		IdleTimeout: keepAliveTime, MaxHeaderBytes: headerBytes, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// closePage tells the page, if it can be told, to end its streams and the actions that
// somebody has asked for there. The function given back waits for these.
func (d *Daemon) closePage() (wait func()) {
	if page, ok := d.o.Web.(interface{ Close() }); ok {
		page.Close()
	}
	if page, ok := d.o.Web.(interface{ Wait() }); ok {
		return page.Wait
	}
	return func() {}
}

// handler says what is served where. Whoever probes for health comes with any host name
// and no token, and learns nothing but that.
func (d *Daemon) handler() http.Handler {
	metrics := promhttp.HandlerFor(d.metrics.gatherer(), promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelError), Timeout: requestTime,
	})
	page := d.o.Web
	if page == nil {
		page = d.withToken(readOnly(http.HandlerFunc(d.index)))
	}
	mux := http.NewServeMux()
	mux.Handle("/healthz", readOnly(http.HandlerFunc(d.healthz)))
	mux.Handle("/readyz", readOnly(http.HandlerFunc(d.readyz)))
	mux.Handle("/metrics", d.knownHost(d.withToken(readOnly(metrics))))
	mux.Handle("/", d.knownHost(page))
	return mux
}

// readOnly refuses whatever would change something.
func readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD are answered here", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// knownHost refuses requests for foreign names: somebody may have pointed one at this
// daemon to read it with a visitor's browser. IP addresses cannot be pointed elsewhere.
func (d *Daemon) knownHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !known(r.Host, d.o.AllowedHosts) {
			http.Error(w, "this server does not answer to that name; see --allowed-hosts", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func known(host string, allowed []string) bool {
	if bare, _, err := net.SplitHostPort(host); err == nil {
		host = bare
	}
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	if _, err := netip.ParseAddr(host); err == nil || strings.EqualFold(host, "localhost") {
		return true
	}
	return slices.ContainsFunc(allowed, func(name string) bool { return strings.EqualFold(name, host) })
}

// withToken asks for the token, if there is one.
func (d *Daemon) withToken(next http.Handler) http.Handler {
	if d.o.Token == "" {
		return next
	}
	want := sha256.Sum256([]byte(d.o.Token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.door.Tired(r, d.clock.Now()) {
			w.Header().Set("Retry-After", strconv.Itoa(int(door.Window.Seconds())))
			http.Error(w, "too many wrong tokens; wait a minute", http.StatusTooManyRequests)
			return
		}
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		got := sha256.Sum256([]byte(given))
		if !ok || subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
			if ok {
				d.door.Failed(r, d.clock.Now())
			}
			w.Header().Set("WWW-Authenticate", `Bearer realm="personalize-monitor"`)
			http.Error(w, "a token is needed: Authorization: Bearer …", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// healthz tells whether the process is worth keeping: it is not if cycles have stopped
// ending, well or badly. That AWS cannot be reached is nothing that a restart would mend.
func (d *Daemon) healthz(w http.ResponseWriter, _ *http.Request) {
	s := d.memory.Status()
	last := s.Started
	if s.LastCycle.After(last) {
		last = s.LastCycle
	}
	silent := d.clock.Now().Sub(last)
	answerHealth(w, silent <= stuckAfter*cycleEvery, health{Status: "alive", Problem: fmt.Sprintf("no cycle has ended for %v", silent.Round(time.Second))})
}

// readyz tells whether the daemon does its work.
func (d *Daemon) readyz(w http.ResponseWriter, _ *http.Request) {
	s := d.memory.Status()
	why := "no cycle has ended well yet"
	switch {
	case s.Stopping:
		why = "it is being stopped"
	case s.Credentials != "":
		why = "the AWS credentials cannot be used"
	}
	answerHealth(w, s.Ready(), health{Status: "ready", Problem: why})
}

// health is an answer about health: the problem if there is one, else the status.
type health struct {
	Status  string `json:"status,omitempty"`
	Problem string `json:"problem,omitempty"`
}

func answerHealth(w http.ResponseWriter, good bool, h health) {
	w.Header().Set("Content-Type", "application/json")
	if good {
		h.Problem = ""
	} else {
		h.Status = ""
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(h) // who has gone away misses nothing
}

// index is what is shown where there is no page.
func (d *Daemon) index(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/" {
		http.NotFound(w, r)
		return
	}
	s := d.memory.Status()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	stamp := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	_, _ = io.WriteString(w, fmt.Sprintf(`Personalize Monitor %s
deployment %s, events in %s, regions %s
role %s, last cycle %s, last good one %s, next %s

/metrics  for Prometheus
/healthz  is the process alive
/readyz   does it work
`, s.Version, s.Deployment, s.Region, strings.Join(s.Regions, ", "), s.Role, stamp(s.LastCycle), stamp(s.LastSuccess), stamp(s.NextCycle)))
}
