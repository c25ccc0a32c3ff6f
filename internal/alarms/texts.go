package alarms

import "strings"

// texts are the texts of a listing, each once. Those of the SDK are parts of an answer, and would keep all of
// it in memory for as long as an alarm is remembered.
type texts map[string]string

// one is a text that many alarms have.
func (t texts) one(s string) string {
	known, ok := t[s]
	if !ok {
		known = strings.Clone(s)
		t[known] = known
	}
	return known
}

// alarm is the alarm with texts of its own.
func (t texts) alarm(a Alarm) Alarm {
	a.Name, a.ARN, a.Description = strings.Clone(a.Name), strings.Clone(a.ARN), strings.Clone(a.Description)
	a.State = State(t.one(string(a.State)))
	s := &a.Settings
	for _, text := range []*string{
		&s.Metric.Namespace, &s.Metric.Name, &s.Metric.DimensionName, &s.Metric.DimensionValue, (*string)(&s.Stat), &s.Comparison, &s.MissingData,
	} {
		*text = t.one(*text)
	}
	for _, actions := range [][]string{s.OKActions, s.AlarmActions, s.InsufficientActions} {
		for i := range actions {
			actions[i] = t.one(actions[i])
		}
	}
	return a
}
