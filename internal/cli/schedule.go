package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

type scheduleOptions struct {
	common
	prices   priceOptions
	accounts accountOptions
	large    bool
}

func newSchedule(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "Set, show or clear the schedule of a minimum",
		Long: `A schedule raises the minimum of a campaign or recommender at some hours of some days,
and lowers it again to its base. It is a tag of the resource, ` + schedule.Tag + `,
which the monitor reads, such as

  ` + schedule.Syntax + `

Days are mon to sun, ranges such as mon-fri, sums such as sat+sun, or daily. A range of hours
that ends at or before its start ends on the next day. tz is a name of the IANA database and
defaults to UTC. The monitor raises 15 minutes before a start, as an update takes minutes;
lead changes that. It never lowers below the base. Without such a tag nothing is raised.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newScheduleSet(g), newScheduleShow(g), newScheduleClear(g), newSchedulePreview(g))
	return cmd
}

// command is a command about the schedule of a resource; example is the end of its arguments.
func (o *scheduleOptions) command(use, short, long, example string, run func(cmd *cobra.Command, args []string) error) *cobra.Command {
	name, operands, _ := strings.Cut(use, " ")
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, RunE: run,
		Example: "  personalize-monitor schedule " + name + " arn:aws:personalize:us-east-1:123456789012:campaign/home" + example,
		Args:    exactArgs(len(strings.Fields(strings.ReplaceAll(operands, " | ", "|")))),
	}
	o.addOutput(cmd)
	o.form.joined = true
	o.prices.addFlags(cmd)
	o.accounts.addFlags(cmd)
	return cmd
}

func newScheduleSet(g *global) *cobra.Command {
	o := &scheduleOptions{}
	cmd := o.command("set ARN SCHEDULE", "Set the schedule of a campaign or recommender",
		"Set the schedule of a campaign or recommender, and show what it does in the next 7 days.",
		` "base=5 tz=Europe/Berlin mon-fri@11:30-14:00=50"`, func(cmd *cobra.Command, args []string) error {
			s, err := schedule.Parse(args[1])
			if err != nil {
				return usage(fmt.Errorf("the schedule: %w", err))
			}
			return o.run(cmd.Context(), g, args[0], "may set the tag "+schedule.Tag, func(ctx context.Context, c *scheduleChange) error {
				return o.set(ctx, c, s)
			})
		})
	o.addDryRun(cmd, "write nothing; show what would be done")
	cmd.Flags().BoolVar(&o.large, "allow-large", false,
		fmt.Sprintf("allow a level of more than %d times the base and the present minimum", rules.LargeTimes))
	return cmd
}

func (o *scheduleOptions) set(ctx context.Context, c *scheduleChange, s schedule.Schedule) error {
	tags := map[string]string{schedule.Tag: s.String()}
	if _, err := rules.ArrangementOf(c.resource.Kind, tags); err != nil {
		return usage(err)
	}
	present := max(s.Base, c.resource.MinTPS)
	if why := rules.LargeMinimum(c.resource.Kind, s.Highest(), present); why != "" && !o.large {
		return usage(fmt.Errorf("%s; if that is meant, allow it (--allow-large)", why))
	}
	if err := c.parts.Writer.SetTags(ctx, c.intent("set its schedule"), tags); err != nil {
		return fmt.Errorf("set the schedule of %s: %w", c.resource.ARN, err)
	}
	c.tags[schedule.Tag] = s.String()
	return nil
}

func newScheduleShow(g *global) *cobra.Command {
	o := &scheduleOptions{}
	return o.command("show ARN", "Show the schedule of a campaign or recommender",
		"Show the schedule of a campaign or recommender, the end of a timed raise, and the next 7 days.", "",
		func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), g, args[0], "reads only", nil)
		})
}

func newScheduleClear(g *global) *cobra.Command {
	o := &scheduleOptions{}
	cmd := o.command("clear ARN", "Remove the schedule of a campaign or recommender; its minimum stays as it is",
		"Remove the schedule of a campaign or recommender. Its minimum stays as it is.", "",
		func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), g, args[0], "may remove the tag "+schedule.Tag, clearSchedule)
		})
	o.addDryRun(cmd, "write nothing; show what would be done")
	return cmd
}

func clearSchedule(ctx context.Context, c *scheduleChange) error {
	if _, found := c.tags[schedule.Tag]; !found {
		return nil
	}
	if err := c.parts.Writer.RemoveTags(ctx, c.intent("remove its schedule"), schedule.Tag); err != nil {
		return fmt.Errorf("clear the schedule of %s: %w", c.resource.ARN, err)
	}
	delete(c.tags, schedule.Tag)
	return nil
}

func newSchedulePreview(g *global) *cobra.Command {
	o := &scheduleOptions{}
	return o.command("preview ARN | SCHEDULE", "Show what a schedule does in the next 7 days, and what that costs",
		"Show what the schedule of a resource, or the one given, does in the next 7 days, and how\n"+
			"many TPS-hours above its base that costs.",
		"\n  personalize-monitor schedule preview \"base=5 daily@09:00-12:00=50\"", func(cmd *cobra.Command, args []string) error {
			if strings.HasPrefix(args[0], "arn:") {
				return o.run(cmd.Context(), g, args[0], "reads only", nil)
			}
			s, err := schedule.Parse(args[0])
			if err = cmp.Or(err, o.check(), o.accounts.check()); err != nil {
				return usage(err)
			}
			return g.streams.print(report.SchedulePreview(s, model.Campaign, model.SystemClock{}.Now()), o.output)
		})
}

// check rejects an invalid form together with what is wrong with the prices.
func (o *scheduleOptions) check() error {
	prices := o.prices.check()
	if err := o.form.check(); err != nil {
		return errors.Join(err, prices)
	}
	return prices
}

// scheduleChange is what a command changes.
type scheduleChange struct {
	parts    *app.App
	resource model.Resource
	tags     map[string]string
}

func (c *scheduleChange) intent(what string) writer.Intent {
	return writer.Intent{Region: c.resource.Region(), ARN: c.resource.ARN.String(), What: what}
}

// run reads a resource, changes its tags, unless change is nil, and prints its schedule.
func (o *scheduleOptions) run(
	ctx context.Context, g *global, name, may string, change func(context.Context, *scheduleChange) error,
) error {
	arn, kind, err := model.ParseResourceARN(name)
	if err = cmp.Or(err, o.check(), o.accounts.check()); err != nil {
		return usage(err)
	}
	s, done, err := o.accounts.sessionFor(ctx, g, arn)
	if err != nil {
		return err
	}
	defer done()
	parts := s.app(app.Options{Deployment: deployment, DryRun: o.dryRun})
	if err := s.announce(ctx, parts.Owner, "region "+arn.Region(), may, o.dryRun); err != nil {
		return err
	}
	resource, tags, err := parts.Describe(ctx, arn, kind)
	if err != nil {
		return missing(err)
	}
	if change != nil {
		if err := change(ctx, &scheduleChange{parts, resource, tags}); err != nil {
			return err
		}
	}
	found, problems := o.prices.source(s)(ctx, []string{arn.Region()})
	price, _ := found.Of(arn.Region(), pricing.ProductOf(kind, resource.Recipe))
	out := report.ScheduleOf(resource, tags, price, s.clock.Now())
	s.progress.clear()
	if err := s.streams.print(out, o.output); err != nil {
		return err
	}
	s.streams.printProblems(problems)
	return partial(len(problems) > 0)
}
