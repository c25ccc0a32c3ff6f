package localaws

import (
	"strings"
)

// putRule makes a rule or replaces what a rule says: members left out are unset, and a
// state left out is ENABLED, also for a rule that was disabled. Targets and tags stay;
// tags are only taken for a new rule.
func (s *Server) putRule(c *call) (any, error) {
	var in struct {
		Name        *string     `json:"Name"`
		Bus         *string     `json:"EventBusName"`
		Description *string     `json:"Description"`
		Pattern     *string     `json:"EventPattern"`
		Role        *string     `json:"RoleArn"`
		Schedule    *string     `json:"ScheduleExpression"`
		State       *string     `json:"State"`
		Tags        []eventsTag `json:"Tags"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := checkRuleName("name", in.Name); err != nil {
		return nil, err
	}
	if err := checkBus(c, in.Bus); err != nil {
		return nil, err
	}
	wanted := &rule{
		name: *in.Name, arn: c.arn("events", "rule/"+*in.Name), description: in.Description, role: in.Role, state: ruleEnabled,
		targets: map[string]*eventTarget{},
	}
	if len(value(in.Description)) > 512 {
		return nil, constraint("description", *in.Description, "have length less than or equal to 512")
	}
	if in.State != nil {
		wanted.state = *in.State
	}
	if !anyOf(wanted.state, ruleEnabled, ruleDisabled, "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS") {
		return nil, constraint("state", wanted.state, "satisfy enum value set: [ENABLED, DISABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS]")
	}
	if err := wanted.trigger(in.Pattern, in.Schedule); err != nil {
		return nil, err
	}
	tags, err := readEventsTags(in.Tags)
	if err != nil {
		return nil, err
	}
	wanted.tags = tags
	if err := s.storeRule(c, wanted); err != nil {
		return nil, err
	}
	return struct {
		ARN string `json:"RuleArn"`
	}{wanted.arn}, nil
}

// trigger sets what fires the rule. A schedule is kept and checked, but never fires here.
func (r *rule) trigger(pattern, schedule *string) error {
	if pattern != nil && *pattern != "" {
		match, err := parsePattern(*pattern)
		if err != nil {
			return refuse(codeInvalidPattern, "Event pattern is not valid. Reason: %v", err)
		}
		r.pattern, r.match = pattern, match
	}
	if schedule != nil && *schedule != "" {
		if !validSchedule(*schedule) {
			return refuse(codeValidation, "Parameter ScheduleExpression is not valid.")
		}
		r.schedule = schedule
	}
	if r.pattern == nil && r.schedule == nil {
		return refuse(codeValidation, "Parameter(s) EventPattern or ScheduleExpression must be specified.")
	}
	return nil
}

var rateSchedule = lazy(`^rate\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\)$`)

// validSchedule accepts rate(5 minutes) and cron expressions of six fields.
func validSchedule(text string) bool {
	if rateSchedule().MatchString(text) {
		return true
	}
	inner, ok := strings.CutPrefix(text, "cron(")
	inner, ok2 := strings.CutSuffix(inner, ")")
	if !ok || !ok2 {
		return false
	}
	fields := strings.Fields(inner)
	// Day of month and day of week exclude each other: one of them is a question mark.
	return len(fields) == 6 && (fields[2] == "?") != (fields[4] == "?")
}

// storeRule makes the rule known, with the targets and tags it had before.
func (s *Server) storeRule(c *call, r *rule) error {
	rules := s.events.rules[c.home()]
	if rules == nil {
		rules = map[string]*rule{}
		if s.events.rules == nil {
			s.events.rules = map[home]map[string]*rule{}
		}
		s.events.rules[c.home()] = rules
	}
	switch old := rules[r.name]; {
	case old != nil:
		r.targets, r.tags = old.targets, old.tags
	case len(rules) >= maxRules:
		return refuse(codeLimitExceeded, "The requested resource exceeds the maximum number allowed: %d rules.", maxRules)
	}
	rules[r.name] = r
	return nil
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
	CreatedBy   string  `json:"CreatedBy,omitempty"`
}

func (r *rule) shape() ruleShape {
	return ruleShape{
		ARN: r.arn, Name: r.name, Bus: defaultBus, Description: r.description, Pattern: r.pattern, Role: r.role,
		Schedule: r.schedule, State: r.state,
	}
}

// ruleOf decodes an input that names a rule and its bus.
func (s *Server) ruleOf(c *call) (*rule, error) {
	var in struct {
		Name *string `json:"Name"`
		Bus  *string `json:"EventBusName"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	return s.findRule(c, "name", in.Name, in.Bus)
}

func (s *Server) describeRule(c *call) (any, error) {
	r, err := s.ruleOf(c)
	if err != nil {
		return nil, err
	}
	shape := r.shape()
	shape.CreatedBy = c.account
	return shape, nil
}

func (s *Server) enableRule(c *call) (any, error)  { return s.switchRule(c, ruleEnabled) }
func (s *Server) disableRule(c *call) (any, error) { return s.switchRule(c, ruleDisabled) }

func (s *Server) switchRule(c *call, state string) (any, error) {
	r, err := s.ruleOf(c)
	if err != nil {
		return nil, err
	}
	r.state = state
	return nil, nil
}

func (s *Server) listRules(c *call) (any, error) {
	var in struct {
		Bus    *string `json:"EventBusName"`
		Prefix *string `json:"NamePrefix"`
		Token  *string `json:"NextToken"`
		Limit  *int32  `json:"Limit"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := checkBus(c, in.Bus); err != nil {
		return nil, err
	}
	if in.Prefix != nil {
		if err := checkRuleName("namePrefix", in.Prefix); err != nil {
			return nil, err
		}
	}
	rules := filter(sorted(s.events.rules[c.home()]), func(r *rule) bool { return strings.HasPrefix(r.name, value(in.Prefix)) })
	rules, next, err := eventsPage(c, rules, func(r *rule) string { return r.name }, in.Token, in.Limit)
	if err != nil {
		return nil, err
	}
	return struct {
		Rules []ruleShape `json:"Rules"`
		Token *string     `json:"NextToken,omitempty"`
	}{each(rules, (*rule).shape), next}, nil
}

// deleteRule is a success for a rule that is not there, and refused for one with targets.
func (s *Server) deleteRule(c *call) (any, error) {
	var in struct {
		Name  *string `json:"Name"`
		Bus   *string `json:"EventBusName"`
		Force bool    `json:"Force"` // for rules managed by a service, which this is none of
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := checkRuleName("name", in.Name); err != nil {
		return nil, err
	}
	if err := checkBus(c, in.Bus); err != nil {
		return nil, err
	}
	rules := s.events.rules[c.home()]
	if r := rules[*in.Name]; r != nil && len(r.targets) > 0 {
		return nil, refuse(codeValidation, "Rule can't be deleted since it has targets.")
	}
	delete(rules, *in.Name)
	return nil, nil
}
