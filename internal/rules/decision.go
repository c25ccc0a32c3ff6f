// Package rules decides what should happen to a resource: from plain values and a time, a
// Decision with its reason. It is the third step of discover → measure → decide → act →
// report and knows no AWS. Every rule errs towards doing nothing: data that is missing,
// partial or stale never leads to an action.
package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

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
	d := Decision{Resource: r, Throughput: ThroughputOf(r, readings, m), By: s, At: m}
	idle, step := notDue(r.ARN, s, m), finding{}
	if d.Checked = idle.code == ""; d.Checked {
		idle = d.precondition()
	}
	if idle.code == "" {
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

// precondition finds why no rule is applied though the checks are due; the zero finding if they are.
func (d *Decision) precondition() finding {
	switch {
	case d.Throughput.Invisible: // guard: traffic that no metric counts
		return nothing(ReasonUncounted, "%s", d.Throughput.Why)
	case !d.Throughput.Readable: // guard: window not read
		return refusal(ReasonUnread, "nothing is decided: %s", d.Throughput.Why)
	case d.Resource.Stale: // guard: stale description
		age := d.At.Now.Sub(d.Resource.Observed)
		return refusal(ReasonStale, "nothing is decided: its description is %s old and could not be refreshed", model.Span(age))
	}
	return finding{}
}

// merge makes the decision of the findings of the two rules: a change wins, then a refusal.
// Unless the change stands alone, the reasons are joined.
func (d *Decision) merge(idle, step finding) {
	findings := []finding{idle, step}
	switch {
	case idle.code == ReasonDryRun:
		d.Would = IdleVerdict(d.Resource.Kind)
	case step.code == ReasonDryRun:
		d.Would, d.WouldMin = StepDown, d.StepDown.NewMinTPS
	}
	switch {
	case idle.verdict.Changes():
		d.Verdict, findings = idle.verdict, findings[:1]
	case step.verdict.Changes(): // guard: a step is made though a stop is refused
		d.Verdict, d.NewMinTPS = step.verdict, d.StepDown.NewMinTPS
		if d.Would == "" {
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

// Verdict is a decision in one word, as results and metrics show it.
type Verdict string

// The verdicts. Refused means that a rule found something to do and a guard said no, or
// that a rule lacks the data to decide.
const (
	None     Verdict = "none"
	StepDown Verdict = "step-down"
	Stop     Verdict = "stop"
	Delete   Verdict = "delete"
	Refused  Verdict = "refused"
)

// The verdicts that follow from tags; see ApplySchedule. Drop removes the tag of a timed raise
// that is over, or that somebody has changed, and no more.
const (
	Raise  Verdict = "raise"
	Lower  Verdict = "lower"
	Return Verdict = "return"
	Drop   Verdict = "drop-return"
)

var actions = map[Verdict]model.Action{
	StepDown: model.ActionUpdate, Stop: model.ActionStop, Delete: model.ActionDelete,
	Raise: model.ActionUpdate, Lower: model.ActionUpdate, Return: model.ActionUpdate, Drop: model.ActionUpdate,
}

// Action is the action that the verdict leads to; empty if it leads to none.
func (v Verdict) Action() model.Action { return actions[v] }

// Scheduled reports whether the verdict follows from tags.
func (v Verdict) Scheduled() bool { return v == Raise || v == Lower || v == Return || v == Drop }

// Changes reports whether the verdict leads to a change of the resource.
func (v Verdict) Changes() bool { return v.Action() != "" }

// VerdictOf is the verdict that leads to the action without a tag; empty if none does.
func VerdictOf(action model.Action) Verdict {
	for verdict, a := range actions {
		if a == action && !verdict.Scheduled() {
			return verdict
		}
	}
	return ""
}

// ReasonCode is a reason of a decision for programs; the sentence beside it is for people.
type ReasonCode string

// The reasons.
const (
	ReasonNotDue      ReasonCode = "not due"     // no hourly checks in this window
	ReasonUncounted   ReasonCode = "uncounted"   // no metric counts the requests of its recipe
	ReasonUnread      ReasonCode = "unread"      // data that a rule needs could not be read
	ReasonStale       ReasonCode = "stale"       // its description is an old copy
	ReasonTooNew      ReasonCode = "too new"     // younger than a rule requires
	ReasonInUse       ReasonCode = "in use"      // called within the idle time
	ReasonFailing     ReasonCode = "failing"     // called within the idle time, but every call failed
	ReasonIdle        ReasonCode = "idle"        // not called within the idle time
	ReasonUsual       ReasonCode = "usual"       // not called within the idle time, but that may be usual for it
	ReasonUncertain   ReasonCode = "uncertain"   // it is not known whether its calls are counted
	ReasonAtLowest    ReasonCode = "at lowest"   // its minimum is 1
	ReasonKept        ReasonCode = "kept"        // it needs its minimum
	ReasonOversized   ReasonCode = "oversized"   // it needs less than its minimum
	ReasonOff         ReasonCode = "off"         // the parameter of the action is No
	ReasonDryRun      ReasonCode = "dry run"     // the parameter of the action is DryRun
	ReasonUnconfirmed ReasonCode = "unconfirmed" // no level of demand was reached three times
	ReasonRegion      ReasonCode = "region"      // it is not known whether the data of its region are missing
	ReasonBusy        ReasonCode = "busy"        // a change is in progress
	ReasonUpdated     ReasonCode = "updated"     // updated within the idle time, perhaps by a person
	ReasonUnwatched   ReasonCode = "unwatched"   // it may have been stopped within the idle time
	ReasonPaused      ReasonCode = "paused"      // updated too recently for a step
	ReasonRaised      ReasonCode = "raised"      // its minimum was raised too recently for a step
	ReasonFailures    ReasonCode = "failures"    // calls failed as demand rose above the minimum
	ReasonContested   ReasonCode = "contested"   // somebody sets the minimum back after our steps
	ReasonGuard       ReasonCode = "guard"       // refused by a guard outside the rules
	ReasonClock       ReasonCode = "clock"       // the clock of this host is wrong
	ReasonLate        ReasonCode = "late"        // CloudWatch data of its region are late
	ReasonScheduled   ReasonCode = "scheduled"   // by the schedule in its tag
	ReasonReturn      ReasonCode = "return"      // by the timed raise in its tag
	ReasonChanged     ReasonCode = "changed"     // somebody changed the minimum during a timed raise
)

// Settings are the parameters that the rules obey.
type Settings struct {
	AdjustMinTPS     model.Switch // AutoAdjustMinTPS
	StopIdle         model.Switch // AutoDeleteOrStopIdleResources
	IdleHours        int          // IdleThresholdHours, 1 to 168
	UsedIdleHours    int          // UsedIdleThresholdHours, 1 to 1080
	HourlyChecks     model.Mode
	NoChecks         string // why there are no hourly checks this time, whatever HourlyChecks says; empty if there are
	WrongClock       string // why the host's clock is not trusted, so that nothing is decided; empty if it is
	DeploymentRegion string // where the number of monitored resources is published
}

// IdleTime is how long a resource must be without requests to count as idle.
func (s Settings) IdleTime() time.Duration { return time.Duration(s.IdleHours) * time.Hour }

// EvaluationTime is the time that decisions are made for. Ages count to Now; request
// counts are read up to Window.End, a little earlier.
type EvaluationTime struct {
	Now    time.Time
	Window model.Window // the 5 minutes that are measured
}

func age(r model.Resource, m EvaluationTime) time.Duration { return m.Now.Sub(r.Created) }

// finding is the result of one rule. The zero value has no say.
type finding struct {
	verdict Verdict
	code    ReasonCode
	reason  string
	minimum int // the new one, of a verdict that follows from tags
}

func nothing(code ReasonCode, format string, args ...any) finding {
	return finding{verdict: None, code: code, reason: fmt.Sprintf(format, args...)}
}

func refusal(code ReasonCode, format string, args ...any) finding {
	return finding{verdict: Refused, code: code, reason: fmt.Sprintf(format, args...)}
}

// change is a change to a new minimum that follows from tags.
func change(verdict Verdict, code ReasonCode, minimum int, format string, args ...any) finding {
	return finding{verdict: verdict, code: code, minimum: minimum, reason: fmt.Sprintf(format, args...)}
}
