package report

import (
	"bytes"
	"errors"
	"io"
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
		write  func(io.Writer) error
	}{
		{"boards.txt", func(w io.Writer) error { return everything.WriteTable(w, false) }},
		{"boards-color.txt", func(w io.Writer) error { return everything.WriteTable(w, true) }},
		{"boards-dry-run.txt", func(w io.Writer) error { return dry.WriteTable(w, false) }},
		{"boards.json", everything.WriteJSON},
		{"boards-empty.json", Boards{}.WriteJSON},
		{"boards.csv", everything.WriteCSV},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			var got bytes.Buffer
			if err := tt.write(&got); err != nil {
				t.Fatal(err)
			}
			golden(t, tt.golden, got.Bytes())
		})
	}
	if !everything.Failed() || dry.Failed() {
		t.Error("failed or not?")
	}
}
