package awsapi_test

import (
	"fmt"
	"net/http/httptest"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

// TestTheRateIsKeptBeforeAWSHasToRefuse sends more than an endpoint accepts in a second.
// Clients on the clock of the endpoint wait, and it refuses nothing. Clients on another
// clock wait as well, but no time passes for the endpoint, which refuses most calls.
func TestTheRateIsKeptBeforeAWSHasToRefuse(t *testing.T) {
	for _, same := range []bool{true, false} {
		t.Run(fmt.Sprintf("on the clock of the endpoint: %t", same), func(t *testing.T) {
			clk, own := newClock(), newClock()
			if same {
				own = clk
			}
			local, err := localaws.New(localaws.Estate{}, localaws.WithClock(clk))
			if err != nil {
				t.Fatal(err)
			}
			local.AddFault(localaws.Fault{Operation: "DeleteAlarms", Rate: 3})
			server := httptest.NewServer(local)
			defer server.Close()
			cfg := awsapi.LocalConfig("eu-west-1", server.URL, "LOCAL", nil)
			cfg.RetryMaxAttempts = 1
			clients := awsapi.New(awsapi.Options{Config: cfg, Clock: own})
			defer clients.Close()
			refused := 0
			for range 20 {
				_, err := clients.CloudWatch("eu-west-1").DeleteAlarms(t.Context(), &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"a"}})
				switch awsapi.KindOf(err) {
				case awsapi.None:
				case awsapi.Throttled:
					refused++
				default:
					t.Fatal(err)
				}
			}
			if (refused > 0) == same {
				t.Errorf("%d of 20 refused", refused)
			}
		})
	}
}

// TestErrorsOfEveryProtocol asks each service for something that is not there.
func TestErrorsOfEveryProtocol(t *testing.T) {
	local, err := localaws.New(localaws.Estate{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(local)
	defer server.Close()
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig("eu-west-1", server.URL, "LOCAL", nil), Clock: newClock()})
	defer clients.Close()
	ctx := t.Context()
	const region, account = "eu-west-1", "123456789012"
	tests := []struct {
		name string
		call func() error
	}{
		{"AWS JSON", func() error {
			_, err := clients.Personalize(region).DescribeCampaign(ctx, &personalize.DescribeCampaignInput{
				CampaignArn: awssdk.String("arn:aws:personalize:" + region + ":" + account + ":campaign/none"),
			})
			return err
		}},
		{"events", func() error {
			_, err := clients.EventBridge(region).DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: awssdk.String("none")})
			return err
		}},
		{"logs", func() error {
			_, err := cloudwatchlogs.NewFromConfig(clients.ConfigFor(region)).FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: awssdk.String("none")})
			return err
		}},
		{"query", func() error {
			_, err := clients.SNS(region).GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{
				TopicArn: awssdk.String("arn:aws:sns:" + region + ":" + account + ":none"),
			})
			return err
		}},
		{"RPC v2 CBOR", func() error {
			_, err := clients.CloudWatch(region).SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{
				AlarmName: awssdk.String("none"), StateReason: awssdk.String("x"), StateValue: types.StateValueOk,
			})
			return err
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.call(); awsapi.KindOf(err) != awsapi.NotFound {
				t.Errorf("%q: %s", awsapi.KindOf(err), awsapi.Line(err))
			}
		})
	}
}
