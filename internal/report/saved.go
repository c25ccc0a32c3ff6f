package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/savings"
)

// Saved is the ledger of what the actions on record have saved. Its JSON keys are stable.
type Saved struct {
	savings.Ledger
	Records    int      `json:"records"`    // audit records read, of whatever was done
	Unreadable int      `json:"unreadable"` // records that could not be read
	Notes      []string `json:"notes"`      // the limits of the figures
	Reading
}

// ByAction are the TPS-hours that each kind of action has saved, as far as they are known.
func (s Saved) ByAction() map[model.Action]float64 {
	sums := map[model.Action]float64{}
	for _, a := range s.Actions {
		if a.TPSHours != nil {
			sums[a.Action] += *a.TPSHours
		}
	}
	return sums
}

// Failed reports whether something could not be read.
func (s Saved) Failed() bool { return s.Unreadable > 0 || len(s.Problems) > 0 }

func (s Saved) normalized() Saved {
	s.Actions, s.Months, s.Assumptions, s.Reading = list(s.Actions), list(s.Months), list(s.Assumptions), s.Reading.normalized()
	for i := range s.Months {
		s.Months[i].Estimates = list(s.Months[i].Estimates)
	}
	s.Total.Estimates = list(s.Total.Estimates)
	s.Notes = s.Limits()
	return s
}

// Limits are the limits of the figures, in sentences.
func (s Saved) Limits() []string {
	notes := []string{}
	if missing := unread(s.Accounts); len(missing) > 0 {
		notes = append(notes, "What actions have saved in "+strings.Join(missing, ", ")+" is not known, and in no sum.")
	}
	if s.Total.UnknownHours > 0 {
		notes = append(notes, fmt.Sprintf(
			"Of %s h of actions the demand or the minimum is not known; they are in no sum.", commas(s.Total.UnknownHours)))
	}
	if s.Total.ByHours {
		notes = append(notes, fmt.Sprintf("Before %s campaigns are metered by whole hours: CloudWatch keeps 5 minutes for 63 days.",
			s.FineFrom.Format("2006-01-02 15:04 UTC")))
	}
	if len(s.Total.Estimates) > 0 {
		notes = append(notes, "Money figures are estimates, at the prices of the last TPS-hours of each month. "+
			"Tiers go by these endpoints alone.")
	}
	for _, one := range s.Assumptions {
		notes = append(notes, "Estimates assume "+one+".")
	}
	return notes
}

// Asides implements Report.
func (s Saved) Asides() []string { return problemLines(s.Problems, s.Limits()...) }

// JSON implements Report.
func (s Saved) JSON() any { return s.normalized() }

const savedColumns = `month=in.month time action arn kind name region automatic from to left state ended
	tpsHours=in.tpsHours hours=in.hours unknownHours=in.unknownHours byHours=in.byHours promisedTPSHoursPerMonth achievedTPSHoursPerMonth
	estimateSaved=in.estimate.amount estimateCurrency=in.estimate.currency`

// CSV implements Report: a row for each action and month. What is unknown is an empty field.
func (s Saved) CSV() [][]string {
	type action savings.Action
	type record struct {
		action
		Time string        `json:"time"`
		From int           `json:"from,omitempty"`
		In   savings.Month `json:"in"`
		model.OfAccount
	}
	var records []record
	for _, a := range s.Actions {
		months := a.Months
		if len(months) == 0 { // it was not in effect, or not yet
			months = []savings.Month{{Month: a.Time.Format("2006-01"), Amount: a.Amount}}
		}
		for _, m := range months {
			records = append(records, record{action(a), a.Time.Format(time.RFC3339Nano), a.From, m, s.accountOf(a)})
		}
	}
	return rowsOf(savedColumns+accountColumns(s.Accounts), records)
}

// accountOf is the account of an action, if there are several.
func (s Saved) accountOf(a savings.Action) (of model.OfAccount) {
	arn, err := model.ParseARN(a.ARN)
	for _, one := range s.Accounts {
		if err == nil && one.ID == arn.Account() {
			of.SetAccount(one.Account)
		}
	}
	return of
}

// Without is which accounts are in no sum, such as "without 1 of 3 accounts"; empty if all are.
func (s Saved) Without() string {
	if missing := len(unread(s.Accounts)); missing > 0 {
		return fmt.Sprintf("without %d of %s", missing, model.Plural(len(s.Accounts), "account"))
	}
	return ""
}

// Table implements Report.
func (s Saved) Table(p Printer) {
	s = s.normalized()
	if len(s.Actions) > 0 {
		p.Grid(s.grid())
		p.Line("")
	}
	p.accounts(s.Accounts)
	p.Label("Actions", fmt.Sprintf("%d that lower what is paid for, of %s read", len(s.Actions), model.Plural(s.Records, "record")))
	saved := "unknown" // of no account anything is known
	if !s.Until.IsZero() {
		saved = SavedText(s.Total) + ", up to " + s.Until.Format("2006-01-02 15:04 UTC")
		if without := s.Without(); without != "" {
			saved += ", " + without
		}
	}
	p.Label("Saved", saved)
	for _, m := range s.Months {
		p.Label(m.Month, fmt.Sprintf("%s: %s by %s", m.Action, SavedText(m.Sum), model.Plural(m.Actions, "action")))
	}
	if len(s.Actions) > 0 {
		p.Label("Columns", "saved: TPS-hours, metered like the bill; promised on record, and achieved since the action: in a month of 730 h; "+
			"hours: in effect, and unknown")
	}
	p.Label("Note", s.Notes...)
	p.Problems(s.Problems)
}

func (s Saved) grid() Grid {
	g := Grid{Columns: slices.Concat(
		titles("TIME (UTC)", "ACTION", "REGION"), []Column{{Title: "RESOURCE", Name: true}}, titles("MIN"),
		numbers("SAVED", "HOURS", "UNKNOWN", "PROMISED", "ACHIEVED", "ESTIMATE"), titles("STATE"),
	)}
	for _, a := range s.Actions {
		g.Rows = append(g.Rows, Row{Cells: Cells(
			a.Time.Format(time.DateTime), string(a.Action), a.Region, string(a.Kind)+"/"+a.Name, SavedMinimum(a),
			Number(a.TPSHours, 1, ""), commas(a.Hours), commas(a.UnknownHours),
			Number(a.PromisedPerMonth, 1, ""), Number(a.AchievedPerMonth, 1, ""), money(a.Estimate), SavedState(a),
		)})
	}
	g.withAccount(len(s.Accounts) > 0, "REGION", func(i int) string { return s.accountOf(s.Actions[i]).Label() })
	return g
}

// SavedMinimum is the minimum before and after an action.
func SavedMinimum(a savings.Action) string {
	before := "?"
	if a.From > 0 {
		before = strconv.Itoa(a.From)
	}
	return fmt.Sprintf("%s → %d", before, a.To)
}

// SavedState is what became of an action.
func SavedState(a savings.Action) string {
	text := string(a.State)
	switch {
	case a.Ended != nil:
		text += " " + a.Ended.Format("2006-01-02 15:04")
	case a.State == savings.InEffect && a.Left < float64(a.From-a.To):
		text += fmt.Sprintf(", %s of %d left", model.Figure(a.Left), a.From-a.To)
	}
	return text
}

// money is an estimate in its currency; a dash if there is none.
func money(m *model.Money) string {
	if m == nil {
		return "–"
	}
	return m.String()
}

// SavedText is what actions have saved, in words.
func SavedText(s savings.Sum) string {
	text := Number(s.TPSHours, 1, "") + " TPS-hours"
	if s.TPSHours == nil {
		text = "unknown"
		if s.UnknownHours == 0 {
			text = "nothing yet"
		}
	}
	if len(s.Estimates) > 0 {
		text += "; estimate " + model.MoneyText(s.Estimates, " + ")
		if s.Unpriced > 0 {
			text += ", without " + model.Plural(s.Unpriced, "action")
		}
	}
	if s.UnknownHours > 0 {
		text += fmt.Sprintf(" (%s h of actions are unknown)", commas(s.UnknownHours))
	}
	return text
}
