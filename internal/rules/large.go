package rules

import (
	"fmt"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// A minimum is paid for whether it is used or not. One that exceeds either of these, in TPS
// or RPS and in times the present one, may be a mistake or come from a forged record.
const (
	LargeMinTPS = 10_000
	LargeTimes  = 10
)

// LargeMinimum is why a new minimum needs a confirmation of its own; empty if it needs none.
// present is the minimum to compare it with; 0 compares it with none.
func LargeMinimum(kind model.Kind, minimum, present int) string {
	switch number, unit := model.Number(float64(minimum), 0), kind.RateUnit(); {
	case minimum > LargeMinTPS: // guard: a minimum too large; boundary
		return fmt.Sprintf("%s %s is more than %s %s", number, unit, model.Number(LargeMinTPS, 0), unit)
	case present > 0 && minimum > LargeTimes*present: // guard: a minimum that is many times the present one; boundary
		return fmt.Sprintf("%s %s is more than %d times the present minimum of %s %s",
			number, unit, LargeTimes, model.Number(float64(present), 0), unit)
	}
	return ""
}
