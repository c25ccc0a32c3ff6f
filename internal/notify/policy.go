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

// Sids of our two statements in a topic's policy, and the services that publish to the topic.
const (
	sidAlarms         = "PersonalizeMonitorAlarms"
	sidEvents         = "PersonalizeMonitorEvents"
	cloudwatchService = "cloudwatch.amazonaws.com"
	eventsService     = "events.amazonaws.com"
)

// policyStatement is a statement that lets services publish.
type policyStatement struct {
	Sid       string `json:",omitempty"`
	Effect    string
	Principal map[string]any
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

func letPublish(topic model.ARN, sid string, services any) policyStatement {
	return policyStatement{
		Sid: sid, Effect: "Allow", Principal: map[string]any{"Service": services}, Action: "sns:Publish", Resource: topic.String(),
	}
}

// ourStatements let the alarms of the account and the rules of EventBridge publish. The
// second has no condition: EventBridge supports none on an SNS topic (EventBridge user
// guide, "Using resource-based policies").
func ourStatements(topic model.ARN, account string) []policyStatement {
	alarms := letPublish(topic, sidAlarms, cloudwatchService)
	alarms.Condition = map[string]map[string]string{"StringEquals": {"aws:SourceAccount": account}}
	return []policyStatement{alarms, letPublish(topic, sidEvents, eventsService)}
}

// isSample reports whether a statement, in the form of meaningOf, is the upstream sample's.
func isSample(statement map[string]any, topic model.ARN) bool {
	return letPublish(topic, "", []string{cloudwatchService, eventsService}).equals(statement)
}

// equals reports whether a statement, in the form of meaningOf, has the same meaning.
func (p policyStatement) equals(statement map[string]any) bool {
	raw, _ := json.Marshal(p) // texts never fail
	meaning, _ := meaningOf(raw)
	return reflect.DeepEqual(meaning, statement)
}

// mergePolicy puts our statements into a topic's policy and keeps the meaning of everything
// else: the owner's statement, other people's, version and id. It replaces the statement of
// the upstream sample, which lets any account's alarms publish. A policy is only rewritten if
// that changes its meaning; one that cannot be read is an error and stays as it is.
func mergePolicy(current string, topic model.ARN, account string) (next string, changed bool, err error) {
	policy := map[string]json.RawMessage{"Version": json.RawMessage(`"2012-10-17"`)}
	if strings.TrimSpace(current) != "" {
		policy = nil
		if err := json.Unmarshal([]byte(current), &policy); err != nil {
			return "", false, fmt.Errorf("the topic's policy cannot be read: %w", err)
		}
		if policy == nil {
			return "", false, errors.New("the topic's policy cannot be read: it is not a JSON object")
		}
	}
	statements, err := statementsOf(policy["Statement"])
	if err != nil {
		return "", false, err
	}
	ours := ourStatements(topic, account)
	var merged []any
	inOrder := map[string]bool{} // by Sid
	for _, raw := range statements {
		statement, err := meaningOf(raw)
		if err != nil {
			return "", false, err
		}
		i := slices.IndexFunc(ours, func(p policyStatement) bool { return reflect.DeepEqual(statement["Sid"], []string{p.Sid}) })
		if i >= 0 {
			inOrder[ours[i].Sid] = ours[i].equals(statement)
		} else if !isSample(statement, topic) {
			merged = append(merged, raw)
		}
	}
	changed = len(merged)+len(ours) != len(statements)
	for _, p := range ours {
		changed = changed || !inOrder[p.Sid]
		merged = append(merged, p)
	}
	if !changed {
		return current, false, nil
	}
	rewritten := map[string]any{}
	for key, raw := range policy {
		rewritten[key] = raw
	}
	rewritten["Statement"] = merged
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(rewritten); err != nil {
		return "", false, fmt.Errorf("write the topic's policy: %w", err)
	}
	return strings.TrimSpace(buffer.String()), true, nil
}

// PolicyInOrder reports whether a topic's policy is as Ensure would leave it. One that cannot be read
// is an error.
func PolicyInOrder(policy string, topic model.ARN, account string) (bool, error) {
	_, changed, err := mergePolicy(policy, topic, account)
	return err == nil && !changed, err
}

// statementsOf reads a policy's statements: a list, a single one, or none.
func statementsOf(raw json.RawMessage) (list []json.RawMessage, err error) {
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return []json.RawMessage{raw}, nil
	}
	if len(raw) > 0 {
		err = json.Unmarshal(raw, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("the statements of the topic's policy cannot be read: %w", err)
	}
	return list, nil
}

// meaningOf reads a statement into a form in which equal meanings are equal values: a single
// text becomes a list, lists are sorted, and actions, whose case does not matter, are in lower
// case.
func meaningOf(raw json.RawMessage) (statement map[string]any, err error) {
	if err := json.Unmarshal(raw, &statement); err != nil {
		return nil, fmt.Errorf("a statement of the topic's policy cannot be read: %w", err)
	}
	for key, value := range statement {
		statement[key] = normal(value, key == "Action")
	}
	return statement, nil
}

// normal turns texts and lists of texts into sorted lists, in nested objects, too.
func normal(value any, lower bool) any {
	switch v := value.(type) {
	case string:
		return normal([]any{v}, lower)
	case map[string]any:
		for key, inner := range v {
			v[key] = normal(inner, false)
		}
	case []any:
		texts := make([]string, 0, len(v))
		for _, item := range v {
			text, ok := item.(string)
			if !ok {
				return v
			}
			if lower {
				text = strings.ToLower(text)
			}
			texts = append(texts, text)
		}
		slices.Sort(texts)
		return texts
	}
	return value
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
	statements, _ := statementsOf(p.Statement) // none if they cannot be read
	return p.ID == samplePolicyID || slices.ContainsFunc(statements, func(raw json.RawMessage) bool {
		statement, err := meaningOf(raw)
		return err == nil && isSample(statement, topic)
	})
}
