package web

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

func TestSavedBy(t *testing.T) {
	const (
		campaign    = "arn:aws:personalize:us-east-1:123456789012:campaign/c"
		recommender = "arn:aws:personalize:us-east-1:123456789012:recommender/r"
	)
	start := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	at := func(hour float64) time.Time { return start.Add(time.Duration(hour * float64(time.Hour))) }
	step := func(hour float64, before, after int) events.Audit {
		return events.Audit{
			Time: at(hour), ARN: campaign, Action: model.ActionUpdate, Outcome: events.OutcomeDone, Automatic: true,
			NewMinTPS: after, Before: &events.Before{MinTPS: before},
		}
	}
	stop := func(hour float64) events.Audit {
		return events.Audit{Time: at(hour), ARN: recommender, Action: model.ActionStop, Outcome: events.OutcomeDone, Automatic: true, Before: &events.Before{MinTPS: 3}}
	}
	started := events.Audit{Time: at(7), ARN: recommender, Action: model.ActionStart, Outcome: events.OutcomeDone}
	// The minimum in force and the demand of each of ten hours.
	hours := func(minimum, actual []float64) []billing.Hour {
		var list []billing.Hour
		for i := range minimum {
			list = append(list, billing.Hour{Start: at(float64(i)), Provisioned: minimum[i], Actual: actual[i]})
		}
		return list
	}
	quiet := []float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
	for _, tt := range []struct {
		name    string
		audits  []events.Audit
		hours   []billing.Hour
		present bool
		want    saved
	}{
		{"a step saves the difference in each whole hour since", []events.Audit{step(3.5, 10, 6)}, hours([]float64{10, 10, 10, 8, 6, 6, 6, 6, 6, 6}, quiet), true, saved{TPSHours: 24, Actions: 1}},
		{"two steps save what both saved", []events.Audit{step(6, 6, 4), step(4, 10, 6)}, hours([]float64{10, 10, 10, 10, 6, 6, 4, 4, 4, 4}, quiet), true, saved{TPSHours: 6*4 + 4*2, Actions: 2}},
		{"demand above the former minimum saves nothing", []events.Audit{step(0, 10, 6)}, hours([]float64{6, 6}, []float64{12, 8}), true, saved{TPSHours: 2, Actions: 1}},
		{"raised again, it saves no more", []events.Audit{step(0, 10, 6)}, hours([]float64{6, 6, 10, 10}, quiet), true, saved{TPSHours: 8, Actions: 1}},
		{"a person's step is not the monitor's", []events.Audit{with(step(0, 10, 6), func(a *events.Audit) { a.Automatic = false })}, hours([]float64{6, 6}, quiet), true, saved{}},
		{"what was only asked for saves nothing", []events.Audit{with(step(0, 10, 6), func(a *events.Audit) { a.Outcome = events.OutcomeAsked })}, hours([]float64{6, 6}, quiet), true, saved{}},
		{"a stop saves the whole minimum until now", []events.Audit{stop(4)}, nil, false, saved{TPSHours: 6 * 3, Actions: 1}},
		{"a stop saves until the start", []events.Audit{started, stop(4)}, nil, true, saved{TPSHours: 3 * 3, Actions: 1}},
		{"a stop before the span saves within it", []events.Audit{stop(-30)}, nil, false, saved{TPSHours: 30, Actions: 1}},
		{"a stop undone by nobody knows whom is uncertain", []events.Audit{stop(4)}, nil, true, saved{Uncertain: 1}},
		{"a stop after the span has saved nothing yet", []events.Audit{stop(11)}, nil, false, saved{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ledger := &report.Ledger{Window: model.Window{Start: start, End: at(10)}, Resources: []report.Entry{{Subject: report.Subject{ARN: campaign}, Usage: &billing.Usage{}, Hourly: tt.hours}}}
			tt.want.Money, tt.want.Unpriced = map[string]float64{}, tt.want.Actions
			if diff := cmp.Diff(tt.want, savedBy(tt.audits, ledger, map[string]bool{recommender: tt.present})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	if got := savedBy([]events.Audit{stop(4)}, nil, nil); got.TPSHours != 0 || got.Actions != 0 {
		t.Errorf("without a ledger: %+v", got)
	}
}
