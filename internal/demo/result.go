package demo

import (
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

// Result is the result of a demo. Its JSON keys are stable.
type Result struct {
	Start     time.Time    `json:"start"` // by the demo's clock
	End       time.Time    `json:"end"`
	Days      int          `json:"days"`
	Seed      int64        `json:"seed"`
	Cycles    int          `json:"cycles"`
	Resources []Row        `json:"resources"`
	Total     Sum          `json:"total"`
	Counts    map[What]int `json:"counts"`       // of events
	Repeated  int          `json:"refusedAgain"` // refusals that are not events, as they were reported before
	// Training is that of the last 30 days at the end; null if it was not read.
	Training *training.Report `json:"training"`
	Calls    map[string]int   `json:"calls"`           // of AWS, by service.Operation
	Prices   []pricing.Price  `json:"prices"`          // of the estimates
	Events   []Event          `json:"events"`          // in the order of the demo's time
	Mails    int              `json:"mails,omitempty"` // in the outbox
}

// Row is one campaign or recommender before and after the demo.
type Row struct {
	ARN     string     `json:"arn"`
	Kind    model.Kind `json:"kind"`
	Name    string     `json:"name"`
	Region  string     `json:"region"`
	Before  Day        `json:"before"` // the day before the demo
	After   Day        `json:"after"`  // its last day
	Steps   int        `json:"steps"`  // how often its minimum was lowered
	Outcome string     `json:"outcome"`
	Reason  string     `json:"reason"`
}

// Day is the state of a resource on a day.
type Day struct {
	Min         *int     `json:"min"`         // TPS or RPS at the end of the day; null if it does not exist
	Utilization *float64 `json:"utilization"` // percent, mean of the day; null if it did not exist or could not be read
	// PerMonth is the metered TPS-hours of a month of 730 hours like that day; null if the day
	// could not be read.
	PerMonth *float64 `json:"tpsHoursPerMonth"`
	Estimate *float64 `json:"estimatePerMonth"` // money; null without a price
	Currency string   `json:"currency,omitempty"`
}

// Sum adds up the resources that are known both before and after.
type Sum struct {
	Before   float64  `json:"tpsHoursPerMonthBefore"`
	After    float64  `json:"tpsHoursPerMonthAfter"`
	Estimate *Spent   `json:"estimate"` // null without a price
	Unread   []string `json:"unread"`   // ARNs of the others
}

// Spent is money a month, of the resources with a price.
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
	outcomeSkipped = "skipped" // a change was refused
	outcomeKept    = "kept"
	outcomeGone    = "gone"
)

// result compares the last day with the day before the demo.
func (d *Demo) result(before, after survey) Result {
	r := Result{
		Start: begin, End: d.End(), Days: d.options.Days, Seed: d.options.Seed,
		Cycles: d.options.Days * int(24*time.Hour/cycleEvery), Counts: map[What]int{}, Repeated: d.watch.repeated,
		Training: after.ledger.Training, Calls: d.AWS.Calls(), Prices: before.ledger.Prices, Events: d.watch.reported, Mails: len(d.AWS.Outbox()),
	}
	for _, e := range r.Events {
		r.Counts[e.What]++
	}
	costs, costsAfter := monthlyCosts(before.ledger.Resources), monthlyCosts(after.ledger.Resources)
	remaining := map[string]report.Entry{}
	for _, e := range after.ledger.Resources {
		remaining[e.ARN] = e
	}
	for _, e := range before.ledger.Resources {
		row := Row{ARN: e.ARN, Kind: e.Kind, Name: e.Name, Region: e.Region, Before: dayOf(e, costs[e.ARN])}
		now, exists := remaining[e.ARN]
		if exists {
			row.After = dayOf(now, costsAfter[e.ARN])
		} else {
			row.After = goneAfter(row.Before)
		}
		d.explain(&row, after.reasons[e.ARN], exists)
		r.Resources = append(r.Resources, row)
	}
	r.Total = totalOf(r.Resources)
	return r
}

// monthlyCosts are the costs, by ARN, of a month of 730 hours like the span of the entries.
func monthlyCosts(entries []report.Entry) map[string]pricing.Estimate {
	var uses []pricing.Use
	for _, e := range entries {
		if e.Usage != nil {
			uses = append(uses, e.Proposal.Use.Extrapolated(e.Usage.Hours))
		}
	}
	bill, costs := pricing.NewBill(uses), map[string]pricing.Estimate{}
	for _, u := range uses {
		costs[u.ARN.String()] = bill.PerMonth(u)
	}
	return costs
}

func dayOf(e report.Entry, cost pricing.Estimate) Day {
	s := Day{Min: &e.Min}
	u := e.Usage
	if u == nil || u.Hours == 0 {
		return s
	}
	s.Utilization = u.Utilization.Mean
	month := u.TPSHours.Paid / u.Hours * billing.HoursPerMonth
	s.PerMonth = &month
	s.Estimate, s.Currency = cost.Amount, cost.Currency
	return s
}

// goneAfter is the state of a resource that costs nothing any more.
func goneAfter(before Day) Day {
	var none float64
	s := Day{PerMonth: &none, Currency: before.Currency}
	if before.Estimate != nil {
		s.Estimate = &none
	}
	return s
}

// explain sets the outcome of a resource, and why.
func (d *Demo) explain(row *Row, plan report.Resource, exists bool) {
	var last *Event // action
	refusal := ""
	for i, e := range d.watch.reported {
		switch {
		case e.ARN != row.ARN:
		case e.What == Refused:
			refusal = e.reason
		case e.What == Acted:
			last = &d.watch.reported[i]
			if e.Action == model.ActionUpdate {
				row.Steps++
			}
		}
	}
	row.Outcome, row.Reason = outcomeKept, plan.Reason
	switch {
	case !exists && last != nil && last.Action == model.ActionDelete:
		row.Outcome, row.Reason = outcomeDeleted, stamp(last.Time)+", "+last.reason
	case !exists && last != nil && last.Action == model.ActionStop:
		row.Outcome, row.Reason = outcomeStopped, stamp(last.Time)+", "+last.reason
	case !exists:
		row.Outcome, row.Reason = outcomeGone, "no longer active"
	case row.Steps > 0:
		row.Outcome = outcomeLowered
		row.Reason = fmt.Sprintf("in %s, the last on %s; %s", model.Plural(row.Steps, "step"), stamp(last.Time), plan.Reason)
	case refusal != "":
		row.Outcome, row.Reason = outcomeSkipped, refusal
	}
}

// stamp is a time of the demo.
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
