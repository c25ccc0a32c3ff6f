package lambda_test

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// fills are the expressions that the template has: FILL, with the value for what is missing.
var fills = regexp.MustCompile(`^FILL\(([a-z]+), ([0-9]+)\)$`)

// stackAlarm is an alarm of the template as CloudFormation creates it. No client may put data of AWS's
// own namespaces, so that its metric is in another. The embedded AWS has no alarms on expressions: fill is the value that
// the expression has for five minutes without data, negative without an expression.
func (s *stack) stackAlarm(id, topic string) (in *cloudwatch.PutMetricAlarmInput, fill float64) {
	s.t.Helper()
	p, fill := maps.Clone(at(s.resource(id), "Properties").(object)), -1.0
	if math, ok := p["Metrics"].([]any); ok {
		maps.Copy(p, at(math[0], "MetricStat", "Metric").(object))
		p["Statistic"], p["Period"] = at(math[0], "MetricStat", "Stat"), at(math[0], "MetricStat", "Period")
		filled := fills.FindStringSubmatch(at(math[1], "Expression").(string))
		if filled == nil || filled[1] != at(math[0], "Id") || at(math[0], "ReturnData") != false || len(math) != 2 {
			s.t.Fatalf("%s is on %v", id, math)
		}
		fill, _ = strconv.ParseFloat(filled[2], 64) // digits
	}
	number := func(key string) *int32 {
		value, given := p[key].(uint64)
		if !given {
			return nil
		}
		return aws.Int32(int32(value))
	}
	text := func(key string) string { return p[key].(string) }
	in = &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String(s.name + "-" + id), AlarmDescription: aws.String(text("AlarmDescription")),
		Namespace: aws.String(strings.Replace(text("Namespace"), "AWS/", "Test/", 1)), MetricName: aws.String(text("MetricName")),
		Statistic: cwtypes.Statistic(text("Statistic")), Period: number("Period"),
		EvaluationPeriods: number("EvaluationPeriods"), DatapointsToAlarm: number("DatapointsToAlarm"),
		Threshold: aws.Float64(float64(p["Threshold"].(uint64))), TreatMissingData: aws.String(text("TreatMissingData")),
		ComparisonOperator: cwtypes.ComparisonOperator(text("ComparisonOperator")),
		AlarmActions:       []string{topic}, OKActions: []string{topic},
	}
	_, err := s.clients().alarms(home).PutMetricAlarm(s.t.Context(), in)
	s.must(err)
	return in, fill
}

// Each alarm on the application notifies of what it is for, once, and when it is over.
func TestTheStackWatchesItself(t *testing.T) {
	newWatched := func(t *testing.T, clock *model.VirtualClock) (s *stack, topic string) {
		s = stackOn(t, localaws.Estate{Regions: []localaws.EstateRegion{{Name: home}}}, nil, localaws.WithClock(clock))
		topic = s.clients().putTopic(home, "PersonalizeMonitorNotifications", nobodys, reader)
		s.clients().setPolicy(home, topic, `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},`+
			`"Action":["sns:Publish"],"Resource":"`+topic+`"}]}`)
		s.aws.ConfirmAll()
		return s, topic
	}
	const healthy, failing, silent = 0, 1, -1
	for _, tt := range []struct {
		name, alarm string
		data        []float64 // of each five minutes; negative: none
		mails       []string
	}{
		{"cycles that succeed", "MonitorSilentAlarm", slices.Repeat([]float64{healthy}, 12), nil},
		{"one cycle that failed or was late", "MonitorSilentAlarm", []float64{0, 0, 0, failing, 0, silent, 0, 0, 0}, nil},
		{"cycles that fail", "MonitorSilentAlarm", append([]float64{0, 0, 0}, slices.Repeat([]float64{failing}, 8)...), []string{"ALARM"}},
		{"no cycles for 15 minutes", "MonitorSilentAlarm", []float64{0, 0, 0, 0, 0, 0, silent, silent, silent}, nil},
		{"no cycles for 20 minutes", "MonitorSilentAlarm", []float64{0, 0, 0, 0, 0, 0, silent, silent, silent, silent}, []string{"ALARM"}},
		{
			"no cycles, then cycles again", "MonitorSilentAlarm", slices.Concat([]float64{0, 0, 0}, slices.Repeat([]float64{silent}, 12), []float64{0, 0, 0}),
			[]string{"ALARM", "OK"},
		},
		{"a new stack, until its first cycle has succeeded", "MonitorSilentAlarm", []float64{silent, 0, 0, 0}, []string{"ALARM", "OK"}},
		{"one cycle with problems", "MonitorProblemsAlarm", []float64{0, 0, 3, 0, 0, 0, 0, 0}, nil},
		{"a problem of every hourly check", "MonitorProblemsAlarm", append([]float64{1}, append(slices.Repeat([]float64{0}, 11), 1, 0, 0)...), []string{"ALARM"}},
		{"problems in a row", "MonitorProblemsAlarm", []float64{0, 2, 2, 2, 0}, []string{"ALARM"}},
		{"an empty queue", "DeadLetterAlarm", []float64{0, silent, silent, 0}, nil},
		{"an event that failed, until it is taken out", "DeadLetterAlarm", []float64{0, 1, 1, 0, 0}, []string{"ALARM", "OK"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clock := model.NewVirtualClock(time.Date(2026, 3, 4, 12, 0, 30, 0, time.UTC))
			s, topic := newWatched(t, clock)
			in, fill := s.stackAlarm(tt.alarm, topic)
			for i, value := range tt.data {
				now := clock.Now()
				if value < 0 && slices.Max(tt.data[:i+1]) >= 0 {
					value = fill
				}
				if value >= 0 {
					_, err := s.clients().alarms(home).PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{
						Namespace: in.Namespace, MetricData: []cwtypes.MetricDatum{{MetricName: in.MetricName, Value: aws.Float64(value), Timestamp: aws.Time(now)}},
					})
					s.must(err)
				}
				clock.Advance(5 * time.Minute)
				s.aws.Tick()
			}
			var got []string
			for _, mail := range s.alarmMails() {
				state, _, _ := strings.Cut(mail, ":")
				got = append(got, state)
			}
			if len(got) > 0 && got[0] == "OK" { // the first evaluation of a new alarm
				got = got[1:]
			}
			if !slices.Equal(got, tt.mails) {
				t.Errorf("mails %v, want %v", got, tt.mails)
			}
		})
	}
}
