package rules

import (
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// A resource that was only listed is described before anything is done to it, and before
// it is spared because of an update that may be our own.
func TestWhatNeedsADescription(t *testing.T) {
	tests := []struct {
		name     string
		decision Decision
		want     bool
	}{
		{"nothing to do", Decision{Verdict: None}, false},
		{"refused", Decision{Verdict: Refused}, false},
		{"a step-down", Decision{Verdict: StepDown}, true},
		{"a stop", Decision{Verdict: Stop}, true},
		{"a deletion", Decision{Verdict: Delete}, true},
		{"spared because of an update", Decision{Verdict: Refused, Idle: Idle{Touched: true}}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := NeedsDescription(tt.decision); got != tt.want {
				t.Errorf("listed only: %v", got)
			}
			tt.decision.Resource.Described = true
			if NeedsDescription(tt.decision) {
				t.Error("described, and again")
			}
		})
	}
}

// Should the measured window ever lie so far back that there is no whole hour before it,
// the lowest hour is not taken for zero.
func TestNoStepWithoutAWholeHour(t *testing.T) {
	r := campaign(8, createdAgo(25*time.Hour))
	end := r.Created.Truncate(time.Hour).Add(30 * time.Minute)
	m := EvaluationTime{Now: testNow, Window: model.NewWindow(end.Add(-WindowLength), end)}
	s := testSettings()
	s.StopIdle = model.Off
	d := Decide(r, readEmpty(r, s, m), s, m)
	if d.Verdict != Refused || d.StepDown.Hours != 0 {
		t.Errorf("%s (%s) over %d hours", d.Verdict, d.Reason, d.StepDown.Hours)
	}
}
