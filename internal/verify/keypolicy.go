package verify

import (
	"bytes"
	"encoding/json"
	"path"
	"slices"
	"strings"
)

// keyStatement is a statement of a key's policy, as far as it matters here. What is a single text or
// a list in JSON is a list.
type keyStatement struct {
	Effect    string
	Principal json.RawMessage
	Action    texts
	NotAction texts
	Condition map[string]map[string]texts
}

// texts is a text or a list of texts.
type texts []string

// UnmarshalJSON reads either form.
func (t *texts) UnmarshalJSON(data []byte) error {
	if data = bytes.TrimSpace(data); len(data) > 0 && data[0] == '"' {
		*t = make(texts, 1)
		return json.Unmarshal(data, &(*t)[0])
	}
	return json.Unmarshal(data, (*[]string)(t))
}

// keyLets reports whether a key's policy lets a service use it. A policy that cannot be understood, a
// denial, and conditions other than on the account are Unknown: they may let it or not.
func keyLets(policy, service, account string) Answer {
	var document struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(policy), &document) != nil {
		return Unknown
	}
	var statements []keyStatement
	if data := bytes.TrimSpace(document.Statement); len(data) > 0 && data[0] == '{' {
		data = append(append([]byte{'['}, data...), ']')
		if json.Unmarshal(data, &statements) != nil {
			return Unknown
		}
	} else if json.Unmarshal(data, &statements) != nil {
		return Unknown
	}
	answer := Allowed
	for _, action := range keyActions {
		switch a := lets(statements, service, account, action); {
		case a == Refused:
			return Refused
		case a == Unknown:
			answer = Unknown
		}
	}
	return answer
}

// lets is the answer for one action. The first statement that lets it without a condition decides,
// unless another denies it.
func lets(statements []keyStatement, service, account, action string) Answer {
	answer := Refused
	for _, s := range statements {
		named, everyone := s.names(service)
		if !named && !everyone {
			continue
		}
		switch {
		case s.NotAction != nil || s.Effect == "Deny":
			if s.NotAction != nil || s.covers(action) {
				return Unknown
			}
		case s.Effect != "Allow" || !s.covers(action):
		case named && s.unconditional(account):
			answer = Allowed
		case answer == Refused:
			answer = Unknown
		}
	}
	return answer
}

// names reports whether a statement names a service, or everyone, which may or may not mean services.
func (s keyStatement) names(service string) (named, everyone bool) {
	var text string
	if json.Unmarshal(s.Principal, &text) == nil {
		return false, text == "*"
	}
	var principal map[string]texts
	if json.Unmarshal(s.Principal, &principal) != nil {
		return false, true
	}
	return slices.Contains(principal["Service"], service), slices.Contains(principal["AWS"], "*")
}

// covers reports whether an action is among those of a statement, in which a * matches the rest.
func (s keyStatement) covers(action string) bool {
	return slices.ContainsFunc(s.Action, func(pattern string) bool {
		// * and ? mean what they mean in paths, as no action has a slash.
		like, err := path.Match(strings.ToLower(pattern), strings.ToLower(action))
		return like || err != nil
	})
}

// unconditional reports whether a statement has no condition but that on our account.
func (s keyStatement) unconditional(account string) bool {
	for operator, keys := range s.Condition {
		for key, values := range keys {
			ours := len(values) == 1 && values[0] == account
			if operator != "StringEquals" || !strings.EqualFold(key, "aws:SourceAccount") || !ours {
				return false
			}
		}
	}
	return true
}
