package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// cycleOptions are the settings of run and plan.
type cycleOptions struct {
	common
	act      bool
	plan     bool // the result shows what decisions would save
	prices   priceOptions
	accounts accountOptions
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
notifications only: minimums are lowered and, if AutoDeleteOrStopIdleResources is on,
idle campaigns deleted and idle recommenders stopped. It lists what it would delete or
stop, asks, and ends nothing that was not in the list; --yes skips that. At the end it
rebuilds a dashboard that "dashboard build" created, if that has changed.

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
	o.accounts.addFlags(cmd)
	cycleSetup.addParams(cmd)
	return g.start(cmd, cycleSetup, o)
}

// cycleSetup checks every resource now, as a person who runs a cycle wants.
var cycleSetup = setup{defaults: map[string]string{config.HourlyChecks: string(model.Always)}}

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
	cycleSetup.addParams(cmd)
	o.prices.addFlags(cmd)
	o.accounts.addFlags(cmd)
	return g.start(cmd, cycleSetup, o)
}

// asks reports whether a person has to confirm: something may be deleted or stopped.
func (o *cycleOptions) asks(values config.Values) bool {
	return o.act && values.AutoDeleteOrStopIdle.Is(model.On)
}

func (o *cycleOptions) check(streams Streams, values config.Values) error {
	if err := o.checkOutput(); err != nil {
		return err
	}
	if o.asks(values) {
		if err := o.checkAsk(streams, "run --act asks before it deletes or stops what is idle (AutoDeleteOrStopIdleResources=Yes)"); err != nil {
			return err
		}
	}
	return cmp.Or(o.prices.check(), o.accounts.check())
}

// errLeftUndone ends a command that was interrupted after it had begun to write.
var errLeftUndone = errors.New("the next run continues with what was not done")

// run runs a cycle and prints its result.
func (o *cycleOptions) run(ctx context.Context, s *session, values config.Values) error {
	if o.accounts.several() {
		return o.runAll(ctx, s, values)
	}
	parts := s.app(o.options(s, values))
	if err := s.announce(ctx, parts.Owner, s.regionsOf(values)+s.eventsIn(), mayWrite(values, o.act), o.dryRun); err != nil {
		return err
	}
	in := cycle.Input{Params: values}
	if o.asks(values) && !o.dryRun && !o.yes {
		found, err := s.findEnding(ctx, parts, values)
		if err != nil {
			return err
		}
		if in.MayEnd = found.arns(); len(found) > 0 {
			if err := o.confirm(ctx, s.streams, found.question()); err != nil {
				return err
			}
		}
	}
	result, err := parts.Cycle.Run(ctx, in)
	s.progress.clear()
	if err != nil {
		return err
	}
	if err := o.print(s, result); err != nil {
		return err
	}
	return o.outcome(ctx, result)
}

// outcome is what the exit code shows of a printed result.
func (o *cycleOptions) outcome(ctx context.Context, result report.Result) error {
	switch {
	case ctx.Err() != nil:
		return errLeftUndone
	case o.plan && result.Changes() && !result.Failed():
		return &exit{code: ExitChanges}
	}
	return partial(result.Failed())
}

// options are those of the parts that run the cycle.
func (o *cycleOptions) options(s *session, values config.Values) app.Options {
	options := s.acting(values, o.dryRun)
	options.Act = o.act
	if o.plan {
		options.Prices = o.prices.source(s)
	}
	return options
}

// print prints the result, and how to undo what was done.
func (o *cycleOptions) print(s *session, result report.Result) error {
	if err := s.streams.print(result, o.output); err != nil {
		return err
	}
	for _, one := range result.Resources {
		if one.Restore != "" { // the result has it too
			fmt.Fprintf(s.streams.Err, "To undo it (%s): %s%s\n", one.Label(), one.Restore, o.accounts.text())
		}
	}
	return nil
}

// mayWrite is what a cycle may write.
func mayWrite(values config.Values, act bool) string {
	const usual = "may write metrics, alarms, topics, subscriptions, a rule"
	adjusts, ends := values.AutoAdjustMinTPS.Is(model.On), values.AutoDeleteOrStopIdle.Is(model.On)
	switch {
	case !act:
		return usual + " and events; changes no campaign or recommender"
	case adjusts && ends:
		return usual + ", events and dashboards, lower minimums, raise those with a schedule, delete idle campaigns and stop idle recommenders"
	case ends:
		return usual + ", events and dashboards, delete idle campaigns and stop idle recommenders"
	case adjusts:
		return usual + ", events and dashboards, and lower minimums of campaigns and recommenders, or raise those with a schedule"
	}
	return usual + ", events and dashboards; changes no campaign or recommender"
}
