package act

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
)

const (
	opGetTopicAttributes = "GetTopicAttributes"
	opCreateTopic        = "CreateTopic"
	opSetTopicAttributes = "SetTopicAttributes"
	opListSubscriptions  = "ListSubscriptionsByTopic"
	opSubscribe          = "Subscribe"
)

// attributePolicy is the attribute of a topic that holds its policy.
const attributePolicy = "Policy"

// topicAPI is what is asked of SNS.
type topicAPI interface {
	GetTopicAttributes(context.Context, *sns.GetTopicAttributesInput, ...func(*sns.Options)) (*sns.GetTopicAttributesOutput, error)
	CreateTopic(context.Context, *sns.CreateTopicInput, ...func(*sns.Options)) (*sns.CreateTopicOutput, error)
	SetTopicAttributes(context.Context, *sns.SetTopicAttributesInput, ...func(*sns.Options)) (*sns.SetTopicAttributesOutput, error)
	ListSubscriptionsByTopic(context.Context, *sns.ListSubscriptionsByTopicInput, ...func(*sns.Options)) (*sns.ListSubscriptionsByTopicOutput, error)
	Subscribe(context.Context, *sns.SubscribeInput, ...func(*sns.Options)) (*sns.SubscribeOutput, error)
	ListTagsForResource(context.Context, *sns.ListTagsForResourceInput, ...func(*sns.Options)) (*sns.ListTagsForResourceOutput, error)
	TagResource(context.Context, *sns.TagResourceInput, ...func(*sns.Options)) (*sns.TagResourceOutput, error)
}

// ensureTopic brings topic, policy and subscriptions in order, and tells whether the
// topic exists (or, in a dry run, would).
func (n *notifier) ensureTopic(ctx context.Context, api topicAPI) (exists bool) {
	policy, found, err := n.readPolicy(ctx, api)
	if err == nil && !found {
		policy, err = n.createTopic(ctx, api)
	}
	if err != nil {
		return false
	}
	if found && originalTopic(policy, n.topic) {
		n.adoptTopic(ctx, api) // first: by the policy as it is the original's is known
	}
	n.ensurePolicy(ctx, api, policy)
	n.ensureSubscriptions(ctx, api, found)
	return true
}

// readPolicy reads the topic's policy; found is false if there is no such topic. An
// error is noted.
func (n *notifier) readPolicy(ctx context.Context, api topicAPI) (policy string, found bool, err error) {
	out, err := api.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String(n.topic.String())})
	switch {
	case awsapi.KindOf(err) == awsapi.NotFound:
		return "", false, nil
	case err != nil:
		n.fail(n.topic.String(), opGetTopicAttributes, "look for the notification topic", err)
		return "", false, err
	}
	return out.Attributes[attributePolicy], true, nil
}

// createTopic creates the topic and gives the policy that SNS made for it, with the
// owner's statement in it. An error is noted.
func (n *notifier) createTopic(ctx context.Context, api topicAPI) (policy string, err error) {
	arn := n.topic.String()
	intent := Intent{Op: opCreateTopic, Region: n.region, ARN: arn, What: "create the notification topic"}
	outcome, err := n.gate.do(ctx, intent, func(ctx context.Context) error {
		_, err := api.CreateTopic(ctx, &sns.CreateTopicInput{
			Name: aws.String(TopicName),
			Tags: []types.Tag{
				{Key: aws.String(tagCreatedBy), Value: aws.String(createdBy)},
				{Key: aws.String(tagDeployment), Value: aws.String(n.deployment)},
			},
		})
		return err
	})
	if err != nil {
		n.fail(arn, opCreateTopic, "create the notification topic", err)
		return "", err
	}
	if outcome == DryRun {
		return "", nil
	}
	policy, found, err := n.readPolicy(ctx, api)
	if err == nil && !found {
		// Without the policy that SNS made, the owner's statement would be lost.
		err = errors.New("it cannot be read yet; the next cycle goes on with it")
		n.fail(arn, opGetTopicAttributes, "read the notification topic just created", err)
	}
	return policy, err
}

func (n *notifier) ensurePolicy(ctx context.Context, api topicAPI, current string) {
	arn := n.topic.String()
	next, changed, err := mergePolicy(current, n.topic, n.account)
	if err != nil {
		n.fail(arn, opSetTopicAttributes, "leave the topic's policy as it is, though alarms and events may not be able to publish", err)
		return
	}
	if !changed {
		return
	}
	intent := Intent{Op: opSetTopicAttributes, Region: n.region, ARN: arn, What: "let alarms and events publish to the notification topic"}
	_, err = n.gate.do(ctx, intent, func(ctx context.Context) error {
		_, err := api.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
			TopicArn: aws.String(arn), AttributeName: aws.String(attributePolicy), AttributeValue: aws.String(next),
		})
		return err
	})
	if err != nil {
		n.fail(arn, opSetTopicAttributes, "let alarms and events publish to the topic", err)
	}
}

// ensureSubscriptions subscribes each endpoint once. Of a topic that a dry run did not
// create there is nothing to list.
func (n *notifier) ensureSubscriptions(ctx context.Context, api topicAPI, listable bool) {
	if len(n.endpoints) == 0 {
		return
	}
	var existing []types.Subscription
	if listable || !n.gate.dryRun {
		var err error
		if existing, err = listSubscriptions(ctx, api, n.topic.String()); err != nil {
			n.fail(n.topic.String(), opListSubscriptions, "list the subscriptions of the topic", err)
			return
		}
	}
	for _, endpoint := range n.endpoints {
		i := slices.IndexFunc(existing, func(s types.Subscription) bool {
			return sameEndpoint(endpoint, aws.ToString(s.Protocol), aws.ToString(s.Endpoint))
		})
		switch {
		case i < 0:
			n.subscribe(ctx, api, endpoint)
		case pending(existing[i]):
			n.remind(ctx, n.topic.String()+" "+shown(endpoint), "subscription waits to be confirmed",
				"region", n.region, "endpoint", shown(endpoint))
		}
	}
}

// pending tells whether a subscription waits for its confirmation. Such a row carries
// the word PendingConfirmation in place of an ARN, and nothing can be asked about it.
func pending(s types.Subscription) bool {
	return !strings.HasPrefix(aws.ToString(s.SubscriptionArn), "arn:")
}

func listSubscriptions(ctx context.Context, api topicAPI, topic string) ([]types.Subscription, error) {
	in := &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(topic)}
	var all []types.Subscription
	var pages awsapi.Pages
	for {
		out, err := api.ListSubscriptionsByTopic(ctx, in)
		if err != nil {
			return nil, err
		}
		all = append(all, out.Subscriptions...)
		if in.NextToken, err = nextToken(&pages, out.NextToken); err != nil || in.NextToken == nil {
			return all, err
		}
	}
}

func (n *notifier) subscribe(ctx context.Context, api topicAPI, endpoint config.Endpoint) {
	arn := n.topic.String()
	intent := Intent{
		Op: opSubscribe, Region: n.region, ARN: arn,
		What: fmt.Sprintf("subscribe %s (%s) to the notification topic; it is asked to confirm", shown(endpoint), endpoint.Protocol),
	}
	_, err := n.gate.do(ctx, intent, func(ctx context.Context) error {
		_, err := api.Subscribe(ctx, &sns.SubscribeInput{
			TopicArn: aws.String(arn), Protocol: aws.String(string(endpoint.Protocol)), Endpoint: aws.String(endpoint.Address),
		})
		return err
	})
	if err != nil {
		n.fail(arn, opSubscribe, "subscribe "+shown(endpoint), err)
	}
}

// shown is an endpoint as logs may have it: of a URL only the host, as its path and query
// may hold a secret.
func shown(e config.Endpoint) string {
	if address, err := url.Parse(e.Address); e.Protocol == config.HTTPS && err == nil {
		return "https://" + address.Host + "/…"
	}
	return e.Address
}
