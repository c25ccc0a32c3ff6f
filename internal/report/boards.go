package report

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"
	"unicode/utf8"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// BoardChange is what was done with a dashboard, or was to be.
type BoardChange string

// The changes.
const (
	Written BoardChange = "written"
	Deleted BoardChange = "deleted"
)

// Board is one dashboard that was worked on.
type Board struct {
	Name    string      `json:"name"`
	Change  BoardChange `json:"change"`
	Outcome string      `json:"outcome"` // done, already so, dry run, refused or failed
}

// Boards is what came of building or deleting dashboards. Its JSON keys are stable.
type Boards struct {
	Dashboards []Board         `json:"dashboards"` // in the order of the work
	Resources  int             `json:"resources"`  // shown on those written
	Problems   []model.Problem `json:"problems"`
	DryRun     bool            `json:"dryRun"`
}

// Failed tells whether something failed while the rest was done.
func (b Boards) Failed() bool { return len(b.Problems) > 0 }

// settled has no list nil.
func (b Boards) settled() Boards {
	b.Dashboards = append([]Board{}, b.Dashboards...)
	b.Problems = append([]model.Problem{}, b.Problems...)
	return b
}

// WriteTable writes the result for people. There are no colours unless color is true.
func (b Boards) WriteTable(w io.Writer, color bool) error {
	p := painter{w: bufio.NewWriter(w), color: color}
	width := utf8.RuneCountInString("DASHBOARD")
	for _, board := range b.Dashboards {
		width = max(width, utf8.RuneCountInString(board.Name))
	}
	if len(b.Dashboards) > 0 {
		p.line(p.cell(colName, "DASHBOARD", width, bold) + p.paint(bold, "RESULT"))
	}
	for _, board := range b.Dashboards {
		text, color := board.result()
		p.line(p.cell(colName, board.Name, width, "") + p.paint(color, text))
	}
	if b.DryRun {
		p.line("Nothing was written.")
	}
	p.problems(b.Problems)
	return p.w.Flush()
}

// result tells in words what came of a dashboard, and the colour of it.
func (b Board) result() (text, color string) {
	switch b.Outcome {
	case "done":
		return string(b.Change), ""
	case "already so":
		return "not there, so not " + string(b.Change), dim
	case "dry run":
		return "would be " + string(b.Change), cyan
	}
	return "not " + string(b.Change) + ": " + b.Outcome, red
}

// WriteJSON writes the result as one indented object.
func (b Boards) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(b.settled())
}

// WriteCSV writes a header and one line for each dashboard.
func (b Boards) WriteCSV(w io.Writer) error {
	rows := [][]string{{"name", "change", "outcome"}}
	for _, board := range b.Dashboards {
		rows = append(rows, []string{board.Name, string(board.Change), board.Outcome})
	}
	return csv.NewWriter(w).WriteAll(rows)
}
