package report

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// CleanupItem is one thing that a clean-up found under the program's names.
type CleanupItem struct {
	Region string `json:"region"`
	Kind   string `json:"kind"` // alarm, target, rule, topic, dashboard
	Name   string `json:"name"`
	ARN    string `json:"arn"`
	State  string `json:"state"`  // removed, would be removed, already gone, kept, remains, unclear
	Reason string `json:"reason"` // why it is ours, stays or remains
}

// CleanupSkip is what a clean-up could not look at, as a region is denied or not enabled.
type CleanupSkip struct {
	Region string   `json:"region"`
	What   []string `json:"what"`
	Reason string   `json:"reason"`
}

// Cleanup is what came of a clean-up. Its JSON keys are stable. The order of all lists is
// that in which they are given.
type Cleanup struct {
	Deployment string          `json:"deployment"` // whose things were removed
	Regions    []string        `json:"regions"`    // looked at
	Items      []CleanupItem   `json:"items"`
	Skipped    []CleanupSkip   `json:"skipped"`
	Problems   []model.Problem `json:"problems"`
	Calls      map[string]int  `json:"calls"` // by service.Operation
	DurationMs int64           `json:"durationMs"`
	DryRun     bool            `json:"dryRun"` // nothing was written; the rest tells what would have been
	// Preview leaves out of the table what is true only at the end: it is shown before a question.
	Preview bool `json:"-"`
}

// plainCleanup is a Cleanup without its methods, for the encoder.
type plainCleanup Cleanup

// settled is the clean-up with no list nil.
func (c Cleanup) settled() Cleanup {
	c.Regions = append([]string{}, c.Regions...)
	c.Items = append([]CleanupItem{}, c.Items...)
	c.Skipped = append([]CleanupSkip{}, c.Skipped...)
	c.Problems = append([]model.Problem{}, c.Problems...)
	if c.Calls == nil {
		c.Calls = map[string]int{}
	}
	return c
}

// WriteJSON writes the clean-up as one indented object.
func (c Cleanup) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(plainCleanup(c.settled()))
}

// WriteCSV writes a header and one line for each item.
func (c Cleanup) WriteCSV(w io.Writer) error {
	rows := [][]string{{"region", "kind", "name", "arn", "state", "reason"}}
	for _, i := range c.Items {
		rows = append(rows, []string{i.Region, i.Kind, i.Name, i.ARN, i.State, i.Reason})
	}
	return csv.NewWriter(w).WriteAll(rows)
}

// manyAlike is how many items of one region, kind, state and reason get a row each in
// the table; more of them share one.
const manyAlike = 10

// WriteTable writes the clean-up for people: a table of the items in which many alike
// share a row, a summary, and the problems. There are no colours or other escape
// sequences unless color is true.
func (c Cleanup) WriteTable(w io.Writer, color bool) error {
	p := painter{w: bufio.NewWriter(w), color: color}
	c = c.settled()
	if len(c.Items) == 0 {
		p.line("Nothing was found under the program's names.")
	} else {
		p.cleanupRows(c.Items)
	}
	p.line("")
	p.labelled("Clean-up", stateCounts(c.Items)+" in "+model.Plural(len(c.Regions), "region"))
	if !c.Preview {
		p.labelled("AWS calls", fmt.Sprintf("%d in %s", total(c.Calls), spent(c.DurationMs)))
	}
	if c.DryRun && !c.Preview {
		p.line("Nothing was written.")
	}
	for _, skip := range c.Skipped {
		p.labelled("Skipped", model.OneLine(skip.Region+" ("+strings.Join(skip.What, ", ")+"): "+skip.Reason))
	}
	p.problems(c.Problems)
	return p.w.Flush()
}

// cleanupRows writes the items below their titles; the reason, which is last, is never
// wrapped or cut.
func (p painter) cleanupRows(items []CleanupItem) {
	rows := [][]string{{"REGION", "KIND", "STATE", "NAME", "REASON"}}
	for _, i := range grouped(items) {
		rows = append(rows, []string{i.Region, i.Kind, i.State, model.OneLine(i.Name), model.OneLine(i.Reason)})
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for column, text := range row {
			widths[column] = max(widths[column], utf8.RuneCountInString(text))
		}
	}
	for i, row := range rows {
		var line strings.Builder
		for column, text := range row {
			color := ""
			switch {
			case i == 0:
				color = bold
			case column == 2:
				color = stateColor(text)
			}
			space := strings.Repeat(" ", widths[column]-utf8.RuneCountInString(text)+gap)
			line.WriteString(p.paint(color, text) + space)
		}
		p.line(line.String())
	}
}

func stateColor(state string) string {
	switch state {
	case "remains":
		return red
	case "kept", "unclear":
		return yellow
	}
	return cyan
}

// grouped puts many items alike into one, in the place of the first.
func grouped(items []CleanupItem) []CleanupItem {
	key := func(i CleanupItem) CleanupItem { i.Name, i.ARN = "", ""; return i }
	counts := map[CleanupItem]int{}
	for _, i := range items {
		counts[key(i)]++
	}
	var rows []CleanupItem
	seen := map[CleanupItem]bool{}
	for _, i := range items {
		k := key(i)
		if n := counts[k]; n > manyAlike {
			if seen[k] {
				continue
			}
			seen[k] = true
			i.Name = fmt.Sprintf("%s and %d more", i.Name, n-1)
		}
		rows = append(rows, i)
	}
	return rows
}

// stateCounts counts the items by their state, as in "3 removed, 1 kept".
func stateCounts(items []CleanupItem) string {
	counts := map[string]int{}
	for _, i := range items {
		counts[i.State]++
	}
	states := []string{"removed", "would be removed", "already gone", "kept", "remains", "unclear"}
	var parts []string
	for _, state := range states {
		if n := counts[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return cmp.Or(strings.Join(slices.Clip(parts), ", "), "nothing")
}
