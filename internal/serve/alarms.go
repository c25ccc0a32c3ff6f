package serve

import (
	"maps"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// AlarmChange is an alarm that went to ALARM, or came back from it.
type AlarmChange struct {
	Time     time.Time // of the change, as CloudWatch tells it
	Name     string
	Region   string
	Resource string // ARN of the campaign or recommender
	From, To alarms.State
}

// AlarmsSeen are the alarms that exist, as far as they could be listed.
type AlarmsSeen struct {
	List []alarms.Alarm
	// Known tells whether every region has been listed since the start.
	Known bool
	// Old are the regions that the last cycle could not list, each with the end of the
	// last cycle that could, of which what List holds of it is; zero if none could.
	Old map[string]time.Time
	// Created and Deleted count what was changed since the alarms were listed.
	Created, Deleted int
}

// alarmsSeen is what is known of alarms. The mutex of the memory guards it.
type alarmsSeen struct {
	lists   map[string][]alarms.Alarm // by region
	asOf    map[string]time.Time      // by region: the end of the last cycle that listed it
	now     map[string]bool           // regions listed since the last cycle ended
	created int
	deleted int
}

func newAlarmsSeen() alarmsSeen {
	return alarmsSeen{lists: map[string][]alarms.Alarm{}, asOf: map[string]time.Time{}, now: map[string]bool{}}
}

// saw notes the alarms of a region.
func (s *alarmsSeen) saw(region string, list []alarms.Alarm) {
	if len(s.now) == 0 {
		s.created, s.deleted = 0, 0 // the lists show them
	}
	s.now[region], s.lists[region] = true, slices.Clone(list)
}

// cycled notes the end of a cycle, and what it has changed.
func (s *alarmsSeen) cycled(ended time.Time, changed report.Alarms) {
	for region := range s.now {
		s.asOf[region] = ended
	}
	clear(s.now)
	s.created += changed.Created
	s.deleted += changed.Deleted
}

// Alarms are those that exist.
func (m *Memory) Alarms() AlarmsSeen {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &m.alarms
	seen := AlarmsSeen{Known: len(s.lists) > 0, Old: map[string]time.Time{}, Created: s.created, Deleted: s.deleted}
	for _, region := range slices.Sorted(maps.Keys(s.lists)) {
		seen.List = append(seen.List, s.lists[region]...)
	}
	for _, region := range m.status.Regions {
		if _, listed := s.lists[region]; !listed {
			seen.Known = false
		}
		if asOf := s.asOf[region]; !s.now[region] && asOf.Before(m.status.LastCycle) {
			seen.Old[region] = asOf
		}
	}
	return seen
}

// AlarmChanges are the last changes, the newest first.
func (m *Memory) AlarmChanges() []AlarmChange {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changes.newestFirst()
}

// SawAlarms notes the alarms of a region, and which of them have changed since. Nothing is
// known of what was before the first time.
func (m *Memory) SawAlarms(region string, list []alarms.Alarm) {
	m.change(func() {
		before, known := m.alarms.lists[region]
		if known {
			for _, c := range alarmChanges(region, before, list) {
				m.changes.add(c)
			}
		}
		m.alarms.saw(region, list)
	})
}

// alarmChanges are the changes from one listing to the next, the oldest first. An alarm
// that was not there before had no data.
func alarmChanges(region string, before, now []alarms.Alarm) []AlarmChange {
	states := make(map[string]alarms.State, len(before))
	for _, a := range before {
		states[a.Name] = a.State
	}
	var list []AlarmChange
	for _, a := range now {
		from, known := states[a.Name]
		if !known {
			from = alarms.StateInsufficient
		}
		if from != a.State && (from == alarms.StateAlarm || a.State == alarms.StateAlarm) {
			list = append(list, AlarmChange{
				Time: a.StateChanged, Name: a.Name, Region: region, Resource: a.Settings.Metric.DimensionValue, From: from, To: a.State,
			})
		}
	}
	slices.SortStableFunc(list, func(a, b AlarmChange) int { return a.Time.Compare(b.Time) })
	return list
}
