package localaws

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/cloudwatch"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/iam"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/kms"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/logs"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/organizations"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/personalize"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/sns"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/sts"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// Clock returns the time of the endpoint. Every life cycle, metric and alarm follows it.
type Clock = api.Clock

type realClock struct{}

func (realClock) Now() time.Time { return time.Now().UTC() }

// Server is one AWS endpoint for all services, regions and accounts: an http.Handler.
// It is safe for concurrent use. The zero value is not usable; see New.
type Server struct {
	options
	account  string // owner of the estate
	services services
	refusals refusals
	sts      *sts.Service
	*callCounts
	*faults

	// mu guards the services: one operation runs at a time.
	mu          sync.Mutex
	personalize *personalize.Service
	cloudwatch  *cloudwatch.Service
	events      *events.Service
	sns         *sns.Service
	// forgotten is the hour since the epoch in which old data were last dropped.
	forgotten int64
}

type services map[serviceKey]*api.Service

type serviceKey struct {
	protocol wire.Protocol
	target   string
}

// New builds an endpoint that holds the estate. It fails if the estate is invalid.
func New(estate Estate, opts ...Option) (*Server, error) {
	o := &Server{options: options{clock: realClock{}, log: slog.New(slog.DiscardHandler)}}
	for _, opt := range opts {
		opt(o)
	}
	if err := estate.Check(); err != nil {
		return nil, fmt.Errorf("load the estate: %w", err)
	}
	topics := sns.New(o.clock, o.log, o.autoConfirm)
	metrics := cloudwatch.New(o.log, topics, o.watch)
	now := o.clock.Now().UTC()
	resources, err := personalize.New(estate, now, metrics.Register)
	if err != nil {
		return nil, fmt.Errorf("load the estate: %w", err)
	}
	bus := events.New(o.clock, o.log, topics)
	roles := sts.New(estate, now)
	s := &Server{
		options: o.options, account: estate.Owner(), services: services{}, refusals: refusalsOf(estate), sts: roles,
		callCounts: &callCounts{counts: map[string]int{}}, faults: &faults{},
		personalize: resources, cloudwatch: metrics, events: bus, sns: topics,
	}
	for _, f := range estate.DataFaults {
		s.AddDataFault(f.At(now))
	}
	if estate.ClockSkew != 0 {
		s.AddFault(Fault{Kind: Skew, Skew: estate.ClockSkew})
	}
	s.addAccountFaults(estate, now)
	for _, svc := range []*api.Service{
		resources.API(), metrics.API(), bus.API(), topics.API(), logs.New().API(), pricing.New(estate).API(), roles.API(),
		organizations.New(estate, now).API(), iam.API(s.refusals.denies, roles.Exists), kms.New(estate).API(),
	} {
		for _, protocol := range svc.Protocols {
			s.services[serviceKey{protocol, svc.Target}] = svc
		}
	}
	return s, nil
}

// ServeHTTP answers one request in its protocol.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	requestID := api.NewID()
	w.Header().Set("X-Amzn-Requestid", requestID)
	w.Header().Set("Date", s.clock.Now().UTC().Format(http.TimeFormat))
	req, err := wire.Read(r)
	svc, op, routeErr := s.services.route(req)
	if routeErr == nil {
		s.add(svc.Name + "." + req.Operation)
	}
	if err = cmp.Or(err, routeErr); err != nil {
		writeError(w, req, requestID, err)
		return
	}
	c, err := s.newCall(r, req, svc)
	if err != nil {
		s.logCall(svc, req, "", err)
		writeError(w, req, requestID, err)
		return
	}
	s.answer(w, r, svc, op, c, requestID)
}

// route finds the service and operation of a request. What this endpoint does not know is an
// error, even if AWS knows it.
func (s services) route(req *wire.Request) (*api.Service, api.Operation, error) {
	code := "UnknownOperationException"
	if req.Protocol == wire.Query {
		code = "InvalidAction"
	}
	svc := s[serviceKey{req.Protocol, req.Target}]
	if svc == nil {
		return nil, nil, api.Refuse(code, "this endpoint serves no %s service %s", req.Protocol, api.Quoted(req.Target))
	}
	op := svc.Operations[req.Operation]
	if op == nil {
		return nil, nil, api.Refuse(code, "this endpoint does not know the operation %s of %s", api.Quoted(req.Operation), svc.Name)
	}
	return svc, op, nil
}

// answer executes the call, with the fault that is due for it.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, svc *api.Service, op api.Operation, c *api.Call, requestID string) {
	fault := s.due(c, s.clock.Now())
	if fault != nil {
		s.report(c, fault, false)
	}
	if fault.before(w, r) {
		return
	}
	c.Lost = s.hidden()
	c.Hidden = c.Lost
	err := cmp.Or(fault.apply(w, r, c), s.refusals.check(c))
	var out any
	if err == nil {
		out, err = s.execute(op, c)
		if err == nil {
			s.report(c, nil, true)
		}
	}
	s.logCall(svc, c.Request, c.Region, err)
	if err != nil {
		writeError(w, c.Request, requestID, err)
		return
	}
	body, err := wire.Encode(c.Request, svc.XMLNS, requestID, out)
	if err != nil {
		s.log.Error("encode the output", "op", c.Operation, "err", err)
		writeError(w, c.Request, requestID, err)
		return
	}
	wire.Write(w, c.Request.Protocol, http.StatusOK, fault.after(w, body))
}

func (s *Server) execute(op api.Operation, c *api.Call) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Now = s.clock.Now().UTC()
	s.personalize.Advance(c.Now)
	return op(c)
}

func (o *options) logCall(svc *api.Service, req *wire.Request, region string, err error) {
	if err != nil {
		o.log.Debug("call refused", "region", region, "op", svc.Name+"."+req.Operation, "err", err)
		return
	}
	o.log.Debug("call served", "region", region, "op", svc.Name+"."+req.Operation)
}

// writeError writes err in the request's protocol. Clients see an error that is not an API
// error as an InternalFailure.
func writeError(w http.ResponseWriter, req *wire.Request, requestID string, err error) {
	var refused *wire.Error
	if !errors.As(err, &refused) {
		refused = &wire.Error{
			Code: "InternalFailure", Status: http.StatusInternalServerError,
			Message: "The request processing has failed because of an unknown error, exception or failure.",
		}
	}
	wire.WriteError(w, req, requestID, refused)
}

// Tick does what AWS does automatically with the passing of time: it executes due transitions
// and evaluates every alarm at the clock's now. Every operation does so too, so a served
// endpoint works without it; a simulation calls it once per step.
func (s *Server) Tick() {
	now := s.clock.Now().UTC()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.personalize.Advance(now)
	s.cloudwatch.Evaluate(now)
	if hour := now.Unix() / 3600; s.retention > 0 && hour != s.forgotten {
		s.forgotten = hour
		before := now.Add(-s.retention)
		s.cloudwatch.Forget(before)
		s.events.Forget(before)
		s.sns.Outbox.Forget(before)
	}
}

// ServeMetric makes a source the data of a metric of the estate's account, in addition to the
// data that clients put, as if the service that owns the metric published it. A second source
// replaces the first; nil removes it. The source is called under the Server's lock and must
// not call the Server.
func (s *Server) ServeMetric(region, namespace, metric string, dims map[string]string, src Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cloudwatch.Register(api.Home{Account: s.account, Region: region}, namespace, metric, dims, src)
}

// Sent returns the statistics of what clients put into a metric of the estate's account within
// [start, start+d), of any unit; start and d are multiples of a minute.
func (s *Server) Sent(region, namespace, metric string, dims map[string]string, start time.Time, d time.Duration) cloudwatch.Statistics {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cloudwatch.Sent(api.Home{Account: s.account, Region: region}, namespace, metric, dims, start, d)
}

// RegisterTarget sets the function behind a Lambda ARN. Deliver calls it for the events of
// rules with that target. It replaces the registered function; nil removes it.
func (s *Server) RegisterTarget(arn string, fn func(ctx context.Context, event []byte) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events.Register(arn, fn)
}

// Deliver calls the functions that events are waiting for, one after the other, in the order
// in which the events were received and, for one event, of rules' names and targets' ids.
// It also delivers the events that the functions put, so that none waits when it returns
// without an error. Nothing is retried: the returned error joins those of the functions. The
// end of the context leaves the rest waiting. Topics need no Deliver.
func (s *Server) Deliver(ctx context.Context) error {
	var failed []error
	for {
		if err := ctx.Err(); err != nil {
			return errors.Join(append(failed, fmt.Errorf("deliver events: %w", err))...)
		}
		d := locked(s, s.events.Next)
		if d == nil {
			return errors.Join(failed...)
		}
		if err := d.Function(ctx, d.Event); err != nil {
			failed = append(failed, fmt.Errorf("deliver an event to %s: %w", d.Target, err))
		}
	}
}

// locked calls a method of a service under the Server's lock.
func locked[T any](s *Server, method func() T) T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return method()
}

// Events returns the events that the buses of all accounts accepted, oldest first: at least the last 10,000.
func (s *Server) Events() []Event { return locked(s, s.events.Events) }

// Dropped returns the notifications that did not reach their targets, oldest first: of rules
// and alarms, because a topic or function does not exist or the topic's policy does not let
// the service publish. At least the last 10,000 are kept.
func (s *Server) Dropped() []sns.Drop { return locked(s, s.sns.Outbox.Dropped) }

// Outbox returns what SNS sent to the subscribers of all accounts, oldest first: at least the last 10,000.
func (s *Server) Outbox() []sns.Mail { return locked(s, s.sns.Outbox.Mails) }

// ConfirmAll confirms every pending subscription, as if each owner had followed the link in
// the mail, and returns their number.
func (s *Server) ConfirmAll() int { return locked(s, s.sns.ConfirmAll) }

// callCounts counts calls by operation. It is safe for concurrent use.
type callCounts struct {
	mu     sync.Mutex
	counts map[string]int
}

func (c *callCounts) add(operation string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[operation]++
}

// Calls returns how often each operation was requested since the start or ResetCalls, keyed
// "service.Operation" with the services personalize, cloudwatch, logs, events, sns, pricing,
// sts, organizations, iam and kms, in all accounts. Refused, throttled and failed requests count; unknown
// operations do not.
func (c *callCounts) Calls() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.counts)
}

// ResetCalls sets all counts of Calls to zero.
func (c *callCounts) ResetCalls() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.counts)
}

// Estate is what the endpoint starts with.
type Estate = estatefile.Estate

//nolint:revive // one comment for all: the parts of an Estate, and what else callers of the endpoint need
type (
	EstateLifeCycle    = estatefile.LifeCycle
	EstateQuotas       = estatefile.Quotas
	EstateRegion       = estatefile.Region
	EstateDatasetGroup = estatefile.DatasetGroup
	EstateEndpoint     = estatefile.EstateEndpoint
	EstateSolution     = estatefile.Solution
	EstateBatchJob     = estatefile.BatchJob
	EstateEventTracker = estatefile.EventTracker
	EstateCampaign     = estatefile.Campaign
	EstateRecommender  = estatefile.Recommender
	EstateUpdate       = estatefile.Update
	EstateTraffic      = estatefile.Traffic
	EstateAccount      = estatefile.Account
	EstateKey          = estatefile.Key
	EstateAccountFault = estatefile.AccountFault
	Trace              = estatefile.Trace
	Event              = events.Event
	Mail               = sns.Mail
	AlarmChange        = cloudwatch.AlarmChange
	EstateDataFault    = estatefile.DataFault
	DataFault          = api.DataFault
	Source             = api.Source
)

// LoadEstate reads an estate file; see estatefile.Load.
func LoadEstate(path string) (Estate, error) { return estatefile.Load(path) }

// ParseEstate reads an estate from YAML; see estatefile.Parse.
func ParseEstate(data []byte, name string, open func(path string) ([]byte, error)) (Estate, error) {
	return estatefile.Parse(data, name, open)
}

// ParseTrace reads a CSV of request counts; see estatefile.ParseTrace.
func ParseTrace(data []byte, name string) (*Trace, error) { return estatefile.ParseTrace(data, name) }

// Snapshot is the content of the embedded AWS, one line for each resource, by a name that
// begins with its region and kind ("us-east-1 alarm …"; dashboards have no region), and before
// that with its account if it is not the estate's own ("222222222222 us-east-1 alarm …"). The lines
// hold no times, ids or temporary states, so that the snapshots of two endpoints that reached
// the same state in different ways are equal. It executes due transitions; it counts
// as no call, and no fault hits it.
func (s *Server) Snapshot() map[string]string {
	now := s.clock.Now().UTC()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.personalize.Advance(now)
	out := map[string]string{}
	s.personalize.Describe(s.account, out, render)
	s.cloudwatch.Describe(s.account, out, render)
	s.events.Describe(s.account, out, render)
	s.sns.Describe(s.account, out, render)
	return out
}

func render(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error() // cannot happen: no functions or channels
	}
	return string(raw)
}

// Data returns the sums of what clients put into the metrics of a namespace in the minute of a
// time, by "region name dimension-value", with accounts as in Snapshot.
func (s *Server) Data(namespace string, at time.Time) map[string]float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cloudwatch.Data(s.account, namespace, at)
}
