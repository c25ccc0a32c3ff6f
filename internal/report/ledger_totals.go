package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Totals add up what could be read; Unread resources are in none of the sums.
type Totals struct {
	Resources int              `json:"resources"`
	Unread    int              `json:"unread"`
	TPSHours  billing.TPSHours `json:"tpsHours"`
	// Throughput is that of all together, step by step; null if nothing could be read.
	Throughput *billing.Throughput   `json:"throughput"`
	ByKind     []KindTotal           `json:"byKind"`
	Hours      float64               `json:"hours"`           // of all resources in which they ran
	IdleHours  float64               `json:"idleHours"`       // of these, those without a call, as far as that is known
	MinKnown   float64               `json:"minKnownPercent"` // of all hours of all resources
	Idle       int                   `json:"idle"`            // resources without a call since their span began
	Saving     billing.Savings       `json:"saving"`
	Actions    map[rules.Verdict]int `json:"actions"`
	Estimates  []EstimateTotal       `json:"estimates"` // by currency
	Unpriced   int                   `json:"unpriced"`  // resources read for which there is no price
}

// KindTotal adds up one kind.
type KindTotal struct {
	Kind      model.Kind       `json:"kind"`
	Resources int              `json:"resources"` // that could be read
	TPSHours  billing.TPSHours `json:"tpsHours"`
	Saving    billing.Savings  `json:"saving"`
}

// EstimateTotal adds up estimates in one currency.
type EstimateTotal struct {
	Currency  string `json:"currency"`
	Resources int    `json:"resources"`
	Money
}

func (m *Money) add(other Money) {
	m.Paid += other.Paid
	m.Wasted += other.Wasted
	m.Saved += other.Saved
	m.SavedPerMonth += other.SavedPerMonth
}

// totalsOf adds up entries, the throughput of all together aside.
func totalsOf(entries []Entry) Totals {
	t := Totals{Resources: len(entries), ByKind: []KindTotal{}, Actions: map[rules.Verdict]int{}, Estimates: []EstimateTotal{}}
	kinds, currencies, known := map[model.Kind]KindTotal{}, map[string]EstimateTotal{}, 0.0
	for _, e := range entries {
		u := e.Usage
		if u == nil {
			t.Unread++
			continue
		}
		t.Hours += u.Hours
		if u.IdleHours != nil {
			t.IdleHours += *u.IdleHours
		}
		known += u.Hours * u.MinKnown / 100
		if u.IdleSince != nil && !u.IdleSince.After(u.Window.Start) {
			t.Idle++
		}
		kind := kinds[e.Kind]
		kind.Resources++
		t.TPSHours.Add(u.TPSHours)
		kind.TPSHours.Add(u.TPSHours)
		if e.Saving != nil {
			t.Actions[e.Saving.Action]++
			t.Saving.Add(e.Saving.Savings)
			kind.Saving.Add(e.Saving.Savings)
		}
		kinds[e.Kind] = kind
		if e.Estimate == nil {
			t.Unpriced++
			continue
		}
		sum := currencies[e.Estimate.Currency]
		sum.Resources++
		sum.add(e.Estimate.Money)
		currencies[e.Estimate.Currency] = sum
	}
	if t.Hours > 0 {
		t.MinKnown = known / t.Hours * 100
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		sum := kinds[kind]
		sum.Kind = kind
		t.ByKind = append(t.ByKind, sum)
	}
	for _, currency := range slices.Sorted(maps.Keys(currencies)) {
		sum := currencies[currency]
		sum.Currency = currency
		t.Estimates = append(t.Estimates, sum)
	}
	return t
}

// pricesUsed keeps the prices of estimates.
func pricesUsed(entries []Entry, prices []Price) []Price {
	table := NewPrices(prices...)
	used := Prices{}
	for _, e := range entries {
		product := ProductOf(e.Kind, e.Recipe)
		if price, ok := table.Of(e.Region, product); ok && e.Estimate != nil {
			used[priceKey{e.Region, product}] = price
		}
	}
	return used.All()
}

// notes are the limits of the figures.
func (l Ledger) notes() []string {
	notes := []string{}
	if len(l.Resources) == 0 {
		return notes
	}
	t := l.Totals
	if t.Unread > 0 {
		verb := "are"
		if t.Unread == 1 {
			verb = "is"
		}
		notes = append(notes, fmt.Sprintf("%s could not be metered and %s in no sum.", model.Plural(t.Unread, "resource"), verb))
	}
	if read := t.Resources - t.Unread; read > 0 && t.MinKnown < 99.95 {
		notes = append(notes, fmt.Sprintf("The past minimum is known from the monitor's own metrics for %.1f%% of the time; "+
			"for the rest what is known from before and after is assumed.", t.MinKnown))
	}
	notes = append(notes, "Resources that were deleted, stopped or created in between are not known to this report, "+
		"only those that are active now; time before a resource was created is left out.")
	if len(t.Estimates) > 0 {
		notes = append(notes, "Money figures are estimates: TPS-hours times the price shown. "+
			"They leave out volume discounts, free tiers, taxes and contracts.")
	}
	if t.Unpriced > 0 {
		notes = append(notes, fmt.Sprintf("There is no price for %s (%s), and so no estimate; "+
			"give prices with --prices, or ask AWS with --live-prices.",
			model.Plural(t.Unpriced, "resource"), strings.Join(unpriced(l.Resources), ", ")))
	}
	return append(notes, l.tierNotes()...)
}

// unpriced names products without a price, by region.
func unpriced(entries []Entry) []string {
	var names []string
	for _, e := range entries {
		if e.Usage != nil && e.Estimate == nil {
			names = append(names, string(ProductOf(e.Kind, e.Recipe))+" in "+e.Region)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if more := len(names) - 6; more > 0 {
		names = append(names[:6], fmt.Sprintf("%d more", more))
	}
	return names
}

// tierNotes warn where a month has more TPS-hours than the first tier of the price.
func (l Ledger) tierNotes() []string {
	span := l.Window.End.Sub(l.Window.Start).Hours()
	if span <= 0 {
		return nil
	}
	var notes []string
	for _, price := range l.Prices {
		paid := 0.0
		for _, e := range l.Resources {
			if e.Usage != nil && e.Region == price.Region && ProductOf(e.Kind, e.Recipe) == price.Product {
				paid += e.Usage.TPSHours.Paid
			}
		}
		if month := paid / span * billing.HoursPerMonth; price.UpTo > 0 && month > price.UpTo {
			notes = append(notes, fmt.Sprintf("%s in %s pays for some %.0f TPS-hours a month; "+
				"those beyond %.0f cost less than the price used, so its estimates are too high.", price.Product, price.Region, month, price.UpTo))
		}
	}
	return notes
}
