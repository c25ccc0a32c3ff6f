package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/whatif"
)

// WhatIf is what different minimums would cost, and how often demand would rise faster than
// capacity with them. Its JSON keys are stable.
type WhatIf struct {
	Window    model.Window    `json:"window"`
	Days      int             `json:"days"`
	Resources []WhatIfEntry   `json:"resources"`
	Prices    []pricing.Price `json:"prices"` // that estimates rest on
	Reading
}

// WhatIfEntry is one resource of a WhatIf.
type WhatIfEntry struct {
	Subject
	Hours    float64           `json:"hours"`                // whole hours that were looked at
	Known    float64           `json:"hoursKnown"`           // of these, those whose demand is known, which all figures rest on
	Used     *float64          `json:"tpsHoursUsedPerMonth"` // in a month of 730 hours; null if nothing is known
	Options  []whatif.Option   `json:"options"`              // constant minimums, ascending, then the schedule
	Price    *WhatIfPrice      `json:"price"`                // of the estimates; null without one
	Schedule *ProposedSchedule `json:"scheduleProposal"`     // null if no schedule is proven
	Note     string            `json:"note"`                 // why nothing is known, or why there is no schedule

	// Steps are constant minimums at small distances, for a slider; see WhatIfSteps.
	Steps []whatif.Option `json:"-"`

	// Now is the use with the present minimum, and Uses that of each option.
	Now  pricing.Use   `json:"-"`
	Uses []pricing.Use `json:"-"`
}

// WhatIfPrice is what estimates of a resource rest on.
type WhatIfPrice struct {
	Currency string `json:"currency"`
	// PerTPSHour is the list price of a TPS-hour in the first tier; null where the price is not
	// proportional to TPS-hours.
	PerTPSHour *float64 `json:"pricePerTPSHour"`
	Date       string   `json:"priceDate"`
	Source     string   `json:"priceSource"`
	// Assumptions are what the amounts rest on besides the price and what was metered.
	Assumptions []string `json:"assumptions"`
}

// WhatIfEntryOf is an entry with all that is known of a resource but its estimates; see PricedWhatIf.
// why is why there is no schedule to propose.
func WhatIfEntryOf(
	r model.Resource, h billing.History, options []whatif.Option, p *whatif.Proposal, why string, prices pricing.Table,
) WhatIfEntry {
	e := WhatIfEntry{
		Subject: SubjectOf(r), Hours: h.Demand.End().Sub(h.Demand.Start).Hours(), Options: []whatif.Option{}, Schedule: ProposedScheduleOf(r, p),
		Note: cmp.Or(h.Why, why),
	}
	for _, o := range options {
		use := pricing.NewUse(prices, r, nil, o.Metered, o.Known)
		if slices.Contains(o.Reasons, whatif.Present) {
			e.Now = use
		}
		e.Known, e.Used = o.Known, new(o.Used*billing.HoursPerMonth/o.Known)
		o.Metered = nil // not kept
		e.Uses, e.Options = append(e.Uses, use), append(e.Options, o)
	}
	return e
}

// WhatIfSteps adds the estimates to constant minimums of the resource of an entry.
func WhatIfSteps(r model.Resource, e WhatIfEntry, steps []whatif.Option, prices pricing.Table) []whatif.Option {
	bill := pricing.NewBill([]pricing.Use{e.Now})
	for i := range steps {
		o := &steps[i]
		if e.Now.Priced() {
			o.Estimate = new(estimateWith(bill, e.Now, pricing.NewUse(prices, r, nil, o.Metered, o.Known)))
		}
		o.Metered = nil // not kept
	}
	return steps
}

// estimateWith is what a month costs with another use of a resource than the present one.
func estimateWith(bill *pricing.Bill, now, use pricing.Use) float64 {
	return *bill.PerMonth(now).Amount - *bill.MonthDifference(now, use).Amount
}

// PricedWhatIf returns the entries with their estimates. Volume tiers count over all of them, each with its
// present minimum but the one that is compared: of one entry alone they begin with it, so that its amounts
// may be too high.
func PricedWhatIf(entries []WhatIfEntry) []WhatIfEntry {
	uses := make([]pricing.Use, len(entries))
	for i, e := range entries {
		uses[i] = e.Now
	}
	bill := pricing.NewBill(uses)
	priced := slices.Clone(entries)
	for i, e := range entries {
		if !e.Now.Priced() {
			continue
		}
		present := bill.PerMonth(e.Now)
		price := e.Now.Price
		priced[i].Price = &WhatIfPrice{price.Currency, price.PerTPSHour(), price.Date, price.Source, list(present.Assumptions)}
		priced[i].Options = slices.Clone(e.Options)
		for j, use := range e.Uses {
			priced[i].Options[j].Estimate = new(estimateWith(bill, e.Now, use))
		}
	}
	return priced
}

// normalized is the result in the order in which it is written, no list nil.
func (w WhatIf) normalized() WhatIf {
	w.Window = model.NewWindow(w.Window.Start, w.Window.End)
	w.Resources, w.Reading = list(w.Resources), w.Reading.normalized()
	slices.SortStableFunc(w.Resources, func(a, b WhatIfEntry) int { return cmp.Compare(a.ARN, b.ARN) })
	var entries []Entry
	for _, e := range w.Resources {
		if e.Price != nil {
			entries = append(entries, Entry{Subject: e.Subject, Estimate: &Estimate{Product: e.Now.Price.Product, Price: new(e.Now.Price)}})
		}
	}
	w.Prices = pricesUsed(entries)
	return w
}

// Asides implements Report.
func (w WhatIf) Asides() []string { return problemLines(w.Problems) }

// JSON implements Report.
func (w WhatIf) JSON() any { return w.normalized() }

const whatIfColumns = subjectColumns + ` hours hoursKnown
	minimum=option.minimum schedule=option.schedule reasons=why tpsHoursPerMonth=option.tpsHoursPerMonth
	estimateCurrency=price.currency pricePerTPSHour=price.pricePerTPSHour estimatePerMonth=option.estimatePerMonth
	abovePercent=option.abovePercent
	coldSteps=option.coldSteps.cold coldStepsPerWeek=option.coldSteps.perWeek coldStepsKnown=option.coldSteps.known
	worstRiseAt=option.coldSteps.worst.at worstRiseFrom=option.coldSteps.worst.from worstRiseTo=option.coldSteps.worst.to
	tpsHoursPerColdStepAvoided=option.tpsHoursPerColdStepAvoided risk=option.risk note`

// CSV implements Report: a record for each option, and one for a resource without any.
func (w WhatIf) CSV() [][]string {
	type record struct {
		WhatIfEntry
		Option *whatif.Option `json:"option"`
		Why    string         `json:"why"`
	}
	var records []record
	for _, e := range w.normalized().Resources {
		if len(e.Options) == 0 {
			e.Price = nil
			records = append(records, record{WhatIfEntry: e})
		}
		for _, o := range e.Options {
			records = append(records, record{e, &o, o.Why()})
		}
	}
	return rowsOf(whatIfColumns+accountColumns(w.Accounts), records)
}

// Table writes the options of each resource.
func (w WhatIf) Table(p Printer) {
	w = w.normalized()
	p.found(len(w.Resources), w.Problems)
	for _, e := range w.Resources {
		p.whatIf(e)
	}
	if slices.ContainsFunc(w.Resources, func(e WhatIfEntry) bool { return len(e.Options) > 0 }) {
		p.Label("Figures", "TPS-HOURS and ESTIMATE of a month; ABOVE: share of 5-minute steps above the minimum; COLD: cold steps a week; "+
			"PER COLD: TPS-hours for each one that is avoided, against a minimum of 1; RISK: against the present minimum")
	}
	p.accounts(w.Accounts)
	p.Label("Looked at", spanText(w.Days, w.Window))
	p.Label("Price", PriceTexts(w.Prices)...)
	p.Label("AWS calls", w.callsText())
	p.Problems(w.Problems)
}

func (p Printer) whatIf(e WhatIfEntry) {
	where := e.Region
	if e.Account != "" {
		where += " of " + e.OfAccount.Label()
	}
	title := fmt.Sprintf("%s %s in %s: minimum %d %s", e.Kind, e.Name, where, e.Min, e.Kind.RateUnit())
	if e.Used != nil {
		title += fmt.Sprintf(", %s TPS-hours used a month, demand known for %s of %s h", commas(*e.Used), commas(e.Known), commas(e.Hours))
	}
	for _, line := range p.wrapped(title, p.Width) {
		p.Line(p.Paint(bold, line))
	}
	if len(e.Options) > 0 {
		p.Grid(e.grid())
	}
	note := e.Note
	if e.Schedule != nil {
		note = "proposed: " + e.Schedule.Sentence()
	}
	if note != "" {
		p.below(Cell{Text: note, Color: dim})
	}
	if e.Schedule != nil {
		p.Line(strings.Repeat(" ", indent) + model.OneLine(e.Schedule.Command))
	}
	p.Line("")
}

func (e WhatIfEntry) grid() Grid {
	g := Grid{Text: "WHY", Columns: append(
		numbers("MIN", "TPS-HOURS", "ESTIMATE", "ABOVE", "COLD", "WORST RISE", "PER COLD"), titles("RISK")...)}
	for _, o := range e.Options {
		money, worst := "–", "–"
		if o.Estimate != nil {
			money = e.Price.Currency + " " + amount(*o.Estimate)
		}
		if s := o.ColdSteps.Worst; s != nil {
			worst = Number(&s.From, 1, "") + "→" + Number(&s.To, 1, "")
		}
		g.Rows = append(g.Rows, Row{Text: Cell{Text: o.Why()}, Cells: Cells(
			strconv.Itoa(o.Minimum), commas(o.TPSHours), money, Number(&o.Above, 1, "%"), perWeek(o.ColdSteps.PerWeek), worst,
			Number(o.PerColdStep, 1, ""), string(o.Risk),
		)})
	}
	return g
}

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

// WithFlags is the proposal with more flags for its command; nil stays nil.
func (p *ProposedSchedule) WithFlags(flags string) *ProposedSchedule {
	if p == nil {
		return nil
	}
	out := *p
	out.Command = withFlags(p.Command, flags)
	return &out
}

// Sentence reports what the schedule buys.
func (p ProposedSchedule) Sentence() string {
	return fmt.Sprintf("the schedule %s would have had %s in the last %d days, %d at a minimum of %d all the time, "+
		"for %s %% of the TPS-hours used, %s %% at %d",
		p.Text, model.Plural(p.ColdSteps, "cold step"), p.Days, p.ColdStepsAtBase, p.Base,
		Number(&p.TPSHoursPercent, 1, ""), Number(&p.TPSHoursPercentAtBase, 1, ""), p.Base)
}
