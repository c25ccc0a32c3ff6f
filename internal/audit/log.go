// Package audit writes the audit log: one record (events.Audit) for each decision that would
// change something.
package audit

import (
	"context"
	"log/slog"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
)

// Log writes an audit record.
type Log func(ctx context.Context, record events.Audit)

// Message is the message of the log lines that hold an audit record under the key audit.
const Message = "audit"

// ToLogger writes audit records to the log, at info.
func ToLogger(log *slog.Logger) Log {
	return func(ctx context.Context, record events.Audit) {
		log.InfoContext(ctx, Message, "audit", record)
	}
}
