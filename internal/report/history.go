package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// record is an events.Audit without its methods, for the encoder.
type record events.Audit

// AuditRecord is one record of the audit log, as it is shown. Its JSON keys are those of the record itself.
type AuditRecord struct {
	record
	Action model.Action `json:"action"` // empty where a rule refused before it came to one
	Name   string       `json:"name"`
	Min    int          `json:"min,omitempty"` // before; TPS or RPS; 0 if unknown
	// Effect is how calls fared before and after a step-down; nil if it is not known.
	Effect *rules.Effect `json:"effect,omitempty"`
}

// RecordOf is a record of the audit log as it is shown.
func RecordOf(a events.Audit) AuditRecord {
	r := AuditRecord{record: record(a), Action: a.Action, Min: a.MinBefore()}
	r.Time = a.Time.UTC()
	if arn, err := model.ParseARN(a.ARN); err == nil {
		r.Name = arn.Name()
	}
	return r
}

// Step is the step-down of the record, if the monitor made one.
func (r AuditRecord) Step() (step rules.AcceptedStep, ok bool) {
	ok = r.Automatic && r.Outcome == events.OutcomeDone && r.Action == model.ActionUpdate &&
		r.Scheduled == "" && 0 < r.NewMinTPS && r.NewMinTPS < r.Min
	return rules.AcceptedStep{At: r.Time, From: r.Min, To: r.NewMinTPS}, ok
}

func (r AuditRecord) undoable() bool { return r.Restore != "" && r.Outcome == events.OutcomeDone }

// History is what was read of the audit log. Its JSON keys are stable, and its records stay in
// their order.
type History struct {
	Records    []AuditRecord   `json:"records"`
	Unreadable int             `json:"unreadable"` // records that could not be read
	Problems   []model.Problem `json:"problems"`
	Commands   bool            `json:"-"` // the table shows the commands that undo actions
}

// Failed reports whether something could not be read.
func (h History) Failed() bool { return h.Unreadable > 0 || len(h.Problems) > 0 }

// Asides implements Report.
func (h History) Asides() []string { return problemLines(h.Problems) }

// JSON implements Report.
func (h History) JSON() any {
	h.Records, h.Problems = list(h.Records), list(h.Problems)
	return h
}

// CSV implements Report. Numbers that are not known are empty fields.
func (h History) CSV() [][]string {
	columns := "time outcome action arn kind name region automatic min newMinTPS reason restore"
	if h.hasEffects() {
		columns += ` callsBefore=effect.before.calls failedBefore=effect.before.failed latencyMsBefore=effect.before.latencyMs
			coldStepsBefore=effect.before.coldSteps
			callsAfter=effect.after.calls failedAfter=effect.after.failed latencyMsAfter=effect.after.latencyMs
			coldStepsAfter=effect.after.coldSteps`
	}
	type exact struct {
		AuditRecord
		Time string `json:"time"`
	}
	records := make([]exact, len(h.Records))
	for i, r := range h.Records {
		records[i] = exact{r, r.Time.Format(time.RFC3339Nano)}
	}
	return rowsOf(columns, records)
}

// hasEffects reports whether the effect of any step-down is known; else columns for it are absent.
func (h History) hasEffects() bool {
	return slices.ContainsFunc(h.Records, func(r AuditRecord) bool { return r.Effect != nil })
}

// account is the ID of the account that the resource is in; empty if the record does not name one.
func (r AuditRecord) account() string {
	arn, _ := model.ParseARN(r.ARN)
	return arn.Account()
}

// Table writes nothing if there is nothing to show.
func (h History) Table(p Printer) {
	g := Grid{Text: "REASON", Columns: titles("TIME (UTC)", "OUTCOME", "ACTION", "REGION", "RESOURCE", "MIN")}
	effects := h.hasEffects()
	if effects {
		g.Columns = append(g.Columns, titles("FAILED", "LATENCY", "COLD")...)
	}
	undoable := 0
	for _, r := range h.Records {
		row := Row{Text: Cell{Text: r.Reason}}
		row.Cells = Cells(r.Time.Format(time.DateTime), r.Outcome, r.actionText(), r.Region, string(r.Kind)+"/"+r.Name, r.minText())
		row.Cells[1] = Word(r.Outcome)
		if effects {
			var changes [3]string
			if r.Effect != nil {
				changes = EffectTexts(*r.Effect)
			}
			row.Cells = append(row.Cells, Cells(changes[:]...)...)
		}
		if r.undoable() {
			undoable++
			if h.Commands {
				row.Copy = "undo: " + r.Restore
			}
		}
		g.Rows = append(g.Rows, row)
	}
	accounts := count(h.Records, AuditRecord.account)
	delete(accounts, "")
	g.withAccount(len(accounts) > 1, "REGION", func(i int) string { return h.Records[i].account() })
	if len(g.Rows) > 0 {
		p.Grid(g)
		p.Line("")
		outcomes := count(h.Records, func(r AuditRecord) string { return r.Outcome })
		p.Label("Records", fmt.Sprintf("%d: %s", len(h.Records), tally(outcomes, slices.Sorted(maps.Keys(outcomes)))))
		if effects {
			p.Label("Effects", "calls that failed, response time and cold steps, up to 24 h before → after each step-down; a cold step is "+
				"5 minutes of demand above the minimum and 1.5 times that of the 15 minutes before")
		}
		if undoable > 0 && !h.Commands {
			p.Label("To undo", fmt.Sprintf("%d of them; --verbose shows the commands", undoable))
		}
	}
	p.Problems(h.Problems)
}

func (r AuditRecord) actionText() string {
	if r.Automatic || r.Action == "" {
		return string(r.Action)
	}
	return string(r.Action) + " (person)"
}

func (r AuditRecord) minText() string {
	switch {
	case r.NewMinTPS > 0 && r.Min > 0:
		return fmt.Sprintf("%d → %d", r.Min, r.NewMinTPS)
	case r.NewMinTPS > 0:
		return fmt.Sprintf("→ %d", r.NewMinTPS)
	case r.Min > 0:
		return strconv.Itoa(r.Min)
	}
	return ""
}

// EffectTexts are the share of failed calls, the response time and the cold steps before and after
// a step-down.
func EffectTexts(e rules.Effect) [3]string {
	fared := func(f rules.Fare) [3]string {
		failed, latency := "-", "-"
		if f.Calls > 0 {
			failed = fmt.Sprintf("%.1f %%", f.Failed/f.Calls*100)
		}
		if f.LatencyMillis > 0 {
			latency = fmt.Sprintf("%.0f ms", f.LatencyMillis)
		}
		return [3]string{failed, latency, strconv.Itoa(f.ColdSteps)}
	}
	both, after := fared(e.Before), fared(e.After)
	for i := range both {
		both[i] += " → " + after[i]
	}
	return both
}
