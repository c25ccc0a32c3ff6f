package rules_test

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// guard is a condition without which something may not happen.
type guard struct {
	name  string
	holds bool
}

// standing gives the names of the guards that do not hold.
func standing(guards []guard) (names []string) {
	for _, g := range guards {
		if !g.holds {
			names = append(names, g.name)
		}
	}
	return names
}

// facts are what the oracle finds out of a history.
type facts struct {
	stop, step           []guard
	againstStop, against []string // of the above, those that do not hold
	watermark            int64
	silent               bool // no call of any kind in the idle time
}

// examine finds the facts of a history that decide has asked its questions of.
func examine(h *history) *facts {
	f := &facts{watermark: watermark(h), silent: calledAtAll(h, h.end-h.idle(), h.end) == 0}
	always := anyAction(h)
	f.stop = append(always, stopGuards(h, f)...)
	f.againstStop = standing(f.stop)
	f.step = append(always[:len(always):len(always)], stepGuards(h, f)...)
	f.against = standing(f.step)
	return f
}

// alone gives the guard that is in the way alone, save for reads that were not
// made because of it; empty if there is none.
func alone(names []string) string {
	if len(names) == 0 {
		return ""
	}
	for _, name := range names[1:] {
		if !strings.HasSuffix(name, " read") {
			return ""
		}
	}
	return names[0]
}

func ageOf(h *history) int64 { return h.now - h.created }

// touchedAgo is how long ago anything was changed, by anyone.
func touchedAgo(h *history) int64 {
	last := h.resource.LastUpdated.Unix()
	if u := h.resource.Update; u != nil {
		last = max(last, u.Created.Unix(), u.Changed.Unix())
	}
	return h.now - last
}

func atRest(h *history) bool {
	if h.resource.Status != "ACTIVE" {
		return false
	}
	u := h.resource.Update
	return u == nil || u.Status == "ACTIVE" || u.Status == "CREATE FAILED"
}

// called counts the calls of a metric and outcome from one moment to another.
func called(h *history, metric, outcome int, from, till int64) (n int64) {
	for _, c := range h.calls[metric][outcome] {
		if c.at >= from && c.at < till {
			n += c.n
		}
	}
	return n
}

// calledAtAll counts all calls, of whatever kind and outcome.
func calledAtAll(h *history, from, till int64) (n int64) {
	for metric := range metrics {
		for outcome := range outcomes {
			n += called(h, metric, outcome, from, till)
		}
	}
	return n
}

// allRead reports whether all the nine counts were read completely.
func allRead(h *history, from, till int64) bool {
	for _, name := range metrics {
		for _, suffix := range []string{"", "4xxErrors", "5xxErrors"} {
			if !h.whole(name+suffix, slot, from, till) {
				return false
			}
		}
	}
	return true
}

// visible reports whether the recipe's requests are known to be counted: it is one of the
// ordinary ones, or some were counted within 14 days.
func visible(h *history) bool {
	open := h.end/hour*hour + hour
	return h.sure || called(h, h.metric, succeeded, open-backward, open) > 0
}

// ranOn reports whether the resource is not known to have been stopped in the idle time:
// not two windows of it lie in a time in which it was not running and the monitor was.
func ranOn(h *history) bool {
	windows, watched := 0, false
	for at := h.end - h.idle(); at < h.end-2*slot; at += slot {
		if !h.isUp(at) {
			windows++
			watched = watched || h.monitor.ran(at)
		}
	}
	return windows < 2 || !watched
}

// unwatched is the longest stretch of the idle time, up to a moment, in which no one has
// seen the resource.
func unwatched(h *history, till int64) (longest int64) {
	since := h.end - h.idle()
	for at := since; at < till; at += slot {
		if h.seen(at) {
			since = at + slot
		}
		longest = max(longest, at+slot-since)
	}
	return longest
}

// allowedUnwatched is how long a stretch proves nothing against a recommender.
func allowedUnwatched(h *history) int64 { return max(2*slot, min(hour, h.idle()/24)) }

// anyAction are the guards before any action at all.
func anyAction(h *history) []guard {
	return []guard{
		{"checks switched on", h.settings.HourlyChecks == model.Always || h.settings.HourlyChecks == model.Auto},
		{"event in time", !h.overdue},
		{"recipe read", h.resource.Recipe != "" || h.resource.Kind == model.Recommender},
		{"requests visible", visible(h)},
		{"description fresh", !h.resource.Stale},
		{"at rest", atRest(h)},
		{"window read", h.whole(metrics[h.metric], slot, h.end-slot, h.end)},
	}
}

// stopGuards are those before a stop or deletion.
func stopGuards(h *history, f *facts) []guard {
	start, utilization := h.end-h.idle(), string(h.resource.Kind)+"Utilization"
	return []guard{
		{"stopping switched on", h.settings.StopIdle == "Yes"},
		{"old enough", ageOf(h) >= h.idle()},
		{"not called", f.silent},
		{"all calls read", allRead(h, start, h.end)},
		{"not updated by a person", h.by != person || touchedAgo(h) >= h.idle()},
		{"running read", h.whole(utilization, slot, start, h.end) && h.whole("monitoredResourceCount", slot, start, h.end)},
		{"running all the time", ranOn(h)},
		{"watched", h.resource.Kind == model.Campaign || unwatched(h, h.end-2*slot) <= allowedUnwatched(h)},
		{"recipe known", h.sure || !visible(h) || h.resource.Recipe == ""},
		{unusual, !f.silent || ageOf(h) < h.idle() || silentHours(h) >= silenceNeeded(h)},
		{"history read", historyRead(h)},
	}
}

// unusual is the guard that the silence is longer than is usual for the callers.
const unusual = "silence unusual"

// callHours are the starts of the hours with a call of any kind, in ascending order: those of
// 90 days, and not before the hour of the creation.
func callHours(h *history) []int64 {
	first, end := historyStart(h, 90*day), h.end/hour*hour
	seen := map[int64]bool{}
	for metric := range metrics {
		for outcome := range outcomes {
			for _, c := range h.calls[metric][outcome] {
				if c.at >= first && c.at < end {
					seen[c.at/hour*hour] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func historyStart(h *history, reach int64) int64 {
	return max(h.end/hour*hour-reach, h.created/hour*hour)
}

// silenceNeeded is how many hours of silence are unusual.
func silenceNeeded(h *history) int64 {
	calls := callHours(h)
	if len(calls) == 0 {
		return int64(h.settings.IdleHours)
	}
	longest, last := int64(0), historyStart(h, 90*day)
	for _, at := range calls {
		longest, last = max(longest, (at-last)/hour), at+hour
	}
	return min(1080, max(int64(h.settings.IdleHours), int64(h.settings.UsedIdleHours), 2*longest))
}

// silentHours counts the hours since the latest call that have been over for a day, and in
// every window of which the monitor published the minimum.
func silentHours(h *history) (n int64) {
	from := historyStart(h, 62*day)
	if calls := callHours(h); len(calls) > 0 {
		from = max(from, calls[len(calls)-1]+hour)
	}
	for at := from; at+hour+day <= h.end; at += hour {
		watched := true
		for window := at; window < at+hour; window += slot {
			watched = watched && inService(h, window, historyStart(h, 62*day))
		}
		if watched {
			n++
		}
	}
	return n
}

// historyRead reports whether the calls of 90 days and the minimums of 62 were read completely.
func historyRead(h *history) bool {
	end := h.end / hour * hour
	for _, name := range metrics {
		for _, suffix := range []string{"", "4xxErrors", "5xxErrors"} {
			if !h.whole(name+suffix, hour, historyStart(h, 90*day), end) {
				return false
			}
		}
	}
	return h.whole(minimumMetric(h), slot, historyStart(h, 62*day), end)
}

// doubtsOfStop lists things because of which a stop that may be made need not.
func doubtsOfStop(h *history) bool {
	switch {
	case h.settings.HourlyChecks != model.Always, h.until > 0, len(h.missed) > 0, h.victim >= 0, !visible(h):
		return true
	case h.resource.Kind == model.Recommender && unwatched(h, h.end) > allowedUnwatched(h):
		return true // it is, but for the newest windows, which may not be visible yet
	case touchedAgo(h) >= h.idle():
		return false
	}
	return h.by != ours || h.marks[0] >= h.end // a mark after the measured window is not seen yet
}

// lookBack is the whole hours that a step-down goes by: 14 days, since the resource was created, and
// up to 6 hours ago.
func lookBack(h *history) (first, end int64) {
	end = (h.end - 6*hour) / hour * hour
	return max(end-backward, (h.created+hour-1)/hour*hour), end
}

// knownHour is an hour of which the calls are known.
type knownHour struct {
	at, n  int64
	silent bool
}

// inService reports whether a window was published, and nothing shows that the endpoint may have been
// started in it: no two windows in a row are missing since some time, before one of the last five.
func inService(h *history, window, since int64) bool {
	has := func(w int64) bool {
		_, ok := h.published(minimumMetric(h), w)
		return ok || w < since
	}
	for w := window; w > window-5*slot; w -= slot {
		if has(w) && !has(w-slot) && !has(w-2*slot) {
			return false
		}
	}
	return has(window)
}

// knownHours are those of the look-back that are known: they have a count, and the monitor
// watched all of it, or has watched none so far and both neighbours have one; or they have none, and it watched all
// of it, a day ago at least. A count that the monitor watched is not known beside an hour without one that is not known.
func knownHours(h *history) (known []knownHour) {
	first, end := lookBack(h)
	sums := map[int64]int64{}
	for _, c := range h.calls[h.metric][succeeded] {
		if h.shown(c.at) && c.at >= first-hour && c.at < end+hour {
			sums[c.at/hour*hour] += c.n
		}
	}
	watched := func(at int64) (windows int) {
		for w := at; at >= end-backward && at < end && w < at+hour; w += slot {
			if inService(h, w, end-backward) {
				windows++
			}
		}
		return windows
	}
	hole := func(at int64) bool {
		created := at < first && end-first < backward
		return sums[at] == 0 && !created && (watched(at) < 12 || h.end-(at+hour) < day)
	}
	before := true // the monitor
	for at := end - backward; at < end; at += hour {
		windows := watched(at)
		before = before && windows == 0
		switch n := sums[at]; {
		case at < first:
		case n > 0 && (windows == 12 && !hole(at-hour) && !hole(at+hour) || before && sums[at-hour] > 0 && sums[at+hour] > 0):
			known = append(known, knownHour{at: at, n: n})
		case n == 0 && windows == 12 && h.sure && h.end-(at+hour) >= day:
			known = append(known, knownHour{at: at, silent: true})
		}
	}
	return known
}

// lowest is the lowest number of calls that known hours reached three times, each a day after the
// one before, at least; false if there is none.
func lowest(known []knownHour) (int64, bool) {
	low, found := int64(math.MaxInt64), false
	for _, level := range known {
		if level.n >= low {
			continue
		}
		times, last := 0, int64(math.MinInt64/2)
		for _, k := range known {
			if k.n <= level.n && k.at >= last+day {
				times, last = times+1, k.at
			}
		}
		if times >= 3 {
			low, found = level.n, true
		}
	}
	return low, found
}

// watermark is the low watermark in whole requests per second; very high if there is none.
func watermark(h *history) int64 {
	low, found := lowest(knownHours(h))
	if !found {
		return math.MaxInt64
	}
	return low / hour
}

// raisedLately reports whether the monitor has recorded a lower minimum within 24 h.
func raisedLately(h *history) bool {
	if h.oldMin == 0 || h.oldMin >= h.resource.MinTPS {
		return false
	}
	for at := h.end - day; at < h.end; at += slot {
		if h.monitor.ran(at) && h.isUp(at) && at >= h.created/slot*slot && h.minimumAt(at) < h.resource.MinTPS {
			return true
		}
	}
	return false
}

// hoursRead reports whether all counts that the watermark depends on were read completely.
func hoursRead(h *history) bool {
	first, end := lookBack(h)
	return h.whole(metrics[h.metric], hour, first-hour, end+hour)
}

// watchRead reports whether it was read when the monitor watched.
func watchRead(h *history) bool {
	_, end := lookBack(h)
	return h.whole(minimumMetric(h), hour, end-backward, end)
}

// gapsRead reports whether the gaps of the region were read, if there are silent hours.
func gapsRead(h *history) bool {
	_, end := lookBack(h)
	return !slices.ContainsFunc(knownHours(h), func(k knownHour) bool { return k.silent }) || h.whole("", hour, end-backward, end)
}

func minimumMetric(h *history) string {
	if h.resource.Kind == model.Recommender {
		return "minRecommendationRequestsPerSecond"
	}
	return "minProvisionedTPS"
}

func minimumRead(h *history) bool { return h.whole(minimumMetric(h), slot, h.end-day, h.end) }

// stepGuards are those before a step-down.
func stepGuards(h *history, f *facts) []guard {
	return []guard{
		{"adjusting switched on", h.settings.AdjustMinTPS == "Yes"},
		{"minimum above 1", h.resource.MinTPS > 1},
		{"a day old", ageOf(h) >= day},
		{"hours read", hoursRead(h)},
		{"watch read", watchRead(h)},
		{"watermark below the minimum", f.watermark < int64(h.resource.MinTPS)},
		{"45 min since the last update", touchedAgo(h) >= 45*minute},
		{"minimum read", minimumRead(h)},
		{"not raised within a day", !raisedLately(h)},
		{"no person's update to hide", !keptByUpdate(h, f)},
		{"gaps read", gapsRead(h)},
		{"its minimum before an update known", minimumKnown(h)},
	}
}

// minimumKnown reports whether the monitor recorded a minimum before an update of the last day.
func minimumKnown(h *history) bool {
	touched := h.now - touchedAgo(h)
	for at := h.end - day; at <= touched && at < h.end; at += slot {
		if _, ok := h.published(minimumMetric(h), at); ok {
			return true
		}
	}
	return touchedAgo(h) >= day
}

// keptByUpdate reports whether only a person's update keeps an idle resource from being stopped;
// a step of ours would be the latest update then, and the person's forgotten.
func keptByUpdate(h *history, f *facts) bool {
	against := slices.DeleteFunc(slices.Clone(f.againstStop), func(name string) bool { return name == unusual || name == "history read" })
	return len(against) == 1 && against[0] == "not updated by a person" && h.until == 0 && len(h.missed) == 0 && !idleUnread(h)
}

// idleUnread reports whether the calls of the idle time were not read completely when they were asked for. Other questions
// may have covered the same time.
func idleUnread(h *history) bool {
	return slices.ContainsFunc(h.asked, func(q question) bool {
		return !q.whole && q.Metric.Namespace == "AWS/Personalize" && q.Period == time.Duration(slot)*time.Second &&
			q.Window.Start.Unix() == h.end-h.idle() && q.Window.End.Unix() == h.end
	})
}

// doubtsOfStep lists things because of which a step that may be made need not. Our
// series of the minimum is read more than once, as are the hours: if one answer is not
// whole, another one does not make up for it.
func doubtsOfStep(h *history, f *facts) bool {
	untouched := h.by == noOne || touchedAgo(h) >= h.idle()
	for _, q := range h.asked {
		// What an answer lacks that calls itself complete may keep a step, too.
		if !q.whole && (h.damage == hollow || q.Metric.Name == minimumMetric(h) || q.Period == time.Duration(hour)*time.Second) {
			return true
		}
	}
	return h.settings.HourlyChecks != model.Always || (f.silent && !untouched) || (!h.sure && h.victim >= 0)
}

// nextStep is the minimum after one step.
func nextStep(minimum int, watermark int64) int { return int(max(1, watermark, int64(minimum)*3/4)) }
