package notify

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
)

// A key through which nothing can be published is reported once, at the next check too.
func TestAKeyThatServicesCannotUseIsReportedOnce(t *testing.T) {
	for key, want := range map[string]struct{ level, text string }{
		"alias/aws/sns": {"level=WARN", "which CloudWatch and EventBridge cannot use"},
		"arn:aws:kms:eu-west-1:123456789012:key/1": {"level=INFO", "the policy of its key must let"},
	} {
		w := newWorld(t)
		topic := w.CreateTopic(home)
		_, err := w.Raw.SNS(home).SetTopicAttributes(ctxAll, &sns.SetTopicAttributesInput{
			TopicArn: aws.String(topic), AttributeName: aws.String("KmsMasterKeyId"), AttributeValue: aws.String(key),
		})
		w.Must(err)
		a, log := w.actor()
		for range 3 {
			_, problems := a.Ensure(ctxAll, Input{Endpoints: []config.Endpoint{mail}})
			w.NoProblems(problems)
			w.Clock.Advance(checkTTL)
		}
		if n := log.Count(want.level, want.text); n != 1 {
			t.Errorf("%s: reported %d times:\n%s", key, n, log)
		}
	}
	w := newWorld(t)
	w.CreateTopic(home)
	a, log := w.actor()
	_, problems := a.Ensure(ctxAll, Input{Endpoints: []config.Endpoint{mail}})
	w.NoProblems(problems)
	if log.Count("encrypted") != 0 {
		t.Errorf("without a key:\n%s", log)
	}
}

func TestSubscribersThatGetNothing(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:sns:eu-west-1:123456789012:t:1": "",
		"PendingConfirmation":                    "subscription is not confirmed yet",
		"Deleted":                                "subscriber has unsubscribed and gets no notifications; remove the address from NotificationEndpoint, or subscribe it again",
	} {
		if got := undelivered(types.Subscription{SubscriptionArn: aws.String(arn)}); got != want {
			t.Errorf("%s: %q, want %q", arn, got, want)
		}
	}
}
