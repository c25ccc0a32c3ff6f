package cycle

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// RecheckSources give an entry point that only executes events the parameters of a recheck, and
// more, from the environment. The action was switched on where the event was decided, so that
// only an explicit No forbids it.
func RecheckSources(env func(string) (string, bool), more ...string) config.Sources {
	return config.Sources{Env: env, Defaults: map[string]string{config.AutoDeleteOrStopIdleResources: "Yes"}, Only: append([]string{
		config.AutoAdjustMinTPS, config.IdleThresholdHours, config.UsedIdleThresholdHours, config.AutoDeleteOrStopIdleResources,
		config.MetricDelay, config.MaxStopsOrDeletesPerHour,
	}, more...)}
}

// RecheckOptions wires a Rechecker.
type RecheckOptions struct {
	Inventory Inventory
	Meter     Meter // answers rules.WatchedQuery too
	Gaps      *RegionGaps
	Clock     model.Clock
	Logger    *slog.Logger
	Progress  Progress // may be nil
	// ClockOffset compares the host's clock with AWS's.
	ClockOffset ClockOffset
	// Region is the deployment region.
	Region string
	// Params are asked at each recheck: where they come from the environment they may have
	// become invalid, which is an error of the recheck.
	Params func() (config.Values, error)
}

// Rechecker decides again about a single resource, on fresh data, just before an automatic
// event is executed.
type Rechecker struct{ o RecheckOptions }

// NewRechecker makes a Rechecker.
func NewRechecker(o RecheckOptions) *Rechecker { return &Rechecker{o} }

// Recheck runs the steps of a cycle, up to the decision, for the resource of one automatic
// event: describe it, measure it, decide. It goes by the current parameters, with two
// exceptions. The event's idle time counts if it is longer. A step-down is checked by its own
// rule alone: that the resource might be stopped instead does not make the step wrong. An
// error means that the resource could not be looked at.
func (c *Rechecker) Recheck(ctx context.Context, req events.Request) (rules.Decision, error) {
	p, err := c.o.Params()
	if err != nil {
		return rules.Decision{}, err
	}
	p.HourlyChecks = model.Always
	p.IdleThresholdHours = max(p.IdleThresholdHours, req.IdleThresholdHours) // guard: recheck: the longer idle time counts; each
	// guard: recheck: the longer idle time of a called one counts; each
	p.UsedIdleThresholdHours = max(p.UsedIdleThresholdHours, req.UsedIdleThresholdHours)
	if req.Action() == model.ActionUpdate || req.NewMinTPS > 0 {
		p.AutoDeleteOrStopIdle = model.Off
	}
	at, _, _ := rules.EvaluationTimeOf(c.o.Clock.Now(), time.Time{}, p.MetricDelay)
	resource, refused, err := c.describe(ctx, req)
	if err != nil || refused.Verdict != "" {
		return refused, err
	}
	return c.decide(ctx, resource, settingsOf(p, c.o.Region, ""), at)
}

// RecheckSchedule decides again about what the tags of a resource arrange, of which a scheduled event
// is the request: on a fresh description, and on tags that were just read. No metric has a say.
func (c *Rechecker) RecheckSchedule(ctx context.Context, req events.Request, tags map[string]string) (rules.Decision, error) {
	p, err := c.o.Params()
	if err != nil {
		return rules.Decision{}, err
	}
	resource, refused, err := c.describe(ctx, req)
	if err != nil || refused.Verdict != "" {
		return refused, err
	}
	settings := settingsOf(p, c.o.Region, "")
	settings.WrongClock = c.o.ClockOffset.wrong(c.o.Clock.Now())
	at, _, _ := rules.EvaluationTimeOf(c.o.Clock.Now(), time.Time{}, p.MetricDelay)
	return rules.ApplySchedule(rules.Decision{Resource: resource, By: settings, At: at, Reason: settings.WrongClock}, tags), nil
}

// describe reads the resource of a request as it is now. If it is not monitored, the decision is a
// refusal that says why.
func (c *Rechecker) describe(ctx context.Context, req events.Request) (model.Resource, rules.Decision, error) {
	named := model.Resource{ARN: req.ARN, Kind: req.Kind, Name: req.ARN.Name()}
	found, problems := c.o.Inventory.Refresh(ctx, []model.Resource{named})
	switch {
	case len(found) == 0 && len(problems) > 0: // guard: recheck: could not be described
		return named, rules.Decision{}, problems[0]
	case len(found) == 0:
		return named, rules.Decision{Resource: named, Verdict: rules.Refused, Reason: "it does not exist any more"}, nil
	case !found[0].Monitored(): // guard: recheck: no longer monitored
		return named, rules.Decision{Resource: found[0], Verdict: rules.Refused, Reason: fmt.Sprintf("its status is %s", found[0].Status)}, nil
	}
	c.warn(ctx, req.ARN, problems)
	return found[0], rules.Decision{}, nil
}

// decide measures the resource and decides. What cannot be read is logged; the decision says
// what follows from that.
func (c *Rechecker) decide(
	ctx context.Context, resource model.Resource, settings rules.Settings, at rules.EvaluationTime,
) (rules.Decision, error) {
	readings := model.Readings{}
	read := func(queries []model.Query) {
		if len(queries) == 0 {
			return
		}
		more, failed := c.o.Meter.Measure(ctx, queries, c.o.Progress.of("check again"))
		maps.Copy(readings, more)
		c.warn(ctx, resource.ARN, failed)
	}
	read(rules.WindowQueries([]model.Resource{resource}, at))
	queries := rules.CheckQueries(resource, rules.ThroughputOf(resource, readings, at), settings, at)
	if len(queries) > 0 {
		queries = append(queries, rules.ArrivalQueries(resource.Region(), []model.Resource{resource}, settings, at)...)
	}
	read(queries)
	decision := rules.Decide(resource, readings, settings, at)
	if history := rules.HistoryQueries(decision); len(history) > 0 {
		read(history)
		decision = rules.Decide(resource, readings, settings, at)
	}
	if queries := rules.SilenceQueries(decision); len(queries) > 0 { // guard: recheck: decided again with the regional gaps; never
		more, failed := c.o.Gaps.Read(ctx, queries)
		maps.Copy(readings, more)
		c.warn(ctx, resource.ARN, failed)
		decision = rules.Decide(resource, readings, settings, at)
	}
	read(rules.CautionQueries(decision))
	decision = rules.ApplyCaution(decision, readings) // guard: recheck: failures and contests
	switch decision.Verdict {
	case rules.Stop, rules.Delete:
		read(rules.RecentCallQueries(resource, at)) // guard: recheck: reads the calls since
	case rules.StepDown:
		read(rules.UpdateQueries(resource, settings, at)) // guard: recheck: reads whose update a step hides
	}
	if err := ctx.Err(); err != nil { // guard: recheck: time is up
		return rules.Decision{}, err
	}
	if settings.WrongClock = c.o.ClockOffset.wrong(c.o.Clock.Now()); settings.WrongClock != "" { // guard: recheck: wrong clock
		return rules.Decide(resource, readings, settings, at), nil
	}
	decided := []rules.Decision{decision}
	rules.RefuseLate(decided, readings, settings, at)                                       // guard: recheck: late data
	return rules.RefuseIfCalled(rules.AllowMarker(decided[0], readings), readings, at), nil // guard: recheck: calls since; first
}

func (c *Rechecker) warn(ctx context.Context, arn model.ARN, problems []model.Problem) {
	for _, p := range problems {
		c.o.Logger.WarnContext(ctx, "not all could be read", "op", p.Operation, "arn", arn.String(), "region", p.Region, "err", p.Err)
	}
}
