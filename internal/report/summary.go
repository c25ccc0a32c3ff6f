package report

import (
	"strconv"

	"github.com/personalize-monitor/personalize-monitor/internal/advice"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// summary sums the ledger up: of the month, if one was metered, or else of what is shown.
func (l Ledger) summary() advice.Summary {
	t := l.Totals
	f := advice.Facts{
		Period: l.period(), Endpoints: t.Resources, Idle: t.Idle, Unknown: t.Unread + t.Unpriced, TrainingCost: l.TrainingCost,
		Proposals: l.Recommendations, Accounts: len(l.Accounts), AccountsUnread: len(unread(l.Accounts)),
	}
	for _, e := range t.Estimates {
		f.Spent = append(f.Spent, advice.Amount{Currency: e.Currency, Amount: e.Paid})
	}
	if l.Month != nil {
		f.Period, f.Spent, f.Unknown = l.Month.Period(), l.Month.Spent, l.Month.Unknown
	}
	if l.Training != nil && l.Training.Totals.Hours != nil {
		t := l.Training.Totals
		f.Training = &advice.Training{Hours: *t.Hours, NeverServed: t.Unserved, Partial: len(t.Unread) > 0 || t.HoursMissing()}
	}
	return advice.SummaryOf(f)
}

// period is what the shown span is called.
func (l Ledger) period() string {
	return model.Plural(l.Days, "day") + " to " + l.Window.End.Format("2 January 2006 15:04 UTC")
}

// advised writes the summary, the month, and the ranked recommendations.
func (p Printer) advised(l Ledger) {
	if len(l.Resources) == 0 && len(l.Recommendations) == 0 {
		return
	}
	for _, line := range p.wrapped(l.Summary.Text, p.Width) {
		p.Line(p.paint(bold, line))
	}
	if l.Month != nil {
		p.Line("")
		p.Label("Month", l.Month.Text())
	}
	if len(l.Recommendations) > 0 {
		p.Line("")
		p.Grid(p.recommendations(l.Recommendations))
	}
}

// recommendations is the ranked list. A reason is cut to one line; the JSON has all of it.
func (p Printer) recommendations(proposals []advice.Proposal) Grid {
	g := Grid{Columns: []Column{
		{Title: "#", Right: true}, {Title: "WHAT TO DO", Name: true}, {Title: "SAVES A MONTH", Right: true},
		{Title: "METERED", Right: true, Minor: 1}, {Title: "RISK"}, {Title: "SURE"},
	}}
	for _, r := range proposals {
		g.Rows = append(g.Rows, Row{Below: Cell{p.cut(r.Why), dim}, Copy: r.Command, Cells: Cells(
			strconv.Itoa(r.Rank), r.What, savesMoney(r.Saves), savesMetered(r.Saves), string(r.Risk), string(r.Sure))})
	}
	return g
}

func savesMoney(s advice.Saving) string {
	if s.Amount == nil {
		return "unknown"
	}
	return s.Currency + " " + amount(*s.Amount)
}

func savesMetered(s advice.Saving) string {
	switch {
	case s.TPSHours != nil:
		return commas(*s.TPSHours) + " TPS-h"
	case s.TrainingHours != nil:
		return commas(*s.TrainingHours) + " training h"
	}
	return "–"
}

// cut is a text on one line below a row, shortened where there is little room.
func (p Printer) cut(text string) string {
	if room := p.Width - indent; room >= minText {
		return Cut(text, room)
	}
	return model.OneLine(text)
}

const recommendationColumns = `rank kind arn name region what amountPerMonth=savesPerMonth.amount currency=savesPerMonth.currency
	tpsHoursPerMonth=savesPerMonth.tpsHours trainingHoursPerMonth=savesPerMonth.trainingHours risk sure command why`

// Advice is the summary and the recommendations of a ledger as a report of its own.
type Advice struct{ Ledger Ledger }

// Failed reports whether something could not be read.
func (a Advice) Failed() bool { return a.Ledger.Failed() }

// Asides implements Report.
func (a Advice) Asides() []string { return a.Ledger.Asides() }

// JSON implements Report.
func (a Advice) JSON() any {
	l := a.Ledger
	l.Normalize()
	return struct {
		Summary         advice.Summary    `json:"summary"`
		Recommendations []advice.Proposal `json:"recommendations"`
		Problems        []model.Problem   `json:"problems"`
	}{l.Summary, l.Recommendations, l.Problems}
}

// Table implements Report.
func (a Advice) Table(p Printer) {
	l := a.Ledger
	l.Normalize()
	p.foundIn(l)
	p.advised(l)
	p.Problems(l.Problems)
}

// CSV implements Report.
func (a Advice) CSV() [][]string {
	return rowsOf(recommendationColumns, a.Ledger.Recommendations)
}
