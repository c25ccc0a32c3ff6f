package cli

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// The latest action that was done is undone, or one that was begun by a process that was killed, but
// not one that failed or was refused.
func TestLatestRestorable(t *testing.T) {
	record := func(action model.Action, outcome string) events.Audit {
		arn, err := model.ParseARN(cannedARN)
		if err != nil {
			t.Fatal(err)
		}
		solution := arn
		solution = solution.WithResource("solution/s/v1")
		return events.Audit{
			Time: time.Now(), ARN: cannedARN, Kind: model.Campaign, Action: action, Outcome: outcome, NewMinTPS: 2,
			Before: &events.Before{Name: arn.Name(), MinTPS: 7, SolutionVersion: solution.String()},
		}
	}
	const deletion, update = model.ActionDelete, model.ActionUpdate
	stepped := record(update, events.OutcomeDone)
	tests := []struct {
		name    string
		records []events.Audit
		want    string
	}{
		{"done", []events.Audit{stepped, record(deletion, events.OutcomeBegun), record(deletion, events.OutcomeDone)}, "delete-campaign done"},
		{"begun, and killed", []events.Audit{stepped, record(deletion, events.OutcomeBegun)}, "delete-campaign begun"},
		{"begun, and failed", []events.Audit{stepped, record(deletion, events.OutcomeBegun), record(deletion, events.OutcomeFailed)}, "update-tps done"},
		{"begun, and refused", []events.Audit{stepped, record(deletion, events.OutcomeBegun), record(deletion, events.OutcomeRefused)}, "update-tps done"},
		{"done, then refused", []events.Audit{stepped, record(update, events.OutcomeRefused)}, "update-tps done"},
		{"requested", []events.Audit{record(deletion, events.OutcomeAsked)}, " "},
	}
	for _, tt := range tests {
		got, ok := latestRestorable(tt.records)
		if text := string(got.Action) + " " + got.Outcome; text != tt.want || ok != (tt.want != " ") {
			t.Errorf("%s: %s", tt.name, text)
		}
	}
}

// A daemon that starts reads what the one before it has left in the audit file.
func TestRecall(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	var log bytes.Buffer
	open := func(name string) *session {
		file, err := openAuditLog(name)
		if err != nil {
			t.Fatal(err)
		}
		return &session{account: account{clock: model.SystemClock{}}, logger: slog.New(slog.NewTextHandler(&log, nil)), audit: file}
	}
	name := filepath.Join(t.TempDir(), "audit.jsonl")
	before := open(name)
	if records, since := before.recall(t.Context()); len(records) != 0 || !since.IsZero() {
		t.Errorf("of an empty file: %v since %v", records, since)
	}
	first := now.Add(-20 * 24 * time.Hour)
	for _, at := range []time.Time{first, now.Add(-13 * 24 * time.Hour), now.Add(-time.Minute)} {
		if err := before.audit.write(events.Audit{Time: at, ARN: cannedARN, Action: model.ActionStop, Outcome: events.OutcomeDone}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := before.audit.file.WriteString(`{"audit":{"outcome":"done","ar`); err != nil { // torn
		t.Fatal(err)
	}
	before.audit.close()
	after := open(name)
	defer after.audit.close()
	records, since := after.recall(t.Context())
	if len(records) != 2 || !records[1].Time.Equal(now.Add(-time.Minute)) || !since.Equal(first) {
		t.Errorf("%v since %v", records, since)
	}
	if !strings.Contains(log.String(), "audit.jsonl:4") {
		t.Errorf("a line that cannot be read is not logged: %s", log.String())
	}
	if records, since := (&session{account: account{clock: model.SystemClock{}}}).recall(t.Context()); records != nil || !since.IsZero() {
		t.Error("something was read without a file")
	}
	null := open(os.DevNull)
	defer null.audit.close()
	if _, since := null.recall(t.Context()); !since.IsZero() {
		t.Error("what is no file was read")
	}
}
