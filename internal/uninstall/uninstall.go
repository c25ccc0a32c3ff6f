// Package uninstall removes what the program, or the upstream sample, created outside of the
// deployment template: alarms, the notification rule, topics and dashboards. What belongs to
// another deployment or to a person stays.
package uninstall

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// reserve is how long before the deadline of its context a clean-up ends, so that its caller can
// still report the result.
const reserve = 5 * time.Second

// scanTTL is how long the clean-up believes the tags that a dry run has read before it, so that
// a question to a person in between does not cost reading them twice.
const scanTTL = 10 * time.Minute

// Kinds of items, in the order in which they are removed.
const (
	KindAlarm     = "alarm"
	KindTarget    = "target" // of the notification rule
	KindRule      = "rule"
	KindTopic     = "topic"
	KindTag       = "tag" // of a campaign or recommender: its schedule, its timed raise
	KindDashboard = "dashboard"
)

var kinds = []string{KindAlarm, KindTarget, KindRule, KindTopic, KindTag, KindDashboard}

// kindWords name the kinds in messages about a search.
var kindWords = map[string]string{
	KindAlarm: "alarms", KindRule: "the rule", KindTopic: "the topic", KindTag: "tags of campaigns and recommenders",
	KindDashboard: "dashboards",
}

// States of items. Kept ones are not ours; Remaining ones are and could not be removed; for
// Unclear ones this could not be found out.
const (
	Removed     = "removed"
	WouldRemove = "would be removed" // in a dry run
	AlreadyGone = "already gone"     // removed by someone else meanwhile
	Kept        = "kept"
	Remaining   = "remains"
	Unclear     = "unclear"
)

// InState are the items in a state.
func InState(items []report.CleanupItem, state string) []report.CleanupItem {
	return slices.DeleteFunc(slices.Clone(items), func(i report.CleanupItem) bool { return i.State != state })
}

// Uninstaller removes things. It is safe for concurrent use.
type Uninstaller struct {
	w        *writer.Writer
	owner    *writer.Owner
	notifier *notify.Notifier
	alarms   *alarms.Alarms
	scanned  *writer.Memory[writer.Tags] // of alarms, by ARN
}

// New makes an Uninstaller. It calls nothing.
func New(w *writer.Writer, owner *writer.Owner, notifier *notify.Notifier, list *alarms.Alarms) *Uninstaller {
	return &Uninstaller{w: w, owner: owner, notifier: notifier, alarms: list, scanned: writer.NewMemory[writer.Tags](w.Clock, scanTTL)}
}

// Input says where to look.
type Input struct {
	// Regions are searched in addition to those in which Personalize is available and to the
	// deployment region.
	Regions []string
	// DashboardName is the name of the dashboard; its further ones -2, -3… are removed, too.
	// Empty keeps dashboards.
	DashboardName string
	// Deployment selects whose things are removed; empty means the Writer's own.
	Deployment string
	// Untagged are the regions where the upstream sample's leftovers that no deployment has
	// tagged are removed, and AllUntagged removes them everywhere. Elsewhere they stay: another
	// stack of the sample may use them.
	Untagged    []string
	AllUntagged bool
	// Endpoints lists the campaigns and recommenders of a region, whose tags of schedules and timed
	// raises are removed; nil keeps them.
	Endpoints func(ctx context.Context, region string) ([]model.Resource, []model.Problem)
	// DryRun only searches, even if the Writer is not in dry run.
	DryRun bool
	// Only, unless nil, are the things that may be removed, as an earlier search found them.
	// Whatever else is ours by now stays, and so does the topic that it sends to.
	Only []report.CleanupItem
	// Progress is called with the number of regions done; may be nil.
	Progress func(done, total int)
}

// Run removes, in every region where Personalize is available, our alarms, the notification rule,
// the topics and the tags of schedules, then the dashboards. What cannot be listed or read is not removed, nor is what it
// may use, and is a problem; the rest goes on. Only a region in which everything is denied, or
// that is not enabled, is skipped instead, unless it is the deployment region. Run ends a little
// before the deadline of ctx, and may run again to continue where it stopped.
func (u *Uninstaller) Run(ctx context.Context, in Input) report.Cleanup {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-reserve))
		defer cancel()
	}
	w := u.w.As(in.Deployment, in.DryRun)
	home := w.DeploymentRegion
	result := report.Cleanup{Deployment: w.Deployment, DryRun: w.DryRun}
	identity, err := u.owner.Identity(ctx)
	if err != nil {
		result.Problems = []model.Problem{writer.Problem(home, "", "GetCallerIdentity", err)}
		return result
	}
	result.Regions = Regions(identity.Partition, in.Regions, home)
	only := map[itemKey]bool{}
	for _, item := range in.Only {
		only[itemKey{item.Kind, item.Region, item.ARN}] = true
	}
	removals := make([]*removal, len(result.Regions))
	var progress sync.Mutex
	done := 0
	var group errgroup.Group
	group.SetLimit(writer.ParallelCalls)
	for i, region := range result.Regions {
		r := &removal{u: u, w: w, in: in, region: region, topic: identity.ARN("sns", region, notify.TopicName), only: only}
		removals[i] = r
		group.Go(func() error {
			// Alarms and the rule before the topic that they send to, so that nothing ever sends
			// to a topic that does not exist.
			r.run(ctx, r.removeAlarms, r.removeRule, r.removeTopics, r.removeTags)
			if in.Progress != nil {
				progress.Lock()
				defer progress.Unlock()
				done++
				in.Progress(done, len(removals))
			}
			return nil
		})
	}
	_ = group.Wait() // the problems are in the removals
	if in.DashboardName != "" {
		// Dashboards belong to the account, and are listed in the deployment region.
		r := removals[slices.Index(result.Regions, home)]
		r.run(ctx, func(ctx context.Context) { r.removeDashboards(ctx, in.DashboardName) })
	}
	for _, r := range removals {
		r.report(ctx)
		result.Items = append(result.Items, r.items...)
		result.Skipped = append(result.Skipped, r.skipped...)
		result.Problems = append(result.Problems, r.problems...)
	}
	slices.SortStableFunc(result.Items, func(x, y report.CleanupItem) int {
		return cmp.Or(cmp.Compare(x.Region, y.Region), slices.Index(kinds, x.Kind)-slices.Index(kinds, y.Kind), cmp.Compare(x.Name, y.Name))
	})
	return result
}

// Regions are all the regions that a clean-up searches, sorted: those of the partition in which
// Personalize is available, those given, and the deployment region.
func Regions(partition string, given []string, home string) []string {
	regions := slices.Concat(awsapi.PersonalizeRegions(partition), given, []string{home})
	slices.Sort(regions)
	return slices.Compact(regions)
}

// itemKey identifies an item from one search to the next.
type itemKey struct{ kind, region, arn string }

// removal is the work on one region, and its result.
type removal struct {
	u      *Uninstaller
	w      *writer.Writer // with the deployment and the dry run of the input
	region string
	topic  model.ARN
	only   map[itemKey]bool // of the input
	in     Input
	shared bool // something of another deployment was found

	items                 []report.CleanupItem
	skipped               []report.CleanupSkip
	problems              []model.Problem
	denied                []model.Problem // searches that were denied; problems too, unless the whole region is closed
	searched              bool            // something could be searched in this region
	closed                bool            // no call can succeed in this region
	interrupted           bool            // ctx ended before all was done
	alarmTopic, chatTopic stay
}

// stay is why a topic stays, because something that stays sends to it; empty if nothing does.
type stay struct{ state, reason string }

// because records that something sends to the topic, or may. A reason that it is not ours to remove
// takes precedence over one that something could not be removed.
func (s *stay) because(state, reason string) {
	if s.reason == "" || (state == Kept && s.state == Remaining) {
		s.state, s.reason = state, reason
	}
}

// Reasons why things stay.
const (
	// appeared: the thing is ours, and not among those to be removed.
	appeared = "it did not exist when the things to remove were listed; another clean-up removes it"
	// noTime: the last of these may be gone all the same, if its answer did not arrive.
	noTime = "ended before it was removed"
)

// run runs one step after the other, as long as they can succeed.
func (r *removal) run(ctx context.Context, steps ...func(context.Context)) {
	for _, step := range steps {
		switch {
		case r.closed:
		case ctx.Err() != nil:
			r.interrupted = true
		default:
			step(ctx)
		}
	}
}

// report adds to the problems that the work ended early, and what was denied, unless nothing at all
// could be searched: in a region that is closed to the account the program has made nothing. The
// deployment region should not be closed.
func (r *removal) report(ctx context.Context) {
	if r.interrupted {
		err := fmt.Errorf("ended before all was done, %d known to remain: %w", len(InState(r.items, Remaining)), awsapi.Plain(ctx.Err()))
		r.problems = append(r.problems, model.Problem{Region: r.region, Operation: "Cleanup", Err: err})
	}
	if r.searched || r.region == r.w.DeploymentRegion { // guard: uninstall: a region is closed only if nothing in it can be searched
		r.problems = append(r.problems, r.denied...)
	}
}

// keepTopics keeps both topics, because a rule that stays sends to them, or may.
func (r *removal) keepTopics(state, reason string) {
	r.alarmTopic.because(state, reason)
	r.chatTopic.because(state, reason)
}

// selected reports whether a thing of ours is among those to be removed.
func (r *removal) selected(kind, arn string) bool {
	return r.in.Only == nil || r.only[itemKey{kind, r.region, arn}]
}

// add puts an item into the result, in the state given, and logs things that stay.
func (r *removal) add(ctx context.Context, item report.CleanupItem, state, reason string) {
	item.Region, item.State, item.Reason = r.region, state, reason
	r.items = append(r.items, item)
	if state == Kept {
		r.w.LogOnce(ctx, slog.LevelInfo, item.ARN, item.Kind+" stays", "region", r.region, "name", item.Name, "reason", reason)
	}
}

func (r *removal) fail(arn, op, doing string, err error) {
	r.problems = append(r.problems, writer.Problem(r.region, arn, op, fmt.Errorf("%s: %w", doing, err)))
}

// unsearched records that a kind of thing could not be searched, so that it may still send to the
// topic. That is a problem, unless the region is closed.
func (r *removal) unsearched(ctx context.Context, kind, op string, err error) {
	errKind := awsapi.KindOf(err)
	unread := kindWords[kind] + " could not be read, and may send to it"
	r.alarmTopic.because(Remaining, unread)
	if kind == KindRule {
		r.chatTopic.because(Remaining, unread)
	}
	switch {
	case ctx.Err() != nil:
		r.interrupted = true
		return
	case !awsapi.RegionClosed(err):
		r.searched = r.searched || errKind != awsapi.Unreachable
		r.closed = errKind == awsapi.Unreachable
		r.fail("", op, "look for "+kindWords[kind], err)
		return
	}
	_, disabled := errors.AsType[*awsapi.RegionDisabledError](err)
	r.closed = disabled || errKind != awsapi.Denied // a denial may be for this one operation
	reason := awsapi.Line(err)
	r.w.Logger.Info("region skipped", "op", op, "region", r.region, "kind", kind, "err", reason)
	if i := len(r.skipped) - 1; i >= 0 {
		r.skipped[i].What = append(r.skipped[i].What, kind)
	} else {
		r.skipped = []report.CleanupSkip{{Region: r.region, What: []string{kind}, Reason: reason}}
	}
	r.denied = append(r.denied, writer.Problem(r.region, "", op, fmt.Errorf("look for %s: %w", kindWords[kind], err)))
}

// readTags reads the tags of a thing that was found. An error is recorded.
func (r *removal) readTags(ctx context.Context, item report.CleanupItem) (writer.Tags, error) {
	tags, err := r.w.ReadTags(ctx, r.region, item.ARN)
	if err != nil {
		r.unread(ctx, item, writer.OpListTags, "read the tags", err)
	}
	return tags, err
}

// unread records a thing whose owner could not be read.
func (r *removal) unread(ctx context.Context, item report.CleanupItem, op, doing string, err error) {
	switch {
	case ctx.Err() != nil:
		r.interrupted = true
		r.add(ctx, item, Unclear, "ended before its owner was known")
	case awsapi.KindOf(err) == awsapi.NotFound:
		r.add(ctx, item, AlreadyGone, "")
	default:
		r.add(ctx, item, Unclear, awsapi.Line(err))
		r.fail(item.ARN, op, fmt.Sprintf("%s of the %s %s", doing, item.Kind, item.Name), err)
	}
}

// remove makes one removal through the gate and records the outcome. It reports whether the thing
// is gone, or would be.
func (r *removal) remove(ctx context.Context, item report.CleanupItem, reason, op string, write func(context.Context) error) bool {
	what := fmt.Sprintf("remove the %s %s", item.Kind, item.Name)
	outcome, err := r.w.Do(ctx, writer.Intent{Op: op, Region: r.region, ARN: item.ARN, What: what + ": " + reason}, write)
	switch {
	case err != nil && ctx.Err() != nil:
		r.interrupted = true
		reason = noTime
	case err != nil:
		reason = awsapi.Line(err)
		r.fail(item.ARN, op, what, err)
	}
	r.add(ctx, item, stateOf(outcome), reason)
	return err == nil
}

func stateOf(o writer.Outcome) string {
	switch o {
	case writer.Done:
		return Removed
	case writer.DryRun:
		return WouldRemove
	case writer.AlreadySo:
		return AlreadyGone
	}
	return Remaining
}

// keepReason is why a thing with these tags is not ours to remove; empty if it is. The upstream
// sample tags its alarms without a deployment, and the rest not at all.
func (r *removal) keepReason(tags writer.Tags, sample bool) string {
	owner := tags[writer.TagDeployment]
	leftover := owner == "" && (tags.Ours() || (sample && tags.NoOwner()))
	switch {
	case owner != "" && owner != r.w.Deployment:
		r.shared = true
		return "it belongs to the deployment " + owner
	// guard: uninstall: leftovers without a deployment's tag stay
	case leftover && !r.in.AllUntagged && !slices.Contains(r.in.Untagged, r.region):
		return "the upstream sample made it, of which another stack may use it; cleanup --include-untagged removes it"
	case leftover, tags.Ours():
		return ""
	}
	return "it has no tag " + writer.TagCreatedBy + "=" + writer.CreatedBy
}

// keep is keepReason for one of the things that may be removed.
func (r *removal) keep(item report.CleanupItem, tags writer.Tags, sample bool) string {
	reason := r.keepReason(tags, sample)
	if reason == "" && !r.selected(item.Kind, item.ARN) {
		reason = appeared
	}
	return reason
}

// ownerOf says who owns a thing that keepReason does not keep.
func ownerOf(tags writer.Tags) string {
	if owner := tags[writer.TagDeployment]; owner != "" {
		return "of the deployment " + owner
	}
	return "the upstream sample's"
}
