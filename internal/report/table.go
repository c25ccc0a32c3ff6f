package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Escape sequences of ANSI terminals (ECMA-48, "select graphic rendition").
const (
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	cyan   = "\x1b[36m"
	reset  = "\x1b[0m"
)

// The columns of the table, in their order.
const (
	colKind = iota
	colName
	colRegion
	colMin
	colAverage
	colUtilization
	colDecision
	colSaves // left out where nothing is known of savings
	colReason
	columns
)

var titles = [columns]string{"KIND", "NAME", "REGION", "MIN", "AVG", "UTIL", "DECISION", "SAVES A MONTH", "REASON"}

// Widths, in characters.
const (
	gap       = 2  // between columns
	minReason = 60 // a narrower reason goes below its row instead
	minName   = 16 // names are not broken into shorter pieces
	indent    = 4  // of a reason below its row
)

// painter writes lines, with or without colour, within a width (0: any).
type painter struct {
	w     *bufio.Writer
	width int
	color bool
}

// paint colours a text, if colours are wanted and there is one to use.
func (p painter) paint(color, text string) string {
	if !p.color || color == "" || text == "" {
		return text
	}
	return color + text + reset
}

// line writes one line. Errors wait in the buffered writer until it is flushed.
func (p painter) line(text string) {
	fmt.Fprintln(p.w, strings.TrimRight(text, " "))
}

// WriteTable writes the result for people: a table of the resources, a summary, the
// problems. Reasons, and names if they must be, are wrapped so that lines fit into
// width characters; where that leaves too little room beside the other columns, a
// reason stands below its row. Width 0 means no limit: one line for each resource.
// There are no colours or other escape sequences unless color is true. The error is w's.
func (r Result) WriteTable(w io.Writer, width int, color bool) error {
	p := painter{w: bufio.NewWriter(w), width: width, color: color}
	r = r.settled()
	switch {
	case len(r.Resources) > 0:
		p.table(r.Resources)
	case r.Failed():
		p.line("No campaigns or recommenders to show; see the problems below.")
	default:
		p.line("No active campaigns or recommenders were found.")
	}
	p.line("")
	p.summary(r)
	p.problems(r.Problems)
	return p.w.Flush()
}

// table writes the resources.
func (p painter) table(resources []Resource) {
	rows := make([][columns]string, len(resources))
	for i, one := range resources {
		rows[i] = cells(one)
	}
	widths := p.fit(rows)
	head := titles
	if widths[colSaves] == 0 {
		head[colSaves] = ""
	}
	if widths[colReason] == 0 {
		head[colReason] = "" // reasons stand below
	}
	p.row(head, widths, func(int) string { return bold })
	for i, one := range resources {
		color := decisionColor(one.Decision)
		p.row(rows[i], widths, func(column int) string {
			switch {
			case column == colDecision:
				return color
			case column == colReason && one.Decision == rules.None:
				return dim
			}
			return ""
		})
	}
}

// cells are the texts of one row.
func cells(one Resource) [columns]string {
	decision := one.decided()
	return [columns]string{
		string(one.Kind), model.OneLine(one.Name), one.Region, strconv.Itoa(one.Min),
		rounded(one.Average, 2, ""), rounded(one.Utilization, 1, "%"), decision, one.savesText(), model.OneLine(one.Reason),
	}
}

// decided is the decision in words, with what came of it, or of a rehearsal.
func (r Resource) decided() string {
	action, minimum, remark := r.Decision, r.NewMin, r.Outcome
	if r.Would.Changes() && !action.Changes() {
		action, minimum, remark = r.Would, r.WouldMin, "DryRun"
	}
	text := string(action)
	if minimum != 0 {
		text += " → " + strconv.Itoa(minimum)
	}
	if remark != "" && action != rules.Refused {
		text += " (" + remark + ")"
	}
	return text
}

// savesText is what a decision would save in a month, if that is known.
func (r Resource) savesText() string {
	if r.Saving == nil {
		return ""
	}
	text := commas(r.Saving.PerMonth) + " TPS-h"
	if r.Estimate != nil {
		text += fmt.Sprintf(" (est. %s %s)", r.Estimate.Currency, amount(r.Estimate.SavedPerMonth))
	}
	return text
}

// rounded writes a number for people. What is not nought does not look like nought.
func rounded(v *float64, digits int, unit string) string {
	if v == nil {
		return "–"
	}
	text := strconv.FormatFloat(*v, 'f', digits, 64)
	if nought := strconv.FormatFloat(0, 'f', digits, 64); *v > 0 && text == nought {
		return "<" + nought[:len(nought)-1] + "1" + unit
	}
	return text + unit
}

// decisionColor tells at a glance what happens to a resource.
func decisionColor(d rules.Verdict) string {
	switch d {
	case rules.StepDown:
		return cyan
	case rules.Stop, rules.Delete:
		return red
	case rules.Refused:
		return yellow
	}
	return dim
}

// fit finds the width of each column: its longest text, with the name and the reason
// narrowed to what is left. A reason column of width 0 says that reasons stand below.
func (p painter) fit(rows [][columns]string) [columns]int {
	var widths [columns]int
	for _, row := range append([][columns]string{titles}, rows...) {
		for column, text := range row {
			widths[column] = max(widths[column], utf8.RuneCountInString(text))
		}
	}
	others := (columns - 1) * gap
	if !slices.ContainsFunc(rows, func(row [columns]string) bool { return row[colSaves] != "" }) {
		widths[colSaves] = 0
		others -= gap
	}
	if p.width <= 0 {
		return widths
	}
	for column, width := range widths {
		if column != colName && column != colReason {
			others += width
		}
	}
	room := p.width - others // for name and reason
	reason := min(widths[colReason], minReason)
	switch {
	case room >= widths[colName]+reason:
		widths[colReason] = min(widths[colReason], room-widths[colName])
	case room >= minName+reason:
		widths[colName], widths[colReason] = room-reason, reason
	default:
		widths[colName] = min(widths[colName], max(minName, room+gap))
		widths[colReason] = 0
	}
	return widths
}

// row writes one row, over several lines where its name or reason is too long.
func (p painter) row(row [columns]string, widths [columns]int, color func(column int) string) {
	var wrapped [columns][]string
	height := 1
	for column, text := range row {
		wrapped[column] = []string{text}
		if column == colName || column == colReason {
			wrapped[column] = wrap(text, widths[column])
		}
		if column == colReason && widths[column] == 0 {
			wrapped[column] = nil // stands below
		}
		height = max(height, len(wrapped[column]))
	}
	for i := range height {
		var line strings.Builder
		for column, texts := range wrapped {
			text := ""
			if i < len(texts) {
				text = texts[i]
			}
			if column == colSaves && widths[column] == 0 {
				continue
			}
			line.WriteString(p.cell(column, text, widths[column], color(column)))
		}
		p.line(line.String())
	}
	if widths[colReason] == 0 && row[colReason] != "" {
		for _, text := range wrap(row[colReason], max(minReason, p.width-indent)) {
			p.line(strings.Repeat(" ", indent) + p.paint(color(colReason), text))
		}
	}
}

// cell is a text filled up to the width of its column and the gap after it; numbers
// stand to the right.
func (p painter) cell(column int, text string, width int, color string) string {
	space := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
	text = p.paint(color, text)
	switch column {
	case colMin, colAverage, colUtilization:
		text = space + text
	default:
		text += space
	}
	return text + strings.Repeat(" ", gap)
}

// wrap breaks a text at its spaces into lines of at most width characters. A word
// longer than that is cut. The result has at least one line.
func wrap(text string, width int) []string {
	width = max(width, 1)
	var lines []string
	line, length := "", 0
	for _, word := range strings.Fields(text) {
		runes := []rune(word)
		if length > 0 && length+1+len(runes) <= width {
			line, length = line+" "+word, length+1+len(runes)
			continue
		}
		if length > 0 {
			lines = append(lines, line)
		}
		for len(runes) > width {
			lines = append(lines, string(runes[:width]))
			runes = runes[width:]
		}
		line, length = string(runes), len(runes)
	}
	if length > 0 || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}
