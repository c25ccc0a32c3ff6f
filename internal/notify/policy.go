package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Sids of our two statements in a topic's policy.
const (
	sidAlarms = "PersonalizeMonitorAlarms"
	sidEvents = "PersonalizeMonitorEvents"
)

// Services that publish to the topic.
const (
	cloudwatchService = "cloudwatch.amazonaws.com"
	eventsService     = "events.amazonaws.com"
)

// policyStatement is one of our statements.
type policyStatement struct {
	Sid       string
	Effect    string
	Principal map[string]string
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// ourStatements let the alarms of the account and the rules of EventBridge publish. The
// second has no condition: EventBridge supports none on an SNS topic (EventBridge user
// guide, "Using resource-based policies").
func ourStatements(topic model.ARN, account string) []policyStatement {
	allow := func(sid, service string) policyStatement {
		return policyStatement{
			Sid: sid, Effect: "Allow", Principal: map[string]string{"Service": service},
			Action: "sns:Publish", Resource: topic.String(),
		}
	}
	alarms, rules := allow(sidAlarms, cloudwatchService), allow(sidEvents, eventsService)
	alarms.Condition = map[string]map[string]string{"StringEquals": {"aws:SourceAccount": account}}
	return []policyStatement{alarms, rules}
}

// mergePolicy puts our statements into a topic's policy and keeps the meaning of everything
// else: the owner's statement, other people's, version and id. It replaces the statement of
// the upstream sample, which lets any account's alarms publish. A policy is only rewritten if
// that changes its meaning; one that cannot be read is an error and stays as it is.
func mergePolicy(current string, topic model.ARN, account string) (next string, changed bool, err error) {
	policy := map[string]json.RawMessage{}
	if strings.TrimSpace(current) == "" {
		policy["Version"] = json.RawMessage(`"2012-10-17"`)
	} else if err := json.Unmarshal([]byte(current), &policy); err != nil {
		return "", false, fmt.Errorf("the topic's policy cannot be read: %w", err)
	}
	if policy == nil {
		return "", false, errors.New("the topic's policy cannot be read: it is not a JSON object")
	}
	statements, err := statementsOf(policy["Statement"])
	if err != nil {
		return "", false, err
	}
	others, found, err := separate(statements, topic)
	if err != nil {
		return "", false, err
	}
	ours := ourStatements(topic, account)
	inOrder := len(others)+len(ours) == len(statements)
	merged := others
	for _, statement := range ours {
		raw, err := json.Marshal(statement)
		if err != nil {
			return "", false, err
		}
		want, _, err := meaningOf(raw)
		if err != nil {
			return "", false, err
		}
		inOrder = inOrder && reflect.DeepEqual(found[statement.Sid], want)
		merged = append(merged, raw)
	}
	if inOrder {
		return current, false, nil
	}
	next, err = writePolicy(policy, merged)
	return next, err == nil, err
}

// PolicyInOrder reports whether a topic's policy is as Ensure would leave it. One that cannot be read
// is an error.
func PolicyInOrder(policy string, topic model.ARN, account string) (bool, error) {
	_, changed, err := mergePolicy(policy, topic, account)
	return err == nil && !changed, err
}

// separate splits our statements, by their Sids, and the upstream sample's from the others,
// which are returned unchanged.
func separate(statements []json.RawMessage, topic model.ARN) (others []json.RawMessage, ours map[string]map[string]any, err error) {
	ours = map[string]map[string]any{}
	for _, raw := range statements {
		statement, sid, err := meaningOf(raw)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case sid == sidAlarms || sid == sidEvents:
			ours[sid] = statement
		case !reflect.DeepEqual(statement, sampleStatement(topic)):
			others = append(others, raw)
		}
	}
	return others, ours, nil
}

// statementsOf reads a policy's statements: a list, a single one, or none.
func statementsOf(raw json.RawMessage) ([]json.RawMessage, error) {
	trimmed := bytes.TrimSpace(raw)
	switch {
	case len(trimmed) == 0 || string(trimmed) == "null":
		return nil, nil
	case trimmed[0] == '{':
		return []json.RawMessage{raw}, nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("the statements of the topic's policy cannot be read: %w", err)
	}
	return list, nil
}

// meaningOf reads a statement into a form in which equal meanings are equal values: a single
// text becomes a list, lists are sorted, and actions, whose case does not matter, are in lower
// case.
func meaningOf(raw json.RawMessage) (statement map[string]any, sid string, err error) {
	if err := json.Unmarshal(raw, &statement); err != nil {
		return nil, "", fmt.Errorf("a statement of the topic's policy cannot be read: %w", err)
	}
	sid, _ = statement["Sid"].(string)
	for key, value := range statement {
		statement[key] = normal(value)
		if actions, ok := statement[key].([]string); ok && key == "Action" {
			for i := range actions {
				actions[i] = strings.ToLower(actions[i])
			}
			slices.Sort(actions)
		}
	}
	return statement, sid, nil
}

// normal turns texts and lists of texts into sorted lists, in nested objects, too.
func normal(value any) any {
	switch v := value.(type) {
	case string:
		return []string{v}
	case map[string]any:
		for key, inner := range v {
			v[key] = normal(inner)
		}
	case []any:
		texts := make([]string, 0, len(v))
		for _, item := range v {
			text, ok := item.(string)
			if !ok {
				return v
			}
			texts = append(texts, text)
		}
		slices.Sort(texts)
		return texts
	}
	return value
}

// sampleStatement is the upstream sample's statement, in the form of meaningOf.
func sampleStatement(topic model.ARN) map[string]any {
	return map[string]any{
		"Effect":    []string{"Allow"},
		"Principal": map[string]any{"Service": []string{cloudwatchService, eventsService}},
		"Action":    []string{"sns:publish"},
		"Resource":  []string{topic.String()},
	}
}

// writePolicy writes the policy with other statements.
func writePolicy(policy map[string]json.RawMessage, statements []json.RawMessage) (string, error) {
	next := make(map[string]any, len(policy)+1)
	for key, raw := range policy {
		next[key] = raw
	}
	next["Statement"] = statements
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(next); err != nil {
		return "", fmt.Errorf("write the topic's policy: %w", err)
	}
	return strings.TrimSpace(buffer.String()), nil
}

// samplePolicyID is the id of the policy that the upstream sample gives its topic in every
// cold start; mergePolicy keeps it.
const samplePolicyID = "PublishPolicy"

// SampleTopic reports by its policy whether the upstream sample created the topic. In doubt it
// did not: a person's subscriptions cannot be restored.
func SampleTopic(policy string, topic model.ARN) bool {
	var p struct {
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	if json.Unmarshal([]byte(policy), &p) != nil {
		return false
	}
	if p.ID == samplePolicyID {
		return true
	}
	statements, _ := statementsOf(p.Statement) // none if they cannot be read
	return slices.ContainsFunc(statements, func(raw json.RawMessage) bool {
		statement, _, err := meaningOf(raw)
		return err == nil && reflect.DeepEqual(statement, sampleStatement(topic))
	})
}
