// Package alarms keeps the two CloudWatch alarms of each resource up to date: which alarms
// there should be, how an existing one differs, and the calls that create, update, adopt and
// delete alarms. What a person changed on an alarm stays.
package alarms

import (
	"cmp"
	"strings"
	"time"
	"unique"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// Type is one of the two alarms of a resource.
type Type string

// The two alarms.
const (
	LowUtilization Type = "low-utilization"
	Idle           Type = "idle"
)

// Prefix starts the name of every alarm of the program.
const Prefix = "PersonalizeMonitor-"

// Name is the name of a resource's alarm of this type. With the longest resource name, 63
// characters, it stays well below the 255 that CloudWatch allows.
func (t Type) Name(kind model.Kind, resource string) string {
	if t == LowUtilization {
		return Prefix + "Low" + kind.Title() + "Utilization-" + resource
	}
	return Prefix + "Idle" + kind.Title() + "-" + resource
}

// CloudWatch's words in alarm settings.
const (
	lessThan        = "LessThanThreshold"
	lessThanOrEqual = "LessThanOrEqualToThreshold"
	missingMissing  = "missing"
	missingBreaches = "breaching"
)

// State is the state of an alarm.
type State string

// The states of an alarm in CloudWatch.
const (
	StateOK           State = "OK"
	StateAlarm        State = "ALARM"
	StateInsufficient State = "INSUFFICIENT_DATA"
)

// Settings are the settings of a metric alarm that the program writes.
type Settings struct {
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

// Alarm is an alarm in CloudWatch.
type Alarm struct {
	Name         string
	ARN          string
	Description  string
	Settings     Settings
	Foreign      bool // uses features that the program never writes, such as metric math or a unit
	State        State
	StateChanged time.Time // when State last became another; zero if unknown
	Configured   time.Time // when the settings were last written; zero if unknown
}

// Desired is an alarm as it should be.
type Desired struct {
	Name     string
	Resource model.ARN
	Type     Type
	// Settings are the desired ones; ActionsOn says whether the condition for actions holds.
	// An alarm is created with actions off all the same, and switched on later.
	Settings Settings
}

// Params are the parameters that the desired alarms follow.
type Params struct {
	LowUtilization bool    // AutoCreateUtilizationAlarms
	Threshold      float64 // UtilizationThresholdAlarmLowerBound, percent
	Idle           bool    // AutoCreateIdleAlarms
	IdleHours      int     // IdleThresholdHours
}

// Shape of the idle alarm; periods are in seconds.
const (
	shortIdlePeriod   = 300
	longIdlePeriod    = 3600
	longestShortHours = 24
)

// idlePeriods are the period and number of periods of the idle alarm. CloudWatch accepts at
// most a day in periods shorter than an hour, and a week in longer ones (PutMetricAlarm,
// EvaluationPeriods).
func idlePeriods(hours int) (period, evaluations int) {
	if hours <= longestShortHours {
		return shortIdlePeriod, hours * 3600 / shortIdlePeriod
	}
	return longIdlePeriod, hours
}

// DesiredFor are the alarms that a monitored resource should have, with the region's topic
// as their action. A resource whose traffic cannot be seen should have none.
func DesiredFor(r model.Resource, t rules.Throughput, topic model.ARN, p Params, now time.Time) []Desired {
	if t.Invisible { // guard: no alarms for traffic that no metric counts
		return nil
	}
	var desired []Desired
	requests, _ := rules.RequestMetric(r)
	actions := []string{topic.String()}
	if p.LowUtilization {
		desired = append(desired, Desired{
			Name: LowUtilization.Name(r.Kind, r.Name), Resource: r.ARN, Type: LowUtilization,
			Settings: Settings{
				Metric: model.ResourceMetric(r, model.NamespaceMonitor, r.Kind.UtilizationMetric()), Stat: model.Average,
				PeriodSeconds: 300, EvaluationPeriods: 12, DatapointsToAlarm: 9, // 45 minutes of an hour
				Threshold: p.Threshold, Comparison: lessThan, MissingData: missingMissing,
				OKActions: actions, AlarmActions: actions,
				ActionsOn: r.MinTPS > 1, // 1 is the lowest minimum // guard: low-utilization alarm's actions wait for a minimum above 1
			},
		})
	}
	if p.Idle {
		period, evaluations := idlePeriods(p.IdleHours)
		desired = append(desired, Desired{
			Name: Idle.Name(r.Kind, r.Name), Resource: r.ARN, Type: Idle,
			Settings: Settings{
				Metric: requests, Stat: model.Sum,
				PeriodSeconds: period, EvaluationPeriods: evaluations,
				Threshold: 0, Comparison: lessThanOrEqual, MissingData: missingBreaches,
				OKActions: actions, AlarmActions: actions,
				ActionsOn: now.Sub(r.Created) >= time.Duration(p.IdleHours)*time.Hour, // guard: idle alarm's actions wait for the age
			},
		})
	}
	return desired
}

// OwnerOf finds the resource of an alarm by its dimension, and the type of the alarm by its name; ok is false if they do
// not match as they do in every alarm of the program.
func OwnerOf(a Alarm) (arn model.ARN, t Type, ok bool) {
	m := a.Settings.Metric
	arn, kind, err := model.ParseResourceARN(m.DimensionValue)
	if err != nil || m.DimensionName != kind.DimensionName() { // guard: alarm's dimension and resource match; each:2
		return model.ARN{}, "", false
	}
	for _, t := range []Type{LowUtilization, Idle} {
		if a.Name == t.Name(kind, arn.Name()) { // guard: alarm's name and resource match; always
			return arn, t, true
		}
	}
	return model.ARN{}, "", false
}

func kindOf(arn model.ARN) model.Kind {
	kind, _ := arn.Kind()
	return kind
}

// Known reports whether enough is known of a resource to say which alarms it should have.
// The alarms of a stale copy, or of one whose recipe or traffic is unknown, stay as they are.
func Known(r model.Resource, t rules.Throughput) bool {
	_, unknown := rules.RequestMetric(r)
	return !r.Stale && unknown == "" && // guard: alarms of a resource that is not known well; each:1-4
		(t.Readable || t.Invisible || model.RecipeOf(r.Kind, r.Recipe).Sure)
}

// shared is a text that many alarms have, kept once. Those of the SDK are parts of an answer, and
// would keep all of it in memory for as long as an alarm is remembered.
func shared(text string) string { return unique.Make(text).Value() }

// sharedList is nil for an empty list, so that equal settings are equal values.
func sharedList(list []string) (own []string) {
	for _, text := range list {
		own = append(own, shared(text))
	}
	return own
}

// toAlarm translates an alarm from CloudWatch; what is absent there gets the service's
// default (PutMetricAlarm in its API reference).
func toAlarm(m types.MetricAlarm) Alarm {
	dimension := types.Dimension{}
	if len(m.Dimensions) == 1 {
		dimension = m.Dimensions[0]
	}
	return Alarm{
		Name:        strings.Clone(aws.ToString(m.AlarmName)),
		ARN:         strings.Clone(aws.ToString(m.AlarmArn)),
		Description: strings.Clone(aws.ToString(m.AlarmDescription)),
		Settings: Settings{
			Metric: model.Metric{
				Namespace: shared(aws.ToString(m.Namespace)), Name: shared(aws.ToString(m.MetricName)),
				DimensionName: shared(aws.ToString(dimension.Name)), DimensionValue: shared(aws.ToString(dimension.Value)),
			},
			Stat:                model.Stat(shared(string(m.Statistic))),
			PeriodSeconds:       int(aws.ToInt32(m.Period)),
			EvaluationPeriods:   int(aws.ToInt32(m.EvaluationPeriods)),
			DatapointsToAlarm:   int(aws.ToInt32(m.DatapointsToAlarm)),
			Threshold:           aws.ToFloat64(m.Threshold),
			Comparison:          shared(string(m.ComparisonOperator)),
			MissingData:         shared(cmp.Or(aws.ToString(m.TreatMissingData), missingMissing)),
			OKActions:           sharedList(m.OKActions),
			AlarmActions:        sharedList(m.AlarmActions),
			InsufficientActions: sharedList(m.InsufficientDataActions),
			ActionsOn:           m.ActionsEnabled == nil || *m.ActionsEnabled,
		},
		Foreign:      foreign(m),
		State:        State(shared(string(m.StateValue))),
		StateChanged: aws.ToTime(m.StateTransitionedTimestamp).UTC(),
		Configured:   aws.ToTime(m.AlarmConfigurationUpdatedTimestamp).UTC(),
	}
}

// fromAlarm makes the request that creates or replaces an alarm. It has every setting,
// because the request replaces the whole alarm. It has no unit, because an alarm with one
// only sees data published with that unit.
func fromAlarm(name, description string, s Settings) *cloudwatch.PutMetricAlarmInput {
	in := &cloudwatch.PutMetricAlarmInput{
		AlarmName:               aws.String(name),
		AlarmDescription:        aws.String(description),
		Namespace:               aws.String(s.Metric.Namespace),
		MetricName:              aws.String(s.Metric.Name),
		Dimensions:              writer.Dimensions(s.Metric),
		Statistic:               types.Statistic(s.Stat),
		Period:                  aws.Int32(int32(s.PeriodSeconds)),
		EvaluationPeriods:       aws.Int32(int32(s.EvaluationPeriods)),
		Threshold:               aws.Float64(s.Threshold),
		ComparisonOperator:      types.ComparisonOperator(s.Comparison),
		TreatMissingData:        aws.String(s.MissingData),
		OKActions:               s.OKActions,
		AlarmActions:            s.AlarmActions,
		InsufficientDataActions: s.InsufficientActions,
		ActionsEnabled:          aws.Bool(s.ActionsOn),
	}
	if s.DatapointsToAlarm > 0 {
		in.DatapointsToAlarm = aws.Int32(int32(s.DatapointsToAlarm))
	}
	return in
}

// foreign reports whether an alarm uses features that Settings has no place for. Writing such
// an alarm would silently drop them, so it is never written.
func foreign(m types.MetricAlarm) bool {
	_, sliding := m.EvaluationWindow.(*types.EvaluationWindowMemberSlidingWindow) // the default
	return len(m.Metrics) > 0 ||
		len(m.Dimensions) > 1 ||
		m.Unit != "" ||
		aws.ToString(m.ExtendedStatistic) != "" ||
		aws.ToString(m.EvaluateLowSampleCountPercentile) != "" ||
		aws.ToString(m.ThresholdMetricId) != "" ||
		m.EvaluationCriteria != nil ||
		m.EvaluationInterval != nil ||
		m.EvaluationWindow != nil && !sliding ||
		m.WarmUpConfiguration != nil && aws.ToInt32(m.WarmUpConfiguration.WarmUpPeriodDurationInMinutes) != 0 ||
		m.ActionConfiguration != nil && m.ActionConfiguration.AlarmTagsPropagation != nil
}
