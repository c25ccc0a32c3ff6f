package training

import (
	"maps"
	"slices"

	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
)

// estimate is what hours of training of a solution cost. The amount is nil if the hours or the
// recipe are unknown, if there is no price, or if AWS bills the recipe by interactions, which no
// API returns.
func (a analysis) estimate(s Solution, hours *float64) pricing.Estimate {
	product := pricing.TrainingOf(s.Recipe)
	if s.Recipe == "" || product != pricing.Training { // guard: training: hours of another price model have no price
		hours = nil
	}
	return a.prices.Once(a.Region, product, hours)
}

// amounts adds up estimates by currency.
type amounts struct {
	sums     map[string]Amount
	unpriced int
}

// add adds the estimate of a solution, and that of its unserved hours.
func (m *amounts) add(s Summary, unserved pricing.Estimate) {
	if s.Trainings == 0 {
		return
	}
	if s.Estimate.Amount == nil {
		m.unpriced++
		return
	}
	if m.sums == nil {
		m.sums = map[string]Amount{}
	}
	sum, known := m.sums[s.Estimate.Currency]
	if !known {
		sum = Amount{Currency: s.Estimate.Currency, Unserved: new(0.0)}
	}
	sum.Amount += *s.Estimate.Amount
	if sum.Unserved != nil && unserved.Amount != nil {
		sum.Unserved = new(*sum.Unserved + *unserved.Amount)
	} else {
		sum.Unserved = nil
	}
	m.sums[sum.Currency] = sum
}

// list are the sums by currency; never nil.
func (m *amounts) list() []Amount {
	list := []Amount{}
	for _, currency := range slices.Sorted(maps.Keys(m.sums)) {
		list = append(list, m.sums[currency])
	}
	return list
}
