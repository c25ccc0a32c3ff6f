package localaws

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Error codes of SNS, as its query protocol spells them.
const (
	codeInvalidParameter = "InvalidParameter"
	codeSNSNotFound      = "NotFound"
	codeTagNotFound      = "ResourceNotFound"
	codeTagLimit         = "TagLimitExceeded"
)

const (
	snsPage = 100 // rows of every listing
	// An unconfirmed subscription vanishes after three days; its token is good for two
	// ("Amazon SNS subscriptions" and Subscribe in the API reference).
	pendingLife = 72 * time.Hour
	tokenLife   = 48 * time.Hour
)

// snsState is everything that SNS knows.
type snsState struct {
	topics      map[string]*topic
	outbox      []Mail
	autoConfirm bool
}

// topic is a topic with its subscriptions in the order they were made.
type topic struct {
	home          home
	arn, name     string
	policy        *policy
	attributes    map[string]string // those set, besides the policy
	tags          map[string]string
	subscriptions []*subscription
	made          int // subscriptions ever made
	deleted       int
}

type subscription struct {
	arn, protocol, endpoint string
	topic                   *topic
	number                  int
	token                   string
	since                   time.Time // when the confirmation was last asked for
	pending                 bool
}

// key sorts subscriptions in the order they were made.
func (sub *subscription) key() string { return fmt.Sprintf("%09d", sub.number) }

func (s *Server) snsOperations() map[string]operation {
	return map[string]operation{
		"CreateTopic":               s.createTopic,
		"DeleteTopic":               s.deleteTopic,
		"GetTopicAttributes":        s.getTopicAttributes,
		"SetTopicAttributes":        s.setTopicAttributes,
		"ListTopics":                s.listTopics,
		"Subscribe":                 s.subscribe,
		"ConfirmSubscription":       s.confirmSubscription,
		"ListSubscriptionsByTopic":  s.listSubscriptionsByTopic,
		"GetSubscriptionAttributes": s.getSubscriptionAttributes,
		"Unsubscribe":               s.unsubscribe,
		"Publish":                   s.publish,
		"ListTagsForResource":       s.listSNSTags,
		"TagResource":               s.tagSNS,
		"UntagResource":             s.untagSNS,
	}
}

func badParameter(format string, args ...any) error {
	return refuse(codeInvalidParameter, "Invalid parameter: "+format, args...)
}

func snsNotFound(what string) error {
	return &apiError{Code: codeSNSNotFound, Message: what + " does not exist", Status: http.StatusNotFound}
}

// checkSNSARN refuses what is not an ARN of SNS with so many parts: 6 of a topic, 7 of a
// subscription. "PendingConfirmation", which listings show instead of an ARN, is none.
func checkSNSARN(member, arn string, parts int) error {
	split := strings.Split(arn, ":")
	if len(split) < 6 {
		return badParameter("%s Reason: An ARN must have at least 6 elements, not %d", member, len(split))
	}
	if split[0] != "arn" || split[2] != "sns" || len(split) != parts || split[parts-1] == "" {
		return badParameter("%s", member)
	}
	return nil
}

// findTopic returns the caller's topic of an ARN in the call's region.
func (s *Server) findTopic(c *call, arn string) (*topic, error) {
	if err := checkSNSARN("TopicArn", arn, 6); err != nil {
		return nil, err
	}
	t := s.sns.topics[arn]
	if t == nil || t.home != c.home() {
		return nil, snsNotFound("Topic")
	}
	t.forgetUnconfirmed(c.now)
	return t, nil
}

// forgetUnconfirmed removes the subscriptions that nobody has confirmed in time.
func (t *topic) forgetUnconfirmed(now time.Time) {
	t.subscriptions = filter(t.subscriptions, func(sub *subscription) bool {
		return !sub.pending || now.Sub(sub.since) < pendingLife
	})
}

var topicPattern = lazy(`^[A-Za-z0-9_\-]{1,256}$`)

type topicARNOutput struct {
	ARN string `xml:"TopicArn"`
}

// createTopic makes a topic, or finds it if there is one of the name. Attributes and tags
// that are given must then be those it has.
func (s *Server) createTopic(c *call) (any, error) {
	var in struct {
		Name       string            `query:"Name"`
		Attributes map[string]string `query:"Attributes"`
		Tags       []snsTag          `query:"Tags"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if !topicPattern().MatchString(in.Name) {
		return nil, badParameter("Topic Name")
	}
	tags, err := readSNSTags(in.Tags)
	if err != nil {
		return nil, err
	}
	arn := c.arn("sns", in.Name)
	t := &topic{home: c.home(), arn: arn, name: in.Name, tags: tags, attributes: map[string]string{}}
	if err := t.set("Policy", defaultPolicy(arn, c.account)); err != nil {
		return nil, err
	}
	for name, v := range in.Attributes {
		if err := t.set(name, v); err != nil {
			return nil, err
		}
	}
	if old := s.sns.topics[arn]; old != nil {
		return topicARNOutput{arn}, old.sameAs(in.Attributes, tags)
	}
	if s.sns.topics == nil {
		s.sns.topics = map[string]*topic{}
	}
	s.sns.topics[arn] = t
	return topicARNOutput{arn}, nil
}

func (t *topic) sameAs(attributes, tags map[string]string) error {
	for name, v := range attributes {
		if t.attribute(name) != v {
			return badParameter("Attributes Reason: Topic already exists with different attributes")
		}
	}
	if len(tags) > 0 && !maps.Equal(tags, t.tags) {
		return badParameter("Tags Reason: Topic already exists with different tags")
	}
	return nil
}

func (t *topic) attribute(name string) string {
	if name == "Policy" {
		return t.policy.text
	}
	return t.attributes[name]
}

// set sets one of the attributes that this endpoint knows. A policy replaces the former
// one as a whole.
func (t *topic) set(name, v string) error {
	switch name {
	case "Policy":
		p, err := parsePolicy(v)
		if err != nil {
			return badParameter("Policy Error: %v", err)
		}
		t.policy = p
		return nil
	case "DisplayName":
		if len([]rune(v)) > 100 {
			return badParameter("DisplayName Reason: it has more than 100 characters")
		}
	case "KmsMasterKeyId", "TracingConfig", "SignatureVersion":
	default:
		return badParameter("AttributeName")
	}
	t.attributes[name] = v
	return nil
}

func (s *Server) deleteTopic(c *call) (any, error) {
	var in struct {
		ARN string `query:"TopicArn"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := checkSNSARN("TopicArn", in.ARN, 6); err != nil {
		return nil, err
	}
	if t := s.sns.topics[in.ARN]; t != nil && t.home == c.home() {
		delete(s.sns.topics, in.ARN)
	}
	return nil, nil
}

type entry struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

type attributesOutput struct {
	Attributes []entry `xml:"Attributes>entry"`
}

func newAttributes(m map[string]string) attributesOutput {
	var out attributesOutput
	for _, key := range sortedKeys(m) {
		out.Attributes = append(out.Attributes, entry{key, m[key]})
	}
	return out
}

func (s *Server) getTopicAttributes(c *call) (any, error) {
	var in struct {
		ARN string `query:"TopicArn"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	t, err := s.findTopic(c, in.ARN)
	if err != nil {
		return nil, err
	}
	pending := len(filter(t.subscriptions, func(sub *subscription) bool { return sub.pending }))
	all := maps.Clone(t.attributes)
	maps.Copy(all, map[string]string{
		"TopicArn": t.arn, "Owner": t.home.account, "Policy": t.policy.text, "DisplayName": t.attributes["DisplayName"],
		"SubscriptionsPending":   strconv.Itoa(pending),
		"SubscriptionsConfirmed": strconv.Itoa(len(t.subscriptions) - pending),
		"SubscriptionsDeleted":   strconv.Itoa(t.deleted),
	})
	return newAttributes(all), nil
}

func (s *Server) setTopicAttributes(c *call) (any, error) {
	var in struct {
		ARN   string `query:"TopicArn"`
		Name  string `query:"AttributeName"`
		Value string `query:"AttributeValue"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	t, err := s.findTopic(c, in.ARN)
	if err != nil {
		return nil, err
	}
	return nil, t.set(in.Name, in.Value)
}

func (s *Server) listTopics(c *call) (any, error) {
	var in struct {
		Token string `query:"NextToken"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	own := filter(sorted(s.sns.topics), func(t *topic) bool { return t.home == c.home() })
	topics, next, ok := page(c, own, func(t *topic) string { return t.arn }, in.Token, snsPage)
	if !ok {
		return nil, badParameter("NextToken")
	}
	return struct {
		Topics []topicARNOutput `xml:"Topics>member"`
		Token  string           `xml:"NextToken,omitempty"`
	}{each(topics, func(t *topic) topicARNOutput { return topicARNOutput{t.arn} }), next}, nil
}
