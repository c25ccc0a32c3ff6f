package events

import (
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// decisionOf is a decision about a resource of the kind.
func decisionOf(kind model.Kind, verdict rules.Verdict) rules.Decision {
	now := time.Date(2026, 7, 1, 10, 7, 0, 0, time.UTC)
	d := rules.Decision{
		Resource: model.Resource{
			ARN: mustARN("arn:aws:personalize:eu-west-1:123456789012:" + string(kind) + "/x"), Kind: kind, Name: "x",
			Status: model.StatusActive, MinTPS: 10, Created: now.Add(-100 * time.Hour),
		},
		Verdict: verdict, Reason: "for a reason", By: rules.Settings{IdleHours: 48},
		At: rules.EvaluationTime{Now: now, Window: rules.MeasuredWindow(now, 2*time.Minute)},
	}
	if verdict == rules.StepDown {
		d.NewMinTPS = 7
	}
	return d
}

// An action in the process does what the event about the same decision does.
func TestRequestForIsWhatTheReceiverOfTheCommandReads(t *testing.T) {
	for _, d := range []rules.Decision{
		decisionOf(model.Campaign, rules.StepDown), decisionOf(model.Recommender, rules.StepDown),
		decisionOf(model.Campaign, rules.Delete), decisionOf(model.Recommender, rules.Stop),
	} {
		entry, err := Command(d).Entry()
		if err != nil {
			t.Fatal(err)
		}
		received, err := Decode([]byte(envelope(string(entry.DetailType), string(entry.Detail))))
		if err != nil || received != RequestFor(d) {
			t.Errorf("%s of a %s: got %+v, %v, want %+v", d.Verdict, d.Resource.Kind, received, err, RequestFor(d))
		}
		if received.Action() != d.Verdict.Action() || !received.Automatic() {
			t.Errorf("%s of a %s requests %q", d.Verdict, d.Resource.Kind, received.Action())
		}
	}
}

// What would be stopped may still be stepped down: the notification is about the former.
func TestDryRunNotificationIsAboutWhatWouldBeDone(t *testing.T) {
	d := decisionOf(model.Recommender, rules.StepDown)
	d.Would = rules.Stop
	detail := DryRunNotification(d).Detail.(NotificationDetail)
	record, err := DecodeAudit(detail.Audit)
	if err != nil || detail.Action != model.ActionStop || record.Action != model.ActionStop || detail.NewMinTPS != 0 || record.NewMinTPS != 0 {
		t.Errorf("got %+v, %+v, %v", detail, record, err)
	}
}
