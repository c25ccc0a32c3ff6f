// Package cycle is the pipeline: one monitoring cycle from start to end, discover → measure →
// decide → act → report. Read this file first. Values flow one way; each step returns what
// the later ones need. The steps that call AWS are behind the interfaces of parts.go.
package cycle

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/actions"
	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/audit"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// maxBudget is how long a cycle may take: cycles start every 5 minutes, and what does not fit is
// left to the next one. An earlier deadline of the context wins.
const maxBudget = 4 * time.Minute

// deadlineMargin is kept free before the context's deadline, for the report.
const deadlineMargin = 10 * time.Second

// Options wires a cycle.
type Options struct {
	Inventory Inventory
	Meter     Meter // answers rules.WatchedQuery too
	Gaps      *RegionGaps
	Tags      *ResourceTags
	Writer    Writer
	Notifier  Notifier
	Alarms    Alarms
	Actions   Actions
	Budgets   Budget
	Rebuilder Rebuilder
	Clock     model.Clock
	Logger    *slog.Logger
	Progress  Progress // may be nil
	Observer  Observer // may be nil
	// AuditLog records each decision that would change something; nil writes the records to
	// Logger.
	AuditLog audit.Log
	// Calls counts the AWS calls made so far by "service.Operation"; may be nil.
	Calls func() map[string]int
	// ClockOffset compares the host's clock with AWS's.
	ClockOffset ClockOffset
	// Region is the deployment region, with the events, the notification rule and the count of
	// resources.
	Region string
	DryRun bool
	// Act executes decisions in this process instead of sending them as events. Only
	// notifications are sent then.
	Act bool
	// Rebuild builds the dashboard without the resources that the cycle deleted or stopped. It
	// is called once, at the end of a cycle that acts. Nil leaves it to the Rebuilder.
	Rebuild func(ctx context.Context, removed []model.ARN) []model.Problem
	// Prices adds to the result what each decision would save, and its value; nil leaves that
	// out.
	Prices PriceSource
}

// Cycle runs monitoring cycles. The only state it keeps between them is the window that was
// measured last.
type Cycle struct {
	Options
	published atomic.Pointer[time.Time] // start of that window; nil before the first
}

// New makes a cycle.
func New(o Options) *Cycle {
	if o.AuditLog == nil {
		o.AuditLog = audit.ToLogger(o.Logger)
	}
	return &Cycle{Options: o}
}

// Input is what one cycle is run for.
type Input struct {
	Params config.Values
	// ScheduledAt is the time of the event that started the cycle, which determines the
	// measured window; zero means now.
	ScheduledAt time.Time
	// MayEnd are the ARNs of what may be deleted or stopped, as a person has confirmed them. Nil means
	// that no one was asked, and all may be.
	MayEnd map[string]bool
}

// ErrNothingMeasured is wrapped by the error of a cycle that could not list a single region.
var ErrNothingMeasured = errors.New("nothing could be measured")

// Run runs one cycle. Failures of single regions or resources are problems in the result. It
// is an error only if no region could be listed.
func (c *Cycle) Run(ctx context.Context, in Input) (report.Result, error) {
	r := c.start(ctx, in)
	existing := r.listAlarms(ctx) // runs beside discovery, which it does not need
	r.discover(ctx)
	if err := r.nothingListed(ctx); err != nil {
		<-existing
		return report.Result{}, err
	}
	r.logGap(ctx)
	r.publishCount(ctx)

	notified := r.notify(ctx) // runs beside the decisions
	r.checkClock()            // guard: cycle: wrong clock
	decisions := r.decideAll(ctx)
	r.readings = nil // most of what a cycle holds, and nothing else needs them
	r.applySchedules(ctx, decisions)
	refuseUnconfirmed(decisions, in.MayEnd)
	topics := <-notified // whose tags count what is done
	r.applyBudgets(ctx, decisions, topics)
	savings := r.savings(ctx, decisions)
	alarms := <-existing
	if r.Act {
		r.execute(ctx, decisions)
		alarms = r.withoutRemoved(alarms)
	} else {
		r.sendCommands(ctx, decisions)
	}
	r.notifyDryRuns(ctx, decisions)
	r.notifyCautions(ctx, decisions)
	r.recordRefusals(ctx, decisions)
	r.Writer.CountLostRecords(ctx, r.lost)

	r.result.Resources = r.resources(decisions, savings)
	changes := r.alarmChanges(alarms, topics, decisions)
	r.snapshot = model.Snapshot{} // to change many alarms takes minutes, and needs no more than their changes
	r.showDecided()
	r.reconcile(ctx, changes)
	r.rebuildDashboard(ctx)
	return r.report(), nil
}

// run is the state of one cycle. Only problems may be added from several goroutines.
type run struct {
	*Cycle
	params      config.Values
	settings    rules.Settings
	at          rules.EvaluationTime
	began       time.Time // real time
	callsBefore map[string]int
	budget      time.Duration
	until       time.Time // alarm changes and actions after it are left to the next cycle

	problems problems
	snapshot model.Snapshot
	readings model.Readings
	alarms   alarms.Counts
	actions  map[model.ARN]actions.Answer // of the decisions executed here
	removed  map[model.ARN]bool           // what was deleted or stopped here
	lost     int                          // audit records of the cycle itself
	result   report.Result
}

// start determines the evaluation time, the settings and the time limit.
func (c *Cycle) start(ctx context.Context, in Input) *run {
	now := c.Clock.Now()
	at, noChecks, warning := rules.EvaluationTimeOf(now, in.ScheduledAt, in.Params.MetricDelay)
	if warning != "" {
		c.Logger.WarnContext(ctx, "the event's time is not used", "err", warning)
	}
	budget := maxBudget
	if deadline, ok := ctx.Deadline(); ok {
		// The context runs on real time, the clock may not.
		budget = max(0, min(budget, time.Until(deadline)-deadlineMargin))
	}
	return &run{
		Cycle: c, params: in.Params, settings: settingsOf(in.Params, c.Region, noChecks), at: at,
		began: time.Now(), callsBefore: callCounter(c.Calls).snapshot(), budget: budget, until: now.Add(budget),
		readings: model.Readings{}, actions: map[model.ARN]actions.Answer{}, removed: map[model.ARN]bool{},
		result: report.Result{Window: at.Window, DryRun: c.DryRun},
	}
}

// settingsOf are the parameters as the rules take them.
func settingsOf(p config.Values, region, noChecks string) rules.Settings {
	return rules.Settings{
		AdjustMinTPS: p.AutoAdjustMinTPS, StopIdle: p.AutoDeleteOrStopIdle,
		IdleHours: p.IdleThresholdHours, UsedIdleHours: p.UsedIdleThresholdHours,
		HourlyChecks: p.HourlyChecks, NoChecks: noChecks, DeploymentRegion: region,
	}
}
