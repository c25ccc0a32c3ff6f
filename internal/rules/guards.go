package rules

import (
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// unwatchedLimit is the longest stretch of the idle time for which a recommender need not
// have been monitored, as when the monitor is updated; see unwatched.
const unwatchedLimit = time.Hour

// gapFormat is the format of times in reasons, in UTC.
const gapFormat = "2006-01-02 15:04"

// busy is why a resource cannot be changed now, or empty. A status that this build does not
// know counts as busy.
func busy(r model.Resource) string {
	if r.Status != model.StatusActive { // guard: status other than ACTIVE
		return fmt.Sprintf("its status is %s", r.Status)
	}
	if r.Update != nil && !r.Update.Status.Settled() { // guard: update in progress
		return fmt.Sprintf("an update is in progress (%s)", r.Update.Status)
	}
	return ""
}

// gap finds the first window in which the monitor published its count of resources but
// no utilization of this one. A single such window between two others with utilization
// may be a failed read and does not count; windows in which the monitor itself did not
// run prove nothing.
func gap(seen, running model.Series, w model.Window) (at time.Time, found bool) {
	has := make(map[time.Time]bool, len(seen.Points))
	for _, p := range seen.Points {
		has[p.Time.UTC()] = true
	}
	last := w.End.Add(-FreshSlots * WindowLength)
	for _, p := range running.Points {
		start := p.Time.UTC()
		if !start.Before(last) || has[start] { // guard: gap in the watched time: which windows; each
			continue
		}
		before, after := start.Add(-WindowLength), start.Add(WindowLength)
		if has[after] && (has[before] || before.Before(w.Start)) { // guard: a single window is not a gap; each
			continue // a single window; stopping and starting again takes longer
		}
		return start, true
	}
	return time.Time{}, false
}

// unwatched finds the first stretch of the idle time that is too long to know nothing of a
// recommender: it may have been stopped all along and started at its end. Too long is
// more than a 24th of the idle time, at most unwatchedLimit, and never less than two windows.
func unwatched(seen model.Series, w model.Window) (from, to time.Time, found bool) {
	allowed := max(min(unwatchedLimit, w.Duration()/24), 2*WindowLength) // guard: not watched: how long is allowed; each
	from = w.Start
	for _, p := range seen.Points {
		start := p.Time.UTC()
		if start.Sub(from) > allowed { // guard: not watched in the middle
			return from, start, true
		}
		from = start.Add(WindowLength)
	}
	last := w.End.Add(-FreshSlots * WindowLength)
	return from, last, last.Sub(from) > allowed // guard: not watched up to the end; zero
}
