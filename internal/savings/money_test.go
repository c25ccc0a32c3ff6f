package savings_test

import (
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/savings"
)

// What was saved is priced by the model of its product: a lower minimum within a fee saves nothing,
// and a stop the whole fee.
func TestWhatSavingsAreWorth(t *testing.T) {
	price := func(product pricing.Product, p pricing.Price) pricing.Table {
		p.Region, p.Product, p.Currency = "us-east-1", product, "EUR"
		return pricing.NewTable([]pricing.Price{p}, nil, 0)
	}
	tiers := price(pricing.Campaign, pricing.Price{Tiers: []pricing.Tier{{UpTo: 10, PerTPSHour: 2}, {PerTPSHour: 1}}})
	fee := price(pricing.Recommender, pricing.Price{Fee: &pricing.Fee{PerHour: 5, UsersIncluded: 100, RequestsIncluded: 7200, PerThousand: 10}})
	const update, remove, stop = model.ActionUpdate, model.ActionDelete, model.ActionStop
	absent := savings.Known{Listed: true}
	for _, c := range []struct {
		name, minimum string
		kind          model.Kind
		prices        pricing.Table
		records       func(h *history)
		want          string // of each action, and the total
	}{
		// The month before was like the span, as far as is known, so that the first tier was used up.
		{"the cheapest tier that was reached", "8*12 6*24", model.Campaign, tiers, func(h *history) { h.did(11, update, 8, 6) }, "4; 4"},
		{"a deletion", "8*12 0*12", model.Campaign, tiers, func(h *history) { h.did(12, remove, 8, 0); h.known = absent }, "8; 8"},
		// Created with the span: of 12 TPS-hours 4 were saved, 2 of them from the first tier.
		{"from both tiers", "6*12 2*12", model.Campaign, tiers, func(h *history) {
			h.did(11, update, 6, 2)
			h.inService(2, at(12))
			h.known.Resource.Created = noon
		}, "6; 6"},
		{
			"several actions", "8*12 6*12 5*24", model.Campaign, tiers,
			func(h *history) { h.did(11, update, 8, 6); h.did(23, update, 6, 5) }, "6; 2; 8",
		},
		{"requests within a fee", "2*12 1*12", model.Recommender, fee, func(h *history) { h.did(11, update, 2, 1) }, "0; 0"},
		{"requests beyond a fee", "4*12 2*12", model.Recommender, fee, func(h *history) { h.did(11, update, 4, 2) }, "72; 72"},
		{"a stop saves the fee", "2*12 0*24", model.Recommender, fee, func(h *history) { h.did(12, stop, 2, 0); h.known = absent }, "10; 10"},
		{"no price", "8*12 6*12", model.Campaign, fee, func(h *history) { h.did(11, update, 8, 6) }, "–; none"},
		{"nothing known", "8*12 6*12", model.Campaign, tiers, func(h *history) { h.did(11, update, 8, 6); h.unread = true }, "–; none"},
		{"without its recipe no price is known", "8*12 0*12", model.Campaign, tiers, func(h *history) {
			h.did(12, remove, 8, 0)
			h.records[0].Inputs = nil
			h.known = absent
		}, "–; none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := steps(t, c.kind, c.minimum, 0.5)
			for i, minimum := range h.minimum {
				if minimum == 0 {
					h.requests[i] = 0
				}
			}
			c.records(h)
			ledger := h.ledger(t, c.prices)
			var got []string
			for _, a := range ledger.Actions {
				sum := 0.0
				for _, m := range a.Months {
					if m.Estimate != nil {
						sum += m.Estimate.Amount
					}
				}
				switch {
				case a.Estimate == nil:
					got = append(got, "–")
				case a.Estimate.Amount != sum || a.Estimate.Currency != "EUR":
					t.Errorf("%+v, and its months %v", a.Estimate, sum)
				default:
					got = append(got, number(sum))
				}
			}
			total := "none"
			if e := ledger.Total.Estimates; len(e) > 0 {
				total = number(e[0].Amount)
			}
			if text := strings.Join(append(got, total), "; "); text != c.want {
				t.Errorf("%s, want %s", text, c.want)
			}
		})
	}
}
