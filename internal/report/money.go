package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
)

// Estimate is what a resource costs and would save in money, by the price model of its product
// and after the discount. It is never exact; metered quantities stand beside it.
type Estimate struct {
	Product  pricing.Product `json:"product"`
	Currency string          `json:"currency"`
	// PerTPSHour is the list price of a TPS-hour in the first tier; null where the price is not
	// proportional to TPS-hours.
	PerTPSHour  *float64 `json:"pricePerTPSHour"`
	PriceDate   string   `json:"priceDate"`
	PriceSource string   `json:"priceSource"`
	Money
	// PerMonth is for 730 hours with the present minimum and the demand of the span, and
	// MinimumPerMonth for the minimum alone.
	PerMonth        float64 `json:"perMonth"`
	MinimumPerMonth float64 `json:"minimumPerMonth"`
	// Assumptions are what the amounts rest on besides the price and what was metered.
	Assumptions []string `json:"assumptions"`
	// Note explains why the saving is small; usually empty.
	Note string `json:"note,omitempty"`

	Price *pricing.Price `json:"-"` // shared by all of its product and region
	// Marginal is what one TPS-hour less saves; nil where the price does not go by TPS-hours.
	Marginal *float64 `json:"-"`
}

const priceColumns = `estimateCurrency=estimate.currency pricePerTPSHour=estimate.pricePerTPSHour
	priceDate=estimate.priceDate priceSource=estimate.priceSource`

// Money is what TPS-hours cost, in the currency of an estimate.
type Money struct {
	Paid          float64 `json:"paid"`
	Wasted        float64 `json:"wasted"`
	Saved         float64 `json:"saved"`
	SavedPerMonth float64 `json:"savedPerMonth"`
}

func (m *Money) add(other Money) {
	m.Paid += other.Paid
	m.Wasted += other.Wasted
	m.Saved += other.Saved
	m.SavedPerMonth += other.SavedPerMonth
}

// Priced returns the entries with their estimates. They are made together, as volume tiers count
// over all of them.
func Priced(entries []Entry) []Entry {
	bill := BillOf(entries)
	priced := slices.Clone(entries)
	prices := map[string]*pricing.Price{}
	for i := range priced {
		if priced[i].Usage == nil {
			continue
		}
		e := EstimateOf(bill, *priced[i].Proposal, priced[i].Min)
		if priced[i].Estimate = e; e != nil {
			key := priced[i].Region + " " + string(e.Product)
			if prices[key] == nil {
				prices[key] = e.Price
			}
			e.Price = prices[key]
		}
	}
	return priced
}

// EstimateOf is the estimate of a resource with a minimum, whose use is in the bill. It returns nil
// if there is no price.
func EstimateOf(bill *pricing.Bill, p pricing.Proposal, minimum int) *Estimate {
	u := p.Use
	if !u.Priced() {
		return nil
	}
	span := bill.Span(u)
	e := &Estimate{
		Product: u.Price.Product, Currency: u.Price.Currency, PerTPSHour: u.Price.PerTPSHour(),
		PriceDate: u.Price.Date, PriceSource: u.Price.Source,
		Money:    Money{Paid: *span.Amount, Wasted: *bill.Wasted(u).Amount},
		PerMonth: *bill.PerMonth(u).Amount, MinimumPerMonth: *bill.AtMinimum(u, minimum).Amount,
		Assumptions: list(span.Assumptions), Price: new(u.Price), Marginal: bill.Marginal(u),
	}
	if p.After != nil {
		e.Saved, e.SavedPerMonth = *bill.Difference(u, *p.After).Amount, *bill.MonthDifference(u, *p.After).Amount
		if p.After.Month != (pricing.Quantity{}) { // a lower minimum
			e.Note = bill.FeeText(u)
		}
	}
	return e
}

// pricesUsed are the prices that estimates rest on, by region and product.
func pricesUsed(entries []Entry) []pricing.Price {
	used := map[string]pricing.Price{}
	for _, e := range entries {
		if e.Estimate != nil {
			used[e.Region+" "+string(e.Estimate.Product)] = *e.Estimate.Price
		}
	}
	prices := []pricing.Price{}
	for _, key := range slices.Sorted(maps.Keys(used)) {
		prices = append(prices, used[key])
	}
	return prices
}

// PriceTexts are prices in words, each once: with the regions that use it for want of their own.
func PriceTexts(prices []pricing.Price) []string {
	type kind struct{ region, text string }
	others := map[kind][]string{} // the regions that use it
	for _, p := range prices {
		from := p
		from.Region, from.Fallback = cmp.Or(p.Fallback, p.Region), ""
		k := kind{from.Region, from.Text()}
		regions := others[k]
		if p.Fallback != "" {
			regions = append(regions, p.Region)
		}
		others[k] = regions
	}
	var texts []string
	for k, regions := range others {
		text := k.text
		if len(regions) > 0 {
			text += "; also used for " + strings.Join(slices.Compact(slices.Sorted(slices.Values(regions))), ", ") + " (price not known)"
		}
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}

// assumptionNotes names what estimates assume, and how many do; the prices of other regions
// aside, which are noted beside the price.
func assumptionNotes(entries []Entry) []string {
	counts := map[string]int{}
	for _, e := range entries {
		if e.Estimate == nil {
			continue
		}
		for _, a := range e.Estimate.Assumptions {
			if !strings.HasPrefix(a, "the price of ") {
				counts[a]++
			}
		}
	}
	var notes []string
	for _, a := range slices.Sorted(maps.Keys(counts)) {
		notes = append(notes, fmt.Sprintf("Assumed in %s: %s.", model.Plural(counts[a], "estimate"), a))
	}
	return notes
}

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
	TPSHours float64       `json:"tpsHoursPaid"` // of all endpoints that could be read; in a forecast those to come too
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
