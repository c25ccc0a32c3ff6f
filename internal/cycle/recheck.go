package cycle

import (
	"context"
	"fmt"
	"maps"

	"github.com/personalize-monitor/personalize-monitor/internal/decide"
	"github.com/personalize-monitor/personalize-monitor/internal/estate"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/params"
)

// RecheckDefaults are the parameters' defaults for a door that only carries out events.
// The event itself says that the action was switched on where it was decided, so that
// only an explicit No stands against it.
func RecheckDefaults() map[string]string {
	return map[string]string{params.AutoDeleteOrStopIdleResources: "Yes"}
}

// Recheck runs the line of a cycle, up to the decision, for the resource of one automatic
// event: describe it, measure it, decide. It goes by the parameters given, save that the
// event's idle time counts if it is longer, and that a step-down is judged by its own
// rule alone: that the resource might be stopped instead does not make it wrong. The
// error means that the resource could not be looked at.
func (c *Cycle) Recheck(ctx context.Context, p params.Values, req events.Request) (decide.Decision, error) {
	p.HourlyChecks = params.Always
	p.IdleThresholdHours = max(p.IdleThresholdHours, req.IdleThresholdHours)
	if req.Action() == events.ActionUpdate || req.NewMinTPS > 0 {
		p.AutoDeleteOrStopIdle = estate.Off
	}
	r := c.start(ctx, Input{Params: p})
	named := estate.Resource{ARN: req.ARN, Kind: req.Kind, Name: req.ARN.Name()}
	found, problems := r.Inventory.Refresh(ctx, []estate.Resource{named})
	switch {
	case len(found) == 0 && len(problems) > 0:
		return decide.Decision{}, problems[0]
	case len(found) == 0:
		return decide.Decision{Resource: named, Action: decide.Refused, Reason: "it does not exist any more"}, nil
	case !found[0].Monitored():
		return decide.Decision{Resource: found[0], Action: decide.Refused, Reason: fmt.Sprintf("its status is %s", found[0].Status)}, nil
	}
	resource := found[0]
	tell := func(failed []estate.Problem) { // the decision says what they cost
		for _, problem := range failed {
			c.Logger.WarnContext(ctx, "not all could be read", "op", problem.Operation, "arn", req.ARN.String(), "region", problem.Region, "err", problem.Err)
		}
	}
	tell(problems)
	read := func(queries []estate.Query) {
		readings, failed := r.measure(ctx, "check again", queries)
		maps.Copy(r.readings, readings)
		tell(failed)
	}
	read(decide.WindowQueries(found, r.moment))
	read(decide.CheckQueries(resource, decide.ThroughputOf(resource, r.readings, r.moment), r.settings, r.moment))
	decision := decide.Decide(resource, r.readings, r.settings, r.moment)
	switch decision.Action {
	case decide.Stop, decide.Delete:
		read(decide.RecentQueries(resource, r.moment))
	case decide.StepDown:
		read(decide.UpdateQueries(resource, r.settings, r.moment))
	}
	if err := ctx.Err(); err != nil {
		return decide.Decision{}, err
	}
	return decide.VetoRecent(decide.Sign(decision, r.readings), r.readings, r.moment), nil
}
