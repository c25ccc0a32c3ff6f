package verify

import (
	"fmt"
	"slices"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
)

// Topic is the notification topic of a region.
type Topic struct {
	Failure Failure // Missing if there is no topic
	ARN     string
	// Policy reports whether alarms of the account and EventBridge may publish to it, and no one else's
	// by our statements. Sample means that the policy is the upstream sample's, by which alarms of
	// every account may.
	Policy        bool
	Sample        bool
	Document      string // the policy
	PolicyFailure Failure
	Key           Key
	Subscribers   []Subscriber
	ListFailure   Failure // of the subscribers
}

// Key is the KMS key that a topic is encrypted with.
type Key struct {
	Name    string // as the topic has it; empty if it is not encrypted
	AWS     bool   // AWS manages it, so that no service can be let use it
	Off     bool   // disabled, or about to be deleted
	Policy  string // a JSON document
	Failure Failure
}

// Subscriber is one subscription of a topic. An address may hold a secret: findings show what Shown does.
type Subscriber struct {
	config.Endpoint
	State SubscriberState
}

// SubscriberState is whether a subscriber gets anything.
type SubscriberState string

// The states.
const (
	Confirmed SubscriberState = "confirmed"
	Pending   SubscriberState = "pending"
	Deleted   SubscriberState = "deleted" // the owner has unsubscribed
)

// Rule is the notification rule of a region; only that of the deployment region is looked at.
type Rule struct {
	Failure  Failure // Missing if there is no rule
	ARN      string
	Disabled bool
	Known    bool // its pattern matches our notifications
	// Targets are its targets. TargetsFailure is why they are not known.
	Targets        []Target
	TargetsFailure Failure
}

// Target is a target of the rule.
type Target struct {
	ARN   string
	Sends Message
}

// Message is what a target sends for an event.
type Message string

// The messages. MessageOther is what a person set.
const (
	MessageText  Message = "text"
	MessageChat  Message = "chat"
	MessageRaw   Message = "raw"
	MessageOther Message = "other"
)

// sent are the messages that are sent to a topic.
func (r Rule) sent(topic string) (all []Message) {
	for _, t := range r.Targets {
		if t.ARN == topic {
			all = append(all, t.Sends)
		}
	}
	return all
}

// notifications are the findings about topics, keys, subscribers and rule of a region. Where nothing is
// deployed, a topic that does not exist is no fault.
func (f Facts) notifications(r Region) []Finding {
	if r.Topic.Failure.Kind == Missing && !r.Concerned {
		return nil
	}
	list := []Finding{f.topic(r.Name, r.Topic)}
	if r.Topic.Failure.Kind == Read {
		list = append(list, f.key(r.Name, r.Topic.Key)...)
		list = append(list, f.subscribers(r)...)
	}
	if r.Name == f.Home {
		list = append(list, f.chat()...)
		list = append(list, f.rule(r))
	}
	return list
}

func (f Facts) topic(region string, t Topic) Finding {
	about := Finding{Check: CheckTopic, Region: region, Resource: t.ARN}
	switch {
	case t.Failure.Kind == Missing && f.undeployed():
		return about.ok("no topic; the first run creates it")
	case t.Failure.Kind == Missing:
		return about.with(Warn, "the notification topic does not exist, so no one is notified",
			"the next run or cycle creates it; if it does not, read its problems")
	case t.Failure.Kind != Read:
		return about.unread("notification topic", t.Failure)
	case t.PolicyFailure.Kind != Read:
		return about.with(Fail, "the topic's policy cannot be understood: "+t.PolicyFailure.Text,
			"fix the policy; it must let cloudwatch.amazonaws.com and events.amazonaws.com publish")
	case !t.Policy && t.Sample:
		return about.with(Warn, "the topic has the upstream sample's policy, by which alarms of any account may publish",
			"the next run or cycle corrects it")
	case !t.Policy:
		return about.with(Fail, "the topic's policy does not let alarms and events publish as it should",
			"the next run or cycle corrects it (sns:SetTopicAttributes); if it does not, read its problems")
	}
	return f.denials(about, t)
}

// denials looks for what in a topic's policy speaks against our statements in it.
func (f Facts) denials(about Finding, t Topic) Finding {
	for _, service := range publishers {
		switch policyLets(t.Document, service, f.Identity.Account, "sns:Publish") {
		case Refused:
			return about.with(Fail, "a statement of the topic's policy keeps "+service+" from publishing", "remove the denial from the policy")
		case Unknown:
			return about.with(Unchecked, "a statement of the topic's policy may keep "+service+" from publishing", setAlarmState)
		}
	}
	return about.ok("alarms and events may publish to the topic")
}

// setAlarmState is how to try what a policy alone does not show.
const setAlarmState = "check it by a test: aws cloudwatch set-alarm-state on one of the alarms sends a mail"

// chat are the findings about the topic for chats of the deployment region, which exists on request.
func (f Facts) chat() []Finding {
	t := f.Chat
	about := Finding{Check: CheckTopic, Region: f.Home, Resource: t.ARN}
	shown := Finding{Check: CheckSubscriber, Region: f.Home, Resource: t.ARN}
	switch {
	case t.Failure.Kind == Missing && (!f.ChatWanted || f.undeployed()):
		return nil
	case t.Failure.Kind == Missing:
		return []Finding{about.with(Warn, "the topic for chats does not exist, so no action is shown there",
			"the next run or cycle with ChatNotifications=Yes creates it")}
	case t.Failure.Kind != Read:
		return []Finding{about.unread("topic for chats", t.Failure)}
	}
	list := append([]Finding{f.topic(f.Home, t)}, f.key(f.Home, t.Key)...)
	switch {
	case t.ListFailure.Kind != Read:
		list = append(list, shown.unread("channels of the topic for chats", t.ListFailure))
	case !f.chatShown():
		list = append(list, shown.with(Warn, "no channel shows the topic for chats",
			"add the topic to the channel's configuration in Amazon Q Developer in chat applications"))
	}
	return list
}

func (f Facts) chatShown() bool {
	return slices.ContainsFunc(f.Chat.Subscribers, func(s Subscriber) bool { return s.AmazonQ() && s.State == Confirmed })
}

// publishers are the services that publish to the topic, and keyActions what they need of its key (SNS
// developer guide, "Key management").
var (
	publishers = []string{"cloudwatch.amazonaws.com", "events.amazonaws.com"}
	keyActions = []string{"kms:GenerateDataKey", "kms:Decrypt"}
)

func (f Facts) key(region string, key Key) []Finding {
	const ownKey = "encrypt the topic with a key of your own whose policy lets both services use it"
	about := Finding{Check: CheckKey, Region: region, Resource: key.Name}
	switch {
	case key.Name == "":
		return nil
	case key.AWS:
		return []Finding{about.with(Fail, "the topic is encrypted with a key of AWS, which CloudWatch and EventBridge cannot use", ownKey)}
	case key.Failure.Kind == Missing:
		return []Finding{about.with(Fail, "the key that the topic is encrypted with does not exist", ownKey)}
	case key.Failure.Kind != Read:
		return []Finding{about.unread("key of the topic", key.Failure)}
	case key.Off:
		return []Finding{about.with(Fail, "the key of the topic is disabled, or about to be deleted", "enable the key, or choose another")}
	}
	var list []Finding
	for _, service := range publishers {
		switch policyLets(key.Policy, service, f.Identity.Account, keyActions...) {
		case Refused:
			list = append(list, about.with(Fail, "the policy of the topic's key does not let "+service+" use it",
				"let it call kms:GenerateDataKey* and kms:Decrypt in the key's policy"))
		case Unknown:
			list = append(list, about.with(Unchecked, "the policy of the topic's key has conditions for "+service,
				setAlarmState))
		}
	}
	if list == nil {
		list = append(list, about.ok("CloudWatch and EventBridge may use the topic's key"))
	}
	return list
}

// subscribers has a finding for each subscription, one for each address that is not subscribed, and one
// if no one is.
func (f Facts) subscribers(r Region) (list []Finding) {
	about := Finding{Check: CheckSubscriber, Region: r.Name, Resource: r.Topic.ARN}
	if r.Topic.ListFailure.Kind != Read {
		return []Finding{about.unread("subscribers of the topic", r.Topic.ListFailure)}
	}
	for _, s := range r.Topic.Subscribers {
		list = append(list, f.subscriber(r.Name, s))
	}
	for _, wanted := range f.Wanted {
		if !slices.ContainsFunc(r.Topic.Subscribers, func(s Subscriber) bool { return s.Same(wanted) }) {
			about.Resource = wanted.Shown()
			list = append(list, about.with(Warn, wanted.Shown()+" is not subscribed, and gets nothing",
				"the next run or cycle with it as NotificationEndpoint subscribes it; then it must be confirmed"))
		}
	}
	if list == nil {
		list = append(list, about.with(Warn, "the topic has no subscriber, so no one is notified", "set NotificationEndpoint"))
	}
	return list
}

func (f Facts) subscriber(region string, s Subscriber) Finding {
	shown := s.Shown()
	about := Finding{Check: CheckSubscriber, Region: region, Resource: shown}
	switch chat, remedy := s.Webhook(); {
	case chat != "" && s.State != Confirmed:
		return about.with(Fail, shown+" is a webhook of "+chat+", which can never confirm a subscription", remedy)
	case s.AmazonQ() && !f.chatShown():
		return about.with(Warn, "Amazon Q Developer shows the alarms of this topic, and drops its texts about actions",
			"set ChatNotifications=Yes, and show that topic in the channel, too")
	case s.State == Pending && s.Protocol == config.HTTPS:
		return about.with(Warn, shown+" has not confirmed, and gets nothing",
			"the endpoint must open the SubscribeURL in the message of AWS; after 3 days the next run has another sent")
	case s.State == Pending:
		return about.with(Warn, shown+" has not confirmed, and gets nothing",
			"follow the link in the mail of AWS; after 3 days the next run sends another")
	case s.State == Deleted:
		return about.with(Warn, shown+" has unsubscribed, and gets nothing", "remove it from NotificationEndpoint, or subscribe it again")
	}
	return about.ok(shown + " has confirmed")
}

// rule is about the rule that forwards notifications of actions, which is in the deployment region.
func (f Facts) rule(r Region) Finding {
	const again = "the next run or cycle corrects it; if it does not, read its problems"
	rule := r.Rule
	texts, chats := rule.sent(r.Topic.ARN), rule.sent(f.Chat.ARN)
	about := Finding{Check: CheckRule, Region: r.Name, Resource: rule.ARN}
	switch {
	case rule.Failure.Kind == Missing && f.undeployed():
		return about.ok("no notification rule; the first run creates it")
	case rule.Failure.Kind == Missing:
		return about.with(Warn, "the notification rule does not exist, so no action is reported", again)
	case rule.Failure.Kind != Read:
		return about.unread("notification rule", rule.Failure)
	case rule.Disabled:
		return about.with(Warn, "the notification rule is disabled, so no action is reported",
			"aws events enable-rule --region "+r.Name+" --name PersonalizeMonitor-NotificationsRule, if that was not on purpose")
	case rule.TargetsFailure.Kind != Read:
		return about.unread("targets of the notification rule", rule.TargetsFailure)
	case len(texts) == 0:
		return about.with(Fail,
			fmt.Sprintf("none of the %d targets of the notification rule is the topic, so no action is reported", len(rule.Targets)), again)
	case f.Chat.Failure.Kind == Read && len(chats) == 0:
		return about.with(Warn, "the topic for chats is no target of the notification rule, so no action is shown there",
			"the next run or cycle with ChatNotifications=Yes corrects it")
	case !rule.Known:
		return about.with(Warn, "the notification rule has a pattern that a person set; some notifications may be missing",
			"delete the rule, and the next run creates it, if that was not on purpose")
	}
	return f.messages(about, texts, chats)
}

// messages is about what the rule sends to the topic, and to that for chats.
func (f Facts) messages(about Finding, texts, chats []Message) Finding {
	switch {
	case f.Chat.Failure.Kind == Read && !slices.Contains(chats, MessageChat):
		return about.with(Warn, "the notification rule sends to the topic for chats what a person set, and a chat shows its own schema alone",
			"delete its target, and the next run with ChatNotifications=Yes creates it")
	case !slices.Contains(texts, MessageText) && slices.Contains(texts, MessageRaw):
		return about.with(Warn, "the notification rule sends raw JSON, not a readable text", "delete its target, and the next run creates it")
	case !slices.Contains(texts, MessageText):
		return about.with(Warn, "the notification rule sends a text that a person set; EventBridge drops an event that lacks a value of it",
			"delete its target, and the next run creates it, if that was not on purpose")
	}
	return about.ok("the notification rule sends to the topic")
}
