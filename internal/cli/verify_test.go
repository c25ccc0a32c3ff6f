package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/cli"
	"github.com/personalize-monitor/personalize-monitor/internal/demo"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/verify"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

// ownKey is the policy of a key that no service may use.
const ownKey = `{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:*", "Resource": "*"}]}`

// verified is an AWS that verify checks: with the estate of the demo, before anything monitors it.
type verified struct {
	*testing.T
	*localaws.Server
	url string
	raw *awsapi.Clients
}

func newVerified(t *testing.T, opts ...localaws.Option) *verified {
	t.Helper()
	estate := demo.Estate()
	estate.Monitored = 0
	estate.Regions[1].Keys = []localaws.EstateKey{{ID: "own-key", Alias: "alias/own", Policy: ownKey}}
	server, err := localaws.New(estate, opts...)
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(server)
	raw := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig("us-east-1", ts.URL, "LOCAL", nil), Clock: model.NewVirtualClock(time.Now())})
	t.Cleanup(func() { raw.Close(); ts.Close() })
	return &verified{t, server, ts.URL, raw}
}

func (v *verified) must(err error) {
	v.Helper()
	if err != nil {
		v.Fatal(err)
	}
}

// cli runs a command line in the regions of the estate.
func (v *verified) cli(ctx context.Context, args ...string) (code int, out, stderr string) {
	env := map[string]string{
		"AWS_ENDPOINT_URL": v.url, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1",
	}
	for name, value := range env {
		v.Setenv(name, value)
	}
	var stdout, errs bytes.Buffer
	code = cli.Run(ctx, append(args, "--regions", "us-east-1,eu-west-1"), "1.2.3", cli.Streams{
		Out: &stdout, Err: &errs, Env: func(name string) (string, bool) { value, ok := env[name]; return value, ok },
	})
	return code, stdout.String(), errs.String()
}

// findings runs verify, and returns the findings that are not OK: "STATUS check region: text".
func (v *verified) findings(args ...string) (code int, list []string) {
	v.Helper()
	code, out, _ := v.cli(context.Background(), append([]string{"verify", "--output", "json"}, args...)...)
	var result report.Verification
	v.must(json.Unmarshal([]byte(out), &result))
	for _, f := range result.Findings {
		if f.Status != verify.OK {
			list = append(list, fmt.Sprintf("%s %s %s: %s", f.Status, f.Check, f.Region, f.Text))
			if f.Remedy == "" {
				v.Errorf("no remedy for: %s", f.Text)
			}
		}
	}
	return code, list
}

// writes are the calls so far that are neither reads nor simulations.
func (v *verified) writes() (list []string) {
	for call := range v.Calls() {
		_, operation, _ := strings.Cut(call, ".")
		if !slices.ContainsFunc([]string{"List", "Get", "Describe", "Simulate"}, func(verb string) bool { return strings.HasPrefix(operation, verb) }) {
			list = append(list, call)
		}
	}
	return list
}

func TestVerifyFindsNothingInOrder(t *testing.T) {
	v := newVerified(t, localaws.WithAutoConfirm())
	if code, list := v.findings("--notification-endpoint", "ml@example.com"); code != cli.ExitDone || list != nil {
		t.Errorf("before the deployment: exit code %d, %q", code, list)
	}
	if code, _, stderr := v.cli(t.Context(), "run", "--notification-endpoint", "ml@example.com"); code != cli.ExitDone {
		t.Fatal(code, stderr)
	}
	v.ResetCalls()
	if code, list := v.findings("--notification-endpoint", "ml@example.com", "--for", "act"); code != cli.ExitDone || list != nil {
		t.Errorf("after it: exit code %d, %q", code, list)
	}
	if writes := v.writes(); writes != nil {
		t.Errorf("verify writes: %v", writes)
	}
}

// The topic for chats has permissions of its own, which count if it is wanted.
func TestVerifyChecksThePermissionsForChats(t *testing.T) {
	v := newVerified(t)
	simulated := func(args ...string) int {
		v.ResetCalls()
		v.findings(args...)
		return v.Calls()["iam.SimulatePrincipalPolicy"]
	}
	if without, with := simulated(), simulated("--chat-notifications", "yes"); with != without+1 {
		t.Errorf("%d simulations with the topic for chats, %d without", with, without)
	}
}

// One of each fault of what is deployed, each found once, and nothing else.
func TestVerifyFindsEachFault(t *testing.T) {
	v := newVerified(t)
	v.plant()
	v.ResetCalls()
	code, list := v.findings("--notification-endpoint", "https://ops.example.com/s3cret")
	if code != cli.ExitFailed {
		t.Errorf("exit code %d", code)
	}
	want := []string{
		"WARN quota us-east-1: 291 of 300 EventBridge rules (default quota)",
		"FAIL metrics eu-west-1: no metrics of ours in the last 3 hours",
		"FAIL metrics us-east-1: no metrics of ours in the last 3 hours",
		"FAIL topic eu-west-1: the topic's policy does not let alarms and events publish as it should",
		"FAIL topic us-east-1: the topic's policy does not let alarms and events publish as it should",
		"FAIL key eu-west-1: the policy of the topic's key does not let cloudwatch.amazonaws.com use it",
		"FAIL key eu-west-1: the policy of the topic's key does not let events.amazonaws.com use it",
		"FAIL key us-east-1: the topic is encrypted with a key of AWS, which CloudWatch and EventBridge cannot use",
		"WARN subscriber eu-west-1: https://ops.example.com/… is not subscribed, and gets nothing",
		"WARN subscriber us-east-1: Amazon Q Developer shows the alarms of this topic, and drops its texts about actions",
		"WARN subscriber us-east-1: ml@example.com has not confirmed, and gets nothing",
		"FAIL subscriber us-east-1: https://hooks.slack.com/… is a webhook of Slack, which can never confirm a subscription",
		"WARN subscriber us-east-1: https://ops.example.com/… is not subscribed, and gets nothing",
		"FAIL rule us-east-1: none of the 0 targets of the notification rule is the topic, so no action is reported",
		"WARN monitor : 2 monitors in the account: deployment cli (the dashboard Amazon-Personalize-Monitor); " +
			"stack us-east-1/shop (the topic in us-east-1)",
		"WARN version : stack us-east-1/shop is of version 1.0.0, this program of 1.2.3",
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if writes := v.writes(); writes != nil {
		t.Errorf("verify writes: %v", writes)
	}
	if list := v.denied("kms", "GetKeyPolicy"); !slices.ContainsFunc(list, func(f string) bool {
		return strings.HasPrefix(f, "not checked key eu-west-1: key of the topic: AccessDenied")
	}) {
		t.Errorf("with the key's policy denied: %q", list)
	}
}

// What the upstream sample left is one monitor more beside ours, or the only one.
func TestVerifyFindsTheUpstreamSample(t *testing.T) {
	v, ctx := newVerified(t, localaws.WithAutoConfirm()), context.Background()
	campaign := awsbed.Campaigns("eu-west-1", 1)[0]
	for _, alarm := range awsbed.SampleAlarms(campaign) {
		_, err := v.raw.CloudWatch("eu-west-1").PutMetricAlarm(ctx, alarm)
		v.must(err)
	}
	topic, err := v.raw.SNS("eu-west-1").CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String(awsbed.TopicName)})
	v.must(err)
	_, err = v.raw.SNS("eu-west-1").SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
		TopicArn: topic.TopicArn, AttributeName: aws.String("Policy"), AttributeValue: aws.String(awsbed.SamplePolicy("eu-west-1")),
	})
	v.must(err)
	const sample = "WARN monitor : the upstream sample is deployed here: alarms in eu-west-1, the topic in eu-west-1"
	const policy = "WARN topic eu-west-1: the topic has the upstream sample's policy, by which alarms of any account may publish"
	if _, list := v.findings(); !slices.Contains(list, sample) || !slices.Contains(list, policy) {
		t.Errorf("got %q", list)
	}
	_, err = v.raw.SNS("us-east-1").CreateTopic(ctx, &sns.CreateTopicInput{
		Name: aws.String(awsbed.TopicName), Tags: []snstypes.Tag{{Key: aws.String("Deployment"), Value: aws.String("us-east-1/shop")}},
	})
	v.must(err)
	if _, list := v.findings(); !slices.Contains(list, "WARN monitor : 2 monitors in the account: "+
		"the upstream sample (alarms in eu-west-1, the topic in eu-west-1); stack us-east-1/shop (the topic in us-east-1)") {
		t.Errorf("got %q", list)
	}
}

// denied are the findings while an operation is denied.
func (v *verified) denied(service, operation string) []string {
	v.AddFault(localaws.Fault{Service: service, Operation: operation, Code: "AccessDeniedException", Message: "no"})
	defer v.ClearFaults()
	_, list := v.findings()
	return list
}

// plant makes one of each fault.
func (v *verified) plant() {
	ctx, home, other := context.Background(), v.raw.SNS("us-east-1"), v.raw.SNS("eu-west-1")
	topic := func(client *sns.Client, key string, tags ...snstypes.Tag) *string {
		out, err := client.CreateTopic(ctx, &sns.CreateTopicInput{
			Name: aws.String("PersonalizeMonitorNotifications"), Tags: tags, Attributes: map[string]string{"KmsMasterKeyId": key},
		})
		v.must(err)
		return out.TopicArn
	}
	topic(other, "alias/own")
	arn := topic(home, "alias/aws/sns", snstypes.Tag{Key: aws.String("CreatedBy"), Value: aws.String("PersonalizeMonitor")},
		snstypes.Tag{Key: aws.String("Deployment"), Value: aws.String("us-east-1/shop")},
		snstypes.Tag{Key: aws.String("Version/us-east-1/shop"), Value: aws.String("1.0.0")},
		snstypes.Tag{Key: aws.String("Serving/old"), Value: aws.String("host-1 2026-01-01T00:00:00Z")})
	subscribe := func(protocol, endpoint string) {
		_, err := home.Subscribe(ctx, &sns.SubscribeInput{TopicArn: arn, Protocol: &protocol, Endpoint: &endpoint})
		v.must(err)
	}
	subscribe("https", "https://global.sns-api.chatbot.amazonaws.com")
	v.ConfirmAll()
	subscribe("email", "ml@example.com")
	subscribe("https", "https://hooks.slack.com/services/s3cret")
	bus := v.raw.EventBridge("us-east-1")
	for i := range 291 {
		name := fmt.Sprintf("other-%d", i)
		if i == 0 {
			name = "PersonalizeMonitor-NotificationsRule"
		}
		_, err := bus.PutRule(ctx, &eventbridge.PutRuleInput{Name: &name, EventPattern: aws.String(`{"source":["personalize.monitor"]}`)})
		v.must(err)
	}
	_, err := v.raw.CloudWatch("us-east-1").PutDashboard(ctx, &cloudwatch.PutDashboardInput{
		DashboardName: aws.String("Amazon-Personalize-Monitor"), DashboardBody: aws.String(`{"widgets":[]}`),
		Tags: []cwtypes.Tag{{Key: aws.String("Deployment"), Value: aws.String("cli")}},
	})
	v.must(err)
}

// Interrupted, verify ends at once, and prints no half of a result.
func TestVerifyIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var hanging atomic.Int32
	v := newVerified(t, localaws.WithObserver(func(o localaws.Observed) {
		if o.Fault != nil && hanging.Add(1) == 2 { // one in each region
			cancel()
		}
	}))
	v.AddFault(localaws.Fault{Operation: "GetTopicAttributes", Kind: localaws.Hang})
	code, out, stderr := v.cli(ctx, "verify")
	if code != cli.ExitFailed || out != "" || !strings.HasPrefix(stderr, "personalize-monitor: interrupted") {
		t.Errorf("exit code %d, %q, %q", code, out, stderr)
	}
}
