package localaws

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// historyRetention is how long CloudWatch keeps the history of alarms (user guide).
const historyRetention = 30 * 24 * time.Hour

// historyItem is one thing that happened to an alarm.
type historyItem struct {
	seq     int
	alarm   string
	at      time.Time
	kind    string // ConfigurationUpdate, StateUpdate or Action
	summary string
	data    string
}

// note appends to the history of a home and forgets what is too old.
func (as *alarmsState) note(h home, item historyItem) {
	if as.history == nil {
		as.history = map[home][]historyItem{}
	}
	items := as.history[h]
	if n := len(items); n > 0 {
		item.seq = items[n-1].seq + 1
		if stale := item.at.Add(-historyRetention); items[0].at.Before(stale) {
			kept := slices.IndexFunc(items, func(i historyItem) bool { return !i.at.Before(stale) })
			if kept < 0 {
				kept = n
			}
			items = slices.Clone(items[kept:])
		}
	}
	as.history[h] = append(items, item)
}

func (as *alarmsState) noteConfiguration(a *alarm, did string, now time.Time) {
	as.note(a.home, historyItem{
		alarm: a.Name, at: now, kind: "ConfigurationUpdate",
		summary: fmt.Sprintf("Alarm %q %s", a.Name, did),
		data:    historyData(map[string]any{"version": "1.0", "type": did, "alarmArn": a.arn}),
	})
}

func (as *alarmsState) noteState(from, to *alarm, now time.Time) {
	side := func(a *alarm) map[string]any {
		return map[string]any{"stateValue": a.state, "stateReason": a.reason}
	}
	as.note(to.home, historyItem{
		alarm: to.Name, at: now, kind: "StateUpdate",
		summary: fmt.Sprintf("Alarm updated from %s to %s", from.state, to.state),
		data:    historyData(map[string]any{"version": "1.0", "oldState": side(from), "newState": side(to)}),
	})
}

func (as *alarmsState) noteAction(a *alarm, action string, now time.Time) {
	as.note(a.home, historyItem{
		alarm: a.Name, at: now, kind: "Action",
		summary: "Sent a notification to " + action,
		data:    historyData(map[string]any{"version": "1.0", "actionState": a.state, "notificationResource": action}),
	})
}

func historyData(doc map[string]any) string {
	raw, err := json.Marshal(doc)
	if err != nil {
		return "{}" // cannot happen: strings only
	}
	return string(raw)
}

type describeHistoryInput struct {
	AlarmName       *string    `cbor:"AlarmName"`
	AlarmTypes      []string   `cbor:"AlarmTypes"`
	HistoryItemType *string    `cbor:"HistoryItemType"`
	StartDate       *time.Time `cbor:"StartDate"`
	EndDate         *time.Time `cbor:"EndDate"`
	MaxRecords      *int32     `cbor:"MaxRecords"`
	NextToken       *string    `cbor:"NextToken"`
	ScanBy          *string    `cbor:"ScanBy"`
}

type describeHistoryOutput struct {
	AlarmHistoryItems []historyEntry `cbor:"AlarmHistoryItems"`
	NextToken         string         `cbor:"NextToken,omitempty"`
}

type historyEntry struct {
	AlarmName       string    `cbor:"AlarmName"`
	AlarmType       string    `cbor:"AlarmType"`
	Timestamp       time.Time `cbor:"Timestamp"`
	HistoryItemType string    `cbor:"HistoryItemType"`
	HistorySummary  string    `cbor:"HistorySummary"`
	HistoryData     string    `cbor:"HistoryData"`
}

func (in *describeHistoryInput) check() error {
	if in.AlarmName != nil {
		if err := checkAlarmName(in.AlarmName); err != nil {
			return err
		}
	}
	if err := checkAlarmTypes(in.AlarmTypes); err != nil {
		return err
	}
	if err := oneOf("historyItemType", in.HistoryItemType, []string{"ConfigurationUpdate", "StateUpdate", "Action"}); err != nil {
		return err
	}
	if err := oneOf("scanBy", in.ScanBy, []string{"TimestampDescending", "TimestampAscending"}); err != nil {
		return err
	}
	if in.StartDate != nil && in.EndDate != nil && in.EndDate.Before(*in.StartDate) {
		return invalidValue("The parameter StartDate must not be after the parameter EndDate.")
	}
	return checkMaxRecords(in.MaxRecords)
}

// describeAlarmHistory lists what happened, also to alarms that are gone, the newest first
// unless asked otherwise.
func (s *Server) describeAlarmHistory(c *call) (any, error) {
	var in describeHistoryInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	s.evaluateEachMinute(c.now)
	descending := value(in.ScanBy) != "TimestampAscending"
	var items []historyItem
	for _, item := range s.alarms.history[c.home()] {
		if metricAlarmsWanted(in.AlarmTypes) && in.wants(&item) {
			items = append(items, item)
		}
	}
	if descending {
		slices.Reverse(items)
	}
	key := func(i historyItem) string {
		if descending {
			return fmt.Sprintf("%012d", 999_999_999_999-i.seq)
		}
		return fmt.Sprintf("%012d", i.seq)
	}
	items, next, ok := page(c, items, key, value(in.NextToken), maxRecords(in.MaxRecords))
	if !ok {
		return nil, badNextToken()
	}
	out := describeHistoryOutput{AlarmHistoryItems: []historyEntry{}, NextToken: next}
	for _, i := range items {
		out.AlarmHistoryItems = append(out.AlarmHistoryItems, historyEntry{i.alarm, "MetricAlarm", i.at, i.kind, i.summary, i.data})
	}
	return out, nil
}

func (in *describeHistoryInput) wants(item *historyItem) bool {
	return (in.AlarmName == nil || *in.AlarmName == item.alarm) &&
		(in.HistoryItemType == nil || *in.HistoryItemType == item.kind) &&
		(in.StartDate == nil || !item.at.Before(*in.StartDate)) &&
		(in.EndDate == nil || !item.at.After(*in.EndDate))
}
