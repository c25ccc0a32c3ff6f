package advice

import (
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

// spansPerMonth is how many spans of a training report a month of 730 hours has.
const spansPerMonth = billing.HoursPerMonth / float64(training.Span/time.Hour)

// pauses are the proposals to pause training: one for each solution, by the finding that saves
// most. What trains and is never served saves all its hours, what is trained twice the automatic ones.
func pauses(r *training.Report) []Proposal {
	if r == nil {
		return nil
	}
	var list []Proposal
	unserved, done := map[string]bool{}, map[string]bool{}
	for _, s := range r.Solutions {
		unserved[s.ARN] = s.Campaigns != nil && len(s.Campaigns) == 0
	}
	for _, f := range r.Findings { // those with most hours first
		if f.Command != training.PauseCommand(f.ARN) || done[f.ARN] {
			continue
		}
		done[f.ARN] = true
		p := Proposal{
			Kind: PauseTraining, ARN: f.ARN, Name: f.Name, Region: f.Region, What: "pause the training of " + f.Name,
			Risk: Low, Sure: Medium, Command: f.Command, Why: f.Sentence,
		}
		if f.Kind == training.Failing && !unserved[f.ARN] {
			p.Risk = Medium // what campaigns serve gets older until someone fixes the cause and resumes
		}
		if f.Hours != nil {
			p.Saves.TrainingHours = new(*f.Hours * spansPerMonth)
		}
		if f.Estimate.Amount != nil {
			p.Saves.Amount, p.Saves.Currency = new(*f.Estimate.Amount*spansPerMonth), f.Estimate.Currency
		}
		list = append(list, p)
	}
	return list
}
