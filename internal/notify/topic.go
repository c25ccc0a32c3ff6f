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
	policy, found, err := s.readPolicy(ctx)
	if err == nil && !found {
		policy, err = s.createTopic(ctx)
	}
	if err != nil {
		return false
	}
	if found && SampleTopic(policy, s.topic) {
		s.adopt(ctx, s.topic.String(), "the topic") // before the policy changes: it identifies the sample's topic
	}
	s.ensurePolicy(ctx, policy)
	s.ensureSubscriptions(ctx, found)
	return true
}

// readPolicy reads the topic's policy; found is false if the topic does not exist. An error
// is recorded.
func (s *setup) readPolicy(ctx context.Context) (policy string, found bool, err error) {
	out, err := s.w.Clients.SNS(s.region).GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String(s.topic.String())})
	switch {
	case awsapi.KindOf(err) == awsapi.NotFound:
		return "", false, nil
	case err != nil:
		s.fail(s.topic.String(), opGetTopicAttributes, "look for the notification topic", err)
		return "", false, err
	}
	s.ensureKey(ctx, out.Attributes[attributeKey])
	return out.Attributes[attributePolicy], true, nil
}

// ensureKey encrypts a topic that is not encrypted yet. A key that it has stays. A key serves one
// region only, so that the topics of the others stay as they are.
func (s *setup) ensureKey(ctx context.Context, current string) {
	switch key := s.key.String(); {
	case current != "" || key == "":
		if current != key {
			s.checkKey(ctx, current)
		}
	case s.key.Region != s.region:
		s.w.LogOnce(ctx, slog.LevelInfo, s.topic.String()+" "+attributeKey, "topic is not encrypted: a key encrypts in its own region only",
			"region", s.region, "key", key)
	default:
		arn := s.topic.String()
		_, _ = s.write(ctx, opSetTopicAttributes, arn, "encrypt the topic with "+key, func(ctx context.Context) error {
			_, err := s.w.Clients.SNS(s.region).SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
				TopicArn: aws.String(arn), AttributeName: aws.String(attributeKey), AttributeValue: aws.String(key),
			})
			return err
		})
	}
}

// checkKey reports, once, an encryption key through which alarms and events cannot or may not be
// able to publish. The policy of the owner's key is not read.
func (s *setup) checkKey(ctx context.Context, key string) {
	level, what := slog.LevelWarn, "topic is encrypted with "+snsKey+", which CloudWatch and EventBridge cannot use, so no notification arrives; "+
		"choose a key of your own whose policy lets them use it"
	switch key {
	case "":
		return
	case snsKey:
	default:
		level, what = slog.LevelInfo, "topic is encrypted; the policy of its key must let cloudwatch.amazonaws.com and events.amazonaws.com "+
			"call kms:GenerateDataKey* and kms:Decrypt"
	}
	s.w.LogOnce(ctx, level, s.topic.String()+" "+attributeKey, what, "region", s.region, "key", key)
}

// createTopic creates the topic and returns the policy that SNS gave it, with the owner's
// statement. An error is recorded.
func (s *setup) createTopic(ctx context.Context) (policy string, err error) {
	outcome, err := s.write(ctx, opCreateTopic, s.topic.String(), "create the notification topic", func(ctx context.Context) error {
		_, err := s.w.Clients.SNS(s.region).CreateTopic(ctx, &sns.CreateTopicInput{
			Name: aws.String(s.topic.Resource), Tags: writer.TagList(s.w.OwnTags(), writer.SNSTag),
		})
		return err
	})
	if err != nil || outcome == writer.DryRun {
		return "", err
	}
	policy, found, err := s.readPolicy(ctx)
	if err == nil && !found {
		// Without the policy that SNS gave it, the owner's statement would be lost.
		err = errors.New("it cannot be read yet; the next cycle continues")
		s.fail(s.topic.String(), opGetTopicAttributes, "read the notification topic just created", err)
	}
	return policy, err
}

func (s *setup) ensurePolicy(ctx context.Context, current string) {
	arn := s.topic.String()
	next, changed, err := mergePolicy(current, s.topic, s.account)
	if err != nil {
		s.fail(arn, opSetTopicAttributes, "leave the topic's policy as it is, although alarms and events may not be able to publish", err)
		return
	}
	if changed {
		_, _ = s.write(ctx, opSetTopicAttributes, arn, "let alarms and events publish to the topic", func(ctx context.Context) error {
			_, err := s.w.Clients.SNS(s.region).SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
				TopicArn: aws.String(arn), AttributeName: aws.String(attributePolicy), AttributeValue: aws.String(next),
			})
			return err
		})
	}
}

// ensureSubscriptions subscribes each endpoint once. A topic that a dry run did not create
// cannot be listed.
func (s *setup) ensureSubscriptions(ctx context.Context, listable bool) {
	if len(s.endpoints) == 0 {
		return
	}
	arn := s.topic.String()
	var existing []types.Subscription
	if listable || !s.w.DryRun {
		err := awsapi.ReadPages(func(token *string) (*string, error) {
			out, err := s.w.Clients.SNS(s.region).ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{
				TopicArn: aws.String(arn), NextToken: token,
			})
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
	for _, endpoint := range s.endpoints {
		i := slices.IndexFunc(existing, func(sub types.Subscription) bool {
			return sameEndpoint(endpoint, aws.ToString(sub.Protocol), aws.ToString(sub.Endpoint))
		})
		switch {
		case i < 0:
			what := fmt.Sprintf("subscribe %s (%s), who has to confirm", endpoint.Shown(), endpoint.Protocol)
			_, _ = s.write(ctx, opSubscribe, arn, what, func(ctx context.Context) error {
				_, err := s.w.Clients.SNS(s.region).Subscribe(ctx, &sns.SubscribeInput{
					TopicArn: aws.String(arn), Protocol: aws.String(string(endpoint.Protocol)), Endpoint: aws.String(endpoint.Address),
				})
				return err
			})
		default:
			if why := undelivered(existing[i]); why != "" {
				s.w.LogOnce(ctx, slog.LevelWarn, arn+" "+endpoint.Shown(), why, "region", s.region, "endpoint", endpoint.Shown())
			}
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
