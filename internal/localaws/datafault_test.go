package localaws

import (
	"context"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

const faultyEstate = `
dataFaults: [{namespace: AWS/Personalize, resource: campaign/late, late: 3h}, {from: 3h, until: 2h, lostPercent: 100}]
regions:
  eu-west-1:
    datasetGroups:
      - name: shop
        campaigns:
          - {name: late, recipe: aws-sims, traffic: {shape: constant, tps: 1}}
          - {name: other, recipe: aws-sims, traffic: {shape: constant, tps: 1}}
`

// hourly reads the calls of a campaign in the last 6 hours before noon; -1 if an hour has no datapoint.
func hourly(t *testing.T, r *rig, campaign string) []float64 {
	t.Helper()
	out, err := r.client().GetMetricData(context.Background(), &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(noon.Add(-6 * time.Hour)), EndTime: aws.Time(noon), ScanBy: types.ScanByTimestampAscending,
		MetricDataQueries: []types.MetricDataQuery{{Id: aws.String("q"), MetricStat: &types.MetricStat{
			Metric: &types.Metric{
				Namespace: aws.String("AWS/Personalize"), MetricName: aws.String("GetRecommendations"),
				Dimensions: []types.Dimension{{
					Name: aws.String("CampaignArn"), Value: aws.String("arn:aws:personalize:eu-west-1:000000000000:campaign/" + campaign),
				}},
			},
			Period: aws.Int32(3600), Stat: aws.String("Sum"),
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	result := out.MetricDataResults[0]
	if result.StatusCode != types.StatusCodeComplete {
		t.Errorf("status %s", result.StatusCode)
	}
	values := make([]float64, 6)
	for i := range values {
		values[i] = -1
		if at := slices.IndexFunc(result.Timestamps, noon.Add(time.Duration(i-6)*time.Hour).Equal); at >= 0 {
			values[i] = result.Values[at]
		}
	}
	return values
}

func TestDataFaults(t *testing.T) {
	estate, err := ParseEstate([]byte(faultyEstate), "e.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	clock := &handClock{now: noon}
	s, err := New(estate, WithClock(clock))
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	defer web.Close()
	r := &rig{Server: s, clock: clock, url: web.URL}
	check := func(name, campaign string, want ...float64) {
		t.Helper()
		if got := hourly(t, r, campaign); !slices.Equal(got, want) {
			t.Errorf("%s: %s has %v, want %v", name, campaign, got, want)
		}
	}
	check("of the file", "late", 3600, 3600, 3600, -1, -1, -1)
	check("of the file", "other", 3600, 3600, 3600, -1, 3600, 3600)
	clock.move(time.Hour)
	check("an hour later", "late", 3600, 3600, 3600, -1, -1, -1)
	clock.move(30 * time.Minute)
	check("data appear step by step", "late", 3600, 3600, 3600, -1, 1800, -1)
	clock.move(90 * time.Minute)
	check("when all are there", "late", 3600, 3600, 3600, -1, 3600, 3600)
	s.ClearFaults()
	check("cleared", "late", 3600, 3600, 3600, 3600, 3600, 3600)
	s.AddDataFault(DataFault{LostPercent: 75, From: noon.Add(-3 * time.Hour), Until: noon.Add(-2 * time.Hour)})
	check("a partial count", "other", 3600, 3600, 3600, 900, 3600, 3600)
	s.AddDataFault(DataFault{Region: "us-east-1", LostPercent: 100})
	s.AddDataFault(DataFault{Metric: "GetPersonalizedRanking", LostPercent: 100})
	check("of other data", "other", 3600, 3600, 3600, 900, 3600, 3600)
	s.ClearFaults()
	s.AddFault(Fault{Operation: "GetMetricData", Kind: Hide, Hidden: DataFault{LostPercent: 100}, Skip: 1, Times: 1})
	check("before the call that is hit", "other", 3600, 3600, 3600, 3600, 3600, 3600)
	check("complete, but empty", "other", -1, -1, -1, -1, -1, -1)
	check("after it", "other", 3600, 3600, 3600, 3600, 3600, 3600)

	// Of what clients put, too, and in the other operation.
	putValue(t, r.client(), 7, noon)
	s.AddDataFault(DataFault{Namespace: "Test", Late: 4 * time.Hour})
	statistics := func() int {
		return len(ok[*cloudwatch.GetMetricStatisticsOutput](t)(r.client().GetMetricStatistics(context.Background(), &cloudwatch.GetMetricStatisticsInput{
			Namespace: aws.String("Test"), MetricName: aws.String("m"), Period: aws.Int32(60), Statistics: []types.Statistic{"Sum"},
			StartTime: aws.Time(noon), EndTime: aws.Time(noon.Add(time.Hour)),
		})).Datapoints)
	}
	early := statistics()
	clock.move(61 * time.Minute) // 4:01 after noon
	if late := statistics(); early != 0 || late != 1 {
		t.Errorf("%d datapoints before their time, then %d", early, late)
	}
}
