package cycle

import (
	"context"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/actions"
	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// Inventory discovers resources.
type Inventory interface {
	// Discover lists the scope and describes what is new, changed, unsettled or due.
	Discover(ctx context.Context, scope model.Scope, due func(model.ARN) bool, progress func(done, total int)) model.Snapshot
	// Refresh describes the given resources again; those that are gone are left out.
	Refresh(ctx context.Context, resources []model.Resource) ([]model.Resource, []model.Problem)
}

// Meter reads metrics.
type Meter interface {
	Measure(ctx context.Context, queries []model.Query, progress func(done, total int)) (model.Readings, []model.Problem)
}

// Writer publishes metrics and sends events, or in a dry run none.
type Writer interface {
	// Publish writes metric data, each into its own region.
	Publish(ctx context.Context, data []model.Datum) (published int, problems []model.Problem)
	// Emit sends events to the bus of the deployment region.
	Emit(ctx context.Context, list []events.Event) (sent []events.Event, problems []model.Problem)
	// CountRefused publishes how many actions were refused.
	CountRefused(ctx context.Context, counts map[writer.RefusedKey]int)
	// CountLostRecords publishes how many audit records could not be written, unless none.
	CountLostRecords(ctx context.Context, n int)
}

// Notifier keeps topics, subscriptions and the notification rule up to date and returns the
// topic of each region that has one.
type Notifier interface {
	Ensure(ctx context.Context, in notify.Input) (map[string]model.ARN, []model.Problem)
}

// Alarms lists and writes alarms.
type Alarms interface {
	// List lists the metric alarms of a region whose names start with our prefix.
	List(ctx context.Context, region string) ([]alarms.Alarm, error)
	// ReconcileAll applies alarm changes in several regions until the time is up.
	ReconcileAll(ctx context.Context, inputs []alarms.ReconcileInput) (alarms.Counts, []model.Problem)
}

// Budget bounds the automatic actions of an hour.
type Budget interface {
	// Left is how many actions of each kind may still be made automatically in a region within
	// the hour, and why not more.
	Left(ctx context.Context, q writer.BudgetQuestion) map[rules.Budgeted]rules.Left
	// CountRequested counts actions that other processes are going to make.
	CountRequested(list []events.Event)
}

// Actions executes actions.
type Actions interface {
	Do(ctx context.Context, action model.Action, req events.Request) (actions.Answer, error)
}

// Rebuilder rebuilds the dashboard, in this process or by an event.
type Rebuilder interface {
	Rebuild(ctx context.Context, detail events.BuildDetail) (sent []events.Event, problems []model.Problem)
}

// Observer is notified of what a cycle finds, for display; nothing is decided by it. Its
// methods are called from several goroutines, and must return soon and not change the lists.
type Observer interface {
	// SawEstate reports what was found in a region, and what could not be listed.
	SawEstate(snapshot model.Snapshot)
	// SawAlarms reports the alarms of a region as they were before the cycle changed any.
	SawAlarms(region string, list []alarms.Alarm)
	// SawTags reports the tags of those of the cycle's resources whose tags are known.
	SawTags(tags map[model.ARN]map[string]string)
	// Decided reports what was measured and decided, with the outcomes of what was executed,
	// before alarms are changed, which may take minutes. The result of the cycle follows.
	Decided(result report.Result, at time.Time)
}

// PriceSource returns the prices of the products in the regions. A price that it cannot find
// out is missing, with a problem.
type PriceSource func(ctx context.Context, regions []string) (pricing.Table, []model.Problem)

// Progress is called with how far a step has come. Calls may come from several goroutines.
// Nil ignores them.
type Progress func(step string, done, total int)

// of is the progress of one step.
func (p Progress) of(step string) func(done, total int) {
	return func(done, total int) {
		if p != nil {
			p(step, done, total)
		}
	}
}

// ClockOffset returns how far the host's clock is ahead of AWS's, negative if it is behind, and
// whether that is known. Nil does not know.
type ClockOffset func() (offset time.Duration, known bool)

// wrong is why nothing may be decided by a clock that shows now; empty if it is right.
func (c ClockOffset) wrong(now time.Time) string {
	if c == nil {
		return rules.WrongClock(now, 0, false)
	}
	offset, known := c()
	return rules.WrongClock(now, offset, known)
}

// callCounter counts the AWS calls made so far by "service.Operation"; nil counts none.
type callCounter func() map[string]int

func (c callCounter) snapshot() map[string]int {
	if c == nil {
		return nil
	}
	return c()
}

// since is how often each operation was called after an earlier snapshot.
func (c callCounter) since(before map[string]int) map[string]int {
	made := map[string]int{}
	for operation, n := range c.snapshot() {
		if n > before[operation] {
			made[operation] = n - before[operation]
		}
	}
	return made
}
