package main

import (
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// TestSoak is a short soak; go run ./test/soak runs long ones.
func TestSoak(t *testing.T) {
	t.Parallel()
	figures, err := Run(t.Context(), Options{Days: 1, dayHours: 12, Resources: 18, Seed: 5, IdleHours: 1, UsedHours: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, violation := range figures.texts {
		t.Error(violation)
	}
	if n := figures.count("cycles"); n != 144 {
		t.Errorf("%d cycles in half a day", n)
	}
	if figures.count("stops")+figures.count("deletes") == 0 {
		t.Error("nothing was stopped or deleted")
	}
	for _, c := range []string{
		"faults injected (calls hit)", "step-downs", "datapoints checked", "resources whose alarms were checked", "events delivered twice",
		"events delivered late", "actions of the owner", "returns", "scheduled raises", "scheduled lowerings",
	} {
		if figures.count(c) == 0 {
			t.Errorf("no %s:\n%s", c, figures.Table())
		}
	}
}

// testWorld is a world with one campaign that had constant traffic for ten days, up to four hours before the returned time.
func testWorld(t *testing.T) (*world, *resource, time.Time) {
	t.Helper()
	w := &world{Options: Options{IdleHours: 3, UsedHours: 3}, clock: model.NewVirtualClock(begin), figures: &Figures{counts: map[string]int{}}}
	w.monitor = &monitor{world: w, removals: map[string][]time.Time{}, steps: map[string][]time.Time{}, host: &hostClock{VirtualClock: w.clock}}
	w.faults = &faults{world: w}
	w.oracle = newOracle(w.clock)
	now := begin.Add(10 * 24 * time.Hour)
	r := w.oracle.add(regions[0], "c", true, "GetRecommendations", 8, begin, begin)
	r.status, r.spans = active, []span{{from: begin}}
	r.phases = []phase{{from: stepOf(begin), shape: constant, tps: 3}, {from: stepOf(now.Add(-4 * time.Hour))}}
	w.monitor.began = now
	return w, r, now
}

// oneStep adds traffic in one step.
func (r *resource) oneStep(s shape, at time.Time) {
	step := stepOf(at)
	r.phases = append(r.phases, phase{from: step, shape: s, tps: 1}, phase{from: step + 1})
}

// The oracle reports removals that are wrong, each for one reason.
func TestOracleChecksRemovals(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(w *world, r *resource, now time.Time){
		"recent requests":        func(_ *world, r *resource, now time.Time) { r.oneStep(constant, now.Add(-time.Hour)) },
		"recent failed requests": func(_ *world, r *resource, now time.Time) { r.oneStep(failing, now.Add(-time.Hour)) },
		"new":                    func(_ *world, r *resource, now time.Time) { r.born = now.Add(-2 * time.Hour) },
		"changed by its owner":   func(_ *world, r *resource, now time.Time) { r.touched = now.Add(-2 * time.Hour) },
		"protected":              func(_ *world, r *resource, _ time.Time) { r.protect = "idle" },
		"not active":             func(_ *world, r *resource, now time.Time) { r.spans[0].from = now.Add(-time.Hour) },
		"called not long ago":    func(w *world, _ *resource, _ time.Time) { w.UsedHours = 24 },
		"silent as often before": func(_ *world, r *resource, now time.Time) {
			from := stepOf(now.Add(-14 * time.Hour))
			r.phases = append(r.phases[:1:1], phase{from: from}, phase{from: from + 9*12, shape: constant, tps: 1}, phase{from: from + 10*12})
		},
		"a wrong clock": func(w *world, _ *resource, _ time.Time) { w.monitor.host.ahead = 2 * time.Hour },
		"over the budget": func(w *world, r *resource, now time.Time) {
			w.monitor.removals[r.region] = make([]time.Time, 0)
			for range maxRemovals {
				w.monitor.removals[r.region] = append(w.monitor.removals[r.region], now.Add(-59*time.Minute))
			}
		},
	} {
		w, r, now := testWorld(t)
		if wrong := w.checkRemoval(r, now); len(wrong) > 0 {
			t.Errorf("a correct delete: %v", wrong)
		}
		w, r, now = testWorld(t)
		spoil(w, r, now)
		if wrong := w.checkRemoval(r, now); len(wrong) != 1 {
			t.Errorf("%s: a wrong delete: %v", name, wrong)
		}
	}
}

// The oracle reports wrong changes of a minimum.
func TestOracleChecksSteps(t *testing.T) {
	t.Parallel()
	busy := func(_ *world, r *resource, _ time.Time) {
		r.phases = []phase{{from: stepOf(begin), shape: constant, tps: 7.5}}
	}
	for name, c := range map[string]struct {
		to    int
		spoil func(w *world, r *resource, now time.Time)
		right bool
	}{
		"right":               {6, func(*world, *resource, time.Time) {}, true},
		"right, in use":       {7, busy, true},
		"too far":             {5, func(*world, *resource, time.Time) {}, false},
		"up":                  {9, func(*world, *resource, time.Time) {}, false},
		"below the watermark": {6, busy, false},
		"one low hour": {6, func(w *world, r *resource, now time.Time) {
			busy(w, r, now)
			from := stepOf(now.Add(-30 * time.Hour).Truncate(time.Hour))
			r.phases = append(r.phases, phase{from: from}, phase{from: from + 12, shape: constant, tps: 7.5})
		}, false},
		"three low hours on one day": {6, func(w *world, r *resource, now time.Time) {
			busy(w, r, now)
			from := stepOf(now.Add(-30 * time.Hour).Truncate(time.Hour))
			r.phases = append(r.phases, phase{from: from}, phase{from: from + 36, shape: constant, tps: 7.5})
		}, false},
		"stopped for days": {6, func(w *world, r *resource, now time.Time) {
			busy(w, r, now)
			r.spans = []span{{from: begin, to: now.Add(-5 * 24 * time.Hour)}, {from: now.Add(-24 * time.Hour)}}
		}, false},
		"a wrong clock": {6, func(w *world, _ *resource, _ time.Time) { w.monitor.host.ahead = -2 * time.Hour }, false},
		"over the budget": {6, func(w *world, r *resource, now time.Time) {
			for range 11 {
				w.monitor.steps[r.region] = append(w.monitor.steps[r.region], now.Add(-time.Minute))
			}
		}, false},
		"new":          {6, func(_ *world, r *resource, now time.Time) { r.born = now.Add(-23 * time.Hour) }, false},
		"just updated": {6, func(_ *world, r *resource, now time.Time) { r.updated = now.Add(-44 * time.Minute) }, false},
		"raised": {6, func(_ *world, r *resource, now time.Time) {
			r.raised, r.raisedFrom = now.Add(-20*time.Hour), 2
			r.publish(now.Add(-21*time.Hour), 2)
		}, false},
		"raised, but never published": {6, func(_ *world, r *resource, now time.Time) { r.raised, r.raisedFrom = now.Add(-20*time.Hour), 2 }, true},
		"raised and undone":           {6, func(_ *world, r *resource, now time.Time) { r.raised, r.raisedFrom = now.Add(-20*time.Hour), 8 }, true},
		"protected":                   {6, func(_ *world, r *resource, _ time.Time) { r.protect = "tps" }, false},
	} {
		w, r, now := testWorld(t)
		c.spoil(w, r, now)
		if wrong := w.checkStep(r, input{MinTPS: c.to}, now); (len(wrong) == 0) != c.right {
			t.Errorf("%s: from 8 to %d: %v", name, c.to, wrong)
		}
	}
}
