package rules

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// perHour is the hourly sum that averages to the given requests per second.
func perHour(rate float64) float64 { return rate * 3600 }

func TestStepDown(t *testing.T) {
	day := func(n int) time.Time { return testMoment.Window.End.AddDate(0, 0, -n) }
	tests := []struct {
		name     string
		resource model.Resource
		rate     float64 // of every hour
		change   func(model.Readings, model.Resource)
		settings func(*Settings)
		action   Verdict
		newMin   int
		reason   string
	}{
		{
			name: "watermark at the minimum: kept", resource: campaign(10), rate: 10, action: None,
			reason: "kept at 10: lowest level reached 3 times: 10.0 TPS (336 of 336 h known)",
		},
		{
			name: "watermark just below the minimum: one step, not below the watermark", resource: campaign(10), rate: 9.99, action: StepDown, newMin: 9,
			reason: "step down from 10 to 9: lowest level reached 3 times: 9.9 TPS (336 of 336 h known)",
		},
		{name: "far below: down to three quarters, rounded down", resource: campaign(10), rate: 0.5, action: StepDown, newMin: 7},
		{name: "watermark between three quarters and the minimum bounds the step", resource: campaign(100), rate: 99.5, action: StepDown, newMin: 99},
		{name: "watermark below three quarters does not", resource: campaign(100), rate: 74, action: StepDown, newMin: 75},
		{name: "from 2 to 1", resource: campaign(2), rate: 0.2, action: StepDown, newMin: 1},
		{name: "2 with watermark 1 goes to 1", resource: campaign(2), rate: 1.9, action: StepDown, newMin: 1},
		{name: "a minimum of 1 is never touched", resource: campaign(1), rate: 0.2, action: None, reason: "its minimum is 1, the lowest there is"},
		{
			name: "two quiet hours do not decide", resource: campaign(10), rate: 20, action: None,
			change: func(rd model.Readings, r model.Resource) {
				q := hourlyQuery(r, testMoment)
				rd[q] = with(with(rd[q], day(3), perHour(0.9)), day(5), perHour(0.9))
			},
			reason: "kept at 10: lowest level reached 3 times: 20.0 TPS (336 of 336 h known), seen below 10 TPS 2 of 3 times, each 24 h after the one before",
		},
		{
			name: "three quiet hours do", resource: campaign(10), rate: 20, action: StepDown, newMin: 7,
			change: func(rd model.Readings, r model.Resource) {
				q := hourlyQuery(r, testMoment)
				rd[q] = with(with(with(rd[q], day(3), perHour(0.9)), day(5), perHour(0.9)), day(6), perHour(0.9))
			},
		},
		{
			name: "watched hours without data had no requests", resource: campaign(10), rate: 20, action: StepDown, newMin: 7,
			change: func(rd model.Readings, r model.Resource) {
				q := hourlyQuery(r, testMoment)
				rd[q] = without(rd[q], day(3), day(5), day(7))
			},
			reason: "step down from 10 to 7: lowest level reached 3 times: 0.0 TPS (336 of 336 h known)",
		},
		{
			name: "no count at all is silence if none was measured either", resource: campaign(10), rate: 20, action: StepDown, newMin: 7,
			change: func(rd model.Readings, r model.Resource) {
				rd[hourlyQuery(r, testMoment)] = model.Series{Complete: true}
			},
		},
		{
			name: "calls that were measured are not silence", resource: campaign(10), rate: 20, action: None,
			change: func(rd model.Readings, r model.Resource) {
				q, record := hourlyQuery(r, testMoment), RecordQuery(r, regionWindow(testMoment))
				rd[q] = without(rd[q], day(3), day(5), day(7))
				rd[record] = with(rd[record], day(5), 1)
			},
			reason: "kept at 10: lowest level reached 3 times: 20.0 TPS (333 of 336 h known; 3 h unknown: " +
				"1 no count, though calls were measured (from 2026-02-27 12:00), " +
				"2 at the edge of a gap in the counts (from 2026-02-27 11:00)), seen below 10 TPS 2 of 3 times, each 24 h after the one before",
		},
		{
			name: "nor is what was not measured", resource: campaign(10), rate: 20, action: None,
			change: func(rd model.Readings, r model.Resource) {
				rd[hourlyQuery(r, testMoment)] = model.Series{Complete: true}
				rd[RecordQuery(r, regionWindow(testMoment))] = model.Series{Complete: true}
			},
			reason: "no step down yet: seen below 10 TPS 0 of 3 times, each 24 h after the one before (0 of 336 h known; 336 h unknown: " +
				"318 no count and no measurement (from 2026-02-18 06:00), 18 too recent)",
		},
		{
			name: "or whose measurement could not be read", resource: campaign(10), rate: 20, action: Refused,
			change: func(rd model.Readings, r model.Resource) {
				rd[hourlyQuery(r, testMoment)] = model.Series{Complete: true}
				delete(rd, RecordQuery(r, regionWindow(testMoment)))
			},
			reason: "cannot decide whether to step down: 318 h had no calls, and whether their data are missing could not be read",
		},
		{
			name: "unless the data of the region are missing", resource: campaign(10), rate: 20, action: None,
			change: func(rd model.Readings, r model.Resource) {
				q := hourlyQuery(r, testMoment)
				rd[q] = without(rd[q], day(3), day(5), day(7))
				rd[gapsQuery(r, testMoment)] = model.Series{Complete: true, Points: []model.Datapoint{{Time: day(5), Value: 3}}}
			},
			reason: "kept at 10: lowest level reached 3 times: 20.0 TPS (333 of 336 h known; 3 h unknown: " +
				"1 no data for most endpoints of the region (from 2026-02-27 12:00), " +
				"2 at the edge of a gap in the counts (from 2026-02-27 11:00)), seen below 10 TPS 2 of 3 times, each 24 h after the one before",
		},
		{
			name: "or that could not be read", resource: campaign(10), rate: 20, action: Refused,
			change: func(rd model.Readings, r model.Resource) {
				q := hourlyQuery(r, testMoment)
				rd[q] = without(rd[q], day(3), day(5), day(7))
				delete(rd, gapsQuery(r, testMoment))
			},
			reason: "cannot decide whether to step down: 3 h had no calls, and whether their data are missing could not be read",
		},
		{
			name: "hours without data that were not watched are unknown", resource: campaign(10), rate: 20, action: None,
			change: func(rd model.Readings, r model.Resource) {
				q, w := hourlyQuery(r, testMoment), watchedQuery(r, testMoment)
				rd[q] = without(rd[q], day(3), day(5), day(7))
				rd[w] = without(rd[w], day(3), day(5), day(7))
			},
			reason: "kept at 10: lowest level reached 3 times: 20.0 TPS (327 of 336 h known; 9 h unknown: 3 no count and not watched (from 2026-02-25 12:00), 6 at the edge of a gap in the counts (from 2026-02-25 11:00))",
		},
		{
			name: "silence of a recipe in doubt is unknown", resource: campaign(10, func(r *model.Resource) { r.Recipe = "my-own-recipe" }),
			rate: 20, action: None,
			change: func(rd model.Readings, r model.Resource) {
				q := hourlyQuery(r, testMoment)
				rd[q] = without(rd[q], day(3), day(5), day(7))
			},
		},
		{
			name: "and its counts are counted", resource: campaign(10, func(r *model.Resource) { r.Recipe = "my-own-recipe" }),
			rate: 5, action: StepDown, newMin: 7,
		},
		{
			name: "hours that could not be read are not zero", resource: campaign(10), rate: 0.5, action: Refused,
			change: func(rd model.Readings, r model.Resource) {
				q := hourlyQuery(r, testMoment)
				rd[q] = model.Series{Points: rd[q].Points}
			},
			reason: "cannot decide whether to step down: its hourly request counts could not be read completely",
		},
		{
			name: "nor is it known then when it was watched", resource: campaign(10), rate: 0.5, action: Refused,
			change: func(rd model.Readings, r model.Resource) { delete(rd, watchedQuery(r, testMoment)) },
			reason: "cannot decide whether to step down: when it was watched could not be read completely",
		},
		{
			name: "23 h 59 min 59 s old: too new", resource: campaign(10, createdAgo(24*time.Hour-time.Second)), rate: 0.5, action: None,
			reason: "too new to step down: created 23 h ago, at least 24 h are needed",
		},
		{
			name: "24 h old to the second: not seen three times yet", resource: campaign(10, createdAgo(24*time.Hour)), rate: 0.5, action: None,
			reason: "no step down yet: seen below 10 TPS 1 of 3 times, each 24 h after the one before (17 of 17 h known)",
		},
		{
			name: "55 h old: seen twice", resource: campaign(10, createdAgo(55*time.Hour)), rate: 0.5, action: None,
			reason: "no step down yet: seen below 10 TPS 2 of 3 times, each 24 h after the one before (48 of 48 h known)",
		},
		{
			name: "56 h old: seen three times", resource: campaign(10, createdAgo(56*time.Hour)), rate: 0.5, action: StepDown, newMin: 7,
			reason: "step down from 10 to 7: lowest level reached 3 times: 0.5 TPS (49 of 49 h known)",
		},
		{
			name: "updated 44 min 59 s ago: it waits", resource: campaign(10, updatedAgo(45*time.Minute-time.Second, "ACTIVE")), rate: 0.5, action: Refused,
			reason: "not stepped down from 10 to 7 (lowest level reached 3 times: 0.5 TPS (336 of 336 h known)): updated 44 min ago, a step waits 45 min",
		},
		{name: "updated 45 min ago to the second", resource: campaign(10, updatedAgo(45*time.Minute, "ACTIVE")), rate: 0.5, action: StepDown, newMin: 7},
		{name: "an update in the future, by a clock that is off, is recent", resource: campaign(10, updatedAgo(-time.Minute, "ACTIVE")), rate: 0.5, action: Refused},
		{name: "a failed update is over", resource: campaign(10, updatedAgo(2*time.Hour, "CREATE FAILED")), rate: 0.5, action: StepDown, newMin: 7},
		{
			name: "an update in progress", resource: campaign(10, updatedAgo(2*time.Hour, "CREATE IN_PROGRESS")), rate: 0.5, action: Refused,
			reason: "not stepped down from 10 to 7 (lowest level reached 3 times: 0.5 TPS (336 of 336 h known)): an update is in progress (CREATE IN_PROGRESS)",
		},
		{name: "an update in a state unknown to us", resource: campaign(10, updatedAgo(2*time.Hour, "REBALANCING")), rate: 0.5, action: Refused},
		{
			name: "raised just under 24 h ago: capacity warmed up stays", resource: campaign(10), rate: 0.5, action: Refused,
			change: func(rd model.Readings, r model.Resource) {
				q := minimumQuery(r, testMoment)
				rd[q] = with(rd[q], q.Window.Start, 9)
			},
			reason: "not stepped down from 10 to 7 (lowest level reached 3 times: 0.5 TPS (336 of 336 h known)): raised in the last 24 h (it was 9 at 12:00)",
		},
		{
			name: "raised longer ago: the lower value is out of sight", resource: campaign(10), rate: 0.5, action: StepDown, newMin: 7,
			change: func(rd model.Readings, r model.Resource) {
				q := minimumQuery(r, testMoment)
				rd[q] = steady(q, 10)
			},
		},
		{
			name: "lowered in the last 24 h is no raise", resource: campaign(10), rate: 0.5, action: StepDown, newMin: 7,
			change: func(rd model.Readings, r model.Resource) {
				q := minimumQuery(r, testMoment)
				rd[q] = with(steady(q, 10), q.Window.Start, 13)
			},
		},
		{
			name: "a raise that could not be looked for", resource: campaign(10), rate: 0.5, action: Refused,
			change: func(rd model.Readings, r model.Resource) { delete(rd, minimumQuery(r, testMoment)) },
		},
		{
			name: "switched off: the check still reports", resource: campaign(10), rate: 0.5, action: None,
			settings: func(s *Settings) { s.AdjustMinTPS = model.Off },
			reason:   "could step down from 10 to 7 (lowest level reached 3 times: 0.5 TPS (336 of 336 h known)); adjusting is off (AutoAdjustMinTPS=No)",
		},
		{
			name: "a recommender, in RPS", resource: recommender(4), rate: 1.5, action: StepDown, newMin: 3,
			reason: "step down from 4 to 3: lowest level reached 3 times: 1.5 RPS (336 of 336 h known)",
		},
		{
			name: "a stale copy decides nothing", resource: campaign(10, func(r *model.Resource) { r.Stale, r.Observed = true, testNow.Add(-7*time.Minute) }), rate: 0.5,
			action: Refused, reason: "nothing is decided: its description is 7 min old and could not be refreshed",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := testSettings()
			if tt.settings != nil {
				tt.settings(&s)
			}
			readings := readEmpty(tt.resource, s, testMoment)
			readings[windowQuery(tt.resource, testMoment)] = steady(windowQuery(tt.resource, testMoment), tt.rate*300)
			q := hourlyQuery(tt.resource, testMoment)
			readings[q] = steady(q, perHour(tt.rate))
			watchAll(readings, tt.resource, testMoment)
			if !model.RecipeOf(tt.resource.Kind, tt.resource.Recipe).Sure {
				readings[presenceQuery(tt.resource, testMoment)] = steady(presenceQuery(tt.resource, testMoment), 1)
				readings[q] = steady(q, perHour(tt.rate))
				readings[minimumQuery(tt.resource, testMoment)] = model.Series{Complete: true}
			}
			if tt.change != nil {
				tt.change(readings, tt.resource)
			}
			d := Decide(tt.resource, readings, s, testMoment)
			if d.Verdict != tt.action || d.NewMinTPS != tt.newMin {
				t.Errorf("got %s → %d (%s), want %s → %d", d.Verdict, d.NewMinTPS, d.Reason, tt.action, tt.newMin)
			}
			if tt.reason != "" && d.Reason != tt.reason {
				t.Errorf("reason:\n got %s\nwant %s", d.Reason, tt.reason)
			}
			if !d.Checked {
				t.Error("not marked as checked")
			}
		})
	}
}

func TestNextMinimumNeverLeavesItsBounds(t *testing.T) {
	if next := nextMinimum(1, 0); next != 1 { // for any caller
		t.Errorf("nextMinimum(1, 0) = %d", next)
	}
	for minimum := 2; minimum <= 2000; minimum++ {
		for _, watermark := range []int{0, 1, minimum / 2, minimum * 3 / 4, minimum - 1} {
			next := nextMinimum(minimum, watermark)
			if next < 1 || next < watermark || next >= minimum {
				t.Fatalf("nextMinimum(%d, %d) = %d", minimum, watermark, next)
			}
		}
	}
}

func TestLookBackStartsWithTheFirstWholeHour(t *testing.T) {
	hour := func(h, m int) time.Time { return time.Date(2026, 3, 3, h, m, 0, 0, time.UTC) }
	end := time.Date(2026, 3, 4, 6, 0, 0, 0, time.UTC)
	tests := []struct {
		name    string
		created time.Time
		start   time.Time
	}{
		{"created on the hour: that hour is whole", hour(7, 0), hour(7, 0)},
		{"created a second later: the next one", hour(7, 0).Add(time.Second), hour(8, 0)},
		{"created long ago: 14 days", hour(7, 0).Add(-400 * 24 * time.Hour), time.Date(2026, 2, 18, 6, 0, 0, 0, time.UTC)},
		{"created in this hour: nothing to look at", testNow.Add(-time.Minute), end},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := campaign(5, func(r *model.Resource) { r.Created = tt.created })
			if diff := cmp.Diff(model.NewWindow(tt.start, end), lookBackWindow(r, testMoment)); diff != "" {
				t.Error(diff)
			}
			around := model.NewWindow(tt.start.Add(-time.Hour), end.Add(time.Hour))
			if diff := cmp.Diff(around, hourlyQuery(r, testMoment).Window); diff != "" {
				t.Errorf("the neighbours are read too: %s", diff)
			}
		})
	}
}

// Counts are not believed before the hour has been over for 6 hours.
func TestLookBackEndsWithTheLastSettledHour(t *testing.T) {
	for ago, want := range map[time.Duration]int{6*time.Hour - time.Second: 11, 6 * time.Hour: 12} {
		end := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
		m := EvaluationTime{Now: end.Add(ago), Window: model.NewWindow(end.Add(ago-WindowLength), end.Add(ago))}
		if got := lookBackWindow(campaign(5), m).End; got.Hour() != want || got.Minute() != 0 {
			t.Errorf("%s after the hour the window ends at %s", ago, got)
		}
	}
}

// A minimum of 100 with a low watermark of 20 is lowered step by step and comes to rest
// on the watermark.
func TestStepsEndAtTheWatermark(t *testing.T) {
	r := campaign(100)
	var chain []int
	for range 50 {
		q := hourlyQuery(r, testMoment)
		readings := readEmpty(r, testSettings(), testMoment)
		readings[windowQuery(r, testMoment)] = steady(windowQuery(r, testMoment), 20.7*300)
		readings[q] = steady(q, perHour(20.7))
		watchAll(readings, r, testMoment)
		d := Decide(r, readings, testSettings(), testMoment)
		if d.Verdict != StepDown {
			break
		}
		r.MinTPS = d.NewMinTPS
		chain = append(chain, d.NewMinTPS)
	}
	if diff := cmp.Diff([]int{75, 56, 42, 31, 23, 20}, chain); diff != "" {
		t.Error(diff)
	}
}
