// Package demo runs the whole system in one process, against an embedded AWS and on a virtual
// clock: the schedules, the rules on the bus and the functions behind them, as the template
// deploys them. Days pass in seconds. The same options give the same run.
package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// MaxDays is the longest demo.
const MaxDays = 60

// Settings of the deployment. The idle time is the default; idle resources are deleted and
// stopped, to show that.
const (
	idleHours = 24
	// Reader receives the mails.
	Reader = "ml-team@example.com"
	stack  = "demo"
)

// begin is when every demo begins, by its own clock: three minutes after a full hour, so that
// the counts of that hour have arrived.
var begin = time.Date(2026, 3, 2, 0, 3, 0, 0, time.UTC)

// Options configure a demo. The functions may be nil.
type Options struct {
	Days   int             // virtual days, 1 to MaxDays
	Seed   int64           // varies the traffic; the same seed gives the same run
	Estate localaws.Estate // what there is to monitor; Estate() is made for it
	// Happened is called for everything worth a line, in the order of the demo's time.
	Happened func(Event)
	// Progress is called after each cycle with how many of all are done.
	Progress func(done, total int, now time.Time)
	// Cycled is called after each cycle, also after the days are over. The clock does not
	// move until it returns.
	Cycled func(ctx context.Context)
	// Version of the program, for the page.
	Version string
}

// Demo is a demo that is set up.
type Demo struct {
	AWS    *localaws.Server
	Clock  *model.VirtualClock
	Home   string // the deployment region
	Params config.Values
	App    *app.App      // what a page uses: it reads metrics, and changes things for a person
	Shown  *serve.Memory // what a page shows: what happened so far

	options Options
	memory  *localaws.Memory
	stack   deployment
	watch   *watch
	at      time.Time // of the last cycle
}

// New sets a demo up. It fails if the options are invalid; nothing happens yet.
func New(o Options) (*Demo, error) {
	switch {
	case o.Days < 1 || o.Days > MaxDays:
		return nil, fmt.Errorf("%d is not a number of days from 1 to %d", o.Days, MaxDays)
	case len(o.Estate.Regions) == 0:
		return nil, errors.New("the estate has no region")
	}
	var regions []string
	for _, region := range o.Estate.Regions {
		regions = append(regions, region.Name)
	}
	slices.Sort(regions)
	home := regions[0]
	if slices.Contains(regions, "us-east-1") {
		home = "us-east-1"
	}
	env := environment(regions, home)
	params, err := config.Resolve(config.Sources{Env: env})
	if err != nil {
		return nil, err
	}
	clock := model.NewVirtualClock(begin)
	memory, estate := serve.NewMemory(), &monitored{regions: map[string][]model.Resource{}}
	memory.Follow(estate.all)
	watch := newWatch(memory, func(e Event) {
		if o.Happened != nil && !e.Time.After(end(o)) {
			o.Happened(e)
		}
	})
	simulated := o.Estate
	simulated.Seed += o.Seed
	server, err := localaws.New(simulated, localaws.WithClock(clock), localaws.WithAutoConfirm(), localaws.WithAlarmWatch(watch.alarm))
	if err != nil {
		return nil, err
	}
	inside := localaws.InMemory(server)
	settings := awsapi.LocalConfig(home, inside.URL(), "DEMO", inside.Transport())
	settings.DisableRequestCompression = true // there is no network
	memory.Update(func(s *serve.Status) {
		s.Version, s.Region, s.Regions, s.Deployment, s.Started, s.Role = o.Version, home, regions, deploymentName(home), begin, serve.Leading
		s.AutoAdjust, s.AutoStop = params.AutoAdjustMinTPS, params.AutoDeleteOrStopIdle
	})
	handlers := map[lambda.Function]*lambda.Handler{}
	for _, f := range lambda.All() {
		handlers[f] = lambda.New(f, lambda.Options{
			Env: env, Log: watch, Clock: clock, Observer: shown{memory, clock, estate},
			Config: func(context.Context, *slog.Logger) (aws.Config, error) { return settings, nil },
		})
	}
	a := app.New(app.Options{
		Config: settings, Clock: clock, Deployment: deploymentName(home),
		AuditLog: func(_ context.Context, record events.Audit) error { watch.record(record); return nil },
	})
	return &Demo{
		AWS: server, Clock: clock, Home: home, Params: params, App: a, Shown: memory,
		options: o, memory: inside, watch: watch, at: begin.Truncate(cycleEvery),
		stack: deployment{
			aws: server, bus: a.Clients.EventBridge(home), home: home, account: cmp.Or(o.Estate.Account, "000000000000"),
			handlers: handlers,
		},
	}, nil
}

func deploymentName(home string) string { return home + "/" + stack }

// environment are the variables of the functions.
func environment(regions []string, home string) func(string) (string, bool) {
	variables := map[string]string{
		config.Regions:                       strings.Join(regions, ","),
		config.AutoDeleteOrStopIdleResources: "Yes",
		config.IdleThresholdHours:            strconv.Itoa(idleHours),
		config.NotificationEndpoint:          Reader,
		"Deployment":                         deploymentName(home),
		"LOG_LEVEL":                          "info",
	}
	return func(name string) (string, bool) { value, ok := variables[name]; return value, ok }
}

// shown remembers cycles for a page.
type shown struct {
	*serve.Memory
	clock  model.Clock
	estate *monitored
}

// monitored is what was monitored in the last complete listing of each region.
type monitored struct {
	mu      sync.Mutex
	regions map[string][]model.Resource
}

func (m *monitored) all() (list []model.Resource) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, region := range slices.Sorted(maps.Keys(m.regions)) {
		list = append(list, m.regions[region]...)
	}
	return list
}

// SawEstate implements cycle.Observer. A snapshot is of one region.
func (s shown) SawEstate(snapshot model.Snapshot) {
	s.estate.mu.Lock()
	for _, l := range snapshot.Listings {
		if l.Campaigns && l.Recommenders {
			s.estate.regions[l.Region] = snapshot.Resources
		}
	}
	s.estate.mu.Unlock()
	s.Memory.SawEstate(snapshot)
}

// CycleEnded implements lambda.Observer.
func (s shown) CycleEnded(at time.Time, result report.Result, err error) {
	now := s.clock.Now()
	began := now.Add(-time.Duration(result.DurationMs) * time.Millisecond)
	s.AddCycle(serve.NewCycleRecord(began, now, serve.Leading, result, err), result, now)
	s.Update(func(status *serve.Status) { status.NextCycle = at.Add(cycleEvery) })
}

func builtinPrices(context.Context, []string) (pricing.Table, []model.Problem) {
	return pricing.Builtin(), nil
}

// End is when the days are over, by the demo's clock.
func (d *Demo) End() time.Time { return end(d.options) }

func end(o Options) time.Time { return begin.AddDate(0, 0, o.Days) }

// Close ends the demo and frees its memory.
func (d *Demo) Close() {
	d.App.Clients.Close()
	d.memory.Shut()
}

// Run lets the days pass. It is an error if ctx ends first, or if the estate could not be read.
func (d *Demo) Run(ctx context.Context) (Result, error) {
	result, err := d.run(ctx)
	if err != nil && ctx.Err() != nil {
		now := d.Clock.Now()
		err = fmt.Errorf("the demo stopped at %s of its own time, after %d of %d hours; it changed nothing outside this process",
			now.Format("2006-01-02 15:04"), int(now.Sub(begin).Hours()), d.options.Days*24)
	}
	return result, err
}

func (d *Demo) run(ctx context.Context) (Result, error) {
	before, err := d.survey(ctx)
	if err == nil {
		err = d.stack.deploy(ctx)
	}
	if err != nil {
		return Result{}, err
	}
	d.reportYoung(before)
	total := d.options.Days * int(24*time.Hour/cycleEvery)
	for n := range total {
		if err := d.step(ctx); err != nil {
			return Result{}, err
		}
		if d.options.Progress != nil {
			d.options.Progress(n+1, total, d.Clock.Now())
		}
	}
	d.wait(d.End())
	after, err := d.survey(ctx)
	if err != nil {
		return Result{}, err
	}
	return d.result(before, after), nil
}

// GoOn runs a cycle of 5 minutes at every pace of real time, after Run and until ctx ends.
// Happened is not called any more.
func (d *Demo) GoOn(ctx context.Context, pace time.Duration) {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for d.step(ctx) == nil {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Delays after the full minute. Events are delivered later than any cycle ends, so that the
// end of a change does not depend on how long a cycle took.
const (
	scheduleLag = 10 * time.Second
	deliveryLag = 70 * time.Second
)

// step is everything that happens from one cycle to the next. Functions log their failures,
// which are reported from there; only the end of ctx ends the demo.
func (d *Demo) step(ctx context.Context) error {
	former := d.at
	d.at = former.Add(cycleEvery)
	if board := former.Truncate(time.Hour).Add(boardAfter); board.After(former) && board.Before(d.at) {
		d.wait(board.Add(scheduleLag))
		if err := d.stack.schedule(ctx, lambda.Dashboard, board); err != nil {
			return err
		}
	}
	d.wait(d.at.Add(scheduleLag))
	d.AWS.Tick()
	if err := d.stack.schedule(ctx, lambda.Monitor, d.at); err != nil {
		return err
	}
	d.wait(d.at.Add(deliveryLag))
	_ = d.AWS.Deliver(ctx) // the functions log it
	if ctx.Err() != nil {
		return ctx.Err()
	}
	d.watch.step(d.at, d.AWS, d.Clock.Now())
	if d.options.Cycled != nil {
		d.options.Cycled(ctx)
	}
	return ctx.Err()
}

// survey is the state of the estate: usage and costs of the last day, and the reasons of the
// rules by ARN.
type survey struct {
	ledger  report.Ledger
	reasons map[string]report.Resource
}

// survey reads everything and writes nothing, as `report` and `plan` do.
func (d *Demo) survey(ctx context.Context) (survey, error) {
	values := d.Params
	values.HourlyChecks = model.Always
	s := survey{reasons: map[string]report.Resource{}}
	var plan report.Result
	var err error
	if s.ledger, err = d.App.Ledger(builtinPrices, false).Run(ctx, cycle.LedgerInput{Params: values, Days: 1}); err == nil {
		plan, err = d.App.ReadOnlyCycle().Run(ctx, cycle.Input{Params: values})
	}
	switch {
	case err != nil:
		return s, fmt.Errorf("read the estate: %w", err)
	case ctx.Err() != nil:
		return s, ctx.Err()
	case len(s.ledger.Resources) == 0:
		return s, errors.New("the estate has no active campaigns or recommenders")
	}
	for _, r := range plan.Resources {
		s.reasons[r.ARN] = r
	}
	return s, nil
}

// reportYoung reports the resources that are only kept because they are new.
func (d *Demo) reportYoung(s survey) {
	now := d.Clock.Now()
	for _, e := range s.ledger.Resources {
		r, known := s.reasons[e.ARN]
		if known && r.Decision == rules.None && r.Utilization != nil && *r.Utilization < 100 && now.Sub(e.Created) < idleHours*time.Hour {
			d.watch.report(Event{Time: now.Truncate(time.Minute), What: Kept, Region: e.Region, Name: e.Name, ARN: e.ARN, Text: r.Reason})
		}
	}
}

// wait moves the clock to a time, if it is not later already.
func (d *Demo) wait(until time.Time) { d.Clock.Advance(until.Sub(d.Clock.Now())) }
