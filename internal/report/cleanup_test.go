package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// tidyUp is a clean-up with something of everything.
func tidyUp() Cleanup {
	item := func(region, kind, name, state, reason string) CleanupItem {
		return CleanupItem{Region: region, Kind: kind, Name: name, ARN: "arn:aws:x:" + region + ":123456789012:" + name, State: state, Reason: reason}
	}
	c := Cleanup{
		Deployment: "cli", Regions: []string{"eu-west-1", "us-east-1", "us-west-2"},
		Items: []CleanupItem{
			item("eu-west-1", "alarm", "PersonalizeMonitor-IdleCampaign-a", "already gone", ""),
			item("eu-west-1", "alarm", "PersonalizeMonitor-latency", "kept", "it has no tag CreatedBy=PersonalizeMonitor"),
			item("eu-west-1", "rule", "PersonalizeMonitor-NotificationsRule", "remains", "AccessDenied: no\x1b[31m\nway"),
		},
		Skipped: []CleanupSkip{{Region: "us-west-2", What: []string{"alarm", "rule", "topic"}, Reason: "AccessDenied: not here"}},
		Problems: []model.Problem{
			{ARN: "arn:aws:x:eu-west-1:123456789012:rule", Region: "eu-west-1", Operation: "DeleteRule", Err: errors.New("AccessDenied: no way")},
		},
		Calls: map[string]int{"cloudwatch.DescribeAlarms": 3}, DurationMs: 1234,
	}
	for i := range 12 {
		c.Items = append(c.Items, item("us-east-1", "alarm", fmt.Sprintf("PersonalizeMonitor-IdleCampaign-c%02d", i), "removed", "of the deployment cli"))
	}
	return c
}

func TestCleanupIsWrittenInThreeForms(t *testing.T) {
	dry := tidyUp()
	dry.DryRun, dry.Problems, dry.Skipped = true, nil, nil
	forms := map[string]func(io.Writer) error{
		"cleanup.json":       tidyUp().WriteJSON,
		"cleanup.csv":        tidyUp().WriteCSV,
		"cleanup.txt":        func(w io.Writer) error { return tidyUp().WriteTable(w, false) },
		"cleanup-color.txt":  func(w io.Writer) error { return tidyUp().WriteTable(w, true) },
		"cleanup-dry.txt":    func(w io.Writer) error { return dry.WriteTable(w, false) },
		"cleanup-empty.txt":  func(w io.Writer) error { return Cleanup{}.WriteTable(w, false) },
		"cleanup-empty.json": Cleanup{}.WriteJSON,
	}
	for name, write := range forms {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := write(&out); err != nil {
				t.Fatal(err)
			}
			golden(t, name, out.Bytes())
		})
	}
}
