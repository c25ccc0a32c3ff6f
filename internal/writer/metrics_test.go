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

func TestPlanCallsKeepsWithinTheLimitsOfTheAPI(t *testing.T) {
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
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var counts []int
			var regions []string
			for _, call := range planCalls(tt.data) {
				counts, regions = append(counts, len(call.data)), append(regions, call.region)
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
