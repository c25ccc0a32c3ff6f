package rules

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// called are readings of a resource that was watched all the time and called in the hours
// that began so long before the end of the measured window.
func called(r model.Resource, s Settings, metric string, hoursAgo ...int) model.Readings {
	readings := readEmpty(r, s, testMoment)
	for _, q := range historyCalls(r, testMoment) {
		if q.Metric.Name != metric {
			continue
		}
		for _, ago := range slices.Backward(slices.Sorted(slices.Values(hoursAgo))) {
			at := testMoment.Window.End.Add(-time.Duration(ago) * time.Hour)
			readings[q] = with(readings[q], at, 7)
		}
	}
	return readings
}

// every are the hours of a caller who calls once in so many hours, the last time so long ago.
func every(period, last int) (hoursAgo []int) {
	for ago := last; ago < 90*24; ago += period {
		hoursAgo = append(hoursAgo, ago)
	}
	return hoursAgo
}

func TestSilenceMustBeUnusual(t *testing.T) {
	old := createdAgo(200 * 24 * time.Hour)
	sum := model.MetricGetRecommendations
	tests := []struct {
		name     string
		idle     int // IdleThresholdHours
		used     int // UsedIdleThresholdHours
		resource model.Resource
		metric   string
		calls    []int
		want     Verdict
		reason   string
	}{
		{name: "never called, long watched", idle: 24, used: 192, resource: campaign(1, old), want: Delete, reason: "needs 24; no earlier call in 90 days"},
		// Called at every hour until 193 hours before the end: the 24 latest hours are too recent to be silent.
		{
			name: "busy until 216 h ago", idle: 24, used: 192, resource: campaign(1, old), metric: sum, calls: every(1, 217), want: Delete,
			reason: "idle: 192 watched hours without a call (needs 192; longest earlier silence 1 h; 24 h unknown: 24 too recent)",
		},
		{
			name: "busy until 215 h ago", idle: 24, used: 192, resource: campaign(1, old), metric: sum, calls: every(1, 216), want: None,
			reason: "silent for 191 of the 192 watched hours needed: longest earlier silence 1 h; 24 h unknown: 24 too recent",
		},
		{name: "the parameter is shorter", idle: 24, used: 48, resource: campaign(1, old), metric: sum, calls: every(1, 73), want: Delete, reason: "needs 48;"},
		{name: "but not than the idle time", idle: 168, used: 48, resource: campaign(1, old), metric: sum, calls: every(1, 190), want: None, reason: "of the 168 watched hours"},
		{name: "failed calls are calls", idle: 24, used: 192, resource: campaign(1, old), metric: sum + model.Suffix4xx, calls: every(1, 100), want: None},
		{
			name: "of any operation", idle: 24, used: 192, resource: recommender(1, old), metric: model.MetricGetActionRecommendations + model.Suffix5xx,
			calls: every(1, 100), want: Refused, // it was not watched in the idle time either
		},
		{
			name: "called one hour a week, the latest call 2 h late, idle time 24 h", idle: 24, used: 192, resource: campaign(1, old), metric: sum,
			calls: every(168, 169), want: None, reason: "silent for 144 of the 334 watched hours needed: longest earlier silence 167 h",
		},
		{
			name: "the same, idle time 168 h", idle: 168, used: 168, resource: campaign(1, old), metric: sum,
			calls: every(168, 169), want: None, reason: "of the 334 watched hours needed",
		},
		{
			name: "the weekly caller has been away for over two weeks", idle: 24, used: 192, resource: campaign(1, old), metric: sum,
			calls: every(168, 334+24+1), want: Delete, reason: "idle: 334 watched hours without a call (needs 334; longest earlier silence 167 h",
		},
		{
			name: "called first after 30 days: it may take as long again", idle: 24, used: 192, resource: campaign(1, createdAgo(60*24*time.Hour)), metric: sum,
			calls: []int{30 * 24}, want: None, reason: "of the 1080 watched hours needed: longest earlier silence 720 h",
		},
		{
			name: "more than 1080 hours are never needed", idle: 24, used: 192, resource: campaign(1, old), metric: sum, calls: []int{1080 + 24 + 1}, want: Delete,
			reason: "needs 1080; longest earlier silence 1055 h",
		},
		{name: "a single call 85 days ago", idle: 24, used: 192, resource: campaign(1, old), metric: sum, calls: []int{85 * 24}, want: Delete, reason: "needs 240; longest earlier silence 120 h"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := testSettings()
			s.IdleHours, s.UsedIdleHours = tt.idle, tt.used
			d := Decide(tt.resource, called(tt.resource, s, tt.metric, tt.calls...), s, testMoment)
			if d.Verdict != tt.want || !strings.Contains(d.Reason, tt.reason) {
				t.Errorf("got %s (%s), want %s (%s)", d.Verdict, d.Reason, tt.want, tt.reason)
			}
			if d.Verdict == None && !d.Has(ReasonUsual) {
				t.Errorf("codes %v", d.Codes)
			}
		})
	}
}

// Hours that were not watched neither count nor end the silence.
func TestOnlyWatchedHoursAreSilence(t *testing.T) {
	s := testSettings()
	r := campaign(1)
	q := historyMinimums(r, testMoment)
	from := func(hoursAgo int) time.Time { return testMoment.Window.End.Add(-time.Duration(hoursAgo) * time.Hour) }
	tests := []struct {
		name   string
		change func(model.Series) model.Series
		want   Verdict
		reason string
	}{
		{"watched for 24 hours, a day ago", func(m model.Series) model.Series {
			return without(m, between(q.Window.Start, from(48).Add(-30*time.Minute))...)
		}, Delete, "idle: 24 watched hours"},
		{"watched for 24, but the first may be that of a start", func(m model.Series) model.Series { return without(m, between(q.Window.Start, from(48))...) }, None, "silent for 23 of the 24 watched hours"},
		{"twelve hours twice, apart", func(m model.Series) model.Series {
			return without(without(m, between(q.Window.Start, from(85))...), between(from(72), from(37))...)
		}, Delete, "idle: 24 watched hours"},
		{"every hour lacks one of its windows", func(m model.Series) model.Series {
			for at := q.Window.Start; at.Before(q.Window.End); at = at.Add(time.Hour) {
				m = without(m, at.Add(20*time.Minute))
			}
			return m
		}, None, "silent for 0 of the 24 watched hours"},
		{"never watched", func(model.Series) model.Series { return model.Series{Complete: true} }, None, "silent for 0 of the 24"},
		{"not read completely", func(m model.Series) model.Series { return model.Series{Points: m.Points} }, Refused, "its calls of the last 90 days could not be read completely"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			readings := readEmpty(r, s, testMoment)
			readings[q] = tt.change(readings[q])
			if d := Decide(r, readings, s, testMoment); d.Verdict != tt.want || !strings.Contains(d.Reason, tt.reason) {
				t.Errorf("got %s (%s), want %s (%s)", d.Verdict, d.Reason, tt.want, tt.reason)
			}
		})
	}
	for _, calls := range historyCalls(r, testMoment) {
		readings := readEmpty(r, s, testMoment)
		readings[calls] = model.Series{}
		if d := Decide(r, readings, s, testMoment); d.Verdict != Refused || !d.Has(ReasonUnread) {
			t.Errorf("%s not read: %s (%s)", calls.Metric.Name, d.Verdict, d.Reason)
		}
	}
	for _, calls := range historyCalls(r, testMoment) { // a datapoint without a call is silence
		readings := readEmpty(r, s, testMoment)
		readings[calls] = with(readings[calls], from(30), 0)
		if d := Decide(r, readings, s, testMoment); d.Verdict != Delete {
			t.Errorf("a zero of %s: %s (%s)", calls.Metric.Name, d.Verdict, d.Reason)
		}
	}
}

// The history is asked for only where nothing else stands against a removal.
func TestHistoryIsReadOfCandidatesAlone(t *testing.T) {
	s := testSettings()
	due := func(r model.Resource, s Settings, change func(model.Readings)) []model.Query {
		readings := readEmpty(r, s, testMoment)
		for _, q := range historyCalls(r, testMoment) {
			delete(readings, q)
		}
		delete(readings, historyMinimums(r, testMoment))
		if change != nil {
			change(readings)
		}
		d := Decide(r, readings, s, testMoment)
		if d.Verdict.Changes() {
			t.Errorf("without its history: %s (%s)", d.Verdict, d.Reason)
		}
		if refused := Refuse(d, "so"); len(HistoryQueries(refused)) > 0 {
			t.Error("asked for though refused")
		}
		return HistoryQueries(d)
	}
	off, dryRun := s, s
	off.StopIdle, dryRun.StopIdle = model.Off, model.DryRun
	busyNow := func(readings model.Readings) {
		q := windowQuery(campaign(1), testMoment)
		readings[q] = with(readings[q], testMoment.Window.Start, 1)
	}
	for _, tt := range []struct {
		name     string
		resource model.Resource
		settings Settings
		change   func(model.Readings)
		want     int
	}{
		{"a candidate", campaign(1), s, nil, 11},
		{"of a dry run", campaign(1), dryRun, nil, 11},
		{"switched off", campaign(1), off, nil, 0},
		{"in use", campaign(1), s, busyNow, 0},
		{"updated by a person", campaign(1, updatedAgo(time.Hour, "ACTIVE")), s, nil, 0},
		{"busy", campaign(1, updatedAgo(time.Hour, "CREATE PENDING")), s, nil, 0},
		{"too new", campaign(1, createdAgo(time.Hour)), s, nil, 0},
		{"of an unknown recipe", campaign(1, func(r *model.Resource) { r.Recipe = "aws-quite-new" }), s, nil, 0},
	} {
		if got := due(tt.resource, tt.settings, tt.change); len(got) != tt.want {
			t.Errorf("%s: %d questions", tt.name, len(got))
		}
	}
	points, windows := 0, map[model.Window]bool{}
	for _, q := range due(campaign(1), s, nil) {
		windows[q.Window] = true
		points += int(q.Window.Duration() / q.Period)
	}
	if len(windows) != 1 || points > 100_800/3 {
		t.Errorf("%d windows, which are calls, and %d datapoints", len(windows), points)
	}
}

// Traffic of a recipe that this build does not know may be invisible. One call, or one
// datapoint of zero, does not make it visible.
func TestUncertainRecipesAreNeverRemoved(t *testing.T) {
	for _, recipe := range []string{"aws-quite-new", "aws-next-best-action", "my-own"} {
		for _, value := range []float64{0, 1} {
			r, s := campaign(1, func(r *model.Resource) { r.Recipe = recipe }), testSettings()
			readings := readEmpty(r, s, testMoment)
			q := presenceQuery(r, testMoment)
			readings[q] = with(readings[q], testMoment.Window.End.Add(-13*24*time.Hour), value)
			readings[windowQuery(r, testMoment)] = model.Series{Complete: true}
			for _, q := range CheckQueries(r, Throughput{Readable: true}, s, testMoment) {
				readings[q] = model.Series{Complete: true}
			}
			d := Decide(r, readings, s, testMoment)
			if d.Verdict != Refused || !d.Has(ReasonUncertain) || !strings.Contains(d.Reason, recipe) {
				t.Errorf("%s, %g: %s %v (%s)", recipe, value, d.Verdict, d.Codes, d.Reason)
			}
			known := campaign(1)
			if d := Decide(known, readEmpty(known, s, testMoment), s, testMoment); d.Verdict != Delete {
				t.Errorf("a known recipe: %s (%s)", d.Verdict, d.Reason)
			}
		}
	}
}

// Hours in which the data of the whole region are missing are not silence, and before a removal
// it must be known which those are.
func TestGapsOfTheRegionAreNotSilence(t *testing.T) {
	r, s := campaign(1), testSettings()
	s.IdleHours = 24
	readings := readEmpty(r, s, testMoment)
	gaps := gapsQuery(r, testMoment)
	readings[gaps] = model.Series{}
	d := Decide(r, readings, s, testMoment)
	if d.Verdict != Refused || !d.Has(ReasonRegion) || !slices.Equal(SilenceQueries(d), []model.Query{gaps}) {
		t.Errorf("not read: %s %v (%s)", d.Verdict, d.Codes, d.Reason)
	}
	if refused := Refuse(d, "so"); len(SilenceQueries(refused)) > 0 {
		t.Error("another guard's refusal would be decided again")
	}
	s.IdleHours = 28 * 24 // of 30 days: all but two may be unknown
	readings = readEmpty(r, s, testMoment)
	if d := Decide(r, readings, s, testMoment); d.Verdict != Delete {
		t.Fatalf("without a gap: %s (%s)", d.Verdict, d.Reason)
	}
	readings[gaps] = steady(gaps, 3)
	readings[gaps] = model.Series{Points: readings[gaps].Points[:48], Complete: true}
	if d := Decide(r, readings, s, testMoment); d.Verdict != None || !strings.Contains(d.Reason, "48 no data for most endpoints of the region") {
		t.Errorf("two days: %s (%s)", d.Verdict, d.Reason)
	}
}
