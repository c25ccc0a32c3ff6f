package localaws

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// maxMessage bounds a message, in bytes (Publish in the API reference of SNS).
const maxMessage = 256 * 1024

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

// subjectPattern: printable ASCII, the first character a letter, digit or punctuation, at
// most 100 of them and no line break.
var subjectPattern = lazy(`^[!-~][ -~]{0,99}$`)

func (s *Server) publish(c *call) (any, error) {
	var in struct {
		TopicARN  string `query:"TopicArn"`
		TargetARN string `query:"TargetArn"`
		Subject   string `query:"Subject"`
		Message   string `query:"Message"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if (in.TopicARN == "") == (in.TargetARN == "") {
		return nil, badParameter("TopicArn or TargetArn Reason: exactly one of them is required")
	}
	t, err := s.findTopic(c, in.TopicARN+in.TargetARN)
	if err != nil {
		return nil, err
	}
	switch {
	case in.Message == "":
		return nil, badParameter("Empty message")
	case len(in.Message) > maxMessage:
		return nil, badParameter("Message too long")
	case in.Subject != "" && !subjectPattern().MatchString(in.Subject):
		return nil, badParameter("Subject")
	}
	s.deliverMessage(t, in.Subject, in.Message, c.now)
	return struct {
		ID string `xml:"MessageId"`
	}{newRequestID()}, nil
}

// publishToTopic publishes a notification of an alarm, which the message names as
// CloudWatch's do. It is dropped if there is no such topic or if the topic's policy does
// not let CloudWatch publish for that alarm.
func (s *Server) publishToTopic(topicARN, subject, message string) {
	var alarm struct {
		ARN     string `json:"AlarmArn"`
		Account string `json:"AWSAccountId"`
	}
	parts := strings.SplitN(topicARN, ":", 6)
	region := ""
	if len(parts) == 6 {
		region = parts[3]
	}
	if err := json.Unmarshal([]byte(message), &alarm); err != nil {
		s.drop(region, "", topicARN, "the message names no alarm")
		return
	}
	t := s.sns.topics[topicARN]
	if t == nil {
		s.drop(region, "", topicARN, "no such topic")
		return
	}
	context := map[string]string{
		"aws:sourceaccount": alarm.Account, "aws:sourcearn": alarm.ARN, "aws:sourceowner": alarm.Account,
	}
	if !t.policy.lets(principalAlarms, context, topicARN) {
		s.drop(region, "", topicARN, "the topic's policy does not let cloudwatch.amazonaws.com publish for "+alarm.ARN)
		return
	}
	s.deliverMessage(t, subject, message, s.clock.Now().UTC())
}

// deliverMessage sends a message to everybody who has confirmed.
func (s *Server) deliverMessage(t *topic, subject, message string, now time.Time) {
	for _, sub := range t.subscriptions {
		if !sub.pending {
			s.post(Mail{
				Time: now, Region: t.home.region, Topic: t.arn, Protocol: sub.protocol, Endpoint: sub.endpoint,
				Subject: subject, Message: message,
			})
		}
	}
}

func (s *Server) post(m Mail) {
	s.log.Info("mail sent", "region", m.Region, "arn", m.Topic, "endpoint", m.Endpoint, "subject", m.Subject)
	s.sns.outbox = keepLast(append(s.sns.outbox, m), maxKeptEvents)
}

// Outbox returns what SNS sent to subscribers, oldest first: at least the last 10,000.
func (s *Server) Outbox() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sns.outbox)
}
