package localaws

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// topic makes the topic alerts and gives its ARN.
func (r *rig) topic(t testing.TB, tags ...types.Tag) string {
	t.Helper()
	return *ok[*sns.CreateTopicOutput](t)(r.topics().CreateTopic(background, &sns.CreateTopicInput{Name: aws.String("alerts"), Tags: tags})).TopicArn
}

func (r *rig) subscribe(t testing.TB, arn, protocol, endpoint string) string {
	t.Helper()
	return *ok[*sns.SubscribeOutput](t)(r.topics().Subscribe(background, &sns.SubscribeInput{TopicArn: &arn, Protocol: &protocol, Endpoint: &endpoint})).SubscriptionArn
}

func (r *rig) subscriptions(t testing.TB, arn string) (all []string) {
	t.Helper()
	for p := sns.NewListSubscriptionsByTopicPaginator(r.topics(), &sns.ListSubscriptionsByTopicInput{TopicArn: &arn}); p.HasMorePages(); {
		for _, s := range ok[*sns.ListSubscriptionsByTopicOutput](t)(p.NextPage(background)).Subscriptions {
			state := "confirmed"
			if !strings.HasPrefix(*s.SubscriptionArn, "arn:") {
				state = *s.SubscriptionArn
			}
			all = append(all, fmt.Sprintf("%s %s %s", *s.Protocol, *s.Endpoint, state))
		}
	}
	return all
}

func (r *rig) attributes(t testing.TB, arn string) map[string]string {
	t.Helper()
	return ok[*sns.GetTopicAttributesOutput](t)(r.topics().GetTopicAttributes(background, &sns.GetTopicAttributesInput{TopicArn: &arn})).Attributes
}

func (r *rig) setPolicy(arn, policy string) error {
	return errOf(r.topics().SetTopicAttributes(background, &sns.SetTopicAttributesInput{TopicArn: &arn, AttributeName: aws.String("Policy"), AttributeValue: &policy}))
}

func TestTopicsAreCreatedOnce(t *testing.T) {
	r := newWorld(t, shopEstate())
	tag := func(v string) types.Tag { return types.Tag{Key: aws.String("by"), Value: &v} }
	arn := r.topic(t, tag("us"))
	if arn != topicForSNS {
		t.Errorf("ARN %s", arn)
	}
	if again := r.topic(t, tag("us")); again != arn {
		t.Errorf("again: %s", again)
	}
	if again := r.topic(t); again != arn {
		t.Errorf("again without tags: %s", again)
	}
	err := errOf(r.topics().CreateTopic(background, &sns.CreateTopicInput{Name: aws.String("alerts"), Tags: []types.Tag{tag("them")}}))
	if apiCode(t, err) != "InvalidParameter" {
		t.Errorf("with other tags: %v", err)
	}
	same := errOf(r.topics().CreateTopic(background, &sns.CreateTopicInput{Name: aws.String("alerts"), Attributes: map[string]string{"Policy": r.attributes(t, arn)["Policy"]}}))
	other := errOf(r.topics().CreateTopic(background, &sns.CreateTopicInput{Name: aws.String("alerts"), Attributes: map[string]string{"DisplayName": "Alerts"}}))
	if same != nil || apiCode(t, other) != "InvalidParameter" {
		t.Errorf("with the same attributes: %v; with others: %v", same, other)
	}
	for name, want := range map[string]string{"a b": "InvalidParameter", "": "InvalidParameter", strings.Repeat("x", 256): "", strings.Repeat("x", 257): "InvalidParameter", "a.fifo": "InvalidParameter"} {
		if got := apiCode(t, errOf(r.topics().CreateTopic(background, &sns.CreateTopicInput{Name: &name}))); got != want {
			t.Errorf("name %q: %q, want %q", name, got, want)
		}
	}
	list := ok[*sns.ListTopicsOutput](t)(r.topics().ListTopics(background, &sns.ListTopicsInput{}))
	if len(list.Topics) != 2 {
		t.Errorf("topics: %+v", list.Topics)
	}
	elsewhere := ok[*sns.ListTopicsOutput](t)(sns.NewFromConfig(r.config("us-east-1")).ListTopics(background, &sns.ListTopicsInput{}))
	if len(elsewhere.Topics) != 0 {
		t.Errorf("topics elsewhere: %+v", elsewhere.Topics)
	}
	for range 2 {
		ok[*sns.DeleteTopicOutput](t)(r.topics().DeleteTopic(background, &sns.DeleteTopicInput{TopicArn: &arn}))
	}
	if err := errOf(r.topics().GetTopicAttributes(background, &sns.GetTopicAttributesInput{TopicArn: &arn})); apiCode(t, err) != "NotFound" {
		t.Errorf("attributes of one that is gone: %v", err)
	}
}

func TestEmailsAreConfirmedBeforeTheyGetMail(t *testing.T) {
	r := newWorld(t, shopEstate())
	arn := r.topic(t)
	if got := r.subscribe(t, arn, "email", "a@example.com"); got != "pending confirmation" {
		t.Errorf("subscribed: %s", got)
	}
	r.subscribe(t, arn, "email", "a@example.com")
	r.subscribe(t, arn, "email", "b@example.com")
	if got := fmt.Sprint(r.subscriptions(t, arn)); got != "[email a@example.com PendingConfirmation email b@example.com PendingConfirmation]" {
		t.Errorf("subscriptions: %s", got)
	}
	publish := func(text string) {
		ok[*sns.PublishOutput](t)(r.topics().Publish(background, &sns.PublishInput{TopicArn: &arn, Subject: aws.String("S"), Message: &text}))
	}
	publish("too early")
	asked := r.Outbox()
	if len(asked) != 3 || asked[0].Token == "" || asked[0].Endpoint != "a@example.com" {
		t.Fatalf("outbox: %+v", asked)
	}
	if n := r.ConfirmAll(); n != 2 {
		t.Errorf("ConfirmAll confirmed %d", n)
	}
	r.subscribe(t, arn, "email", "c@example.com")
	publish("hello")
	if mails := r.Outbox()[4:]; len(mails) != 2 || mails[0].Message != "hello" || mails[0].Subject != "S" || mails[0].Endpoint != "a@example.com" || mails[0].Region != testRegion || !mails[0].Time.Equal(noon) {
		t.Errorf("mail: %+v", mails)
	}
	attrs := r.attributes(t, arn)
	if attrs["SubscriptionsConfirmed"] != "2" || attrs["SubscriptionsPending"] != "1" || attrs["Owner"] != testAccount {
		t.Errorf("attributes: %v", attrs)
	}
	if got := r.subscribe(t, arn, "email", "a@example.com"); !strings.HasPrefix(got, arn+":") {
		t.Errorf("subscribed when confirmed: %s", got)
	}
	if got := fmt.Sprint(r.subscriptions(t, arn)); got != "[email a@example.com confirmed email b@example.com confirmed email c@example.com PendingConfirmation]" {
		t.Errorf("subscriptions: %s", got)
	}
}

func TestUnconfirmedSubscriptionsExpire(t *testing.T) {
	r := newWorld(t, shopEstate())
	arn := r.topic(t)
	r.subscribe(t, arn, "https", "https://example.com/hook")
	r.clock.move(72*time.Hour - time.Second)
	if n := len(r.subscriptions(t, arn)); n != 1 {
		t.Errorf("%d subscriptions just before three days", n)
	}
	r.clock.move(time.Second)
	if n := len(r.subscriptions(t, arn)); n != 0 {
		t.Errorf("%d subscriptions after three days", n)
	}
}

func TestPagesOfSubscriptions(t *testing.T) {
	r := newWorld(t, shopEstate(), WithAutoConfirm())
	arn := r.topic(t)
	for i := range 205 {
		if got := r.subscribe(t, arn, "email", fmt.Sprintf("p%d@example.com", i)); !strings.HasPrefix(got, arn) {
			t.Fatalf("not confirmed at once: %s", got)
		}
	}
	if n := len(r.subscriptions(t, arn)); n != 205 {
		t.Errorf("%d subscriptions", n)
	}
}

func TestSNSRefuses(t *testing.T) {
	r := newWorld(t, shopEstate())
	arn := r.topic(t)
	api := r.topics()
	subscribe := func(protocol, endpoint string) error {
		return errOf(api.Subscribe(background, &sns.SubscribeInput{TopicArn: &arn, Protocol: &protocol, Endpoint: &endpoint}))
	}
	publish := func(subject, message string) error {
		return errOf(api.Publish(background, &sns.PublishInput{TopicArn: &arn, Subject: &subject, Message: &message}))
	}
	set := func(name, v string) error {
		return errOf(api.SetTopicAttributes(background, &sns.SetTopicAttributesInput{TopicArn: &arn, AttributeName: &name, AttributeValue: &v}))
	}
	none := aws.String(arn + "-none")
	const bad, missing = "InvalidParameter", "NotFound"
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"an e-mail address without @", subscribe("email", "example.com"), bad},
		{"an e-mail address with a name", subscribe("email", "A <a@example.com>"), bad},
		{"http for https", subscribe("https", "http://example.com"), bad},
		{"an https URL without host", subscribe("https", "https://"), bad},
		{"an unknown protocol", subscribe("pigeon", "home"), bad},
		{"a queue, which is not served here", subscribe("sqs", "arn:aws:sqs:eu-west-1:123456789012:q"), bad},
		{"a subject with a line break", publish("a\nb", "m"), bad},
		{"a subject of 100 characters", publish(strings.Repeat("x", 100), "m"), ""},
		{"a subject of 101 characters", publish(strings.Repeat("x", 101), "m"), bad},
		{"an empty message", publish("s", ""), bad},
		{"a message beyond 256 KB", publish("s", strings.Repeat("x", 256*1024+1)), bad},
		{"an unknown attribute", set("Colour", "red"), bad},
		{"a policy that is no JSON", set("Policy", "allow all"), bad},
		{"a display name", set("DisplayName", "Alerts"), ""},
		{"a topic that is not there", errOf(api.Publish(background, &sns.PublishInput{TopicArn: none, Message: aws.String("m")})), missing},
		{"subscriptions of one that is not there", errOf(api.ListSubscriptionsByTopic(background, &sns.ListSubscriptionsByTopicInput{TopicArn: none})), missing},
		{"an ARN that is none", errOf(api.GetTopicAttributes(background, &sns.GetTopicAttributesInput{TopicArn: aws.String("alerts")})), bad},
		{"tags of a topic that is not there", errOf(api.ListTagsForResource(background, &sns.ListTagsForResourceInput{ResourceArn: none})), "ResourceNotFound"},
	}
	for _, tt := range tests {
		if got := apiCode(t, tt.err); got != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, tt.err, tt.want)
		}
	}
}

func TestTagsOfTopics(t *testing.T) {
	r := newWorld(t, shopEstate())
	arn := r.topic(t, types.Tag{Key: aws.String("a"), Value: aws.String("b")})
	api := r.topics()
	ok[*sns.TagResourceOutput](t)(api.TagResource(background, &sns.TagResourceInput{ResourceArn: &arn, Tags: []types.Tag{{Key: aws.String("c"), Value: aws.String("")}}}))
	ok[*sns.UntagResourceOutput](t)(api.UntagResource(background, &sns.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"a"}}))
	out := ok[*sns.ListTagsForResourceOutput](t)(api.ListTagsForResource(background, &sns.ListTagsForResourceInput{ResourceArn: &arn}))
	if len(out.Tags) != 1 || *out.Tags[0].Key != "c" {
		t.Errorf("tags: %+v", out.Tags)
	}
}

func statementOf(sid, principal, condition string) string {
	return `{"Sid":"` + sid + `","Effect":"Allow","Principal":` + principal + `,"Action":"sns:Publish","Resource":"` + topicForSNS + `"` + condition + `}`
}

func policyOf(statements ...string) string {
	return `{"Version":"2008-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// sendAlarm makes an alarm of the topic's account and region go off.
func (r *rig) sendAlarm(t testing.TB, topic string) {
	t.Helper()
	client := r.cloudwatch(testRegion, testAccount)
	in := validAlarm()
	in.AlarmName, in.AlarmActions = aws.String("PersonalizeMonitor-Idle"), []string{topic}
	ok[*cloudwatch.PutMetricAlarmOutput](t)(client.PutMetricAlarm(background, in))
	ok[*cloudwatch.SetAlarmStateOutput](t)(client.SetAlarmState(background, &cloudwatch.SetAlarmStateInput{
		AlarmName: in.AlarmName, StateValue: cwtypes.StateValueAlarm, StateReason: aws.String("test"),
	}))
}

func TestWhoMayPublish(t *testing.T) {
	const (
		events  = `{"Service":"events.amazonaws.com"}`
		alarms  = `{"Service":"cloudwatch.amazonaws.com"}`
		account = `,"Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}`
		others  = `,"Condition":{"StringEquals":{"aws:SourceAccount":"999999999999"}}`
		ours    = `,"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:PersonalizeMonitor-*"}}`
		theirs  = `,"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:cloudwatch:*:123456789012:alarm:Other-*"}}`
		both    = `,"Condition":{"StringEquals":{"aws:SourceAccount":["1","123456789012"]},"ArnLike":{"aws:SourceArn":"arn:aws:cloudwatch:*:*:alarm:*"}}`
		unknown = `,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`
	)
	deny := strings.Replace(statementOf("no", alarms, ""), "Allow", "Deny", 1)
	tests := []struct {
		name, policy   string
		events, alarms bool
	}{
		{"the default policy lets alarms publish, and not EventBridge", "", false, true},
		{"EventBridge without a condition", policyOf(statementOf("a", events, "")), true, false},
		{"EventBridge with a condition", policyOf(statementOf("a", events, account)), false, false},
		{"alarms without a condition", policyOf(statementOf("a", alarms, "")), false, true},
		{"alarms of the account", policyOf(statementOf("a", alarms, account)), false, true},
		{"alarms of another account", policyOf(statementOf("a", alarms, others)), false, false},
		{"alarms by name", policyOf(statementOf("a", alarms, ours)), false, true},
		{"alarms by another name", policyOf(statementOf("a", alarms, theirs)), false, false},
		{"alarms by account and ARN", policyOf(statementOf("a", alarms, both)), false, true},
		{"a condition that is not known", policyOf(statementOf("a", alarms, unknown)), false, false},
		{"both services", policyOf(statementOf("a", alarms, account), statementOf("b", events, "")), true, true},
		{"everyone", policyOf(statementOf("a", `"*"`, "")), true, true},
		{"denied", policyOf(statementOf("a", `"*"`, ""), deny), true, false},
		{"another action", strings.Replace(policyOf(statementOf("a", `"*"`, "")), "sns:Publish", "sns:Subscribe", 1), false, false},
		{"every action", strings.Replace(policyOf(statementOf("a", `"*"`, "")), "sns:Publish", "SNS:*", 1), true, true},
		{"another topic", strings.Replace(policyOf(statementOf("a", `"*"`, "")), ":alerts", ":other", 1), false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newWorld(t, shopEstate(), WithAutoConfirm())
			arn := r.topic(t)
			r.subscribe(t, arn, "email", "a@example.com")
			if tt.policy != "" {
				if err := r.setPolicy(arn, tt.policy); err != nil {
					t.Fatal(err)
				}
				if got := r.attributes(t, arn)["Policy"]; got != tt.policy {
					t.Errorf("the policy is %s", got)
				}
			}
			r.sendAlarm(t, arn)
			if got := len(r.Outbox()) == 1; got != tt.alarms {
				t.Errorf("alarm mail: %t; dropped %+v", got, r.Dropped())
			}
			before := len(r.Outbox())
			r.putRule(t, "one", anyPattern, target("a", arn))
			ok[*eventbridge.PutEventsOutput](t)(r.eventBridge().PutEvents(background, &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{entryOf("T", `{}`)}}))
			if got := len(r.Outbox()) > before; got != tt.events {
				t.Errorf("event mail: %t; dropped %+v", got, r.Dropped())
			}
			want := 0
			for _, let := range []bool{tt.alarms, tt.events} {
				if !let {
					want++
				}
			}
			if n := len(r.Dropped()); n != want {
				t.Errorf("%d dropped, want %d", n, want)
			}
		})
	}
}

func TestPoliciesThatAreRefused(t *testing.T) {
	good := statementOf("a", `"*"`, "")
	tests := []struct{ name, policy string }{
		{"no JSON", `x`},
		{"no statement", `{"Version":"2008-10-17"}`},
		{"an empty list", `{"Statement":[]}`},
		{"an unknown version", strings.Replace(policyOf(good), "2008-10-17", "2026-01-01", 1)},
		{"an unknown key", strings.Replace(policyOf(good), `"Effect"`, `"Colour":"red","Effect"`, 1)},
		{"an unknown effect", strings.Replace(policyOf(good), "Allow", "Maybe", 1)},
		{"an action of another service", strings.Replace(policyOf(good), "sns:Publish", "sqs:SendMessage", 1)},
		{"no principal", strings.Replace(policyOf(good), `"Principal":"*",`, "", 1)},
		{"a statement id twice", policyOf(good, good)},
		{"something behind it", policyOf(good) + "{}"},
		{"too long", policyOf(statementOf(strings.Repeat("x", 30_720), `"*"`, ""))},
	}
	r := newWorld(t, shopEstate())
	arn := r.topic(t)
	before := r.attributes(t, arn)["Policy"]
	for _, tt := range tests {
		if err := r.setPolicy(arn, tt.policy); apiCode(t, err) != "InvalidParameter" {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if got := r.attributes(t, arn)["Policy"]; got != before {
		t.Errorf("the policy is %s", got)
	}
}

func TestNotificationsOfMissingTopicsAreDropped(t *testing.T) {
	r := newWorld(t, shopEstate())
	r.putRule(t, "one", anyPattern, target("a", topicForSNS))
	ok[*eventbridge.PutEventsOutput](t)(r.eventBridge().PutEvents(background, &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{entryOf("T", `{}`)}}))
	r.sendAlarm(t, topicForSNS)
	d := r.Dropped()
	if len(d) != 2 || d[0].Rule != "one" || d[0].Region != testRegion || d[1].Rule != "" || d[1].Reason != "no such topic" || !d[0].Time.Equal(noon) {
		t.Errorf("dropped: %+v", d)
	}
}

func TestRulesMailReadableText(t *testing.T) {
	r := newWorld(t, shopEstate(), WithAutoConfirm())
	arn := r.topic(t)
	r.subscribe(t, arn, "email", "a@example.com")
	if err := r.setPolicy(arn, policyOf(statementOf("a", `{"Service":"events.amazonaws.com"}`, ""))); err != nil {
		t.Fatal(err)
	}
	to := target("a", arn)
	to.InputTransformer = &ebtypes.InputTransformer{
		InputPathsMap: map[string]string{"arn": "$.detail.ARN"}, InputTemplate: aws.String(`"The campaign <arn> has been deleted."`),
	}
	r.putRule(t, "one", anyPattern, to)
	ok[*eventbridge.PutEventsOutput](t)(r.eventBridge().PutEvents(background, &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{entryOf("T", `{"ARN":"arn:a"}`)}}))
	if m := r.Outbox(); len(m) != 1 || m[0].Message != `"The campaign arn:a has been deleted."` || m[0].Topic != arn {
		t.Errorf("mail: %+v", m)
	}
}

func TestGetCallerIdentity(t *testing.T) {
	r := newWorld(t, shopEstate())
	out := ok[*sts.GetCallerIdentityOutput](t)(r.sts().GetCallerIdentity(background, &sts.GetCallerIdentityInput{}))
	if *out.Account != testAccount || *out.Arn != "arn:aws:iam::"+testAccount+":user/localaws" || *out.UserId == "" {
		t.Errorf("identity: %+v", out)
	}
}
