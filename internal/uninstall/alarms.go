package uninstall

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

const opDeleteAlarms = "DeleteAlarms"

// alarmRemoval is the work on the alarms of one region.
type alarmRemoval struct {
	r         *removal
	reads     *writer.Breaker
	deletions *writer.Breaker
}

// taggedAlarm is an alarm under our prefix with its tags.
type taggedAlarm struct {
	alarms.Alarm
	tags writer.Tags
	err  error // why the tags could not be read
}

func (a taggedAlarm) item() report.CleanupItem {
	return report.CleanupItem{Kind: KindAlarm, Name: a.Name, ARN: a.ARN}
}

// removeAlarms removes our alarms, a hundred at a time, so that what was read is removed even if
// time runs out.
func (r *removal) removeAlarms(ctx context.Context) {
	list, err := r.u.alarms.List(ctx, r.region)
	if err != nil {
		r.unsearched(ctx, KindAlarm, "DescribeAlarms", err)
		return
	}
	a := alarmRemoval{r, writer.NewBreaker(r.region, writer.OpListTags), writer.NewBreaker(r.region, opDeleteAlarms)}
	for batch := range slices.Chunk(list, awsapi.MaxAlarmNames) {
		a.delete(ctx, a.removable(ctx, batch))
	}
	r.problems = append(r.problems, a.reads.Problems()...)
	r.problems = append(r.problems, a.deletions.Problems()...)
}

// removable are the alarms to be removed; the others are recorded.
func (a alarmRemoval) removable(ctx context.Context, list []alarms.Alarm) []taggedAlarm {
	var removable []taggedAlarm
	for few := range slices.Chunk(list, alarms.ParallelTags) {
		tagged := make([]taggedAlarm, len(few))
		skip := a.reads.Open()
		var group sync.WaitGroup
		for i, alarm := range few {
			tagged[i].Alarm = alarm
			if !skip {
				group.Go(func() { tagged[i].tags, tagged[i].err = a.readTags(ctx, alarm.ARN) })
			}
		}
		group.Wait()
		if skip {
			a.reads.Skip(len(few))
			a.addAll(ctx, tagged, Unclear, "its tags may not be read")
			continue
		}
		removable = append(removable, slices.DeleteFunc(tagged, func(t taggedAlarm) bool { return !a.check(ctx, t) })...)
	}
	return removable
}

// readTags reads the tags of an alarm, unless a dry run has just done so.
func (a alarmRemoval) readTags(ctx context.Context, arn string) (writer.Tags, error) {
	if arn == "" {
		return nil, alarms.ErrNoARN
	}
	if tags, ok := a.r.u.scanned.Get(arn); ok {
		a.r.u.scanned.Delete(arn)
		return tags, nil
	}
	tags, err := a.r.w.ReadTags(ctx, a.r.region, arn)
	if err == nil && a.r.w.DryRun {
		a.r.u.scanned.Put(arn, tags)
	}
	return tags, err
}

// check reports whether an alarm is to be removed, and records it if not.
func (a alarmRemoval) check(ctx context.Context, alarm taggedAlarm) bool {
	switch {
	case alarm.err != nil && ctx.Err() != nil:
		a.r.interrupted = true
		a.addAll(ctx, []taggedAlarm{alarm}, Unclear, "ended before its tags were read")
		return false
	case awsapi.KindOf(alarm.err) == awsapi.NotFound:
		a.r.add(ctx, alarm.item(), AlreadyGone, "")
		return false
	case alarm.err != nil:
		a.reads.Fail(alarm.ARN, fmt.Errorf("read the tags of alarm %s: %w", alarm.Name, alarm.err))
		a.addAll(ctx, []taggedAlarm{alarm}, Unclear, awsapi.Line(alarm.err))
		return false
	}
	a.reads.Succeed()
	reason, user := a.r.keepReason(alarm.tags, alarms.FromSample(alarm.Alarm)), ""
	switch {
	case reason != "" && alarm.tags.Ours():
		user = "another deployment's alarms send to it"
	case reason == "" && !a.r.selected(KindAlarm, alarm.ARN):
		reason, user = appeared, "alarms that were created meanwhile send to it"
	}
	if reason != "" {
		a.r.add(ctx, alarm.item(), Kept, reason)
	}
	if user != "" && a.sendsToTopic(alarm) {
		a.r.keepTopic(Kept, user)
	}
	return reason == ""
}

// sendsToTopic reports whether an alarm sends to the region's topic.
func (a alarmRemoval) sendsToTopic(alarm taggedAlarm) bool {
	s := alarm.Settings
	return slices.Contains(slices.Concat(s.AlarmActions, s.OKActions, s.InsufficientActions), a.r.topic.String())
}

// delete deletes up to a hundred alarms in one call. If CloudWatch rejects the call, as for an
// alarm that a person's composite alarm depends on, it is repeated in halves, so that only that
// alarm remains.
func (a alarmRemoval) delete(ctx context.Context, list []taggedAlarm) {
	if len(list) == 0 {
		return
	}
	if a.deletions.Open() {
		a.deletions.Skip(len(list))
		a.addAll(ctx, list, Remaining, "deleting alarms is denied")
		return
	}
	names := make([]string, 0, len(list))
	for _, alarm := range list {
		names = append(names, alarm.Name)
	}
	intent := writer.Intent{Op: opDeleteAlarms, Region: a.r.region, What: fmt.Sprintf("delete %d alarms (%s …)", len(names), names[0])}
	if len(names) == 1 {
		intent.ARN, intent.What = list[0].ARN, "delete alarm "+names[0]
	}
	outcome, err := a.r.w.Do(ctx, intent, func(ctx context.Context) error {
		_, err := a.r.w.Clients.CloudWatch(a.r.region).DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: names})
		return err
	})
	switch {
	case err == nil:
		a.deletions.Succeed()
		a.addAll(ctx, list, stateOf(outcome), "")
	case ctx.Err() != nil:
		a.r.interrupted = true
		a.addAll(ctx, list, Remaining, noTime)
	case awsapi.KindOf(err) == awsapi.Invalid && len(list) > 1:
		a.delete(ctx, list[:len(list)/2])
		a.delete(ctx, list[len(list)/2:])
	default:
		a.deletions.Fail(intent.ARN, fmt.Errorf("%s: %w", intent.What, err))
		a.addAll(ctx, list, Remaining, awsapi.Line(err))
	}
}

// addAll records alarms with the same state; an empty reason is replaced by the owner.
func (a alarmRemoval) addAll(ctx context.Context, list []taggedAlarm, state, reason string) {
	for _, alarm := range list {
		why := reason
		if why == "" {
			why = ownerOf(alarm.tags)
		}
		a.r.add(ctx, alarm.item(), state, why)
		if (state == Remaining || state == Unclear) && a.sendsToTopic(alarm) {
			a.r.keepTopic(Remaining, "alarms that send to it remain")
		}
		a.r.w.Logger.Debug("alarm cleaned up", "region", a.r.region, "arn", alarm.ARN, "state", state, "reason", why)
	}
}
