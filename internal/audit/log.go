// Package audit writes the audit log: one record (events.Audit) for each decision that would
// change something.
package audit

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
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

// RestoreCommand is the command that undoes what a record describes; empty if there is nothing
// to undo. That of a deletion holds the record itself, as one word.
func RestoreCommand(record events.Audit) string {
	if record.Before == nil || record.Outcome != events.OutcomeDone {
		return ""
	}
	switch record.Action {
	case model.ActionUpdate:
		return fmt.Sprintf("personalize-monitor update-tps %s %d", record.ARN, record.Before.MinTPS)
	case model.ActionStop:
		return "personalize-monitor start-recommender " + record.ARN
	case model.ActionDelete:
		if token, err := record.Token(); err == nil {
			return "personalize-monitor restore --record " + token
		}
	}
	return ""
}
