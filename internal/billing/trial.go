package billing

import (
	"cmp"
	"math"
	"slices"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Trial is how known demand would have been billed and served with some minimum.
type Trial struct {
	Hours    float64   // that are known
	TPSHours float64   // billed in these hours
	Used     float64   // TPS-hours served in these hours
	Above    float64   // percent of the known steps with a demand above the minimum; 0 if none is known
	Cold     ColdSteps // of all steps
}

// Try meters the demand with a minimum, in requests a second, of each step.
func (d Demand) Try(minimum func(i int) float64) Trial {
	t := Trial{Cold: d.coldSteps(minimum)}
	unit := 1
	if d.Kind == model.Recommender {
		unit = slotsPerHour
	}
	above, known := 0, 0
	billed, used := 0.0, 0.0 // in requests
	for from := 0; from < len(d.Requests); from += unit {
		least, actual, over := 0.0, 0.0, 0
		to := min(from+unit, len(d.Requests))
		for i := from; i < to; i++ {
			floor := minimum(i) * slotSeconds
			least += floor
			actual += d.Requests[i]
			if d.Requests[i] > floor {
				over++
			}
		}
		if math.IsNaN(actual) {
			continue
		}
		known, above = known+to-from, above+over
		billed, used = billed+max(least, actual), used+actual
	}
	t.Hours, t.TPSHours, t.Used = hours(known), billed/PerTPSHour, used/PerTPSHour
	if known > 0 {
		t.Above = float64(above) / float64(known) * 100
	}
	return t
}

// Metered are the known hours as they would be billed with a minimum, in requests a second, of each
// step.
func (d Demand) Metered(minimum func(i int) float64) []Hour {
	var list []Hour
	for from := 0; from+slotsPerHour <= len(d.Requests); from += slotsPerHour {
		least, actual, billed := 0.0, 0.0, 0.0
		for i := from; i < from+slotsPerHour; i++ {
			floor := minimum(i) * slotSeconds
			least, actual, billed = least+floor, actual+d.Requests[i], billed+max(floor, d.Requests[i])
		}
		if d.Kind == model.Recommender {
			billed = max(least, actual)
		}
		if !math.IsNaN(actual) {
			list = append(list, Hour{
				Start: d.Time(from), Provisioned: least / PerTPSHour, Actual: actual / PerTPSHour, Paid: billed / PerTPSHour, Used: actual / PerTPSHour,
			})
		}
	}
	return list
}

// At is Try with a constant minimum, in requests a second.
func (d Demand) At(minimum float64) Trial { return d.Try(func(int) float64 { return minimum }) }

// PerMonth are the TPS-hours billed in a month of 730 hours like the known ones; nil if none is known.
func (t Trial) PerMonth() *float64 { return Finite(t.TPSHours * HoursPerMonth / t.Hours) }

// Percentile is the demand, in requests a second, that at least a percentage (0 to 100) of the known
// steps do not exceed, by nearest rank. It is not ok if no step is known.
func (d Demand) Percentile(percent float64) (rate float64, ok bool) {
	known := slices.DeleteFunc(slices.Clone(d.Requests), math.IsNaN)
	if len(known) == 0 {
		return 0, false
	}
	slices.SortFunc(known, cmp.Compare[float64])
	rank := int(math.Ceil(percent / 100 * float64(len(known))))
	return known[max(rank, 1)-1] / slotSeconds, true
}

// Rate is the demand of a step, in requests a second; NaN if it is not known.
func (d Demand) Rate(i int) float64 { return d.Requests[i] / slotSeconds }
