package alarms

import (
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// asStored is the alarm that CloudWatch has after such a request.
func asStored(in *cloudwatch.PutMetricAlarmInput) types.MetricAlarm {
	return types.MetricAlarm{
		AlarmName: in.AlarmName, AlarmDescription: in.AlarmDescription, Namespace: in.Namespace, MetricName: in.MetricName,
		Dimensions: in.Dimensions, Statistic: in.Statistic, ExtendedStatistic: in.ExtendedStatistic, Unit: in.Unit,
		Period: in.Period, EvaluationPeriods: in.EvaluationPeriods, DatapointsToAlarm: in.DatapointsToAlarm,
		Threshold: in.Threshold, ComparisonOperator: in.ComparisonOperator, TreatMissingData: in.TreatMissingData,
		OKActions: in.OKActions, AlarmActions: in.AlarmActions, InsufficientDataActions: in.InsufficientDataActions,
		ActionsEnabled: in.ActionsEnabled, Metrics: in.Metrics, EvaluationWindow: in.EvaluationWindow,
	}
}

func testSettings() Settings {
	return Settings{
		Metric: model.Metric{Namespace: "PersonalizeMonitor", Name: "campaignUtilization", DimensionName: "CampaignArn", DimensionValue: "arn:c"},
		Stat:   model.Average, PeriodSeconds: 300, EvaluationPeriods: 12, DatapointsToAlarm: 9,
		Threshold: 99.5, Comparison: lessThan, MissingData: missingMissing,
		OKActions: []string{"arn:t"}, AlarmActions: []string{"arn:t", "arn:other"}, InsufficientActions: []string{"arn:third"}, ActionsOn: true,
	}
}

func TestAlarmSettingsSurviveTheRoundTrip(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Settings)
	}{
		{"everything set", func(*Settings) {}},
		{"actions off", func(s *Settings) { s.ActionsOn = false }},
		{"all periods count", func(s *Settings) { s.DatapointsToAlarm = 0 }},
		{"no actions", func(s *Settings) { s.OKActions, s.AlarmActions, s.InsufficientActions = nil, nil, nil }},
		{"a metric without dimension", func(s *Settings) { s.Metric.DimensionName, s.Metric.DimensionValue = "", "" }},
		{"an idle alarm", func(s *Settings) {
			s.Stat, s.PeriodSeconds, s.EvaluationPeriods, s.Threshold = model.Sum, 3600, 168, 0
			s.Comparison, s.MissingData = lessThanOrEqual, missingBreaches
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := Alarm{Name: "n", Description: "d", Settings: testSettings()}
			tt.change(&want.Settings)
			if got := toAlarm(asStored(fromAlarm(want.Name, want.Description, want.Settings))); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestToAlarm(t *testing.T) {
	changed, configured := testTime, testTime.Add(time.Minute)
	got := toAlarm(types.MetricAlarm{
		AlarmArn: aws.String("arn:a"), StateValue: types.StateValueAlarm,
		StateTransitionedTimestamp:         aws.Time(changed.In(time.FixedZone("", 3600))),
		AlarmConfigurationUpdatedTimestamp: aws.Time(configured),
		OKActions:                          []string{},
	})
	want := Alarm{
		ARN: "arn:a", State: StateAlarm, StateChanged: changed, Configured: configured,
		Settings: Settings{ActionsOn: true, MissingData: missingMissing},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("what is absent has the service's default: got %+v, want %+v", got, want)
	}
}

func TestForeignAlarmsAreThoseThatCannotBeWrittenBack(t *testing.T) {
	dimension := types.Dimension{Name: aws.String("CampaignArn"), Value: aws.String("arn:c")}
	tests := []struct {
		name    string
		alarm   types.MetricAlarm
		foreign bool
	}{
		{"a plain one", types.MetricAlarm{Dimensions: []types.Dimension{dimension}}, false},
		{"metric math", types.MetricAlarm{Metrics: []types.MetricDataQuery{{}}}, true},
		{"two dimensions", types.MetricAlarm{Dimensions: []types.Dimension{dimension, dimension}}, true},
		{"a percentile", types.MetricAlarm{ExtendedStatistic: aws.String("p90")}, true},
		{"a unit", types.MetricAlarm{Unit: types.StandardUnitPercent}, true},
		{"few samples", types.MetricAlarm{EvaluateLowSampleCountPercentile: aws.String("ignore")}, true},
		{"an anomaly band", types.MetricAlarm{ThresholdMetricId: aws.String("ad1")}, true},
		{"a PromQL query", types.MetricAlarm{EvaluationCriteria: &types.EvaluationCriteriaMemberPromQLCriteria{}}, true},
		{"an interval", types.MetricAlarm{EvaluationInterval: aws.Int32(60)}, true},
		{"the sliding window, which is the default", types.MetricAlarm{EvaluationWindow: &types.EvaluationWindowMemberSlidingWindow{}}, false},
		{"a wall clock window", types.MetricAlarm{EvaluationWindow: &types.EvaluationWindowMemberWallClockWindow{}}, true},
		{"a window this build does not know", types.MetricAlarm{EvaluationWindow: &types.UnknownUnionMember{}}, true},
		{"a warm-up", types.MetricAlarm{WarmUpConfiguration: &types.WarmUpConfiguration{WarmUpPeriodDurationInMinutes: aws.Int32(5)}}, true},
		{"a warm-up of nothing", types.MetricAlarm{WarmUpConfiguration: &types.WarmUpConfiguration{}}, false},
		{"tags in its messages", types.MetricAlarm{ActionConfiguration: &types.ActionConfiguration{AlarmTagsPropagation: &types.AlarmTagsPropagation{Enabled: aws.Bool(true)}}}, true},
		{"nothing special in its messages", types.MetricAlarm{ActionConfiguration: &types.ActionConfiguration{}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := toAlarm(tt.alarm).Foreign; got != tt.foreign {
				t.Errorf("got %v", got)
			}
		})
	}
}
