package act

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
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

// ActionOf is the action that a decision leads to; empty for those that lead to none.
func ActionOf(d rules.Verdict) model.Action {
	for action, decision := range decided {
		if decision == d {
			return action
		}
	}
	return ""
}

// AuditOf is the record of a decision of the monitor's, at the time given. What became of
// it is the outcome.
func AuditOf(d rules.Decision, outcome string, now time.Time) events.Audit {
	action, minimum := d.Verdict, d.NewMinTPS
	if action == rules.Refused {
		action, minimum = refusedAction(d)
	}
	if action == rules.None && d.Would != "" {
		action, minimum = d.Would, d.WouldMin
	}
	return events.Audit{
		Time: now.UTC(), ARN: d.Resource.ARN.String(), Kind: d.Resource.Kind, Region: d.Resource.Region(),
		Action: ActionOf(action), Outcome: outcome, Automatic: true, Reason: d.Reason, NewMinTPS: minimum, Inputs: inputsOf(d),
	}
}

// refusedAction is what a rule or guard said no to, as far as it came to an action.
func refusedAction(d rules.Decision) (rules.Verdict, int) {
	switch {
	case d.Idle.Is && d.Resource.Kind == model.Recommender:
		return rules.Stop, 0
	case d.Idle.Is:
		return rules.Delete, 0
	case d.StepDown.NewMinTPS > 0:
		return rules.StepDown, d.StepDown.NewMinTPS
	}
	return rules.Refused, 0
}

// inputsOf are the facts that a decision was made from.
func inputsOf(d rules.Decision) *events.Inputs {
	r := d.Resource
	in := &events.Inputs{
		WindowStart: d.At.Window.Start, WindowEnd: d.At.Window.End,
		Requests: d.Throughput.Requests, Utilization: d.Throughput.Utilization, Readable: d.Throughput.Readable,
		Status: string(r.Status), MinTPS: r.MinTPS, Created: r.Created, AgeHours: int(d.At.Now.Sub(r.Created).Hours()),
		IdleThresholdHours: d.By.IdleHours, Idle: d.Idle.Is, IdleRequests: d.Idle.Requests, IdleFailedRequests: d.Idle.Failed,
		Watermark: d.StepDown.Watermark(), LowestHour: d.StepDown.Lowest, HighestHour: d.StepDown.Highest, HoursLookedAt: d.StepDown.Hours,
		AdjustMinTPS: string(d.By.AdjustMinTPS), StopIdle: string(d.By.StopIdle),
	}
	if at := r.LastTouched(); !at.IsZero() {
		in.LastTouched = &at
	}
	if r.Stale {
		in.StaleSince = &r.Observed
	}
	return in
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
		record.Inputs = inputsOf(*v.decision)
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
