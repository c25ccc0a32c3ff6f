// Package serve is the door for a daemon: the whole program in one process, for those who
// have no Lambda. It runs cycles on the schedule of the functions, carries their decisions
// out itself, builds the dashboard, and shows how it stands to browsers and to Prometheus.
// Like cli and functions it stands before the line discover → measure → decide → act →
// report.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/audit"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/door"
)

// defaultStop is how long Stop waits for what is under way. Of a cycle that is broken off
// only what follows accepted actions goes on, two times 10 seconds at most (act).
const defaultStop = 30 * time.Second

// Options wires a daemon.
type Options struct {
	// Config holds region (the deployment region), credentials and endpoint.
	Config aws.Config
	// Params are the parameters of all cycles; Regions may be empty for the deployment
	// region.
	Params config.Values
	// Deployment is the value of the tag Deployment. Daemons of the same one take turns.
	Deployment string
	// DryRun keeps every write from being made.
	DryRun  bool
	Version string // of the program

	// Clock is asked for the time and waited on, by several at once, so it must really
	// wait; nil means the system clock.
	Clock model.Clock
	// Logger takes a line for each cycle, each write and each problem; nil discards them.
	Logger *slog.Logger
	// Trail takes a record of each decision and action; nil logs them.
	Trail audit.Log
	// Progress is told how far a cycle has come, and at its end an empty step; may be nil.
	Progress cycle.Progress

	// Address is listened on, host:port; port 0 takes a free one. Beyond loopback it needs
	// a Token.
	Address string
	// Listener is used instead of listening on Address; for tests.
	Listener net.Listener
	// Token is asked for before metrics are shown; empty asks for none. It has at least 16
	// characters.
	Token string
	// AllowedHosts are names under which the daemon may be asked, without ports, beside
	// localhost and IP addresses.
	AllowedHosts []string
	// Web is the page, at /. It asks for the token itself, as browsers need a way to log
	// in. If it has a method Close, that is called when the daemon stops, and if it has a
	// method Wait, that is waited for then: a person's action is finished as the cycle's
	// are. Nil shows a few lines of text.
	Web http.Handler
	// Memory is what the page reads from; nil makes one.
	Memory *Memory

	// StopTime is how long Stop may take; zero means 30 seconds.
	StopTime time.Duration
}

// Daemon is the program as a service. New makes one, Start sets it going, Stop ends it for
// good. Nothing is global: several run side by side in one process.
type Daemon struct {
	o       Options
	clock   model.Clock
	log     *slog.Logger
	memory  *Memory
	clients *awsapi.Clients
	holder  string // who we are in claims
	app     *app.App
	leading *cycle.Cycle
	standby *cycle.Cycle
	boards  *cycle.Dashboard
	metrics *metrics
	builds  *requests
	door    door.Keeper

	mu       sync.Mutex
	state    lifecycle
	listener net.Listener
	server   *http.Server
	cancel   context.CancelFunc // ends the loops
	loops    sync.WaitGroup
	serving  chan struct{} // closed when the server has ended
	broken   error         // what it ended with if nobody asked it to, once serving is closed
	stopped  chan struct{} // closed when Stop is through
	stopErr  error
	claimed  claimed // the last mark that was led; the cycle loop's alone until it has ended
}

// claimed is a mark that this daemon led.
type claimed struct {
	mark time.Time // zero: none
	done bool      // its work was not broken off
}

type lifecycle int

const (
	made lifecycle = iota
	started
	stopping
)

// New makes a daemon. It calls nothing and listens nowhere; an error is one of
// configuration.
func New(o Options) (*Daemon, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Clock == nil {
		o.Clock = model.SystemClock{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Memory == nil {
		o.Memory = NewMemory()
	}
	if o.Trail == nil {
		o.Trail = audit.ToLogger(o.Logger)
	}
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	if o.StopTime == 0 {
		o.StopTime = defaultStop
	}
	if len(o.Params.Regions) == 0 {
		o.Params.Regions = []string{o.Config.Region}
	}
	d := &Daemon{
		o: o, clock: o.Clock, log: o.Logger, memory: o.Memory, holder: newHolder(), builds: newRequests(),
		serving: make(chan struct{}), stopped: make(chan struct{}),
	}
	d.wire()
	metrics, err := newMetrics(d)
	if err != nil {
		d.clients.Close() // the only thing that was opened
		return nil, err
	}
	d.metrics = metrics
	return d, nil
}

// check refuses options that cannot be meant, all at once.
func (o Options) check() error {
	var faults []error
	if o.Config.Region == "" {
		faults = append(faults, awsapi.ErrNoRegion)
	}
	if err := o.Params.Within(o.Config.Region); err != nil {
		faults = append(faults, err)
	}
	if o.Listener == nil {
		faults = append(faults, checkAddress(o.Address, o.Token))
	}
	faults = append(faults, checkToken(o.Token), checkHosts(o.AllowedHosts))
	return errors.Join(faults...)
}

// Start listens, and begins the work. The context bounds the start alone. On an error
// nothing is left running, and the daemon cannot be used any more.
func (d *Daemon) Start(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state != made {
		return errors.New("the daemon was started or stopped already")
	}
	// The port comes first: a second daemon on the same machine, started by mistake, must
	// fail before it has written anything.
	listener, err := d.listen(ctx)
	if err != nil {
		d.state = stopping
		d.clients.Close()
		close(d.serving)
		close(d.stopped)
		return err
	}
	d.state, d.listener = started, listener
	d.memory.Update(func(s *Status) {
		s.Version, s.Region, s.Regions, s.Deployment, s.DryRun = d.o.Version, d.o.Config.Region, cycle.Regions(cycle.Scope(d.o.Params, d.o.Config.Region)), d.o.Deployment, d.o.DryRun
		s.Settings, s.Started = settings(d.o.Params), d.clock.Now()
	})
	// Then the server, so that whoever watches the start can see it not being ready yet.
	d.server = NewServer(d.handler(), d.log)
	go func() {
		defer close(d.serving)
		if err := d.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			d.broken = fmt.Errorf("serve on %s: %w", listener.Addr(), err)
		}
	}()
	// The work comes last, when all that it reports to is there.
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	d.cancel = cancel
	d.loops.Go(func() { d.runCycles(running) })
	d.loops.Go(func() { d.runBoards(running) })
	return nil
}

func (d *Daemon) listen(ctx context.Context) (net.Listener, error) {
	if d.o.Listener != nil {
		return d.o.Listener, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", d.o.Address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", d.o.Address, err)
	}
	return listener, nil
}

// Addr is where the daemon listens, once it is started; nil before.
func (d *Daemon) Addr() net.Addr {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener == nil {
		return nil
	}
	return d.listener.Addr()
}

// Stop ends the daemon, in the reverse order of Start: first the work, of which only what
// follows accepted actions goes on, then the server, by which one can see that
// until the end, then the connections. It may be called more than once and from several
// goroutines, which all wait for the same end. It is bounded by StopTime and by ctx; an
// error says what did not end within.
func (d *Daemon) Stop(ctx context.Context) error {
	d.mu.Lock()
	before := d.state
	d.state = stopping
	d.mu.Unlock()
	switch before {
	case made:
		d.clients.Close()
		close(d.serving)
		close(d.stopped)
	case started:
		d.stopErr = d.unwind(ctx)
		close(d.stopped)
	case stopping:
		select {
		case <-d.stopped:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return d.stopErr
}

// unwind stops what Start has started.
func (d *Daemon) unwind(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, d.o.StopTime)
	defer cancel()
	d.memory.Update(func(s *Status) { s.Stopping = true }) // not ready from here on
	d.cancel()
	pageEnds := d.closePage()
	ended := make(chan struct{})
	go func() { d.loops.Wait(); pageEnds(); close(ended) }()
	var late error
	select {
	case <-ended:
		if d.claimed.mark.IsZero() || d.o.DryRun {
			break
		}
		d.yield(ctx, d.claimed.mark, d.claimed.done)
	case <-ctx.Done():
		late = fmt.Errorf("what was under way did not end within %v", d.o.StopTime)
	}
	// A little time for the server in any case, so that answers under way are not cut off.
	closing, done := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
	defer done()
	if err := d.server.Shutdown(closing); err != nil {
		_ = d.server.Close() // whoever still waits for an answer gets none
	}
	<-d.serving
	d.clients.Close()
	return late
}

// answerTime is how long answers under way may take when the daemon stops.
const answerTime = 3 * time.Second

// Run is the short form: Start, wait until ctx ends or the server breaks, Stop.
func (d *Daemon) Run(ctx context.Context) error {
	if err := d.Start(ctx); err != nil {
		return err
	}
	return d.Wait(ctx)
}

// Wait waits until ctx ends or the server breaks, and stops the daemon then.
func (d *Daemon) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case <-d.serving:
	}
	err := d.Stop(context.WithoutCancel(ctx))
	return errors.Join(d.broken, err)
}

// Mount puts a page at /, in place of the Web of Options: one that is made of the daemon's
// own parts. It does nothing once the daemon is started.
func (d *Daemon) Mount(web http.Handler) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state == made {
		d.o.Web = web
	}
}

// App has the daemon's parts: its actions and the meter serve the page, too.
func (d *Daemon) App() *app.App { return d.app }

// settings are the parameters in effect, for people. Addresses are people's own: how many
// there are is all that is shown.
func settings(p config.Values) []Setting {
	names := func(s model.Selection) string {
		if s.All {
			return "all"
		}
		if s.None() {
			return "none"
		}
		list := make([]string, len(s.ARNs))
		for i, arn := range s.ARNs {
			list[i] = arn.String()
		}
		return strings.Join(list, ", ")
	}
	return []Setting{
		{config.CampaignARNs, names(p.Campaigns)},
		{config.RecommenderARNs, names(p.Recommenders)},
		{config.Regions, strings.Join(p.Regions, ", ")},
		{config.AutoCreateUtilizationAlarms, yesNo(p.AutoCreateUtilizationAlarms)},
		{config.UtilizationThresholdAlarmLowerBound, fmt.Sprint(p.UtilizationThreshold)},
		{config.AutoAdjustMinTPS, fmt.Sprint(p.AutoAdjustMinTPS)},
		{config.AutoCreateIdleAlarms, yesNo(p.AutoCreateIdleAlarms)},
		{config.IdleThresholdHours, strconv.Itoa(p.IdleThresholdHours)},
		{config.AutoDeleteOrStopIdleResources, fmt.Sprint(p.AutoDeleteOrStopIdle)},
		{config.MaxStopsOrDeletesPerHour, strconv.Itoa(p.MaxEndingsPerHour)},
		{config.NotificationEndpoint, strconv.Itoa(len(p.Endpoints))},
		{config.HourlyChecks, string(p.HourlyChecks)},
		{config.MetricDelay, p.MetricDelay.String()},
		{config.DashboardName, p.DashboardName},
	}
}

func yesNo(b bool) string {
	if b {
		return "Yes"
	}
	return "No"
}
