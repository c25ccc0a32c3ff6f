package act

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

const opDeleteTopic = "DeleteTopic"

// originalRuleDescription stands in the rule that the original application made.
const originalRuleDescription = "Routes Personalize Monitor notifications to notification SNS topic"

// removeRule takes our target off the notification rule and removes the rule. A rule that
// has targets of other people's stays with them.
func (c *cleaner) removeRule(ctx context.Context) {
	api := c.clients.EventBridge(c.region)
	rule, err := api.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String(RuleName)})
	switch {
	case awsapi.KindOf(err) == awsapi.NotFound:
		return
	case err != nil:
		c.unseen(ctx, KindRule, opDescribeRule, err)
		return
	}
	item := CleanupItem{Kind: KindRule, Name: RuleName, ARN: aws.ToString(rule.Arn)}
	owner, err := ruleTags(ctx, api, item.ARN)
	if err != nil {
		c.unread(ctx, item, opListTags, "read the tags", err)
		return
	}
	targets, err := listTargets(ctx, api)
	if err != nil {
		c.unread(ctx, item, opListTargets, "list the targets", err)
		return
	}
	if reason := c.whyRuleStays(rule, owner); reason != "" {
		item.State, item.Reason = Kept, reason
		c.note(ctx, item)
		return
	}
	others := slices.DeleteFunc(targets, c.ourTarget)
	if !c.mayGo(KindRule, item.ARN) && len(others) == 0 || len(others) < len(targets) && !c.mayGo(KindTarget, item.ARN) {
		item.State, item.Reason = Kept, appearedReason
		c.note(ctx, item)
		c.useTopic(Kept, "a rule that was made meanwhile sends to it")
		return
	}
	if len(others) < len(targets) && !c.removeTargetOf(ctx, api, item, whoseIs(owner)) {
		return
	}
	if len(others) > 0 {
		item.State, item.Reason = Kept, "it has targets of other people's: "+targetIDs(others)
		c.note(ctx, item)
		return
	}
	item.Reason = whoseIs(owner)
	c.remove(ctx, item, opDeleteRule, func(ctx context.Context) error { return deleteRule(ctx, api) })
}

// unread takes down that a thing is there, but not what it takes to know whose it is.
func (c *cleaner) unread(ctx context.Context, item CleanupItem, op, doing string, err error) {
	switch {
	case ctx.Err() != nil:
		c.cut = true
		item.State, item.Reason = Unclear, "ended before it was known whose it is"
	case awsapi.KindOf(err) == awsapi.NotFound:
		item.State = Gone
	default:
		item.State, item.Reason = Unclear, awsapi.Line(err)
		c.fail(item.ARN, op, fmt.Sprintf("%s of the %s %s", doing, item.Kind, item.Name), err)
	}
	c.note(ctx, item)
}

func ruleTags(ctx context.Context, api ruleAPI, arn string) (tags, error) {
	out, err := api.ListTagsForResource(ctx, &eventbridge.ListTagsForResourceInput{ResourceARN: aws.String(arn)})
	if err != nil {
		return tags{}, err
	}
	var t tags
	for _, tag := range out.Tags {
		t.take(aws.ToString(tag.Key), aws.ToString(tag.Value))
	}
	return t, nil
}

// whyRuleStays says why the rule is not ours to remove. An untagged one is the original
// application's if it says so, or has its pattern.
func (c *cleaner) whyRuleStays(rule *eventbridge.DescribeRuleOutput, owner tags) string {
	if by := aws.ToString(rule.ManagedBy); by != "" {
		return "it is managed by " + by
	}
	original := aws.ToString(rule.Description) == originalRuleDescription || knownPattern(aws.ToString(rule.EventPattern))
	return c.whyStays(owner, original)
}

// ourTarget tells whether a target is as we or the original application set it; one that
// a person led elsewhere is theirs.
func (c *cleaner) ourTarget(t types.Target) bool {
	return aws.ToString(t.Id) == TargetID && aws.ToString(t.Arn) == c.topic.String()
}

// removeTargetOf takes our target off the rule; the rule remains if that fails.
func (c *cleaner) removeTargetOf(ctx context.Context, api ruleAPI, rule CleanupItem, whose string) bool {
	target := CleanupItem{Kind: KindTarget, Name: TargetID, ARN: rule.ARN, Reason: whose}
	ok := c.remove(ctx, target, opRemoveTargets, func(ctx context.Context) error { return removeOurTarget(ctx, api) })
	if !ok {
		rule.State, rule.Reason = Remaining, "its target could not be removed"
		c.note(ctx, rule)
	}
	return ok
}

func targetIDs(targets []types.Target) string {
	ids := make([]string, 0, len(targets))
	for _, t := range targets {
		ids = append(ids, aws.ToString(t.Id))
	}
	slices.Sort(ids)
	return strings.Join(ids, ", ")
}

// topicRemoval is what is asked of SNS to remove the topic.
type topicRemoval interface {
	GetTopicAttributes(context.Context, *sns.GetTopicAttributesInput, ...func(*sns.Options)) (*sns.GetTopicAttributesOutput, error)
	ListTagsForResource(context.Context, *sns.ListTagsForResourceInput, ...func(*sns.Options)) (*sns.ListTagsForResourceOutput, error)
	DeleteTopic(context.Context, *sns.DeleteTopicInput, ...func(*sns.Options)) (*sns.DeleteTopicOutput, error)
}

// removeTopic removes the topic, and with it its subscriptions.
func (c *cleaner) removeTopic(ctx context.Context) {
	c.removeTopicBy(ctx, c.clients.SNS(c.region))
}

func (c *cleaner) removeTopicBy(ctx context.Context, api topicRemoval) {
	arn := c.topic.String()
	topic, err := api.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String(arn)})
	switch {
	case awsapi.KindOf(err) == awsapi.NotFound:
		return
	case err != nil:
		c.unseen(ctx, KindTopic, opGetTopicAttributes, err)
		return
	}
	item := CleanupItem{Kind: KindTopic, Name: TopicName, ARN: arn}
	owner, err := topicTags(ctx, api, arn)
	if err != nil {
		c.unread(ctx, item, opListTags, "read the tags", err)
		return
	}
	item.State, item.Reason = Kept, c.whyStays(owner, originalTopic(topic.Attributes[attributePolicy], c.topic))
	switch {
	case item.Reason != "":
	case !c.mayGo(KindTopic, arn):
		item.Reason = appearedReason
	default:
		item.State, item.Reason = c.topicUse.state, c.topicUse.reason
	}
	if item.Reason != "" {
		c.note(ctx, item)
		return
	}
	item.Reason = whoseIs(owner) + subscribed(topic.Attributes)
	gone := c.remove(ctx, item, opDeleteTopic, func(ctx context.Context) error {
		_, err := api.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: aws.String(arn)})
		return alreadyGone(err)
	})
	if gone && !c.gate.dryRun {
		c.mu.Lock()
		delete(c.wired, c.region) // a later cycle must not believe it to be there
		c.mu.Unlock()
	}
}

// subscribed counts the subscriptions that go with a topic, in words.
func subscribed(attributes map[string]string) string {
	total := 0
	for _, name := range []string{"SubscriptionsConfirmed", "SubscriptionsPending"} {
		n, _ := strconv.Atoi(attributes[name]) // what is absent counts nothing
		total += n
	}
	if total == 0 {
		return ""
	}
	return fmt.Sprintf("; subscriptions that end with it: %d", total)
}

// topicTagsAPI is what is asked of SNS about tags.
type topicTagsAPI interface {
	ListTagsForResource(context.Context, *sns.ListTagsForResourceInput, ...func(*sns.Options)) (*sns.ListTagsForResourceOutput, error)
}

func topicTags(ctx context.Context, api topicTagsAPI, arn string) (tags, error) {
	out, err := api.ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: aws.String(arn)})
	if err != nil {
		return tags{}, err
	}
	var t tags
	for _, tag := range out.Tags {
		t.take(aws.ToString(tag.Key), aws.ToString(tag.Value))
	}
	return t, nil
}

// originalPolicyID is the id of the policy that the original application gave its topic
// in every cold start; mergePolicy leaves it there.
const originalPolicyID = "PublishPolicy"

// originalTopic tells by its policy whether the original application made the topic. In
// doubt it did not: a person's subscriptions cannot be brought back.
func originalTopic(policy string, topic model.ARN) bool {
	var p struct {
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	if json.Unmarshal([]byte(policy), &p) != nil {
		return false
	}
	if p.ID == originalPolicyID {
		return true
	}
	statements, _ := statementsOf(p.Statement) // none if they cannot be read
	return slices.ContainsFunc(statements, func(raw json.RawMessage) bool {
		statement, _, err := meaningOf(raw)
		return err == nil && reflect.DeepEqual(statement, originalStatement(topic))
	})
}
