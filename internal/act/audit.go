package act

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Trail takes the audit records.
type Trail func(ctx context.Context, record events.Audit)

// AuditMessage is the message of the log lines that hold an audit record, which stands
// under the key audit.
const AuditMessage = "audit"

// LogTrail writes audit records to the log, at info.
func LogTrail(log *slog.Logger) Trail {
	return func(ctx context.Context, record events.Audit) {
		log.InfoContext(ctx, AuditMessage, "audit", record)
	}
}

// record is the record of an action at a resource, as far as it has come.
func (a *Actor) record(req events.Request, d deed, before standing, v judgement) events.Audit {
	record := events.Audit{
		Time: a.clock.Now().UTC(), ARN: req.ARN.String(), Kind: req.Kind, Region: req.ARN.Region,
		Action: d.action, Automatic: req.Automatic(), Reason: reason(req), Before: before.record(req),
	}
	if d.action == model.ActionUpdate {
		record.NewMinTPS = req.NewMinTPS
	}
	if v.decision != nil {
		record.Inputs = events.InputsOf(*v.decision)
	}
	return record
}

// settled completes a record that an action was carried out by, with the command that
// undoes it, and puts it on the trail.
func (a *Actor) settled(ctx context.Context, record events.Audit, outcome Outcome, why string) events.Audit {
	record.Outcome = string(outcome)
	if why != "" {
		record.Reason = why
	}
	if record.Restore = RestoreCommand(record); record.Restore != "" {
		record.Note = "To undo it: " + record.Restore
	}
	a.trail(ctx, record)
	return record
}

// RestoreCommand is the command that undoes what a record tells of; empty if there is
// nothing to undo. That of a deletion holds the record itself, as one word.
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

// record is what is needed to bring the resource back; nil for one that is gone.
func (s standing) record(req events.Request) *events.Before {
	if s.gone {
		return nil
	}
	return &events.Before{
		Name: req.ARN.Name(), Status: string(s.status), SolutionVersion: s.solutionVersion,
		MinTPS: s.minTPS, Config: s.rawConfig, Tags: s.tags,
	}
}
