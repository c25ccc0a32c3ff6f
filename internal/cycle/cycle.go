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
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/act"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Progress is told how far a step has come. It may be called from several goroutines.
type Progress func(step string, done, total int)

// Inventory discovers resources.
type Inventory interface {
	// Discover lists the scope and describes what is new, changed, unsettled or due.
	Discover(ctx context.Context, scope model.Scope, due func(model.ARN) bool, progress func(done, total int)) model.Snapshot
	// Refresh describes the given resources anew; those that are gone are left out.
	Refresh(ctx context.Context, resources []model.Resource) ([]model.Resource, []model.Problem)
}

// Meter answers questions about metrics.
type Meter interface {
	Measure(ctx context.Context, queries []model.Query, progress func(done, total int)) (model.Readings, []model.Problem)
}

// Actor carries out every write, or in a dry run none.
type Actor interface {
	// Publish puts metric data, each into its own region.
	Publish(ctx context.Context, data []model.Datum) (published int, problems []model.Problem)
	// Notify keeps topics, subscriptions and the notification rule in order and gives
	// the topic of each region that has one.
	Notify(ctx context.Context, in act.NotifyInput) (map[string]model.ARN, []model.Problem)
	// ListAlarms lists the metric alarms of a region whose names start with our prefix.
	ListAlarms(ctx context.Context, region string) ([]rules.Alarm, error)
	// ReconcileAll carries out alarm changes in several regions until the time is up.
	ReconcileAll(ctx context.Context, inputs []act.ReconcileInput) (act.AlarmCounts, []model.Problem)
	// Emit puts events on the bus of the deployment region.
	Emit(ctx context.Context, list []events.Event) (sent []events.Event, problems []model.Problem)
	// RebuildDashboard has the dashboard built again, in this process or by an event.
	RebuildDashboard(ctx context.Context, detail events.BuildDetail) (sent []events.Event, problems []model.Problem)
	// EndingsLeft is how many resources of a region may still be deleted and stopped by
	// themselves within the hour, and why not more.
	EndingsLeft(ctx context.Context, region string, limit int) (left int, why string)
	// AskedFor notes stops and deletes that others were asked for.
	AskedFor(list []events.Event)
	// CountRefused publishes how many actions were refused.
	CountRefused(ctx context.Context, counts map[act.RefusedKey]int)
	// Do carries out an action.
	Do(ctx context.Context, action model.Action, req events.Request) (act.Answer, error)
}

// Observer is told what a cycle finds, to be shown; nothing is decided by it. Its methods
// are called from several goroutines, and must return soon and keep lists unchanged.
type Observer interface {
	// SawEstate is told what was found in a region, and what could not be listed.
	SawEstate(snapshot model.Snapshot)
	// SawAlarms is told the alarms of a region as they were before the cycle changed any.
	SawAlarms(region string, list []rules.Alarm)
}

// unseen observes nothing.
type unseen struct{}

func (unseen) SawEstate(model.Snapshot)        {}
func (unseen) SawAlarms(string, []rules.Alarm) {}

// defaultBudget is how long a cycle may take: it comes round every 5 minutes, and what
// is slow is carried over to the next one.
const defaultBudget = 4 * time.Minute

// deadlineMargin is kept free before the context's deadline, to report in.
const deadlineMargin = 10 * time.Second

// lookShare of the budget is given to each of the two rounds of looking: who does not
// answer by then is left out, so that a region that hangs costs the others nothing.
const lookShare = 3.0 / 8

// Options wires a cycle.
type Options struct {
	Inventory Inventory
	Meter     Meter
	Actor     Actor
	Clock     model.Clock
	Logger    *slog.Logger
	Progress  Progress // may be nil
	Observer  Observer // may be nil
	// Trail takes a record of each decision that would change something; nil logs them.
	Trail act.Trail
	// Calls counts the AWS calls made so far by "service.Operation"; may be nil.
	Calls func() map[string]int
	// Region is the deployment region: where events, the notification rule and the
	// count of resources are.
	Region string
	DryRun bool
	// Act has decisions carried out in this process instead of sent as events. Only
	// notifications are sent then.
	Act bool

	// Rebuild builds the dashboard without the resources just taken out of service. It is
	// called once, at the end of a cycle that acted. Nil leaves it to the Actor.
	Rebuild func(ctx context.Context, ended []model.ARN) []model.Problem
	// Prices has the result tell what each decision would save, and what that is worth; nil
	// leaves it out.
	Prices PriceSource

	// Budget is how long a cycle may take; zero means 4 minutes. A nearer deadline of the
	// context wins.
	Budget time.Duration
}

// Cycle runs monitoring cycles. Between them it keeps nothing but which window it has
// measured last.
type Cycle struct {
	Options

	published atomic.Pointer[time.Time] // start of that window; nil before the first
}

// New makes a cycle.
func New(o Options) *Cycle {
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	if o.Observer == nil {
		o.Observer = unseen{}
	}
	if o.Budget == 0 {
		o.Budget = defaultBudget
	}
	if o.Trail == nil {
		o.Trail = act.LogTrail(o.Logger)
	}
	return &Cycle{Options: o}
}

// Input is what one cycle is run for.
type Input struct {
	Params config.Values
	// ScheduledAt is the time of the event that started the cycle, from which the
	// measured window is derived; zero means now.
	ScheduledAt time.Time
}

// run is one cycle under way: what the steps have found so far.
type run struct {
	*Cycle
	params   config.Values
	settings rules.Settings
	moment   rules.EvaluationTime
	budget   time.Duration
	until    time.Time // alarms are left to the next cycle from here on

	mu       sync.Mutex // guards what regions add at the same time
	snapshot model.Snapshot
	readings model.Readings
	alarms   act.AlarmCounts
	outcomes map[model.ARN]act.Outcome // of what was carried out here
	restores map[model.ARN]string      // the commands that undo it
	ended    map[model.ARN]bool        // what was deleted or stopped here
	removed  int                       // alarms of what was
	result   report.Result
	first    error // the first problem of all
}

// ErrNothingMeasured is wrapped by the error of a cycle that could not list a single
// region.
var ErrNothingMeasured = errors.New("nothing could be measured")

// Run runs one cycle. Failures of single regions or resources are problems in the
// result; it is an error only if no region could be looked at.
func (c *Cycle) Run(ctx context.Context, in Input) (report.Result, error) {
	r := c.start(ctx, in)
	began, callsBefore := time.Now(), c.calls()

	existing := r.listAlarms(ctx) // meanwhile; it needs nothing that is found here
	r.lookAtRegions(ctx)
	if err := r.nothingSeen(ctx); err != nil {
		<-existing
		return report.Result{}, err
	}
	r.noticeGap(ctx)
	r.publishCount(ctx)

	topics := r.notify(ctx) // meanwhile
	decisions := r.decideAll(ctx)
	savings := r.savings(ctx, decisions)
	alarms := <-existing
	if r.Act {
		r.carryOut(ctx, decisions)
		alarms = r.withoutEnded(alarms)
	} else {
		r.ask(ctx, decisions)
	}
	r.emit(ctx, rehearsals(decisions))
	r.refusals(ctx, decisions)

	r.reconcile(ctx, alarms, <-topics, decisions)
	r.rebuild(ctx, r.alarms.Created+r.alarms.Deleted)
	return r.report(decisions, savings, callsBefore, time.Since(began)), nil
}

// start settles what the cycle is about: the moment, the settings and the time allowed.
func (c *Cycle) start(ctx context.Context, in Input) *run {
	now := c.Clock.Now()
	moment, noChecks, warning := rules.EvaluationTimeOf(now, in.ScheduledAt, in.Params.MetricDelay)
	if warning != "" {
		c.Logger.WarnContext(ctx, "the event's time is not used", "err", warning)
	}
	budget := c.Budget
	if deadline, ok := ctx.Deadline(); ok {
		// The context runs on real time, the clock may not.
		budget = max(0, min(budget, time.Until(deadline)-deadlineMargin))
	}
	r := &run{
		Cycle: c, params: in.Params, moment: moment, budget: budget, until: now.Add(budget), readings: model.Readings{},
		outcomes: map[model.ARN]act.Outcome{}, restores: map[model.ARN]string{}, ended: map[model.ARN]bool{},
	}
	r.settings = settingsOf(in.Params, c.Region)
	r.settings.NoChecks = noChecks
	r.result = report.Result{Window: report.Window{Start: moment.Window.Start, End: moment.Window.End}, DryRun: c.DryRun}
	return r
}

// settingsOf are the parameters as the rules take them.
func settingsOf(p config.Values, region string) rules.Settings {
	return rules.Settings{
		AdjustMinTPS: p.AutoAdjustMinTPS, StopIdle: p.AutoDeleteOrStopIdle, IdleHours: p.IdleThresholdHours,
		HourlyChecks: p.HourlyChecks, DeploymentRegion: region,
	}
}

func (c *Cycle) calls() map[string]int { return calls(c.Calls) }

func (r *run) due(arn model.ARN) bool { return rules.Due(arn, r.settings, r.moment) }

func (r *run) step(name string) func(done, total int) {
	return func(done, total int) { r.Progress(name, done, total) }
}

// look gives a context for one round of looking.
func (r *run) look(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, time.Duration(lookShare*float64(r.budget)))
}

// findShare of a round of looking is given to finding the resources, so that one that hangs
// leaves the others the time to be measured in.
const findShare = 2.0 / 3

// find gives a context for discovering within a round of looking.
func (r *run) find(looking context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(looking, time.Duration(findShare*lookShare*float64(r.budget)))
}

// lookAtRegions discovers, measures and publishes every region by itself and at the
// same time, so that none waits for another.
func (r *run) lookAtRegions(ctx context.Context) {
	scope := Scope(r.params, r.Region)
	group := errgroup.Group{}
	group.SetLimit(regionConcurrency)
	for _, region := range Regions(scope) {
		group.Go(func() error {
			r.lookAt(ctx, region, within(scope, region))
			return nil
		})
	}
	_ = group.Wait() // failures are problems
	slices.SortFunc(r.snapshot.Resources, model.CompareResources)
}

// lookAt does one region: discover, measure the window, and publish the metrics before
// anything else is attempted with its resources.
func (r *run) lookAt(ctx context.Context, region string, scope model.Scope) {
	looking, cancel := r.look(ctx)
	defer cancel()
	finding, found := r.find(looking)
	snapshot := r.Inventory.Discover(finding, scope, r.due, r.step("discover "+region))
	found()
	r.Observer.SawEstate(snapshot)
	readings, problems := r.measure(looking, "measure "+region, rules.WindowQueries(snapshot.Resources, r.moment))
	data := make([]model.Datum, 0, 3*len(snapshot.Resources))
	for _, resource := range snapshot.Resources {
		data = append(data, rules.Metrics(resource, rules.ThroughputOf(resource, readings, r.moment), r.moment.Window)...)
	}
	published, failed := r.publish(ctx, data)

	r.mu.Lock()
	defer r.mu.Unlock()
	r.snapshot.Resources = append(r.snapshot.Resources, snapshot.Resources...)
	r.snapshot.Others = append(r.snapshot.Others, snapshot.Others...)
	r.snapshot.Listings = append(r.snapshot.Listings, snapshot.Listings...)
	maps.Copy(r.readings, readings)
	r.result.MetricsPublished += published
	r.problems(slices.Concat(snapshot.Problems, problems, failed)...)
}

func (r *run) measure(ctx context.Context, step string, queries []model.Query) (model.Readings, []model.Problem) {
	if len(queries) == 0 {
		return nil, nil
	}
	return r.Meter.Measure(ctx, queries, r.step(step))
}

func (r *run) publish(ctx context.Context, data []model.Datum) (int, []model.Problem) {
	if len(data) == 0 {
		return 0, nil
	}
	return r.Actor.Publish(ctx, data)
}

// publishCount publishes how many resources are monitored, once all regions were seen.
func (r *run) publishCount(ctx context.Context) {
	published, problems := r.publish(ctx, []model.Datum{rules.CountMetric(r.Region, len(r.snapshot.Resources), r.moment.Window)})
	r.result.MetricsPublished += published
	r.problems(problems...)
}

// nothingSeen is the error of a cycle that cannot go on: no listing succeeded and no
// earlier copy stood in.
func (r *run) nothingSeen(ctx context.Context) error {
	if len(r.snapshot.Resources) > 0 || len(r.result.Problems) == 0 && ctx.Err() == nil {
		return nil
	}
	for _, l := range r.snapshot.Listings {
		if l.Campaigns || l.Recommenders {
			return nil
		}
	}
	const stopped = "stopped while looking for campaigns and recommenders"
	switch err := ctx.Err(); {
	case err == nil:
		return fmt.Errorf("%w: %w", ErrNothingMeasured, r.first)
	case r.first == nil:
		return fmt.Errorf("%w: %s: %w", ErrNothingMeasured, stopped, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrNothingMeasured, stopped, r.first)
}

// notify begins to put topics, subscriptions and the rule in order, and gives the
// topics when that is done.
func (r *run) notify(ctx context.Context) <-chan map[string]model.ARN {
	in := act.NotifyInput{Regions: []string{r.Region}, Endpoints: r.params.Endpoints}
	for _, resource := range r.snapshot.Resources {
		in.Regions = append(in.Regions, resource.Region())
		in.Identity = act.Identity{Account: resource.ARN.Account, Partition: resource.ARN.Partition}
	}
	slices.Sort(in.Regions)
	in.Regions = slices.Compact(in.Regions)
	done := make(chan map[string]model.ARN, 1)
	go func() {
		looking, cancel := r.look(ctx)
		defer cancel()
		topics, problems := r.Actor.Notify(looking, in)
		r.mu.Lock()
		r.problems(problems...)
		r.mu.Unlock()
		done <- topics
	}()
	return done
}
