package localaws

import (
	"cmp"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// FaultKind is what a fault does to a call.
type FaultKind int

// The kinds of faults. Those that do not fit an operation (Partial at one that is done as
// a whole or not at all, EmptyPage at one without pages) let the call through unharmed.
const (
	// Error answers an API error instead of carrying the call out.
	Error FaultKind = iota
	// Reset closes the connection without an answer and without carrying the call out.
	Reset
	// Hang holds the call, not carried out, until the client goes away.
	Hang
	// Truncate carries the call out and sends half of the answer.
	Truncate
	// Garbage carries the call out and sends an answer that no decoder can read.
	Garbage
	// Partial does a part. GetMetricData leaves out the older half of the points of every
	// series; their status is the fault's Code, PartialData if empty, and no token leads to
	// the rest. PutEvents, PutTargets and RemoveTargets refuse the first half of the entries,
	// at least one, with the Code, InternalFailure if empty. DeleteDashboards finds the first
	// of the dashboards removed by somebody else just now.
	Partial
	// EmptyPage makes a listing answer a page without items, whose token leads on.
	EmptyPage
	// Skew makes the service's own clock differ by the fault's Skew: a request signed more
	// than 5 minutes off is refused, and every answer bears the service's date.
	Skew
)

// PartialOperations are the operations that know the fault Partial, as "service.Operation".
func PartialOperations() []string {
	return []string{
		"cloudwatch.GetMetricData", "cloudwatch.DeleteDashboards",
		"events.PutEvents", "events.PutTargets", "events.RemoveTargets",
	}
}

// Fault is a misbehaviour of the endpoint. The zero Kind is Error.
type Fault struct {
	// Service ("cloudwatch", as in Calls), Operation and Region say which calls are hit;
	// an empty one matches all.
	Service, Operation, Region string
	// Skip lets that many matching calls through first; then Times of them are hit, 0
	// meaning all.
	Skip, Times int
	Kind        FaultKind
	// Code is the error's code as it stands on the wire. Empty means ThrottlingException
	// (Throttling by CloudWatch and the query services). Message may be empty.
	Code, Message string
	// Status is the HTTP status. 0 means 500 for Internal… codes, 503 for Service… codes,
	// 403 for AccessDenied… codes, else 400.
	Status int
	// Skew is how far the service's clock is ahead, for that kind; negative if it is behind.
	Skew time.Duration
}

// armedFault is a fault with the number of calls it has met.
type armedFault struct {
	Fault
	met int
}

// AddFault arms a fault. Of several that match a call, the one added first is applied;
// each counts the calls it matches while no earlier one is applied.
func (s *Server) AddFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &armedFault{Fault: f})
}

// ClearFaults disarms all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// admit decides what becomes of a call before it is carried out: refused by the rate
// limit (an error), or hit by a fault, which is nil if none is due.
func (s *Server) admit(c *call) (*Fault, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.throttle(c); err != nil {
		return nil, err
	}
	for _, f := range s.faults {
		if !f.matches(c) {
			continue
		}
		f.met++
		if f.met > f.Skip && (f.Times == 0 || f.met <= f.Skip+f.Times) {
			due := f.Fault
			return &due, nil
		}
	}
	return nil, nil
}

func (f *Fault) matches(c *call) bool {
	return (f.Service == "" || f.Service == c.svc.name) &&
		(f.Operation == "" || f.Operation == c.operation) &&
		(f.Region == "" || f.Region == c.region)
}

// before applies the faults that leave a call without an answer, and tells whether it was
// one of them.
func (f *Fault) before(w http.ResponseWriter, r *http.Request) bool {
	switch f.Kind {
	case Reset:
		reset(w)
		return true
	case Hang:
		<-r.Context().Done()
		return true
	default:
		return false
	}
}

// signatureLife is how far a request's date may lie from the service's ("Troubleshooting
// AWS Signature Version 4", in the IAM user guide).
const signatureLife = 5 * time.Minute

// signed is the form of X-Amz-Date.
const signed = "20060102T150405Z"

// expired is what a service with another clock makes of a request's date, which is real
// time, as is the date of its answer, whatever the endpoint's clock.
func (f *Fault) expired(w http.ResponseWriter, r *http.Request, p wire.Protocol) error {
	if f.Kind != Skew {
		return nil
	}
	now := time.Now().UTC().Add(f.Skew)
	w.Header().Set("Date", now.Format(http.TimeFormat))
	date := r.Header.Get("X-Amz-Date")
	at, err := time.Parse(signed, date)
	if err == nil && at.Sub(now).Abs() <= signatureLife {
		return nil
	}
	e := refuse("InvalidSignatureException", "Signature expired: %s is now earlier than %s (%s - 5 min.)",
		date, now.Add(-signatureLife).Format(signed), now.Format(signed))
	if at.After(now) {
		e.Message = "Signature not yet current: " + date + " is still later than " + now.Add(signatureLife).Format(signed) + " (" + now.Format(signed) + " + 5 min.)"
	}
	e.Status = http.StatusForbidden
	if p == wire.Query {
		e.Code = "SignatureDoesNotMatch"
	}
	return e
}

// half is how many of n entries a Partial fault refuses; 0 without one.
func (c *call) half(n int) int {
	if c.partial == nil {
		return 0
	}
	return (n + 1) / 2
}

// refusal is the code and message of an entry that a Partial fault refuses.
func (f *Fault) refusal() (code, message string) {
	return cmp.Or(f.Code, "InternalFailure"), cmp.Or(f.Message, "injected fault")
}

// reset drops the connection under the response, if possible with a TCP reset.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the way net/http offers to close a connection
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// err returns the API error of an Error fault, nil for other kinds.
func (f *Fault) err(p wire.Protocol) error {
	if f.Kind != Error {
		return nil
	}
	e := throttled(p)
	if f.Code != "" {
		e = &apiError{Code: f.Code, Status: statusOf(f.Code)}
	}
	e.Message = cmp.Or(f.Message, e.Message, "injected fault")
	e.Status = cmp.Or(f.Status, e.Status)
	return e
}

func statusOf(code string) int {
	switch {
	case strings.HasPrefix(code, "Internal"):
		return http.StatusInternalServerError
	case strings.HasPrefix(code, "Service"):
		return http.StatusServiceUnavailable
	case strings.HasPrefix(code, "AccessDenied"):
		return http.StatusForbidden
	default:
		return http.StatusBadRequest
	}
}

// mark tells the operation about the faults that it applies itself.
func (f *Fault) mark(c *call) {
	switch f.Kind {
	case Partial:
		c.partial = f
	case EmptyPage:
		c.emptyPage = true
	}
}

// after spoils the answer of a call that was carried out.
func (f *Fault) after(w http.ResponseWriter, body []byte) []byte {
	switch f.Kind {
	case Truncate:
		// net/http closes a connection on which less was written than announced.
		w.Header().Set("Content-Length", strconv.Itoa(max(len(body), 2)))
		return body[:len(body)/2]
	case Garbage:
		return []byte("\xff<{garbage")
	default:
		return body
	}
}

// bucket is a token bucket of one operation in one region.
type bucket struct {
	tokens float64
	at     time.Time
}

// throttle takes a token for the call, if its operation has a rate, or refuses it.
func (s *Server) throttle(c *call) error {
	name := c.svc.name + "." + c.operation
	rate, limited := s.rates[name]
	if !limited {
		return nil
	}
	now := s.clock.Now()
	burst := math.Max(1, rate)
	key := name + " " + c.account + " " + c.region
	b, ok := s.buckets[key]
	if !ok {
		b = &bucket{tokens: burst, at: now}
		s.buckets[key] = b
	}
	if elapsed := now.Sub(b.at).Seconds(); elapsed > 0 {
		b.tokens = math.Min(burst, b.tokens+elapsed*rate)
		b.at = now
	}
	if b.tokens < 1 {
		return throttled(c.svc.protocol)
	}
	b.tokens--
	return nil
}

// throttled is the error for a call too many, as each protocol's services name it.
func throttled(p wire.Protocol) *apiError {
	e := refuse("ThrottlingException", "Rate exceeded")
	switch p {
	case wire.CBOR, wire.JSON10:
		e.Query = "Throttling"
	case wire.Query:
		e.Code = "Throttling"
	}
	return e
}
