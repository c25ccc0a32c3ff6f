package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/chart"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// watchTime is how long an endpoint is shown as watched after a step-down.
const watchTime = 2 * time.Hour

// row is a resource with everything that is known of it. Checked is true if Check is an hourly
// check, and false if it is only the last result.
type row struct {
	report.Resource
	Monitored bool
	Unread    bool // the last cycle in its account measured nothing: what it is called now is unknown
	Check     serve.Check
	Alarms    []serve.Alarm
	Entry     *report.Entry   // what it cost; nil while that is unknown
	Usage     *billing.Usage  // of Entry; nil if it could not be read
	Saving    *billing.Saving // of Entry: what is proposed; nil if nothing is
	Problem   string

	Stepped    *events.Audit // the step-down of the last hours that it is watched after; nil without one
	Protection string        // what its tags protect it from; empty if nothing, or if they are not known
	TagsKnown  bool
	keeps      map[rules.Verdict]bool // what its tags protect it from
	State      state
	Next, Why  string // what happens next, and why, in a few words each
	Costs      costs
}

// rowsOf merges what the snapshot knows of each resource, by region, kind and name.
func rowsOf(s Snapshot, now time.Time) []*row {
	byARN, unread := map[string]*row{}, map[string]bool{}
	for _, a := range s.Unreached() {
		unread[a.ID] = true
	}
	for _, r := range s.Result.Resources {
		one := &row{Resource: r, Monitored: true, Unread: unread[r.Account], Check: serve.CheckOf(r, s.Measured())}
		if one.Unread {
			one.Average, one.Utilization = nil, nil
		}
		// The outcome of a check of the last cycle may have become known after it.
		if last, ok := s.Checks[r.ARN]; ok && (!r.Checked || !last.Time.Before(s.Measured())) {
			one.Check, one.Checked = last, true
		}
		byARN[r.ARN] = one
	}
	for _, r := range s.Others {
		if arn := r.ARN.String(); byARN[arn] == nil {
			byARN[arn] = &row{
				Resource: report.Resource{Subject: s.subject(r)},
				Check:    serve.Check{Reason: "not monitored: its status is " + string(r.Status)},
			}
		}
	}
	addFacts(byARN, s)
	addSteps(byARN, s.Audits, now)
	rows := make([]*row, 0, len(byARN))
	for _, r := range byARN {
		r.addProtection(s.Tags, now)
		r.Costs = costsOf(r)
		r.State = stateOf(r)
		r.Next, r.Why = nextOf(r, s.Status)
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b *row) int { return cmp.Compare(a.ARN, b.ARN) })
	return rows
}

// addFacts adds alarms, problems and the entries of the ledger.
func addFacts(byARN map[string]*row, s Snapshot) {
	for _, a := range s.Alarms.List {
		if r := byARN[a.Resource]; r != nil {
			r.Alarms = append(r.Alarms, a)
		}
	}
	for _, p := range s.Result.Problems {
		if r := byARN[p.ARN]; r != nil && r.Problem == "" {
			r.Problem = p.Operation + ": " + p.Message()
		}
	}
	if s.Ledger != nil {
		for i, e := range s.Ledger.Resources {
			if r := byARN[e.ARN]; r != nil {
				r.Entry, r.Usage, r.Saving = &s.Ledger.Resources[i], e.Usage, e.Saving
			}
		}
	}
}

// addSteps adds the latest step-down of the monitor to the endpoints that are watched after it.
func addSteps(byARN map[string]*row, audits []events.Audit, now time.Time) {
	for i, a := range audits {
		r, since := byARN[a.ARN], now.Sub(a.Time)
		lowered := a.Outcome == events.OutcomeDone && a.Automatic && a.Action == model.ActionUpdate &&
			a.Before != nil && a.NewMinTPS < a.Before.MinTPS
		if r != nil && r.Stepped == nil && lowered && since >= 0 && since < watchTime && r.Min == a.NewMinTPS {
			r.Stepped = &audits[i]
		}
	}
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
	for _, tags := range sources {
		for _, verdict := range []rules.Verdict{rules.StepDown, rules.IdleVerdict(r.Kind)} {
			if why := rules.Protected(tags, verdict, now); why != "" {
				value, _ := rules.ProtectionIn(why)
				r.keeps[verdict], r.Protection = true, protection(value)
			}
		}
	}
}

// protection is what the value of a protecting tag protects from, and until when, in a few words.
func protection(value string) string {
	value = strings.ToLower(strings.TrimSpace(value))
	text := "protected by its tag"
	if _, day, ok := strings.Cut(value, "until "); ok {
		if at, err := time.Parse(time.DateOnly, strings.TrimSpace(day)); err == nil {
			text = "protected until " + at.Format("2 Jan 2006")
		}
	}
	what, _, _ := strings.Cut(value, " ")
	return text + map[string]string{"tps": " (its minimum)", "idle": " (stop and delete)"}[what]
}

// Spark is a small drawing of its last days; nil while they are unknown.
func (r *row) Spark() *chart.Spark {
	if r.Entry == nil {
		return nil
	}
	return chart.SparkOf(r.Entry.Spark, r.Kind.RateUnit())
}

// Link leads to the page of the resource.
func (r *row) Link() string { return link("/resource", keyARN, r.ARN) }

// Alarming counts its alarms that are in ALARM.
func (r *row) Alarming() int { return alarming(r.Alarms) }

func alarming(list []serve.Alarm) (n int) {
	for _, a := range list {
		if a.On() {
			n++
		}
	}
	return n
}

// Health is how much of the demand is known: by the last check or, before it, by the ledger; nil
// if neither has read it.
func (r *row) Health() *rules.Load {
	if r.Check.Health == nil && r.Entry != nil {
		return r.Entry.Health
	}
	return r.Check.Health
}

// Wasted is what a month costs without being used: money, or TPS-hours without a price.
func (r *row) Wasted() string {
	switch {
	case r.Usage == nil:
		return unknownText
	case r.Usage.TPSHours.Wasted == 0:
		return "0"
	case !r.Costs.Wasted.Known():
		return model.Figure(r.Usage.TPSHours.Wasted*billing.HoursPerMonth/max(1, r.Usage.Hours)) + " TPS-h"
	}
	return r.Costs.Wasted.Digits()
}

// saves is what is proposed saves a month, in TPS-hours: 0 if nothing is proposed.
func (r *row) saves() float64 {
	if r.Usage == nil || r.Saving == nil {
		return 0
	}
	return r.Saving.PerMonth
}

// SavesText is what is proposed saves a month: money, or TPS-hours without a price.
func (r *row) SavesText() string {
	switch {
	case r.Usage == nil:
		return unknownText
	case r.saves() == 0:
		return "0"
	case !r.Costs.Saves.Known():
		return model.Figure(r.saves()) + " TPS-h"
	}
	return r.Costs.Saves.Digits()
}

// Level fills the bar that shows the utilization, which is known: 0 to 100.
func (r *row) Level() int { return int(min(100, max(0, *r.Utilization))) }

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

// order is the position of a state in their order.
func (s state) order() int {
	return slices.IndexFunc(states, func(o state) bool { return o.Key == s.Key })
}

// stateOf is the state of an endpoint. What was not read, or not checked yet, is unknown.
func stateOf(r *row) state {
	switch {
	case !r.Monitored:
		return r.outOfService()
	case r.Unread:
		return unknown
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

// outOfService is the state of an endpoint that is not monitored: stopped, or on its way.
func (r *row) outOfService() state {
	if r.Status == model.StatusInactive {
		return stopped
	}
	return state{stopped.Key, "Not in service", stopped.Icon, stopped.Tone}
}

func (r *row) has(code rules.ReasonCode) bool { return slices.Contains(r.Check.Codes, code) }

// fails reports whether every call fails, by the last check or else by the ledger.
func (r *row) fails() bool {
	return r.has(rules.ReasonFailing) && !r.has(rules.ReasonGuard) || !r.Checked && r.Entry != nil && r.Entry.NotIdle == rules.ReasonFailing
}

// leadsTo reports whether the last check or the ledger has decided one of these.
func (r *row) leadsTo(verdicts ...rules.Verdict) bool {
	return slices.Contains(verdicts, r.Check.Decision) || r.Saving != nil && slices.Contains(verdicts, r.Saving.Action)
}

// unchecked reports whether neither a check nor the ledger has said anything about the demand.
func (r *row) unchecked() bool { return !r.Checked && r.Usage == nil }

// because has each reason in a few words.
var because = map[rules.ReasonCode]string{
	rules.ReasonNotDue: "not checked in this hour yet", rules.ReasonUncounted: "no metric counts its calls",
	rules.ReasonUnread: "its data could not be read", rules.ReasonStale: "its description is old",
	rules.ReasonTooNew: "it is too new", rules.ReasonInUse: "it is called",
	rules.ReasonFailing: "every call fails", rules.ReasonIdle: "no calls",
	rules.ReasonUsual: "such a silence may be usual", rules.ReasonUncertain: "its calls may not be counted",
	rules.ReasonAtLowest: "1 is the lowest minimum", rules.ReasonKept: "its demand needs the minimum",
	rules.ReasonOversized: "it needs less than its minimum", rules.ReasonOff: "switched off",
	rules.ReasonDryRun: "dry run", rules.ReasonUnconfirmed: "its demand is not proven yet",
	rules.ReasonRegion: "data of the region may be missing", rules.ReasonBusy: "a change is in progress",
	rules.ReasonUpdated: "updated a short time ago", rules.ReasonUnwatched: "not watched long enough",
	rules.ReasonPaused: "updated a moment ago", rules.ReasonRaised: "raised a short time ago",
	rules.ReasonFailures: "calls failed above the minimum", rules.ReasonContested: "set back after our step",
	rules.ReasonGuard: "refused by a guard", rules.ReasonClock: "the clock is wrong",
	rules.ReasonLate: "data are late",
}

// reasonText is the last reason in a few words: it is the one that decided.
func (r *row) reasonText() string {
	for _, code := range slices.Backward(r.Check.Codes) {
		if text := because[code]; text != "" && code != rules.ReasonGuard {
			return text
		}
	}
	return ""
}

// unreadAccount is why nothing is decided about an endpoint, and nothing can be done with it.
const unreadAccount = "its account could not be read"

// nextOf is what happens to an endpoint next, and why, in a few words each.
func nextOf(r *row, status serve.Status) (what, why string) {
	verdict, _ := r.proposal()
	switch {
	case !r.Monitored:
		return "Stays as it is", "its status is " + string(r.Status)
	case r.Unread:
		return "Nothing is decided", unreadAccount
	case r.State == failing:
		return "Nothing is decided", because[rules.ReasonFailing]
	case r.keeps[verdict]:
		return r.proposed("blocked"), r.Protection
	case r.Check.Decision.Changes():
		return r.changes()
	case r.Check.Decision == rules.Refused:
		return r.proposed("blocked"), r.reasonText()
	case r.Saving != nil:
		return r.proposed("proposed"), switchText(status, r.Saving.Action)
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

// proposal is the action that the rules lead to, with the minimum of a step-down: by the last check or
// else by the ledger.
func (r *row) proposal() (action rules.Verdict, minimum int) {
	if !r.Check.Decision.Changes() && r.Saving != nil {
		return r.Saving.Action, r.Saving.NewMin
	}
	return r.Check.Decision, r.Check.NewMin
}

// proposed is the action that the rules lead to, with what keeps it.
func (r *row) proposed(suffix string) string {
	action, minimum := r.proposal()
	text := cmp.Or(map[rules.Verdict]string{
		rules.StepDown: fmt.Sprintf("%d → %d", r.Min, minimum), rules.Stop: "Stop", rules.Delete: "Delete",
	}[action], "Change")
	return strings.TrimSpace(text + " " + suffix)
}

// mostCause is how long the cause beside an action may be, in characters.
const mostCause = 60

// switchOf is whether an action is taken automatically; empty if that is unknown.
func switchOf(s serve.Status, v rules.Verdict) model.Switch {
	if v == rules.StepDown {
		return s.AutoAdjust
	}
	return s.AutoStop
}

// switchText is switchOf in words.
func switchText(s serve.Status, v rules.Verdict) string {
	name := map[rules.Verdict]string{rules.StepDown: "auto step-down", rules.Stop: "auto stop", rules.Delete: "auto delete"}[v]
	switch switchOf(s, v) {
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
