package rules

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// effectBed answers the questions about a campaign with 1 call a second, 50 ms each.
type effectBed struct {
	resource model.Resource
	steps    []AcceptedStep
	now      time.Time
	readings model.Readings
}

func newEffectBed(now time.Time, steps ...AcceptedStep) *effectBed {
	b := &effectBed{campaign(9), steps, now, model.Readings{}}
	for _, q := range EffectQueries(b.resource, steps, now) {
		b.readings[q] = model.Series{Complete: true}
	}
	b.set(model.MetricGetRecommendations, 300)
	b.set("GetRecommendationsLatency", 50)
	return b
}

func (b *effectBed) query(metric string) model.Query {
	for q := range b.readings {
		if q.Metric.Name == metric {
			return q
		}
	}
	panic("no question about " + metric)
}

// set sets a metric at the given times, or always.
func (b *effectBed) set(metric string, value float64, at ...time.Time) {
	q := b.query(metric)
	if len(at) == 0 {
		b.readings[q] = steady(q, value)
	}
	for _, t := range at {
		b.readings[q] = with(b.readings[q], t, value)
	}
}

func TestEffects(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 2, 0, 0, time.UTC)
	at := now.Add(-30 * time.Hour) // 06:02 the day before
	slot := at.Truncate(WindowLength)
	step := AcceptedStep{At: at, From: 12, To: 9}
	plain := Fare{Hours: 24, Calls: 288 * 300, LatencyMillis: 50}
	tests := []struct {
		name   string
		steps  []AcceptedStep
		change func(*effectBed)
		want   map[time.Time]Effect
	}{
		{"the same before and after", []AcceptedStep{step}, nil, map[time.Time]Effect{at: {plain, plain}}},
		{"failures, slow calls and a cold step after it", []AcceptedStep{step}, func(b *effectBed) {
			b.set("GetRecommendations4xxErrors", 20, slot.Add(time.Hour))
			b.set("GetRecommendations5xxErrors", 10, slot.Add(2*time.Hour))
			b.set("GetRecommendations", 3000, slot.Add(3*time.Hour)) // 10 a second
			b.set("GetRecommendationsLatency", 100, slot.Add(3*time.Hour))
		}, map[time.Time]Effect{at: {plain, Fare{
			Hours: 24, Calls: 287*300 + 3000 + 30, Failed: 30, LatencyMillis: (287*300*50 + 3000*100) / float64(287*300+3000), ColdSteps: 1,
		}}}},
		{"the same demand before it was below the minimum", []AcceptedStep{step}, func(b *effectBed) {
			b.set("GetRecommendations", 3000, slot.Add(-3*time.Hour))
		}, map[time.Time]Effect{at: {Fare{Hours: 24, Calls: 287*300 + 3000, LatencyMillis: 50}, plain}}},
		{"the published minimum counts", []AcceptedStep{step}, func(b *effectBed) {
			b.set("GetRecommendations", 3000, slot.Add(3*time.Hour))
			b.set("minProvisionedTPS", 12, slot.Add(3*time.Hour))
		}, map[time.Time]Effect{at: {plain, Fare{Hours: 24, Calls: 287*300 + 3000, LatencyMillis: 50}}}},
		{"demand that rises by half in 15 minutes is not cold", []AcceptedStep{step}, func(b *effectBed) {
			b.set("GetRecommendations", 2000, slot.Add(3*time.Hour))
			b.set("GetRecommendations", 3000, slot.Add(3*time.Hour+3*WindowLength))
		}, map[time.Time]Effect{at: {plain, Fare{Hours: 24, Calls: 286*300 + 5000, LatencyMillis: 50}}}},
		{
			"another step ends the time",
			[]AcceptedStep{{At: at.Add(time.Hour), From: 9, To: 7}, step},
			nil,
			map[time.Time]Effect{
				at:                {plain, Fare{Hours: 55. / 60, Calls: 11 * 300, LatencyMillis: 50}},
				at.Add(time.Hour): {Fare{Hours: 55. / 60, Calls: 11 * 300, LatencyMillis: 50}, plain},
			},
		},
		{
			"a step an hour ago",
			[]AcceptedStep{{At: now.Add(-time.Hour), From: 12, To: 9}},
			nil,
			map[time.Time]Effect{now.Add(-time.Hour): {plain, Fare{Hours: 55. / 60, Calls: 11 * 300, LatencyMillis: 50}}},
		},
		{"no calls", []AcceptedStep{step}, func(b *effectBed) {
			for q := range b.readings {
				b.readings[q] = model.Series{Complete: true}
			}
		}, map[time.Time]Effect{at: {Fare{Hours: 24}, Fare{Hours: 24}}}},
		{"failures that could not be read", []AcceptedStep{step}, func(b *effectBed) {
			delete(b.readings, b.query("GetPersonalizedRanking5xxErrors"))
		}, nil},
		{"a step just now", []AcceptedStep{{At: now.Add(-time.Minute), From: 12, To: 9}}, nil, map[time.Time]Effect{}},
		{"a step in the future", []AcceptedStep{step, {At: now.Add(time.Hour), From: 9, To: 7}}, nil, map[time.Time]Effect{at: {plain, plain}}},
		{
			"a step that CloudWatch has no 5-minute steps of any more",
			[]AcceptedStep{step, {At: now.Add(-63 * 24 * time.Hour), From: 15, To: 12}},
			nil,
			map[time.Time]Effect{at: {plain, plain}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newEffectBed(now, tt.steps...)
			if tt.change != nil {
				tt.change(b)
			}
			if diff := cmp.Diff(tt.want, Effects(b.resource, b.steps, b.readings, now)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if queries := EffectQueries(campaign(9), []AcceptedStep{{At: now.Add(-63 * 24 * time.Hour), From: 12, To: 9}}, now); len(queries) > 0 {
		t.Errorf("%d questions about a step long ago", len(queries))
	}
}
