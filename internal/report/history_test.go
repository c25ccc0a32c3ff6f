package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// week is a history with something of everything.
func week() History {
	decided := func(day int, kind model.Kind, name, action, outcome, reason string) Decided {
		return Decided{
			Time: time.Date(2026, 7, day, 10, 5, 0, 123_000_000, time.FixedZone("CEST", 7200)), ARN: "arn:aws:personalize:eu-west-1:123456789012:" + string(kind) + "/" + name,
			Kind: kind, Name: name, Region: "eu-west-1", Action: action, Outcome: outcome, Automatic: true, Reason: reason,
		}
	}
	lowered := decided(1, model.Campaign, "home-page", "update-tps", "done", "the lowest of 336 hours averaged 7.4 TPS (rounded down to 7), below the minimum of 10")
	lowered.Min, lowered.NewMinTPS = 10, 7
	lowered.Inputs, lowered.Before = json.RawMessage(`{"minTPS":10}`), json.RawMessage(`{"name":"home-page","minTPS":10}`)
	lowered.Restore = "personalize-monitor update-tps " + lowered.ARN + " 10"
	deleted := decided(2, model.Campaign, "spring-sale", "delete-campaign", "done", "no request in 24 hours, by complete data")
	deleted.Min, deleted.Restore = 1, "personalize-monitor restore eyJ0aW1lIjoi"
	asked := decided(3, model.Recommender, "for-you", "update-tps", "asked", "sale on Friday")
	asked.Automatic, asked.NewMinTPS = false, 50
	dry := decided(4, model.Recommender, "for-you", "stop-recommender", "dry run", "no request in 24 hours")
	dry.Restore = "personalize-monitor start-recommender " + dry.ARN
	return History{Records: []Decided{
		lowered, deleted, asked, dry,
		decided(5, model.Campaign, "home-page", "", "refused", "an update is in progress\x1b[31m\n(UPDATE IN_PROGRESS), \"since\" 10:00"),
		decided(6, model.Campaign, "home-page", "update-tps", "failed", "ThrottlingException: Rate exceeded"),
	}}
}

func TestHistory(t *testing.T) {
	partial := week()
	partial.Unreadable = 2
	partial.Problems = []model.Problem{{Region: "us-east-1", Operation: "FilterLogEvents", Err: errors.New("read log group x: AccessDeniedException: no")}}
	table := func(h History, width int, color, commands bool) func(io.Writer) error {
		return func(w io.Writer) error { return h.WriteTable(w, width, color, commands) }
	}
	tests := []struct {
		golden string
		write  func(io.Writer) error
	}{
		{"history.txt", table(week(), 0, false, false)},
		{"history-commands.txt", table(week(), 0, false, true)},
		{"history-140.txt", table(week(), 140, false, false)},
		{"history-80.txt", table(week(), 80, false, true)},
		{"history-color.txt", table(week(), 140, true, true)},
		{"history-problems.txt", table(partial, 0, false, false)},
		{"history.json", partial.WriteJSON},
		{"history-empty.json", History{}.WriteJSON},
		{"history.csv", week().WriteCSV},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			var got bytes.Buffer
			if err := tt.write(&got); err != nil {
				t.Fatal(err)
			}
			golden(t, tt.golden, got.Bytes())
			if strings.Contains(got.String(), " \n") {
				t.Error("space at the end of a line")
			}
		})
	}
	if week().Failed() || !partial.Failed() {
		t.Error("failed or not?")
	}
	var nothing bytes.Buffer
	if err := (History{}).WriteTable(&nothing, 80, true, true); err != nil || nothing.Len() > 0 {
		t.Errorf("of nothing: %q, %v", nothing.String(), err)
	}
}
