package sns

import (
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

// An unconfirmed subscription expires after three days. Its token is valid for two ("Amazon
// SNS subscriptions" and Subscribe in the API reference).
const (
	pendingLife = 72 * time.Hour
	tokenLife   = 48 * time.Hour
)

type subscription struct {
	arn, protocol, endpoint string
	topic                   *topic
	number                  int
	token                   string
	requested               time.Time // when the last request to confirm was sent
	pending                 bool
}

// removeExpired removes the subscriptions that were not confirmed in time.
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
	ReturnARN bool              `json:"ReturnSubscriptionArn"`
	Settings  map[string]string `json:"Attributes"`
}

type subscriptionOutput struct {
	ARN string `xml:"SubscriptionArn"`
}

// subscribe adds an endpoint to a topic. An existing subscription is returned unchanged; if
// it is pending, another request to confirm is sent.
func (s *Service) subscribe(c *api.Call, in *subscribeInput) (any, error) {
	if err := checkSubscriber(in.Protocol, in.Endpoint); err != nil {
		return nil, err
	}
	if len(in.Settings) > 0 {
		return nil, badParameter("Attributes Reason: this endpoint knows no attributes of subscriptions")
	}
	t, err := s.findTopic(c, in.ARN)
	if err != nil {
		return nil, err
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

type confirmInput struct {
	topicInput
	Token string `json:"Token"`
}

func (s *Service) confirmSubscription(c *api.Call, in *confirmInput) (any, error) {
	t, err := s.findTopic(c, in.ARN)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(t.subscriptions, func(sub *subscription) bool { return sub.token == in.Token })
	if i < 0 || (t.subscriptions[i].pending && c.Now.Sub(t.subscriptions[i].requested) > tokenLife) {
		return nil, badParameter("Token")
	}
	t.subscriptions[i].pending = false
	return subscriptionOutput{t.subscriptions[i].arn}, nil
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

func (s *Service) listSubscriptionsByTopic(c *api.Call, in *listSubscriptionsInput) (any, error) {
	t, err := s.findTopic(c, in.ARN)
	if err != nil {
		return nil, err
	}
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

type unsubscribeInput struct {
	ARN string `json:"SubscriptionArn"`
}

// unsubscribe succeeds for a subscription that does not exist. A pending one cannot be
// removed; it expires.
func (s *Service) unsubscribe(c *api.Call, in *unsubscribeInput) error {
	if err := checkARN("SubscriptionArn", in.ARN, 7); err != nil {
		return err
	}
	t := s.topics[in.ARN[:strings.LastIndexByte(in.ARN, ':')]]
	if t == nil || t.home != c.Home {
		return nil
	}
	t.removeExpired(c.Now)
	i := slices.IndexFunc(t.subscriptions, func(sub *subscription) bool { return sub.arn == in.ARN })
	switch {
	case i < 0:
		return nil
	case t.subscriptions[i].pending:
		return badParameter("SubscriptionArn Reason: the subscription is pending confirmation")
	}
	t.subscriptions = slices.Delete(t.subscriptions, i, i+1)
	t.deleted++
	return nil
}
