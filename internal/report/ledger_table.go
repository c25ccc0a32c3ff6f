package report

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Columns of the table of a ledger; all but the first three hold numbers.
var ledgerTitles = []string{
	"KIND", "NAME", "REGION", "MIN", "AVG", "PEAK", "UTIL", "P50", "P95", "LOW–HIGH", "IDLE", "PAID", "USED", "WASTED", "SAVES",
}

// ledgerName is the column of names, which are narrowed where there is little room.
const (
	ledgerName   = 1
	ledgerWordly = 3 // columns of words before those of numbers
)

// WriteTable writes the ledger for people: a line for each resource with what could be
// saved below it, then sums, prices and notes. Names are narrowed so that lines fit into
// width characters; 0 means no limit. The error is w's.
func (l Ledger) WriteTable(w io.Writer, width int, color bool) error {
	p := painter{w: bufio.NewWriter(w), width: width, color: color}
	l.Settle()
	switch {
	case len(l.Resources) > 0:
		p.ledgerRows(l.Resources)
		p.line("")
	case l.Failed():
		p.line("No campaigns or recommenders to show; see the problems below.")
	default:
		p.line("No active campaigns or recommenders were found.")
	}
	p.ledgerSummary(l)
	p.problems(l.Problems)
	return p.w.Flush()
}

func (p painter) ledgerRows(entries []Entry) {
	rows := make([][]string, len(entries))
	for i, e := range entries {
		rows[i] = ledgerCells(e)
	}
	widths := make([]int, len(ledgerTitles))
	for _, row := range append([][]string{ledgerTitles}, rows...) {
		for column, text := range row {
			widths[column] = max(widths[column], utf8.RuneCountInString(text))
		}
	}
	if p.width > 0 {
		room := p.width - gap*(len(widths)-1)
		for column, width := range widths {
			if column != ledgerName {
				room -= width
			}
		}
		widths[ledgerName] = min(widths[ledgerName], max(minName, room))
	}
	p.ledgerRow(ledgerTitles, widths, bold)
	for i, e := range entries {
		p.ledgerRow(rows[i], widths, "")
		text, shade := e.advice()
		for _, line := range wrapped(text, p.width-indent) {
			p.line(strings.Repeat(" ", indent) + p.paint(shade, line))
		}
	}
}

// wrapped breaks a text, unless there is no limit on the width of lines.
func wrapped(text string, width int) []string {
	if width <= 0 {
		return []string{text}
	}
	return wrap(text, max(minReason, width))
}

// ledgerRow writes one row; a name that is too long goes on in the next line.
func (p painter) ledgerRow(row []string, widths []int, shade string) {
	names := wrap(row[ledgerName], widths[ledgerName])
	for n, name := range names {
		var line strings.Builder
		for column, text := range row {
			if column == ledgerName {
				text = name
			} else if n > 0 {
				text = ""
			}
			space := strings.Repeat(" ", max(0, widths[column]-utf8.RuneCountInString(text)))
			if column < ledgerWordly {
				line.WriteString(p.paint(shade, text) + space)
			} else {
				line.WriteString(space + p.paint(shade, text))
			}
			line.WriteString(strings.Repeat(" ", gap))
		}
		p.line(line.String())
	}
}

// ledgerCells are the texts of one row.
func ledgerCells(e Entry) []string {
	row := make([]string, len(ledgerTitles))
	for i := range row {
		row[i] = "–"
	}
	row[0], row[1], row[2], row[3] = string(e.Kind), model.OneLine(e.Name), e.Region, strconv.Itoa(e.Min)
	if u := e.Usage; u != nil {
		spread := "–"
		if u.Utilization.LowestHour != nil && u.Utilization.HighestHour != nil {
			spread = rounded(u.Utilization.LowestHour, 0, "") + "–" + rounded(u.Utilization.HighestHour, 0, "%")
		}
		copy(row[4:], []string{
			rounded(&u.Actual, 2, ""), rounded(&u.Peak, 2, ""),
			rounded(u.Utilization.Mean, 1, "%"), rounded(u.Utilization.P50, 1, "%"), rounded(u.Utilization.P95, 1, "%"), spread,
			rounded(u.IdleHours, 1, "h"), commas(u.TPSHours.Paid), commas(u.TPSHours.Used), commas(u.TPSHours.Wasted),
		})
	}
	if e.Saving != nil {
		row[len(row)-1] = commas(e.Saving.TPSHours)
	}
	return row
}

// advice tells in a line what would be saved, and how, or why nothing is.
func (e Entry) advice() (text, shade string) {
	s := e.Saving
	if s == nil {
		return model.OneLine(e.Note), dim
	}
	what := string(s.Action)
	if s.Action == rules.StepDown {
		what = fmt.Sprintf("step-down from %d to %d", e.Min, s.NewMin)
	}
	text = fmt.Sprintf("%s saves %s TPS-hours a month%s: %s", what, commas(s.PerMonth), e.Estimate.perMonth(), model.OneLine(e.Note))
	if s.Action == rules.StepDown {
		text += "; " + e.exposure()
	}
	return text, decisionColor(s.Action)
}

// exposure tells how sudden demand was, against twice the new minimum.
func (e Entry) exposure() string {
	s := e.Saving
	text := fmt.Sprintf("within 5 minutes demand rose above %d %s %s", 2*s.NewMin, e.Kind.RateUnit(), times(s.Jumps))
	if s.Jumps > 0 {
		text += fmt.Sprintf(", from %d or less %s", s.NewMin, times(s.Sudden))
	}
	if s.JumpsNow > 0 {
		text += fmt.Sprintf(" (above %d %s)", 2*e.Min, times(s.JumpsNow))
	}
	return text
}

func times(n int) string {
	if n == 0 {
		return "never"
	}
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// perMonth is the money that a month would save, in brackets, or nothing.
func (e *Estimate) perMonth() string {
	if e == nil {
		return ""
	}
	return fmt.Sprintf(" (estimate %s %s)", e.Currency, amount(e.SavedPerMonth))
}

// amount writes an amount with two digits.
func amount(v float64) string {
	whole := strconv.FormatFloat(v, 'f', 2, 64)
	units, cents, _ := strings.Cut(whole, ".")
	return thousands(units) + "." + cents
}

// commas writes a number of TPS-hours: with one digit, and commas between thousands.
func commas(v float64) string {
	text := rounded(&v, 1, "")
	units, rest, found := strings.Cut(text, ".")
	if !found {
		return thousands(units)
	}
	return thousands(units) + "." + rest
}

// thousands puts commas into a whole number.
func thousands(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// ledgerSummary writes what the resources come to.
func (p painter) ledgerSummary(l Ledger) {
	kinds := make([]Resource, 0, len(l.Resources))
	for _, e := range l.Resources {
		kinds = append(kinds, Resource{Kind: e.Kind, Region: e.Region})
	}
	p.labelled("Resources", counted(kinds)+", "+model.Plural(l.Days, "day")+", "+l.Window.text())
	t := l.Totals
	if t.Resources > t.Unread {
		if t.Throughput != nil {
			p.labelled("Throughput", t.Throughput.text())
		}
		p.labelled("Idle", fmt.Sprintf("%s of %s hours of all resources", commas(t.IdleHours), commas(t.Hours)))
		p.labelled("TPS-hours", tpsHoursText(t.TPSHours))
		if len(t.ByKind) > 1 {
			for _, k := range t.ByKind {
				p.labelled("", model.Plural(k.Resources, string(k.Kind))+": "+tpsHoursText(k.TPSHours))
			}
		}
		p.labelled("Savings", savingsText(t))
		if n := t.Actions[rules.StepDown]; n > 0 {
			p.labelled("Spikes", t.Saving.exposure())
		}
	}
	for _, e := range t.Estimates {
		p.labelled("Estimate", estimateText(e, t))
	}
	for _, price := range l.Prices {
		p.labelled("Price", price.text())
	}
	p.labelled("AWS calls", fmt.Sprintf("%d in %s, %s", total(l.Calls), spent(l.DurationMs), model.Plural(l.MetricsGot, "metric")+" read"))
	for _, note := range l.Notes {
		p.labelled("Note", note)
	}
}

// text tells what all had and did together.
func (t Throughput) text() string {
	u := t.Utilization
	return fmt.Sprintf("%s TPS provisioned, %s used, %s at the peak; utilization %s, p50 %s, p95 %s, hours %s to %s",
		rounded(&t.Provisioned, 2, ""), rounded(&t.Actual, 2, ""), rounded(&t.Peak, 2, ""),
		rounded(u.Mean, 1, "%"), rounded(u.P50, 1, "%"), rounded(u.P95, 1, "%"), rounded(u.LowestHour, 1, "%"), rounded(u.HighestHour, 1, "%"))
}

// exposure tells how sudden demand was that all step-downs together would have met.
func (s SavingTotal) exposure() string {
	text := "within 5 minutes demand rose above twice a new minimum " + times(s.Jumps)
	if s.Jumps > 0 {
		text += ", from that minimum or less " + times(s.Sudden)
	}
	return text + " (above twice a present one " + times(s.JumpsNow) + ")"
}

func tpsHoursText(h TPSHours) string {
	text := fmt.Sprintf("%s paid, %s used, %s wasted", commas(h.Paid), commas(h.Used), commas(h.Wasted))
	if h.Paid > 0 {
		share := h.Wasted / h.Paid * 100
		text += " (" + rounded(&share, 1, "%") + ")"
	}
	return text
}

func savingsText(t Totals) string {
	var parts []string
	for _, action := range decisions {
		if n := t.Actions[action]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, action))
		}
	}
	if len(parts) == 0 {
		return "none found"
	}
	return fmt.Sprintf("%s would have saved %s TPS-hours, and would save %s a month",
		strings.Join(parts, ", "), commas(t.Saving.TPSHours), commas(t.Saving.PerMonth))
}

func estimateText(e EstimateTotal, t Totals) string {
	text := fmt.Sprintf("%s %s paid, %s wasted; savings %s, a month %s",
		e.Currency, amount(e.Paid), amount(e.Wasted), amount(e.Saved), amount(e.SavedPerMonth))
	if read := t.Resources - t.Unread; e.Resources < read {
		text += fmt.Sprintf(" (of %d of %d resources)", e.Resources, read)
	}
	return text
}

// text is a price with all that one needs to check it.
func (p Price) text() string {
	return fmt.Sprintf("%s per TPS-hour, %s in %s, of %s (%s)",
		p.Amount(), p.Product, p.Region, p.Date, model.OneLine(p.Source))
}
