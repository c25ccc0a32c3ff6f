package act

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

const (
	// parallelTags bounds the tag readings under way at once in a region.
	parallelTags = 8
	// deletionReserve is how long before the end of the time the reading of tags stops, so
	// that what was read is not lost: the call that deletes those alarms still begins.
	deletionReserve = 2 * time.Second
	// tagsTTL is how long the tags of an alarm that stays for them are believed, so that
	// a person's alarm does not cost a call in every cycle.
	tagsTTL = 6 * time.Hour
)

// tags are those of an alarm, rule or topic that matter to us; empty where it has none.
type tags struct{ createdBy, deployment string }

// take keeps one of the tags, if it matters to us.
func (t *tags) take(key, value string) {
	switch key {
	case tagCreatedBy:
		t.createdBy = value
	case tagDeployment:
		t.deployment = value
	}
}

// keptAlarm is an alarm that was not removed, and when its tags were read.
type keptAlarm struct {
	tags tags
	read time.Time
}

// verdict is what its tags say about an alarm that is to be deleted.
type verdict struct {
	reason string // why it stays; empty if it may go
	gone   bool   // it was removed by somebody else meanwhile
	late   bool   // there was no time left to ask
	err    error
}

// delete removes alarms, as many in one call as it takes, after each one's tags have
// shown that it is ours.
func (r *reconciler) delete(ctx context.Context, changes []rules.AlarmChange) {
	for batch := range slices.Chunk(changes, awsapi.MaxAlarmNames) {
		r.deleteBatch(ctx, r.ours(ctx, batch))
	}
}

// ours are the alarms that may be deleted; the others are counted or reported. Tags are
// read a few at a time, to notice early if that is denied.
func (r *reconciler) ours(ctx context.Context, changes []rules.AlarmChange) []rules.AlarmChange {
	streak := r.streak(opListTags, opListTags)
	var ours []rules.AlarmChange
	for few := range slices.Chunk(changes, parallelTags) {
		if streak.broken() {
			streak.skip(len(few))
			continue
		}
		for i, v := range r.judgeAll(ctx, few) {
			switch change := few[i]; {
			case v.late:
				r.counts.Left++
			case v.err != nil:
				streak.fail(change.Resource.String(), fmt.Errorf("read the tags of alarm %s: %w", change.Name, v.err))
			case v.gone:
				r.log.Debug("alarm is gone already", "region", r.region, "alarm", change.Name)
			case v.reason != "":
				r.keep(ctx, change, v.reason)
			default:
				streak.succeed()
				ours = append(ours, change)
			}
		}
	}
	return ours
}

// judgeAll judges several alarms side by side.
func (r *reconciler) judgeAll(ctx context.Context, changes []rules.AlarmChange) []verdict {
	verdicts := make([]verdict, len(changes))
	var group sync.WaitGroup
	for i, change := range changes {
		group.Go(func() { verdicts[i] = r.judge(ctx, change) })
	}
	group.Wait()
	return verdicts
}

// judge reads the tags of an alarm and decides whether it may be deleted.
func (r *reconciler) judge(ctx context.Context, change rules.AlarmChange) verdict {
	if change.ARN == "" {
		return verdict{err: errors.New("the listing gave no ARN for it")}
	}
	t, known := r.keptTags(change.ARN)
	if !known {
		if r.late(ctx, r.lastReading()) {
			return verdict{late: true}
		}
		var err error
		t, err = readAlarmTags(ctx, r.api, change.ARN)
		switch {
		case err != nil && ctx.Err() != nil:
			return verdict{late: true}
		case awsapi.KindOf(err) == awsapi.NotFound:
			return verdict{gone: true}
		case err != nil:
			return verdict{err: err}
		}
	}
	reason := whyKept(t, change.OwnOnly, r.deployment)
	if reason != "" && !known {
		r.mu.Lock()
		r.kept[change.ARN] = keptAlarm{tags: t, read: r.clock.Now()}
		r.mu.Unlock()
	}
	return verdict{reason: reason}
}

// lastReading is when tags are read no more; zero if there is no end.
func (r *reconciler) lastReading() time.Time {
	if r.until.IsZero() {
		return r.until
	}
	return r.until.Add(-deletionReserve)
}

// whyKept says why an alarm with these tags is not deleted; empty if it may be. An
// alarm without the tag CreatedBy is somebody's own, whatever its name; where ownOnly is
// set, another deployment's alarm is its own affair. The original application's alarms
// name no deployment.
func whyKept(t tags, ownOnly bool, deployment string) string {
	switch {
	case t.createdBy != createdBy:
		return "not removed: it has no tag " + tagCreatedBy + "=" + createdBy
	case ownOnly && t.deployment != "" && t.deployment != deployment:
		return "not removed: it belongs to the deployment " + t.deployment
	}
	return ""
}

func (r *reconciler) keptTags(arn string) (t tags, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, ok := r.kept[arn]
	if !ok || r.clock.Now().Sub(k.read) >= tagsTTL {
		delete(r.kept, arn)
		return tags{}, false
	}
	return k.tags, true
}

// alarmTagsAPI is what is asked of CloudWatch about tags.
type alarmTagsAPI interface {
	ListTagsForResource(context.Context, *cloudwatch.ListTagsForResourceInput, ...func(*cloudwatch.Options)) (*cloudwatch.ListTagsForResourceOutput, error)
}

func readAlarmTags(ctx context.Context, api alarmTagsAPI, arn string) (tags, error) {
	out, err := api.ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: aws.String(arn)})
	if err != nil {
		return tags{}, err
	}
	var t tags
	for _, tag := range out.Tags {
		t.take(aws.ToString(tag.Key), aws.ToString(tag.Value))
	}
	return t, nil
}

// deleteBatch removes up to a hundred alarms in one call. Names that are unknown by then
// are ignored by CloudWatch.
func (r *reconciler) deleteBatch(ctx context.Context, changes []rules.AlarmChange) {
	streak := r.streak(opDeleteAlarms, opDeleteAlarms)
	switch {
	case len(changes) == 0:
		return
	case streak.broken():
		streak.skip(len(changes))
		return
	case r.late(ctx, r.until):
		r.counts.Left += len(changes)
		return
	}
	names := make([]string, 0, len(changes))
	for _, change := range changes {
		names = append(names, change.Name)
	}
	intent := Intent{Op: opDeleteAlarms, Region: r.region, What: fmt.Sprintf("delete %d alarms", len(names))}
	if len(changes) == 1 {
		intent.ARN = changes[0].Resource.String()
		intent.What = fmt.Sprintf("delete alarm %s: %s", names[0], changes[0].Reason)
	}
	_, err := r.gate.do(ctx, intent, func(ctx context.Context) error {
		_, err := r.api.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: names})
		return err
	})
	switch {
	case err == nil:
		r.counts.Deleted += len(changes)
		streak.succeed()
	case ctx.Err() != nil:
		r.counts.Left += len(changes)
	default:
		streak.fail(intent.ARN, fmt.Errorf("delete %d alarms (%s …): %w", len(names), names[0], err))
	}
}
