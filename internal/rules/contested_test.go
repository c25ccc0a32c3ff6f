package rules

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// hourly makes a series of hours from midnight on; a negative value is an hour without data.
func hourly(values ...float64) []model.Datapoint {
	var points []model.Datapoint
	for i, v := range values {
		if v >= 0 {
			points = append(points, model.Datapoint{Time: hourAt(i), Value: v})
		}
	}
	return points
}

func hourAt(i int) time.Time { return time.Date(2026, 3, 1, i, 0, 0, 0, time.UTC) }

func TestContest(t *testing.T) {
	tests := []struct {
		name     string
		minimums []model.Datapoint
		steps    []int // hours in which steps were accepted
		want     Contest
	}{
		{"no history", nil, nil, Contest{}},
		{"a step of ours that stays", hourly(12, 12, 9, 9), []int{1}, Contest{Undo: 12, Step: hourAt(2)}},
		{"set back", hourly(12, 9, 9, 12), []int{1}, Contest{Reversals: 1, Last: hourAt(3), Minimum: 12}},
		{"set higher", hourly(12, 9, 9, 20), []int{1}, Contest{Reversals: 1, Last: hourAt(3), Minimum: 20}},
		{"set higher, but not as far", hourly(12, 9, 9, 11), []int{1}, Contest{Undo: 12, Step: hourAt(1)}},
		{"set back in two raises", hourly(12, 9, 11, 12), []int{1}, Contest{Reversals: 1, Last: hourAt(3), Minimum: 12}},
		{"the whole descent is set back", hourly(40, 30, 22, 16, 16, 40), []int{1, 2, 3}, Contest{Reversals: 1, Last: hourAt(5), Minimum: 40}},
		{"the last step of a descent is undone", hourly(40, 30, 22, 30), []int{1, 2}, Contest{Reversals: 1, Last: hourAt(3), Minimum: 30}},
		{"set back again and again", hourly(12, 9, 12, 12, 9, 12, 9, 12), []int{1, 4, 6}, Contest{Reversals: 3, Last: hourAt(7), Minimum: 12}},
		{"a person lowers and raises it", hourly(12, 5, 12, 5, 12), nil, Contest{}},
		{"a person lowers and raises it below what we stepped from", hourly(40, 30, 30, 30, 30, 10, 30, 10, 30), []int{1}, Contest{Undo: 40, Step: hourAt(1)}},
		{"the step shows two hours after it was accepted", hourly(12, 12, 12, 9, 12), []int{0}, Contest{Reversals: 1, Last: hourAt(4), Minimum: 12}},
		{"a step that failed is not set back", hourly(12, 12, 12, 12), []int{1}, Contest{}},
		{"what happened while nothing was published", hourly(12, 9, -1, -1, 12), []int{1}, Contest{Reversals: 1, Last: hourAt(4), Minimum: 12}},
		{"a step while nothing was published", hourly(12, -1, -1, 9, 12), []int{2}, Contest{Reversals: 1, Last: hourAt(4), Minimum: 12}},
		{"raised by a person without a step before", hourly(8, 12), []int{0}, Contest{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var steps []model.Datapoint
			for _, hour := range tt.steps {
				steps = append(steps, model.Datapoint{Time: hourAt(hour), Value: 1})
			}
			r := campaign(9)
			queries := ContestQueries(r, testMoment)
			readings := model.Readings{queries[0]: {Points: tt.minimums, Complete: true}, queries[1]: {Points: steps, Complete: true}}
			got, complete := ContestOf(r, readings, testMoment)
			if diff := cmp.Diff(tt.want, got); diff != "" || !complete {
				t.Error(diff, complete)
			}
		})
	}
}

func TestPauseOfAContestedMinimum(t *testing.T) {
	for reversals, days := range map[int]int{1: 1, 2: 2, 3: 4, 4: 8, 5: 16, 6: 30, 7: 30, 50: 30} {
		c := Contest{Reversals: reversals, Last: hourAt(0)}
		if got := c.Until().Sub(c.Last); got != time.Duration(days)*24*time.Hour {
			t.Errorf("%d reversals: a pause of %v, want %d days", reversals, got, days)
		}
	}
	c := Contest{Reversals: 1, Last: hourAt(0), Undo: 12, Step: hourAt(100)}
	if got := c.Until(); !got.Equal(hourAt(124)) {
		t.Errorf("after the next step: %v, want a day later", got)
	}
	if got := (Contest{Undo: 12, Step: hourAt(100)}).Until(); !got.IsZero() {
		t.Errorf("not contested: %v", got)
	}
}
