package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// shownAgo are readings of the metric: a stop each, some time ago.
func shownAgo(region string, now time.Time, complete bool, ago ...time.Duration) model.Readings {
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
	shared := func(ago ...time.Duration) Counts {
		c := Counts{}
		for _, d := range ago {
			c[CountedAt(now.Add(-d))]++
		}
		return c
	}
	minute := time.Minute
	tests := []struct {
		name     string
		readings model.Readings
		shared   Counts
		want     int
		ok       bool
	}{
		{"none", shownAgo("r", now, true), nil, 0, true},
		{"the metric alone", shownAgo("r", now, true, 3*minute, 40*minute), nil, 2, true},
		{"not shown by the metric yet", shownAgo("r", now, true), shared(minute, minute), 2, true},
		{"shown by both", shownAgo("r", now, true, 10*minute, 10*minute), shared(10*minute, 10*minute), 2, true},
		{"shown by the metric in part", shownAgo("r", now, true, 10*minute), shared(10*minute, 10*minute), 2, true},
		{"each shows what the other does not", shownAgo("r", now, true, 10*minute, 30*minute), shared(10*minute, 20*minute), 3, true},
		{"the tags are lost in part", shownAgo("r", now, true, 10*minute, 10*minute, 10*minute), shared(10 * minute), 3, true},
		{"an hour ago, counted by a clock that was behind", shownAgo("r", now, true), shared(64 * minute), 1, true},
		{"more than an hour ago", shownAgo("r", now, true), shared(74 * minute), 0, true},
		{"counted by a clock that is ahead", shownAgo("r", now, true), shared(-10 * minute), 1, true},
		{"not read completely", shownAgo("r", now, false), shared(minute), 0, false},
		{"not read", nil, nil, 0, false},
		{"another region's", shownAgo("s", now, true), nil, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			shown, ok := RemovalsShown("r", tt.readings, now)
			if ok != tt.ok {
				t.Fatalf("read: %t", ok)
			}
			if got := Spent(now, shown, tt.shared); ok && got != tt.want {
				t.Errorf("%d spent, want %d", got, tt.want)
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

func TestStepDownsAnHour(t *testing.T) {
	for endpoints, want := range map[int]int{0: 10, 1: 10, 54: 10, 55: 11, 300: 60, 301: 60} {
		if got := StepDownsAnHour(endpoints); got != want {
			t.Errorf("%d of %d endpoints, want %d", got, endpoints, want)
		}
	}
}

func TestLeaving(t *testing.T) {
	var list []model.Resource
	for _, status := range []model.Status{
		"DELETE PENDING", "DELETE IN_PROGRESS", "STOP PENDING", "STOP IN_PROGRESS", // these
		"ACTIVE", "INACTIVE", "CREATE FAILED", "START PENDING", "CREATE IN_PROGRESS", "DELETE FAILED",
	} {
		list = append(list, model.Resource{Status: status})
	}
	if got := Leaving(list); got != 4 {
		t.Errorf("%d", got)
	}
}

func TestApplyBudgets(t *testing.T) {
	m := EvaluationTime{Now: time.Date(2026, 3, 4, 12, 2, 30, 0, time.UTC)}
	regions := []string{"us-east-1", "eu-west-1"}
	decisions := func() (list []Decision) { // in each region 4 removals, 2 step-downs and 2 that change nothing
		for i := range 16 {
			r := campaign(1)
			r.ARN = r.ARN.WithResource(fmt.Sprintf("campaign/c-%d", i)).WithRegion(regions[i%2])
			verdict := []Verdict{Delete, Delete, Stop, Stop, StepDown, StepDown, None, Refused}[i/2%8]
			list = append(list, Decision{Resource: r, Verdict: verdict, Reason: "so"})
		}
		return list
	}
	left := func(removals, stepDowns int) map[string]map[Budgeted]Left {
		all := map[string]map[Budgeted]Left{}
		for _, region := range regions {
			all[region] = map[Budgeted]Left{Removals: {N: removals, Why: "enough ended in " + region}, StepDowns: {N: stepDowns, Why: "enough stepped in " + region}}
		}
		return all
	}
	// apply returns what is refused by the budgets, of each kind.
	apply := func(list []Decision, m EvaluationTime, left map[string]map[Budgeted]Left) (refused map[Budgeted][]string) {
		before := slices.Clone(list)
		ApplyBudgets(list, m, left)
		refused = map[Budgeted][]string{}
		for i, d := range list {
			kind := BudgetOf(before[i].Verdict)
			switch {
			case kind == "" && d.Reason != before[i].Reason:
				t.Errorf("a decision that changes nothing became %s: %s", d.Verdict, d.Reason)
			case kind != "" && d.Verdict == Refused:
				refused[kind] = append(refused[kind], d.Resource.ARN.String())
				why := map[Budgeted]string{Removals: "enough ended in ", StepDowns: "enough stepped in "}[kind] + d.Resource.Region()
				if left != nil && !strings.Contains(d.Reason, why) {
					t.Errorf("reason %q", d.Reason)
				}
			}
		}
		slices.Sort(refused[Removals])
		slices.Sort(refused[StepDowns])
		return refused
	}
	for _, tt := range []struct{ removals, stepDowns, refusedRemovals, refusedStepDowns int }{
		{-1, -1, 8, 4},
		{0, 9, 8, 0},
		{1, 1, 6, 2},
		{3, 0, 2, 4},
		{4, 2, 0, 0},
	} {
		refused := apply(decisions(), m, left(tt.removals, tt.stepDowns))
		if len(refused[Removals]) != tt.refusedRemovals || len(refused[StepDowns]) != tt.refusedStepDowns {
			t.Errorf("%+v: refused %v", tt, refused)
		}
	}
	if refused := apply(decisions(), m, nil); len(refused[Removals]) != 8 || len(refused[StepDowns]) != 4 {
		t.Errorf("nothing is known of the budgets: refused %v", refused)
	}
	for _, region := range regions {
		needed := BudgetsNeeded(decisions())
		if !slices.Equal(needed[region], []Budgeted{Removals, StepDowns}) || len(needed) != 2 {
			t.Errorf("needed %v", needed)
		}
	}
	// Whatever their order, the same are left out; in another hour others.
	turned := decisions()
	slices.Reverse(turned)
	first := apply(decisions(), m, left(2, 9))[Removals]
	if !slices.Equal(first, apply(turned, m, left(2, 9))[Removals]) {
		t.Error("the order matters")
	}
	different := false
	for hour := range 6 {
		later := EvaluationTime{Now: m.Now.Add(time.Duration(hour) * time.Hour)}
		different = different || !slices.Equal(first, apply(decisions(), later, left(2, 9))[Removals])
	}
	if !different {
		t.Error("the same are left out in every hour")
	}
}
