package report

import (
	"bytes"
	"errors"
	"fmt"
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
	for _, tt := range []struct {
		golden  string
		cleanup Cleanup
		form    Form
		style   Style
	}{
		{"cleanup.json", tidyUp(), JSON, Style{}},
		{"cleanup.csv", tidyUp(), CSV, Style{}},
		{"cleanup.txt", tidyUp(), Table, Style{}},
		{"cleanup-100.txt", tidyUp(), Table, Style{Width: 100}},
		{"cleanup-color.txt", tidyUp(), Table, Style{Color: true}},
		{"cleanup-dry.txt", dry, Table, Style{}},
		{"cleanup-empty.txt", Cleanup{}, Table, Style{}},
		{"cleanup-empty.json", Cleanup{}, JSON, Style{}},
	} {
		t.Run(tt.golden, func(t *testing.T) {
			var out bytes.Buffer
			if err := Write(&out, tt.cleanup, tt.form, tt.style); err != nil {
				t.Fatal(err)
			}
			golden(t, tt.golden, out.Bytes())
		})
	}
}
