package cycle

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/act"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// regionConcurrency bounds how many regions are looked at at once.
const regionConcurrency = 32

// regionAlarms are the alarms that exist in a region, or why they could not be listed.
type regionAlarms struct {
	region string
	alarms []rules.Alarm
	err    error
}

// listAlarms begins to list the existing alarms of all regions and gives them when all
// are there.
func (r *run) listAlarms(ctx context.Context) <-chan []regionAlarms {
	regions := Regions(Scope(r.params, r.Region))
	found := make(chan []regionAlarms, 1)
	go func() {
		looking, cancel := r.look(ctx)
		defer cancel()
		lists := make([]regionAlarms, len(regions))
		group := errgroup.Group{}
		group.SetLimit(regionConcurrency)
		for i, region := range regions {
			group.Go(func() error {
				alarms, err := r.Actor.ListAlarms(looking, region)
				lists[i] = regionAlarms{region, alarms, err}
				if err == nil {
					r.Observer.SawAlarms(region, alarms)
				}
				return nil
			})
		}
		_ = group.Wait() // errors stand in the lists
		found <- lists
	}()
	return found
}

// reconcile brings the alarms of every region in step. A region whose alarms could not
// be listed is left as it is; one without its topic waits for it, save for removals.
func (r *run) reconcile(ctx context.Context, existing []regionAlarms, topics map[string]model.ARN, decisions []rules.Decision) {
	byRegion := map[string][]rules.Decision{}
	for _, d := range decisions {
		byRegion[d.Resource.Region()] = append(byRegion[d.Resource.Region()], d)
	}
	standing := r.standing(decisions)
	var inputs []act.ReconcileInput
	waiting := 0
	for _, list := range existing {
		if list.err != nil {
			r.problems(model.Problem{Region: list.region, Operation: "DescribeAlarms", Err: list.err})
			continue
		}
		changes := rules.DiffAlarms(r.wanted(byRegion[list.region]), list.alarms, standing, r.moment.Now)
		if _, ok := topics[list.region]; !ok {
			var left int
			changes, left = removals(changes)
			waiting += left
		}
		inputs = append(inputs, act.ReconcileInput{
			Region: list.region, Changes: rules.Rotate(changes, r.moment.Window), Until: r.until,
			Progress: r.step("alarms " + list.region),
		})
	}
	counts, problems := r.Actor.ReconcileAll(ctx, inputs)
	r.alarms = counts
	r.alarms.Left += waiting
	r.problems(problems...)
}

// removals keeps the removals among alarm changes, and what stays as it is, and counts
// the rest, which cannot be written without the topic.
func removals(changes []rules.AlarmChange) (kept []rules.AlarmChange, left int) {
	for _, change := range changes {
		if change.Kind == rules.DeleteAlarm || change.Kind == rules.KeepAlarm {
			kept = append(kept, change)
		} else {
			left++
		}
	}
	return kept, left
}

// wanted are the alarms that the resources of a region should have. A resource that is
// about to be stopped or deleted gets none any more, but keeps what it has.
func (r *run) wanted(decisions []rules.Decision) []rules.WantedAlarm {
	p := rules.AlarmParams{
		LowUtilization: r.params.AutoCreateUtilizationAlarms, Threshold: r.params.UtilizationThreshold,
		Idle: r.params.AutoCreateIdleAlarms, IdleHours: r.params.IdleThresholdHours,
	}
	var wanted []rules.WantedAlarm
	for _, d := range decisions {
		if decidesAlarms(d) {
			arn := d.Resource.ARN
			topic := model.ARN{Partition: arn.Partition, Service: "sns", Region: arn.Region, Account: arn.Account, Resource: act.TopicName}
			wanted = append(wanted, rules.WantedAlarms(d.Resource, d.Throughput, topic, p, r.moment)...)
		}
	}
	return wanted
}

func decidesAlarms(d rules.Decision) bool {
	return d.Verdict != rules.Stop && d.Verdict != rules.Delete && rules.DecidesAlarms(d.Resource, d.Throughput)
}

// standing tells what is known of a resource that an existing alarm belongs to. Only a
// complete listing that does not show it proves that it is gone.
func (r *run) standing(decisions []rules.Decision) func(model.ARN) rules.Standing {
	known := make(map[model.ARN]rules.Standing, len(decisions)+len(r.snapshot.Others))
	for _, d := range decisions {
		known[d.Resource.ARN] = rules.Unknown
		if decidesAlarms(d) {
			known[d.Resource.ARN] = rules.Monitored
		}
	}
	for _, resource := range r.snapshot.Others {
		known[resource.ARN] = rules.Inactive
	}
	return func(arn model.ARN) rules.Standing {
		if s, ok := known[arn]; ok {
			return s
		}
		kind, ok := arn.Kind()
		if !ok {
			return rules.Unknown
		}
		for _, l := range r.snapshot.Listings {
			if l.Region == arn.Region && l.Complete(kind) && !l.Seen[arn] {
				return rules.Gone
			}
		}
		return rules.Unknown
	}
}
