package serve

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// The schedules are those of the template: monitor cron(0/5 * * * ? *), dashboard
// cron(3 * * * ? *).
const (
	cycleEvery  = 5 * time.Minute
	boardsEvery = time.Hour
	boardsAt    = 3 * time.Minute
	// cycleTime bounds a cycle that hangs: the next is due by then.
	cycleTime = 4*time.Minute + 30*time.Second
)

// metricProblems counts what failed in a cycle while the rest went on, as the monitor
// function does.
const metricProblems = "monitorProblems"

// nextMark is the mark after the given one. Marks that passed unserved, because the
// machine slept for instance, are left out, but for the last: the data that it asks for
// are those of now.
func nextMark(mark, now time.Time) time.Time {
	next, last := mark.Add(cycleEvery), now.Truncate(cycleEvery)
	if last.After(next) {
		return last
	}
	return next
}

// nextBoards is when the dashboard is built next.
func nextBoards(now time.Time) time.Time {
	next := now.Truncate(boardsEvery).Add(boardsAt)
	if !next.After(now) {
		next = next.Add(boardsEvery)
	}
	return next
}

// runCycles runs a cycle for each mark until ctx ends. The first is that of the last mark,
// at once: whoever starts a daemon wants to see whether it works, and what the one before it
// was broken off at goes on.
func (d *Daemon) runCycles(ctx context.Context) {
	mark := d.clock.Now().Truncate(cycleEvery)
	for {
		d.runCycle(ctx, mark)
		mark = nextMark(mark, d.clock.Now())
		d.memory.Update(func(s *Status) { s.NextCycle = mark })
		// A clock that was set back makes several sleeps of one.
		for now := d.clock.Now(); now.Before(mark); now = d.clock.Now() {
			if d.clock.Sleep(ctx, mark.Sub(now)) != nil {
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// runCycle runs the cycle of one mark, whoever's turn it is.
func (d *Daemon) runCycle(ctx context.Context, mark time.Time) {
	role := d.turn(ctx, mark)
	if ctx.Err() != nil && role != Leading {
		return
	}
	d.claimed = claimed{}
	if role == Leading {
		d.claimed = claimed{mark: mark}
	}
	began := d.clock.Now()
	d.memory.Update(func(s *Status) { s.Running, s.Role = began, role })
	one, p := d.leading, d.o.Params
	if role == Standby {
		// What it would read for hourly checks, the one that leads reads already.
		one, p.HourlyChecks = d.standby, model.Never
	}
	bounded, cancel := context.WithTimeout(ctx, cycleTime)
	result, err := one.Run(bounded, cycle.Input{Params: p, ScheduledAt: mark})
	cancel()
	d.o.Progress("", 0, 0)
	if role == Leading {
		// Rehearsals are told last; done again they would be told twice.
		d.claimed.done = ctx.Err() == nil || rehearsed(result)
	}
	d.ended(ctx, CycleRecord{At: mark, Began: began, Took: d.clock.Now().Sub(began), Role: role}, result, err)
}

// rehearsed tells whether notifications of a dry run were sent.
func rehearsed(r report.Result) bool {
	for _, e := range r.Events {
		if e.DetailType == string(events.DryRunDecision) {
			return true
		}
	}
	return false
}

// ended notes and tells of a cycle.
func (d *Daemon) ended(ctx context.Context, record CycleRecord, result report.Result, err error) {
	record = record.With(result, err)
	credentials := ""
	if awsapi.KindOf(err) == awsapi.NoCredentials {
		credentials = record.Error
	}
	now := d.clock.Now()
	d.memory.AddCycle(record, result, now)
	d.memory.Update(func(s *Status) { s.Credentials = credentials })
	d.metrics.cycleEnded(record, result, err, ctx.Err() != nil)
	switch {
	case ctx.Err() != nil:
		d.log.InfoContext(ctx, "cycle broken off, as the daemon stops; what was left undone comes with the next one")
		return
	case err != nil:
		d.log.ErrorContext(ctx, "cycle failed", "role", string(record.Role), "err", record.Error)
	default:
		d.tellProblems(ctx, result.Problems)
		if record.Role == Standby { // what it would have written, the one that leads has
			d.log.InfoContext(ctx, "cycle done", "role", string(record.Role), "resources", record.Resources,
				"problems", record.Problems, "calls", record.Calls, "took", record.Took.String())
			break
		}
		d.log.InfoContext(ctx, "cycle done", "role", string(record.Role), "resources", record.Resources, "metrics", result.MetricsPublished,
			"alarms_created", result.Alarms.Created, "alarms_updated", result.Alarms.Updated, "alarms_deleted", result.Alarms.Deleted,
			"alarms_left", result.Alarms.Left, "events", record.Events, "problems", record.Problems, "calls", record.Calls, "took", record.Took.String())
	}
	if record.Role == Leading {
		d.afterLeading(ctx, record, err)
	}
}

// afterLeading publishes how many problems there were, as silence must not be taken for
// health, and has the dashboard built for the first time.
func (d *Daemon) afterLeading(ctx context.Context, record CycleRecord, err error) {
	if err != nil {
		return
	}
	_, failed := d.app.Writer.Publish(ctx, []model.Datum{{
		Region: d.o.Config.Region, Metric: model.Metric{Namespace: model.NamespaceMonitor, Name: metricProblems},
		Unit: "Count", Value: float64(record.Problems), Time: d.clock.Now().UTC(),
	}})
	d.tellProblems(ctx, failed)
	identity, err := d.app.Owner.Identity(ctx)
	if err == nil {
		d.memory.Update(func(s *Status) { s.Account = identity.Account })
	}
	// The cycle may have asked for it already.
	if d.builds.idle() && d.memory.Status().LastDashboard.IsZero() {
		d.builds.ask(nil)
	}
}

// tellProblems logs what failed while the rest went on: a warning for a single resource,
// an error for more than that.
func (d *Daemon) tellProblems(ctx context.Context, list []model.Problem) {
	for _, p := range list {
		level := slog.LevelWarn
		if p.ARN == "" {
			level = slog.LevelError
		}
		d.log.Log(ctx, level, "problem", "op", p.Operation, "arn", p.ARN, "region", p.Region, "err", p.Message())
	}
}

// requests are rebuilds of the dashboard that were asked for and not begun yet.
type requests struct {
	mu    sync.Mutex
	ended []model.ARN // just taken out of service
	some  chan struct{}
	open  int // asked for or begun, and not ended yet
}

func newRequests() *requests { return &requests{some: make(chan struct{}, 1)} }

// ask notes a request; several that come before the work begins are one.
func (r *requests) ask(ended []model.ARN) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = append(r.ended, ended...)
	select {
	case r.some <- struct{}{}:
		r.open++
	default:
	}
}

// afterCycle is ask for a cycle, which has nothing to wait for.
func (r *requests) afterCycle(_ context.Context, ended []model.ARN) []model.Problem {
	r.ask(ended)
	return nil
}

// begin begins the work, for all requests so far. It gives the resources of these, and what
// is to be called in the end.
func (r *requests) begin() (ended []model.ARN, done func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ended, r.ended = r.ended, nil
	select {
	case <-r.some: // come just when it was time anyway
	default:
	}
	r.open = 1
	return ended, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.open--
	}
}

// idle tells whether nothing was asked for that is not done.
func (r *requests) idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.open == 0
}

// runBoards builds the dashboard every hour, and when it is asked for, until ctx ends.
func (d *Daemon) runBoards(ctx context.Context) {
	for {
		next := nextBoards(d.clock.Now())
		d.memory.Update(func(s *Status) { s.NextDashboard = next })
		d.builds.await(ctx, d.clock, next)
		if ctx.Err() != nil {
			return
		}
		d.buildBoards(ctx)
	}
}

// await waits for a request or the time given, or until ctx ends.
func (r *requests) await(ctx context.Context, clock model.Clock, until time.Time) {
	waiting, cancel := context.WithCancel(ctx)
	var slept sync.WaitGroup
	slept.Go(func() {
		_ = clock.Sleep(waiting, until.Sub(clock.Now())) // it ends with the context at the latest
		cancel()
	})
	select {
	case <-waiting.Done():
	case <-r.some:
	}
	cancel()
	slept.Wait()
}

// buildBoards builds the dashboard, if this daemon leads.
func (d *Daemon) buildBoards(ctx context.Context) {
	ended, done := d.builds.begin()
	defer done()
	if d.memory.Status().Role != Leading {
		return
	}
	built, err := d.boards.Build(ctx, cycle.DashboardInput{Params: d.o.Params, LeaveOut: ended})
	if err != nil {
		if !errors.Is(ctx.Err(), context.Canceled) {
			d.log.ErrorContext(ctx, "dashboard not built", "what", d.o.Params.DashboardName, "err", awsapi.Line(err))
			d.metrics.builds.WithLabelValues("failed").Inc()
		}
		return
	}
	d.tellProblems(ctx, built.Problems)
	now := d.clock.Now()
	d.memory.Update(func(s *Status) { s.LastDashboard = now })
	d.metrics.builds.WithLabelValues("done").Inc()
	names := make([]string, 0, len(built.Dashboards))
	for _, board := range built.Dashboards {
		names = append(names, board.Name+" "+string(board.Change))
	}
	d.log.InfoContext(ctx, "dashboard built", "what", strings.Join(names, ", "), "resources", built.Resources, "problems", len(built.Problems))
}
