package demo

import (
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// Result is what a demo came to. Its JSON keys are stable.
type Result struct {
	Start     time.Time      `json:"start"` // by the demo's clock
	End       time.Time      `json:"end"`
	Days      int            `json:"days"`
	Seed      int64          `json:"seed"`
	Cycles    int            `json:"cycles"`
	Resources []Row          `json:"resources"`
	Total     Sum            `json:"total"`
	Counts    map[What]int   `json:"counts"`          // of events
	Repeated  int            `json:"refusedAgain"`    // refusals that are not among the events, as they came before
	Calls     map[string]int `json:"calls"`           // of AWS, by service.Operation
	Prices    []report.Price `json:"prices"`          // that estimates rest on
	Events    []Event        `json:"events"`          // in the order of the demo's time
	Mails     int            `json:"mails,omitempty"` // in the outbox
}

// Row is one campaign or recommender before and after the demo.
type Row struct {
	ARN     string     `json:"arn"`
	Kind    model.Kind `json:"kind"`
	Name    string     `json:"name"`
	Region  string     `json:"region"`
	Before  Standing   `json:"before"` // the day before the demo
	After   Standing   `json:"after"`  // its last day
	Steps   int        `json:"steps"`  // how often its minimum was lowered
	Outcome string     `json:"outcome"`
	Reason  string     `json:"reason"`
}

// Standing is how a resource stood on a day.
type Standing struct {
	Min         *int     `json:"min"`         // TPS or RPS at the end of the day; null if there is none
	Utilization *float64 `json:"utilization"` // percent, mean of the day; null if it was gone or could not be read
	// PerMonth are the TPS-hours that a month of 730 hours like that day is metered at; null
	// if the day could not be read.
	PerMonth *float64 `json:"tpsHoursPerMonth"`
	Estimate *float64 `json:"estimatePerMonth"` // money; null if there is no price
	Currency string   `json:"currency,omitempty"`
}

// Sum adds up what is known both before and after.
type Sum struct {
	Before   float64  `json:"tpsHoursPerMonthBefore"`
	After    float64  `json:"tpsHoursPerMonthAfter"`
	Estimate *Spent   `json:"estimate"` // null if nothing has a price
	Unread   []string `json:"unread"`   // ARNs that are in no sum
}

// Spent is money a month, of the resources that have a price.
type Spent struct {
	Currency  string  `json:"currency"`
	Resources int     `json:"resources"`
	Before    float64 `json:"before"`
	After     float64 `json:"after"`
}

// Outcomes of rows.
const (
	outcomeDeleted = "deleted"
	outcomeStopped = "stopped"
	outcomeLowered = "lowered"
	outcomeLeft    = "skipped"
	outcomeKept    = "kept"
	outcomeGone    = "gone"
)

// result compares the last day with the day before the demo.
func (d *Demo) result(before, after survey) Result {
	r := Result{
		Start: begin, End: d.End(), Days: d.options.Days, Seed: d.options.Seed,
		Cycles: d.options.Days * int(24*time.Hour/cycleEvery), Counts: map[What]int{}, Repeated: d.watch.again,
		Calls: d.AWS.Calls(), Prices: before.ledger.Prices, Events: d.watch.told, Mails: len(d.AWS.Outbox()),
	}
	for _, e := range r.Events {
		r.Counts[e.What]++
	}
	left := map[string]report.Entry{}
	for _, e := range after.ledger.Resources {
		left[e.ARN] = e
	}
	for _, e := range before.ledger.Resources {
		row := Row{ARN: e.ARN, Kind: e.Kind, Name: e.Name, Region: e.Region, Before: standing(e)}
		now, there := left[e.ARN]
		if there {
			row.After = standing(now)
		} else {
			row.After = nothing(row.Before)
		}
		d.judge(&row, after.reasons[e.ARN], there)
		r.Resources = append(r.Resources, row)
	}
	r.Total = totalOf(r.Resources)
	return r
}

func standing(e report.Entry) Standing {
	s := Standing{Min: &e.Min}
	u := e.Usage
	if u == nil || u.Hours == 0 {
		return s
	}
	s.Utilization = u.Utilization.Mean
	month := u.TPSHours.Paid / u.Hours * billing.HoursPerMonth
	s.PerMonth = &month
	if e.Estimate != nil {
		money := month * e.Estimate.PerTPSHour
		s.Estimate, s.Currency = &money, e.Estimate.Currency
	}
	return s
}

// nothing is how a resource stands that costs nothing any more.
func nothing(before Standing) Standing {
	var none float64
	s := Standing{PerMonth: &none, Currency: before.Currency}
	if before.Estimate != nil {
		s.Estimate = &none
	}
	return s
}

// judge tells what became of a resource, and why.
func (d *Demo) judge(row *Row, plan report.Resource, there bool) {
	var last *Event
	for i, e := range d.watch.told {
		if e.ARN != row.ARN || e.What != Acted {
			continue
		}
		last = &d.watch.told[i]
		if e.Action == model.ActionUpdate {
			row.Steps++
		}
	}
	row.Outcome, row.Reason = outcomeKept, plan.Reason
	switch {
	case !there && last != nil && last.Action == model.ActionDelete:
		row.Outcome, row.Reason = outcomeDeleted, stamp(last.Time)+", "+last.reason
	case !there && last != nil && last.Action == model.ActionStop:
		row.Outcome, row.Reason = outcomeStopped, stamp(last.Time)+", "+last.reason
	case !there:
		row.Outcome, row.Reason = outcomeGone, "not among the active ones any more"
	case row.Steps > 0:
		row.Outcome = outcomeLowered
		row.Reason = fmt.Sprintf("in %s, the last on %s; %s", model.Plural(row.Steps, "step"), stamp(last.Time), plan.Reason)
	default:
		if refusal := d.lastRefusal(row.ARN); refusal != "" {
			row.Outcome, row.Reason = outcomeLeft, refusal
		}
	}
}

func (d *Demo) lastRefusal(arn string) string {
	for i := len(d.watch.told) - 1; i >= 0; i-- {
		if e := d.watch.told[i]; e.ARN == arn && e.What == Refused {
			return e.reason
		}
	}
	return ""
}

// stamp is a time of the demo in a line.
func stamp(t time.Time) string { return t.UTC().Format("Jan 02 15:04") }

func totalOf(rows []Row) Sum {
	sum := Sum{Unread: []string{}}
	spent := Spent{}
	for _, r := range rows {
		if r.Before.PerMonth == nil || r.After.PerMonth == nil {
			sum.Unread = append(sum.Unread, r.ARN)
			continue
		}
		sum.Before += *r.Before.PerMonth
		sum.After += *r.After.PerMonth
		if r.Before.Estimate != nil && r.After.Estimate != nil {
			spent.Currency = r.Before.Currency // the price table of the program has one
			spent.Resources++
			spent.Before += *r.Before.Estimate
			spent.After += *r.After.Estimate
		}
	}
	if spent.Resources > 0 {
		sum.Estimate = &spent
	}
	return sum
}
