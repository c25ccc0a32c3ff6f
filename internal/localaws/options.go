package localaws

import (
	"log/slog"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

type options struct {
	clock Clock
	log   *slog.Logger
	// retention is how long data and history are kept; zero means for the life of the Server.
	retention   time.Duration
	observe     func(Observed)    // nil for none
	watch       func(AlarmChange) // nil for none
	autoConfirm bool
}

// Option changes a Server while New builds it.
type Option func(*Server)

// WithClock sets the clock of the whole endpoint. The default is the real time, in UTC.
func WithClock(c Clock) Option { return func(s *Server) { s.clock = c } }

// WithLogger sets the logger: debug for each call, info for what the endpoint does
// automatically. The default logs nothing.
func WithLogger(l *slog.Logger) Option { return func(s *Server) { s.log = l } }

// WithRetention drops metric data, mails and events that are older than
// d, so that a simulation of any length fits into memory. The default is to keep metric data
// for the life of the Server; data that AWS would have dropped are never returned.
func WithRetention(d time.Duration) Option { return func(s *Server) { s.retention = d } }

// WithObserver calls f for every call that was admitted to an operation, after it was executed
// or refused and before the answer. Calls that run side by side call f side by side; f may
// call the Server.
func WithObserver(f func(Observed)) Option { return func(s *Server) { s.observe = f } }

// WithAlarmWatch calls a function for each change of an alarm's state. The function must
// return soon and must not call the Server. The default is none.
func WithAlarmWatch(watch func(AlarmChange)) Option { return func(s *Server) { s.watch = watch } }

// WithAutoConfirm confirms every subscription at once. By default those stay pending that AWS
// asks the owner to confirm.
func WithAutoConfirm() Option { return func(s *Server) { s.autoConfirm = true } }

// Observed is what an observer receives: that a fault hit a call, that a call was executed, or
// first the one and then, for faults that spoil only the answer, the other.
type Observed struct {
	Time      time.Time // by the endpoint's clock
	AccessKey string    // of the caller
	Service   string    // as in Calls
	Operation string
	Account   string // of the caller
	Region    string
	// Body is the input as received, decompressed. It must not be changed.
	Body []byte
	// Fault is what hit the call, nil if the call was executed.
	Fault *Fault
	Done  bool // the call was executed
}

func (o *options) report(c *api.Call, fault *Fault, done bool) {
	if o.observe == nil {
		return
	}
	at := c.Now
	if at.IsZero() {
		at = o.clock.Now().UTC()
	}
	o.observe(Observed{
		Time: at, AccessKey: c.AccessKey, Service: c.Service, Operation: c.Operation,
		Account: c.Account, Region: c.Region, Body: c.Request.Body(), Fault: fault, Done: done,
	})
}
