package cloudwatch

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

// alarmsPerPage is how many alarms or items of history a page has without a limit.
const alarmsPerPage = 50

type describeInput struct {
	AlarmNames      []string `json:"AlarmNames" check:"..100 alarm"`
	AlarmNamePrefix *string  `json:"AlarmNamePrefix" check:"1..255"`
	alarmTypes
	StateValue *string `json:"StateValue" check:"OK|ALARM|INSUFFICIENT_DATA"`
	MaxRecords *int32  `json:"MaxRecords" check:"1..100"`
	NextToken  *string `json:"NextToken"`
}

// alarmTypes are the requested types of alarms, by default metric alarms only.
type alarmTypes struct {
	AlarmTypes []string `json:"AlarmTypes" check:"MetricAlarm|CompositeAlarm|LogAlarm"`
}

// metric reports whether the one type of this endpoint is requested.
func (t alarmTypes) metric() bool {
	return len(t.AlarmTypes) == 0 || slices.Contains(t.AlarmTypes, "MetricAlarm")
}

// describe lists alarms by name.
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
	return in.metric() &&
		(in.AlarmNames == nil || slices.Contains(in.AlarmNames, *a.AlarmName)) &&
		strings.HasPrefix(*a.AlarmName, api.Value(in.AlarmNamePrefix)) &&
		(in.StateValue == nil || *in.StateValue == a.State)
}

type historyInput struct {
	AlarmName *string `json:"AlarmName" check:"alarm"`
	alarmTypes
	HistoryItemType *string    `json:"HistoryItemType" check:"ConfigurationUpdate|StateUpdate|Action"`
	StartDate       *time.Time `json:"StartDate"`
	EndDate         *time.Time `json:"EndDate"`
	MaxRecords      *int32     `json:"MaxRecords" check:"1..100"`
	NextToken       *string    `json:"NextToken"`
	ScanBy          *string    `json:"ScanBy" check:"TimestampDescending|TimestampAscending"`
}

// describeHistory lists the history, also of deleted alarms, by default the newest first.
func (as *alarms) describeHistory(c *api.Call, in *historyInput) (any, error) {
	if in.StartDate != nil && in.EndDate != nil && in.EndDate.Before(*in.StartDate) {
		return nil, invalidValue("The parameter StartDate must not be after the parameter EndDate.")
	}
	as.evaluateOncePerMinute(c.Now)
	items := api.Filter(as.history[c.Home], in.matches)
	key := func(i historyItem) string { return fmt.Sprintf("%012d", i.seq) }
	if api.Value(in.ScanBy) != "TimestampAscending" {
		slices.Reverse(items)
		key = func(i historyItem) string { return fmt.Sprintf("%012d", 999_999_999_999-i.seq) }
	}
	items, next, err := api.Page(c, items, key, in.NextToken, in.MaxRecords, alarmsPerPage)
	return api.Listing("AlarmHistoryItems", append([]historyItem{}, items...), "NextToken", next), err
}

func (in *historyInput) matches(item historyItem) bool {
	return in.metric() &&
		(in.AlarmName == nil || *in.AlarmName == item.AlarmName) &&
		(in.HistoryItemType == nil || *in.HistoryItemType == item.Type) &&
		(in.StartDate == nil || !item.Timestamp.Before(*in.StartDate)) &&
		(in.EndDate == nil || !item.Timestamp.After(*in.EndDate))
}
