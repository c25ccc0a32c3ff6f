// Package whatif finds what a minimum buys: what each choice would cost and how often demand would
// rise faster than capacity, by the demand of the past weeks. Where demand rises at the same hours
// again and again it proposes a schedule, if that is proven on days it was not fitted on.
package whatif

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Reason is why a minimum is among the options.
type Reason string

// The reasons.
const (
	Present   Reason = "now"           // the present minimum
	Lowest    Reason = "lowest"        // the least that Personalize accepts
	Watermark Reason = "low-watermark" // where step-downs lead, by the last 14 days
	Waste1    Reason = "waste-1"       // the highest that costs at most 1.01 times what is used
	Waste5    Reason = "waste-5"       // the highest that costs at most 1.05 times what is used
	P50       Reason = "p50"           // half of the 5-minute steps are not above it
	P90       Reason = "p90"
	P995      Reason = "p99.5"
	Proposed  Reason = "schedule" // a schedule that Propose has proven
)

// Text is the reason in words.
func (w Reason) Text() string {
	switch w {
	case Watermark:
		return "low watermark"
	case Waste1:
		return "1 % waste"
	case Waste5:
		return "5 % waste"
	}
	return string(w)
}

// Option is a minimum or a schedule, and what it would have meant. Its JSON keys are stable.
type Option struct {
	Minimum   int               `json:"minimum"`            // TPS or RPS; the base of a schedule
	Schedule  string            `json:"schedule,omitempty"` // the text of its tag
	Reasons   []Reason          `json:"reasons"`
	TPSHours  float64           `json:"tpsHoursPerMonth"` // billed in a month of 730 hours
	Estimate  *float64          `json:"estimatePerMonth"` // what they cost, after the discount; null without a price
	Above     float64           `json:"abovePercent"`     // of the known 5-minute steps, those with a demand above the minimum
	ColdSteps billing.ColdSteps `json:"coldSteps"`        // of the time
	// PerColdStep are the TPS-hours for each cold step that is avoided, against a minimum of 1; null
	// if none is.
	PerColdStep *float64     `json:"tpsHoursPerColdStepAvoided"`
	Risk        billing.Risk `json:"risk"` // against the present minimum

	Known   float64        `json:"-"` // hours whose demand is known
	Used    float64        `json:"-"` // TPS-hours served in these
	Metered []billing.Hour `json:"-"` // these, as they would be billed
}

// Why is why the minimum is among the options, in words.
func (o Option) Why() string {
	texts := make([]string, len(o.Reasons))
	for i, why := range o.Reasons {
		texts[i] = why.Text()
	}
	return strings.Join(texts, ", ")
}

// comparison compares minimums with the lowest and the present one.
type comparison struct {
	billing.Demand
	lowest, now billing.Trial
}

func compare(r model.Resource, h billing.History) comparison {
	return comparison{h.Demand, h.Demand.At(1), h.Demand.At(float64(r.MinTPS))}
}

// option completes an option by the minimum of each step.
func (c comparison) option(o Option, minimum func(i int) float64) Option {
	t := c.Try(minimum)
	o.TPSHours, o.Above, o.ColdSteps, o.Risk = *t.PerMonth(), t.Above, t.Cold, billing.RiskOf(t.Cold, c.now.Cold)
	o.Known, o.Used, o.Metered = t.Hours, t.Used, c.Demand.Metered(minimum)
	if avoided := c.lowest.Cold.Cold - t.Cold.Cold; avoided > 0 {
		o.PerColdStep = new((t.TPSHours - c.lowest.TPSHours) / float64(avoided))
	}
	return o
}

// constant is the option of a minimum that never changes.
func (c comparison) constant(minimum int) Option {
	return c.option(Option{Minimum: minimum}, func(int) float64 { return float64(minimum) })
}

// Options are the choices for a resource, by minimum, with the schedule after them. There are none
// if nothing is known of the demand.
func Options(r model.Resource, h billing.History, proposal *Proposal) []Option {
	c := compare(r, h)
	if c.lowest.Hours == 0 {
		return nil
	}
	var list []Option
	add := func(why Reason, minimum int, ok bool) {
		i := slices.IndexFunc(list, func(o Option) bool { return o.Minimum == minimum })
		switch {
		case !ok:
			return
		case i < 0:
			i, list = len(list), append(list, c.constant(minimum))
		}
		list[i].Reasons = append(list[i].Reasons, why)
	}
	add(Present, r.MinTPS, true)
	add(Lowest, 1, true)
	watermark, ok := h.Watermark(r, model.NewWindow(c.End().Add(-rules.LookBack), c.End()))
	add(Watermark, watermark, ok)
	for i, share := range []float64{1.01, 1.05} {
		minimum, ok := within(c.Demand, share)
		add([]Reason{Waste1, Waste5}[i], minimum, ok)
	}
	for i, percent := range []float64{50, 90, 99.5} {
		rate, ok := c.Percentile(percent)
		add([]Reason{P50, P90, P995}[i], max(1, int(math.Ceil(rate))), ok)
	}
	slices.SortFunc(list, func(a, b Option) int { return cmp.Compare(a.Minimum, b.Minimum) })
	if proposal != nil {
		s := proposal.Schedule
		list = append(list, c.option(Option{Minimum: s.Base, Schedule: s.String(), Reasons: []Reason{Proposed}}, minimums(c.Demand, s)))
	}
	return list
}

// mostSteps is about how many minimums Steps tries.
const mostSteps = 60

// Steps are constant minimums from 1 to beyond the present one and those given, at even distances and
// with those given between them. They have no reasons. There are none if nothing is known of the demand.
func Steps(r model.Resource, h billing.History, among []int) []Option {
	c := compare(r, h)
	if c.lowest.Hours == 0 {
		return nil
	}
	minimums := append([]int{1, max(1, r.MinTPS)}, among...)
	top := slices.Max(minimums)
	top += max(1, top/4)
	for minimum, step := 1, (top+mostSteps-1)/mostSteps; minimum <= top; minimum += step {
		minimums = append(minimums, minimum)
	}
	slices.Sort(minimums)
	var list []Option
	for _, minimum := range slices.Compact(minimums) {
		list = append(list, c.constant(minimum))
	}
	return list
}

// within is the highest constant minimum that costs at most a multiple of what is used. It is not ok
// if not even 1 does.
func within(d billing.Demand, share float64) (minimum int, ok bool) {
	tooDear := func(minimum int) bool {
		t := d.At(float64(minimum))
		return t.TPSHours > share*t.Used
	}
	high := 1
	for !tooDear(high) {
		high *= 2
	}
	low := high / 2 // is affordable
	minimum = low + sort.Search(high-low-1, func(i int) bool { return tooDear(low + i + 1) })
	return minimum, minimum > 0
}
