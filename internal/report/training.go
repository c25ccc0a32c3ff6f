package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

// Training writes the solutions that were trained, with what was found about them below each, and
// sums. It writes nothing if training was not read.
func (p Printer) Training(r *training.Report) {
	if r == nil {
		return
	}
	p.Line("")
	if len(r.Solutions) > 0 {
		p.Grid(trainingGrid(*r))
		p.Line("")
	}
	view := TrainingViewOf(r)
	p.Label("Training", view.Text)
	p.Label("Estimate", view.Estimates...)
	for _, f := range r.Findings {
		if !slices.ContainsFunc(r.Solutions, func(s training.Summary) bool { return s.ARN == f.ARN }) {
			p.Label("Unused", unusedText(f))
		}
	}
}

// TrainingView is training in words, for pages.
type TrainingView struct {
	Text      string   // all of it
	Estimates []string // by currency
	Items     []TrainingItem
}

// TrainingItem is a finding.
type TrainingItem struct {
	Text    string
	Command string // may be empty
}

// TrainingViewOf describes training; nil if it was not read.
func TrainingViewOf(r *training.Report) *TrainingView {
	if r == nil {
		return nil
	}
	v := &TrainingView{Text: trainingText(r.Totals)}
	for _, a := range r.Totals.Amounts {
		v.Estimates = append(v.Estimates, trainingAmount(a, r.Totals.Unpriced))
	}
	if len(r.Totals.Amounts) == 0 && r.Totals.Unpriced > 0 {
		v.Estimates = []string{"unknown for the training of " + model.Plural(r.Totals.Unpriced, "solution")}
	}
	for _, f := range r.Findings {
		v.Items = append(v.Items, TrainingItem{fmt.Sprintf("%s (%s): %s", f.Name, f.In(f.Region), findingText(f)), f.Command})
	}
	return v
}

// findingText is a finding with what it costs.
func findingText(f training.Finding) string {
	if f.Estimate.Amount == nil {
		return f.Sentence
	}
	return fmt.Sprintf("%s (estimate %s %s)", f.Sentence, f.Estimate.Currency, amount(*f.Estimate.Amount))
}

// trainingText describes the training of all solutions.
func trainingText(t training.Totals) string {
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

func trainingAmount(a training.Amount, unpriced int) string {
	text := fmt.Sprintf("%s %s for training in 30 days", a.Currency, amount(a.Amount))
	if a.Unserved != nil {
		text += fmt.Sprintf(", %s of it never served", amount(*a.Unserved))
	}
	if unpriced > 0 {
		text += fmt.Sprintf("; unknown for %s (no hours reported, or billed by interactions)", model.Plural(unpriced, "solution"))
	}
	return text
}

func trainingGrid(r training.Report) Grid {
	g := Grid{Columns: slices.Concat([]Column{{Title: "SOLUTION", Name: true}}, titles("REGION", "AUTOMATIC"),
		numbers("TRAININGS", "FAILED", "HOURS", "UNSERVED"))}
	for _, s := range r.Solutions {
		automatic := "–"
		if s.Automatic != nil {
			automatic = map[bool]string{true: "yes", false: "no"}[*s.Automatic]
		}
		row := Row{Cells: Cells(s.Name, s.Region, automatic, strconv.Itoa(s.Trainings), strconv.Itoa(s.Failed),
			Number(s.Hours, 1, ""), Number(s.Unserved, 1, ""))}
		var texts []string
		for _, f := range r.Findings {
			if f.ARN != s.ARN {
				continue
			}
			texts = append(texts, findingText(f))
			if row.Copy == "" && f.Command != "" {
				row.Copy = "to change it: " + f.Command
			}
		}
		row.Below = Cell{strings.Join(texts, "; "), yellow}
		g.Rows = append(g.Rows, row)
	}
	several := slices.ContainsFunc(r.Solutions, func(s training.Summary) bool { return s.Account != "" })
	g.withAccount(several, "REGION", func(i int) string { return r.Solutions[i].Label() })
	return g
}

// unusedText is a finding about what is no solution, with its account if there are several.
func unusedText(f training.Finding) string {
	if f.Account == "" {
		return f.Sentence
	}
	return f.Sentence + " (" + f.Label() + ")"
}
