package cycle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/act"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// actionConcurrency bounds how many actions are carried out at once. Each looks at its
// resource again and makes a few calls, so a handful keeps within all rates.
const actionConcurrency = 8

// errNoTime is the problem of an action that did not fit the cycle's time.
var errNoTime = errors.New("not carried out for lack of time; the next run decides on it again")

// carryOut does in this process what the decisions ask for, where functions would do it
// on events. It takes the very path of an event, the check on fresh data included. What
// came of each stands in outcomes; a decision that no longer held becomes a refusal.
func (r *run) carryOut(ctx context.Context, decisions []rules.Decision) {
	type done struct {
		answer act.Answer
		err    error
	}
	results := make([]done, len(decisions))
	group := errgroup.Group{}
	group.SetLimit(actionConcurrency)
	for i, d := range decisions {
		if !d.Verdict.Changes() {
			continue
		}
		group.Go(func() error {
			if !r.Clock.Now().Before(r.until) {
				results[i].err = errNoTime
				return nil
			}
			results[i].answer, results[i].err = r.Actor.Do(ctx, d.Verdict.Action(), events.RequestFor(d))
			return nil
		})
	}
	_ = group.Wait() // the errors are in the results
	for i, d := range decisions {
		if !d.Verdict.Changes() {
			continue
		}
		if errors.Is(results[i].err, errNoTime) {
			d.Reason = errNoTime.Error()
			r.Trail(ctx, events.AuditOf(d, events.OutcomeFailed, r.Clock.Now()))
		}
		r.settle(&decisions[i], results[i].answer, results[i].err)
	}
}

// settle notes what came of one action.
func (r *run) settle(d *rules.Decision, answer act.Answer, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.outcomes[d.Resource.ARN] = act.Failed
		r.problems(model.Problem{ARN: d.Resource.ARN.String(), Region: d.Resource.Region(), Operation: string(d.Verdict), Err: err})
		return
	}
	r.outcomes[d.Resource.ARN], r.restores[d.Resource.ARN] = answer.Outcome, answer.Restore
	r.addEvents(answer.Events)
	r.problems(answer.Problems...)
	r.removed += answer.AlarmsRemoved
	if answer.Outcome.Counts() && d.Verdict != rules.StepDown {
		r.ended[d.Resource.ARN] = true
	}
	if answer.Outcome == act.Refused {
		*d = rules.Refuse(*d, answer.Why)
	}
}

// withoutEnded leaves out the alarms of resources that were taken out of service just
// now: theirs are removed already, and were listed before that.
func (r *run) withoutEnded(existing []regionAlarms) []regionAlarms {
	for i := range existing {
		existing[i].alarms = slices.DeleteFunc(existing[i].alarms, func(a rules.Alarm) bool {
			arn, err := model.ParseARN(a.Settings.Metric.DimensionValue)
			return err == nil && r.ended[arn]
		})
	}
	return existing
}

// rebuild has the dashboard built again after alarms were created or removed, or resources
// taken out of service: once, when all is done.
func (r *run) rebuild(ctx context.Context, changed int) {
	switch {
	case r.Act && r.Rebuild != nil && changed+len(r.ended) > 0:
		ended := slices.SortedFunc(maps.Keys(r.ended), func(a, b model.ARN) int { return strings.Compare(a.String(), b.String()) })
		r.problems(r.Rebuild(ctx, ended)...)
		return
	case changed == 0:
		return
	}
	detail := events.BuildDetail{Reason: fmt.Sprintf("%d alarms were created or removed", changed)}
	sent, problems := r.Actor.RebuildDashboard(ctx, detail)
	r.addEvents(sent)
	r.problems(problems...)
}
