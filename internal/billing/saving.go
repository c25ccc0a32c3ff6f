package billing

import (
	"fmt"
	"math"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// jumpFactor is how many times a minimum demand rises above, for Savings.Jumps.
const jumpFactor = 2

// Savings are the TPS-hours that one action, or all together, would save, and the exposure
// that comes with it.
type Savings struct {
	// TPSHours would have been saved within the span: with the new minimum in force all the
	// time, or with the resource gone since its last request.
	TPSHours float64 `json:"tpsHours"`
	// PerMonth are the TPS-hours that would be saved in a month of 730 hours, if demand
	// stays as it was in the span, from the present minimum on.
	PerMonth float64 `json:"tpsHoursPerMonth"`
	// ColdPerWeek is how many 5-minute steps a week would be cold with the new minimum, and
	// ColdPerWeekNow how many are with the present one; see ColdSteps. They are nil if that is
	// not known. ColdUnknown counts the step-downs for which it is not, which are in no sum.
	// StepDown only.
	ColdPerWeek    *float64 `json:"coldStepsPerWeek"`
	ColdPerWeekNow *float64 `json:"coldStepsPerWeekNow"`
	ColdUnknown    int      `json:"coldStepsUnknown"`
	// Jumps counts how often demand rose above twice the new minimum within one 5-minute
	// slot, and Sudden those of them that began at or below the new minimum; JumpsNow is
	// Jumps for the present minimum. StepDown only. ColdPerWeek replaces them: they do not count
	// demand that rises from above twice the minimum, and the next release leaves them out.
	Jumps    int `json:"jumps"`
	Sudden   int `json:"sudden"`
	JumpsNow int `json:"jumpsNow"`
}

// Add adds others.
func (s *Savings) Add(other Savings) {
	s.TPSHours += other.TPSHours
	s.PerMonth += other.PerMonth
	s.ColdPerWeek = model.AddKnown(s.ColdPerWeek, other.ColdPerWeek)
	s.ColdPerWeekNow = model.AddKnown(s.ColdPerWeekNow, other.ColdPerWeekNow)
	s.ColdUnknown += other.ColdUnknown
	s.Jumps += other.Jumps
	s.Sudden += other.Sudden
	s.JumpsNow += other.JumpsNow
}

// Saving is what an action on a resource would save. With the verdict None it saves
// nothing, and the reason says why.
type Saving struct {
	Action rules.Verdict `json:"action"`           // StepDown, Stop, Delete, or None
	NewMin int           `json:"newMin,omitempty"` // StepDown only
	Savings
	Cold   *ColdExposure `json:"coldSteps,omitempty"` // StepDown only
	Reason string        `json:"-"`
	// NotIdle is why a resource without served calls is not idle; empty if it was called, or is idle.
	NotIdle rules.ReasonCode `json:"-"`
	// Observed is how much of the demand is known, which the reason rests on; the zero value if
	// nothing could be read.
	Observed rules.Load `json:"-"`
}

// ColdExposure is what a lower minimum means for demand that rises faster than capacity. Its JSON
// keys are stable.
type ColdExposure struct {
	Then ColdSteps `json:"then"` // with the new minimum
	Now  ColdSteps `json:"now"`  // with the present one
	Risk Risk      `json:"risk"`
}

// Advise finds what would save most: to stop or delete what no one calls, or else to step
// down to the low watermark of 14 days. The readings must hold the answers to CallQueries,
// SilenceQueries and ContestQueries. What was called within 14 days is idle only after the time
// used; what was not, after the time idle.
// Unlike a decision it ignores what only forbids an action now, such as an update in
// progress.
func Advise(r model.Resource, u Metered, readings model.Readings, idle, used time.Duration, m ReportTime) Saving {
	if !u.Readable {
		return Saving{Action: rules.None, Reason: u.Why}
	}
	e := confirmed(u.evidence, r, readings, lookBack(m))
	s := u.advise(r, e, readings, idle, used, m)
	s.Observed = rules.LoadOf(r, e, m.Now)
	return s
}

func (u Metered) advise(r model.Resource, e rules.Evidence, readings model.Readings, idle, used time.Duration, m ReportTime) Saving {
	note, notIdle := "", rules.ReasonCode("")
	if u.looksIdle(r, idle, m) {
		from := m.Span.End.Add(-idle)
		hours := int(math.Ceil(m.Until.Sub(from).Hours())) // with the part of an hour after the span
		calls := rules.CountCalls(idleQueries(r, idle, m), readings, from)
		code, why := rules.NotIdle(calls, hours)
		if uncertain := rules.UncertainRecipe(r); code == "" && uncertain != "" {
			code, why = rules.ReasonUncertain, "idle, but "+uncertain
		}
		if usual := usualSilence(e.Requests, used, m); code == "" && usual != "" {
			code, why = rules.ReasonUsual, usual
		}
		switch code {
		case "":
			return u.RemovalSaving(r)
		case rules.ReasonInUse: // by another operation than its recipe implies, or after the span
			return Saving{Action: rules.None, Reason: fmt.Sprintf(
				"not idle: it served %.0f calls in the last %d h that are not among its requests in the span", calls.Served, hours)}
		default:
			note, notIdle = why+"; ", code
		}
	}
	newMin, reason := rules.FinalMinimum(r, e, m.Now)
	s := Saving{Action: rules.None}
	if newMin > 0 {
		s = u.SavingOf(r, newMin, u.Demand(r, readings, m))
	}
	s.Reason, s.NotIdle = note+reason, notIdle
	if contest, _ := rules.ContestOf(r, readings, m.evaluation()); newMin > 0 && m.Now.Before(contest.Until()) {
		s.Reason += "; " + contest.Text(r.Kind)
	}
	return s
}

// usualSilence is why the silence of a resource may be usual for its callers, by its requests of 14
// days; empty if it is not. A report does not read the 90 days that a stop or deletion needs.
func usualSilence(requests model.Series, used time.Duration, m ReportTime) string {
	if !requests.Complete {
		return "idle, but its requests of 14 days could not be read completely"
	}
	var last time.Time
	for _, p := range requests.Points {
		if p.Value > 0 {
			last = p.Time.Add(time.Hour)
		}
	}
	if last.IsZero() || m.Span.End.Sub(last) >= used {
		return ""
	}
	return fmt.Sprintf("idle, but called up to %s UTC, so not removed within %d h of that", last.UTC().Format(minuteForm), int(used.Hours()))
}

// RemovalSaving is the saving of a stop or deletion since the last call.
func (u Metered) RemovalSaving(r model.Resource) Saving {
	s := Saving{Action: rules.IdleVerdict(r.Kind)}
	s.PerMonth = float64(r.MinTPS) * HoursPerMonth
	_, since := u.slots.idle()
	s.TPSHours = u.Paid - u.slots.paid(u.slots.removed(since))
	s.Reason = "no request since " + u.slots.Time(since).Format(minuteForm) + " UTC"
	if since == 0 {
		s.Reason = "no request in all the time looked at"
	}
	return s
}

// SavingOf is what a given lower minimum would save, and how much more demand would come faster than
// capacity.
func (u Metered) SavingOf(r model.Resource, newMin int, d Demand) Saving {
	s := Saving{Action: rules.StepDown, NewMin: newMin}
	lower, present := float64(newMin), float64(r.MinTPS)
	s.TPSHours = u.Paid - u.slots.paid(u.slots.atMost(lower))
	if u.Hours > 0 {
		s.PerMonth = (u.slots.paid(u.slots.throughout(present)) - u.slots.paid(u.slots.throughout(lower))) * HoursPerMonth / u.Hours
	}
	then, now := d.Cold(lower), d.Cold(present)
	s.Cold = &ColdExposure{then, now, RiskOf(then, now)}
	if s.Cold.Risk == RiskUnknown {
		s.ColdUnknown = 1
	} else {
		s.ColdPerWeek, s.ColdPerWeekNow = then.PerWeek, now.PerWeek
	}
	s.Jumps = u.slots.jumps(jumpFactor*lower, jumpFactor*lower)
	s.Sudden = u.slots.jumps(lower, jumpFactor*lower)
	s.JumpsNow = u.slots.jumps(jumpFactor*present, jumpFactor*present)
	return s
}

// Promise is what a step from one minimum to a lower one is expected to save in a month of 730 hours,
// in TPS-hours, by the hours that the step rests on: those with a count, and the silent ones. By
// hourly means it is not exact. It is nil without hours.
func Promise(from, to int, step rules.Step) *float64 {
	hours := float64(len(step.Datapoints) + step.Silent)
	if hours == 0 || to >= from {
		return nil
	}
	provided := func(minimum int) float64 { return float64(minimum) * PerTPSHour }
	saved := float64(step.Silent) * (provided(from) - provided(to))
	for _, p := range step.Datapoints {
		saved += Metering(provided(from), p.Value) - Metering(provided(to), p.Value)
	}
	return new(saved / PerTPSHour / hours * HoursPerMonth)
}

// PerMonth is the TPS-hours that a month of 730 hours is paid for with the present minimum, if
// demand stays as it was in the span; nil if that is not known.
func (u Metered) PerMonth(r model.Resource) *float64 {
	if !u.Readable {
		return nil
	}
	if u.Hours <= 0 {
		return new(float64(r.MinTPS) * HoursPerMonth)
	}
	return new(u.slots.paid(u.slots.throughout(float64(r.MinTPS))) * HoursPerMonth / u.Hours)
}
