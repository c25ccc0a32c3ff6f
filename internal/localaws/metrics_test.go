package localaws

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

func TestPutMetricDataRules(t *testing.T) {
	datum := func(change func(*types.MetricDatum)) func(*cloudwatch.PutMetricDataInput) {
		return func(in *cloudwatch.PutMetricDataInput) { change(&in.MetricData[0]) }
	}
	dims := func(n int) (list []types.Dimension) {
		for i := range n {
			list = append(list, types.Dimension{Name: aws.String(fmt.Sprint("d", i)), Value: aws.String("v")})
		}
		return list
	}
	value := func(v float64) func(*cloudwatch.PutMetricDataInput) {
		return datum(func(d *types.MetricDatum) { d.Value = &v })
	}
	at := func(d time.Duration) func(*cloudwatch.PutMetricDataInput) {
		return datum(func(m *types.MetricDatum) { m.Timestamp = aws.Time(noon.Add(d)) })
	}
	dim := func(name, v string) func(*cloudwatch.PutMetricDataInput) {
		return datum(func(m *types.MetricDatum) {
			m.Dimensions = []types.Dimension{{Name: &name, Value: &v}}
		})
	}
	data := func(n int) func(*cloudwatch.PutMetricDataInput) {
		return func(in *cloudwatch.PutMetricDataInput) {
			for len(in.MetricData) < n {
				in.MetricData = append(in.MetricData, in.MetricData[0])
			}
		}
	}
	tests := []struct {
		name   string
		change func(*cloudwatch.PutMetricDataInput)
		code   string
	}{
		{"plain", data(1), ""},
		{"1,000 data", data(1000), ""},
		{"1,001 data", data(1001), "InvalidParameterValue"},
		{"no data", func(in *cloudwatch.PutMetricDataInput) { in.MetricData = nil }, "MissingParameter"},
		{"AWS namespace", func(in *cloudwatch.PutMetricDataInput) { in.Namespace = aws.String("AWS/Personalize") }, "InvalidParameterValue"},
		{"namespace that only begins with AWS", func(in *cloudwatch.PutMetricDataInput) { in.Namespace = aws.String("AWSome") }, ""},
		{"namespace of 255", func(in *cloudwatch.PutMetricDataInput) { in.Namespace = aws.String(strings.Repeat("n", 255)) }, ""},
		{"namespace of 256", func(in *cloudwatch.PutMetricDataInput) { in.Namespace = aws.String(strings.Repeat("n", 256)) }, "InvalidParameterValue"},
		{"name of 256", datum(func(d *types.MetricDatum) { d.MetricName = aws.String(strings.Repeat("n", 256)) }), "InvalidParameterValue"},
		{"no name", datum(func(d *types.MetricDatum) { d.MetricName = aws.String("") }), "MissingParameter"},
		{"30 dimensions", datum(func(d *types.MetricDatum) { d.Dimensions = dims(30) }), ""},
		{"31 dimensions", datum(func(d *types.MetricDatum) { d.Dimensions = dims(31) }), "InvalidParameterValue"},
		{"a dimension twice", datum(func(d *types.MetricDatum) { d.Dimensions = slices.Concat(dims(1), dims(1)) }), "InvalidParameterValue"},
		{"dimension value of 1024", dim("d", strings.Repeat("v", 1024)), ""},
		{"dimension value of 1025", dim("d", strings.Repeat("v", 1025)), "InvalidParameterValue"},
		{"dimension value beyond ASCII", dim("d", "é"), "InvalidParameterValue"},
		{"empty dimension value", dim("d", ""), "MissingParameter"},
		{"blank dimension value", dim("d", " "), "InvalidParameterValue"},
		{"dimension name with a colon in front", dim(":d", "v"), "InvalidParameterValue"},
		{"NaN", value(math.NaN()), "InvalidParameterValue"},
		{"infinity", value(math.Inf(1)), "InvalidParameterValue"},
		{"2^360", value(math.Ldexp(1, 360)), ""},
		{"above 2^360", value(math.Ldexp(1.1, 360)), "InvalidParameterValue"},
		{"below -2^360", value(-math.Ldexp(1.1, 360)), "InvalidParameterValue"},
		{"a list of values, which is not handled", datum(func(d *types.MetricDatum) { d.Values = []float64{1} }), "ValidationError"},
		{"no value", datum(func(d *types.MetricDatum) { d.Value = nil }), "MissingParameter"},
		{"unit", datum(func(d *types.MetricDatum) { d.Unit = types.StandardUnitCountSecond }), ""},
		{"scaled unit", datum(func(d *types.MetricDatum) { d.Unit = types.StandardUnitGigabitsSecond }), ""},
		{"no unit", datum(func(d *types.MetricDatum) { d.Unit = "Requests" }), "InvalidParameterValue"},
		{"two weeks ago", at(-14 * 24 * time.Hour), ""},
		{"more than two weeks ago", at(-14*24*time.Hour - time.Second), "InvalidParameterValue"},
		{"in two hours", at(2 * time.Hour), ""},
		{"in more than two hours", at(2*time.Hour + time.Second), "InvalidParameterValue"},
		{"too large a request", func(in *cloudwatch.PutMetricDataInput) {
			in.MetricData[0].Dimensions = []types.Dimension{{Name: aws.String("d"), Value: aws.String(strings.Repeat("v", 1024))}}
			data(1000)(in)
			for i := range in.MetricData {
				in.MetricData[i].MetricName = aws.String(strings.Repeat("n", 255))
			}
		}, "RequestEntityTooLarge"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			in := &cloudwatch.PutMetricDataInput{
				Namespace:  aws.String("Test"),
				MetricData: []types.MetricDatum{{MetricName: aws.String("m"), Value: aws.Float64(1)}},
			}
			tt.change(in)
			_, err := r.client().PutMetricData(context.Background(), in)
			if code := apiCode(t, err); code != tt.code {
				t.Errorf("code %q (%v), want %q", code, err, tt.code)
			}
		})
	}
}

func TestOneBadDatumRefusesTheCall(t *testing.T) {
	r := newRig(t)
	_, err := r.client().PutMetricData(context.Background(), &cloudwatch.PutMetricDataInput{
		Namespace:  aws.String("Test"),
		MetricData: []types.MetricDatum{{MetricName: aws.String("m"), Value: aws.Float64(1)}, {MetricName: aws.String("m"), Value: aws.Float64(math.NaN())}},
	})
	if code := apiCode(t, err); code != "InvalidParameterValue" {
		t.Fatal(err)
	}
	r.clock.move(5 * time.Minute)
	in := query(300, "Sum", time.Hour)
	in.EndTime = aws.Time(noon.Add(time.Hour))
	out := ok[*cloudwatch.GetMetricDataOutput](t)(r.client().GetMetricData(context.Background(), in))
	if n := len(out.MetricDataResults[0].Values); n != 0 {
		t.Errorf("%d points were stored", n)
	}
}

func TestStatisticsOverAPeriod(t *testing.T) {
	r := newRig(t)
	for ago, values := range map[time.Duration][]float64{
		10 * time.Minute: {10}, 9*time.Minute + time.Second: {1, 1, 2, 2, 2}, 5*time.Minute + time.Second: {-3, 15, 4, 4}, 5 * time.Minute: {99},
	} {
		for _, v := range values {
			putValue(t, r.client(), v, noon.Add(-ago))
		}
	}
	for stat, want := range map[string]float64{"Sum": 38, "SampleCount": 10, "Average": 3.8, "Minimum": -3, "Maximum": 15} {
		in := query(300, stat, 10*time.Minute)
		in.EndTime = aws.Time(noon.Add(-5 * time.Minute))
		got := ok[*cloudwatch.GetMetricDataOutput](t)(r.client().GetMetricData(context.Background(), in)).MetricDataResults[0]
		if len(got.Values) != 1 || got.Values[0] != want || !got.Timestamps[0].Equal(noon.Add(-10*time.Minute)) {
			t.Errorf("%s: %v at %v, want %v", stat, got.Values, got.Timestamps, want)
		}
	}
}

func TestUnitsFilterData(t *testing.T) {
	r := newRig(t)
	for unit, v := range map[types.StandardUnit]float64{"Count": 1, "Percent": 2} {
		ok[*cloudwatch.PutMetricDataOutput](t)(r.client().PutMetricData(context.Background(), &cloudwatch.PutMetricDataInput{
			Namespace:  aws.String("Test"),
			MetricData: []types.MetricDatum{{MetricName: aws.String("m"), Value: &v, Unit: unit, Timestamp: aws.Time(noon.Add(-time.Minute))}},
		}))
	}
	for unit, want := range map[types.StandardUnit]string{"": "[3]", "Count": "[1]", "Percent": "[2]", "Bytes": "[]"} {
		in := query(300, "Sum", time.Hour)
		in.MetricDataQueries[0].MetricStat.Unit = unit
		got := ok[*cloudwatch.GetMetricDataOutput](t)(r.client().GetMetricData(context.Background(), in)).MetricDataResults[0]
		if fmt.Sprint(got.Values) != want {
			t.Errorf("unit %q: %v, want %s", unit, got.Values, want)
		}
	}
}

func TestGetMetricDataRules(t *testing.T) {
	first := func(change func(*types.MetricDataQuery)) func(*cloudwatch.GetMetricDataInput) {
		return func(in *cloudwatch.GetMetricDataInput) { change(&in.MetricDataQueries[0]) }
	}
	queries := func(n int) func(*cloudwatch.GetMetricDataInput) {
		return func(in *cloudwatch.GetMetricDataInput) {
			for i := len(in.MetricDataQueries); i < n; i++ {
				q := in.MetricDataQueries[0]
				q.Id = aws.String(fmt.Sprint("q", i))
				in.MetricDataQueries = append(in.MetricDataQueries, q)
			}
		}
	}
	id := func(id string) func(*cloudwatch.GetMetricDataInput) {
		return first(func(q *types.MetricDataQuery) { q.Id = &id })
	}
	period := func(p int32) func(*cloudwatch.GetMetricDataInput) {
		return first(func(q *types.MetricDataQuery) { q.MetricStat.Period = &p })
	}
	stat := func(s string) func(*cloudwatch.GetMetricDataInput) {
		return first(func(q *types.MetricDataQuery) { q.MetricStat.Stat = &s })
	}
	most := func(n int32) func(*cloudwatch.GetMetricDataInput) {
		return func(in *cloudwatch.GetMetricDataInput) { in.MaxDatapoints = &n }
	}
	tests := []struct {
		name   string
		change func(*cloudwatch.GetMetricDataInput)
		code   string
	}{
		{"plain", queries(1), ""},
		{"500 queries", queries(500), ""},
		{"501 queries", queries(501), "ValidationError"},
		{"no queries", func(in *cloudwatch.GetMetricDataInput) { in.MetricDataQueries = []types.MetricDataQuery{} }, "MissingParameter"},
		{"an id twice", func(in *cloudwatch.GetMetricDataInput) {
			in.MetricDataQueries = append(in.MetricDataQueries, in.MetricDataQueries[0])
		}, "ValidationError"},
		{"id with a capital in front", id("Q"), "ValidationError"},
		{"id with a digit in front", id("1q"), "ValidationError"},
		{"id with a dash", id("q-1"), "ValidationError"},
		{"id with capitals, digits and underscores", id("qA_1"), ""},
		{"end before start", func(in *cloudwatch.GetMetricDataInput) { in.EndTime = aws.Time(in.StartTime.Add(-1)) }, "ValidationError"},
		{"end equal to start", func(in *cloudwatch.GetMetricDataInput) { in.EndTime = in.StartTime }, "ValidationError"},
		{"end in the future", func(in *cloudwatch.GetMetricDataInput) { in.EndTime = aws.Time(noon.Add(1000 * time.Hour)) }, ""},
		{"100,800 datapoints", most(100_800), ""},
		{"100,801 datapoints", most(100_801), "ValidationError"},
		{"no datapoints", most(0), "ValidationError"},
		{"an expression", first(func(q *types.MetricDataQuery) { q.Expression, q.MetricStat = aws.String("SEARCH('x')"), nil }), "ValidationError"},
		{"neither metric nor expression", first(func(q *types.MetricDataQuery) { q.MetricStat = nil }), "MissingParameter"},
		{"period of 0", period(0), "ValidationError"},
		{"period of 90", period(90), "ValidationError"},
		{"period of 60", period(60), ""},
		{"a percentile", stat("p99"), "ValidationError"},
		{"no statistic", stat("Mean"), "ValidationError"},
		{"nothing to return", first(func(q *types.MetricDataQuery) { q.ReturnData = aws.Bool(false) }), "ValidationError"},
		{"no such order", func(in *cloudwatch.GetMetricDataInput) { in.ScanBy = "Sideways" }, "ValidationError"},
		{"a token of our own making", func(in *cloudwatch.GetMetricDataInput) { in.NextToken = aws.String("abc") }, "InvalidNextToken"},
	}
	r := newRig(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := query(300, "Sum", time.Hour)
			tt.change(in)
			_, err := r.client().GetMetricData(context.Background(), in)
			if code := apiCode(t, err); code != tt.code {
				t.Errorf("code %q (%v), want %q", code, err, tt.code)
			}
		})
	}
}

// steady is a source that is 2 in every 5 minutes.
type steady struct{}

func (steady) Value(time.Time) (float64, bool) { return 2, true }

func TestRetentionByGranularity(t *testing.T) {
	day := 24 * time.Hour
	tests := []struct {
		name   string
		back   time.Duration
		period int32
		points int // of the first two periods
	}{
		{"15 days by the 5 minutes", 15 * day, 300, 2},
		{"15 days by 6 minutes", 15 * day, 360, 2},
		{"more than 15 days by 6 minutes is no data", 15*day + time.Minute, 360, 0},
		{"more than 15 days by 5 minutes", 15*day + time.Minute, 300, 2},
		{"63 days by 5 minutes", 63 * day, 300, 2},
		{"more than 63 days by 5 minutes is no data", 63*day + time.Minute, 300, 0},
		{"more than 63 days by the hour", 63*day + time.Minute, 3600, 2},
		{"455 days by the hour", 455 * day, 3600, 2},
		{"more than 455 days is no data", 458 * day, 3600, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.ServeMetric(testRegion, "Test", "m", nil, steady{})
			in := query(tt.period, "Sum", tt.back)
			in.StartTime = aws.Time(in.StartTime.Truncate(time.Hour))
			if tt.back%day != 0 {
				in.StartTime = aws.Time(noon.Add(-tt.back))
			}
			in.EndTime = aws.Time(in.StartTime.Add(2*time.Duration(tt.period)*time.Second + 5*time.Minute))
			got := ok[*cloudwatch.GetMetricDataOutput](t)(r.client().GetMetricData(context.Background(), in)).MetricDataResults[0]
			if len(got.Values) < tt.points || tt.points == 0 && len(got.Values) > 0 {
				t.Errorf("%d points, want %d", len(got.Values), tt.points)
			}
		})
	}
}

func TestPeriodsAreAlignedAndSpansHalfOpen(t *testing.T) {
	at := func(clock string) time.Time {
		v, err := time.Parse("15:04:05", clock)
		if err != nil {
			t.Fatal(err)
		}
		return time.Date(2026, 3, 2, v.Hour(), v.Minute(), v.Second(), 0, time.UTC)
	}
	tests := []struct {
		name, start, end string
		period           int32
		want             []string
	}{
		{"aligned", "11:00:00", "11:15:00", 300, []string{"11:00", "11:05", "11:10"}},
		{"the end is exclusive to the second", "11:00:00", "11:10:01", 300, []string{"11:00", "11:05", "11:10"}},
		{"the start is rounded down to the minute", "11:00:59", "11:10:00", 300, []string{"11:00", "11:05"}},
		{"a period that began before the start is not in", "11:01:00", "11:11:00", 300, []string{"11:05", "11:10"}},
		{"hours", "09:30:00", "12:00:00", 3600, []string{"10:00", "11:00"}},
		{"5-minute data stand in the minute they begin", "11:00:00", "11:10:00", 60, []string{"11:00", "11:05"}},
		{"the open 5 minutes have no datapoint", "11:50:00", "12:30:00", 300, []string{"11:50", "11:55"}},
	}
	r := newRig(t)
	r.clock.move(4 * time.Minute)
	r.ServeMetric(testRegion, "Test", "m", nil, steady{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := query(tt.period, "Sum", 0)
			in.StartTime, in.EndTime, in.ScanBy = aws.Time(at(tt.start)), aws.Time(at(tt.end)), types.ScanByTimestampAscending
			got := ok[*cloudwatch.GetMetricDataOutput](t)(r.client().GetMetricData(context.Background(), in)).MetricDataResults[0]
			var stamps []string
			for _, ts := range got.Timestamps {
				stamps = append(stamps, ts.UTC().Format("15:04"))
			}
			if !slices.Equal(stamps, tt.want) {
				t.Errorf("got %v, want %v", stamps, tt.want)
			}
		})
	}
}

func TestSourcesAndSamplesAddUp(t *testing.T) {
	r := newRig(t)
	dims := map[string]string{"CampaignArn": "arn:x", "Other": "y"}
	r.ServeMetric(testRegion, "Test", "m", dims, steady{})
	ok[*cloudwatch.PutMetricDataOutput](t)(r.client().PutMetricData(context.Background(), &cloudwatch.PutMetricDataInput{
		Namespace: aws.String("Test"), MetricData: []types.MetricDatum{{
			MetricName: aws.String("m"), Value: aws.Float64(5), Timestamp: aws.Time(noon.Add(-30 * time.Minute)),
			Dimensions: []types.Dimension{{Name: aws.String("CampaignArn"), Value: aws.String("arn:x")}, {Name: aws.String("Other"), Value: aws.String("y")}},
		}},
	}))
	in := query(3600, "Sum", time.Hour)
	in.MetricDataQueries[0].MetricStat.Metric.Dimensions = []types.Dimension{
		{Name: aws.String("Other"), Value: aws.String("y")}, {Name: aws.String("CampaignArn"), Value: aws.String("arn:x")},
	}
	got := ok[*cloudwatch.GetMetricDataOutput](t)(r.client().GetMetricData(context.Background(), in)).MetricDataResults[0]
	if fmt.Sprint(got.Values) != "[29]" { // 12 steps of 2, and 5
		t.Errorf("got %v", got.Values)
	}
}

func TestPagesOfGetMetricDataAddUpToTheWhole(t *testing.T) {
	for _, scan := range []types.ScanBy{types.ScanByTimestampDescending, types.ScanByTimestampAscending, ""} {
		for _, size := range []int32{1, 7, 24, 48, 49} {
			t.Run(fmt.Sprintf("%s by %d", scan, size), func(t *testing.T) {
				pagesAddUp(t, scan, size)
			})
		}
	}
}

func pagesAddUp(t *testing.T, scan types.ScanBy, size int32) {
	const points, queries = 12, 4
	r := newRig(t)
	r.ServeMetric(testRegion, "Test", "m", nil, steady{})
	in := query(300, "Sum", time.Hour)
	in.ScanBy, in.MaxDatapoints = scan, &size
	for i := 1; i < queries; i++ {
		q := in.MetricDataQueries[0]
		q.Id = aws.String(fmt.Sprint("q", i))
		in.MetricDataQueries = append(in.MetricDataQueries, q)
	}
	got := map[string][]time.Time{}
	last := map[string]types.StatusCode{}
	pages := 0
	for p := cloudwatch.NewGetMetricDataPaginator(r.client(), in); p.HasMorePages(); pages++ {
		out := ok[*cloudwatch.GetMetricDataOutput](t)(p.NextPage(context.Background()))
		n := 0
		for _, res := range out.MetricDataResults {
			got[*res.Id] = append(got[*res.Id], res.Timestamps...)
			last[*res.Id] = res.StatusCode
			n += len(res.Values)
		}
		if n > int(size) || len(out.MetricDataResults) != queries {
			t.Errorf("page %d has %d points of %d queries", pages, n, len(out.MetricDataResults))
		}
	}
	if want := (points*queries + int(size) - 1) / int(size); pages != want {
		t.Errorf("%d pages, want %d", pages, want)
	}
	for id, stamps := range got {
		sorted := slices.IsSortedFunc(stamps, time.Time.Compare)
		if scan != types.ScanByTimestampAscending {
			sorted = slices.IsSortedFunc(stamps, func(a, b time.Time) int { return b.Compare(a) })
		}
		if len(slices.CompactFunc(stamps, time.Time.Equal)) != points || !sorted || last[id] != types.StatusCodeComplete {
			t.Errorf("%s: %d points, in order: %v, in the end %s", id, len(stamps), sorted, last[id])
		}
	}
}

func TestPartialDataOnEveryPageButTheLast(t *testing.T) {
	r := newRig(t)
	r.ServeMetric(testRegion, "Test", "m", nil, steady{})
	in := query(300, "Sum", time.Hour)
	in.MaxDatapoints = aws.Int32(10)
	first := ok[*cloudwatch.GetMetricDataOutput](t)(r.client().GetMetricData(context.Background(), in))
	if first.NextToken == nil || first.MetricDataResults[0].StatusCode != types.StatusCodePartialData {
		t.Errorf("first page: %s", first.MetricDataResults[0].StatusCode)
	}
	in.NextToken = first.NextToken
	second := ok[*cloudwatch.GetMetricDataOutput](t)(r.client().GetMetricData(context.Background(), in))
	if second.NextToken != nil || second.MetricDataResults[0].StatusCode != types.StatusCodeComplete || len(second.MetricDataResults[0].Values) != 2 {
		t.Errorf("second page: %+v", second.MetricDataResults[0])
	}
	in.MetricDataQueries[0].MetricStat.Period = aws.Int32(600)
	if _, err := r.client().GetMetricData(context.Background(), in); apiCode(t, err) != "InvalidNextToken" {
		t.Errorf("a token used for another request: %v", err)
	}
}

func TestLabelsAndHiddenQueries(t *testing.T) {
	r := newRig(t)
	in := query(300, "Sum", time.Hour)
	hidden, labelled := in.MetricDataQueries[0], in.MetricDataQueries[0]
	hidden.Id, hidden.ReturnData = aws.String("hidden"), aws.Bool(false)
	labelled.Id, labelled.Label = aws.String("labelled"), aws.String("L")
	in.MetricDataQueries = append(in.MetricDataQueries, hidden, labelled)
	out := ok[*cloudwatch.GetMetricDataOutput](t)(r.client().GetMetricData(context.Background(), in))
	if len(out.MetricDataResults) != 2 || *out.MetricDataResults[0].Label != "m" || *out.MetricDataResults[1].Label != "L" {
		t.Errorf("%+v", out.MetricDataResults)
	}
}

// BenchmarkGetMetricData asks 500 series of a source: once for the last 5 minutes, once for
// two weeks of hours, which takes two pages.
func BenchmarkGetMetricData(b *testing.B) {
	for _, tt := range []struct {
		name   string
		period int32
		back   time.Duration
	}{{"500x1", 300, 5 * time.Minute}, {"500x336", 3600, 14 * 24 * time.Hour}} {
		b.Run(tt.name, func(b *testing.B) {
			r := newRig(b)
			in := query(tt.period, "Sum", tt.back)
			in.MetricDataQueries = in.MetricDataQueries[:0]
			for i := range 500 {
				dim := fmt.Sprint("c", i)
				r.ServeMetric(testRegion, "Test", "m", map[string]string{"CampaignArn": dim}, steady{})
				q := query(tt.period, "Sum", tt.back).MetricDataQueries[0]
				q.Id = aws.String(fmt.Sprint("q", i))
				q.MetricStat.Metric.Dimensions = []types.Dimension{{Name: aws.String("CampaignArn"), Value: &dim}}
				in.MetricDataQueries = append(in.MetricDataQueries, q)
			}
			b.ResetTimer()
			for b.Loop() {
				for p := cloudwatch.NewGetMetricDataPaginator(r.client(), in); p.HasMorePages(); {
					ok[*cloudwatch.GetMetricDataOutput](b)(p.NextPage(context.Background()))
				}
			}
		})
	}
}
