package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// week is a history with something of everything.
func week() History {
	record := func(day int, kind model.Kind, name string, action model.Action, outcome, reason string) events.Audit {
		return events.Audit{
			Time: time.Date(2026, 7, day, 10, 5, 0, 123_000_000, time.FixedZone("CEST", 7200)), ARN: "arn:aws:personalize:eu-west-1:123456789012:" + string(kind) + "/" + name,
			Kind: kind, Region: "eu-west-1", Action: action, Outcome: outcome, Automatic: true, Reason: reason,
		}
	}
	lowered := record(1, model.Campaign, "home-page", "update-tps", "done", "the lowest of 336 hours averaged 7.4 TPS (rounded down to 7), below the minimum of 10")
	lowered.NewMinTPS = 7
	lowered.Inputs, lowered.Before = &events.Inputs{MinTPS: 10}, &events.Before{Name: "home-page", MinTPS: 10}
	lowered.Restore = "personalize-monitor update-tps " + lowered.ARN + " 10"
	deleted := record(2, model.Campaign, "spring-sale", "delete-campaign", "done", "no request in 24 hours, by complete data")
	deleted.Inputs, deleted.Restore = &events.Inputs{MinTPS: 1}, "personalize-monitor restore eyJ0aW1lIjoi"
	asked := record(3, model.Recommender, "for-you", "update-tps", "asked", "sale on Friday")
	asked.Automatic, asked.NewMinTPS = false, 50
	dry := record(4, model.Recommender, "for-you", "stop-recommender", "dry run", "no request in 24 hours")
	dry.Restore = "personalize-monitor start-recommender " + dry.ARN
	var h History
	for _, a := range []events.Audit{
		lowered, deleted, asked, dry,
		record(5, model.Campaign, "home-page", "", "refused", "an update is in progress\x1b[31m\n(UPDATE IN_PROGRESS), \"since\" 10:00"),
		record(6, model.Campaign, "home-page", "update-tps", "failed", "ThrottlingException: Rate exceeded"),
	} {
		h.Records = append(h.Records, RecordOf(a))
	}
	return h
}

func TestHistory(t *testing.T) {
	partial := week()
	partial.Unreadable = 2
	partial.Problems = []model.Problem{{Region: "us-east-1", Operation: "FilterLogEvents", Err: errors.New("read log group x: AccessDeniedException: no")}}
	withCommands := week()
	withCommands.Commands = true
	withEffects := week()
	withEffects.Records[0].Effect = &rules.Effect{
		Before: rules.Fare{Hours: 24, Calls: 86400, Failed: 86, LatencyMillis: 34.6},
		After:  rules.Fare{Hours: 3, Calls: 10800, Failed: 302, LatencyMillis: 51.2, ColdSteps: 2},
	}
	withEffects.Records[1].Effect = &rules.Effect{}
	tests := []struct {
		golden  string
		history History
		form    Form
		style   Style
	}{
		{"history.txt", week(), Table, Style{}},
		{"history-commands.txt", withCommands, Table, Style{}},
		{"history-140.txt", week(), Table, Style{Width: 140}},
		{"history-80.txt", withCommands, Table, Style{Width: 80}},
		{"history-color.txt", withCommands, Table, Style{Width: 140, Color: true}},
		{"history-problems.txt", partial, Table, Style{}},
		{"history.json", partial, JSON, Style{}},
		{"history-empty.json", History{}, JSON, Style{}},
		{"history.csv", week(), CSV, Style{}},
		{"history-effects.txt", withEffects, Table, Style{Width: 140}},
		{"history-effects.csv", withEffects, CSV, Style{}},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			var got bytes.Buffer
			if err := Write(&got, tt.history, tt.form, tt.style); err != nil {
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
	if err := Write(&nothing, History{Commands: true}, Table, Style{Width: 80, Color: true}); err != nil || nothing.Len() > 0 {
		t.Errorf("of nothing: %q, %v", nothing.String(), err)
	}
}
