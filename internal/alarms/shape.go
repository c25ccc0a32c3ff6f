package alarms

import (
	"cmp"
	"strings"
	"unique"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

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
