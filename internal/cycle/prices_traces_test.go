package cycle_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// priceSheet prices the rows of a CSV by means of its own, five minutes after five minutes: each
// TPS-hour in the tier that the volume of the month has reached by then.
type priceSheet struct {
	counts map[int64]float64 // requests, by five minutes since the epoch
	from   int64             // first five minutes of the span
	to     int64
	born   int64 // seconds
}

func newPriceSheet(rows []row, scale float64, days int, end time.Time) priceSheet {
	shift := end.Sub(rows[len(rows)-1].at.Add(5 * time.Minute))
	s := priceSheet{counts: map[int64]float64{}, from: end.AddDate(0, 0, -days).Unix() / 300, to: end.Unix() / 300, born: rows[0].at.Add(shift).Unix()}
	for _, r := range rows {
		s.counts[r.at.Add(shift).Unix()/300] += r.count * scale
	}
	s.from = max(s.from, (s.born+299)/300)
	return s
}

// campaigns is what campaigns with these minimums and the same demand cost together.
func (s priceSheet) campaigns(minimums ...float64) (money float64, tiers map[float64]bool) {
	tiers = map[float64]bool{}
	slot := func(i int64) float64 { // TPS-hours of all
		sum := 0.0
		for _, minimum := range minimums {
			sum += max(minimum*300, s.counts[i]) / 3600
		}
		return sum
	}
	month := func(i int64) time.Month { return time.Unix(i*300, 0).UTC().Month() }
	first, hours := 0.0, 0.0 // of the month that the span begins in
	for i := s.from; i < s.to && month(i) == month(s.from); i++ {
		first += slot(i)
		hours += 1.0 / 12
	}
	begin := time.Unix(s.from*300, 0).UTC()
	since := time.Date(begin.Year(), begin.Month(), 1, 0, 0, 0, 0, time.UTC).Unix()
	volume := first / hours * float64(s.from*300-max(since, s.born)) / 3600
	for i := s.from; i < s.to; i++ {
		if i > s.from && month(i) != month(i-1) {
			volume = 0
		}
		for left := slot(i); left > 0; {
			price, room := 0.05, math.Inf(1)
			if volume < 200_000 {
				price, room = 0.10, 200_000-volume
			}
			if volume < 20_000 {
				price, room = 0.20, 20_000-volume
			}
			part := min(left, room)
			money += part * price
			volume, left = volume+part, left-part
			tiers[price] = true
			if left < 1e-9 {
				break
			}
		}
	}
	return money, tiers
}

// requests is what a campaign with a v2 recipe costs.
func (s priceSheet) requests(minimum float64) (money float64) {
	for i := s.from; i < s.to; i++ {
		money += max(minimum*300, s.counts[i]) * 0.15 / 1000
	}
	return money
}

// recommender is what a recommender with 250,000 users costs, and how many hours were within and
// beyond the requests that its fee includes.
func (s priceSheet) recommender(minimum float64) (money float64, within, beyond int) {
	for hour := (s.from + 11) / 12 * 12; hour < s.to; hour += 12 {
		requests := 0.0
		for i := hour; i < hour+12; i++ {
			requests += s.counts[i]
		}
		requests = max(requests, minimum*3600)
		money += 0.375 + 0.045 + 0.045
		if requests > 4000 {
			money += (requests - 4000) * 0.083 / 1000
			beyond++
		} else {
			within++
		}
	}
	return money, within, beyond
}

// Every product's estimate is what its price model makes of the CSV, and the rows add up to what
// the campaigns cost together.
func TestEstimatesOnRealTraffic(t *testing.T) {
	const days, scale = 14, 6
	for _, name := range []string{"elb_request_count_8c0756.csv", "Twitter_volume_AMZN.csv"} {
		t.Run(name, func(t *testing.T) {
			data, rows := readTrace(t, name)
			trace, err := localaws.ParseTrace(data, name)
			if err != nil {
				t.Fatal(err)
			}
			endpoint := func(name, recipe string) localaws.EstateEndpoint {
				return localaws.EstateEndpoint{Name: name, Recipe: recipe, Traffic: localaws.EstateTraffic{Trace: trace, Scale: scale}}
			}
			b := newBed(t, localaws.Estate{Monitored: neverMonitored, Regions: []localaws.EstateRegion{{Name: home, DatasetGroups: []localaws.EstateDatasetGroup{{
				Name: "shop", Domain: "ECOMMERCE",
				Campaigns: []localaws.EstateCampaign{
					{MinTPS: 90, EstateEndpoint: endpoint("large", "aws-user-personalization")},
					{MinTPS: 15, EstateEndpoint: endpoint("small", "aws-sims")},
					{MinTPS: 1, EstateEndpoint: endpoint("v2", "aws-user-personalization-v2")},
				},
				Recommenders: []localaws.EstateRecommender{{MinRPS: 1, EstateEndpoint: endpoint("r", "aws-ecomm-recommended-for-you")}},
			}}}}})
			parts := b.ledger()
			ledger := cycle.NewLedger(cycle.LedgerOptions{
				Inventory: parts.Inventory, Meter: parts.Meter, Gaps: parts.Gaps, Clock: b.clock, Region: home,
				Prices: func(context.Context, []string) (pricing.Table, []model.Problem) {
					return pricing.NewTable(nil, map[string]int{"shop": 250_000}, 0).Over(pricing.Builtin()), nil
				},
			})
			got, err := ledger.Run(context.Background(), cycle.LedgerInput{Params: values(t, nil), Days: days})
			if err != nil {
				t.Fatal(err)
			}
			estimate := func(name string) *report.Estimate {
				e := entry(t, got, name)
				if e.Estimate == nil {
					t.Fatalf("no estimate of %s: %s", name, e.Note)
				}
				return e.Estimate
			}
			sheet := newPriceSheet(rows, scale, days, time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
			large, small, v2, r := estimate("large"), estimate("small"), estimate("v2"), estimate("r")
			campaigns, tiers := sheet.campaigns(90, 15)
			close6(t, "campaigns in tiers", large.Paid+small.Paid, campaigns)
			close6(t, "requests of a v2 recipe", v2.Paid, sheet.requests(1))
			fees, within, beyond := sheet.recommender(1)
			close6(t, "a recommender's fee", r.Paid, fees)
			close6(t, "the total", got.Totals.Estimates[0].Paid, large.Paid+small.Paid+v2.Paid+r.Paid)
			if len(tiers) < 2 || within == 0 || beyond == 0 {
				t.Errorf("not both sides of each boundary: tiers %v, %d hours within the included requests, %d beyond", tiers, within, beyond)
			}
			if got.Totals.Unpriced != 0 || len(got.Totals.Estimates) != 1 {
				t.Errorf("totals %+v", got.Totals.Estimates)
			}
		})
	}
}
