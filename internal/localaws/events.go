package localaws

import (
	"strings"
)

// Error codes of EventBridge that Amazon Personalize does not have.
const (
	codeValidation     = "ValidationException"
	codeInvalidPattern = "InvalidEventPatternException"
)

// Limits of EventBridge ("Amazon EventBridge quotas", and the texts of its API reference).
const (
	maxRules          = 300 // on a bus
	maxTargets        = 5   // of a rule
	maxTargetsPerCall = 10
	maxEventsPage     = 100
)

// defaultBus is the one event bus of each account and region here.
const defaultBus = "default"

// eventsState is everything that EventBridge knows.
type eventsState struct {
	rules   map[home]map[string]*rule
	log     []Event
	dropped []Drop
	queue   []delivery
	// functions are the targets within the process, by ARN.
	functions map[string]function
}

type rule struct {
	arn, name   string
	description *string
	pattern     *string
	match       *eventPattern // nil without a pattern
	schedule    *string
	role        *string
	state       string
	tags        map[string]string
	targets     map[string]*eventTarget
}

const (
	ruleEnabled  = "ENABLED"
	ruleDisabled = "DISABLED"
)

func (s *Server) eventsOperations() map[string]operation {
	return map[string]operation{
		"PutEvents":           s.putEvents,
		"PutRule":             s.putRule,
		"DescribeRule":        s.describeRule,
		"ListRules":           s.listRules,
		"DeleteRule":          s.deleteRule,
		"EnableRule":          s.enableRule,
		"DisableRule":         s.disableRule,
		"PutTargets":          s.putTargets,
		"ListTargetsByRule":   s.listTargetsByRule,
		"RemoveTargets":       s.removeTargets,
		"ListTagsForResource": s.listEventsTags,
		"TagResource":         s.tagEvents,
		"UntagResource":       s.untagEvents,
		"TestEventPattern":    s.testEventPattern,
	}
}

var (
	rulePattern     = lazy(`^[.\-_A-Za-z0-9]{1,64}$`)
	targetIDPattern = lazy(`^[.\-_A-Za-z0-9]{1,64}$`)
)

// constraint is the error of a member that breaks the API model.
func constraint(member, value, rule string) error {
	return refuse(codeValidation, "1 validation error detected: Value %s at '%s' failed to satisfy constraint: Member must %s", quoted(value), member, rule)
}

// checkBus accepts the default bus, by name or by ARN of the caller's region.
func checkBus(c *call, bus *string) error {
	if bus == nil || *bus == defaultBus || *bus == c.arn("events", "event-bus/"+defaultBus) {
		return nil
	}
	return refuse(codeNotFound, "Event bus %s does not exist.", *bus)
}

func checkRuleName(member string, name *string) error {
	if name == nil || !rulePattern().MatchString(*name) {
		return constraint(member, value(name), "have 1 to 64 characters of A-Z, a-z, 0-9, '.', '-' and '_'")
	}
	return nil
}

// findRule returns the rule of a name, which must exist.
func (s *Server) findRule(c *call, member string, name, bus *string) (*rule, error) {
	if err := checkRuleName(member, name); err != nil {
		return nil, err
	}
	if err := checkBus(c, bus); err != nil {
		return nil, err
	}
	r := s.events.rules[c.home()][*name]
	if r == nil {
		return nil, refuse(codeNotFound, "Rule %s does not exist on EventBus default.", *name)
	}
	return r, nil
}

// eventsPage cuts a page out of a listing: limit is from 1 to 100, which is the default.
func eventsPage[T any](c *call, items []T, key func(T) string, token *string, limit *int32) ([]T, *string, error) {
	size := maxEventsPage
	if limit != nil {
		if *limit < 1 || *limit > maxEventsPage {
			return nil, nil, refuse(codeValidation, "1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must be from 1 to 100", *limit)
		}
		size = int(*limit)
	}
	if token != nil && *token == "" {
		return nil, nil, constraint("nextToken", "", "have length greater than or equal to 1")
	}
	out, next, ok := page(c, items, key, value(token), size)
	if !ok {
		return nil, nil, refuse(codeValidation, "NextToken is not valid.")
	}
	if next == "" {
		return out, nil, nil
	}
	return out, &next, nil
}

type eventsTag struct {
	Key   *string `json:"Key"`
	Value *string `json:"Value"`
}

func readEventsTags(list []eventsTag) (map[string]string, error) {
	tags := map[string]string{}
	for _, t := range list {
		if t.Key == nil || t.Value == nil {
			return nil, refuse(codeValidation, "a tag needs Key and Value")
		}
		if _, twice := tags[*t.Key]; twice {
			return nil, refuse(codeValidation, "the tag key %s is given twice", quoted(*t.Key))
		}
		tags[*t.Key] = *t.Value
	}
	if fault := tagFault(tags); fault != "" {
		return nil, refuse(codeValidation, "%s", fault)
	}
	return tags, nil
}

// taggedRule finds the rule that an ARN names. Event buses have no tags here.
func (s *Server) taggedRule(c *call, arn *string) (*rule, error) {
	if arn == nil {
		return nil, refuse(codeValidation, "ResourceARN is required")
	}
	name, ok := strings.CutPrefix(*arn, c.arn("events", "rule/"))
	if r := s.events.rules[c.home()][name]; ok && r != nil {
		return r, nil
	}
	if !strings.HasPrefix(*arn, "arn:") {
		return nil, refuse(codeValidation, "Parameter %s is not valid. Reason: Provided Arn is not in correct format.", quoted(*arn))
	}
	return nil, refuse(codeNotFound, "Rule %s does not exist on EventBus default.", *arn)
}

func (s *Server) listEventsTags(c *call) (any, error) {
	var in struct {
		ARN *string `json:"ResourceARN"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	r, err := s.taggedRule(c, in.ARN)
	if err != nil {
		return nil, err
	}
	out := []eventsTag{}
	for _, key := range sortedKeys(r.tags) {
		out = append(out, eventsTag{ptr(key), ptr(r.tags[key])})
	}
	return struct {
		Tags []eventsTag `json:"Tags"`
	}{out}, nil
}

func (s *Server) tagEvents(c *call) (any, error) {
	var in struct {
		ARN  *string     `json:"ResourceARN"`
		Tags []eventsTag `json:"Tags"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	r, err := s.taggedRule(c, in.ARN)
	if err != nil {
		return nil, err
	}
	added, err := readEventsTags(in.Tags)
	if err != nil {
		return nil, err
	}
	merged := mergeTags(r.tags, added)
	if len(merged) > maxTags {
		return nil, refuse(codeLimitExceeded, "%s would have more than %d tags", r.arn, maxTags)
	}
	r.tags = merged
	return nil, nil
}

func (s *Server) untagEvents(c *call) (any, error) {
	var in struct {
		ARN  *string  `json:"ResourceARN"`
		Keys []string `json:"TagKeys"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	r, err := s.taggedRule(c, in.ARN)
	if err != nil {
		return nil, err
	}
	for _, key := range in.Keys {
		delete(r.tags, key)
	}
	return nil, nil
}

func (s *Server) testEventPattern(c *call) (any, error) {
	var in struct {
		Pattern *string `json:"EventPattern"`
		Event   *string `json:"Event"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	pattern, err := parsePattern(value(in.Pattern))
	if err != nil {
		return nil, refuse(codeInvalidPattern, "Event pattern is not valid. Reason: %v", err)
	}
	event, err := decodeObject([]byte(value(in.Event)))
	if err != nil {
		return nil, refuse(codeValidation, "Event is not valid. Reason: %v", err)
	}
	for _, member := range []string{"id", "account", "source", "time", "region", "resources", "detail-type"} {
		if _, ok := event[member]; !ok {
			return nil, refuse(codeValidation, "Event is not valid. Reason: it has no %s", member)
		}
	}
	return struct {
		Result bool `json:"Result"`
	}{pattern.match(event)}, nil
}
