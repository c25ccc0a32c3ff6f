package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/uninstall"
)

// cleanupOptions are the settings of cleanup.
type cleanupOptions struct {
	output     string
	deployment string
	dryRun     bool
	yes        bool
}

// cleanupParams are the parameters that cleanup takes; the others may be as they like.
var cleanupParams = []string{config.Regions, config.DashboardName}

func newCleanup(g *global) *cobra.Command {
	o := &cleanupOptions{}
	cmd := &cobra.Command{
		Use:   "cleanup",
		Short: "Remove the alarms, topics, rule and dashboards that this program made",
		Long: `Remove what this program, or the application it succeeds, made: alarms, the
notification rule, topics with their subscriptions, and dashboards, in every region
where Personalize is offered. Campaigns, recommenders and metrics stay, and so does
whatever belongs to another deployment or to a person.

It shows what would go and asks first; without a terminal to ask on it needs --yes.
Regions that are denied or not enabled are skipped. It may be run again at any time.

Exit codes: 0 done, 1 failed or not confirmed, 2 bad usage or configuration, 3 done
but some things or regions failed.`,
		Example: `  personalize-monitor cleanup --dry-run
  personalize-monitor cleanup --yes --output csv
  personalize-monitor cleanup --deployment eu-west-1/my-stack`,
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.dryRun, "dry-run", false, "remove nothing; show what would be removed")
	flags.BoolVar(&o.yes, "yes", false, "do not ask")
	flags.StringVar(&o.deployment, "deployment", deployment, "whose things to remove: cli, or `REGION/STACK` of a deployed stack")
	flags.StringVar(&o.output, "output", "table", "table, json or csv")
	flags.String("regions", "", "further regions to look at, separated by commas (env Regions)")
	flags.String("dashboard-name", "", "name of the dashboards to remove (env DashboardName, default Amazon-Personalize-Monitor)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return g.cleanup(cmd.Context(), cmd.Flags(), o) }
	return cmd
}

// stackPattern is a region and the name of a CloudFormation stack.
var stackPattern = regexp.MustCompile(`^([a-z0-9-]+)/[A-Za-z][A-Za-z0-9-]{0,127}$`)

// check refuses settings that cannot be meant, and gives the region of the deployment,
// which is empty for cli.
func (o *cleanupOptions) check(streams Streams) (region string, err error) {
	stack := stackPattern.FindStringSubmatch(o.deployment)
	switch {
	case !strings.Contains(" table json csv ", " "+o.output+" "):
		return "", usage(fmt.Errorf("--output %q is not one of table, json, csv", o.output))
	case o.deployment != deployment && (stack == nil || !model.ValidRegion(stack[1])):
		return "", usage(fmt.Errorf("--deployment %q is neither cli nor a region and a stack, such as eu-west-1/my-stack", o.deployment))
	case !o.dryRun && !o.yes && !streams.interactive():
		return "", usage(errors.New("cleanup asks before it removes anything; without a terminal give --yes, or --dry-run to look only"))
	case stack != nil:
		region = stack[1]
	}
	return region, nil
}

// cleanup looks, shows, asks, and only then removes.
func (g *global) cleanup(ctx context.Context, flags *pflag.FlagSet, o *cleanupOptions) error {
	values, err := g.resolveSome(flags, cleanupParams)
	if err != nil {
		return err
	}
	region, err := o.check(g.streams)
	if err != nil {
		return err
	}
	s, err := g.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if err := values.Within(s.config.Region); err != nil {
		return err
	}
	if region != "" && model.PartitionOf(region) != model.PartitionOf(s.config.Region) {
		return usage(fmt.Errorf("--deployment %q is in another partition than the region %s", o.deployment, s.config.Region))
	}
	in := uninstall.Input{Regions: slices.Concat(values.Regions, s.regions), DashboardName: values.DashboardName}
	if region != "" {
		in.Regions = append(in.Regions, region)
	}
	job := &cleanupJob{
		global: g, o: o, s: s, in: in,
		app: s.app(app.Options{DryRun: o.dryRun, Deployment: o.deployment}),
	}
	return job.run(ctx)
}

// resolveSome reads some of the parameters; what the environment says of the others does
// not matter.
func (g *global) resolveSome(flags *pflag.FlagSet, names []string) (config.Values, error) {
	given := map[string]string{}
	for _, spec := range config.All() {
		if flags.Changed(spec.Flag) {
			given[spec.Flag] = flags.Lookup(spec.Flag).Value.String()
		}
	}
	return config.Resolve(config.Sources{Flags: given, Env: someOf(g.streams.Env, names)})
}

// someOf shows of the environment no more than the named parameters.
func someOf(env func(string) (string, bool), names []string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if !slices.Contains(names, name) {
			return "", false
		}
		return env(name)
	}
}

// cleanupJob is one clean-up under way.
type cleanupJob struct {
	*global
	o     *cleanupOptions
	s     *session
	in    uninstall.Input
	app   *app.App
	shown []report.CleanupItem // what would go, once it was looked for
}

func (j *cleanupJob) run(ctx context.Context) error {
	found, err := j.scan(ctx)
	if err != nil {
		return err
	}
	going := count(found, uninstall.WouldRemove)
	if j.o.dryRun || going == 0 {
		found.DryRun = j.o.dryRun
		return j.finish(ctx, found)
	}
	found.Preview = true
	if err := found.WriteTable(j.streams.Err, j.streams.color(j.streams.Err)); err != nil {
		return fmt.Errorf("show what would go: %w", err)
	}
	if !j.o.yes {
		if err := j.streams.confirm(ctx, fmt.Sprintf("Remove %d things for good?", going)); err != nil {
			return err
		}
	}
	done, err := j.pass(ctx, false)
	if err != nil {
		return err
	}
	return j.finish(ctx, done)
}

// scan looks for what would go, after it has told where.
func (j *cleanupJob) scan(ctx context.Context) (report.Cleanup, error) {
	identity, err := j.app.Owner.Identity(ctx)
	if err != nil {
		return report.Cleanup{}, err
	}
	account := "account " + identity.Account
	if j.local {
		account = "embedded AWS, " + account
	}
	may := "may remove alarms, topics, a rule and dashboards of the deployment " + j.o.deployment
	if j.o.dryRun {
		may = "reads only"
	}
	regions := uninstall.Regions(identity.Partition, j.in.Regions, j.s.config.Region)
	fmt.Fprintf(j.streams.Err, "%s, regions %s: %s.\n", account, strings.Join(regions, ", "), may)
	return j.pass(ctx, true)
}

// pass looks for our things, and removes them unless it only scans.
func (j *cleanupJob) pass(ctx context.Context, scan bool) (report.Cleanup, error) {
	in := j.in
	in.DryRun, in.Only = scan, j.shown
	progress := newProgress(j.streams.Err)
	step := "cleaning up regions"
	if scan {
		step = "looking at regions"
	}
	in.Progress = func(done, total int) { progress.show(step, done, total) }
	start := j.s.clock.Now()
	out := j.app.Uninstaller.Run(ctx, in)
	progress.clear()
	if scan && ctx.Err() != nil {
		return report.Cleanup{}, fmt.Errorf("nothing was removed: %w", awsapi.Plain(ctx.Err()))
	}
	if scan {
		j.shown = uninstall.InState(out.Items, uninstall.WouldRemove)
	}
	out.DryRun = scan
	out.Calls, out.DurationMs = j.s.clients.Calls(), j.s.clock.Now().Sub(start).Milliseconds()
	return out, nil
}

// finish prints the result and turns it into the exit code.
func (j *cleanupJob) finish(ctx context.Context, c report.Cleanup) error {
	if err := j.print(c); err != nil {
		return err
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%d things were removed; run it again to go on: %w", count(c, uninstall.Removed), awsapi.Plain(ctx.Err()))
	case len(c.Problems) > 0:
		return &exit{code: ExitPartial}
	}
	return nil
}

// print writes the result in the form asked for.
func (j *cleanupJob) print(c report.Cleanup) error {
	var write func(io.Writer) error
	out := j.streams.Out
	switch j.o.output {
	case "json":
		write = c.WriteJSON
	case "csv":
		write = c.WriteCSV
	default:
		write = func(w io.Writer) error { return c.WriteTable(w, j.streams.color(out)) }
	}
	if err := write(out); err != nil {
		return fmt.Errorf("print the result: %w", awsapi.Plain(err))
	}
	if j.o.output == "csv" { // it has no room for them
		for _, skip := range c.Skipped {
			fmt.Fprintf(j.streams.Err, "skipped %s (%s): %s\n", skip.Region, strings.Join(skip.What, ", "), skip.Reason)
		}
		for _, p := range c.Problems {
			fmt.Fprintf(j.streams.Err, "%s\n", p.Error())
		}
	}
	return nil
}

func count(c report.Cleanup, state string) int { return len(uninstall.InState(c.Items, state)) }
