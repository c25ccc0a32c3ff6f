package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// deployment marks what the command line makes, as opposed to a deployed stack.
const deployment = "cli"

// cycleOptions are the settings of run and plan.
type cycleOptions struct {
	output string
	dryRun bool
	act    bool
	yes    bool
	saves  bool // the result tells what decisions would save
	prices priceOptions
}

func newRun(g *global) *cobra.Command {
	o := &cycleOptions{}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run one monitoring cycle",
		Long: `Run one monitoring cycle: find campaigns and recommenders, measure them over the last
whole 5 minutes, publish metrics, keep alarms and notifications in order, and decide
what is over-provisioned or idle. Decisions go out as events, for functions deployed
in the account; this command itself changes no campaign and no recommender.

With --act it carries the decisions out itself, each after a second look on fresh data,
and sends notifications only: minimums are lowered and, if AutoDeleteOrStopIdleResources
is on, idle campaigns deleted and idle recommenders stopped. Before the latter it asks.
A dashboard that "dashboard build" made is built again at the end, if it has changed.

Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 3 done but some resources
or regions failed.`,
		Example: `  personalize-monitor run --local
  personalize-monitor run --regions us-east-1,eu-west-1 --notification-endpoint ml@example.com
  personalize-monitor run --dry-run --output json
  personalize-monitor run --act --auto-delete-or-stop-idle yes --yes`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&o.act, "act", false, "carry the decisions out instead of sending them as events")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "with --act: do not ask; needed where there is no terminal")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "write nothing; show what would be written")
	addCycleFlags(cmd, o)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		result, err := g.runCycle(cmd.Context(), cmd.Flags(), o)
		if err != nil {
			return err
		}
		if result.Failed() {
			return &exit{code: ExitPartial}
		}
		return nil
	}
	return cmd
}

func newPlan(g *global) *cobra.Command {
	o := &cycleOptions{dryRun: true, saves: true}
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what a cycle would decide, and write nothing",
		Long: `Show what a monitoring cycle would measure and decide, and write nothing at all. For
each change it also tells what it would save: TPS-hours, and an estimate of the money
where there is a price (see report).

Exit codes: 0 nothing to change, 10 changes found (a step-down, stop or delete, or
alarms to create, update or remove), 1 failed, 2 bad usage or configuration, 3 some
resources or regions failed, whatever else was found.`,
		Example: `  personalize-monitor plan --local
  personalize-monitor plan --auto-delete-or-stop-idle yes --output csv`,
		Args: cobra.NoArgs,
	}
	addCycleFlags(cmd, o)
	o.prices.addFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		result, err := g.runCycle(cmd.Context(), cmd.Flags(), o)
		switch {
		case err != nil:
			return err
		case result.Failed():
			return &exit{code: ExitPartial}
		case result.Changes():
			return &exit{code: ExitChanges}
		}
		return nil
	}
	return cmd
}

// addCycleFlags adds the flags that run and plan share: the parameters, and the form of
// the result.
func addCycleFlags(cmd *cobra.Command, o *cycleOptions) {
	cmd.Flags().StringVar(&o.output, "output", "table", "`FORM` of the result: table, json or csv")
	complete(cmd, "output", []string{"table", "json", "csv"})
	for _, spec := range config.All() {
		addParam(cmd, spec, cycleDefault(spec))
	}
}

// addParam adds the flag of a parameter. Its default is resolved later, after the
// environment, and only told here.
func addParam(cmd *cobra.Command, spec config.Spec, value string) {
	form, values := valueForm(spec)
	help := fmt.Sprintf("%s; %s (env %s", spec.Help, spec.Valid, spec.Name)
	if value != "" {
		help += ", default " + value
	}
	cmd.Flags().Var(&textFlag{form: form}, spec.Flag, help+")")
	complete(cmd, spec.Flag, values)
}

// textFlag is a flag whose text is judged later, with all the others.
type textFlag struct{ text, form string }

func (f *textFlag) String() string        { return f.text }
func (f *textFlag) Set(text string) error { f.text = text; return nil }
func (f *textFlag) Type() string          { return f.form }

// valueForm says what a parameter's value looks like, and the few there are, if so.
func valueForm(spec config.Spec) (form string, values []string) {
	switch spec.Name {
	case config.CampaignARNs, config.RecommenderARNs:
		return "ARNS", []string{"all", "none"}
	case config.HourlyChecks:
		return "WHEN", []string{string(model.Auto), string(model.Always), string(model.Never)}
	case config.Regions:
		return "REGIONS", nil
	case config.NotificationEndpoint:
		return "ADDRESSES", nil
	case config.MetricDelay:
		return "DURATION", nil
	case config.DashboardName:
		return "NAME", nil
	case config.IdleThresholdHours:
		return "HOURS", nil
	case config.MaxStopsOrDeletesPerHour:
		return "NUMBER", nil
	case config.AutoAdjustMinTPS, config.AutoDeleteOrStopIdleResources:
		return "yes|no|DryRun", []string{"yes", "no", "DryRun"}
	case config.UtilizationThresholdAlarmLowerBound:
		return "PERCENT", nil
	}
	return "yes|no", []string{"yes", "no"}
}

// personDefaults differ from the parameters' own: a person who runs a cycle wants every
// resource checked now.
var personDefaults = map[string]string{config.HourlyChecks: string(model.Always)}

func cycleDefault(spec config.Spec) string {
	if value, ok := personDefaults[spec.Name]; ok {
		return value
	}
	return spec.Default
}

// resolve reads the parameters from flags and environment.
func (g *global) resolve(flags *pflag.FlagSet) (config.Values, error) {
	return config.Resolve(config.Sources{Flags: given(flags), Env: g.streams.Env, Defaults: personDefaults})
}

// runCycle runs a cycle and prints its result. Nothing is asked of AWS before all the
// words of the command line are known to be good.
func (g *global) runCycle(ctx context.Context, flags *pflag.FlagSet, o *cycleOptions) (report.Result, error) {
	values, err := g.resolve(flags)
	if err != nil {
		return report.Result{}, err
	}
	if err := o.check(g.streams, values); err != nil {
		return report.Result{}, err
	}
	s, err := g.open(ctx)
	if err != nil {
		return report.Result{}, err
	}
	defer s.close()
	if err := values.Within(s.config.Region); err != nil {
		return report.Result{}, err
	}
	if len(values.Regions) == 0 {
		values.Regions = s.regions
	}
	progress := newProgress(g.streams.Err)
	options := s.acting(values, o.dryRun)
	options.Act, options.Progress = o.act, progress.show
	if o.saves {
		options.Prices = o.prices.source(s)
	}
	parts := s.app(options)
	if err := g.announce(ctx, parts.Owner, regionsOf(values, s)+eventsIn(s), mayWrite(values, o)); err != nil {
		return report.Result{}, err
	}
	if o.asks(values) {
		if err := g.streams.confirm(ctx, "Delete idle campaigns and stop idle recommenders, if there are any?"); err != nil {
			return report.Result{}, err
		}
	}
	result, err := parts.Cycle.Run(ctx, cycle.Input{Params: values})
	progress.clear()
	if err != nil {
		return report.Result{}, err
	}
	if err := g.print(result, o.output); err != nil {
		return report.Result{}, err
	}
	for _, one := range result.Resources {
		if one.Restore != "" {
			_, _ = fmt.Fprintf(g.streams.Err, "To undo it (%s): %s\n", one.Name, one.Restore) // beside the result, which has it too
		}
	}
	if ctx.Err() != nil {
		return report.Result{}, errLeftUndone
	}
	return result, nil
}

// asks tells whether a person has to confirm: something may be deleted or stopped.
func (o *cycleOptions) asks(values config.Values) bool {
	return o.act && values.AutoDeleteOrStopIdle.Is(model.On) && !o.dryRun && !o.yes
}

// check refuses settings that cannot be meant.
func (o *cycleOptions) check(streams Streams, values config.Values) error {
	switch {
	case !strings.Contains(" table json csv ", " "+o.output+" "):
		return usage(fmt.Errorf("--output %q is not one of table, json, csv", o.output))
	case o.asks(values) && !streams.interactive():
		return usage(errors.New("run --act asks before it deletes and stops what is idle (AutoDeleteOrStopIdleResources=Yes); " +
			"without a terminal give --yes, or --dry-run to look only"))
	}
	return o.prices.check()
}

// errLeftUndone ends a run that was interrupted after it had begun to write.
var errLeftUndone = errors.New("what was left undone comes with the next run")

// announce tells for which account and regions the command works and what it may
// write, before it writes anything.
func (g *global) announce(ctx context.Context, owner *writer.Owner, where, may string) error {
	account, err := g.account(ctx, owner)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(g.streams.Err, "%s, %s: %s.\n", account, where, may)
	return err
}

// eventsIn tells of the region that events are sent in.
func eventsIn(s *session) string { return " (events in " + s.config.Region + ")" }

// account names the account that the credentials belong to. That STS cannot be asked
// is no reason to go without metrics.
func (g *global) account(ctx context.Context, owner *writer.Owner) (string, error) {
	identity, err := owner.Identity(ctx)
	account := "account " + identity.Account
	switch {
	case awsapi.KindOf(err) == awsapi.NoCredentials, ctx.Err() != nil:
		return "", err
	case err != nil:
		account = "account unknown (" + awsapi.Line(err) + ")"
	}
	if g.local {
		account = "embedded AWS, " + account
	}
	return account, nil
}

// regionsOf names the regions that a cycle works in.
func regionsOf(values config.Values, s *session) string {
	return "regions " + cmp.Or(strings.Join(cycle.Regions(cycle.Scope(values, s.config.Region)), ", "), "none")
}

// mayWrite says what a cycle may write.
func mayWrite(values config.Values, o *cycleOptions) string {
	adjusts, ends := values.AutoAdjustMinTPS.Is(model.On), values.AutoDeleteOrStopIdle.Is(model.On)
	usual := "may write metrics, alarms, topics, subscriptions, a rule and events"
	if o.act {
		usual = "may write metrics, alarms, topics, subscriptions, a rule, events and dashboards"
	}
	switch {
	case o.dryRun:
		return "reads only"
	case o.act && adjusts && ends:
		return usual + ", lower minimums, delete idle campaigns and stop idle recommenders"
	case o.act && ends:
		return usual + ", delete idle campaigns and stop idle recommenders"
	case o.act && adjusts:
		return usual + ", and lower minimums of campaigns and recommenders"
	}
	return usual + "; changes no campaign or recommender"
}

// print writes the result in the form asked for.
func (g *global) print(result report.Result, form string) error {
	var write func(io.Writer) error
	switch form {
	case "json":
		write = result.WriteJSON
	case "csv":
		write = result.WriteCSV
	default:
		out := g.streams.Out
		write = func(w io.Writer) error { return result.WriteTable(w, terminalWidth(out), g.streams.color(out)) }
	}
	if err := write(g.streams.Out); err != nil {
		return fmt.Errorf("print the result: %w", awsapi.Plain(err))
	}
	if form == "csv" { // it has no room for them
		g.tellProblems(result.Problems)
	}
	return nil
}
