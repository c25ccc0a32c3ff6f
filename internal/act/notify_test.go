package act

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

var (
	mail   = config.Endpoint{Protocol: config.Email, Address: "ops@example.com"}
	hook   = config.Endpoint{Protocol: config.HTTPS, Address: "https://hooks.example.com/x"}
	ctxAll = context.Background()
)

// notify runs Notify for the two regions, and must succeed.
func (w *world) notify(a *Actor, endpoints ...config.Endpoint) map[string]model.ARN {
	w.t.Helper()
	topics, problems := a.Notify(ctxAll, NotifyInput{Regions: []string{other, home}, Endpoints: endpoints})
	w.noProblems(problems)
	want := map[string]model.ARN{home: topicIn(home), other: topicIn(other)}
	if !maps.Equal(topics, want) {
		w.t.Errorf("topics %v, want %v", topics, want)
	}
	return topics
}

func topicIn(region string) model.ARN {
	topic := testTopic
	topic.Region = region
	return topic
}

// createTopic makes the topic as a person, or the original application, would.
func (w *world) createTopic(region string) string {
	w.t.Helper()
	out, err := w.raw.SNS(region).CreateTopic(ctxAll, &sns.CreateTopicInput{Name: aws.String(TopicName)})
	w.must(err)
	return *out.TopicArn
}

func (w *world) policy(region string) string {
	w.t.Helper()
	out, err := w.raw.SNS(region).GetTopicAttributes(ctxAll, &sns.GetTopicAttributesInput{TopicArn: aws.String(topicIn(region).String())})
	w.must(err)
	return out.Attributes["Policy"]
}

func (w *world) setPolicy(region, policy string) {
	w.t.Helper()
	_, err := w.raw.SNS(region).SetTopicAttributes(ctxAll, &sns.SetTopicAttributesInput{
		TopicArn: aws.String(topicIn(region).String()), AttributeName: aws.String("Policy"), AttributeValue: aws.String(policy),
	})
	w.must(err)
}

// sids lists the statements of a policy by their Sids.
func sids(t *testing.T, policy string) []string {
	t.Helper()
	var p struct{ Statement []struct{ Sid string } }
	if err := json.Unmarshal([]byte(policy), &p); err != nil {
		t.Fatalf("%v in %s", err, policy)
	}
	var list []string
	for _, s := range p.Statement {
		list = append(list, s.Sid)
	}
	return list
}

func TestNotifyCreatesWhatIsMissingOnce(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.notify(a, mail, hook)
	w.wantWrites(map[string]int{
		"sns.CreateTopic": 2, "sns.SetTopicAttributes": 2, "sns.Subscribe": 4, "events.PutRule": 1, "events.PutTargets": 1,
	})
	for _, region := range []string{home, other} {
		if got := sids(t, w.policy(region)); len(got) != 3 || !slices.Equal(got[1:], []string{sidAlarms, sidEvents}) {
			t.Errorf("%s: statements %v, want the owner's and ours", region, got)
		}
	}
	tags, err := w.raw.SNS(home).ListTagsForResource(ctxAll, &sns.ListTagsForResourceInput{ResourceArn: aws.String(testTopic.String())})
	w.must(err)
	if len(tags.Tags) != 2 {
		t.Errorf("tags %v", tags.Tags)
	}

	// The same process asks nothing for an hour, another one only reads.
	w.server.ResetCalls()
	w.notify(a, mail, hook)
	if calls := w.server.Calls(); len(calls) != 0 {
		t.Errorf("calls within the hour: %v", calls)
	}
	w.clock.Advance(wiringTTL)
	w.notify(a, mail, hook)
	if calls := w.server.Calls(); calls["sns.GetTopicAttributes"] != 2 || calls["sts.GetCallerIdentity"] != 0 {
		t.Errorf("calls after the hour: %v", calls)
	}
	b, _ := w.actor()
	w.notify(b, mail, hook)
	w.wantWrites(map[string]int{})
	w.notify(a, mail, hook, config.Endpoint{Protocol: config.Email, Address: "dev@example.com"})
	w.wantWrites(map[string]int{"sns.Subscribe": 2})
}

func TestADryRunOfNotifyReadsOnlyAndStillNamesTheTopics(t *testing.T) {
	w := newWorld(t)
	dry, log := w.actor(dryRun)
	w.notify(dry, mail)
	w.wantWrites(map[string]int{})
	for _, op := range []string{"CreateTopic", "SetTopicAttributes", "Subscribe", "PutRule", "PutTargets"} {
		if log.count("dry run, would write", "op="+op+" ", home) != 1 {
			t.Errorf("%s is not told", op)
		}
	}
	a, _ := w.actor()
	w.notify(a, mail)
	w.writes()
	w.notify(dry, mail)
	w.wantWrites(map[string]int{})
}

func TestTheIdentityIsAskedForUnlessKnown(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	id := Identity{Account: testAccount, Partition: "aws"}
	_, problems := a.Notify(ctxAll, NotifyInput{Identity: id})
	w.noProblems(problems)
	if n := w.server.Calls()["sts.GetCallerIdentity"]; n != 0 {
		t.Errorf("asked %d times", n)
	}
	for range 2 {
		if got, err := a.Identity(ctxAll); err != nil || got != id {
			t.Errorf("got %v, %v", got, err)
		}
	}
	if n := w.server.Calls()["sts.GetCallerIdentity"]; n != 1 {
		t.Errorf("asked %d times", n)
	}
	w.server.AddFault(localaws.Fault{Service: "sts", Code: "AccessDenied", Message: "no"})
	b, _ := w.actor()
	topics, problems := b.Notify(ctxAll, NotifyInput{})
	if len(topics) != 0 || len(problems) != 1 || !strings.Contains(problems[0].Error(), "ask STS whose the credentials are: AccessDenied: no") {
		t.Errorf("got %v, %v", topics, problems)
	}
	known, _ := w.actor(func(o *Options) { o.Identity = id })
	if got, err := known.Identity(ctxAll); err != nil || got != id {
		t.Errorf("got %v, %v", got, err)
	}
}

// cannedIdentity answers what STS never should.
type cannedIdentity sts.GetCallerIdentityOutput

func (c cannedIdentity) GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
	out := sts.GetCallerIdentityOutput(c)
	return &out, nil
}

func TestAnIdentityMustBeComplete(t *testing.T) {
	arn := aws.String("arn:aws-cn:iam::123456789012:user/x")
	for _, c := range []cannedIdentity{{}, {Account: aws.String(testAccount)}, {Arn: arn}, {Account: aws.String(testAccount), Arn: aws.String("x")}} {
		if id, err := callerIdentity(ctxAll, c); err == nil {
			t.Errorf("got %v", id)
		}
	}
	if id, err := callerIdentity(ctxAll, cannedIdentity{Account: aws.String(testAccount), Arn: arn}); err != nil || id != (Identity{testAccount, "aws-cn"}) {
		t.Errorf("got %v, %v", id, err)
	}
}

func TestChinaHasARNsOfItsOwn(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor(func(o *Options) { o.DeploymentRegion = "cn-north-1" })
	topics, problems := a.Notify(ctxAll, NotifyInput{})
	w.noProblems(problems)
	if got := topics["cn-north-1"].String(); got != "arn:aws-cn:sns:cn-north-1:123456789012:"+TopicName {
		t.Errorf("got %s", got)
	}
}

func TestTheOriginalsPolicyIsReplacedAndPeoplesStay(t *testing.T) {
	w := newWorld(t)
	w.createTopic(home)
	w.setPolicy(home, policyOf(formerStatement, othersStatement))
	w.writes()
	a, _ := w.actor()
	w.notify(a)
	if got := sids(t, w.policy(home)); !slices.Equal(got, []string{"theirs", sidAlarms, sidEvents}) {
		t.Errorf("statements %v", got)
	}
}

func TestSubscriptionsAreMadeOnce(t *testing.T) {
	w := newWorld(t)
	topic := w.createTopic(home)
	// A subscription that waits to be confirmed, in another case.
	_, err := w.raw.SNS(home).Subscribe(ctxAll, &sns.SubscribeInput{
		TopicArn: aws.String(topic), Protocol: aws.String("email"), Endpoint: aws.String("OPS@example.com"),
	})
	w.must(err)
	w.writes()
	a, log := w.actor()
	topics, problems := a.Notify(ctxAll, NotifyInput{Endpoints: []config.Endpoint{mail}})
	w.noProblems(problems)
	if topics[home] != testTopic {
		t.Errorf("topics %v", topics)
	}
	w.wantWrites(map[string]int{"sns.SetTopicAttributes": 1, "events.PutRule": 1, "events.PutTargets": 1})
	w.clock.Advance(wiringTTL)
	_, problems = a.Notify(ctxAll, NotifyInput{Endpoints: []config.Endpoint{mail}})
	w.noProblems(problems)
	if warn, debug := log.count("level=WARN", "subscription waits to be confirmed"), log.count("level=DEBUG", "subscription waits to be confirmed"); warn != 1 || debug != 1 {
		t.Errorf("pending is said %d times at warn and %d times at debug", warn, debug)
	}
}

func TestSubscriptionsAreReadToTheLastPage(t *testing.T) {
	w := newWorld(t)
	topic := w.createTopic(home)
	for i := range 101 {
		_, err := w.raw.SNS(home).Subscribe(ctxAll, &sns.SubscribeInput{
			TopicArn: aws.String(topic), Protocol: aws.String("email"), Endpoint: aws.String("a" + strings.Repeat("x", i) + "@example.com"),
		})
		w.must(err)
	}
	w.writes()
	a, _ := w.actor()
	var endpoints []config.Endpoint
	for i := range 101 {
		endpoints = append(endpoints, config.Endpoint{Protocol: config.Email, Address: "a" + strings.Repeat("x", i) + "@example.com"})
	}
	_, problems := a.Notify(ctxAll, NotifyInput{Endpoints: endpoints})
	w.noProblems(problems)
	if writes := w.writes(); writes["sns.Subscribe"] != 0 {
		t.Errorf("writes %v", writes)
	}
}

func TestOneRegionsTroubleCostsTheOthersNothing(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.server.AddFault(localaws.Fault{Service: "sns", Region: other, Code: "AuthorizationError", Message: "not authorized"})
	topics, problems := a.Notify(ctxAll, NotifyInput{Regions: []string{home, other}, Endpoints: []config.Endpoint{mail}})
	if !maps.Equal(topics, map[string]model.ARN{home: testTopic}) {
		t.Errorf("topics %v", topics)
	}
	if len(problems) != 1 || problems[0].Region != other || problems[0].ARN != topicIn(other).String() || problems[0].Operation != "GetTopicAttributes" ||
		!strings.HasPrefix(problems[0].Err.Error(), "look for the notification topic: AuthorizationError: not authorized") {
		t.Errorf("problems %v", problems)
	}
	w.server.ClearFaults()
	w.notify(a, mail)

	// Later trouble does not take a topic away that was there.
	w.server.AddFault(localaws.Fault{Service: "sns", Region: other, Code: "AuthorizationError"})
	w.clock.Advance(wiringTTL)
	topics, problems = a.Notify(ctxAll, NotifyInput{Regions: []string{home, other}, Endpoints: []config.Endpoint{mail}})
	if len(topics) != 2 || len(problems) != 1 {
		t.Errorf("topics %v, problems %v", topics, problems)
	}
	w.server.ResetCalls()
	_, _ = a.Notify(ctxAll, NotifyInput{Regions: []string{home, other}, Endpoints: []config.Endpoint{mail}})
	if calls := w.server.Calls(); calls["sns.GetTopicAttributes"] != 1 {
		t.Errorf("after a problem only that region is looked at again: %v", calls)
	}
}

func TestEachStepOfTheTopicReportsItsFailure(t *testing.T) {
	tests := []struct {
		operation string
		skip      int
		topic     bool // it is there all the same
	}{
		{"CreateTopic", 0, false},
		{"GetTopicAttributes", 1, false},
		{"SetTopicAttributes", 0, true},
		{"ListSubscriptionsByTopic", 0, true},
		{"Subscribe", 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.operation, func(t *testing.T) {
			w := newWorld(t)
			a, _ := w.actor()
			w.server.AddFault(localaws.Fault{Service: "sns", Operation: tt.operation, Skip: tt.skip, Code: "AuthorizationError", Message: "no"})
			topics, problems := a.Notify(ctxAll, NotifyInput{Endpoints: []config.Endpoint{mail}})
			if (len(topics) == 1) != tt.topic {
				t.Errorf("topics %v", topics)
			}
			if len(problems) != 1 || problems[0].Operation != tt.operation || problems[0].ARN != testTopic.String() {
				t.Errorf("problems %v", problems)
			}
			w.server.ClearFaults()
			topics, problems = a.Notify(ctxAll, NotifyInput{Endpoints: []config.Endpoint{mail}})
			w.noProblems(problems)
			if len(topics) != 1 {
				t.Errorf("afterwards: topics %v", topics)
			}
			w.writes()
			w.clock.Advance(2 * time.Hour)
			_, _ = a.Notify(ctxAll, NotifyInput{Endpoints: []config.Endpoint{mail}})
			w.wantWrites(map[string]int{})
		})
	}
}

func TestATopicThatCannotBeReadYetWaits(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.server.AddFault(localaws.Fault{Service: "sns", Operation: "GetTopicAttributes", Skip: 1, Times: 1, Code: "NotFound", Status: 404})
	topics, problems := a.Notify(ctxAll, NotifyInput{})
	if len(topics) != 0 || len(problems) != 1 || !strings.Contains(problems[0].Error(), "cannot be read yet") {
		t.Errorf("topics %v, problems %v", topics, problems)
	}
	w.writes()
	_, problems = a.Notify(ctxAll, NotifyInput{})
	w.noProblems(problems)
	w.wantWrites(map[string]int{"sns.SetTopicAttributes": 1, "events.PutRule": 1, "events.PutTargets": 1})
	if got := sids(t, w.policy(home)); len(got) != 3 {
		t.Errorf("the owner's statement is lost: %v", got)
	}
}

func TestAPolicyThatCannotBeReadStays(t *testing.T) {
	n := notifier{Actor: New(Options{}), region: home, account: testAccount, topic: testTopic}
	n.ensurePolicy(ctxAll, nil, `{"Statement":7}`)
	if len(n.problems) != 1 || !strings.Contains(n.problems[0].Error(), "leave the topic's policy as it is") {
		t.Errorf("problems %v", n.problems)
	}
}

// The path and query of a URL may hold a secret; logs have neither.
func TestSecretsOfEndpointsAreNotLogged(t *testing.T) {
	w := newWorld(t)
	a, log := w.actor()
	hook := config.Endpoint{Protocol: config.HTTPS, Address: "https://hooks.example.com/services/s3cret?token=t0ken"}
	w.notify(a, hook)
	w.clock.Advance(wiringTTL)
	w.notify(a, hook)
	text := log.text.String()
	if strings.Contains(text, "s3cret") || strings.Contains(text, "t0ken") || log.count("https://hooks.example.com/…") == 0 {
		t.Errorf("log:\n%s", text)
	}
	w.clock.Advance(wiringTTL)
	w.server.AddFault(localaws.Fault{Service: "sns", Operation: "Subscribe", Code: "AuthorizationError"})
	_, problems := a.Notify(ctxAll, NotifyInput{Regions: []string{home}, Endpoints: []config.Endpoint{{Protocol: config.HTTPS, Address: hook.Address + "2"}}})
	if len(problems) == 0 || strings.Contains(problems[0].Error(), "s3cret") {
		t.Errorf("problems %v", problems)
	}
}
