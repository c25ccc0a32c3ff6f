package act

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

// Meter answers questions about metrics; the traffic package has one.
type Meter interface {
	Measure(ctx context.Context, queries []model.Query, progress func(done, total int)) (model.Readings, []model.Problem)
}

// defaultEndings is how many automatic stops and deletes a region may see in an hour if
// nobody says otherwise (parameter MaxStopsOrDeletesPerHour).
const defaultEndings = 5

// askedReach is how long an ending that was asked for counts, until whoever carries it
// out has counted it and CloudWatch shows it.
const askedReach = 10 * time.Minute

// budget remembers the automatic stops and deletes of this process, by region: those
// that it made, and those that it asked others for. CloudWatch does not show them at once.
type budget struct {
	mu    sync.Mutex
	made  map[string][]time.Time
	asked map[string][]time.Time
}

func newBudget() *budget {
	return &budget{made: map[string][]time.Time{}, asked: map[string][]time.Time{}}
}

// EndingsLeft is how many campaigns and recommenders of a region may still be deleted
// and stopped by themselves within the hour, of the number given, and why not more. It is
// none if the number of the last hour cannot be read: there may have been any then.
func (a *Actor) EndingsLeft(ctx context.Context, region string, limit int) (left int, why string) {
	now := a.clock.Now().UTC()
	readings := a.endings(ctx, region, now)
	a.budget.mu.Lock()
	defer a.budget.mu.Unlock()
	own := slices.Clone(a.budget.made[region])
	for _, at := range a.budget.asked[region] {
		if now.Sub(at) < askedReach {
			own = append(own, at)
		}
	}
	spent, ok := rules.RemovalsSpent(region, readings, own, now)
	if !ok {
		return 0, fmt.Sprintf("how much was stopped or deleted in %s within the last hour could not be read (GetMetricData)", region)
	}
	return max(0, limit-spent), spentBudget(region, spent, limit)
}

func spentBudget(region string, spent, limit int) string {
	return fmt.Sprintf("%d of at most %d stops and deletes an hour in %s are used up (MaxStopsOrDeletesPerHour)", min(spent, limit), limit, region)
}

// AskedFor notes stops and deletes that others were asked for.
func (a *Actor) AskedFor(list []events.Event) {
	now := a.clock.Now().UTC()
	a.budget.mu.Lock()
	defer a.budget.mu.Unlock()
	for _, event := range list {
		if detail, ok := event.Detail.(events.IdleDetail); ok {
			if arn, err := model.ParseARN(detail.ARN); err == nil {
				a.budget.asked[arn.Region] = within(append(a.budget.asked[arn.Region], now), now, askedReach)
			}
		}
	}
}

// within leaves out the times that are past counting.
func within(times []time.Time, now time.Time, reach time.Duration) []time.Time {
	return slices.DeleteFunc(times, func(t time.Time) bool { return now.Sub(t) > reach })
}

func (a *Actor) endings(ctx context.Context, region string, now time.Time) model.Readings {
	if a.meter == nil {
		return nil
	}
	readings, problems := a.meter.Measure(ctx, rules.RemovalQueries(region, now), nil)
	for _, p := range problems {
		a.log.Warn("stops and deletes of the last hour not read", "region", region, "op", p.Operation, "err", p.Err)
	}
	return readings
}

// reserve takes one stop or delete out of the budget of the region, where everybody can
// see it, before it is made. It says why there is none; release gives it back to this
// process if nothing came of it.
func (a *Actor) reserve(ctx context.Context, region string, action rules.Verdict) (release func(), why string) {
	now := a.clock.Now().UTC()
	readings := a.endings(ctx, region, now)
	release, why = a.take(region, readings, now)
	if why != "" {
		return release, why
	}
	_, problems := a.Publish(ctx, []model.Datum{{Region: region, Metric: rules.RemovalMetric(action), Unit: "Count", Value: 1, Time: now}})
	for _, p := range problems {
		release()
		return func() {}, fmt.Sprintf("it could not be counted against the stops and deletes of the hour: %s: %v", p.Operation, p.Err)
	}
	return release, ""
}

func (a *Actor) take(region string, readings model.Readings, now time.Time) (release func(), why string) {
	a.budget.mu.Lock()
	defer a.budget.mu.Unlock()
	spent, ok := rules.RemovalsSpent(region, readings, a.budget.made[region], now)
	switch {
	case !ok:
		return func() {}, fmt.Sprintf("how much was stopped or deleted in %s within the last hour could not be read (GetMetricData)", region)
	case spent >= a.maxEndings:
		return func() {}, spentBudget(region, spent, a.maxEndings)
	}
	a.budget.made[region] = within(append(a.budget.made[region], now), now, 2*time.Hour)
	return func() {
		a.budget.mu.Lock()
		defer a.budget.mu.Unlock()
		if i := slices.Index(a.budget.made[region], now); i >= 0 {
			a.budget.made[region] = slices.Delete(a.budget.made[region], i, i+1)
		}
	}, ""
}
