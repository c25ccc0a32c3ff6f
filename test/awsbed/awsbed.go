// Package awsbed is an embedded AWS on the network with a virtual clock, for the tests of the
// packages that write.
package awsbed

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// The deployment region, another one, and the account.
const (
	Home    = "eu-west-1"
	Other   = "us-east-1"
	Account = "123456789012"
)

// Time is when the virtual clock starts.
var Time = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// Names of what the program creates.
const (
	TopicName = "PersonalizeMonitorNotifications"
	RuleName  = "PersonalizeMonitor-NotificationsRule"
	TargetID  = "PersonalizeMonitorNotificationsId"
)

// Log is a log that several goroutines write.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *Log) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String is the log so far.
func (b *Log) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// Count counts the lines with all the parts.
func (b *Log) Count(parts ...string) int {
	n := 0
	for line := range strings.Lines(b.String()) {
		if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) }) {
			n++
		}
	}
	return n
}

// World is an AWS endpoint on the network with a virtual clock.
type World struct {
	T      *testing.T
	Clock  *model.VirtualClock
	Server *localaws.Server
	URL    string
	// Raw clients are the tests' own, without rate limits.
	Raw *awsapi.Clients
}

// New is a world with an empty account.
func New(t *testing.T) *World {
	t.Helper()
	return With(t, localaws.Estate{Account: Account})
}

// With is a world with the given inventory.
func With(t *testing.T, estate localaws.Estate) *World {
	t.Helper()
	clock := model.NewVirtualClock(Time)
	server, err := localaws.New(estate, localaws.WithClock(clock))
	if err != nil {
		t.Fatal(err)
	}
	return Around(t, clock, server, server)
}

// Around is a world whose requests go to the handler, which may pass them on to the server.
func Around(t *testing.T, clock *model.VirtualClock, server *localaws.Server, handler http.Handler) *World {
	t.Helper()
	ts := httptest.NewServer(handler)
	w := &World{T: t, Clock: clock, Server: server, URL: ts.URL}
	w.Raw = w.Clients()
	t.Cleanup(func() {
		w.Raw.Close()
		ts.Close()
	})
	return w
}

// Answering passes requests on to an embedded AWS, except those of one operation, which it
// answers itself without executing them.
func Answering(t *testing.T, target, answer string) *World {
	t.Helper()
	w := New(t)
	return Around(t, w.Clock, w.Server, http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") != target {
			w.Server.ServeHTTP(out, r)
			return
		}
		out.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = io.WriteString(out, answer)
	}))
}

// Clients are clients of a process of its own.
func (w *World) Clients() *awsapi.Clients {
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(Home, w.URL, Account, nil), Clock: w.Clock})
	w.T.Cleanup(clients.Close)
	return clients
}

// Writer is the writer of a process of its own, with its log from debug level on.
func (w *World) Writer(change ...func(*writer.Options)) (*writer.Writer, *Log) {
	log := &Log{}
	o := writer.Options{
		Clients: w.Clients(), Clock: w.Clock, DeploymentRegion: Home, Deployment: "cli",
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&o)
	}
	return writer.New(o), log
}

// DryRun is a change for Writer.
func DryRun(o *writer.Options) { o.DryRun = true }

// reads are the operations that change nothing.
var reads = []string{
	"cloudwatch.DescribeAlarms", "cloudwatch.ListTagsForResource", "sns.GetTopicAttributes", "sns.ListSubscriptionsByTopic",
	"events.DescribeRule", "events.ListTargetsByRule", "events.ListTagsForResource", "sts.GetCallerIdentity",
	"sns.ListTagsForResource", "cloudwatch.ListDashboards", "cloudwatch.GetDashboard",
	"cloudwatch.GetMetricData", "personalize.ListTagsForResource", "personalize.DescribeSolution",
}

// Writes are the writing calls since the last time, which are forgotten.
func (w *World) Writes() map[string]int {
	calls := w.Server.Calls()
	w.Server.ResetCalls()
	maps.DeleteFunc(calls, func(op string, _ int) bool { return slices.Contains(reads, op) })
	return calls
}

// WantWrites checks Writes.
func (w *World) WantWrites(want map[string]int) {
	w.T.Helper()
	if got := w.Writes(); !maps.Equal(got, want) {
		w.T.Errorf("writes %v, want %v", got, want)
	}
}

// Must ends the test on an error.
func (w *World) Must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

// NoProblems fails the test on each problem.
func (w *World) NoProblems(problems []model.Problem) {
	w.T.Helper()
	for _, p := range problems {
		w.T.Errorf("problem: %v", p)
	}
}

// Campaigns are n campaigns of a region, 30 days old, with a minimum above 1.
func Campaigns(region string, n int) []model.Resource {
	list := make([]model.Resource, n)
	for i := range list {
		name := fmt.Sprintf("c%03d", i)
		list[i] = model.Resource{
			ARN:  model.NewARN("aws", "personalize", region, Account, "campaign/"+name),
			Kind: model.Campaign, Name: name, Recipe: "aws-user-personalization", Status: model.StatusActive, MinTPS: 5,
			Created: Time.Add(-30 * 24 * time.Hour),
		}
	}
	return list
}

// Alarm reads an alarm of the home region.
func (w *World) Alarm(name string) cwtypes.MetricAlarm {
	w.T.Helper()
	out, err := w.Raw.CloudWatch(Home).DescribeAlarms(context.Background(), &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}})
	w.Must(err)
	if len(out.MetricAlarms) != 1 {
		w.T.Fatalf("alarm %s: %d found", name, len(out.MetricAlarms))
	}
	return out.MetricAlarms[0]
}

// SampleAlarms are the alarms that the upstream sample makes for a campaign.
func SampleAlarms(r model.Resource) []*cloudwatch.PutMetricAlarmInput {
	tags := []cwtypes.Tag{{Key: aws.String("CreatedBy"), Value: aws.String("PersonalizeMonitor")}}
	topic := []string{TopicIn(Home).String()}
	dimensions := []cwtypes.Dimension{{Name: aws.String("CampaignArn"), Value: aws.String(r.ARN.String())}}
	return []*cloudwatch.PutMetricAlarmInput{
		{
			AlarmName:        aws.String("PersonalizeMonitor-LowCampaignUtilization-" + r.Name),
			AlarmDescription: aws.String("Alarms when utilization falls below threshold indicating possible over provisioning condition"),
			ActionsEnabled:   aws.Bool(true), OKActions: topic, AlarmActions: topic, Dimensions: dimensions,
			Namespace: aws.String("PersonalizeMonitor"), MetricName: aws.String("campaignUtilization"), Statistic: cwtypes.StatisticAverage,
			Period: aws.Int32(300), EvaluationPeriods: aws.Int32(12), DatapointsToAlarm: aws.Int32(9), Threshold: aws.Float64(100),
			ComparisonOperator: cwtypes.ComparisonOperatorLessThanThreshold, TreatMissingData: aws.String("missing"), Tags: tags,
		},
		{
			AlarmName: aws.String("PersonalizeMonitor-IdleCampaign-" + r.Name),
			AlarmDescription: aws.String("Alarms when utilization is idle for continguous length of time " +
				"indicating potential abandoned campaign/recommender"),
			ActionsEnabled: aws.Bool(true), OKActions: topic, AlarmActions: topic, Dimensions: dimensions,
			Namespace: aws.String("AWS/Personalize"), MetricName: aws.String("GetRecommendations"), Statistic: cwtypes.StatisticSum,
			Period: aws.Int32(300), EvaluationPeriods: aws.Int32(288), Threshold: aws.Float64(0),
			ComparisonOperator: cwtypes.ComparisonOperatorLessThanOrEqualToThreshold, TreatMissingData: aws.String("breaching"), Tags: tags,
		},
	}
}

// TopicIn is the notification topic of a region.
func TopicIn(region string) model.ARN {
	return model.NewARN("aws", "sns", region, Account, TopicName)
}

// CreateTopic makes the topic as a person, or the upstream sample, would.
func (w *World) CreateTopic(region string) string {
	w.T.Helper()
	out, err := w.Raw.SNS(region).CreateTopic(context.Background(), &sns.CreateTopicInput{Name: aws.String(TopicName)})
	w.Must(err)
	return *out.TopicArn
}

// Policy reads the policy of the topic.
func (w *World) Policy(region string) string {
	w.T.Helper()
	out, err := w.Raw.SNS(region).GetTopicAttributes(context.Background(), &sns.GetTopicAttributesInput{
		TopicArn: aws.String(TopicIn(region).String()),
	})
	w.Must(err)
	return out.Attributes["Policy"]
}

// SetPolicy replaces the policy of the topic.
func (w *World) SetPolicy(region, policy string) {
	w.T.Helper()
	_, err := w.Raw.SNS(region).SetTopicAttributes(context.Background(), &sns.SetTopicAttributesInput{
		TopicArn: aws.String(TopicIn(region).String()), AttributeName: aws.String("Policy"), AttributeValue: aws.String(policy),
	})
	w.Must(err)
}

// SampleRule makes the rule as the upstream sample does, with its raw target.
func (w *World) SampleRule(region string, change func(*eventbridge.PutRuleInput, *types.Target)) {
	w.T.Helper()
	rule := &eventbridge.PutRuleInput{
		Name: aws.String(RuleName), EventPattern: aws.String(SamplePattern), State: types.RuleStateEnabled,
		Description: aws.String("Routes Personalize Monitor notifications to notification SNS topic"),
	}
	target := types.Target{Id: aws.String(TargetID), Arn: aws.String(w.CreateTopic(region))}
	if change != nil {
		change(rule, &target)
	}
	_, err := w.Raw.EventBridge(region).PutRule(context.Background(), rule)
	w.Must(err)
	w.PutTargets(region, target)
}

// PutTargets adds targets to the rule.
func (w *World) PutTargets(region string, targets ...types.Target) {
	w.T.Helper()
	_, err := w.Raw.EventBridge(region).PutTargets(context.Background(), &eventbridge.PutTargetsInput{
		Rule: aws.String(RuleName), Targets: targets,
	})
	w.Must(err)
}

// Rule reads the rule and its targets; nil if it does not exist.
func (w *World) Rule(region string) (*eventbridge.DescribeRuleOutput, map[string]types.Target) {
	w.T.Helper()
	rule, err := w.Raw.EventBridge(region).DescribeRule(context.Background(), &eventbridge.DescribeRuleInput{Name: aws.String(RuleName)})
	if err != nil {
		return nil, nil
	}
	out, err := w.Raw.EventBridge(region).ListTargetsByRule(context.Background(), &eventbridge.ListTargetsByRuleInput{
		Rule: aws.String(RuleName),
	})
	w.Must(err)
	targets := map[string]types.Target{}
	for _, t := range out.Targets {
		targets[*t.Id] = t
	}
	return rule, targets
}

// SamplePolicy is the policy that the upstream sample gives the topic.
func SamplePolicy(region string) string {
	return `{"Version":"2008-10-17","Id":"PublishPolicy","Statement":[{"Effect":"Allow","Principal":{"Service":` +
		`["cloudwatch.amazonaws.com","events.amazonaws.com"]},"Action":["sns:Publish"],"Resource":"` + TopicIn(region).String() + `"}]}`
}

// Dashboards are the names of those that exist, sorted.
func (w *World) Dashboards() []string {
	w.T.Helper()
	out, err := w.Raw.CloudWatch(Other).ListDashboards(context.Background(), &cloudwatch.ListDashboardsInput{})
	w.Must(err)
	var names []string
	for _, e := range out.DashboardEntries {
		names = append(names, aws.ToString(e.DashboardName))
	}
	return names
}

// SomeDashboard makes a dashboard, without tags if there are none.
func (w *World) SomeDashboard(name string, tags ...cwtypes.Tag) {
	w.T.Helper()
	_, err := w.Raw.CloudWatch(Home).PutDashboard(context.Background(), &cloudwatch.PutDashboardInput{
		DashboardName: &name, DashboardBody: aws.String(`{"widgets":[]}`), Tags: tags,
	})
	w.Must(err)
}

// OurDashboard makes a numbered dashboard of our series.
func (w *World) OurDashboard(name string) {
	w.T.Helper()
	w.SomeDashboard(name,
		cwtypes.Tag{Key: aws.String(writer.TagCreatedBy), Value: aws.String(writer.CreatedBy)},
		cwtypes.Tag{Key: aws.String(writer.TagDeployment), Value: aws.String("cli")},
		cwtypes.Tag{Key: aws.String("Dashboard"), Value: aws.String("Amazon-Personalize-Monitor")})
}

// SamplePattern is the pattern of the upstream sample's rule, as it writes it.
const SamplePattern = `{
	"detail-type": ["PersonalizeCampaignMinProvisionedTPSUpdated", "PersonalizeCampaignDeleted",
		"PersonalizeRecommenderMinRecommendationRPSUpdated", "PersonalizeRecommenderStopped"],
	"source": ["personalize.monitor"]
}`
