// Package whatif finds what a minimum buys: what each choice would cost and how often demand would
// rise faster than capacity, by the demand of the past weeks. Where demand rises at the same hours
// again and again it proposes a schedule, if that is proven on days it was not fitted on.
package whatif

import (
	"cmp"
	"math"
	"slices"

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

// Option is a minimum, and what it would have meant.
type Option struct {
	Minimum  int      // TPS or RPS; the base of a schedule
	Schedule string   // the text of its tag; empty for a constant minimum
	Reasons  []Reason // at least one
	billing.Trial
	Risk billing.Risk // against the present minimum
	// Metered are the known hours, as they would be billed.
	Metered []billing.Hour
	// PerColdStep are the TPS-hours that each cold step costs that it avoids, both against the lowest
	// minimum; nil if it avoids none.
	PerColdStep *float64
}

// Options are the choices for a resource, by minimum, with the schedule after them. There are none
// if nothing is known of the demand.
func Options(r model.Resource, h billing.History, proposal *Proposal) []Option {
	d := h.Demand
	lowest := d.At(1)
	if lowest.Hours == 0 {
		return nil
	}
	reasons := map[int][]Reason{}
	add := func(minimum int, why Reason) { reasons[minimum] = append(reasons[minimum], why) }
	add(r.MinTPS, Present)
	add(1, Lowest)
	last := model.NewWindow(d.End().Add(-rules.LookBack), d.End())
	if watermark, ok := h.Watermark(r, last); ok {
		add(watermark, Watermark)
	}
	for why, share := range map[Reason]float64{Waste1: 1.01, Waste5: 1.05} {
		if minimum, ok := within(d, share); ok {
			add(minimum, why)
		}
	}
	for why, percent := range map[Reason]float64{P50: 50, P90: 90, P995: 99.5} {
		if rate, ok := d.Percentile(percent); ok {
			add(max(1, int(math.Ceil(rate))), why)
		}
	}
	now := d.At(float64(r.MinTPS))
	var list []Option
	for minimum, why := range reasons {
		slices.SortFunc(why, func(a, b Reason) int { return cmp.Compare(order(a), order(b)) })
		always := func(int) float64 { return float64(minimum) }
		list = append(list, option(Option{Minimum: minimum, Reasons: why, Trial: d.Try(always), Metered: d.Metered(always)}, lowest, now))
	}
	slices.SortFunc(list, func(a, b Option) int { return cmp.Compare(a.Minimum, b.Minimum) })
	if proposal != nil {
		scheduled := minimums(d, proposal.Schedule)
		list = append(list, option(Option{
			Minimum: proposal.Schedule.Base, Schedule: proposal.Schedule.String(), Reasons: []Reason{Proposed},
			Trial: d.Try(scheduled), Metered: d.Metered(scheduled),
		}, lowest, now))
	}
	return list
}

// mostSteps is about how many minimums Steps tries.
const mostSteps = 60

// Steps are constant minimums from 1 to beyond the present one and those given, at even distances and
// with those given between them. They have no reasons. There are none if nothing is known of the demand.
func Steps(r model.Resource, h billing.History, among []int) []Option {
	d := h.Demand
	lowest, now := d.At(1), d.At(float64(r.MinTPS))
	if lowest.Hours == 0 {
		return nil
	}
	top := max(r.MinTPS, slices.Max(append([]int{1}, among...)))
	top += max(1, top/4)
	minimums := append([]int{1, max(1, r.MinTPS)}, among...)
	for minimum, step := 1, (top+mostSteps-1)/mostSteps; minimum <= top; minimum += step {
		minimums = append(minimums, minimum)
	}
	slices.Sort(minimums)
	var list []Option
	for _, minimum := range slices.Compact(minimums) {
		always := func(int) float64 { return float64(minimum) }
		list = append(list, option(Option{Minimum: minimum, Trial: d.Try(always), Metered: d.Metered(always)}, lowest, now))
	}
	return list
}

func order(why Reason) int {
	return slices.Index([]Reason{Present, Lowest, Watermark, Waste1, Waste5, P50, P90, P995, Proposed}, why)
}

// option compares with the lowest minimum and with the present one.
func option(o Option, lowest, now billing.Trial) Option {
	o.Risk = billing.RiskOf(o.Cold, now.Cold)
	if avoided := lowest.Cold.Cold - o.Cold.Cold; avoided > 0 {
		o.PerColdStep = new((o.TPSHours - lowest.TPSHours) / float64(avoided))
	}
	return o
}

// within is the highest constant minimum that costs at most a multiple of what is used. It is not ok
// if not even 1 does.
func within(d billing.Demand, share float64) (minimum int, ok bool) {
	affordable := func(minimum int) bool {
		t := d.At(float64(minimum))
		return t.TPSHours <= share*t.Used
	}
	if !affordable(1) {
		return 0, false
	}
	low, high := 1, 2 // low is affordable
	for affordable(high) {
		low, high = high, 2*high
	}
	for high-low > 1 {
		if middle := (low + high) / 2; affordable(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return low, true
}
