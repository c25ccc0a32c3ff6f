package web

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// One decision is one entry, and so is what repeats, until its reason or outcome changes.
func TestActivityCollapses(t *testing.T) {
	const arn = "arn:aws:personalize:us-east-1:123456789012:campaign/c"
	parsed, _, err := model.ParseResourceARN(arn)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	record := func(minutes int, outcome, reason string, from, to int) events.Audit {
		a := events.Audit{Time: start.Add(time.Duration(minutes) * time.Minute), ARN: arn, Action: model.ActionUpdate, Outcome: outcome, Reason: reason, NewMinTPS: to, Automatic: true}
		if from > 0 {
			a.Before = &events.Before{MinTPS: from}
		}
		return a
	}
	for _, tt := range []struct {
		name   string
		audits []events.Audit // oldest first
		want   []string
	}{
		{"the request and the outcome of a decision", []events.Audit{record(0, events.OutcomeAsked, "r", 0, 22), record(1, events.OutcomeDone, "r", 30, 22)}, []string{"lowered from 30 to 22"}},
		{"a start, and an outcome of the same second that is on record before it", []events.Audit{
			record(0, events.OutcomeAsked, "r", 0, 22), record(1, events.OutcomeDone, "r", 30, 22), record(1, events.OutcomeBegun, "r", 30, 22),
		}, []string{"lowered from 30 to 22"}},
		{"an event that came twice", []events.Audit{
			record(0, events.OutcomeAsked, "r", 0, 22), record(1, events.OutcomeDone, "r", 30, 22), record(2, events.OutcomeAlready, "it is 22", 22, 22),
		}, []string{"lowered from 30 to 22"}},
		{"a refusal of what was requested", []events.Audit{record(0, events.OutcomeAsked, "r", 0, 22), record(1, events.OutcomeRefused, "a tag", 30, 22)}, []string{"step-down blocked from 30 to 22"}},
		{"a request alone runs", []events.Audit{record(2850, events.OutcomeAsked, "r", 0, 22)}, []string{"being set to 22 (running)"}},
		{"and so does what was begun", []events.Audit{record(2850, events.OutcomeAsked, "r", 0, 22), record(2851, events.OutcomeBegun, "r", 30, 22)}, []string{"being lowered from 30 to 22 (running)"}},
		{"for an hour", []events.Audit{record(2820, events.OutcomeBegun, "r", 30, 22)}, []string{"step-down from 30 to 22, outcome unknown"}},
		{"what is accepted, while the endpoint is updated", []events.Audit{record(2820, events.OutcomeDone, "r", 30, 17)}, []string{"lowered from 30 to 17 (running)"}},
		{"not those of another minimum", []events.Audit{record(0, events.OutcomeAsked, "r", 0, 20), record(1, events.OutcomeDone, "r", 30, 22)}, []string{"lowered from 30 to 22", "step-down to 20, outcome unknown"}},
		{"nor of a day before", []events.Audit{record(0, events.OutcomeAsked, "r", 0, 22), record(1500, events.OutcomeDone, "r", 30, 22)}, []string{"lowered from 30 to 22", "step-down to 22, outcome unknown"}},
		{"the same refusal every hour, with other numbers", []events.Audit{
			record(0, events.OutcomeRefused, "updated 20 min ago", 30, 22), record(60, events.OutcomeRefused, "updated 80 min ago", 30, 22), record(120, events.OutcomeRefused, "updated 140 min ago", 30, 22),
		}, []string{"step-down blocked from 30 to 22 ×3"}},
		{"the same failure, of other requests to AWS", []events.Audit{
			record(0, events.OutcomeFailed, "denied (request 7f-a1)", 30, 22), record(60, events.OutcomeFailed, "denied (request b2-c3)", 30, 22),
		}, []string{"step-down failed from 30 to 22 ×2"}},
		{"with a request before each", []events.Audit{
			record(0, events.OutcomeAsked, "r", 0, 22), record(1, events.OutcomeRefused, "a tag", 30, 22), record(60, events.OutcomeAsked, "r", 0, 22), record(61, events.OutcomeRefused, "a tag", 30, 22),
			record(120, events.OutcomeAsked, "r", 0, 22), record(121, events.OutcomeRefused, "a tag", 30, 22),
		}, []string{"step-down blocked from 30 to 22 ×3"}},
		{"until the reason changes", []events.Audit{
			record(0, events.OutcomeRefused, "a tag", 30, 22), record(60, events.OutcomeRefused, "a budget", 30, 22), record(120, events.OutcomeRefused, "a tag", 30, 22),
		}, []string{"step-down blocked from 30 to 22", "step-down blocked from 30 to 22", "step-down blocked from 30 to 22"}},
		{"the steps of a day", []events.Audit{record(0, events.OutcomeDone, "r", 40, 30), record(60, events.OutcomeDone, "r", 30, 22), record(120, events.OutcomeDone, "r", 22, 16)}, []string{"lowered from 40 to 16 in 3"}},
		{"not those of two days", []events.Audit{record(0, events.OutcomeDone, "r", 40, 30), record(1440, events.OutcomeDone, "r", 30, 22)}, []string{"lowered from 30 to 22", "lowered from 40 to 30"}},
		{"nor over a raise", []events.Audit{record(0, events.OutcomeDone, "r", 40, 30), record(60, events.OutcomeDone, "r", 30, 50), record(120, events.OutcomeDone, "r", 50, 40)}, []string{"lowered from 50 to 40", "raised from 30 to 50", "lowered from 40 to 30"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			slices.Reverse(tt.audits) // a snapshot has the newest first
			s := Snapshot{Snapshot: serve.Snapshot{Audits: tt.audits, Resources: []model.Resource{{ARN: parsed, Update: &model.Update{Status: "UPDATE IN_PROGRESS", MinTPS: 17}}}, Events: []serve.EventRecord{{Time: start, DetailType: "UpdatePersonalizeCampaignMinProvisionedTPS", Resource: arn}}}}
			var got []string
			for _, h := range s.happenings(start.Add(48 * time.Hour)) {
				text := h.Title
				if h.Running {
					text += " (running)"
				}
				if h.Count > 1 {
					text += fmt.Sprintf(" ×%d", h.Count)
				}
				if h.Steps > 0 {
					text += fmt.Sprintf(" in %d", h.Steps)
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if raw := s.everything(); len(raw) != len(tt.audits)+1 {
				t.Errorf("%d raw entries", len(raw))
			}
		})
	}
}

func TestActivityWordsActions(t *testing.T) {
	for _, tt := range []struct {
		audit events.Audit
		want  string
		sort  string
	}{
		{events.Audit{Action: model.ActionStop, Outcome: events.OutcomeDone}, "stopped", "change"},
		{events.Audit{Action: model.ActionDelete, Outcome: events.OutcomeRefused}, "delete blocked", "blocked"},
		{events.Audit{Action: model.ActionStart, Outcome: events.OutcomeFailed}, "start failed", "problem"},
		{events.Audit{Action: model.ActionUpdate, Outcome: events.OutcomeDryRun, NewMinTPS: 3, Before: &events.Before{MinTPS: 4}}, "would be lowered from 4 to 3", "change"},
		{events.Audit{Outcome: events.OutcomeRefused}, "change blocked", "blocked"},
		{events.Audit{Action: "pause-training", Outcome: events.OutcomeDone}, "pause training", "change"},
		{events.Audit{Action: "pause-training", Outcome: events.OutcomeFailed}, "pause training failed", "problem"},
		{events.Audit{Action: model.ActionUpdate, Outcome: events.OutcomeDone, NewMinTPS: 3}, "set to 3", "change"},
	} {
		h := happeningOf(decision{&tt.audit}.entry(), tt.audit.Outcome)
		if h.Title != tt.want || h.Sort != tt.sort || strings.Contains(h.Title, "  ") {
			t.Errorf("%+v: %q in %s, want %q in %s", tt.audit, h.Title, h.Sort, tt.want, tt.sort)
		}
	}
}
