package soak

import (
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// TestSoak is a short soak; tools/soak runs long ones.
func TestSoak(t *testing.T) {
	t.Parallel()
	figures, err := Run(t.Context(), Options{Days: 1, hours: 12, Resources: 18, Seed: 5, IdleHours: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, violation := range figures.Violations {
		t.Error(violation)
	}
	if figures.Cycles != 144 || figures.FaultHits == 0 || figures.Stops+figures.Deletes == 0 || figures.StepDowns == 0 ||
		figures.Datapoints == 0 || figures.AlarmChecks == 0 || figures.Twice == 0 || figures.Late == 0 || figures.OwnerDoings == 0 {
		t.Errorf("nothing much happened:\n%s", figures.Table())
	}
}

// testWorld is a world with one campaign that has been called once each five minutes for
// ten days, up to four hours before the moment given.
func testWorld(t *testing.T) (*world, *resource, time.Time) {
	t.Helper()
	w := &world{Options: Options{IdleHours: 3}, clock: model.NewVirtualClock(begin)}
	w.monitor = &monitor{world: w, endings: map[string][]time.Time{}}
	w.model = newDemand(w.clock)
	now := begin.Add(10 * 24 * time.Hour)
	r := w.model.add(regions[0], "c", true, "GetRecommendations", 8, begin, begin)
	r.status, r.spans = active, []span{{from: begin}}
	r.phases = []phase{{from: stepOf(begin), shape: constant, tps: 3}, {from: stepOf(now.Add(-4 * time.Hour))}}
	w.monitor.began = now
	w.model.record(now)
	return w, r, now
}

// TestOracle has the oracle see through actions that are wrong, each for one reason.
func TestOracle(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(w *world, r *resource, now time.Time){
		"called lately": func(_ *world, r *resource, now time.Time) { r.past[stepOf(now.Add(-time.Hour))%history].ok = 1 },
		"failing lately": func(_ *world, r *resource, now time.Time) {
			r.past[stepOf(now.Add(-time.Hour))%history].failed5xx = 1
		},
		"new":       func(_ *world, r *resource, now time.Time) { r.born = now.Add(-2 * time.Hour) },
		"touched":   func(_ *world, r *resource, now time.Time) { r.touched = now.Add(-2 * time.Hour) },
		"protected": func(_ *world, r *resource, _ time.Time) { r.protect = "idle" },
		"not there": func(_ *world, r *resource, now time.Time) { r.spans[0].from = now.Add(-time.Hour) },
		"past all bound": func(w *world, r *resource, now time.Time) {
			w.monitor.endings[r.region] = make([]time.Time, 0)
			for range maxEndings {
				w.monitor.endings[r.region] = append(w.monitor.endings[r.region], now.Add(-59*time.Minute))
			}
		},
	} {
		w, r, now := testWorld(t)
		if wrong := w.judgeEnding("DeleteCampaign", r, now); len(wrong) > 0 {
			t.Errorf("a delete that is right: %v", wrong)
		}
		w, r, now = testWorld(t)
		spoil(w, r, now)
		if wrong := w.judgeEnding("DeleteCampaign", r, now); len(wrong) != 1 {
			t.Errorf("%s: a delete that is wrong: %v", name, wrong)
		}
	}
}

// TestOracleOfSteps has it see through changes of a minimum.
func TestOracleOfSteps(t *testing.T) {
	t.Parallel()
	busy := func(_ *world, r *resource, _ time.Time) {
		for i := range r.past {
			r.past[i].ok = 7 * 300
		}
	}
	for name, c := range map[string]struct {
		to    int
		spoil func(w *world, r *resource, now time.Time)
		right bool
	}{
		"right":           {6, func(*world, *resource, time.Time) {}, true},
		"right, busy":     {7, busy, true},
		"too far":         {5, func(*world, *resource, time.Time) {}, false},
		"up":              {9, func(*world, *resource, time.Time) {}, false},
		"below the hours": {6, busy, false},
		"new":             {6, func(_ *world, r *resource, now time.Time) { r.born = now.Add(-23 * time.Hour) }, false},
		"just updated":    {6, func(_ *world, r *resource, now time.Time) { r.updated = now.Add(-44 * time.Minute) }, false},
		"raised": {6, func(_ *world, r *resource, now time.Time) {
			r.raised, r.raisedFrom = now.Add(-20*time.Hour), 2
			r.show(now.Add(-21*time.Hour), 2)
		}, false},
		"raised, as nobody could see": {6, func(_ *world, r *resource, now time.Time) { r.raised, r.raisedFrom = now.Add(-20*time.Hour), 2 }, true},
		"raised, and taken back":      {6, func(_ *world, r *resource, now time.Time) { r.raised, r.raisedFrom = now.Add(-20*time.Hour), 8 }, true},
		"protected":                   {6, func(_ *world, r *resource, _ time.Time) { r.protect = "tps" }, false},
	} {
		w, r, now := testWorld(t)
		c.spoil(w, r, now)
		if wrong := w.judgeStep(r, input{MinTPS: c.to}, now); (len(wrong) == 0) != c.right {
			t.Errorf("%s: from 8 to %d: %v", name, c.to, wrong)
		}
	}
}
