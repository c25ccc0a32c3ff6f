package report

import (
	"maps"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/verify"
)

// Verification is the outcome of verify, in one account or several. Its JSON keys are stable.
type Verification struct {
	CheckedAt time.Time             `json:"checkedAt"`
	Use       string                `json:"use"`     // whose permissions were checked: that of `--for`
	Region    string                `json:"region"`  // where events and the notification rule are
	Version   string                `json:"version"` // of this program
	Findings  []VerificationFinding `json:"findings"`
	Calls     map[string]int        `json:"calls"` // by service.Operation
}

// VerificationFinding is the outcome of one check. The account is empty if it is not known.
type VerificationFinding struct {
	Account     string `json:"account"`
	AccountName string `json:"accountName,omitempty"` // of one of several
	verify.Finding
}

// label is the account in a table.
func (f VerificationFinding) label() string {
	return model.Account{ID: f.Account, Name: f.AccountName}.Label()
}

// VerificationOf is the outcome of the checks of accounts, which were checked for the same use.
func VerificationOf(accounts []verify.Facts, calls map[string]int) Verification {
	v := Verification{Findings: []VerificationFinding{}, Calls: maps.Clone(calls)}
	for _, f := range accounts {
		v.CheckedAt, v.Use, v.Region, v.Version = f.Now.UTC().Truncate(time.Second), f.Use, f.Home, f.Version
		for _, finding := range verify.Findings(f) {
			v.Findings = append(v.Findings, VerificationFinding{f.Identity.Account, f.Identity.Name, finding})
		}
	}
	if v.Calls == nil {
		v.Calls = map[string]int{}
	}
	return v
}

// Count is how many findings have a status.
func (v Verification) Count(status verify.Status) int {
	return count(v.Findings, func(f VerificationFinding) verify.Status { return f.Status })[status]
}

// JSON implements Report.
func (v Verification) JSON() any { return v }

// CSV implements Report.
func (v Verification) CSV() [][]string {
	columns := "account check status region resource text remedy"
	if slices.ContainsFunc(v.Findings, func(f VerificationFinding) bool { return f.AccountName != "" }) {
		columns += " accountName"
	}
	return rowsOf(columns, v.Findings)
}

// Asides implements Report.
func (v Verification) Asides() []string { return nil }

// Table implements Report: a line for each finding, its remedy below it, and their numbers at the end.
func (v Verification) Table(p Printer) {
	grid := Grid{Columns: titles("STATUS", "REGION"), Text: "FINDING"}
	several := slices.ContainsFunc(v.Findings, func(f VerificationFinding) bool { return f.Account != v.Findings[0].Account })
	for _, f := range v.Findings {
		row := Row{Cells: []Cell{Word(f.Status), {Text: f.Region}}, Text: Cell{Text: f.Text}}
		if f.Status == verify.OK {
			row.Cells[0].Color = ""
		}
		if f.Remedy != "" {
			row.Below = Cell{"try: " + f.Remedy, dim}
		}
		grid.Rows = append(grid.Rows, row)
	}
	grid.withAccount(several, "REGION", func(i int) string { return v.Findings[i].label() })
	p.Grid(grid)
	words := map[string]int{
		"failed": v.Count(verify.Fail), "with a warning": v.Count(verify.Warn),
		"not checked": v.Count(verify.Unchecked), "OK": v.Count(verify.OK),
	}
	p.Line("")
	p.Line(tally(words, []string{"failed", "with a warning", "not checked", "OK"}) + ".")
}
