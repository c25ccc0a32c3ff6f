package billing

import (
	"time"
)

const slotsPerWeek = int(7 * 24 * time.Hour / Slot)

// ColdSteps are the cold 5-minute steps of some time; see rules.Cold. Its JSON keys are stable.
type ColdSteps struct {
	Cold  int `json:"cold"`
	Known int `json:"known"` // steps whose demand is known, and that of the three before
	Steps int `json:"steps"` // of the time
	// PerWeek is how many of a week's steps are cold, if those that are not known are like the known
	// ones; nil if none is known.
	PerWeek *float64 `json:"perWeek"`
	Worst   *Surge   `json:"worst"` // the cold step with most demand above what was warm; nil if there is no cold one
}

// Surge is a cold step.
type Surge struct {
	At   time.Time `json:"at"`   // its start
	From float64   `json:"from"` // the highest of the three steps before; TPS or RPS
	To   float64   `json:"to"`   // its demand
}

// coldSteps are those with a minimum, in requests a second, that may change from step to step.
func (d Demand) coldSteps(minimum func(i int) float64) ColdSteps {
	c := ColdSteps{Steps: len(d.Requests)}
	worst := 0.0
	for i, requests := range d.Requests {
		cold, known := d.isCold(i, minimum(i))
		if !known {
			continue
		}
		c.Known++
		if !cold {
			continue
		}
		c.Cold++
		before := d.before(i)
		if beyond := requests - max(minimum(i)*slotSeconds, before); beyond > worst {
			worst, c.Worst = beyond, &Surge{At: d.Time(i), From: before / slotSeconds, To: requests / slotSeconds}
		}
	}
	if c.Known > 0 {
		c.PerWeek = Finite(float64(c.Cold) * float64(slotsPerWeek) / float64(c.Known))
	}
	return c
}

// Cold are the cold steps with a constant minimum, in requests a second.
func (d Demand) Cold(minimum float64) ColdSteps {
	return d.coldSteps(func(int) float64 { return minimum })
}

// Risk is how much more often demand would come faster than capacity.
type Risk string

// The risks, by how many more cold steps there are in a week than now.
const (
	RiskUnknown Risk = "unknown" // nothing is known of the demand
	RiskLow     Risk = "low"     // less than one
	RiskMedium  Risk = "medium"  // less than seven, one a day
	RiskHigh    Risk = "high"
)

// RiskOf compares cold steps with those of now, of the same demand.
func RiskOf(then, now ColdSteps) Risk {
	switch {
	case then.PerWeek == nil || now.PerWeek == nil:
		return RiskUnknown
	case *then.PerWeek-*now.PerWeek < 1:
		return RiskLow
	case *then.PerWeek-*now.PerWeek < 7:
		return RiskMedium
	}
	return RiskHigh
}
