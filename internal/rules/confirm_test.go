package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

func TestRecentCallsRefuseAStop(t *testing.T) {
	r := campaign(1)
	queries := RecentCallQueries(r, testMoment)
	if len(queries) != 9 || queries[0].Window != model.NewWindow(testMoment.Window.End, testMoment.Window.End.Add(WindowLength)) {
		t.Fatalf("%d queries, %v", len(queries), queries)
	}
	tests := []struct {
		name   string
		action Verdict
		change func(model.Readings)
		want   Verdict
		reason string
	}{
		{"no call seen", Delete, func(model.Readings) {}, Delete, ""},
		{"a call seen", Delete, func(rd model.Readings) { rd[queries[0]] = steady(queries[0], 3) }, Refused, "it was called 3 times since 12:00"},
		{"a failed call seen", Stop, func(rd model.Readings) { rd[queries[8]] = steady(queries[8], 1) }, Refused, "it was called 1 times"},
		{"unread", Delete, func(rd model.Readings) { delete(rd, queries[4]) }, Refused, "could not be read"},
		{"a step-down does not mind", StepDown, func(rd model.Readings) { rd[queries[0]] = steady(queries[0], 3) }, StepDown, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			readings := model.Readings{}
			for _, q := range queries {
				readings[q] = model.Series{Complete: true}
			}
			tt.change(readings)
			d := RefuseIfCalled(Decision{Resource: r, Verdict: tt.action}, readings, testMoment)
			if d.Verdict != tt.want || !strings.Contains(d.Reason, tt.reason) {
				t.Errorf("%s (%s)", d.Verdict, d.Reason)
			}
		})
	}
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	if got := RecentCallQueries(r, EvaluationTime{Now: now, Window: MeasuredWindow(now, 0)}); got != nil {
		t.Errorf("nothing lies between: %v", got)
	}
}
