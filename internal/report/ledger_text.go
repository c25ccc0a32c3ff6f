package report

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/personalize-monitor/personalize-monitor/internal/advice"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Table writes the resources, with what could be saved below each, then sums, prices and
// notes.
func (l Ledger) Table(p Printer) {
	l.Normalize()
	p.advised(l)
	if len(l.Resources) > 0 {
		p.Line("")
	}
	p.foundIn(l)
	if len(l.Resources) > 0 {
		if l.Groups != nil {
			p.Grid(l.Groups.grid(l.Accounts))
			p.Line("")
		}
		p.Grid(l.grid())
		p.Line("")
	}
	p.ledgerSummary(l)
	p.Training(l.Training)
	p.Problems(l.Problems)
}

func (l Ledger) grid() Grid {
	g := Grid{Columns: []Column{
		{Title: "KIND", Minor: 1},
		{Title: "NAME", Name: true},
		{Title: "REGION"},
		{Title: "MIN", Right: true},
		{Title: "AVG", Right: true, Minor: 2},
		{Title: "PEAK", Right: true, Minor: 5},
		{Title: "UTIL", Right: true},
		{Title: "P50", Right: true, Minor: 6},
		{Title: "P95", Right: true, Minor: 6},
		{Title: "LOW–HIGH", Right: true, Minor: 6},
		{Title: "IDLE", Right: true, Minor: 4},
		{Title: "PAID", Right: true},
		{Title: "USED", Right: true, Minor: 3},
		{Title: "WASTED", Right: true},
		{Title: "SAVES", Right: true},
	}}
	for _, e := range l.Resources {
		used, saves := slices.Repeat([]string{"–"}, 10), "–"
		if u := e.Usage; u != nil {
			spread := "–"
			if u.Utilization.LowestHour != nil && u.Utilization.HighestHour != nil {
				spread = Number(u.Utilization.LowestHour, 0, "") + "–" + Number(u.Utilization.HighestHour, 0, "%")
			}
			used = []string{
				Number(&u.Actual, 2, ""), Number(&u.Peak, 2, ""),
				Number(u.Utilization.Mean, 1, "%"), Number(u.Utilization.P50, 1, "%"), Number(u.Utilization.P95, 1, "%"), spread,
				Number(u.IdleHours, 1, "h"), commas(u.TPSHours.Paid), commas(u.TPSHours.Used), commas(u.TPSHours.Wasted),
			}
		}
		if e.Saving != nil {
			saves = commas(e.Saving.TPSHours)
		}
		cells := slices.Concat([]string{string(e.Kind), e.Name, e.Region, strconv.Itoa(e.Min)}, used, []string{saves})
		row := Row{Below: e.advice(), Cells: Cells(cells...)}
		if e.Schedule != nil {
			row.Below.Text += "; proposed: " + e.Schedule.Sentence()
			row.Copy = e.Schedule.Command
		}
		g.Rows = append(g.Rows, row)
	}
	g.withAccount(len(l.Accounts) > 0, "REGION", func(i int) string { return l.Resources[i].OfAccount.Label() })
	return g
}

// advice is what would be saved, and how, or why nothing can be.
func (e Entry) advice() Cell {
	s := e.Saving
	if s == nil {
		return Cell{e.Note, dim}
	}
	what, money := string(s.Action), ""
	if s.Action == rules.StepDown {
		what = fmt.Sprintf("step-down from %d to %d", e.Min, s.NewMin)
	}
	if e.Estimate != nil {
		money = fmt.Sprintf(" (estimate %s %s)", e.Estimate.Currency, amount(e.Estimate.SavedPerMonth))
	}
	text := fmt.Sprintf("%s saves %s TPS-hours a month%s: %s", what, commas(s.PerMonth), money, e.Note)
	if s.Action == rules.StepDown {
		text += "; " + e.exposure()
	}
	if e.Estimate != nil && e.Estimate.Note != "" {
		text += "; " + e.Estimate.Note
	}
	return Cell{text, colorOf(s.Action)}
}

// exposure is how often demand would rise faster than capacity with the new minimum.
func (e Entry) exposure() string {
	c := e.cold()
	if c == nil {
		return "how often demand would rise faster than capacity is not known"
	}
	text := fmt.Sprintf("cold steps: %s a week, now %s", perWeek(c.Then.PerWeek), perWeek(c.Now.PerWeek))
	if worst := c.Then.Worst; worst != nil {
		text += ", the worst " + surgeText(*worst, e.Kind)
	}
	return text + "; risk " + string(c.Risk)
}

// perWeek writes how many cold steps a week has.
func perWeek(n *float64) string { return Number(n, 1, "") }

func surgeText(s billing.Surge, kind model.Kind) string {
	return fmt.Sprintf("from %s to %s %s at %s UTC",
		Number(&s.From, 1, ""), Number(&s.To, 1, ""), kind.RateUnit(), s.At.UTC().Format("2006-01-02 15:04"))
}

func (p Printer) ledgerSummary(l Ledger) {
	p.accounts(l.Accounts)
	resources := l.counted()
	if span := spanText(l.Days, l.Window); span != "" {
		resources += ", " + span
	}
	p.Label("Resources", resources)
	t := l.Totals
	if t.Resources > t.Unread {
		if t.Throughput != nil {
			p.Label("Throughput", throughputText(*t.Throughput))
		}
		p.Label("Idle", fmt.Sprintf("%s of %s hours of all resources", commas(t.IdleHours), commas(t.Hours)))
		p.Label("TPS-hours", tpsHoursText(t.TPSHours))
		if len(t.ByKind) > 1 {
			for _, k := range t.ByKind {
				p.Label("", model.Plural(k.Resources, string(k.Kind))+": "+tpsHoursText(k.TPSHours))
			}
		}
		p.Label("Savings", savingsText(t))
		if n := t.Actions[rules.StepDown]; n > 0 {
			p.Label("Cold steps", exposureOfAll(t.Saving))
		}
	}
	for _, e := range t.Estimates {
		p.Label("Estimate", estimateText(e, t))
	}
	p.Label("Price", PriceTexts(l.Prices)...)
	p.Label("AWS calls", l.callsText())
	p.Label("Note", l.Notes...)
}

func throughputText(t billing.Throughput) string {
	u := t.Utilization
	return fmt.Sprintf("%s TPS provisioned, %s used, %s at the peak; utilization %s, p50 %s, p95 %s, hours %s to %s",
		Number(&t.Provisioned, 2, ""), Number(&t.Actual, 2, ""), Number(&t.Peak, 2, ""),
		Number(u.Mean, 1, "%"), Number(u.P50, 1, "%"), Number(u.P95, 1, "%"), Number(u.LowestHour, 1, "%"), Number(u.HighestHour, 1, "%"))
}

// exposureOfAll is how often demand would rise faster than capacity, for all step-downs together.
func exposureOfAll(s billing.Savings) string {
	if s.ColdPerWeek == nil {
		return "not known for any of the step-downs"
	}
	return perWeek(s.ColdPerWeek) + " a week with the new minimums, " + coldNow(s)
}

// coldNow is how often demand rises faster than capacity now.
func coldNow(s billing.Savings) string {
	text := "now " + perWeek(s.ColdPerWeekNow)
	if s.ColdUnknown > 0 {
		text += "; not known for " + model.Plural(s.ColdUnknown, "step-down")
	}
	return text
}

func tpsHoursText(h billing.TPSHours) string {
	text := fmt.Sprintf("%s paid, %s used, %s wasted", commas(h.Paid), commas(h.Used), commas(h.Wasted))
	if h.Paid > 0 {
		share := h.Wasted / h.Paid * 100
		text += " (" + Number(&share, 1, "%") + ")"
	}
	return text
}

func savingsText(t Totals) string {
	actions := tally(t.Actions, decisions)
	if actions == "" {
		return "none found"
	}
	return fmt.Sprintf("%s would have saved %s TPS-hours, and would save %s a month",
		actions, commas(t.Saving.TPSHours), commas(t.Saving.PerMonth))
}

func estimateText(e EstimateTotal, t Totals) string {
	text := fmt.Sprintf("%s %s paid, %s wasted; savings %s, a month %s",
		e.Currency, amount(e.Paid), amount(e.Wasted), amount(e.Saved), amount(e.SavedPerMonth))
	if read := t.Resources - t.Unread; e.Resources < read {
		text += fmt.Sprintf(" (of %d of %d resources)", e.Resources, read)
	}
	return text
}

// counted is how many resources there are, of which kinds and in how many regions.
func (l Ledger) counted() string {
	return counted(l.Resources, func(e Entry) Subject { return e.Subject })
}

// summary sums the ledger up: of the month, if one was metered, or else of what is shown.
func (l Ledger) summary() advice.Summary {
	t := l.Totals
	s := advice.Summary{
		Period: l.period(), Endpoints: t.Resources, Idle: t.Idle, Unknown: t.Unread + t.Unpriced, TrainingCost: l.TrainingCost,
		Do: l.Recommendations, Accounts: len(l.Accounts), AccountsUnread: len(unread(l.Accounts)), Gaps: l.gaps(),
	}
	for _, e := range t.Estimates {
		s.Spent = append(s.Spent, model.Money{Currency: e.Currency, Amount: e.Paid})
	}
	if l.Month != nil {
		s.Period, s.Spent, s.Unknown = l.Month.Period(), l.Month.Spent, l.Month.Unknown
	}
	if l.Training != nil && l.Training.Totals.Hours != nil {
		t := l.Training.Totals
		s.Training = &advice.Training{Hours: *t.Hours, NeverServed: t.Unserved, Partial: len(t.Unread) > 0 || t.HoursMissing()}
	}
	return advice.SummaryOf(s)
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
		p.Line(p.Paint(bold, line))
	}
	if l.Month != nil {
		p.Line("")
		p.Label("Month", l.Month.Text())
	}
	if len(l.Recommendations) > 0 {
		p.Line("")
		p.Grid(p.recommendations(l))
	}
}

// recommendations is the ranked list. A reason is cut to one line; the JSON has all of it.
func (p Printer) recommendations(l Ledger) Grid {
	g := Grid{Columns: []Column{
		{Title: "#", Right: true},
		{Title: "WHAT TO DO", Name: true},
		{Title: "SAVES A MONTH", Right: true},
		{Title: "METERED", Right: true, Minor: 1},
		{Title: "RISK"},
		{Title: "SURE"},
	}}
	for _, r := range l.Recommendations {
		g.Rows = append(g.Rows, Row{Below: Cell{p.cut(r.Why), dim}, Copy: r.Command, Cells: Cells(
			strconv.Itoa(r.Rank), r.What, savesMoney(r.Saves), savesMetered(r.Saves), string(r.Risk), string(r.Sure))})
	}
	g.withAccount(len(l.Accounts) > 0, "SAVES A MONTH", func(i int) string { return l.Recommendations[i].Label() })
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
type Advice struct{ Ledger }

// JSON implements Report.
func (a Advice) JSON() any {
	l := a.Ledger
	l.Normalize()
	return struct {
		Summary         advice.Summary    `json:"summary"`
		Recommendations []advice.Proposal `json:"recommendations"`
		Problems        []model.Problem   `json:"problems"`
		Accounts        []Account         `json:"accounts,omitempty"`
	}{l.Summary, l.Recommendations, l.Problems, l.Accounts}
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
	return rowsOf(recommendationColumns+accountColumns(a.Accounts), a.Recommendations)
}
