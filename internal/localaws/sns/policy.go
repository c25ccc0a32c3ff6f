package sns

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

// maxPolicy bounds a topic policy, in bytes ("Amazon SNS endpoints and quotas").
const maxPolicy = 30_720

// policy is a topic's access policy, as far as it decides who may publish.
type policy struct {
	text       string
	statements []statement
}

type statement struct {
	Sid       string                      `json:"Sid"`
	Effect    string                      `json:"Effect"`
	Principal principals                  `json:"Principal"`
	Action    texts                       `json:"Action"`
	Resource  texts                       `json:"Resource"`
	Condition map[string]map[string]texts `json:"Condition"`
}

// defaultPolicy is the policy of a new topic: its account may do everything.
func defaultPolicy(topicARN, account string) string {
	return `{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow",` +
		`"Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission",` +
		`"SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":"` + topicARN + `",` +
		`"Condition":{"StringEquals":{"AWS:SourceOwner":"` + account + `"}}}]}`
}

// texts is a text or a list of texts in a policy.
type texts []string

// UnmarshalJSON accepts both forms.
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

// principals is whom a statement is about: services, or everyone.
type principals struct {
	everyone bool
	services []string
}

// UnmarshalJSON reads "*", or the principals by their kind.
func (p *principals) UnmarshalJSON(data []byte) error {
	if string(data) == `"*"` {
		p.everyone = true
		return nil
	}
	var byKind map[string]texts
	if err := json.Unmarshal(data, &byKind); err != nil || len(byKind) == 0 {
		return errors.New("a statement has no valid Principal")
	}
	for kind, names := range byKind {
		switch kind {
		case "AWS":
			p.everyone = slices.Contains(names, "*")
		case "Service":
			p.services = names
		default:
			return fmt.Errorf("principals of the kind %s are not known", api.Quoted(kind))
		}
	}
	return nil
}

// parsePolicy reads a topic policy and refuses what it does not understand.
func parsePolicy(text string) (*policy, error) {
	if len(text) > maxPolicy {
		return nil, fmt.Errorf("the policy has more than %d bytes", maxPolicy)
	}
	var document struct {
		Version   string          `json:"Version"`
		ID        string          `json:"Id"`
		Statement json.RawMessage `json:"Statement"`
	}
	if err := strictJSON(text, &document); err != nil {
		return nil, err
	}
	if !api.Is(document.Version, "", "2008-10-17", "2012-10-17") {
		return nil, fmt.Errorf("the version %s is not known", api.Quoted(document.Version))
	}
	list := string(document.Statement)
	if strings.HasPrefix(list, "{") {
		list = "[" + list + "]"
	}
	p := &policy{text: text}
	if err := strictJSON(list, &p.statements); err != nil {
		return nil, err
	}
	if len(p.statements) == 0 {
		return nil, errors.New("the policy has no statement")
	}
	ids := map[string]bool{}
	for _, st := range p.statements {
		if err := st.check(); err != nil {
			return nil, err
		}
		if st.Sid != "" && ids[st.Sid] {
			return nil, fmt.Errorf("the statement id %s is given twice", api.Quoted(st.Sid))
		}
		ids[st.Sid] = true
	}
	return p, nil
}

// strictJSON decodes one JSON value without unknown keys.
func strictJSON(text string, into any) error {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("data after the end of the JSON")
	}
	return nil
}

func (st *statement) check() error {
	switch {
	case !api.Is(st.Effect, "Allow", "Deny"):
		return fmt.Errorf("the effect %s is neither Allow nor Deny", api.Quoted(st.Effect))
	case len(st.Action) == 0 || len(st.Resource) == 0:
		return errors.New("a statement has no Action or no Resource")
	case !st.Principal.everyone && st.Principal.services == nil:
		return errors.New("a statement has no valid Principal")
	}
	for _, a := range st.Action {
		if !strings.HasPrefix(strings.ToLower(a), "sns:") {
			return errors.New("Policy statement action out of service scope!") //nolint:revive,staticcheck // the text of Amazon SNS
		}
	}
	return nil
}

// allows reports whether the policy lets a service publish to the topic. For a nil context
// only statements without conditions count.
func (p *policy) allows(service string, context map[string]string, topicARN string) bool {
	allowed := false
	for _, st := range p.statements {
		if !st.applies(service, topicARN) || !st.conditionsHold(context) {
			continue
		}
		if st.Effect == "Deny" {
			return false
		}
		allowed = true
	}
	return allowed
}

func (st *statement) applies(service, topicARN string) bool {
	return (st.Principal.everyone || slices.Contains(st.Principal.services, service)) &&
		slices.ContainsFunc(st.Action, func(pattern string) bool { return glob(strings.ToLower(pattern), "sns:publish") }) &&
		slices.ContainsFunc(st.Resource, func(pattern string) bool { return glob(pattern, topicARN) })
}

// conditionsHold reports whether every condition holds. One that this endpoint does not
// know does not hold.
func (st *statement) conditionsHold(context map[string]string) bool {
	for operator, keys := range st.Condition {
		for key, wanted := range keys {
			got, known := context[strings.ToLower(key)]
			if !known || !slices.ContainsFunc(wanted, func(want string) bool { return compare(operator, want, got) }) {
				return false
			}
		}
	}
	return true
}

func compare(operator, want, got string) bool {
	switch operator {
	case "StringEquals":
		return want == got
	case "ArnEquals", "ArnLike":
		return arnLike(want, got)
	}
	return false
}

// arnLike compares ARNs part by part: a wildcard does not match a colon, except in the
// resource.
func arnLike(pattern, arn string) bool {
	want, got := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	return len(want) == 6 && slices.EqualFunc(want, got, glob)
}

// glob matches text against a pattern in which * stands for any text and ? for any
// character.
func glob(pattern, text string) bool {
	expression := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
	matched, err := regexp.MatchString("(?s)^"+expression+"$", text)
	return err == nil && matched
}
