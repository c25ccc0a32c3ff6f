package notify

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// The topic for chat applications in the deployment region, and the target of the rule that sends
// to it. Alarms need none: chats show them from the topics that they go to.
const (
	ChatTopicName = "PersonalizeMonitorChatNotifications"
	ChatTargetID  = "PersonalizeMonitorChatNotificationsId"
)

// ChatTopic is the topic for chat applications beside the topic of a region.
func ChatTopic(topic model.ARN) model.ARN {
	topic.Resource = ChatTopicName
	return topic
}

// chatTarget sends the part of an event that is made for chats. A transformer would have to escape
// the texts in it.
func chatTarget(topic model.ARN) types.Target {
	return types.Target{Id: aws.String(ChatTargetID), Arn: aws.String(ChatTopic(topic).String()), InputPath: aws.String(events.ChatPath)}
}

// ensureChatTopic creates or fixes the topic for chats and its policy, and reports whether it exists
// (or, in a dry run, would). Its subscriber is the channel, which people connect.
func (s *setup) ensureChatTopic(ctx context.Context) (exists bool) {
	chat := &setup{w: s.w, region: s.region, account: s.account, topic: ChatTopic(s.topic), key: s.key}
	exists = chat.ensureTopic(ctx)
	s.problems = append(s.problems, chat.problems...)
	return exists
}

// ensureChatTarget adds the target for chats if they are wanted, and removes it if they no longer are.
// One that a person changed stays.
func (s *setup) ensureChatTarget(ctx context.Context, targets []types.Target) {
	i := slices.IndexFunc(targets, func(t types.Target) bool { return aws.ToString(t.Id) == ChatTargetID })
	switch {
	case s.chatExists && i < 0:
		s.putTarget(ctx, chatTarget(s.topic))
	case !s.chat && i >= 0 && OurTarget(targets[i], s.topic) && s.ownsChatTopic(ctx):
		_, _ = s.write(ctx, OpRemoveTargets, "", "remove the target "+ChatTargetID+" of the rule "+RuleName, func(ctx context.Context) error {
			return RemoveTarget(ctx, s.w, s.region, ChatTargetID)
		})
	}
}

// ownsChatTopic reports whether this deployment created the topic for chats: another one of the
// account may want it.
func (s *setup) ownsChatTopic(ctx context.Context) bool {
	arn := ChatTopic(s.topic).String()
	tags, err := s.w.ReadTags(ctx, s.region, arn)
	if err != nil && awsapi.KindOf(err) != awsapi.NotFound {
		s.fail(arn, writer.OpListTags, "read the tags of the topic for chats", err)
	}
	return err == nil && tags[writer.TagDeployment] == s.w.Deployment // guard: notify: the chats of another deployment stay
}
