package events

import (
	"encoding/json"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

const maxTargets = 5 // of a rule

// target is where a rule sends events, and in what form.
type target struct {
	shape     targetShape
	path      api.JSONPath
	transform *transformer
}

type targetShape struct {
	ID          string            `json:"Id" check:"required name"`
	ARN         string            `json:"Arn"`
	Role        *string           `json:"RoleArn,omitempty"`
	Input       *string           `json:"Input,omitempty"`
	InputPath   *string           `json:"InputPath,omitempty"`
	Transformer *transformerShape `json:"InputTransformer,omitempty"`
	Retry       *retryShape       `json:"RetryPolicy,omitempty"`
}

type transformerShape struct {
	Paths    map[string]string `json:"InputPathsMap,omitempty"`
	Template string            `json:"InputTemplate"`
}

type retryShape struct {
	Attempts   *int32 `json:"MaximumRetryAttempts,omitempty" check:"0..185"`
	AgeSeconds *int32 `json:"MaximumEventAgeInSeconds,omitempty" check:"60..86400"`
}

// targetsOutput reports the targets that were rejected.
type targetsOutput struct {
	Count  int32          `json:"FailedEntryCount"`
	Failed []failedTarget `json:"FailedEntries"`
}

type failedTarget struct {
	ID      string `json:"TargetId"`
	Code    string `json:"ErrorCode"`
	Message string `json:"ErrorMessage"`
}

func (out *targetsOutput) fail(id, code, message string) {
	out.Count++
	out.Failed = append(out.Failed, failedTarget{id, code, message})
}

type putTargetsInput struct {
	Rule    string        `json:"Rule" check:"required name"`
	Bus     *string       `json:"EventBusName"`
	Targets []targetShape `json:"Targets" check:"required 1..10"`
}

// putTargets adds targets to a rule, or replaces those with the same ids. An invalid one
// refuses the call; a fault rejects single targets.
func (rs rules) putTargets(c *api.Call, in *putTargetsInput) (any, error) {
	r, err := rs.find(c, in.Rule, in.Bus)
	if err != nil {
		return nil, err
	}
	added := map[string]*target{}
	total := len(r.targets)
	for _, shape := range in.Targets {
		t, err := newTarget(c, shape)
		switch {
		case err != nil:
			return nil, err
		case added[shape.ID] != nil:
			return nil, api.Refuse(codeValidation, "the target id %s is given twice", shape.ID)
		case r.targets[shape.ID] == nil:
			total++
		}
		added[shape.ID] = t
	}
	if total > maxTargets {
		return nil, api.Refuse(codeLimit, "The requested resource exceeds the maximum number allowed: %d targets for a rule.", maxTargets)
	}
	out := targetsOutput{Failed: []failedTarget{}}
	for i, shape := range in.Targets {
		if i < c.Rejected(len(in.Targets)) {
			code, message := c.Partial.Entry()
			out.fail(shape.ID, code, message)
			continue
		}
		r.targets[shape.ID] = added[shape.ID]
	}
	return out, nil
}

func newTarget(c *api.Call, shape targetShape) (t *target, err error) {
	if err := checkTargetARN(c, shape.ARN); err != nil {
		return nil, err
	}
	inputs := 0
	for _, given := range []bool{shape.Input != nil, shape.InputPath != nil, shape.Transformer != nil} {
		if given {
			inputs++
		}
	}
	t = &target{shape: shape}
	switch {
	case inputs > 1:
		return nil, api.Refuse(codeValidation, "Only one of Input, InputPath, or InputTransformer must be provided for target %s.", shape.ID)
	case shape.Input != nil && !json.Valid([]byte(*shape.Input)):
		return nil, api.Refuse(codeValidation, "JSON syntax error in input for target %s", shape.ID)
	case shape.InputPath != nil:
		t.path, err = parsePath(*shape.InputPath)
	case shape.Transformer != nil:
		t.transform, err = newTransformer(shape.Transformer.Paths, shape.Transformer.Template)
	}
	if err != nil {
		return nil, api.Refuse(codeValidation, "Invalid input for target %s : %v", shape.ID, err)
	}
	return t, nil
}

// checkTargetARN accepts what this endpoint delivers to: topics and functions of the rule's
// region.
func checkTargetARN(c *api.Call, arn string) error {
	parts := strings.SplitN(arn, ":", 6)
	switch {
	case len(arn) > 1600 || len(parts) != 6 || parts[0] != "arn" || parts[5] == "" || !api.AccountPattern().MatchString(parts[4]):
		return invalidARN(arn, "Provided Arn is not in correct format.")
	case parts[2] != "sns" && (parts[2] != "lambda" || !strings.HasPrefix(parts[5], "function:")):
		return invalidARN(arn, "this endpoint delivers events to SNS topics and Lambda functions only.")
	case parts[1] != api.Partition(c.Region) || parts[3] != c.Region:
		return invalidARN(arn, "Provided Arn is not in the rule's region "+c.Region+".")
	}
	return nil
}

type listTargetsInput struct {
	Rule  string  `json:"Rule" check:"required name"`
	Bus   *string `json:"EventBusName"`
	Token *string `json:"NextToken"`
	Limit *int32  `json:"Limit" check:"1..100"`
}

func (rs rules) listTargetsByRule(c *api.Call, in *listTargetsInput) (any, error) {
	r, err := rs.find(c, in.Rule, in.Bus)
	if err != nil {
		return nil, err
	}
	targets, next, err := api.Page(c, api.Sorted(r.targets), func(t *target) string { return t.shape.ID }, in.Token, in.Limit, 100)
	return api.Listing("Targets", api.Map(targets, func(t *target) targetShape { return t.shape }), "NextToken", next), err
}

type removeTargetsInput struct {
	Rule  string   `json:"Rule" check:"required name"`
	Bus   *string  `json:"EventBusName"`
	IDs   []string `json:"Ids" check:"required 1..100"`
	Force bool     `json:"Force"` // for rules that a service manages; there are none here
}

func (rs rules) removeTargets(c *api.Call, in *removeTargetsInput) (any, error) {
	r, err := rs.find(c, in.Rule, in.Bus)
	if err != nil {
		return nil, err
	}
	out := targetsOutput{Failed: []failedTarget{}}
	for i, id := range in.IDs {
		switch {
		case i < c.Rejected(len(in.IDs)):
			code, message := c.Partial.Entry()
			out.fail(id, code, message)
		case r.targets[id] == nil:
			out.fail(id, codeNotFound, "Rule "+r.Name+" does not have the target.")
		default:
			delete(r.targets, id)
		}
	}
	return out, nil
}
