package alarms

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// toAlarm translates an alarm from CloudWatch; what is absent there gets the service's
// default (PutMetricAlarm in its API reference).
func toAlarm(m types.MetricAlarm) Alarm {
	dimension := types.Dimension{}
	if len(m.Dimensions) == 1 {
		dimension = m.Dimensions[0]
	}
	missing := aws.ToString(m.TreatMissingData)
	if missing == "" {
		missing = missingMissing
	}
	return Alarm{
		Name:        aws.ToString(m.AlarmName),
		ARN:         aws.ToString(m.AlarmArn),
		Description: aws.ToString(m.AlarmDescription),
		Settings: Settings{
			Metric: model.Metric{
				Namespace: aws.ToString(m.Namespace), Name: aws.ToString(m.MetricName),
				DimensionName: aws.ToString(dimension.Name), DimensionValue: aws.ToString(dimension.Value),
			},
			Stat:                model.Stat(m.Statistic),
			PeriodSeconds:       int(aws.ToInt32(m.Period)),
			EvaluationPeriods:   int(aws.ToInt32(m.EvaluationPeriods)),
			DatapointsToAlarm:   int(aws.ToInt32(m.DatapointsToAlarm)),
			Threshold:           aws.ToFloat64(m.Threshold),
			Comparison:          string(m.ComparisonOperator),
			MissingData:         missing,
			OKActions:           listed(m.OKActions),
			AlarmActions:        listed(m.AlarmActions),
			InsufficientActions: listed(m.InsufficientDataActions),
			ActionsOn:           m.ActionsEnabled == nil || *m.ActionsEnabled,
		},
		Foreign:      foreign(m),
		State:        State(m.StateValue),
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
		OKActions:               listed(s.OKActions),
		AlarmActions:            listed(s.AlarmActions),
		InsufficientDataActions: listed(s.InsufficientActions),
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

// listed is the list, or nil for an empty one, so that equal settings are equal values.
func listed(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}
