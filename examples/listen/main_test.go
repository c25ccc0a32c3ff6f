package main

import (
	"encoding/json"
	"strings"
	"testing"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
)

// The example understands every notification that the monitor sends, and nothing else.
func TestDescribe(t *testing.T) {
	const arn = "arn:aws:personalize:us-east-1:123456789012:campaign/home-page"
	ended := events.NotificationDetail{ARN: arn, Reason: "idle 31 h"}
	updated := events.NotificationDetail{ARN: arn, NewMinTPS: 30, Reason: "lowest hour averaged 5.8 TPS"}
	for _, detailType := range []events.DetailType{events.CampaignUpdated, events.RecommenderUpdated} {
		check(t, detailType, updated, "a minimum of 30 now: lowest")
	}
	check(t, events.CampaignDeleted, ended, "idle 31 h")
	check(t, events.RecommenderStopped, ended, "idle 31 h")
	if line, err := describe(lambdaevents.EventBridgeEvent{DetailType: string(events.BuildDashboard), Detail: json.RawMessage("{}")}); err == nil {
		t.Errorf("a command was described as %q", line)
	}
}

func check(t *testing.T, detailType events.DetailType, detail any, want string) {
	t.Helper()
	entry, err := events.Event{DetailType: detailType, Detail: detail}.Entry()
	if err != nil {
		t.Fatal(err)
	}
	line, err := describe(lambdaevents.EventBridgeEvent{DetailType: string(detailType), Detail: entry.Detail})
	if err != nil || !strings.Contains(line, want) || !strings.HasPrefix(line, "arn:") {
		t.Errorf("%s: %q, %v", detailType, line, err)
	}
}
