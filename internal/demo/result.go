package demo

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
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
	first, last := daysOf(before.ledger.Resources), daysOf(after.ledger.Resources)
	for _, e := range before.ledger.Resources {
		row := Row{ARN: e.ARN, Kind: e.Kind, Name: e.Name, Region: e.Region, Before: first[e.ARN], After: goneAfter(first[e.ARN])}
		if day, exists := last[e.ARN]; exists {
			row.After = day
		}
		d.explain(&row, after.reasons[e.ARN])
		r.Resources = append(r.Resources, row)
	}
	r.Total = totalOf(r.Resources)
	return r
}

// daysOf are the days of the entries by ARN, with the costs of a month of 730 hours like their span.
func daysOf(entries []report.Entry) map[string]Day {
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
	days := map[string]Day{}
	for _, e := range entries {
		day := Day{Min: &e.Min}
		if u := e.Usage; u != nil && u.Hours > 0 {
			month := u.TPSHours.Paid / u.Hours * billing.HoursPerMonth
			day.Utilization, day.PerMonth = u.Utilization.Mean, &month
			day.Estimate, day.Currency = costs[e.ARN].Amount, costs[e.ARN].Currency
		}
		days[e.ARN] = day
	}
	return days
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

// explain sets the outcome of a resource, and why. One without a minimum does not exist any more.
func (d *Demo) explain(row *Row, plan report.Resource) {
	var last Event // action
	refusal := ""
	for _, e := range d.watch.reported {
		switch {
		case e.ARN != row.ARN:
		case e.What == Refused:
			refusal = e.reason
		case e.What == Acted:
			last = e
			if e.Action == model.ActionUpdate {
				row.Steps++
			}
		}
	}
	switch {
	case row.After.Min == nil && last.Action == model.ActionDelete:
		row.Outcome, row.Reason = outcomeDeleted, stamp(last.Time)+", "+last.reason
	case row.After.Min == nil && last.Action == model.ActionStop:
		row.Outcome, row.Reason = outcomeStopped, stamp(last.Time)+", "+last.reason
	case row.After.Min == nil:
		row.Outcome, row.Reason = outcomeGone, "no longer active"
	case row.Steps > 0:
		row.Outcome = outcomeLowered
		row.Reason = fmt.Sprintf("in %s, the last on %s; %s", model.Plural(row.Steps, "step"), stamp(last.Time), plan.Reason)
	case refusal != "":
		row.Outcome, row.Reason = outcomeSkipped, refusal
	default:
		row.Outcome, row.Reason = outcomeKept, plan.Reason
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

// Table implements report.Report: the outcome of each resource, and the sums.
func (r Result) Table(p report.Printer) {
	g := report.Grid{Columns: []report.Column{
		{Title: "KIND", Minor: 3},
		{Title: "NAME", Name: true},
		{Title: "REGION"},
		{Title: "MIN", Right: true},
		{Title: "UTIL", Right: true, Minor: 2},
		{Title: "TPS-HOURS/MONTH", Right: true, Minor: 1},
		{Title: "ESTIMATE", Right: true},
		{Title: "OUTCOME"},
	}}
	for _, row := range r.Resources {
		b, a := row.Before, row.After
		line := report.Row{Below: report.Cell{Text: row.Reason}}
		for _, text := range []string{
			string(row.Kind), row.Name, row.Region, b.minimum() + " → " + a.minimum(),
			report.Number(b.Utilization, 1, "%") + " → " + report.Number(a.Utilization, 1, "%"),
			report.Number(b.PerMonth, 0, "") + " → " + report.Number(a.PerMonth, 0, ""), b.money() + " → " + a.money(),
		} {
			line.Cells = append(line.Cells, report.Cell{Text: text})
		}
		line.Cells = append(line.Cells, report.Word(row.Outcome))
		g.Rows = append(g.Rows, line)
	}
	p.Grid(g)
	p.Line("")
	label := func(name, format string, args ...any) { p.Label(name, fmt.Sprintf(format, args...)) }
	label("Demo", "%s from %s UTC, %s, seed %d",
		model.Plural(r.Days, "day"), r.Start.Format("2006-01-02 15:04"), model.Plural(r.Cycles, "cycle"), r.Seed)
	label("Events", "%s, %s (and %d repeated), %s of alarms, %s, %s", model.Plural(r.Counts[Acted], "action"),
		model.Plural(r.Counts[Refused], "refusal"), r.Repeated, model.Plural(r.Counts[Alarmed], "change"),
		model.Plural(r.Counts[Mailed], "mail"), model.Plural(r.Counts[Failed], "failure"))
	label("Paid for", "%s → %s TPS-hours a month%s",
		report.Number(&r.Total.Before, 0, ""), report.Number(&r.Total.After, 0, ""), less(r.Total.Before, r.Total.After))
	if s := r.Total.Estimate; s != nil {
		label("Estimate", "%s %s → %s a month for %s%s", s.Currency, report.Number(&s.Before, 2, ""), report.Number(&s.After, 2, ""),
			model.Plural(s.Resources, "resource"), less(s.Before, s.After))
	}
	p.Label("Price", report.PriceTexts(r.Prices)...)
	if n := len(r.Total.Unread); n > 0 {
		label("Unknown", "%d of %d could not be read and are in no sum", n, len(r.Resources))
	}
	p.Label("Before", "the day before the demo; after: its last day. A month has 730 hours like those of that day.")
	p.Training(r.Training)
}

func less(before, after float64) string {
	if before <= 0 || after >= before {
		return ""
	}
	return fmt.Sprintf(" (%.0f%% less)", (before-after)/before*100)
}

func (s Day) minimum() string {
	if s.Min == nil {
		return "–"
	}
	return strconv.Itoa(*s.Min)
}

func (s Day) money() string {
	if s.Estimate == nil {
		return "–"
	}
	return strings.TrimSpace(s.Currency + " " + report.Number(s.Estimate, 0, ""))
}

// JSON implements report.Report.
func (r Result) JSON() any { return r }

// CSV implements report.Report. What is null in the JSON is an empty field.
func (r Result) CSV() [][]string {
	lines := [][]string{{
		"arn", "kind", "name", "region", "minBefore", "minAfter", "utilizationBefore", "utilizationAfter",
		"tpsHoursPerMonthBefore", "tpsHoursPerMonthAfter", "estimatePerMonthBefore", "estimatePerMonthAfter", "currency", "steps",
		"outcome", "reason",
	}}
	for _, row := range r.Resources {
		b, a := row.Before, row.After
		lines = append(lines, report.Fields(
			row.ARN, row.Kind, row.Name, row.Region, b.Min, a.Min, b.Utilization, a.Utilization,
			b.PerMonth, a.PerMonth, b.Estimate, a.Estimate, cmp.Or(b.Currency, a.Currency), row.Steps, row.Outcome, row.Reason,
		))
	}
	return lines
}

// Asides implements report.Report.
func (Result) Asides() []string { return nil }
