package model

import (
	"cmp"
	"slices"
	"strings"
)

// Money is an estimate of an amount in a currency, after discounts.
type Money struct {
	Currency string  `json:"currency"`
	Amount   float64 `json:"amount"`
}

// String is the amount in words, with two decimals.
func (m Money) String() string { return m.Currency + " " + Number(m.Amount, 2) }

// SumMoney adds amounts up, by currency and in the order of currencies. The result is not nil.
func SumMoney(lists ...[]Money) []Money {
	sums := []Money{}
	for _, m := range slices.Concat(lists...) {
		i := slices.IndexFunc(sums, func(sum Money) bool { return sum.Currency == m.Currency })
		if i < 0 {
			i, sums = len(sums), append(sums, Money{Currency: m.Currency})
		}
		sums[i].Amount += m.Amount
	}
	slices.SortFunc(sums, func(a, b Money) int { return cmp.Compare(a.Currency, b.Currency) })
	return sums
}

// MoneyText joins amounts in words.
func MoneyText(list []Money, separator string) string {
	var parts []string
	for _, m := range list {
		parts = append(parts, m.String())
	}
	return strings.Join(parts, separator)
}

// CompareKnown orders numbers, those that are not known, which are nil, before all others.
func CompareKnown(a, b *float64) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return cmp.Compare(*a, *b)
}

// AddKnown adds two numbers, of which those that are not known are nil.
func AddKnown(a, b *float64) *float64 {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return new(*a + *b)
}
