package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// watchTime is how long an endpoint is shown as watched after a step-down.
const watchTime = 2 * time.Hour

// state is the state of an endpoint in one word.
type state struct{ Key, Label, Icon, Tone string }

// The states in the order in which they apply: the first one wins.
var (
	failing   = state{"failing", "Failing", "warn", "fail"}
	watching  = state{"watching", "Watching", "eye", "watch"}
	held      = state{"held", "Held", "undo", "line"}
	contested = state{"contested", "Contested", "swap", "waste"}
	idle      = state{"idle", "Idle", "idle", "waste"}
	oversized = state{"oversized", "Oversized", "over", "waste"}
	unknown   = state{"unknown", "Unknown", "help", "line"}
	fine      = state{"fine", "Fine", "check", "fine"}
	stopped   = state{"out", "Stopped", "stop", ""}
)

var states = []state{failing, watching, held, contested, idle, oversized, unknown, fine, stopped}

// stateOf is the state of an endpoint. What was not read, or not checked yet, is unknown.
func stateOf(r *row) state {
	switch {
	case !r.Monitored && r.Status != model.StatusInactive:
		return state{stopped.Key, "Not in service", stopped.Icon, stopped.Tone}
	case !r.Monitored:
		return stopped
	case r.fails():
		return failing
	case r.Stepped != nil:
		return watching
	case r.has(rules.ReasonFailures):
		return held
	case r.has(rules.ReasonContested):
		return contested
	case r.leadsTo(rules.Stop, rules.Delete) || r.has(rules.ReasonIdle):
		return idle
	case r.leadsTo(rules.StepDown) || r.has(rules.ReasonOversized):
		return oversized
	case r.Average == nil || r.Problem != "" || r.unchecked():
		return unknown
	}
	return fine
}

func (r *row) has(code rules.ReasonCode) bool { return slices.Contains(r.Check.Codes, code) }

// fails reports whether every call fails, by the last check or else by the ledger.
func (r *row) fails() bool {
	return r.has(rules.ReasonFailing) && !r.has(rules.ReasonGuard) || !r.Checked && r.Entry != nil && r.Entry.NotIdle == rules.ReasonFailing
}

// hasSaving reports whether the ledger has an action that would save something.
func (r *row) hasSaving() bool { return r.Entry != nil && r.Entry.Saving != nil }

// leadsTo reports whether the last check or the ledger has decided one of these.
func (r *row) leadsTo(verdicts ...rules.Verdict) bool {
	return slices.Contains(verdicts, r.Check.Decision) || r.hasSaving() && slices.Contains(verdicts, r.Entry.Saving.Action)
}

// unchecked reports whether neither a check nor the ledger has said anything about the demand.
func (r *row) unchecked() bool { return !r.Checked && (r.Entry == nil || r.Entry.Usage == nil) }

// because has each reason in a few words.
var because = map[rules.ReasonCode]string{
	rules.ReasonNotDue: "not checked in this hour yet", rules.ReasonUncounted: "no metric counts its calls", rules.ReasonUnread: "its data could not be read",
	rules.ReasonStale: "its description is old", rules.ReasonTooNew: "it is too new", rules.ReasonInUse: "it is called",
	rules.ReasonFailing: "every call fails", rules.ReasonIdle: "no calls", rules.ReasonUsual: "such a silence may be usual",
	rules.ReasonUncertain: "its calls may not be counted", rules.ReasonAtLowest: "1 is the lowest minimum", rules.ReasonKept: "its demand needs the minimum",
	rules.ReasonOversized: "it needs less than its minimum", rules.ReasonOff: "switched off", rules.ReasonDryRun: "dry run",
	rules.ReasonUnconfirmed: "its demand is not proven yet", rules.ReasonRegion: "data of the region may be missing", rules.ReasonBusy: "a change is in progress",
	rules.ReasonUpdated: "updated a short time ago", rules.ReasonUnwatched: "not watched long enough", rules.ReasonPaused: "updated a moment ago",
	rules.ReasonRaised: "raised a short time ago", rules.ReasonFailures: "calls failed above the minimum", rules.ReasonContested: "set back after our step",
	rules.ReasonGuard: "refused by a guard", rules.ReasonClock: "the clock is wrong", rules.ReasonLate: "data are late",
}

// reasonText is the last reason in a few words: it is the one that decided.
func (r *row) reasonText() string {
	for i := len(r.Check.Codes) - 1; i >= 0; i-- {
		if text := because[r.Check.Codes[i]]; text != "" && r.Check.Codes[i] != rules.ReasonGuard {
			return text
		}
	}
	return ""
}

// next is what happens to an endpoint next, and why, in a few words each.
func nextOf(r *row, automatic switches) (what, why string) {
	switch {
	case !r.Monitored:
		return "Stays as it is", "its status is " + string(r.Status)
	case r.State == failing:
		return "Nothing is decided", because[rules.ReasonFailing]
	case r.keeps[r.verdict()]:
		return r.proposed("blocked"), r.Protection
	case r.Check.Decision.Changes():
		return r.changes()
	case r.Check.Decision == rules.Refused:
		return r.proposed("blocked"), r.reasonText()
	case r.hasSaving():
		return r.proposed("proposed"), automatic.text(r.Entry.Saving.Action)
	case r.Invisible:
		return "Nothing is decided", because[rules.ReasonUncounted]
	case r.Average == nil:
		return "Nothing is decided", because[rules.ReasonUnread]
	case r.unchecked():
		return "Not checked", because[rules.ReasonNotDue]
	case !r.Checked:
		return "Keep", "by its demand of 14 days"
	case r.Min == 1:
		return "Keep", because[rules.ReasonAtLowest]
	}
	return "Keep", r.reasonText()
}

// changes is nextOf for a change that the last check has decided: what became of it.
func (r *row) changes() (what, why string) {
	outcome, cause, _ := strings.Cut(r.Check.Outcome, ": ")
	switch outcome {
	case events.OutcomeRefused, events.OutcomeFailed:
		return r.proposed(outcome), shorten(cause, mostCause)
	case "", events.OutcomeDryRun:
		return r.proposed(""), outcome
	case events.OutcomeAsked:
		return r.proposed("requested"), "the outcome follows"
	}
	return r.proposed(outcome), ""
}

// verdict is the action that the rules lead to, by the last check or else by the ledger.
func (r *row) verdict() rules.Verdict {
	if d := r.Check.Decision; !d.Changes() && r.hasSaving() {
		return r.Entry.Saving.Action
	}
	return r.Check.Decision
}

// proposed is the action that the rules lead to, with what keeps it.
func (r *row) proposed(suffix string) string {
	action, target := r.verdict(), r.Check.NewMin
	if !r.Check.Decision.Changes() && r.hasSaving() {
		target = r.Entry.Saving.NewMin
	}
	text := "Change"
	switch action {
	case rules.StepDown:
		text = fmt.Sprintf("%d → %d", r.Min, target)
	case rules.Stop:
		text = "Stop"
	case rules.Delete:
		text = "Delete"
	case "", rules.None, rules.Refused:
	}
	return strings.TrimSpace(text + " " + suffix)
}

// mostCause is how long the cause beside an action may be, in characters.
const mostCause = 60

// shorten cuts a reason to so many characters.
func shorten(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// addProtection adds what the tags protect from, as they are known or as a refusal has shown: either may
// be the newer one.
func (r *row) addProtection(known map[string]map[string]string, now time.Time) {
	tags, ok := known[r.ARN]
	r.TagsKnown = ok
	r.keeps = map[rules.Verdict]bool{}
	sources := []map[string]string{tags}
	if value, ok := rules.ProtectionIn(r.Check.Outcome + ";" + r.Check.Reason); ok {
		sources = append(sources, map[string]string{rules.ProtectTag: value})
		r.keeps[r.Check.Decision] = true
	}
	end := rules.Delete
	if r.Kind == model.Recommender {
		end = rules.Stop
	}
	for _, tags := range sources {
		for _, verdict := range []rules.Verdict{rules.StepDown, end} {
			if why := rules.Protected(tags, verdict, now); why != "" {
				value, _ := rules.ProtectionIn(why)
				r.keeps[verdict], r.Protection = true, protection(value)
			}
		}
	}
}

// protection is what the value of a protecting tag protects from, and until when, in a few words.
func protection(value string) string {
	what, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(value)), " ")
	return protectedUntil(value) + map[string]string{"tps": " (its minimum)", "idle": " (stop and delete)"}[what]
}

func protectedUntil(value string) string {
	if _, day, ok := strings.Cut(strings.ToLower(value), "until "); ok {
		if at, err := time.Parse(time.DateOnly, strings.TrimSpace(day)); err == nil {
			return "protected until " + at.Format("2 Jan 2006")
		}
	}
	return "protected by its tag"
}

// switches are what happens automatically; their zero values are unknown.
type switches struct{ adjust, stop model.Switch }

// of is the switch of an action.
func (s switches) of(v rules.Verdict) model.Switch {
	if v == rules.StepDown {
		return s.adjust
	}
	return s.stop
}

// text is whether an action is taken automatically.
func (s switches) text(v rules.Verdict) string {
	name := map[rules.Verdict]string{rules.StepDown: "auto step-down", rules.Stop: "auto stop", rules.Delete: "auto delete"}[v]
	switch s.of(v) {
	case model.On:
		if v == rules.StepDown {
			return "automatic, at most 25% a step"
		}
		return "automatic"
	case model.DryRun:
		return name + " is a dry run"
	case model.Off:
		return name + " is off"
	}
	return ""
}
