package localaws

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// newWorld serves an estate over HTTP, on a hand-moved clock that stands at noon.
func newWorld(t testing.TB, estate Estate, opts ...Option) *rig {
	t.Helper()
	clock := &handClock{now: noon}
	s, err := New(estate, append([]Option{WithClock(clock)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return &rig{Server: s, clock: clock, url: web.URL}
}

func (r *rig) config(region string) aws.Config {
	return aws.Config{
		Region:           region,
		BaseEndpoint:     aws.String(r.url),
		Credentials:      credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		RetryMaxAttempts: 1,
		HTTPClient:       plainBodies{http.DefaultClient},
	}
}

func (r *rig) personalize() *personalize.Client {
	return personalize.NewFromConfig(r.config(testRegion))
}

func (r *rig) eventBridge() *eventbridge.Client {
	return eventbridge.NewFromConfig(r.config(testRegion))
}
func (r *rig) topics() *sns.Client { return sns.NewFromConfig(r.config(testRegion)) }
func (r *rig) sts() *sts.Client    { return sts.NewFromConfig(r.config(testRegion)) }

// shopEstate has a campaign and a recommender of each sort that the tests need.
func shopEstate() Estate {
	return Estate{Account: testAccount, Regions: []EstateRegion{{Name: testRegion, DatasetGroups: []EstateDatasetGroup{
		{
			Name: "shop", Domain: "ECOMMERCE", Tags: map[string]string{"team": "web"},
			Campaigns: []EstateCampaign{
				{
					EstateEndpoint: EstateEndpoint{
						Name: "home", Recipe: "aws-user-personalization-v2", Age: 48 * time.Hour, Tags: map[string]string{"a": "b"},
						ItemExploration: map[string]string{"explorationWeight": "0.3"}, Metadata: true,
						Traffic: EstateTraffic{Shape: "constant", TPS: 10},
					},
					MinTPS: 20, RankingInfluence: map[string]float64{"POPULARITY": 0.5},
				},
				{EstateEndpoint: EstateEndpoint{Name: "broken", Recipe: "aws-sims", Status: "CREATE FAILED", FailureReason: "bad data"}},
				{EstateEndpoint: EstateEndpoint{Name: "failing", Recipe: "aws-sims", Fails: "update"}},
				{EstateEndpoint: EstateEndpoint{Name: "odd", Recipe: "aws-sims", UnknownStatus: "UNDER REPAIR"}},
				{EstateEndpoint: EstateEndpoint{Name: "synced", Recipe: "aws-sims"}, AutoSync: true},
				{EstateEndpoint: EstateEndpoint{Name: "latest", Recipe: "aws-sims"}, EchoLatest: true},
				{EstateEndpoint: EstateEndpoint{Name: "orphan", Recipe: "aws-sims"}, VersionGone: true},
				{EstateEndpoint: EstateEndpoint{Name: "automl", Recipe: "aws-hrnn"}, AutoML: true},
			},
			Recommenders: []EstateRecommender{
				{
					EstateEndpoint: EstateEndpoint{
						Name: "for-you", Recipe: "aws-ecomm-recommended-for-you", Updated: 3 * time.Hour,
						Traffic: EstateTraffic{Shape: "constant", TPS: 2},
					},
					MinRPS: 5, ExcludedColumns: map[string][]string{"ITEMS": {"PRICE"}},
				},
				{EstateEndpoint: EstateEndpoint{
					Name: "resting", Recipe: "aws-ecomm-popular-items-by-views", Status: "INACTIVE",
					Traffic: EstateTraffic{Shape: "constant", TPS: 2},
				}},
			},
		},
		{Name: "custom"},
	}}}}
}

func arnOf(resource string) *string {
	return aws.String("arn:aws:personalize:" + testRegion + ":" + testAccount + ":" + resource)
}

// errOf keeps only the error of an operation.
func errOf[T any](_ T, err error) error { return err }

// requests is the sum of GetRecommendations in the five minutes from start, which must have
// ended.
func (r *rig) requests(t testing.TB, dim, arn string, start time.Time) float64 {
	t.Helper()
	end := start.Add(5 * time.Minute)
	out := ok[*cloudwatch.GetMetricStatisticsOutput](t)(cloudwatch.NewFromConfig(r.config(testRegion)).GetMetricStatistics(background, &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("AWS/Personalize"), MetricName: aws.String("GetRecommendations"), StartTime: &start, EndTime: &end, Period: aws.Int32(300),
		Dimensions: []cwtypes.Dimension{{Name: &dim, Value: &arn}}, Statistics: []cwtypes.Statistic{cwtypes.StatisticSum},
	}))
	if len(out.Datapoints) == 0 {
		return 0
	}
	return *out.Datapoints[0].Sum
}

var background = context.Background()
