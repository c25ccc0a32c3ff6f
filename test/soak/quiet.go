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
	w.checkArrangements()
	return nil
}

func (r *resource) alarmNames() [2]string {
	return [2]string{alarmPrefix + "Low" + r.kind() + "Utilization-" + r.name, alarmPrefix + "Idle" + r.kind() + "-" + r.name}
}

func (w *world) wrongAlarm(format string, args ...any) {
	w.figures.violate("wrong alarms and wiring", w.clock.Now(), format, args...)
}

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
		if r.busy() || w.budgetIsShort(r.region) {
			continue
		}
		if since := w.oversizedSince(r); !since.IsZero() && now.Sub(since) > actionsWithin && !protects(r.protect, true, now) {
			w.figures.violate("overdue steps", now, "%s has the minimum %d, and could have been stepped down since %s (%s)",
				r.arn, r.min, since.Format(time.DateTime), strings.Join(r.history, "; "))
		}
	}
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

// abandonedSince is when a resource without callers could first be removed; zero if it has callers, or had some not long enough ago.
// Hours that the program cannot know of do not count for it, and silence counts a day late.
func (w *world) abandonedSince(r *resource) time.Time {
	now := w.clock.Now()
	if r.busy() || r.arranged || r.phases[len(r.phases)-1].shape != none || protects(r.protect, false, now) {
		return time.Time{}
	}
	s := w.silence(r, now)
	needed := s.needed + time.Duration(unknownShare*float64(s.needed)) + 48*time.Hour
	// What was never called is watched from its creation, what was stopped from its start.
	since := latest(now.Add(-s.length), r.born, r.spans[len(r.spans)-1].from, r.touched).Add(needed)
	if since.After(now) {
		return time.Time{}
	}
	return since
}

// unknownShare is how much longer a silence must be because the faults leave hours unknown.
const unknownShare = 0.6

// checkAbandoned counts the resources without callers that are left at the end, though they could have been removed a day ago.
func (w *world) checkAbandoned() {
	now := w.clock.Now()
	for _, r := range w.oracle.sorted() {
		if since := w.abandonedSince(r); !since.IsZero() && now.Sub(since) > 24*time.Hour {
			w.figures.violate("missed removals", now, "%s has no callers, and could have been removed since %s (%s)",
				r.arn, since.Format(time.DateTime), strings.Join(r.history, "; "))
		}
	}
}

// oversizedSince is when a resource could first be stepped down; zero if its minimum is right, or others have a say in it.
func (w *world) oversizedSince(r *resource) time.Time {
	now := w.clock.Now()
	if r.min == 1 || r.tool > 0 || r.arranged || slices.ContainsFunc(r.phases, func(p phase) bool { return p.shape == failing }) {
		return time.Time{}
	}
	// What is idle may keep its minimum if it is to be removed, or if it stays because its owner changed it: a step would hide that.
	// The latest step of the program passes for such a change if it hid one. What stays because its silence is usual is stepped down.
	changedLately := now.Sub(latest(r.touched, r.updated)) < w.idleTime()+actionsWithin
	if s := w.silence(r, now); s.length >= w.idleTime()-time.Hour && (changedLately || s.length >= s.needed) {
		return time.Time{}
	}
	known := func(now time.Time) func(hour time.Time) (float64, bool) {
		return func(hour time.Time) (float64, bool) { return r.hourlyDemand(hour), w.surelyKnown(r, hour, now) }
	}
	low, ok := r.confirmedLow(now, known(now))
	if !ok || max(low, 1) >= r.min {
		return time.Time{}
	}
	earlier := now.Add(-actionsWithin)
	if before, ok := r.confirmedLow(earlier, known(earlier)); !ok || max(before, 1) >= r.min {
		return time.Time{}
	}
	return latest(w.quietSince, r.born.Add(24*time.Hour), r.raised.Add(contestedFor), r.updated.Add(45*time.Minute),
		r.spans[len(r.spans)-1].from.Add(24*time.Hour), r.pausedUntil())
}

// contestedFor is how long a minimum that its owner raised may be left alone, whether or not that undid a step of the program.
const contestedFor = 5 * 24 * time.Hour

// pausedUntil is when the pause of a contested minimum ends: 1, 2, 4 … 30 days after the owner last undid a step of the program, and
// then a day after each step. The program knows the minimums by the hour.
func (r *resource) pausedUntil() time.Time {
	if r.undone == 0 {
		return time.Time{}
	}
	const day = 24 * time.Hour
	pause := min(30*day, day<<min(r.undone-1, 5))
	return latest(r.raised.Add(pause), r.updated.Add(day)).Add(2 * time.Hour)
}

// surelyKnown reports whether the program must know the requests of an hour: there was no fault in it or beside it, the hour ended
// long ago, and the resource was active.
func (w *world) surelyKnown(r *resource, hour, now time.Time) bool {
	end := hour.Add(time.Hour)
	if now.Sub(end) < 30*time.Hour || w.faults.hides(r, hour) || w.faults.hides(r, end.Add(-stepLength)) {
		return false
	}
	if !hour.Before(begin) {
		day := time.Duration(w.dayHours) * time.Hour
		into := hour.Sub(begin) % day
		if float64(into) < quietFrom*float64(day)+float64(time.Hour) || into >= day-time.Hour {
			return false
		}
	}
	return slices.ContainsFunc(r.spans, func(s span) bool {
		return !s.from.After(hour.Add(-stepLength)) && (s.to.IsZero() || !s.to.Before(end.Add(stepLength)))
	})
}

// checkCleanup removes what the program created, as the deletion of its stack does, and checks that nothing else was removed.
func (w *world) checkCleanup() {
	w.aws.ClearFaults()
	w.cleaning = true
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
		if resource && (strings.Contains(things[name], scheduleTag) || strings.Contains(things[name], returnTag)) {
			w.wrongAlarm("tags of %s are left after the cleanup", name)
		}
		if !isForeign && !resource && !strings.Contains(name, " "+ruleNames) {
			w.wrongAlarm("%s is left after the cleanup", name)
		}
	}
}
