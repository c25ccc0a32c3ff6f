// Package events is Amazon EventBridge: the default bus of each account and region, its
// rules and targets.
//
// A Service is not safe for concurrent use; the endpoint runs one operation at a time.
package events

import (
	"log/slog"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/sns"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// Error codes.
const (
	codeValidation = "ValidationException"
	codePattern    = "InvalidEventPatternException"
	codeNotFound   = "ResourceNotFoundException"
	codeLimit      = "LimitExceededException"
)

const (
	defaultBus = "default"
	maxRules   = 300 // of a bus ("Amazon EventBridge quotas")
)

// Service is everything that EventBridge knows.
type Service struct {
	clock     api.Clock
	log       *slog.Logger
	topics    *sns.Service
	rules     api.ByHome[*rule]
	events    []Event
	queue     []Delivery
	functions map[string]Function // targets within the process, by ARN
}

// New makes a service without rules that publishes to topics.
func New(clock api.Clock, log *slog.Logger, topics *sns.Service) *Service {
	return &Service{clock: clock, log: log, topics: topics, rules: api.ByHome[*rule]{}, functions: map[string]Function{}}
}

type rule struct {
	arn, name   string
	description *string
	pattern     *string
	match       pattern // nil without a pattern
	schedule    *string
	role        *string
	state       string
	tags        map[string]string
	targets     map[string]*target
}

const (
	enabled  = "ENABLED"
	disabled = "DISABLED"
)

// API describes the service.
func (s *Service) API() *api.Service {
	operations := map[string]api.Operation{
		"PutEvents":         api.Op(s.putEvents),
		"PutRule":           api.Op(s.putRule),
		"DescribeRule":      api.Op(s.describeRule),
		"ListRules":         api.Op(s.listRules),
		"DeleteRule":        api.Do(s.deleteRule),
		"EnableRule":        api.Do(func(c *api.Call, in *ruleInput) error { return s.setState(c, in, enabled) }),
		"DisableRule":       api.Do(func(c *api.Call, in *ruleInput) error { return s.setState(c, in, disabled) }),
		"PutTargets":        api.Op(s.putTargets),
		"ListTargetsByRule": api.Op(s.listTargetsByRule),
		"RemoveTargets":     api.Op(s.removeTargets),
	}
	api.Tagging{
		Find: s.findTags,
		Fault: func(f *api.TagFault) error {
			if f.TooMany {
				return api.Refuse(codeLimit, "%s", f.Text)
			}
			return api.Refuse(codeValidation, "%s", f.Text)
		},
		Missing: func(member string) error { return api.Refuse(codeValidation, "%s is required", member) },
	}.AddTo(operations)
	return &api.Service{
		Name: "events", Signing: "events", Protocols: []wire.Protocol{wire.JSON}, Target: "AWSEvents", Operations: operations,
	}
}

var namePattern = api.Lazy(`^[.\-_A-Za-z0-9]{1,64}$`)

const nameRule = "have 1 to 64 characters of A-Z, a-z, 0-9, '.', '-' and '_'"

// constraint is the error of a member that breaks the API model.
func constraint(member, value, rule string) error {
	return api.Constraint(codeValidation, value, member, rule)
}

var paging = api.Paging{
	Most: 100, BadToken: api.Refuse(codeValidation, "NextToken is not valid."),
	BadLimit: func(value, rule string) error { return constraint("limit", value, rule) },
}

// checkName checks the name of a rule and its bus, which is the default bus, by name or by
// ARN of the caller's region.
func checkName(c *api.Call, member, name string, bus *string) error {
	if !namePattern().MatchString(name) {
		return constraint(member, name, nameRule)
	}
	return checkBus(c, bus)
}

func checkBus(c *api.Call, bus *string) error {
	if bus == nil || *bus == defaultBus || *bus == c.ARN("events", "event-bus/"+defaultBus) {
		return nil
	}
	return api.Refuse(codeNotFound, "Event bus %s does not exist.", *bus)
}

// find returns the rule of a name.
func (s *Service) find(c *api.Call, member, name string, bus *string) (*rule, error) {
	if err := checkName(c, member, name, bus); err != nil {
		return nil, err
	}
	r := s.rules[c.Home][name]
	if r == nil {
		return nil, api.Refuse(codeNotFound, "Rule %s does not exist on EventBus default.", name)
	}
	return r, nil
}

// findTags returns the tags of a rule. Event buses have no tags here.
func (s *Service) findTags(c *api.Call, arn *string) (*map[string]string, error) {
	name, ok := strings.CutPrefix(api.Value(arn), c.ARN("events", "rule/"))
	if r := s.rules[c.Home][name]; ok && r != nil {
		return &r.tags, nil
	}
	if !strings.HasPrefix(api.Value(arn), "arn:") {
		return nil, invalidARN(api.Value(arn), "Provided Arn is not in correct format.")
	}
	return nil, api.Refuse(codeNotFound, "Rule %s does not exist on EventBus default.", *arn)
}

// invalidARN is the error of an ARN that is not usable.
func invalidARN(arn, reason string) error {
	return api.Refuse(codeValidation, "Parameter %s is not valid. Reason: %s", api.Quoted(arn), reason)
}

type putRuleInput struct {
	Name        string    `json:"Name"`
	Bus         *string   `json:"EventBusName"`
	Description *string   `json:"Description"`
	Pattern     *string   `json:"EventPattern"`
	Role        *string   `json:"RoleArn"`
	Schedule    *string   `json:"ScheduleExpression"`
	State       *string   `json:"State"`
	Tags        []api.Tag `json:"Tags"`
}

type ruleARN struct {
	ARN string `json:"RuleArn"`
}

// putRule creates a rule or replaces its settings: absent members are removed, and an absent
// state is ENABLED, also for a rule that was disabled. Targets and tags stay; the tags of the
// input are for a new rule only. A schedule is checked and stored, but never fires here.
func (s *Service) putRule(c *api.Call, in *putRuleInput) (out ruleARN, err error) {
	if err := checkName(c, "name", in.Name, in.Bus); err != nil {
		return out, err
	}
	r := &rule{
		name: in.Name, arn: c.ARN("events", "rule/"+in.Name), description: in.Description, role: in.Role, state: enabled,
		targets: map[string]*target{},
	}
	if in.State != nil {
		r.state = *in.State
	}
	hasPattern, hasSchedule := api.Value(in.Pattern) != "", api.Value(in.Schedule) != ""
	switch {
	case len(api.Value(in.Description)) > 512:
		return out, constraint("description", *in.Description, "have length less than or equal to 512")
	case !api.Is(r.state, enabled, disabled, "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"):
		return out, constraint("state", r.state, "satisfy enum value set: [ENABLED, DISABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS]")
	case hasSchedule && !validSchedule(*in.Schedule):
		return out, api.Refuse(codeValidation, "Parameter ScheduleExpression is not valid.")
	case !hasPattern && !hasSchedule:
		return out, api.Refuse(codeValidation, "Parameter(s) EventPattern or ScheduleExpression must be specified.")
	}
	if hasPattern {
		r.pattern = in.Pattern
		if r.match, err = parsePattern(*in.Pattern); err != nil {
			return out, api.Refuse(codePattern, "Event pattern is not valid. Reason: %v", err)
		}
	}
	if hasSchedule {
		r.schedule = in.Schedule
	}
	tags, fault := api.MergeTags(nil, in.Tags)
	if fault != nil {
		return out, api.Refuse(codeValidation, "%s", fault.Text)
	}
	r.tags = tags
	switch old := s.rules[c.Home][r.name]; {
	case old != nil:
		r.targets, r.tags = old.targets, old.tags
	case len(s.rules[c.Home]) >= maxRules:
		return out, api.Refuse(codeLimit, "The requested resource exceeds the maximum number allowed: %d rules.", maxRules)
	}
	s.rules.Set(c.Home, r.name, r)
	return ruleARN{r.arn}, nil
}

var rateSchedule = api.Lazy(`^rate\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\)$`)

// validSchedule accepts rate(5 minutes) and cron expressions of six fields, of which either
// day of month or day of week is a question mark.
func validSchedule(text string) bool {
	inner, ok := strings.CutPrefix(text, "cron(")
	inner, ok2 := strings.CutSuffix(inner, ")")
	fields := strings.Fields(inner)
	return rateSchedule().MatchString(text) || ok && ok2 && len(fields) == 6 && (fields[2] == "?") != (fields[4] == "?")
}

type ruleShape struct {
	ARN         string  `json:"Arn"`
	Name        string  `json:"Name"`
	Bus         string  `json:"EventBusName"`
	Description *string `json:"Description,omitempty"`
	Pattern     *string `json:"EventPattern,omitempty"`
	Role        *string `json:"RoleArn,omitempty"`
	Schedule    *string `json:"ScheduleExpression,omitempty"`
	State       string  `json:"State"`
	CreatedBy   string  `json:"CreatedBy,omitempty"` // in descriptions only
}

func (r *rule) shape() ruleShape {
	return ruleShape{
		ARN: r.arn, Name: r.name, Bus: defaultBus, Description: r.description, Pattern: r.pattern, Role: r.role,
		Schedule: r.schedule, State: r.state,
	}
}

// ruleInput names a rule and its bus. Force is for rules that a service manages; there are
// none here.
type ruleInput struct {
	Name  string  `json:"Name"`
	Bus   *string `json:"EventBusName"`
	Force bool    `json:"Force"`
}

func (s *Service) describeRule(c *api.Call, in *ruleInput) (ruleShape, error) {
	r, err := s.find(c, "name", in.Name, in.Bus)
	if err != nil {
		return ruleShape{}, err
	}
	shape := r.shape()
	shape.CreatedBy = c.Account
	return shape, nil
}

func (s *Service) setState(c *api.Call, in *ruleInput, state string) error {
	r, err := s.find(c, "name", in.Name, in.Bus)
	if err != nil {
		return err
	}
	r.state = state
	return nil
}

type listRulesInput struct {
	Bus    *string `json:"EventBusName"`
	Prefix *string `json:"NamePrefix"`
	Token  *string `json:"NextToken"`
	Limit  *int32  `json:"Limit"`
}

type listRulesOutput struct {
	Rules []ruleShape `json:"Rules"`
	Token string      `json:"NextToken,omitempty"`
}

func (s *Service) listRules(c *api.Call, in *listRulesInput) (out listRulesOutput, err error) {
	if err := checkBus(c, in.Bus); err != nil {
		return out, err
	}
	if in.Prefix != nil && !namePattern().MatchString(*in.Prefix) {
		return out, constraint("namePrefix", *in.Prefix, nameRule)
	}
	rules := api.Filter(api.Sorted(s.rules[c.Home]), func(r *rule) bool { return strings.HasPrefix(r.name, api.Value(in.Prefix)) })
	rules, out.Token, err = api.PageOf(c, paging, rules, func(r *rule) string { return r.name }, in.Token, in.Limit)
	out.Rules = api.Map(rules, (*rule).shape)
	return out, err
}

// deleteRule succeeds for a rule that does not exist, and refuses one with targets.
func (s *Service) deleteRule(c *api.Call, in *ruleInput) error {
	if err := checkName(c, "name", in.Name, in.Bus); err != nil {
		return err
	}
	if r := s.rules[c.Home][in.Name]; r != nil && len(r.targets) > 0 {
		return api.Refuse(codeValidation, "Rule can't be deleted since it has targets.")
	}
	delete(s.rules[c.Home], in.Name)
	return nil
}

// Describe adds the rules and targets to a snapshot.
func (s *Service) Describe(out map[string]string, render func(any) string) {
	for h, rules := range s.rules {
		for name, r := range rules {
			out[h.Region+" rule "+name] = render([]any{r.description, r.pattern, r.state, r.tags})
			for id, t := range r.targets {
				out[h.Region+" target "+name+"/"+id] = render(t.shape)
			}
		}
	}
}

// Forget drops events from before a time.
func (s *Service) Forget(before time.Time) {
	s.events = api.Filter(s.events, func(e Event) bool { return !e.Time.Before(before) })
}
