package rules

import (
	"slices"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// A resource that was only listed is described before anything is done to it, and before
// it is kept because of an update that may be our own.
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
		{"a dry run of a deletion", Decision{Verdict: None, Would: Delete}, true},
		{"kept because of an update", Decision{Verdict: Refused, Codes: []ReasonCode{ReasonUpdated}}, true},
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

// Programs go by the codes; each of them leads to its verdict.
func TestReasonCodes(t *testing.T) {
	hourly := func(rate float64) func(model.Readings, model.Resource) {
		return func(rd model.Readings, r model.Resource) {
			rd[windowQuery(r, testMoment)] = steady(windowQuery(r, testMoment), rate*300)
			rd[hourlyQuery(r, testMoment)] = steady(hourlyQuery(r, testMoment), perHour(rate))
		}
	}
	tests := []struct {
		name     string
		resource model.Resource
		settings func(*Settings)
		change   func(model.Readings, model.Resource)
		verdict  Verdict
		codes    []ReasonCode
	}{
		{name: "not due", resource: campaign(5), settings: func(s *Settings) { s.HourlyChecks = model.Never }, verdict: None, codes: []ReasonCode{ReasonNotDue}},
		{name: "unread", resource: campaign(5, recipe("")), verdict: Refused, codes: []ReasonCode{ReasonUnread}},
		{name: "uncounted", resource: campaign(5, recipe("aws-next-best-action")), verdict: None, codes: []ReasonCode{ReasonUncounted}},
		{name: "stale", resource: campaign(5, func(r *model.Resource) { r.Stale = true }), verdict: Refused, codes: []ReasonCode{ReasonStale}},
		{name: "too new", resource: campaign(5, createdAgo(time.Hour)), verdict: None, codes: []ReasonCode{ReasonTooNew, ReasonTooNew}},
		{name: "idle", resource: campaign(5), verdict: Delete, codes: []ReasonCode{ReasonIdle}},
		{
			name: "idle, in a dry run, and stepped down", resource: campaign(5), settings: func(s *Settings) { s.StopIdle = model.DryRun },
			verdict: StepDown, codes: []ReasonCode{ReasonDryRun, ReasonOversized},
		},
		{
			name: "updated", resource: campaign(5, updatedAgo(time.Hour, "ACTIVE")),
			verdict: Refused, codes: []ReasonCode{ReasonUpdated},
		},
		{name: "unwatched", resource: recommender(1), verdict: Refused, codes: []ReasonCode{ReasonUnwatched, ReasonAtLowest}},
		{name: "kept", resource: campaign(5), change: hourly(6), verdict: None, codes: []ReasonCode{ReasonInUse, ReasonKept}},
		{name: "oversized", resource: campaign(5), change: hourly(2), verdict: StepDown, codes: []ReasonCode{ReasonOversized}},
		{
			name: "unconfirmed", resource: campaign(5, createdAgo(48*time.Hour)), change: hourly(2), verdict: None,
			codes: []ReasonCode{ReasonInUse, ReasonUnconfirmed},
		},
		{
			name: "region", resource: campaign(5), verdict: Refused, codes: []ReasonCode{ReasonInUse, ReasonRegion},
			change: func(rd model.Readings, r model.Resource) {
				hourly(0)(rd, r)
				rd[windowQuery(r, testMoment)] = steady(windowQuery(r, testMoment), 300)
				rd[hourlyQuery(r, testMoment)] = model.Series{Complete: true}
				delete(rd, gapsQuery(r, testMoment))
			},
		},
		{name: "paused", resource: campaign(5, updatedAgo(time.Minute, "ACTIVE")), change: hourly(2), verdict: Refused, codes: []ReasonCode{ReasonInUse, ReasonPaused}},
		{name: "busy", resource: campaign(5, updatedAgo(time.Hour, "CREATE PENDING")), change: hourly(2), verdict: Refused, codes: []ReasonCode{ReasonInUse, ReasonBusy}},
		{
			name: "off", resource: campaign(5), change: hourly(2), settings: func(s *Settings) { s.AdjustMinTPS = model.Off },
			verdict: None, codes: []ReasonCode{ReasonInUse, ReasonOff},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := testSettings()
			if tt.settings != nil {
				tt.settings(&s)
			}
			readings := readSilent(tt.resource, s, testMoment)
			if tt.change != nil {
				tt.change(readings, tt.resource)
			}
			d := Decide(tt.resource, readings, s, testMoment)
			if d.Verdict != tt.verdict || !slices.Equal(d.Codes, tt.codes) {
				t.Errorf("got %s, %v (%s), want %s, %v", d.Verdict, d.Codes, d.Reason, tt.verdict, tt.codes)
			}
			if refused := Refuse(d, "a guard"); !refused.Has(ReasonGuard) || d.Has(ReasonGuard) {
				t.Errorf("refused: %v, before %v", refused.Codes, d.Codes)
			}
		})
	}
}
