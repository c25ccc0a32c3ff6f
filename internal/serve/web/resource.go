package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// resourceView is the page of one resource.
type resourceView struct {
	Row      row
	Known    bool // it exists, as far as is known
	Unlisted bool // its region could not be read, so nothing is known
	Created  stamp
	Updated  stamp
	Update   string // an update in progress
	Checked  stamp
	Usage    *billing.Usage
	Saving   string
	Estimate string
	Days     string

	Spans  []spanLink
	Charts []chartView
	Fault  string // why charts are missing or incomplete

	Alarms    []alarmView
	OldAlarms bool  // the last cycle could not list those of its region
	AlarmsOf  stamp // the time of old alarms; empty if they were never listed
	History   []auditView
	Saved     []savedAction
	Done      *note // the outcome of the action just requested

	Allowed bool
	Token   string
	Actions actionsView
}

type alarmView struct {
	serve.Alarm
	When stamp
	Tone string
}

// historyLength is how many records the page of a resource shows.
const historyLength = 50

func (h *site) resource(r *http.Request, q *fields) (page, error) {
	arn, kind := q.arn(keyARN, true)
	shown, done := q.span(keySpan), q.text(keyDone)
	if q.fault != nil {
		return page{}, q.fault
	}
	s, now := h.snapshot()
	view := resourceViewOf(s, arn, kind, now)
	view.Unlisted = s.Status.LastError != "" || s.Status.LastSuccess.IsZero() || slices.Contains(unlisted(s), arn.Region)
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
		view.Charts, view.Fault = h.reader.resourceCharts(r.Context(), resourceOf(s, view.Row), shown, h.window(shown))
	}
	if h.options.AllowActions {
		view.Allowed, view.Token, view.Actions = true, h.sessions.formToken(arn.String()), actionsFor(view.Row, view.Known)
	}
	return page{template: "resource", title: arn.Name(), path: "/resources", forms: view.Allowed, view: view}, nil
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

// resourceViewOf collects what is known of a resource, except its metrics.
func resourceViewOf(s Snapshot, arn model.ARN, kind model.Kind, now time.Time) resourceView {
	subject := report.Subject{ARN: arn.String(), Name: arn.Name(), Region: arn.Region, Kind: kind}
	view := resourceView{Row: row{Resource: report.Resource{Subject: subject}}}
	for _, one := range rowsOf(s) {
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
	at, view.OldAlarms = s.Alarms.Old[arn.Region]
	view.AlarmsOf = stampOf(at, now)
	for _, a := range view.Row.Alarms {
		tone := map[string]string{"OK": "done", "ALARM": "bad"}[a.State]
		view.Alarms = append(view.Alarms, alarmView{Alarm: a, When: stampOf(a.Since, now), Tone: tone})
	}
	if e := view.Row.Entry; e != nil {
		view.Usage, view.Days = e.Usage, model.Plural(s.Ledger.Days, "day")
		view.Saving, view.Estimate = savingText(*e), estimateText(*e)
	}
	return view
}

// savingText describes the possible saving; empty without one.
func savingText(e report.Entry) string {
	if e.Saving == nil {
		return ""
	}
	return decisionText(e.Saving.Action, e.Saving.NewMin) + " would save " + model.Figure(e.Saving.PerMonth) + " TPS-hours a month (" +
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
