package cycle

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/actions"
	"github.com/personalize-monitor/personalize-monitor/internal/audit"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// actionConcurrency bounds how many actions are executed at the same time. Each reads its
// resource again and makes a few calls, so that a handful stays within all rate limits.
const actionConcurrency = 8

// errNoTime is the problem of an action that did not fit the cycle's time.
var errNoTime = errors.New("not executed for lack of time; the next cycle decides on it again")

// execute executes decisions in this process, as the functions execute commands, with the
// recheck on fresh data included. A decision that no longer holds becomes a refusal.
func (r *run) execute(ctx context.Context, decisions []rules.Decision) {
	var changing []int
	for i := range decisions {
		if decisions[i].Verdict.Changes() {
			changing = append(changing, i)
		}
	}
	answers, errs := make([]actions.Answer, len(changing)), make([]error, len(changing))
	group := errgroup.Group{}
	group.SetLimit(actionConcurrency)
	for n, i := range changing {
		group.Go(func() error {
			if !r.Clock.Now().Before(r.until) {
				errs[n] = errNoTime
				return nil
			}
			d := decisions[i]
			answers[n], errs[n] = r.Actions.Do(ctx, d.Verdict.Action(), events.RequestFor(d))
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	for n, i := range changing {
		r.recordOutcome(ctx, &decisions[i], answers[n], errs[n])
	}
}

// recordOutcome records the outcome of one action.
func (r *run) recordOutcome(ctx context.Context, d *rules.Decision, answer actions.Answer, err error) {
	if errors.Is(err, errNoTime) { // other outcomes are recorded by the action
		unexecuted := *d
		unexecuted.Reason = errNoTime.Error()
		r.record(ctx, unexecuted, events.OutcomeFailed)
	}
	if err != nil {
		answer.Outcome = writer.Failed
		r.problems.add(model.Problem{ARN: d.Resource.ARN.String(), Region: d.Resource.Region(), Operation: string(d.Verdict), Err: err})
	}
	r.actions[d.Resource.ARN] = answer
	r.addEvents(answer.Events)
	r.problems.add(answer.Problems...)
	if answer.Outcome.Counts() && d.Verdict.Action().Ends() {
		r.removed[d.Resource.ARN] = true
	}
	if answer.Outcome == writer.Refused {
		*d = rules.Refuse(*d, answer.Why)
	}
}

// sendCommands sends decisions as events, and records which were sent. A stop or deletion is
// recorded before it is sent, and refused if that fails.
func (r *run) sendCommands(ctx context.Context, decisions []rules.Decision) {
	outcome := events.OutcomeDryRun
	if !r.DryRun {
		outcome = events.OutcomeAsked
	}
	var commands []events.Event
	for i, d := range decisions {
		if d.Verdict.Action().Ends() && !r.record(ctx, d, outcome) { // guard: cycle: no stop or deletion is sent without a record of it
			decisions[i] = rules.Refuse(d, "its audit record could not be written, and nothing is stopped or deleted without one")
		} else if d.Verdict.Changes() {
			commands = append(commands, events.Command(d))
		}
	}
	sent := r.emit(ctx, commands)
	if !r.DryRun {
		r.Budgets.CountRequested(sent)
	}
	arns := map[string]bool{}
	for _, event := range sent {
		arns[event.Resources[0]] = true
	}
	for _, d := range decisions {
		switch isSent := arns[d.Resource.ARN.String()]; {
		case !d.Verdict.Changes(), isSent && d.Verdict.Action().Ends():
		case isSent:
			r.record(ctx, d, outcome)
		default:
			r.record(ctx, d, events.OutcomeFailed)
		}
	}
}

// notifyDryRuns notifies people of what would be done if the parameters were Yes instead of
// DryRun.
func (r *run) notifyDryRuns(ctx context.Context, decisions []rules.Decision) {
	var notifications []events.Event
	for _, d := range decisions {
		if d.Would.Changes() && rules.NotifyDryRun(d) {
			notifications = append(notifications, events.DryRunNotification(d))
		}
	}
	r.emit(ctx, notifications)
}

// recordRefusals records what rules and guards refused, which is counted, and the decisions
// of a dry run.
func (r *run) recordRefusals(ctx context.Context, decisions []rules.Decision) {
	counts := map[writer.RefusedKey]int{}
	for _, d := range decisions {
		_, executed := r.actions[d.Resource.ARN]
		switch {
		case d.Would.Changes():
			dryRun := d
			dryRun.Verdict = rules.None
			r.record(ctx, dryRun, events.OutcomeDryRun)
		case d.Has(rules.ReasonScheduled) && !d.Checked: // found again in every cycle, and recorded once an hour
		case d.Verdict == rules.Refused && !executed:
			if !d.Has(rules.ReasonLate) { // logged once for its region
				r.record(ctx, d, events.OutcomeRefused)
			}
			counts[writer.RefusedKey{Region: d.Resource.Region(), Verdict: d.Verdict}]++
		}
	}
	if len(counts) > 0 {
		r.Writer.CountRefused(ctx, counts)
	}
}

// record writes the audit record of a decision, and reports whether it was written. One that was
// not is a problem.
func (r *run) record(ctx context.Context, d rules.Decision, outcome string) (written bool) {
	record := events.AuditOf(d, outcome, r.Clock.Now())
	if err := r.AuditLog(ctx, record); err != nil {
		r.problems.add(audit.Problem(record, err))
		r.lost++
		return false
	}
	return true
}

// emit puts events on the bus and returns those that were sent.
func (r *run) emit(ctx context.Context, list []events.Event) []events.Event {
	if len(list) == 0 {
		return nil
	}
	sent, problems := r.Writer.Emit(ctx, list)
	r.addEvents(sent)
	r.problems.add(problems...)
	return sent
}
