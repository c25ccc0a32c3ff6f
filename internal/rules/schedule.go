package rules

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// WindowLength is the length of the window that is measured each cycle.
const WindowLength = 5 * time.Minute

const slotsPerHour = int(time.Hour / WindowLength)

// Limits on the age of the event that starts a cycle.
const (
	lateEvent    = time.Hour      // an older one is measured, but too old to decide on // guard: event over an hour old: the limit
	uselessEvent = 24 * time.Hour // an older one is not about now at all
)

// spread is a hash that spreads resources evenly. It is the same in all processes and versions.
func spread(s string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s)) // a hash never fails
	return h.Sum32()
}

// Slot is a resource's place in the hour, 0 to 11: its hourly checks fall into the
// window that starts at minute Slot × 5. Slots are spread by a hash of the ARN, so
// that neither the checks nor the actions they lead to come all at once.
func Slot(arn model.ARN) int { return int(spread(arn.String()) % uint32(slotsPerHour)) }

// InSlot reports whether the measured window is the resource's place in the hour.
func InSlot(arn model.ARN, m EvaluationTime) bool { return Slot(arn) == slotOf(m.Window) }

func slotOf(w model.Window) int { return w.Start.Minute() / int(WindowLength.Minutes()) }

// Due reports whether the hourly checks of a resource are made in this window.
func Due(arn model.ARN, s Settings, m EvaluationTime) bool { return notDue(arn, s, m).code == "" }

// notDueReasons are made once, as most resources have one of them in each cycle.
var notDueReasons = func() (reasons [slotsPerHour]string) {
	for slot := range reasons {
		reasons[slot] = fmt.Sprintf("not due: its hourly checks are made at minute %02d", slot*5)
	}
	return reasons
}()

// notDue is why they are not; the zero finding if they are.
func notDue(arn model.ARN, s Settings, m EvaluationTime) finding {
	slot := Slot(arn)
	switch {
	case s.WrongClock != "": // guard: no checks by a wrong clock
		return nothing(ReasonClock, "nothing is decided: %s", s.WrongClock)
	case s.NoChecks != "": // guard: no checks on an old event
		return nothing(ReasonNotDue, "%s", s.NoChecks)
	case s.HourlyChecks == model.Elsewhere:
		return nothing(ReasonNotDue, "the daemon that leads makes the hourly checks")
	case s.HourlyChecks != model.Auto && s.HourlyChecks != model.Always: // guard: HourlyChecks=never, or an unknown mode
		return nothing(ReasonNotDue, "hourly checks are switched off (HourlyChecks=never)")
	case s.HourlyChecks == model.Auto && slot != slotOf(m.Window): // guard: checked in its slot only
		return finding{verdict: None, code: ReasonNotDue, reason: notDueReasons[slot]}
	}
	return finding{}
}

// MeasuredWindow is the last whole 5 minutes of the clock that ended at least delay
// ago; counts arrive late in CloudWatch.
func MeasuredWindow(now time.Time, delay time.Duration) model.Window {
	end := now.UTC().Add(-delay).Truncate(WindowLength) // guard: MetricDelay; each:2
	return model.NewWindow(end.Add(-WindowLength), end)
}

// EvaluationTimeOf derives the evaluation time from the time at which the cycle was
// scheduled, so that a late or repeated start measures the same window; a zero time means
// now. A time in the future or more than a day old is replaced by now, with a warning. One
// more than an hour old is measured, but noChecks says why nothing is decided on it.
func EvaluationTimeOf(now, scheduled time.Time, delay time.Duration) (m EvaluationTime, noChecks, warning string) {
	at := scheduled
	switch late := now.Sub(scheduled); {
	case scheduled.IsZero():
		at = now
	case late < 0 || late > uselessEvent: // guard: event of the future, or over a day old; each
		at = now
		warning = "the event's time " + scheduled.UTC().Format(time.RFC3339) +
			" is in the future or over a day old; the present is measured instead"
	case late > lateEvent: // guard: event over an hour old
		noChecks = "not checked: the event that started the cycle is " + model.Span(late) + " old"
	}
	return EvaluationTime{Now: now, Window: MeasuredWindow(at, delay)}, noChecks, warning
}
