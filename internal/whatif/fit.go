package whatif

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
)

const (
	// occasions is on how many days demand must have risen in an hour for its level to count: as for
	// the low watermark, no single event decides.
	occasions = 3
	// maxLevels is how many levels are tried for an hour.
	maxLevels = 24
)

// layout divides the week into sets of days that have the same hours.
type layout []schedule.Days

// layouts are those that are tried: every day alike; working days and weekends; each day of its own.
func layouts() []layout {
	weekend := schedule.On(time.Saturday, time.Sunday)
	var each layout
	for day := time.Sunday; day <= time.Saturday; day++ {
		each = append(each, schedule.On(day))
	}
	return []layout{{schedule.Daily}, {schedule.Daily &^ weekend, weekend}, each}
}

// cell is an hour of the days of a set, in UTC.
type cell struct {
	days   schedule.Days
	hour   int
	level  int     // the fitted minimum
	raises []raise // that could be made, by level
}

// raise is a minimum for a cell.
type raise struct {
	level   int
	avoided int     // cold steps of those at the base
	cost    float64 // TPS-hours beyond demand
}

// at is the raise to the level of the cell.
func (c cell) at() raise {
	for _, r := range c.raises {
		if r.level == c.level {
			return r
		}
	}
	return raise{}
}

// fit finds the minimums of the hours of a layout with the fewest cold steps that cost at most fitCost
// times what is used. It raises the hour that avoids most for its cost, again and again. It is not
// ok if there is nothing to raise, or not enough money.
func fit(d billing.Demand, base int, l layout) (schedule.Schedule, bool) {
	cells := cellsOf(d, base, l)
	fitted := scheduleOf(cells, base)
	trial := d.Try(minimums(d, fitted))
	budget := fitCost * trial.Used
	for trial.TPSHours <= budget {
		best, to := bestRaise(cells, budget-trial.TPSHours)
		if best == nil {
			break
		}
		before := best.level
		best.level = to.level
		next := scheduleOf(cells, base)
		if after := d.Try(minimums(d, next)); after.TPSHours <= budget {
			fitted, trial = next, after
			continue
		}
		// Dearer than estimated: this level is given up, and those above it.
		best.level = before
		best.raises = slices.DeleteFunc(best.raises, func(r raise) bool { return r.level >= to.level })
	}
	fitted = shorten(d, fitted, budget)
	return fitted, len(fitted.Rules) > 0
}

// bestRaise finds the cell and the raise that avoid most for their cost, of those that cost no more
// TPS-hours than what is left; nil if there is none.
func bestRaise(cells []cell, left float64) (best *cell, to raise) {
	most := 0.0
	for i := range cells {
		c := &cells[i]
		now := c.at()
		for _, r := range c.raises {
			cost := r.cost - now.cost
			if r.level <= c.level || cost > left {
				continue
			}
			if gain := float64(r.avoided-now.avoided) / max(cost, 1e-9); gain > most {
				most, best, to = gain, c, r
			}
		}
	}
	return best, to
}

// rise is a cold step at the base: the lowest minimum at which it is not, and its day.
type rise struct {
	level int
	day   time.Time
}

// cellsOf sorts the known demand by the hours of a layout.
func cellsOf(d billing.Demand, base int, l layout) []cell {
	cells := make([]cell, 0, 24*len(l))
	for _, days := range l {
		for hour := range 24 {
			cells = append(cells, cell{days: days, hour: hour, level: base})
		}
	}
	rates, rises := make([][]float64, len(cells)), make([][]rise, len(cells))
	find := func(at time.Time) int {
		return 24*slices.IndexFunc(l, func(days schedule.Days) bool { return days.Has(at.Weekday()) }) + at.Hour()
	}
	for i := range d.Requests {
		rate := d.Rate(i)
		if math.IsNaN(rate) {
			continue
		}
		here, next := find(d.Time(i)), find(d.Time(i).Add(schedule.DefaultLead))
		rates[here] = append(rates[here], rate)
		if next != here { // the hour's level is in place already
			rates[next] = append(rates[next], rate)
		}
		if d.IsCold(i, float64(base)) {
			rises[here] = append(rises[here], rise{int(math.Ceil(rate)), d.Time(i).Truncate(24 * time.Hour)})
		}
	}
	for i := range cells {
		cells[i].raises = raisesOf(rates[i], rises[i], base)
	}
	return cells
}

// raisesOf are the base and the levels that avoid cold steps on several days, at most maxLevels of
// them evenly among these steps.
func raisesOf(rates []float64, rises []rise, base int) []raise {
	cost := func(level int) float64 {
		sum := 0.0
		for _, rate := range rates {
			sum += max(0, float64(level)-rate)
		}
		return sum * billing.Slot.Hours()
	}
	slices.SortFunc(rises, func(a, b rise) int { return cmp.Compare(a.level, b.level) })
	list := []raise{{level: base, cost: cost(base)}}
	days := map[time.Time]bool{}
	step := max(1, len(rises)/maxLevels)
	for i, r := range rises {
		days[r.day] = true
		last := i+1 == len(rises)
		if len(days) < occasions || !last && ((i+1)%step != 0 || rises[i+1].level == r.level) {
			continue
		}
		list = append(list, raise{r.level, i + 1, cost(r.level)})
	}
	return list
}

// scheduleOf has a rule for each run of hours with the same level above the base.
func scheduleOf(cells []cell, base int) schedule.Schedule {
	s := schedule.Schedule{Base: base, Lead: schedule.DefaultLead}
	for _, c := range cells {
		if c.level <= base {
			continue
		}
		from := c.hour * 60
		if n := len(s.Rules); n > 0 && s.Rules[n-1].Days == c.days && s.Rules[n-1].Until == from && s.Rules[n-1].Level == c.level {
			s.Rules[n-1].Until += 60
			continue
		}
		s.Rules = append(s.Rules, schedule.Rule{Days: c.days, From: from, Until: from + 60, Level: c.level})
	}
	return s
}

// minimums are those of a schedule at each step of the demand, from the lead before each level on. The
// schedule is in whole hours of UTC, and its rules do not go over midnight, as those fitted here: many are tried.
func minimums(d billing.Demand, s schedule.Schedule) func(i int) float64 {
	const day = 24
	week := make([]float64, 7*day) // by the hour, from Sunday on
	for i := range week {
		week[i] = float64(s.Base)
		for _, r := range s.Rules {
			if hour := i % day; r.Days.Has(time.Weekday(i/day)) && r.From/60 <= hour && hour < r.Until/60 {
				week[i] = max(week[i], float64(r.Level))
			}
		}
	}
	first := int(d.Start.Weekday())*day + d.Start.Hour()
	const hour = int(time.Hour / billing.Slot)
	lead := int(s.Lead / billing.Slot)
	return func(i int) float64 {
		return max(week[(first+i/hour)%len(week)], week[(first+(i+lead)/hour)%len(week)])
	}
}

// shorten merges rules as far as the budget, in TPS-hours, allows: each change of a minimum is an
// update that takes minutes. It then drops the rules that avoid least for their cost until the text
// fits into a tag.
func shorten(d billing.Demand, s schedule.Schedule, budget float64) schedule.Schedule {
	s = combineDays(s)
	for {
		best, cost := s, budget
		for _, merged := range mergers(s) {
			if t := d.Try(minimums(d, merged)); t.TPSHours <= cost {
				best, cost = merged, t.TPSHours
			}
		}
		if len(best.Rules) == len(s.Rules) {
			break
		}
		s = combineDays(best)
	}
	for s.Validate() != nil && len(s.Rules) > 0 {
		s = without(d, s)
	}
	return s
}

// mergers are the schedules with two touching or equal rules made one, at the higher level.
func mergers(s schedule.Schedule) []schedule.Schedule {
	var list []schedule.Schedule
	for i, a := range s.Rules {
		for j, b := range s.Rules {
			merged := a
			switch {
			case i == j:
				continue
			case a.Days == b.Days && a.Until == b.From: // one after the other
				merged.Until = b.Until
			case i < j && a.From == b.From && a.Until == b.Until: // the same hours of other days
				merged.Days |= b.Days
			default:
				continue
			}
			merged.Level = max(a.Level, b.Level)
			next := s
			next.Rules = slices.Clone(s.Rules)
			next.Rules[i] = merged
			next.Rules = slices.Delete(next.Rules, j, j+1)
			list = append(list, next)
		}
	}
	return list
}

// combineDays makes one rule of those with the same hours and level.
func combineDays(s schedule.Schedule) schedule.Schedule {
	combined := s
	combined.Rules = nil
	for _, r := range s.Rules {
		same := func(o schedule.Rule) bool { return o.From == r.From && o.Until == r.Until && o.Level == r.Level }
		if i := slices.IndexFunc(combined.Rules, same); i >= 0 {
			combined.Rules[i].Days |= r.Days
			continue
		}
		combined.Rules = append(combined.Rules, r)
	}
	return combined
}

// without drops the rule whose loss adds the fewest cold steps, of several the dearest.
func without(d billing.Demand, s schedule.Schedule) schedule.Schedule {
	var best schedule.Schedule
	var trial billing.Trial
	for i := range s.Rules {
		next := s
		next.Rules = slices.Delete(slices.Clone(s.Rules), i, i+1)
		t := d.Try(minimums(d, next))
		if i == 0 || t.Cold.Cold < trial.Cold.Cold || t.Cold.Cold == trial.Cold.Cold && t.TPSHours < trial.TPSHours {
			best, trial = next, t
		}
	}
	return best
}
