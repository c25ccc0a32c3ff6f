package writer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
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

// requestedFor is how long a requested action counts, until its receiver has counted it.
const requestedFor = 10 * time.Minute

// Budget bounds the automatic actions of a region in an hour: stops and deletes, and
// step-downs. They are counted in tags of the region's topic before they are made, by all
// processes; stops and deletes in a metric as well. It is safe for concurrent use.
type Budget struct {
	w     *Writer
	meter Meter
	limit int // of stops and deletes

	mu        sync.Mutex
	ledgers   map[string]*ledger // by topic and kind
	requested []requestedAction
}

// requestedAction is an action that an event has requested.
type requestedAction struct {
	region string
	kind   rules.Budgeted
	at     time.Time
}

// NewBudget makes a Budget of max removals per region and hour; zero means 5. Without a meter
// nothing may be removed.
func NewBudget(w *Writer, meter Meter, limit int) *Budget {
	return &Budget{w: w, meter: meter, limit: cmp.Or(limit, defaultMaxRemovals), ledgers: map[string]*ledger{}}
}

// ledger returns the counts of a region. A topic is where the ARN says, whether it exists or not.
func (b *Budget) ledger(topic model.ARN, kind rules.Budgeted) *ledger {
	key := topic.String() + " " + string(kind)
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.ledgers[key]
	if l == nil {
		l = &ledger{w: b.w, topic: topic, kind: kind, turn: make(chan struct{}, 1)}
		b.ledgers[key] = l
	}
	return l
}

// BudgetQuestion asks what is left of the budgets of a region.
type BudgetQuestion struct {
	Region  string
	Topic   model.ARN              // of the region; zero if it has none
	Limits  map[rules.Budgeted]int // of the kinds to answer for
	Leaving int                    // endpoints that are being deleted or stopped
}

// Left is how many actions of each kind may still be made automatically in a region within
// the hour, of the limits given, and why not more. It is zero if those of the last hour cannot
// be read: there may have been any number. The limit of step-downs is left in the topic's tags,
// for the processes that make them.
func (b *Budget) Left(ctx context.Context, q BudgetQuestion) map[rules.Budgeted]rules.Left {
	now := b.w.Clock.Now().UTC()
	var tags Tags
	err := fmt.Errorf("the region has no topic %s to count it in", TopicName)
	if q.Topic != (model.ARN{}) {
		tags, err = b.w.topicTags(ctx, q.Topic)
	}
	left := map[rules.Budgeted]rules.Left{}
	for kind, limit := range q.Limits {
		shown, ok := b.shown(ctx, q.Region, kind, now)
		if !ok {
			left[kind] = nothingLeft(q.Region, "GetMetricData", unreadMetric(q.Region))
			continue
		}
		shared, sumErr := counted(tags, kind, now)
		if err := cmp.Or(err, sumErr); err != nil {
			left[kind] = nothingLeft(q.Region, "ListTagsForResource", unread(kind, q.Region, err))
			continue
		}
		n := rules.Spent(now, shown, shared, b.requests(q.Region, kind, now))
		if kind == rules.Removals {
			n = max(n, q.Leaving)
		}
		left[kind] = rules.Left{N: max(0, limit-n), Why: used(kind, q.Region, n, limit)}
		if kind == rules.StepDowns && limit != limitIn(tags, b.w.Deployment) {
			b.shareLimit(ctx, q.Topic, limit)
		}
	}
	return left
}

func nothingLeft(region, operation, why string) rules.Left {
	return rules.Left{Why: why, Problem: &model.Problem{Region: region, Operation: operation, Err: errors.New(why)}}
}

// shareLimit writes how many step-downs an hour a region may have. Without it the processes
// that make them keep to the smallest number.
func (b *Budget) shareLimit(ctx context.Context, topic model.ARN, limit int) {
	if b.w.DryRun {
		return
	}
	intent := Intent{Region: topic.Region(), ARN: topic.String(), What: fmt.Sprintf("allow %d step-downs an hour", limit), Routine: true}
	if err := b.w.SetTags(ctx, intent, Tags{limitKey(b.w.Deployment): strconv.Itoa(limit)}); err != nil {
		b.w.Logger.WarnContext(ctx, "how many step-downs an hour a region may have is not known to others",
			"arn", intent.ARN, "region", topic.Region(), "err", awsapi.Line(err))
	}
}

func unreadMetric(region string) string {
	return fmt.Sprintf("how much was stopped or deleted in %s within the last hour could not be read (GetMetricData)", region)
}

func unread(kind rules.Budgeted, region string, err error) string {
	what := "stopped or deleted"
	if kind == rules.StepDowns {
		what = "stepped down"
	}
	return fmt.Sprintf("how much was %s in %s within the last hour could not be read: %s", what, region, awsapi.Line(err))
}

func used(kind rules.Budgeted, region string, spent, limit int) string {
	what, by := "stops and deletes", "MaxStopsOrDeletesPerHour"
	if kind == rules.StepDowns {
		what, by = "step-downs", "a fifth of the endpoints, at least 10"
	}
	return fmt.Sprintf("%d of at most %d %s an hour in %s are used up (%s)", min(spent, limit), limit, what, region, by)
}

// CountRequested counts the actions that events request of others.
func (b *Budget) CountRequested(list []events.Event) {
	now := b.w.Clock.Now().UTC()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, event := range list {
		var kind rules.Budgeted
		switch detail := event.Detail.(type) {
		case events.IdleDetail:
			kind = rules.Removals
		case events.UpdateDetail:
			kind = rules.BudgetOf(cmp.Or(detail.Scheduled, rules.StepDown))
		}
		if kind == "" {
			continue
		}
		if arn, err := model.ParseARN(event.Resources[0]); err == nil {
			b.requested = append(b.requested, requestedAction{arn.Region(), kind, now})
		}
	}
}

// requests are the actions that events requested lately.
func (b *Budget) requests(region string, kind rules.Budgeted, now time.Time) rules.Counts {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requested = slices.DeleteFunc(b.requested, func(r requestedAction) bool { return now.Sub(r.at) >= requestedFor })
	c := rules.Counts{}
	for _, r := range b.requested {
		if r.region == region && r.kind == kind {
			c[rules.CountedAt(r.at)]++
		}
	}
	return c
}

// shown are the stops and deletes of the last hour by the metric, which counts nothing else; not ok
// if it was not read.
func (b *Budget) shown(ctx context.Context, region string, kind rules.Budgeted, now time.Time) (shown rules.Counts, ok bool) {
	switch {
	case kind != rules.Removals:
		return rules.Counts{}, true
	case b.meter == nil:
		return nil, false
	}
	readings, problems := b.meter.Measure(ctx, rules.RemovalQueries(region, now), nil)
	for _, p := range problems {
		b.w.Logger.Warn("stops and deletes of the last hour not read", "region", region, "op", p.Operation, "err", p.Err)
	}
	return rules.RemovalsShown(region, readings, now)
}

// Reserve takes one automatic action on a resource from its budget before it is made, where all
// other processes can read it. If there is no room, or that cannot be known, it returns why.
// Otherwise release returns it if the action fails; release is never nil.
func (b *Budget) Reserve(ctx context.Context, arn model.ARN, verdict rules.Verdict) (release func(context.Context), why string) {
	none, kind, region := func(context.Context) {}, rules.BudgetOf(verdict), arn.Region()
	l := b.ledger(model.NewARN(arn.Partition(), "sns", region, arn.Account(), TopicName), kind)
	select {
	case l.turn <- struct{}{}: // one at a time: what each counts is in the tags before the next is counted
		defer l.done()
	case <-ctx.Done():
		return none, unread(kind, region, ctx.Err())
	}
	now := b.w.Clock.Now().UTC()
	shown, ok := b.shown(ctx, region, kind, now)
	if !ok {
		return none, unreadMetric(region)
	}
	tags, err := l.take(ctx, now)
	if err != nil {
		return none, unread(kind, region, err)
	}
	shared, err := counted(tags, kind, now)
	if err != nil {
		l.withdraw(ctx, now)
		return none, unread(kind, region, err)
	}
	if !b.w.DryRun {
		shared[rules.CountedAt(now)]-- // this one
	}
	limit := b.limit
	if kind == rules.StepDowns {
		limit = limitIn(tags, b.w.Deployment)
	}
	if spent := rules.Spent(now, shown, shared); spent >= limit { // guard: budget: where the action is made; boundary
		l.withdraw(ctx, now)
		return none, used(kind, region, spent, limit)
	}
	if kind == rules.Removals {
		metric := rules.RemovalMetric(verdict)
		_, problems := b.w.Publish(ctx, []model.Datum{{Region: region, Metric: metric, Unit: "Count", Value: 1, Time: now}})
		for _, p := range problems {
			l.withdraw(ctx, now)
			return none, fmt.Sprintf("it could not be counted against the stops and deletes of the hour: %s: %v", p.Operation, p.Err)
		}
	}
	return func(ctx context.Context) {
		l.turn <- struct{}{}
		defer l.done()
		l.withdraw(ctx, now)
	}, ""
}
