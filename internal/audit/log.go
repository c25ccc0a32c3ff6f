// Package audit writes the audit log: one record (events.Audit) for each decision that would
// change something.
package audit

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Log writes an audit record. An error means that the record is lost.
type Log func(ctx context.Context, record events.Audit) error

// Message is the message of the log lines that hold an audit record under the key audit.
const Message = "audit"

// ToLogger writes audit records to the log, at info. The error is that of writing the line. A
// log level above info drops the records, which is not an error.
func ToLogger(log *slog.Logger) Log {
	return func(ctx context.Context, record events.Audit) error {
		handler := log.Handler()
		if !handler.Enabled(ctx, slog.LevelInfo) {
			return nil
		}
		line := slog.NewRecord(record.Time, slog.LevelInfo, Message, 0)
		line.AddAttrs(slog.Any("audit", record))
		return handler.Handle(ctx, line)
	}
}

// OpRecord is the operation of the problem of a lost record.
const OpRecord = "WriteAuditRecord"

// Problem is that a record is lost.
func Problem(record events.Audit, err error) model.Problem {
	err = fmt.Errorf("the audit record (%s, %s) is lost; nothing is stopped or deleted until one can be written: %w",
		cmp.Or(string(record.Action), "decision"), record.Outcome, err)
	return model.Problem{ARN: record.ARN, Region: record.Region, Operation: OpRecord, Err: err}
}
