package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// cycleOptions are the settings of run and plan.
type cycleOptions struct {
	common
	act    bool
	plan   bool // the result shows what decisions would save
	prices priceOptions
}

func newRun(g *global) *cobra.Command {
	o := &cycleOptions{}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run one monitoring cycle",
		Long: `Run one monitoring cycle: find campaigns and recommenders, measure them over the last
whole 5 minutes, publish metrics, update alarms and notifications, and decide what is
over-provisioned or idle. Decisions go out as events, for functions deployed in the
account; this command itself changes no campaign and no recommender.

With --act it executes the decisions itself, each after a check on fresh data, and sends
notifications only: minimums are lowered and, if AutoDeleteOrStopIdleResources is on, idle
campaigns deleted and idle recommenders stopped. Before it deletes or stops it asks. At
the end it rebuilds a dashboard that "dashboard build" created, if that has changed.

Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 3 done but some resources
or regions failed.`,
		Example: `  personalize-monitor run --local
  personalize-monitor run --regions us-east-1,eu-west-1 --notification-endpoint ml@example.com
  personalize-monitor run --dry-run --output json
  personalize-monitor run --act --auto-delete-or-stop-idle yes --yes`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&o.act, "act", false, "execute the decisions instead of sending them as events")
	o.addYes(cmd)
	o.addDryRun(cmd, "write nothing; show what would be written")
	o.addOutput(cmd)
	addParams(cmd, nil, personDefaults)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		result, err := g.runCycle(cmd.Context(), cmd.Flags(), o)
		if err != nil {
			return err
		}
		return partial(result.Failed())
	}
	return cmd
}

func newPlan(g *global) *cobra.Command {
	o := &cycleOptions{common: common{dryRun: true}, plan: true}
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what a cycle would decide, and write nothing",
		Long: `Show what a monitoring cycle would measure and decide, and write nothing at all. For
each change it also shows what it would save: TPS-hours, and an estimate of the money
where there is a price (see report).

Exit codes: 0 nothing to change, 10 changes found (a step-down, stop or delete, or
alarms to create, update or remove), 1 failed, 2 bad usage or configuration, 3 some
resources or regions failed, whatever else was found.`,
		Example: `  personalize-monitor plan --local
  personalize-monitor plan --auto-delete-or-stop-idle yes --output csv`,
		Args: cobra.NoArgs,
	}
	o.addOutput(cmd)
	addParams(cmd, nil, personDefaults)
	o.prices.addFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		result, err := g.runCycle(cmd.Context(), cmd.Flags(), o)
		switch {
		case err != nil:
			return err
		case result.Changes() && !result.Failed():
			return &exit{code: ExitChanges}
		}
		return partial(result.Failed())
	}
	return cmd
}

// errLeftUndone ends a command that was interrupted after it had begun to write.
var errLeftUndone = errors.New("the next run continues with what was not done")

// runCycle runs a cycle and prints its result. It calls AWS only when the whole command line is
// known to be valid.
func (g *global) runCycle(ctx context.Context, flags *pflag.FlagSet, o *cycleOptions) (report.Result, error) {
	values, err := g.resolve(flags, nil, personDefaults)
	if err != nil {
		return report.Result{}, err
	}
	asks := o.act && values.AutoDeleteOrStopIdle.Is(model.On)
	if err := o.check(g.streams, asks); err != nil {
		return report.Result{}, err
	}
	s, values, err := g.begin(ctx, values)
	if err != nil {
		return report.Result{}, err
	}
	defer s.close()
	options := s.acting(values, o.dryRun)
	options.Act = o.act
	if o.plan {
		options.Prices = o.prices.source(s)
	}
	parts := s.app(options)
	if err := s.announce(ctx, parts.Actor, s.regionsOf(values)+s.eventsIn(), mayWrite(values, o.act, o.dryRun)); err != nil {
		return report.Result{}, err
	}
	if asks {
		if err := o.confirm(ctx, g.streams, "Delete idle campaigns and stop idle recommenders, if there are any?"); err != nil {
			return report.Result{}, err
		}
	}
	result, err := parts.Cycle.Run(ctx, cycle.Input{Params: values})
	s.progress.clear()
	if err != nil {
		return report.Result{}, err
	}
	if err := g.print(result, o.output); err != nil {
		return report.Result{}, err
	}
	for _, one := range result.Resources {
		if one.Restore != "" { // the result has it too
			fmt.Fprintf(g.streams.Err, "To undo it (%s): %s\n", one.Name, one.Restore)
		}
	}
	if ctx.Err() != nil {
		return report.Result{}, errLeftUndone
	}
	return result, nil
}

// check rejects invalid settings.
func (o *cycleOptions) check(streams Streams, asks bool) error {
	if err := o.checkOutput(); err != nil {
		return err
	}
	if asks {
		if err := o.checkAsk(streams, "run --act asks before it deletes or stops what is idle (AutoDeleteOrStopIdleResources=Yes)"); err != nil {
			return err
		}
	}
	return o.prices.check()
}

// mayWrite is what a cycle may write.
func mayWrite(values config.Values, act, dryRun bool) string {
	const usual = "may write metrics, alarms, topics, subscriptions, a rule"
	adjusts, ends := values.AutoAdjustMinTPS.Is(model.On), values.AutoDeleteOrStopIdle.Is(model.On)
	switch {
	case dryRun:
		return readsOnly
	case !act:
		return usual + " and events; changes no campaign or recommender"
	case adjusts && ends:
		return usual + ", events and dashboards, lower minimums, delete idle campaigns and stop idle recommenders"
	case ends:
		return usual + ", events and dashboards, delete idle campaigns and stop idle recommenders"
	case adjusts:
		return usual + ", events and dashboards, and lower minimums of campaigns and recommenders"
	}
	return usual + ", events and dashboards; changes no campaign or recommender"
}
