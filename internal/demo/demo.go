// Package demo is the whole system in one process, before an embedded AWS and on a clock
// of its own: the schedules, the rules on the bus and the functions behind them, as the
// template deploys them. Days pass in seconds. The same options give the same run.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// MaxDays is the longest demo.
const MaxDays = 60

// Settings of the deployment in the demo. The idle time is the default; what is idle is
// deleted and stopped, for that is what there is to see.
const (
	idleHours = 24
	// Reader is who gets the mails.
	Reader = "ml-team@example.com"
	stack  = "demo"
)

// begin is when every demo begins, by its own clock: three minutes past a full hour, so
// that the counts of that hour have arrived.
var begin = time.Date(2026, 3, 2, 0, 3, 0, 0, time.UTC)

// Options say what is shown.
type Options struct {
	Days   int             // virtual days, 1 to MaxDays
	Seed   int64           // varies the traffic; the same seed gives the same run
	Estate localaws.Estate // what there is to monitor; Estate() is made for it
	// Happened is told of everything worth a line, in the order of the demo's time; may be nil.
	Happened func(Event)
	// Progress is told after each cycle how many of all are done; may be nil.
	Progress func(done, total int, now time.Time)
	// Cycled is called after each cycle, at whose end the clock stands then, also while the
	// demo goes on after its days. Nothing else happens until it returns. May be nil.
	Cycled func(ctx context.Context)
	// Shown is told what happens, to be shown on a page; may be nil.
	Shown *serve.Memory
	// Version of the program, for the page.
	Version string
}

// Demo is a demo that has been set up.
type Demo struct {
	AWS    *localaws.Server
	Clock  *model.VirtualClock
	Home   string // the deployment region
	Params config.Values

	regions  []string // of the estate, sorted
	config   aws.Config
	env      func(name string) (string, bool)
	options  Options
	memory   *localaws.Memory
	app      *app.App
	handlers map[lambda.Function]*lambda.Handler
	watch    *watch
	mails    time.Time // up to which mails have been told of
	at       time.Time // of the last cycle
}

// New sets a demo up. It fails if the estate is invalid; nothing happens yet.
func New(o Options) (*Demo, error) {
	if o.Days < 1 || o.Days > MaxDays {
		return nil, fmt.Errorf("%d is not a number of days from 1 to %d", o.Days, MaxDays)
	}
	d := &Demo{options: o, watch: &watch{}, handlers: map[lambda.Function]*lambda.Handler{}}
	for _, region := range o.Estate.Regions {
		d.regions = append(d.regions, region.Name)
	}
	if len(d.regions) == 0 {
		return nil, errors.New("the estate has no region")
	}
	slices.Sort(d.regions)
	d.Home = homeOf(d.regions)
	d.Clock = model.NewVirtualClock(begin)
	described := o.Estate
	described.Seed += o.Seed
	var err error
	d.AWS, err = localaws.New(described, localaws.WithClock(d.Clock), localaws.WithAutoConfirm(), localaws.WithAlarmWatch(d.watch.alarm))
	if err != nil {
		return nil, err
	}
	d.memory = localaws.InMemory(d.AWS)
	d.config = awsapi.LocalConfig(d.Home, d.memory.URL(), "DEMO", d.memory.Transport())
	d.config.DisableRequestCompression = true // there is no network to be spared
	d.env = d.environment()
	if d.Params, err = config.Resolve(config.Sources{Env: d.env}); err != nil {
		d.memory.Shut()
		return nil, err
	}
	d.app = app.New(app.Options{
		Config: d.config, Clock: d.Clock, Deployment: d.deployment(),
		AuditLog: func(_ context.Context, record events.Audit) { d.watch.record(record) },
	})
	d.show()
	for _, f := range lambda.All() {
		d.handlers[f] = lambda.New(f, lambda.Options{
			Env: d.env, Log: d.watch, Clock: d.Clock, Observer: d.observer(),
			Config: func(context.Context, *slog.Logger) (aws.Config, error) { return d.config, nil },
		})
	}
	return d, nil
}

// homeOf is the deployment region.
func homeOf(regions []string) string {
	const usual = "us-east-1"
	if slices.Contains(regions, usual) {
		return usual
	}
	return regions[0]
}

// End is when the days are over, by the demo's clock.
func (d *Demo) End() time.Time { return begin.AddDate(0, 0, d.options.Days) }

// Close ends the demo, and forgets it.
func (d *Demo) Close() {
	d.app.Clients.Close()
	d.memory.Shut()
}

// Stopped is the error of a demo that was interrupted.
type Stopped struct {
	At   time.Time // by the demo's clock
	Days int       // there were to be
}

func (s *Stopped) Error() string {
	return fmt.Sprintf("the demo stopped at %s of its own time, after %d of %d hours; it touched nothing outside this process",
		s.At.Format("2006-01-02 15:04"), int(s.At.Sub(begin).Hours()), s.Days*24)
}

// Run lets the days pass. It is an error if ctx ends before (a *Stopped), or if the
// estate could not be looked at.
func (d *Demo) Run(ctx context.Context) (Result, error) {
	before, err := d.survey(ctx)
	if err == nil {
		err = d.deploy(ctx)
	}
	if err != nil {
		return Result{}, d.ended(ctx, err)
	}
	d.tellYoung(before)
	total := d.options.Days * int(24*time.Hour/cycleEvery)
	d.at = begin.Truncate(cycleEvery)
	for n := range total {
		if err := d.step(ctx); err != nil {
			return Result{}, d.ended(ctx, err)
		}
		if d.options.Progress != nil {
			d.options.Progress(n+1, total, d.Clock.Now())
		}
	}
	d.wait(d.End())
	after, err := d.survey(ctx)
	if err != nil {
		return Result{}, d.ended(ctx, err)
	}
	return d.result(before, after), nil
}

// GoOn lets a cycle of 5 minutes pass at every pace of real time, after Run and until ctx
// ends. Happened and Progress hear nothing of it.
func (d *Demo) GoOn(ctx context.Context, pace time.Duration) {
	d.options.Happened = nil
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

// ended tells an interruption from a failure.
func (d *Demo) ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &Stopped{At: d.Clock.Now(), Days: d.options.Days}
	}
	return err
}

// wait moves the clock on to a time, if it has not passed it.
func (d *Demo) wait(until time.Time) { d.Clock.Advance(until.Sub(d.Clock.Now())) }
