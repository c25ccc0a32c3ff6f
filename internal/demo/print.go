package demo

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// Line is an event as people read it.
func (e Event) Line() string {
	about := e.Name
	if e.Region != "" {
		about = strings.TrimSpace(about + " (" + e.Region + ")")
	}
	text := fmt.Sprintf("%s  %-8s %s", stamp(e.Time), e.What, about)
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

// Fit is the event for a terminal: in at most two lines, with the word for it in color. A text that is
// too long is cut; names are not. Of an alarm the state comes before its name, which is long.
func (e Event) Fit(style report.Style) string {
	if style.Width <= 0 {
		return e.Line()
	}
	word := report.Word(e.What)
	if e.What == Acted && (e.Action == model.ActionDelete || e.Action == model.ActionStop) {
		word.Color = report.Word("deleted").Color
	}
	head := stamp(e.Time) + "  " + style.Paint(word.Color, fmt.Sprintf("%-8s", e.What)) + " "
	room := style.Width - len(stamp(e.Time)+"  ") - 9
	rest := strings.TrimPrefix(e.Line(), fmt.Sprintf("%s  %-8s ", stamp(e.Time), e.What))
	if e.What == Alarmed {
		rest = fmt.Sprintf("%s in %s: %s", e.Text, e.Region, e.Name)
	}
	const indent = "    "
	first, _, _ := strings.Cut(report.Fit(rest, report.Style{Width: room}), "\n")
	more := strings.TrimSpace(strings.TrimPrefix(rest, first))
	switch {
	case more == "":
		return head + first
	case utf8.RuneCountInString(first) > room: // a long name, which has a line of its own
		return strings.TrimRight(head, " ") + "\n" + indent + report.Cut(rest, style.Width-len(indent))
	}
	return head + first + "\n" + indent + report.Cut(more, style.Width-len(indent))
}

// Table implements report.Report: the outcome of each resource, and the sums.
func (r Result) Table(p report.Printer) {
	g := report.Grid{Columns: []report.Column{
		{Title: "KIND", Minor: 3}, {Title: "NAME", Name: true}, {Title: "REGION"}, {Title: "MIN", Right: true},
		{Title: "UTIL", Right: true, Minor: 2}, {Title: "TPS-HOURS/MONTH", Right: true, Minor: 1},
		{Title: "ESTIMATE", Right: true}, {Title: "OUTCOME"},
	}}
	for _, row := range r.Resources {
		b, a := row.Before, row.After
		line := report.Row{Below: report.Cell{Text: row.Reason}}
		for _, text := range []string{
			string(row.Kind), row.Name, row.Region, change(minimum(b), minimum(a)),
			change(report.Number(b.Utilization, 1, "%"), report.Number(a.Utilization, 1, "%")),
			change(report.Number(b.PerMonth, 0, ""), report.Number(a.PerMonth, 0, "")), change(b.money(), a.money()),
		} {
			line.Cells = append(line.Cells, report.Cell{Text: text})
		}
		line.Cells = append(line.Cells, report.Word(row.Outcome))
		g.Rows = append(g.Rows, line)
	}
	p.Grid(g)
	p.Line("")
	label := func(name, format string, args ...any) { p.Label(name, fmt.Sprintf(format, args...)) }
	label("Demo", "%s from %s UTC, %s, seed %d",
		model.Plural(r.Days, "day"), r.Start.Format("2006-01-02 15:04"), model.Plural(r.Cycles, "cycle"), r.Seed)
	label("Events", "%s, %s (and %d repeated), %s of alarms, %s, %s", model.Plural(r.Counts[Acted], "action"),
		model.Plural(r.Counts[Refused], "refusal"), r.Repeated, model.Plural(r.Counts[Alarmed], "change"),
		model.Plural(r.Counts[Mailed], "mail"), model.Plural(r.Counts[Failed], "failure"))
	label("Paid for", "%s → %s TPS-hours a month%s",
		report.Number(&r.Total.Before, 0, ""), report.Number(&r.Total.After, 0, ""), less(r.Total.Before, r.Total.After))
	if s := r.Total.Estimate; s != nil {
		label("Estimate", "%s %s → %s a month for %s%s", s.Currency, report.Number(&s.Before, 2, ""), report.Number(&s.After, 2, ""),
			model.Plural(s.Resources, "resource"), less(s.Before, s.After))
	}
	for _, price := range report.PriceTexts(r.Prices) {
		p.Label("Price", price)
	}
	if n := len(r.Total.Unread); n > 0 {
		label("Unknown", "%d of %d could not be read and are in no sum", n, len(r.Resources))
	}
	p.Label("Before", "the day before the demo; after: its last day. A month has 730 hours like those of that day.")
	p.Training(r.Training)
}

// change is a value before and after the demo.
func change(before, after string) string { return before + " → " + after }

func less(before, after float64) string {
	if before <= 0 || after >= before {
		return ""
	}
	return fmt.Sprintf(" (%.0f%% less)", (before-after)/before*100)
}

func minimum(s Day) string {
	if s.Min == nil {
		return "–"
	}
	return strconv.Itoa(*s.Min)
}

func (s Day) money() string {
	if s.Estimate == nil {
		return "–"
	}
	return strings.TrimSpace(s.Currency + " " + report.Number(s.Estimate, 0, ""))
}

// JSON implements report.Report.
func (r Result) JSON() any { return r }

// CSV implements report.Report. What is null in the JSON is an empty field.
func (r Result) CSV() [][]string {
	lines := [][]string{{
		"arn", "kind", "name", "region", "minBefore", "minAfter", "utilizationBefore", "utilizationAfter",
		"tpsHoursPerMonthBefore", "tpsHoursPerMonthAfter", "estimatePerMonthBefore", "estimatePerMonthAfter", "currency", "steps",
		"outcome", "reason",
	}}
	for _, row := range r.Resources {
		b, a := row.Before, row.After
		lines = append(lines, report.Fields(
			row.ARN, row.Kind, row.Name, row.Region, b.Min, a.Min, b.Utilization, a.Utilization,
			b.PerMonth, a.PerMonth, b.Estimate, a.Estimate, cmp.Or(b.Currency, a.Currency), row.Steps, row.Outcome, row.Reason,
		))
	}
	return lines
}

// Asides implements report.Report.
func (Result) Asides() []string { return nil }
