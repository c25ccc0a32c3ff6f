package audit_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/audit"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// closed is a log that cannot be written.
type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// A log line that cannot be written is a lost record. A line that the log level drops is not.
func TestToLoggerReportsALostRecord(t *testing.T) {
	record := events.Audit{
		Time: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), ARN: "arn:aws:personalize:eu-west-1:123456789012:campaign/home", Region: "eu-west-1",
		Action: model.ActionDelete, Outcome: events.OutcomeBegun,
	}
	err := audit.ToLogger(slog.New(slog.NewJSONHandler(closed{}, nil)))(t.Context(), record)
	if err == nil {
		t.Fatal("a broken log is no error")
	}
	want := "WriteAuditRecord arn:aws:personalize:eu-west-1:123456789012:campaign/home: the audit record (delete-campaign, begun) is lost"
	if p := audit.Problem(record, err); !strings.HasPrefix(p.Error(), want) || !strings.HasSuffix(p.Error(), "broken pipe") || p.Region != "eu-west-1" {
		t.Errorf("%v", p)
	}
	if err := audit.ToLogger(slog.New(slog.NewJSONHandler(closed{}, &slog.HandlerOptions{Level: slog.LevelWarn})))(t.Context(), record); err != nil {
		t.Error(err)
	}
	var log bytes.Buffer
	if err := audit.ToLogger(slog.New(slog.NewJSONHandler(&log, nil)))(t.Context(), record); err != nil {
		t.Error(err)
	}
	if got, err := events.DecodeAudit(log.Bytes()); err != nil || got.ARN != record.ARN || got.Outcome != record.Outcome {
		t.Errorf("%+v, %v", got, err)
	}
}
