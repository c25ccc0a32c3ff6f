package serve

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unique"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
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

// keptAlarm is an Alarm in little memory: a daemon may keep 200,000.
type keptAlarm struct {
	resource string // shared by all that keep it
	since    int64  // in nanoseconds since 1970; 0 if unknown
	rest     unique.Handle[alarmRest]
}

// alarmRest is what many alarms have in common.
type alarmRest struct {
	kind  alarms.Type // empty if the name is not that of its type
	name  string      // if kind is empty
	state string
	on    bool
}

func keptOf(a alarms.Alarm) keptAlarm {
	var kept keptAlarm
	if !a.StateChanged.IsZero() {
		kept.since = a.StateChanged.UnixNano()
	}
	rest := alarmRest{state: string(a.State), on: a.Settings.ActionsOn}
	if arn, t, ok := alarms.OwnerOf(a); ok {
		kept.resource, rest.kind = arn.String(), t
	} else {
		kept.resource, rest.name = unique.Make(a.Settings.Metric.DimensionValue).Value(), a.Name
	}
	kept.rest = unique.Make(rest)
	return kept
}

// alarm is the alarm itself.
func (k keptAlarm) alarm(region string) Alarm {
	rest := k.rest.Value()
	a := Alarm{Name: rest.name, Region: region, Resource: k.resource, State: rest.state, ActionsOn: rest.on}
	if k.since != 0 {
		a.Since = time.Unix(0, k.since).UTC()
	}
	if rest.kind != "" {
		kind, name, _ := strings.Cut(k.resource[strings.LastIndex(k.resource, ":")+1:], "/")
		a.Name = rest.kind.Name(model.Kind(kind), name)
	}
	return a
}

// alarmsSeen collects what cycles see of alarms.
type alarmsSeen struct {
	lists            map[string][]keptAlarm // by region
	listed           map[string]time.Time   // by region: the end of the last cycle that listed it
	now              map[string]bool        // regions listed since the last cycle ended
	created, deleted int
}

func newAlarmsSeen() alarmsSeen {
	return alarmsSeen{lists: map[string][]keptAlarm{}, listed: map[string]time.Time{}, now: map[string]bool{}}
}

// saw notes the alarms of a region and returns what has changed, the oldest change first. An
// alarm that is new had no data; the first listing of a region shows no change.
func (s *alarmsSeen) saw(region string, list []alarms.Alarm) (changes []AlarmChange) {
	if len(s.now) == 0 {
		s.created, s.deleted = 0, 0 // the new lists include them
	}
	type key struct {
		resource, name string
		kind           alarms.Type
	}
	keyOf := func(k keptAlarm) key {
		rest := k.rest.Value()
		return key{k.resource, rest.name, rest.kind}
	}
	old, known := s.lists[region]
	before := make(map[key]string, len(old))
	for _, k := range old {
		before[keyOf(k)] = k.rest.Value().state
	}
	now := make([]keptAlarm, len(list))
	for i, a := range list {
		now[i] = keptOf(a)
		from, existed := before[keyOf(now[i])]
		if !existed {
			from = string(alarms.StateInsufficient)
		}
		on, was := a.State == alarms.StateAlarm, from == string(alarms.StateAlarm)
		if known && from != string(a.State) && (on || was) {
			changes = append(changes, AlarmChange{now[i].alarm(region), from})
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
		for _, kept := range s.lists[region] {
			seen.List = append(seen.List, kept.alarm(region))
		}
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
