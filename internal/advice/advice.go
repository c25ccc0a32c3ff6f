// Package advice ranks what would lower the bill: one list over endpoints and training, by the money
// that each proposal saves a month. It is pure. Proposals rest on billing.Advise and so on the rules
// that decide: where the demand of an endpoint is not known, nothing is proposed. No two proposals count
// the same saving, so that they add up.
package advice

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

// Kind is what a proposal is about.
type Kind string

// The kinds.
const (
	Delete        Kind = "delete"         // an idle campaign
	Stop          Kind = "stop"           // an idle recommender
	LowerMinimum  Kind = "lower-minimum"  // to the low watermark
	PauseTraining Kind = "pause-training" // that no one uses
	Batch         Kind = "batch"          // batch inference instead of a campaign
	OneCampaign   Kind = "one-campaign"   // instead of several that serve the same solution
	Included      Kind = "included"       // lowering saves nothing: the fee of a recommender includes the minimum
)

// Level is how high a risk is, or how sure a saving.
type Level string

// The levels.
const (
	Low    Level = "low"
	Medium Level = "medium"
	High   Level = "high"
)

// lowest is the lowest of levels.
func lowest(levels ...Level) Level {
	for _, level := range []Level{Low, Medium} {
		if slices.Contains(levels, level) {
			return level
		}
	}
	return High
}

// Proposal is one thing to do. Its JSON keys are stable.
type Proposal struct {
	Rank   int    `json:"rank"` // from 1
	Kind   Kind   `json:"kind"`
	ARN    string `json:"arn"` // of the endpoint or solution
	Name   string `json:"name"`
	Region string `json:"region"`
	What   string `json:"what"` // in words, with the name
	Saves  Saving `json:"savesPerMonth"`
	// Risk is that callers notice: of a lower minimum, by how much more often demand would rise
	// faster than capacity is added.
	Risk Level `json:"risk"`
	Sure Level `json:"sure"` // of the saving: by how much of the demand is known, and by the price
	// Command does it; empty if no single command does.
	Command         string `json:"command"`
	Why             string `json:"why"` // short
	model.OfAccount        // if the report covers several
}

// place is what to do, with the account if there are several.
func (p Proposal) place() string {
	if p.Account == "" {
		return p.What
	}
	return p.What + " (" + p.Label() + ")"
}

// Saving is what a proposal saves in a month of 730 hours if demand stays as it was.
type Saving struct {
	// Amount is an estimate, in Currency; nil if there is no price.
	Amount   *float64 `json:"amount"`
	Currency string   `json:"currency"`
	// TPSHours or TrainingHours are metered; nil where the proposal saves none of them.
	TPSHours      *float64 `json:"tpsHours"`
	TrainingHours *float64 `json:"trainingHours"`
}

// Ranked orders proposals: those that save most first, those of which the amount is not known by
// their metered saving after them. The result is not nil.
func Ranked(list []Proposal) []Proposal {
	list = append([]Proposal{}, list...)
	slices.SortStableFunc(list, func(a, b Proposal) int {
		return cmp.Or(
			model.CompareKnown(b.Saves.Amount, a.Saves.Amount), model.CompareKnown(b.Saves.TPSHours, a.Saves.TPSHours),
			model.CompareKnown(b.Saves.TrainingHours, a.Saves.TrainingHours), cmp.Compare(a.ARN, b.ARN), cmp.Compare(a.Kind, b.Kind),
		)
	})
	for i := range list {
		list[i].Rank = i + 1
	}
	return list
}

// Sum adds up what proposals save in a month, by currency.
func Sum(list []Proposal) []model.Money {
	var amounts []model.Money
	for _, p := range list {
		if p.Saves.Amount != nil {
			amounts = append(amounts, model.Money{Currency: p.Saves.Currency, Amount: *p.Saves.Amount})
		}
	}
	return model.SumMoney(amounts)
}

// proposal is one about a resource.
func proposal(kind Kind, r model.Resource) Proposal {
	return Proposal{Kind: kind, ARN: r.ARN.String(), Name: r.Name, Region: r.Region()}
}

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
	return Ranked(list)
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
	default:
		return Proposal{}, false
	}
	p.Why, p.Risk, p.Sure = s.Reason, risk(s), e.sure()
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

// minimum is that of the endpoint once the main proposal is carried out.
func (e Endpoint) minimum() int { return cmp.Or(e.Saving.NewMin, e.Resource.MinTPS) }

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
	without := slices.ContainsFunc(noBatch, func(recipe string) bool { return strings.HasPrefix(r.Recipe, recipe) })
	if without || r.Kind != model.Campaign || e.removal() || !e.allKnown() || !model.RecipeOf(r.Kind, r.Recipe).Sure ||
		e.Usage.Hours <= 0 || e.Usage.Requests <= 0 {
		return Proposal{}, false
	}
	use, minimum := e.after(), e.minimum()
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
