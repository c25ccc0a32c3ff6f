package rules

import (
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// AlarmType tells our two alarms apart.
type AlarmType string

// The two alarms a resource can have.
const (
	LowUtilization AlarmType = "low-utilization"
	IdleAlarm      AlarmType = "idle"
)

// AlarmPrefix starts the name of every alarm of ours.
const AlarmPrefix = "PersonalizeMonitor-"

// Name is the name of a resource's alarm of this type. With the longest resource name,
// 63 characters, it stays well below the 255 that CloudWatch allows.
func (t AlarmType) Name(kind model.Kind, resource string) string { return t.prefix(kind) + resource }

func (t AlarmType) prefix(kind model.Kind) string {
	if t == LowUtilization {
		return AlarmPrefix + "Low" + kind.Title() + "Utilization-"
	}
	return AlarmPrefix + "Idle" + kind.Title() + "-"
}

// CloudWatch's words in alarm settings.
const (
	LessThan        = "LessThanThreshold"
	LessThanOrEqual = "LessThanOrEqualToThreshold"
	MissingMissing  = "missing"
	MissingBreaches = "breaching"
)

// State is the state of an alarm.
type State string

// The states of an alarm in CloudWatch.
const (
	StateOK           State = "OK"
	StateAlarm        State = "ALARM"
	StateInsufficient State = "INSUFFICIENT_DATA"
)

// AlarmSettings are the settings of a metric alarm that we write.
type AlarmSettings struct {
	Metric              model.Metric
	Stat                model.Stat
	PeriodSeconds       int
	EvaluationPeriods   int
	DatapointsToAlarm   int // 0 means all of EvaluationPeriods
	Threshold           float64
	Comparison          string
	MissingData         string
	OKActions           []string // ARNs
	AlarmActions        []string
	InsufficientActions []string
	ActionsOn           bool
}

// Alarm is an alarm as it stands in CloudWatch.
type Alarm struct {
	Name         string
	ARN          string
	Description  string
	Settings     AlarmSettings
	Foreign      bool // uses features that we never write, such as metric math or a unit
	State        State
	StateChanged time.Time // when State last became another; zero if unknown
	Configured   time.Time // when the settings were last written; zero if unknown
}

// WantedAlarm is an alarm as it should be.
type WantedAlarm struct {
	Name     string
	Resource model.ARN
	Type     AlarmType
	// Settings are the wanted ones; ActionsOn says whether the condition for actions
	// holds. An alarm is created with actions off all the same, and switched on later.
	Settings AlarmSettings
}

// AlarmParams are the parameters that the wanted alarms follow.
type AlarmParams struct {
	LowUtilization bool    // AutoCreateUtilizationAlarms
	Threshold      float64 // UtilizationThresholdAlarmLowerBound, percent
	Idle           bool    // AutoCreateIdleAlarms
	IdleHours      int     // IdleThresholdHours
}

// Shape of the alarms.
const (
	lowPeriod         = 300 // seconds
	lowEvaluations    = 12
	lowDatapoints     = 9
	shortIdlePeriod   = 300
	longIdlePeriod    = 3600
	longestShortHours = 24
)

// idlePeriods are the period and number of periods of the idle alarm. CloudWatch takes
// at most a day in periods shorter than an hour, and a week in longer ones
// (PutMetricAlarm, EvaluationPeriods).
func idlePeriods(hours int) (period, evaluations int) {
	if hours <= longestShortHours {
		return shortIdlePeriod, hours * 3600 / shortIdlePeriod
	}
	return longIdlePeriod, hours
}

// WantedAlarms are the alarms that a monitored resource should have, with the region's
// topic as their action. A resource whose traffic cannot be seen should have none.
func WantedAlarms(r model.Resource, t Throughput, topic model.ARN, p AlarmParams, m EvaluationTime) []WantedAlarm {
	if t.Invisible {
		return nil
	}
	var wanted []WantedAlarm
	requests, _ := RequestMetric(r)
	actions := []string{topic.String()}
	if p.LowUtilization {
		wanted = append(wanted, WantedAlarm{
			Name: LowUtilization.Name(r.Kind, r.Name), Resource: r.ARN, Type: LowUtilization,
			Settings: AlarmSettings{
				Metric: model.ResourceMetric(r, model.NamespaceMonitor, r.Kind.UtilizationMetric()), Stat: model.Average,
				PeriodSeconds: lowPeriod, EvaluationPeriods: lowEvaluations, DatapointsToAlarm: lowDatapoints,
				Threshold: p.Threshold, Comparison: LessThan, MissingData: MissingMissing,
				OKActions: actions, AlarmActions: actions, ActionsOn: r.MinTPS > lowestMinimum,
			},
		})
	}
	if p.Idle {
		period, evaluations := idlePeriods(p.IdleHours)
		wanted = append(wanted, WantedAlarm{
			Name: IdleAlarm.Name(r.Kind, r.Name), Resource: r.ARN, Type: IdleAlarm,
			Settings: AlarmSettings{
				Metric: requests, Stat: model.Sum,
				PeriodSeconds: period, EvaluationPeriods: evaluations,
				Threshold: 0, Comparison: LessThanOrEqual, MissingData: MissingBreaches,
				OKActions: actions, AlarmActions: actions,
				ActionsOn: age(r, m) >= time.Duration(p.IdleHours)*time.Hour,
			},
		})
	}
	return wanted
}

// DecidesAlarms tells whether enough is known of a resource to say which alarms it
// should have: a stale copy, or one whose recipe or traffic could not be told, decides
// nothing and its alarms stay as they are.
func DecidesAlarms(r model.Resource, t Throughput) bool {
	_, why := RequestMetric(r)
	return !r.Stale && why == "" && (t.Readable || t.Invisible || model.RecipeOf(r.Kind, r.Recipe).Sure)
}
