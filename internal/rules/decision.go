// Package rules decides what should happen to a resource: from plain values and a time, a
// Decision with its reason. It is the third step of discover → measure → decide → act →
// report and knows no AWS. Every rule errs towards doing nothing: data that is missing,
// partial or stale never leads to an action.
package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Decision is what the rules decide about one resource, with the facts it rests on.
type Decision struct {
	Resource   model.Resource
	Throughput Throughput
	Checked    bool // the hourly checks were made
	Verdict    Verdict
	NewMinTPS  int          // StepDown only
	Marker     bool         // StepDown only: it may set our own-change marker; see AllowMarker
	Codes      []ReasonCode // one for each rule that has a say
	Reason     string       // one sentence with the numbers
	// Would is the verdict if its switch were Yes instead of DryRun; else None or empty. A
	// resource that would be stopped may still be stepped down.
	Would    Verdict
	WouldMin int // where Would is StepDown: the new minimum
	Idle     Idleness
	StepDown Step
	Caution  Caution // see ApplyCaution

	By Settings       // the settings it was made by
	At EvaluationTime // the time it was made for
}

// Has reports whether the code is one of the reasons.
func (d Decision) Has(code ReasonCode) bool { return slices.Contains(d.Codes, code) }

// Intended is what the decision leads to, or would lead to without the refusal or the dry
// run, and the minimum of a step-down. It is Refused if a rule refused before it came to an
// action.
func (d Decision) Intended() (Verdict, int) {
	switch {
	case d.Verdict == None && d.Would != "":
		return d.Would, d.WouldMin
	case d.Verdict != Refused:
		return d.Verdict, d.NewMinTPS
	case d.Idle.Is && !d.Has(ReasonUsual):
		return IdleVerdict(d.Resource.Kind), 0
	case d.StepDown.NewMinTPS > 0:
		return StepDown, d.StepDown.NewMinTPS
	}
	return Refused, 0
}

// Decide applies the rules to one resource. The readings must hold the answers to
// WindowQueries and, if its checks are due, to CheckQueries; what is missing counts as
// unread and leads to no action.
func Decide(r model.Resource, readings model.Readings, s Settings, m EvaluationTime) Decision {
	d := Decision{Resource: r, Throughput: ThroughputOf(r, readings, m), Checked: Due(r.ARN, s, m), By: s, At: m}
	idle, step := d.precondition(), finding{}
	if idle.verdict == "" {
		d.Caution.Rise, _ = latestRise(r, readings, m)
		d.Idle, idle = checkIdle(r, d.Throughput, readings, s, m)
		// A step-down would become the latest update and hide the one that keeps the resource.
		if !idle.verdict.Changes() && idle.code != ReasonUpdated { // guard: a step hides no person's update; each:2
			d.StepDown, step = checkStepDown(r, readings, s, m)
		}
	}
	d.merge(idle, step)
	return d
}

// precondition finds why no rule is applied; the zero finding if they are.
func (d *Decision) precondition() finding {
	switch {
	case !d.Checked:
		return notDue(d.Resource.ARN, d.By)
	case d.Throughput.Invisible: // guard: traffic that no metric counts
		return nothing(ReasonUncounted, "%s", d.Throughput.Why)
	case !d.Throughput.Readable: // guard: window not read
		return refusal(ReasonUnread, "nothing is decided: %s", d.Throughput.Why)
	case d.Resource.Stale: // guard: stale description
		age := d.At.Now.Sub(d.Resource.Observed)
		return refusal(ReasonStale, "nothing is decided: its description is %s old and could not be refreshed", span(age))
	}
	return finding{}
}

// merge makes the decision of the findings of the two rules: a change wins, then a refusal.
// Unless the change stands alone, the reasons are joined.
func (d *Decision) merge(idle, step finding) {
	findings := []finding{idle, step}
	switch {
	case idle.verdict.Changes():
		d.Verdict, findings = idle.verdict, findings[:1]
	case step.verdict.Changes(): // guard: a step is made though a stop is refused
		d.Verdict, d.NewMinTPS = step.verdict, d.StepDown.NewMinTPS
		if idle.would == "" {
			findings = findings[1:]
		}
	case idle.verdict == Refused || step.verdict == Refused:
		d.Verdict = Refused
	default:
		d.Verdict = None
	}
	var reasons []string
	for _, f := range findings {
		if f.code != "" {
			d.Codes = append(d.Codes, f.code)
		}
		if f.reason != "" {
			reasons = append(reasons, f.reason)
		}
	}
	d.Reason = strings.Join(reasons, "; ")
	if d.Would = idle.would; d.Would == "" && step.would != "" {
		d.Would, d.WouldMin = step.would, d.StepDown.NewMinTPS
	}
}

// Refuse turns a decision into a refusal by a guard outside the rules.
func Refuse(d Decision, why string) Decision { return refuse(d, ReasonGuard, why) }

func refuse(d Decision, code ReasonCode, why string) Decision {
	d.Reason = fmt.Sprintf("not done (%s): %s", d.Reason, why)
	d.Codes = append(slices.Clone(d.Codes), code)
	d.Verdict, d.NewMinTPS, d.Would, d.WouldMin = Refused, 0, None, 0 // guard: a refusal changes nothing
	d.Idle.HistoryDue = false
	return d
}
