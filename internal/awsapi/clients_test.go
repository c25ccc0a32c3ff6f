package awsapi_test

import (
	"context"
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
)

func TestEveryServiceIsCountedUnderOurWord(t *testing.T) {
	ctx := t.Context()
	server := newAWS(t, func(w http.ResponseWriter, operation string, _ int) { accept(w, operation) })
	clients := server.clients(t, awsapi.Options{Clock: newClock()})
	const region = "eu-west-1"
	calls := []func() error{
		func() error {
			_, err := clients.Personalize(region).ListCampaigns(ctx, &personalize.ListCampaignsInput{})
			return err
		},
		func() error {
			_, err := clients.CloudWatch(region).DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{})
			return err
		},
		func() error {
			_, err := clients.EventBridge(region).ListRules(ctx, &eventbridge.ListRulesInput{})
			return err
		},
		func() error { _, err := clients.SNS(region).ListTopics(ctx, &sns.ListTopicsInput{}); return err },
		func() error {
			_, err := clients.STS(region).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			return err
		},
	}
	for i, call := range calls {
		if err := call(); err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	want := map[string]int{
		"personalize.ListCampaigns": 1, "cloudwatch.DescribeAlarms": 1, "events.ListRules": 1,
		"sns.ListTopics": 1, "sts.GetCallerIdentity": 1,
	}
	if got := clients.Calls(); !maps.Equal(got, want) {
		t.Errorf("calls: got %v, want %v", got, want)
	}
}

func TestOneClientPerRegionMadeOnceAndSignedForIt(t *testing.T) {
	server := newAWS(t, func(w http.ResponseWriter, operation string, _ int) { accept(w, operation) })
	clients := server.clients(t, awsapi.Options{})
	var wg sync.WaitGroup
	for range 8 {
		for _, region := range []string{"eu-west-1", "us-east-1"} {
			wg.Go(func() {
				client := clients.Personalize(region)
				if clients.Personalize(region) != client {
					t.Errorf("%s: a second client", region)
				}
				if _, err := client.ListCampaigns(t.Context(), nil); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	want := map[string]bool{"eu-west-1": true, "us-east-1": true}
	if !maps.Equal(server.regions, want) {
		t.Errorf("signed for %v, want %v", server.regions, want)
	}
}

func TestRatePerOperationAndRegion(t *testing.T) {
	alarm := func(t *testing.T, clients *awsapi.Clients, region string, times int) {
		t.Helper()
		for range times {
			_, err := clients.CloudWatch(region).PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
				AlarmName: awssdk.String("a"), ComparisonOperator: types.ComparisonOperatorLessThanThreshold,
				EvaluationPeriods: awssdk.Int32(1),
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name  string
		calls func(*testing.T, *awsapi.Clients)
		waits time.Duration // in all
	}{
		{"a second's worth of alarms goes at once", func(t *testing.T, c *awsapi.Clients) { alarm(t, c, "eu-west-1", 3) }, 0},
		{"the next waits a third of a second", func(t *testing.T, c *awsapi.Clients) { alarm(t, c, "eu-west-1", 4) }, time.Second / 3},
		{"another region has its own limit", func(t *testing.T, c *awsapi.Clients) {
			alarm(t, c, "eu-west-1", 3)
			alarm(t, c, "us-east-1", 3)
		}, 0},
		{"the control plane of Personalize accepts 50 at once, not 51", func(t *testing.T, c *awsapi.Clients) {
			for range 51 {
				if _, err := c.Personalize("eu-west-1").ListCampaigns(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
			}
		}, time.Second / 50},
		{"an operation without a documented limit accepts 10 at once, not 11", func(t *testing.T, c *awsapi.Clients) {
			for range 11 {
				if _, err := c.EventBridge("eu-west-1").ListRules(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
			}
		}, time.Second / 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := newAWS(t, func(w http.ResponseWriter, operation string, _ int) { accept(w, operation) })
			clk := newClock()
			start := clk.Now()
			tt.calls(t, server.clients(t, awsapi.Options{Clock: clk}))
			if got := clk.Now().Sub(start); (got - tt.waits).Abs() > time.Millisecond {
				t.Errorf("waited %v, want %v", got, tt.waits)
			}
		})
	}
}

func TestWaitForTheRateEndsWithItsContext(t *testing.T) {
	server := newAWS(t, func(w http.ResponseWriter, operation string, _ int) { accept(w, operation) })
	clk := newClock()
	clk.block = make(chan struct{})
	clients := server.clients(t, awsapi.Options{Clock: clk})
	ctx, cancel := context.WithCancel(t.Context())
	for range 3 {
		if _, err := clients.CloudWatch("eu-west-1").DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"a"}}); err != nil {
			t.Fatal(err)
		}
	}
	go func() {
		<-clk.block
		cancel()
	}()
	_, err := clients.CloudWatch("eu-west-1").DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"a"}})
	if awsapi.KindOf(err) != awsapi.Canceled {
		t.Errorf("got %v, want a cancellation", err)
	}
	if got := clients.Calls()["cloudwatch.DeleteAlarms"]; got != 3 {
		t.Errorf("%d calls counted; the canceled one was never sent", got)
	}
}

func TestDatapointRates(t *testing.T) {
	tests := []struct {
		name   string
		age    time.Duration
		points []int
		waits  time.Duration
	}{
		{"180,000 recent points at once", time.Hour, []int{100_000, 80_000}, 0},
		{"exactly three hours ago is recent", 3 * time.Hour, []int{180_000, 18_000}, 100 * time.Millisecond},
		{"older ones have more", 3*time.Hour + time.Second, []int{180_000, 216_000}, 0},
		{"and wait at 396,000 a second", 24 * time.Hour, []int{396_000, 39_600}, 100 * time.Millisecond},
		{"more than a bucket holds waits for a bucket", time.Hour, []int{1_000_000, 1_000_000}, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			clk := newClock()
			clients := awsapi.New(awsapi.Options{Clock: clk})
			start := clk.Now()
			for _, n := range tt.points {
				if err := clients.WaitDatapoints(t.Context(), "eu-west-1", clk.Now().Add(-tt.age), n); err != nil {
					t.Fatal(err)
				}
			}
			if got := clk.Now().Sub(start); (got - tt.waits).Abs() > time.Millisecond {
				t.Errorf("waited %v, want %v", got, tt.waits)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := awsapi.New(awsapi.Options{}).WaitDatapoints(ctx, "eu-west-1", time.Now(), 1); awsapi.KindOf(err) != awsapi.Canceled {
		t.Errorf("with a context that has ended: %v", err)
	}
}
