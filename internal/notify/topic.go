package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

const (
	opGetTopicAttributes = "GetTopicAttributes"
	opCreateTopic        = "CreateTopic"
	opSetTopicAttributes = "SetTopicAttributes"
	opListSubscriptions  = "ListSubscriptionsByTopic"
	opSubscribe          = "Subscribe"
)

// attributePolicy and attributeKey are the attributes of a topic that hold its policy and the KMS
// key that it is encrypted with.
const (
	attributePolicy = "Policy"
	attributeKey    = "KmsMasterKeyId"
)

// snsKey is AWS's own key for SNS. Its policy cannot be changed, and lets no service use it (SNS
// developer guide, "Key management").
const snsKey = "alias/aws/sns"

// ensureTopic creates or fixes topic, policy and subscriptions, and reports whether the topic
// exists (or, in a dry run, would).
func (s *setup) ensureTopic(ctx context.Context) (exists bool) {
	policy, found, ok := s.readPolicy(ctx)
	if ok && !found {
		policy, ok = s.createTopic(ctx)
	}
	if !ok {
		return false
	}
	if found && SampleTopic(policy, s.topic) {
		s.adopt(ctx, s.topic.String(), "the topic") // before the policy changes: it identifies the sample's topic
	}
	s.ensurePolicy(ctx, policy)
	s.ensureSubscriptions(ctx, found)
	return true
}

func (s *setup) ensurePolicy(ctx context.Context, current string) {
	next, changed, err := mergePolicy(current, s.topic, s.account)
	if err != nil {
		s.fail(s.topic.String(), opSetTopicAttributes,
			"leave the topic's policy as it is, although alarms and events may not be able to publish", err)
	} else if changed {
		s.setAttribute(ctx, "let alarms and events publish to the topic", attributePolicy, next)
	}
}

// ensureChatTopic creates or fixes the topic for chats and its policy, and reports whether it exists
// (or, in a dry run, would). Its subscriber is the channel, which people connect.
func (s *setup) ensureChatTopic(ctx context.Context) (exists bool) {
	chat := &setup{Input: Input{Key: s.Key}, w: s.w, region: s.region, account: s.account, topic: ChatTopic(s.topic)}
	exists = chat.ensureTopic(ctx)
	s.problems = append(s.problems, chat.problems...)
	return exists
}

// readPolicy reads the topic's policy; found is false if the topic does not exist. It is not ok with
// an error, which is recorded.
func (s *setup) readPolicy(ctx context.Context) (policy string, found, ok bool) {
	out, err := s.w.Clients.SNS(s.region).GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String(s.topic.String())})
	switch {
	case awsapi.KindOf(err) == awsapi.NotFound:
		return "", false, true
	case err != nil:
		s.fail(s.topic.String(), opGetTopicAttributes, "look for the notification topic", err)
		return "", false, false
	}
	s.ensureKey(ctx, out.Attributes[attributeKey])
	return out.Attributes[attributePolicy], true, true
}

func (s *setup) setAttribute(ctx context.Context, what, name, value string) {
	arn := s.topic.String()
	s.write(ctx, opSetTopicAttributes, arn, what, writer.Call(s.w.Clients.SNS(s.region).SetTopicAttributes, &sns.SetTopicAttributesInput{
		TopicArn: aws.String(arn), AttributeName: aws.String(name), AttributeValue: aws.String(value),
	}))
}

// ensureKey encrypts a topic that is not encrypted yet. A key that it has stays, and is reported once
// if alarms and events cannot or may not be able to publish with it: the policy of the owner's key is
// not read. A key serves one region only, so that the topics of the others stay as they are.
func (s *setup) ensureKey(ctx context.Context, current string) {
	log := func(level slog.Level, what, key string) {
		s.w.LogOnce(ctx, level, s.topic.String()+" "+attributeKey, what, "region", s.region, "key", key)
	}
	switch key := s.Key.String(); {
	case current == key:
	case current == snsKey:
		log(slog.LevelWarn, "topic is encrypted with "+snsKey+", which CloudWatch and EventBridge cannot use, so no notification arrives; "+
			"choose a key of your own whose policy lets them use it", current)
	case current != "":
		log(slog.LevelInfo, "topic is encrypted; the policy of its key must let cloudwatch.amazonaws.com and events.amazonaws.com "+
			"call kms:GenerateDataKey* and kms:Decrypt", current)
	case s.Key.Region() != s.region:
		log(slog.LevelInfo, "topic is not encrypted: a key encrypts in its own region only", key)
	default:
		s.setAttribute(ctx, "encrypt the topic with "+key, attributeKey, key)
	}
}

// createTopic creates the topic and returns the policy that SNS gave it, with the owner's
// statement. It is not ok with an error, which is recorded.
func (s *setup) createTopic(ctx context.Context) (policy string, ok bool) {
	arn := s.topic.String()
	create := writer.Call(s.w.Clients.SNS(s.region).CreateTopic, &sns.CreateTopicInput{
		Name: aws.String(s.topic.Resource()), Tags: writer.TagList(s.w.OwnTags(), writer.SNSTag),
	})
	created := s.write(ctx, opCreateTopic, arn, "create the notification topic", create)
	if !created || s.w.DryRun {
		return "", created
	}
	policy, found, ok := s.readPolicy(ctx)
	if ok && !found {
		// Without the policy that SNS gave it, the owner's statement would be lost.
		s.fail(arn, opGetTopicAttributes, "read the notification topic just created",
			errors.New("it cannot be read yet; the next cycle continues"))
	}
	return policy, ok && found
}

// ensureSubscriptions subscribes each endpoint once. A topic that a dry run did not create
// cannot be listed.
func (s *setup) ensureSubscriptions(ctx context.Context, listable bool) {
	if len(s.Endpoints) == 0 {
		return
	}
	api, arn := s.w.Clients.SNS(s.region), s.topic.String()
	var existing []types.Subscription
	if listable || !s.w.DryRun {
		err := awsapi.ReadPages(func(token *string) (*string, error) {
			out, err := api.ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(arn), NextToken: token})
			if err != nil {
				return nil, err
			}
			existing = append(existing, out.Subscriptions...)
			return out.NextToken, nil
		})
		if err != nil {
			s.fail(arn, opListSubscriptions, "list the subscriptions of the topic", err)
			return
		}
	}
	for _, endpoint := range s.Endpoints {
		i := slices.IndexFunc(existing, func(sub types.Subscription) bool {
			return endpoint.Same(config.Endpoint{Protocol: config.Protocol(aws.ToString(sub.Protocol)), Address: aws.ToString(sub.Endpoint)})
		})
		if i < 0 {
			what := fmt.Sprintf("subscribe %s (%s), who has to confirm", endpoint.Shown(), endpoint.Protocol)
			s.write(ctx, opSubscribe, arn, what, writer.Call(api.Subscribe, &sns.SubscribeInput{
				TopicArn: aws.String(arn), Protocol: aws.String(string(endpoint.Protocol)), Endpoint: aws.String(endpoint.Address),
			}))
		} else if why := undelivered(existing[i]); why != "" {
			s.w.LogOnce(ctx, slog.LevelWarn, arn+" "+endpoint.Shown(), why, "region", s.region, "endpoint", endpoint.Shown())
		}
	}
}

// undelivered is why nothing is sent to a subscriber, or empty. SNS then lists a word in place of
// the subscription's ARN.
func undelivered(sub types.Subscription) string {
	switch state := aws.ToString(sub.SubscriptionArn); {
	case strings.HasPrefix(state, "arn:"):
		return ""
	case state == "Deleted":
		return "subscriber has unsubscribed and gets no notifications; remove the address from NotificationEndpoint, or subscribe it again"
	}
	return "subscription is not confirmed yet"
}
