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

func (b Boards) json() any {
	b.Dashboards, b.Problems = list(b.Dashboards), list(b.Problems)
	return b
}

func (b Boards) csv() [][]string {
	rows := [][]string{{"name", "change", "outcome"}}
	for _, board := range b.Dashboards {
		rows = append(rows, fields(board.Name, board.Change, board.Outcome))
	}
	return rows
}

func (b Boards) table(p printer) {
	g := grid{columns: []column{{title: "DASHBOARD"}, {title: "RESULT"}}}
	for _, board := range b.Dashboards {
		g.rows = append(g.rows, row{cells: []cell{{text: board.Name}, board.result()}})
	}
	if len(g.rows) > 0 {
		p.grid(g)
	}
	if b.DryRun {
		p.line("Nothing was written.")
	}
	p.problems(b.Problems)
}

// result is the outcome in words.
func (b Board) result() cell {
	change := string(b.Change)
	switch b.Outcome {
	case "done":
		return cell{text: change}
	case "already so":
		return cell{"does not exist, so not " + change, dim}
	case "dry run":
		return cell{"would be " + change, cyan}
	}
	return cell{"not " + change + ": " + b.Outcome, red}
}
