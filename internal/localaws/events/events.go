// Package events is Amazon EventBridge: the default bus of each account and region, its
// rules and targets.
package events

import (
	"cmp"
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
	rules     rules
	events    []Event
	queue     []Delivery
	functions map[string]Function // targets within the process, by ARN
}

// New makes a service without rules that publishes to topics.
func New(clock api.Clock, log *slog.Logger, topics *sns.Service) *Service {
	return &Service{clock: clock, log: log, topics: topics, rules: rules{api.ByHome[*rule]{}}, functions: map[string]Function{}}
}

type rules struct{ api.ByHome[*rule] }

type rule struct {
	ruleShape
	match   pattern // nil without a pattern
	tags    map[string]string
	targets map[string]*target
}

// ruleShape is a rule as listings return it.
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

const (
	enabled  = "ENABLED"
	disabled = "DISABLED"
)

// API describes the service.
func (s *Service) API() *api.Service {
	operations := map[string]api.Operation{
		"PutEvents":         api.Op(s.putEvents),
		"PutRule":           api.Op(s.rules.putRule),
		"DescribeRule":      api.Op(s.rules.describeRule),
		"ListRules":         api.Op(s.rules.listRules),
		"DeleteRule":        api.Do(s.rules.deleteRule),
		"EnableRule":        api.Do(func(c *api.Call, in *ruleInput) error { return s.rules.setState(c, in, enabled) }),
		"DisableRule":       api.Do(func(c *api.Call, in *ruleInput) error { return s.rules.setState(c, in, disabled) }),
		"PutTargets":        api.Op(s.rules.putTargets),
		"ListTargetsByRule": api.Op(s.rules.listTargetsByRule),
		"RemoveTargets":     api.Op(s.rules.removeTargets),
	}
	api.Tagging(s.rules.findTags).AddTo(operations)
	return &api.Service{
		Name: "events", Signing: "events", Protocols: []wire.Protocol{wire.JSON}, Target: "AWSEvents", Operations: operations,
		Model: api.NewModel(codeValidation, codeLimit, api.Refuse(codeValidation, "NextToken is not valid."), map[string]api.Pattern{"name": {
			Expression: api.Lazy(`^[.\-_A-Za-z0-9]{1,64}$`), Rule: "have 1 to 64 characters of A-Z, a-z, 0-9, '.', '-' and '_'",
		}}),
	}
}

// checkBus refuses all but the default bus, by name or by ARN of the caller's region.
func checkBus(c *api.Call, bus *string) error {
	if bus == nil || *bus == defaultBus || *bus == c.ARN("events", "event-bus/"+defaultBus) {
		return nil
	}
	return api.Refuse(codeNotFound, "Event bus %s does not exist.", *bus)
}

func (rs rules) find(c *api.Call, name string, bus *string) (*rule, error) {
	if err := checkBus(c, bus); err != nil {
		return nil, err
	}
	r := rs.ByHome[c.Home][name]
	if r == nil {
		return nil, api.Refuse(codeNotFound, "Rule %s does not exist on EventBus default.", name)
	}
	return r, nil
}

// findTags returns the tags of a rule. Event buses have no tags here.
func (rs rules) findTags(c *api.Call, arn *string) (*map[string]string, error) {
	name, ok := strings.CutPrefix(api.Value(arn), c.ARN("events", "rule/"))
	if r := rs.ByHome[c.Home][name]; ok && r != nil {
		return &r.tags, nil
	}
	if !strings.HasPrefix(api.Value(arn), "arn:") {
		return nil, invalidARN(api.Value(arn), "Provided Arn is not in correct format.")
	}
	return nil, api.Refuse(codeNotFound, "Rule %s does not exist on EventBus default.", *arn)
}

func invalidARN(arn, reason string) error {
	return api.Refuse(codeValidation, "Parameter %s is not valid. Reason: %s", api.Quoted(arn), reason)
}

type putRuleInput struct {
	Name        string    `json:"Name" check:"required name"`
	Bus         *string   `json:"EventBusName"`
	Description *string   `json:"Description" check:"..512"`
	Pattern     *string   `json:"EventPattern"`
	Role        *string   `json:"RoleArn"`
	Schedule    *string   `json:"ScheduleExpression"`
	State       string    `json:"State" check:"ENABLED|DISABLED|ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"`
	Tags        []api.Tag `json:"Tags"`
}

// putRule creates a rule or replaces its settings: absent members are removed, and an absent
// state is ENABLED, also for a rule that was disabled. Targets and tags stay; the tags of the
// input are for a new rule only. A schedule is checked and stored, but never fires here.
func (rs rules) putRule(c *api.Call, in *putRuleInput) (any, error) {
	if err := checkBus(c, in.Bus); err != nil {
		return nil, err
	}
	shape := ruleShape{
		ARN: c.ARN("events", "rule/"+in.Name), Name: in.Name, Bus: defaultBus, Description: in.Description,
		Role: in.Role, State: cmp.Or(in.State, enabled),
	}
	var match pattern
	hasPattern, hasSchedule := api.Value(in.Pattern) != "", api.Value(in.Schedule) != ""
	if !hasPattern && !hasSchedule {
		return nil, api.Refuse(codeValidation, "Parameter(s) EventPattern or ScheduleExpression must be specified.")
	}
	if hasPattern {
		shape.Pattern = in.Pattern
		var err error
		if match, err = parsePattern(*in.Pattern); err != nil {
			return nil, api.Refuse(codePattern, "Event pattern is not valid. Reason: %v", err)
		}
	}
	if hasSchedule {
		shape.Schedule = in.Schedule
		if !validSchedule(*in.Schedule) {
			return nil, api.Refuse(codeValidation, "Parameter ScheduleExpression is not valid.")
		}
	}
	tags, err := c.MergeTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	r := &rule{shape, match, tags, map[string]*target{}}
	switch old := rs.ByHome[c.Home][in.Name]; {
	case old != nil:
		r.targets, r.tags = old.targets, old.tags
	case len(rs.ByHome[c.Home]) >= maxRules:
		return nil, api.Refuse(codeLimit, "The requested resource exceeds the maximum number allowed: %d rules.", maxRules)
	}
	rs.Set(c.Home, in.Name, r)
	return api.Out{"RuleArn": r.ARN}, nil
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

// ruleInput names a rule and its bus. Force is for rules that a service manages; there are
// none here.
type ruleInput struct {
	Name  string  `json:"Name" check:"required name"`
	Bus   *string `json:"EventBusName"`
	Force bool    `json:"Force"`
}

func (rs rules) describeRule(c *api.Call, in *ruleInput) (any, error) {
	r, err := rs.find(c, in.Name, in.Bus)
	if err != nil {
		return nil, err
	}
	shape := r.ruleShape
	shape.CreatedBy = c.Account
	return shape, nil
}

func (rs rules) setState(c *api.Call, in *ruleInput, state string) error {
	r, err := rs.find(c, in.Name, in.Bus)
	if err == nil {
		r.State = state
	}
	return err
}

type listRulesInput struct {
	Bus    *string `json:"EventBusName"`
	Prefix *string `json:"NamePrefix" check:"name"`
	Token  *string `json:"NextToken"`
	Limit  *int32  `json:"Limit" check:"1..100"`
}

func (rs rules) listRules(c *api.Call, in *listRulesInput) (any, error) {
	if err := checkBus(c, in.Bus); err != nil {
		return nil, err
	}
	found := api.Filter(api.Sorted(rs.ByHome[c.Home]), func(r *rule) bool { return strings.HasPrefix(r.Name, api.Value(in.Prefix)) })
	found, next, err := api.Page(c, found, func(r *rule) string { return r.Name }, in.Token, in.Limit, 100)
	return api.Listing("Rules", api.Map(found, func(r *rule) ruleShape { return r.ruleShape }), "NextToken", next), err
}

// deleteRule succeeds for a rule that does not exist, and refuses one with targets.
func (rs rules) deleteRule(c *api.Call, in *ruleInput) error {
	if err := checkBus(c, in.Bus); err != nil {
		return err
	}
	if r := rs.ByHome[c.Home][in.Name]; r != nil && len(r.targets) > 0 {
		return api.Refuse(codeValidation, "Rule can't be deleted since it has targets.")
	}
	delete(rs.ByHome[c.Home], in.Name)
	return nil
}

// Describe adds the rules and targets to a snapshot.
func (s *Service) Describe(owner string, out map[string]string, render func(any) string) {
	for h, rules := range s.rules.ByHome {
		for name, r := range rules {
			out[h.Entry(owner, "rule", name)] = render([]any{r.Description, r.Pattern, r.State, r.tags})
			for id, t := range r.targets {
				out[h.Entry(owner, "target", name+"/"+id)] = render(t.shape)
			}
		}
	}
}

// Forget drops events from before a time.
func (s *Service) Forget(before time.Time) {
	s.events = api.Filter(s.events, func(e Event) bool { return !e.Time.Before(before) })
}
