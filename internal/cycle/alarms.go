package cycle

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// changesAtOnce bounds the changes that a cycle makes to alarms of a region, and holds until the last is made: no more
// fit into maxBudget, as CloudWatch accepts three a second. Each kind has an equal share, so that one which is denied
// does not displace the others. The next cycle begins with others (alarms.Rotate).
const changesAtOnce = 3 * int(maxBudget/time.Second)

// regionAlarms are the alarms that exist in a region, or why they could not be listed.
type regionAlarms struct {
	region string
	alarms []alarms.Alarm
	err    error
}

// listAlarms starts to list the existing alarms of all regions, and returns them when all are
// listed.
func (r *run) listAlarms(ctx context.Context) <-chan []regionAlarms {
	regions := Regions(Scope(r.params, r.Region))
	listed := make(chan []regionAlarms, 1)
	go func() {
		reading, cancel := r.reading(ctx)
		defer cancel()
		lists := make([]regionAlarms, len(regions))
		group := errgroup.Group{}
		group.SetLimit(regionConcurrency)
		for i, region := range regions {
			group.Go(func() error {
				list, err := r.Alarms.List(reading, region)
				lists[i] = regionAlarms{region, list, err}
				if err == nil && r.Observer != nil {
					r.Observer.SawAlarms(region, list)
				}
				return nil
			})
		}
		_ = group.Wait() // the errors are in the lists
		listed <- lists
	}()
	return listed
}

// withoutRemoved leaves out the alarms of resources that this cycle deleted or stopped: the
// action has removed them since they were listed.
func (r *run) withoutRemoved(existing []regionAlarms) []regionAlarms {
	for i := range existing {
		existing[i].alarms = slices.DeleteFunc(existing[i].alarms, func(a alarms.Alarm) bool {
			arn, err := model.ParseARN(a.Settings.Metric.DimensionValue)
			return err == nil && r.removed[arn]
		})
	}
	return existing
}

// alarmChanges are the changes of the alarms of every region. Where alarms could not be listed they stay as they
// are. A region without its topic waits for it, removals excepted. What needs no change is counted.
func (r *run) alarmChanges(existing []regionAlarms, topics map[string]model.ARN, decisions []rules.Decision) []alarms.ReconcileInput {
	observed := r.observedState(decisions)
	var inputs []alarms.ReconcileInput
	for i, list := range existing {
		existing[i].alarms = nil // of all regions together they would be the most that a cycle holds
		if list.err != nil {
			r.problems.add(model.Problem{Region: list.region, Operation: "DescribeAlarms", Err: list.err})
			continue
		}
		changes := alarms.Diff(r.desired(ofRegion(decisions, list.region)), list.alarms, observed, r.at.Now)
		if _, ok := topics[list.region]; !ok {
			all := len(changes)
			changes = slices.DeleteFunc(changes, func(c alarms.Change) bool { return c.Kind != alarms.Delete && c.Kind != alarms.Keep })
			r.alarms.Left += all - len(changes)
		}
		inputs = append(inputs, alarms.ReconcileInput{
			Region: list.region, Changes: r.alarmWork(alarms.Rotate(changes, r.at.Window)), Until: r.until,
			Progress: r.Progress.of("alarms " + list.region),
		})
	}
	return inputs
}

// alarmWork is what of the changes is work for this cycle: all but alarms that stay and need no word, which are most, and
// those for which there is no time.
func (r *run) alarmWork(changes []alarms.Change) (work []alarms.Change) {
	kinds := map[alarms.ChangeKind]bool{}
	for _, c := range changes {
		if c.Kind.Writes() {
			kinds[c.Kind] = true
		}
	}
	writes := map[alarms.ChangeKind]int{}
	for _, c := range changes {
		switch {
		case c.Kind == alarms.Keep && c.Reason == "":
			r.alarms.Kept++
		case c.Kind.Writes() && writes[c.Kind] == changesAtOnce/len(kinds) && !r.DryRun:
			r.alarms.Left++
		default:
			work = append(work, c)
			writes[c.Kind]++
		}
	}
	return work
}

// reconcile applies the changes.
func (r *run) reconcile(ctx context.Context, changes []alarms.ReconcileInput) {
	counts, problems := r.Alarms.ReconcileAll(ctx, changes)
	r.alarms = r.alarms.Add(counts)
	r.problems.add(problems...)
}

// ofRegion is the part of decisions, which are in the order of their regions, that is about one region.
func ofRegion(decisions []rules.Decision, region string) []rules.Decision {
	start := sort.Search(len(decisions), func(i int) bool { return decisions[i].Resource.Region() >= region })
	end := sort.Search(len(decisions), func(i int) bool { return decisions[i].Resource.Region() > region })
	return decisions[start:end]
}

// desired are the alarms that the resources of a region should have. A resource that is about
// to be stopped or deleted gets no new ones, but keeps what it has.
func (r *run) desired(decisions []rules.Decision) []alarms.Desired {
	p := alarms.Params{
		LowUtilization: r.params.AutoCreateUtilizationAlarms, Threshold: r.params.UtilizationThreshold,
		Idle: r.params.AutoCreateIdleAlarms, IdleHours: r.params.IdleThresholdHours,
	}
	desired := make([]alarms.Desired, 0, 2*len(decisions))
	for _, d := range decisions {
		if decidesAlarms(d) {
			arn := d.Resource.ARN
			topic := model.NewARN(arn.Partition(), "sns", arn.Region(), arn.Account(), notify.TopicName)
			desired = append(desired, alarms.DesiredFor(d.Resource, d.Throughput, topic, p, r.at.Now)...)
		}
	}
	return desired
}

func decidesAlarms(d rules.Decision) bool {
	return d.Verdict != rules.Stop && d.Verdict != rules.Delete && alarms.Known(d.Resource, d.Throughput)
}

// observedState is what is known of the resource of an existing alarm. Only a complete
// listing that does not show a resource proves that it is gone.
func (r *run) observedState(decisions []rules.Decision) func(model.ARN) alarms.ResourceState {
	known := sync.OnceValue(func() map[model.ARN]alarms.ResourceState { // few cycles need it
		states := make(map[model.ARN]alarms.ResourceState, len(decisions)+len(r.snapshot.Others))
		for _, d := range decisions {
			states[d.Resource.ARN] = alarms.Unknown
			if decidesAlarms(d) {
				states[d.Resource.ARN] = alarms.Monitored
			}
		}
		for _, resource := range r.snapshot.Others {
			states[resource.ARN] = alarms.Inactive
		}
		return states
	})
	return func(arn model.ARN) alarms.ResourceState {
		if s, ok := known()[arn]; ok {
			return s
		}
		kind, ok := arn.Kind()
		gone := ok && slices.ContainsFunc(r.snapshot.Listings, func(l model.Listing) bool {
			return l.Region == arn.Region() && l.Complete(kind) && !l.Seen[arn]
		})
		if gone {
			return alarms.Gone
		}
		return alarms.Unknown
	}
}

// rebuildDashboard rebuilds the dashboard after alarms were created or removed, or resources
// deleted or stopped: once, at the end.
func (r *run) rebuildDashboard(ctx context.Context) {
	changed := r.alarms.Created + r.alarms.Deleted
	switch {
	case r.Act && r.Rebuild != nil && changed+len(r.removed) > 0:
		r.problems.add(r.Rebuild(ctx, slices.SortedFunc(maps.Keys(r.removed), model.ARN.Compare))...)
	case changed > 0:
		sent, problems := r.Rebuilder.Rebuild(ctx, events.BuildDetail{Reason: fmt.Sprintf("%d alarms were created or removed", changed)})
		r.addEvents(sent)
		r.problems.add(problems...)
	}
}
