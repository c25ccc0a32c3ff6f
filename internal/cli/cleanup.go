package cli

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/personalize-monitor/personalize-monitor/internal/act"
	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// cleanupOptions are the settings of cleanup.
type cleanupOptions struct {
	common
	deployment string
}

// cleanupParams are the parameters of cleanup.
var cleanupParams = []string{config.Regions, config.DashboardName}

func newCleanup(g *global) *cobra.Command {
	o := &cleanupOptions{}
	cmd := &cobra.Command{
		Use:   "cleanup",
		Short: "Remove the alarms, topics, rule and dashboards that this program created",
		Long: `Remove what this program, or the application it succeeds, created: alarms, the
notification rule, topics with their subscriptions, and dashboards, in every region
where Personalize is offered. Campaigns, recommenders and metrics stay, and so does
whatever belongs to another deployment or to a person.

It shows what would be removed and asks first; without a terminal it needs --yes.
Regions that are denied or not enabled are skipped. It may be run again at any time.

Exit codes: 0 done, 1 failed or not confirmed, 2 bad usage or configuration, 3 done
but some things or regions failed.`,
		Example: `  personalize-monitor cleanup --dry-run
  personalize-monitor cleanup --yes --output csv
  personalize-monitor cleanup --deployment eu-west-1/my-stack`,
		Args: cobra.NoArgs,
	}
	o.addDryRun(cmd, "remove nothing; show what would be removed")
	o.addYes(cmd)
	o.addOutput(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.deployment, "deployment", deployment, "whose things to remove: cli, or `REGION/STACK` of a deployed stack")
	flags.String("regions", "", "further regions to search, separated by commas (env Regions)")
	flags.String("dashboard-name", "", "name of the dashboards to remove (env DashboardName, default Amazon-Personalize-Monitor)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return g.cleanup(cmd.Context(), cmd.Flags(), o) }
	return cmd
}

// stackPattern is a region and the name of a CloudFormation stack.
var stackPattern = regexp.MustCompile(`^([a-z0-9-]+)/[A-Za-z][A-Za-z0-9-]{0,127}$`)

// check rejects invalid settings, and returns the region of the deployment, which is empty for
// cli.
func (o *cleanupOptions) check(streams Streams) (region string, err error) {
	if err := o.checkOutput(); err != nil {
		return "", err
	}
	if o.deployment != deployment {
		stack := stackPattern.FindStringSubmatch(o.deployment)
		if stack == nil || !model.ValidRegion(stack[1]) {
			return "", usage(fmt.Errorf("--deployment %q is neither cli nor a region and a stack, such as eu-west-1/my-stack", o.deployment))
		}
		region = stack[1]
	}
	return region, o.checkAsk(streams, "cleanup asks before it removes anything")
}

// cleanup searches, shows, asks, and only then removes.
func (g *global) cleanup(ctx context.Context, flags *pflag.FlagSet, o *cleanupOptions) error {
	values, err := g.resolve(flags, cleanupParams, nil)
	if err != nil {
		return err
	}
	region, err := o.check(g.streams)
	if err != nil {
		return err
	}
	s, values, err := g.begin(ctx, values)
	if err != nil {
		return err
	}
	defer s.close()
	in := act.CleanupInput{Regions: slices.Concat(values.Regions, s.regions), DashboardName: values.DashboardName}
	if region != "" {
		if model.PartitionOf(region) != model.PartitionOf(s.config.Region) {
			return usage(fmt.Errorf("--deployment %q is in another partition than the region %s", o.deployment, s.config.Region))
		}
		in.Regions = append(in.Regions, region)
	}
	job := cleanupJob{session: s, o: o, actor: s.app(app.Options{DryRun: o.dryRun, Deployment: o.deployment}).Actor}
	return job.run(ctx, in)
}

// cleanupJob is one cleanup in progress.
type cleanupJob struct {
	*session
	o     *cleanupOptions
	actor *act.Actor
}

func (j cleanupJob) run(ctx context.Context, in act.CleanupInput) error {
	identity, err := j.actor.Identity(ctx)
	if err != nil {
		return err
	}
	may := "may remove alarms, topics, a rule and dashboards of the deployment " + j.o.deployment
	if j.o.dryRun {
		may = readsOnly
	}
	regions := act.CleanupRegions(identity.Partition, in.Regions, j.config.Region)
	if err := j.announce(ctx, j.actor, regionsText(regions), may); err != nil {
		return err
	}
	in.DryRun = true
	found, shown := j.pass(ctx, in, "searching regions")
	if ctx.Err() != nil {
		return fmt.Errorf("nothing was removed: %w", awsapi.Plain(ctx.Err()))
	}
	if j.o.dryRun || len(shown) == 0 {
		return j.finish(ctx, found, 0)
	}
	found.Preview = true
	if err := report.Write(j.streams.Err, found, report.Table, j.streams.style(j.streams.Err)); err != nil {
		return fmt.Errorf("show what would be removed: %w", err)
	}
	if err := j.o.confirm(ctx, j.streams, fmt.Sprintf("Remove %d things for good?", len(shown))); err != nil {
		return err
	}
	in.DryRun, in.Only = false, shown
	done, removed := j.pass(ctx, in, "cleaning up regions")
	return j.finish(ctx, done, len(removed))
}

// pass searches for what this program created and removes it, unless it is a dry run. It
// returns what was removed, or would be, as well.
func (j cleanupJob) pass(ctx context.Context, in act.CleanupInput, step string) (report.Cleanup, []act.CleanupItem) {
	in.Progress = func(done, total int) { j.progress.show(step, done, total) }
	start := j.clock.Now()
	result, problems := j.actor.Cleanup(ctx, in)
	j.progress.clear()
	out := report.Cleanup{
		Deployment: j.o.deployment, Regions: result.Regions, Problems: problems, DryRun: j.o.dryRun,
		Calls: j.clients.Calls(), DurationMs: j.clock.Now().Sub(start).Milliseconds(),
	}
	for _, i := range result.Items {
		out.Items = append(out.Items, report.CleanupItem{
			Region: i.Region, Kind: string(i.Kind), Name: i.Name, ARN: i.ARN, State: string(i.State), Reason: i.Reason,
		})
	}
	for _, s := range result.Skipped {
		skip := report.CleanupSkip{Region: s.Region, Reason: s.Reason}
		for _, kind := range s.What {
			skip.What = append(skip.What, string(kind))
		}
		out.Skipped = append(out.Skipped, skip)
	}
	return out, result.In(act.WouldGo, act.Removed)
}

// finish prints the result and turns it into the exit code.
func (j cleanupJob) finish(ctx context.Context, c report.Cleanup, removed int) error {
	if err := j.print(c, j.o.output); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%d things were removed; run it again to go on: %w", removed, awsapi.Plain(ctx.Err()))
	}
	return partial(len(c.Problems) > 0)
}
