package localaws

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// TestEstateThatWasMonitored reads the metrics of a monitor from before the start.
func TestEstateThatWasMonitored(t *testing.T) {
	const account = "123456789012"
	started := noon.Add(3 * time.Minute)
	estate, err := ParseEstate([]byte(`
account: "`+account+`"
monitored: 30d
monitorRegion: us-east-1
regions:
  eu-west-1:
    datasetGroups:
      - name: shop
        domain: ECOMMERCE
        campaigns:
          - {name: old, recipe: aws-user-personalization, minTPS: 4, age: 90d, traffic: {shape: stopped, tps: 3, since: 2h3m}}
          - {name: young, recipe: aws-sims, minTPS: 7, age: 33m}
          - {name: actions, recipe: aws-next-best-action, minTPS: 2, traffic: {shape: constant, tps: 3}}
        recommenders:
          - {name: calls, recipe: aws-ecomm-recommended-for-you, minRPS: 10, traffic: {shape: constant, tps: 5}}
          - {name: off, recipe: aws-ecomm-recommended-for-you, status: INACTIVE}
`), "e.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	clock := &handClock{now: started}
	s, err := New(estate, WithClock(clock))
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	defer web.Close()
	r := &rig{Server: s, clock: clock, url: web.URL}
	arn := func(resource string) string { return "arn:aws:personalize:eu-west-1:" + account + ":" + resource }
	read := func(region, metric, resource, stat string, back time.Duration) []float64 {
		t.Helper()
		ref := &types.Metric{Namespace: aws.String("PersonalizeMonitor"), MetricName: &metric}
		if resource != "" {
			kind, _, _ := strings.Cut(resource, "/")
			ref.Dimensions = []types.Dimension{{Name: aws.String(strings.ToUpper(kind[:1]) + kind[1:] + "Arn"), Value: aws.String(arn(resource))}}
		}
		out, err := r.cloudwatch(region, account).GetMetricData(context.Background(), &cloudwatch.GetMetricDataInput{
			StartTime: aws.Time(noon.Add(-back)), EndTime: aws.Time(noon.Add(time.Hour)), ScanBy: types.ScanByTimestampAscending,
			MetricDataQueries: []types.MetricDataQuery{{
				Id: aws.String("q"), MetricStat: &types.MetricStat{Metric: ref, Period: aws.Int32(300), Stat: &stat},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.MetricDataResults[0].Values
	}
	tests := []struct {
		name, region, metric, resource string
		back                           time.Duration
		points                         int
		first, last                    float64
	}{
		{"count, of all that were ACTIVE", "us-east-1", "monitoredResourceCount", "", time.Hour, 11, 3, 4},
		{"count, not elsewhere", "eu-west-1", "monitoredResourceCount", "", time.Hour, 0, 0, 0},
		{"30 days", "us-east-1", "monitoredResourceCount", "", 40 * 24 * time.Hour, 30*288 - 2, 3, 4},
		{"minimum", "eu-west-1", "minProvisionedTPS", "campaign/old", time.Hour, 11, 4, 4},
		{"minimum since the creation", "eu-west-1", "minProvisionedTPS", "campaign/young", time.Hour, 5, 7, 7},
		{"average while there were calls", "eu-west-1", "averageTPS", "campaign/old", 3 * time.Hour, 12, 3, 3},
		{"utilization, also zero", "eu-west-1", "campaignUtilization", "campaign/old", 3 * time.Hour, 35, 75, 0},
		{"minimum of what cannot be seen", "eu-west-1", "minProvisionedTPS", "campaign/actions", time.Hour, 11, 2, 2},
		{"no utilization of it", "eu-west-1", "campaignUtilization", "campaign/actions", time.Hour, 0, 0, 0},
		{"recommender", "eu-west-1", "minRecommendationRequestsPerSecond", "recommender/calls", time.Hour, 11, 10, 10},
		{"its rate", "eu-west-1", "averageRPS", "recommender/calls", time.Hour, 11, 5, 5},
		{"its utilization", "eu-west-1", "recommenderUtilization", "recommender/calls", time.Hour, 11, 50, 50},
		{"not of an INACTIVE one", "eu-west-1", "minRecommendationRequestsPerSecond", "recommender/off", time.Hour, 0, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := read(tt.region, tt.metric, tt.resource, "Average", tt.back)
			if len(got) != tt.points {
				t.Fatalf("%d datapoints, want %d", len(got), tt.points)
			}
			if tt.points > 0 && (got[0] != tt.first || got[len(got)-1] != tt.last) {
				t.Errorf("from %v to %v, want %v to %v", got[0], got[len(got)-1], tt.first, tt.last)
			}
		})
	}
	listed := ok[*cloudwatch.ListMetricsOutput](t)(r.cloudwatch("eu-west-1", account).ListMetrics(context.Background(),
		&cloudwatch.ListMetricsInput{Namespace: aws.String("PersonalizeMonitor"), RecentlyActive: types.RecentlyActivePt3h}))
	if n := len(listed.Metrics); n != 9 {
		t.Errorf("%d metrics are listed, want 9", n)
	}
	// The next monitor publishes a window again, and goes on.
	clock.move(5 * time.Minute)
	for _, at := range []time.Time{noon.Add(-10 * time.Minute), noon.Add(-5 * time.Minute), noon} {
		if _, err := r.cloudwatch("eu-west-1", account).PutMetricData(context.Background(), &cloudwatch.PutMetricDataInput{
			Namespace: aws.String("PersonalizeMonitor"),
			MetricData: []types.MetricDatum{{
				MetricName: aws.String("minProvisionedTPS"), Value: aws.Float64(4), Timestamp: &at, Unit: "Count/Second",
				Dimensions: []types.Dimension{{Name: aws.String("CampaignArn"), Value: aws.String(arn("campaign/old"))}},
			}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	for i, samples := range read("eu-west-1", "minProvisionedTPS", "campaign/old", "SampleCount", time.Hour) {
		if samples != 1 {
			t.Errorf("datapoint %d has %v samples", i, samples)
		}
	}
	statistics := ok[*cloudwatch.GetMetricStatisticsOutput](t)(r.cloudwatch("us-east-1", account).GetMetricStatistics(context.Background(),
		&cloudwatch.GetMetricStatisticsInput{
			Namespace: aws.String("PersonalizeMonitor"), MetricName: aws.String("monitoredResourceCount"), Period: aws.Int32(300),
			StartTime: aws.Time(noon.Add(-time.Hour)), EndTime: aws.Time(noon.Add(time.Hour)), Statistics: []types.Statistic{"Average"},
		}))
	if n := len(statistics.Datapoints); n != 11 {
		t.Errorf("%d datapoints of GetMetricStatistics, want 11: none after the start", n)
	}
}
