// Package decide holds the rules: plain values and a time in, decisions with their
// reasons out. It is the third step of discover → measure → decide → act → report and
// knows no AWS. Every rule errs on the side of doing nothing: data that is missing,
// partial or stale never leads to an action.
package rules

import (
	"fmt"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Verdict is a decision in one word, as results and metrics show it.
type Verdict string

// The verdicts. Refused means that a rule found something to do and a guard said no.
const (
	None     Verdict = "none"
	StepDown Verdict = "step-down"
	Stop     Verdict = "stop"
	Delete   Verdict = "delete"
	Refused  Verdict = "refused"
)

// actions are what the verdicts lead to.
var actions = map[Verdict]model.Action{StepDown: model.ActionUpdate, Stop: model.ActionStop, Delete: model.ActionDelete}

// Action is the action that the verdict leads to; empty if it leads to none.
func (v Verdict) Action() model.Action { return actions[v] }

// Changes reports whether the verdict leads to a change of the resource.
func (v Verdict) Changes() bool { return v.Action() != "" }

// VerdictOf is the verdict that leads to the action; empty if none does.
func VerdictOf(action model.Action) Verdict {
	for verdict, a := range actions {
		if a == action {
			return verdict
		}
	}
	return ""
}

// Settings are the parameters that the rules obey.
type Settings struct {
	AdjustMinTPS     model.Switch // AutoAdjustMinTPS
	StopIdle         model.Switch // AutoDeleteOrStopIdleResources
	IdleHours        int          // IdleThresholdHours, 1 to 168
	HourlyChecks     model.Mode
	NoChecks         string // why there are no hourly checks this time, whatever HourlyChecks says; empty if there are
	DeploymentRegion string // where the number of monitored resources is published
}

// IdleTime is how long a resource must have been without requests to count as idle.
func (s Settings) IdleTime() time.Duration { return time.Duration(s.IdleHours) * time.Hour }

// EvaluationTime is the time that decisions are made for. Ages are counted to Now; request
// counts are read up to Window.End, which lies a little before.
type EvaluationTime struct {
	Now    time.Time
	Window model.Window // the 5 minutes being measured
}

// Decision is what the rules say about one resource, with the facts it rests on.
type Decision struct {
	Resource   model.Resource
	Throughput Throughput
	Checked    bool // the hourly checks were made
	Verdict    Verdict
	NewMinTPS  int    // StepDown only
	Marker     bool   // StepDown only: it may bear our mark; see Sign
	Reason     string // one sentence with the numbers
	// Would is what would happen if its switch stood at Yes instead of DryRun; else None or
	// empty. A resource that would be stopped may still be stepped down.
	Would    Verdict
	WouldMin int // where Would is StepDown: the minimum it would get
	Idle     Idle
	StepDown Step

	By Settings       // the settings it was made by
	At EvaluationTime // the time it was made for
}

// Intended is what the decision leads to, or would lead to without the refusal or the dry
// run, and the minimum of a step-down. It is Refused if a rule refused before it came to an
// action.
func (d Decision) Intended() (Verdict, int) {
	switch {
	case d.Verdict == None && d.Would != "":
		return d.Would, d.WouldMin
	case d.Verdict != Refused:
		return d.Verdict, d.NewMinTPS
	case d.Idle.Is:
		return idleVerdict(d.Resource.Kind), 0
	case d.StepDown.NewMinTPS > 0:
		return StepDown, d.StepDown.NewMinTPS
	}
	return Refused, 0
}

// idleVerdict is what follows from idleness: recommenders are stopped, campaigns deleted.
func idleVerdict(kind model.Kind) Verdict {
	if kind == model.Recommender {
		return Stop
	}
	return Delete
}

// finding is what one of the hourly checks came to.
type finding struct {
	action Verdict
	reason string
	would  Verdict // what a dry run keeps from being the action
}

// Due tells whether the hourly checks of a resource are to be made in this window.
func Due(arn model.ARN, s Settings, m EvaluationTime) bool {
	if s.NoChecks != "" {
		return false
	}
	switch s.HourlyChecks {
	case model.Always:
		return true
	case model.Auto:
		return Slot(arn) == slotOf(m.Window)
	}
	return false
}

// Decide applies the rules to one resource. The readings must hold the answers to
// WindowQueries and, if its checks are due, to CheckQueries; what is missing counts as
// unread, and nothing is done on it.
func Decide(r model.Resource, readings model.Readings, s Settings, m EvaluationTime) Decision {
	d := Decision{Resource: r, Throughput: ThroughputOf(r, readings, m), Verdict: None, By: s, At: m}
	switch {
	case !Due(r.ARN, s, m):
		d.Reason = notDue(r.ARN, s)
		return d
	case !d.Throughput.Readable && d.Throughput.Invisible:
		d.Checked = true
		d.Reason = d.Throughput.Why
		return d
	case !d.Throughput.Readable:
		d.Checked = true
		d.Verdict, d.Reason = Refused, "nothing is decided: "+d.Throughput.Why
		return d
	case r.Stale:
		d.Checked = true
		d.Verdict = Refused
		d.Reason = fmt.Sprintf("nothing is decided: its description is %s old and could not be renewed", span(m.Now.Sub(r.Observed)))
		return d
	}
	d.Checked = true
	var idle, step finding
	d.Idle, idle = checkIdle(r, d.Throughput, readings, s, m)
	// A step-down would become the latest update and hide the one that spares the resource.
	if !idle.action.Changes() && !d.Idle.Touched {
		d.StepDown, step = checkStepDown(r, readings, s, m)
	}
	d.Verdict, d.Reason = settle(idle, step)
	if d.Would = idle.would; d.Would == "" && step.would != "" {
		d.Would, d.WouldMin = step.would, d.StepDown.NewMinTPS
	}
	if d.Verdict == StepDown {
		d.NewMinTPS = d.StepDown.NewMinTPS
	}
	return d
}

// settle merges the findings of the two checks: what changes something wins, then what
// was refused; the reasons are told together.
func settle(idle, step finding) (Verdict, string) {
	var reasons []string
	for _, f := range []finding{idle, step} {
		if f.reason != "" {
			reasons = append(reasons, f.reason)
		}
	}
	reason := strings.Join(reasons, "; ")
	switch {
	case idle.action.Changes():
		return idle.action, idle.reason
	case step.action.Changes() && idle.would == "":
		return step.action, step.reason
	case step.action.Changes():
		return step.action, reason
	case idle.action == Refused || step.action == Refused:
		return Refused, reason
	}
	return None, reason
}

func notDue(arn model.ARN, s Settings) string {
	switch {
	case s.NoChecks != "":
		return s.NoChecks
	case s.HourlyChecks == model.Auto:
		return fmt.Sprintf("not due: its hourly checks are made at minute %02d", Slot(arn)*5)
	}
	return "hourly checks are switched off (HourlyChecks=never)"
}

// busy says why a resource cannot be acted on just now, or gives the empty string.
// A status that this build does not know counts as busy.
func busy(r model.Resource) string {
	if r.Status != model.StatusActive {
		return fmt.Sprintf("its status is %s", r.Status)
	}
	if r.Update != nil && !r.Update.Status.Settled() {
		return fmt.Sprintf("an update is in progress (%s)", r.Update.Status)
	}
	return ""
}

// span prints a duration for people: minutes below two hours, hours below four days,
// days beyond, always rounded down. A negative one, by a clock that is off, is told as such.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + span(-d)
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 96*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// Refuse turns a decision into a refusal, because a guard outside the rules said no.
func Refuse(d Decision, why string) Decision {
	d.Reason = fmt.Sprintf("not done (%s): %s", d.Reason, why)
	d.Verdict, d.NewMinTPS, d.Would, d.WouldMin = Refused, 0, None, 0
	return d
}

// NeedsDescription tells whether a decision rests on the latest update of a resource
// that was only listed: the update is known from a description alone. It does if it
// would change the resource, or spares it because of an update that may be our own.
func NeedsDescription(d Decision) bool {
	return !d.Resource.Described && (d.Verdict.Changes() || d.Would.Changes() || d.Idle.Touched)
}
