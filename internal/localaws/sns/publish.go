package sns

import (
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

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

func (s *Service) publish(c *api.Call, in *publishInput) (any, error) {
	t, err := s.findTopic(c, in.ARN)
	switch {
	case err != nil:
		return nil, err
	case len(in.Message) > maxMessage:
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
