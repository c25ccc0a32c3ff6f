package report

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Decided is one record of the audit trail. Its JSON keys are those of the record itself.
type Decided struct {
	Time      time.Time       `json:"time"`
	ARN       string          `json:"arn"`
	Kind      model.Kind      `json:"kind"`
	Name      string          `json:"name"`
	Region    string          `json:"region"`
	Action    string          `json:"action"` // empty where a rule refused before it came to one
	Outcome   string          `json:"outcome"`
	Automatic bool            `json:"automatic"` // decided by the monitor, not asked for by a person
	Reason    string          `json:"reason"`
	Min       int             `json:"min,omitempty"`       // before; TPS or RPS; 0 if not known
	NewMinTPS int             `json:"newMinTPS,omitempty"` // asked for
	Inputs    json.RawMessage `json:"inputs,omitempty"`    // the facts decided by
	Before    json.RawMessage `json:"before,omitempty"`    // the resource before the action
	Restore   string          `json:"restore,omitempty"`   // the command that undoes the action
}

// undoable tells whether there is something to undo, and how.
func (d Decided) undoable() bool { return d.Restore != "" && d.Outcome == outcomeDone }

// History is what was read of the audit trail. Its JSON keys are stable. Records are
// shown in the order in which they are given.
type History struct {
	Records    []Decided       `json:"records"`
	Unreadable int             `json:"unreadable"` // records that could not be read
	Problems   []model.Problem `json:"problems"`
}

// Failed tells whether something could not be read.
func (h History) Failed() bool { return h.Unreadable > 0 || len(h.Problems) > 0 }

const outcomeDone = "done"

// WriteJSON writes the history as one indented object.
func (h History) WriteJSON(w io.Writer) error {
	h.Records = append([]Decided{}, h.Records...)
	for i := range h.Records {
		h.Records[i].Time = h.Records[i].Time.UTC()
	}
	h.Problems = append([]model.Problem{}, h.Problems...)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(h)
}

// WriteCSV writes a header and one line for each record. Numbers that are not known are
// empty fields.
func (h History) WriteCSV(w io.Writer) error {
	rows := [][]string{{"time", "outcome", "action", "arn", "kind", "name", "region", "automatic", "min", "newMinTPS", "reason", "restore"}}
	for _, d := range h.Records {
		rows = append(rows, []string{
			d.Time.UTC().Format(time.RFC3339Nano), d.Outcome, d.Action, d.ARN, string(d.Kind), d.Name, d.Region,
			strconv.FormatBool(d.Automatic), known(d.Min), known(d.NewMinTPS), d.Reason, d.Restore,
		})
	}
	return csv.NewWriter(w).WriteAll(rows)
}

// known is a minimum, or nothing if it is not known.
func known(minimum int) string {
	if minimum == 0 {
		return ""
	}
	return strconv.Itoa(minimum)
}

// The columns of the history before the reason, which is last.
var historyTitles = []string{"TIME (UTC)", "OUTCOME", "ACTION", "REGION", "RESOURCE", "MIN"}

// minHistoryReason is how narrow the column of reasons may get before they stand below.
const minHistoryReason = 30

// WriteTable writes the history for people, with the commands that undo actions below
// them if commands is true. Reasons are wrapped to fit into width characters, or stand
// below; width 0 means no limit. Commands are never wrapped. Nothing is written if there is
// nothing to show. There are no colours or other escape sequences unless color is true.
func (h History) WriteTable(w io.Writer, width int, color, commands bool) error {
	p := painter{w: bufio.NewWriter(w), width: width, color: color}
	if len(h.Records) > 0 {
		p.decisions(h.Records, commands)
		p.line("")
		p.labelled("Records", historyCounts(h.Records))
		if n := countUndoable(h.Records); n > 0 && !commands {
			p.labelled("To undo", fmt.Sprintf("%d of them; --verbose shows the commands", n))
		}
	}
	p.problems(h.Problems)
	return p.w.Flush()
}

// decisions writes the rows.
func (p painter) decisions(records []Decided, commands bool) {
	rows := make([][]string, len(records))
	widths := make([]int, len(historyTitles))
	for column, title := range historyTitles {
		widths[column] = utf8.RuneCountInString(title)
	}
	for i, d := range records {
		rows[i] = d.cells()
		for column, text := range rows[i] {
			widths[column] = max(widths[column], utf8.RuneCountInString(text))
		}
	}
	room := p.reasonRoom(widths)
	title := "REASON"
	if room == 0 {
		title = ""
	}
	p.decision(historyTitles, widths, bold, []string{p.paint(bold, title)})
	for i, d := range records {
		reason := model.OneLine(d.Reason)
		switch {
		case p.width <= 0:
			p.decision(rows[i], widths, outcomeColor(d.Outcome), []string{reason})
		case room > 0:
			p.decision(rows[i], widths, outcomeColor(d.Outcome), wrap(reason, room))
		default:
			p.decision(rows[i], widths, outcomeColor(d.Outcome), []string{""})
			if reason != "" {
				p.below(wrap(reason, max(minName, p.width-indent)))
			}
		}
		if commands && d.undoable() {
			p.below([]string{p.paint(dim, "undo: ") + model.OneLine(d.Restore)})
		}
	}
}

// reasonRoom is how wide reasons may be beside the other columns; 0 if they stand below.
func (p painter) reasonRoom(widths []int) int {
	taken := 0
	for _, width := range widths {
		taken += width + gap
	}
	if room := p.width - taken; p.width > 0 && room < minHistoryReason {
		return 0
	}
	return max(1, p.width-taken)
}

// cells are the texts of one row, the reason left out.
func (d Decided) cells() []string {
	by := model.OneLine(d.Action)
	if !d.Automatic && by != "" {
		by += " (person)"
	}
	return []string{
		d.Time.UTC().Format(time.DateTime), model.OneLine(d.Outcome), by, model.OneLine(d.Region), string(d.Kind) + "/" + model.OneLine(d.Name), d.what(),
	}
}

// what is the minimum, and what it was to become.
func (d Decided) what() string {
	switch {
	case d.NewMinTPS > 0 && d.Min > 0:
		return fmt.Sprintf("%d → %d", d.Min, d.NewMinTPS)
	case d.NewMinTPS > 0:
		return fmt.Sprintf("→ %d", d.NewMinTPS)
	}
	return known(d.Min)
}

// decision writes one row, over several lines if its reason has several.
func (p painter) decision(row []string, widths []int, color string, reason []string) {
	for i, text := range reason {
		var line strings.Builder
		for column, cell := range row {
			if i > 0 {
				cell = ""
			}
			shade := ""
			if column == 1 || color == bold {
				shade = color
			}
			space := strings.Repeat(" ", widths[column]-utf8.RuneCountInString(cell)+gap)
			line.WriteString(p.paint(shade, cell) + space)
		}
		p.line(line.String() + text)
	}
}

// below writes lines below a row.
func (p painter) below(lines []string) {
	for _, text := range lines {
		p.line(strings.Repeat(" ", indent) + text)
	}
}

func outcomeColor(outcome string) string {
	switch outcome {
	case outcomeDone:
		return cyan
	case "failed":
		return red
	case "refused":
		return yellow
	}
	return dim
}

// historyCounts counts the records by their outcome, as in "4: 3 done, 1 refused".
func historyCounts(records []Decided) string {
	counts := map[string]int{}
	for _, d := range records {
		counts[model.OneLine(d.Outcome)]++
	}
	var parts []string
	for _, outcome := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[outcome], outcome))
	}
	return fmt.Sprintf("%d: %s", len(records), strings.Join(parts, ", "))
}

func countUndoable(records []Decided) int {
	n := 0
	for _, d := range records {
		if d.undoable() {
			n++
		}
	}
	return n
}
