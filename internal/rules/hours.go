package rules

import (
	"fmt"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Evidence about demand comes in hours. An hour is known only if several independent signs
// agree; everything else is unknown, and no rule concludes anything from it.
const (
	// countSettles is how long an hour must be over before its count is believed: CloudWatch
	// may show counts late, and a late count looks like low demand.
	countSettles = 6 * time.Hour
	// silenceSettles is how long an hour without a count must be over before it is silence.
	silenceSettles = 24 * time.Hour
	// occasions is how often a level must be reached before it is the low watermark, and
	// occasionsApart how long each must be after the one before.
	occasions      = 3
	occasionsApart = 24 * time.Hour
	// startReach is how long after the start of a window its minimum is published at the latest, with
	// the longest MetricDelay: an endpoint that is in service by then may not have been in the window.
	startReach = 25 * time.Minute
)

// HourState is what is known about the demand of one hour.
type HourState uint8

// The states. HourUnknown is the zero value.
const (
	HourUnknown HourState = iota // nothing follows from it
	HourSilent                   // watched throughout, and no call was recorded
	HourCounted                  // its calls were counted
)

// Gap is why an hour is unknown.
type Gap string

// The gaps. The texts complete "N h unknown: …".
const (
	GapRecent   Gap = "too recent"                         // counts may still arrive
	GapUnread   Gap = "not read completely"                // a query failed
	GapWatch    Gap = "not watched"                        // the monitor or the endpoint was not running throughout
	GapEdge     Gap = "at the edge of a gap in the counts" // the count may be partial
	GapNoCount  Gap = "no count and not watched"           // before the monitor, or while it was down
	GapNoRecord Gap = "no count and no measurement"        // the monitor measured nothing, not even zero
	GapLost     Gap = "no count, though calls were measured"
	GapRegional Gap = "no data for most endpoints of the region"
	GapProxy    Gap = "no count of a recipe whose calls may not be counted"
)

// Hour is one whole hour of the look-back.
type Hour struct {
	Start    time.Time
	State    HourState
	Requests float64 // of a counted hour; 0 for a silent one; meaningless for an unknown one
	Gap      Gap     // of an unknown hour
}

// Rate is the hour's average in requests per second. It is meaningless for an unknown hour.
func (h Hour) Rate() float64 { return h.Requests / time.Hour.Seconds() }

// Evidence is what was observed of one resource over whole hours.
type Evidence struct {
	Window model.Window // whole hours
	// Requests are hourly sums of calls, with an hour more on either side of the window.
	Requests model.Series
	// Watched shows when the resource was watched, by our own series of the minimum: see WatchedHours.
	Watched model.Series
	// Regional are the hours in which the data of the region are missing; see RegionalGaps. They
	// need to be read only if something would follow from silence: a rule that concludes
	// anything from a silent hour must check that they are complete.
	Regional model.Series
	// Record is what the monitor measured itself, see RecordQuery: an hour is silent only if calls
	// were measured in it, and there were none. Like Regional it is read only if something would
	// follow from silence.
	Record model.Series
	// Proxy is set where the metric is a guess at what counts the calls: then no call in it is
	// not silence.
	Proxy bool
}

// Hours classifies the hours of the window, oldest first. An hour is counted if it has a
// datapoint, ended at least 6 hours ago and our own series is complete in it, or has no
// datapoint yet (before the monitor) and both neighbours have a count. Beside an hour
// without a count it is counted only if that one is silent: where data are late or lost for
// some time, the counts of the first and last hour are partial. An hour is silent if it has no
// datapoint, ended at least 24 hours ago, our own series is complete in it, and our own record,
// if it was read, has the value 0: an answer without counts is believed only if the monitor measured
// none when the hour was new.
// Our own series is complete in an hour with 12 distinct 5-minute datapoints: a sample count
// would be filled by a second copy of the monitor.
func (e Evidence) Hours(now time.Time) []Hour {
	counts, watched, regional, record := byTime(e.Requests), byTime(e.Watched), byTime(e.Regional), byTime(e.Record)
	// denied is why the record does not confirm that an hour had no calls.
	denied := func(at time.Time) Gap {
		measured, ok := record[at]
		switch {
		case !e.Record.Complete: // whoever concludes anything from silence has it read
			return ""
		case !ok: // guard: silence that was not measured
			return GapNoRecord
		case measured > 0: // guard: silence, though calls were measured; boundary
			return GapLost
		}
		return ""
	}
	// hole reports whether the counts of an hour may be missing. What came before the creation is not.
	hole := func(at time.Time) bool {
		_, counted := counts[at]
		_, missing := regional[at]
		switch {
		case counted && !missing, at.Before(e.Window.Start) && e.Window.Duration() < LookBack: // guard: no hole; each
			return false
		}
		// guard: hole beside a count; each
		return missing || int(watched[at]) < slotsPerHour || now.Sub(at.Add(time.Hour)) < silenceSettles || denied(at) != ""
	}
	first := firstTime(e.Watched)
	hours := make([]Hour, 0, int(e.Window.Duration()/time.Hour))
	for start := e.Window.Start; start.Before(e.Window.End); start = start.Add(time.Hour) {
		previous, next := start.Add(-time.Hour), start.Add(time.Hour)
		_, before := counts[previous]
		requests, counted := counts[start]
		_, after := counts[next]
		_, missing := regional[start]
		whole := int(watched[start]) == slotsPerHour
		never := first.IsZero() || start.Before(first) // later, the endpoint may have been stopped // guard: counts before the monitor; each
		ended := now.Sub(start.Add(time.Hour))
		h := Hour{Start: start}
		switch {
		case !e.Requests.Complete || !e.Watched.Complete: // guard: hours not read; each
			h.Gap = GapUnread
		case missing: // guard: the region's data are missing
			h.Gap = GapRegional
		case ended < countSettles, !counted && ended < silenceSettles: // guard: hours that have not settled; each
			h.Gap = GapRecent
		case counted && whole && !hole(previous) && !hole(next), counted && never && before && after: // guard: counted hour; each
			h.State, h.Requests = HourCounted, requests
		case counted && (never || whole):
			h.Gap = GapEdge
		case counted:
			h.Gap = GapWatch
		case !whole: // guard: silence that was not watched
			h.Gap = GapNoCount
		case e.Proxy: // guard: silence of a recipe in doubt
			h.Gap = GapProxy
		default:
			if h.Gap = denied(start); h.Gap == "" {
				h.State = HourSilent
			}
		}
		hours = append(hours, h)
	}
	return hours
}

func byTime(s model.Series) map[time.Time]float64 {
	values := make(map[time.Time]float64, len(s.Points))
	for _, p := range s.Points {
		values[p.Time.UTC()] = p.Value
	}
	return values
}

// firstTime is the time of the earliest datapoint; zero if there is none.
func firstTime(s model.Series) (first time.Time) {
	for _, p := range s.Points {
		if first.IsZero() || p.Time.Before(first) {
			first = p.Time.UTC()
		}
	}
	return first
}

// WatchedHours counts, for each hour, the distinct 5-minute windows in which our own series
// has a datapoint and the endpoint was in service throughout. After an interruption that is long
// enough for a stop and a start, the first windows may have been published for an endpoint that
// was not in service yet when they began; they are left out. An hour without any has none. The series
// begins at start: what was before is taken to have been watched.
func WatchedHours(minimums model.Series, start time.Time) model.Series {
	watched := model.Series{Complete: minimums.Complete}
	last, trusted := start.UTC().Add(-WindowLength), start.UTC()
	for _, p := range minimums.Points { // ascending
		at := p.Time.UTC()
		if !at.After(last) { // guard: a window counts once
			continue
		}
		if at.Sub(last) > 2*WindowLength { // guard: a start during the hour
			trusted = at.Add(startReach)
		}
		last = at
		if at.Before(trusted) {
			continue
		}
		hour := at.Truncate(time.Hour)
		if n := len(watched.Points); n > 0 && watched.Points[n-1].Time.Equal(hour) {
			watched.Points[n-1].Value++
			continue
		}
		watched.Points = append(watched.Points, model.Datapoint{Time: hour, Value: 1})
	}
	return watched
}

// lowWatermark is the lowest rate that known hours reached on three occasions, each at least
// 24 hours after the one before, so that no single event decides. With fewer occasions,
// confirmed is false.
func lowWatermark(hours []Hour) (rate float64, confirmed bool) {
	var rates []float64
	for _, h := range hours {
		if h.State != HourUnknown {
			rates = append(rates, h.Rate())
		}
	}
	slices.Sort(rates)
	rates = slices.Compact(rates)
	// A higher level is reached by more hours, so the lowest one is found by bisection.
	at, _ := slices.BinarySearchFunc(rates, occasions, func(level float64, want int) int {
		if reached(hours, level) >= want {
			return 1
		}
		return -1
	})
	if at == len(rates) {
		return 0, false
	}
	return rates[at], true
}

// reached counts the occasions on which known hours were at or below a rate, each at least 24
// hours after the one before. Taking the earliest hour each time gives the most.
func reached(hours []Hour, rate float64) int {
	n := 0
	var last time.Time
	for _, h := range hours {
		if h.State == HourUnknown || h.Rate() > rate || n > 0 && h.Start.Sub(last) < occasionsApart {
			continue
		}
		n, last = n+1, h.Start
	}
	return n
}

// unknownHours sums up why hours are unknown, for a reason: "5 h unknown: 3 too recent, 2 not
// watched (from 2026-03-01 04:00)". It is empty if all are known.
func unknownHours(hours []Hour) string {
	order := []Gap{GapUnread, GapRegional, GapLost, GapNoRecord, GapWatch, GapNoCount, GapEdge, GapProxy, GapRecent}
	total, count, first := 0, map[Gap]int{}, map[Gap]time.Time{}
	for _, h := range hours {
		if h.State != HourUnknown {
			continue
		}
		if count[h.Gap] == 0 {
			first[h.Gap] = h.Start
		}
		total, count[h.Gap] = total+1, count[h.Gap]+1
	}
	if total == 0 {
		return ""
	}
	text := fmt.Sprintf("%d h unknown", total)
	separator := ": "
	for _, gap := range order {
		if count[gap] == 0 {
			continue
		}
		text += fmt.Sprintf("%s%d %s", separator, count[gap], gap)
		if gap != GapRecent {
			text += " (from " + first[gap].Format(gapFormat) + ")"
		}
		separator = ", "
	}
	return text
}
