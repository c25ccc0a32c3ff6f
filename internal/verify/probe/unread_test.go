package probe_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/inventory"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/permissions"
	"github.com/personalize-monitor/personalize-monitor/internal/traffic"
	"github.com/personalize-monitor/personalize-monitor/internal/verify"
	"github.com/personalize-monitor/personalize-monitor/internal/verify/probe"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

// findings checks a world as a process of its own.
func findings(t *testing.T, w *awsbed.World) []verify.Finding {
	t.Helper()
	wr, _ := w.Writer()
	facts, err := probe.Facts(t.Context(), probe.Options{
		Writer: wr, Meter: traffic.New(traffic.Options{Clients: wr.Clients, Clock: w.Clock}),
		List: inventory.New(inventory.Options{Clients: wr.Clients, Clock: w.Clock}).List, Progress: func(string, int, int) {},
		Use: "run", Version: "1", Regions: []string{awsbed.Home, awsbed.Other}, Dashboard: "Amazon-Personalize-Monitor",
		Statements: func(account, partition string) []permissions.Statement {
			return permissions.For(permissions.Run, permissions.Options{Account: account, Partition: partition, Region: awsbed.Home})
		},
	})
	w.Must(err)
	return verify.Findings(facts)
}

// deployed is a world in which everything is in order, with something of ours of each kind.
func deployed(t *testing.T) *awsbed.World {
	t.Helper()
	group := localaws.EstateDatasetGroup{Name: "shop", Campaigns: []localaws.EstateCampaign{{
		EstateEndpoint: localaws.EstateEndpoint{Name: "home", Recipe: "aws-sims"},
	}}}
	region := func(name string) localaws.EstateRegion {
		return localaws.EstateRegion{Name: name, DatasetGroups: []localaws.EstateDatasetGroup{group}}
	}
	home := region(awsbed.Home)
	home.Keys = []localaws.EstateKey{{ID: "own-key", Policy: `{"Statement":[{"Effect":"Allow","Principal":` +
		`{"Service":["cloudwatch.amazonaws.com","events.amazonaws.com"]},"Action":"kms:*","Resource":"*"}]}`}}
	w := awsbed.With(t, localaws.Estate{
		Account: awsbed.Account, Monitored: 24 * time.Hour, MonitorRegion: awsbed.Home, Regions: []localaws.EstateRegion{home, region(awsbed.Other)},
	})
	wr, _ := w.Writer(func(o *writer.Options) { o.Version = "1" })
	_, problems := notify.New(wr, writer.NewOwner(wr, writer.Identity{})).Ensure(t.Context(), notify.Input{
		Regions: []string{awsbed.Other}, Chat: true, Endpoints: []config.Endpoint{{Protocol: config.Email, Address: "ml@example.com"}},
	})
	w.NoProblems(problems)
	_, err := w.Raw.SNS(awsbed.Home).Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: aws.String(notify.ChatTopic(awsbed.TopicIn(awsbed.Home)).String()), Protocol: aws.String("https"),
		Endpoint: aws.String("https://global.sns-api.chatbot.amazonaws.com"),
	})
	w.Must(err)
	_, err = w.Raw.SNS(awsbed.Home).SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{
		TopicArn: aws.String(awsbed.TopicIn(awsbed.Home).String()), AttributeName: aws.String("KmsMasterKeyId"), AttributeValue: aws.String("own-key"),
	})
	w.Must(err)
	w.Server.ConfirmAll()
	w.OurDashboard("Amazon-Personalize-Monitor")
	alarm := awsbed.SampleAlarms(awsbed.Campaigns(awsbed.Home, 1)[0])[0]
	alarm.AlarmDescription, alarm.Tags = nil, writer.TagList(wr.OwnTags(), writer.CloudWatchTag)
	_, err = w.Raw.CloudWatch(awsbed.Home).PutMetricAlarm(t.Context(), alarm)
	w.Must(err)
	return w
}

// owners are the calls by which other monitors are found.
var owners = []string{
	"cloudwatch.DescribeAlarms", "cloudwatch.ListDashboards", "cloudwatch.ListTagsForResource", "events.DescribeRule", "events.ListTagsForResource",
	"sns.GetTopicAttributes", "sns.ListTagsForResource",
}

// Whatever cannot be read is reported, whichever call it is: unknown is never taken for in order.
func TestEveryReadThatFailsIsReported(t *testing.T) {
	w := deployed(t)
	w.Server.ResetCalls()
	for _, f := range findings(t, w) {
		if f.Status != verify.OK {
			t.Errorf("in order, and found %+v", f)
		}
	}
	calls := w.Server.Calls()
	if len(calls) < 20 {
		t.Errorf("only %d operations are called: %v", len(calls), calls)
	}
	for call := range calls {
		service, operation, _ := strings.Cut(call, ".")
		code := "InternalFailure"
		if service == "personalize" && operation != "ListCampaigns" && operation != "ListRecommenders" {
			code = "AccessDenied" // called for the permission alone; after another failure IAM has the answer
		}
		w.Server.AddFault(localaws.Fault{Service: service, Operation: operation, Code: code})
		found := findings(t, w)
		if slices.Contains(owners, call) && !slices.ContainsFunc(found, func(f verify.Finding) bool {
			return f.Check == verify.CheckMonitor && f.Status == verify.Unchecked
		}) {
			t.Errorf("%s fails, and whether there are other monitors is known: %+v", call, found)
		}
		if !slices.ContainsFunc(found, func(f verify.Finding) bool { return f.Status == verify.Fail || f.Status == verify.Unchecked }) {
			t.Errorf("%s fails with %s, and everything is OK", call, code)
		}
		w.Server.ClearFaults()
	}
}

// Where a region does not answer, whether a monitor is there is not known; where it is not enabled, none is.
func TestOtherMonitorsInARegionThatIsNotRead(t *testing.T) {
	for code, want := range map[string]verify.Status{"ThrottlingException": verify.Unchecked, "UnrecognizedClientException": verify.OK} {
		w := deployed(t)
		w.Server.AddFault(localaws.Fault{Service: "personalize", Region: awsbed.Other, Code: code, Status: 403})
		found := findings(t, w)
		last := slices.DeleteFunc(found, func(f verify.Finding) bool { return f.Check != verify.CheckMonitor })
		if len(last) == 0 || last[len(last)-1].Status != want {
			t.Errorf("%s: found %+v", code, last)
		}
	}
}

// A stack in another region, which found everything of its own made by the first, is found by what it has recorded there.
func TestASecondStackWithoutThingsOfItsOwn(t *testing.T) {
	w := deployed(t)
	_, err := w.Raw.SNS(awsbed.Other).TagResource(t.Context(), &sns.TagResourceInput{
		ResourceArn: aws.String(awsbed.TopicIn(awsbed.Other).String()),
		Tags:        []snstypes.Tag{{Key: aws.String(notify.VersionKey(awsbed.Other + "/second")), Value: aws.String("1")}},
	})
	w.Must(err)
	onlyFinding(t, w, "WARN monitor: 2 monitors in the account: deployment cli (")
}

// What a person changed so that it no longer works is found: each alone, and nothing else.
func TestWhatAPersonChanged(t *testing.T) {
	w := deployed(t)
	bus, topic := w.Raw.EventBridge(awsbed.Home), awsbed.TopicIn(awsbed.Home)
	chats := notify.ChatTopic(topic).String()
	own, err := bus.ListTargetsByRule(t.Context(), &eventbridge.ListTargetsByRuleInput{Rule: aws.String(notify.RuleName)})
	w.Must(err)
	put := func(targets ...ebtypes.Target) {
		_, err := bus.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String(notify.RuleName), Targets: targets})
		w.Must(err)
	}
	text := &ebtypes.InputTransformer{InputPathsMap: map[string]string{"x": "$.detail.X"}, InputTemplate: aws.String(`"<x>"`)}
	for want, target := range map[string]ebtypes.Target{
		"WARN rule: the notification rule sends a text that a person set": {
			Id: aws.String(notify.TargetID), Arn: aws.String(topic.String()), InputTransformer: text,
		},
		"WARN rule: the notification rule sends raw JSON":                                 {Id: aws.String(notify.TargetID), Arn: aws.String(topic.String())},
		"WARN rule: the notification rule sends to the topic for chats what a person set": {Id: aws.String(notify.ChatTargetID), Arn: &chats, InputTransformer: text},
		"FAIL rule: none of the 2 targets of the notification rule is the topic":          {Id: aws.String(notify.TargetID), Arn: &chats, InputTransformer: text},
	} {
		put(target)
		onlyFinding(t, w, want)
		put(own.Targets...)
	}
	attributes, err := w.Raw.SNS(awsbed.Home).GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: aws.String(topic.String())})
	w.Must(err)
	denial := `{"Sid":"No","Effect":"Deny","Principal":"*","Action":"SNS:Publish","Resource":"` + topic.String() +
		`","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}},`
	_, err = w.Raw.SNS(awsbed.Home).SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{
		TopicArn: aws.String(topic.String()), AttributeName: aws.String("Policy"),
		AttributeValue: aws.String(strings.Replace(attributes.Attributes["Policy"], `"Statement":[`, `"Statement":[`+denial, 1)),
	})
	w.Must(err)
	onlyFinding(t, w, "not checked topic: a statement of the topic's policy may keep cloudwatch.amazonaws.com from publishing")
}

// onlyFinding checks that one finding alone is not OK, by the beginning of "STATUS check: text".
func onlyFinding(t *testing.T, w *awsbed.World, want string) {
	t.Helper()
	var got []string
	for _, f := range findings(t, w) {
		if f.Status != verify.OK {
			got = append(got, string(f.Status)+" "+string(f.Check)+": "+f.Text)
		}
	}
	if len(got) != 1 || !strings.HasPrefix(got[0], want) {
		t.Errorf("found %q, want %q", got, want)
	}
}
