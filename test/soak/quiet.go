package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
)

// How long after the last disturbance everything must be in order.
const (
	alarmsWithin  = 45 * time.Minute
	wiringWithin  = 75 * time.Minute // the program checks topics and rules once an hour
	actionsWithin = 4 * time.Hour    // a slot of the hour, and an event that is late
)

// checkQuiet checks what holds only without disturbances.
func (w *world) checkQuiet(number int) error {
	quiet := w.clock.Now().Sub(w.quietSince)
	if quiet < alarmsWithin || number%6 != 5 {
		return nil
	}
	for _, region := range regions {
		alarms, err := w.owner.alarmsOf(region)
		if err != nil {
			return err
		}
		w.checkAlarms(region, alarms)
	}
	if quiet >= wiringWithin {
		w.checkWiring()
	}
	w.checkProgress()
	return nil
}

// alarmNames are the names of the alarms for low utilization and for idleness.
func (r *resource) alarmNames() [2]string {
	return [2]string{alarmPrefix + "Low" + r.kind() + "Utilization-" + r.name, alarmPrefix + "Idle" + r.kind() + "-" + r.name}
}

func (w *world) wrongAlarm(format string, args ...any) {
	w.figures.violate("wrong alarms and wiring", w.clock.Now(), format, args...)
}

// checkAlarms compares the alarms of a region with what they should be.
func (w *world) checkAlarms(region string, alarms map[string]types.MetricAlarm) {
	now := w.clock.Now()
	known := map[string]bool{foreignAlarm: true}
	for _, r := range w.oracle.sorted() {
		if r.region != region {
			continue
		}
		names := r.alarmNames()
		known[names[0]], known[names[1]] = true, true
		if now.Sub(r.changed) < alarmsWithin || r.busy() && r.status != inactive && r.status != gone {
			continue
		}
		w.figures.add("resources whose alarms were checked")
		for i, name := range names {
			alarm, exists := alarms[name]
			switch change := w.owner.alarms[region+name]; {
			case r.status != active:
				if exists {
					w.wrongAlarm("alarm %s exists, but the resource is %s since %s", name, r.status, r.since.Format(time.DateTime))
				}
				delete(w.owner.alarms, region+name)
			case i == 0:
				w.checkAlarm(r, name, alarm, change, w.wantLow(r, change))
			default:
				w.checkAlarm(r, name, alarm, change, w.wantIdle(r, change))
			}
		}
	}
	for name := range alarms {
		if !known[name] {
			w.wrongAlarm("alarm %s in %s belongs to no resource", name, region)
		}
	}
}

// wantLow is the alarm for low utilization.
func (w *world) wantLow(r *resource, change alarmChange) string {
	return fmt.Sprintf("PersonalizeMonitor %sUtilization Average 300 9/12 LessThanThreshold %v missing %s %t",
		strings.ToLower(r.kind()), cmp.Or(change.threshold, lowBound), r.arn, r.min > 1 && !change.muted)
}

// wantIdle is the alarm for idleness; empty while its actions are about to be switched on.
func (w *world) wantIdle(r *resource, change alarmChange) string {
	age := w.clock.Now().Sub(r.born)
	if age >= w.idleTime() && age < w.idleTime()+alarmsWithin {
		return ""
	}
	periods := 12 * w.IdleHours
	return fmt.Sprintf("AWS/Personalize %s Sum 300 %d/%d LessThanOrEqualToThreshold %v breaching %s %t",
		r.metric, periods, periods, change.threshold, r.arn, age >= w.idleTime() && !change.muted)
}

func (w *world) checkAlarm(r *resource, name string, a types.MetricAlarm, change alarmChange, want string) {
	switch {
	case want == "", a.AlarmName != nil && change.unsure:
		return
	case a.AlarmName == nil:
		w.wrongAlarm("alarm %s of %s does not exist", name, r.arn)
		return
	}
	dimension := ""
	if len(a.Dimensions) == 1 {
		dimension = aws.ToString(a.Dimensions[0].Value)
	}
	periods := aws.ToInt32(a.EvaluationPeriods)
	got := fmt.Sprintf("%s %s %s %d %d/%d %s %v %s %s %t", aws.ToString(a.Namespace), aws.ToString(a.MetricName), a.Statistic, aws.ToInt32(a.Period),
		cmp.Or(aws.ToInt32(a.DatapointsToAlarm), periods), periods, a.ComparisonOperator, aws.ToFloat64(a.Threshold),
		aws.ToString(a.TreatMissingData), dimension, aws.ToBool(a.ActionsEnabled))
	if got != want {
		w.wrongAlarm("alarm %s is %s, not %s (state %s)", name, got, want, a.StateValue)
	}
	topic := []string{topicARN(r.region)}
	if !slices.Equal(a.AlarmActions, topic) || !slices.Equal(a.OKActions, topic) || len(a.InsufficientDataActions) > 0 {
		w.wrongAlarm("alarm %s notifies %v, %v, %v", name, a.AlarmActions, a.OKActions, a.InsufficientDataActions)
	}
}

// checkWiring checks subscriptions, the notification rule, which its owner may have disabled, and what belongs to others.
func (w *world) checkWiring() {
	things := w.aws.Snapshot()
	below := func(prefix string) (names []string) {
		for name := range things {
			if strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
		return names
	}
	for _, region := range regions {
		want := region + " subscription " + topicName + " email " + subscriber
		if got := below(region + " subscription " + topicName + " "); !slices.Equal(got, []string{want}) {
			w.wrongAlarm("the topic of %s has the subscriptions %v", region, got)
		}
	}
	rule, exists := things[regions[0]+" rule "+ruleName]
	if disabled := strings.Contains(rule, `"DISABLED"`); !exists || disabled != w.owner.ruleDisabled {
		w.wrongAlarm("the rule is %q; its owner disabled it: %t", rule, w.owner.ruleDisabled)
	}
	targets := below(regions[0] + " target " + ruleName + "/")
	if len(targets) != 1 || !strings.Contains(things[targets[0]], topicARN(regions[0])) {
		w.wrongAlarm("the rule has the targets %v", targets)
	}
	if got := foreignThings(things); !maps.Equal(got, w.foreign) {
		w.wrongAlarm("what belongs to others was changed from %v to %v", w.foreign, got)
	}
}

// foreignThings filters a snapshot of the embedded AWS: what belongs to others.
func foreignThings(things map[string]string) map[string]string {
	foreign := map[string]string{}
	for name, text := range things {
		if strings.HasSuffix(name, foreignAlarm) || strings.HasSuffix(name, foreignTopic) || strings.HasSuffix(name, foreignBoard) {
			foreign[name] = text
		}
	}
	return foreign
}

// checkProgress finds resources on which the program should have acted long ago.
func (w *world) checkProgress() {
	now := w.clock.Now()
	for _, r := range w.oracle.sorted() {
		if r.busy() {
			continue
		}
		if since := w.idleSince(r); !since.IsZero() {
			recent := 0
			for _, at := range w.monitor.removals[r.region] {
				if now.Sub(at) < time.Hour {
					recent++
				}
			}
			if now.Sub(since) > actionsWithin && recent < maxRemovals && !protects(r.protect, false, now) {
				w.figures.violate("overdue actions", now, "%s is idle, and could have been removed since %s", r.arn, since.Format(time.DateTime))
			}
			continue
		}
		if since := w.oversizedSince(r); !since.IsZero() && now.Sub(since) > actionsWithin && !protects(r.protect, true, now) {
			w.figures.violate("overdue actions", now, "%s has the minimum %d, and could have been stepped down since %s", r.arn, r.min, since.Format(time.DateTime))
		}
	}
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

// idleSince is when a resource could first be removed as idle; zero if it had requests. After a fault, the program may wait for a
// whole idle time.
func (w *world) idleSince(r *resource) time.Time {
	last := latest(w.quietSince, r.born, r.touched, r.updated, r.spans[len(r.spans)-1].from)
	end := stepOf(w.clock.Now()) - 1
	for step := end; step > end-int64(w.idleTime()/stepLength)-2; step-- {
		if r.requests(step).any() {
			return time.Time{}
		}
	}
	for step := end; stepStart(step).After(last); step-- {
		if r.requests(step).any() {
			last = stepStart(step + 1)
		}
	}
	return last.Add(w.idleTime())
}

// oversizedSince is when a resource could first be stepped down; zero if its minimum is right.
func (w *world) oversizedSince(r *resource) time.Time {
	now := w.clock.Now()
	low, ok := r.watermark(now)
	before, known := r.watermark(now.Add(-actionsWithin))
	if !ok || !known || max(low, before, 1) >= r.min {
		return time.Time{}
	}
	return latest(w.quietSince, r.born.Add(24*time.Hour), r.raised.Add(24*time.Hour+2*stepLength), r.updated.Add(45*time.Minute),
		r.spans[len(r.spans)-1].from, w.lastIdle(r, now.Add(-actionsWithin)))
}

// lastIdle is when a resource last had been without requests for a whole idle time, if that was after a time, else zero. A resource
// that is idle and not removed because of an update is not stepped down either: the step would hide that update.
func (w *world) lastIdle(r *resource, after time.Time) (last time.Time) {
	silent, idle := 0, int(w.idleTime()/stepLength)
	for step := stepOf(after) - int64(idle); step < stepOf(w.clock.Now()); step++ {
		if silent++; r.requests(step).any() {
			silent = 0
		}
		if silent >= idle {
			last = stepStart(step + 1)
		}
	}
	return last
}

// checkCleanup removes what the program created, as the deletion of its stack does, and checks that nothing else was removed.
func (w *world) checkCleanup() {
	w.aws.ClearFaults()
	if !w.monitor.invoke(lambda.Cleanup, []byte(`{"Confirm":"remove"}`)) {
		w.wrongAlarm("the cleanup failed")
		return
	}
	things := w.aws.Snapshot()
	foreign := foreignThings(things)
	if !maps.Equal(foreign, w.foreign) {
		w.wrongAlarm("the cleanup changed what belongs to others from %v to %v", w.foreign, foreign)
	}
	for name := range things {
		_, isForeign := foreign[name]
		resource := strings.Contains(name, " campaign ") || strings.Contains(name, " recommender ")
		if !isForeign && !resource && !strings.Contains(name, " "+ruleNames) {
			w.wrongAlarm("%s is left after the cleanup", name)
		}
	}
}
