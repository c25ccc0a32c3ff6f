package savings

import (
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
)

// costs are what an endpoint would have been billed for without any action, and for each action what
// it would have been with and without its part of the minimum, in the time that is known.
type costs struct {
	whole pricing.Use
	parts []part
}

type part struct{ with, without pricing.Use }

// hours are the hours of the clock in which something is paid for, ascending.
type hours []billing.Hour

// add adds a metered unit: its requests paid for, and the mean minimum.
func (h *hours) add(at time.Time, paid, minimum float64) {
	start := at.Truncate(time.Hour)
	if n := len(*h); n == 0 || !(*h)[n-1].Start.Equal(start) {
		*h = append(*h, billing.Hour{Start: start})
	}
	hour := &(*h)[len(*h)-1]
	hour.Paid += paid / billing.PerTPSHour
	hour.Provisioned = max(hour.Provisioned, minimum) // that it is more than 0 counts
}

// costs are the costs of an endpoint. Without its recipe no price is known.
func (w *walk) costs(e Endpoint, known Known, prices pricing.Table) costs {
	r := model.Resource{ARN: e.ARN, Kind: e.Kind, Recipe: e.Recipe}
	if known.Resource != nil {
		r = *known.Resource
	}
	c := costs{parts: make([]part, len(w.actions))}
	if r.Kind == model.Campaign && r.Recipe == "" {
		return c
	}
	use := func(h hours) pricing.Use { return pricing.NewUse(prices, r, h, nil, 0) }
	c.whole = use(w.whole)
	for i, a := range w.actions {
		c.parts[i] = part{use(a.with), use(a.without)}
	}
	return c
}

// priced adds estimates to the actions, month by month, at the prices of what was saved last: those of
// the cheapest tier that the endpoints reached.
func priced(metered []Metered) (actions []Action, assumptions []string) {
	var uses []pricing.Use
	for _, m := range metered {
		if m.costs.whole.Priced() {
			uses = append(uses, m.costs.whole)
		}
	}
	bill := pricing.NewBill(uses)
	for _, m := range metered {
		for i, a := range m.actions {
			a.Months = slices.Clone(a.Months)
			costs := m.costs.parts[i]
			for j, month := range a.Months {
				if !costs.with.Priced() || month.TPSHours == nil {
					continue
				}
				estimate := bill.Difference(costs.with.In(windowOf(month.Month)), costs.without.In(windowOf(month.Month)))
				if estimate.Amount == nil {
					continue
				}
				a.Months[j].Estimate = &Money{estimate.Currency, *estimate.Amount}
				assumptions = append(assumptions, estimate.Assumptions...)
				if a.Estimate == nil {
					a.Estimate = &Money{Currency: estimate.Currency}
				}
				a.Estimate.Amount += *estimate.Amount
			}
			actions = append(actions, a)
		}
	}
	slices.Sort(assumptions)
	return actions, slices.Compact(assumptions)
}

// windowOf is a calendar month.
func windowOf(month string) model.Window {
	start, _ := time.Parse("2006-01", month) // made by add
	return model.NewWindow(start, start.AddDate(0, 1, 0))
}
