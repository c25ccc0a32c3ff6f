package probe_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

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
		if !slices.ContainsFunc(findings(t, w), func(f verify.Finding) bool { return f.Status == verify.Fail || f.Status == verify.Unchecked }) {
			t.Errorf("%s fails with %s, and everything is OK", call, code)
		}
		w.Server.ClearFaults()
	}
}
