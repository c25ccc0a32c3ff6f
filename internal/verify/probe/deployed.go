package probe

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/verify"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// traces are the deployments found so far. It is safe for concurrent use.
type traces struct {
	mu      sync.Mutex
	byName  map[string]*verify.Deployment
	failure verify.Failure // why there may be more: the first one
}

// miss notes that something could not be read; nothing without an error.
func (t *traces) miss(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil && t.failure.Kind == verify.Read {
		t.failure = FailureOf(err)
	}
}

func (t *traces) change(name string, change func(*verify.Deployment)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byName[name] == nil {
		t.byName[name] = &verify.Deployment{Name: name}
	}
	change(t.byName[name])
}

// record notes what the tags of a region's topic have of deployments. Those of a daemon whose deployment region was
// another one stay there: its version is that of the topic with its latest tick.
func (t *traces) record(leases map[string]notify.Lease, versions map[string]string) {
	for _, name := range slices.AppendSeq(slices.Collect(maps.Keys(leases)), maps.Keys(versions)) {
		tick, version := leases[name].Tick, versions[name]
		t.change(name, func(d *verify.Deployment) {
			if version != "" && (d.Version == "" || tick.After(d.Served)) {
				d.Version = version
			}
			d.Served = model.Later(d.Served, tick)
		})
	}
}

func (t *traces) list() []verify.Deployment {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []verify.Deployment
	for _, d := range t.byName {
		slices.Sort(d.Traces)
		list = append(list, *d)
	}
	slices.SortFunc(list, func(a, b verify.Deployment) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// trace notes something that a deployment left, by its tags, and returns these; nil if they could not be
// read, which is noted, or if it is gone. What has no owner is the upstream sample's, if sample is set, or
// else no monitor's.
func (r *reading) trace(ctx context.Context, region, arn string, sample bool, what string) writer.Tags {
	tags, err := r.Writer.ReadTags(ctx, region, arn)
	if err != nil {
		if awsapi.KindOf(err) != awsapi.NotFound {
			r.found.miss(err)
		}
		return nil
	}
	name := tags[writer.TagDeployment]
	if name != "" || sample && (tags[writer.TagCreatedBy] == "" || tags.Ours()) {
		r.found.change(name, func(d *verify.Deployment) {
			if !slices.Contains(d.Traces, what) {
				d.Traces = append(d.Traces, what)
			}
		})
	}
	return tags
}

// topic reads a topic of a region, with its subscribers and key. By the tags of a notification topic it notes
// who works in the account.
func (r *reading) topic(ctx context.Context, region string, arn model.ARN) verify.Topic {
	t := verify.Topic{ARN: arn.String()}
	client := r.Writer.Clients.SNS(region)
	out, err := client.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &t.ARN})
	if t.Failure = FailureOf(err); err != nil {
		if t.Failure.Kind != verify.Missing {
			r.found.miss(err)
		}
		return t
	}
	policy := out.Attributes["Policy"]
	t.Policy, err = notify.PolicyInOrder(policy, arn, arn.Account())
	t.PolicyFailure, t.Sample, t.Document = FailureOf(err), notify.SampleTopic(policy, arn), policy
	t.Key = r.key(ctx, region, out.Attributes["KmsMasterKeyId"])
	subscriptions, err := awsapi.ReadAll(func(token *string) (*sns.ListSubscriptionsByTopicOutput, error) {
		return client.ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: &t.ARN, NextToken: token})
	}, func(o *sns.ListSubscriptionsByTopicOutput) ([]snstypes.Subscription, *string) {
		return o.Subscriptions, o.NextToken
	})
	t.ListFailure = FailureOf(err)
	for _, s := range subscriptions {
		t.Subscribers = append(t.Subscribers, verify.Subscriber{
			Endpoint: config.Endpoint{Protocol: config.Protocol(aws.ToString(s.Protocol)), Address: aws.ToString(s.Endpoint)},
			State:    subscriberState(aws.ToString(s.SubscriptionArn)),
		})
	}
	tags := r.trace(ctx, region, t.ARN, t.Sample, "the topic in "+region)
	if arn.Resource() == notify.TopicName { // in the deployment region of each
		r.found.record(notify.Leases(tags), notify.Versions(tags))
	}
	return t
}

// subscriberState reads what SNS lists as the ARN of a subscription: a word, if nothing is sent.
func subscriberState(arn string) verify.SubscriberState {
	switch {
	case strings.HasPrefix(arn, "arn:"):
		return verify.Confirmed
	case arn == "Deleted":
		return verify.Deleted
	}
	return verify.Pending
}

// awsAlias begins the aliases of the keys that AWS manages.
const awsAlias = "alias/aws/"

// key reads the KMS key of a topic. The alias of a key of AWS is enough to know it.
func (r *reading) key(ctx context.Context, region, name string) verify.Key {
	key := verify.Key{Name: name, AWS: strings.Contains(name, awsAlias)}
	if name == "" || key.AWS {
		return key
	}
	client := kms.NewFromConfig(r.Writer.Clients.ConfigFor(region))
	described, err := client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &name})
	if err != nil || described.KeyMetadata == nil {
		key.Failure = FailureOf(err)
		return key
	}
	metadata := described.KeyMetadata
	key.AWS = metadata.KeyManager == kmstypes.KeyManagerTypeAws
	key.Off = metadata.KeyState != kmstypes.KeyStateEnabled
	if key.AWS || key.Off {
		return key
	}
	policy, err := client.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: metadata.Arn, PolicyName: aws.String("default")})
	if key.Failure = FailureOf(err); err == nil {
		key.Policy = aws.ToString(policy.Policy)
	}
	return key
}

func (r *reading) rule(ctx context.Context) verify.Rule {
	described, err := notify.DescribeRule(ctx, r.Writer, r.home)
	switch {
	case err != nil:
		r.found.miss(err)
		return verify.Rule{Failure: FailureOf(err)}
	case described == nil:
		return verify.Rule{Failure: verify.Failure{Kind: verify.Missing, Text: "the rule does not exist"}}
	}
	rule := verify.Rule{
		ARN: aws.ToString(described.Arn), Disabled: described.State == ebtypes.RuleStateDisabled, Known: notify.KnownPattern(described),
	}
	targets, err := notify.ListTargets(ctx, r.Writer, r.home)
	rule.TargetsFailure = FailureOf(err)
	for _, t := range targets {
		rule.Targets = append(rule.Targets, verify.Target{ARN: aws.ToString(t.Arn), Sends: messageOf(t)})
	}
	r.trace(ctx, r.home, rule.ARN, notify.SampleRule(described), "the notification rule")
	return rule
}

func messageOf(t ebtypes.Target) verify.Message {
	switch {
	case notify.SendsText(t):
		return verify.MessageText
	case notify.SendsChat(t):
		return verify.MessageChat
	case notify.SendsRaw(t):
		return verify.MessageRaw
	}
	return verify.MessageOther
}

// taggedAlarms bounds the alarms of a region whose tags are read.
const taggedAlarms = 3

// alarms counts the metric alarms of a region, and looks whose some of the program's are.
func (r *reading) alarms(ctx context.Context, region string) verify.Count {
	all, err := awsapi.ReadAll(func(token *string) (*cloudwatch.DescribeAlarmsOutput, error) {
		in := &cloudwatch.DescribeAlarmsInput{MaxRecords: aws.Int32(awsapi.MaxAlarmPage), NextToken: token}
		return r.Writer.Clients.CloudWatch(region).DescribeAlarms(ctx, in)
	}, func(o *cloudwatch.DescribeAlarmsOutput) ([]cwtypes.MetricAlarm, *string) {
		return o.MetricAlarms, o.NextToken
	})
	r.found.miss(err)
	read := 0
	for _, alarm := range all {
		if strings.HasPrefix(aws.ToString(alarm.AlarmName), alarms.Prefix) && read < taggedAlarms {
			read++
			r.trace(ctx, region, aws.ToString(alarm.AlarmArn), alarms.SampleDescription(aws.ToString(alarm.AlarmDescription)), "alarms in "+region)
		}
	}
	return verify.Count{N: len(all), Failure: FailureOf(err)}
}

func (r *reading) countRules(ctx context.Context) verify.Count {
	all, err := awsapi.ReadAll(func(token *string) (*eventbridge.ListRulesOutput, error) {
		return r.Writer.Clients.EventBridge(r.home).ListRules(ctx, &eventbridge.ListRulesInput{NextToken: token})
	}, func(o *eventbridge.ListRulesOutput) ([]ebtypes.Rule, *string) { return o.Rules, o.NextToken })
	return verify.Count{N: len(all), Failure: FailureOf(err)}
}

// dashboards counts the dashboards of the account, and looks whose the first of ours is.
func (r *reading) dashboards(ctx context.Context) verify.Count {
	all, err := awsapi.ReadAll(func(token *string) (*cloudwatch.ListDashboardsOutput, error) {
		return r.Writer.Clients.CloudWatch(r.home).ListDashboards(ctx, &cloudwatch.ListDashboardsInput{NextToken: token})
	}, func(o *cloudwatch.ListDashboardsOutput) ([]cwtypes.DashboardEntry, *string) {
		return o.DashboardEntries, o.NextToken
	})
	r.found.miss(err)
	for _, d := range all {
		if aws.ToString(d.DashboardName) == r.Dashboard {
			r.trace(ctx, r.home, aws.ToString(d.DashboardArn), false, "the dashboard "+r.Dashboard)
		}
	}
	return verify.Count{N: len(all), Failure: FailureOf(err)}
}
