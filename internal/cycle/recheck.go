package cycle

import (
	"context"
	"fmt"
	"maps"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// RecheckDefaults are the parameters' defaults for a door that only carries out events.
// The event itself says that the action was switched on where it was decided, so that
// only an explicit No stands against it.
func RecheckDefaults() map[string]string {
	return map[string]string{config.AutoDeleteOrStopIdleResources: "Yes"}
}

// Recheck runs the line of a cycle, up to the decision, for the resource of one automatic
// event: describe it, measure it, decide. It goes by the parameters given, save that the
// event's idle time counts if it is longer, and that a step-down is judged by its own
// rule alone: that the resource might be stopped instead does not make it wrong. The
// error means that the resource could not be looked at.
func (c *Cycle) Recheck(ctx context.Context, p config.Values, req events.Request) (rules.Decision, error) {
	p.HourlyChecks = model.Always
	p.IdleThresholdHours = max(p.IdleThresholdHours, req.IdleThresholdHours)
	if req.Action() == model.ActionUpdate || req.NewMinTPS > 0 {
		p.AutoDeleteOrStopIdle = model.Off
	}
	r := c.start(ctx, Input{Params: p})
	named := model.Resource{ARN: req.ARN, Kind: req.Kind, Name: req.ARN.Name()}
	found, problems := r.Inventory.Refresh(ctx, []model.Resource{named})
	switch {
	case len(found) == 0 && len(problems) > 0:
		return rules.Decision{}, problems[0]
	case len(found) == 0:
		return rules.Decision{Resource: named, Verdict: rules.Refused, Reason: "it does not exist any more"}, nil
	case !found[0].Monitored():
		return rules.Decision{Resource: found[0], Verdict: rules.Refused, Reason: fmt.Sprintf("its status is %s", found[0].Status)}, nil
	}
	resource := found[0]
	tell := func(failed []model.Problem) { // the decision says what they cost
		for _, problem := range failed {
			c.Logger.WarnContext(ctx, "not all could be read", "op", problem.Operation, "arn", req.ARN.String(), "region", problem.Region, "err", problem.Err)
		}
	}
	tell(problems)
	read := func(queries []model.Query) {
		readings, failed := r.measure(ctx, "check again", queries)
		maps.Copy(r.readings, readings)
		tell(failed)
	}
	read(rules.WindowQueries(found, r.moment))
	read(rules.CheckQueries(resource, rules.ThroughputOf(resource, r.readings, r.moment), r.settings, r.moment))
	decision := rules.Decide(resource, r.readings, r.settings, r.moment)
	switch decision.Verdict {
	case rules.Stop, rules.Delete:
		read(rules.RecentCallQueries(resource, r.moment))
	case rules.StepDown:
		read(rules.UpdateQueries(resource, r.settings, r.moment))
	}
	if err := ctx.Err(); err != nil {
		return rules.Decision{}, err
	}
	return rules.RefuseIfCalled(rules.AllowMarker(decision, r.readings), r.readings, r.moment), nil
}
