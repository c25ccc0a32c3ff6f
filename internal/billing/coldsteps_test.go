package billing

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

var unknown = math.NaN()

// demand is that of a campaign, in TPS.
func demand(rates ...float64) Demand {
	d := Demand{Kind: model.Campaign, Start: oneDay.Span.Start}
	for _, rate := range rates {
		d.Requests = append(d.Requests, rate*slotSeconds)
	}
	return d
}

func TestColdSteps(t *testing.T) {
	for _, c := range []struct {
		name    string
		minimum float64
		rates   []float64
		cold    int
		known   int
		from    float64 // of the worst one
	}{
		{"steady demand above the minimum", 1, []float64{5, 5, 5, 5, 5}, 0, 2, 0},
		{"a jump from above twice the minimum", 2, []float64{7, 7, 7, 700, 700}, 1, 2, 7},
		{"a jump up to the minimum", 10, []float64{1, 1, 1, 10}, 0, 1, 0},
		{"a jump above the minimum", 10, []float64{1, 1, 1, 10.1}, 1, 1, 1},
		{"exactly 1.5 times, in requests that are no whole TPS", 0, []float64{80 / 300.0, 0, 0, 120 / 300.0}, 0, 1, 0},
		{"1.5 times the highest of three is warm", 1, []float64{4, 1, 1, 6}, 0, 1, 0},
		{"more than that is cold", 1, []float64{4, 1, 1, 6.1}, 1, 1, 4},
		{"the fourth step before does not count", 1, []float64{40, 1, 1, 1, 6}, 1, 2, 1},
		{"a climb of half in each step is warm", 1, []float64{8, 8, 8, 12, 18, 27}, 0, 3, 0},
		{"a climb that is steeper is cold each time", 1, []float64{8, 8, 8, 13, 20, 31}, 3, 3, 20},
		{"the first three steps are not known", 1, []float64{0, 9, 99}, 0, 0, 0},
		{"a step that is not known is neither cold nor warm", 1, []float64{1, 1, 1, unknown, 1, 1, 1, 9}, 1, 1, 1},
		{"nor is one after it", 1, []float64{1, 1, 1, unknown, 9, 99, 999}, 0, 0, 0},
		{"out of silence", 1, []float64{0, 0, 0, 3}, 1, 1, 0},
	} {
		got := demand(c.rates...).Cold(c.minimum)
		if got.Cold != c.cold || got.Known != c.known || got.Steps != len(c.rates) {
			t.Errorf("%s: %+v", c.name, got)
		}
		if (got.Worst == nil) != (c.cold == 0) || got.Worst != nil && got.Worst.From != c.from {
			t.Errorf("%s: the worst is %+v", c.name, got.Worst)
		}
		if (got.PerWeek == nil) != (c.known == 0) {
			t.Errorf("%s: %v a week", c.name, got.PerWeek)
		}
	}
	day := make([]float64, 288+3)
	day[200] = 9
	near(t, "once a day", *demand(day...).Cold(1).PerWeek, 7)
}

// Whatever the demand, a lower minimum has at least as many cold steps, of the same known ones, and
// so at least the same risk.
func TestALowerMinimumNeverHasFewerColdSteps(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 14))
	for range 3000 {
		rates := make([]float64, 40)
		for i := range rates {
			rates[i] = math.Floor(math.Exp(random.Float64()*7)) - 1
			if random.IntN(12) == 0 {
				rates[i] = unknown
			}
		}
		d := demand(rates...)
		low, high := random.Float64()*40, random.Float64()*400
		low, high = min(low, high), max(low, high)
		at, below := d.Cold(high), d.Cold(low)
		if below.Cold < at.Cold || below.Known != at.Known {
			t.Fatalf("%v: %d cold of %d at %v, %d of %d at %v", rates, at.Cold, at.Known, high, below.Cold, below.Known, low)
		}
		if RiskOf(at, below) != RiskLow && at.Known > 0 {
			t.Fatalf("%v: raising from %v to %v has the risk %s", rates, low, high, RiskOf(at, below))
		}
	}
}

func TestRisk(t *testing.T) {
	week := func(v float64) ColdSteps { return ColdSteps{PerWeek: &v} }
	for _, c := range []struct {
		then, now ColdSteps
		want      Risk
	}{
		{week(5), week(5), RiskLow},
		{week(0.99), week(0), RiskLow},
		{week(6), week(5), RiskMedium},
		{week(11.99), week(5), RiskMedium},
		{week(12), week(5), RiskHigh},
		{ColdSteps{}, week(5), RiskUnknown},
		{week(5), ColdSteps{}, RiskUnknown},
	} {
		if got := RiskOf(c.then, c.now); got != c.want {
			t.Errorf("%v after %v: %s, want %s", c.then.PerWeek, c.now.PerWeek, got, c.want)
		}
	}
}

// What is known of the demand is known by whole hours, as for the rules.
func TestDemandIsKnownByTheHour(t *testing.T) {
	m := ReportTimeOf(now, 2, 2*time.Minute)
	quiet := func(b *bench) { // no request in the second whole hour of the span
		b.requests(func(i int) float64 {
			if i/12 == 1 {
				return -1
			}
			return 300
		}).hourly(func(i int) float64 {
			if i == 12*24+1 {
				return -1
			}
			return 3600
		})
	}
	for _, c := range []struct {
		name   string
		change func(b *bench)
		known  int // hours; the last six are too recent
		second float64
	}{
		{"watched silence is no demand", func(*bench) {}, 42, 0},
		{"unless the gaps of the region could not be read", func(b *bench) {
			delete(b.readings, rules.ConfirmQueries(b.resource, lookBack(m))[0])
		}, 41, unknown},
		{"or our own record could not be read", func(b *bench) {
			delete(b.readings, rules.ConfirmQueries(b.resource, lookBack(m))[1])
		}, 41, unknown},
		{"or the recipe is in doubt", func(b *bench) {
			recipe := b.ofRecipe("aws-next-best-action")
			quiet(recipe)
			*b = *recipe.minimums(func(int) float64 { return 4 })
			quiet(b)
		}, 41, unknown},
		{"nothing is known without our own series", func(b *bench) { delete(b.readings, minimumQuery(b.resource, m)) }, 0, unknown},
		{"or if the requests were not read", func(b *bench) { delete(b.readings, hourlyQuery(b.resource, m)) }, 0, unknown},
		{"an hour that was not watched, and those beside it, are not known", func(b *bench) {
			b.minimums(func(i int) float64 {
				if i == 12+3 {
					return -1
				}
				return 4
			})
		}, 39, unknown},
		{"an hour in which the region's data are missing is not known", func(b *bench) {
			at := m.Span.Start.Add(30 * time.Hour)
			b.readings[rules.ConfirmQueries(b.resource, lookBack(m))[0]] = model.Series{Complete: true, Points: []model.Datapoint{{Time: at, Value: 3}}}
		}, 39, 0},
	} {
		b := newBench(model.Campaign, 4, m)
		quiet(b)
		c.change(b)
		d := b.measure().Demand(b.resource, b.readings, m)
		if got := d.At(1).Hours; math.Abs(got-float64(c.known)) > 1e-9 {
			t.Errorf("%s: %v h known of %v", c.name, got, len(d.Requests)/12)
		}
		if got := d.Requests[12]; got != c.second && !(math.IsNaN(got) && math.IsNaN(c.second)) {
			t.Errorf("%s: %v requests", c.name, got)
		}
		if c.known == 42 && (!d.Start.Equal(m.Span.Start) || !d.End().Equal(rules.EvidenceEnd(m.Span.End)) || d.Requests[0] != 300) {
			t.Errorf("%s: from %v to %v, %v requests", c.name, d.Start, d.End(), d.Requests[0])
		}
	}
}
