package advice

import (
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// risk is how likely callers notice: of a lower minimum, by how many more cold steps a week it has.
// Where that is not known it is high. What no one calls, no one misses.
func risk(s billing.Saving) Level {
	if s.Action != rules.StepDown {
		return Low
	}
	if s.Cold == nil {
		return High
	}
	switch s.Cold.Risk {
	case billing.RiskLow:
		return Low
	case billing.RiskMedium:
		return Medium
	}
	return High
}
