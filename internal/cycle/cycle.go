// Package cycle is the pipeline: one monitoring cycle from start to end, discover →
// measure → decide → act → report. It is the file to read first. Values flow one way;
// what a later step needs, an earlier one carried. The steps that speak to AWS stand
// behind the interfaces below.
package cycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/act"
	"github.com/personalize-monitor/personalize-monitor/internal/decide"
	"github.com/personalize-monitor/personalize-monitor/internal/estate"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/params"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// Progress is told how far a step has come. It may be called from several goroutines.
type Progress func(step string, done, total int)

// Inventory discovers resources.
type Inventory interface {
	// Discover lists the scope and describes what is new, changed, unsettled or due.
	Discover(ctx context.Context, scope estate.Scope, due func(estate.ARN) bool, progress func(done, total int)) estate.Snapshot
	// Refresh describes the given resources anew; those that are gone are left out.
	Refresh(ctx context.Context, resources []estate.Resource) ([]estate.Resource, []estate.Problem)
}

// Meter answers questions about metrics.
type Meter interface {
	Measure(ctx context.Context, queries []estate.Query, progress func(done, total int)) (estate.Readings, []estate.Problem)
}

// Actor carries out every write, or in a dry run none.
type Actor interface {
	// Publish puts metric data, each into its own region.
	Publish(ctx context.Context, data []estate.Datum) (published int, problems []estate.Problem)
	// Notify keeps topics, subscriptions and the notification rule in order and gives
	// the topic of each region that has one.
	Notify(ctx context.Context, in act.NotifyInput) (map[string]estate.ARN, []estate.Problem)
	// ListAlarms lists the metric alarms of a region whose names start with our prefix.
	ListAlarms(ctx context.Context, region string) ([]decide.Alarm, error)
	// ReconcileAlarms carries out alarm changes until the time is up.
	ReconcileAlarms(ctx context.Context, in act.ReconcileInput) (act.AlarmCounts, []estate.Problem)
	// Emit puts events on the bus of the deployment region.
	Emit(ctx context.Context, list []events.Event) (sent []events.Event, problems []estate.Problem)
	// RebuildDashboard has the dashboard built again, in this process or by an event.
	RebuildDashboard(ctx context.Context, detail events.BuildDetail) (sent []events.Event, problems []estate.Problem)
	// Do carries out an action.
	Do(ctx context.Context, action events.Action, req events.Request) (act.Answer, error)
}

// defaultBudget is how long a cycle may take: it comes round every 5 minutes, and what
// is slow is carried over to the next one.
const defaultBudget = 4 * time.Minute

// deadlineMargin is kept free before the context's deadline, to report in.
const deadlineMargin = 10 * time.Second

// Options wires a cycle.
type Options struct {
	Inventory Inventory
	Meter     Meter
	Actor     Actor
	Clock     estate.Clock
	Logger    *slog.Logger
	Progress  Progress // may be nil
	// Calls counts the AWS calls made so far by "service.Operation"; may be nil.
	Calls func() map[string]int
	// Region is the deployment region: where events, the notification rule and the
	// count of resources are.
	Region string
	DryRun bool
	// Act has decisions carried out in this process instead of sent as events. Only
	// notifications are sent then.
	Act bool
}

// Cycle runs monitoring cycles. It keeps nothing between them.
type Cycle struct{ Options }

// New makes a cycle.
func New(o Options) *Cycle {
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	return &Cycle{Options: o}
}

// Input is what one cycle is run for.
type Input struct {
	Params params.Values
	// ScheduledAt is the time of the event that started the cycle, from which the
	// measured window is derived; zero means now.
	ScheduledAt time.Time
}

// run is one cycle under way: what the steps have found so far.
type run struct {
	*Cycle
	params   params.Values
	settings decide.Settings
	moment   decide.Moment
	until    time.Time // alarms are left to the next cycle from here on

	snapshot estate.Snapshot
	readings estate.Readings
	alarms   act.AlarmCounts
	outcomes map[estate.ARN]act.Outcome // of what was carried out here
	ended    map[estate.ARN]bool        // what was deleted or stopped here
	result   report.Result
}

// ErrNothingMeasured is wrapped by the error of a cycle that could not list a single
// region.
var ErrNothingMeasured = errors.New("nothing could be measured")

// Run runs one cycle. Failures of single regions or resources are problems in the
// result; it is an error only if no region could be looked at, or ctx ended before
// anything was published.
func (c *Cycle) Run(ctx context.Context, in Input) (report.Result, error) {
	r := c.start(ctx, in)
	began, callsBefore := c.Clock.Now(), c.calls()

	existing := r.listAlarms(ctx) // meanwhile; it needs nothing that is found here
	r.discover(ctx)
	if err := r.nothingSeen(ctx); err != nil {
		<-existing
		return report.Result{}, err
	}
	r.measureWindow(ctx)
	r.publish(ctx)

	var topics map[string]estate.ARN
	var notifyProblems []estate.Problem
	var decisions []decide.Decision
	group := errgroup.Group{}
	group.Go(func() error {
		topics, notifyProblems = r.notify(ctx)
		return nil
	})
	group.Go(func() error {
		decisions = r.decideAll(ctx)
		return nil
	})
	_ = group.Wait() // neither returns an error: failures are problems
	r.problems(notifyProblems...)

	alarms := <-existing
	if r.Act {
		r.carryOut(ctx, decisions)
		alarms = r.withoutEnded(alarms)
	} else {
		r.emit(ctx, commands(decisions, r.moment, r.settings))
	}
	removed := r.alarms.Deleted
	r.reconcile(ctx, alarms, topics, decisions)
	if changed := r.alarms.Created + r.alarms.Deleted - removed; changed > 0 {
		r.rebuild(ctx, changed)
	}
	return r.report(decisions, callsBefore, began), nil
}

// start settles what the cycle is about: the moment, the settings and the time allowed.
func (c *Cycle) start(ctx context.Context, in Input) *run {
	now := c.Clock.Now()
	moment, noChecks, warning := decide.MomentOf(now, in.ScheduledAt, in.Params.MetricDelay)
	if warning != "" {
		c.Logger.WarnContext(ctx, "the event's time is not used", "err", warning)
	}
	until := now.Add(defaultBudget)
	if deadline, ok := ctx.Deadline(); ok {
		// The context runs on real time, the clock may not.
		if left := now.Add(time.Until(deadline) - deadlineMargin); left.Before(until) {
			until = left
		}
	}
	r := &run{
		Cycle: c, params: in.Params, moment: moment, until: until, readings: estate.Readings{},
		outcomes: map[estate.ARN]act.Outcome{}, ended: map[estate.ARN]bool{},
	}
	r.settings = decide.Settings{
		AdjustMinTPS: in.Params.AutoAdjustMinTPS, StopIdle: in.Params.AutoDeleteOrStopIdle,
		IdleHours: in.Params.IdleThresholdHours, HourlyChecks: decide.Mode(in.Params.HourlyChecks),
		NoChecks: noChecks, DeploymentRegion: c.Region,
	}
	r.result = report.Result{Window: report.Window{Start: moment.Window.Start, End: moment.Window.End}, DryRun: c.DryRun}
	return r
}

func (c *Cycle) calls() map[string]int {
	if c.Calls == nil {
		return nil
	}
	return c.Calls()
}

func (r *run) due(arn estate.ARN) bool { return decide.Due(arn, r.settings, r.moment) }

func (r *run) step(name string) func(done, total int) {
	return func(done, total int) { r.Progress(name, done, total) }
}

func (r *run) discover(ctx context.Context) {
	scope := Scope(r.params, r.Region)
	r.snapshot = r.Inventory.Discover(ctx, scope, r.due, r.step("discover"))
	r.problems(r.snapshot.Problems...)
}

// nothingSeen is the error of a cycle that cannot go on: no listing succeeded and no
// earlier copy stood in.
func (r *run) nothingSeen(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: stopped while listing campaigns and recommenders: %w", ErrNothingMeasured, err)
	}
	if len(r.snapshot.Resources) > 0 || len(r.snapshot.Listings) == 0 {
		return nil
	}
	for _, l := range r.snapshot.Listings {
		if l.Campaigns || l.Recommenders {
			return nil
		}
	}
	if len(r.snapshot.Problems) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrNothingMeasured, r.snapshot.Problems[0])
}

// measureWindow reads the window of every resource.
func (r *run) measureWindow(ctx context.Context) {
	r.measure(ctx, "measure", decide.WindowQueries(r.snapshot.Resources, r.moment))
}

func (r *run) measure(ctx context.Context, step string, queries []estate.Query) {
	if len(queries) == 0 {
		return
	}
	readings, problems := r.Meter.Measure(ctx, queries, r.step(step))
	for q, series := range readings {
		r.readings[q] = series
	}
	r.problems(problems...)
}

// publish puts the metrics of all resources, before anything else is written.
func (r *run) publish(ctx context.Context) {
	data := []estate.Datum{decide.CountMetric(r.Region, len(r.snapshot.Resources), r.moment.Window)}
	for _, resource := range r.snapshot.Resources {
		throughput := decide.ThroughputOf(resource, r.readings, r.moment)
		data = append(data, decide.Metrics(resource, throughput, r.moment.Window)...)
	}
	published, problems := r.Actor.Publish(ctx, data)
	r.result.MetricsPublished = published
	r.problems(problems...)
}

func (r *run) notify(ctx context.Context) (map[string]estate.ARN, []estate.Problem) {
	seen := map[string]bool{r.Region: true}
	regions := []string{r.Region}
	for _, resource := range r.snapshot.Resources {
		if region := resource.Region(); !seen[region] {
			seen[region] = true
			regions = append(regions, region)
		}
	}
	return r.Actor.Notify(ctx, act.NotifyInput{Regions: regions, Endpoints: r.params.Endpoints})
}

// decideAll makes the hourly checks of the resources that are due, and decides on all.
// A recommender that would be acted on is described anew first: its list summary does
// not tell of an update under way.
func (r *run) decideAll(ctx context.Context) []decide.Decision {
	var queries []estate.Query
	for _, resource := range r.snapshot.Resources {
		if r.due(resource.ARN) {
			queries = append(queries, decide.CheckQueries(resource, decide.ThroughputOf(resource, r.readings, r.moment), r.settings, r.moment)...)
		}
	}
	r.measure(ctx, "check", queries)

	decisions := make([]decide.Decision, len(r.snapshot.Resources))
	var uncertain []int
	var look []estate.Resource
	for i, resource := range r.snapshot.Resources {
		decisions[i] = decide.Decide(resource, r.readings, r.settings, r.moment)
		if decisions[i].Action.Changes() && !resource.Described {
			uncertain = append(uncertain, i)
			look = append(look, resource)
		}
	}
	if len(look) == 0 {
		return decisions
	}
	fresh, problems := r.Inventory.Refresh(ctx, look)
	r.problems(problems...)
	byARN := make(map[estate.ARN]estate.Resource, len(fresh))
	for _, resource := range fresh {
		byARN[resource.ARN] = resource
	}
	for _, i := range uncertain {
		decisions[i] = r.decideAgain(decisions[i], byARN)
	}
	return decisions
}

// decideAgain decides on the fresh description, or refuses if there is none.
func (r *run) decideAgain(d decide.Decision, fresh map[estate.ARN]estate.Resource) decide.Decision {
	resource, ok := fresh[d.Resource.ARN]
	switch {
	case !ok:
		return decide.Refuse(d, "it could not be described anew")
	case !resource.Monitored():
		return decide.Refuse(d, fmt.Sprintf("its status is now %s", resource.Status))
	}
	return decide.Decide(resource, r.readings, r.settings, r.moment)
}

// emit puts events on the bus and notes those that were sent.
func (r *run) emit(ctx context.Context, list []events.Event) {
	if len(list) == 0 {
		return
	}
	sent, problems := r.Actor.Emit(ctx, list)
	r.addEvents(sent)
	r.problems(problems...)
}
