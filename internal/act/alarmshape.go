package act

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// toAlarm translates an alarm of CloudWatch's; what is absent there gets the service's
// default (PutMetricAlarm in its API reference).
func toAlarm(m types.MetricAlarm) rules.Alarm {
	dimension := types.Dimension{}
	if len(m.Dimensions) == 1 {
		dimension = m.Dimensions[0]
	}
	missing := aws.ToString(m.TreatMissingData)
	if missing == "" {
		missing = rules.MissingMissing
	}
	return rules.Alarm{
		Name:        aws.ToString(m.AlarmName),
		ARN:         aws.ToString(m.AlarmArn),
		Description: aws.ToString(m.AlarmDescription),
		Settings: rules.AlarmSettings{
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
		State:        rules.State(m.StateValue),
		StateChanged: utc(m.StateTransitionedTimestamp),
		Configured:   utc(m.AlarmConfigurationUpdatedTimestamp),
	}
}

// fromAlarm makes the request that creates an alarm or writes it anew. It names every
// setting, because the request replaces the whole alarm; it names no unit, as an alarm
// with one only sees data published with that unit.
func fromAlarm(name, description string, s rules.AlarmSettings) *cloudwatch.PutMetricAlarmInput {
	in := &cloudwatch.PutMetricAlarmInput{
		AlarmName:               aws.String(name),
		AlarmDescription:        aws.String(description),
		Namespace:               aws.String(s.Metric.Namespace),
		MetricName:              aws.String(s.Metric.Name),
		Dimensions:              toDimensions(s.Metric),
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

// foreign tells whether an alarm uses features that rules.AlarmSettings has no place
// for. Writing such an alarm would silently drop them, so it is never written.
func foreign(m types.MetricAlarm) bool {
	for _, unlike := range []bool{
		len(m.Metrics) > 0,
		len(m.Dimensions) > 1,
		m.Unit != "",
		aws.ToString(m.ExtendedStatistic) != "",
		aws.ToString(m.EvaluateLowSampleCountPercentile) != "",
		aws.ToString(m.ThresholdMetricId) != "",
		m.EvaluationCriteria != nil,
		m.EvaluationInterval != nil,
		foreignWindow(m.EvaluationWindow),
		m.WarmUpConfiguration != nil && aws.ToInt32(m.WarmUpConfiguration.WarmUpPeriodDurationInMinutes) != 0,
		m.ActionConfiguration != nil && m.ActionConfiguration.AlarmTagsPropagation != nil,
	} {
		if unlike {
			return true
		}
	}
	return false
}

// foreignWindow takes the sliding window for what it is, the default.
func foreignWindow(w types.EvaluationWindow) bool {
	if w == nil {
		return false
	}
	_, sliding := w.(*types.EvaluationWindowMemberSlidingWindow)
	return !sliding
}

// listed is the list, or nil for an empty one, so that equal settings are equal values.
func listed(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}

func utc(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
