package report

import (
	"cmp"
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
)

// Month is what a calendar month (UTC) cost. Its JSON keys are stable. TPS-hours are metered, or
// forecast; amounts are estimates.
type Month struct {
	MonthCost
	// Forecast is what the whole month costs if it goes on with the present minimums and the demand of the
	// last 14 days; null for an earlier month.
	Forecast *Cost      `json:"forecast"`
	Before   *MonthCost `json:"before"` // the month before; null if it was not metered
}

// MonthCost is the cost of a month, as far as it was metered.
type MonthCost struct {
	Month  string       `json:"month"`  // as 2026-11
	Window model.Window `json:"window"` // that was metered
	Cost
}

// Cost is what endpoints cost.
type Cost struct {
	TPSHours float64       `json:"tpsHoursPaid"` // of all endpoints that could be read, with those that are forecast
	Spent    []model.Money `json:"spent"`        // by currency, of what has a price
	Unknown  int           `json:"unknown"`      // endpoints that are not in Spent
}

// Parts are what a resource used in the month, and in the one before, for the sums of a month.
type Parts struct {
	Month, Before *Part
	// PerMonth is the TPS-hours of a month of 730 hours at the present minimum and the demand of the
	// days that proposals go by, nil if that is not known, and Billed what they are billed as.
	PerMonth *float64
	Billed   pricing.Quantity
}

// Part is the use in a month. A part that could not be read is not Readable.
type Part struct {
	Readable bool
	TPSHours float64
	Use      pricing.Use
}

// PartOf is the part that was metered.
func PartOf(t pricing.Table, r model.Resource, m billing.Metered) *Part {
	if !m.Readable {
		return &Part{}
	}
	return &Part{true, m.Paid, pricing.UseOf(t, r, m).ByMonth()}
}

// MonthOf adds up the month of resources; nil if none was metered. The forecast needs an open month.
func MonthOf(parts []Parts, spans billing.Spans) *Month {
	if spans.Month.Start.IsZero() {
		return nil
	}
	m := &Month{MonthCost: monthOf(parts, spans.Month, func(p Parts) *Part { return p.Month })}
	if spans.Open {
		m.Forecast = forecastOf(parts, spans.Month)
	}
	if !spans.Before.Start.IsZero() {
		m.Before = new(monthOf(parts, spans.Before, func(p Parts) *Part { return p.Before }))
	}
	return m
}

// plus adds the same month of another account, whose tiers of prices are its own. Nil is a month that was not metered.
func (m *Month) plus(other *Month) *Month {
	if m == nil || other == nil {
		return cmp.Or(m, other)
	}
	sum := &Month{MonthCost: MonthCost{m.Month, m.Window, m.Cost.plus(other.Cost)}}
	if m.Forecast != nil && other.Forecast != nil {
		sum.Forecast = new(m.Forecast.plus(*other.Forecast))
	}
	if sum.Before = cmp.Or(m.Before, other.Before); m.Before != nil && other.Before != nil {
		sum.Before = &MonthCost{m.Before.Month, m.Before.Window, m.Before.Cost.plus(other.Before.Cost)}
	}
	return sum
}

func (c Cost) plus(other Cost) Cost {
	return Cost{c.TPSHours + other.TPSHours, model.SumMoney(c.Spent, other.Spent), c.Unknown + other.Unknown}
}

func monthOf(parts []Parts, w model.Window, part func(Parts) *Part) MonthCost {
	m := MonthCost{Month: w.Start.Format("2006-01"), Window: w}
	var uses []pricing.Use
	for _, one := range parts {
		p := part(one)
		if p == nil { // it did not exist
			continue
		}
		m.TPSHours += p.TPSHours
		if !p.Readable || !p.Use.Priced() {
			m.Unknown++
			continue
		}
		uses = append(uses, p.Use)
	}
	m.Spent = costOf(uses)
	return m
}

// costOf adds up what uses cost together.
func costOf(uses []pricing.Use) []model.Money {
	bill := pricing.NewBill(uses)
	var amounts []model.Money
	for _, u := range uses {
		if span := bill.Span(u); span.Amount != nil {
			amounts = append(amounts, model.Money{Currency: span.Currency, Amount: *span.Amount})
		}
	}
	return model.SumMoney(amounts)
}

// forecastOf adds the rest of the month, at the present rate, to what was metered.
func forecastOf(parts []Parts, w model.Window) *Cost {
	f := &Cost{}
	share := billing.MonthEnd(w.Start).Sub(w.End).Hours() / billing.HoursPerMonth
	var uses []pricing.Use
	for _, one := range parts {
		p := one.Month
		if p == nil || !p.Readable || one.PerMonth == nil {
			f.Unknown++
			continue
		}
		f.TPSHours += p.TPSHours + *one.PerMonth*share
		if !p.Use.Priced() {
			f.Unknown++
			continue
		}
		b := one.Billed
		rest := pricing.Quantity{TPSHours: b.TPSHours * share, FeeHours: b.FeeHours * share, Excess: b.Excess * share}
		use := p.Use
		day := w.End.Truncate(24 * time.Hour)
		if !day.Before(billing.MonthEnd(w.Start)) {
			day = day.AddDate(0, 0, -1)
		}
		use.Days = append(append([]pricing.Day{}, use.Days...), pricing.Day{Start: day, Billed: rest})
		uses = append(uses, use)
	}
	f.Spent = costOf(uses)
	return f
}

// Period is what the month is called: "November so far" or "October 2026".
func (m Month) Period() string {
	if m.Forecast != nil {
		return m.Window.Start.Format("January") + " so far"
	}
	return m.name()
}

func (m MonthCost) name() string { return m.Window.Start.Format("January 2006") }

// Text is the month with its forecast and the month before.
func (m Month) Text() string {
	text := m.Period() + " " + m.Cost.text()
	if f := m.Forecast; f != nil {
		text += "; forecast to its end, at the present rate: " + f.text()
	}
	if m.Before != nil {
		text += "; " + m.Before.name() + " " + m.Before.text()
	}
	return text
}

func (c Cost) text() string {
	text := "at unknown cost"
	if len(c.Spent) > 0 {
		text = model.MoneyText(c.Spent, " and ")
	}
	text += fmt.Sprintf(" (%s TPS-hours", commas(c.TPSHours))
	if c.Unknown > 0 {
		text += fmt.Sprintf("; without %d unknown", c.Unknown)
	}
	return text + ")"
}
