package localaws

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The limits of PutMetricAlarm (API reference and model).
const (
	maxDescription       = 1024
	maxActions           = 5
	maxActionLength      = 1024
	shortPeriodRange     = 24 * 3600     // seconds that an alarm may look back with Period < 3600
	longPeriodRange      = 7 * 24 * 3600 // and with a longer one
	longPeriod           = 3600
	defaultStateReason   = "Unchecked: Initial alarm creation"
	maxStateReason       = 1023
	maxStateReasonData   = 4000
	actionServicePattern = "arn:%s:sns:%s:"
)

type putMetricAlarmInput struct {
	AlarmName               *string     `cbor:"AlarmName"`
	AlarmDescription        *string     `cbor:"AlarmDescription"`
	ActionsEnabled          *bool       `cbor:"ActionsEnabled"`
	OKActions               []string    `cbor:"OKActions"`
	AlarmActions            []string    `cbor:"AlarmActions"`
	InsufficientDataActions []string    `cbor:"InsufficientDataActions"`
	MetricName              *string     `cbor:"MetricName"`
	Namespace               *string     `cbor:"Namespace"`
	Statistic               *string     `cbor:"Statistic"`
	Dimensions              []dimension `cbor:"Dimensions"`
	Period                  *int32      `cbor:"Period"`
	Unit                    *string     `cbor:"Unit"`
	EvaluationPeriods       *int32      `cbor:"EvaluationPeriods"`
	DatapointsToAlarm       *int32      `cbor:"DatapointsToAlarm"`
	Threshold               *float64    `cbor:"Threshold"`
	ComparisonOperator      *string     `cbor:"ComparisonOperator"`
	TreatMissingData        *string     `cbor:"TreatMissingData"`
	Tags                    []tag       `cbor:"Tags"`
}

// putMetricAlarm creates an alarm, or replaces the configuration of one and leaves its
// state and tags alone.
func (s *Server) putMetricAlarm(c *call) (any, error) {
	var in putMetricAlarmInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := in.check(c); err != nil {
		return nil, err
	}
	s.evaluateEachMinute(c.now)
	a := s.alarms.named(c.home(), *in.AlarmName)
	did := "updated"
	if a == nil {
		did = "created"
		a = &alarm{
			home: c.home(), arn: c.arn("cloudwatch", "alarm:"+*in.AlarmName), tags: map[string]string{},
			state: stateInsufficient, reason: defaultStateReason, updated: c.now, moved: c.now,
		}
		setTags(a.tags, in.Tags)
	}
	a.alarmConfig = in.config()
	a.configured = c.now
	a.seen = evaluationMark{}
	s.alarms.add(a)
	s.alarms.noteConfiguration(a, did, c.now)
	return nil, nil
}

func (in *putMetricAlarmInput) config() alarmConfig {
	return alarmConfig{
		Name:                    *in.AlarmName,
		Description:             in.AlarmDescription,
		ActionsEnabled:          in.ActionsEnabled == nil || *in.ActionsEnabled,
		OKActions:               append([]string{}, in.OKActions...),
		AlarmActions:            append([]string{}, in.AlarmActions...),
		InsufficientDataActions: append([]string{}, in.InsufficientDataActions...),
		Metric:                  *in.MetricName,
		Namespace:               *in.Namespace,
		Statistic:               *in.Statistic,
		Dimensions:              append([]dimension{}, in.Dimensions...),
		Period:                  int64(*in.Period),
		Unit:                    in.Unit,
		EvaluationPeriods:       int(*in.EvaluationPeriods),
		DatapointsToAlarm:       in.DatapointsToAlarm,
		Threshold:               *in.Threshold,
		Comparison:              *in.ComparisonOperator,
		TreatMissingData:        in.TreatMissingData,
	}
}

func (in *putMetricAlarmInput) check(c *call) error {
	if err := checkAlarmName(in.AlarmName); err != nil {
		return err
	}
	if err := within("alarmDescription", utf8.RuneCountInString(value(in.AlarmDescription)), 0, maxDescription); err != nil {
		return err
	}
	if err := in.checkMetric(); err != nil {
		return err
	}
	if err := in.checkEvaluation(); err != nil {
		return err
	}
	for _, list := range []struct {
		name    string
		actions []string
	}{{"OKActions", in.OKActions}, {"AlarmActions", in.AlarmActions}, {"InsufficientDataActions", in.InsufficientDataActions}} {
		if err := checkActions(c, list.name, list.actions); err != nil {
			return err
		}
	}
	return checkTags(in.Tags, nil)
}

func checkAlarmName(name *string) error {
	if name == nil {
		return missing("AlarmName")
	}
	if err := within("alarmName", utf8.RuneCountInString(*name), 1, maxNameLength); err != nil {
		return err
	}
	if strings.ContainsFunc(*name, func(r rune) bool { return r < ' ' || r == 0x7f }) || !utf8.ValidString(*name) {
		return invalid("The alarm name %s has a control character.", quoted(*name))
	}
	return nil
}

func (in *putMetricAlarmInput) checkMetric() error {
	if err := checkMetricName("MetricName", in.MetricName); err != nil {
		return err
	}
	if err := checkMetricName("Namespace", in.Namespace); err != nil {
		return err
	}
	if in.Statistic == nil {
		return missing("Statistic")
	}
	if err := oneOf("statistic", in.Statistic, statistics); err != nil {
		return err
	}
	if err := checkUnit("Unit", in.Unit); err != nil {
		return err
	}
	return checkDimensions("Dimensions", in.Dimensions)
}

var comparisons = []string{
	"GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold",
}

func (in *putMetricAlarmInput) checkEvaluation() error {
	switch {
	case in.Period == nil:
		return missing("Period")
	case in.EvaluationPeriods == nil:
		return missing("EvaluationPeriods")
	case in.Threshold == nil:
		return missing("Threshold")
	case in.ComparisonOperator == nil:
		return missing("ComparisonOperator")
	case !acceptable(*in.Threshold):
		return badNumber("Threshold")
	}
	if err := in.checkPeriods(); err != nil {
		return err
	}
	if err := oneOf("comparisonOperator", in.ComparisonOperator, comparisons); err != nil {
		return err
	}
	return oneOf("treatMissingData", in.TreatMissingData, []string{"breaching", "notBreaching", "ignore", "missing"})
}

// checkPeriods checks how far the alarm looks back and how many data must breach.
func (in *putMetricAlarmInput) checkPeriods() error {
	switch {
	case *in.Period < 1 || *in.Period%60 != 0:
		return invalid("The period %d is invalid: this endpoint takes multiples of 60.", *in.Period)
	case *in.EvaluationPeriods < 1:
		return invalid("1 validation error detected: Value '%d' at 'evaluationPeriods' failed to satisfy constraint: Member must have value greater than or equal to 1", *in.EvaluationPeriods)
	}
	looksBack := int64(*in.Period) * int64(*in.EvaluationPeriods)
	if *in.Period < longPeriod && looksBack > shortPeriodRange {
		return invalid("Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= %d).", shortPeriodRange)
	}
	if looksBack > longPeriodRange {
		return invalid("Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be <= %d).", longPeriodRange)
	}
	if m := in.DatapointsToAlarm; m != nil && (*m < 1 || *m > *in.EvaluationPeriods) {
		return invalid("DatapointsToAlarm %d must be at least 1 and no more than EvaluationPeriods %d.", *m, *in.EvaluationPeriods)
	}
	return nil
}

// checkActions checks the actions of one state. CloudWatch does not ask whether a topic
// exists, only whether it could: this endpoint takes topics of the alarm's own region.
func checkActions(c *call, name string, actions []string) error {
	if err := within(name, len(actions), 0, maxActions); err != nil {
		return err
	}
	for _, action := range actions {
		if len(action) > maxActionLength || strings.Count(action, ":") != 5 || !strings.HasPrefix(action, "arn:") {
			return invalid("Invalid arn syntax: %s", quoted(action))
		}
		if !strings.HasPrefix(action, fmt.Sprintf(actionServicePattern, partitionOf(c.region), c.region)) {
			return invalid("Invalid action %s: this endpoint takes SNS topics of %s only.", quoted(action), c.region)
		}
	}
	return nil
}
