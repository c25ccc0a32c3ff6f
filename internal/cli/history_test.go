package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestMoments(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		text, want string
		end        bool
	}{
		{"", "0001-01-01T00:00:00Z", false},
		{"90m", "2026-07-01T10:30:00Z", false},
		{"24h", "2026-06-30T12:00:00Z", false},
		{"7d", "2026-06-24T12:00:00Z", true},
		{"2w", "2026-06-17T12:00:00Z", false},
		{"30s", "2026-07-01T11:59:30Z", false},
		{"0h", "2026-07-01T12:00:00Z", false},
		{"1h30m", "2026-07-01T10:30:00Z", false},
		{"2026-06-30", "2026-06-30T00:00:00Z", false},
		{"2026-06-30", "2026-07-01T00:00:00Z", true},
		{"2026-06-30T09:30", "2026-06-30T09:30:00Z", true},
		{"2026-06-30 09:30:15", "2026-06-30T09:30:15Z", false},
		{"2026-06-30T09:30:00+02:00", "2026-06-30T07:30:00Z", false},
		{"2026-06-30T09:30:00.5Z", "2026-06-30T09:30:00.5Z", false},
	}
	for _, tt := range tests {
		got, err := parseTime("--since", tt.text, now, tt.end)
		if err != nil || got.UTC().Format(time.RFC3339Nano) != tt.want {
			t.Errorf("%q: %s, %v, want %s", tt.text, got.UTC(), err, tt.want)
		}
	}
	for _, text := range []string{"-1h", "1", "d", "yesterday", "2026-13-01", "2026-7-1", "123456d", " 1h"} {
		if got, err := parseTime("--since", text, now, false); err == nil {
			t.Errorf("%q is taken for %s", text, got)
		}
	}
}

func TestHowFarBackLogGroupsAreRead(t *testing.T) {
	now := time.Date(2026, 7, 10, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name    string
		options historyOptions
		since   time.Time
	}{
		{"files: everything", historyOptions{files: []string{"f"}}, time.Time{}},
		{"log groups: a day", historyOptions{groups: []string{"g"}}, now.Add(-24 * time.Hour)},
		{"both: a day", historyOptions{files: []string{"f"}, groups: []string{"g"}}, now.Add(-24 * time.Hour)},
		{"as given", historyOptions{groups: []string{"g"}, since: "7d"}, now.Add(-7 * 24 * time.Hour)},
		{"a day before an earlier end", historyOptions{groups: []string{"g"}, until: "7d"}, now.Add(-8 * 24 * time.Hour)},
		{"a day before now with an end since", historyOptions{groups: []string{"g"}, until: "1h"}, now.Add(-24 * time.Hour)},
	}
	for _, tt := range tests {
		tt.options.output = "table"
		f, err := tt.options.filter(now)
		if err != nil || !f.Since.Equal(tt.since) {
			t.Errorf("%s: %s, %v, want %s", tt.name, f.Since, err, tt.since)
		}
	}
}

// streams are those of a test, with nothing in the environment.
func streams(in io.Reader) (Streams, *bytes.Buffer, *bytes.Buffer) {
	var out, err bytes.Buffer
	return Streams{In: in, Out: &out, Err: &err, Env: func(string) (string, bool) { return "", false }}, &out, &err
}

func TestHistoryIsInterruptedWhileItWaitsForInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, writer := io.Pipe()
		defer writer.Close()
		s, out, errs := streams(in)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if code := Run(ctx, []string{"history", "-"}, "test", s); code != ExitFailed {
			t.Errorf("exit code %d", code)
		}
		if out.Len() > 0 || !strings.Contains(errs.String(), "interrupted: not read to the end, so nothing is shown") {
			t.Errorf("out %q, err %q", out, errs)
		}
	})
}

// Opening a named pipe that no one writes to blocks.
func TestANamedPipeIsInterrupted(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := exec.Command("mkfifo", pipe).Run(); err != nil {
		t.Fatal(err)
	}
	defer func() { // releases the opens
		if f, err := os.OpenFile(pipe, os.O_RDWR, 0); err == nil {
			_ = f.Close()
		}
	}()
	for name, args := range map[string][]string{
		"history": {"history", pipe},
		"restore": {"restore", "arn:aws:personalize:us-east-1:123456789012:campaign/c", "--from", pipe, "--local", "--yes"},
	} {
		s, out, errs := streams(nil)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if code := Run(ctx, args, "test", s); code != ExitFailed || out.Len() > 0 || !strings.Contains(errs.String(), "interrupted") {
			t.Errorf("%s: exit code %d, out %q, err %q", name, code, out, errs)
		}
		cancel()
	}
}

func TestManyDamagedRecordsAreCounted(t *testing.T) {
	s, out, errs := streams(strings.NewReader(strings.Repeat(`{"audit":{"outcome":"done"}}`+"\n", 50)))
	if code := Run(t.Context(), []string{"history", "-", "--output", "json"}, "test", s); code != ExitPartial {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(out.String(), `"unreadable": 50`) {
		t.Errorf("out %s", out)
	}
	lines := strings.Split(strings.TrimSpace(errs.String()), "\n")
	if len(lines) != maxFaults+2 || !slices.Contains(lines, fmt.Sprintf("and %d more that cannot be read", 50-maxFaults)) {
		t.Errorf("%d lines: %s", len(lines), errs)
	}
}
