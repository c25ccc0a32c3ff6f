package pricing

import (
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Quantity is what is billed, in the units of the price models.
type Quantity struct {
	TPSHours float64 // the larger of minimum and actual; what tiers and prices of requests go by
	FeeHours float64 // hours of the clock in which a recommender ran; under a Fee only
	Excess   float64 // thousands of requests beyond those that a Fee includes, hour by hour
}

func (q Quantity) plus(other Quantity) Quantity {
	return Quantity{q.TPSHours + other.TPSHours, q.FeeHours + other.FeeHours, q.Excess + other.Excess}
}

func (q Quantity) times(factor float64) Quantity {
	return Quantity{q.TPSHours * factor, q.FeeHours * factor, q.Excess * factor}
}

// quantity is what is billed for an hour of the clock, and what would be if its minimum were 0
// and an hour without a request cost nothing.
func (p Price) quantity(h billing.Hour) (billed, used Quantity) {
	return p.hour(h.Paid, h.Provisioned > 0 || h.Paid > 0), p.hour(h.Used, h.Used > 0)
}

// hour is what is billed for so many TPS-hours in an hour of the clock.
func (p Price) hour(tpsHours float64, ran bool) Quantity {
	q := Quantity{TPSHours: tpsHours}
	if p.Fee != nil && ran {
		q.FeeHours = 1
		q.Excess = max(0, tpsHours*thousandsPerTPSHour-p.Fee.RequestsIncluded/1000)
	}
	return q
}

// Day is what is billed for a resource on a calendar day in UTC.
type Day struct {
	Start  time.Time // 00:00 UTC
	Hours  float64   // metered, begun ones too
	Billed Quantity
	// Used is what would be billed if only requests made were, and an hour of a recommender
	// without any cost nothing.
	Used Quantity
}

func (d Day) month() time.Time { return billing.FirstOfMonth(d.Start) }

// Use is what one resource is billed for over a span, by day, and in a month like it. Its
// size does not depend on the hours of the span.
type Use struct {
	ARN     model.ARN
	Created time.Time // zero if that is not known
	// Price is that of its product and region; its Product is empty if there is none.
	Price Price
	// FeePerHour is the list price of an hour under a Fee, by the users of the dataset group.
	FeePerHour float64
	// UsersKnown is false if the users of the dataset group are not known: FeePerHour is then
	// that of the fewest, and so too low if there are more.
	UsersKnown bool
	From       time.Time // start of the first hour metered
	Days       []Day     // ascending
	// Month is what a month of 730 hours like the span costs, with the present minimum.
	Month Quantity
}

// NewUse makes the Use of a resource from its metered hours, which are ascending, and for the
// month from monthly: the same hours with the present minimum all the time that it ran, which
// was for running hours. Without a price only ARN and Created are set.
func NewUse(t Table, r model.Resource, hours, monthly []billing.Hour, running float64) Use {
	u := Use{ARN: r.ARN, Created: r.Created.UTC()}
	price, ok := t.Of(r.Region(), ProductOf(r.Kind, r.Recipe))
	if !ok {
		return u
	}
	u.Price = price
	if price.Fee != nil {
		users, known := t.Users(r.DatasetGroup)
		u.FeePerHour, u.UsersKnown = price.Fee.Hourly(users), known
	}
	u = u.with(hours, monthly, running)
	if running <= 0 {
		u.Month = u.AtMinimum(r.MinTPS)
	}
	return u
}

// UseOf makes the Use of a metered resource.
func UseOf(t Table, r model.Resource, m billing.Metered) Use {
	return NewUse(t, r, m.Hourly, m.HourlyAt(r.MinTPS), m.Hours)
}

// MinimumUse makes the Use of a resource whose demand is not known, by its minimum alone: it is
// what the resource costs at least.
func MinimumUse(t Table, r model.Resource, span model.Window) Use {
	var hours []billing.Hour
	for at := span.Start.UTC().Truncate(time.Hour); at.Before(span.End); at = at.Add(time.Hour) {
		hours = append(hours, billing.Hour{Start: at, Provisioned: float64(r.MinTPS), Paid: float64(r.MinTPS)})
	}
	return NewUse(t, r, hours, hours, float64(len(hours)))
}

// with is the same resource at the same price with other hours.
func (u Use) with(hours, monthly []billing.Hour, running float64) Use {
	u.Days, u.From, u.Month = nil, time.Time{}, Quantity{}
	if len(hours) > 0 {
		u.From = hours[0].Start.UTC()
	}
	for _, h := range hours {
		billed, used := u.Price.quantity(h)
		d := Day{h.Start.UTC().Truncate(24 * time.Hour), 1, billed, used}
		u.Days = add(u.Days, d, func(last Day) bool { return last.Start.Equal(d.Start) })
	}
	for _, h := range monthly {
		billed, _ := u.Price.quantity(h)
		u.Month = u.Month.plus(billed)
	}
	if running > 0 {
		u.Month = u.Month.times(billing.HoursPerMonth / running)
	}
	return u
}

// Proposal is the use of a resource, and what it would have been with a saving.
type Proposal struct {
	Use   Use
	After *Use // nil if nothing can be saved
}

// ProposalOf makes the Proposal of a metered resource. What is stopped or deleted is gone since its last
// call, and a month without it costs nothing.
func ProposalOf(t Table, r model.Resource, m billing.Metered, s billing.Saving) Proposal {
	p := Proposal{Use: UseOf(t, r, m)}
	switch {
	case !p.Use.Priced() || !s.Action.Changes():
	case s.NewMin > 0:
		p.After = new(p.Use.with(m.HourlyAtMost(s.NewMin), m.HourlyAt(s.NewMin), m.Hours))
	default:
		// What no one calls any more costs its minimum, whatever the demand of the span was.
		p.Use.Month = p.Use.AtMinimum(r.MinTPS)
		p.After = new(p.Use.with(m.HourlyRemoved(), nil, m.Hours))
	}
	return p
}

// Extrapolated is the use with the month of 730 hours that the span, in which the resource ran for
// so many hours, makes if it goes on as it was, earlier minimums included.
func (u Use) Extrapolated(running float64) Use {
	u.Month = Quantity{}
	if running > 0 {
		u.Month = u.Total().times(billing.HoursPerMonth / running)
	}
	return u
}

// Priced reports whether there is a price.
func (u Use) Priced() bool { return u.Price.Product != "" }

// AtMinimum is what a month of 730 hours is billed at a minimum without any request. A minimum
// of 0 or less is no minimum, and nothing is billed.
func (u Use) AtMinimum(minimum int) Quantity {
	if minimum <= 0 {
		return Quantity{}
	}
	return u.Price.hour(float64(minimum), true).times(billing.HoursPerMonth)
}

// In is the part of the use on the days that begin within a window. The month stays.
func (u Use) In(w model.Window) Use {
	u.Days = slices.DeleteFunc(slices.Clone(u.Days), func(d Day) bool { return d.Start.Before(w.Start) || !d.Start.Before(w.End) })
	return u
}

// ByMonth is the use with the days of each calendar month added up in one: it costs the same, and takes less memory.
func (u Use) ByMonth() Use {
	var months []Day
	for _, d := range u.Days {
		months = add(months, d, func(last Day) bool { return last.month().Equal(d.month()) })
	}
	u.Days = months
	return u
}

// add adds a day to the last one of a list if they belong together, else behind it.
func add(list []Day, d Day, together func(last Day) bool) []Day {
	n := len(list) - 1
	if n < 0 || !together(list[n]) {
		return append(list, d)
	}
	list[n].Hours, list[n].Billed, list[n].Used = list[n].Hours+d.Hours, list[n].Billed.plus(d.Billed), list[n].Used.plus(d.Used)
	return list
}

// Total is what is billed for the span.
func (u Use) Total() Quantity {
	total := Quantity{}
	for _, d := range u.Days {
		total = total.plus(d.Billed)
	}
	return total
}
