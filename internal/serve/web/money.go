package web

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// money is an amount in a currency. Its zero value is unknown, and never shown as 0.
type money struct {
	Amount   float64
	Currency string
}

// Known reports whether the amount is known.
func (m money) Known() bool { return m.Currency != "" }

// Digits is the amount without its currency: without cents from 10 up.
func (m money) Digits() string {
	switch {
	case !m.Known():
		return unknownText
	case math.Abs(m.Amount) >= 9.995 || m.Amount == 0:
		return model.Number(m.Amount, 0)
	}
	return model.Number(m.Amount, 2)
}

// Signed is the amount with its sign: a cheaper one has a minus.
func (m money) Signed() string {
	switch {
	case !m.Known():
		return unknownText
	case m.Amount < 0:
		return "−" + money{-m.Amount, m.Currency}.Digits()
	case m.Amount > 0:
		return "+" + m.Digits()
	}
	return "0"
}

// String is the amount with its currency.
func (m money) String() string {
	if !m.Known() {
		return "unknown"
	}
	return m.Currency + " " + m.Digits()
}

// less is the amount without another one; unknown if either is, or the currencies differ.
func (m money) less(other money) money {
	if m.Currency != other.Currency {
		return money{}
	}
	return money{m.Amount - other.Amount, m.Currency}
}

// field is the amount in a CSV.
func (m money) field() string { return decimals(m.Known(), m.Amount, 2) }

// decimals is a number in a CSV; empty if it is not known.
func decimals(known bool, v float64, digits int) string {
	if !known {
		return ""
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// total adds up amounts by currency.
type total struct {
	by      map[string]float64
	Unknown int // how many amounts were unknown, and are in no sum
}

func (t *total) add(m money) {
	if !m.Known() {
		t.Unknown++
		return
	}
	if t.by == nil {
		t.by = map[string]float64{}
	}
	t.by[m.Currency] += m.Amount
}

// Main is the largest sum; unknown if there is none.
func (t total) Main() (m money) {
	for _, currency := range sortedKeys(t.by) {
		if !m.Known() || t.by[currency] > m.Amount {
			m = money{t.by[currency], currency}
		}
	}
	return m
}

// Rest are the sums in other currencies, as " + EUR 12"; empty without any.
func (t total) Rest() string {
	text, first := "", t.Main().Currency
	for _, currency := range sortedKeys(t.by) {
		if currency != first {
			text += " + " + money{t.by[currency], currency}.String()
		}
	}
	return text
}

// In are all sums in a table whose heading names a currency.
func (t total) In(currency string) string {
	switch main := t.Main(); {
	case !main.Known():
		return unknownText
	case main.Currency == currency:
		return main.Digits() + t.Rest()
	}
	return t.String()
}

// Without is what the sums leave out; empty if nothing.
func (t total) Without(what string) string {
	if t.Unknown == 0 {
		return ""
	}
	return "without " + model.Plural(t.Unknown, what) + " of unknown cost"
}

// String are all sums.
func (t total) String() string { return t.Main().String() + t.Rest() }

// costs are what an endpoint costs and could save. Each may be unknown.
type costs struct {
	Paid, PaidWaste money // in the days of the ledger
	Monthly, Wasted money // a month, at the present minimum and the demand of those days
	Saves           money // a month, by what is proposed
}

// costsOf are the costs of an endpoint, by the ledger.
func costsOf(r *row) (c costs) {
	if r.Usage == nil || r.Entry.Estimate == nil {
		return c
	}
	e, hours := r.Entry.Estimate, r.Usage.Hours
	of := func(v float64) money { return money{v, e.Currency} }
	c.Paid, c.PaidWaste, c.Saves = of(e.Paid), of(e.Wasted), of(e.SavedPerMonth)
	if hours > 0 {
		c.Monthly, c.Wasted = of(e.PerMonth), of(e.Wasted*billing.HoursPerMonth/hours)
	}
	return c
}

// segment is a part of a bar.
type segment struct {
	Label, Class string
	Value        money
	X, Width     int // of 1000
}

// segments are the parts of a bar.
type segments []segment

// segmentsOf are the parts of a bar that have an amount, in their order.
func segmentsOf(parts ...segment) segments {
	parts = slices.DeleteFunc(parts, func(s segment) bool { return s.Value.Amount <= 0 })
	sum, at := 0.0, 0.0
	for _, p := range parts {
		sum += p.Value.Amount
	}
	for i := range parts {
		from := int(at / sum * 1000)
		at += parts[i].Value.Amount
		parts[i].X, parts[i].Width = from, max(4, int(at/sum*1000)-from-3)
	}
	return parts
}

// Text describes a bar for people who do not see it.
func (s segments) Text() string {
	return strings.Join(mapped(s, func(p segment) string { return p.Label + " " + p.Value.String() }), ", ")
}
