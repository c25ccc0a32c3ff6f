package cloudwatch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

var alarmPaging = api.Paging{
	Most: 100, Default: 50, BadToken: invalidToken(),
	BadLimit: func(value, rule string) error { return constraint("maxRecords", value, rule) },
}

type describeInput struct {
	AlarmNames      []string `json:"AlarmNames"`
	AlarmNamePrefix *string  `json:"AlarmNamePrefix"`
	AlarmTypes      []string `json:"AlarmTypes"`
	StateValue      *string  `json:"StateValue"`
	MaxRecords      *int32   `json:"MaxRecords"`
	NextToken       *string  `json:"NextToken"`
}

type describeOutput struct {
	MetricAlarms    []description `json:"MetricAlarms"`
	CompositeAlarms []struct{}    `json:"CompositeAlarms"`
	NextToken       string        `json:"NextToken,omitempty"`
}

// describe lists alarms by name.
func (as *alarms) describe(c *api.Call, in *describeInput) (out describeOutput, err error) {
	if err := in.check(); err != nil {
		return out, err
	}
	as.evaluateOncePerMinute(c.Now)
	found := api.Sorted(as.alarms[c.Home])
	found = api.Filter(found, in.matches)
	found, out.NextToken, err = api.PageOf(c, alarmPaging, found, func(a *alarm) string { return *a.AlarmName }, in.NextToken, in.MaxRecords)
	out.MetricAlarms, out.CompositeAlarms = api.Map(found, func(a *alarm) description { return a.description }), []struct{}{}
	return out, err
}

func (in *describeInput) check() error {
	if in.AlarmNames != nil && in.AlarmNamePrefix != nil {
		return contradictory("The parameters AlarmNames and AlarmNamePrefix are mutually exclusive.")
	}
	if in.AlarmNamePrefix != nil {
		if err := within("alarmNamePrefix", len(*in.AlarmNamePrefix), 1, maxNameLength); err != nil {
			return err
		}
	}
	return cmp.Or(
		checkNames("alarmNames", in.AlarmNames),
		checkAlarmTypes(in.AlarmTypes),
		oneOf("stateValue", in.StateValue, stateOK, stateAlarm, stateInsufficient),
	)
}

func (in *describeInput) matches(a *alarm) bool {
	return metricAlarmsWanted(in.AlarmTypes) &&
		(in.AlarmNames == nil || slices.Contains(in.AlarmNames, *a.AlarmName)) &&
		strings.HasPrefix(*a.AlarmName, api.Value(in.AlarmNamePrefix)) &&
		(in.StateValue == nil || *in.StateValue == a.State)
}

// checkNames checks a list of alarm names.
func checkNames(path string, names []string) error {
	for i := range names {
		if err := checkAlarmName(&names[i]); err != nil {
			return err
		}
	}
	return within(path, len(names), 0, maxNamesPerCall)
}

func checkAlarmTypes(types []string) error {
	for i := range types {
		if err := oneOf("alarmTypes", &types[i], "MetricAlarm", "CompositeAlarm", "LogAlarm"); err != nil {
			return err
		}
	}
	return nil
}

// metricAlarmsWanted reports whether a list of alarm types, by default metric alarms only,
// has the one type of this endpoint.
func metricAlarmsWanted(types []string) bool {
	return len(types) == 0 || slices.Contains(types, "MetricAlarm")
}

type historyInput struct {
	AlarmName       *string    `json:"AlarmName"`
	AlarmTypes      []string   `json:"AlarmTypes"`
	HistoryItemType *string    `json:"HistoryItemType"`
	StartDate       *time.Time `json:"StartDate"`
	EndDate         *time.Time `json:"EndDate"`
	MaxRecords      *int32     `json:"MaxRecords"`
	NextToken       *string    `json:"NextToken"`
	ScanBy          *string    `json:"ScanBy"`
}

type historyOutput struct {
	Items     []historyItem `json:"AlarmHistoryItems"`
	NextToken string        `json:"NextToken,omitempty"`
}

func (in *historyInput) check() error {
	if in.AlarmName != nil {
		if err := checkAlarmName(in.AlarmName); err != nil {
			return err
		}
	}
	if in.StartDate != nil && in.EndDate != nil && in.EndDate.Before(*in.StartDate) {
		return invalidValue("The parameter StartDate must not be after the parameter EndDate.")
	}
	return cmp.Or(
		checkAlarmTypes(in.AlarmTypes),
		oneOf("historyItemType", in.HistoryItemType, "ConfigurationUpdate", "StateUpdate", "Action"),
		oneOf("scanBy", in.ScanBy, "TimestampDescending", "TimestampAscending"),
	)
}

// describeHistory lists the history, also of deleted alarms, by default the newest first.
func (as *alarms) describeHistory(c *api.Call, in *historyInput) (out historyOutput, err error) {
	if err := in.check(); err != nil {
		return out, err
	}
	as.evaluateOncePerMinute(c.Now)
	items := api.Filter(as.history[c.Home], in.matches)
	key := func(i historyItem) string { return fmt.Sprintf("%012d", i.seq) }
	if api.Value(in.ScanBy) != "TimestampAscending" {
		slices.Reverse(items)
		key = func(i historyItem) string { return fmt.Sprintf("%012d", 999_999_999_999-i.seq) }
	}
	items, out.NextToken, err = api.PageOf(c, alarmPaging, items, key, in.NextToken, in.MaxRecords)
	out.Items = append([]historyItem{}, items...)
	return out, err
}

func (in *historyInput) matches(item historyItem) bool {
	return metricAlarmsWanted(in.AlarmTypes) &&
		(in.AlarmName == nil || *in.AlarmName == item.AlarmName) &&
		(in.HistoryItemType == nil || *in.HistoryItemType == item.Type) &&
		(in.StartDate == nil || !item.Timestamp.Before(*in.StartDate)) &&
		(in.EndDate == nil || !item.Timestamp.After(*in.EndDate))
}
