package rules

import (
	"hash/fnv"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// WindowLength is the length of the window that is measured each cycle.
const WindowLength = 5 * time.Minute

// slotsPerHour is how many windows an hour has.
const slotsPerHour = int(time.Hour / WindowLength)

// Slot is a resource's place in the hour, 0 to 11: its hourly checks fall into the
// window that starts at minute Slot × 5. Slots are spread by a hash of the ARN, so
// that neither the checks nor the actions they lead to come all at once.
func Slot(arn model.ARN) int {
	h := fnv.New32a()
	h.Write([]byte(arn.String())) // a hash's Write never fails
	return int(h.Sum32() % uint32(slotsPerHour))
}

// NotifyDryRun tells whether people are to be told now of a decision that is only rehearsed:
// once a day each, in an hour of its own, or always where every check is made now. It is
// found anew in every check, and people would be told every hour.
func NotifyDryRun(d Decision) bool {
	if d.By.HourlyChecks == model.Always {
		return true
	}
	h := fnv.New32a()
	h.Write([]byte("hour of the day" + d.Resource.ARN.String())) // a hash's Write never fails
	return int(h.Sum32()%24) == d.At.Window.Start.UTC().Hour()
}

func slotOf(w model.Window) int { return w.Start.Minute() / int(WindowLength.Minutes()) }

// MeasuredWindow is the last whole 5 minutes of the clock that ended at least delay
// ago; counts arrive late in CloudWatch.
func MeasuredWindow(now time.Time, delay time.Duration) model.Window {
	end := now.UTC().Add(-delay).Truncate(WindowLength)
	return model.NewWindow(end.Add(-WindowLength), end)
}

// Limits on the time of the event that starts a cycle.
const (
	lateEvent    = time.Hour      // later than this, what was measured is too old to decide on
	uselessEvent = 24 * time.Hour // later than this, the event is not about now at all
)

// EvaluationTimeOf derives the moment from the time at which the cycle was scheduled, so that a
// late or repeated start measures the same window; a zero time means now. A time in the
// future or more than a day old is replaced by now, with a warning. One more than an
// hour old is measured, but noChecks tells why nothing is decided on it.
func EvaluationTimeOf(now, scheduled time.Time, delay time.Duration) (m EvaluationTime, noChecks, warning string) {
	at := scheduled
	switch late := now.Sub(scheduled); {
	case scheduled.IsZero():
		at = now
	case late < 0 || late > uselessEvent:
		at = now
		warning = "the event's time " + scheduled.UTC().Format(time.RFC3339) + " is in the future or over a day old; the present is measured instead"
	case late > lateEvent:
		noChecks = "not checked: the event that started the cycle is " + span(late) + " old"
	}
	return EvaluationTime{Now: now, Window: MeasuredWindow(at, delay)}, noChecks, warning
}
