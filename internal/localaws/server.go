package localaws

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// Clock tells the endpoint what time it is. Every life cycle, metric and alarm follows
// it, so a test that moves the clock moves the whole estate.
type Clock interface {
	Now() time.Time
}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now().UTC() }

// defaultAccount owns the estate when the estate file names no account.
const defaultAccount = "000000000000"

// Server is one AWS endpoint for all services, regions and accounts: an http.Handler.
// It is safe for concurrent use. The zero value is not usable; see New.
type Server struct {
	clock   Clock
	log     *slog.Logger
	latency time.Duration
	rates   map[string]float64
	// retention is how long data and history are kept; zero means for as long as the Server lives.
	retention time.Duration
	observe   func(Observed) // nil: nobody looks on
	// services is filled by New and only read afterwards.
	services []*service

	// mu guards everything below. The dispatcher holds it while an operation runs, so
	// operations and the helpers they call never lock.
	mu      sync.Mutex
	account string // owner of the estate; loadEstate may replace the default
	calls   map[string]int
	faults  []*armedFault
	buckets map[string]*bucket

	// The state of the services, each declared in a file of its service. Their zero
	// values are usable or are completed by loadEstate.
	metrics     metricsState
	alarms      alarmsState
	dashboards  dashboardsState
	personalize personalizeState
	events      eventsState
	sns         snsState
	logs        logsState
	pricing     pricingState
}

// Option changes a Server while New builds it.
type Option func(*Server)

// WithClock sets the clock of the whole endpoint. The default is the real time, in UTC.
func WithClock(c Clock) Option { return func(s *Server) { s.clock = c } }

// WithLatency makes every call take at least d of real time, whatever the clock says.
// Calls wait side by side, not one behind the other. The default is no delay.
func WithLatency(d time.Duration) Option { return func(s *Server) { s.latency = d } }

// WithLogger sets the logger: debug for each call, info for what the endpoint does by
// itself. The default logs nothing.
func WithLogger(l *slog.Logger) Option { return func(s *Server) { s.log = l } }

// WithRates limits how often operations may be called. Keys are "service.Operation" as
// in Calls, values calls per second and region on the endpoint's clock; a bucket holds one
// second's worth, at least one call. A call too many is answered ThrottlingException
// (Throttling by the services of the query family). The default is no limit.
func WithRates(rates map[string]float64) Option {
	return func(s *Server) { s.rates = maps.Clone(rates) }
}

// WithRetention forgets metric data, mails, events and the history of alarms once they are older than d, so
// that a simulation of any length fits into memory. The default is to keep metric data for
// as long as the Server lives; what AWS would have forgotten is not shown either way.
func WithRetention(d time.Duration) Option { return func(s *Server) { s.retention = d } }

// WithObserver has f told of every call that was admitted to an operation, after it was
// carried out or refused and before it is answered. Calls that run side by side are told
// side by side; f may call back into the Server.
func WithObserver(f func(Observed)) Option { return func(s *Server) { s.observe = f } }

// New builds an endpoint that holds the estate. It fails if the estate is invalid.
func New(estate Estate, opts ...Option) (*Server, error) {
	s := &Server{
		clock:   realClock{},
		log:     slog.New(slog.DiscardHandler),
		account: defaultAccount,
		calls:   map[string]int{},
		buckets: map[string]*bucket{},
	}
	for _, opt := range opts {
		opt(s)
	}
	s.services = s.serviceTable()
	if err := s.loadEstate(estate); err != nil {
		return nil, fmt.Errorf("load the estate: %w", err)
	}
	return s, nil
}

// Tick does what AWS does by itself with the passing of time: it settles life cycles and
// evaluates every alarm at the clock's now. Reading operations settle too, so a served
// endpoint works without it; a simulation calls it once per step.
func (s *Server) Tick() {
	now := s.clock.Now().UTC()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(now)
	s.evaluateAlarms(now)
	s.forget(now)
}

// Calls returns how often each operation was requested since the start or ResetCalls,
// keyed "service.Operation" with the services personalize, cloudwatch, logs, events, sns,
// pricing and sts. Refused, throttled and failed requests count; unknown operations do not.
func (s *Server) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

// ResetCalls sets all counts of Calls to zero.
func (s *Server) ResetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.calls)
}

// ServeHTTP answers one request in the protocol it was made in.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	requestID := newRequestID()
	w.Header().Set("X-Amzn-Requestid", requestID)
	req, err := wire.Read(r)
	if err != nil {
		s.count(req)
		writeError(w, req, requestID, err)
		return
	}
	svc, op, err := s.route(req)
	if err != nil {
		writeError(w, req, requestID, err)
		return
	}
	s.count(req)
	c, err := s.newCall(r, req, svc)
	if err != nil {
		s.logCall(svc, req, "", err)
		writeError(w, req, requestID, err)
		return
	}
	s.answer(w, r, req, op, c, requestID)
}

// answer carries the call out, with the fault that is due for it if there is one.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, req *wire.Request, op operation, c *call, requestID string) {
	fault, err := s.admit(c)
	if fault != nil {
		s.tell(c, req, fault, false)
	}
	if !pause(r.Context(), s.latency) {
		return
	}
	if fault != nil && fault.before(w, r) {
		return
	}
	if err == nil && fault != nil {
		err = cmp.Or(fault.err(req.Protocol), fault.expired(w, r, req.Protocol))
		fault.mark(c)
	}
	var out any
	if err == nil {
		out, err = s.run(c, op)
		if err == nil {
			s.tell(c, req, nil, true)
		}
	}
	s.logCall(c.svc, req, c.region, err)
	if err != nil {
		writeError(w, req, requestID, err)
		return
	}
	body, encErr := wire.Encode(req, c.svc.xmlns, requestID, out)
	if encErr != nil {
		s.log.Error("encode the output", "op", req.Operation, "err", encErr)
		writeError(w, req, requestID, internalFailure())
		return
	}
	if fault != nil {
		body = fault.after(w, body)
	}
	wire.Write(w, req.Protocol, http.StatusOK, body)
}

// run carries out an operation on the settled state of now.
func (s *Server) run(c *call, op operation) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.now = s.clock.Now().UTC()
	s.settle(c.now)
	return op(c)
}

// pause waits and tells whether the client is still there.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Server) logCall(svc *service, req *wire.Request, region string, err error) {
	if err != nil {
		s.log.Debug("call refused", "region", region, "op", svc.name+"."+req.Operation, "err", err)
		return
	}
	s.log.Debug("call served", "region", region, "op", svc.name+"."+req.Operation)
}

// writeError writes err in the request's protocol. What is not an API error is not
// shown to the client: it becomes an InternalFailure.
func writeError(w http.ResponseWriter, req *wire.Request, requestID string, err error) {
	var api *apiError
	var refused *wire.Error
	switch {
	case errors.As(err, &refused):
	case errors.As(err, &api):
		refused = api.onWire()
	default:
		refused = internalFailure().onWire()
	}
	wire.WriteError(w, req, requestID, refused)
}

func internalFailure() *apiError {
	return &apiError{
		Code:    "InternalFailure",
		Message: "The request processing has failed because of an unknown error, exception or failure.",
		Status:  http.StatusInternalServerError,
	}
}

// newRequestID returns a random UUID, as AWS names requests.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
