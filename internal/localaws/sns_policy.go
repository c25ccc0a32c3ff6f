package localaws

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Services that publish to topics.
const (
	principalEvents = "events.amazonaws.com"
	principalAlarms = "cloudwatch.amazonaws.com"
)

// maxPolicy bounds a topic policy, in bytes ("Amazon SNS endpoints and quotas").
const maxPolicy = 30_720

// policy is a topic's access policy, as far as it says who may publish.
type policy struct {
	text       string
	statements []statement
}

type statement struct {
	sid        string
	allow      bool
	everyone   bool
	services   []string
	actions    []string
	resources  []string
	conditions []condition
}

type condition struct {
	operator, key string
	values        []string
}

// defaultPolicy is the policy that a new topic has: its account may do everything.
func defaultPolicy(topicARN, account string) string {
	return `{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow",` +
		`"Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission",` +
		`"SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":"` + topicARN + `",` +
		`"Condition":{"StringEquals":{"AWS:SourceOwner":"` + account + `"}}}]}`
}

// texts is a text or a list of texts in a policy.
type texts []string

func (t *texts) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = texts{one}
		return nil
	}
	var list []string
	if err := json.Unmarshal(data, &list); err != nil {
		return errors.New("neither a text nor a list of texts")
	}
	*t = list
	return nil
}

type statementShape struct {
	Sid       string                      `json:"Sid"`
	Effect    string                      `json:"Effect"`
	Principal json.RawMessage             `json:"Principal"`
	Action    texts                       `json:"Action"`
	Resource  texts                       `json:"Resource"`
	Condition map[string]map[string]texts `json:"Condition"`
}

// parsePolicy reads a topic policy. What it does not understand it refuses.
func parsePolicy(text string) (*policy, error) {
	if len(text) > maxPolicy {
		return nil, fmt.Errorf("the policy has more than %d bytes", maxPolicy)
	}
	var shape struct {
		Version   string          `json:"Version"`
		ID        string          `json:"Id"`
		Statement json.RawMessage `json:"Statement"`
	}
	if err := strictJSON([]byte(text), &shape); err != nil {
		return nil, err
	}
	if !anyOf(shape.Version, "", "2008-10-17", "2012-10-17") {
		return nil, fmt.Errorf("the version %s is not known", quoted(shape.Version))
	}
	var list []statementShape
	if err := strictJSON(shape.Statement, &list); err != nil {
		var one statementShape
		if strictJSON(shape.Statement, &one) != nil {
			return nil, err
		}
		list = []statementShape{one}
	}
	if len(list) == 0 {
		return nil, errors.New("the policy has no statement")
	}
	p := &policy{text: text}
	sids := map[string]bool{}
	for _, s := range list {
		st, err := s.read()
		if err != nil {
			return nil, err
		}
		if st.sid != "" && sids[st.sid] {
			return nil, fmt.Errorf("the statement id %s is given twice", quoted(st.sid))
		}
		sids[st.sid] = true
		p.statements = append(p.statements, st)
	}
	return p, nil
}

// strictJSON decodes one JSON value without unknown keys.
func strictJSON(data []byte, into any) error {
	if len(data) == 0 {
		return errors.New("there is no Statement")
	}
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("the JSON goes on after its end")
	}
	return nil
}

func (s statementShape) read() (statement, error) {
	st := statement{sid: s.Sid, allow: s.Effect == "Allow", actions: s.Action, resources: s.Resource}
	if !anyOf(s.Effect, "Allow", "Deny") {
		return st, fmt.Errorf("the effect %s is neither Allow nor Deny", quoted(s.Effect))
	}
	if len(s.Action) == 0 || len(s.Resource) == 0 {
		return st, errors.New("a statement has no Action or no Resource")
	}
	for _, a := range s.Action {
		if !strings.HasPrefix(strings.ToLower(a), "sns:") {
			return st, errors.New("Policy statement action out of service scope!") //nolint:revive,staticcheck // the text of Amazon SNS
		}
	}
	if err := st.readPrincipal(s.Principal); err != nil {
		return st, err
	}
	for operator, keys := range s.Condition {
		for key, values := range keys {
			st.conditions = append(st.conditions, condition{operator, key, values})
		}
	}
	return st, nil
}

// readPrincipal reads "*", or the principals by their kind.
func (st *statement) readPrincipal(data json.RawMessage) error {
	var everyone string
	if json.Unmarshal(data, &everyone) == nil && everyone == "*" {
		st.everyone = true
		return nil
	}
	var by map[string]texts
	if err := json.Unmarshal(data, &by); err != nil || len(by) == 0 {
		return errors.New("a statement has no valid Principal")
	}
	for kind, names := range by {
		switch kind {
		case "AWS":
			st.everyone = st.everyone || anyOf("*", names...)
		case "Service":
			st.services = append(st.services, names...)
		default:
			return fmt.Errorf("principals of the kind %s are not known", quoted(kind))
		}
	}
	return nil
}

// lets tells whether the policy lets a service publish to the topic. The context is what
// the service says about the request, by lower-case condition key. A nil context is that
// of EventBridge, which says nothing: only a statement without conditions counts for it.
func (p *policy) lets(service string, context map[string]string, topicARN string) bool {
	allowed := false
	for _, st := range p.statements {
		if !st.applies(service, topicARN) || !st.holds(context) {
			continue
		}
		if !st.allow {
			return false
		}
		allowed = true
	}
	return allowed
}

func (st *statement) applies(service, topicARN string) bool {
	if !st.everyone && !anyOf(service, st.services...) {
		return false
	}
	return matchesAny(st.actions, "sns:publish", true) && matchesAny(st.resources, topicARN, false)
}

func matchesAny(patterns []string, text string, fold bool) bool {
	for _, p := range patterns {
		if fold {
			p = strings.ToLower(p)
		}
		if glob(p, text) {
			return true
		}
	}
	return false
}

// holds tells whether every condition is met. One that this endpoint does not know is not.
func (st *statement) holds(context map[string]string) bool {
	for _, c := range st.conditions {
		got, known := context[strings.ToLower(c.key)]
		if !known || !c.met(got) {
			return false
		}
	}
	return true
}

func (c condition) met(got string) bool {
	match := func(want string) bool { return want == got }
	switch c.operator {
	case "StringEquals":
	case "StringEqualsIgnoreCase":
		match = func(want string) bool { return strings.EqualFold(want, got) }
	case "StringLike":
		match = func(want string) bool { return glob(want, got) }
	case "ArnEquals", "ArnLike":
		match = func(want string) bool { return arnLike(want, got) }
	default:
		return false
	}
	for _, want := range c.values {
		if match(want) {
			return true
		}
	}
	return false
}

// arnLike compares ARNs part by part, so that no wildcard reaches over a colon, except in
// the resource.
func arnLike(pattern, arn string) bool {
	want, got := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(want) != 6 || len(got) != 6 {
		return false
	}
	for i := range want {
		if !glob(want[i], got[i]) {
			return false
		}
	}
	return true
}

// glob matches text against a pattern in which * stands for any text and ? for any
// character.
func glob(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
