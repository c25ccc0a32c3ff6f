package rules

import (
	"fmt"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
)

// Bounds of what tags arrange.
const (
	// arrangedReach is how long after it was arranged a raise may be requested: the tag is written
	// first. Until then no return is dropped.
	arrangedReach = 10 * time.Minute // guard: return: kept while the raise is requested: the limit
	// failedPause is how long after a failed update a scheduled change waits.
	failedPause = 30 * time.Minute
)

// Arrangement is what the tags of a resource arrange about its minimum. The zero value arranges nothing.
type Arrangement struct {
	Schedule *schedule.Schedule
	Return   *schedule.Return
}

// ArrangementOf reads the tags. The error says which one is not understood.
func ArrangementOf(kind model.Kind, tags map[string]string) (a Arrangement, err error) {
	if text, ok := tags[schedule.Tag]; ok {
		s, err := schedule.Parse(text)
		if err != nil {
			return a, fmt.Errorf("its tag %s is not understood: %w", schedule.Tag, err)
		}
		if why := LargeMinimum(kind, s.Highest(), 0); why != "" { // guard: schedule: a level too large
			return a, fmt.Errorf("its tag %s is not obeyed: %s", schedule.Tag, why)
		}
		a.Schedule = &s
	}
	if text, ok := tags[schedule.ReturnTag]; ok {
		r, err := schedule.ParseReturn(text)
		if err != nil {
			return Arrangement{}, fmt.Errorf("its tag %s is not understood: %w", schedule.ReturnTag, err)
		}
		a.Return = &r
	}
	return a, nil
}

// none reports whether nothing is arranged.
func (a Arrangement) none() bool { return a.Schedule == nil && a.Return == nil }

// Floor is the minimum below which nothing is lowered automatically; 0 if nothing is arranged.
func (a Arrangement) Floor(now time.Time) int {
	floor := 0
	if a.Schedule != nil {
		floor = a.Schedule.At(now) // guard: schedule: nothing is stepped down below it
	}
	if a.Return != nil {
		floor = max(floor, a.Return.Raised) // guard: return: nothing is stepped down before it; each
	}
	return floor
}

// ScheduleForbids is why a resource's tags forbid the verdict's action, a step-down to a minimum
// included; empty if they do not. Tags that are not understood forbid all.
func ScheduleForbids(kind model.Kind, tags map[string]string, verdict Verdict, minimum int, now time.Time) string {
	a, err := ArrangementOf(kind, tags)
	switch floor := a.Floor(now); {
	case err != nil: // guard: schedule that is not understood
		return err.Error()
	case a.none():
		return ""
	case verdict.Action().Ends(): // guard: schedule: nothing scheduled is stopped or deleted; never
		return fmt.Sprintf("its minimum is arranged by a tag (%s)", a.tagNames())
	case verdict == StepDown && minimum < floor: // guard: schedule: floor of a step; boundary
		return fmt.Sprintf("kept at %d by its tag %s", floor, a.tagNames())
	}
	return ""
}

func (a Arrangement) tagNames() string {
	switch {
	case a.Return == nil:
		return schedule.Tag
	case a.Schedule == nil:
		return schedule.ReturnTag
	}
	return schedule.Tag + ", " + schedule.ReturnTag
}

// ApplySchedule merges a decision with what the tags of its resource arrange for now: a change of
// the minimum to the present level of its schedule, or the end of a timed raise. Neither needs
// evidence of silence: a person asked for it. Nothing is stopped, deleted or stepped down against
// an arrangement. The tags must have been read completely.
func ApplySchedule(d Decision, tags map[string]string) Decision {
	a, err := ArrangementOf(d.Resource.Kind, tags)
	if err == nil && a.none() || d.By.WrongClock != "" { // guard: schedule: wrong clock; each:3
		return d
	}
	d.Caution = d.Caution.withoutContestNotice() // the schedule raises it, and nobody else
	step := nothing(ReasonScheduled, "%v", err)
	if err == nil {
		step = a.step(d.Resource, tags, d.At.Now)
	}
	if step.verdict.Changes() {
		d.Verdict, d.NewMinTPS, d.Would, d.WouldMin = step.verdict, step.minimum, None, 0
		d.Codes, d.Reason = []ReasonCode{step.code}, step.reason
		d.StepDown, d.Idle.HistoryDue = Step{Load: d.StepDown.Load}, false
		return d
	}
	forbids := func(verdict Verdict, minimum int) string {
		return ScheduleForbids(d.Resource.Kind, tags, verdict, minimum, d.At.Now)
	}
	floor := a.Floor(d.At.Now)
	if d.Verdict == StepDown && d.NewMinTPS < floor && floor < d.Resource.MinTPS {
		d.NewMinTPS = floor
		d.Reason = fmt.Sprintf("%s; to %d, not below its schedule", d.Reason, floor)
	}
	if d.Would.Changes() && forbids(d.Would, d.WouldMin) != "" {
		d.Would, d.WouldMin = None, 0
	}
	if why := forbids(d.Verdict, d.NewMinTPS); why != "" {
		if d.Verdict.Action().Ends() {
			return refuse(d, ReasonScheduled, why)
		}
		if d.Verdict == StepDown { // every check finds it: no refusal to report each time
			d.Verdict, d.NewMinTPS, d.StepDown = None, 0, Step{Load: d.StepDown.Load}
		}
	}
	d.Codes = append(slices.Clone(d.Codes), step.code)
	if d.Reason != "" {
		d.Reason += "; "
	}
	d.Reason += step.reason
	return d
}

// step is what the arrangement leads to now.
func (a Arrangement) step(r model.Resource, tags map[string]string, now time.Time) finding {
	f := a.wanted(r, now)
	if !f.verdict.Changes() {
		return f
	}
	changing, failed, protected := busy(r), recentlyFailed(r, now), Protected(tags, f.verdict, now)
	if f.verdict == Drop { // it removes a tag, and changes no minimum
		failed, protected = "", ""
	}
	waits := func(code ReasonCode, why string) finding { return nothing(code, "waits (%s): %s", f.reason, why) }
	switch {
	case changing != "": // guard: schedule, but busy
		return waits(ReasonBusy, changing)
	case failed != "":
		return waits(ReasonPaused, failed)
	case r.Stale: // guard: schedule: stale description
		return waits(ReasonStale, "its description is an old copy")
	case protected != "":
		return waits(ReasonGuard, protected)
	}
	return f
}

// recentlyFailed is why a change waits after one that the service did not manage.
func recentlyFailed(r model.Resource, now time.Time) string {
	if u := r.Update; u != nil && u.Status.Settled() && u.Status != model.StatusActive && now.Sub(u.Created) < failedPause {
		return fmt.Sprintf("its last update failed %s ago, another waits %s", model.Span(now.Sub(u.Created)), model.Span(failedPause))
	}
	return ""
}

// wanted is what the arrangement leads to if nothing prevents it.
func (a Arrangement) wanted(r model.Resource, now time.Time) finding {
	level, wants := 0, ""
	if a.Schedule != nil {
		level = a.Schedule.At(now)
		wants = fmt.Sprintf("its schedule wants %d %s", level, r.Kind.RateUnit())
		if next, _, ok := a.Schedule.Next(now); ok {
			wants += " until " + next.UTC().Format(gapFormat)
		}
	}
	owns := a.Schedule != nil && a.Schedule.Owns(r.MinTPS)
	if a.Return != nil {
		f := a.wantedReturn(r, level, owns, now)
		switch floor := a.Floor(now); {
		case f.verdict.Changes():
			return f
		case owns && r.MinTPS > floor: // guard: return: a level above it ends at its end
			return change(Lower, ReasonScheduled, floor, "lower from %d to %d: %s, and it is raised to %d until %s",
				r.MinTPS, floor, wants, a.Return.Raised, a.Return.Due.UTC().Format(gapFormat))
		case r.MinTPS >= level:
			return f
		}
	}
	switch {
	case r.MinTPS < level:
		return change(Raise, ReasonScheduled, level, "raise from %d to %d: %s", r.MinTPS, level, wants)
	case r.MinTPS == level:
		return nothing(ReasonScheduled, "%s", wants)
	case owns: // guard: schedule: lowers what it raised, and nothing else
		return change(Lower, ReasonScheduled, level, "lower from %d to %d: %s", r.MinTPS, level, wants)
	}
	return nothing(ReasonScheduled, "%s; its minimum of %d was set by somebody else, and is not lowered by the schedule", wants, r.MinTPS)
}

// wantedReturn is what a timed raise leads to. The level is that of a schedule beside it, which
// takes over when the raise ends; 0 if there is none. The schedule owns the present minimum, or does not.
func (a Arrangement) wantedReturn(r model.Resource, level int, owns bool, now time.Time) finding {
	b := a.Return
	due := b.Due.UTC().Format(gapFormat)
	to := max(b.Target, level) // guard: return: never below what was set before; each
	raised := raisedFor(b, r.MinTPS, r.Update)
	requested := now.Sub(b.Arranged) < arrangedReach // guard: return: kept while the raise is requested; boundary
	switch {
	case requested && (!raised || to >= r.MinTPS):
		return nothing(ReasonReturn, "raised to %d until %s; the raise is being requested", b.Raised, due)
	case !raised && r.MinTPS == b.Target: // guard: return: never raised, or back already
	case !raised && !owns: // guard: return: changed by somebody; each
		return change(Drop, ReasonChanged, r.MinTPS, "the return to %d at %s is dropped: it was raised to %d, "+
			"and somebody has changed its minimum to %d since", b.Target, due, b.Raised, r.MinTPS)
	case now.Before(b.Due): // guard: return: not before its time
		return nothing(ReasonReturn, "raised to %d until %s, then back to %d", b.Raised, due, to)
	case raised && to < r.MinTPS:
		return change(Return, ReasonReturn, to, "return from %d to %d: it was raised until %s", r.MinTPS, to, due)
	}
	return change(Drop, ReasonReturn, r.MinTPS, "the raise to %d is over: its minimum is %d", b.Raised, r.MinTPS)
}

// ReturnTarget is the minimum to which a timed raise returns that is requested now: the present one
// or, if the resource is raised for a time already, that from before the first raise.
// The update is the latest one; nil if there was none.
func ReturnTarget(minimum int, update *model.Update, pending *schedule.Return) int {
	if pending != nil && raisedFor(pending, minimum, update) { // guard: return: to where the first raise began; each
		return pending.Target
	}
	return minimum
}

// raisedFor reports whether a minimum is that of a timed raise: what it was raised to, or, if that update failed, to where a raise
// before it had raised it. After a later update that value is somebody's.
func raisedFor(b *schedule.Return, minimum int, update *model.Update) bool {
	if minimum == b.Raised {
		return true
	}
	later := update != nil && update.Status == model.StatusActive && update.Created.After(b.Arranged.Add(arrangedReach))
	return minimum == b.From && b.From > b.Target && !later // guard: return: where a failed raise left it; each
}
