package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// resourceView is the page of one resource.
type resourceView struct {
	Row      row
	Known    bool // whether it exists, as far as is known
	Unlisted bool // nothing is known, as its region could not be looked at
	Resource model.Resource
	Created  stamp
	Touched  stamp
	Update   string // an update under way
	Checked  stamp
	Usage    *report.Usage
	Saving   string
	Estimate string
	Days     string

	Span   span
	Spans  []spanLink
	Charts []chartView
	Fault  string // why charts are missing or incomplete

	Alarms    []alarmView
	OldAlarms bool  // the last cycle could not list those of its region
	AlarmsOf  stamp // of when they are then; empty if they never were listed
	History   []auditView
	Done      *note // what came of the action just asked for

	Allowed bool
	Token   string
	Actions actionsView
}

type spanLink struct {
	span
	Link    string
	Current bool
}

type alarmView struct {
	Alarm
	When stamp
	Tone string
}

// chartView is a chart in a page.
type chartView struct {
	ID   string
	Plot plot
	Link string // to the chart by itself; empty if it has no page of its own
	Lazy bool   // its data are read when it comes into sight
}

// The keys of the page of a resource.
const (
	keyARN  = "arn"
	keySpan = "range"
	keyDone = "done"
)

// historyLength is how many records the page of a resource shows.
const historyLength = 50

func (h *Handler) resource(w http.ResponseWriter, r *http.Request) {
	f := parseFields(r.URL.RawQuery, keyARN, keySpan, keyDone)
	arn, kind := f.arn(keyARN, true)
	shown, done := f.span(keySpan), f.text(keyDone)
	if f.fault != nil {
		h.badQuery(w, r, f.fault)
		return
	}
	s := h.Source.Snapshot()
	view := h.resourceView(s, arn, kind)
	audits := auditsOf(s.Audits, arn.String())
	view.Unlisted = s.CycleErr != "" || s.Measured.IsZero() || slices.Contains(unlisted(s), arn.Region)
	if !view.Known && len(audits) == 0 {
		text := "No such campaign or recommender is known. It may have been deleted, or be in a region that is not monitored."
		if view.Unlisted {
			text = "Nothing is known of such a campaign or recommender: its region could not be looked at in the last cycle."
		}
		h.fail(w, r, http.StatusNotFound, text)
		return
	}
	now := h.Clock.Now()
	view.History = auditViews(audits[:min(len(audits), historyLength)], now)
	view.Done = h.notes.take(done)
	view.Span = shown
	for _, one := range spans {
		view.Spans = append(view.Spans, spanLink{one, link("/resource", keyARN, arn.String(), keySpan, one.Name), one.Name == shown.Name})
	}
	if view.Known {
		view.Charts, view.Fault = h.resourceCharts(r.Context(), view.Resource, shown)
	}
	if h.AllowActions {
		sendOrigin(w)
		view.Allowed, view.Token, view.Actions = true, h.formToken(arn.String()), actionsFor(view.Row, view.Known)
	}
	h.render(w, r, http.StatusOK, "resource", frame{Title: arn.Name(), Path: "/resources"}, view)
}

// resourceView gathers what is known of a resource, its metrics aside.
func (h *Handler) resourceView(s Snapshot, arn model.ARN, kind model.Kind) resourceView {
	view := resourceView{Row: row{ARN: arn.String(), Name: arn.Name(), Region: arn.Region, Kind: kind}}
	now := h.Clock.Now()
	for _, one := range rowsOf(s) {
		if one.ARN == arn.String() {
			view.Row, view.Known = one, true
		}
	}
	if !view.Known {
		return view
	}
	view.Resource = resourceOf(s, view.Row)
	view.Created, view.Touched = stampOf(view.Resource.Created, now), stampOf(view.Resource.LastTouched(), now)
	view.Checked = stampOf(view.Row.Check.Time, now)
	if u := view.Resource.Update; u != nil && !u.Status.Settled() {
		view.Update = string(u.Status)
		if u.MinTPS > 0 {
			view.Update += " (to a minimum of " + thousands(float64(u.MinTPS)) + ")"
		}
	}
	var asOf time.Time
	asOf, view.OldAlarms = s.AlarmsOld[arn.Region]
	view.AlarmsOf = stampOf(asOf, now)
	for _, a := range view.Row.Alarms {
		view.Alarms = append(view.Alarms, alarmView{Alarm: a, When: stampOf(a.Since, now), Tone: alarmTone(a)})
	}
	if e := view.Row.Entry; e != nil {
		view.Usage, view.Days = e.Usage, plural(s.Ledger.Days, "day")
		view.Saving, view.Estimate = savingText(*e), estimateText(*e)
	}
	return view
}

func alarmTone(a Alarm) string {
	switch a.State {
	case "OK":
		return "done"
	case "ALARM":
		return "bad"
	}
	return "calm"
}

// savingText tells what would be saved; empty if that is nothing.
func savingText(e report.Entry) string {
	if e.Saving == nil {
		return ""
	}
	return decisionText(e.Saving.Action, e.Saving.NewMin) + " would save " + figure(e.Saving.PerMonth) + " TPS-hours a month (" + e.Note + ")"
}

// estimateText tells what that is in money; empty without a price.
func estimateText(e report.Entry) string {
	if e.Estimate == nil {
		return ""
	}
	m := e.Estimate
	text := m.Currency + " " + figure(m.Paid) + " paid, " + figure(m.Wasted) + " of it wasted"
	if m.SavedPerMonth > 0 {
		text += "; " + m.Currency + " " + figure(m.SavedPerMonth) + " a month to be saved"
	}
	return text + " (" + m.Currency + " " + trimmed(m.PerTPSHour, 4) + " a TPS-hour, " + m.PriceSource + ", " + m.PriceDate + ")"
}

// resourceQuestions are the questions behind the charts of a resource.
type resourceQuestions struct{ requests, minimum, latency *model.Query }

func questionsOf(r model.Resource, s span, w model.Window) resourceQuestions {
	ask := func(namespace, metric string, stat model.Stat) *model.Query {
		return &model.Query{Region: r.Region(), Metric: model.ResourceMetric(r, namespace, metric), Stat: stat, Window: w, Period: s.Period}
	}
	q := resourceQuestions{
		requests: ask(model.NamespacePersonalize, model.RecipeOf(r.Kind, r.Recipe).Metric, model.Sum),
		minimum:  ask(model.NamespaceMonitor, r.Kind.MinimumMetric(), model.Average),
	}
	if metric := model.LatencyMetric(r.Kind, r.Recipe); metric != "" {
		q.latency = ask(model.NamespacePersonalize, metric, model.Average)
	}
	return q
}

// resourceCharts draws what a resource did: throughput, utilization, latency. The fault
// tells what could not be read.
func (h *Handler) resourceCharts(ctx context.Context, r model.Resource, s span) (charts []chartView, fault string) {
	w := s.window(h.Clock.Now(), h.MetricDelay)
	q := questionsOf(r, s, w)
	list := []model.Query{*q.requests, *q.minimum}
	if q.latency != nil {
		list = append(list, *q.latency)
	}
	readings, err := h.read(ctx, r.ARN.String()+" "+s.Name+" "+w.Start.Format(time.RFC3339), list)
	if err != nil {
		fault = err.Error()
	}
	throughput, utilization := throughputPlots(r, s, w, readings.Get(*q.requests), readings.Get(*q.minimum))
	charts = []chartView{{ID: "throughput", Plot: throughput}, {ID: "utilization", Plot: utilization}}
	if q.latency != nil {
		p := newPlot("Latency", "ms", w, s.Period)
		p.add("average latency", p.values(readings.Get(*q.latency).Points, 1))
		p.Note = partial(readings.Get(*q.latency))
		charts = append(charts, chartView{ID: "latency", Plot: p})
	}
	return charts, fault
}

// partial is a note on data that are not all there.
func partial(s model.Series) string {
	if s.Complete {
		return ""
	}
	return "These data could not be read completely; what is missing is not zero."
}

// throughputPlots draw requests against the minimum. Where the monitor published no
// minimum, because it did not run, one is assumed (billing.AssumeMinimums) and the chart says so. A
// period without data had no requests.
func throughputPlots(r model.Resource, s span, w model.Window, requests, minimum model.Series) (throughput, utilization plot) {
	unit := r.Kind.RateUnit()
	throughput = newPlot("Actual and provisioned", unit, w, s.Period)
	utilization = newPlot("Utilization", "percent", w, s.Period)
	actual := throughput.values(requests.Points, 1/s.Period.Seconds())
	provisioned := throughput.values(minimum.Points, 1)
	ratio := make([]*float64, len(actual))
	assumed, minimums, born := 0, assumedMinimums(r, provisioned, throughput.Times), r.Created.Unix()
	for i, at := range throughput.Times {
		if at < born {
			actual[i] = nil
			continue
		}
		if actual[i] == nil && requests.Complete && model.RecipeOf(r.Kind, r.Recipe).Sure {
			actual[i] = new(float64)
		}
		// Of a resource that is out of service nothing tells since when it is.
		if provisioned[i] == nil && r.MinTPS > 0 && minimum.Complete && r.Status == model.StatusActive {
			provisioned[i] = &minimums[i]
			assumed++
		}
		if actual[i] != nil && provisioned[i] != nil && *provisioned[i] > 0 {
			v := brief(*actual[i] / *provisioned[i] * 100)
			ratio[i] = &v
		}
	}
	throughput.addMinimum("provisioned "+unit, provisioned)
	throughput.add("actual "+unit, actual)
	utilization.add("utilization", ratio)
	utilization.Marks = []plotMark{{Label: "all that is paid for is used", Value: 100}}
	note := cmp.Or(partial(requests), partial(minimum))
	if note == "" && assumed > 0 {
		note = plural(assumed, "period") + " of " + thousands(float64(len(actual))) +
			" have no published minimum, as the monitor did not run; what is known from before and after is assumed there."
	}
	throughput.Note, utilization.Note = note, note
	return throughput, utilization
}

// assumedMinimums are the published minimums, and what is assumed where there are none.
func assumedMinimums(r model.Resource, published []*float64, times []int64) []float64 {
	minimums := make([]float64, len(published))
	for i, v := range published {
		if v != nil {
			minimums[i] = *v
		}
	}
	billing.AssumeMinimums(r, minimums, func(i int) time.Time { return time.Unix(times[i], 0) })
	return minimums
}

// findRecord finds the record of a resource by its name.
func findRecord(audits []events.Audit, arn, name string) (events.Audit, bool) {
	for _, a := range audits {
		if a.ARN == arn && undoable(a) && recordName(a) == name {
			return a, true
		}
	}
	return events.Audit{}, false
}
