package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

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

Ctrl-C ends it in order: what was begun at a resource is finished and reported, the rest is in
the result as not done, and the next run continues with it. A second Ctrl-C ends it at once.

Exit codes: 0 done, 1 failed or interrupted, 2 bad usage or configuration, 3 done but
some resources or regions failed.`,
		Example: `  personalize-monitor run --local
  personalize-monitor run --regions us-east-1,eu-west-1 --notification-endpoint ml@example.com
  personalize-monitor run --dry-run --output json
  personalize-monitor run --act --auto-delete-or-stop-idle yes --yes`,
	}
	cmd.Flags().BoolVar(&o.act, "act", false, "execute the decisions instead of sending them as events")
	o.addYes(cmd)
	o.addDryRun(cmd, "write nothing; show what would be written")
	o.addOutput(cmd)
	o.accounts.addFlags(cmd)
	return g.start(cmd, cycleSetup, o.check, o.run)
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
	}
	o.addOutput(cmd)
	o.prices.addFlags(cmd)
	o.accounts.addFlags(cmd)
	return g.start(cmd, cycleSetup, o.check, o.run)
}

// asks reports whether a person has to confirm: something may be deleted or stopped.
func (o *cycleOptions) asks(values config.Values) bool {
	return o.act && values.AutoDeleteOrStopIdle.Is(model.On)
}

func (o *cycleOptions) check(streams Streams, values config.Values) error {
	var asks error
	if o.asks(values) {
		asks = o.checkAsk(streams, "run --act asks before it deletes or stops what is idle (AutoDeleteOrStopIdleResources=Yes)")
	}
	return cmp.Or(asks, o.prices.check(), o.accounts.check())
}

// errLeftUndone ends a command that was interrupted after it had begun to write.
var errLeftUndone = errors.New("the next run continues with what was not done")

// run runs a cycle in each account, and prints the results as one.
func (o *cycleOptions) run(ctx context.Context, s *session, values config.Values) error {
	list, err := o.accounts.work(ctx, s, values, o.options, s.eventsIn(), mayWrite(values, o.act), o.dryRun)
	if err != nil {
		return err
	}
	defer closeAll(list)
	if err := o.confirmEnding(ctx, s, list); err != nil {
		return err
	}
	var at time.Time
	if o.accounts.several() { // all cycles measure the same window
		at = s.clock.Now()
	}
	result, none, err := inEach(list, "run the cycle", func(of []report.Of[report.Result]) report.Result {
		merged := report.Merged(of)
		merged.DryRun, merged.DurationMs = o.dryRun, s.took(merged.Calls)
		for i := range merged.Resources {
			if one := &merged.Resources[i]; one.Restore != "" {
				one.Restore += o.accounts.text()
			}
		}
		return merged
	}, func(m member) (report.Result, error) {
		return m.parts.Cycle.Run(ctx, cycle.Input{Params: m.values, ScheduledAt: at, MayEnd: m.mayEnd})
	})
	if err != nil {
		return err
	}
	if err := s.streams.print(result, o.output); err != nil {
		return err
	}
	for _, one := range result.Resources {
		if one.Restore != "" { // the result has it too
			fmt.Fprintf(s.streams.Err, "To undo it (%s): %s\n", one.Label(), one.Restore)
		}
	}
	switch {
	case ctx.Err() != nil:
		return errLeftUndone
	case o.plan && result.Changes() && !result.Failed():
		return &exit{code: ExitChanges}
	}
	return incomplete(none, result.Failed())
}

func (o *cycleOptions) options(m member) app.Options {
	options := m.acting(m.values, o.dryRun)
	options.Act = o.act
	if o.plan {
		options.Prices = o.prices.source(m.session)
	}
	return options
}

// confirmEnding lists what the cycles would delete or stop in each account, and asks once, naming the
// accounts. An account whose list could not be made is not asked about: nothing is deleted or stopped in it.
func (o *cycleOptions) confirmEnding(ctx context.Context, s *session, list []member) error {
	var questions []string
	for i, m := range list {
		if !o.asks(m.values) || o.dryRun || o.yes || m.unreached != nil {
			continue
		}
		found, err := m.findEnding(ctx)
		if err != nil {
			return err
		}
		list[i].mayEnd = map[string]bool{}
		for _, one := range found {
			list[i].mayEnd[one.ARN] = true
		}
		if len(found) > 0 {
			questions = append(questions, counted(found)+m.in())
		}
	}
	if len(questions) == 0 {
		return nil
	}
	question := strings.Join(questions, ", ")
	return o.confirm(ctx, s.streams, strings.ToUpper(question[:1])+question[1:]+"?")
}

// in names the account if there are several, as in "delete 2 campaigns in shop (123456789012)".
func (m member) in() string {
	if m.only() {
		return ""
	}
	return " in " + m.of.String()
}

// findEnding runs a cycle that writes nothing, and shows on stderr what one that acts would delete or
// stop now. Every resource is checked, whenever its check is due. What could not be read in one of several
// accounts is noted, and nothing of it is found: the other accounts go on.
func (m member) findEnding(ctx context.Context) ([]report.Resource, error) {
	if !m.only() {
		fmt.Fprintf(m.streams.Err, "In account %s:\n", m.of)
	}
	values := m.values
	values.HourlyChecks = model.Always
	result, err := m.parts.ReadOnlyCycle().Run(ctx, cycle.Input{Params: values})
	m.progress.clear()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && m.only():
		return nil, err
	case err != nil:
		m.streams.note("what is idle there could not be read: " + awsapi.Line(err))
		return nil, nil
	}
	found := slices.DeleteFunc(result.Resources, func(one report.Resource) bool { return !one.Decision.Action().Ends() })
	title := "Nothing is to be deleted or stopped now."
	if len(found) > 0 {
		title = "To be deleted or stopped, each after a check on fresh data:"
	}
	fmt.Fprintln(m.streams.Err, title)
	for _, one := range found {
		m.streams.note(model.OneLine(fmt.Sprintf("- %s %s %s (%s): %s", one.Decision, one.Kind, one.Name, one.Region, one.Reason)))
	}
	if n := len(result.Problems); n > 0 {
		m.streams.note(model.Plural(n, "problem") + ": of what could not be read, nothing is deleted or stopped. plan shows them.")
	}
	return found, nil
}

// counted is what would be deleted and stopped, as in "delete 2 campaigns and stop 1 recommender".
func counted(found []report.Resource) string {
	counts := map[rules.Verdict]int{}
	for _, one := range found {
		counts[one.Decision]++
	}
	var parts []string
	if n := counts[rules.Delete]; n > 0 {
		parts = append(parts, "delete "+model.Plural(n, string(model.Campaign)))
	}
	if n := counts[rules.Stop]; n > 0 {
		parts = append(parts, "stop "+model.Plural(n, string(model.Recommender)))
	}
	return strings.Join(parts, " and ")
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
