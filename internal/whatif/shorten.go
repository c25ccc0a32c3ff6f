package whatif

import (
	"slices"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
)

// shorten merges rules as far as the budget, in TPS-hours, allows: each change of a minimum is an
// update that takes minutes. It then drops the rules that avoid least for their cost until the text
// fits into a tag.
func shorten(d billing.Demand, s schedule.Schedule, budget float64) schedule.Schedule {
	s = combineDays(s)
	for {
		best, cost := s, budget
		for _, merged := range mergers(s) {
			if t := tryWeek(d, merged); t.TPSHours <= cost {
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
			next.Rules = nil
			for k, r := range s.Rules {
				switch k {
				case i:
					next.Rules = append(next.Rules, merged)
				case j:
				default:
					next.Rules = append(next.Rules, r)
				}
			}
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
		t := tryWeek(d, next)
		if i == 0 || t.Cold.Cold < trial.Cold.Cold || t.Cold.Cold == trial.Cold.Cold && t.TPSHours < trial.TPSHours {
			best, trial = next, t
		}
	}
	return best
}
