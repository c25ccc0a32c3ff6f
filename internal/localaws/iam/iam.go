// Package iam is AWS IAM, as far as it simulates what a principal may do.
package iam

import (
	"net/http"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// Decisions of a simulation.
const (
	allowed    = "allowed"
	notAllowed = "implicitDeny"
)

// maxActions is the most names of actions in a call that this endpoint accepts. AWS documents none;
// the response of more would be cut into pages, which this endpoint does not do.
const maxActions = 1000

// API describes the service. The principals that exist may do everything but what their account denies.
func API(denied func(account, action string) bool, exists func(principal, region string) bool) *api.Service {
	return &api.Service{
		Name: "iam", Signing: "iam", Protocols: []wire.Protocol{wire.Query}, Target: "2010-05-08",
		XMLNS:      "https://iam.amazonaws.com/doc/2010-05-08/",
		Operations: map[string]api.Operation{"SimulatePrincipalPolicy": api.Op(simulation{denied, exists}.run)},
		Model: api.NewModel("ValidationError", "LimitExceeded", api.Refuse("ValidationError", "Invalid Marker"), map[string]api.Pattern{
			"action": {Expression: api.Lazy(`^[a-z0-9-]+:[A-Za-z0-9]+$`), Rule: "be an action such as sns:Publish"},
			"arn":    {Expression: api.Lazy(`^(\*|arn:[^:]+:[^:]+:[^:]*:[^:]*:.+)$`), Rule: "be an ARN or *"},
		}),
	}
}

type simulation struct {
	denied func(account, action string) bool
	exists func(principal, region string) bool
}

type simulateInput struct {
	Principal string    `json:"PolicySourceArn" check:"required 20..2048"`
	Actions   []string  `json:"ActionNames" check:"some action"`
	Resources []string  `json:"ResourceArns" check:"arn"`
	Context   []context `json:"ContextEntries"`
}

type context struct {
	Name   string   `json:"ContextKeyName" check:"required 5..256"`
	Type   string   `json:"ContextKeyType" check:"required string|stringList|boolean|numeric|date|ip"`
	Values []string `json:"ContextKeyValues" check:"some"`
}

type simulateOutput struct {
	Results   []evaluation `xml:"EvaluationResults>member"`
	Truncated bool         `xml:"IsTruncated"`
}

type evaluation struct {
	Action   string               `xml:"EvalActionName"`
	Decision string               `xml:"EvalDecision"`
	Resource string               `xml:"EvalResourceName"`
	Each     []resourceEvaluation `xml:"ResourceSpecificResults>member"`
}

type resourceEvaluation struct {
	Resource string `xml:"EvalResourceName"`
	Decision string `xml:"EvalResourceDecision"`
}

var principalPattern = api.Lazy(`^arn:[^:]+:iam::([0-9]{12}):(user|role|group)/.+$`)

func (s simulation) run(c *api.Call, in *simulateInput) (any, error) {
	if len(in.Actions) > maxActions {
		return nil, api.Refuse("ValidationError", "this endpoint simulates at most %d actions at a time", maxActions)
	}
	if err := s.checkPrincipal(c, in.Principal); err != nil {
		return nil, err
	}
	resources := in.Resources
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	out := simulateOutput{}
	for _, action := range in.Actions {
		decision := allowed
		if s.denied(c.Account, action) {
			decision = notAllowed
		}
		e := evaluation{Action: action, Decision: decision, Resource: resources[0]}
		if len(in.Resources) > 0 {
			for _, resource := range resources {
				e.Each = append(e.Each, resourceEvaluation{resource, decision})
			}
		}
		out.Results = append(out.Results, e)
	}
	return out, nil
}

// checkPrincipal refuses what is no user, role or group of the account.
func (s simulation) checkPrincipal(c *api.Call, principal string) error {
	parts := principalPattern().FindStringSubmatch(principal)
	switch {
	case parts == nil:
		return api.Refuse("InvalidInput", "Invalid Entity Arn: %s does not clearly define entity type and name.", principal)
	case parts[1] != c.Account:
		return api.RefuseWith(http.StatusForbidden, "AccessDenied", "the principal %s is not of the account %s", principal, c.Account)
	case !s.exists(principal, c.Region):
		return api.RefuseWith(http.StatusNotFound, "NoSuchEntity", "The %s %s cannot be found.", parts[2], api.Quoted(principal))
	}
	return nil
}
