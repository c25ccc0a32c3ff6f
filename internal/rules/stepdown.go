package rules

import (
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Bounds of the step-down rule.
const (
	stepDownAge = 24 * time.Hour   // a younger resource is skipped // guard: too young for a step: the limit; boundary
	updatePause = 45 * time.Minute // after any update, before the next step // guard: 45 minutes since an update: the limit; boundary
	// guard: a day since a raise: the limit; boundary
	raisePause    = 24 * time.Hour // after a raise, so that capacity warmed up before a sale stays
	lowestMinimum = 1              // the least that Personalize accepts (its API model) // guard: never below 1
)

// Step is what the step-down rule found, with the facts it rests on. The zero value
// means that the rule was not applied or had nothing to read.
type Step struct {
	Load
	NewMinTPS  int               // the new minimum; 0 if it stays
	Datapoints []model.Datapoint // hourly request sums, without the hours that have no data
}

func stepDownQueries(r model.Resource, m EvaluationTime) []model.Query {
	if r.MinTPS <= lowestMinimum || age(r, m) < stepDownAge {
		return nil
	}
	return []model.Query{hourlyQuery(r, m), watchedQuery(r, m), minimumQuery(r, m)}
}

// checkStepDown lowers the minimum towards the low watermark of the last 14 days, a
// quarter at a time, never below the watermark and never below 1. It never raises it.
func checkStepDown(r model.Resource, readings model.Readings, s Settings, m EvaluationTime) (Step, finding) {
	e := evidenceOf(r, readings, m)
	load, enough := checkLoad(r, e, m.Now, m.Window.End)
	step := Step{Load: load}
	for _, p := range e.Requests.Points {
		if load.Hours > 0 && !p.Time.Before(e.Window.Start) && p.Time.Before(e.Window.End) {
			step.Datapoints = append(step.Datapoints, p)
		}
	}
	if enough.code != ReasonOversized {
		return step, enough
	}
	step.NewMinTPS = nextMinimum(r.MinTPS, load.Watermark())
	move := fmt.Sprintf("%d to %d", r.MinTPS, step.NewMinTPS)
	switch code, why := stepDownBlocked(r, readings, m); {
	case s.AdjustMinTPS.Is(model.Off): // guard: AutoAdjustMinTPS=No
		return step, nothing(ReasonOff, "could step down from %s (%s); adjusting is off (AutoAdjustMinTPS=No)", move, enough.reason)
	case code != "": // guard: guards of a step
		return step, refusal(code, "not stepped down from %s (%s): %s", move, enough.reason, why)
	case s.AdjustMinTPS.Is(model.DryRun): // guard: AutoAdjustMinTPS=DryRun
		return step, nothing(ReasonDryRun, "step down from %s: %s; adjusting is a dry run (AutoAdjustMinTPS=DryRun)", move, enough.reason)
	}
	return step, finding{verdict: StepDown, code: ReasonOversized, reason: fmt.Sprintf("step down from %s: %s", move, enough.reason)}
}

// checkLoad compares the minimum with the low watermark. The code is Oversized if that is
// lower; the load is zero if the rule does not come to read it. The counts were read at a
// time that may be a little before now.
func checkLoad(r model.Resource, e Evidence, now, readAt time.Time) (Load, finding) {
	switch age := now.Sub(r.Created); {
	case r.MinTPS <= lowestMinimum: // guard: minimum of 1; never, boundary
		return Load{}, nothing(ReasonAtLowest, "its minimum is 1, the lowest there is")
	case age < stepDownAge: // guard: too young for a step; never, boundary
		return Load{}, nothing(ReasonTooNew, "too new to step down: created %s ago, at least 24 h are needed", model.Span(age))
	case !e.Requests.Complete: // guard: hourly counts not read
		return Load{}, refusal(ReasonUnread, "cannot decide whether to step down: its hourly request counts could not be read completely")
	case !e.Watched.Complete: // guard: watched hours not read
		return Load{}, refusal(ReasonUnread, "cannot decide whether to step down: when it was watched could not be read completely")
	}
	load := LoadOf(r, e, readAt)
	below := fmt.Sprintf("below %d %s %d of %d times, each 24 h after the one before", r.MinTPS, r.Kind.RateUnit(), load.Below, occasions)
	switch {
	case load.Hours == 0: // guard: no whole hour
		return load, refusal(ReasonUnread, "cannot decide whether to step down: there is no whole hour to look at")
	case !load.Confirmed: // guard: no level was reached three times
		return load, nothing(ReasonUnconfirmed, "no step down yet: seen %s (%s)", below, load.Health())
	case load.Watermark() >= r.MinTPS && load.Below > 0: // guard: watermark at the minimum, seen lower; never, boundary
		return load, nothing(ReasonKept, "kept at %d: %s, seen %s", r.MinTPS, load.Text(r.Kind), below)
	case load.Watermark() >= r.MinTPS: // guard: watermark at the minimum; never, boundary
		return load, nothing(ReasonKept, "kept at %d: %s", r.MinTPS, load.Text(r.Kind))
	case load.Silent > 0 && !(e.Regional.Complete && e.Record.Complete): // guard: silence that is not confirmed; each
		return load, refusal(ReasonRegion, "cannot decide whether to step down: %d h had no calls, "+
			"and whether their data are missing could not be read", load.Silent)
	}
	return load, nothing(ReasonOversized, "%s", load.Text(r.Kind))
}

// FinalMinimum is the minimum that repeated steps lead to if the hours of the evidence are
// typical, with the reason. It is 0 if the minimum stays.
func FinalMinimum(r model.Resource, e Evidence, now time.Time) (minimum int, reason string) {
	load, enough := checkLoad(r, e, now, now)
	if enough.code != ReasonOversized {
		return 0, enough.reason
	}
	return max(lowestMinimum, load.Watermark()), enough.reason
}

// nextMinimum is one step down, to three quarters of the minimum, but not below the
// watermark and not below 1. The caller ensures that watermark < minimum.
func nextMinimum(minimum, watermark int) int {
	return max(lowestMinimum, watermark, minimum*3/4) // guard: bounds of a step; each
}

// unseenHour finds the first hour that was watched by one answer and not at all by another.
func unseenHour(minimums, watched model.Series) (at time.Time, found bool) {
	if len(minimums.Points) == 0 {
		return time.Time{}, false
	}
	seen := byTime(watched)
	for _, p := range WatchedHours(minimums, minimums.Points[0].Time).Points {
		if _, ok := seen[p.Time]; !ok && int(p.Value) == slotsPerHour {
			return p.Time, true
		}
	}
	return time.Time{}, false
}

// stepDownBlocked is the guard before a step: it returns why there is none now, or an empty
// code.
func stepDownBlocked(r model.Resource, readings model.Readings, m EvaluationTime) (ReasonCode, string) {
	touched, minimums, changing := r.LastTouched(), readings.Get(minimumQuery(r, m)), busy(r)
	ago := m.Now.Sub(touched)
	switch {
	case changing != "": // guard: step, but busy
		return ReasonBusy, changing
	case ago < updatePause: // guard: 45 minutes since an update; never, boundary
		return ReasonPaused, fmt.Sprintf("updated %s ago, a step waits 45 min", model.Span(ago))
	case !minimums.Complete: // guard: raise not read
		return ReasonUnread, "whether it was raised in the last 24 h could not be read"
	}
	seen := ago >= raisePause // then there was no raise, whatever was observed
	for _, p := range minimums.Points {
		if p.Value < float64(r.MinTPS) { // guard: a day since a raise; never, boundary
			return ReasonRaised, fmt.Sprintf("raised in the last 24 h (it was %g at %s)", p.Value, p.Time.Format("15:04"))
		}
		seen = seen || !p.Time.After(touched)
	}
	// guard: watched hours that are missing; each
	if at, found := unseenHour(minimums, readings.Get(watchedQuery(r, m))); found && at.Before(EvidenceEnd(m.Window.End)) {
		return ReasonUnwatched, fmt.Sprintf("the answer about when it was watched lacks %s, so it may lack more", at.Format(gapFormat))
	}
	if !seen { // guard: raise not seen
		return ReasonUnwatched, fmt.Sprintf("updated %s ago, and its minimum before is not known: it may have been raised", model.Span(ago))
	}
	return "", ""
}
