package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// CleanupItem is one thing that a cleanup found under the program's names.
type CleanupItem struct {
	Region string `json:"region"`
	Kind   string `json:"kind"` // alarm, target, rule, topic, tag, dashboard
	Name   string `json:"name"`
	ARN    string `json:"arn"`
	State  string `json:"state"`  // removed, would be removed, already gone, kept, remains, unclear
	Reason string `json:"reason"` // why it is ours, stays or remains
}

// CleanupSkip is what a cleanup could not list, as a region is denied or not enabled.
type CleanupSkip struct {
	Region string   `json:"region"`
	What   []string `json:"what"`
	Reason string   `json:"reason"`
}

func (s CleanupSkip) text() string {
	return model.OneLine(s.Region + " (" + strings.Join(s.What, ", ") + "): " + s.Reason)
}

// Cleanup is the outcome of a cleanup. Its JSON keys are stable, and its lists stay in their
// order.
type Cleanup struct {
	Deployment string          `json:"deployment"` // whose things were removed
	Regions    []string        `json:"regions"`    // that were searched
	Items      []CleanupItem   `json:"items"`
	Skipped    []CleanupSkip   `json:"skipped"`
	Problems   []model.Problem `json:"problems"`
	Calls      map[string]int  `json:"calls"` // by service.Operation
	DurationMs int64           `json:"durationMs"`
	DryRun     bool            `json:"dryRun"` // nothing was written; the rest is what would have been
	// Preview leaves out of the table what is true only at the end: it is shown before a question.
	Preview bool `json:"-"`
}

// Asides implements Report.
func (c Cleanup) Asides() []string {
	var lines []string
	for _, skip := range c.Skipped {
		lines = append(lines, "skipped "+skip.text())
	}
	return append(lines, problemLines(c.Problems)...)
}

// JSON implements Report.
func (c Cleanup) JSON() any {
	c.Regions, c.Items, c.Skipped, c.Problems = list(c.Regions), list(c.Items), list(c.Skipped), list(c.Problems)
	if c.Calls == nil {
		c.Calls = map[string]int{}
	}
	return c
}

// CSV implements Report.
func (c Cleanup) CSV() [][]string { return rowsOf("region kind name arn state reason", c.Items) }

// manyAlike is how many items of one region, kind, state and reason have a row each in the table.
const manyAlike = 10

// Table writes the items, a summary, and the problems.
func (c Cleanup) Table(p Printer) {
	g := Grid{Text: "REASON", Columns: titles("REGION", "KIND", "STATE", "NAME")}
	for _, i := range Grouped(c.Items, manyAlike) {
		g.Rows = append(g.Rows, Row{Text: Cell{Text: i.Reason}, Cells: []Cell{{Text: i.Region}, {Text: i.Kind}, Word(i.State), {Text: i.Name}}})
	}
	if len(g.Rows) == 0 {
		p.Line("Nothing was found under the program's names.")
	} else {
		p.Grid(g)
	}
	p.Line("")
	states := count(c.Items, func(i CleanupItem) string { return i.State })
	text := tally(states, []string{"removed", "would be removed", "already gone", "kept", "remains", "unclear"})
	p.Label("Clean-up", cmp.Or(text, "nothing")+" in "+model.Plural(len(c.Regions), "region"))
	if !c.Preview {
		p.Label("AWS calls", callsText(c.Calls, c.DurationMs))
	}
	if c.DryRun && !c.Preview {
		p.Line("Nothing was written.")
	}
	for _, skip := range c.Skipped {
		p.Label("Skipped", skip.text())
	}
	p.Problems(c.Problems)
}

// Grouped puts more than so many items that differ in the name alone into one, in the place of the first.
func Grouped(items []CleanupItem, most int) []CleanupItem {
	key := func(i CleanupItem) CleanupItem { i.Name, i.ARN = "", ""; return i }
	counts, shown := count(items, key), map[CleanupItem]bool{}
	var rows []CleanupItem
	for _, i := range items {
		k := key(i)
		if n := counts[k]; n > most {
			i.Name = fmt.Sprintf("%s and %d more", i.Name, n-1)
			if shown[k] {
				continue
			}
		}
		shown[k] = true
		rows = append(rows, i)
	}
	return rows
}

// BoardChange is what was done with a dashboard, or would be.
type BoardChange string

// The changes.
const (
	Written BoardChange = "written"
	Deleted BoardChange = "deleted"
)

// Board is the change of one dashboard.
type Board struct {
	Name    string      `json:"name"`
	Change  BoardChange `json:"change"`
	Outcome string      `json:"outcome"` // done, already so, dry run, refused or failed
}

// Boards is the outcome of building or deleting dashboards. Its JSON keys are stable.
type Boards struct {
	Dashboards []Board         `json:"dashboards"` // in the order of the changes
	Resources  int             `json:"resources"`  // shown on those written
	Problems   []model.Problem `json:"problems"`
	DryRun     bool            `json:"dryRun"`
}

// Failed reports whether something failed while the rest was done.
func (b Boards) Failed() bool { return len(b.Problems) > 0 }

// Asides implements Report.
func (b Boards) Asides() []string { return problemLines(b.Problems) }

// JSON implements Report.
func (b Boards) JSON() any {
	b.Dashboards, b.Problems = list(b.Dashboards), list(b.Problems)
	return b
}

// CSV implements Report.
func (b Boards) CSV() [][]string { return rowsOf("name change outcome", b.Dashboards) }

// Table implements Report.
func (b Boards) Table(p Printer) {
	g := Grid{Columns: titles("DASHBOARD", "RESULT")}
	for _, board := range b.Dashboards {
		g.Rows = append(g.Rows, Row{Cells: []Cell{{Text: board.Name}, board.result()}})
	}
	if len(g.Rows) > 0 {
		p.Grid(g)
	}
	if b.DryRun {
		p.Line("Nothing was written.")
	}
	p.Problems(b.Problems)
}

func (b Board) result() Cell {
	change := string(b.Change)
	switch b.Outcome {
	case "done":
		return Cell{Text: change}
	case "already so":
		return Cell{"does not exist, so not " + change, dim}
	case "dry run":
		return Cell{"would be " + change, cyan}
	}
	return Cell{"not " + change + ": " + b.Outcome, red}
}
