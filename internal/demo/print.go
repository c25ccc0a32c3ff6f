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

var titles = []string{"KIND", "NAME", "REGION", "MIN", "→", "UTIL", "→", "TPS-HOURS/MONTH", "→", "ESTIMATE", "→", "OUTCOME"}

// firstNumber and lastNumber are the columns that hold numbers.
const firstNumber, lastNumber = 3, 10

// WriteTable writes what became of each resource, and what it comes to. The error is w's.
func (r Result) WriteTable(w io.Writer) error {
	out := bufio.NewWriter(w)
	rows := [][]string{titles}
	for _, row := range r.Resources {
		rows = append(rows, row.cells())
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

func (row Row) cells() []string {
	return []string{
		string(row.Kind), row.Name, row.Region, minimum(row.Before), minimum(row.After), percent(row.Before), percent(row.After),
		number(row.Before.PerMonth, 0), number(row.After.PerMonth, 0), row.Before.money(), row.After.money(), row.Outcome,
	}
}

// summary writes what all resources come to.
func (r Result) summary(w io.Writer) {
	label := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-11s"+format+"\n", append([]any{name}, args...)...)
	}
	label("Demo", "%s from %s UTC, %s, seed %d", model.Plural(r.Days, "day"), r.Start.Format("2006-01-02 15:04"), model.Plural(r.Cycles, "cycle"), r.Seed)
	label("Events", "%s, %s (and %d repeated), %s, %s, %s", model.Plural(r.Counts[Acted], "action"), model.Plural(r.Counts[Refused], "refusal"), r.Repeated,
		model.Plural(r.Counts[Alarmed], "change")+" of alarms", model.Plural(r.Counts[Mailed], "mail"), model.Plural(r.Counts[Failed], "failure"))
	label("Paid for", "%s → %s TPS-hours a month%s", number(&r.Total.Before, 0), number(&r.Total.After, 0), less(r.Total.Before, r.Total.After))
	if s := r.Total.Estimate; s != nil {
		label("Estimate", "%s %s → %s a month, of the %d with a price in the program", s.Currency, number(&s.Before, 2), number(&s.After, 2), s.Resources)
	}
	for _, p := range r.Prices {
		label("Price", "%s %g per TPS-hour of a %s in %s, %s: %s", p.Currency, p.PerTPSHour, p.Product, p.Region, p.Date, p.Source)
	}
	if n := len(r.Total.Unread); n > 0 {
		label("Not known", "%d of %d could not be read and are in no sum", n, len(r.Resources))
	}
	label("Before", "the day before the demo; after: its last day. A month has 730 hours like those of that day.")
}

func less(before, after float64) string {
	if before <= 0 || after >= before {
		return ""
	}
	return fmt.Sprintf(" (%.0f%% less)", (before-after)/before*100)
}

const none = "–"

func minimum(s Standing) string {
	if s.Min == nil {
		return none
	}
	return strconv.Itoa(*s.Min)
}

func percent(s Standing) string {
	if s.Utilization == nil {
		return none
	}
	return strconv.FormatFloat(*s.Utilization, 'f', 1, 64) + "%"
}

func (s Standing) money() string {
	if s.Estimate == nil {
		return none
	}
	return strings.TrimSpace(s.Currency + " " + number(s.Estimate, 0))
}

// number writes a number with commas between thousands.
func number(v *float64, digits int) string {
	if v == nil {
		return none
	}
	whole, rest, found := strings.Cut(strconv.FormatFloat(*v, 'f', digits, 64), ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if found {
		whole += "." + rest
	}
	return whole
}

// WriteJSON writes the result, with all events, as one indented object.
func (r Result) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// WriteCSV writes a header and one line for each resource. What is null in the JSON is an
// empty field.
func (r Result) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
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
	if err := out.WriteAll(lines); err != nil {
		return err
	}
	return out.Error()
}

func field[T any](v *T) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(*v)
}
