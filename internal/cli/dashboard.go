package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/dashboard"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// dashboardParams are the parameters that select what a dashboard shows.
var dashboardParams = []string{config.CampaignARNs, config.RecommenderARNs, config.Regions, config.DashboardName}

func newDashboard(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dashboard",
		Short: "Build, delete or print the CloudWatch dashboard",
		Long: `Build, delete or print the CloudWatch dashboard, on which each dataset group has graphs
of throughput against the minimum, of utilization and of latency. Resources beyond the limits
of one dashboard go on further ones, named NAME-2, NAME-3 and so on.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDashboardBuild(g), newDashboardDelete(g), newDashboardRender(g))
	return cmd
}

func newDashboardBuild(g *global) *cobra.Command {
	o := &common{}
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Write the dashboard and replace what exists",
		Long: `Find the campaigns and recommenders and write their dashboard. It replaces an existing
dashboard: changes made by hand are lost. Dashboards numbered beyond what is needed are
deleted. If a region cannot be listed nothing is written, rather than a dashboard that
lacks it.

Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 3 done but some resources
or dashboards failed.`,
		Example: `  personalize-monitor dashboard build --regions us-east-1,eu-west-1
  personalize-monitor dashboard build --local --dry-run`,
		Args: cobra.NoArgs,
	}
	o.addDryRun(cmd, "write nothing; show what would be written")
	o.addOutput(cmd)
	addParams(cmd, dashboardParams, nil)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return g.buildDashboard(cmd.Context(), cmd.Flags(), o) }
	return cmd
}

func newDashboardDelete(g *global) *cobra.Command {
	o := &common{}
	cmd := &cobra.Command{
		Use:   "delete",
		Short: "Delete the dashboard and its numbered ones",
		Long: `Delete the dashboard and the numbered ones that continue it. It is no error if they do not
exist. It asks first; without a terminal it needs --yes.

Exit codes: 0 done, 1 failed or not confirmed, 2 bad usage or configuration, 3 done but
some dashboards failed.`,
		Example: `  personalize-monitor dashboard delete
  personalize-monitor dashboard delete --dashboard-name Second-Monitor --yes`,
		Args: cobra.NoArgs,
	}
	o.addYes(cmd)
	o.addDryRun(cmd, "delete nothing; show what would be deleted")
	o.addOutput(cmd)
	addParams(cmd, deleteParams, nil)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return g.deleteDashboard(cmd.Context(), cmd.Flags(), o) }
	return cmd
}

// deleteParams are the parameters of dashboard delete.
var deleteParams = []string{config.DashboardName}

func newDashboardRender(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "render",
		Short: "Print the body of the dashboard, and write nothing",
		Long: `Print the body that build would write, as JSON, and write nothing. Several dashboards
are printed as a list of objects with a name and a body each.

Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 3 done but some resources
failed.`,
		Example: `  personalize-monitor dashboard render --local
  personalize-monitor dashboard render --campaign-arns none > recommenders.json`,
		Args: cobra.NoArgs,
	}
	addParams(cmd, dashboardParams, nil)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return g.renderDashboard(cmd.Context(), cmd.Flags()) }
	return cmd
}

// beginDashboard opens the account for a dashboard command with some parameters.
func (g *global) beginDashboard(ctx context.Context, flags *pflag.FlagSet, names []string, dryRun bool) (*session, config.Values, *app.App, error) {
	values, err := g.resolve(flags, names, nil)
	if err != nil {
		return nil, values, nil, err
	}
	s, values, err := g.begin(ctx, values)
	if err != nil {
		return nil, values, nil, err
	}
	return s, values, s.app(app.Options{DryRun: dryRun, Deployment: deployment}), nil
}

func (g *global) buildDashboard(ctx context.Context, flags *pflag.FlagSet, o *common) error {
	if err := o.checkOutput(); err != nil {
		return err
	}
	s, values, parts, err := g.beginDashboard(ctx, flags, dashboardParams, o.dryRun)
	if err != nil {
		return err
	}
	defer s.close()
	may := "may write the dashboard " + values.DashboardName + " and numbered ones of that name, and delete surplus ones"
	if o.dryRun {
		may = readsOnly
	}
	if err := s.announce(ctx, parts.Actor, s.regionsOf(values), may); err != nil {
		return err
	}
	result, err := parts.Dashboard.Build(ctx, cycle.DashboardInput{Params: values})
	s.progress.clear()
	if err != nil {
		return err
	}
	return g.finishDashboard(ctx, result, o)
}

func (g *global) deleteDashboard(ctx context.Context, flags *pflag.FlagSet, o *common) error {
	if err := o.checkOutput(); err != nil {
		return err
	}
	if err := o.checkAsk(g.streams, "dashboard delete asks before it deletes"); err != nil {
		return err
	}
	s, values, parts, err := g.beginDashboard(ctx, flags, deleteParams, o.dryRun)
	if err != nil {
		return err
	}
	defer s.close()
	what := "the dashboard " + values.DashboardName + " and its numbered ones"
	may := "may delete " + what
	if o.dryRun {
		may = readsOnly
	}
	if err := s.announce(ctx, parts.Actor, "region "+s.config.Region, may); err != nil {
		return err
	}
	if err := o.confirm(ctx, g.streams, "Delete "+what+"?"); err != nil {
		return err
	}
	result, err := parts.Dashboard.Delete(ctx, values.DashboardName)
	if err != nil {
		return err
	}
	return g.finishDashboard(ctx, result, o)
}

func (g *global) renderDashboard(ctx context.Context, flags *pflag.FlagSet) error {
	s, values, parts, err := g.beginDashboard(ctx, flags, dashboardParams, true)
	if err != nil {
		return err
	}
	defer s.close()
	rendered, err := parts.Dashboard.Render(ctx, cycle.DashboardInput{Params: values})
	s.progress.clear()
	if err != nil {
		return err
	}
	if err := writeBodies(g.streams.Out, rendered.Boards); err != nil {
		return fmt.Errorf("print the dashboard: %w", awsapi.Plain(err))
	}
	g.printProblems(rendered.Problems)
	return partial(len(rendered.Problems) > 0)
}

// finishDashboard prints the result and turns it into the exit code.
func (g *global) finishDashboard(ctx context.Context, b report.Boards, o *common) error {
	if err := g.print(b, o.output); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", errLeftUndone, ctx.Err())
	}
	return partial(b.Failed())
}

// writeBodies prints the body of one dashboard as it is, indented, and of several as a
// list with their names.
func writeBodies(w io.Writer, boards []dashboard.Board) error {
	if len(boards) == 1 {
		var text bytes.Buffer
		if err := json.Indent(&text, boards[0].Body, "", "  "); err != nil {
			return err
		}
		text.WriteByte('\n')
		_, err := w.Write(text.Bytes())
		return err
	}
	type named struct {
		Name string          `json:"name"`
		Body json.RawMessage `json:"body"`
	}
	list := make([]named, len(boards))
	for i, b := range boards {
		list[i] = named{b.Name, b.Body}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(list)
}
