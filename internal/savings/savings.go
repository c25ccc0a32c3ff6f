// Package savings is the ledger of what the program's actions have saved: audit records in,
// TPS-hours by action and calendar month out. It is pure, and meters by the rules of billing.
//
// An action lowers the minimum from one rate to another, and owns what lies between: of the steps
// 8 → 6 → 5 the first owns 2, the second 1, and a deletion after them the last 5. What it saved in
// a slot is what would have been paid with its part in force, less what was paid. Its part shrinks
// for good when somebody raises the minimum into it. Time of which the demand or the minimum is not
// known is unknown: it is neither zero nor a saving.
package savings

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
)

// State is what became of an action.
type State string

// The states.
const (
	InEffect   State = "in effect"  // it still saves, all of its part or the rest of it
	Raised     State = "raised"     // somebody raised the minimum again, to where it was or higher
	Restored   State = "restored"   // the endpoint is in service again
	OutOfUse   State = "gone"       // the endpoint went out of service, not by an action on record
	NotSeen    State = "never seen" // the lower minimum was never observed
	TooRecent  State = "too recent" // it has not shown in what is metered yet
	Unverified State = "unknown"    // whether the endpoint was in service since is not known
	Incomplete State = "no minimum" // the record lacks the minimum before
)

// Amount is what was saved in some time.
type Amount struct {
	// TPSHours are those of the known time; null if none of it is known.
	TPSHours *float64 `json:"tpsHours"`
	// Hours are those in which an action was in effect, and all is known; UnknownHours those in
	// which it may have been, and the demand or the minimum is not known.
	Hours        float64 `json:"hours"`
	UnknownHours float64 `json:"unknownHours"`
	// ByHours is set if a part is metered by whole hours instead of 5 minutes, as CloudWatch keeps
	// nothing finer for so long. Then what a campaign saved is not what the bill has, but close to it.
	ByHours bool `json:"byHours"`
}

func (a Amount) plus(b Amount) Amount {
	return Amount{
		TPSHours: model.AddKnown(a.TPSHours, b.TPSHours), Hours: wholeSeconds(a.Hours + b.Hours),
		UnknownHours: wholeSeconds(a.UnknownHours + b.UnknownHours), ByHours: a.ByHours || b.ByHours,
	}
}

// wholeSeconds are hours without what adding fractions leaves over.
func wholeSeconds(hours float64) float64 { return math.Round(hours*3600) / 3600 }

// Sum is what several actions saved.
type Sum struct {
	Actions int `json:"actions"` // that were in effect, or may have been
	Amount
	Estimates []model.Money `json:"estimates"` // by currency
	Unpriced  int           `json:"unpriced"`  // actions whose saving is in no estimate
}

func (s Sum) plus(a Amount, estimate *model.Money) Sum {
	s.Actions, s.Amount = s.Actions+1, s.Amount.plus(a)
	if estimate == nil {
		s.Unpriced++
		return s
	}
	s.Estimates = model.SumMoney(s.Estimates, []model.Money{*estimate})
	return s
}

// Month is what an action saved in a calendar month, in UTC, as the bill has it.
type Month struct {
	Month string `json:"month"` // 2026-11
	Amount
	Estimate *model.Money `json:"estimate"` // null if there is no price, or nothing is known
}

// Action is one action that lowers what is paid for: a lower minimum, a stop or a deletion.
type Action struct {
	Time      time.Time    `json:"time"`
	ARN       string       `json:"arn"`
	Kind      model.Kind   `json:"kind"`
	Name      string       `json:"name"`
	Region    string       `json:"region"`
	Action    model.Action `json:"action"`
	Automatic bool         `json:"automatic"` // decided by the monitor, not requested by a person
	From      int          `json:"from"`      // TPS or RPS; 0 if unknown
	To        int          `json:"to"`        // 0 for a stop or deletion
	Left      float64      `json:"left"`      // what is left of From - To; less once the minimum was raised
	State     State        `json:"state"`
	Ended     *time.Time   `json:"ended"` // null while it is in effect
	Amount
	Estimate *model.Money `json:"estimate"` // null if there is no price, or nothing is known
	// PromisedPerMonth is the promise on record; null if it has none. AchievedPerMonth is what was
	// saved in the known time since the action, the time after it ended included, as a month of
	// 730 hours; null if no time is known.
	PromisedPerMonth *float64 `json:"promisedTPSHoursPerMonth"`
	AchievedPerMonth *float64 `json:"achievedTPSHoursPerMonth"`
	Months           []Month  `json:"months"`
}

// MonthOf sums up the actions of one kind in a calendar month.
type MonthOf struct {
	Month  string       `json:"month"`
	Action model.Action `json:"action"`
	Sum
}

// Ledger is what all actions have saved. Its JSON keys are stable.
type Ledger struct {
	// Until is the end of the last whole hour whose counts have arrived: up to it is metered.
	Until    time.Time `json:"until"`
	FineFrom time.Time `json:"fineFrom"` // from then on by 5 minutes, before by whole hours
	Actions  []Action  `json:"actions"`  // by time
	Months   []MonthOf `json:"months"`   // by month and action
	Total    Sum       `json:"total"`
	// Assumptions are what the estimates rest on besides the prices.
	Assumptions []string `json:"assumptions"`
}

// Known is what is known of an endpoint today.
type Known struct {
	// Listed is set if it is known whether the endpoint is in service.
	Listed bool
	// Resource is the endpoint if it is in service; else nil.
	Resource *model.Resource
}

// Metered is what the actions on one endpoint have saved.
type Metered struct {
	actions []Action
	// whole is what the endpoint would have been billed for without any action, and parts are for each action what
	// it would have been with and without its part of the minimum, in the time that is known.
	whole pricing.Use
	parts []part
}

type part struct{ with, without pricing.Use }

// Compute meters the endpoints that Find found, and prices what they saved.
func Compute(endpoints []Endpoint, known func(model.ARN) Known, readings model.Readings, prices pricing.Table, at Times) []Metered {
	var list []Metered
	for _, e := range endpoints {
		list = append(list, e.meter(known(e.ARN), readings, prices, at))
	}
	return list
}

// LedgerOf adds up what was metered of all endpoints: tiers of prices go by what they used together.
func LedgerOf(metered []Metered, at Times) Ledger {
	l := Ledger{Until: at.End, FineFrom: at.fineFrom()}
	l.Actions, l.Assumptions = priced(metered)
	return l.summed()
}

// Merged is the ledger of several accounts, whose prices do not depend on each other. It is up to the
// end of the one that ends first.
func Merged(list []Ledger) Ledger {
	var out Ledger
	for i, l := range list {
		if i == 0 || l.Until.Before(out.Until) {
			out.Until, out.FineFrom = l.Until, l.FineFrom
		}
		out.Actions, out.Assumptions = append(out.Actions, l.Actions...), append(out.Assumptions, l.Assumptions...)
	}
	slices.Sort(out.Assumptions)
	out.Assumptions = slices.Compact(out.Assumptions)
	return out.summed()
}

// summed is the ledger with its actions in their order, and their sums.
func (l Ledger) summed() Ledger {
	type key struct {
		month  string
		action model.Action
	}
	slices.SortStableFunc(l.Actions, func(a, b Action) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ARN, b.ARN)) })
	sums := map[key]Sum{}
	for _, a := range l.Actions {
		l.Total = l.Total.plus(a.Amount, a.Estimate)
		for _, m := range a.Months {
			k := key{m.Month, a.Action}
			sums[k] = sums[k].plus(m.Amount, m.Estimate)
		}
	}
	for k, sum := range sums {
		l.Months = append(l.Months, MonthOf{k.month, k.action, sum})
	}
	slices.SortFunc(l.Months, func(a, b MonthOf) int { return cmp.Or(cmp.Compare(a.Month, b.Month), cmp.Compare(a.Action, b.Action)) })
	return l
}

// In is what all actions saved in a calendar month, as 2026-11.
func (l Ledger) In(month string) Sum {
	var sum Sum
	for _, a := range l.Actions {
		for _, m := range a.Months {
			if m.Month == month {
				sum = sum.plus(m.Amount, m.Estimate)
			}
		}
	}
	return sum
}

// Of is the ledger of one endpoint alone.
func (l Ledger) Of(arn string) []Action {
	return slices.DeleteFunc(slices.Clone(l.Actions), func(a Action) bool { return a.ARN != arn })
}

// Endpoint is a campaign or recommender with what was done to it.
type Endpoint struct {
	ARN    model.ARN
	Kind   model.Kind
	Recipe string // by its records; empty if none has it

	lowered []lowering // by time
	raised  []raise
	started []time.Time // started, or created again
}

// lowering is an action that lowers what is paid for.
type lowering struct {
	record   events.Audit
	at       time.Time
	from, to float64
	ends     bool // it takes the endpoint out of service
}

// raise is a command that raised the minimum.
type raise struct {
	at time.Time
	to float64
}

// Find finds the endpoints whose minimum was lowered, or that were stopped or deleted, in audit
// records, in the order of their first such action. Only what was done counts.
func Find(records []events.Audit) []Endpoint {
	records = slices.Clone(records)
	slices.SortStableFunc(records, func(a, b events.Audit) int { return a.Time.Compare(b.Time) })
	byARN, order := map[string]*Endpoint{}, []string(nil)
	for _, a := range records {
		arn, kind, err := model.ParseResourceARN(a.ARN)
		if err != nil || a.Outcome != events.OutcomeDone {
			continue
		}
		e := byARN[a.ARN]
		if e == nil {
			e = &Endpoint{ARN: arn, Kind: kind}
			byARN[a.ARN] = e
			order = append(order, a.ARN)
		}
		e.add(a)
	}
	var found []Endpoint
	for _, arn := range order {
		if e := byARN[arn]; len(e.lowered) > 0 {
			found = append(found, *e)
		}
	}
	slices.SortStableFunc(found, func(a, b Endpoint) int { return a.lowered[0].at.Compare(b.lowered[0].at) })
	return found
}

// add adds a record of something that was done.
func (e *Endpoint) add(a events.Audit) {
	before := a.MinBefore()
	if a.Inputs != nil && a.Inputs.Recipe != "" {
		e.Recipe = a.Inputs.Recipe
	}
	at := a.Time.UTC()
	switch {
	case a.Action.Ends():
		e.lowered = append(e.lowered, lowering{record: a, at: at, from: float64(before), ends: true})
	case a.Action == model.ActionStart, a.Action == model.ActionRestore:
		e.started = append(e.started, at)
	case a.Scheduled != "" && a.NewMinTPS < before: // the end of a raise saves nothing
	case a.Action == model.ActionUpdate && a.NewMinTPS > 0 && (before == 0 || a.NewMinTPS < before):
		e.lowered = append(e.lowered, lowering{record: a, at: at, from: float64(before), to: float64(a.NewMinTPS)})
	case a.Action == model.ActionUpdate:
		e.raised = append(e.raised, raise{at, float64(a.NewMinTPS)})
	}
}

// First is when the endpoint was first acted on.
func (e Endpoint) First() time.Time { return e.lowered[0].at }
