package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

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
	Waiting  bool // nothing has been measured yet
	Tasks    []task
	CycleErr string
	Older    bool // older values are shown in spite of CycleErr
	Failing  []*row
	Hero     heroView
	Advice   adviceView
	States   []stateCount
	Total    int
	Facts    []string // what is known of the endpoints, and what is not
	Late     bool     // data are late
	Chart    *chartView
	Recent   []entryView
	Problems []string
	Notes    []string
	Days     string // of the ledger
}

// task is a stage of the first check.
type task struct {
	Text        string
	Done, Total int
}

// stateCount is how many endpoints are in a state, and what they cost.
type stateCount struct {
	State state
	Count int
	Cost  total
	Link  string
}

func (h *site) overview(_ *http.Request, q *fields) (page, error) {
	if q.fault != nil {
		return page{}, q.fault
	}
	s, now := h.snapshot()
	all := h.estate(s, now)
	rows := all.rows
	view := overviewView{
		Waiting: measured(s).IsZero() && s.Status.LastError == "", CycleErr: s.Status.LastError, Older: !measured(s).IsZero(),
		Hero: all.hero, Total: len(rows),
	}
	view.Tasks = tasksOf(s)
	view.Advice = adviceViewOf(all.advice, overviewAdvice, h.options.AllowActions, s)
	for _, r := range rows {
		if r.State == failing {
			view.Failing = append(view.Failing, r)
		}
	}
	view.States, view.Facts, view.Late = all.states, all.facts, all.late
	recent := selectSort(all.happenings, nil, "")
	view.Recent = entryViews(recent[:min(overviewRecent, len(recent))], now)
	for _, late := range s.Result.DataLate {
		view.Problems = append(view.Problems, late.String())
	}
	for _, p := range s.Result.Problems[:min(len(s.Result.Problems), overviewProblems)] {
		view.Problems = append(view.Problems, p.Error())
	}
	if more := len(s.Result.Problems) - overviewProblems; more > 0 {
		view.Problems = append(view.Problems, fmt.Sprintf("… and %s more", model.Plural(more, "problem")))
	}
	view.Notes = notesOf(s)
	if s.Ledger != nil {
		view.Days = model.Plural(s.Ledger.Days, "day")
		if plot := h.totals.get(s.Ledger, func() chart.Chart { return chartTotals(*s.Ledger) }); !plot.Empty() {
			plot.Pins = pinsOf(s.Audits, plot, true)
			plot.AddGaps(func(i int) string { return lateAt(s, plot.Times[i]+int64(plot.Step/time.Second)) })
			view.Chart = &chartView{ID: "totals", Plot: plot, CSV: link("/", keyFormat, "csv", keyTable, "totals")}
		}
	}
	return page{template: "overview", title: "Overview", path: "/", view: view, tables: []table{
		{"recommendations", func() [][]string { return report.Advice{Ledger: *s.Ledger}.CSV() }, unknownMoney(s)},
		{"totals", func() [][]string { return chartCSV(view.Chart.Plot) }, cmp.Or(unknownMoney(s), noChart(view.Chart))},
	}}, nil
}

// lateAt is which data are late at a time, so that a sum of all endpoints lacks them; empty if none.
func lateAt(s Snapshot, at int64) string {
	var regions []string
	for _, one := range s.Result.DataLate {
		if !one.Newest.IsZero() && at > one.Newest.Unix() {
			regions = append(regions, one.Where())
		}
	}
	if len(regions) == 0 {
		return ""
	}
	return "data of " + strings.Join(regions, ", ") + " are late"
}

// noChart is why there is no table of a chart; empty if there is.
func noChart(c *chartView) string {
	if c == nil {
		return "There is no chart."
	}
	return ""
}

// unknownMoney is why what can be saved is not known; empty if it is.
func unknownMoney(s Snapshot) string {
	switch {
	case s.Ledger != nil:
		return ""
	case s.LedgerErr != "":
		return "What was paid for is not known: " + s.LedgerErr
	}
	return "What was paid for is not known yet."
}

// tasksOf are the stages of a cycle under way.
func tasksOf(s Snapshot) []task {
	texts := map[string]string{"discover": "Finding endpoints", "measure": "Reading their traffic", "check": "Checking decisions again", "alarms": "Writing alarms"}
	var list []task
	for _, p := range s.Progress {
		list = append(list, task{texts[p.Step], p.Done, p.Total})
	}
	return list
}

// notesOf are the limits of the figures.
func notesOf(s Snapshot) []string {
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
	Known         bool
	Span          string // what Paid is of: the month so far, or the days of the ledger
	Next          string // what Monthly is: the forecast of the month, or a month at the present rate
	Paid, Monthly total
	Before        string // the month before, if it was metered
	Missing       string // the accounts that are in no sum; empty if all are in them
	Segments      []segment
	SegmentsText  string
	Metered       string // the exact quantities
	Saved         savedView
}

func heroOf(s Snapshot, rows []*row) heroView {
	v := heroView{Saved: savedOf(s)}
	if s.Ledger == nil {
		return v
	}
	l := s.Ledger
	v.Known, v.Span, v.Next = true, "Last "+model.Plural(l.Days, "day"), "A month at this rate"
	var used, waste, silent total
	for _, r := range rows {
		if r.Entry == nil {
			continue
		}
		v.Paid.add(r.Costs.Paid)
		if r.Monitored {
			v.Monthly.add(r.Costs.Monthly)
		}
		if !r.Costs.Paid.Known() {
			continue
		}
		rest := money{r.Costs.Paid.Amount - r.Costs.PaidWaste.Amount, r.Costs.Paid.Currency}
		used.add(rest)
		if r.State == idle || r.State == failing {
			silent.add(r.Costs.PaidWaste)
		} else {
			waste.add(r.Costs.PaidWaste)
		}
	}
	v.Segments = segmentsOf(segment{Label: "Used", Class: "f-used", Value: used.Main()}, segment{Label: "Not used", Class: "f-waste", Value: waste.Main()},
		segment{Label: "Idle", Class: "f-idle", Value: silent.Main()})
	v.SegmentsText = segmentsText(v.Segments)
	h := l.Totals.TPSHours
	v.Metered = fmt.Sprintf("%s TPS-hours paid for, %s used, %s (%s) not used", model.Figure(h.Paid), model.Figure(h.Used), model.Figure(h.Wasted),
		percent(percentOf(h.Wasted, h.Paid)))
	if n := l.Summary.AccountsUnread; n > 0 {
		v.Missing = fmt.Sprintf("without %d of %s", n, model.Plural(l.Summary.Accounts, "account"))
	}
	v.month(l.Month)
	return v
}

// month replaces the days of the ledger by the month so far and its forecast, if they were metered.
func (v *heroView) month(m *report.Month) {
	if m == nil {
		return
	}
	v.Span, v.Paid = m.Period(), amounts(m.Spent, m.Unknown)
	if f := m.Forecast; f != nil {
		v.Next, v.Monthly = "Forecast to its end", amounts(f.Spent, f.Unknown)
	}
	if m.Before != nil {
		v.Before = m.Before.Window.Start.Format("January 2006") + ": " + amounts(m.Before.Spent, m.Before.Unknown).String()
	}
}

// amounts are sums by currency that leave out some endpoints.
func amounts(list []model.Money, unknown int) total {
	t := total{Unknown: unknown}
	for _, a := range list {
		t.add(money{a.Amount, a.Currency})
	}
	return t
}

// stateCounts are the states that occur, in their order.
func stateCounts(rows []*row) []stateCount {
	list := make([]stateCount, len(states))
	for i, one := range states {
		list[i] = stateCount{State: one, Link: link("/resources", keyShow, one.Key)}
	}
	for _, r := range rows {
		c := &list[slices.IndexFunc(states, func(s state) bool { return s.Key == r.State.Key })]
		c.Count++
		c.Cost.add(r.Costs.Monthly)
	}
	return slices.DeleteFunc(list, func(c stateCount) bool { return c.Count == 0 })
}

// factsOf are sentences about all endpoints; late means that data of a region are late.
func factsOf(s Snapshot, rows []*row) (facts []string, late bool) {
	health, late := healthText(s, rows)
	for _, text := range []string{countText(s, rows), utilizationText(rows), health, alarmText(s), certaintyText(s, rows)} {
		if text != "" {
			facts = append(facts, text)
		}
	}
	return facts, late
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
	case s.Status.LastError == "" && measured(s).IsZero():
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

// chartTotals is the chart of all endpoints together.
func chartTotals(l report.Ledger) chart.Chart {
	sums := map[time.Time]billing.Hour{}
	for _, hours := range l.Hourly {
		for _, h := range hours {
			sum := sums[h.Start]
			sums[h.Start] = billing.Hour{Start: h.Start, Provisioned: sum.Provisioned + h.Provisioned, Actual: sum.Actual + h.Actual}
		}
	}
	hours := make([]billing.Hour, 0, len(sums))
	for _, h := range sums {
		hours = append(hours, h)
	}
	slices.SortFunc(hours, func(a, b billing.Hour) int { return a.Start.Compare(b.Start) })
	return chart.OfHours("Paid and used", "TPS", hours)
}

// healthText is how much of the demand is known, by the hours that decisions go by; empty if it has
// not been read yet. late means that data are late, so that nothing is changed in some regions.
func healthText(s Snapshot, rows []*row) (text string, late bool) {
	hours, known, behind := 0, 0, 0
	for _, r := range rows {
		h := r.Health()
		if !r.Monitored || h == nil {
			continue
		}
		hours, known = hours+h.Hours, known+h.Known
		if h.Known < h.Hours {
			behind++
		}
	}
	if hours > 0 {
		text = fmt.Sprintf("Data health: the demand of %s of %s is known.", percent(percentOf(float64(known), float64(hours))), model.Plural(hours, "hour"))
	}
	if behind > 0 {
		text += fmt.Sprintf(" Nothing is decided by the unknown hours of %s.", model.Plural(behind, "endpoint"))
	}
	var regions []string
	for _, one := range s.Result.DataLate {
		regions = append(regions, one.Where())
	}
	if len(regions) > 0 {
		text += " CloudWatch data are late in " + strings.Join(regions, ", ") + ": nothing is changed there."
	}
	return strings.TrimSpace(text), len(regions) > 0
}

// countText is what is monitored.
func countText(s Snapshot, rows []*row) string {
	if measured(s).IsZero() && len(rows) == 0 {
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
	if regions := unlisted(s); len(regions) > 0 {
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
		case r.Average == nil && r.Invisible:
			unseen++
		case r.Average == nil:
			unread++
		default:
			average += *r.Average
			minimum += float64(r.Min)
		}
	}
	text := ""
	if minimum > 0 {
		text = fmt.Sprintf("Used now: %s of the minimums, %s of %s TPS", percent(percentOf(average, minimum)), model.Figure(average), model.Figure(minimum))
	}
	if unread > 0 {
		text += "; " + model.Number(float64(unread), 0) + " could not be read"
	}
	if unseen > 0 {
		text += "; the traffic of " + model.Number(float64(unseen), 0) + " cannot be seen"
	}
	if text == "" {
		return ""
	}
	return strings.TrimPrefix(text, "; ") + "."
}

// alarmText is what is known of the alarms.
func alarmText(s Snapshot) string {
	if !s.Alarms.Known && len(s.Alarms.List) == 0 {
		return "Alarms: unknown."
	}
	n := 0
	for _, a := range s.Alarms.List {
		if a.On() {
			n++
		}
	}
	text := fmt.Sprintf("Alarms: %d in ALARM of %s", n, model.Plural(len(s.Alarms.List), "alarm"))
	var since []string
	if s.Alarms.Created > 0 {
		since = append(since, model.Number(float64(s.Alarms.Created), 0)+" created")
	}
	if s.Alarms.Deleted > 0 {
		since = append(since, model.Number(float64(s.Alarms.Deleted), 0)+" deleted")
	}
	if len(since) > 0 {
		text += "; " + strings.Join(since, " and ") + " since they were listed"
	}
	if left := s.Result.Alarms.Left; left > 0 {
		made := s.Result.Alarms.Kept + s.Result.Alarms.Created + s.Result.Alarms.Updated
		text += fmt.Sprintf("; %s of %s are as they should be, the next cycles continue", model.Number(float64(made), 0), model.Number(float64(made+left), 0))
	}
	if old := oldAlarms(s); old != "" {
		text += "; " + old
	}
	return text + "."
}
