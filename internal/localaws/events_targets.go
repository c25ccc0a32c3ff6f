package localaws

import (
	"encoding/json"
	"strings"
)

// eventTarget is where a rule sends events, and in what form.
type eventTarget struct {
	shape     targetShape
	path      eventPath
	transform *transformer
}

type targetShape struct {
	ID          *string           `json:"Id"`
	ARN         *string           `json:"Arn"`
	Role        *string           `json:"RoleArn,omitempty"`
	Input       *string           `json:"Input,omitempty"`
	InputPath   *string           `json:"InputPath,omitempty"`
	Transformer *transformerShape `json:"InputTransformer,omitempty"`
	Retry       *retryShape       `json:"RetryPolicy,omitempty"`
	DeadLetter  *deadLetterShape  `json:"DeadLetterConfig,omitempty"`
}

type transformerShape struct {
	Paths    map[string]string `json:"InputPathsMap,omitempty"`
	Template *string           `json:"InputTemplate"`
}

type retryShape struct {
	Attempts   *int32 `json:"MaximumRetryAttempts,omitempty"`
	AgeSeconds *int32 `json:"MaximumEventAgeInSeconds,omitempty"`
}

type deadLetterShape struct {
	ARN *string `json:"Arn,omitempty"`
}

type failedTarget struct {
	ID      string `json:"TargetId"`
	Code    string `json:"ErrorCode"`
	Message string `json:"ErrorMessage"`
}

type targetsOutput struct {
	FailedCount int32          `json:"FailedEntryCount"`
	Failed      []failedTarget `json:"FailedEntries"`
}

// putTargets adds targets to a rule, or replaces those with the same ids. Either all are
// taken or none, but for those that a fault refuses.
func (s *Server) putTargets(c *call) (any, error) {
	var in struct {
		Rule    *string       `json:"Rule"`
		Bus     *string       `json:"EventBusName"`
		Targets []targetShape `json:"Targets"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	r, err := s.findRule(c, "rule", in.Rule, in.Bus)
	if err != nil {
		return nil, err
	}
	if len(in.Targets) == 0 || len(in.Targets) > maxTargetsPerCall {
		return nil, refuse(codeValidation, "1 validation error detected: %d targets at 'targets' failed to satisfy constraint: Member must have length from 1 to %d", len(in.Targets), maxTargetsPerCall)
	}
	added := map[string]*eventTarget{}
	for _, shape := range in.Targets {
		t, err := newEventTarget(c, shape)
		if err != nil {
			return nil, err
		}
		if added[*shape.ID] != nil {
			return nil, refuse(codeValidation, "the target id %s is given twice", *shape.ID)
		}
		added[*shape.ID] = t
	}
	total := len(r.targets)
	for id := range added {
		if r.targets[id] == nil {
			total++
		}
	}
	if total > maxTargets {
		return nil, refuse(codeLimitExceeded, "The requested resource exceeds the maximum number allowed: %d targets for a rule.", maxTargets)
	}
	out := targetsOutput{Failed: []failedTarget{}}
	for i, shape := range in.Targets {
		if i < c.half(len(in.Targets)) {
			code, message := c.partial.refusal()
			out.Failed = append(out.Failed, failedTarget{*shape.ID, code, message})
			continue
		}
		r.targets[*shape.ID] = added[*shape.ID]
	}
	out.FailedCount = int32(len(out.Failed))
	return out, nil
}

func newEventTarget(c *call, shape targetShape) (*eventTarget, error) {
	if shape.ID == nil || !targetIDPattern().MatchString(*shape.ID) {
		return nil, constraint("targets.member.id", value(shape.ID), "have 1 to 64 characters of A-Z, a-z, 0-9, '.', '-' and '_'")
	}
	if err := checkTargetARN(c, value(shape.ARN)); err != nil {
		return nil, err
	}
	t := &eventTarget{shape: shape}
	inputs := 0
	for _, given := range []bool{shape.Input != nil, shape.InputPath != nil, shape.Transformer != nil} {
		if given {
			inputs++
		}
	}
	if inputs > 1 {
		return nil, refuse(codeValidation, "Only one of Input, InputPath, or InputTransformer must be provided for target %s.", *shape.ID)
	}
	var err error
	switch {
	case shape.Input != nil && !json.Valid([]byte(*shape.Input)):
		return nil, refuse(codeValidation, "JSON syntax error in input for target %s", *shape.ID)
	case shape.InputPath != nil:
		if t.path, err = parseEventPath(*shape.InputPath); err != nil {
			return nil, refuse(codeValidation, "Invalid InputPath for target %s : %v", *shape.ID, err)
		}
	case shape.Transformer != nil:
		if t.transform, err = newTransformer(shape.Transformer.Paths, value(shape.Transformer.Template)); err != nil {
			return nil, refuse(codeValidation, "Invalid InputTemplate for target %s : %v", *shape.ID, err)
		}
	}
	return t, checkRetry(shape)
}

// checkTargetARN accepts what this endpoint delivers to: topics, which must be in the
// rule's region, and functions.
func checkTargetARN(c *call, arn string) error {
	parts := strings.SplitN(arn, ":", 6)
	if len(arn) > 1600 || len(parts) != 6 || parts[0] != "arn" || parts[5] == "" {
		return refuse(codeValidation, "Parameter %s is not valid. Reason: Provided Arn is not in correct format.", quoted(arn))
	}
	isFunction := parts[2] == "lambda" && strings.HasPrefix(parts[5], "function:")
	if parts[2] != "sns" && !isFunction {
		return refuse(codeValidation, "Parameter %s is not valid. Reason: this endpoint delivers events to SNS topics and Lambda functions only.", quoted(arn))
	}
	if parts[1] != partitionOf(c.region) || parts[3] != c.region {
		return refuse(codeValidation, "Parameter %s is not valid. Reason: Provided Arn is not in the rule's region %s.", quoted(arn), c.region)
	}
	if !accountPattern().MatchString(parts[4]) {
		return refuse(codeValidation, "Parameter %s is not valid. Reason: Provided Arn is not in correct format.", quoted(arn))
	}
	return nil
}

func checkRetry(shape targetShape) error {
	if r := shape.Retry; r != nil {
		if n := r.Attempts; n != nil && (*n < 0 || *n > 185) {
			return refuse(codeValidation, "MaximumRetryAttempts is %d; it is from 0 to 185", *n)
		}
		if n := r.AgeSeconds; n != nil && (*n < 60 || *n > 86400) {
			return refuse(codeValidation, "MaximumEventAgeInSeconds is %d; it is from 60 to 86400", *n)
		}
	}
	if d := shape.DeadLetter; d != nil && !strings.Contains(value(d.ARN), ":sqs:") {
		return refuse(codeValidation, "the dead-letter queue %s is not an ARN of SQS", quoted(value(d.ARN)))
	}
	return nil
}

func (s *Server) listTargetsByRule(c *call) (any, error) {
	var in struct {
		Rule  *string `json:"Rule"`
		Bus   *string `json:"EventBusName"`
		Token *string `json:"NextToken"`
		Limit *int32  `json:"Limit"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	r, err := s.findRule(c, "rule", in.Rule, in.Bus)
	if err != nil {
		return nil, err
	}
	targets := each(sorted(r.targets), func(t *eventTarget) targetShape { return t.shape })
	targets, next, err := eventsPage(c, targets, func(t targetShape) string { return *t.ID }, in.Token, in.Limit)
	if err != nil {
		return nil, err
	}
	return struct {
		Targets []targetShape `json:"Targets"`
		Token   *string       `json:"NextToken,omitempty"`
	}{each(targets, func(t targetShape) targetShape { return t }), next}, nil
}

func (s *Server) removeTargets(c *call) (any, error) {
	var in struct {
		Rule  *string  `json:"Rule"`
		Bus   *string  `json:"EventBusName"`
		IDs   []string `json:"Ids"`
		Force bool     `json:"Force"` // for rules managed by a service, which this is none of
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	r, err := s.findRule(c, "rule", in.Rule, in.Bus)
	if err != nil {
		return nil, err
	}
	if len(in.IDs) == 0 || len(in.IDs) > 100 {
		return nil, refuse(codeValidation, "1 validation error detected: %d ids at 'ids' failed to satisfy constraint: Member must have length from 1 to 100", len(in.IDs))
	}
	out := targetsOutput{Failed: []failedTarget{}}
	for i, id := range in.IDs {
		if i < c.half(len(in.IDs)) {
			code, message := c.partial.refusal()
			out.Failed = append(out.Failed, failedTarget{id, code, message})
			continue
		}
		if r.targets[id] == nil {
			out.Failed = append(out.Failed, failedTarget{id, codeNotFound, "Rule " + r.name + " does not have the target."})
			continue
		}
		delete(r.targets, id)
	}
	out.FailedCount = int32(len(out.Failed))
	return out, nil
}
