package report

import (
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

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
