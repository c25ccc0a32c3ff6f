package rules

import (
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

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
