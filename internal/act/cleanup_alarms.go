package act

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// scanTTL is how long the tags that a dry run has read are believed by the clean-up after
// it, so that asking a person in between does not cost reading them twice.
const scanTTL = 10 * time.Minute

// alarmCleaner is the work on the alarms of one region.
type alarmCleaner struct {
	*cleaner
	api       *cloudwatch.Client
	readings  streak
	deletions streak
}

// foundAlarm is an alarm under our prefix with its tags.
type foundAlarm struct {
	rules.Alarm
	tags tags
	err  error // what kept the tags from being read
}

// removeAlarms removes our alarms, a hundred at a time: what is behind is done even if
// time runs out.
func (c *cleaner) removeAlarms(ctx context.Context) {
	w := &alarmCleaner{
		cleaner: c, api: c.clients.CloudWatch(c.region),
		readings:  streak{region: c.region, op: opListTags},
		deletions: streak{region: c.region, op: opDeleteAlarms},
	}
	alarms, err := listAlarms(ctx, w.api)
	if err != nil {
		c.unseen(ctx, KindAlarm, "DescribeAlarms", err)
		return
	}
	for batch := range slices.Chunk(alarms, awsapi.MaxAlarmNames) {
		w.deleteAlarms(ctx, w.ours(ctx, batch))
	}
	c.problems = append(c.problems, w.readings.problems()...)
	c.problems = append(c.problems, w.deletions.problems()...)
}

// ours are the alarms to be removed; the others are noted.
func (w *alarmCleaner) ours(ctx context.Context, alarms []rules.Alarm) []foundAlarm {
	var ours []foundAlarm
	for few := range slices.Chunk(alarms, parallelTags) {
		if w.readings.broken() {
			w.readings.skip(len(few))
			for _, alarm := range few {
				w.noteAll(ctx, []foundAlarm{{Alarm: alarm}}, Unclear, "its tags may not be read")
			}
			continue
		}
		for _, found := range w.readAll(ctx, few) {
			if w.judgeAlarm(ctx, found) {
				ours = append(ours, found)
			}
		}
	}
	return ours
}

// readAll reads the tags of several alarms side by side.
func (w *alarmCleaner) readAll(ctx context.Context, alarms []rules.Alarm) []foundAlarm {
	found := make([]foundAlarm, len(alarms))
	var group sync.WaitGroup
	for i, alarm := range alarms {
		group.Go(func() {
			found[i].Alarm = alarm
			found[i].tags, found[i].err = w.tagsOf(ctx, alarm.ARN)
		})
	}
	group.Wait()
	return found
}

// tagsOf reads the tags of an alarm, unless a dry run has just done so.
func (w *alarmCleaner) tagsOf(ctx context.Context, arn string) (tags, error) {
	if arn == "" {
		return tags{}, errors.New("the listing gave no ARN for it")
	}
	w.mu.Lock()
	scan, known := w.scanned[arn]
	delete(w.scanned, arn)
	w.mu.Unlock()
	if known && w.clock.Now().Sub(scan.read) < scanTTL {
		return scan.tags, nil
	}
	t, err := readAlarmTags(ctx, w.api, arn)
	if err == nil && w.gate.dryRun {
		w.mu.Lock()
		w.scanned[arn] = keptAlarm{tags: t, read: w.clock.Now()}
		w.mu.Unlock()
	}
	return t, err
}

// judgeAlarm tells whether an alarm is to be removed, and notes it if not.
func (w *alarmCleaner) judgeAlarm(ctx context.Context, found foundAlarm) bool {
	switch {
	case found.err != nil && ctx.Err() != nil:
		w.cut = true
		w.noteAll(ctx, []foundAlarm{found}, Unclear, "ended before its tags were read")
	case awsapi.KindOf(found.err) == awsapi.NotFound:
		w.note(ctx, itemOf(found, Gone, ""))
	case found.err != nil:
		w.readings.fail(found.ARN, fmt.Errorf("read the tags of alarm %s: %w", found.Name, found.err))
		w.noteAll(ctx, []foundAlarm{found}, Unclear, awsapi.Line(found.err))
	default:
		w.readings.succeed()
		reason, use := w.whyStays(found.tags, rules.OriginalAlarm(found.Alarm)), ""
		switch {
		case reason != "" && found.tags.createdBy == createdBy:
			use = "another deployment's alarms send to it"
		case reason == "" && !w.mayGo(KindAlarm, found.ARN):
			reason, use = appearedReason, "alarms that were made meanwhile send to it"
		}
		if reason != "" {
			w.note(ctx, itemOf(found, Kept, reason))
		}
		if use != "" && w.sendsToTopic(found.Alarm) {
			w.useTopic(Kept, use)
		}
		return reason == ""
	}
	return false
}

// sendsToTopic tells whether an alarm sends to the region's topic.
func (w *alarmCleaner) sendsToTopic(alarm rules.Alarm) bool {
	s := alarm.Settings
	return slices.Contains(slices.Concat(s.AlarmActions, s.OKActions, s.InsufficientActions), w.topic.String())
}

// deleteAlarms removes up to a hundred alarms in one call. If CloudWatch refuses the
// call as it stands, as for an alarm that a composite alarm of somebody's depends on, it
// is made in halves, so that only that alarm remains.
func (w *alarmCleaner) deleteAlarms(ctx context.Context, alarms []foundAlarm) {
	if len(alarms) == 0 {
		return
	}
	if w.deletions.broken() {
		w.deletions.skip(len(alarms))
		w.noteAll(ctx, alarms, Remaining, "removing alarms is denied")
		return
	}
	names := make([]string, 0, len(alarms))
	for _, alarm := range alarms {
		names = append(names, alarm.Name)
	}
	intent := Intent{Op: opDeleteAlarms, Region: w.region, What: fmt.Sprintf("delete %d alarms (%s …)", len(names), names[0])}
	if len(names) == 1 {
		intent.ARN, intent.What = alarms[0].ARN, "delete alarm "+names[0]
	}
	outcome, err := w.gate.do(ctx, intent, func(ctx context.Context) error {
		_, err := w.api.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: names})
		return err
	})
	switch {
	case err == nil:
		w.deletions.succeed()
		w.noteAll(ctx, alarms, removalState(outcome), "")
	case ctx.Err() != nil:
		w.cut = true
		w.noteAll(ctx, alarms, Remaining, interruptedReason)
	case awsapi.KindOf(err) == awsapi.Invalid && len(alarms) > 1:
		w.deleteAlarms(ctx, alarms[:len(alarms)/2])
		w.deleteAlarms(ctx, alarms[len(alarms)/2:])
	default:
		w.deletions.fail(intent.ARN, fmt.Errorf("%s: %w", intent.What, err))
		w.noteAll(ctx, alarms, Remaining, awsapi.Line(err))
	}
}

// noteAll notes alarms that share their fate; where no reason is given, it is whose they
// are.
func (w *alarmCleaner) noteAll(ctx context.Context, alarms []foundAlarm, state CleanupState, reason string) {
	for _, alarm := range alarms {
		item := itemOf(alarm, state, reason)
		if reason == "" {
			item.Reason = whoseIs(alarm.tags)
		}
		w.note(ctx, item)
		if (state == Remaining || state == Unclear) && w.sendsToTopic(alarm.Alarm) {
			w.useTopic(Remaining, "alarms that send to it remain")
		}
		w.log.Debug("alarm cleaned up", "region", w.region, "arn", alarm.ARN, "state", string(state), "reason", item.Reason)
	}
}

func itemOf(alarm foundAlarm, state CleanupState, reason string) CleanupItem {
	return CleanupItem{Kind: KindAlarm, Name: alarm.Name, ARN: alarm.ARN, State: state, Reason: reason}
}
