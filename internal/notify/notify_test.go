package notify

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

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

const (
	home        = awsbed.Home
	other       = awsbed.Other
	testAccount = awsbed.Account
)

var (
	testTime  = awsbed.Time
	testTopic = awsbed.TopicIn(home)
	ctxAll    = context.Background()
)

// world is the AWS of a test.
type world struct{ *awsbed.World }

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{awsbed.New(t)}
}

func (w *world) actor(change ...func(*writer.Options)) (*Notifier, *awsbed.Log) {
	wr, log := w.Writer(change...)
	return New(wr, writer.NewOwner(wr, writer.Identity{})), log
}

var (
	mail = config.Endpoint{Protocol: config.Email, Address: "ops@example.com"}
	hook = config.Endpoint{Protocol: config.HTTPS, Address: "https://hooks.example.com/x"}
)

// notify runs Notify for the two regions, and must succeed.
func (w *world) notify(a *Notifier, endpoints ...config.Endpoint) map[string]model.ARN {
	w.T.Helper()
	topics, problems := a.Ensure(ctxAll, Input{Regions: []string{other, home}, Endpoints: endpoints})
	w.NoProblems(problems)
	want := map[string]model.ARN{home: awsbed.TopicIn(home), other: awsbed.TopicIn(other)}
	if !maps.Equal(topics, want) {
		w.T.Errorf("topics %v, want %v", topics, want)
	}
	return topics
}

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
	w.WantWrites(map[string]int{
		"sns.CreateTopic": 2, "sns.SetTopicAttributes": 2, "sns.Subscribe": 4, "events.PutRule": 1, "events.PutTargets": 1,
	})
	for _, region := range []string{home, other} {
		if got := sids(t, w.Policy(region)); len(got) != 3 || !slices.Equal(got[1:], []string{sidAlarms, sidEvents}) {
			t.Errorf("%s: statements %v, want the owner's and ours", region, got)
		}
	}
	tags, err := w.Raw.SNS(home).ListTagsForResource(ctxAll, &sns.ListTagsForResourceInput{ResourceArn: aws.String(testTopic.String())})
	w.Must(err)
	if len(tags.Tags) != 2 {
		t.Errorf("tags %v", tags.Tags)
	}

	// The same process asks nothing for an hour, another one only reads.
	w.Server.ResetCalls()
	w.notify(a, mail, hook)
	if calls := w.Server.Calls(); len(calls) != 0 {
		t.Errorf("calls within the hour: %v", calls)
	}
	w.Clock.Advance(checkTTL)
	w.notify(a, mail, hook)
	if calls := w.Server.Calls(); calls["sns.GetTopicAttributes"] != 2 || calls["sts.GetCallerIdentity"] != 0 {
		t.Errorf("calls after the hour: %v", calls)
	}
	b, _ := w.actor()
	w.notify(b, mail, hook)
	w.WantWrites(map[string]int{})
	w.notify(a, mail, hook, config.Endpoint{Protocol: config.Email, Address: "dev@example.com"})
	w.WantWrites(map[string]int{"sns.Subscribe": 2})
}

func TestADryRunOfNotifyReadsOnlyAndStillNamesTheTopics(t *testing.T) {
	w := newWorld(t)
	dry, log := w.actor(awsbed.DryRun)
	w.notify(dry, mail)
	w.WantWrites(map[string]int{})
	for _, op := range []string{"CreateTopic", "SetTopicAttributes", "Subscribe", "PutRule", "PutTargets"} {
		if log.Count("dry run, would write", "op="+op+" ", home) != 1 {
			t.Errorf("%s is not logged", op)
		}
	}
	a, _ := w.actor()
	w.notify(a, mail)
	w.Writes()
	w.notify(dry, mail)
	w.WantWrites(map[string]int{})
}

func TestChinaHasARNsOfItsOwn(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor(func(o *writer.Options) { o.DeploymentRegion = "cn-north-1" })
	topics, problems := a.Ensure(ctxAll, Input{})
	w.NoProblems(problems)
	if got := topics["cn-north-1"].String(); got != "arn:aws-cn:sns:cn-north-1:123456789012:"+TopicName {
		t.Errorf("got %s", got)
	}
}

func TestTheSamplesPolicyIsReplacedAndPeoplesStay(t *testing.T) {
	w := newWorld(t)
	w.CreateTopic(home)
	w.SetPolicy(home, policyOf(formerStatement, othersStatement))
	w.Writes()
	a, _ := w.actor()
	w.notify(a)
	if got := sids(t, w.Policy(home)); !slices.Equal(got, []string{"theirs", sidAlarms, sidEvents}) {
		t.Errorf("statements %v", got)
	}
}

func TestSubscriptionsAreMadeOnce(t *testing.T) {
	w := newWorld(t)
	topic := w.CreateTopic(home)
	// A subscription that waits to be confirmed, in another case.
	_, err := w.Raw.SNS(home).Subscribe(ctxAll, &sns.SubscribeInput{
		TopicArn: aws.String(topic), Protocol: aws.String("email"), Endpoint: aws.String("OPS@example.com"),
	})
	w.Must(err)
	w.Writes()
	a, log := w.actor()
	topics, problems := a.Ensure(ctxAll, Input{Endpoints: []config.Endpoint{mail}})
	w.NoProblems(problems)
	if topics[home] != testTopic {
		t.Errorf("topics %v", topics)
	}
	w.WantWrites(map[string]int{"sns.SetTopicAttributes": 1, "events.PutRule": 1, "events.PutTargets": 1})
	w.Clock.Advance(checkTTL)
	_, problems = a.Ensure(ctxAll, Input{Endpoints: []config.Endpoint{mail}})
	w.NoProblems(problems)
	if warn, debug := log.Count("level=WARN", "subscription is not confirmed yet"), log.Count("level=DEBUG", "subscription is not confirmed yet"); warn != 1 || debug != 1 {
		t.Errorf("pending is logged %d times at warn and %d times at debug", warn, debug)
	}
}

func TestSubscriptionsAreReadToTheLastPage(t *testing.T) {
	w := newWorld(t)
	topic := w.CreateTopic(home)
	for i := range 101 {
		_, err := w.Raw.SNS(home).Subscribe(ctxAll, &sns.SubscribeInput{
			TopicArn: aws.String(topic), Protocol: aws.String("email"), Endpoint: aws.String("a" + strings.Repeat("x", i) + "@example.com"),
		})
		w.Must(err)
	}
	w.Writes()
	a, _ := w.actor()
	var endpoints []config.Endpoint
	for i := range 101 {
		endpoints = append(endpoints, config.Endpoint{Protocol: config.Email, Address: "a" + strings.Repeat("x", i) + "@example.com"})
	}
	_, problems := a.Ensure(ctxAll, Input{Endpoints: endpoints})
	w.NoProblems(problems)
	if writes := w.Writes(); writes["sns.Subscribe"] != 0 {
		t.Errorf("writes %v", writes)
	}
}

func TestOneRegionsTroubleCostsTheOthersNothing(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.Server.AddFault(localaws.Fault{Service: "sns", Region: other, Code: "AuthorizationError", Message: "not authorized"})
	topics, problems := a.Ensure(ctxAll, Input{Regions: []string{home, other}, Endpoints: []config.Endpoint{mail}})
	if !maps.Equal(topics, map[string]model.ARN{home: testTopic}) {
		t.Errorf("topics %v", topics)
	}
	if len(problems) != 1 || problems[0].Region != other || problems[0].ARN != awsbed.TopicIn(other).String() || problems[0].Operation != "GetTopicAttributes" ||
		!strings.HasPrefix(problems[0].Err.Error(), "look for the notification topic: AuthorizationError: not authorized") {
		t.Errorf("problems %v", problems)
	}
	w.Server.ClearFaults()
	w.notify(a, mail)

	// Later trouble does not take a topic away that was there.
	w.Server.AddFault(localaws.Fault{Service: "sns", Region: other, Code: "AuthorizationError"})
	w.Clock.Advance(checkTTL)
	topics, problems = a.Ensure(ctxAll, Input{Regions: []string{home, other}, Endpoints: []config.Endpoint{mail}})
	if len(topics) != 2 || len(problems) != 1 {
		t.Errorf("topics %v, problems %v", topics, problems)
	}
	w.Server.ResetCalls()
	_, _ = a.Ensure(ctxAll, Input{Regions: []string{home, other}, Endpoints: []config.Endpoint{mail}})
	if calls := w.Server.Calls(); calls["sns.GetTopicAttributes"] != 1 {
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
			w.Server.AddFault(localaws.Fault{Service: "sns", Operation: tt.operation, Skip: tt.skip, Code: "AuthorizationError", Message: "no"})
			topics, problems := a.Ensure(ctxAll, Input{Endpoints: []config.Endpoint{mail}})
			if (len(topics) == 1) != tt.topic {
				t.Errorf("topics %v", topics)
			}
			if len(problems) != 1 || problems[0].Operation != tt.operation || problems[0].ARN != testTopic.String() {
				t.Errorf("problems %v", problems)
			}
			w.Server.ClearFaults()
			topics, problems = a.Ensure(ctxAll, Input{Endpoints: []config.Endpoint{mail}})
			w.NoProblems(problems)
			if len(topics) != 1 {
				t.Errorf("afterwards: topics %v", topics)
			}
			w.Writes()
			w.Clock.Advance(2 * time.Hour)
			_, _ = a.Ensure(ctxAll, Input{Endpoints: []config.Endpoint{mail}})
			w.WantWrites(map[string]int{})
		})
	}
}

func TestATopicThatCannotBeReadYetWaits(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.Server.AddFault(localaws.Fault{Service: "sns", Operation: "GetTopicAttributes", Skip: 1, Times: 1, Code: "NotFound", Status: 404})
	topics, problems := a.Ensure(ctxAll, Input{})
	if len(topics) != 0 || len(problems) != 1 || !strings.Contains(problems[0].Error(), "cannot be read yet") {
		t.Errorf("topics %v, problems %v", topics, problems)
	}
	w.Writes()
	_, problems = a.Ensure(ctxAll, Input{})
	w.NoProblems(problems)
	w.WantWrites(map[string]int{"sns.SetTopicAttributes": 1, "events.PutRule": 1, "events.PutTargets": 1})
	if got := sids(t, w.Policy(home)); len(got) != 3 {
		t.Errorf("the owner's statement is lost: %v", got)
	}
}

func TestAPolicyThatCannotBeReadStays(t *testing.T) {
	n := &setup{w: writer.New(writer.Options{}), region: home, account: testAccount, topic: testTopic}
	n.ensurePolicy(ctxAll, `{"Statement":7}`)
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
	w.Clock.Advance(checkTTL)
	w.notify(a, hook)
	text := log.String()
	if strings.Contains(text, "s3cret") || strings.Contains(text, "t0ken") || log.Count("https://hooks.example.com/…") == 0 {
		t.Errorf("log:\n%s", text)
	}
	w.Clock.Advance(checkTTL)
	w.Server.AddFault(localaws.Fault{Service: "sns", Operation: "Subscribe", Code: "AuthorizationError"})
	_, problems := a.Ensure(ctxAll, Input{Regions: []string{home}, Endpoints: []config.Endpoint{{Protocol: config.HTTPS, Address: hook.Address + "2"}}})
	if len(problems) == 0 || strings.Contains(problems[0].Error(), "s3cret") {
		t.Errorf("problems %v", problems)
	}
}
