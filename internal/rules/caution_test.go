package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// cautionReadings answer everything about a resource that needs 0.5 TPS all the time: it steps
// down unless something speaks against it.
func cautionReadings(r model.Resource) model.Readings {
	readings := readSilent(r, testSettings(), testMoment)
	window, hours := windowQuery(r, testMoment), hourlyQuery(r, testMoment)
	readings[window], readings[hours] = steady(window, 150), steady(hours, perHour(0.5))
	for _, q := range allRiseQueries(r, testMoment) {
		readings[q] = model.Series{Complete: true}
	}
	served := allRiseQueries(r, testMoment)[1]
	readings[served] = steady(served, 150)
	for _, q := range CautionQueries(Decision{Resource: r, Verdict: StepDown, At: testMoment}) {
		if _, ok := readings[q]; !ok {
			readings[q] = model.Series{Complete: true}
		}
	}
	return readings
}

func decideWithCaution(r model.Resource, readings model.Readings, s Settings) Decision {
	return ApplyCaution(Decide(r, readings, s, testMoment), readings)
}

// windowsAgo is the start of the 5-minute window n before the measured one.
func windowsAgo(n int) time.Time {
	return testMoment.Window.Start.Add(-time.Duration(n) * WindowLength)
}

func TestFailuresInARiseHoldTheMinimum(t *testing.T) {
	r := campaign(10)
	queries := allRiseQueries(r, testMoment)
	served, failed4xx, failed5xx := queries[1], queries[2], queries[3]
	tests := []struct {
		name   string
		change func(model.Readings)
		found  bool
	}{
		{"no failures", func(rd model.Readings) { rd[served] = with(rd[served], windowsAgo(3), 4000) }, false},
		{"2 % of a rise above the minimum failed", func(rd model.Readings) {
			rd[served] = with(rd[served], windowsAgo(3), 3920)
			rd[failed5xx] = with(rd[failed5xx], windowsAgo(3), 80)
		}, true},
		{"4xx and 5xx count together", func(rd model.Readings) {
			rd[served] = with(rd[served], windowsAgo(3), 3920)
			rd[failed4xx] = with(rd[failed4xx], windowsAgo(3), 40)
			rd[failed5xx] = with(rd[failed5xx], windowsAgo(3), 40)
		}, true},
		{"just under 2 %", func(rd model.Readings) {
			rd[served] = with(rd[served], windowsAgo(3), 3921)
			rd[failed5xx] = with(rd[failed5xx], windowsAgo(3), 79)
		}, false},
		{"just up to the minimum", func(rd model.Readings) {
			rd[served] = with(rd[served], windowsAgo(3), 2900)
			rd[failed5xx] = with(rd[failed5xx], windowsAgo(3), 100)
		}, false},
		{"a rise of less than 1.2 times", func(rd model.Readings) {
			rd[served] = with(with(rd[served], windowsAgo(5), 3340), windowsAgo(3), 3900)
			rd[failed5xx] = with(rd[failed5xx], windowsAgo(3), 100)
		}, false},
		{"a rise of 1.2 times over the highest of three", func(rd model.Readings) {
			rd[served] = with(with(rd[served], windowsAgo(6), 3333), windowsAgo(3), 3900)
			rd[failed5xx] = with(rd[failed5xx], windowsAgo(3), 100)
		}, true},
		{"the fourth before does not count", func(rd model.Readings) {
			rd[served] = with(with(rd[served], windowsAgo(7), 9000), windowsAgo(3), 3900)
			rd[failed5xx] = with(rd[failed5xx], windowsAgo(3), 100)
		}, true},
		{"failing all day at a third of it", func(rd model.Readings) {
			rd[served] = with(rd[served], windowsAgo(3), 3900)
			rd[failed4xx] = steady(failed4xx, 2)
			rd[failed5xx] = with(rd[failed5xx], windowsAgo(3), 100)
		}, false},
		{"less than a third of it all day", func(rd model.Readings) {
			rd[served] = with(rd[served], windowsAgo(3), 3900)
			rd[failed4xx] = steady(failed4xx, 1)
			rd[failed5xx] = with(rd[failed5xx], windowsAgo(3), 100)
		}, true},
		{"in the measured window", func(rd model.Readings) {
			rd[served] = with(rd[served], windowsAgo(0), 3900)
			rd[failed5xx] = with(rd[failed5xx], windowsAgo(0), 100)
		}, true},
		{"six hours ago", func(rd model.Readings) {
			rd[served] = with(rd[served], windowsAgo(71), 3900)
			rd[failed5xx] = with(rd[failed5xx], windowsAgo(71), 100)
		}, true},
		{"longer ago, when an earlier check found it", func(rd model.Readings) {
			rd[served] = with(rd[served], windowsAgo(72), 3900)
			rd[failed5xx] = with(rd[failed5xx], windowsAgo(72), 100)
		}, false},
		{"above the minimum of that time", func(rd model.Readings) {
			rd[queries[0]] = with(steady(queries[0], 20), windowsAgo(3), 10)
			rd[served] = with(rd[served], windowsAgo(3), 3900)
			rd[failed5xx] = with(rd[failed5xx], windowsAgo(3), 100)
		}, true},
		{"below the minimum of that time", func(rd model.Readings) {
			rd[queries[0]] = steady(queries[0], 20)
			rd[served] = with(rd[served], windowsAgo(3), 3900)
			rd[failed5xx] = with(rd[failed5xx], windowsAgo(3), 100)
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			readings := cautionReadings(r)
			tt.change(readings)
			d := decideWithCaution(r, readings, testSettings())
			held := d.Verdict == Refused && d.Has(ReasonFailures)
			if held != tt.found || d.Caution.NotifyFailures != tt.found || len(d.Caution.Remember) > 0 != tt.found {
				t.Errorf("%s, notified: %v (%s)", d.Verdict, d.Caution.NotifyFailures, d.Reason)
			}
			if !tt.found && (d.Verdict != StepDown || d.NewMinTPS != 7) {
				t.Errorf("%s to %d (%s), want a step-down to 7", d.Verdict, d.NewMinTPS, d.Reason)
			}
		})
	}
}

// Fewer than 50 calls are above a minimum of 1 for no 5 minutes, but the rule has its own limit.
func TestFailuresOfFewCalls(t *testing.T) {
	r := campaign(1)
	for calls, want := range map[float64]bool{49: false, 50: true} {
		readings := cautionReadings(r)
		queries := allRiseQueries(r, testMoment)
		readings[queries[0]] = steady(queries[0], 0.1)
		readings[queries[1]] = with(steady(queries[1], 10), windowsAgo(2), calls-5)
		readings[queries[3]] = with(readings[queries[3]], windowsAgo(2), 5)
		if got, _ := latestRise(r, readings, testMoment); got.Found() != want {
			t.Errorf("%g calls: %+v", calls, got)
		}
	}
}

func TestFailuresAreRememberedAndNotifiedOnce(t *testing.T) {
	r := campaign(10)
	rise := func(readings model.Readings) {
		queries := allRiseQueries(r, testMoment)
		readings[queries[1]] = with(readings[queries[1]], windowsAgo(3), 3900)
		readings[queries[3]] = with(readings[queries[3]], windowsAgo(3), 100)
	}
	holds := cautionQuery(r, model.MetricStepDownHold, model.Count, testMoment)
	held := func(ago time.Duration) func(model.Readings) {
		return func(readings model.Readings) {
			at := testNow.Add(-ago).Truncate(time.Hour)
			readings[holds] = model.Series{Complete: true, Points: []model.Datapoint{{Time: at, Value: 1}}}
		}
	}
	both := func(a, b func(model.Readings)) func(model.Readings) {
		return func(readings model.Readings) { a(readings); b(readings) }
	}
	tests := []struct {
		name               string
		change             func(model.Readings)
		verdict            Verdict
		notified, remember bool
	}{
		{"found now", rise, Refused, true, true},
		{"found by an earlier check", both(rise, held(0)), Refused, false, false},
		{"a second time within the 14 days", both(rise, held(5*24*time.Hour)), Refused, false, true},
		{"again after the 14 days", both(rise, held(15*24*time.Hour)), Refused, true, true},
		{"13 days ago", held(13 * 24 * time.Hour), Refused, false, false},
		{"over 14 days ago", held(14*24*time.Hour + 2*time.Hour), StepDown, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			readings := cautionReadings(r)
			tt.change(readings)
			d := decideWithCaution(r, readings, testSettings())
			if d.Verdict != tt.verdict || d.Caution.NotifyFailures != tt.notified || len(d.Caution.Remember) > 0 != tt.remember {
				t.Errorf("%s, notified %v, published %v (%s)", d.Verdict, d.Caution.NotifyFailures, d.Caution.Remember, d.Reason)
			}
		})
	}
}

// What was stepped down lately is watched although nothing is left to step down.
func TestFailuresAfterTheLastStep(t *testing.T) {
	for _, tt := range []struct {
		name    string
		touched time.Duration
		want    bool
	}{{"stepped down 3 days ago", 3 * 24 * time.Hour, true}, {"not changed for 14 days", 14 * 24 * time.Hour, false}} {
		t.Run(tt.name, func(t *testing.T) {
			r := campaign(1, updatedAgo(tt.touched, "ACTIVE"))
			readings := cautionReadings(r)
			queries := allRiseQueries(r, testMoment)
			asked := map[model.Query]bool{}
			for _, q := range CheckQueries(r, ThroughputOf(r, readings, testMoment), testSettings(), testMoment) {
				asked[q] = true
			}
			for _, q := range queries {
				if asked[q] != tt.want {
					t.Errorf("%s is asked for: %v", q.Metric.Name, asked[q])
				}
			}
			if !tt.want {
				return
			}
			readings[queries[1]] = with(readings[queries[1]], windowsAgo(3), 3900)
			readings[queries[3]] = with(readings[queries[3]], windowsAgo(3), 100)
			minimums := cautionQuery(r, r.Kind.MinimumMetric(), model.Minimum, testMoment)
			readings[minimums] = with(steady(minimums, 4), testNow.Add(-3*24*time.Hour).Truncate(time.Hour), 1)
			for at := testNow.Add(-3 * 24 * time.Hour).Truncate(time.Hour); at.Before(minimums.Window.End); at = at.Add(time.Hour) {
				readings[minimums] = with(readings[minimums], at, 1)
			}
			steps := cautionQuery(r, model.MetricActionsTaken, model.Sum, testMoment)
			readings[steps] = model.Series{Complete: true, Points: []model.Datapoint{{Time: testNow.Add(-73 * time.Hour).Truncate(time.Hour), Value: 1}}}
			d := decideWithCaution(r, readings, testSettings())
			if d.Verdict != None || !d.Caution.NotifyFailures || d.Caution.Contest.Undo != 4 || len(d.Caution.Remember) != 1 {
				t.Errorf("%s, %+v", d.Verdict, d.Caution)
			}
		})
	}
}

func TestContestedMinimumPauses(t *testing.T) {
	r := campaign(10, createdAgo(90*24*time.Hour))
	minimums := cautionQuery(r, r.Kind.MinimumMetric(), model.Minimum, testMoment)
	steps := cautionQuery(r, model.MetricActionsTaken, model.Sum, testMoment)
	contested := cautionQuery(r, model.MetricMinimumContested, model.Count, testMoment)
	end := minimums.Window.End
	// reversed sets the minimum back so many hours ago, after a step two hours earlier.
	reversed := func(readings model.Readings, hours int) {
		at := end.Add(-time.Duration(hours) * time.Hour)
		readings[minimums] = with(with(readings[minimums], at.Add(-time.Hour), 7), at.Add(-2*time.Hour), 7)
		marks := readings[steps]
		readings[steps] = model.Series{Complete: true, Points: append(marks.Points, model.Datapoint{Time: at.Add(-2 * time.Hour), Value: 1})}
	}
	tests := []struct {
		name     string
		hours    []int
		notified bool // before
		verdict  Verdict
		notify   bool
	}{
		{"never", nil, false, StepDown, false},
		{"once, 23 hours ago", []int{23}, false, Refused, true},
		{"once, 24 hours ago", []int{25}, false, StepDown, false},
		{"twice, the last 40 hours ago", []int{90, 40}, false, Refused, true},
		{"twice, the last 40 hours ago, notified before", []int{90, 40}, true, Refused, false},
		{"twice, the last 50 hours ago", []int{100, 50}, false, StepDown, false},
		{"six times, the last 29 days ago", []int{1400, 1300, 1200, 1100, 1000, 29 * 24}, false, Refused, true},
		{"six times, the last 31 days ago", []int{1400, 1300, 1200, 1100, 1000, 31 * 24}, false, StepDown, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			readings := cautionReadings(r)
			readings[minimums] = steady(minimums, 10)
			for _, hours := range tt.hours {
				reversed(readings, hours)
			}
			if tt.notified {
				readings[contested] = model.Series{Complete: true, Points: []model.Datapoint{{Time: end.Add(-85 * time.Hour), Value: 1}}}
			}
			d := decideWithCaution(r, readings, testSettings())
			if d.Verdict != tt.verdict || d.Caution.NotifyContest != tt.notify || d.Has(ReasonContested) != (tt.verdict == Refused) {
				t.Errorf("%s, notified %v, contest %+v (%s)", d.Verdict, d.Caution.NotifyContest, d.Caution.Contest, d.Reason)
			}
			if len(d.Caution.Remember) > 0 != tt.notify {
				t.Errorf("published %v", d.Caution.Remember)
			}
			delete(readings, contested)
			if d := decideWithCaution(r, readings, testSettings()); d.Verdict != tt.verdict || d.Caution.NotifyContest {
				t.Errorf("without knowing whether people were notified: %s, notified %v", d.Verdict, d.Caution.NotifyContest)
			}
		})
	}
}

// What was set back of an earlier endpoint with the same name does not count.
func TestContestOfAnEarlierEndpoint(t *testing.T) {
	for _, days := range []int{5, 20} {
		r := campaign(10, createdAgo(time.Duration(days)*24*time.Hour))
		readings := cautionReadings(r)
		minimums := cautionQuery(r, r.Kind.MinimumMetric(), model.Minimum, testMoment)
		at := minimums.Window.End.Add(-10 * 24 * time.Hour)
		readings[minimums] = with(steady(minimums, 10), at, 7)
		steps := cautionQuery(r, model.MetricActionsTaken, model.Sum, testMoment)
		readings[steps] = model.Series{Complete: true, Points: []model.Datapoint{{Time: at, Value: 1}}}
		c, _ := ContestOf(r, readings, testMoment)
		if (c.Reversals > 0) != (days == 20) {
			t.Errorf("created %d days ago: %+v", days, c)
		}
	}
}

// In the first day after it was set back the raise keeps the minimum, and people are notified
// of the contest all the same.
func TestContestIsNoticedWhileARaiseIsRecent(t *testing.T) {
	r := campaign(10)
	readings := cautionReadings(r)
	raise := minimumQuery(r, testMoment)
	readings[raise] = with(steady(raise, 10), windowsAgo(60), 7)
	minimums := cautionQuery(r, r.Kind.MinimumMetric(), model.Minimum, testMoment)
	readings[minimums] = with(steady(minimums, 10), windowsAgo(60).Truncate(time.Hour), 7)
	steps := cautionQuery(r, model.MetricActionsTaken, model.Sum, testMoment)
	readings[steps] = model.Series{Complete: true, Points: []model.Datapoint{{Time: windowsAgo(60).Truncate(time.Hour), Value: 1}}}
	d := decideWithCaution(r, readings, testSettings())
	if !d.Has(ReasonRaised) || !d.Has(ReasonContested) || !d.Caution.NotifyContest {
		t.Errorf("%v, %+v (%s)", d.Codes, d.Caution, d.Reason)
	}
}

// Each answer that is missing keeps the minimum, apart from whether people were notified, and
// notifies no one.
func TestCautionThatCouldNotBeRead(t *testing.T) {
	r := campaign(10)
	for _, q := range CautionQueries(Decision{Resource: r, Verdict: StepDown, At: testMoment}) {
		t.Run(q.Metric.Name, func(t *testing.T) {
			readings := cautionReadings(r)
			delete(readings, q)
			d := decideWithCaution(r, readings, testSettings())
			want := Refused
			if q.Metric.Name == model.MetricMinimumContested {
				want = StepDown
			}
			if d.Verdict != want || d.Has(ReasonUnread) != (want == Refused) || len(d.Caution.Remember) > 0 {
				t.Errorf("%s (%s), published %v", d.Verdict, d.Reason, d.Caution.Remember)
			}
		})
	}
}

// A dry run is refused likewise; a deletion that would be made is still reported.
func TestCautionInADryRun(t *testing.T) {
	r := campaign(10)
	readings := cautionReadings(r)
	holds := cautionQuery(r, model.MetricStepDownHold, model.Count, testMoment)
	readings[holds] = model.Series{Complete: true, Points: []model.Datapoint{{Time: testNow.Add(-24 * time.Hour).Truncate(time.Hour), Value: 1}}}
	s := testSettings()
	s.AdjustMinTPS = model.DryRun
	if d := decideWithCaution(r, readings, s); d.Verdict != Refused || d.Would != None || !d.Has(ReasonFailures) {
		t.Errorf("%s, would %s (%s)", d.Verdict, d.Would, d.Reason)
	}
	d := Decide(r, readings, testSettings(), testMoment)
	d.Would = Delete
	if d = ApplyCaution(d, readings); d.Verdict != Refused || d.Would != Delete || !strings.Contains(d.Reason, "nothing is stepped down until 2026-03-17 13:00") {
		t.Errorf("%s, would %s (%s)", d.Verdict, d.Would, d.Reason)
	}
}

// What changes nothing asks nothing more.
func TestCautionAsksOnlyWhereItApplies(t *testing.T) {
	for verdict, want := range map[Verdict]bool{None: false, Refused: false, Stop: false, Delete: false, StepDown: true} {
		if got := len(CautionQueries(Decision{Resource: campaign(10), Verdict: verdict, At: testMoment})) > 0; got != want {
			t.Errorf("%s: %v", verdict, got)
		}
	}
}
