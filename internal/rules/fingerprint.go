package rules

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// A fingerprint stands at the end of an alarm's description and tells, group by group,
// which settings we last wrote. A group that differs from it was changed by a person.
//
//	… [pm1 metric=ab12cd34 window=300/12/9 condition=LessThanThreshold:100:missing:Average actions=5f6e7d8c on=yes]
const (
	fingerprintStart = " [pm1 "
	fingerprintEnd   = "]"
)

// Values of the fingerprint's "on": what we last wrote of the actions. One that begins
// with onReset means that they were switched on while the alarm was in ALARM, at the
// Unix time that follows, and that its state was to be reset right after, so that its
// next evaluation is told.
const (
	onYes   = "yes"
	onNo    = "no"
	onReset = "reset@"
)

// switchedOn reads the time of an onReset; ok is false for any other value.
func switchedOn(on string) (at time.Time, ok bool) {
	digits, ok := strings.CutPrefix(on, onReset)
	seconds, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0), true
}

// group is a set of settings that are only changed together, as one without the other
// could be refused by CloudWatch or mean something else.
type group string

const (
	groupMetric    group = "metric"
	groupWindow    group = "window"
	groupCondition group = "condition"
	groupActions   group = "actions"
	groupOn        group = "on"
)

// groups in the order in which they are written.
var groups = []group{groupMetric, groupWindow, groupCondition, groupActions, groupOn}

// print gives one group of the settings as it stands in the fingerprint.
func (s AlarmSettings) print(g group) string {
	switch g {
	case groupMetric:
		return hash(s.Metric.Namespace, s.Metric.Name, s.Metric.DimensionName, s.Metric.DimensionValue)
	case groupWindow:
		return fmt.Sprintf("%d/%d/%d", s.PeriodSeconds, s.EvaluationPeriods, s.DatapointsToAlarm)
	case groupCondition:
		return strings.Join([]string{s.Comparison, strconv.FormatFloat(s.Threshold, 'g', -1, 64), s.MissingData, string(s.Stat)}, ":")
	case groupActions:
		return hash(sortedList(s.OKActions), sortedList(s.AlarmActions), sortedList(s.InsufficientActions))
	case groupOn:
		if s.ActionsOn {
			return onYes
		}
	}
	return onNo
}

// take copies one group of settings from another alarm's.
func (s *AlarmSettings) take(g group, from AlarmSettings) {
	switch g {
	case groupMetric:
		s.Metric = from.Metric
	case groupWindow:
		s.PeriodSeconds, s.EvaluationPeriods, s.DatapointsToAlarm = from.PeriodSeconds, from.EvaluationPeriods, from.DatapointsToAlarm
	case groupCondition:
		s.Comparison, s.Threshold, s.MissingData, s.Stat = from.Comparison, from.Threshold, from.MissingData, from.Stat
	case groupActions:
		s.OKActions, s.AlarmActions, s.InsufficientActions = from.OKActions, from.AlarmActions, from.InsufficientActions
	case groupOn:
		s.ActionsOn = from.ActionsOn
	}
}

func sortedList(list []string) string {
	sorted := slices.Clone(list)
	slices.Sort(sorted)
	return strings.Join(sorted, ",")
}

func hash(parts ...string) string {
	h := fnv.New32a()
	h.Write([]byte(strings.Join(parts, "\x00"))) // a hash's Write never fails
	return fmt.Sprintf("%08x", h.Sum32())
}

// written is what a fingerprint says we last wrote, by group.
type written map[group]string

func (s AlarmSettings) written() written {
	w := make(written, len(groups))
	for _, g := range groups {
		w[g] = s.print(g)
	}
	return w
}

// describe makes the description of an alarm: what it is for, and the fingerprint.
func describe(t AlarmType, kind model.Kind, w written) string {
	text := "Personalize Monitor: the " + string(kind) + " has had no requests for a long time; it may be abandoned."
	if t == LowUtilization {
		text = "Personalize Monitor: the " + string(kind) + " uses less than it is provisioned for; its minimum may be too high."
	}
	fields := make([]string, 0, len(groups))
	for _, g := range groups {
		fields = append(fields, string(g)+"="+w[g])
	}
	return text + fingerprintStart + strings.Join(fields, " ") + fingerprintEnd
}

// unclaimed is a field of the fingerprint of an alarm that was taken over from the original
// application, and could not be tagged as this deployment's yet.
const unclaimed group = "tags"

// Unclaimed marks the description of an alarm that was taken over but could not be tagged,
// so that a later cycle tries again.
func Unclaimed(description string) string {
	body, ok := strings.CutSuffix(description, fingerprintEnd)
	if !ok {
		return description
	}
	return body + " " + string(unclaimed) + "=due" + fingerprintEnd
}

// readFingerprint finds the fingerprint in a description; ok is false if there is none,
// or if it lacks a group.
func readFingerprint(description string) (w written, ok bool) {
	start := strings.LastIndex(description, fingerprintStart)
	if start < 0 {
		return nil, false
	}
	body, _, closed := strings.Cut(description[start+len(fingerprintStart):], fingerprintEnd)
	if !closed {
		return nil, false
	}
	w = make(written, len(groups))
	for _, field := range strings.Fields(body) {
		key, value, found := strings.Cut(field, "=")
		if found {
			w[group(key)] = value
		}
	}
	for _, g := range groups {
		if w[g] == "" {
			return nil, false
		}
	}
	return w, true
}

// Descriptions that the original Personalize Monitor gave its alarms; they are how its
// alarms are recognised, spelling and all.
const (
	originalLowDescription  = "Alarms when utilization falls below threshold indicating possible over provisioning condition"
	originalIdleDescription = "Alarms when utilization is idle for continguous length of time indicating potential abandoned campaign/recommender"
)

// original tells whether an alarm without fingerprint is as the original application
// would have written it for the wanted one: the same metric and topic, and the threshold
// or idle time of today's parameters or of its defaults.
func original(a Alarm, w WantedAlarm) bool {
	s, want := a.Settings, w.Settings
	switch {
	case a.Foreign || s.print(groupActions) != want.print(groupActions):
		return false
	case w.Type == LowUtilization:
		return a.Description == originalLowDescription && originalLow(s, want)
	}
	return a.Description == originalIdleDescription && originalIdle(s, want)
}

// originalThreshold and originalIdleHours are the defaults of the original's parameters.
const (
	originalThreshold = 100
	originalIdleHours = 24
)

func originalLow(s, want AlarmSettings) bool {
	if s.Threshold == originalThreshold {
		want.Threshold = originalThreshold
	}
	return s.print(groupMetric) == want.print(groupMetric) && s.print(groupWindow) == want.print(groupWindow) &&
		s.print(groupCondition) == want.print(groupCondition)
}

func originalIdle(s, want AlarmSettings) bool {
	const hour = 3600 // seconds
	span := s.EvaluationPeriods * s.PeriodSeconds
	sameSpan := span == want.EvaluationPeriods*want.PeriodSeconds || span == originalIdleHours*hour
	return sameSpan && s.PeriodSeconds == shortIdlePeriod && s.DatapointsToAlarm == 0 &&
		originalIdleMetric(s.Metric, want.Metric) && s.print(groupCondition) == want.print(groupCondition)
}

// originalIdleMetric allows for the wrong request metric that the original chose for
// the newer ranking recipe and for next-best-action.
func originalIdleMetric(got, want model.Metric) bool {
	if got.Name == model.MetricGetRecommendations {
		want.Name = got.Name
	}
	return got == want
}

// OriginalAlarm tells whether an alarm without tags was made by the original application:
// it has its description, or the fingerprint that it got when it was taken over, and name
// and dimension fit together as they do in its alarms. What a person changed in its
// settings does not matter. Alarms that we made ourselves have tags.
func OriginalAlarm(a Alarm) bool {
	arn, ok := alarmResource(a)
	if !ok {
		return false
	}
	want := originalIdleDescription
	if a.Name == LowUtilization.Name(kindOf(arn), arn.Name()) {
		want = originalLowDescription
	}
	_, takenOver := readFingerprint(a.Description)
	return takenOver || a.Description == want
}
