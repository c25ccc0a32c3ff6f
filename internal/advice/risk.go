package advice

import (
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Limits of the risk of a lower minimum, in sudden rises a week more than with the present one.
const (
	lowRises    = 1
	mediumRises = 7
)

// risk is how likely callers notice. What no one calls, no one misses.
func risk(s billing.Saving, u billing.Usage) Level {
	const week = 7 * 24
	if s.Action != rules.StepDown {
		return Low
	}
	if u.Hours <= 0 {
		return High
	}
	switch more := float64(s.Jumps-s.JumpsNow) / u.Hours * week; {
	case more < lowRises:
		return Low
	case more < mediumRises:
		return Medium
	}
	return High
}
