package throttle_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/test/throttle"
)

func TestRatesFollowTheClock(t *testing.T) {
	clock := model.NewVirtualClock(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))
	server, err := localaws.New(localaws.Estate{}, localaws.WithClock(clock))
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(throttle.New(server, clock, map[string]float64{"ListDashboards": 3}))
	t.Cleanup(web.Close)
	call := func(region string, want awsapi.Kind) {
		t.Helper()
		client := cloudwatch.New(cloudwatch.Options{
			Region: region, BaseEndpoint: aws.String(web.URL), RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("LOCAL", "secret", ""),
		})
		if _, err := client.ListDashboards(t.Context(), &cloudwatch.ListDashboardsInput{}); awsapi.KindOf(err) != want {
			t.Errorf("%v, want %v", err, want)
		}
	}
	for range 3 {
		call("eu-west-1", awsapi.None)
	}
	call("eu-west-1", awsapi.Throttled)
	call("us-east-1", awsapi.None)
	clock.Advance(333 * time.Millisecond)
	call("eu-west-1", awsapi.Throttled) // a bit less than a third of a second
	clock.Advance(time.Millisecond)
	call("eu-west-1", awsapi.None)
	if n := server.Calls()["cloudwatch.ListDashboards"]; n != 7 {
		t.Errorf("%d calls counted, want 7, throttled ones included", n)
	}
}
