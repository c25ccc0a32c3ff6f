package serve

import (
	"maps"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/decide"
)

// AlarmChange is an alarm that went to ALARM, or came back from it.
type AlarmChange struct {
	Time     time.Time // of the change, as CloudWatch tells it
	Name     string
	Region   string
	Resource string // ARN of the campaign or recommender
	From, To decide.State
}

// Alarms are those that exist.
func (m *Memory) Alarms() (list []decide.Alarm, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, region := range slices.Sorted(maps.Keys(m.alarms)) {
		list = append(list, m.alarms[region]...)
	}
	return list, len(m.alarms) > 0
}

// AlarmChanges are the last changes, the newest first.
func (m *Memory) AlarmChanges() []AlarmChange {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changes.newestFirst()
}

// SawAlarms notes the alarms of a region, and which of them have changed since. Nothing is
// known of what was before the first time.
func (m *Memory) SawAlarms(region string, list []decide.Alarm) {
	m.change(func() {
		before, known := m.alarms[region]
		if known {
			for _, c := range alarmChanges(region, before, list) {
				m.changes.add(c)
			}
		}
		m.alarms[region] = slices.Clone(list)
	})
}

// alarmChanges are the changes from one listing to the next, the oldest first. An alarm
// that was not there before had no data.
func alarmChanges(region string, before, now []decide.Alarm) []AlarmChange {
	states := make(map[string]decide.State, len(before))
	for _, a := range before {
		states[a.Name] = a.State
	}
	var list []AlarmChange
	for _, a := range now {
		from, known := states[a.Name]
		if !known {
			from = decide.StateInsufficient
		}
		if from != a.State && (from == decide.StateAlarm || a.State == decide.StateAlarm) {
			list = append(list, AlarmChange{
				Time: a.StateChanged, Name: a.Name, Region: region, Resource: a.Settings.Metric.DimensionValue, From: from, To: a.State,
			})
		}
	}
	slices.SortStableFunc(list, func(a, b AlarmChange) int { return a.Time.Compare(b.Time) })
	return list
}
