package web

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/advice"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/chart"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// Lengths of the lists of the overview.
const (
	overviewAdvice   = 5
	overviewRecent   = 5
	overviewProblems = 20
)

type overviewView struct {
	*estate
	Advice   adviceView
	Chart    *chartView
	Recent   []happening
	Problems []string
}

func (h *site) overview(_ *http.Request, q *fields) (page, error) {
	if q.fault != nil {
		return page{}, q.fault
	}
	e := h.pages.estate()
	view := overviewView{estate: e, Advice: e.adviceView(overviewAdvice)}
	recent := selectSort(e.happenings, nil, "")
	view.Recent = shownAt(e.Now, recent[:min(overviewRecent, len(recent))])
	for _, late := range e.Result.DataLate {
		view.Problems = append(view.Problems, late.String())
	}
	for _, p := range e.Result.Problems[:min(len(e.Result.Problems), overviewProblems)] {
		view.Problems = append(view.Problems, p.Error())
	}
	if more := len(e.Result.Problems) - overviewProblems; more > 0 {
		view.Problems = append(view.Problems, fmt.Sprintf("… and %s more", model.Plural(more, "problem")))
	}
	unknown := e.unknownMoney()
	totals := table{name: "totals", unknown: unknown}
	if e.Ledger != nil {
		plot := h.totals.get(e.Ledger, func() chart.Chart { return chartTotals(*e.Ledger) })
		totals.unknown = "There is no chart."
		if !plot.Empty() {
			plot.Pins = pinsOf(e.Audits, plot, true)
			plot.AddGaps(func(i int) string {
				if late := e.lateAt(time.Unix(plot.Times[i], 0).Add(plot.Step)); late != "" {
					return "data of " + late + " are late"
				}
				return ""
			})
			view.Chart = &chartView{ID: "totals", Plot: plot, CSV: link("/", keyFormat, "csv", keyTable, "totals")}
			totals = chartTable("totals", plot)
		}
	}
	return page{template: "overview", title: "Overview", path: "/", view: view, tables: []table{
		{"recommendations", unknown, func() [][]string { return report.Advice{Ledger: *e.Ledger}.CSV() }}, totals,
	}}, nil
}

// unknownMoney is why what can be saved is not known; empty if it is.
func (s Snapshot) unknownMoney() string {
	switch {
	case s.Ledger != nil:
		return ""
	case s.LedgerErr != "":
		return "What was paid for is not known: " + s.LedgerErr
	}
	return "What was paid for is not known yet."
}

// Notes are the limits of the figures.
func (s Snapshot) Notes() []string {
	var notes []string
	if s.LedgerErr != "" {
		notes = append(notes, "What was paid for is unknown or out of date: "+s.LedgerErr)
	}
	if s.Saved != nil {
		notes = append(notes, s.Saved.Limits()...)
	}
	if s.Ledger != nil {
		notes = append(notes, s.Ledger.Notes...)
		for _, text := range report.PriceTexts(s.Ledger.Prices) {
			notes = append(notes, "Price: "+text+".")
		}
	}
	return notes
}

// heroView is what the endpoints cost, could save and have saved.
type heroView struct {
	Span          string // what Paid is of: the month so far, or the days of the ledger
	Next          string // what Monthly is: the forecast of the month, or a month at the present rate
	Paid, Monthly total
	Before        string // the month before, if it was metered
	Missing       string // the accounts that are in no sum; empty if all are in them
	Segments      segments
	Metered       string // the exact quantities
	Saved         savedView
}

func heroOf(s Snapshot, rows []*row) heroView {
	v := heroView{Saved: savedOf(s)}
	if s.Ledger == nil {
		return v
	}
	l := s.Ledger
	v.Span, v.Next = "Last "+s.Days(), "A month at this rate"
	var used, waste, silent total
	for _, r := range rows {
		if r.Entry == nil {
			continue
		}
		v.Paid.add(r.Costs.Paid)
		if r.Monitored {
			v.Monthly.add(r.Costs.Monthly)
		}
		used.add(r.Costs.Paid.less(r.Costs.PaidWaste))
		if r.State == idle || r.State == failing {
			silent.add(r.Costs.PaidWaste)
		} else {
			waste.add(r.Costs.PaidWaste)
		}
	}
	v.Segments = segmentsOf(segment{Label: "Used", Class: "f-used", Value: used.Main()}, segment{Label: "Not used", Class: "f-waste", Value: waste.Main()},
		segment{Label: "Idle", Class: "f-idle", Value: silent.Main()})
	h := l.Totals.TPSHours
	v.Metered = fmt.Sprintf("%s TPS-hours paid for, %s used, %s (%s) not used", model.Figure(h.Paid), model.Figure(h.Used), model.Figure(h.Wasted),
		percent(percentOf(h.Wasted, h.Paid)))
	if n := l.Summary.AccountsUnread; n > 0 {
		v.Missing = fmt.Sprintf("without %d of %s", n, model.Plural(l.Summary.Accounts, "account"))
	}
	// The month so far and its forecast replace the days of the ledger, if they were metered.
	if m := l.Month; m != nil {
		v.Span, v.Paid = m.Period(), amounts(m.Spent, m.Unknown)
		if f := m.Forecast; f != nil {
			v.Next, v.Monthly = "Forecast to its end", amounts(f.Spent, f.Unknown)
		}
		if m.Before != nil {
			v.Before = m.Before.Window.Start.Format("January 2006") + ": " + amounts(m.Before.Spent, m.Before.Unknown).String()
		}
	}
	return v
}

// amounts are sums by currency that leave out some endpoints.
func amounts(list []advice.Amount, unknown int) total {
	t := total{Unknown: unknown}
	for _, a := range list {
		t.add(money{a.Amount, a.Currency})
	}
	return t
}

// stateCount is how many endpoints are in a state, and what they cost.
type stateCount struct {
	State state
	Count int
	Cost  total
	Link  string
}

// stateCounts are the states that occur, in their order.
func stateCounts(rows []*row) []stateCount {
	list := make([]stateCount, len(states))
	for i, one := range states {
		list[i] = stateCount{State: one, Link: link("/resources", keyShow, one.Key)}
	}
	for _, r := range rows {
		c := &list[r.State.order()]
		c.Count++
		c.Cost.add(r.Costs.Monthly)
	}
	return slices.DeleteFunc(list, func(c stateCount) bool { return c.Count == 0 })
}

// chartTotals is the chart of all endpoints together.
func chartTotals(l report.Ledger) chart.Chart {
	sums := map[time.Time]billing.Hour{}
	for _, hours := range l.Hourly {
		for _, h := range hours {
			sum := sums[h.Start]
			sums[h.Start] = billing.Hour{Start: h.Start, Provisioned: sum.Provisioned + h.Provisioned, Actual: sum.Actual + h.Actual}
		}
	}
	hours := slices.SortedFunc(maps.Values(sums), func(a, b billing.Hour) int { return a.Start.Compare(b.Start) })
	return chart.OfHours("Paid and used", "TPS", hours)
}

// factsOf are sentences about all endpoints.
func factsOf(s Snapshot, rows []*row) []string {
	facts := []string{countText(s, rows), utilizationText(rows), healthText(s, rows), alarmText(s), certaintyText(s, rows)}
	return slices.DeleteFunc(facts, func(text string) bool { return text == "" })
}

// certaintyText is how much of what is shown could be read.
func certaintyText(s Snapshot, rows []*row) string {
	unchecked := 0
	for _, r := range rows {
		if r.Monitored && !r.Checked {
			unchecked++
		}
	}
	switch {
	case s.Waiting():
		return "Nothing is known yet."
	case s.Status.LastError != "" || len(s.Result.Problems) > 0:
		return "Some data could not be read."
	case unchecked > 0:
		return model.Plural(unchecked, "endpoint") + " had no hourly check by this daemon yet."
	case !s.Alarms.Known || len(s.Alarms.Old) > 0:
		return "All endpoints were checked; everything could be read except the alarms."
	}
	return "All endpoints were checked; everything could be read."
}

// healthText is how much of the demand is known, by the hours that decisions go by; empty if it has
// not been read yet and no data are late.
func healthText(s Snapshot, rows []*row) string {
	hours, known, behind := 0, 0, 0
	for _, r := range rows {
		if h := r.Health(); r.Monitored && h != nil {
			hours, known = hours+h.Hours, known+h.Known
			if h.Known < h.Hours {
				behind++
			}
		}
	}
	text := ""
	if hours > 0 {
		text = fmt.Sprintf("Data health: the demand of %s of %s is known.", percent(percentOf(float64(known), float64(hours))), model.Plural(hours, "hour"))
	}
	if behind > 0 {
		text += fmt.Sprintf(" Nothing is decided by the unknown hours of %s.", model.Plural(behind, "endpoint"))
	}
	if late := s.lateAt(time.Time{}); late != "" {
		text += " CloudWatch data are late in " + late + ": nothing is changed there."
	}
	return strings.TrimSpace(text)
}

// countText is what is monitored.
func countText(s Snapshot, rows []*row) string {
	if s.measured().IsZero() && len(rows) == 0 {
		return ""
	}
	kinds, regions, others := map[model.Kind]int{}, map[string]bool{}, 0
	for _, r := range rows {
		if !r.Monitored {
			others++
			continue
		}
		kinds[r.Kind]++
		regions[r.Region] = true
	}
	text := model.Plural(kinds[model.Campaign], "campaign") + ", " + model.Plural(kinds[model.Recommender], "recommender") + " in " +
		model.Plural(len(regions), "region")
	if others > 0 {
		text += fmt.Sprintf("; %d more not in service", others)
	}
	if regions := s.unlisted(); len(regions) > 0 {
		text += "; not all of " + strings.Join(regions, ", ") + " could be listed"
	}
	return text + "."
}

// utilizationText compares all demand with all minimums, where demand could be read.
func utilizationText(rows []*row) string {
	average, minimum, unread, unseen := 0.0, 0.0, 0, 0
	for _, r := range rows {
		switch {
		case !r.Monitored:
		case r.Average != nil:
			average, minimum = average+*r.Average, minimum+float64(r.Min)
		case r.Invisible:
			unseen++
		default:
			unread++
		}
	}
	var parts []string
	if minimum > 0 {
		parts = append(parts, fmt.Sprintf("Used now: %s of the minimums, %s of %s TPS", percent(percentOf(average, minimum)), model.Figure(average), model.Figure(minimum)))
	}
	if unread > 0 {
		parts = append(parts, number(unread)+" could not be read")
	}
	if unseen > 0 {
		parts = append(parts, "the traffic of "+number(unseen)+" cannot be seen")
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, "; ") + "."
}

// alarmText is what is known of the alarms.
func alarmText(s Snapshot) string {
	if !s.Alarms.Known && len(s.Alarms.List) == 0 {
		return "Alarms: unknown."
	}
	text := fmt.Sprintf("Alarms: %d in ALARM of %s", alarming(s.Alarms.List), model.Plural(len(s.Alarms.List), "alarm"))
	var since []string
	if s.Alarms.Created > 0 {
		since = append(since, number(s.Alarms.Created)+" created")
	}
	if s.Alarms.Deleted > 0 {
		since = append(since, number(s.Alarms.Deleted)+" deleted")
	}
	if len(since) > 0 {
		text += "; " + strings.Join(since, " and ") + " since they were listed"
	}
	if a := s.Result.Alarms; a.Left > 0 {
		made := a.Kept + a.Created + a.Updated
		text += fmt.Sprintf("; %s of %s are as they should be, the next cycles continue", number(made), number(made+a.Left))
	}
	if old := s.oldAlarms(); old != "" {
		text += "; " + old
	}
	return text + "."
}
