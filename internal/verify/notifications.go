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

// Subscriber is one subscription of a topic.
type Subscriber struct {
	Protocol string
	Address  string // of a URL it may hold a secret: findings show the host alone
	State    SubscriberState
}

// SubscriberState is whether a subscriber gets anything.
type SubscriberState string

// The states.
const (
	Confirmed SubscriberState = "confirmed"
	Pending   SubscriberState = "pending"
	Deleted   SubscriberState = "deleted" // the owner has unsubscribed
)

// shown is an address as output may have it.
func (s Subscriber) shown() string {
	return config.Endpoint{Protocol: config.Protocol(s.Protocol), Address: s.Address}.Shown()
}

// Rule is the notification rule of a region; only that of the deployment region is looked at.
type Rule struct {
	Failure  Failure // Missing if there is no rule
	ARN      string
	Disabled bool
	Known    bool // its pattern matches our notifications
	// Targets are its targets' ARNs. TargetsFailure is why they are not known.
	Targets        []string
	TargetsFailure Failure
	Raw            bool // the target of ours sends raw JSON
}

// notifications are the findings about topic, key, subscribers and rule of a region. Where nothing is
// deployed, a topic that does not exist is no fault.
func (f Facts) notifications(r Region) []Finding {
	t := r.Topic
	if t.Failure.Kind == Missing && !r.Concerned {
		return nil
	}
	list := []Finding{f.topic(r)}
	if t.Failure.Kind == Read {
		list = append(list, f.key(r)...)
		list = append(list, f.subscribers(r)...)
	}
	if r.Name == f.Home {
		list = append(list, f.rule(r)...)
	}
	return list
}

func (f Facts) topic(r Region) Finding {
	t := r.Topic
	finding := Finding{CheckTopic, OK, r.Name, t.ARN, "alarms and events may publish to the topic", ""}
	switch {
	case t.Failure.Kind == Missing && len(f.present()) == 0:
		finding.Text = "no topic; the first run creates it"
	case t.Failure.Kind == Missing:
		finding.Status, finding.Text = Warn, "the notification topic does not exist, so no one is notified"
		finding.Remedy = "the next run or cycle creates it; if it does not, read its problems"
	case t.Failure.Kind != Read:
		return t.Failure.unchecked(CheckTopic, r.Name, "notification topic")
	case t.PolicyFailure.Kind != Read:
		finding.Status, finding.Text = Fail, "the topic's policy cannot be understood: "+t.PolicyFailure.Text
		finding.Remedy = "fix the policy; it must let cloudwatch.amazonaws.com and events.amazonaws.com publish"
	case !t.Policy && t.Sample:
		finding.Status, finding.Text = Warn, "the topic has the upstream sample's policy, by which alarms of any account may publish"
		finding.Remedy = "the next run or cycle corrects it"
	case !t.Policy:
		finding.Status, finding.Text = Fail, "the topic's policy does not let alarms and events publish as it should"
		finding.Remedy = "the next run or cycle corrects it (sns:SetTopicAttributes); if it does not, read its problems"
	}
	return finding
}

// keyServices are those that publish to the topic, and the actions on its key that they need (SNS
// developer guide, "Key management").
var (
	keyServices = []string{"cloudwatch.amazonaws.com", "events.amazonaws.com"}
	keyActions  = []string{"kms:GenerateDataKey", "kms:Decrypt"}
)

func (f Facts) key(r Region) []Finding {
	key := r.Topic.Key
	if key.Name == "" {
		return nil
	}
	finding := Finding{CheckKey, Fail, r.Name, key.Name, "", "encrypt the topic with a key of your own whose policy lets both services use it"}
	switch {
	case key.AWS:
		finding.Text = "the topic is encrypted with a key of AWS, which CloudWatch and EventBridge cannot use"
		return []Finding{finding}
	case key.Failure.Kind == Missing:
		finding.Text = "the key that the topic is encrypted with does not exist"
		return []Finding{finding}
	case key.Failure.Kind != Read:
		return []Finding{key.Failure.unchecked(CheckKey, r.Name, "key of the topic")}
	case key.Off:
		finding.Text, finding.Remedy = "the key of the topic is disabled, or about to be deleted", "enable the key, or choose another"
		return []Finding{finding}
	}
	grant := "let it call kms:GenerateDataKey* and kms:Decrypt in the key's policy"
	var list []Finding
	for _, service := range keyServices {
		switch keyLets(key.Policy, service, f.Identity.Account) {
		case Refused:
			list = append(list, Finding{CheckKey, Fail, r.Name, key.Name, "the policy of the topic's key does not let " + service + " use it", grant})
		case Unknown:
			list = append(list, Finding{
				CheckKey, Unchecked, r.Name, key.Name, "the policy of the topic's key has conditions for " + service,
				"check them by a test: aws cloudwatch set-alarm-state on one of the alarms sends a mail",
			})
		}
	}
	if list == nil {
		list = append(list, Finding{CheckKey, OK, r.Name, key.Name, "CloudWatch and EventBridge may use the topic's key", ""})
	}
	return list
}

// subscribers has a finding for each subscription, and one if there is no subscription.
func (f Facts) subscribers(r Region) []Finding {
	t := r.Topic
	if t.ListFailure.Kind != Read {
		return []Finding{t.ListFailure.unchecked(CheckSubscriber, r.Name, "subscribers of the topic")}
	}
	if len(t.Subscribers) == 0 {
		return []Finding{{CheckSubscriber, Warn, r.Name, t.ARN, "the topic has no subscriber, so no one is notified", "set NotificationEndpoint"}}
	}
	var list []Finding
	for _, s := range t.Subscribers {
		list = append(list, s.finding(r.Name))
	}
	return list
}

func (s Subscriber) finding(region string) Finding {
	finding := Finding{CheckSubscriber, OK, region, s.shown(), s.shown() + " has confirmed", ""}
	switch chat := config.ChatService(s.Address); {
	case chat != "" && s.State != Confirmed:
		return chatFinding(region, s.shown(), chat)
	case config.AmazonQ(s.Address):
		finding.Status = Warn
		finding.Text = "Amazon Q Developer shows the alarms of this topic, and drops its texts about actions"
		finding.Remedy = "subscribe a person's address or a tool that takes any text beside it"
	case s.State == Pending:
		finding.Status, finding.Text = Warn, s.shown()+" has not confirmed, and gets nothing"
		finding.Remedy = "follow the link in the mail of AWS; after 3 days the next run sends another"
	case s.State == Deleted:
		finding.Status, finding.Text = Warn, s.shown()+" has unsubscribed, and gets nothing"
		finding.Remedy = "remove it from NotificationEndpoint, or subscribe it again"
	}
	return finding
}

// chatFinding is about a webhook that can never confirm.
func chatFinding(region, shown, chat string) Finding {
	return Finding{
		CheckSubscriber, Fail, region, shown, shown + " is a webhook of " + chat + ", which can never confirm a subscription",
		"use the channel's e-mail address, or Amazon Q Developer in chat applications",
	}
}

// wanted are the addresses of the parameters that can never be subscribed.
func (f Facts) wanted() []Finding {
	var list []Finding
	for _, address := range f.Wanted {
		subscribed := slices.ContainsFunc(f.Regions, func(r Region) bool {
			return slices.ContainsFunc(r.Topic.Subscribers, func(s Subscriber) bool { return s.Address == address })
		})
		s := Subscriber{Protocol: string(config.HTTPS), Address: address}
		if chat := config.ChatService(address); chat != "" && !subscribed {
			list = append(list, chatFinding("", s.shown(), chat))
		}
	}
	return list
}

// rule is about the rule that forwards notifications of actions, which is in the deployment region.
func (f Facts) rule(r Region) []Finding {
	rule := r.Rule
	finding := Finding{CheckRule, OK, r.Name, rule.ARN, "the notification rule sends to the topic", ""}
	again := "the next run or cycle corrects it; if it does not, read its problems"
	switch {
	case rule.Failure.Kind == Missing && len(f.present()) == 0:
		finding.Text = "no notification rule; the first run creates it"
	case rule.Failure.Kind == Missing:
		finding.Status, finding.Text, finding.Remedy = Warn, "the notification rule does not exist, so no action is reported", again
	case rule.Failure.Kind != Read:
		return []Finding{rule.Failure.unchecked(CheckRule, r.Name, "notification rule")}
	case rule.Disabled:
		finding.Status, finding.Text = Warn, "the notification rule is disabled, so no action is reported"
		finding.Remedy = "aws events enable-rule --name PersonalizeMonitor-NotificationsRule, if that was not on purpose"
	case rule.TargetsFailure.Kind != Read:
		return []Finding{rule.TargetsFailure.unchecked(CheckRule, r.Name, "targets of the notification rule")}
	case !slices.Contains(rule.Targets, r.Topic.ARN):
		finding.Status, finding.Remedy = Fail, again
		finding.Text = fmt.Sprintf("none of the %d targets of the notification rule is the topic, so no action is reported", len(rule.Targets))
	case !rule.Known:
		finding.Status, finding.Text = Warn, "the notification rule has a pattern that a person set; some notifications may be missing"
		finding.Remedy = "delete the rule, and the next run creates it, if that was not on purpose"
	case rule.Raw:
		finding.Status, finding.Text = Warn, "the notification rule sends raw JSON, not a readable text"
		finding.Remedy = "delete its target, and the next run creates it"
	}
	return []Finding{finding}
}
