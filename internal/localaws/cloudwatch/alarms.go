package cloudwatch

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/sns"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// The states of an alarm.
const (
	stateOK           = "OK"
	stateAlarm        = "ALARM"
	stateInsufficient = "INSUFFICIENT_DATA"
)

// The limits of PutMetricAlarm and SetAlarmState (API reference and model).
const (
	maxActionLength  = 1024
	longPeriod       = 3600
	shortPeriodRange = 24 * 3600     // seconds that an alarm may look back with a Period below longPeriod
	longPeriodRange  = 7 * 24 * 3600 // and with a longer one
)

type alarms struct {
	log     *slog.Logger
	topics  *sns.Service
	watch   func(AlarmChange) // nil for none
	metrics *metrics
	alarms  api.ByHome[*alarm]
	// evaluated is the minute since the epoch in which all alarms were last evaluated.
	evaluated int64
}

// AlarmChange is the change of an alarm's state.
type AlarmChange struct {
	Time     time.Time
	Region   string
	Name     string
	From, To string // OK, ALARM or INSUFFICIENT_DATA
	Actions  bool   // whether its actions were enabled
}

type alarm struct {
	description
	home api.Home
	key  string // of the series
	tags map[string]string
	// last is the last evaluation. It is not repeated until the data change.
	last evaluation
}

// settings is what PutMetricAlarm replaces completely. In an alarm, only members that
// CloudWatch leaves out of descriptions are nil.
type settings struct {
	AlarmName               *string     `json:"AlarmName" check:"required alarm"`
	AlarmDescription        *string     `json:"AlarmDescription,omitempty" check:"..1024"`
	ActionsEnabled          *bool       `json:"ActionsEnabled"`
	OKActions               []string    `json:"OKActions" check:"..5"`
	AlarmActions            []string    `json:"AlarmActions" check:"..5"`
	InsufficientDataActions []string    `json:"InsufficientDataActions" check:"..5"`
	MetricName              *string     `json:"MetricName" check:"required name"`
	Namespace               *string     `json:"Namespace" check:"required name"`
	Statistic               *string     `json:"Statistic" check:"required SampleCount|Average|Sum|Minimum|Maximum"`
	Dimensions              []dimension `json:"Dimensions"`
	Period                  *int32      `json:"Period" check:"required"` // seconds
	Unit                    *string     `json:"Unit,omitempty" check:"unit"`
	EvaluationPeriods       *int32      `json:"EvaluationPeriods" check:"required 1.."`
	DatapointsToAlarm       *int32      `json:"DatapointsToAlarm,omitempty"`
	Threshold               *float64    `json:"Threshold" check:"required"`
	ComparisonOperator      *string     `json:"ComparisonOperator" check:"required comparison"`
	TreatMissingData        *string     `json:"TreatMissingData,omitempty" check:"breaching|notBreaching|ignore|missing"`
}

// description is an alarm as DescribeAlarms returns it.
type description struct {
	settings
	ARN          string    `json:"AlarmArn"`
	Configured   time.Time `json:"AlarmConfigurationUpdatedTimestamp"`
	State        string    `json:"StateValue"`
	Reason       string    `json:"StateReason"`
	Updated      time.Time `json:"StateUpdatedTimestamp"` // last change of state or reason
	Transitioned time.Time `json:"StateTransitionedTimestamp"`
}

// needed is the M of "M of N": how many datapoints must breach.
func (s *settings) needed() int {
	if s.DatapointsToAlarm == nil {
		return int(*s.EvaluationPeriods)
	}
	return int(*s.DatapointsToAlarm)
}

func (s *settings) treatMissing() string { return cmp.Or(api.Value(s.TreatMissingData), "missing") }

func (s *settings) actions(state string) []string {
	switch state {
	case stateOK:
		return s.OKActions
	case stateAlarm:
		return s.AlarmActions
	default:
		return s.InsufficientDataActions
	}
}

type putAlarmInput struct {
	settings
	Tags []api.Tag `json:"Tags"`
}

// put creates an alarm, or replaces the settings of one and keeps its state and tags.
func (as *alarms) put(c *api.Call, in *putAlarmInput) error {
	if err := in.check(c); err != nil {
		return err
	}
	tags, err := c.MergeTags(nil, in.Tags)
	if err != nil {
		return err
	}
	as.evaluateOncePerMinute(c.Now)
	a := as.alarms[c.Home][*in.AlarmName]
	if a == nil {
		a = &alarm{home: c.Home, tags: tags, description: description{
			ARN: c.ARN("cloudwatch", "alarm:"+*in.AlarmName), State: stateInsufficient,
			Reason: "Unchecked: Initial alarm creation", Updated: c.Now, Transitioned: c.Now,
		}}
		as.alarms.Set(c.Home, *in.AlarmName, a)
	}
	a.settings = in.settings
	a.ActionsEnabled = new(in.ActionsEnabled == nil || *in.ActionsEnabled)
	a.OKActions = append([]string{}, in.OKActions...)
	a.AlarmActions = append([]string{}, in.AlarmActions...)
	a.InsufficientDataActions = append([]string{}, in.InsufficientDataActions...)
	a.Dimensions = append([]dimension{}, in.Dimensions...)
	a.key = seriesKey(*a.Namespace, *a.MetricName, a.Dimensions)
	a.Configured = c.Now
	a.last = evaluation{}
	return nil
}

func (in *putAlarmInput) check(c *api.Call) error {
	if err := checkDimensions("Dimensions", in.Dimensions); err != nil {
		return err
	}
	if !acceptable(*in.Threshold) {
		return invalidNumber("Threshold")
	}
	return cmp.Or(in.checkPeriods(), checkActions(c, slices.Concat(in.OKActions, in.AlarmActions, in.InsufficientDataActions)))
}

// checkPeriods checks how far the alarm looks back and how many data must breach.
func (s *settings) checkPeriods() error {
	looksBack := int64(*s.Period) * int64(*s.EvaluationPeriods)
	switch m := s.DatapointsToAlarm; {
	case *s.Period < 1 || *s.Period%60 != 0:
		return invalid("The period %d is invalid: this endpoint accepts multiples of 60.", *s.Period)
	case *s.Period < longPeriod && looksBack > shortPeriodRange:
		return invalid("Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= %d).", shortPeriodRange)
	case looksBack > longPeriodRange:
		return invalid("Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be <= %d).", longPeriodRange)
	case m != nil && (*m < 1 || *m > *s.EvaluationPeriods):
		return invalid("DatapointsToAlarm %d must be at least 1 and no more than EvaluationPeriods %d.", *m, *s.EvaluationPeriods)
	}
	return nil
}

// checkActions checks the actions of an alarm. CloudWatch does not check whether a topic
// exists, only whether it could: this endpoint accepts topics of the alarm's own region.
func checkActions(c *api.Call, actions []string) error {
	for _, action := range actions {
		switch {
		case len(action) > maxActionLength || strings.Count(action, ":") != 5 || !strings.HasPrefix(action, "arn:"):
			return invalid("Invalid arn syntax: %s", api.Quoted(action))
		case !strings.HasPrefix(action, fmt.Sprintf("arn:%s:sns:%s:", api.Partition(c.Region), c.Region)):
			return invalid("Invalid action %s: this endpoint accepts SNS topics of %s only.", api.Quoted(action), c.Region)
		}
	}
	return nil
}

type namesInput struct {
	AlarmNames []string `json:"AlarmNames" check:"required ..100 alarm"`
}

// delete deletes alarms and ignores names that do not exist.
func (as *alarms) delete(c *api.Call, in *namesInput) error {
	as.evaluateOncePerMinute(c.Now)
	for _, name := range in.AlarmNames {
		delete(as.alarms[c.Home], name)
	}
	return nil
}

// enableActions sets ActionsEnabled. It does not execute the actions of the present state:
// only the next transition does.
func (as *alarms) enableActions(c *api.Call, in *namesInput, on bool) error {
	as.evaluateOncePerMinute(c.Now)
	for _, name := range in.AlarmNames {
		if a := as.alarms[c.Home][name]; a != nil && *a.ActionsEnabled != on {
			a.ActionsEnabled = &on
			a.Configured = c.Now
		}
	}
	return nil
}

type setStateInput struct {
	AlarmName   *string `json:"AlarmName" check:"required alarm"`
	StateValue  *string `json:"StateValue" check:"required OK|ALARM|INSUFFICIENT_DATA"`
	StateReason *string `json:"StateReason" check:"required ..1023"`
}

// setState sets a state until the next evaluation. If the state changes, its actions are
// executed, as for any transition.
func (as *alarms) setState(c *api.Call, in *setStateInput) error {
	as.evaluateOncePerMinute(c.Now)
	a := as.alarms[c.Home][*in.AlarmName]
	if a == nil {
		return &wire.Error{Code: "ResourceNotFound", Status: http.StatusNotFound, Message: "Unknown alarm " + api.Quoted(*in.AlarmName)}
	}
	a.last = evaluation{}
	if a.State == *in.StateValue {
		a.Reason, a.Updated = *in.StateReason, c.Now
		return nil
	}
	as.transition(a, *in.StateValue, *in.StateReason, c.Now)
	return nil
}

// alarmsPerPage is how many alarms a page has without a limit.
const alarmsPerPage = 50

type describeInput struct {
	AlarmNames      []string `json:"AlarmNames" check:"..100 alarm"`
	AlarmNamePrefix *string  `json:"AlarmNamePrefix" check:"1..255"`
	AlarmTypes      []string `json:"AlarmTypes" check:"MetricAlarm|CompositeAlarm|LogAlarm"` // by default metric alarms only
	StateValue      *string  `json:"StateValue" check:"OK|ALARM|INSUFFICIENT_DATA"`
	MaxRecords      *int32   `json:"MaxRecords" check:"1..100"`
	NextToken       *string  `json:"NextToken"`
}

func (as *alarms) describe(c *api.Call, in *describeInput) (any, error) {
	if in.AlarmNames != nil && in.AlarmNamePrefix != nil {
		return nil, contradictory("The parameters AlarmNames and AlarmNamePrefix are mutually exclusive.")
	}
	as.evaluateOncePerMinute(c.Now)
	found := api.Filter(api.Sorted(as.alarms[c.Home]), in.matches)
	found, next, err := api.Page(c, found, func(a *alarm) string { return *a.AlarmName }, in.NextToken, in.MaxRecords, alarmsPerPage)
	out := api.Listing("MetricAlarms", api.Map(found, func(a *alarm) description { return a.description }), "NextToken", next)
	out["CompositeAlarms"] = []struct{}{}
	return out, err
}

func (in *describeInput) matches(a *alarm) bool {
	return (len(in.AlarmTypes) == 0 || slices.Contains(in.AlarmTypes, "MetricAlarm")) &&
		(in.AlarmNames == nil || slices.Contains(in.AlarmNames, *a.AlarmName)) &&
		strings.HasPrefix(*a.AlarmName, api.Value(in.AlarmNamePrefix)) &&
		(in.StateValue == nil || *in.StateValue == a.State)
}
