package sns

import (
	"fmt"
	"log/slog"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

// pendingLife is how long a subscription waits to be confirmed ("Amazon SNS subscriptions").
const pendingLife = 72 * time.Hour

type subscription struct {
	arn, protocol, endpoint string
	topic                   *topic
	number                  int
	token                   string
	requested               time.Time // when the last request to confirm was sent
	pending                 bool
}

func (t *topic) removeExpired(now time.Time) {
	t.subscriptions = slices.DeleteFunc(t.subscriptions, func(sub *subscription) bool {
		return sub.pending && now.Sub(sub.requested) >= pendingLife
	})
}

// checkSubscriber refuses an endpoint that does not fit the protocol. The owners of all
// endpoints of this SNS, e-mail addresses and URLs, have to confirm.
func checkSubscriber(protocol, endpoint string) error {
	switch protocol {
	case "email":
		address, err := mail.ParseAddress(endpoint)
		if err != nil || address.Address != endpoint || !strings.Contains(endpoint, ".") {
			return badParameter("Email address")
		}
	case "http", "https":
		u, err := url.Parse(endpoint)
		if err != nil || u.Scheme != protocol || u.Host == "" {
			return badParameter("Endpoint must match the specified protocol")
		}
	default:
		return badParameter("Does not support this protocol string: %s", protocol)
	}
	return nil
}

type subscribeInput struct {
	topicInput
	Protocol  string            `json:"Protocol"`
	Endpoint  string            `json:"Endpoint"`
	ReturnARN bool              `json:"ReturnSubscriptionArn,string"`
	Settings  map[string]string `json:"Attributes"`
}

type subscriptionOutput struct {
	ARN string `xml:"SubscriptionArn"`
}

// subscribe adds an endpoint to a topic. An existing subscription is returned unchanged; if
// it is pending, another request to confirm is sent.
func (s *Service) subscribe(c *api.Call, t *topic, in *subscribeInput) (any, error) {
	if err := checkSubscriber(in.Protocol, in.Endpoint); err != nil {
		return nil, err
	}
	if len(in.Settings) > 0 {
		return nil, badParameter("Attributes Reason: this endpoint knows no attributes of subscriptions")
	}
	i := slices.IndexFunc(t.subscriptions, func(sub *subscription) bool {
		return sub.protocol == in.Protocol && sub.endpoint == in.Endpoint
	})
	if i < 0 {
		i = len(t.subscriptions)
		t.created++
		t.subscriptions = append(t.subscriptions, &subscription{
			arn: t.arn + ":" + api.NewID(), protocol: in.Protocol, endpoint: in.Endpoint, topic: t, number: t.created,
			token: strings.ReplaceAll(api.NewID(), "-", ""), pending: !s.autoConfirm,
		})
	}
	sub := t.subscriptions[i]
	if !sub.pending {
		return subscriptionOutput{sub.arn}, nil
	}
	sub.requested = c.Now
	s.Outbox.send(sub, c.Now, "AWS Notification - Subscription Confirmation", fmt.Sprintf(
		"You have chosen to subscribe to the topic:\n%s\n\nTo confirm this subscription, use the token %s.", t.arn, sub.token), sub.token)
	if in.ReturnARN {
		return subscriptionOutput{sub.arn}, nil
	}
	return subscriptionOutput{"pending confirmation"}, nil
}

// ConfirmAll confirms all pending subscriptions and returns their number.
func (s *Service) ConfirmAll() int {
	confirmed := 0
	for _, t := range s.topics {
		t.removeExpired(s.Outbox.clock.Now())
		for _, sub := range t.subscriptions {
			if sub.pending {
				sub.pending = false
				confirmed++
			}
		}
	}
	return confirmed
}

type subscriptionShape struct {
	ARN      string `xml:"SubscriptionArn"`
	Owner    string `xml:"Owner"`
	Protocol string `xml:"Protocol"`
	Endpoint string `xml:"Endpoint"`
	TopicARN string `xml:"TopicArn"`
}

type listSubscriptionsInput struct {
	topicInput
	Token *string `json:"NextToken"`
}

type listSubscriptionsOutput struct {
	Subscriptions []subscriptionShape `xml:"Subscriptions>member"`
	Token         string              `xml:"NextToken,omitempty"`
}

func listSubscriptionsByTopic(c *api.Call, t *topic, in *listSubscriptionsInput) (any, error) {
	key := func(sub *subscription) string { return fmt.Sprintf("%09d", sub.number) }
	subs, next, err := api.Page(c, t.subscriptions, key, in.Token, nil, pageSize)
	return listSubscriptionsOutput{api.Map(subs, (*subscription).shape), next}, err
}

func (sub *subscription) shape() subscriptionShape {
	arn := sub.arn
	if sub.pending {
		arn = "PendingConfirmation"
	}
	return subscriptionShape{arn, sub.topic.home.Account, sub.protocol, sub.endpoint, sub.topic.arn}
}

// Services that publish to topics.
const (
	PrincipalEvents = "events.amazonaws.com"
	PrincipalAlarms = "cloudwatch.amazonaws.com"
)

const (
	maxMessage = 256 * 1024 // bytes (Publish in the API reference of SNS)
	maxKept    = 10_000     // mails and drops
)

// Mail is a message that SNS sent to one subscriber, or a request to confirm. The endpoint
// keeps it instead of sending it.
type Mail struct {
	Time     time.Time
	Region   string
	Topic    string // ARN
	Protocol string
	Endpoint string
	Subject  string // empty if the publisher gave none
	Message  string
	Token    string // of a request to confirm the subscription; empty otherwise
}

// Drop is a notification that did not reach its target. AWS drops it without a trace.
type Drop struct {
	Time   time.Time
	Region string
	Rule   string // empty for an alarm's action
	Target string // ARN
	Reason string
}

// Notification is a message that another AWS service publishes to a topic.
type Notification struct {
	Principal string // the service
	// Context is what the service reports about the request, by lower-case condition key.
	// It is nil for EventBridge, which reports nothing.
	Context       map[string]string
	Rule          string // of EventBridge; empty for an alarm's action
	Topic         string // ARN
	Subject, Text string
	Detail        string // completes the reason of a drop: "the policy does not let SERVICE publish DETAIL"
}

// Notify publishes a notification. It is dropped if the topic does not exist or its policy
// does not let the service publish.
func (s *Service) Notify(n Notification) {
	t := s.topics[n.Topic]
	region := ""
	if parts := strings.Split(n.Topic, ":"); len(parts) == 6 {
		region = parts[3]
	}
	switch {
	case t == nil:
		s.Outbox.Drop(region, n.Rule, n.Topic, "no such topic")
	case !t.policy.allows(n.Principal, n.Context, n.Topic):
		s.Outbox.Drop(region, n.Rule, n.Topic, "the topic's policy does not let "+n.Principal+" publish "+n.Detail)
	default:
		s.Outbox.deliver(t, n.Subject, n.Text, s.Outbox.clock.Now().UTC())
	}
}

// deliver sends a message to all confirmed subscribers.
func (o *Outbox) deliver(t *topic, subject, message string, now time.Time) {
	for _, sub := range t.subscriptions {
		if !sub.pending {
			o.send(sub, now, subject, message, "")
		}
	}
}

type publishInput struct {
	topicInput
	Subject string `json:"Subject" check:"subject"`
	Message string `json:"Message" check:"required"`
}

type publishOutput struct {
	ID string `xml:"MessageId"`
}

func (s *Service) publish(c *api.Call, t *topic, in *publishInput) (any, error) {
	if len(in.Message) > maxMessage {
		return nil, badParameter("Message too long")
	}
	s.Outbox.deliver(t, in.Subject, in.Message, c.Now)
	return publishOutput{api.NewID()}, nil
}

// Outbox keeps what was sent to subscribers, and the notifications that were dropped.
type Outbox struct {
	clock   api.Clock
	log     *slog.Logger
	mails   []Mail
	dropped []Drop
}

func (o *Outbox) send(sub *subscription, now time.Time, subject, message, token string) {
	t := sub.topic
	o.log.Info("mail sent", "region", t.home.Region, "arn", t.arn, "endpoint", sub.endpoint, "subject", subject)
	o.mails = api.KeepLast(append(o.mails, Mail{now, t.home.Region, t.arn, sub.protocol, sub.endpoint, subject, message, token}), maxKept)
}

// Drop records a notification that did not reach its target.
func (o *Outbox) Drop(region, rule, target, reason string) {
	o.log.Info("notification dropped", "region", region, "arn", target, "rule", rule, "reason", reason)
	o.dropped = api.KeepLast(append(o.dropped, Drop{o.clock.Now().UTC(), region, rule, target, reason}), maxKept)
}

// Mails returns what was sent to subscribers, oldest first.
func (o *Outbox) Mails() []Mail { return slices.Clone(o.mails) }

// Dropped returns the notifications that did not reach their targets, oldest first.
func (o *Outbox) Dropped() []Drop { return slices.Clone(o.dropped) }

// Forget removes mails and dropped notifications from before a time.
func (o *Outbox) Forget(before time.Time) {
	o.mails = slices.DeleteFunc(o.mails, func(m Mail) bool { return m.Time.Before(before) })
	o.dropped = slices.DeleteFunc(o.dropped, func(d Drop) bool { return d.Time.Before(before) })
}
