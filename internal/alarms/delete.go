package alarms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

const (
	// ParallelTags bounds the reads of tags under way at once in a region.
	ParallelTags = 8
	// deletionReserve is how long before the end of the time the reading of tags stops, so
	// that the call that deletes the alarms read so far can still begin.
	deletionReserve = 2 * time.Second
	// tagsTTL is how long the tags of an alarm that stays because of them are believed, so
	// that a person's alarm does not cost a call in every cycle.
	tagsTTL = 6 * time.Hour
)

// verdict is whether an alarm may be deleted.
type verdict struct {
	keep string // why it stays; empty if it may be deleted
	gone bool   // it was deleted meanwhile
	late bool   // there was no time left to read its tags
	err  error
}

// deletable are the alarms that may be deleted; the others are counted or reported. Tags are
// read a few at a time, to stop early if that is denied.
func (r *reconciler) deletable(ctx context.Context, changes []Change) []Change {
	breaker := r.breaker(writer.OpListTags, writer.OpListTags)
	var list []Change
	for few := range slices.Chunk(changes, ParallelTags) {
		if breaker.Open() {
			breaker.Skip(len(few))
			continue
		}
		verdicts := make([]verdict, len(few))
		var group sync.WaitGroup
		for i, change := range few {
			group.Go(func() { verdicts[i] = r.check(ctx, change) })
		}
		group.Wait()
		for i, v := range verdicts {
			switch change := few[i]; {
			case v.late:
				r.counts.Left++
			case v.err != nil:
				breaker.Fail(change.Resource.String(), fmt.Errorf("read the tags of alarm %s: %w", change.Name, v.err))
			case v.gone:
				r.w.Logger.Debug("alarm does not exist any more", "region", r.region, "alarm", change.Name)
			case v.keep != "":
				r.keep(ctx, change, v.keep)
			default:
				breaker.Succeed()
				list = append(list, change)
			}
		}
	}
	return list
}

// check reads the tags of an alarm and decides whether it may be deleted.
func (r *reconciler) check(ctx context.Context, change Change) verdict {
	if change.ARN == "" {
		return verdict{err: ErrNoARN}
	}
	tags, known := r.kept.Get(change.ARN)
	if !known {
		lastRead := r.until
		if !lastRead.IsZero() {
			lastRead = lastRead.Add(-deletionReserve)
		}
		if r.w.OutOfTime(ctx, lastRead) {
			return verdict{late: true}
		}
		var err error
		tags, err = r.w.ReadTags(ctx, r.region, change.ARN)
		switch {
		case err != nil && ctx.Err() != nil:
			return verdict{late: true}
		case awsapi.KindOf(err) == awsapi.NotFound:
			return verdict{gone: true}
		case err != nil:
			return verdict{err: err}
		}
	}
	keep := keepReason(tags, change.OwnOnly, r.w.Deployment)
	if keep != "" && !known {
		r.kept.Put(change.ARN, tags)
	}
	return verdict{keep: keep}
}

// ErrNoARN is the error of an alarm that CloudWatch lists without its ARN.
var ErrNoARN = errors.New("the listing has no ARN for it")

// keepReason is why an alarm with these tags is not deleted; empty if it may be. An alarm
// without the tag CreatedBy is a person's, whatever its name. If ownOnly is set, another
// deployment's alarm stays. The upstream sample's alarms name no deployment.
func keepReason(tags writer.Tags, ownOnly bool, deployment string) string {
	owner := tags[writer.TagDeployment]
	switch {
	case !tags.Ours():
		return "not deleted: it has no tag " + writer.TagCreatedBy + "=" + writer.CreatedBy
	case ownOnly && owner != "" && owner != deployment:
		return "not deleted: it belongs to the deployment " + owner
	}
	return ""
}

// delete deletes up to a hundred alarms in one call. CloudWatch ignores names that do not
// exist any more.
func (r *reconciler) delete(ctx context.Context, changes []Change) {
	breaker := r.breaker(opDeleteAlarms, opDeleteAlarms)
	switch {
	case len(changes) == 0:
		return
	case breaker.Open():
		breaker.Skip(len(changes))
		return
	case r.w.OutOfTime(ctx, r.until):
		r.counts.Left += len(changes)
		return
	}
	names := make([]string, 0, len(changes))
	for _, change := range changes {
		names = append(names, change.Name)
	}
	intent := writer.Intent{Op: opDeleteAlarms, Region: r.region, What: fmt.Sprintf("delete %d alarms", len(names))}
	if len(changes) == 1 {
		intent.ARN = changes[0].Resource.String()
		intent.What = fmt.Sprintf("delete alarm %s: %s", names[0], changes[0].Reason)
	}
	_, err := r.w.Do(ctx, intent, func(ctx context.Context) error {
		_, err := r.w.Clients.CloudWatch(r.region).DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: names})
		return err
	})
	switch {
	case err == nil:
		r.counts.Deleted += len(changes)
		breaker.Succeed()
	case ctx.Err() != nil:
		r.counts.Left += len(changes)
	default:
		breaker.Fail(intent.ARN, fmt.Errorf("delete %d alarms (%s …): %w", len(names), names[0], err))
	}
}

// DeleteFor deletes the alarms of a resource that goes out of service, except those of other
// people.
func (a *Alarms) DeleteFor(ctx context.Context, arn model.ARN, state ResourceState) (deleted int, problems []model.Problem) {
	kind := kindOf(arn)
	list, err := a.describe(ctx, arn.Region, cloudwatch.DescribeAlarmsInput{
		AlarmNames: []string{LowUtilization.Name(kind, arn.Name()), Idle.Name(kind, arn.Name())},
	})
	if err != nil {
		return 0, []model.Problem{writer.Problem(arn.Region, arn.String(), opDescribeAlarms, fmt.Errorf("find its alarms: %w", err))}
	}
	changes := Diff(nil, list, func(other model.ARN) ResourceState {
		if other == arn {
			return state
		}
		return Unknown
	}, a.w.Clock.Now())
	counts, problems := a.Reconcile(ctx, ReconcileInput{Region: arn.Region, Changes: changes})
	if counts.Left > 0 {
		err := fmt.Errorf("no time was left to delete %d alarms; the next cycle does", counts.Left)
		problems = append(problems, writer.Problem(arn.Region, arn.String(), opDeleteAlarms, err))
	}
	return counts.Deleted, problems
}
