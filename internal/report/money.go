package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

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
	uses := make([]pricing.Use, len(entries))
	for i, e := range entries {
		uses[i] = e.use()
	}
	bill := pricing.NewBill(uses)
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
	used := map[kind][]string{}
	for _, p := range prices {
		from := p
		from.Region, from.Fallback = cmp.Or(p.Fallback, p.Region), ""
		k := kind{from.Region, from.Text()}
		used[k] = append(used[k], p.Fallback)
		if p.Fallback != "" {
			used[k][len(used[k])-1] = p.Region
		}
	}
	var texts []string
	for k, regions := range used {
		regions = slices.DeleteFunc(slices.Sorted(slices.Values(regions)), func(region string) bool { return region == "" })
		text := k.text
		if len(regions) > 0 {
			text += "; also used for " + strings.Join(slices.Compact(regions), ", ") + " (price not known)"
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
