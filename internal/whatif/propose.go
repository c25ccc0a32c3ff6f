package whatif

import (
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
)

// TestDays is on how many of the last days a schedule is tested.
const TestDays = 14

// A schedule is fitted to the days before the last 14, and tested on those.
const (
	fitDays = billing.MaxHistoryDays - TestDays

	fitCost    = 1.05 // times what is used: the most that a fitted schedule costs
	proofCost  = 1.075
	proofShare = 0.7 // of the cold steps that may be left
	// MinColdSteps is how many cold steps the last 14 days must have for a schedule to be proposed.
	MinColdSteps = 4
	knownShare   = 0.9 // of the hours of both parts that must be known
)

// Proposal is a schedule, and what it would have done in the last 14 days, which it was not fitted
// on. Its cost has its lead times.
type Proposal struct {
	Schedule schedule.Schedule
	Base     billing.Trial // with its base all the time
	With     billing.Trial
}

// Propose finds a schedule that avoids cold steps for little money, from a history of 56 days. It
// is nil if none is proven, with the reason.
func Propose(r model.Resource, h billing.History) (*Proposal, string) {
	if h.Why != "" {
		return nil, "no schedule: " + h.Why
	}
	fitted, tested := h.Demand.Split(h.Demand.End().Add(-TestDays * 24 * time.Hour).Truncate(time.Hour))
	if why := tooLittle(fitted, tested); why != "" {
		return nil, why
	}
	base, ok := h.Watermark(r, model.NewWindow(fitted.Start, fitted.End()))
	if !ok {
		return nil, fmt.Sprintf("no schedule: no low watermark is confirmed in the %d days that it would be fitted on", fitDays)
	}
	constant := tested.At(float64(base))
	if constant.Cold.Cold < MinColdSteps {
		return nil, fmt.Sprintf("no schedule: the last %d days have %s at a minimum of %d, fewer than %d",
			TestDays, model.Plural(constant.Cold.Cold, "cold step"), base, MinColdSteps)
	}
	var best *Proposal
	for _, l := range layouts() {
		s, ok := fit(fitted, base, l)
		if !ok {
			continue
		}
		p := Proposal{s, constant, tested.Try(minimums(tested, s))}
		if p.proven() && (best == nil || p.better(*best)) {
			best = &p
		}
	}
	if best == nil {
		return nil, fmt.Sprintf("no schedule: none that costs at most %g times what is used avoids 30 %% of the cold steps of the last %d days",
			proofCost, TestDays)
	}
	return best, ""
}

// tooLittle is what is missing from the demand; empty if enough is known.
func tooLittle(fitted, tested billing.Demand) string {
	known := func(d billing.Demand) float64 { return d.At(1).Hours }
	const fit, test = fitDays * 24, TestDays * 24
	if known(fitted) >= knownShare*fit && known(tested) >= knownShare*test {
		return ""
	}
	return fmt.Sprintf("no schedule: too little of the demand is known, %.0f of the %d h that it would be fitted on "+
		"and %.0f of the last %d h; at least %.0f %% of both are needed", known(fitted), fit, known(tested), test, 100*knownShare)
}

func (p Proposal) proven() bool {
	return float64(p.With.Cold.Cold) <= proofShare*float64(p.Base.Cold.Cold) && p.With.TPSHours <= proofCost*p.With.Used
}

// better prefers fewer cold steps, then less cost, then the shorter text.
func (p Proposal) better(other Proposal) bool {
	switch a, b := p.With, other.With; {
	case a.Cold.Cold != b.Cold.Cold:
		return a.Cold.Cold < b.Cold.Cold
	case a.TPSHours != b.TPSHours:
		return a.TPSHours < b.TPSHours
	}
	return len(p.Schedule.String()) < len(other.Schedule.String())
}
