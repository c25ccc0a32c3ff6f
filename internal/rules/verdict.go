package rules

import (
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

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
	would   Verdict // the verdict without the dry run
}

func nothing(code ReasonCode, format string, args ...any) finding {
	return finding{verdict: None, code: code, reason: fmt.Sprintf(format, args...)}
}

func refusal(code ReasonCode, format string, args ...any) finding {
	return finding{verdict: Refused, code: code, reason: fmt.Sprintf(format, args...)}
}

// span prints a duration for people: minutes below two hours, hours below four days, days
// beyond, always rounded down. A negative one means that a clock is wrong.
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
