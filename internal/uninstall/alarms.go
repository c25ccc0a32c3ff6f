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
	results := alarms.Deletion{
		Writer: r.w, Region: r.region, Reads: reads, Deletes: deletes, Known: r.u.scanned,
		Keep: func(c alarms.Change, tags writer.Tags) string {
			return r.keep(report.CleanupItem{Kind: KindAlarm, ARN: c.ARN}, tags, alarms.FromSample(byName[c.Name]))
		},
	}.Run(ctx, changes)
	for _, result := range results {
		if !r.w.DryRun {
			r.u.scanned.Delete(result.ARN)
		} else if !result.Cached && result.Tags != nil {
			r.u.scanned.Put(result.ARN, result.Tags)
		}
		r.addAlarm(ctx, byName[result.Name], result)
	}
	r.problems = slices.Concat(r.problems, reads.Problems(), deletes.Problems())
}

// addAlarm records the result for an alarm, and whether it keeps the topic.
func (r *removal) addAlarm(ctx context.Context, alarm alarms.Alarm, result alarms.DeletionResult) {
	state, reason := stateOf(result.Outcome), ownerOf(result.Tags)
	user, userState := "", Kept
	switch {
	case result.Keep == appeared:
		state, reason, user = Kept, appeared, "alarms that were created meanwhile send to it"
	case result.Keep != "":
		state, reason, user = Kept, result.Keep, "alarms that stay send to it"
	case state == AlreadyGone && result.Tags == nil:
		reason = ""
	case state == Remaining:
		user, userState, reason = "alarms that send to it remain", Remaining, awsapi.Line(result.Err)
		if result.Tags == nil {
			state = Unclear
		}
		r.interrupted = r.interrupted || result.Late
	}
	r.add(ctx, report.CleanupItem{Kind: KindAlarm, Name: alarm.Name, ARN: alarm.ARN}, state, reason)
	s := alarm.Settings
	if user != "" && slices.Contains(slices.Concat(s.AlarmActions, s.OKActions, s.InsufficientActions), r.topic.String()) {
		r.alarmTopic.because(userState, user)
	}
	r.w.Logger.Debug("alarm cleaned up", "region", r.region, "arn", alarm.ARN, "state", state, "reason", reason)
}
