package localaws

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// validAlarm is an alarm on the metric m: 2 of 3 periods of 5 minutes below 10.
func validAlarm() *cloudwatch.PutMetricAlarmInput {
	return &cloudwatch.PutMetricAlarmInput{
		AlarmName:          aws.String("low"),
		Namespace:          aws.String("Test"),
		MetricName:         aws.String("m"),
		Statistic:          types.StatisticAverage,
		Period:             aws.Int32(300),
		EvaluationPeriods:  aws.Int32(3),
		DatapointsToAlarm:  aws.Int32(2),
		Threshold:          aws.Float64(10),
		ComparisonOperator: types.ComparisonOperatorLessThanThreshold,
	}
}

func (r *rig) putAlarm(t testing.TB, change func(*cloudwatch.PutMetricAlarmInput)) {
	t.Helper()
	in := validAlarm()
	if change != nil {
		change(in)
	}
	ok[*cloudwatch.PutMetricAlarmOutput](t)(r.client().PutMetricAlarm(context.Background(), in))
}

// alarm describes the one alarm there is.
func (r *rig) alarm(t testing.TB) types.MetricAlarm {
	t.Helper()
	out := ok[*cloudwatch.DescribeAlarmsOutput](t)(r.client().DescribeAlarms(context.Background(), &cloudwatch.DescribeAlarmsInput{}))
	if len(out.MetricAlarms) != 1 {
		t.Fatalf("%d alarms", len(out.MetricAlarms))
	}
	return out.MetricAlarms[0]
}

func TestPutMetricAlarmRules(t *testing.T) {
	type input = cloudwatch.PutMetricAlarmInput
	evaluation := func(period, n int32) func(*input) {
		return func(in *input) {
			in.Period, in.EvaluationPeriods, in.DatapointsToAlarm = &period, &n, nil
		}
	}
	actions := func(n int, arn string) func(*input) {
		return func(in *input) {
			for range n {
				in.AlarmActions = append(in.AlarmActions, arn)
			}
		}
	}
	const topic = "arn:aws:sns:eu-west-1:000000000000:t"
	tags := func(n int) (list []types.Tag) {
		for i := range n {
			list = append(list, types.Tag{Key: aws.String(fmt.Sprint("k", i)), Value: aws.String("")})
		}
		return list
	}
	tests := []struct {
		name   string
		change func(*input)
		code   string
	}{
		{"plain", func(*input) {}, ""},
		{"name of 255", func(in *input) { in.AlarmName = aws.String(strings.Repeat("é", 255)) }, ""},
		{"name of 256", func(in *input) { in.AlarmName = aws.String(strings.Repeat("n", 256)) }, "ValidationError"},
		{"empty name", func(in *input) { in.AlarmName = aws.String("") }, "ValidationError"},
		{"control character in the name", func(in *input) { in.AlarmName = aws.String("a\tb") }, "ValidationError"},
		{"description of 1024", func(in *input) { in.AlarmDescription = aws.String(strings.Repeat("d", 1024)) }, ""},
		{"description of 1025", func(in *input) { in.AlarmDescription = aws.String(strings.Repeat("d", 1025)) }, "ValidationError"},
		{"24 hours by 5 minutes", evaluation(300, 288), ""},
		{"24 hours and 5 minutes by 5 minutes", evaluation(300, 289), "ValidationError"},
		{"more than 24 hours by 59 minutes", evaluation(3540, 25), "ValidationError"},
		{"a week by the hour", evaluation(3600, 168), ""},
		{"a week and an hour by the hour", evaluation(3600, 169), "ValidationError"},
		{"one period of a week", evaluation(604800, 1), ""},
		{"one period of more", evaluation(604860, 1), "ValidationError"},
		{"period of 30 seconds", evaluation(30, 1), "ValidationError"},
		{"period of 60 seconds", evaluation(60, 1), ""},
		{"no evaluation periods", evaluation(60, 0), "ValidationError"},
		{"as many datapoints as periods", func(in *input) { in.DatapointsToAlarm = aws.Int32(3) }, ""},
		{"more datapoints than periods", func(in *input) { in.DatapointsToAlarm = aws.Int32(4) }, "ValidationError"},
		{"no datapoints", func(in *input) { in.DatapointsToAlarm = aws.Int32(0) }, "ValidationError"},
		{"no period", func(in *input) { in.Period = nil }, "MissingParameter"},
		{"no threshold", func(in *input) { in.Threshold = nil }, "MissingParameter"},
		{"no statistic", func(in *input) { in.Statistic = "" }, "MissingParameter"},
		{"no metric", func(in *input) { in.MetricName = nil }, "MissingParameter"},
		{"such statistic", func(in *input) { in.Statistic = "Mean" }, "ValidationError"},
		{"such comparison", func(in *input) { in.ComparisonOperator = "Less" }, "ValidationError"},
		{"comparison of anomaly detection", func(in *input) { in.ComparisonOperator = types.ComparisonOperatorLessThanLowerThreshold }, "ValidationError"},
		{"such treatment of missing data", func(in *input) { in.TreatMissingData = aws.String("Breaching") }, "ValidationError"},
		{"treatment of missing data", func(in *input) { in.TreatMissingData = aws.String("notBreaching") }, ""},
		{"such unit", func(in *input) { in.Unit = "Requests" }, "InvalidParameterValue"},
		{"a percentile", func(in *input) { in.ExtendedStatistic = aws.String("p99") }, "ValidationError"},
		{"5 actions", actions(5, topic), ""},
		{"6 actions", actions(6, topic), "ValidationError"},
		{"action in another region", actions(1, "arn:aws:sns:us-east-1:000000000000:t"), "ValidationError"},
		{"action in another partition", actions(1, "arn:aws-cn:sns:eu-west-1:000000000000:t"), "ValidationError"},
		{"action that is no ARN", actions(1, "t"), "ValidationError"},
		{"50 tags", func(in *input) { in.Tags = tags(50) }, ""},
		{"51 tags", func(in *input) { in.Tags = tags(51) }, "InvalidParameterValue"},
		{"reserved tag", func(in *input) { in.Tags = []types.Tag{{Key: aws.String("AWS:x"), Value: aws.String("")}} }, "InvalidParameterValue"},
		{"tag key of 129", func(in *input) {
			in.Tags = []types.Tag{{Key: aws.String(strings.Repeat("k", 129)), Value: aws.String("")}}
		}, "InvalidParameterValue"},
	}
	r := newRig(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := validAlarm()
			tt.change(in)
			_, err := r.client().PutMetricAlarm(context.Background(), in)
			if code := apiCode(t, err); code != tt.code {
				t.Errorf("code %q (%v), want %q", code, err, tt.code)
			}
		})
	}
}

func TestAlarmIsDescribedAsPut(t *testing.T) {
	r := newRig(t)
	const topic = "arn:aws:sns:eu-west-1:000000000000:t"
	r.putAlarm(t, func(in *cloudwatch.PutMetricAlarmInput) {
		in.AlarmDescription, in.ActionsEnabled, in.TreatMissingData = aws.String("d"), aws.Bool(false), aws.String("missing")
		in.AlarmActions, in.OKActions = []string{topic}, []string{topic}
		in.Dimensions = []types.Dimension{{Name: aws.String("CampaignArn"), Value: aws.String("arn:x")}}
		in.Tags = []types.Tag{{Key: aws.String("CreatedBy"), Value: aws.String("test")}}
	})
	got := r.alarm(t)
	want := types.MetricAlarm{
		AlarmName: aws.String("low"), AlarmArn: aws.String("arn:aws:cloudwatch:eu-west-1:000000000000:alarm:low"),
		AlarmDescription: aws.String("d"), AlarmConfigurationUpdatedTimestamp: aws.Time(noon),
		ActionsEnabled: aws.Bool(false), AlarmActions: []string{topic}, OKActions: []string{topic}, InsufficientDataActions: []string{},
		StateValue: types.StateValueInsufficientData, StateReason: aws.String("Unchecked: Initial alarm creation"),
		StateUpdatedTimestamp: aws.Time(noon), StateTransitionedTimestamp: aws.Time(noon),
		MetricName: aws.String("m"), Namespace: aws.String("Test"), Statistic: types.StatisticAverage,
		Dimensions: []types.Dimension{{Name: aws.String("CampaignArn"), Value: aws.String("arn:x")}},
		Period:     aws.Int32(300), EvaluationPeriods: aws.Int32(3), DatapointsToAlarm: aws.Int32(2),
		Threshold: aws.Float64(10), ComparisonOperator: types.ComparisonOperatorLessThanThreshold, TreatMissingData: aws.String("missing"),
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(types.MetricAlarm{}, types.Dimension{})); diff != "" {
		t.Error(diff)
	}
}

func TestUpdateReplacesConfigurationAndKeepsStateAndTags(t *testing.T) {
	r := newRig(t)
	for i := range 5 {
		putValue(t, r.client(), 50, noon.Add(time.Duration(i-5)*5*time.Minute))
	}
	r.putAlarm(t, func(in *cloudwatch.PutMetricAlarmInput) {
		in.AlarmDescription, in.ActionsEnabled = aws.String("first"), aws.Bool(false)
		in.Tags = []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}}
	})
	r.Tick()
	r.putAlarm(t, func(in *cloudwatch.PutMetricAlarmInput) {
		in.Threshold = aws.Float64(99)
		in.Tags = []types.Tag{{Key: aws.String("a"), Value: aws.String("2")}}
	})
	got := r.alarm(t)
	if got.StateValue != types.StateValueOk || got.AlarmDescription != nil || !*got.ActionsEnabled || *got.Threshold != 99 {
		t.Errorf("after the update: %s, description %v, actions %v, threshold %v", got.StateValue, got.AlarmDescription, *got.ActionsEnabled, *got.Threshold)
	}
	tags := ok[*cloudwatch.ListTagsForResourceOutput](t)(r.client().ListTagsForResource(context.Background(), &cloudwatch.ListTagsForResourceInput{ResourceARN: got.AlarmArn}))
	if len(tags.Tags) != 1 || *tags.Tags[0].Value != "1" {
		t.Errorf("tags were changed by an update: %v", tags.Tags)
	}
	r.clock.move(time.Minute)
	if got := r.alarm(t); got.StateValue != types.StateValueAlarm {
		t.Errorf("a minute later: %s", got.StateValue)
	}
}

func TestDescribeAlarmsFilters(t *testing.T) {
	r := newRig(t)
	const topic = "arn:aws:sns:eu-west-1:000000000000:"
	for i, name := range []string{"b-2", "a-1", "b-1", "c"} {
		r.putAlarm(t, func(in *cloudwatch.PutMetricAlarmInput) {
			in.AlarmName, in.OKActions = &name, []string{topic + fmt.Sprint("t", i)}
		})
	}
	ok[*cloudwatch.SetAlarmStateOutput](t)(r.client().SetAlarmState(context.Background(), &cloudwatch.SetAlarmStateInput{
		AlarmName: aws.String("c"), StateValue: types.StateValueAlarm, StateReason: aws.String("test"),
	}))
	type input = cloudwatch.DescribeAlarmsInput
	tests := []struct {
		name string
		in   input
		code string
		want string
	}{
		{"all, by name", input{}, "", "a-1 b-1 b-2 c"},
		{"by names, unknown ones passed over", input{AlarmNames: []string{"c", "x", "a-1"}}, "", "a-1 c"},
		{"by prefix", input{AlarmNamePrefix: aws.String("b-")}, "", "b-1 b-2"},
		{"by state", input{StateValue: types.StateValueAlarm}, "", "c"},
		{"metric alarms", input{AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm}}, "", "a-1 b-1 b-2 c"},
		{"composite alarms", input{AlarmTypes: []types.AlarmType{types.AlarmTypeCompositeAlarm}}, "", ""},
		{"names and prefix", input{AlarmNames: []string{"c"}, AlarmNamePrefix: aws.String("c")}, "InvalidParameterCombination", ""},
		{"100 names", input{AlarmNames: make100("c")}, "", "c"},
		{"101 names", input{AlarmNames: append(make100("c"), "d")}, "ValidationError", ""},
		{"101 records", input{MaxRecords: aws.Int32(101)}, "ValidationError", ""},
		{"0 records", input{MaxRecords: aws.Int32(0)}, "ValidationError", ""},
		{"no such state", input{StateValue: "Fine"}, "ValidationError", ""},
		{"no such type", input{AlarmTypes: []types.AlarmType{"Loud"}}, "ValidationError", ""},
		{"a token of our own making", input{NextToken: aws.String("x")}, "InvalidNextToken", ""},
		{"children of composite alarms are not handled", input{ChildrenOfAlarmName: aws.String("x")}, "ValidationError", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := r.client().DescribeAlarms(context.Background(), &tt.in)
			if code := apiCode(t, err); code != tt.code {
				t.Fatalf("code %q (%v), want %q", code, err, tt.code)
			}
			if err == nil && names(out.MetricAlarms) != tt.want {
				t.Errorf("got %s, want %s", names(out.MetricAlarms), tt.want)
			}
		})
	}
}

func make100(name string) []string {
	list := make([]string, 100)
	for i := range list {
		list[i] = name
	}
	return list
}

func names(alarms []types.MetricAlarm) string {
	var list []string
	for _, a := range alarms {
		list = append(list, *a.AlarmName)
	}
	return strings.Join(list, " ")
}

func TestPagesSurviveChangesBetweenThem(t *testing.T) {
	r := newRig(t)
	for i := range 7 {
		r.putAlarm(t, func(in *cloudwatch.PutMetricAlarmInput) { in.AlarmName = aws.String(fmt.Sprint("a", i)) })
	}
	in := &cloudwatch.DescribeAlarmsInput{MaxRecords: aws.Int32(3)}
	out := ok[*cloudwatch.DescribeAlarmsOutput](t)(r.client().DescribeAlarms(context.Background(), in))
	seen := names(out.MetricAlarms)
	ok[*cloudwatch.DeleteAlarmsOutput](t)(r.client().DeleteAlarms(context.Background(), &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"a0", "a2", "a4", "none"}}))
	in.NextToken = out.NextToken
	out = ok[*cloudwatch.DescribeAlarmsOutput](t)(r.client().DescribeAlarms(context.Background(), in))
	if seen+" "+names(out.MetricAlarms) != "a0 a1 a2 a3 a5 a6" || out.NextToken != nil {
		t.Errorf("saw %s, then %s", seen, names(out.MetricAlarms))
	}
	if _, err := r.client().ListMetrics(context.Background(), &cloudwatch.ListMetricsInput{NextToken: in.NextToken}); apiCode(t, err) != "InvalidParameterValue" {
		t.Errorf("a token of another operation: %v", err)
	}
}

func TestAlarmsByNameRules(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	calls := map[string]func([]string) error{
		"delete": func(n []string) error {
			_, err := r.client().DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: n})
			return err
		},
		"enable": func(n []string) error {
			_, err := r.client().EnableAlarmActions(ctx, &cloudwatch.EnableAlarmActionsInput{AlarmNames: n})
			return err
		},
		"disable": func(n []string) error {
			_, err := r.client().DisableAlarmActions(ctx, &cloudwatch.DisableAlarmActionsInput{AlarmNames: n})
			return err
		},
	}
	for name, call := range calls {
		if err := call(make100("none")); err != nil {
			t.Errorf("%s of 100 unknown names: %v", name, err)
		}
		if err := call(append(make100("none"), "x")); apiCode(t, err) != "ValidationError" {
			t.Errorf("%s of 101 names: %v", name, err)
		}
	}
}

func TestSetAlarmStateRules(t *testing.T) {
	r := newRig(t)
	r.putAlarm(t, nil)
	type input = cloudwatch.SetAlarmStateInput
	tests := []struct {
		name   string
		change func(*input)
		code   string
	}{
		{"plain", func(*input) {}, ""},
		{"unknown alarm", func(in *input) { in.AlarmName = aws.String("none") }, "ResourceNotFound"},
		{"unknown state", func(in *input) { in.StateValue = "Fine" }, "ValidationError"},
		{"reason of 1023", func(in *input) { in.StateReason = aws.String(strings.Repeat("r", 1023)) }, ""},
		{"reason of 1024", func(in *input) { in.StateReason = aws.String(strings.Repeat("r", 1024)) }, "ValidationError"},
		{"data, which are not handled", func(in *input) { in.StateReasonData = aws.String(`{}`) }, "ValidationError"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := &input{AlarmName: aws.String("low"), StateValue: types.StateValueOk, StateReason: aws.String("test")}
			tt.change(in)
			_, err := r.client().SetAlarmState(context.Background(), in)
			if code := apiCode(t, err); code != tt.code {
				t.Errorf("code %q (%v), want %q", code, err, tt.code)
			}
		})
	}
}

func TestTransitionsAndActions(t *testing.T) {
	var transitions []string
	r := newRig(t, WithAlarmWatch(func(c AlarmChange) { transitions = append(transitions, c.From+" to "+c.To) }))
	ctx := context.Background()
	const topic = "arn:aws:sns:eu-west-1:000000000000:t"
	feed := func(v float64) { // three whole periods of a value
		for range 3 {
			putValue(t, r.client(), v, r.clock.Now())
			r.clock.move(5 * time.Minute)
		}
	}
	step := func(name string, want types.StateValue, actions int) {
		t.Helper()
		if got := r.alarm(t).StateValue; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if n := len(r.Dropped()); n != actions { // the topic does not exist
			t.Errorf("%s: %d actions so far, want %d", name, n, actions)
		}
	}
	r.putAlarm(t, func(in *cloudwatch.PutMetricAlarmInput) {
		in.ActionsEnabled, in.AlarmActions, in.OKActions = aws.Bool(false), []string{topic}, []string{topic}
	})
	step("created", types.StateValueInsufficientData, 0)
	feed(1)
	step("actions off: a transition is silent", types.StateValueAlarm, 0)
	ok[*cloudwatch.EnableAlarmActionsOutput](t)(r.client().EnableAlarmActions(ctx, &cloudwatch.EnableAlarmActionsInput{AlarmNames: []string{"low"}}))
	feed(1)
	step("actions on while in ALARM: nothing is sent", types.StateValueAlarm, 0)
	set := func(state types.StateValue) {
		t.Helper()
		ok[*cloudwatch.SetAlarmStateOutput](t)(r.client().SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{
			AlarmName: aws.String("low"), StateValue: state, StateReason: aws.String("by hand"),
		}))
	}
	set(types.StateValueInsufficientData)
	step("set by hand: no action for that state", types.StateValueInsufficientData, 0)
	r.clock.move(time.Minute)
	step("the next evaluation moves it back and tells", types.StateValueAlarm, 1)
	r.clock.move(4 * time.Minute)
	feed(50)
	step("recovery tells", types.StateValueOk, 2)
	set(types.StateValueAlarm)
	step("set by hand tells too", types.StateValueAlarm, 3)
	r.clock.move(time.Minute)
	step("and so does the way back", types.StateValueOk, 4)
	set(types.StateValueOk)
	step("set to the state it is in: nothing", types.StateValueOk, 4)

	want := []string{"INSUFFICIENT_DATA to ALARM", "ALARM to INSUFFICIENT_DATA", "INSUFFICIENT_DATA to ALARM", "ALARM to OK", "OK to ALARM", "ALARM to OK"}
	if diff := cmp.Diff(want, transitions); diff != "" {
		t.Error(diff)
	}
}

func TestOpenPeriodIsNotEvaluated(t *testing.T) {
	r := newRig(t)
	r.putAlarm(t, func(in *cloudwatch.PutMetricAlarmInput) {
		in.EvaluationPeriods, in.DatapointsToAlarm = aws.Int32(1), nil
	})
	putValue(t, r.client(), 1, noon)
	r.clock.move(4*time.Minute + 59*time.Second)
	if got := r.alarm(t).StateValue; got != types.StateValueInsufficientData {
		t.Errorf("a second before its end: %s", got)
	}
	r.clock.move(time.Second)
	r.Tick()
	if got := r.alarm(t).StateValue; got != types.StateValueAlarm {
		t.Errorf("at its end: %s", got)
	}
}

func TestIdleAlarmOverASource(t *testing.T) {
	r := newRig(t)
	src := &burst{at: noon.Add(-24*time.Hour - 10*time.Minute)}
	r.ServeMetric(testRegion, "Test", "m", nil, src)
	r.putAlarm(t, func(in *cloudwatch.PutMetricAlarmInput) {
		in.Statistic, in.EvaluationPeriods, in.DatapointsToAlarm = types.StatisticSum, aws.Int32(288), nil
		in.Threshold, in.ComparisonOperator, in.TreatMissingData = aws.Float64(0), types.ComparisonOperatorLessThanOrEqualToThreshold, aws.String("breaching")
	})
	r.Tick()
	if got := r.alarm(t).StateValue; got != types.StateValueOk {
		t.Errorf("a request 24 h 10 min ago is still in the evaluation range: %s", got)
	}
	r.clock.move(5 * time.Minute)
	if got := r.alarm(t).StateValue; got != types.StateValueAlarm {
		t.Errorf("5 minutes later: %s", got)
	}
}

// burst is a source with requests in one period only, and no data in others.
type burst struct{ at time.Time }

func (b *burst) Value(start time.Time) (float64, bool) { return 7, start.Equal(b.at) }

func TestEvaluationLooksAgainAtLateData(t *testing.T) {
	r := newRig(t)
	r.putAlarm(t, func(in *cloudwatch.PutMetricAlarmInput) {
		in.EvaluationPeriods, in.DatapointsToAlarm = aws.Int32(1), nil
	})
	r.Tick()
	putValue(t, r.client(), 1, noon.Add(-5*time.Minute))
	r.Tick()
	if got := r.alarm(t).StateValue; got != types.StateValueAlarm {
		t.Errorf("after late data for the same period: %s", got)
	}
}

func TestTagsOfAlarmsAndDashboards(t *testing.T) {
	r := newRig(t)
	ctx, cw := context.Background(), r.client()
	r.putAlarm(t, func(in *cloudwatch.PutMetricAlarmInput) {
		in.Tags = []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}}
	})
	ok[*cloudwatch.PutDashboardOutput](t)(cw.PutDashboard(ctx, &cloudwatch.PutDashboardInput{
		DashboardName: aws.String("d"), DashboardBody: aws.String(`{"widgets":[]}`), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}},
	}))
	for _, arn := range []string{"arn:aws:cloudwatch:eu-west-1:000000000000:alarm:low", "arn:aws:cloudwatch::000000000000:dashboard/d"} {
		list := func() string {
			t.Helper()
			out := ok[*cloudwatch.ListTagsForResourceOutput](t)(cw.ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: &arn}))
			var tags []string
			for _, tag := range out.Tags {
				tags = append(tags, *tag.Key+"="+*tag.Value)
			}
			return strings.Join(tags, " ")
		}
		if got := list(); got != "a=1" {
			t.Errorf("%s: %s", arn, got)
		}
		ok[*cloudwatch.TagResourceOutput](t)(cw.TagResource(ctx, &cloudwatch.TagResourceInput{
			ResourceARN: &arn, Tags: []types.Tag{{Key: aws.String("b"), Value: aws.String("2")}, {Key: aws.String("a"), Value: aws.String("3")}},
		}))
		if got := list(); got != "a=3 b=2" {
			t.Errorf("%s: %s", arn, got)
		}
		ok[*cloudwatch.UntagResourceOutput](t)(cw.UntagResource(ctx, &cloudwatch.UntagResourceInput{ResourceARN: &arn, TagKeys: []string{"a", "none"}}))
		if got := list(); got != "b=2" {
			t.Errorf("%s: %s", arn, got)
		}
	}
	for _, arn := range []string{
		"arn:aws:cloudwatch:eu-west-1:000000000000:alarm:none", "arn:aws:cloudwatch:us-east-1:000000000000:alarm:low",
		"arn:aws:cloudwatch::000000000000:dashboard/none", "arn:aws-cn:cloudwatch:eu-west-1:000000000000:alarm:low",
	} {
		_, err := cw.ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: &arn})
		if apiCode(t, err) != "ResourceNotFoundException" {
			t.Errorf("%s: %v", arn, err)
		}
	}
	_, err := cw.ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: aws.String("low")})
	if apiCode(t, err) != "InvalidParameterValue" {
		t.Errorf("not an ARN: %v", err)
	}
}
