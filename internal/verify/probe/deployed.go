package probe

import (
	"cmp"
	"context"
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

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
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

// miss notes that something could not be read.
func (t *traces) miss(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failure.Kind == verify.Read {
		t.failure = FailureOf(err)
	}
}

// add notes something that a deployment left; what has no owner is the upstream sample's, if sample is
// set, or else no monitor's.
func (t *traces) add(tags writer.Tags, sample bool, what string) {
	name := tags[writer.TagDeployment]
	if name == "" && (!sample || tags[writer.TagCreatedBy] != "" && !tags.Ours()) {
		return
	}
	t.change(name, func(d *verify.Deployment) {
		if !slices.Contains(d.Traces, what) {
			d.Traces = append(d.Traces, what)
		}
	})
}

func (t *traces) change(name string, change func(*verify.Deployment)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byName[name] == nil {
		t.byName[name] = &verify.Deployment{Name: name}
	}
	change(t.byName[name])
}

// addTopic notes who works in the account, by the topic of the deployment region.
func (t *traces) addTopic(tags writer.Tags) {
	for name, lease := range notify.Leases(tags) {
		t.change(name, func(d *verify.Deployment) { d.Served = lease.Tick })
	}
	for name, version := range notify.Versions(tags) {
		t.change(name, func(d *verify.Deployment) { d.Version = version })
	}
}

// list is all deployments, by name.
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

// tags are the tags of something; nil if they could not be read, which is noted, or if it is gone.
func (p *Probe) tags(ctx context.Context, region, arn string, found *traces) writer.Tags {
	tags, err := p.Writer.ReadTags(ctx, region, arn)
	switch {
	case awsapi.KindOf(err) == awsapi.NotFound:
		return nil
	case err != nil:
		found.miss(err)
		return nil
	}
	return tags
}

// topic reads a topic of a region, with its subscribers and key.
func (p *Probe) topic(ctx context.Context, region string, arn model.ARN, found *traces) verify.Topic {
	t := verify.Topic{ARN: arn.String()}
	client := p.Writer.Clients.SNS(region)
	out, err := client.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &t.ARN})
	if t.Failure = FailureOf(err); err != nil {
		if t.Failure.Kind != verify.Missing {
			found.miss(err)
		}
		return t
	}
	policy := out.Attributes["Policy"]
	t.Policy, err = notify.PolicyInOrder(policy, arn, arn.Account)
	t.PolicyFailure, t.Sample = FailureOf(err), notify.SampleTopic(policy, arn)
	t.Key = p.key(ctx, region, out.Attributes["KmsMasterKeyId"])
	t.ListFailure = FailureOf(awsapi.ReadPages(func(token *string) (*string, error) {
		page, err := client.ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: &t.ARN, NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, s := range page.Subscriptions {
			t.Subscribers = append(t.Subscribers, verify.Subscriber{
				Protocol: aws.ToString(s.Protocol), Address: aws.ToString(s.Endpoint), State: subscriberState(aws.ToString(s.SubscriptionArn)),
			})
		}
		return page.NextToken, nil
	}))
	if tags := p.tags(ctx, region, t.ARN, found); tags != nil {
		found.add(tags, t.Sample, "the topic in "+region)
		if arn.Resource == notify.TopicName && region == p.Writer.DeploymentRegion {
			found.addTopic(tags)
		}
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
func (p *Probe) key(ctx context.Context, region, name string) verify.Key {
	key := verify.Key{Name: name, AWS: strings.Contains(name, awsAlias)}
	if name == "" || key.AWS {
		return key
	}
	client := kms.NewFromConfig(p.Writer.Clients.ConfigFor(region))
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

// rule reads the notification rule.
func (p *Probe) rule(ctx context.Context, region string, found *traces) verify.Rule {
	described, err := notify.DescribeRule(ctx, p.Writer, region)
	switch {
	case err != nil:
		return verify.Rule{Failure: FailureOf(err)}
	case described == nil:
		return verify.Rule{Failure: verify.Failure{Kind: verify.Missing, Text: "the rule does not exist"}}
	}
	r := verify.Rule{
		ARN: aws.ToString(described.Arn), Disabled: described.State == ebtypes.RuleStateDisabled, Known: notify.KnownPattern(described),
	}
	targets, err := notify.ListTargets(ctx, p.Writer, region)
	r.TargetsFailure = FailureOf(err)
	for _, t := range targets {
		r.Targets = append(r.Targets, aws.ToString(t.Arn))
		r.Raw = r.Raw || aws.ToString(t.Id) == notify.TargetID && t.InputTransformer == nil && t.Input == nil && t.InputPath == nil
	}
	if tags := p.tags(ctx, region, r.ARN, found); tags != nil {
		found.add(tags, notify.SampleRule(described), "the notification rule")
	}
	return r
}

// taggedAlarms bounds the alarms of a region whose tags are read.
const taggedAlarms = 3

// alarms counts the metric alarms of a region, and looks whose some of the program's are.
func (p *Probe) alarms(ctx context.Context, region string, found *traces) verify.Count {
	count := verify.Count{}
	var ours []cwtypes.MetricAlarm
	count.Failure = FailureOf(awsapi.ReadPages(func(token *string) (*string, error) {
		out, err := p.Writer.Clients.CloudWatch(region).DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
			MaxRecords: aws.Int32(awsapi.MaxAlarmPage), NextToken: token,
		})
		if err != nil {
			return nil, err
		}
		count.N += len(out.MetricAlarms)
		for _, alarm := range out.MetricAlarms {
			if strings.HasPrefix(aws.ToString(alarm.AlarmName), alarms.Prefix) {
				ours = append(ours, alarm)
			}
		}
		return out.NextToken, nil
	}))
	for _, alarm := range ours[:min(len(ours), taggedAlarms)] {
		if tags := p.tags(ctx, region, aws.ToString(alarm.AlarmArn), found); tags != nil {
			found.add(tags, alarms.SampleDescription(aws.ToString(alarm.AlarmDescription)), "alarms in "+region)
		}
	}
	return count
}

// countRules counts the rules of the default bus of a region.
func (p *Probe) countRules(ctx context.Context, region string) verify.Count {
	count := verify.Count{}
	count.Failure = FailureOf(awsapi.ReadPages(func(token *string) (*string, error) {
		out, err := p.Writer.Clients.EventBridge(region).ListRules(ctx, &eventbridge.ListRulesInput{NextToken: token})
		if err != nil {
			return nil, err
		}
		count.N += len(out.Rules)
		return out.NextToken, nil
	}))
	return count
}

// dashboards counts the dashboards of the account, and looks whose the first of ours is.
func (p *Probe) dashboards(ctx context.Context, name string, found *traces) verify.Count {
	count := verify.Count{}
	ours := ""
	count.Failure = FailureOf(awsapi.ReadPages(func(token *string) (*string, error) {
		out, err := p.Writer.Clients.CloudWatch(p.Writer.DeploymentRegion).ListDashboards(ctx, &cloudwatch.ListDashboardsInput{NextToken: token})
		if err != nil {
			return nil, err
		}
		count.N += len(out.DashboardEntries)
		for _, entry := range out.DashboardEntries {
			if aws.ToString(entry.DashboardName) == name {
				ours = aws.ToString(entry.DashboardArn)
			}
		}
		return out.NextToken, nil
	}))
	if ours != "" {
		if tags := p.tags(ctx, p.Writer.DeploymentRegion, ours, found); tags != nil {
			found.add(tags, false, "the dashboard "+name)
		}
	}
	return count
}
