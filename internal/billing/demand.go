package billing

import (
	"math"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Demand is what a resource was called for in steps of 5 minutes: its successful requests.
type Demand struct {
	Kind  model.Kind
	Start time.Time // of the first step; a whole hour
	// Requests of each step; NaN where they are not known. They are known by whole hours; see
	// rules.Evidence. They are whole numbers, so that comparisons are exact.
	Requests []float64
}

// demandOf spreads 5-minute sums over the known hours of the evidence. A known hour without a count
// in a step had no request in it. Hours without any count are known only if what confirms silence
// was read.
func demandOf(kind model.Kind, e rules.Evidence, requests model.Series, now time.Time) Demand {
	confirmed := e.Regional.Complete && e.Record.Complete
	d := Demand{Kind: kind, Start: e.Window.Start, Requests: make([]float64, int(e.Window.Duration()/Slot))}
	for i, hour := range e.Hours(now) {
		sum := 0.0
		if hour.State == rules.HourUnknown || hour.State == rules.HourSilent && !confirmed {
			sum = math.NaN()
		}
		for j := range slotsPerHour {
			d.Requests[i*slotsPerHour+j] = sum
		}
	}
	for _, p := range requests.Points {
		if i := int(p.Time.Sub(d.Start) / Slot); !p.Time.Before(d.Start) && i < len(d.Requests) {
			d.Requests[i] += p.Value // NaN stays
		}
	}
	return d
}

// within is the part of the demand in the whole hours of a window.
func (d Demand) within(w model.Window) Demand {
	from, to := d.index(w.Start.Add(time.Hour-time.Nanosecond)), d.index(w.End)
	return Demand{Kind: d.Kind, Start: d.Time(from), Requests: d.Requests[from:max(from, to)]}
}

// index is that of the first step of the hour of a time, within bounds.
func (d Demand) index(at time.Time) int {
	return min(max(0, int(at.UTC().Truncate(time.Hour).Sub(d.Start)/Slot)), len(d.Requests))
}

// Split divides the demand at a time, a whole hour. The second part lacks what was before.
func (d Demand) Split(at time.Time) (before, after Demand) {
	i := d.index(at)
	return Demand{d.Kind, d.Start, d.Requests[:i]}, Demand{d.Kind, d.Time(i), d.Requests[i:]}
}

// Time is the start of a step.
func (d Demand) Time(i int) time.Time { return d.Start.Add(time.Duration(i) * Slot) }

// End is the end of the last step.
func (d Demand) End() time.Time { return d.Time(len(d.Requests)) }

// before is the highest count of requests of the three steps before one. It is NaN if one of them
// is not known.
func (d Demand) before(i int) float64 {
	if i < rules.ColdReach {
		return math.NaN()
	}
	highest := 0.0
	for _, requests := range d.Requests[i-rules.ColdReach : i] {
		highest = max(highest, requests) // NaN wins
	}
	return highest
}

// isCold reports whether a step is cold with a minimum, in requests a second. It is not known if
// its demand or that of one of the three steps before is not.
func (d Demand) isCold(i int, minimum float64) (cold, known bool) {
	requests, before := d.Requests[i], d.before(i)
	if math.IsNaN(requests) || math.IsNaN(before) {
		return false, false
	}
	return rules.Cold(requests, minimum*slotSeconds, before), true
}

// EachCold calls f with each cold step at a constant minimum, in requests a second, and its demand
// in the same unit.
func (d Demand) EachCold(minimum float64, f func(i int, rate float64)) {
	for i := range d.Requests {
		if cold, _ := d.isCold(i, minimum); cold {
			f(i, d.Requests[i]/slotSeconds)
		}
	}
}
