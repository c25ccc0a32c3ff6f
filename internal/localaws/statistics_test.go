package localaws

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// putMetric puts the value 1 for a metric with dimensions, given in pairs.
func (r *rig) putMetric(t testing.TB, namespace, name string, at time.Time, pairs ...string) {
	t.Helper()
	var dims []types.Dimension
	for i := 0; i < len(pairs); i += 2 {
		dims = append(dims, types.Dimension{Name: &pairs[i], Value: &pairs[i+1]})
	}
	ok[*cloudwatch.PutMetricDataOutput](t)(r.client().PutMetricData(background, &cloudwatch.PutMetricDataInput{
		Namespace:  &namespace,
		MetricData: []types.MetricDatum{{MetricName: &name, Dimensions: dims, Value: aws.Float64(1), Timestamp: &at}},
	}))
}

func metricNames(metrics []types.Metric) []string {
	list := []string{}
	for _, m := range metrics {
		text := *m.Namespace + "/" + *m.MetricName
		for _, d := range m.Dimensions {
			text += " " + *d.Name + "=" + *d.Value
		}
		list = append(list, text)
	}
	return list
}

func TestListMetrics(t *testing.T) {
	r := newRig(t)
	r.putMetric(t, "A", "m", noon, "x", "1")
	r.putMetric(t, "A", "m", noon, "x", "2", "y", "1")
	r.putMetric(t, "A", "n", noon)
	r.putMetric(t, "B", "m", noon.Add(-3*time.Hour-time.Minute))
	r.putMetric(t, "C", "m", noon.Add(-14*24*time.Hour))
	r.ServeMetric(testRegion, "Source", "on", nil, steady{})
	r.ServeMetric(testRegion, "Source", "off", nil, &burst{at: noon.Add(-15 * 24 * time.Hour)})
	r.ServeMetric(testRegion, "Source", "was", nil, &burst{at: noon.Add(-13 * 24 * time.Hour)})
	filter := func(name string, value ...string) types.DimensionFilter {
		f := types.DimensionFilter{Name: &name}
		if len(value) > 0 {
			f.Value = &value[0]
		}
		return f
	}
	filters := func(f ...types.DimensionFilter) cloudwatch.ListMetricsInput {
		return cloudwatch.ListMetricsInput{Dimensions: f}
	}
	tests := []struct {
		name string
		in   cloudwatch.ListMetricsInput
		code string
		want []string
	}{
		{"all that have had data in two weeks", cloudwatch.ListMetricsInput{}, "", []string{"A/m x=1", "A/m x=2 y=1", "A/n", "B/m", "C/m", "Source/on", "Source/was"}},
		{"of a namespace", cloudwatch.ListMetricsInput{Namespace: aws.String("A")}, "", []string{"A/m x=1", "A/m x=2 y=1", "A/n"}},
		{"of a name", cloudwatch.ListMetricsInput{MetricName: aws.String("n")}, "", []string{"A/n"}},
		{"with a dimension", filters(filter("x")), "", []string{"A/m x=1", "A/m x=2 y=1"}},
		{"with a dimension of a value", filters(filter("x", "2")), "", []string{"A/m x=2 y=1"}},
		{"with two dimensions", filters(filter("y"), filter("x", "1")), "", []string{}},
		{"recently active", cloudwatch.ListMetricsInput{RecentlyActive: types.RecentlyActivePt3h}, "", []string{"A/m x=1", "A/m x=2 y=1", "A/n", "Source/on"}},
		{"another time of activity", cloudwatch.ListMetricsInput{RecentlyActive: "PT4H"}, "ValidationError", nil},
		{"11 dimensions", filters(slices.Repeat([]types.DimensionFilter{filter("x")}, 11)...), "InvalidParameterValue", nil},
		{"an empty value of a dimension", filters(filter("x", "")), "MissingParameter", nil},
		{"an empty namespace", cloudwatch.ListMetricsInput{Namespace: aws.String("")}, "MissingParameter", nil},
		{"a token of our own making", cloudwatch.ListMetricsInput{NextToken: aws.String("x")}, "InvalidParameterValue", nil},
		{"another account", cloudwatch.ListMetricsInput{OwningAccount: aws.String("1")}, "ValidationError", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := r.client().ListMetrics(background, &tt.in)
			if code := apiCode(t, err); code != tt.code {
				t.Fatalf("code %q (%v), want %q", code, err, tt.code)
			}
			if err == nil && !slices.Equal(metricNames(out.Metrics), tt.want) {
				t.Errorf("got %q, want %q", metricNames(out.Metrics), tt.want)
			}
		})
	}
	r.clock.move(time.Minute)
	out := ok[*cloudwatch.ListMetricsOutput](t)(r.client().ListMetrics(background, &cloudwatch.ListMetricsInput{Namespace: aws.String("C")}))
	if len(out.Metrics) != 0 {
		t.Errorf("after two weeks: %q", metricNames(out.Metrics))
	}
}

func TestPagesOfListMetrics(t *testing.T) {
	r := newRig(t)
	for i := range 1001 {
		r.ServeMetric(testRegion, "Test", fmt.Sprintf("m%04d", i), nil, steady{})
	}
	r.AddFault(Fault{Kind: EmptyPage, Operation: "ListMetrics", Skip: 1, Times: 1})
	var sizes []int
	seen := map[string]bool{}
	for p := cloudwatch.NewListMetricsPaginator(r.client(), &cloudwatch.ListMetricsInput{}); p.HasMorePages(); {
		page := ok[*cloudwatch.ListMetricsOutput](t)(p.NextPage(background)).Metrics
		sizes = append(sizes, len(page))
		for _, name := range metricNames(page) {
			seen[name] = true
		}
	}
	if fmt.Sprint(sizes) != "[500 0 500 1]" || len(seen) != 1001 {
		t.Errorf("pages of %v, %d metrics", sizes, len(seen))
	}
}

// statisticsOf asks for statistics of the metric m of the namespace Test up to noon.
func statisticsOf(period int32, back time.Duration, statistics ...types.Statistic) *cloudwatch.GetMetricStatisticsInput {
	return &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("Test"), MetricName: aws.String("m"), StartTime: aws.Time(noon.Add(-back)), EndTime: aws.Time(noon),
		Period: &period, Statistics: statistics,
	}
}

func TestGetMetricStatistics(t *testing.T) {
	r := newRig(t)
	for unit, values := range map[types.StandardUnit][]float64{"Count": {10, 2}, "Percent": {7}} {
		for _, v := range values {
			ok[*cloudwatch.PutMetricDataOutput](t)(r.client().PutMetricData(background, &cloudwatch.PutMetricDataInput{
				Namespace:  aws.String("Test"),
				MetricData: []types.MetricDatum{{MetricName: aws.String("m"), Value: &v, Unit: unit, Timestamp: aws.Time(noon.Add(-3 * time.Minute))}},
			}))
		}
	}
	get := func(in *cloudwatch.GetMetricStatisticsInput) string {
		t.Helper()
		out := ok[*cloudwatch.GetMetricStatisticsOutput](t)(r.client().GetMetricStatistics(background, in))
		list := []string{*out.Label}
		for _, d := range out.Datapoints {
			text := fmt.Sprintf("%s %s", d.Timestamp.Sub(noon), d.Unit)
			for _, v := range []*float64{d.SampleCount, d.Average, d.Sum, d.Minimum, d.Maximum} {
				if v == nil {
					text += " -"
				} else {
					text += fmt.Sprintf(" %v", *v)
				}
			}
			list = append(list, text)
		}
		return strings.Join(list, "; ")
	}
	all := types.Statistic("").Values()
	if got, want := get(statisticsOf(300, time.Hour, all...)), "m; -5m0s Count 2 6 12 2 10; -5m0s Percent 1 7 7 7 7"; got != want {
		t.Errorf("all statistics: %s, want %s", got, want)
	}
	in := statisticsOf(60, time.Hour, types.StatisticSum, types.StatisticMaximum)
	in.Unit = types.StandardUnitCount
	if got, want := get(in), "m; -3m0s Count - - 12 - 10"; got != want {
		t.Errorf("of a unit: %s, want %s", got, want)
	}
	in.Unit = types.StandardUnitBytes
	if got := get(in); got != "m" {
		t.Errorf("of a unit without data: %s", got)
	}
	in.MetricName = aws.String("none")
	if got := get(in); got != "none" {
		t.Errorf("a metric that does not exist: %s", got)
	}
	r.ServeMetric(testRegion, "Test", "source", nil, steady{})
	in = statisticsOf(3600, 2*time.Hour, types.StatisticSum)
	in.MetricName = aws.String("source")
	if got, want := get(in), "source; -2h0m0s Count - - 24 - -; -1h0m0s Count - - 24 - -"; got != want {
		t.Errorf("a source: %s, want %s", got, want)
	}
}

func TestGetMetricStatisticsRules(t *testing.T) {
	type input = cloudwatch.GetMetricStatisticsInput
	r := newRig(t)
	sum := types.StatisticSum
	with := func(change func(*input)) *input {
		in := statisticsOf(60, time.Hour, sum)
		change(in)
		return in
	}
	tests := []struct {
		name string
		in   *input
		code string
	}{
		{"plain", statisticsOf(60, time.Hour, sum), ""},
		{"1,440 datapoints", statisticsOf(60, 24*time.Hour, sum), ""},
		{"1,441 datapoints", statisticsOf(60, 24*time.Hour+time.Second, sum), "InvalidParameterCombination"},
		{"no statistics", statisticsOf(60, time.Hour), "MissingParameter"},
		{"percentiles only", with(func(in *input) { in.Statistics, in.ExtendedStatistics = nil, []string{"p99"} }), "InvalidParameterValue"},
		{"both", with(func(in *input) { in.ExtendedStatistics = []string{"p99"} }), "InvalidParameterCombination"},
		{"an unknown statistic", statisticsOf(60, time.Hour, "Mean"), "ValidationError"},
		{"period of 90", statisticsOf(90, time.Hour, sum), "InvalidParameterValue"},
		{"period of 0", statisticsOf(0, time.Hour, sum), "InvalidParameterValue"},
		{"end equal to start", statisticsOf(60, 0, sum), "InvalidParameterValue"},
		{"such unit", with(func(in *input) { in.Unit = "Requests" }), "InvalidParameterValue"},
		{"an empty name", with(func(in *input) { in.MetricName = aws.String("") }), "MissingParameter"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if code := apiCode(t, errOf(r.client().GetMetricStatistics(background, tt.in))); code != tt.code {
				t.Errorf("code %q, want %q", code, tt.code)
			}
		})
	}
	for body, want := range map[string]string{
		`{"Namespace":"Test","MetricName":"m","EndTime":2,"Period":60,"Statistics":["Sum"]}`:   "MissingParameter",
		`{"Namespace":"Test","MetricName":"m","StartTime":2,"Period":60,"Statistics":["Sum"]}`: "MissingParameter",
		`{"Namespace":"Test","MetricName":"m","StartTime":1,"EndTime":2,"Statistics":["Sum"]}`: "MissingParameter",
	} {
		if status, code := r.raw(t, "GetMetricStatistics", body); status != http.StatusBadRequest || code != want {
			t.Errorf("%s: %d %s", body, status, code)
		}
	}
	if status, code := r.raw(t, "ListMetrics", `{"Namespace":"Test"}`); status != http.StatusOK {
		t.Errorf("ListMetrics over JSON: %d %s", status, code)
	}
}
