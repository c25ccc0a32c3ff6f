package demo

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
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

// The columns of the table. Those from firstNumber to lastNumber hold numbers.
var titles = []string{"KIND", "NAME", "REGION", "MIN", "→", "UTIL", "→", "TPS-HOURS/MONTH", "→", "ESTIMATE", "→", "OUTCOME"}

const firstNumber, lastNumber = 3, 10

// WriteTable writes the outcome of each resource, and the sums. The error is w's.
func (r Result) WriteTable(w io.Writer) error {
	out := bufio.NewWriter(w)
	rows := [][]string{titles}
	for _, row := range r.Resources {
		b, a := row.Before, row.After
		rows = append(rows, []string{
			string(row.Kind), row.Name, row.Region, text(b.Min, strconv.Itoa), text(a.Min, strconv.Itoa), text(b.Utilization, percent), text(a.Utilization, percent),
			text(b.PerMonth, whole), text(a.PerMonth, whole), b.money(), a.money(), row.Outcome,
		})
	}
	widths := make([]int, len(titles))
	for _, row := range rows {
		for column, text := range row {
			widths[column] = max(widths[column], utf8.RuneCountInString(text))
		}
	}
	for i, row := range rows {
		var line strings.Builder
		for column, text := range row {
			space := strings.Repeat(" ", widths[column]-utf8.RuneCountInString(text))
			if column >= firstNumber && column <= lastNumber {
				text, space = space+text, ""
			}
			line.WriteString(text + space + "  ")
		}
		fmt.Fprintln(out, strings.TrimRight(line.String(), " "))
		if i > 0 {
			fmt.Fprintln(out, "  "+r.Resources[i-1].Reason)
		}
	}
	fmt.Fprintln(out)
	r.summary(out)
	return out.Flush()
}

// summary writes the sums.
func (r Result) summary(w io.Writer) {
	label := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-11s"+format+"\n", append([]any{name}, args...)...)
	}
	label("Demo", "%s from %s UTC, %s, seed %d", model.Plural(r.Days, "day"), r.Start.Format("2006-01-02 15:04"), model.Plural(r.Cycles, "cycle"), r.Seed)
	label("Events", "%s, %s (and %d repeated), %s, %s, %s", model.Plural(r.Counts[Acted], "action"), model.Plural(r.Counts[Refused], "refusal"), r.Repeated,
		model.Plural(r.Counts[Alarmed], "change")+" of alarms", model.Plural(r.Counts[Mailed], "mail"), model.Plural(r.Counts[Failed], "failure"))
	label("Paid for", "%s → %s TPS-hours a month%s", whole(r.Total.Before), whole(r.Total.After), less(r.Total.Before, r.Total.After))
	if s := r.Total.Estimate; s != nil {
		label("Estimate", "%s %s → %s a month, of the %d with a price in the program", s.Currency, model.Number(s.Before, 2), model.Number(s.After, 2), s.Resources)
	}
	for _, p := range r.Prices {
		label("Price", "%s %g per TPS-hour of a %s in %s, %s: %s", p.Currency, p.PerTPSHour, p.Product, p.Region, p.Date, p.Source)
	}
	if n := len(r.Total.Unread); n > 0 {
		label("Unknown", "%d of %d could not be read and are in no sum", n, len(r.Resources))
	}
	label("Before", "the day before the demo; after: its last day. A month has 730 hours like those of that day.")
}

func less(before, after float64) string {
	if before <= 0 || after >= before {
		return ""
	}
	return fmt.Sprintf(" (%.0f%% less)", (before-after)/before*100)
}

// text is a value for people.
func text[T any](v *T, format func(T) string) string {
	if v == nil {
		return "–"
	}
	return format(*v)
}

func percent(v float64) string { return model.Number(v, 1) + "%" }

func whole(v float64) string { return model.Number(v, 0) }

func (s Day) money() string {
	return text(s.Estimate, func(v float64) string { return strings.TrimSpace(s.Currency + " " + whole(v)) })
}

// WriteJSON writes the result, with all events, as one indented object.
func (r Result) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// WriteCSV writes a header and one line for each resource. A null of the JSON is an empty field.
func (r Result) WriteCSV(w io.Writer) error {
	lines := [][]string{{
		"arn", "kind", "name", "region", "minBefore", "minAfter", "utilizationBefore", "utilizationAfter",
		"tpsHoursPerMonthBefore", "tpsHoursPerMonthAfter", "estimatePerMonthBefore", "estimatePerMonthAfter", "currency", "steps", "outcome", "reason",
	}}
	for _, row := range r.Resources {
		b, a := row.Before, row.After
		lines = append(lines, []string{
			row.ARN, string(row.Kind), row.Name, row.Region, field(b.Min), field(a.Min), field(b.Utilization), field(a.Utilization),
			field(b.PerMonth), field(a.PerMonth), field(b.Estimate), field(a.Estimate), cmp.Or(b.Currency, a.Currency),
			strconv.Itoa(row.Steps), row.Outcome, row.Reason,
		})
	}
	return csv.NewWriter(w).WriteAll(lines)
}

func field[T any](v *T) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(*v)
}
