package report

import (
	"fmt"
	"strconv"

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
	if l.Groups != nil && len(l.Resources) > 0 {
		p.Grid(l.Groups.grid())
		p.Line("")
	}
	if len(l.Resources) > 0 {
		grid := ledgerGrid(l.Resources)
		grid.withAccount(l.Accounts, func(i int) string { return l.Resources[i].accountLabel() })
		p.Grid(grid)
		p.Line("")
	}
	p.ledgerSummary(l)
	p.Training(l.Training)
	p.Problems(l.Problems)
}

func ledgerGrid(entries []Entry) Grid {
	g := Grid{Columns: []Column{
		{Title: "KIND", Minor: 1}, {Title: "NAME", Name: true}, {Title: "REGION"}, {Title: "MIN", Right: true}, {Title: "AVG", Right: true, Minor: 2},
		{Title: "PEAK", Right: true, Minor: 5}, {Title: "UTIL", Right: true}, {Title: "P50", Right: true, Minor: 6}, {Title: "P95", Right: true, Minor: 6},
		{Title: "LOW–HIGH", Right: true, Minor: 6}, {Title: "IDLE", Right: true, Minor: 4}, {Title: "PAID", Right: true},
		{Title: "USED", Right: true, Minor: 3}, {Title: "WASTED", Right: true}, {Title: "SAVES", Right: true},
	}}
	for _, e := range entries {
		row := Row{Below: e.advice()}
		if e.Schedule != nil {
			row = Row{Below: Cell{row.Below.Text + "; proposed: " + e.Schedule.Sentence(), row.Below.Color}, Copy: e.Schedule.Command}
		}
		row.Cells = Cells(e.cells()...)
		g.Rows = append(g.Rows, row)
	}
	return g
}

func (e Entry) cells() []string {
	row := []string{string(e.Kind), e.Name, e.Region, strconv.Itoa(e.Min), "–", "–", "–", "–", "–", "–", "–", "–", "–", "–", "–"}
	if u := e.Usage; u != nil {
		spread := "–"
		if u.Utilization.LowestHour != nil && u.Utilization.HighestHour != nil {
			spread = Number(u.Utilization.LowestHour, 0, "") + "–" + Number(u.Utilization.HighestHour, 0, "%")
		}
		copy(row[4:], []string{
			Number(&u.Actual, 2, ""), Number(&u.Peak, 2, ""),
			Number(u.Utilization.Mean, 1, "%"), Number(u.Utilization.P50, 1, "%"), Number(u.Utilization.P95, 1, "%"), spread,
			Number(u.IdleHours, 1, "h"), commas(u.TPSHours.Paid), commas(u.TPSHours.Used), commas(u.TPSHours.Wasted),
		})
	}
	if e.Saving != nil {
		row[len(row)-1] = commas(e.Saving.TPSHours)
	}
	return row
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
	for _, price := range PriceTexts(l.Prices) {
		p.Label("Price", price)
	}
	p.Label("AWS calls", l.callsText())
	for _, note := range l.Notes {
		p.Label("Note", note)
	}
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
	return counted(
		count(l.Resources, func(e Entry) model.Kind { return e.Kind }), count(l.Resources, func(e Entry) string { return e.Region }))
}
