package advice

import (
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

// spansPerMonth is how many spans of a training report a month of 730 hours has.
const spansPerMonth = billing.HoursPerMonth / float64(training.Span/time.Hour)

// pauses are the proposals to pause training: one for each solution, by the finding that saves
// most. What trains and is never served saves all its hours, what is trained twice the automatic ones.
func pauses(r *training.Report, table pricing.Table) []Proposal {
	if r == nil {
		return nil
	}
	recipes := map[string]string{}
	for _, s := range r.Solutions {
		recipes[s.ARN] = s.Recipe
	}
	var list []Proposal
	done := map[string]bool{}
	for _, f := range r.Findings { // those with most hours first
		if !strings.HasPrefix(f.Command, "personalize-monitor pause-training ") || done[f.ARN] {
			continue
		}
		done[f.ARN] = true
		p := Proposal{
			Kind: PauseTraining, ARN: f.ARN, Name: f.Name, Region: f.Region, What: "pause the training of " + f.Name,
			Risk: Low, Sure: Medium, Command: f.Command, Why: f.Sentence,
		}
		if f.Hours != nil {
			hours := *f.Hours * spansPerMonth
			p.Saves.TrainingHours = &hours
			product := pricing.TrainingOf(recipes[f.ARN])
			if product == pricing.Training { // interactions, which the others are billed by, are not known
				saved := table.Once(f.Region, product, &hours)
				p.Saves.Amount, p.Saves.Currency = saved.Amount, saved.Currency
			}
			if price, ok := table.Of(f.Region, product); ok {
				p.Sure = lowest(p.Sure, priceLevel(price))
			}
		}
		list = append(list, p)
	}
	return list
}
