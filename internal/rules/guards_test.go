package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

func TestProtected(t *testing.T) {
	now := time.Date(2027, 1, 31, 23, 59, 59, 0, time.UTC)
	tests := []struct {
		value            string
		fromEnd, fromTPS bool // protected from a stop or delete, and from a step-down
	}{
		{"true", true, true},
		{"All", true, true},
		{" TRUE ", true, true},
		{"idle", true, false},
		{"tps", false, true},
		{"false", false, false},
		{"idle until 2027-01-31", true, false}, // to the end of the day
		{"idle until 2027-01-30", false, false},
		{"tps until 2027-02-01", false, true},
		{"true until 2028-02-29", true, true},
		{"until 2027-01-31", true, true},
		{"UNTIL 2027-01-30", false, false},
		{"", true, true}, // what is not clear protects
		{"yes", true, true},
		{"idle,tps", true, true},
		{"idle until tomorrow", true, true},
		{"idle until 2027-02-30", true, true},
		{"until", true, true},
		{"idle tps until 2027-02-01", true, true},
	}
	for _, tt := range tests {
		t.Run(tt.value, func(t *testing.T) {
			tags := map[string]string{"team": "search", ProtectTag: tt.value}
			for action, want := range map[Verdict]bool{Stop: tt.fromEnd, Delete: tt.fromEnd, StepDown: tt.fromTPS} {
				why := Protected(tags, action, now)
				if (why != "") != want {
					t.Errorf("%s: %q", action, why)
				}
				if want && !strings.Contains(why, ProtectTag+"="+strings.TrimSpace(tt.value)) {
					t.Errorf("%s: %q does not name the tag", action, why)
				}
				if why != strings.TrimSpace(why) {
					t.Errorf("%s: %q begins or ends with a space", action, why)
				}
			}
		})
	}
	for _, tags := range []map[string]string{nil, {}, {"protect": "true"}, {"personalize-monitor:protected": "true"}} {
		if why := Protected(tags, Delete, now); why != "" {
			t.Errorf("%v: %q", tags, why)
		}
	}
	if Protected(map[string]string{"Personalize-Monitor:Protect": "true"}, Delete, now) == "" {
		t.Error("not protected by a tag in other letters")
	}
}

func FuzzProtected(f *testing.F) {
	for _, seed := range []string{"true", "idle", "tps until 2027-01-31", "until", "until until 2027-01-31", "\x00"} {
		f.Add(seed)
	}
	now := time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value string) {
		tags := map[string]string{ProtectTag: value}
		free := Protected(tags, Delete, now) == "" && Protected(tags, StepDown, now) == ""
		words := strings.Fields(strings.ToLower(value))
		over := len(words) >= 2 && words[len(words)-2] == "until"
		if free && !over && strings.Join(words, " ") != "false" {
			t.Errorf("%q protects from nothing", value)
		}
	})
}

// spent are readings of the metric: by region, minutes ago and action.
func spent(region string, now time.Time, complete bool, ago ...time.Duration) model.Readings {
	readings := model.Readings{}
	for i, q := range RemovalQueries(region, now) {
		series := model.Series{Complete: complete}
		for _, d := range ago {
			if i == 0 {
				series.Points = append(series.Points, model.Datapoint{Time: now.Add(-d).Truncate(WindowLength), Value: 1})
			}
		}
		readings[q] = series
	}
	return readings
}

func TestRemovalsSpent(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 2, 30, 0, time.UTC)
	own := func(ago ...time.Duration) (times []time.Time) {
		for _, d := range ago {
			times = append(times, now.Add(-d))
		}
		return times
	}
	minute := time.Minute
	tests := []struct {
		name     string
		readings model.Readings
		own      []time.Time
		want     int
		ok       bool
	}{
		{"none", spent("r", now, true), nil, 0, true},
		{"others' alone", spent("r", now, true, 3*minute, 40*minute), nil, 2, true},
		{"ours, not shown yet", spent("r", now, true), own(minute, minute), 2, true},
		{"ours, shown since", spent("r", now, true, 10*minute, 10*minute), own(10*minute, 10*minute), 2, true},
		{"ours, of which not all are shown", spent("r", now, true, 10*minute), own(10*minute, 10*minute), 2, true},
		{"ours shown, others' not by us", spent("r", now, true, 10*minute, 30*minute), own(10 * minute), 2, true},
		{"ours and others' in the same minutes", spent("r", now, true, 10*minute, 10*minute, 10*minute), own(10 * minute), 3, true},
		{"ours of an hour ago are over", spent("r", now, true), own(70 * minute), 0, true},
		{"not read completely", spent("r", now, false), own(minute), 0, false},
		{"not read", nil, nil, 0, false},
		{"another region's", spent("s", now, true), nil, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := RemovalsSpent("r", tt.readings, tt.own, now); got != tt.want || ok != tt.ok {
				t.Errorf("got %d, %v", got, ok)
			}
		})
	}
	var counted []string
	for _, q := range RemovalQueries("r", now) {
		counted = append(counted, q.Metric.DimensionValue)
		if q.Window.Start.After(now.Add(-budgetSpan)) || q.Window.End.Before(now) {
			t.Errorf("%v does not hold the last hour", q.Window)
		}
	}
	if want := []string{string(Stop), string(Delete)}; !slices.Equal(counted, want) {
		t.Errorf("counts %v, not %v", counted, want)
	}
}

// A recommender that was not seen for two windows may just have been missed, however short the idle time.
func TestTwoWindowsUnwatchedAreAllowed(t *testing.T) {
	w := model.NewWindow(time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC), time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
	for missing, want := range map[int]bool{2: false, 3: true} {
		var seen model.Series
		for at := w.Start; at.Before(w.End); at = at.Add(WindowLength) {
			if i := int(at.Sub(w.Start) / WindowLength); i < 10 || i >= 10+missing {
				seen.Points = append(seen.Points, model.Datapoint{Time: at})
			}
		}
		if _, _, found := unwatched(seen, w); found != want {
			t.Errorf("%d windows missing: %t", missing, found)
		}
	}
}

func TestApplyBudget(t *testing.T) {
	m := EvaluationTime{Now: time.Date(2026, 3, 4, 12, 2, 30, 0, time.UTC)}
	decisions := func() (list []Decision) {
		for i := range 12 {
			r := campaign(1)
			r.ARN.Resource = fmt.Sprintf("campaign/c-%d", i)
			r.ARN.Region = []string{"us-east-1", "eu-west-1"}[i%2]
			list = append(list, Decision{Resource: r, Verdict: []Verdict{Delete, Stop, StepDown}[i%3], Reason: "so"})
		}
		return list
	}
	ration := func(list []Decision, m EvaluationTime, left int) (refused []string) {
		asked := map[string]int{}
		ApplyBudget(list, m, func(region string) (int, string) { asked[region]++; return left, "enough" })
		for _, d := range list {
			if d.Verdict == Refused {
				refused = append(refused, d.Resource.ARN.String())
				if !strings.Contains(d.Reason, "enough") {
					t.Errorf("reason %q", d.Reason)
				}
			}
		}
		if asked["us-east-1"] != 1 || asked["eu-west-1"] != 1 {
			t.Errorf("asked %v", asked)
		}
		slices.Sort(refused)
		return refused
	}
	for left, want := range map[int]int{-1: 8, 0: 8, 1: 6, 3: 2, 4: 0, 9: 0} { // four in each region
		if refused := ration(decisions(), m, left); len(refused) != want {
			t.Errorf("%d left: %d refused", left, len(refused))
		}
	}
	// Whatever their order, the same are left out; in another hour others.
	turned := decisions()
	slices.Reverse(turned)
	first := ration(decisions(), m, 2)
	if !slices.Equal(first, ration(turned, m, 2)) {
		t.Error("the order matters")
	}
	different := false
	for hour := range 6 {
		later := EvaluationTime{Now: m.Now.Add(time.Duration(hour) * time.Hour)}
		different = different || !slices.Equal(first, ration(decisions(), later, 2))
	}
	if !different {
		t.Error("the same are left out in every hour")
	}
}

func TestNotifyDryRun(t *testing.T) {
	d := Decision{Resource: campaign(1), By: Settings{HourlyChecks: model.Always}}
	if !NotifyDryRun(d) {
		t.Error("a person who has everything checked now is not notified")
	}
	d.By.HourlyChecks = model.Auto
	notified := 0
	for hour := range 24 {
		d.At.Window = model.NewWindow(testNow.Add(time.Duration(hour)*time.Hour), testNow)
		if NotifyDryRun(d) {
			notified++
		}
	}
	if notified != 1 {
		t.Errorf("notified %d times a day", notified)
	}
}
