package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
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

// resourceView is the page of one resource.
type resourceView struct {
	Row      *row
	Known    bool // it exists, as far as is known
	Unlisted bool // its region could not be read, so nothing is known
	Created  stamp
	Updated  stamp
	Update   string // an update in progress
	Checked  stamp
	Stepped  stamp // when it was lowered, while it is watched
	Watched  stamp // until when
	Usage    *billing.Usage
	Advice   *recommendation
	Saving   string
	Estimate string
	Days     string

	Spans  []spanLink
	Charts resourceCharts
	Pins   []string // what the numbers in the charts mean
	WhatIf *whatIfView
	Trial  int // the minimum at which the slider stands at first

	Schedule *scheduleView // nil without one

	Alarms    []alarmView
	OldAlarms bool  // the last cycle could not list those of its region
	AlarmsOf  stamp // the time of old alarms; empty if they were never listed
	History   []auditView
	Saved     []savedAction
	Done      *note // the outcome of the action just requested
	Applies   []applied

	Allowed bool
	Token   string
	Actions actionsView
	NewMin  int // what the form proposes
	CSV     string
	Tables  map[string]string // links to the tables by name
}

// applied is a rule that applies to the resource.
type applied struct{ Icon, Text string }

type alarmView struct {
	serve.Alarm
	When stamp
	Tone string
}

// historyLength is how many records the page of a resource shows.
const historyLength = 50

func (h *site) resource(r *http.Request, q *fields) (page, error) {
	arn, kind := q.arn(keyARN, true)
	done, newMin := q.text(keyDone), q.number(keyMin, 0, 1, events.MaxMinTPS)
	s, now := h.snapshot()
	shown := q.span(keySpan, spanOf(s.Audits, arn.String(), now))
	if q.fault != nil {
		return page{}, q.fault
	}
	view := h.resourceView(s, arn, kind, now)
	var compared *comparison
	if view.Known {
		compared = h.compared.begin(r.Context(), resourceOf(s, view.Row))
	}
	view.Unlisted = s.Status.LastError != "" || measured(s).IsZero() || slices.Contains(unlisted(s), s.place(arn)) || s.failed(arn.Account)
	view.History = auditViews(s.Audits, arn.String(), historyLength, now)
	view.Saved = savedActions(s, arn.String(), now)
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
	view.Spans = spanLinks(shown, func(s span) string { return link("/resource", keyARN, arn.String(), keySpan, s.Name) })
	if view.Known {
		mine := slices.DeleteFunc(slices.Clone(s.Audits), func(a events.Audit) bool { return a.ARN != arn.String() })
		view.Charts = h.reader.resourceCharts(r.Context(), resourceOf(s, view.Row), shown, h.window(shown), s.late(arn.Account, arn.Region), func(c chart.Chart) []chart.Pin {
			return pinsOf(mine, c, false)
		})
		if view.Row.State == failing { // what fails comes first
			view.Charts.List[0], view.Charts.List[1] = view.Charts.List[1], view.Charts.List[0]
		}
		view.WhatIf = h.compared.view(r.Context(), resourceOf(s, view.Row), compared)
		view.Trial, view.Schedule = cmp.Or(newMin, view.proposedMin()), scheduleOf(s.Tags[view.Row.ARN], view.WhatIf, now)
		for _, pin := range view.Charts.List[0].Plot.Pins {
			view.Pins = append(view.Pins, pin.Label)
		}
	}
	view.CSV = link("/resource", keyARN, arn.String(), keySpan, shown.Name, keyFormat, "csv")
	if h.options.AllowActions {
		view.Allowed, view.Token, view.Actions = true, h.sessions.formToken(arn.String()), actionsFor(view.Row, view.Known)
		view.NewMin = cmp.Or(newMin, view.proposedMin())
	}
	tables := view.tables()
	view.Tables = tableLinks(tables, "/resource", keyARN, arn.String(), keySpan, shown.Name)
	for i := range view.Charts.List {
		view.Charts.List[i].CSV = view.Tables[view.Charts.List[i].ID]
	}
	return page{template: "resource", title: arn.Name(), path: "/resources", forms: view.Allowed, view: view, tables: tables}, nil
}

// tables are the tables of the page: those of its charts, and the others.
func (v resourceView) tables() (list []table) {
	for _, c := range v.Charts.List {
		list = append(list, table{name: c.ID, rows: func() [][]string { return chartCSV(c.Plot) }})
	}
	compared := table{name: "what-if", rows: func() [][]string { return report.WhatIf{Resources: []report.WhatIfEntry{v.WhatIf.WhatIfEntry}}.CSV() }}
	if v.WhatIf == nil || v.WhatIf.Pending {
		compared.unknown = "What other minimums would cost is not known yet."
	}
	return append(list, table{name: "history", rows: func() [][]string { return historyCSV(v.History) }},
		table{name: "saved", rows: func() [][]string { return savedActionsCSV(v.Saved) }},
		table{name: "alarms", rows: func() [][]string { return alarmsCSV(v.Alarms) }}, compared)
}

func alarmsCSV(list []alarmView) [][]string {
	rows := [][]string{{"alarm", "region", "state", "since", "notifies"}}
	for _, a := range list {
		rows = append(rows, []string{a.Name, a.Region, a.State, a.When.Machine, strconv.FormatBool(a.ActionsOn)})
	}
	return rows
}

func historyCSV(list []auditView) [][]string {
	rows := [][]string{{"time", "what", "outcome", "automatic", "reason", "effect", "restore"}}
	for _, v := range list {
		rows = append(rows, []string{v.When.Machine, v.What, v.Result, strconv.FormatBool(v.Automatic), v.Reason, v.Effect, v.Restore})
	}
	return rows
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

// proposedMin is the minimum that the form has at first.
func (v resourceView) proposedMin() int {
	if e := v.Row.Entry; e != nil && e.Saving != nil && e.Saving.NewMin > 0 {
		return e.Saving.NewMin
	}
	return v.Row.Min
}

// addEffects adds to the records of step-downs how calls fared before and after them. What cannot
// be read stays unknown.
func (h *site) addEffects(ctx context.Context, resource model.Resource, history []auditView) {
	var steps []rules.AcceptedStep
	for _, record := range history {
		if step, ok := report.RecordOf(record.Audit).Step(); ok {
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
	for i, record := range history {
		if effect, ok := effects[record.Time.UTC()]; ok {
			texts := report.EffectTexts(effect)
			history[i].Effect = fmt.Sprintf("Up to 24 h before → after: failed calls %s, response time %s, cold steps %s.", texts[0], texts[1], texts[2])
		}
	}
}

// resourceView collects what is known of a resource, except its metrics.
func (h *site) resourceView(s Snapshot, arn model.ARN, kind model.Kind, now time.Time) resourceView {
	subject := s.subject(model.Resource{ARN: arn, Name: arn.Name(), Kind: kind})
	view := resourceView{Row: &row{Resource: report.Resource{Subject: subject}}}
	for _, one := range h.estate(s, now).rows {
		if one.ARN == arn.String() {
			view.Row, view.Known = one, true
		}
	}
	if !view.Known {
		return view
	}
	resource := resourceOf(s, view.Row)
	view.Created, view.Updated = stampOf(resource.Created, now), stampOf(resource.LastTouched(), now)
	view.Checked = stampOf(view.Row.Check.Time, now)
	if u := resource.Update; u != nil && !u.Status.Settled() {
		view.Update = string(u.Status)
		if u.MinTPS > 0 {
			view.Update += " (to a minimum of " + model.Number(float64(u.MinTPS), 0) + ")"
		}
	}
	var at time.Time
	at, view.OldAlarms = s.Alarms.Old[s.place(arn)]
	view.AlarmsOf = stampOf(at, now)
	for _, a := range view.Row.Alarms {
		tone := map[string]string{"OK": "done", "ALARM": "bad"}[a.State]
		view.Alarms = append(view.Alarms, alarmView{Alarm: a, When: stampOf(a.Since, now), Tone: tone})
	}
	if step := view.Row.Stepped; step != nil {
		view.Stepped, view.Watched = stampOf(step.Time, now), stampOf(step.Time.Add(watchTime), now)
	}
	for _, a := range h.estate(s, now).advice {
		if a.ARN == arn.String() {
			a = a.word()
			view.Advice = &a
			break
		}
	}
	view.Applies = appliesTo(view.Row, switchesOf(s.Status))
	if e := view.Row.Entry; e != nil {
		view.Usage, view.Days = e.Usage, model.Plural(s.Ledger.Days, "day")
		view.Saving, view.Estimate = savingText(*e), estimateText(*e)
	}
	return view
}

// appliesTo are the rules that apply to a resource.
func appliesTo(r *row, automatic switches) []applied {
	list := []applied{}
	name := map[model.Kind]string{model.Campaign: "deleted", model.Recommender: "stopped"}[r.Kind]
	switch automatic.adjust {
	case model.On:
		list = append(list, applied{"down", "Lowered automatically, at most 25% a step"})
	case model.DryRun:
		list = append(list, applied{"down", "Never lowered automatically: auto step-down is a dry run"})
	case model.Off:
		list = append(list, applied{"down", "Never lowered automatically: auto step-down is off"})
	}
	switch automatic.stop {
	case model.On:
		list = append(list, applied{"idle", "Idle, it is " + name + " automatically"})
	case model.DryRun:
		list = append(list, applied{"idle", "Never " + name + " automatically: that is a dry run"})
	case model.Off:
		list = append(list, applied{"idle", "Never " + name + " automatically: that is off"})
	}
	if r.Protection != "" {
		return append(list, applied{"lock", strings.ToUpper(r.Protection[:1]) + r.Protection[1:]})
	}
	if !r.TagsKnown {
		return append(list, applied{"lock", "Its tags are not read yet; they are within an hour"})
	}
	return append(list, applied{"lock", "Not protected; the tag " + rules.ProtectTag + "=true protects it"})
}

// savingText describes the possible saving; empty without one.
func savingText(e report.Entry) string {
	if e.Saving == nil {
		return ""
	}
	action := string(e.Saving.Action)
	if e.Saving.Action == rules.StepDown {
		action = fmt.Sprintf("a step down to %d", e.Saving.NewMin)
	}
	return strings.ToUpper(action[:1]) + action[1:] + " would save " + model.Figure(e.Saving.PerMonth) + " TPS-hours a month (" +
		e.Note + ")"
}

// estimateText describes the costs in money; empty without a price.
func estimateText(e report.Entry) string {
	if e.Estimate == nil {
		return ""
	}
	m := e.Estimate
	text := m.Currency + " " + model.Figure(m.Paid) + " paid, " + model.Figure(m.Wasted) + " of it wasted"
	if m.SavedPerMonth > 0 {
		text += "; " + m.Currency + " " + model.Figure(m.SavedPerMonth) + " a month can be saved"
	}
	if m.Note != "" {
		text += "; " + m.Note
	}
	return text + " (" + m.Price.Figures() + ", " + m.PriceSource + ", " + m.PriceDate + ")"
}
