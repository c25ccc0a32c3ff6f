package pricing

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
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
}

// pool is what shares tiers. The month is zero for a month like the span, as in projections.
type pool struct {
	account, region string
	product         Product
	month           time.Time
}

// volume is the TPS-hours of a month.
type volume struct {
	before float64 // the span, since the month began; assumed
	within float64 // the span
}

func (u Use) pool(month time.Time) pool {
	return pool{u.ARN.Account(), u.Price.Region, u.Price.Product, month}
}

// NewBill makes the bill of the uses.
func NewBill(uses []Use) *Bill {
	b := &Bill{map[pool]volume{}}
	for _, u := range uses {
		if u.Price.pooled() {
			b.add(u)
		}
	}
	return b
}

func (b *Bill) add(u Use) {
	grow := func(month time.Time, before, within float64) {
		v := b.volumes[u.pool(month)]
		b.volumes[u.pool(month)] = volume{v.before + before, v.within + within}
	}
	grow(time.Time{}, 0, u.Month.TPSHours)
	begin := billing.FirstOfMonth(u.From)
	hours, first := 0.0, 0.0 // of the first month
	for _, d := range u.Days {
		grow(d.month(), 0, d.Billed.TPSHours)
		if d.month().Equal(begin) {
			hours, first = hours+d.Hours, first+d.Billed.TPSHours
		}
	}
	if before := u.From.Sub(model.Later(begin, u.Created)).Hours(); before > 0 && hours > 0 {
		grow(begin, first/hours*before, 0)
	}
}

// perTPSHour is the mean list price of a TPS-hour of a use in a month, the zero one for projections; 0
// under a fee. Where nothing is used it is that of the next TPS-hour.
func (b *Bill) perTPSHour(u Use, month time.Time) float64 {
	if !u.Price.pooled() {
		if each := u.Price.PerTPSHour(); each != nil {
			return *each
		}
		return 0
	}
	v := b.volumes[u.pool(month)]
	if v.within <= 0 {
		v.within = 1
	}
	return (u.Price.TierCost(v.before+v.within) - u.Price.TierCost(v.before)) / v.within
}

// charges are the charges of a quantity in a month.
func (b *Bill) charges(u Use, q Quantity, month time.Time) []Charge {
	charge := func(unit string, quantity, price float64) Charge {
		return Charge{unit, quantity, price, quantity * price}
	}
	p := u.Price
	switch {
	case p.Fee != nil:
		list := []Charge{charge(UnitRecommenderHours, q.FeeHours, u.FeePerHour)}
		if q.Excess != 0 {
			list = append(list, charge(UnitRequests, q.Excess, p.Fee.PerThousand))
		}
		return list
	case len(p.Tiers) > 0:
		return []Charge{charge(UnitTPSHours, q.TPSHours, b.perTPSHour(u, month))}
	}
	return []Charge{charge(UnitRequests, q.TPSHours*thousandsPerTPSHour, p.PerThousand)}
}

// sum adds up charges, at list prices.
func sum(charges []Charge) float64 {
	list := 0.0
	for _, c := range charges {
		list += c.List
	}
	return list
}

// merge adds charges of the same unit up. Where their prices differ, the price is the mean.
func merge(list, more []Charge) []Charge {
	for _, c := range more {
		i := slices.IndexFunc(list, func(sum Charge) bool { return sum.Unit == c.Unit })
		if i < 0 {
			list = append(list, c)
			continue
		}
		sum := &list[i]
		sum.Quantity, sum.List = sum.Quantity+c.Quantity, sum.List+c.List
		if sum.Quantity > 0 && sum.UnitPrice != c.UnitPrice {
			sum.UnitPrice = sum.List / sum.Quantity
		}
	}
	return list
}

// estimate is an estimate of an amount at list prices, or of charges; nothing is known without a price.
func (p Price) estimate(list float64, charges []Charge, assumptions []string) Estimate {
	if p.Product == "" {
		return Estimate{}
	}
	return Estimate{new(p.net(list)), &list, p.Currency, charges, assumptions}
}

// Days estimates each day of a use, ascending; it returns nothing without a price.
func (b *Bill) Days(u Use) []Period {
	list, assumptions := make([]Period, 0, len(u.Days)), b.assumptions(u)
	for _, d := range u.Days {
		charges := b.charges(u, d.Billed, d.month())
		list = append(list, Period{d.Start, u.Price.estimate(sum(charges), charges, assumptions)})
	}
	return list
}

// Span estimates the whole span of a use. The amount is the sum of that of its days.
func (b *Bill) Span(u Use) Estimate {
	var charges []Charge
	for _, d := range u.Days {
		charges = merge(charges, b.charges(u, d.Billed, d.month()))
	}
	return u.Price.estimate(sum(charges), charges, b.assumptions(u))
}

// Wasted estimates the part of a span's amount that no request made use of: what was provisioned
// beyond the demand, and the fee of a recommender in hours without a request. Requests that
// a fee includes and no one made are not wasted: no minimum costs less.
func (b *Bill) Wasted(u Use) Estimate {
	list := 0.0
	for _, d := range u.Days {
		list += sum(b.charges(u, d.Billed, d.month())) - sum(b.charges(u, d.Used, d.month()))
	}
	return u.Price.estimate(max(0, list), nil, b.assumptions(u))
}

// PerMonth estimates a month of 730 hours with the present minimum and the demand of the span.
func (b *Bill) PerMonth(u Use) Estimate { return b.month(u, u.Month) }

// AtMinimum estimates a month of 730 hours at a minimum without any request, at the mean price
// of a month like the span.
func (b *Bill) AtMinimum(u Use, minimum int) Estimate { return b.month(u, u.AtMinimum(minimum)) }

func (b *Bill) month(u Use, q Quantity) Estimate {
	charges := b.charges(u, q, time.Time{})
	return u.Price.estimate(sum(charges), charges, u.assumptions())
}

// Marginal is what the last TPS-hour of a month like the span costs after the discount, and so
// what one less saves; nil where the price does not go by TPS-hours.
func (b *Bill) Marginal(u Use) *float64 {
	price := u.Price.PerTPSHour()
	if price == nil {
		return nil
	}
	if u.Price.pooled() {
		price = new(u.Price.at(b.volumes[u.pool(time.Time{})].within))
	}
	return new(u.Price.net(*price))
}

// Difference estimates how much less the other use would have cost in the span than u, which is
// in the bill, all else being equal; it is negative if it would have cost more. TPS-hours
// are saved from the cheapest tier that was reached, so that several differences together
// are never more than what all of them together save.
func (b *Bill) Difference(u, other Use) Estimate {
	less := map[time.Time]Quantity{} // by month
	for _, d := range u.Days {
		less[d.month()] = less[d.month()].plus(d.Billed)
	}
	for _, d := range other.Days {
		less[d.month()] = less[d.month()].plus(d.Billed.times(-1))
	}
	list := 0.0
	for _, month := range slices.SortedFunc(maps.Keys(less), time.Time.Compare) {
		list += b.saved(u, less[month], month)
	}
	return u.Price.estimate(list, nil, b.assumptions(u))
}

// MonthDifference is Difference for a month of 730 hours like the span.
func (b *Bill) MonthDifference(u, other Use) Estimate {
	return u.Price.estimate(b.saved(u, u.Month.plus(other.Month.times(-1)), time.Time{}), nil, u.assumptions())
}

// saved is what so much less costs less in a month.
func (b *Bill) saved(u Use, less Quantity, month time.Time) float64 {
	if !u.Price.pooled() {
		return sum(b.charges(u, less, month))
	}
	v := b.volumes[u.pool(month)]
	return u.Price.TierCost(v.before+v.within) - u.Price.TierCost(v.before+v.within-less.TPSHours)
}

// assumptions of a use, whatever the span.
func (u Use) assumptions() []string {
	list := u.Price.assumptions()
	if u.Price.Fee != nil && !u.UsersKnown {
		list = append(list, fmt.Sprintf("at most %s users, as those of the dataset group are not known",
			model.Number(float64(u.Price.Fee.UsersIncluded), 0)))
	}
	return list
}

func (p Price) assumptions() []string {
	if p.Fallback == "" {
		return nil
	}
	return []string{fmt.Sprintf("the price of %s, as none is known for %s", p.Fallback, p.Region)}
}

// assumptions of a use in its span: with those of its tiers.
func (b *Bill) assumptions(u Use) []string {
	list := u.assumptions()
	v := b.volumes[u.pool(billing.FirstOfMonth(u.From))]
	if u.Price.pooled() && v.before > 0 && v.before+v.within > u.Price.Tiers[0].UpTo {
		list = append(list, "the month before the span was like the span, which decides the tier of the price")
	}
	return list
}

// Once estimates what is not billed by time: training hours (Training), interactions
// (TrainingV2), or users or items of a batch job (Batch). A quantity that is not known is nil,
// and so is the amount; that of the other products is always nil.
func (t Table) Once(region string, product Product, quantity *float64) Estimate {
	p, ok := t.Of(region, product)
	units := map[Product]string{Training: UnitTrainingHours, TrainingV2: UnitInteractions, Batch: UnitBatch}
	unit, once := units[product]
	switch {
	case !ok || !once:
		return Estimate{}
	case quantity == nil:
		return Estimate{Currency: p.Currency, Assumptions: p.assumptions()}
	}
	c := Charge{Unit: unit, Quantity: *quantity / 1000, UnitPrice: p.PerThousand}
	if product == Training {
		c.Quantity, c.UnitPrice = *quantity, p.PerHour
	}
	c.List = c.Quantity * c.UnitPrice
	return p.estimate(c.List, []Charge{c}, p.assumptions())
}

// FeeText explains what a lower minimum saves under the fee of a recommender, where it is
// little; it is empty under other prices. A month's saving by it is that of MonthDifference.
func (b *Bill) FeeText(u Use) string {
	if u.Price.Fee == nil {
		return ""
	}
	return fmt.Sprintf("its fee stays, and includes %s requests an hour whatever the minimum; stopping it would save %s %s a month",
		thousands(u.Price.Fee.RequestsIncluded), u.Price.Currency, model.Number(*b.PerMonth(u).Amount, 2))
}
