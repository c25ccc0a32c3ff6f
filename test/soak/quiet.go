package soak

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// How long after the last disturbance things are to be in order.
const (
	alarmsWithin = 45 * time.Minute
	wiringWithin = 75 * time.Minute // plumbing is believed to be in order for an hour
	endsWithin   = 4 * time.Hour    // a slot of the hour, an event that is late
	stepsWithin  = 4 * time.Hour
)

// checkQuiet checks what holds only when nothing disturbs.
func (w *world) checkQuiet(number int) error {
	quiet := w.clock.Now().Sub(w.quietSince)
	if quiet < alarmsWithin || number%6 != 5 {
		return nil
	}
	for _, region := range regions {
		if err := w.checkAlarms(region); err != nil {
			return err
		}
	}
	if quiet >= wiringWithin {
		if err := w.checkWiring(); err != nil {
			return err
		}
	}
	w.checkProgress()
	return nil
}

// kindOf is how the names of alarms and metrics name a kind.
func (r *resource) kind() string {
	if r.campaign {
		return "Campaign"
	}
	return "Recommender"
}

func (r *resource) alarmNames() (low, idle string) {
	return alarmPrefix + "Low" + r.kind() + "Utilization-" + r.name, alarmPrefix + "Idle" + r.kind() + "-" + r.name
}

// checkAlarms compares the alarms of a region with what they should be.
func (w *world) checkAlarms(region string) error {
	alarms, err := w.owner.alarmsOf(region)
	if err != nil {
		return err
	}
	now := w.clock.Now()
	for _, r := range w.model.sorted() {
		if r.region != region {
			continue
		}
		low, idle := r.alarmNames()
		lowAlarm, hasLow := alarms[low]
		idleAlarm, hasIdle := alarms[idle]
		delete(alarms, low)
		delete(alarms, idle)
		if now.Sub(r.changed) < alarmsWithin || r.busy() && r.status != inactive && r.status != gone {
			continue
		}
		w.figures.AlarmChecks++
		if r.status != active {
			if hasLow || hasIdle {
				w.wrongAlarm("an alarm of %s, which is %s since %s", r.arn, r.status, r.since.Format(time.DateTime))
			}
			delete(w.owner.persons, region+low)
			delete(w.owner.persons, region+idle)
			continue
		}
		w.checkLow(r, low, lowAlarm, hasLow)
		w.checkIdle(r, idle, idleAlarm, hasIdle)
	}
	for name := range alarms {
		if name != otherAlarm {
			w.wrongAlarm("an alarm of nothing: %s in %s", name, region)
		}
	}
	return nil
}

func (w *world) wrongAlarm(format string, args ...any) {
	w.figures.violate(&w.figures.WrongAlarms, w.clock.Now(), format, args...)
}

// checkLow checks an alarm of low utilization.
func (w *world) checkLow(r *resource, name string, a types.MetricAlarm, exists bool) {
	person := w.owner.persons[r.region+name]
	want := fmt.Sprintf("PersonalizeMonitor %sUtilization Average 300 9/12 LessThanThreshold %v missing %s %t",
		strings.ToLower(r.kind()), cmp.Or(person.threshold, lowBound), r.arn, r.min > 1 && !person.muted)
	w.compareAlarm(r, name, a, exists, want)
}

// checkIdle checks an alarm of idleness.
func (w *world) checkIdle(r *resource, name string, a types.MetricAlarm, exists bool) {
	person := w.owner.persons[r.region+name]
	age, idle := w.clock.Now().Sub(r.born), time.Duration(w.IdleHours)*time.Hour
	if age >= idle && age < idle+alarmsWithin {
		return // it is about to be switched on
	}
	want := fmt.Sprintf("AWS/Personalize %s Sum 300 %d/%d LessThanOrEqualToThreshold %v breaching %s %t",
		r.metric, 12*w.IdleHours, 12*w.IdleHours, person.threshold, r.arn, age >= idle && !person.muted)
	w.compareAlarm(r, name, a, exists, want)
}

func (w *world) compareAlarm(r *resource, name string, a types.MetricAlarm, exists bool, want string) {
	if exists && w.owner.persons[r.region+name].unsure {
		return
	}
	if !exists {
		w.wrongAlarm("no alarm %s of %s", name, r.arn)
		return
	}
	dimension := ""
	if len(a.Dimensions) == 1 {
		dimension = aws.ToString(a.Dimensions[0].Value)
	}
	got := fmt.Sprintf("%s %s %s %d %d/%d %s %v %s %s %t", aws.ToString(a.Namespace), aws.ToString(a.MetricName), a.Statistic, aws.ToInt32(a.Period),
		cmp.Or(aws.ToInt32(a.DatapointsToAlarm), aws.ToInt32(a.EvaluationPeriods)), aws.ToInt32(a.EvaluationPeriods), a.ComparisonOperator, aws.ToFloat64(a.Threshold),
		aws.ToString(a.TreatMissingData), dimension, aws.ToBool(a.ActionsEnabled))
	if got != want {
		w.wrongAlarm("alarm %s is %s, not %s (state %s)", name, got, want, a.StateValue)
	}
	actions := []string{topicARN(r.region, topicName)}
	if !slices.Equal(a.AlarmActions, actions) || !slices.Equal(a.OKActions, actions) || len(a.InsufficientDataActions) > 0 {
		w.wrongAlarm("alarm %s tells %v, %v, %v", name, a.AlarmActions, a.OKActions, a.InsufficientDataActions)
	}
}

// checkWiring checks topics, subscriptions and the rule, and that other people's things
// are as they were.
func (w *world) checkWiring() error {
	o := w.owner
	for _, region := range regions {
		list, err := o.clients.SNS(region).ListSubscriptionsByTopic(w.ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(topicARN(region, topicName))})
		if err != nil && !missing(err) {
			return err
		}
		if err != nil || len(list.Subscriptions) != 1 || aws.ToString(list.Subscriptions[0].Endpoint) != reader {
			w.wrongAlarm("the topic of %s lacks its subscriber: %v", region, err)
		}
	}
	if err := w.checkRule(); err != nil {
		return err
	}
	others, err := o.otherThings()
	if err == nil && others != o.others {
		w.wrongAlarm("what is not the program's has changed: %s, it was %s", others, o.others)
	}
	return err
}

// checkRule checks the notification rule, which its owner may have disabled.
func (w *world) checkRule() error {
	o := w.owner
	bus := o.clients.EventBridge(regions[0])
	rule, err := bus.DescribeRule(w.ctx, &eventbridge.DescribeRuleInput{Name: aws.String(ruleName)})
	switch {
	case missing(err):
		w.wrongAlarm("there is no rule %s", ruleName)
	case err != nil:
		return err
	case (rule.State == "DISABLED") != o.ruleOff:
		w.wrongAlarm("the rule is %s; its owner disabled it: %t", rule.State, o.ruleOff)
	}
	targets, err := bus.ListTargetsByRule(w.ctx, &eventbridge.ListTargetsByRuleInput{Rule: aws.String(ruleName)})
	if err != nil && !missing(err) {
		return err
	}
	if err == nil && (len(targets.Targets) != 1 || *targets.Targets[0].Arn != topicARN(regions[0], topicName)) {
		w.wrongAlarm("the rule has the targets %v", targets.Targets)
	}
	return nil
}

// checkProgress looks for resources that should have been acted on long ago.
func (w *world) checkProgress() {
	now := w.clock.Now()
	for _, r := range w.model.sorted() {
		if r.busy() {
			continue
		}
		if since := w.idleSince(r); !since.IsZero() {
			full := 0
			for _, at := range w.monitor.endings[r.region] {
				if now.Sub(at) < time.Hour {
					full++
				}
			}
			if now.Sub(since) > endsWithin && full < maxEndings && !protects(r.protect, false, now) {
				w.figures.violate(&w.figures.Stuck, now, "%s is idle, and could have been ended since %s", r.arn, since.Format(time.DateTime))
			}
			continue
		}
		if since := w.oversizedSince(r); !since.IsZero() && now.Sub(since) > stepsWithin && !protects(r.protect, true, now) {
			w.figures.violate(&w.figures.Stuck, now, "%s has the minimum %d, and could have been stepped down since %s", r.arn, r.min, since.Format(time.DateTime))
		}
	}
}

// idleSince is when a resource could first be ended for lack of calls; zero if it had some.
// What was missed while AWS misbehaved lets the program wait for a whole idle time anew.
func (w *world) idleSince(r *resource) time.Time {
	idle := time.Duration(w.IdleHours) * time.Hour
	last := w.quietSince
	for _, t := range []time.Time{r.born, r.touched, r.updated, r.spans[len(r.spans)-1].from} {
		if t.After(last) {
			last = t
		}
	}
	for step := r.recorded; step > r.recorded-int64(idle/stepLength)-2; step-- {
		if r.past[step%history].any() {
			return time.Time{}
		}
	}
	for step := r.recorded; step > r.recorded-history && stepStart(step).After(last); step-- {
		if r.past[step%history].any() {
			last = stepStart(step + 1)
		}
	}
	return last.Add(idle)
}

// oversizedSince is when a resource could first be stepped down; zero if it need not be.
func (w *world) oversizedSince(r *resource) time.Time {
	now := w.clock.Now()
	low, ok := r.watermark(now)
	before, known := r.watermark(now.Add(-stepsWithin))
	if !ok || !known || max(low, before, 1) >= r.min {
		return time.Time{}
	}
	last := w.quietSince
	raised := r.raised
	if !raised.IsZero() {
		raised = raised.Add(24*time.Hour + 2*stepLength)
	}
	for _, t := range []time.Time{r.born.Add(24 * time.Hour), raised, r.updated.Add(45 * time.Minute), r.spans[len(r.spans)-1].from} {
		if t.After(last) {
			last = t
		}
	}
	if spared := w.lastIdle(r, now.Add(-stepsWithin)); spared.After(last) {
		last = spared
	}
	return last
}

// lastIdle is when a resource last was without calls for a whole idle time, if that was
// after a time, else zero. What is idle and spared from a stop is not stepped down either:
// a step would hide the update that spares it.
func (w *world) lastIdle(r *resource, after time.Time) (last time.Time) {
	silent, idle := 0, int(time.Duration(w.IdleHours)*time.Hour/stepLength)
	for step := max(stepOf(after)-int64(idle), r.recorded-history+1); step <= r.recorded; step++ {
		if silent++; r.past[step%history].any() {
			silent = 0
		}
		if silent >= idle {
			last = stepStart(step + 1)
		}
	}
	return last
}

// end removes what the program made, as the deletion of its stack does, and looks for what
// is left.
func (w *world) end() error {
	w.faults.clear()
	if !w.monitor.invoke("cleanup", []byte(`{}`)) {
		w.wrongAlarm("the clean-up failed")
		return nil
	}
	for _, region := range regions {
		alarms, err := w.owner.alarmsOf(region)
		if err != nil {
			return err
		}
		for name := range alarms {
			if name != otherAlarm {
				w.wrongAlarm("left after the clean-up: %s in %s", name, region)
			}
		}
	}
	others, err := w.owner.otherThings()
	if err == nil && others != w.owner.others {
		w.wrongAlarm("the clean-up changed what is not the program's: %s, it was %s", others, w.owner.others)
	}
	boards, listErr := w.owner.clients.CloudWatch(regions[0]).ListDashboards(w.ctx, &cloudwatch.ListDashboardsInput{})
	if listErr == nil && len(boards.DashboardEntries) != 1 {
		w.wrongAlarm("%d dashboards are left after the clean-up", len(boards.DashboardEntries))
	}
	if err != nil {
		return err
	}
	return listErr
}
