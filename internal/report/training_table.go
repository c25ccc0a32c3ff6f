package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

// training writes the solutions that were trained, with what was found about them below each, and
// sums. It writes nothing if training was not read.
func (p Printer) training(r *training.Report) {
	if r == nil {
		return
	}
	p.Line("")
	if len(r.Solutions) > 0 {
		p.Grid(trainingGrid(*r))
		p.Line("")
	}
	p.Label("Training", TrainingText(r.Totals))
	for _, f := range r.Findings {
		if !ofSolution(r.Solutions, f) {
			p.Label("Unused", f.Sentence)
		}
	}
}

// TrainingText describes the training of all solutions.
func TrainingText(t training.Totals) string {
	text := fmt.Sprintf("%s of %s in 30 days", model.Plural(t.Trainings, "training"), model.Plural(t.Solutions, "solution"))
	if t.Hours != nil {
		text += ", " + training.Hours(*t.Hours)
		if t.Unserved != nil {
			text += fmt.Sprintf(", of which %s were never served", training.Hours(*t.Unserved))
		} else {
			text += ", of which it is unknown how many were served"
		}
	}
	if t.Unreported > 0 {
		text += fmt.Sprintf("; %d without hours, as they failed, were stopped, are in progress, or could not be read", t.Unreported)
	}
	if len(t.Unread) > 0 {
		text += "; not read: " + strings.Join(t.Unread, ", ")
	}
	return text
}

func ofSolution(solutions []training.Summary, f training.Finding) bool {
	for _, s := range solutions {
		if s.ARN == f.ARN {
			return true
		}
	}
	return false
}

func trainingGrid(r training.Report) Grid {
	g := Grid{Columns: []Column{{Title: "SOLUTION", Name: true}, {Title: "REGION"}, {Title: "AUTOMATIC"}}}
	for _, title := range []string{"TRAININGS", "FAILED", "HOURS", "UNSERVED"} {
		g.Columns = append(g.Columns, Column{Title: title, Right: true})
	}
	for _, s := range r.Solutions {
		row := Row{}
		for _, text := range []string{
			s.Name, s.Region, automaticText(s.Automatic), strconv.Itoa(s.Trainings), strconv.Itoa(s.Failed),
			rounded(s.Hours, 1, ""), rounded(s.Unserved, 1, ""),
		} {
			row.Cells = append(row.Cells, Cell{Text: text})
		}
		var texts []string
		for _, f := range r.Findings {
			if f.ARN != s.ARN {
				continue
			}
			texts = append(texts, f.Sentence)
			if row.Copy == "" && f.Command != "" {
				row.Copy = "to change it: " + f.Command
			}
		}
		row.Below = Cell{strings.Join(texts, "; "), yellow}
		g.Rows = append(g.Rows, row)
	}
	return g
}

func automaticText(on *bool) string {
	switch {
	case on == nil:
		return "–"
	case *on:
		return "yes"
	}
	return "no"
}
