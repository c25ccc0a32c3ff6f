// Package report is the end of the line discover → measure → decide → act → report: results
// as values, and their forms for people and programs.
package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Form is how a report is written.
type Form string

// The forms.
const (
	Table Form = "table"
	JSON  Form = "json"
	CSV   Form = "csv"
)

// Style fits a table to where it is shown.
type Style struct {
	Width int  // of a line, in characters; 0 means no limit
	Color bool // ANSI colors; without them there are no escape sequences
}

// Report is what a command prints.
type Report interface {
	JSON() any       // in the order of the table, no list nil
	CSV() [][]string // the names of the columns, then the records
	Table(p Printer)
	// Asides are lines for which the CSV has no room: problems, notes, what was skipped.
	Asides() []string
}

// Write writes a report. The error is w's, or that of a number that JSON cannot hold.
func Write(w io.Writer, r Report, form Form, style Style) error {
	switch form {
	case JSON:
		return WriteJSON(w, r.JSON())
	case CSV:
		return WriteCSV(w, r.CSV())
	}
	p := Printer{w: bufio.NewWriter(w), Style: style}
	r.Table(p)
	return p.w.Flush()
}

// WriteJSON writes a value as indented JSON.
func WriteJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

func problemLines(problems []model.Problem, notes ...string) []string {
	var lines []string
	for _, problem := range problems {
		lines = append(lines, problem.Error())
	}
	for _, note := range notes {
		lines = append(lines, "note: "+note)
	}
	return lines
}

// list is a copy that JSON writes as [] if it is empty.
func list[T any](items []T) []T { return append([]T{}, items...) }

// Number writes a number for people, with commas between thousands. What is not zero does not
// look like zero, and nil is a dash.
func Number(v *float64, digits int, unit string) string {
	if v == nil {
		return "–"
	}
	text := strconv.FormatFloat(*v, 'f', digits, 64)
	if zero := strconv.FormatFloat(0, 'f', digits, 64); *v > 0 && text == zero {
		return "<" + zero[:len(zero)-1] + "1" + unit
	}
	return model.Thousands(text) + unit
}

func amount(v float64) string { return model.Number(v, 2) }

// commas writes TPS-hours with one digit, and commas between thousands.
func commas(v float64) string { return Number(&v, 1, "") }

// spent is a duration in as many digits as a person reads.
func spent(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	if d >= time.Second {
		d = d.Round(100 * time.Millisecond)
	}
	return d.String()
}

// tally counts in words, as in "3 done, 1 refused", in the order of the keys.
func tally[K ~string](counts map[K]int, keys []K) string {
	var parts []string
	for _, key := range keys {
		if n := counts[key]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", model.Number(float64(n), 0), string(key)))
		}
	}
	return strings.Join(parts, ", ")
}

func count[T any, K comparable](items []T, key func(T) K) map[K]int {
	counts := map[K]int{}
	for _, item := range items {
		counts[key(item)]++
	}
	return counts
}

// decisions in the order in which they are counted.
var decisions = []rules.Verdict{
	rules.None, rules.StepDown, rules.Raise, rules.Lower, rules.Return, rules.Drop, rules.Stop, rules.Delete, rules.Refused,
}

// counted is how many endpoints there are, of which kinds and in how many regions.
func counted[T any](list []T, subject func(T) Subject) string {
	kinds := count(list, func(one T) model.Kind { return subject(one).Kind })
	regions := count(list, func(one T) string { return subject(one).Region })
	var parts []string
	for _, kind := range []model.Kind{model.Campaign, model.Recommender} {
		if n := kinds[kind]; n > 0 {
			parts = append(parts, model.Plural(n, string(kind)))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, " and ") + " in " + model.Plural(len(regions), "region")
}

// windowText is a window with its date once, unless it spans midnight.
func windowText(w model.Window) string {
	end := "15:04"
	if w.Start.Format(time.DateOnly) != w.End.Format(time.DateOnly) {
		end = "2006-01-02 15:04"
	}
	return "window " + w.Start.Format("2006-01-02 15:04") + "–" + w.End.Format(end) + " UTC"
}

// spanText is a window of some days; empty if nothing was read.
func spanText(days int, w model.Window) string {
	if w.Start.IsZero() {
		return ""
	}
	return model.Plural(days, "day") + ", " + windowText(w)
}

// callsText is how many AWS calls were made, and in which time.
func callsText(calls map[string]int, ms int64) string {
	total := 0
	for _, n := range calls {
		total += n
	}
	return fmt.Sprintf("%d in %s", total, spent(ms))
}
