package events_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

const (
	home     = "arn:aws:personalize:eu-west-1:123456789012:campaign/home"
	foryou   = "arn:aws:personalize:eu-west-1:123456789012:recommender/for-you"
	gifts    = "arn:aws:personalize:eu-west-1:123456789012:solution/gifts"
	giftsRun = gifts + "/0a1b2c3d"
)

// record is what an action on a resource leaves behind.
func record(arn string, action model.Action, change ...func(*events.Audit)) events.Audit {
	parsed, _ := model.ParseARN(arn)
	a := events.Audit{
		Time: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC), ARN: arn, Kind: model.Kind(parsed.Type()), Region: parsed.Region(),
		Action: action, Outcome: events.OutcomeDone, Automatic: true, Reason: "why", NewMinTPS: 7,
		Before: &events.Before{Name: parsed.Name(), Status: "ACTIVE", MinTPS: 10, SolutionVersion: giftsRun, AutoTraining: new(true), Schedule: "rate(7 days)"},
	}
	for _, c := range change {
		c(&a)
	}
	if a.Restore = a.RestoreCommand(); a.Restore != "" {
		a.Note = "To undo it: " + a.Restore
	}
	return a
}

// rawOf is the record as a notification has it.
func rawOf(a events.Audit, detailType events.DetailType) json.RawMessage {
	return events.Notification(detailType, a, events.NotificationDetail{}).Detail.(events.NotificationDetail).Audit
}

// chatOf is the message in the record of a notification, which must be of the schema.
func chatOf(t *testing.T, detailType events.DetailType, a events.Audit) awsbed.ChatMessage {
	t.Helper()
	var wrapped struct{ Chat json.RawMessage }
	if err := json.Unmarshal(rawOf(a, detailType), &wrapped); err != nil {
		t.Fatal(err)
	}
	m, err := awsbed.ReadChat(string(wrapped.Chat))
	if err != nil {
		t.Fatalf("%s: %v\n%s", detailType, err, wrapped.Chat)
	}
	return m
}

// Each notification has a title, and the command that undoes it where there is one.
func TestChatMessages(t *testing.T) {
	nothing := func(note string) func(*events.Audit) {
		return func(a *events.Audit) { a.Outcome, a.Note = events.OutcomeRefused, note }
	}
	dry := func(a *events.Audit) {
		a.Outcome, a.Note = events.OutcomeDryRun, "Nothing was done: a parameter has the value DryRun."
	}
	const undo = "To undo it: `personalize-monitor "
	tests := []struct {
		detailType events.DetailType
		record     events.Audit
		title      string
		step       string // the beginning
	}{
		{events.CampaignUpdated, record(home, model.ActionUpdate), "Minimum of campaign home changes from 10 to 7 TPS", undo + "update-tps " + home + " 10`"},
		{
			events.RecommenderUpdated, record(foryou, model.ActionUpdate, func(a *events.Audit) { a.Before = nil }),
			"Minimum of recommender for-you changes to 7 RPS", "",
		},
		{events.CampaignDeleted, record(home, model.ActionDelete), "Deleting campaign home", undo + "restore --record "},
		{events.RecommenderStopped, record(foryou, model.ActionStop), "Stopping recommender for-you", undo + "start-recommender " + foryou + "`"},
		{events.TrainingPaused, record(gifts, model.ActionPause), "Automatic training of solution gifts is paused", undo + `resume-training ` + gifts + ` --schedule "rate(7 days)"` + "`"},
		{events.TrainingResumed, record(gifts, model.ActionResume), "Automatic training of solution gifts is on again", undo + "resume-training "},
		{events.FailuresNoticed, record(home, model.ActionUpdate, nothing("look")), "Calls to campaign home fail as demand rises", "look"},
		{events.MinimumContested, record(home, model.ActionUpdate, nothing("set it")), "Minimum of campaign home was set back, so steps pause", "set it"},
		{events.ReturnDropped, record(home, model.ActionUpdate, nothing("")), "Timed raise of campaign home does not return", ""},
		{events.DryRunDecision, record(home, model.ActionUpdate, dry), "Dry run: minimum of campaign home would change to 7 TPS", "Nothing was done"},
		{events.DryRunDecision, record(home, model.ActionDelete, dry), "Dry run: campaign home would be deleted", "Nothing was done"},
		{events.DryRunDecision, record(foryou, model.ActionStop, dry), "Dry run: recommender for-you would be stopped", "Nothing was done"},
	}
	seen := map[events.DetailType]bool{}
	for _, tt := range tests {
		t.Run(tt.title, func(t *testing.T) {
			seen[tt.detailType] = true
			m := chatOf(t, tt.detailType, tt.record)
			if m.Content.Title != tt.title || m.Metadata.Summary != tt.title || m.Content.Description != "why" || m.Metadata.EventType != string(tt.detailType) {
				t.Errorf("got %+v", m)
			}
			if got := strings.Join(m.Content.NextSteps, "\n"); (got == "") != (tt.step == "") || !strings.HasPrefix(got, tt.step) {
				t.Errorf("next steps %q, want %q", got, tt.step)
			}
			if m.Metadata.ThreadID != tt.record.ARN || m.Metadata.AdditionalContext["decidedBy"] != "the monitor" {
				t.Errorf("metadata %+v", m.Metadata)
			}
			// The record beside it is the same as elsewhere.
			got, err := events.DecodeAudit(fmt.Appendf(nil, `{"Audit":%s}`, rawOf(tt.record, tt.detailType)))
			if err != nil || got.ARN != tt.record.ARN || got.Restore != tt.record.Restore {
				t.Errorf("record %+v, %v", got, err)
			}
		})
	}
	for _, one := range events.NotificationTypes() {
		if !seen[one] {
			t.Errorf("no message of %s is tried", one)
		}
	}
}

// Whatever texts a request or a tag brings along, the message stays one, calls no one and is not too long.
func TestChatMessagesOfAnyText(t *testing.T) {
	for _, reason := range []string{"", " \n", `he said "no" \ `, "a\nb\t\x00", "<!channel> <http://x|y> & <> @here", strings.Repeat("<", 5000), strings.Repeat("ü", 5000), "\xff"} {
		m := chatOf(t, events.CampaignDeleted, record(home, model.ActionDelete, func(a *events.Audit) { a.Reason, a.Automatic = reason, false }))
		if strings.ContainsAny(m.Content.Description, "<>") || strings.Contains(m.Content.Description, "@here") || m.Metadata.AdditionalContext["decidedBy"] != "a person" {
			t.Errorf("%q: %+v", reason, m)
		}
		if strings.TrimSpace(m.Content.Description) == "" {
			t.Errorf("%q: there is nothing to read", reason)
		}
		if rest := strings.TrimSuffix(m.Content.Description, "…"); strings.Count(rest, "&") != strings.Count(rest, ";") {
			t.Errorf("an escaped character is cut in %q", rest)
		}
	}
	// A command is shown whole or not at all.
	long := record(home, model.ActionDelete, func(a *events.Audit) { a.Before.Tags = map[string]string{"k": strings.Repeat("v", 5000)} })
	m := chatOf(t, events.CampaignDeleted, long)
	if !slices.Equal(m.Content.NextSteps, []string{"To undo it: `personalize-monitor restore " + home + " --log-group LOG_GROUP`, with the log group of the functions"}) {
		t.Errorf("next steps %q", m.Content.NextSteps)
	}
}

func FuzzChat(f *testing.F) {
	f.Add("why", "arn:aws:personalize:eu-west-1:123456789012:campaign/home", "note")
	f.Add("<&>", "", "\xff")
	f.Fuzz(func(t *testing.T, reason, arn, note string) {
		raw := rawOf(events.Audit{ARN: arn, Reason: reason, Note: note}, events.CampaignDeleted)
		var wrapped struct {
			Chat struct {
				Source  string
				Content struct{ Description string }
			}
		}
		if err := json.Unmarshal(raw, &wrapped); err != nil || wrapped.Chat.Source != "custom" || wrapped.Chat.Content.Description == "" {
			t.Errorf("%v in %s", err, raw)
		}
	})
}
