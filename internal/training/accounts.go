package training

import (
	"cmp"
	"maps"
	"slices"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// In is the report with its account named.
func (r Report) In(a model.Account) Report {
	r.Solutions, r.Findings = model.InAccount(r.Solutions, a), model.InAccount(r.Findings, a)
	unread := []string{}
	for _, region := range r.Totals.Unread {
		unread = append(unread, region+" of "+a.String())
	}
	r.Totals.Unread = unread
	return r
}

// Unread is the report of an account of which nothing is known.
func Unread(a model.Account) Report { return Report{Totals: Totals{Unread: []string{a.String()}}} }

// Merged puts the reports of several accounts together. What is not known of one of them is in no sum.
func Merged(list []Report) Report {
	out := Report{Solutions: []Summary{}, Findings: []Finding{}, Totals: Totals{Unread: []string{}}}
	amounts := map[string]Amount{}
	for _, r := range list {
		if out.Until.IsZero() {
			out.Since, out.Until = r.Since, r.Until
		}
		out.Solutions, out.Findings = append(out.Solutions, r.Solutions...), append(out.Findings, r.Findings...)
		t := &out.Totals
		t.Solutions += r.Totals.Solutions
		t.Unread = append(t.Unread, r.Totals.Unread...)
		t.Unpriced += r.Totals.Unpriced
		t.Sum = t.Sum.plus(r.Totals.Sum)
		for _, a := range r.Totals.Amounts {
			sum, ok := amounts[a.Currency]
			if !ok {
				amounts[a.Currency] = a
				continue
			}
			sum.Amount += a.Amount
			sum.Unserved = both(sum.Unserved, a.Unserved)
			amounts[a.Currency] = sum
		}
	}
	out.Totals.Amounts = []Amount{}
	for _, currency := range slices.Sorted(maps.Keys(amounts)) {
		out.Totals.Amounts = append(out.Totals.Amounts, amounts[currency])
	}
	slices.SortStableFunc(out.Solutions, func(a, b Summary) int {
		return cmp.Or(cmp.Compare(hours(b.Hours), hours(a.Hours)), cmp.Compare(a.ARN, b.ARN))
	})
	slices.SortFunc(out.Findings, compare)
	return out
}

// both adds two numbers; nil if either is not known.
func both(a, b *float64) *float64 {
	if a == nil || b == nil {
		return nil
	}
	return new(*a + *b)
}

// plus adds the sum of another account. Hours that are not known are left out, as those of a training
// are; Unserved is not known if it is not known of all Hours.
func (s Sum) plus(o Sum) Sum {
	out := Sum{
		Trainings: s.Trainings + o.Trainings, Automatic: s.Automatic + o.Automatic, Manual: s.Manual + o.Manual, Failed: s.Failed + o.Failed,
		Stopped: s.Stopped + o.Stopped, InProgress: s.InProgress + o.InProgress, Unreported: s.Unreported + o.Unreported,
	}
	switch {
	case s.Hours == nil:
		out.Hours, out.Unserved = o.Hours, o.Unserved
	case o.Hours == nil:
		out.Hours, out.Unserved = s.Hours, s.Unserved
	default:
		out.Hours, out.Unserved = both(s.Hours, o.Hours), both(s.Unserved, o.Unserved)
	}
	return out
}
