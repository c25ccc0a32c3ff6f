package rules

import (
	"fmt"
	"math"
	"strings"
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
	switch {
	case r.Status != model.StatusActive: // guard: status other than ACTIVE
		return fmt.Sprintf("its status is %s", r.Status)
	case r.Update != nil && !r.Update.Status.Settled(): // guard: update in progress
		return fmt.Sprintf("an update is in progress (%s)", r.Update.Status)
	}
	return ""
}

// gap finds the first window in which the monitor published its count of resources but
// no utilization of this one. A single such window between two others with utilization
// may be a failed read and does not count; windows in which the monitor itself did not
// run prove nothing.
func gap(seen, running model.Series, w model.Window) (at time.Time, found bool) {
	values, last := byTime(seen), w.End.Add(-FreshSlots*WindowLength)
	has := func(at time.Time) bool {
		_, ok := values[at]
		return ok
	}
	for _, p := range running.Points {
		start := p.Time.UTC()
		before, after := start.Add(-WindowLength), start.Add(WindowLength)
		// Stopping and starting again takes longer than one window.
		single := has(after) && (has(before) || before.Before(w.Start)) // guard: a single window is not a gap; each
		if start.Before(last) && !has(start) && !single {               // guard: gap in the watched time: which windows; each:1-2
			return start, true
		}
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

// Tolerances for the question whose update the latest one was.
const (
	// markerReach is how long before the idle time our markers are searched, and markerSlack
	// how far the time of an update and the one in its marker may differ: they are the same
	// time, rounded on its way through a metric.
	markerReach = 10 * time.Minute
	markerSlack = time.Second
	// syncReach is how long after a solution version is trained the service may take to
	// move a campaign to it.
	syncReach = 6 * time.Hour
	// publishReach is how long after the start of a window its minimum is published at the
	// latest, with the longest MetricDelay: until then it may be one from after an update.
	publishReach = WindowLength + 15*time.Minute
	// updateSlack is how far a resource's last-updated time may be from its latest
	// update's to still mean the same event.
	updateSlack = 2 * time.Minute
)

// markerQuery asks for the markers of our own changes, from a little before the idle time.
func markerQuery(r model.Resource, s Settings, m EvaluationTime) model.Query {
	w := idleWindow(s, m)
	return ownQuery(r, model.MetricOwnUpdate, model.Maximum, model.NewWindow(w.Start.Add(-markerReach), w.End), WindowLength)
}

// UpdateQueries ask for what shows whose the latest update of a resource was. There are
// none if it was before the idle time.
func UpdateQueries(r model.Resource, s Settings, m EvaluationTime) []model.Query {
	if m.Now.Sub(r.LastTouched()) >= s.IdleTime() { // guard: updates of the whole idle time are examined; always
		return nil
	}
	return []model.Query{markerQuery(r, s, m), MinimumQuery(r, idleWindow(s, m))}
}

// updatedByOthers reports an update within the idle time that neither we nor the service
// made; empty if there was none.
func updatedByOthers(r model.Resource, readings model.Readings, s Settings, m EvaluationTime) string {
	ago := m.Now.Sub(r.LastTouched())
	if ago >= s.IdleTime() || ownUpdate(r, readings, s, m) { // guard: updated by a person; always, boundary
		return ""
	}
	return "updated " + model.Span(ago) + " ago"
}

// ownUpdate reports whether the latest update was made by us or by the service, which moves
// a synchronised campaign to each newly trained solution version. In doubt it was a
// person's.
func ownUpdate(r model.Resource, readings model.Readings, s Settings, m EvaluationTime) bool {
	u := r.Update
	if u == nil || r.LastUpdated.After(u.Changed.Add(updateSlack)) { // guard: changed after the update; each:2
		return false
	}
	// guard: an update by no one known is a person's
	return hasMarker(u, readings.Get(markerQuery(r, s, m))) || versionSync(r, readings.Get(MinimumQuery(r, idleWindow(s, m))))
}

// hasMarker reports whether a marker has the time of an update. Another update has another time,
// even one that a person makes in the same minute.
func hasMarker(u *model.Update, markers model.Series) bool {
	for _, p := range markers.Points {
		marked := time.UnixMilli(int64(math.Round(p.Value * 1000)))
		if u.Created.Sub(marked).Abs() <= markerSlack { // guard: own-change marker; always, boundary
			return true
		}
	}
	return false
}

// versionSync recognises the service's own update: the campaign synchronises, a new
// solution version was trained shortly before, and the minimum did not change.
func versionSync(r model.Resource, minimums model.Series) bool {
	if !r.AutoSync || r.VersionReady.IsZero() { // guard: version sync: only if switched on; each:1
		return false
	}
	// guard: version sync: trained shortly before; each
	if after := r.Update.Created.Sub(r.VersionReady); after < 0 || after > syncReach {
		return false
	}
	before, since := false, false
	for _, p := range minimums.Points {
		if p.Value != float64(r.MinTPS) { // guard: version sync: same minimum
			return false
		}
		before = before || p.Time.Add(publishReach).Before(r.Update.Created) // guard: version sync: published before; each:3
		since = since || p.Time.After(r.Update.Created)
	}
	return minimums.Complete && before && since // guard: version sync: minimum read, before and since; each
}

// ProtectTag is the key of the tag by which people protect a resource from automatic
// changes. Its value is true or all, idle (no stop and no delete) or tps (no change of the minimum),
// and may end in "until 2027-01-31"; that alone means all. Upper and lower case make no
// difference.
const ProtectTag = "personalize-monitor:protect"

// Protected is why a resource's tags forbid the verdict's action, or empty. A date protects
// to the end of its day, UTC. A value that is not understood protects from everything: a
// person meant to protect something.
func Protected(tags map[string]string, verdict Verdict, now time.Time) string {
	for key, value := range tags {
		if !strings.EqualFold(strings.TrimSpace(key), ProtectTag) { // guard: protecting tag, in any letters; each, always
			continue
		}
		value = strings.TrimSpace(value)
		switch protects, understood := parseProtection(value, verdict, now); {
		case !understood: // guard: protecting tag that is not clear
			return fmt.Sprintf("protected by its tag %s=%s, whose meaning is not clear "+
				"(valid: true, all, idle, tps, each with or without until YYYY-MM-DD)", ProtectTag, value)
		case protects: // guard: protecting tag
			return fmt.Sprintf("protected by its tag %s=%s", ProtectTag, value)
		}
	}
	return ""
}

// ProtectionIn finds the value of the protecting tag in the text of a refusal by Protected.
func ProtectionIn(text string) (value string, ok bool) {
	_, value, ok = strings.Cut(text, "protected by its tag "+ProtectTag+"=")
	value, _, _ = strings.Cut(value, ",")
	value, _, _ = strings.Cut(value, ";")
	return strings.TrimSpace(value), ok
}

func parseProtection(value string, verdict Verdict, now time.Time) (protects, understood bool) {
	words := strings.Fields(strings.ToLower(value))
	if n := len(words); n >= 2 && words[n-2] == "until" {
		day, err := time.Parse(time.DateOnly, words[n-1])
		if err != nil {
			return false, false
		}
		if !now.Before(day.AddDate(0, 0, 1)) { // guard: protecting tag, to the end of its day; each
			return false, true // over
		}
		if words = words[:n-2]; len(words) == 0 {
			return true, true
		}
	}
	if len(words) != 1 {
		return false, false
	}
	switch words[0] {
	case "true", "all":
		return true, true
	case "false":
		return false, true
	case "idle":
		return verdict.Action().Ends(), true // guard: protecting tag, idle; always
	case "tps":
		return verdict.Action() == model.ActionUpdate, true // guard: protecting tag, tps; always
	}
	return false, false
}

// NeedsDescription reports whether a decision rests on the latest update of a resource that
// was only listed: only a description holds the update. It does if it would change the
// resource, or keeps it because of an update that may be our own.
func NeedsDescription(d Decision) bool {
	// guard: described again before a change; each:3-5
	return !d.Resource.Described && (d.Verdict.Changes() || d.Would.Changes() || d.Idle.HistoryDue || d.Has(ReasonUpdated))
}

// AllowMarker decides whether a step-down may set our own-change marker. The service shows
// the latest update alone, so a step hides the one before it. If that was within the idle
// time and not ours, or it is unknown whose it was, the step sets no marker: the idle rule
// then takes it for a person's, and keeps the resource as if the person had made it. The
// readings must hold the answers to UpdateQueries.
func AllowMarker(d Decision, readings model.Readings) Decision {
	// guard: a marker hides no person's update; each
	d.Marker = d.Verdict == StepDown && d.Resource.Described && updatedByOthers(d.Resource, readings, d.By, d.At) == ""
	return d
}

// RecentCallQueries ask for every call to a resource since the measured window, up to the
// end of the 5 minutes under way. Rules go by windows whose counts have all arrived; before
// a stop or delete, what has come since is read too.
func RecentCallQueries(r model.Resource, m EvaluationTime) []model.Query {
	// guard: calls up to the window in progress; each:2
	w := model.NewWindow(m.Window.End, m.Now.Add(WindowLength-time.Nanosecond).Truncate(WindowLength))
	if w.Duration() <= 0 {
		return nil
	}
	return CallQueries(r, w, WindowLength)
}

// RefuseIfCalled turns a stop or delete into a refusal if the resource was called since the
// measured window, or if that could not be read. That no call is seen proves nothing:
// counts arrive late, which is why the rules do not go by them.
func RefuseIfCalled(d Decision, readings model.Readings, m EvaluationTime) Decision {
	if d.Verdict != Stop && d.Verdict != Delete { // guard: calls since, before a stop or delete; each
		return d
	}
	calls := CountCalls(RecentCallQueries(d.Resource, m), readings, m.Window.End)
	switch n := calls.Served + calls.Failed; {
	case n > 0: // guard: calls since
		return Refuse(d, fmt.Sprintf("it was called %.0f times since %s", n, m.Window.End.Format("15:04")))
	case !calls.Complete: // guard: calls since not read
		return Refuse(d, "whether it was called in the last minutes could not be read")
	}
	return d
}

// NotifyDryRun reports whether people are notified now of a decision that is a dry run.
// Every check finds it again, so they are notified once a day for each resource, in an hour
// of its own, and always where every check is made now.
func NotifyDryRun(d Decision) bool {
	return d.By.HourlyChecks == model.Always ||
		int(spread("hour of the day"+d.Resource.ARN.String())%24) == d.At.Window.Start.UTC().Hour()
}

// A minimum is paid for whether it is used or not. One that exceeds either of these, in TPS
// or RPS and in times the present one, may be a mistake or come from a forged record.
const (
	LargeMinTPS = 10_000
	LargeTimes  = 10
)

// LargeMinimum is why a new minimum needs a confirmation of its own; empty if it needs none.
// present is the minimum to compare it with; 0 compares it with none.
func LargeMinimum(kind model.Kind, minimum, present int) string {
	switch number, unit := model.Number(float64(minimum), 0), kind.RateUnit(); {
	case minimum > LargeMinTPS: // guard: a minimum too large; boundary
		return fmt.Sprintf("%s %s is more than %s %s", number, unit, model.Number(LargeMinTPS, 0), unit)
	case present > 0 && minimum > LargeTimes*present: // guard: a minimum that is many times the present one; boundary
		return fmt.Sprintf("%s %s is more than %d times the present minimum of %s %s",
			number, unit, LargeTimes, model.Number(float64(present), 0), unit)
	}
	return ""
}
