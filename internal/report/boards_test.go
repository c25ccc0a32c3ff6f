package report

import (
	"bytes"
	"errors"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

func TestBoards(t *testing.T) {
	everything := Boards{
		Dashboards: []Board{
			{"Monitor", Written, "done"},
			{"Monitor-2", Written, "refused"},
			{"Monitor-3", Deleted, "done"},
			{"Monitor-4", Deleted, "already so"},
		},
		Resources: 700,
		Problems:  []model.Problem{{Region: "eu-west-1", Operation: "PutDashboard", Err: errors.New("write the dashboard Monitor-2: AccessDenied: no")}},
	}
	dry := Boards{Dashboards: []Board{{"Monitor", Written, "dry run"}, {"Monitor-2", Deleted, "dry run"}}, Resources: 1, DryRun: true}
	tests := []struct {
		golden string
		boards Boards
		form   Form
		style  Style
	}{
		{"boards.txt", everything, Table, Style{Color: false}},
		{"boards-color.txt", everything, Table, Style{Color: true}},
		{"boards-dry-run.txt", dry, Table, Style{Color: false}},
		{"boards.json", everything, JSON, Style{}},
		{"boards-empty.json", Boards{}, JSON, Style{}},
		{"boards.csv", everything, CSV, Style{}},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			var got bytes.Buffer
			if err := Write(&got, tt.boards, tt.form, tt.style); err != nil {
				t.Fatal(err)
			}
			golden(t, tt.golden, got.Bytes())
		})
	}
	if !everything.Failed() || dry.Failed() {
		t.Error("failed or not?")
	}
}
