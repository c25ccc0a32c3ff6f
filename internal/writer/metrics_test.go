package writer

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

var testTime = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

func datum(region, name, arn string, value float64) model.Datum {
	m := model.Metric{Namespace: model.NamespaceMonitor, Name: name}
	if arn != "" {
		m.DimensionName, m.DimensionValue = "CampaignArn", arn
	}
	return model.Datum{Region: region, Metric: m, Unit: "Count/Second", Value: value, Time: testTime}
}

// Sizes are in thousandths of what a call may hold.
func TestPlanCallsCountsBytes(t *testing.T) {
	const unit = (awsapi.MaxMetricDataBytes - requestFixedBytes) / 1000
	if unit*1000 != awsapi.MaxMetricDataBytes-requestFixedBytes {
		t.Fatal("the thousandths are not whole")
	}
	for name, tt := range map[string]struct {
		sizes []int
		want  [][]int
	}{
		"nothing makes no call":             {nil, nil},
		"what fits goes together":           {[]int{300, 400, 300}, [][]int{{300, 400, 300}}},
		"more begins another call":          {[]int{300, 400, 301}, [][]int{{300, 400}, {301}}},
		"one at the limit stands alone":     {[]int{300, 1000, 300}, [][]int{{300}, {1000}, {300}}},
		"one beyond it goes alone":          {[]int{300, 1001, 300}, [][]int{{300}, {1001}, {300}}},
		"the first may be beyond the limit": {[]int{1001, 300}, [][]int{{1001}, {300}}},
	} {
		t.Run(name, func(t *testing.T) {
			var data []model.Datum
			for _, size := range tt.sizes {
				data = append(data, model.Datum{Metric: model.Metric{Name: strings.Repeat("n", size*unit-datumFixedBytes)}})
			}
			var got [][]int
			for _, call := range planCalls(data) {
				var sizes []int
				for _, d := range call.data {
					sizes = append(sizes, datumSize(d)/unit)
				}
				got = append(got, sizes)
			}
			if !slices.EqualFunc(got, tt.want, slices.Equal[[]int]) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestPlanCallsKeepsWithinTheLimitsOfTheAPI(t *testing.T) {
	const longARN = 1024
	tests := []struct {
		name    string
		data    []model.Datum
		want    []int // data by call
		regions []string
	}{
		{"a thousand in one call", slices.Repeat([]model.Datum{datum("r1", "m", "a", 1)}, awsapi.MaxMetricData), []int{1000}, []string{"r1"}},
		{"a thousand and one in two", slices.Repeat([]model.Datum{datum("r1", "m", "a", 1)}, awsapi.MaxMetricData+1), []int{1000, 1}, []string{"r1", "r1"}},
		{
			"regions apart, in the order of their first datum",
			[]model.Datum{datum("r2", "m", "a", 1), datum("r1", "m", "a", 1), datum("r2", "m", "a", 1)},
			[]int{2, 1},
			[]string{"r2", "r1"},
		},
		{
			"long names make it bytes that count",
			slices.Repeat([]model.Datum{datum("r1", strings.Repeat("m", 255), strings.Repeat("a", longARN), 1)}, 1000),
			[]int{643, 357},
			[]string{"r1", "r1"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var counts []int
			var regions []string
			for _, call := range planCalls(tt.data) {
				counts, regions = append(counts, len(call.data)), append(regions, call.region)
				bytes := (requestFixedBytes + len(call.namespace))
				for _, d := range call.data {
					bytes += datumSize(d)
				}
				if bytes > awsapi.MaxMetricDataBytes {
					t.Errorf("a call of %d bytes", bytes)
				}
			}
			if !slices.Equal(counts, tt.want) || !slices.Equal(regions, tt.regions) {
				t.Errorf("got %v in %v, want %v in %v", counts, regions, tt.want, tt.regions)
			}
		})
	}
}

func TestCheckDataLeavesOutWhatCloudWatchRefuses(t *testing.T) {
	tests := []struct {
		name  string
		value float64
		ok    bool
	}{
		{"nought", 0, true},
		{"the largest", 0x1p360, true},
		{"the smallest", -0x1p360, true},
		{"beyond the largest", math.Nextafter(0x1p360, math.Inf(1)), false},
		{"beyond the smallest", -math.Nextafter(0x1p360, math.Inf(1)), false},
		{"no number", math.NaN(), false},
		{"infinity", math.Inf(1), false},
		{"minus infinity", math.Inf(-1), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sendable, problems := checkData([]model.Datum{datum("r1", "averageTPS", "arn:x", tt.value), datum("r1", "n", "", 1)})
			if tt.ok != (len(sendable) == 2) || tt.ok != (len(problems) == 0) {
				t.Fatalf("sendable %v, problems %v", sendable, problems)
			}
			if !tt.ok && (problems[0].ARN != "arn:x" || problems[0].Region != "r1" || !strings.Contains(problems[0].Err.Error(), "averageTPS is ")) {
				t.Errorf("problem %+v", problems[0])
			}
		})
	}
}
