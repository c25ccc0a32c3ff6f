package verify

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
)

// policyStatement is a statement of the policy of a key or a topic, as far as it matters here.
type policyStatement struct {
	Effect            string
	Principal         json.RawMessage
	Action, NotAction values[string]
	Condition         map[string]map[string]values[any]
}

// values are what a policy has as a single one, or as a list.
type values[T any] []T

// UnmarshalJSON reads either form.
func (v *values[T]) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, (*[]T)(v)) == nil {
		return nil
	}
	*v = make(values[T], 1)
	return json.Unmarshal(data, &(*v)[0])
}

// policyLets reports whether the policy of a resource lets a service do something with it. A policy that cannot
// be understood, a denial that may be of the service, and conditions other than on the account are Unknown: they may let it
// or not.
func policyLets(policy, service, account string, actions ...string) Answer {
	var document struct{ Statement values[policyStatement] }
	if json.Unmarshal([]byte(policy), &document) != nil || document.Statement == nil {
		return Unknown
	}
	answer := Allowed
	for _, action := range actions {
		switch a := lets(document.Statement, service, account, action); {
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
func lets(statements []policyStatement, service, account, action string) Answer {
	answer := Refused
	for _, s := range statements {
		named, everyone := s.names(service)
		switch {
		case !named && !everyone, s.Effect == "Deny" && s.spares():
		case s.NotAction != nil:
			return Unknown
		case !s.covers(action):
		case s.Effect == "Deny" && named && len(s.Condition) == 0:
			return Refused
		case s.Effect == "Deny":
			return Unknown
		case s.Effect != "Allow":
		case named && s.unconditional(account):
			answer = Allowed
		case answer == Refused:
			answer = Unknown
		}
	}
	return answer
}

// names reports whether a statement names a service, or everyone, which may or may not mean services.
func (s policyStatement) names(service string) (named, everyone bool) {
	var text string
	if json.Unmarshal(s.Principal, &text) == nil {
		return false, text == "*"
	}
	var principal map[string]values[string]
	if json.Unmarshal(s.Principal, &principal) != nil {
		return false, true
	}
	return slices.Contains(principal["Service"], service), slices.Contains(principal["AWS"], "*")
}

// covers reports whether an action is among those of a statement, in which a * matches the rest.
func (s policyStatement) covers(action string) bool {
	return slices.ContainsFunc(s.Action, func(pattern string) bool {
		// * and ? mean what they mean in paths, as no action has a slash.
		like, err := path.Match(strings.ToLower(pattern), strings.ToLower(action))
		return like || err != nil
	})
}

// unconditional reports whether a statement has no condition but that on our account.
func (s policyStatement) unconditional(account string) bool {
	for operator, keys := range s.Condition {
		for key, values := range keys {
			ours := len(values) == 1 && values[0] == any(account)
			if operator != "StringEquals" || !strings.EqualFold(key, "aws:SourceAccount") || !ours {
				return false
			}
		}
	}
	return true
}

// spares reports whether a denial is never of a service, by a condition that accounts often have: services call
// by TLS, and aws:PrincipalIsAWSService is true for them.
func (s policyStatement) spares() bool {
	for operator, keys := range s.Condition {
		for key, values := range keys {
			never := strings.EqualFold(key, "aws:SecureTransport") || strings.EqualFold(key, "aws:PrincipalIsAWSService")
			if never && strings.HasPrefix(operator, "Bool") && len(values) == 1 && strings.EqualFold(fmt.Sprint(values[0]), "false") {
				return true
			}
		}
	}
	return false
}
