package localaws

import (
	"slices"
	"strings"
	"time"
)

const (
	defaultRecords = 50 // alarms a page of DescribeAlarms holds when MaxRecords is absent
	mostRecords    = 100
)

type describeAlarmsInput struct {
	AlarmNames      []string `cbor:"AlarmNames"`
	AlarmNamePrefix *string  `cbor:"AlarmNamePrefix"`
	AlarmTypes      []string `cbor:"AlarmTypes"`
	StateValue      *string  `cbor:"StateValue"`
	ActionPrefix    *string  `cbor:"ActionPrefix"`
	MaxRecords      *int32   `cbor:"MaxRecords"`
	NextToken       *string  `cbor:"NextToken"`
}

type describeAlarmsOutput struct {
	MetricAlarms    []metricAlarm `cbor:"MetricAlarms"`
	CompositeAlarms []struct{}    `cbor:"CompositeAlarms"`
	NextToken       string        `cbor:"NextToken,omitempty"`
}

type describeForMetricInput struct {
	MetricName *string     `cbor:"MetricName"`
	Namespace  *string     `cbor:"Namespace"`
	Statistic  *string     `cbor:"Statistic"`
	Dimensions []dimension `cbor:"Dimensions"`
	Period     *int32      `cbor:"Period"`
	Unit       *string     `cbor:"Unit"`
}

type describeForMetricOutput struct {
	MetricAlarms []metricAlarm `cbor:"MetricAlarms"`
}

// metricAlarm is an alarm as it is described.
type metricAlarm struct {
	AlarmName                          string      `cbor:"AlarmName"`
	AlarmArn                           string      `cbor:"AlarmArn"`
	AlarmDescription                   *string     `cbor:"AlarmDescription,omitempty"`
	AlarmConfigurationUpdatedTimestamp time.Time   `cbor:"AlarmConfigurationUpdatedTimestamp"`
	ActionsEnabled                     bool        `cbor:"ActionsEnabled"`
	OKActions                          []string    `cbor:"OKActions"`
	AlarmActions                       []string    `cbor:"AlarmActions"`
	InsufficientDataActions            []string    `cbor:"InsufficientDataActions"`
	StateValue                         string      `cbor:"StateValue"`
	StateReason                        string      `cbor:"StateReason"`
	StateReasonData                    string      `cbor:"StateReasonData,omitempty"`
	StateUpdatedTimestamp              time.Time   `cbor:"StateUpdatedTimestamp"`
	StateTransitionedTimestamp         time.Time   `cbor:"StateTransitionedTimestamp"`
	MetricName                         string      `cbor:"MetricName"`
	Namespace                          string      `cbor:"Namespace"`
	Statistic                          string      `cbor:"Statistic"`
	Dimensions                         []dimension `cbor:"Dimensions"`
	Period                             int64       `cbor:"Period"`
	Unit                               *string     `cbor:"Unit,omitempty"`
	EvaluationPeriods                  int         `cbor:"EvaluationPeriods"`
	DatapointsToAlarm                  *int32      `cbor:"DatapointsToAlarm,omitempty"`
	Threshold                          float64     `cbor:"Threshold"`
	ComparisonOperator                 string      `cbor:"ComparisonOperator"`
	TreatMissingData                   *string     `cbor:"TreatMissingData,omitempty"`
}

func (a *alarm) describe() metricAlarm {
	return metricAlarm{
		AlarmName: a.Name, AlarmArn: a.arn, AlarmDescription: a.Description,
		AlarmConfigurationUpdatedTimestamp: a.configured, ActionsEnabled: a.ActionsEnabled,
		OKActions: a.OKActions, AlarmActions: a.AlarmActions, InsufficientDataActions: a.InsufficientDataActions,
		StateValue: a.state, StateReason: a.reason, StateReasonData: a.reasonData,
		StateUpdatedTimestamp: a.updated, StateTransitionedTimestamp: a.moved,
		MetricName: a.Metric, Namespace: a.Namespace, Statistic: a.Statistic, Dimensions: a.Dimensions,
		Period: a.Period, Unit: a.Unit, EvaluationPeriods: a.EvaluationPeriods,
		DatapointsToAlarm: a.DatapointsToAlarm, Threshold: a.Threshold,
		ComparisonOperator: a.Comparison, TreatMissingData: a.TreatMissingData,
	}
}

// describeAlarms lists alarms by name.
func (s *Server) describeAlarms(c *call) (any, error) {
	var in describeAlarmsInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	s.evaluateEachMinute(c.now)
	var alarms []*alarm
	if metricAlarmsWanted(in.AlarmTypes) {
		alarms = slices.DeleteFunc(s.alarms.sorted(c.home(), value(in.AlarmNamePrefix)), func(a *alarm) bool { return !in.wants(a) })
	}
	alarms, next, ok := page(c, alarms, func(a *alarm) string { return a.Name }, value(in.NextToken), maxRecords(in.MaxRecords))
	if !ok {
		return nil, badNextToken()
	}
	out := describeAlarmsOutput{MetricAlarms: []metricAlarm{}, CompositeAlarms: []struct{}{}, NextToken: next}
	for _, a := range alarms {
		out.MetricAlarms = append(out.MetricAlarms, a.describe())
	}
	return out, nil
}

func (in *describeAlarmsInput) check() error {
	if in.AlarmNames != nil && in.AlarmNamePrefix != nil {
		return contradictory("The parameters AlarmNames and AlarmNamePrefix are mutually exclusive.")
	}
	if err := checkNames("alarmNames", in.AlarmNames); err != nil {
		return err
	}
	if p := in.AlarmNamePrefix; p != nil {
		if err := within("alarmNamePrefix", len(*p), 1, maxNameLength); err != nil {
			return err
		}
	}
	if p := in.ActionPrefix; p != nil {
		if err := within("actionPrefix", len(*p), 1, maxActionLength); err != nil {
			return err
		}
	}
	if err := checkAlarmTypes(in.AlarmTypes); err != nil {
		return err
	}
	if err := oneOf("stateValue", in.StateValue, alarmStates); err != nil {
		return err
	}
	return checkMaxRecords(in.MaxRecords)
}

func (in *describeAlarmsInput) wants(a *alarm) bool {
	if in.AlarmNames != nil && !slices.Contains(in.AlarmNames, a.Name) {
		return false
	}
	if in.StateValue != nil && *in.StateValue != a.state {
		return false
	}
	if in.ActionPrefix == nil {
		return true
	}
	hasPrefix := func(action string) bool { return strings.HasPrefix(action, *in.ActionPrefix) }
	return slices.ContainsFunc(slices.Concat(a.OKActions, a.AlarmActions, a.InsufficientDataActions), hasPrefix)
}

// describeAlarmsForMetric lists the alarms of one metric, with exactly these dimensions.
func (s *Server) describeAlarmsForMetric(c *call) (any, error) {
	var in describeForMetricInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	s.evaluateEachMinute(c.now)
	key := seriesKey(*in.Namespace, *in.MetricName, in.Dimensions)
	out := describeForMetricOutput{MetricAlarms: []metricAlarm{}}
	for _, a := range s.alarms.sorted(c.home(), "") {
		if key == seriesKey(a.Namespace, a.Metric, a.Dimensions) &&
			(in.Statistic == nil || *in.Statistic == a.Statistic) &&
			(in.Period == nil || int64(*in.Period) == a.Period) &&
			(in.Unit == nil || *in.Unit == value(a.Unit)) {
			out.MetricAlarms = append(out.MetricAlarms, a.describe())
		}
	}
	return out, nil
}

func (in *describeForMetricInput) check() error {
	if err := checkMetricName("MetricName", in.MetricName); err != nil {
		return err
	}
	if err := checkMetricName("Namespace", in.Namespace); err != nil {
		return err
	}
	if err := checkDimensions("Dimensions", in.Dimensions); err != nil {
		return err
	}
	if err := checkUnit("Unit", in.Unit); err != nil {
		return err
	}
	return oneOf("statistic", in.Statistic, statistics)
}

// checkNames checks a list of alarm names.
func checkNames(path string, names []string) error {
	if err := within(path, len(names), 0, maxNamesPerCall); err != nil {
		return err
	}
	for i := range names {
		if err := checkAlarmName(&names[i]); err != nil {
			return err
		}
	}
	return nil
}

func checkAlarmTypes(types []string) error {
	for i := range types {
		if err := oneOf("alarmTypes", &types[i], []string{"MetricAlarm", "CompositeAlarm", "LogAlarm"}); err != nil {
			return err
		}
	}
	return nil
}

// metricAlarmsWanted tells whether a list of alarm types, by default metric alarms only,
// has the one type that exists here.
func metricAlarmsWanted(types []string) bool {
	return len(types) == 0 || slices.Contains(types, "MetricAlarm")
}

func checkMaxRecords(n *int32) error {
	if n != nil && (*n < 1 || *n > mostRecords) {
		return invalid("1 validation error detected: Value '%d' at 'maxRecords' failed to satisfy constraint: Member must have value between 1 and %d", *n, mostRecords)
	}
	return nil
}

func maxRecords(n *int32) int {
	if n == nil {
		return defaultRecords
	}
	return int(*n)
}
