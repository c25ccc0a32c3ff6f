// Package advice ranks what would lower the bill: one list over endpoints and training, by the money
// that each proposal saves a month. It is pure. Proposals rest on billing.Advise and so on the rules
// that decide: where the demand of an endpoint is not known, nothing is proposed. No two proposals count
// the same saving, so that they add up.
package advice

import (
	"cmp"
	"slices"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
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

// Saving is what a proposal saves in a month of 730 hours if demand stays as it was.
type Saving struct {
	// Amount is an estimate, in Currency; nil if there is no price.
	Amount   *float64 `json:"amount"`
	Currency string   `json:"currency"`
	// TPSHours or TrainingHours are metered; nil where the proposal saves none of them.
	TPSHours      *float64 `json:"tpsHours"`
	TrainingHours *float64 `json:"trainingHours"`
}

// Ranked orders the proposals of several accounts as those of one are.
func Ranked(list []Proposal) []Proposal { return rank(list) }

// rank orders proposals: those that save most first, those of which the amount is not known by
// their metered saving after them. The result is not nil.
func rank(list []Proposal) []Proposal {
	list = append([]Proposal{}, list...)
	slices.SortStableFunc(list, func(a, b Proposal) int {
		return cmp.Or(
			-compare(a.Saves.Amount, b.Saves.Amount), -compare(a.Saves.TPSHours, b.Saves.TPSHours),
			-compare(a.Saves.TrainingHours, b.Saves.TrainingHours), cmp.Compare(a.ARN, b.ARN), cmp.Compare(a.Kind, b.Kind),
		)
	})
	for i := range list {
		list[i].Rank = i + 1
	}
	return list
}

// compare orders numbers, what is not known before all others.
func compare(a, b *float64) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return cmp.Compare(*a, *b)
}

// Amount is money in a currency.
type Amount struct {
	Currency string  `json:"currency"`
	Amount   float64 `json:"amount"`
}

// Sum adds up what proposals save in a month, by currency.
func Sum(list []Proposal) []Amount {
	sums := map[string]float64{}
	for _, p := range list {
		if p.Saves.Amount != nil {
			sums[p.Saves.Currency] += *p.Saves.Amount
		}
	}
	return Amounts(sums)
}

// Amounts are sums by currency, in the order of currencies.
func Amounts(sums map[string]float64) []Amount {
	list := []Amount{}
	for currency, sum := range sums {
		list = append(list, Amount{currency, sum})
	}
	slices.SortFunc(list, func(a, b Amount) int { return cmp.Compare(a.Currency, b.Currency) })
	return list
}

// proposal is one about a resource.
func proposal(kind Kind, r model.Resource) Proposal {
	return Proposal{Kind: kind, ARN: r.ARN.String(), Name: r.Name, Region: r.Region()}
}
