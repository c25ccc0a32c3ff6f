package rules

import (
	"fmt"
	"slices"
	"strings"
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
	// Requests are byHour sums of calls, with an hour more on either side of the window.
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
	facts := byHour{
		Evidence: e, now: now, first: firstTime(e.Watched),
		counts: byTime(e.Requests), watched: byTime(e.Watched), regional: byTime(e.Regional), record: byTime(e.Record),
	}
	hours := make([]Hour, 0, int(e.Window.Duration()/time.Hour))
	for start := e.Window.Start; start.Before(e.Window.End); start = start.Add(time.Hour) {
		hours = append(hours, facts.hour(start))
	}
	return hours
}

// byHour is evidence by hour, at a time.
type byHour struct {
	Evidence
	counts, watched, regional, record map[time.Time]float64

	first time.Time // of our own series; zero if there is none
	now   time.Time
}

// hour classifies an hour.
func (e byHour) hour(start time.Time) Hour {
	requests, counted := e.counts[start]
	h := Hour{Start: start, Gap: e.unsettled(start, counted)}
	switch {
	case h.Gap != "":
		return h
	case counted:
		h.Gap = e.partial(start)
	default:
		h.Gap = e.unproven(start)
	}
	switch {
	case h.Gap != "":
	case counted:
		h.State, h.Requests = HourCounted, requests
	default:
		h.State = HourSilent
	}
	return h
}

// whole reports whether our own series is complete in an hour.
func (e byHour) whole(start time.Time) bool { return int(e.watched[start]) == slotsPerHour }

// unsettled is why nothing follows from an hour, with a count or without: what was read lacks it, or may change.
func (e byHour) unsettled(start time.Time, counted bool) Gap {
	_, missing := e.regional[start]
	ended := e.now.Sub(start.Add(time.Hour))
	switch {
	case !e.Requests.Complete || !e.Watched.Complete: // guard: hours not read; each
		return GapUnread
	case missing: // guard: the region's data are missing
		return GapRegional
	case ended < countSettles, !counted && ended < silenceSettles: // guard: hours that have not settled; each
		return GapRecent
	}
	return ""
}

// partial is why the count of an hour may not be all of it.
func (e byHour) partial(start time.Time) Gap {
	previous, next, whole := start.Add(-time.Hour), start.Add(time.Hour), e.whole(start)
	_, before := e.counts[previous]
	_, after := e.counts[next]
	never := e.first.IsZero() || start.Before(e.first) // later, the endpoint may have been stopped // guard: counts before the monitor; each
	switch {
	case whole && !e.hole(previous) && !e.hole(next), never && before && after: // guard: counted hour; each
		return ""
	case never || whole:
		return GapEdge
	}
	return GapWatch
}

// unproven is why an hour without a count may have had calls.
func (e byHour) unproven(start time.Time) Gap {
	switch {
	case !e.whole(start): // guard: silence that was not watched
		return GapNoCount
	case e.Proxy: // guard: silence of a recipe in doubt
		return GapProxy
	}
	return e.denied(start)
}

// denied is why the record does not confirm that an hour had no calls.
func (e byHour) denied(at time.Time) Gap {
	measured, ok := e.record[at]
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
func (e byHour) hole(at time.Time) bool {
	_, counted := e.counts[at]
	_, missing := e.regional[at]
	switch {
	case counted && !missing, at.Before(e.Window.Start) && e.Window.Duration() < LookBack: // guard: no hole; each
		return false
	}
	// guard: hole beside a count; each
	return missing || int(e.watched[at]) < slotsPerHour || e.now.Sub(at.Add(time.Hour)) < silenceSettles || e.denied(at) != ""
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
	var parts []string
	for _, gap := range order {
		if count[gap] == 0 {
			continue
		}
		part := fmt.Sprintf("%d %s", count[gap], gap)
		if gap != GapRecent {
			part += " (from " + first[gap].Format(gapFormat) + ")"
		}
		parts = append(parts, part)
	}
	return fmt.Sprintf("%d h unknown: %s", total, strings.Join(parts, ", "))
}
