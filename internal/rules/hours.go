package rules

import (
	"fmt"
	"math"
	"slices"
	"sort"
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

// Hours classifies the hours of the window, oldest first. An hour is counted if it has a datapoint
// and our own series is complete in it, or has none yet (before the monitor) and both neighbours
// have a count. Beside an hour without a count it is counted only if that one is silent: where data
// are late or lost for some time, the counts of the first and last hour are partial. An hour is
// silent if it has no datapoint, our own series is complete in it, and our own record, if it was
// read, has the value 0: an answer without counts is believed only if the monitor measured none when
// the hour was new. Our own series is complete with 12 distinct 5-minute datapoints: a sample count
// would be filled by a second copy of the monitor.
func (e Evidence) Hours(now time.Time) []Hour {
	facts := byHour{
		Evidence: e, now: now,
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
	now                               time.Time
}

// hour classifies an hour.
func (e byHour) hour(start time.Time) Hour {
	requests, counted := e.counts[start]
	gap := e.gap(start, counted)
	switch {
	case gap != "":
		return Hour{Start: start, Gap: gap}
	case counted:
		return Hour{Start: start, State: HourCounted, Requests: requests}
	}
	return Hour{Start: start, State: HourSilent}
}

// whole reports whether our own series is complete in an hour.
func (e byHour) whole(start time.Time) bool { return int(e.watched[start]) == slotsPerHour }

// gap is why nothing follows from an hour, with a count or without: what was read lacks it, or may change; its count may not be
// all of it; or it may have had calls without a count.
func (e byHour) gap(start time.Time, counted bool) Gap {
	_, missing := e.regional[start]
	ended := e.now.Sub(start.Add(time.Hour))
	switch {
	case !e.Requests.Complete || !e.Watched.Complete: // guard: hours not read; each
		return GapUnread
	case missing: // guard: the region's data are missing
		return GapRegional
	case ended < countSettles, !counted && ended < silenceSettles: // guard: hours that have not settled; each
		return GapRecent
	case counted:
		return e.partial(start)
	case !e.whole(start): // guard: silence that was not watched
		return GapNoCount
	case e.Proxy: // guard: silence of a recipe in doubt
		return GapProxy
	}
	return e.denied(start)
}

// partial is why the count of an hour may not be all of it.
func (e byHour) partial(start time.Time) Gap {
	previous, next, whole := start.Add(-time.Hour), start.Add(time.Hour), e.whole(start)
	_, before := e.counts[previous]
	_, after := e.counts[next]
	// Later, the endpoint may have been stopped.
	never := len(e.Watched.Points) == 0 || start.Before(e.Watched.Points[0].Time) // guard: counts before the monitor; each
	switch {
	case whole && !e.hole(previous) && !e.hole(next), never && before && after: // guard: counted hour; each
		return ""
	case never || whole:
		return GapEdge
	}
	return GapWatch
}

// denied is why the record does not confirm that an hour had no calls.
func (e byHour) denied(at time.Time) Gap {
	measured, ok := e.record[at]
	switch {
	case !e.Record.Complete: // a rule that concludes anything from silence reads it first
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
		hour, n := at.Truncate(time.Hour), len(watched.Points)
		switch {
		case at.Before(trusted):
		case n > 0 && watched.Points[n-1].Time.Equal(hour):
			watched.Points[n-1].Value++
		default:
			watched.Points = append(watched.Points, model.Datapoint{Time: hour, Value: 1})
		}
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
	// A higher level is reached by more hours, so the lowest one is found by bisection.
	at := sort.Search(len(rates), func(i int) bool { return reached(hours, rates[i]) >= occasions })
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
	total, parts := 0, []string(nil)
	for _, gap := range []Gap{GapUnread, GapRegional, GapLost, GapNoRecord, GapWatch, GapNoCount, GapEdge, GapProxy, GapRecent} {
		n, from := 0, ""
		for _, h := range hours {
			if h.Gap != gap {
				continue
			}
			if n++; n == 1 && gap != GapRecent {
				from = " (from " + h.Start.Format(gapFormat) + ")"
			}
		}
		if total += n; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s%s", n, gap, from))
		}
	}
	if total == 0 {
		return ""
	}
	return fmt.Sprintf("%d h unknown: %s", total, strings.Join(parts, ", "))
}

// evidenceOf is what was observed of a resource over the look-back.
func evidenceOf(r model.Resource, readings model.Readings, m EvaluationTime) Evidence {
	return Evidence{
		Window:   lookBackWindow(r, m),
		Requests: readings.Get(hourlyQuery(r, m)), Watched: readings.Get(watchedQuery(r, m)), Regional: readings.Get(gapsQuery(r, m)),
		Record: readings.Get(RecordQuery(r, regionWindow(m))), Proxy: !model.RecipeOf(r.Kind, r.Recipe).Sure,
	}
}

// Load is what the known hours of a resource show of its demand, in requests per second. Without Hours
// it is zero. In JSON, whose keys are stable, it is how much of the demand is known.
type Load struct {
	Hours   int     `json:"hours"` // whole hours that were looked at
	Known   int     `json:"known"`
	Silent  int     `json:"silent"`  // of the known ones: watched, without a call
	Unknown string  `json:"unknown"` // why the others are not known, and from when on; empty if all are
	Lowest  float64 `json:"-"`       // the lowest level that was reached three times; 0 unless Confirmed
	Highest float64 `json:"-"`       // of all known hours
	// Confirmed is set if any level was reached three times; otherwise nothing follows.
	Confirmed bool `json:"-"`
	Below     int  `json:"-"` // on how many occasions the demand was below the minimum
}

// LoadOf is what the evidence shows of a resource's demand, whether or not a rule comes to read it.
// The counts were read at a time.
func LoadOf(r model.Resource, e Evidence, readAt time.Time) Load {
	hours := e.Hours(readAt)
	load := Load{Hours: len(hours), Unknown: unknownHours(hours)}
	for _, h := range hours {
		if h.State == HourUnknown {
			continue
		}
		load.Known++
		if h.State == HourSilent {
			load.Silent++
		}
		load.Highest = max(load.Highest, h.Rate())
	}
	load.Lowest, load.Confirmed = lowWatermark(hours)
	load.Below = reached(hours, math.Nextafter(float64(r.MinTPS), 0))
	return load
}

// Watermark is the low watermark: the lowest confirmed level, rounded down to a whole TPS.
func (l Load) Watermark() int { return int(math.Floor(l.Lowest)) } // guard: watermark rounded down; each

// Health is how much is known, and why not more.
func (l Load) Health() string {
	text := fmt.Sprintf("%d of %d h known", l.Known, l.Hours)
	if l.Unknown != "" {
		text += "; " + l.Unknown
	}
	return text
}

// Text reports the low watermark. Its rate is rounded down, like the watermark: 9.99 printed
// as 10.0 would look like enough.
func (l Load) Text(kind model.Kind) string {
	return fmt.Sprintf("lowest level reached %d times: %.1f %s (%s)", occasions, math.Floor(l.Lowest*10)/10, kind.RateUnit(), l.Health())
}
