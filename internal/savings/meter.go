package savings

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
)

// meter is what the actions on one endpoint saved.
func (e Endpoint) meter(known Known, readings model.Readings, prices pricing.Table, at Times) Metered {
	list := e.cells(known, readings, at)
	w := newWalk(e, list, known, at.lag())
	for from := 0; from < len(list); {
		to := from + 1
		if unit := billing.Unit(e.Kind); list[from].length < unit {
			to = indexOf(list, list[from].at.Truncate(unit).Add(unit))
		}
		views := make([]view, 0, to-from)
		for i := from; i < to; i++ {
			views = append(views, w.step(i))
		}
		w.settle(views)
		from = to
	}
	actions := make([]Action, len(w.actions))
	for i, c := range w.actions {
		actions[i] = c.action(e, at)
	}
	whole, parts := w.costs(e, known, prices)
	return Metered{actions, whole, parts}
}

// settle adds what was saved in one metered unit: for each part of the minimum, from the oldest to
// the newest, what is paid for with it less what is paid for without it.
func (w *walk) settle(unit []view) {
	known, made := true, 0.0
	var parts []layer
	var open []int
	for _, v := range unit {
		known = known && v.known && v.counted
		made += v.requests
		for _, l := range v.layers {
			if !slices.ContainsFunc(parts, func(p layer) bool { return p.id == l.id }) {
				parts = append(parts, l)
			}
		}
		if !v.known {
			open = append(open, v.open...)
		}
	}
	switch {
	case known:
		slices.SortFunc(parts, func(a, b layer) int { return cmp.Compare(a.id, b.id) })
		w.share(unit, parts, made)
	default:
		for _, l := range parts {
			if l.action != nobody {
				open = append(open, l.action)
			}
		}
		slices.Sort(open)
		amount := Amount{ByHours: unit[0].length > billing.Slot}
		for _, v := range unit {
			amount.UnknownHours += v.length.Hours()
		}
		for _, n := range slices.Compact(open) {
			w.actions[n].add(unit[0].at, amount)
		}
	}
}

// share divides what was saved in a unit of which all is known among the parts of the minimum.
func (w *walk) share(unit []view, parts []layer, made float64) {
	level := make([]float64, len(unit))
	for i, v := range unit {
		level[i] = v.minimum
		if len(v.layers) > 0 {
			level[i] = v.layers[0].hi
		}
	}
	at := unit[0].at
	paid := func() (requests, minimum float64) {
		provided, seconds := 0.0, 0.0
		for i, v := range unit {
			provided += level[i] * v.length.Seconds()
			seconds += v.length.Seconds()
		}
		return billing.Metering(provided, made), provided / seconds
	}
	with, minimum := paid()
	w.whole.add(at, with, minimum)
	for _, part := range parts {
		length := 0.0
		for i, v := range unit {
			if n := slices.IndexFunc(v.layers, func(l layer) bool { return l.id == part.id }); n >= 0 {
				level[i] = v.layers[n].lo
				length += v.length.Hours()
			}
		}
		without, lower := paid()
		if part.action != nobody {
			c := w.actions[part.action]
			c.add(at, Amount{TPSHours: new((with - without) / billing.PerTPSHour), Hours: length, ByHours: unit[0].length > billing.Slot})
			c.with.add(at, with, minimum)
			c.without.add(at, without, lower)
		}
		with, minimum = without, lower
	}
}

func (c *course) add(at time.Time, amount Amount) {
	month := at.UTC().Format("2006-01")
	c.sums[month] = c.sums[month].plus(amount)
}

// action is the action with what became of it.
func (c *course) action(e Endpoint, at Times) Action {
	a := Action{
		Time: c.at, ARN: e.ARN.String(), Kind: e.Kind, Name: e.ARN.Name(), Region: e.ARN.Region(),
		Action: c.record.Action, Automatic: c.record.Automatic, From: int(c.from), To: int(c.to),
		Left: c.left, State: c.state, PromisedPerMonth: c.record.PromisedPerMonth, Months: []Month{},
	}
	if c.state == NotSeen && at.End.Sub(c.at) < settled {
		a.State = TooRecent
	}
	if !c.ended.IsZero() {
		a.Ended = &c.ended
	}
	read, _ := at.windows(e.First())
	switch {
	case c.state == Incomplete:
		c.unread(at.End)
	case c.at.Before(read.Start): // CloudWatch keeps nothing for so long
		c.unread(read.Start)
	}
	for _, month := range slices.Sorted(maps.Keys(c.sums)) {
		a.Months = append(a.Months, Month{Month: month, Amount: c.sums[month]})
		a.Amount = a.plus(c.sums[month])
	}
	if a.TPSHours == nil && a.UnknownHours == 0 && a.State != TooRecent {
		a.TPSHours = new(0.0) // it was never in effect
	}
	if elapsed := at.End.Sub(c.at).Hours() - a.UnknownHours; elapsed > 0 && a.TPSHours != nil {
		a.AchievedPerMonth = new(*a.TPSHours / elapsed * billing.HoursPerMonth)
	}
	return a
}

// unread adds that nothing is known from the action until end.
func (c *course) unread(end time.Time) {
	for from := c.at; from.Before(end); {
		to := model.Earlier(billing.MonthEnd(from), end)
		c.add(from, Amount{UnknownHours: to.Sub(from).Hours()})
		from = to
	}
}

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
func (w *walk) costs(e Endpoint, known Known, prices pricing.Table) (whole pricing.Use, parts []part) {
	r := model.Resource{ARN: e.ARN, Kind: e.Kind, Recipe: e.Recipe}
	if known.Resource != nil {
		r = *known.Resource
	}
	parts = make([]part, len(w.actions))
	if r.Kind == model.Campaign && r.Recipe == "" {
		return whole, parts
	}
	use := func(h hours) pricing.Use { return pricing.NewUse(prices, r, h, nil, 0) }
	for i, a := range w.actions {
		parts[i] = part{use(a.with), use(a.without)}
	}
	return use(w.whole), parts
}

// priced adds estimates to the actions, month by month, at the prices of what was saved last: those of
// the cheapest tier that the endpoints reached.
func priced(metered []Metered) (actions []Action, assumptions []string) {
	var uses []pricing.Use
	for _, m := range metered {
		if m.whole.Priced() {
			uses = append(uses, m.whole)
		}
	}
	bill := pricing.NewBill(uses)
	for _, m := range metered {
		for i, a := range m.actions {
			a.Months = slices.Clone(a.Months)
			costs := m.parts[i]
			for j, month := range a.Months {
				if !costs.with.Priced() || month.TPSHours == nil {
					continue
				}
				estimate := bill.Difference(costs.with.In(windowOf(month.Month)), costs.without.In(windowOf(month.Month)))
				if estimate.Amount == nil {
					continue
				}
				a.Months[j].Estimate = &model.Money{Currency: estimate.Currency, Amount: *estimate.Amount}
				assumptions = append(assumptions, estimate.Assumptions...)
				if a.Estimate == nil {
					a.Estimate = &model.Money{Currency: estimate.Currency}
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
