// Package sns is Amazon SNS: topics with their policies and subscriptions. Messages go to
// an outbox instead of subscribers.
package sns

import (
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// pageSize is how many items every listing has on a page.
const pageSize = 100

// Service is everything that SNS knows.
type Service struct {
	Outbox      *Outbox
	autoConfirm bool
	topics      map[string]*topic // by ARN
}

// New makes a service without topics. autoConfirm confirms every subscription at once.
func New(clock api.Clock, log *slog.Logger, autoConfirm bool) *Service {
	return &Service{Outbox: &Outbox{clock: clock, log: log}, autoConfirm: autoConfirm, topics: map[string]*topic{}}
}

// topic is a topic with its subscriptions in the order of their creation.
type topic struct {
	home          api.Home
	arn, name     string
	policy        *policy
	attributes    map[string]string // the ones that were set, without the policy
	tags          map[string]string
	subscriptions []*subscription
	created       int // number of subscriptions ever created
}

// API describes the service.
func (s *Service) API() *api.Service {
	operations := map[string]api.Operation{
		"CreateTopic":              api.Op(s.createTopic),
		"DeleteTopic":              api.Do(s.deleteTopic),
		"GetTopicAttributes":       onTopic(s, getTopicAttributes),
		"SetTopicAttributes":       onTopic(s, func(_ *api.Call, t *topic, in *setAttributesInput) (any, error) { return nil, t.set(in.Name, in.Value) }),
		"ListTopics":               api.Op(s.listTopics),
		"Subscribe":                onTopic(s, s.subscribe),
		"ListSubscriptionsByTopic": onTopic(s, listSubscriptionsByTopic),
		"Publish":                  onTopic(s, s.publish),
	}
	api.Tagging(s.findTags).AddTo(operations)
	return &api.Service{
		Name: "sns", Signing: "sns", Protocols: []wire.Protocol{wire.Query}, Target: "2010-03-31",
		XMLNS: "http://sns.amazonaws.com/doc/2010-03-31/", Operations: operations,
		Model: api.Model{
			Missing: func(member string) error { return badParameter("%s Reason: it is required", member) },
			Invalid: func(member, value, rule string) error {
				return badParameter("%s Reason: the value %s must %s", member, api.Quoted(value), rule)
			},
			BadTags: func(text string, tooMany bool) error {
				if tooMany {
					return api.Refuse("TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")
				}
				return badParameter("Tags Reason: %s", text)
			},
			BadToken: badParameter("NextToken"),
			Patterns: map[string]api.Pattern{
				"name": {Expression: api.Lazy(`^[A-Za-z0-9_\-]{1,256}$`), Rule: "have 1 to 256 letters, digits, - and _"},
				"subject": {
					Expression: api.Lazy(`^[!-~][ -~]{0,99}$`),
					Rule:       "have 1 to 100 characters of printable ASCII, the first of which is no space",
				},
			},
		},
	}
}

func badParameter(format string, args ...any) error {
	return api.Refuse("InvalidParameter", "Invalid parameter: "+format, args...)
}

func checkARN(member, arn string) error {
	split := strings.Split(arn, ":")
	if len(split) < 6 {
		return badParameter("%s Reason: An ARN must have at least 6 elements, not %d", member, len(split))
	}
	if split[0] != "arn" || split[2] != "sns" || len(split) != 6 || split[5] == "" {
		return badParameter("%s", member)
	}
	return nil
}

// findTopic returns the caller's topic of an ARN in the call's region.
func (s *Service) findTopic(c *api.Call, arn string) (*topic, error) {
	if err := checkARN("TopicArn", arn); err != nil {
		return nil, err
	}
	t := s.topics[arn]
	if t == nil || t.home != c.Home {
		return nil, api.RefuseWith(http.StatusNotFound, "NotFound", "Topic does not exist")
	}
	t.removeExpired(c.Now)
	return t, nil
}

// findTags returns the tags of a topic. The tag operations have their own error for a topic
// that does not exist.
func (s *Service) findTags(c *api.Call, arn *string) (*map[string]string, error) {
	if err := checkARN("ResourceArn", api.Value(arn)); err != nil {
		return nil, err
	}
	t := s.topics[*arn]
	if t == nil || t.home != c.Home {
		return nil, api.RefuseWith(http.StatusNotFound, "ResourceNotFound", "Resource does not exist")
	}
	return &t.tags, nil
}

type topicInput struct {
	ARN string `json:"TopicArn"`
}

func (in *topicInput) topic() string { return in.ARN }

// onTopic is an operation on a topic that must exist.
func onTopic[In any, P interface {
	*In
	topic() string
}](s *Service, run func(c *api.Call, t *topic, in *In) (any, error)) api.Operation {
	return api.Op(func(c *api.Call, in *In) (any, error) {
		t, err := s.findTopic(c, P(in).topic())
		if err != nil {
			return nil, err
		}
		return run(c, t, in)
	})
}

type topicOutput struct {
	ARN string `xml:"TopicArn"`
}

type createTopicInput struct {
	Name       string            `json:"Name" check:"required name"`
	Attributes map[string]string `json:"Attributes"`
	Tags       []api.Tag         `json:"Tags"`
}

// createTopic creates a topic, or returns the one that has the name. Then the attributes
// and tags in the input must equal those of the topic.
func (s *Service) createTopic(c *api.Call, in *createTopicInput) (any, error) {
	tags, err := c.MergeTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	arn := c.ARN("sns", in.Name)
	t := &topic{home: c.Home, arn: arn, name: in.Name, tags: tags, attributes: map[string]string{}}
	attributes := map[string]string{"Policy": defaultPolicy(arn, c.Account)}
	maps.Copy(attributes, in.Attributes)
	for name, v := range attributes {
		if err := t.set(name, v); err != nil {
			return nil, err
		}
	}
	if old := s.topics[arn]; old != nil {
		return topicOutput{arn}, old.sameAs(in.Attributes, tags)
	}
	s.topics[arn] = t
	return topicOutput{arn}, nil
}

func (t *topic) sameAs(attributes, tags map[string]string) error {
	for name, v := range attributes {
		if v != t.attributes[name] && (name != "Policy" || v != t.policy.text) {
			return badParameter("Attributes Reason: Topic already exists with different attributes")
		}
	}
	if len(tags) > 0 && !maps.Equal(tags, t.tags) {
		return badParameter("Tags Reason: Topic already exists with different tags")
	}
	return nil
}

// set sets one of the attributes that this endpoint knows. A policy replaces the former
// one completely.
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
	case "KmsMasterKeyId": // kept and shown; nothing is encrypted here
	default:
		return badParameter("AttributeName")
	}
	t.attributes[name] = v
	return nil
}

func (s *Service) deleteTopic(c *api.Call, in *topicInput) error {
	if err := checkARN("TopicArn", in.ARN); err != nil {
		return err
	}
	if t := s.topics[in.ARN]; t != nil && t.home == c.Home {
		delete(s.topics, in.ARN)
	}
	return nil
}

type attribute struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

type attributesOutput struct {
	Attributes []attribute `xml:"Attributes>entry"`
}

func getTopicAttributes(_ *api.Call, t *topic, _ *topicInput) (any, error) {
	pending := len(api.Filter(t.subscriptions, func(sub *subscription) bool { return sub.pending }))
	all := map[string]string{
		"TopicArn": t.arn, "Owner": t.home.Account, "Policy": t.policy.text, "DisplayName": "",
		"SubscriptionsPending":   strconv.Itoa(pending),
		"SubscriptionsConfirmed": strconv.Itoa(len(t.subscriptions) - pending),
		"SubscriptionsDeleted":   "0",
	}
	maps.Copy(all, t.attributes)
	return attributesOutput{api.Map(slices.Sorted(maps.Keys(all)), func(key string) attribute { return attribute{key, all[key]} })}, nil
}

type setAttributesInput struct {
	topicInput
	Name  string `json:"AttributeName"`
	Value string `json:"AttributeValue"`
}

type listTopicsInput struct {
	Token *string `json:"NextToken"`
}

type listTopicsOutput struct {
	Topics []topicOutput `xml:"Topics>member"`
	Token  string        `xml:"NextToken,omitempty"`
}

func (s *Service) listTopics(c *api.Call, in *listTopicsInput) (any, error) {
	own := api.Filter(api.Sorted(s.topics), func(t *topic) bool { return t.home == c.Home })
	topics, next, err := api.Page(c, own, func(t *topic) string { return t.arn }, in.Token, nil, pageSize)
	return listTopicsOutput{api.Map(topics, func(t *topic) topicOutput { return topicOutput{t.arn} }), next}, err
}

// Describe adds the topics and subscriptions to a snapshot.
func (s *Service) Describe(owner string, out map[string]string, render func(any) string) {
	for _, t := range s.topics {
		out[t.home.Entry(owner, "topic", t.name)] = render([]any{t.policy.text, t.attributes, t.tags})
		for _, sub := range t.subscriptions {
			out[t.home.Entry(owner, "subscription", t.name, sub.protocol, sub.endpoint)] = "pending " + strconv.FormatBool(sub.pending)
		}
	}
}
