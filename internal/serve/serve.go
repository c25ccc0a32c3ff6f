// Package serve is the entry point for a daemon: the whole program in one process, without
// Lambda. It runs cycles on the schedule of the functions, executes their decisions, builds
// the dashboard, and shows its state to browsers and to Prometheus.
//
// A daemon is started in the order port, server, work, and stopped in the reverse order.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/net/netutil"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/audit"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/guard"
)

const (
	// stopTime bounds Stop. After an interruption a cycle continues only with what follows
	// accepted actions, at most two times 10 seconds (act).
	stopTime = 30 * time.Second
	// answerTime is how long responses in progress may take when the daemon stops.
	answerTime = 3 * time.Second
)

// Options configure a daemon. All are needed, except Before and Page.
type Options struct {
	// Config has region (the deployment region), credentials and endpoint.
	Config aws.Config
	// Params are the parameters of all cycles.
	Params config.Values
	// Deployment is the value of the tag Deployment. Daemons of the same deployment agree on
	// which one leads.
	Deployment string
	DryRun     bool   // makes no write
	Version    string // of the program

	// Clock is used by several goroutines at once, and Sleep must really wait.
	Clock model.Clock
	// Logger logs each cycle, each write and each problem.
	Logger *slog.Logger
	// AuditLog records each decision and action.
	AuditLog audit.Log
	// Progress is notified during a cycle, and with an empty step at its end.
	Progress cycle.Progress

	// Before runs before the first cycle, when the daemon already listens; an error ends the
	// daemon. It may be nil.
	Before func(context.Context, []*app.App) error

	// Guard has the address to listen on, and checks requests.
	Guard *guard.Guard
	// Page makes the page at /, from the daemon's parts. The page checks the token itself,
	// as browsers need a login form. Without it there are only metrics and health.
	Page func([]*app.App) (Page, error)
	// Memory is what the page reads from.
	Memory *Memory

	// Accounts are the accounts that the daemon works in, if not only in that of Config. Then Params and
	// Memory are those of the accounts, and Config has the deployment region alone.
	Accounts []Account
}

// Page is a page for browsers.
type Page interface {
	http.Handler
	// Close ends live streams, and interrupts actions that a person has requested.
	Close()
	// Wait waits until those actions have ended. It follows Close.
	Wait()
}

// Daemon is the program as a service: New makes it, Start starts it, Stop ends it for good.
// Several can run in one process.
type Daemon struct {
	options Options
	room    *room
	watches []*watch
	page    Page // may be nil
	site    site
	listen  func(ctx context.Context, address string) (net.Listener, error)

	mu       sync.Mutex
	state    lifecycle
	listener net.Listener
	server   *http.Server
	cancel   context.CancelFunc // ends the loops
	loops    sync.WaitGroup
	serving  chan struct{} // closed when the server has ended
	broken   error         // why the server ended, unless Stop ended it; set before serving is closed
	refused  chan error    // the error of Before
	stopped  chan struct{} // closed when Stop has finished
	stopErr  error
}

type lifecycle int

const (
	made lifecycle = iota
	started
	stopping
)

// New makes a daemon. It calls nothing and listens nowhere; an error is one of configuration.
func New(o Options) (*Daemon, error) {
	if o.Config.Region == "" {
		return nil, awsapi.ErrNoRegion
	}
	for _, one := range o.accounts() {
		if err := one.Params.Within(o.Config.Region); err != nil {
			return nil, err
		}
	}
	if o.Guard == nil {
		return nil, errors.New("a daemon needs an address to listen on")
	}
	d := &Daemon{
		options: o, room: newRoom(endpointsAtOnce), listen: listenTCP,
		serving: make(chan struct{}), refused: make(chan error, 1), stopped: make(chan struct{}),
	}
	for _, one := range o.accounts() {
		d.watches = append(d.watches, newWatch(o, one, d.room))
	}
	if err := d.assemble(); err != nil {
		d.closeClients()
		return nil, err
	}
	return d, nil
}

// assemble makes the page, and what is served.
func (d *Daemon) assemble() (err error) {
	o := d.options
	if o.Page != nil {
		if d.page, err = o.Page(d.Apps()); err != nil {
			return err
		}
	}
	d.site = site{guard: o.Guard, watches: d.watches, process: newProcessMetrics(o.Version), clock: o.Clock, log: o.Logger}
	return nil
}

// closeClients drops the connections of all accounts.
func (d *Daemon) closeClients() {
	for _, w := range d.watches {
		w.app.Clients.Close()
	}
}

// Apps are the daemon's parts, those of each account.
func (d *Daemon) Apps() []*app.App {
	list := make([]*app.App, len(d.watches))
	for i, w := range d.watches {
		list[i] = w.app
	}
	return list
}

// AwaitCycles returns when the cycles leave room for other work, which they come before, after ten seconds at the latest,
// or when ctx ends.
func (d *Daemon) AwaitCycles(ctx context.Context) { d.room.awaitRoom(ctx, d.options.Clock) }

// Start listens, and starts the work. The context bounds the start only. After an error
// nothing runs, and the daemon cannot be used any more.
func (d *Daemon) Start(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state != made {
		return errors.New("the daemon was started or stopped already")
	}
	// The port comes first: a second daemon on the same machine, started by mistake, must
	// fail before it writes anything.
	listener, err := d.listen(ctx, d.options.Guard.Address())
	if err != nil {
		d.state = stopping
		d.release()
		return err
	}
	d.state, d.listener = started, listener
	o := d.options
	for _, w := range d.watches {
		w.begin(o)
	}
	// Then the server: a probe sees that the daemon is not ready yet.
	d.server = NewServer(d.site.handler(d.page), o.Logger)
	go func() {
		defer close(d.serving)
		if err := d.server.Serve(netutil.LimitListener(listener, maxConnections())); !errors.Is(err, http.ErrServerClosed) {
			d.broken = fmt.Errorf("serve on %s: %w", listener.Addr(), err)
		}
	}()
	// The work comes last, when everything that it reports to exists.
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	d.cancel = cancel
	d.loops.Go(func() { d.work(running) })
	return nil
}

// work runs the loops until ctx ends.
func (d *Daemon) work(ctx context.Context) {
	if before := d.options.Before; before != nil {
		if err := before(ctx, d.Apps()); err != nil {
			d.refused <- err
			return
		}
	}
	for _, w := range d.watches {
		d.loops.Go(func() { w.boards.run(ctx) })
		d.loops.Go(func() { w.cycles.run(ctx) })
	}
}

// maxConnections is how many connections are served at a time. The rest wait, so that idle ones
// cannot use up the file descriptors that cycles need: it is at most a quarter of those.
func maxConnections() int { return int(min(128, max(4, fileLimit()/4))) }

func listenTCP(ctx context.Context, address string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return listener, nil
}

// Addr is where the daemon listens; nil before Start.
func (d *Daemon) Addr() net.Addr {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener == nil {
		return nil
	}
	return d.listener.Addr()
}

// Wait waits until ctx ends, the server fails or Before refuses, and then stops the daemon.
func (d *Daemon) Wait(ctx context.Context) error {
	var refused error
	select {
	case <-ctx.Done():
	case <-d.serving:
	case refused = <-d.refused:
	}
	err := d.Stop(context.WithoutCancel(ctx))
	return errors.Join(refused, d.broken, err)
}

// Stop ends the daemon: first the work, which only finishes accepted actions, then the
// server, so that the daemon can be observed until the end, then the connections. It may be
// called several times and from several goroutines, which all wait for the same end. It
// takes at most 30 seconds and ends with ctx; an error names what did not end in time.
func (d *Daemon) Stop(ctx context.Context) error {
	d.mu.Lock()
	before := d.state
	d.state = stopping
	d.mu.Unlock()
	switch before {
	case made:
		d.release()
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

// release ends a daemon that does not run.
func (d *Daemon) release() {
	if d.page != nil {
		d.page.Close()
	}
	d.closeClients()
	close(d.serving)
	close(d.stopped)
}

// unwind stops what Start has started.
func (d *Daemon) unwind(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	for _, w := range d.watches {
		w.Memory.Update(func(s *Status) { s.Stopping = true }) // not ready from here on
	}
	d.cancel()
	if d.page != nil {
		d.page.Close()
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.loops.Wait()
		if d.page != nil {
			d.page.Wait()
		}
	}()
	var late error
	select {
	case <-ended:
		d.releaseLeases(ctx)
	case <-ctx.Done():
		late = fmt.Errorf("the work in progress did not end within %v", stopTime)
	}
	// The server gets a little time in any case, so that no response is cut off.
	closing, done := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
	defer done()
	if err := d.server.Shutdown(closing); err != nil {
		_ = d.server.Close() // clients that still wait get no response
	}
	<-d.serving
	d.closeClients()
	return late
}

// releaseLeases releases the leases of all accounts at the same time.
func (d *Daemon) releaseLeases(ctx context.Context) {
	var all sync.WaitGroup
	for _, w := range d.watches {
		all.Go(func() { w.cycles.lease.release(ctx) })
	}
	all.Wait()
}
