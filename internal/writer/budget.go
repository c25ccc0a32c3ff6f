package writer

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Meter reads metrics.
type Meter interface {
	Measure(ctx context.Context, queries []model.Query, progress func(done, total int)) (model.Readings, []model.Problem)
}

// defaultMaxRemovals is the budget of a region for an hour, unless the parameter
// MaxStopsOrDeletesPerHour sets another.
const defaultMaxRemovals = 5

// requestedFor is how long a requested removal counts, until its receiver has counted it and
// CloudWatch shows it.
const requestedFor = 10 * time.Minute

// madeFor is how long a removal of this process is remembered.
const madeFor = 2 * time.Hour

// Budget bounds the automatic stops and deletes of a region in an hour. It adds those of this
// process, which CloudWatch does not show at once, to those in the metrics. It is safe for
// concurrent use.
type Budget struct {
	w     *Writer
	meter Meter
	limit int

	mu        sync.Mutex
	made      map[string][]time.Time // by region
	requested map[string][]time.Time
}

// NewBudget makes a Budget of max removals per region and hour; zero means 5. Without a meter
// nothing may be removed.
func NewBudget(w *Writer, meter Meter, limit int) *Budget {
	if limit == 0 {
		limit = defaultMaxRemovals
	}
	return &Budget{w: w, meter: meter, limit: limit, made: map[string][]time.Time{}, requested: map[string][]time.Time{}}
}

// Left is how many campaigns and recommenders of a region may still be deleted and stopped
// automatically within the hour, of the number given, and why not more. It is zero if the
// removals of the last hour cannot be read: there may have been any number.
func (b *Budget) Left(ctx context.Context, region string, limit int) (left int, why string) {
	now := b.w.Clock.Now().UTC()
	readings := b.read(ctx, region, now)
	b.mu.Lock()
	defer b.mu.Unlock()
	requested := slices.DeleteFunc(slices.Clone(b.requested[region]), func(t time.Time) bool { return now.Sub(t) >= requestedFor })
	spent, ok := rules.RemovalsSpent(region, readings, slices.Concat(b.made[region], requested), now)
	if !ok {
		return 0, unreadBudget(region)
	}
	return max(0, limit-spent), spentBudget(region, spent, limit)
}

func unreadBudget(region string) string {
	return fmt.Sprintf("how much was stopped or deleted in %s within the last hour could not be read (GetMetricData)", region)
}

func spentBudget(region string, spent, limit int) string {
	return fmt.Sprintf("%d of at most %d stops and deletes an hour in %s are used up (MaxStopsOrDeletesPerHour)",
		min(spent, limit), limit, region)
}

// CountRequested counts the stops and deletes that events request of others.
func (b *Budget) CountRequested(list []events.Event) {
	now := b.w.Clock.Now().UTC()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, event := range list {
		if detail, ok := event.Detail.(events.IdleDetail); ok {
			if arn, err := model.ParseARN(detail.ARN); err == nil {
				b.requested[arn.Region] = within(append(b.requested[arn.Region], now), now, requestedFor)
			}
		}
	}
}

// within leaves out the times that no longer count.
func within(times []time.Time, now time.Time, span time.Duration) []time.Time {
	return slices.DeleteFunc(times, func(t time.Time) bool { return now.Sub(t) > span })
}

func (b *Budget) read(ctx context.Context, region string, now time.Time) model.Readings {
	if b.meter == nil {
		return nil
	}
	readings, problems := b.meter.Measure(ctx, rules.RemovalQueries(region, now), nil)
	for _, p := range problems {
		b.w.Logger.Warn("stops and deletes of the last hour not read", "region", region, "op", p.Operation, "err", p.Err)
	}
	return readings
}

// Reserve takes one stop or delete from the budget of the region before it is made, and
// publishes it for all other processes. If there is no room it returns why. Otherwise release
// returns it to this process if the removal fails; release is never nil.
func (b *Budget) Reserve(ctx context.Context, region string, verdict rules.Verdict) (release func(), why string) {
	now := b.w.Clock.Now().UTC()
	release, why = b.take(region, b.read(ctx, region, now), now)
	if why != "" {
		return release, why
	}
	datum := model.Datum{Region: region, Metric: rules.RemovalMetric(verdict), Unit: "Count", Value: 1, Time: now}
	if _, problems := b.w.Publish(ctx, []model.Datum{datum}); len(problems) > 0 {
		release()
		p := problems[0]
		return func() {}, fmt.Sprintf("it could not be counted against the stops and deletes of the hour: %s: %v", p.Operation, p.Err)
	}
	return release, ""
}

func (b *Budget) take(region string, readings model.Readings, now time.Time) (release func(), why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	spent, ok := rules.RemovalsSpent(region, readings, b.made[region], now)
	switch {
	case !ok:
		return func() {}, unreadBudget(region)
	case spent >= b.limit:
		return func() {}, spentBudget(region, spent, b.limit)
	}
	b.made[region] = within(append(b.made[region], now), now, madeFor)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if i := slices.Index(b.made[region], now); i >= 0 {
			b.made[region] = slices.Delete(b.made[region], i, i+1)
		}
	}, ""
}
