package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Ledger is what was provisioned, used and paid for over a span of days, and what could be
// saved. Its JSON keys are stable. TPS-hours are exact as far as the minimum is known; money
// is an estimate, TPS-hours times a price.
type Ledger struct {
	Window     model.Window    `json:"window"`
	Days       int             `json:"days"`
	Resources  []Entry         `json:"resources"`
	Totals     Totals          `json:"totals"`
	Prices     []Price         `json:"prices"` // that estimates rest on
	Notes      []string        `json:"notes"`  // the limits of the figures
	Problems   []model.Problem `json:"problems"`
	Calls      map[string]int  `json:"calls"`       // by service.Operation
	MetricsGot int             `json:"metricsRead"` // series asked of CloudWatch, which bills them
	DurationMs int64           `json:"durationMs"`

	// Hourly are the hours of all resources of a kind together, for charts; nil if they were
	// not kept. The entries may have fewer.
	Hourly map[model.Kind][]billing.Hour `json:"-"`
}

// Entry is one resource of a Ledger.
type Entry struct {
	Subject
	Created  time.Time       `json:"created"`
	Usage    *billing.Usage  `json:"usage"`    // null if it could not be read
	Saving   *billing.Saving `json:"saving"`   // null if nothing can be saved
	Estimate *Estimate       `json:"estimate"` // null if there is no price or nothing to price
	Note     string          `json:"note"`     // why nothing can be saved or is known, or the basis of the saving

	Hourly []billing.Hour `json:"-"` // for charts
}

// Estimate is money: TPS-hours times a price.
type Estimate struct {
	Currency    string  `json:"currency"`
	PerTPSHour  float64 `json:"pricePerTPSHour"`
	PriceDate   string  `json:"priceDate"`
	PriceSource string  `json:"priceSource"`
	Money
}

// Money is what TPS-hours cost, in the currency of an estimate.
type Money struct {
	Paid          float64 `json:"paid"`
	Wasted        float64 `json:"wasted"`
	Saved         float64 `json:"saved"`
	SavedPerMonth float64 `json:"savedPerMonth"`
}

// SavingOf is a saving as it is shown, or nil if nothing is saved.
func SavingOf(s billing.Saving) *billing.Saving {
	if !s.Action.Changes() {
		return nil
	}
	return &s
}

// EntryOf is an entry with all that is known of a resource.
func EntryOf(r model.Resource, u billing.Metered, s billing.Saving, prices Prices) Entry {
	e := Entry{Subject: SubjectOf(r), Created: r.Created.UTC(), Note: s.Reason}
	if !u.Readable {
		e.Note = u.Why
		return e
	}
	used := u.Usage // a copy: a pointer into u would keep its series in memory
	e.Usage = &used
	e.Saving = SavingOf(s)
	if u.Assumption != "" {
		e.Note += "; " + u.Assumption
	}
	e.Hourly = u.Hourly
	e.Estimate = EstimateOf(r, prices, e.Usage.TPSHours, e.Saving)
	return e
}

// EstimateOf prices TPS-hours. It returns nil if there is no price.
func EstimateOf(r model.Resource, prices Prices, h billing.TPSHours, s *billing.Saving) *Estimate {
	price, ok := prices.Of(r.Region(), ProductOf(r.Kind, r.Recipe))
	if !ok {
		return nil
	}
	e := &Estimate{
		Currency: price.Currency, PerTPSHour: price.PerTPSHour, PriceDate: price.Date, PriceSource: price.Source,
		Money: Money{Paid: h.Paid * price.PerTPSHour, Wasted: h.Wasted * price.PerTPSHour},
	}
	if s != nil {
		e.Saved, e.SavedPerMonth = s.TPSHours*price.PerTPSHour, s.PerMonth*price.PerTPSHour
	}
	return e
}

// Failed reports whether something could not be read.
func (l Ledger) Failed() bool { return len(l.Problems) > 0 }

// Normalize puts the ledger into the order in which it is written, and adds it up.
func (l *Ledger) Normalize() {
	l.Window = model.NewWindow(l.Window.Start, l.Window.End)
	l.Resources, l.Problems = list(l.Resources), list(l.Problems)
	slices.SortStableFunc(l.Resources, func(a, b Entry) int { return cmp.Compare(a.ARN, b.ARN) })
	slices.SortStableFunc(l.Problems, model.CompareProblems)
	if l.Calls == nil {
		l.Calls = map[string]int{}
	}
	together := l.Totals.Throughput
	l.Totals = totalsOf(l.Resources)
	l.Totals.Throughput = together
	l.Prices = pricesUsed(l.Resources, l.Prices)
	l.Notes = l.notes()
}

// Asides implements Report.
func (l Ledger) Asides() []string {
	lines := problemLines(l.Problems)
	for _, note := range l.Notes {
		lines = append(lines, "note: "+note)
	}
	return lines
}

// JSON implements Report.
func (l Ledger) JSON() any {
	l.Normalize()
	return l
}

var ledgerColumns = []string{
	"arn", "kind", "name", "region", "datasetGroup", "recipe", "status", "min", "created",
	"start", "end", "hours", "stoppedHours", "minKnownPercent", "requests", "provisioned", "actual", "peak",
	"utilizationMean", "utilizationP50", "utilizationP95", "utilizationLowestHour", "utilizationHighestHour",
	"idleHours", "idleSince", "tpsHoursPaid", "tpsHoursUsed", "tpsHoursWasted",
	"action", "newMin", "tpsHoursSaved", "tpsHoursSavedPerMonth", "jumps", "sudden", "jumpsNow",
	"estimateCurrency", "pricePerTPSHour", "priceDate", "priceSource",
	"estimatePaid", "estimateWasted", "estimateSaved", "estimateSavedPerMonth", "note",
}

// CSV implements Report. What is null in the JSON is an empty field.
func (l Ledger) CSV() [][]string {
	l.Normalize()
	rows := [][]string{ledgerColumns}
	for _, e := range l.Resources {
		used, saved, priced := make([]any, 19), make([]any, 7), make([]any, 8)
		if u := e.Usage; u != nil {
			spread := u.Utilization
			used = []any{
				u.Window.Start, u.Window.End, u.Hours, u.StoppedHours, u.MinKnown, u.Requests, u.Provisioned, u.Actual, u.Peak,
				spread.Mean, spread.P50, spread.P95, spread.LowestHour, spread.HighestHour,
				u.IdleHours, u.IdleSince, u.TPSHours.Paid, u.TPSHours.Used, u.TPSHours.Wasted,
			}
		}
		if s := e.Saving; s != nil {
			saved = []any{s.Action, positive(s.NewMin), s.TPSHours, s.PerMonth, s.Jumps, s.Sudden, s.JumpsNow}
		}
		if m := e.Estimate; m != nil {
			priced = []any{m.Currency, m.PerTPSHour, m.PriceDate, m.PriceSource, m.Paid, m.Wasted, m.Saved, m.SavedPerMonth}
		}
		rows = append(rows, slices.Concat(
			e.fields(), Fields(e.Created), Fields(used...), Fields(saved...), Fields(priced...), Fields(e.Note),
		))
	}
	return rows
}
