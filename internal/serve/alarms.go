package serve

import (
	"maps"
	"slices"
	"time"
	"unique"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// Alarm is one of the monitor's alarms.
type Alarm struct {
	Name, Region string
	Resource     string // ARN of the campaign or recommender
	State        string // OK, ALARM or INSUFFICIENT_DATA
	Since        time.Time
	ActionsOn    bool // it notifies when its state changes
}

// On reports whether the alarm is in ALARM.
func (a Alarm) On() bool { return a.State == string(alarms.StateAlarm) }

// AlarmChange is a change of an alarm to ALARM, or from it.
type AlarmChange struct {
	Alarm
	From string // the state before
}

// AlarmsSeen are the known alarms.
type AlarmsSeen struct {
	List []Alarm
	// Known reports whether every region has been listed since the start.
	Known bool
	// Old has the regions that the last cycle could not list, each with the end of the last
	// cycle that could; zero if none could. Their alarms in List are of that time.
	Old map[string]time.Time
	// Created and Deleted count the changes since the alarms were listed.
	Created, Deleted int
}

// alarmsSeen collects what cycles see of alarms.
type alarmsSeen struct {
	lists            map[string][]Alarm   // by region
	listed           map[string]time.Time // by region: the end of the last cycle that listed it
	now              map[string]bool      // regions listed since the last cycle ended
	created, deleted int
}

func newAlarmsSeen() alarmsSeen {
	return alarmsSeen{lists: map[string][]Alarm{}, listed: map[string]time.Time{}, now: map[string]bool{}}
}

// saw notes the alarms of a region and returns what has changed, the oldest change first. An
// alarm that is new had no data; the first listing of a region shows no change.
func (s *alarmsSeen) saw(region string, list []alarms.Alarm) (changes []AlarmChange) {
	if len(s.now) == 0 {
		s.created, s.deleted = 0, 0 // the new lists include them
	}
	old, known := s.lists[region]
	before := make(map[string]string, len(old))
	for _, a := range old {
		before[a.Name] = a.State
	}
	now := make([]Alarm, len(list))
	for i, a := range list {
		now[i] = Alarm{
			Name: a.Name, Region: region, Resource: unique.Make(a.Settings.Metric.DimensionValue).Value(),
			State: string(a.State), Since: a.StateChanged, ActionsOn: a.Settings.ActionsOn,
		}
		from, existed := before[a.Name]
		if !existed {
			from = string(alarms.StateInsufficient)
		}
		if c := (AlarmChange{now[i], from}); known && from != c.State && (c.On() || from == string(alarms.StateAlarm)) {
			changes = append(changes, c)
		}
	}
	s.now[region], s.lists[region] = true, now
	slices.SortStableFunc(changes, func(a, b AlarmChange) int { return a.Since.Compare(b.Since) })
	return changes
}

// cycleEnded notes the end of a cycle, and its changes if it wrote them.
func (s *alarmsSeen) cycleEnded(ended time.Time, changed report.Alarms, wrote bool) {
	for region := range s.now {
		s.listed[region] = ended
	}
	clear(s.now)
	if wrote {
		s.created += changed.Created
		s.deleted += changed.Deleted
	}
}

// seen is what is known now of the given regions, after the last cycle.
func (s *alarmsSeen) seen(regions []string, lastCycle time.Time) AlarmsSeen {
	seen := AlarmsSeen{Known: len(s.lists) > 0, Old: map[string]time.Time{}, Created: s.created, Deleted: s.deleted}
	for _, region := range slices.Sorted(maps.Keys(s.lists)) {
		seen.List = append(seen.List, s.lists[region]...)
	}
	for _, region := range regions {
		if _, listed := s.lists[region]; !listed {
			seen.Known = false
		}
		if at := s.listed[region]; !s.now[region] && at.Before(lastCycle) {
			seen.Old[region] = at
		}
	}
	return seen
}
