package advice

import (
	"fmt"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

// Endpoint is what is known of a campaign or recommender over the days that proposals go by.
type Endpoint struct {
	Resource model.Resource
	Usage    *billing.Usage // nil if it could not be read
	Saving   billing.Saving // by billing.Advise
	Priced   pricing.Proposal
	// Hours are the hours metered. Only campaigns that share a solution need them.
	Hours []billing.Hour
}

// leastSaving is the least that is worth a line, in the currency of an estimate: less than that a
// month is nothing.
const leastSaving = 0.005

// Of returns the ranked proposals. The bill has the uses of all endpoints; the table has the
// price of batch inference. Trained is nil if training was not read.
func Of(endpoints []Endpoint, trained *training.Report, bill *pricing.Bill, table pricing.Table) []Proposal {
	list := pauses(trained)
	merged := map[model.ARN]bool{}
	for _, group := range shared(endpoints) {
		if p, ok := oneCampaign(group, bill); ok {
			list = append(list, p)
			for _, e := range group {
				merged[e.Resource.ARN] = true
			}
		}
	}
	for _, e := range endpoints {
		if e.Usage == nil {
			continue
		}
		if p, ok := e.main(bill); ok {
			list = append(list, p)
		}
		if p, ok := e.batch(bill, table); ok && !merged[e.Resource.ARN] {
			list = append(list, p)
		}
	}
	return rank(list)
}

// main is the proposal that billing.Advise found.
func (e Endpoint) main(bill *pricing.Bill) (Proposal, bool) {
	r, s := e.Resource, e.Saving
	var p Proposal
	switch s.Action {
	case rules.Delete:
		p = proposal(Delete, r)
		p.What, p.Command = "delete "+r.Name, "personalize-monitor delete-campaign "+p.ARN
	case rules.Stop:
		p = proposal(Stop, r)
		p.What, p.Command = "stop "+r.Name, "personalize-monitor stop-recommender "+p.ARN
	case rules.StepDown:
		p = proposal(LowerMinimum, r)
		p.What = fmt.Sprintf("lower %s from %d to %d %s", r.Name, r.MinTPS, s.NewMin, r.Kind.RateUnit())
		p.Command = fmt.Sprintf("personalize-monitor update-tps %s %d", p.ARN, s.NewMin)
	case rules.None, rules.Refused:
		return Proposal{}, false
	default:
		return Proposal{}, false
	}
	p.Why, p.Risk, p.Sure = s.Reason, risk(s, *e.Usage), e.sure()
	p.Saves = Saving{TPSHours: new(s.PerMonth)}
	if e.Priced.After != nil {
		saved := bill.MonthDifference(e.Priced.Use, *e.Priced.After)
		p.Saves.Amount, p.Saves.Currency = saved.Amount, saved.Currency
		if fee := bill.FeeText(e.Priced.Use); fee != "" && s.Action == rules.StepDown {
			p.Why += "; " + fee
			if *saved.Amount < leastSaving {
				return included(p, r, fee), true
			}
		}
	}
	return p, true
}

// included is the proposal to leave a recommender as it is, as its fee includes the minimum.
func included(p Proposal, r model.Resource, fee string) Proposal {
	p.Kind, p.Command, p.Why, p.Risk = Included, "", fee, Low
	p.What = fmt.Sprintf("keep %s at %d %s: a lower minimum saves nothing", r.Name, r.MinTPS, r.Kind.RateUnit())
	p.Saves.Amount, p.Saves.TPSHours = new(0.0), nil
	return p
}

// sure is how sure a saving is: the less of the demand is known, and of the price, the less.
func (e Endpoint) sure() Level {
	demand := Medium
	switch seen := e.Saving.Observed; {
	case seen.Hours > 0 && seen.Known == seen.Hours:
		demand = High
	case seen.Known*2 < seen.Hours:
		demand = Low
	}
	return lowest(demand, priceLevel(e.Priced.Use.Price))
}

// priceLevel is how sure a price is. That none is known says nothing about the metered saving.
func priceLevel(p pricing.Price) Level {
	switch p.Confidence {
	case pricing.ThirdParty:
		return Medium
	case pricing.Unverified:
		return Low
	case pricing.Official, pricing.Given:
	}
	return High
}

// after is what the endpoint uses in a month once the main proposal is carried out.
func (e Endpoint) after() pricing.Use {
	if e.Priced.After != nil {
		return *e.Priced.After
	}
	return e.Priced.Use
}

// removal reports whether the endpoint is proposed to be stopped or deleted.
func (e Endpoint) removal() bool {
	return e.Saving.Action.Changes() && e.Saving.Action != rules.StepDown
}

// allKnown reports whether every hour of the demand is known, of at least a week.
func (e Endpoint) allKnown() bool {
	const week = 7 * 24
	return e.Usage != nil && e.Saving.Observed.Hours >= week && e.Saving.Observed.Known == e.Saving.Observed.Hours
}

// noBatch are the recipes without batch inference (CreateBatchInferenceJob in the Personalize API
// reference).
var noBatch = []string{"aws-trending-now", "aws-next-best-action"}

// batch compares a campaign with batch inference: a recommendation for each request of the month
// against what the minimum costs alone. Whether callers can do with recommendations of yesterday
// is for people to say.
func (e Endpoint) batch(bill *pricing.Bill, table pricing.Table) (Proposal, bool) {
	r := e.Resource
	for _, recipe := range noBatch {
		if strings.HasPrefix(r.Recipe, recipe) {
			return Proposal{}, false
		}
	}
	if r.Kind != model.Campaign || e.removal() || !e.allKnown() || !model.RecipeOf(r.Kind, r.Recipe).Sure || e.Usage.Hours <= 0 || e.Usage.Requests <= 0 {
		return Proposal{}, false
	}
	use, minimum := e.after(), r.MinTPS
	if e.Saving.NewMin > 0 {
		minimum = e.Saving.NewMin
	}
	requests := e.Usage.Requests / e.Usage.Hours * billing.HoursPerMonth
	batch, least := table.Once(r.Region(), pricing.Batch, &requests), bill.AtMinimum(use, minimum)
	if batch.Amount == nil || least.Amount == nil || batch.Currency != least.Currency || *batch.Amount >= *least.Amount {
		return Proposal{}, false
	}
	gone := use
	gone.Month = pricing.Quantity{}
	saved := *bill.MonthDifference(use, gone).Amount - *batch.Amount
	if saved < leastSaving {
		return Proposal{}, false
	}
	p := proposal(Batch, r)
	p.What = "replace " + r.Name + " with batch inference, if callers can wait"
	p.Saves = Saving{Amount: &saved, Currency: batch.Currency, TPSHours: new(use.Month.TPSHours)}
	p.Risk, p.Sure = High, Low
	p.Why = fmt.Sprintf("%s requests a month cost %s %s by batch; a minimum of %d costs %s",
		model.Number(requests, 0), batch.Currency, model.Number(*batch.Amount, 2), minimum, model.Number(*least.Amount, 2))
	return p, true
}
