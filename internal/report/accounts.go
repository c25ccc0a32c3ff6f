package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/advice"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/savings"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

// Account is one of the accounts that a report covers. Its JSON keys are stable.
type Account struct {
	model.Account
	Read      bool `json:"read"`      // false: nothing of it is known, and it is in no sum
	Resources *int `json:"resources"` // null unless it is Read
	Problems  int  `json:"problems"`
}

// Reading is how the data of a report were read. Its JSON keys are stable.
type Reading struct {
	Problems   []model.Problem `json:"problems"`
	Calls      map[string]int  `json:"calls"`       // by service.Operation
	MetricsGot int             `json:"metricsRead"` // series asked of CloudWatch, which bills them
	DurationMs int64           `json:"durationMs"`
	Accounts   []Account       `json:"accounts,omitempty"` // if it covers several
}

// Failed reports whether something could not be read.
func (r Reading) Failed() bool { return len(r.Problems) > 0 }

// normalized is the reading in the order in which it is written, no list nil.
func (r Reading) normalized() Reading {
	r.Problems = list(r.Problems)
	slices.SortStableFunc(r.Problems, model.CompareProblems)
	if r.Calls == nil {
		r.Calls = map[string]int{}
	}
	return r
}

// callsText is how many AWS calls were made, in which time, and how many metrics they read.
func (r Reading) callsText() string {
	return callsText(r.Calls, r.DurationMs) + ", " + model.Plural(r.MetricsGot, "metric") + " read"
}

// Of is what one account contributes to a report over several. Without a Report the problems are why.
type Of[R any] struct {
	Account  model.Account
	Report   *R
	Problems []model.Problem
}

// part is a report that can be one of several.
type part interface {
	// share is how it was read, and for how many endpoints.
	share() (Reading, int)
}

func (r Result) share() (Reading, int) {
	return Reading{Problems: r.Problems, Calls: r.Calls, DurationMs: r.DurationMs}, len(r.Resources)
}

func (l Ledger) share() (Reading, int) { return l.Reading, len(l.Resources) }

func (w WhatIf) share() (Reading, int) { return w.Reading, len(w.Resources) }

// share counts the endpoints with actions that lower what is paid for.
func (s Saved) share() (Reading, int) {
	return s.Reading, len(count(s.Actions, func(a savings.Action) string { return a.ARN }))
}

// together adds up how the reports of several accounts were read, and names the account of each problem.
func together[R part](list []Of[R]) Reading {
	all := Reading{Calls: map[string]int{}}
	for _, one := range list {
		account, problems := Account{Account: one.Account}, slices.Clone(one.Problems)
		if one.Report != nil {
			read, endpoints := (*one.Report).share()
			account.Read, account.Resources = true, &endpoints
			problems = append(problems, read.Problems...)
			all.MetricsGot += read.MetricsGot
			all.DurationMs = max(all.DurationMs, read.DurationMs)
			AddCalls(all.Calls, read.Calls)
		}
		for i := range problems {
			problems[i].Account = one.Account
		}
		account.Problems = len(problems)
		all.Accounts, all.Problems = append(all.Accounts, account), append(all.Problems, problems...)
	}
	return all
}

// AddCalls adds counts of AWS calls to a sum.
func AddCalls(sum, calls map[string]int) {
	for operation, n := range calls {
		sum[operation] += n
	}
}

// Merged puts the results of several accounts together. Sums are those of the accounts that could be
// read. The window is that of the first of them.
func Merged(list []Of[Result]) Result {
	all := together(list)
	out := Result{Problems: all.Problems, Calls: all.Calls, DurationMs: all.DurationMs, Accounts: all.Accounts}
	for _, one := range list {
		if one.Report == nil {
			continue
		}
		r, a, b := *one.Report, &out.Alarms, one.Report.Alarms
		if out.Window.Start.IsZero() {
			out.Window, out.DryRun = r.Window, r.DryRun
		}
		out.Resources = append(out.Resources, model.InAccount(r.Resources, one.Account)...)
		out.Events = append(out.Events, model.InAccount(r.Events, one.Account)...)
		out.DataLate = append(out.DataLate, model.InAccount(r.DataLate, one.Account)...)
		*a = Alarms{a.Created + b.Created, a.Updated + b.Updated, a.Deleted + b.Deleted, a.Kept + b.Kept, a.Left + b.Left}
		out.MetricsPublished += r.MetricsPublished
	}
	return out
}

// MergedLedgers puts the ledgers of several accounts together, all made for the same spans or, on a
// page, for spans that end within some hours of each other. Sums are those of the accounts that
// could be read, and the summary names how many could not. What all accounts carried together
// is known only if all windows are the same. Flags are what commands need to work in these accounts, after a space.
func MergedLedgers(list []Of[Ledger], flags string) Ledger {
	out := Ledger{Reading: together(list)}
	var first *Ledger
	var trained []training.Report
	whole, same := (*billing.Whole)(nil), true
	for _, one := range list {
		if one.Report == nil {
			trained = append(trained, training.Unread(one.Account))
			continue
		}
		l := *one.Report
		if first == nil {
			first = &l
			out.Window, out.Days, out.CoarseUntil, out.GroupBy, out.IdleAfter = l.Window, l.Days, l.CoarseUntil, l.GroupBy, l.IdleAfter
			out.TrainedSince, out.TrainingCost = l.TrainedSince, &advice.TrainingCost{}
		}
		for _, e := range model.InAccount(l.Resources, one.Account) {
			e.Payer = one.Account.Payer
			out.Resources = append(out.Resources, e)
		}
		for _, t := range l.Trained {
			t.Account = one.Account
			out.Trained = append(out.Trained, t)
		}
		out.Recommendations = append(out.Recommendations, model.InAccount(l.Recommendations, one.Account)...)
		if l.Training != nil {
			trained = append(trained, l.Training.In(one.Account))
		}
		out.TrainingCost = out.TrainingCost.Plus(l.TrainingCost)
		out.TrainedSince = model.Later(out.TrainedSince, l.TrainedSince)
		out.addHours(l.Hourly)
		out.Month = out.Month.plus(l.Month)
		switch {
		case l.Whole == nil:
			same = false
		case whole == nil:
			whole = l.Whole.Clone()
		case same:
			same = whole.Join(l.Whole)
		}
	}
	out.addFlags(flags)
	if first != nil {
		if same {
			out.Totals.Throughput = whole.Throughput()
		}
		out.Training = new(training.Merged(trained))
		for i := range out.Training.Findings {
			out.Training.Findings[i].Command = withFlags(out.Training.Findings[i].Command, flags)
		}
		if first.Recommendations != nil {
			out.Recommendations = advice.Ranked(out.Recommendations)
		}
	}
	out.Normalize()
	return out
}

// addFlags adds flags to the commands that are proposed for endpoints.
func (l *Ledger) addFlags(flags string) {
	for i := range l.Recommendations {
		l.Recommendations[i].Command = withFlags(l.Recommendations[i].Command, flags)
	}
	for i := range l.Resources {
		l.Resources[i].Schedule = l.Resources[i].Schedule.WithFlags(flags)
	}
}

// withFlags is a command with more flags, if it is one of this program.
func withFlags(command, flags string) string {
	if strings.HasPrefix(command, "personalize-monitor ") {
		return command + flags
	}
	return command
}

// addHours adds the hours of all endpoints of an account, if they were kept.
func (l *Ledger) addHours(more map[model.Kind][]billing.Hour) {
	if l.Hourly == nil && more != nil {
		l.Hourly = map[model.Kind][]billing.Hour{}
	}
	for kind, hours := range more {
		l.Hourly[kind] = billing.AddHours(l.Hourly[kind], hours)
	}
}

// MergedWhatIf puts the comparisons of several accounts together. Flags are as for MergedLedgers.
func MergedWhatIf(list []Of[WhatIf], flags string) WhatIf {
	out := WhatIf{Reading: together(list)}
	for _, one := range list {
		if one.Report == nil {
			continue
		}
		out.Window, out.Days = one.Report.Window, one.Report.Days
		out.Resources = append(out.Resources, model.InAccount(one.Report.Resources, one.Account)...)
	}
	for i := range out.Resources {
		out.Resources[i].Schedule = out.Resources[i].Schedule.WithFlags(flags)
	}
	return out
}

// MergedSaved puts the ledgers of savings of several accounts together. An action's account is in its
// ARN.
func MergedSaved(list []Of[Saved]) Saved {
	out := Saved{Reading: together(list)}
	var ledgers []savings.Ledger
	for _, one := range list {
		if one.Report != nil {
			ledgers = append(ledgers, one.Report.Ledger)
			out.Records += one.Report.Records
			out.Unreadable += one.Report.Unreadable
		}
	}
	out.Ledger = savings.Merged(ledgers)
	return out
}

// accountColumns are the further columns of a CSV if there are several accounts.
func accountColumns(accounts []Account) string {
	if len(accounts) == 0 {
		return ""
	}
	return " account accountName"
}

// Label is the name, with its account if the report covers several.
func (s Subject) Label() string {
	if s.Account == "" {
		return s.Name
	}
	return s.Name + " of " + s.OfAccount.Label()
}

// Place is the region, with the account if the report covers several.
func (s Subject) Place() string { return s.In(s.Region) }

// withAccount inserts the column of the account before another one, if there are several.
func (g *Grid) withAccount(several bool, before string, label func(row int) string) {
	if !several {
		return
	}
	at := slices.IndexFunc(g.Columns, func(c Column) bool { return c.Title == before })
	g.Columns = slices.Insert(slices.Clone(g.Columns), at, Column{Title: "ACCOUNT"})
	for i := range g.Rows {
		g.Rows[i].Cells = slices.Insert(slices.Clone(g.Rows[i].Cells), at, Cell{Text: label(i)})
	}
}

// unread are the accounts of which nothing is known.
func unread(accounts []Account) []string {
	var names []string
	for _, a := range accounts {
		if !a.Read {
			names = append(names, a.String())
		}
	}
	return names
}

// accounts writes which accounts there are, and which of them are in no sum.
func (p Printer) accounts(list []Account) {
	if len(list) == 0 {
		return
	}
	missing := unread(list)
	text := strconv.Itoa(len(list))
	if len(missing) > 0 {
		text = fmt.Sprintf("%d of %d; not read, and in no sum: %s", len(list)-len(missing), len(list), strings.Join(missing, ", "))
	}
	p.Label("Accounts", text)
}
