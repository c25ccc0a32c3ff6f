package localaws

import (
	"slices"
	"strings"
	"time"
)

// The states of an alarm.
const (
	stateOK           = "OK"
	stateAlarm        = "ALARM"
	stateInsufficient = "INSUFFICIENT_DATA"
)

var alarmStates = []string{stateOK, stateAlarm, stateInsufficient}

// alarmsState holds all alarms and what happened to them. The zero value is empty and usable.
type alarmsState struct {
	of      map[home]map[string]*alarm
	history map[home][]historyItem
	// evaluated is the minute since the epoch in which all alarms were last evaluated.
	evaluated int64
	told      func(AlarmChange) // of changes of state; nil if nobody wants to know
}

// alarm is a metric alarm.
type alarm struct {
	home home
	arn  string
	alarmConfig
	tags map[string]string

	state      string
	reason     string
	reasonData string
	configured time.Time // last change of the configuration
	updated    time.Time // last change of state or reason
	moved      time.Time // last change of state

	// seen is what the last evaluation was made from; it need not be repeated as long as
	// nothing of it changes.
	seen evaluationMark
}

// alarmConfig is what PutMetricAlarm sets, and replaces as a whole.
type alarmConfig struct {
	Name                    string
	Description             *string
	ActionsEnabled          bool
	OKActions               []string
	AlarmActions            []string
	InsufficientDataActions []string
	Metric                  string
	Namespace               string
	Statistic               string
	Dimensions              []dimension
	Period                  int64
	Unit                    *string
	EvaluationPeriods       int
	DatapointsToAlarm       *int32
	Threshold               float64
	Comparison              string
	TreatMissingData        *string
}

// needed is the M of "M of N": how many datapoints must breach.
func (c *alarmConfig) needed() int {
	if c.DatapointsToAlarm == nil {
		return c.EvaluationPeriods
	}
	return int(*c.DatapointsToAlarm)
}

func (c *alarmConfig) treatMissing() string {
	if c.TreatMissingData == nil {
		return "missing"
	}
	return *c.TreatMissingData
}

// actionsFor returns the actions of a state.
func (c *alarmConfig) actionsFor(state string) []string {
	switch state {
	case stateOK:
		return c.OKActions
	case stateAlarm:
		return c.AlarmActions
	default:
		return c.InsufficientDataActions
	}
}

// named returns an alarm, or nil.
func (as *alarmsState) named(h home, name string) *alarm { return as.of[h][name] }

// add puts a new alarm among the others.
func (as *alarmsState) add(a *alarm) {
	if as.of == nil {
		as.of = map[home]map[string]*alarm{}
	}
	if as.of[a.home] == nil {
		as.of[a.home] = map[string]*alarm{}
	}
	as.of[a.home][a.Name] = a
}

// sorted returns the alarms of a home whose name has a prefix, by name.
func (as *alarmsState) sorted(h home, prefix string) []*alarm {
	var list []*alarm
	for name, a := range as.of[h] {
		if strings.HasPrefix(name, prefix) {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b *alarm) int { return strings.Compare(a.Name, b.Name) })
	return list
}
