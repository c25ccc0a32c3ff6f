package report

import (
	"fmt"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/whatif"
)

// ProposedSchedule is a schedule that is worth its money, tested on days that it was not fitted on. Its JSON
// keys are stable.
type ProposedSchedule struct {
	Text            string `json:"schedule"`        // the text of the tag
	Base            int    `json:"base"`            // its minimum outside of the scheduled hours; TPS or RPS
	Days            int    `json:"days"`            // that it was tested on, the last ones
	ColdSteps       int    `json:"coldSteps"`       // of these days with the schedule
	ColdStepsAtBase int    `json:"coldStepsAtBase"` // with its base all the time
	// TPSHoursPercent is what the schedule costs in these days, its lead times included, in percent of
	// what was used.
	TPSHoursPercent       float64 `json:"tpsHoursPercent"`
	TPSHoursPercentAtBase float64 `json:"tpsHoursPercentAtBase"` // what its base costs all the time
	Command               string  `json:"command"`               // applies it
}

// ProposedScheduleOf is a schedule as it is proposed, nil if there is none.
func ProposedScheduleOf(r model.Resource, p *whatif.Proposal) *ProposedSchedule {
	if p == nil {
		return nil
	}
	text, allow := p.Schedule.String(), ""
	if rules.LargeMinimum(r.Kind, p.Schedule.Highest(), max(p.Schedule.Base, r.MinTPS)) != "" {
		allow = " --allow-large"
	}
	return &ProposedSchedule{
		Text: text, Base: p.Schedule.Base, Days: whatif.TestDays,
		ColdSteps: p.With.Cold.Cold, ColdStepsAtBase: p.Base.Cold.Cold,
		TPSHoursPercent: 100 * p.With.TPSHours / p.With.Used, TPSHoursPercentAtBase: 100 * p.Base.TPSHours / p.Base.Used,
		Command: fmt.Sprintf("personalize-monitor schedule set %s '%s'%s", r.ARN, text, allow),
	}
}

// Sentence reports what the schedule buys.
func (p ProposedSchedule) Sentence() string {
	return fmt.Sprintf("the schedule %s would have had %s in the last %d days, %d at a minimum of %d all the time, for %s %% of the TPS-hours used, %s %% at %d",
		p.Text, model.Plural(p.ColdSteps, "cold step"), p.Days, p.ColdStepsAtBase, p.Base,
		Number(&p.TPSHoursPercent, 1, ""), Number(&p.TPSHoursPercentAtBase, 1, ""), p.Base)
}
