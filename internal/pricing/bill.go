package pricing

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Estimate is an amount of money. It is nil where it is not known.
type Estimate struct {
	Amount   *float64 `json:"amount"`     // after the discount
	List     *float64 `json:"listAmount"` // before it
	Currency string   `json:"currency"`   // empty if there is no price
	// Charges add up to List. An estimate of a difference has none.
	Charges []Charge `json:"charges,omitempty"`
	// Assumptions are what the amount rests on besides the price and what was metered.
	Assumptions []string `json:"assumptions,omitempty"`
}

// Charge is a quantity at a list price: Quantity × UnitPrice = List.
type Charge struct {
	Unit      string  `json:"unit"`
	Quantity  float64 `json:"quantity"`
	UnitPrice float64 `json:"unitPrice"` // where several tiers apply, their mean
	List      float64 `json:"listAmount"`
}

// The units of charges.
const (
	UnitTPSHours         = "TPS-Hours" // of a recommender RPS-hours, which is the same thing
	UnitRequests         = "1000 Requests"
	UnitRecommenderHours = "Recommender-Hours"
	UnitTrainingHours    = "Training-Hours"
	UnitInteractions     = "1000 Interactions"
	UnitBatch            = "1000 Users or Items"
)

// Period is an estimate of a part of a span.
type Period struct {
	Start    time.Time // 00:00 UTC of a day
	Estimate Estimate
}

// Bill prices resources together. Volume tiers count the TPS-hours of a product in a calendar
// month (UTC), an account and a region over all its resources. What they cost together is
// spread over the resources and days of a month in proportion to their TPS-hours, so that
// amounts add up to the total.
//
// Where a span begins within a month, the volume before it decides in which tier it begins.
// That volume is assumed: each resource is taken to have used as much an hour since the month
// began, or since it was created, as it did in the span. Resources that are not in the bill
// are left out, so that tiers may begin too early and amounts be too high, never too low by
// that.
type Bill struct {
	volumes map[pool]volume
	months  map[pool]float64 // TPS-hours of a month like the span
}

// pool is what shares tiers. The month is zero in projections.
type pool struct {
	account, region string
	product         Product
	month           time.Time
}

// volume is the TPS-hours of a calendar month.
type volume struct {
	before float64 // the span, since the month began; assumed
	within float64 // the span
}

func (u Use) pool(month time.Time) pool {
	return pool{u.ARN.Account, u.Price.Region, u.Price.Product, month}
}

// NewBill makes the bill of the uses.
func NewBill(uses []Use) *Bill {
	b := &Bill{map[pool]volume{}, map[pool]float64{}}
	for _, u := range uses {
		b.add(u)
	}
	return b
}

func (b *Bill) add(u Use) {
	if !u.Price.pooled() {
		return
	}
	b.months[u.pool(time.Time{})] += u.Month.TPSHours
	hours, first := 0.0, 0.0 // of the first month
	for _, d := range u.Days {
		v := b.volumes[u.pool(d.month())]
		v.within += d.Billed.TPSHours
		b.volumes[u.pool(d.month())] = v
		if d.month().Equal(monthOf(u.From)) {
			hours += d.Hours
			first += d.Billed.TPSHours
		}
	}
	begin := monthOf(u.From)
	since := begin
	if u.Created.After(since) {
		since = u.Created
	}
	if before := u.From.Sub(since).Hours(); before > 0 && hours > 0 {
		v := b.volumes[u.pool(begin)]
		v.before += first / hours * before
		b.volumes[u.pool(begin)] = v
	}
}

// perTPSHour is the mean list price of a TPS-hour of a use in a month.
func (b *Bill) perTPSHour(u Use, month time.Time) float64 {
	if !u.Price.pooled() {
		return perTPSHour(u.Price)
	}
	v := b.volumes[u.pool(month)]
	return mean(u.Price, v.before, v.within)
}

// perTPSHourOfMonth is the mean list price of a TPS-hour in a month like the span.
func (b *Bill) perTPSHourOfMonth(u Use) float64 {
	if !u.Price.pooled() {
		return perTPSHour(u.Price)
	}
	return mean(u.Price, 0, b.months[u.pool(time.Time{})])
}

// perTPSHour is the list price of a TPS-hour where it does not depend on others; 0 under a fee.
func perTPSHour(p Price) float64 {
	if each := p.PerTPSHour(); each != nil {
		return *each
	}
	return 0
}

// mean is the mean price of the TPS-hours from a volume on; without any, that of the next one.
func mean(p Price, from, more float64) float64 {
	if more <= 0 {
		more = 1
	}
	return (p.TierCost(from+more) - p.TierCost(from)) / more
}

// charges are the charges of a quantity, given the price of a TPS-hour.
func (u Use) charges(q Quantity, perTPSHour float64) []Charge {
	charge := func(unit string, quantity, price float64) Charge {
		return Charge{unit, quantity, price, quantity * price}
	}
	p := u.Price
	switch {
	case p.Fee != nil:
		list := []Charge{charge(UnitRecommenderHours, q.FeeHours, u.FeePerHour)}
		if q.Excess > 0 {
			list = append(list, charge(UnitRequests, q.Excess, p.Fee.PerThousand))
		}
		return list
	case len(p.Tiers) > 0:
		return []Charge{charge(UnitTPSHours, q.TPSHours, perTPSHour)}
	}
	return []Charge{charge(UnitRequests, q.TPSHours*thousandsPerTPSHour, p.PerThousand)}
}

// merge adds charges of the same unit up. Where their prices differ, the price is the mean.
func merge(list, more []Charge) []Charge {
	for _, c := range more {
		found := false
		for i := range list {
			if sum := &list[i]; sum.Unit == c.Unit {
				sum.Quantity += c.Quantity
				sum.List += c.List
				if sum.Quantity > 0 && sum.UnitPrice != c.UnitPrice {
					sum.UnitPrice = sum.List / sum.Quantity
				}
				found = true
			}
		}
		if !found {
			list = append(list, c)
		}
	}
	return list
}

// estimate adds charges up.
func (u Use) estimate(charges []Charge, assumptions []string) Estimate {
	list := 0.0
	for _, c := range charges {
		list += c.List
	}
	e := u.amount(list, assumptions)
	e.Charges = charges
	return e
}

// amount is an estimate of an amount at list prices.
func (u Use) amount(list float64, assumptions []string) Estimate {
	net := u.Price.net(list)
	return Estimate{Amount: &net, List: &list, Currency: u.Price.Currency, Assumptions: assumptions}
}

// Days estimates each day of a use, ascending; it returns nothing without a price.
func (b *Bill) Days(u Use) []Period {
	if !u.Priced() {
		return nil
	}
	list, assumptions := make([]Period, 0, len(u.Days)), b.assumptions(u)
	for _, d := range u.Days {
		list = append(list, Period{d.Start, u.estimate(u.charges(d.Billed, b.perTPSHour(u, d.month())), assumptions)})
	}
	return list
}

// Span estimates the whole span of a use. The amount is the sum of that of its days.
func (b *Bill) Span(u Use) Estimate {
	if !u.Priced() {
		return Estimate{}
	}
	var charges []Charge
	for _, d := range u.Days {
		charges = merge(charges, u.charges(d.Billed, b.perTPSHour(u, d.month())))
	}
	return u.estimate(charges, b.assumptions(u))
}

// Wasted estimates the part of a span's amount that no request made use of: what was provisioned
// beyond the demand, and the fee of a recommender in hours without a request. Requests that
// a fee includes and no one made are not wasted: no minimum costs less.
func (b *Bill) Wasted(u Use) Estimate {
	if !u.Priced() {
		return Estimate{}
	}
	list := 0.0
	for _, d := range u.Days {
		price := b.perTPSHour(u, d.month())
		for _, c := range u.charges(d.Billed, price) {
			list += c.List
		}
		for _, c := range u.charges(d.Used, price) {
			list -= c.List
		}
	}
	return u.amount(max(0, list), b.assumptions(u))
}

// PerMonth estimates a month of 730 hours with the present minimum and the demand of the span.
func (b *Bill) PerMonth(u Use) Estimate { return b.month(u, u.Month) }

// AtMinimum estimates a month of 730 hours at a minimum without any request, at the mean price
// of a month like the span.
func (b *Bill) AtMinimum(u Use, minimum int) Estimate { return b.month(u, u.AtMinimum(minimum)) }

// Marginal is what the last TPS-hour of a month like the span costs after the discount, and so
// what one less saves; nil where the price does not go by TPS-hours.
func (b *Bill) Marginal(u Use) *float64 {
	if u.Price.PerTPSHour() == nil {
		return nil
	}
	price := perTPSHour(u.Price)
	if u.Price.pooled() {
		price = u.Price.at(b.months[u.pool(time.Time{})])
	}
	return new(u.Price.net(price))
}

func (b *Bill) month(u Use, q Quantity) Estimate {
	if !u.Priced() {
		return Estimate{}
	}
	return u.estimate(u.charges(q, b.perTPSHourOfMonth(u)), u.assumptions())
}

// Difference estimates how much less the other use would have cost in the span than u, which is
// in the bill, all else being equal; it is negative if it would have cost more. TPS-hours
// are saved from the cheapest tier that was reached, so that several differences together
// are never more than what all of them together save.
func (b *Bill) Difference(u, other Use) Estimate {
	if !u.Priced() {
		return Estimate{}
	}
	list := 0.0
	less := map[time.Time]float64{} // TPS-hours, by month
	for _, d := range u.Days {
		less[d.month()] += d.Billed.TPSHours
		list += u.linear(d.Billed)
	}
	for _, d := range other.Days {
		less[d.month()] -= d.Billed.TPSHours
		list -= u.linear(d.Billed)
	}
	if u.Price.pooled() {
		list = 0
		for _, month := range slices.SortedFunc(maps.Keys(less), time.Time.Compare) {
			v := b.volumes[u.pool(month)]
			top := v.before + v.within
			list += u.Price.TierCost(top) - u.Price.TierCost(top-less[month])
		}
	}
	return u.amount(list, b.assumptions(u))
}

// MonthDifference is Difference for a month of 730 hours like the span.
func (b *Bill) MonthDifference(u, other Use) Estimate {
	if !u.Priced() {
		return Estimate{}
	}
	list := u.linear(u.Month) - u.linear(other.Month)
	if u.Price.pooled() {
		top := b.months[u.pool(time.Time{})]
		list = u.Price.TierCost(top) - u.Price.TierCost(top-(u.Month.TPSHours-other.Month.TPSHours))
	}
	return u.amount(list, u.assumptions())
}

// linear is what a quantity costs where that does not depend on others.
func (u Use) linear(q Quantity) float64 {
	list := 0.0
	for _, c := range u.charges(q, perTPSHour(u.Price)) {
		list += c.List
	}
	return list
}

// assumptions of a use, whatever the span.
func (u Use) assumptions() []string {
	var list []string
	if u.Price.Fallback != "" {
		list = append(list, fmt.Sprintf("the price of %s, as none is known for %s", u.Price.Fallback, u.Price.Region))
	}
	if u.Price.Fee != nil && !u.UsersKnown {
		list = append(list, fmt.Sprintf("at most %s users, as those of the dataset group are not known",
			model.Number(float64(u.Price.Fee.UsersIncluded), 0)))
	}
	return list
}

// assumptions of a use in its span: with those of its tiers.
func (b *Bill) assumptions(u Use) []string {
	list := u.assumptions()
	if !u.Price.pooled() {
		return list
	}
	v := b.volumes[u.pool(monthOf(u.From))]
	if v.before > 0 && v.before+v.within > u.Price.Tiers[0].UpTo {
		list = append(list, "the month before the span was like the span, which decides the tier of the price")
	}
	return list
}
