package cli

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/uninstall"
)

type cleanupOptions struct {
	common
	deployment      string
	includeUntagged bool
}

var cleanupSetup = setup{params: []string{config.Regions, config.DashboardName}}

func newCleanup(g *global) *cobra.Command {
	o := &cleanupOptions{}
	cmd := &cobra.Command{
		Use:   "cleanup",
		Short: "Remove the alarms, topics, rule and dashboards that this program created",
		Long: `Remove what this program, or the upstream sample, created: alarms, the notification
rule, topics with their subscriptions, the tags of schedules and timed raises, and
dashboards, in every region where Personalize is offered. Campaigns, recommenders, their
minimums and metrics stay, and so does whatever belongs to another deployment or to a
person. What the upstream sample made, and no deployment has tagged as its own, is
listed and stays, as another stack of the sample may use it; --include-untagged removes
it. What cannot be listed is not removed.

It shows what would be removed and asks first; without a terminal it needs --yes.
Regions in which all is denied, or that are not enabled, are skipped. It may be run
again at any time.

Exit codes: 0 done, 1 failed or not confirmed, 2 bad usage or configuration, 3 done
but some things or regions failed.`,
		Example: `  personalize-monitor cleanup --dry-run
  personalize-monitor cleanup --yes --output csv
  personalize-monitor cleanup --deployment eu-west-1/my-stack`,
	}
	o.addDryRun(cmd, "remove nothing; show what would be removed")
	o.addYes(cmd)
	o.addOutput(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.deployment, "deployment", deployment, "whose things to remove: cli, or `REGION/STACK` of a deployed stack")
	flags.BoolVar(&o.includeUntagged, "include-untagged", false, "remove the upstream sample's leftovers that no deployment has tagged, too")
	flags.String("regions", "", "further regions to search, separated by commas (env Regions)")
	flags.String("dashboard-name", "", "name of the dashboards to remove (env DashboardName, default Amazon-Personalize-Monitor)")
	return g.start(cmd, cleanupSetup, o.check, o.run)
}

// stackPattern is a region and the name of a CloudFormation stack.
var stackPattern = regexp.MustCompile(`^([a-z0-9-]+)/[A-Za-z][A-Za-z0-9-]{0,127}$`)

func (o *cleanupOptions) check(streams Streams, _ config.Values) error {
	return cmp.Or(
		reject(o.deployment != deployment && !model.ValidRegion(o.region()),
			"--deployment %q is neither cli nor a region and a stack, such as eu-west-1/my-stack", o.deployment),
		o.checkAsk(streams, "cleanup asks before it removes anything"),
	)
}

// region is that of a deployed stack. It is empty for cli.
func (o *cleanupOptions) region() string {
	if stack := stackPattern.FindStringSubmatch(o.deployment); stack != nil {
		return stack[1]
	}
	return ""
}

// run searches, shows, asks, and only then removes.
func (o *cleanupOptions) run(ctx context.Context, s *session, values config.Values) error {
	in := uninstall.Input{
		Regions: slices.Concat(values.Regions, s.regions), DashboardName: values.DashboardName, DryRun: true, AllUntagged: o.includeUntagged,
	}
	if region := o.region(); region != "" {
		if model.PartitionOf(region) != model.PartitionOf(s.config.Region) {
			return usage(fmt.Errorf("--deployment %q is in another partition than the region %s", o.deployment, s.config.Region))
		}
		in.Regions = append(in.Regions, region)
	}
	parts := s.app(app.Options{DryRun: o.dryRun, Deployment: o.deployment})
	identity, err := parts.Owner.Identity(ctx)
	if err != nil {
		return err
	}
	in.Endpoints = parts.Endpoints
	may := "may remove alarms, topics, a rule, tags and dashboards of the deployment " + o.deployment
	regions := uninstall.Regions(identity.Partition, in.Regions, s.config.Region)
	if err := s.announce(ctx, parts.Owner, regionsText(regions), may, o.dryRun); err != nil {
		return err
	}
	found, shown := o.pass(ctx, s, parts, in, "searching regions")
	if ctx.Err() != nil {
		return fmt.Errorf("nothing was removed: %w", awsapi.Plain(ctx.Err()))
	}
	if o.dryRun || len(shown) == 0 {
		return s.streams.finish(found, o.output, false, len(found.Problems) > 0)
	}
	found.Preview = true
	if err := report.Write(s.streams.Err, found, report.Table, s.streams.style(s.streams.Err)); err != nil {
		return fmt.Errorf("show what would be removed: %w", err)
	}
	if err := o.confirm(ctx, s.streams, fmt.Sprintf("Remove %d things for good?", len(shown))); err != nil {
		return err
	}
	in.DryRun, in.Only = false, shown
	done, removed := o.pass(ctx, s, parts, in, "cleaning up regions")
	if err := s.streams.print(done, o.output); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%d things were removed; run it again to go on: %w", len(removed), awsapi.Plain(ctx.Err()))
	}
	return partial(len(found.Problems)+len(done.Problems) > 0) // what the search did not find was not removed
}

// pass searches for what this program created and removes it, unless in.DryRun is set. It
// returns what was removed, or would be, as well.
func (o *cleanupOptions) pass(
	ctx context.Context, s *session, parts *app.App, in uninstall.Input, step string,
) (report.Cleanup, []report.CleanupItem) {
	in.Progress = func(done, total int) { s.progress.show(step, done, total) }
	start := s.clock.Now()
	out := parts.Uninstaller.Run(ctx, in)
	s.progress.clear()
	out.DryRun = o.dryRun
	out.Calls, out.DurationMs = s.clients.Calls(), s.clock.Now().Sub(start).Milliseconds()
	state := uninstall.Removed
	if in.DryRun {
		state = uninstall.WouldRemove
	}
	return out, uninstall.InState(out.Items, state)
}
