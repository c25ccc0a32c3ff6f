package serve

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// The schedules are those of the template: monitor cron(0/5 * * * ? *), dashboard
// cron(3 * * * ? *).
const (
	cycleEvery  = 5 * time.Minute
	boardsEvery = time.Hour
	boardsAt    = 3 * time.Minute
	// boardTime bounds a build that hangs, for which others wait.
	boardTime = 5 * time.Minute
)

// nextBuild is when the dashboard is built next.
func nextBuild(now time.Time) time.Time {
	next := now.Truncate(boardsEvery).Add(boardsAt)
	if !next.After(now) {
		next = next.Add(boardsEvery)
	}
	return next
}

// boardLoop builds the dashboard every hour, and on request.
type boardLoop struct {
	room      *room
	queue     *rebuildQueue
	dashboard *cycle.Dashboard
	params    config.Values
	clock     model.Clock
	log       *slog.Logger
	memory    *Memory
	metrics   *metrics
}

// run builds until ctx ends.
func (l *boardLoop) run(ctx context.Context) {
	for {
		l.queue.await(ctx, l.clock, nextBuild(l.clock.Now()))
		if ctx.Err() != nil {
			return
		}
		l.build(ctx)
	}
}

// build builds the dashboard if this daemon leads, as soon as there is room.
func (l *boardLoop) build(ctx context.Context) {
	ended, done := l.queue.begin()
	defer done()
	if l.room.boards.Acquire(ctx, 1) != nil {
		return
	}
	defer l.room.boards.Release(1)
	if l.memory.Status().Role != Leading { // now, after the wait
		return
	}
	bounded, cancel := context.WithTimeout(ctx, boardTime)
	defer cancel()
	built, err := l.dashboard.Build(bounded, cycle.DashboardInput{Params: l.params, LeaveOut: ended})
	if err != nil {
		if !errors.Is(ctx.Err(), context.Canceled) {
			l.log.ErrorContext(ctx, "dashboard not built", "what", l.params.DashboardName, "err", awsapi.Line(err))
			l.metrics.builds.WithLabelValues("failed").Inc()
		}
		return
	}
	logProblems(ctx, l.log, built.Problems)
	l.memory.Update(func(s *Status) { s.LastDashboard = l.clock.Now() })
	l.metrics.builds.WithLabelValues("done").Inc()
	names := make([]string, 0, len(built.Dashboards))
	for _, board := range built.Dashboards {
		names = append(names, board.Name+" "+string(board.Change))
	}
	l.log.InfoContext(ctx, "dashboard built", "what", strings.Join(names, ", "), "resources", built.Resources, "problems", len(built.Problems))
}

// rebuildQueue holds requests to build the dashboard. Requests that come before a build
// begins are merged.
type rebuildQueue struct {
	mu        sync.Mutex
	ended     []model.ARN // deleted or stopped since the last build
	requested chan struct{}
	pending   int // builds that are requested or in progress
}

func newRebuildQueue() *rebuildQueue { return &rebuildQueue{requested: make(chan struct{}, 1)} }

// request requests a build without the resources that have just been deleted or stopped.
func (q *rebuildQueue) request(ended []model.ARN) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = append(q.ended, ended...)
	select {
	case q.requested <- struct{}{}:
		q.pending++
	default:
	}
}

// afterCycle is request for a cycle, which does not wait for the build.
func (q *rebuildQueue) afterCycle(_ context.Context, ended []model.ARN) []model.Problem {
	q.request(ended)
	return nil
}

// begin takes all requests. The caller calls done after the build.
func (q *rebuildQueue) begin() (ended []model.ARN, done func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	ended, q.ended = q.ended, nil
	select {
	case <-q.requested: // at the time of the hourly build
	default:
	}
	q.pending = 1
	return ended, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.pending--
	}
}

// idle reports whether no build is requested or in progress.
func (q *rebuildQueue) idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pending == 0
}

// await waits for a request, the given time, or the end of ctx.
func (q *rebuildQueue) await(ctx context.Context, clock model.Clock, until time.Time) {
	waiting, cancel := context.WithCancel(ctx)
	var sleep sync.WaitGroup
	sleep.Go(func() {
		_ = clock.Sleep(waiting, until.Sub(clock.Now())) // ends with the context at the latest
		cancel()
	})
	select {
	case <-waiting.Done():
	case <-q.requested:
	}
	cancel()
	sleep.Wait()
}

// logProblems logs what failed while the rest continued: a warning for a single resource, an
// error for more than that.
func logProblems(ctx context.Context, log *slog.Logger, list []model.Problem) {
	for _, p := range list {
		level := slog.LevelWarn
		if p.ARN == "" {
			level = slog.LevelError
		}
		log.Log(ctx, level, "problem", "op", p.Operation, "arn", p.ARN, "region", p.Region, "err", p.Message())
	}
}
