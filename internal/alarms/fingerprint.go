package alarms

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// A fingerprint ends an alarm's description and holds, group by group, the settings that were
// last written. A group that differs from it was changed by a person.
//
//	… [pm1 metric=ab12cd34 window=300/12/9 condition=LessThanThreshold:100:missing:Average actions=5f6e7d8c on=yes]
const (
	fingerprintStart = " [pm1 "
	fingerprintEnd   = "]"
)

// Values of the fingerprint's "on": what was last written of the actions. One that begins with
// onReset means that they were switched on while the alarm was in ALARM, at the Unix time that
// follows, and that its state was to be reset right after, so that its next evaluation
// notifies people.
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

// group is a set of settings that are only changed together, because CloudWatch could reject
// one without the other, or understand it differently.
type group string

const (
	groupMetric    group = "metric"
	groupWindow    group = "window"
	groupCondition group = "condition"
	groupActions   group = "actions"
	groupOn        group = "on"
	// tagsDue is a field of the fingerprint of an alarm that was taken over from the upstream
	// sample and could not be tagged as this deployment's yet.
	tagsDue group = "tags"
)

// groups in the order in which they are written.
var groups = []group{groupMetric, groupWindow, groupCondition, groupActions, groupOn}

// print is one group of the settings as the fingerprint holds it.
func (s Settings) print(g group) string {
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

// copyGroup copies one group of settings from another alarm's.
func (s *Settings) copyGroup(g group, from Settings) {
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
	return strings.Join(slices.Sorted(slices.Values(list)), ",")
}

func hash(parts ...string) string {
	h := fnv.New32a()
	h.Write([]byte(strings.Join(parts, "\x00"))) // a hash's Write never fails
	return fmt.Sprintf("%08x", h.Sum32())
}

// fingerprint is what was last written, by group.
type fingerprint map[group]string

func (s Settings) fingerprint() fingerprint {
	f := make(fingerprint, len(groups))
	for _, g := range groups {
		f[g] = s.print(g)
	}
	return f
}

// matches reports whether a group of the settings is as it was last written.
func (f fingerprint) matches(g group, s Settings) bool {
	if _, ok := switchedOn(f[g]); ok && g == groupOn {
		return s.ActionsOn
	}
	return f[g] == s.print(g)
}

// describe makes the description of an alarm: its purpose, and the fingerprint.
func describe(t Type, kind model.Kind, f fingerprint) string {
	text := "Personalize Monitor: the " + string(kind) + " has had no requests for a long time; it may be abandoned."
	if t == LowUtilization {
		text = "Personalize Monitor: the " + string(kind) + " uses less than it is provisioned for; its minimum may be too high."
	}
	fields := make([]string, 0, len(groups))
	for _, g := range groups {
		fields = append(fields, string(g)+"="+f[g])
	}
	return text + fingerprintStart + strings.Join(fields, " ") + fingerprintEnd
}

// withTagsDue marks the description of an alarm that was taken over but could not be tagged,
// so that a later cycle tries again.
func withTagsDue(description string) string {
	body, ok := strings.CutSuffix(description, fingerprintEnd)
	if !ok {
		return description
	}
	return body + " " + string(tagsDue) + "=due" + fingerprintEnd
}

// readFingerprint finds the fingerprint in a description; ok is false if there is none, or if
// it lacks a group.
func readFingerprint(description string) (f fingerprint, ok bool) {
	start := strings.LastIndex(description, fingerprintStart)
	if start < 0 {
		return nil, false
	}
	body, _, closed := strings.Cut(description[start+len(fingerprintStart):], fingerprintEnd)
	if !closed { // guard: fingerprint that is cut off
		return nil, false
	}
	f = make(fingerprint, len(groups))
	for _, field := range strings.Fields(body) {
		if key, value, found := strings.Cut(field, "="); found {
			f[group(key)] = value
		}
	}
	for _, g := range groups {
		if f[g] == "" { // guard: fingerprint that lacks a group
			return nil, false
		}
	}
	return f, true
}

// Descriptions that the upstream sample gives its alarms. The program recognizes the sample's
// alarms by them, spelling included.
const (
	sampleLowDescription  = "Alarms when utilization falls below threshold indicating possible over provisioning condition"
	sampleIdleDescription = "Alarms when utilization is idle for continguous length of time " +
		"indicating potential abandoned campaign/recommender"
)

// Defaults of the upstream sample's parameters.
const (
	sampleThreshold = 100
	sampleIdleHours = 24
)

// unchangedSample reports whether an alarm without fingerprint is as the upstream sample
// would have written it for the desired one: the same metric and topic, and the threshold or
// idle time of today's parameters or of the sample's defaults.
func unchangedSample(a Alarm, d Desired) bool {
	s, want := a.Settings, d.Settings
	switch {
	case a.Foreign || s.print(groupActions) != want.print(groupActions): // guard: sample's alarm: its actions; each:2
		return false
	case d.Type == LowUtilization:
		return a.Description == sampleLowDescription && sampleLow(s, want) // guard: sample's alarm: low utilization; each
	}
	return a.Description == sampleIdleDescription && sampleIdle(s, want) // guard: sample's alarm: idle; each
}

func sampleLow(s, want Settings) bool {
	if s.Threshold == sampleThreshold {
		want.Threshold = sampleThreshold
	}
	return s.print(groupMetric) == want.print(groupMetric) && s.print(groupWindow) == want.print(groupWindow) &&
		s.print(groupCondition) == want.print(groupCondition)
}

func sampleIdle(s, want Settings) bool {
	const hour = 3600 // seconds
	span := s.EvaluationPeriods * s.PeriodSeconds
	sameSpan := span == want.EvaluationPeriods*want.PeriodSeconds || span == sampleIdleHours*hour
	metric := want.Metric
	if s.Metric.Name == model.MetricGetRecommendations {
		// The sample chose this metric for the newer ranking recipe and for next-best-action, too.
		metric.Name = s.Metric.Name
	}
	return sameSpan && s.PeriodSeconds == shortIdlePeriod && // guard: sample's alarm: its idle time and metric; each:2, each:4
		s.DatapointsToAlarm == 0 && s.Metric == metric && s.print(groupCondition) == want.print(groupCondition)
}

// SampleDescription reports whether a description is that of an alarm of the upstream sample, before
// this program took it over.
func SampleDescription(text string) bool {
	return text == sampleLowDescription || text == sampleIdleDescription
}

// FromSample reports whether the upstream sample created an alarm that has no tags: it has the
// sample's description, or the fingerprint that it got when it was taken over, and its name
// and dimension match as they do in the sample's alarms. What a person changed in its settings
// does not matter. Alarms that the program created itself have tags.
func FromSample(a Alarm) bool {
	arn, _, ok := OwnerOf(a)
	if !ok {
		return false
	}
	want := sampleIdleDescription
	if a.Name == LowUtilization.Name(kindOf(arn), arn.Name()) {
		want = sampleLowDescription
	}
	_, takenOver := readFingerprint(a.Description)
	return takenOver || a.Description == want // guard: sample's alarm, by its description; always
}
