package report

import (
	"fmt"
	"maps"
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

// Of is what one account contributes to a report over several. Without a Report the problems are why.
type Of[R any] struct {
	Account  model.Account
	Report   *R
	Problems []model.Problem
}

// accountOf sums one account up, and names it in its problems.
func (o Of[R]) accountOf(resources int, problems []model.Problem) (Account, []model.Problem) {
	all := slices.Concat(o.Problems, problems)
	for i := range all {
		all[i].Account = o.Account
	}
	a := Account{Account: o.Account, Read: o.Report != nil, Problems: len(all)}
	if a.Read {
		a.Resources = &resources
	}
	return a, all
}

// of names the account of a subject.
func (s *Subject) of(a model.Account) { s.Account, s.AccountName = a.ID, a.Name }

// Merged puts the results of several accounts together. Sums are those of the accounts that could be
// read. The window is that of the first of them.
func Merged(list []Of[Result]) Result {
	out := Result{Calls: map[string]int{}}
	read := 0
	for _, one := range list {
		r := Result{}
		if one.Report != nil {
			r = *one.Report
			if read++; read == 1 {
				out.Window, out.DryRun = r.Window, r.DryRun
			}
		}
		account, problems := one.accountOf(len(r.Resources), r.Problems)
		out.Accounts, out.Problems = append(out.Accounts, account), append(out.Problems, problems...)
		for _, resource := range r.Resources {
			resource.of(one.Account)
			out.Resources = append(out.Resources, resource)
		}
		for _, event := range r.Events {
			event.Account, event.AccountName = one.Account.ID, one.Account.Name
			out.Events = append(out.Events, event)
		}
		for _, late := range r.DataLate {
			late.Account, late.AccountName = one.Account.ID, one.Account.Name
			out.DataLate = append(out.DataLate, late)
		}
		out.Alarms = out.Alarms.plus(r.Alarms)
		out.MetricsPublished += r.MetricsPublished
		out.DurationMs = max(out.DurationMs, r.DurationMs)
		AddCalls(out.Calls, r.Calls)
	}
	return out
}

func (a Alarms) plus(b Alarms) Alarms {
	return Alarms{a.Created + b.Created, a.Updated + b.Updated, a.Deleted + b.Deleted, a.Kept + b.Kept, a.Left + b.Left}
}

// AddCalls adds counts of AWS calls to a sum.
func AddCalls(sum, calls map[string]int) {
	for operation, n := range calls {
		sum[operation] += n
	}
}

// MergedLedgers puts the ledgers of several accounts together, all made for the same spans or, on a
// page, for spans that end within some hours of each other. Sums are those of the accounts that
// could be read, and the summary names how many could not. What all accounts carried together
// is known only if all windows are the same.
func MergedLedgers(list []Of[Ledger]) Ledger {
	out := Ledger{Calls: map[string]int{}}
	var first *Ledger
	var trained []training.Report
	whole, same := (*billing.Whole)(nil), true
	for _, one := range list {
		l := Ledger{}
		if one.Report != nil {
			l = *one.Report
		}
		account, problems := one.accountOf(len(l.Resources), l.Problems)
		out.Accounts, out.Problems = append(out.Accounts, account), append(out.Problems, problems...)
		if one.Report == nil {
			trained = append(trained, training.Unread(one.Account))
			continue
		}
		if first == nil {
			first = &l
			out.Window, out.Days, out.CoarseUntil, out.GroupBy, out.IdleAfter = l.Window, l.Days, l.CoarseUntil, l.GroupBy, l.IdleAfter
			out.TrainedSince, out.TrainingCost = l.TrainedSince, &advice.TrainingCost{}
		}
		for _, e := range l.Resources {
			e.of(one.Account)
			e.Payer = one.Account.Payer
			out.Resources = append(out.Resources, e)
		}
		for _, t := range l.Trained {
			t.Account = one.Account
			out.Trained = append(out.Trained, t)
		}
		for _, p := range l.Recommendations {
			p.Account, p.AccountName = one.Account.ID, one.Account.Name
			out.Recommendations = append(out.Recommendations, p)
		}
		if l.Training != nil {
			trained = append(trained, l.Training.In(one.Account))
		}
		out.TrainingCost = out.TrainingCost.Plus(l.TrainingCost)
		out.TrainedSince = model.Later(out.TrainedSince, l.TrainedSince)
		out.Hourly = addHours(out.Hourly, l.Hourly)
		out.Month = out.Month.plus(l.Month)
		out.MetricsGot += l.MetricsGot
		out.DurationMs = max(out.DurationMs, l.DurationMs)
		AddCalls(out.Calls, l.Calls)
		switch {
		case l.Whole == nil:
			same = false
		case whole == nil:
			whole = l.Whole.Clone()
		case same:
			same = whole.Join(l.Whole)
		}
	}
	if first == nil {
		out.Normalize()
		return out
	}
	if same {
		out.Totals.Throughput = whole.Throughput()
	}
	merged := training.Merged(trained)
	out.Training = &merged
	if first.Recommendations != nil {
		out.Recommendations = advice.Ranked(out.Recommendations)
	}
	out.Normalize()
	return out
}

// addHours adds the hours of all endpoints of an account to a sum.
func addHours(sum, more map[model.Kind][]billing.Hour) map[model.Kind][]billing.Hour {
	if more == nil {
		return sum
	}
	out := maps.Clone(sum)
	if out == nil {
		out = map[model.Kind][]billing.Hour{}
	}
	for kind, hours := range more {
		out[kind] = billing.AddHours(out[kind], hours)
	}
	return out
}

// MergedWhatIf puts the comparisons of several accounts together.
func MergedWhatIf(list []Of[WhatIf]) WhatIf {
	out := WhatIf{Calls: map[string]int{}}
	for _, one := range list {
		w := WhatIf{}
		if one.Report != nil {
			w = *one.Report
			out.Window, out.Days = w.Window, w.Days
		}
		account, problems := one.accountOf(len(w.Resources), w.Problems)
		out.Accounts, out.Problems = append(out.Accounts, account), append(out.Problems, problems...)
		for _, e := range w.Resources {
			e.of(one.Account)
			out.Resources = append(out.Resources, e)
		}
		out.MetricsGot += w.MetricsGot
		out.DurationMs = max(out.DurationMs, w.DurationMs)
		AddCalls(out.Calls, w.Calls)
	}
	return out
}

// MergedSaved puts the ledgers of savings of several accounts together. An action's account is in its
// ARN.
func MergedSaved(list []Of[Saved]) Saved {
	out := Saved{Calls: map[string]int{}}
	var ledgers []savings.Ledger
	for _, one := range list {
		s := Saved{}
		if one.Report != nil {
			s = *one.Report
			ledgers = append(ledgers, s.Ledger)
		}
		account, problems := one.accountOf(len(savedEndpoints(s)), s.Problems)
		out.Accounts, out.Problems = append(out.Accounts, account), append(out.Problems, problems...)
		out.Records += s.Records
		out.Unreadable += s.Unreadable
		out.MetricsGot += s.MetricsGot
		out.DurationMs = max(out.DurationMs, s.DurationMs)
		AddCalls(out.Calls, s.Calls)
	}
	out.Ledger = savings.Merged(ledgers)
	return out
}

// savedEndpoints are the endpoints with actions that lower what is paid for.
func savedEndpoints(s Saved) map[string]bool {
	arns := map[string]bool{}
	for _, a := range s.Actions {
		arns[a.ARN] = true
	}
	return arns
}

// accountColumns are the columns of a CSV, with those of the account if there are several.
func accountColumns(columns []string, accounts []Account) []string {
	if len(accounts) == 0 {
		return columns
	}
	return append(slices.Clone(columns), "account", "accountName")
}

// accountFields are the fields of those columns; none if there is one account.
func (s Subject) accountFields() []string {
	if s.Account == "" {
		return nil
	}
	return []string{s.Account, s.AccountName}
}

// Label is the name, with its account if the report covers several.
func (s Subject) Label() string {
	if s.Account == "" {
		return s.Name
	}
	return s.Name + " of " + s.accountLabel()
}

// Place is the region, with the account if the report covers several.
func (s Subject) Place() string {
	if s.Account == "" {
		return s.Region
	}
	return s.Region + " · " + s.accountLabel()
}

// accountLabel is the account in a table.
func (s Subject) accountLabel() string {
	return model.Account{ID: s.Account, Name: s.AccountName}.Label()
}

// withAccount inserts the column of the account before that of the region.
func (g *Grid) withAccount(accounts []Account, label func(row int) string) {
	if len(accounts) == 0 {
		return
	}
	at := slices.IndexFunc(g.Columns, func(c Column) bool { return c.Title == "REGION" })
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
