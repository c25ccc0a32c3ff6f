package notify

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

// amazonQ is the endpoint of Amazon Q Developer in chat applications.
const amazonQ = "https://global.sns-api.chatbot.amazonaws.com"

// chats ensures notifications with those for chats, without a problem.
func (w *world) chats(a *Notifier, wanted bool) {
	w.T.Helper()
	_, problems := a.Ensure(ctxAll, Input{Regions: []string{other}, Chat: wanted})
	w.NoProblems(problems)
}

// joinChannel subscribes a channel to the topic for chats.
func (w *world) joinChannel() {
	w.T.Helper()
	_, err := w.Raw.SNS(home).Subscribe(ctxAll, &sns.SubscribeInput{
		TopicArn: aws.String(ChatTopic(testTopic).String()), Protocol: aws.String("https"), Endpoint: aws.String(amazonQ),
	})
	w.Must(err)
	w.Server.ConfirmAll()
}

func TestChatsGetMessagesOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.chats(a, true)
	w.WantWrites(map[string]int{"sns.CreateTopic": 3, "sns.SetTopicAttributes": 3, "events.PutRule": 1, "events.PutTargets": 2})
	tags, err := a.w.ReadTags(ctxAll, home, ChatTopic(testTopic).String())
	if err != nil || tags[writer.TagDeployment] != a.w.Deployment || !tags.Ours() {
		t.Errorf("tags %v, %v", tags, err)
	}
	w.joinChannel()
	asked := len(w.Server.Outbox())

	const arn = "arn:aws:personalize:us-east-1:123456789012:campaign/home"
	deleted := events.Audit{
		Time: testTime, ARN: arn, Kind: model.Campaign, Region: "us-east-1", Action: model.ActionDelete, Outcome: events.OutcomeDone,
		Reason: `no request in 24 hours, says "the boss" <!channel>`, Restore: "personalize-monitor restore --record x",
	}
	_, problems := a.w.Emit(ctxAll, []events.Event{
		events.Notification(events.CampaignDeleted, deleted, events.NotificationDetail{}),
		{DetailType: events.BuildDashboard, Detail: events.BuildDetail{Reason: "not for people"}},
	})
	w.NoProblems(problems)
	got := w.Server.Outbox()[asked:]
	if len(got) != 1 || got[0].Endpoint != amazonQ {
		t.Fatalf("messages %+v", got)
	}
	m, err := awsbed.ReadChat(got[0].Message)
	if err != nil || m.Content.Title != "Deleting campaign home" || m.Metadata.ThreadID != arn ||
		m.Content.Description != `no request in 24 hours, says "the boss" &lt;!channel&gt;` ||
		!slices.Equal(m.Content.NextSteps, []string{"To undo it: `personalize-monitor restore --record x`"}) {
		t.Errorf("%+v, %v", m, err)
	}

	// In order, it costs reads only.
	w.Writes()
	w.Clock.Advance(checkTTL)
	w.chats(a, true)
	w.WantWrites(map[string]int{})
}

// The target for chats goes if they are no longer wanted. The topic with its channel stays until the
// clean-up, and so does everything of another deployment.
func TestChatsThatAreNoLongerWanted(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.chats(a, true)
	w.Writes()
	b, _ := w.actor(func(o *writer.Options) { o.Deployment = "another" })
	w.chats(b, false)
	w.WantWrites(map[string]int{})
	w.chats(a, false)
	w.WantWrites(map[string]int{"events.RemoveTargets": 1})
	if _, targets := w.Rule(home); len(targets) != 1 || targets[TargetID].Id == nil {
		t.Errorf("targets %v", targets)
	}
	w.chats(a, true)
	w.WantWrites(map[string]int{"events.PutTargets": 1})
	changed := chatTarget(testTopic)
	changed.InputPath, changed.Arn = nil, aws.String("arn:aws:lambda:eu-west-1:123456789012:function:f")
	w.PutTargets(home, changed)
	w.Writes()
	w.chats(a, false)
	w.WantWrites(map[string]int{})
}

// Where the topic cannot be created, nothing sends to it.
func TestNoTargetWithoutATopicForChats(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.chats(a, false)
	w.Server.AddFault(localaws.Fault{Service: "sns", Operation: "CreateTopic", Code: "InternalError", Status: 500})
	w.Writes()
	_, problems := a.Ensure(ctxAll, Input{Chat: true})
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), ChatTopicName) {
		t.Errorf("problems %v", problems)
	}
	if _, targets := w.Rule(home); len(targets) != 1 {
		t.Errorf("targets %v", targets)
	}
}

// Topics in the region of the key are encrypted with it, those of the deployment's chats too. Others
// are not, which is logged, and a topic with a key keeps it.
func TestTopicsAreEncryptedInTheRegionOfTheKey(t *testing.T) {
	key := model.NewARN("aws", "kms", home, testAccount, "key/1")
	w := newWorld(t)
	w.CreateTopic(home)
	a, log := w.actor()
	in := Input{Regions: []string{other}, Chat: true, Key: key}
	ensure := func(in Input) {
		t.Helper()
		_, problems := a.Ensure(ctxAll, in)
		w.NoProblems(problems)
		w.Clock.Advance(checkTTL)
	}
	keyOf := func(topic model.ARN) string {
		t.Helper()
		out, err := w.Raw.SNS(topic.Region()).GetTopicAttributes(ctxAll, &sns.GetTopicAttributesInput{TopicArn: aws.String(topic.String())})
		w.Must(err)
		return out.Attributes[attributeKey]
	}
	ensure(in)
	ensure(in)
	for topic, want := range map[model.ARN]string{testTopic: key.String(), ChatTopic(testTopic): key.String(), awsbed.TopicIn(other): ""} {
		if got := keyOf(topic); got != want {
			t.Errorf("%s has the key %q, want %q", topic, got, want)
		}
	}
	if log.Count("level=INFO", "a key encrypts in its own region only", other) != 1 || log.Count("policy of its key") != 0 {
		t.Errorf("log:\n%s", log)
	}
	w.Writes()
	in.Key = in.Key.WithResource("key/2")
	ensure(in)
	ensure(Input{Regions: []string{other}, Chat: true})
	w.WantWrites(map[string]int{})
	if got := keyOf(testTopic); got != key.String() {
		t.Errorf("the key is now %q", got)
	}
}

func TestWhoseTargetItIs(t *testing.T) {
	elsewhere := aws.String("arn:aws:sns:eu-west-1:123456789012:mine")
	for _, tt := range []struct {
		target types.Target
		ours   bool
	}{
		{newTarget(testTopic), true},
		{chatTarget(testTopic), true},
		{types.Target{Id: aws.String(ChatTargetID), Arn: elsewhere}, false},
		{types.Target{Id: aws.String(ChatTargetID), Arn: aws.String(testTopic.String())}, false},
		{types.Target{Id: aws.String("mine"), Arn: aws.String(testTopic.String())}, false},
	} {
		if got := OurTarget(tt.target, testTopic); got != tt.ours {
			t.Errorf("%s to %s: %t", *tt.target.Id, *tt.target.Arn, got)
		}
	}
}
