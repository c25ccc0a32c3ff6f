package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// cycleTime bounds a cycle that hangs: the next one is due by then.
const cycleTime = 4*time.Minute + 30*time.Second

// metricProblems counts what failed in a cycle while the rest continued, as in the monitor
// function.
const metricProblems = "monitorProblems"

// nextTick is the tick after the given one. Ticks that passed, for example because the
// machine slept, are skipped except the last: its data are the current ones.
func nextTick(tick, now time.Time) time.Time {
	next, last := tick.Add(cycleEvery), now.Truncate(cycleEvery)
	if last.After(next) {
		return last
	}
	return next
}

// cycleLoop runs the cycles of a daemon.
type cycleLoop struct {
	lease            *lease
	leading, standby *cycle.Cycle // standby writes nothing
	writer           *writer.Writer
	queue            *rebuildQueue
	memory           *Memory
	metrics          *metrics
	params           config.Values
	region           string // deployment region
	progress         cycle.Progress
	clock            model.Clock
	log              *slog.Logger
	check            func(context.Context) error // that there are credentials
	slot             *slot                       // in the room of all accounts
	learn            bool                        // describe the endpoints before the first cycle
}

// run runs a cycle for each tick until ctx ends. The first cycle is that of the last tick and
// begins at once: a person who starts a daemon wants to see whether it works, and the work
// that a former daemon left unfinished continues.
func (l *cycleLoop) run(ctx context.Context) {
	if l.learn {
		l.learnEndpoints(ctx)
	}
	tick := l.clock.Now().Truncate(cycleEvery)
	for {
		l.runCycle(ctx, tick)
		tick = nextTick(tick, l.clock.Now())
		l.memory.Update(func(s *Status) { s.NextCycle = tick })
		// If the clock is set back, one sleep is not enough.
		for now := l.clock.Now(); now.Before(tick); now = l.clock.Now() {
			if l.clock.Sleep(ctx, tick.Sub(now)) != nil {
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// learnEndpoints describes the endpoints of one of several accounts before its first cycle. Many accounts do that at the
// same time, while few have a cycle, and then it is known how much room a cycle of theirs takes.
func (l *cycleLoop) learnEndpoints(ctx context.Context) {
	if l.check(ctx) != nil || l.slot.room.learning.Acquire(ctx, 1) != nil {
		return // the cycle reports the former
	}
	defer l.slot.room.learning.Release(1)
	bounded, cancel := context.WithTimeout(ctx, cycleTime)
	defer cancel()
	l.memory.BeginProgress()
	l.slot.saw(l.standby.Learn(bounded, l.params))
}

// runCycle runs the cycle of one tick, as leader or as standby.
func (l *cycleLoop) runCycle(ctx context.Context, tick time.Time) {
	began := l.clock.Now()
	if err := l.check(ctx); err != nil {
		l.record(ctx, NewCycleRecord(began, l.clock.Now(), l.memory.Status().Role, report.Result{}, err), report.Result{}, err)
		return
	}
	defer l.slot.release()
	role := l.turn(ctx, tick)
	if ctx.Err() != nil && role != Leading {
		return
	}
	began = l.clock.Now() // without the wait for its turn
	one, params := l.leading, l.params
	if role == Standby {
		// The leader already reads the data of hourly checks.
		one, params.HourlyChecks = l.standby, model.Elsewhere
	}
	bounded, cancel := context.WithTimeout(ctx, cycleTime)
	l.memory.BeginProgress()
	result, err := one.Run(bounded, cycle.Input{Params: params, ScheduledAt: tick})
	cancel()
	if err == nil && readNothing(result) {
		err = nothingRead(result)
	}
	l.progress("", 0, 0)
	// Notifications of a dry run are sent last; a repeated cycle would send them twice.
	interrupted := ctx.Err() != nil
	notified := slices.ContainsFunc(result.Events, func(e report.Event) bool { return e.DetailType == string(events.DryRunDecision) })
	l.lease.finish(!interrupted || notified)
	l.record(ctx, NewCycleRecord(began, l.clock.Now(), role, result, err), result, err)
}

// turn agrees on the leader, and waits for room among the cycles of all accounts. After a wait in which the
// next tick has come another daemon may lead, as it had to take this one for lost: then they agree again.
func (l *cycleLoop) turn(ctx context.Context, tick time.Time) Role {
	role := l.lease.acquire(ctx, tick, l.memory.Status().Role)
	if ctx.Err() != nil && role != Leading {
		return role
	}
	l.memory.Update(func(s *Status) { s.Role = role })
	l.slot.acquire(ctx)
	if latest := l.clock.Now().Truncate(cycleEvery); role == Leading && latest.After(tick) {
		role = l.lease.acquire(ctx, latest, role)
		l.memory.Update(func(s *Status) { s.Role = role })
	}
	return role
}

// errNothingRead is the outcome of a cycle that could list resources but read no metric data
// of any: it did not do its work.
var errNothingRead = errors.New("no metric data could be read")

// nothingRead is that error, with the first problem as the reason.
func nothingRead(result report.Result) error {
	if len(result.Problems) == 0 {
		return errNothingRead
	}
	return fmt.Errorf("%w: %w", errNothingRead, result.Problems[0])
}

func readNothing(result report.Result) bool {
	unread := 0
	for _, r := range result.Resources {
		switch {
		case r.Average != nil:
			return false
		case !r.Invisible:
			unread++
		}
	}
	return unread > 0
}

// record remembers, counts and logs a cycle.
func (l *cycleLoop) record(ctx context.Context, record CycleRecord, result report.Result, err error) {
	interrupted := ctx.Err() != nil
	l.memory.AddCycle(record, result, l.clock.Now())
	l.memory.Update(func(s *Status) {
		s.Credentials = ""
		if awsapi.KindOf(err) == awsapi.NoCredentials {
			s.Credentials = record.Error
		}
	})
	l.metrics.cycleEnded(record, result, err, interrupted)
	switch {
	case interrupted:
		l.log.InfoContext(ctx, "cycle interrupted, as the daemon stops; the next cycle continues")
		return
	case err != nil && !errors.Is(err, errNothingRead):
		l.log.ErrorContext(ctx, "cycle failed", "role", string(record.Role), "err", record.Error)
		return
	}
	logProblems(ctx, l.log, result.Problems)
	if err != nil {
		l.log.ErrorContext(ctx, "cycle failed", "role", string(record.Role), "err", record.Error)
	}
	fields := []any{"role", string(record.Role), "resources", record.Resources}
	if record.Role == Leading { // what a standby would write, the leader writes
		fields = append(fields, "metrics", result.MetricsPublished, "alarms_created", result.Alarms.Created,
			"alarms_updated", result.Alarms.Updated,
			"alarms_deleted", result.Alarms.Deleted, "alarms_left", result.Alarms.Left, "events", record.Events)
	}
	l.log.InfoContext(ctx, "cycle done", append(fields, "problems", record.Problems, "calls", record.Calls, "took", record.Took.String())...)
	if record.Role == Leading {
		l.afterLeading(ctx, record)
	}
}

// afterLeading publishes the number of problems, as silence must not look like health, and
// requests the first dashboard build.
func (l *cycleLoop) afterLeading(ctx context.Context, record CycleRecord) {
	_, failed := l.writer.Publish(ctx, []model.Datum{{
		Region: l.region, Metric: model.Metric{Namespace: model.NamespaceMonitor, Name: metricProblems},
		Unit: "Count", Value: float64(record.Problems), Time: l.clock.Now().UTC(),
	}})
	logProblems(ctx, l.log, failed)
	// The cycle itself may have requested a build.
	if l.queue.idle() && l.memory.Status().LastDashboard.IsZero() {
		l.queue.request(nil)
	}
}
