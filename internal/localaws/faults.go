package localaws

import (
	"cmp"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// FaultKind is what a fault does to a call.
type FaultKind int

// The kinds of faults. Those that do not fit an operation (Partial at one that is executed
// completely or not at all, EmptyPage at one without pages) have no effect.
const (
	// Error returns an API error instead of executing the call.
	Error FaultKind = iota
	// Reset closes the connection without an answer and without executing the call.
	Reset
	// Hang holds the call, not executed, until the client goes away.
	Hang
	// Truncate executes the call and sends half of the answer.
	Truncate
	// Garbage executes the call and sends an answer that no decoder can read.
	Garbage
	// Partial executes a part. GetMetricData leaves out the older half of the points of every
	// series; their status is the fault's Code, PartialData if empty, and no token leads to
	// the rest. PutEvents, PutTargets and RemoveTargets reject the first half of the entries,
	// at least one, with the Code, InternalFailure if empty. DeleteDashboards finds the first
	// dashboard deleted by someone else.
	Partial
	// EmptyPage makes a listing return a page without items, whose token leads on.
	EmptyPage
	// Hide hides metric data from the call; see Fault.Hidden.
	Hide
	// Skew makes the service's own clock differ by the fault's Skew: it refuses a request
	// signed more than 5 minutes off, and every answer has the service's date.
	Skew
	// Denied refuses the call in the words of IAM, which name the caller and the action. The error's
	// code is the protocol's, whatever the fault's Code. No policy can deny GetCallerIdentity (its
	// API reference).
	Denied
)

// Fault is a failure of the endpoint. The zero Kind is Error.
type Fault struct {
	// Account (of the caller), Service ("cloudwatch", as in Calls), Operation and Region define
	// which calls are hit; an empty one matches all.
	Account, Service, Operation, Region string
	// From and Until bound the time of the calls; a zero one does not.
	From, Until time.Time
	// Skip lets that many matching calls through first; then Times of them are hit, 0
	// meaning all.
	Skip, Times int
	Kind        FaultKind
	// Rate lets that many matching calls a second through, for each operation and region, by the endpoint's
	// clock: one second's worth at once, at least one. Zero lets none through.
	Rate float64
	// Code is the error's code on the wire. Empty means ThrottlingException (Throttling by
	// CloudWatch and the query services). Message may be empty.
	Code, Message string
	// Status is the HTTP status. 0 means 500 for Internal… codes, 503 for Service… codes,
	// 403 for AccessDenied… codes, else 400.
	Status int
	// Skew is how far the service's clock is ahead, for that kind; negative if it is behind.
	Skew time.Duration
	// Hidden are the data that Hide hides.
	Hidden DataFault
}

// faults decides which calls fail. It is safe for concurrent use.
type faults struct {
	mu    sync.Mutex
	added []*addedFault
	data  []DataFault
}

type addedFault struct {
	Fault
	matched int
	buckets map[string]*bucket // of tokens, by operation and region; see Rate
}

type bucket struct {
	tokens float64
	at     time.Time
}

// take consumes a token of a call, and reports whether there was one.
func (f *addedFault) take(c *api.Call, now time.Time) bool {
	key, most := c.Operation+" "+c.Region, max(1, f.Rate)
	b := f.buckets[key]
	if b == nil {
		b = &bucket{most, now}
		f.buckets[key] = b
	}
	if elapsed := now.Sub(b.at).Seconds(); elapsed > 0 {
		b.tokens, b.at = min(most, b.tokens+elapsed*f.Rate), now
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// AddFault adds a fault. Of several that match a call, the one added first is applied; each
// counts the calls it matches while no earlier one is applied.
func (fs *faults) AddFault(f Fault) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.added = append(fs.added, &addedFault{Fault: f, buckets: map[string]*bucket{}})
}

// AddDataFault hides metric data from all calls. All faults of data that are added apply.
func (fs *faults) AddDataFault(f DataFault) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.data = append(slices.Clip(fs.data), f)
}

// ClearFaults removes all faults.
func (fs *faults) ClearFaults() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.added, fs.data = nil, nil
}

func (fs *faults) hidden() []DataFault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.data
}

// due returns the fault that hits a call at a time, nil if none does.
func (fs *faults) due(c *api.Call, now time.Time) *Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range fs.added {
		if !f.matches(c, now) || f.Rate > 0 && f.take(c, now) {
			continue
		}
		f.matched++
		if f.matched > f.Skip && (f.Times == 0 || f.matched <= f.Skip+f.Times) {
			return new(f.Fault)
		}
	}
	return nil
}

func (f *Fault) matches(c *api.Call, now time.Time) bool {
	return api.Span{From: f.From, Until: f.Until}.Contains(now) && (f.Account == "" || f.Account == c.Account) &&
		(f.Service == "" || f.Service == c.Service) &&
		(f.Operation == "" || f.Operation == c.Operation) &&
		(f.Region == "" || f.Region == c.Region) && (f.Kind != Denied || c.Operation != "GetCallerIdentity")
}

// before applies the faults that leave a call without an answer, and reports whether f, which
// may be nil, is one of them.
func (f *Fault) before(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case f == nil:
		return false
	case f.Kind == Reset:
		reset(w)
		return true
	case f.Kind == Hang:
		<-r.Context().Done()
		return true
	}
	return false
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

// apply returns the API error of the fault, or hands the fault to the operation that applies
// it. f may be nil.
func (f *Fault) apply(w http.ResponseWriter, r *http.Request, c *api.Call) error {
	if f == nil {
		return nil
	}
	switch f.Kind {
	case Error:
		return f.err()
	case Skew:
		return f.checkDate(w, r, c.Request.Protocol)
	case Denied:
		return denied(c)
	case Partial:
		c.Partial = &api.Rejection{Code: f.Code, Message: f.Message}
	case EmptyPage:
		c.EmptyPage = true
	case Hide:
		c.Hidden = append(slices.Clip(c.Hidden), f.Hidden)
	}
	return nil
}

func (f *Fault) err() error {
	e := &wire.Error{Code: "ThrottlingException", Query: "Throttling", Message: "Rate exceeded"}
	if f.Code != "" {
		e = &wire.Error{Code: f.Code, Status: statusOf(f.Code)}
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

const (
	// signatureLife is how far a request's date may be from the service's ("Troubleshooting
	// AWS Signature Version 4", in the IAM user guide).
	signatureLife = 5 * time.Minute
	amzDate       = "20060102T150405Z" // the layout of X-Amz-Date
)

// checkDate checks a request's date as a service with another clock does, and dates the answer
// by it. Clients sign in real time, whatever the endpoint's clock, until an answer has shown
// them that clock.
func (f *Fault) checkDate(w http.ResponseWriter, r *http.Request, p wire.Protocol) error {
	now, err := http.ParseTime(w.Header().Get("Date")) // by the endpoint's clock
	if err != nil {
		return err
	}
	now = now.Add(f.Skew)
	w.Header().Set("Date", now.Format(http.TimeFormat))
	date := r.Header.Get("X-Amz-Date")
	at, err := time.Parse(amzDate, date)
	if err == nil && min(at.Sub(now).Abs(), at.Sub(time.Now().Add(f.Skew)).Abs()) <= signatureLife {
		return nil
	}
	code, message := "InvalidSignatureException", "Signature expired: %s is now earlier than %s (%s - 5 min.)"
	bound := now.Add(-signatureLife)
	if at.After(now) {
		message, bound = "Signature not yet current: %s is still later than %s (%s + 5 min.)", now.Add(signatureLife)
	}
	if p == wire.Query {
		code = "SignatureDoesNotMatch"
	}
	return api.RefuseWith(http.StatusForbidden, code, message, date, bound.Format(amzDate), now.Format(amzDate))
}

// after spoils the answer of a call that was executed. f may be nil.
func (f *Fault) after(w http.ResponseWriter, body []byte) []byte {
	switch {
	case f != nil && f.Kind == Truncate:
		// net/http closes a connection if less is written than announced.
		w.Header().Set("Content-Length", strconv.Itoa(max(len(body), 2)))
		return body[:len(body)/2]
	case f != nil && f.Kind == Garbage:
		return []byte("\xff<{garbage")
	}
	return body
}
