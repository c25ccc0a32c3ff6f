package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// resourceView is the page of one resource.
type resourceView struct {
	*estate
	Row      *row
	Known    bool           // it exists, as far as is known
	Found    model.Resource // as it was discovered; the zero value if it is not known
	Unlisted bool           // its region could not be read, so nothing is known
	Update   string         // an update in progress
	Watched  time.Time      // until when, after a step
	Advice   *recommendation

	Spans    []tab
	Charts   resourceCharts
	WhatIf   *whatIfView
	Trial    int           // the minimum at which the slider stands at first
	Schedule *scheduleView // nil without one

	OldAlarms bool  // the last cycle could not list those of its region
	AlarmsOf  stamp // the time of old alarms; empty if they were never listed
	History   []auditView
	Actions   []savedAction // that saved something
	Done      *note         // the outcome of the action just requested

	Token  string
	Forms  formsView
	NewMin int // what the form proposes
	CSV    string
	Tables map[string]string // links to the tables by name
}

// historyLength is how many records the page of a resource shows.
const historyLength = 50

func (h *site) resource(r *http.Request, q *fields) (page, error) {
	arn, kind := q.arn(keyARN, true)
	done, newMin := q.text(keyDone), q.number(keyMin, 0, 1, events.MaxMinTPS)
	e := h.pages.estate()
	shown := q.span(keySpan, spanOf(e.Audits, arn.String(), e.Now))
	if q.fault != nil {
		return page{}, q.fault
	}
	view := e.resourceView(arn, kind)
	var compared *comparison
	if view.Known {
		compared = h.compared.begin(r.Context(), view.Found)
	}
	view.History, view.Actions = auditViews(e.Audits, arn.String(), e.Now, e.Flags), e.savedActions(arn.String())
	h.addEffects(r.Context(), model.Resource{ARN: arn, Kind: kind}, view.History)
	if !view.Known && len(view.History) == 0 {
		if view.Unlisted {
			return page{}, notFound("Nothing is known of such a campaign or recommender: its region could not be read in the last cycle.")
		}
		return page{}, notFound("No such campaign or recommender is known. It may have been deleted, or be in a region that is not monitored.")
	}
	if one, ok := h.forms.notes.take(done); ok {
		view.Done = &one
	}
	view.Spans = spanTabs(shown, func(s span) string { return link("/resource", keyARN, arn.String(), keySpan, s.Name) })
	view.CSV = link("/resource", keyARN, arn.String(), keySpan, shown.Name, keyFormat, "csv")
	if view.Known {
		view.Charts = h.reader.resourceCharts(r.Context(), view.Found, shown, h.window(shown), e.late(arn.Account(), arn.Region()))
		for i := range view.Charts.List {
			one := &view.Charts.List[i]
			one.Plot.Pins = e.pinsOf(one.Plot, arn.String())
			one.CSV = link("/resource", keyARN, arn.String(), keySpan, shown.Name, keyFormat, "csv", keyTable, one.ID)
		}
		if view.Row.State == failing { // what fails comes first
			view.Charts.List[0], view.Charts.List[1] = view.Charts.List[1], view.Charts.List[0]
		}
		view.WhatIf = h.compared.view(r.Context(), view.Found, compared, e.Flags)
		view.Trial = cmp.Or(newMin, view.NewMin)
		view.Schedule = scheduleOf(e.Tags[view.Row.ARN], view.WhatIf, e.Now)
	}
	if e.Buttons {
		view.Token, view.NewMin = h.sessions.formToken(arn.String()), cmp.Or(newMin, view.NewMin)
	}
	tables := view.tables()
	view.Tables = tableLinks(tables, "/resource", keyARN, arn.String(), keySpan, shown.Name)
	return page{template: "resource", title: arn.Name(), path: "/resources", forms: e.Buttons, view: view, tables: tables}, nil
}

// tables are the tables of the page: those of its charts, and the others.
func (v resourceView) tables() (list []table) {
	for _, c := range v.Charts.List {
		list = append(list, chartTable(c.ID, c.Plot))
	}
	compared := table{"what-if", "", func() [][]string { return report.WhatIf{Resources: []report.WhatIfEntry{v.WhatIf.WhatIfEntry}}.CSV() }}
	if v.WhatIf == nil || v.WhatIf.Pending {
		compared.unknown = "What other minimums would cost is not known yet."
	}
	return append(list,
		table{"history", "", csvOf(v.History, []string{"time", "what", "outcome", "automatic", "reason", "effect", "restore"},
			func(a auditView) []any {
				return []any{a.Time, a.What(), a.Result, a.Automatic, a.Text, a.Effect, a.Restore}
			})},
		table{"saved", "", csvOf(v.Actions, []string{"time", "what", "saved", "tpsHoursPromisedPerMonth", "tpsHoursAchievedPerMonth", "state"},
			func(a savedAction) []any {
				return []any{a.When.Machine, a.What, a.Saved, a.Promised, a.Achieved, a.State}
			})},
		table{"alarms", "", csvOf(v.Row.Alarms, []string{"alarm", "region", "state", "since", "notifies"}, func(a serve.Alarm) []any {
			return []any{a.Name, a.Region, a.State, v.Stamp(a.Since).Machine, a.ActionsOn}
		})}, compared)
}

// spanOf is the time that charts show at first: 14 days if something was changed in them.
func spanOf(audits []events.Audit, arn string, now time.Time) string {
	for _, a := range audits {
		if a.ARN == arn && a.Outcome == events.OutcomeDone && now.Sub(a.Time) < 14*24*time.Hour {
			return "14d"
		}
	}
	return defaultSpan
}

// addEffects adds to the records of step-downs how calls fared before and after them. What cannot
// be read stays unknown.
func (h *site) addEffects(ctx context.Context, resource model.Resource, history []auditView) {
	var steps []rules.AcceptedStep
	for _, one := range history {
		if step, ok := report.RecordOf(*one.records.outcome()).Step(); ok {
			steps = append(steps, step)
		}
	}
	now := h.options.Clock.Now()
	queries := rules.EffectQueries(resource, steps, now)
	if len(queries) == 0 {
		return
	}
	readings, _ := h.reader.read(ctx, "effects "+resource.ARN.String()+now.Truncate(rules.WindowLength).String(), queries)
	effects := rules.Effects(resource, steps, readings, now)
	for i, one := range history {
		if effect, ok := effects[one.Time.UTC()]; ok {
			texts := report.EffectTexts(effect)
			history[i].Effect = fmt.Sprintf("Up to 24 h before → after: failed calls %s, response time %s, cold steps %s.",
				texts[0], texts[1], texts[2])
		}
	}
}

// resourceView collects what is known of a resource, except its metrics and history.
func (e *estate) resourceView(arn model.ARN, kind model.Kind) resourceView {
	account := e.account(arn.Account())
	view := resourceView{
		estate: e, Row: e.row(arn.String()),
		Unlisted: e.Status.LastError != "" || e.Measured().IsZero() || slices.Contains(e.Unlisted(), e.place(arn)) ||
			account.ID != "" && (account.LastError != "" || account.LastSuccess.IsZero()),
	}
	if view.Known = view.Row != nil; !view.Known {
		view.Row = &row{Resource: report.Resource{Subject: e.subject(model.Resource{ARN: arn, Name: arn.Name(), Kind: kind})}}
		return view
	}
	view.Found, view.Forms = e.Snapshot.resource(view.Row), formsOf(view.Row)
	if u := view.Found.Update; u != nil && !u.Status.Settled() {
		view.Update = string(u.Status)
		if u.MinTPS > 0 {
			view.Update += " (to a minimum of " + number(u.MinTPS) + ")"
		}
	}
	at, old := e.Alarms.Old[e.place(arn)]
	view.AlarmsOf, view.OldAlarms = e.Stamp(at), old
	if step := view.Row.Stepped; step != nil {
		view.Watched = step.Time.Add(watchTime)
	}
	if i := slices.IndexFunc(e.advice, func(a recommendation) bool { return a.ARN == arn.String() }); i >= 0 {
		view.Advice = new(e.advice[i].word())
	}
	view.NewMin = view.Row.Min
	if s := view.Row.Saving; s != nil && s.NewMin > 0 {
		view.NewMin = s.NewMin
	}
	return view
}

// auditView is a decision about an endpoint as it is shown in its history.
type auditView struct {
	happening
	Result  string // the outcome in a word or two
	Effect  string // how calls fared before and after a step-down; empty if it is not known
	Undo    string // names the record in the form that undoes it; empty unless it is the last state
	Restore string // the command that undoes it; the same
}

// auditViews are the newest decisions about an endpoint. Flags are what commands need in several accounts.
func auditViews(audits []events.Audit, arn string, now time.Time, flags string) []auditView {
	var views []auditView
	last := -1
	for i, d := range decisionsOf(audits, arn) {
		v := auditView{happening: happeningOf(d.entry(), d.outcomeAt(now)), Result: d.outcomeAt(now)}
		v.now = now
		if v.Result == outcomeLost {
			v.Result = "unknown"
		}
		if last < 0 && (v.Outcome == events.OutcomeDone || v.Outcome == events.OutcomeBegun) {
			last = i // only the last change can be undone: an older one would skip what came after it
			if a := d.outcome(); undoable(*a) {
				v.Undo, v.Restore = recordName(*a), a.Restore
				if v.Restore != "" {
					v.Restore += flags
				}
			}
		}
		views = append(views, v)
	}
	return views[:min(len(views), historyLength)]
}

// What is the decision in words.
func (v auditView) What() string { return capital(v.Title) }

// Class is that of the outcome.
func (v auditView) Class() string {
	return cmp.Or(map[string]string{
		events.OutcomeDone: "done", events.OutcomeAsked: "act", events.OutcomeBegun: "act",
		events.OutcomeRefused: "warn", events.OutcomeFailed: "bad",
	}[v.Outcome], "calm")
}

// undoable reports whether a record describes something that can be undone.
func undoable(a events.Audit) bool { return a.Restorable() == nil }

// recordName names a record among those of its resource.
func recordName(a events.Audit) string {
	return a.Time.UTC().Format(time.RFC3339Nano) + " " + string(a.Action)
}
