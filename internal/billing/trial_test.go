package billing

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// hourOf has a rate for each of the twelve steps of an hour.
func hourOf(first, rest float64) []float64 {
	rates := make([]float64, 12)
	for i := range rates {
		rates[i] = rest
	}
	rates[0] = first
	return rates
}

func TestTrialsAreMeteredLikeTheBill(t *testing.T) {
	rates := append(append(hourOf(24, 0), hourOf(unknown, 3)...), hourOf(3, 3)...)
	campaign := demand(rates...)
	recommender := campaign
	recommender.Kind = model.Recommender
	for _, c := range []struct {
		name            string
		got             Trial
		hours           float64
		billed, used    float64
		above           float64
		perMonthOfHours float64
	}{
		{"a campaign in slots", campaign.At(2), 2 + 11/12.0, (24+11*2)/12.0 + 3*23/12.0, (24 + 3*23) / 12.0, 100 * 24 / 35.0, 730},
		{"a recommender in whole known hours", recommender.At(2), 2, 2 + 3, 2 + 3, 100 * 13 / 24.0, 730},
		{"a recommender above its hour", recommender.At(2.5), 2, 2.5 + 3, 5, 100 * 13 / 24.0, 730},
		{"a minimum that changes", campaign.Try(func(i int) float64 { return float64(1 + i/12) }), 2 + 11/12.0, (24+11*1)/12.0 + 3*23/12.0, (24 + 3*23) / 12.0, 100 * 12 / 35.0, 730},
	} {
		near(t, c.name+": hours", c.got.Hours, c.hours)
		near(t, c.name+": billed", c.got.TPSHours, c.billed)
		near(t, c.name+": used", c.got.Used, c.used)
		near(t, c.name+": above", c.got.Above, c.above)
		near(t, c.name+": a month", *c.got.PerMonth(), c.billed*c.perMonthOfHours/c.hours)
	}
	for _, d := range []Demand{campaign, recommender} {
		minimum := func(i int) float64 { return float64(1 + i/12) }
		hours := d.Metered(minimum)
		whole := Demand{Kind: d.Kind, Start: d.Start, Requests: append(slices.Clone(d.Requests[:12]), d.Requests[24:]...)}
		trial := whole.Try(func(i int) float64 { return minimum(i + 12*(i/12)) }) // without the hour of which a step is not known
		if len(hours) != 2 || !hours[1].Start.Equal(d.Time(24)) {
			t.Fatalf("%s: %+v", d.Kind, hours)
		}
		near(t, string(d.Kind)+": hours billed", hours[0].Paid+hours[1].Paid, trial.TPSHours)
		near(t, string(d.Kind)+": hours used", hours[0].Used+hours[1].Used, trial.Used)
		near(t, string(d.Kind)+": provisioned", hours[0].Provisioned+hours[1].Provisioned, 1+3)
	}
	if nothing := demand(unknown, unknown).At(1); nothing.PerMonth() != nil || nothing.Hours != 0 {
		t.Errorf("of nothing that is known: %+v", nothing)
	}
}

func TestPercentile(t *testing.T) {
	d := demand(4, unknown, 1, 3, 2)
	for percent, want := range map[float64]float64{0: 1, 25: 1, 25.1: 2, 50: 2, 99.5: 4, 100: 4} {
		if got, ok := d.Percentile(percent); got != want || !ok {
			t.Errorf("p%v: %v, want %v", percent, got, want)
		}
	}
	if _, ok := demand(unknown).Percentile(50); ok {
		t.Error("there is a percentile of nothing")
	}
}

func TestSplitDividesAtAWholeHour(t *testing.T) {
	d := demand(append(hourOf(1, 1), hourOf(2, 2)...)...)
	before, after := d.Split(d.Start.Add(time.Hour))
	if len(before.Requests) != 12 || len(after.Requests) != 12 || !after.Start.Equal(d.Time(12)) || after.Rate(0) != 2 || !before.End().Equal(after.Start) {
		t.Errorf("%+v and %+v", before, after)
	}
	if before, after = d.Split(d.Start.AddDate(0, 0, -1)); len(before.Requests) != 0 || len(after.Requests) != 24 {
		t.Errorf("before its start: %+v and %+v", before, after)
	}
}

// A history of 56 days: silent nights are known where they were watched and the region had data.
func TestHistory(t *testing.T) {
	m := ReportTimeOf(now, 56, 2*time.Minute)
	r := newBench(model.Campaign, 9, m).resource
	r.Created = m.Span.Start.Add(-time.Hour)
	queries := Queries(r, m)
	readings := model.Readings{
		queries[0]: series(m.Span, Slot, func(i int) float64 {
			if i%288 < 96 {
				return -1
			}
			return 6 * 300
		}),
		queries[1]: series(m.Span, Slot, func(int) float64 { return 9 }),
	}
	silence := HistorySilence(r, readings, m)
	if len(queries) != 2 || len(silence) != 2 {
		t.Fatalf("%d queries, %d of silence", len(queries), len(silence))
	}
	last := model.NewWindow(m.Span.End.Add(-rules.LookBack), m.Span.End)
	h := HistoryOf(r, readings, m)
	// The last six hours are too recent, and the hours beside silence of the last day may lack counts.
	near(t, "known without the gaps of the region", h.Demand.At(1).Hours, 56*16-6-2)
	if got, ok := h.Watermark(r, last); ok {
		t.Errorf("a watermark of %d rests on silence that may be missing data", got)
	}
	readings[silence[0]] = model.Series{Complete: true}
	if _, ok := HistoryOf(r, readings, m).Watermark(r, last); ok {
		t.Error("a watermark rests on silence that no record confirms")
	}
	readings[silence[1]] = series(m.Span, time.Hour, constant(0))
	h = HistoryOf(r, readings, m)
	// Silence within the last day is not known, nor are the hours beside it.
	if got := h.Demand.At(1).Hours; got < 56*24-20 || got > 56*24-10 {
		t.Errorf("%v h known", got)
	}
	if got, ok := h.Watermark(r, last); got != 1 || !ok {
		t.Errorf("watermark %d, %v", got, ok)
	}
	if got, _ := h.Demand.Percentile(50); got != 6 {
		t.Errorf("p50 %v", got)
	}
	for name, tt := range map[string]struct {
		recipe string
		drop   int
		why    string
	}{
		"requests": {"aws-sims", 0, "its requests could not be read completely"},
		"watched":  {"aws-sims", 1, "when it was watched could not be read completely"},
		"recipe":   {"", 0, "its recipe could not be read, so it is not known which metric counts its requests"},
	} {
		r := r
		r.Recipe = tt.recipe
		read := model.Readings{}
		for i, q := range Queries(r, m) {
			if i != tt.drop {
				read[q] = model.Series{Complete: true}
			}
		}
		h := HistoryOf(r, read, m)
		if _, ok := h.Watermark(r, last); h.Why != tt.why || ok || len(HistorySilence(r, read, m)) > 0 || h.Demand.At(1).Hours != 0 {
			t.Errorf("%s: %+v", name, h)
		}
	}
	if math.IsNaN(h.Demand.Rate(100)) {
		t.Error("a busy hour is not known")
	}
}
