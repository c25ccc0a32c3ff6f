package web

import (
	"fmt"
	"net/http"
	"slices"
	"time"
	"weak"

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
		plot := h.totals.get(weak.Make(e.Ledger), func() chart.Chart { return chartTotals(*e.Ledger) })
		totals.unknown = "There is no chart."
		if !plot.Empty() {
			plot.Pins = e.pinsOf(plot, "")
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
	Segments      segments
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
	v.Segments = segmentsOf(segment{Label: "Used", Class: "f-used", Value: used.Main()},
		segment{Label: "Not used", Class: "f-waste", Value: waste.Main()},
		segment{Label: "Idle", Class: "f-idle", Value: silent.Main()})
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
func amounts(list []model.Money, unknown int) total {
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
	list := mapped(states, func(one state) stateCount { return stateCount{State: one, Link: link("/resources", keyShow, one.Key)} })
	for _, r := range rows {
		c := &list[r.State.order()]
		c.Count++
		c.Cost.add(r.Costs.Monthly)
	}
	return slices.DeleteFunc(list, func(c stateCount) bool { return c.Count == 0 })
}

// chartTotals is the chart of all endpoints together.
func chartTotals(l report.Ledger) chart.Chart {
	var hours []billing.Hour
	for _, ofKind := range l.Hourly {
		hours = billing.AddHours(hours, ofKind)
	}
	return chart.OfHours("Paid and used", "TPS", hours)
}

// sums are numbers of all endpoints together.
type sums struct {
	Campaigns, Recommenders, Regions, Others int     // Others are not in service, and in no other sum
	Average, Minimum                         float64 // TPS of those whose demand could be read
	Unread, Unseen, Unchecked                int
	Hours, HoursKnown                        int // that decisions go by
	Behind                                   int // endpoints with unknown hours
}

func sumsOf(rows []*row) (s sums) {
	regions := map[string]bool{}
	for _, r := range rows {
		switch {
		case !r.Monitored:
			s.Others++
			continue
		case r.Average != nil:
			s.Average, s.Minimum = s.Average+*r.Average, s.Minimum+float64(r.Min)
		case r.Invisible:
			s.Unseen++
		default:
			s.Unread++
		}
		if regions[r.Region] = true; r.Kind == model.Campaign {
			s.Campaigns++
		} else {
			s.Recommenders++
		}
		if !r.Checked {
			s.Unchecked++
		}
		if h := r.Health(); h != nil {
			s.Hours, s.HoursKnown = s.Hours+h.Hours, s.HoursKnown+h.Known
			if h.Known < h.Hours {
				s.Behind++
			}
		}
	}
	s.Regions = len(regions)
	return s
}

// Used is how much of the minimums is used.
func (s sums) Used() string { return percent(percentOf(s.Average, s.Minimum)) }

// Health is how much of the demand is known.
func (s sums) Health() string { return percent(percentOf(float64(s.HoursKnown), float64(s.Hours))) }
