package uninstall

import (
	"context"
	"slices"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// removeAlarms removes our alarms.
func (r *removal) removeAlarms(ctx context.Context) {
	list, err := r.u.alarms.List(ctx, r.region)
	if err != nil {
		r.unsearched(ctx, KindAlarm, "DescribeAlarms", err)
		return
	}
	r.searched = true
	changes := make([]alarms.Change, 0, len(list))
	byName := make(map[string]alarms.Alarm, len(list))
	for _, alarm := range list {
		changes = append(changes, alarms.Change{Kind: alarms.Delete, Name: alarm.Name, ARN: alarm.ARN})
		byName[alarm.Name] = alarm
	}
	reads, deletes := writer.NewBreaker(r.region, writer.OpListTags), writer.NewBreaker(r.region, "DeleteAlarms")
	alarms.Deletion{
		Writer: r.w, Region: r.region, Reads: reads, Deletes: deletes,
		// A dry run has just read them, perhaps.
		Tags: r.u.scanned.Get,
		Keep: func(c alarms.Change, tags writer.Tags) string {
			if reason := r.keepReason(tags, alarms.FromSample(byName[c.Name])); reason != "" {
				return reason
			}
			if !r.selected(KindAlarm, c.ARN) {
				return appeared
			}
			return ""
		},
		Done: func(c alarms.Change, tags writer.Tags, result alarms.DeletionResult) {
			if _, known := r.u.scanned.Get(c.ARN); !r.w.DryRun {
				r.u.scanned.Delete(c.ARN)
			} else if !known && tags != nil {
				r.u.scanned.Put(c.ARN, tags)
			}
			r.addAlarm(ctx, byName[c.Name], tags, result)
		},
	}.Run(ctx, changes)
	r.problems = slices.Concat(r.problems, reads.Problems(), deletes.Problems())
}

// addAlarm records the result for an alarm, and whether it keeps the topic.
func (r *removal) addAlarm(ctx context.Context, alarm alarms.Alarm, tags writer.Tags, result alarms.DeletionResult) {
	state, reason := stateOf(result.Outcome), ownerOf(tags)
	user, userState := "", Kept
	switch {
	case result.Keep != "":
		state, reason, user = Kept, result.Keep, "alarms that stay send to it"
		if reason == appeared {
			user = "alarms that were created meanwhile send to it"
		}
	case state == AlreadyGone && tags == nil:
		reason = ""
	case state == Remaining:
		user, userState = "alarms that send to it remain", Remaining
		state, reason = unfinished(tags != nil, result)
		r.interrupted = r.interrupted || result.Late
	}
	r.add(ctx, report.CleanupItem{Kind: KindAlarm, Name: alarm.Name, ARN: alarm.ARN}, state, reason)
	s := alarm.Settings
	if user != "" && slices.Contains(slices.Concat(s.AlarmActions, s.OKActions, s.InsufficientActions), r.topic.String()) {
		r.alarmTopic.because(userState, user)
	}
	r.w.Logger.Debug("alarm cleaned up", "region", r.region, "arn", alarm.ARN, "state", state, "reason", reason)
}

// unfinished is the state of an alarm that was not deleted, though it may be ours.
func unfinished(tagsRead bool, result alarms.DeletionResult) (state, reason string) {
	switch {
	case result.Late && tagsRead:
		return Remaining, noTime
	case result.Late:
		return Unclear, "ended before its tags were read"
	case result.Denied && tagsRead:
		return Remaining, "deleting alarms is denied"
	case result.Denied:
		return Unclear, "its tags may not be read"
	case tagsRead:
		return Remaining, awsapi.Line(result.Err)
	}
	return Unclear, awsapi.Line(result.Err)
}
