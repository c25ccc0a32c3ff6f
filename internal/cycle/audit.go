package cycle

import (
	"context"

	"github.com/personalize-monitor/personalize-monitor/internal/act"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// ask sends what the decisions ask for as events, and notes on the trail which of them
// were sent.
func (r *run) ask(ctx context.Context, decisions []rules.Decision) {
	var commands []events.Event
	for _, d := range decisions {
		if d.Verdict.Changes() {
			commands = append(commands, events.Command(d))
		}
	}
	sent := r.emit(ctx, commands)
	asked := map[string]bool{}
	for _, event := range sent {
		asked[event.Resources[0]] = true
	}
	if !r.DryRun {
		r.Actor.AskedFor(sent)
	}
	for _, d := range decisions {
		switch {
		case !d.Verdict.Changes():
		case !asked[d.Resource.ARN.String()]:
			r.Trail(ctx, events.AuditOf(d, events.OutcomeFailed, r.Clock.Now()))
		case r.DryRun:
			r.Trail(ctx, events.AuditOf(d, events.OutcomeDryRun, r.Clock.Now()))
		default:
			r.Trail(ctx, events.AuditOf(d, events.OutcomeAsked, r.Clock.Now()))
		}
	}
}

// rehearsals are the notifications of what would have been done if the switches stood at
// Yes instead of DryRun.
func rehearsals(decisions []rules.Decision) []events.Event {
	var list []events.Event
	for _, d := range decisions {
		if d.Would.Changes() && rules.NotifyDryRun(d) {
			list = append(list, events.DryRunNotification(d))
		}
	}
	return list
}

// refusals puts on the trail what rules and guards said no to, and what is only
// rehearsed, and counts the former.
func (r *run) refusals(ctx context.Context, decisions []rules.Decision) {
	counts := map[act.RefusedKey]int{}
	for _, d := range decisions {
		switch {
		case d.Would.Changes():
			rehearsed := d
			rehearsed.Verdict = rules.None
			r.Trail(ctx, events.AuditOf(rehearsed, events.OutcomeDryRun, r.Clock.Now()))
		case d.Verdict == rules.Refused && r.outcomes[d.Resource.ARN] == "":
			r.Trail(ctx, events.AuditOf(d, events.OutcomeRefused, r.Clock.Now()))
			counts[act.RefusedKey{Region: d.Resource.Region(), Action: d.Verdict}]++
		}
	}
	if len(counts) > 0 {
		r.Actor.CountRefused(ctx, counts)
	}
}
