// Package uninstall removes what the program, or the upstream sample, created outside of the
// deployment template: alarms, the notification rule, topics and dashboards. What belongs to
// another deployment or to a person stays.
package uninstall

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// reserve is how long before the deadline of its context a clean-up ends, so that its caller can
// still report the result.
const reserve = 5 * time.Second

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
	removals := make([]*removal, len(result.Regions))
	done := counter(len(removals), in.Progress)
	var group errgroup.Group
	group.SetLimit(writer.ParallelCalls)
	for i, region := range result.Regions {
		r := &removal{
			u: u, w: w, region: region, topic: identity.ARN("sns", region, notify.TopicName), only: only(in.Only),
			untagged: in.AllUntagged || slices.Contains(in.Untagged, region), endpoints: in.Endpoints,
		}
		removals[i] = r
		group.Go(func() error {
			// Alarms and the rule before the topic that they send to, so that nothing ever sends
			// to a topic that does not exist.
			r.run(ctx, r.removeAlarms, r.removeRule, r.removeTopics, r.removeTags)
			done()
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

// counter reports progress, one call at a time.
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

// only is the set of the items; nil for nil.
func only(items []report.CleanupItem) map[itemKey]bool {
	if items == nil {
		return nil
	}
	set := make(map[itemKey]bool, len(items))
	for _, item := range items {
		set[itemKey{item.Kind, item.Region, item.ARN}] = true
	}
	return set
}
