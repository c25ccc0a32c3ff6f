package localaws

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// TestAlarmMailReachesSubscribers goes the whole way from data over an alarm and a topic
// to the outbox.
func TestAlarmMailReachesSubscribers(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	topics := sns.New(sns.Options{
		Region: testRegion, BaseEndpoint: aws.String(r.url),
		Credentials: credentials.NewStaticCredentialsProvider("000000000000", "secret", ""), RetryMaxAttempts: 1,
		HTTPClient: plainBodies{http.DefaultClient},
	})
	topic := ok[*sns.CreateTopicOutput](t)(topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("t")})).TopicArn
	ok[*sns.SubscribeOutput](t)(topics.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic, Protocol: aws.String("email"), Endpoint: aws.String("ops@example.com")}))
	r.ConfirmAll()
	before := len(r.Outbox())
	r.putAlarm(t, func(in *cloudwatch.PutMetricAlarmInput) {
		in.EvaluationPeriods, in.DatapointsToAlarm, in.AlarmActions = aws.Int32(1), nil, []string{*topic}
	})
	putValue(t, r.client(), 1, noon)
	r.clock.move(5 * time.Minute)
	r.Tick()
	mails := r.Outbox()[before:]
	if len(mails) != 1 {
		t.Fatalf("%d mails, want 1", len(mails))
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(mails[0].Message), &body); err != nil {
		t.Fatal(err)
	}
	if mails[0].Subject != `ALARM: "low" in EU (Ireland)` || mails[0].Endpoint != "ops@example.com" || body["NewStateValue"] != "ALARM" {
		t.Errorf("mail %+v", mails[0])
	}
}
