package localaws

import (
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What SNS writes where a subscription has no ARN to show yet.
const (
	pendingFromSubscribe = "pending confirmation"
	pendingInListings    = "PendingConfirmation"
)

var phonePattern = lazy(`^\+[1-9][0-9]{6,14}$`)

// checkSubscriber refuses an endpoint that is not one of the protocol. waits tells
// whether its owner has to confirm.
func checkSubscriber(protocol, endpoint string) (waits bool, err error) {
	bad := badParameter("%s endpoint", protocol)
	switch protocol {
	case "email", "email-json":
		address, err := mail.ParseAddress(endpoint)
		if err != nil || address.Address != endpoint || !strings.Contains(endpoint, ".") {
			return false, badParameter("Email address")
		}
		return true, nil
	case "http", "https":
		u, err := url.Parse(endpoint)
		if err != nil || u.Scheme != protocol || u.Host == "" {
			return false, badParameter("Endpoint must match the specified protocol")
		}
		return true, nil
	case "sms":
		if !phonePattern().MatchString(endpoint) {
			return false, bad
		}
		return false, nil
	case "sqs", "lambda", "firehose":
		if parts := strings.SplitN(endpoint, ":", 6); len(parts) != 6 || parts[0] != "arn" || parts[2] != protocol {
			return false, bad
		}
		return false, nil
	}
	return false, badParameter("Does not support this protocol string: %s", protocol)
}

type subscriptionARNOutput struct {
	ARN string `xml:"SubscriptionArn"`
}

// subscribe adds an endpoint to a topic. One that is there already stays as it is; if it
// has not been confirmed yet, it is asked again.
func (s *Server) subscribe(c *call) (any, error) {
	var in struct {
		TopicARN  string            `query:"TopicArn"`
		Protocol  string            `query:"Protocol"`
		Endpoint  string            `query:"Endpoint"`
		ReturnARN bool              `query:"ReturnSubscriptionArn"`
		Settings  map[string]string `query:"Attributes"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	waits, err := checkSubscriber(in.Protocol, in.Endpoint)
	if err != nil {
		return nil, err
	}
	if len(in.Settings) > 0 {
		return nil, badParameter("Attributes Reason: this endpoint knows no attributes of subscriptions")
	}
	t, err := s.findTopic(c, in.TopicARN)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(t.subscriptions, func(sub *subscription) bool {
		return sub.protocol == in.Protocol && sub.endpoint == in.Endpoint
	})
	var sub *subscription
	if i >= 0 {
		sub = t.subscriptions[i]
	} else {
		t.made++
		sub = &subscription{
			arn: t.arn + ":" + newRequestID(), protocol: in.Protocol, endpoint: in.Endpoint, topic: t, number: t.made,
			token: strings.ReplaceAll(newRequestID(), "-", ""), pending: waits && !s.sns.autoConfirm,
		}
		t.subscriptions = append(t.subscriptions, sub)
	}
	if !sub.pending {
		return subscriptionARNOutput{sub.arn}, nil
	}
	sub.since = c.now
	s.askToConfirm(sub, c.now)
	if in.ReturnARN {
		return subscriptionARNOutput{sub.arn}, nil
	}
	return subscriptionARNOutput{pendingFromSubscribe}, nil
}

func (s *Server) askToConfirm(sub *subscription, now time.Time) {
	s.post(Mail{
		Time: now, Region: sub.topic.home.region, Topic: sub.topic.arn, Protocol: sub.protocol, Endpoint: sub.endpoint,
		Subject: "AWS Notification - Subscription Confirmation",
		Message: fmt.Sprintf("You have chosen to subscribe to the topic:\n%s\n\nTo confirm this subscription, use the token %s.", sub.topic.arn, sub.token),
		Token:   sub.token,
	})
}

func (s *Server) confirmSubscription(c *call) (any, error) {
	var in struct {
		TopicARN     string `query:"TopicArn"`
		Token        string `query:"Token"`
		Authenticate string `query:"AuthenticateOnUnsubscribe"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	t, err := s.findTopic(c, in.TopicARN)
	if err != nil {
		return nil, err
	}
	for _, sub := range t.subscriptions {
		if sub.token != in.Token {
			continue
		}
		if sub.pending && c.now.Sub(sub.since) > tokenLife {
			break
		}
		sub.pending = false
		return subscriptionARNOutput{sub.arn}, nil
	}
	return nil, badParameter("Token")
}

// ConfirmAll confirms every subscription that waits for it, as if each owner had followed
// the link in the mail, and returns how many that were.
func (s *Server) ConfirmAll() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	confirmed := 0
	for _, t := range s.sns.topics {
		t.forgetUnconfirmed(s.clock.Now())
		for _, sub := range t.subscriptions {
			if sub.pending {
				sub.pending = false
				confirmed++
			}
		}
	}
	return confirmed
}

// WithAutoConfirm confirms every subscription as soon as it is made. The default is to
// keep those pending that AWS asks the owner about.
func WithAutoConfirm() Option { return func(s *Server) { s.sns.autoConfirm = true } }

type subscriptionShape struct {
	ARN      string `xml:"SubscriptionArn"`
	Owner    string `xml:"Owner"`
	Protocol string `xml:"Protocol"`
	Endpoint string `xml:"Endpoint"`
	TopicARN string `xml:"TopicArn"`
}

func (sub *subscription) shape() subscriptionShape {
	shape := subscriptionShape{
		ARN: sub.arn, Owner: sub.topic.home.account, Protocol: sub.protocol, Endpoint: sub.endpoint, TopicARN: sub.topic.arn,
	}
	if sub.pending {
		shape.ARN = pendingInListings
	}
	return shape
}

func (s *Server) listSubscriptionsByTopic(c *call) (any, error) {
	var in struct {
		TopicARN string `query:"TopicArn"`
		Token    string `query:"NextToken"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	t, err := s.findTopic(c, in.TopicARN)
	if err != nil {
		return nil, err
	}
	subs, next, ok := page(c, t.subscriptions, (*subscription).key, in.Token, snsPage)
	if !ok {
		return nil, badParameter("NextToken")
	}
	return struct {
		Subscriptions []subscriptionShape `xml:"Subscriptions>member"`
		Token         string              `xml:"NextToken,omitempty"`
	}{each(subs, (*subscription).shape), next}, nil
}

// findSubscription returns the caller's subscription of an ARN, nil if there is none.
func (s *Server) findSubscription(c *call, arn string) (*subscription, error) {
	if err := checkSNSARN("SubscriptionArn", arn, 7); err != nil {
		return nil, err
	}
	t := s.sns.topics[arn[:strings.LastIndexByte(arn, ':')]]
	if t == nil || t.home != c.home() {
		return nil, nil
	}
	t.forgetUnconfirmed(c.now)
	for _, sub := range t.subscriptions {
		if sub.arn == arn {
			return sub, nil
		}
	}
	return nil, nil
}

func (s *Server) getSubscriptionAttributes(c *call) (any, error) {
	var in struct {
		ARN string `query:"SubscriptionArn"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	sub, err := s.findSubscription(c, in.ARN)
	if err != nil {
		return nil, err
	}
	if sub == nil {
		return nil, snsNotFound("Subscription")
	}
	return newAttributes(map[string]string{
		"SubscriptionArn": sub.arn, "TopicArn": sub.topic.arn, "Owner": c.account, "Protocol": sub.protocol,
		"Endpoint": sub.endpoint, "PendingConfirmation": strconv.FormatBool(sub.pending),
		"ConfirmationWasAuthenticated": "false", "RawMessageDelivery": "false",
	}), nil
}

// unsubscribe is a success for a subscription that is not there. One that waits for its
// confirmation cannot be removed; it vanishes by itself.
func (s *Server) unsubscribe(c *call) (any, error) {
	var in struct {
		ARN string `query:"SubscriptionArn"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	sub, err := s.findSubscription(c, in.ARN)
	if err != nil || sub == nil {
		return nil, err
	}
	if sub.pending {
		return nil, badParameter("SubscriptionArn Reason: the subscription is pending confirmation")
	}
	t := sub.topic
	t.subscriptions = slices.DeleteFunc(t.subscriptions, func(other *subscription) bool { return other == sub })
	t.deleted++
	return nil, nil
}
