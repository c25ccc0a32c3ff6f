package act

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// cleanupMargin is how long before the deadline of its context a clean-up ends, so that
// whoever called it can still tell what came of it.
const cleanupMargin = 5 * time.Second

// CleanupInput says where to look for what the program made.
type CleanupInput struct {
	// Regions are looked at on top of those in which Personalize is offered and of the
	// deployment region.
	Regions []string
	// DashboardName is the name of the dashboard; its continuations -2, -3… are meant as
	// well. Empty leaves dashboards alone.
	DashboardName string
	// Deployment tells whose things are removed; empty means the Actor's own.
	Deployment string
	// DryRun looks only, as if the Actor were made for a dry run.
	DryRun bool
	// Only, unless nil, are the things that may be removed, as an earlier look found them.
	// Whatever else is ours by now stays, and so does the topic that it sends to.
	Only []CleanupItem
	// Progress is told how many regions are behind; may be nil.
	Progress func(done, total int)
}

// CleanupKind is what sort of thing an item of a clean-up is.
type CleanupKind string

// The kinds, in the order in which they are removed.
const (
	KindAlarm     CleanupKind = "alarm"
	KindTarget    CleanupKind = "target" // of the notification rule
	KindRule      CleanupKind = "rule"
	KindTopic     CleanupKind = "topic"
	KindDashboard CleanupKind = "dashboard"
)

var cleanupKinds = []CleanupKind{KindAlarm, KindTarget, KindRule, KindTopic, KindDashboard}

// words name the kinds as things that are looked for.
var words = map[CleanupKind]string{KindAlarm: "alarms", KindRule: "the rule", KindTopic: "the topic", KindDashboard: "dashboards"}

// CleanupState is what became of an item.
type CleanupState string

// The states. Kept things are not ours, Remaining ones are and could not be removed; of
// Unclear ones it could not be found out.
const (
	Removed   CleanupState = "removed"
	WouldGo   CleanupState = "would be removed" // in a dry run
	Gone      CleanupState = "already gone"     // somebody else was faster
	Kept      CleanupState = "kept"
	Remaining CleanupState = "remains"
	Unclear   CleanupState = "unclear"
)

// CleanupItem is one thing found under our names.
type CleanupItem struct {
	Kind   CleanupKind
	Region string // for a dashboard, which belongs to no region, the one that was asked
	Name   string
	ARN    string
	State  CleanupState
	Reason string // why it is ours, stays or remains
}

// CleanupSkip is what could not be looked at, as the region is denied or not enabled.
// Nothing is known to be there.
type CleanupSkip struct {
	Region string
	What   []CleanupKind
	Reason string
}

// CleanupResult is what came of a clean-up.
type CleanupResult struct {
	Account string
	Regions []string      // looked at, sorted
	Items   []CleanupItem // by region, kind and name
	Skipped []CleanupSkip // by region
}

// In are the items in one of the states.
func (r CleanupResult) In(states ...CleanupState) []CleanupItem {
	var items []CleanupItem
	for _, item := range r.Items {
		if slices.Contains(states, item.State) {
			items = append(items, item)
		}
	}
	return items
}

// Remaining are the things of ours that could not be removed.
func (r CleanupResult) Remaining() []CleanupItem { return r.In(Remaining) }

// CleanupCount counts the items of a kind in a region by their state.
type CleanupCount struct {
	Region string
	Kind   CleanupKind
	States map[CleanupState]int
}

// Counts are the counts of all kinds and regions that have items, in their order.
func (r CleanupResult) Counts() []CleanupCount {
	var counts []CleanupCount
	for _, item := range r.Items {
		if n := len(counts); n == 0 || counts[n-1].Region != item.Region || counts[n-1].Kind != item.Kind {
			counts = append(counts, CleanupCount{item.Region, item.Kind, map[CleanupState]int{}})
		}
		counts[len(counts)-1].States[item.State]++
	}
	return counts
}

// Cleanup removes what the program, or the original application, made outside of the
// deployment template: in every region where Personalize is offered our alarms, the
// notification rule and the topic, then the dashboards. What is another deployment's or a
// person's stays. A region that is denied or not enabled is skipped; that the deployment
// region is, or that anything else fails, is a problem, and the rest goes on. It ends a
// little before the deadline of ctx, and may be done again to go on where it stopped.
func (a *Actor) Cleanup(ctx context.Context, in CleanupInput) (CleanupResult, []model.Problem) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-cleanupMargin))
		defer cancel()
	}
	identity, err := a.Identity(ctx)
	if err != nil {
		return CleanupResult{}, []model.Problem{problem(a.home, "", "GetCallerIdentity", err)}
	}
	regions := CleanupRegions(identity.Partition, in.Regions, a.home)
	cleaners := make([]*cleaner, len(regions))
	done := counter(len(regions), in.Progress)
	var group errgroup.Group
	group.SetLimit(parallelCalls)
	for i, region := range regions {
		c := a.cleaner(region, identity, in)
		cleaners[i] = c
		group.Go(func() error {
			// Alarms before the topic that they send to, and the rule before it, too, so that
			// nothing ever leads nowhere.
			c.steps(ctx, c.removeAlarms, c.removeRule, c.removeTopic)
			done()
			return nil
		})
	}
	_ = group.Wait() // the problems are in the cleaners
	if in.DashboardName != "" {
		// Dashboards belong to the account; the deployment region is asked about them.
		c := cleaners[slices.Index(regions, a.home)]
		c.steps(ctx, func(ctx context.Context) { c.removeBoards(ctx, in.DashboardName) })
	}
	for _, c := range cleaners {
		c.sumUp(ctx)
	}
	return collect(CleanupResult{Account: identity.Account, Regions: regions}, cleaners)
}

// CleanupRegions are all the regions that a clean-up looks at, sorted: those of the
// partition in which Personalize is offered, those given, and the deployment region.
func CleanupRegions(partition string, given []string, home string) []string {
	regions := slices.Concat(awsapi.PersonalizeRegions(partition), given, []string{home})
	slices.Sort(regions)
	return slices.Compact(regions)
}

// counter tells progress, one call at a time.
func counter(total int, progress func(done, total int)) func() {
	var mu sync.Mutex
	done := 0
	return func() {
		mu.Lock()
		defer mu.Unlock()
		if done++; progress != nil {
			progress(done, total)
		}
	}
}

// collect puts the work of all cleaners together, in order.
func collect(r CleanupResult, cleaners []*cleaner) (CleanupResult, []model.Problem) {
	var problems []model.Problem
	for _, c := range cleaners {
		r.Items = append(r.Items, c.items...)
		r.Skipped = append(r.Skipped, c.skipped...)
		problems = append(problems, c.problems...)
	}
	slices.SortStableFunc(r.Items, func(x, y CleanupItem) int {
		return cmp.Or(strings.Compare(x.Region, y.Region),
			slices.Index(cleanupKinds, x.Kind)-slices.Index(cleanupKinds, y.Kind), strings.Compare(x.Name, y.Name))
	})
	slices.SortStableFunc(r.Skipped, func(x, y CleanupSkip) int { return strings.Compare(x.Region, y.Region) })
	return r, problems
}

// cleaner is the work on one region, and its result.
type cleaner struct {
	*Actor
	gate       gate // in place of the Actor's: a clean-up may be a dry run by itself
	region     string
	deployment string // whose things are ours
	topic      model.ARN
	only       map[itemKey]bool // what may be removed; nil if all of ours may

	items    []CleanupItem
	skipped  []CleanupSkip
	problems []model.Problem
	closed   bool // no call has a chance in this region
	cut      bool // ctx ended before all was done
	// topicUse says what keeps the topic, which is one for all: alarms that send to it and
	// stay. Empty if nothing does.
	topicUse topicUse
}

// topicUse says why a topic stays, and whether as a thing of ours that should have gone.
type topicUse struct {
	state  CleanupState // Kept or Remaining
	reason string
}

// useTopic notes that something that stays sends to the topic. What tells that it is not
// ours to remove comes before what tells that it could not be removed.
func (c *cleaner) useTopic(state CleanupState, reason string) {
	if c.topicUse.reason == "" || (state == Kept && c.topicUse.state == Remaining) {
		c.topicUse = topicUse{state, reason}
	}
}

// itemKey is what an item is known by from one look to the next.
type itemKey struct {
	kind        CleanupKind
	region, arn string
}

// appearedReason is why a thing of ours stays that is not among those to be removed.
const appearedReason = "it was not there when the things to remove were listed; another clean-up removes it"

// mayGo tells whether a thing of ours is among those to be removed.
func (c *cleaner) mayGo(kind CleanupKind, arn string) bool {
	return c.only == nil || c.only[itemKey{kind, c.region, arn}]
}

func (a *Actor) cleaner(region string, id Identity, in CleanupInput) *cleaner {
	var only map[itemKey]bool
	if in.Only != nil {
		only = make(map[itemKey]bool, len(in.Only))
		for _, item := range in.Only {
			only[itemKey{item.Kind, item.Region, item.ARN}] = true
		}
	}
	return &cleaner{
		Actor: a, only: only, gate: gate{dryRun: a.gate.dryRun || in.DryRun, log: a.log},
		region: region, deployment: cmp.Or(in.Deployment, a.deployment),
		topic: model.ARN{Partition: id.Partition, Service: "sns", Region: region, Account: id.Account, Resource: TopicName},
	}
}

// steps does one thing after the other, as long as that is of use.
func (c *cleaner) steps(ctx context.Context, steps ...func(context.Context)) {
	for _, step := range steps {
		switch {
		case c.closed:
		case ctx.Err() != nil:
			c.cut = true
		default:
			step(ctx)
		}
	}
}

// sumUp makes a problem of work that ended early.
func (c *cleaner) sumUp(ctx context.Context) {
	if !c.cut {
		return
	}
	remaining := 0
	for _, item := range c.items {
		if item.State == Remaining {
			remaining++
		}
	}
	err := fmt.Errorf("ended before all was done, %d known to remain: %w", remaining, awsapi.Plain(ctx.Err()))
	c.problems = append(c.problems, model.Problem{Region: c.region, Operation: "Cleanup", Err: err})
}

// note puts an item into the result, and tells of things that stay.
func (c *cleaner) note(ctx context.Context, item CleanupItem) {
	item.Region = c.region
	c.items = append(c.items, item)
	if item.State == Kept {
		c.tell(ctx, item.ARN, string(item.Kind)+" stays", "region", c.region, "name", item.Name, "reason", item.Reason)
	}
}

// fail notes a problem with what is in the region.
func (c *cleaner) fail(arn, op, doing string, err error) {
	c.problems = append(c.problems, problem(c.region, arn, op, fmt.Errorf("%s: %w", doing, err)))
}

// unseen takes down that a kind of thing could not be looked for. That is a problem,
// unless the region is closed to us; the deployment region can hardly be.
func (c *cleaner) unseen(ctx context.Context, kind CleanupKind, op string, err error) {
	kindOf := awsapi.KindOf(err)
	switch {
	case ctx.Err() != nil:
		c.cut = true
		return
	case !awsapi.RegionClosed(err):
		c.closed = kindOf == awsapi.Unreachable
		c.fail("", op, "look for "+words[kind], err)
		return
	}
	// A denial may be meant for this one operation.
	c.closed = kindOf != awsapi.Denied
	reason := awsapi.Line(err)
	c.log.Info("region skipped", "op", op, "region", c.region, "kind", string(kind), "err", reason)
	if i := len(c.skipped) - 1; i >= 0 {
		c.skipped[i].What = append(c.skipped[i].What, kind)
	} else {
		c.skipped = []CleanupSkip{{Region: c.region, What: []CleanupKind{kind}, Reason: reason}}
	}
	if c.region == c.home {
		c.fail("", op, "look for "+words[kind], err)
	}
}

// remove makes one removal pass the gate and notes what came of it; true says that the
// thing is gone, or would be.
func (c *cleaner) remove(ctx context.Context, item CleanupItem, op string, write func(context.Context) error) bool {
	intent := Intent{Op: op, Region: c.region, ARN: item.ARN, What: fmt.Sprintf("remove the %s %s: %s", item.Kind, item.Name, item.Reason)}
	outcome, err := c.gate.do(ctx, intent, write)
	item.State = removalState(outcome)
	switch {
	case err != nil && ctx.Err() != nil:
		c.cut = true
		item.Reason = interruptedReason
	case err != nil:
		item.Reason = awsapi.Line(err)
		c.fail(item.ARN, op, fmt.Sprintf("remove the %s %s", item.Kind, item.Name), err)
	}
	c.note(ctx, item)
	return err == nil
}

// interruptedReason is why things remain that there was no time for. The last of them
// may be gone all the same: its answer did not arrive.
const interruptedReason = "ended before it was removed"

func removalState(o Outcome) CleanupState {
	switch o {
	case Done:
		return Removed
	case DryRun:
		return WouldGo
	case AlreadySo:
		return Gone
	}
	return Remaining
}

// whyStays says why a thing with these tags is not ours to remove; empty if it is. The
// original application tagged its alarms without a deployment, and the rest not at all.
func (c *cleaner) whyStays(t tags, original bool) string {
	switch {
	case t.deployment != "" && t.deployment != c.deployment:
		return "it belongs to the deployment " + t.deployment
	case t.createdBy == createdBy, original && t == tags{}:
		return ""
	}
	return "it has no tag " + tagCreatedBy + "=" + createdBy
}

// whoseIs says whose a thing is that whyStays has nothing against.
func whoseIs(t tags) string {
	if t.deployment == "" {
		return "the original application's"
	}
	return "of the deployment " + t.deployment
}
