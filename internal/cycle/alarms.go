package cycle

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/act"
	"github.com/personalize-monitor/personalize-monitor/internal/decide"
	"github.com/personalize-monitor/personalize-monitor/internal/estate"
)

// regionConcurrency bounds how many regions are listed or reconciled at once.
const regionConcurrency = 16

// regionAlarms are the alarms that exist in a region, or why they could not be listed.
type regionAlarms struct {
	region string
	alarms []decide.Alarm
	err    error
}

// listAlarms begins to list the existing alarms of all regions and gives them when all
// are there.
func (r *run) listAlarms(ctx context.Context) <-chan []regionAlarms {
	regions := Regions(Scope(r.params, r.Region))
	found := make(chan []regionAlarms, 1)
	go func() {
		lists := make([]regionAlarms, len(regions))
		group := errgroup.Group{}
		group.SetLimit(regionConcurrency)
		for i, region := range regions {
			group.Go(func() error {
				alarms, err := r.Actor.ListAlarms(ctx, region)
				lists[i] = regionAlarms{region, alarms, err}
				return nil
			})
		}
		_ = group.Wait() // errors stand in the lists
		found <- lists
	}()
	return found
}

// reconcile brings the alarms of every region in step. A region waits for its topic,
// and a region whose alarms could not be listed is left as it is.
func (r *run) reconcile(ctx context.Context, existing []regionAlarms, topics map[string]estate.ARN, decisions []decide.Decision) {
	byRegion := map[string][]decide.Decision{}
	for _, d := range decisions {
		byRegion[d.Resource.Region()] = append(byRegion[d.Resource.Region()], d)
	}
	standing := r.standing(decisions)
	var mu sync.Mutex
	group := errgroup.Group{}
	group.SetLimit(regionConcurrency)
	for _, list := range existing {
		if list.err != nil {
			r.problems(estate.Problem{Region: list.region, Operation: "DescribeAlarms", Err: list.err})
			continue
		}
		topic, ok := topics[list.region]
		if !ok && len(byRegion[list.region]) > 0 {
			r.alarms.Left += r.missing(byRegion[list.region], list.alarms)
			continue
		}
		group.Go(func() error {
			changes := decide.DiffAlarms(r.wanted(byRegion[list.region], topic), list.alarms, standing)
			counts, problems := r.Actor.ReconcileAlarms(ctx, act.ReconcileInput{
				Region: list.region, Changes: decide.Rotate(changes, r.moment.Window), Until: r.until,
				Progress: r.step("alarms " + list.region),
			})
			mu.Lock()
			defer mu.Unlock()
			r.alarms = r.alarms.Add(counts)
			r.problems(problems...)
			return nil
		})
	}
	_ = group.Wait() // failures are problems
}

// wanted are the alarms that the resources of a region should have. A resource that is
// about to be stopped or deleted gets none any more, but keeps what it has.
func (r *run) wanted(decisions []decide.Decision, topic estate.ARN) []decide.WantedAlarm {
	p := decide.AlarmParams{
		LowUtilization: r.params.AutoCreateUtilizationAlarms, Threshold: r.params.UtilizationThreshold,
		Idle: r.params.AutoCreateIdleAlarms, IdleHours: r.params.IdleThresholdHours,
	}
	var wanted []decide.WantedAlarm
	for _, d := range decisions {
		if decidesAlarms(d) {
			wanted = append(wanted, decide.WantedAlarms(d.Resource, d.Throughput, topic, p, r.moment)...)
		}
	}
	return wanted
}

func decidesAlarms(d decide.Decision) bool {
	return d.Action != decide.Stop && d.Action != decide.Delete && decide.DecidesAlarms(d.Resource, d.Throughput)
}

// missing counts the alarms of a region that would be created if it had its topic.
func (r *run) missing(decisions []decide.Decision, existing []decide.Alarm) int {
	have := make(map[string]bool, len(existing))
	for _, a := range existing {
		have[a.Name] = true
	}
	count := 0
	for _, w := range r.wanted(decisions, estate.ARN{}) {
		if !have[w.Name] {
			count++
		}
	}
	return count
}

// standing tells what is known of a resource that an existing alarm belongs to. Only a
// complete listing that does not show it proves that it is gone.
func (r *run) standing(decisions []decide.Decision) func(estate.ARN) decide.Standing {
	known := make(map[estate.ARN]decide.Standing, len(decisions)+len(r.snapshot.Others))
	for _, d := range decisions {
		known[d.Resource.ARN] = decide.Unknown
		if decidesAlarms(d) {
			known[d.Resource.ARN] = decide.Monitored
		}
	}
	for _, resource := range r.snapshot.Others {
		known[resource.ARN] = decide.Inactive
	}
	return func(arn estate.ARN) decide.Standing {
		if s, ok := known[arn]; ok {
			return s
		}
		kind, ok := arn.Kind()
		if !ok {
			return decide.Unknown
		}
		for _, l := range r.snapshot.Listings {
			if l.Region == arn.Region && l.Complete(kind) && !l.Seen[arn] {
				return decide.Gone
			}
		}
		return decide.Unknown
	}
}
