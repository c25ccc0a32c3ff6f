package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/dashboard"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// dashboardParams are the parameters that select what a dashboard shows.
var dashboardParams = []string{config.CampaignARNs, config.RecommenderARNs, config.Regions, config.DashboardName}

type dashboardOptions struct{ common }

func newDashboard(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dashboard",
		Short: "Build, delete or print the CloudWatch dashboard",
		Long: `Build, delete or print the CloudWatch dashboard, on which each dataset group has graphs
of throughput against the minimum, of utilization and of latency. Resources beyond the limits
of one dashboard go on further ones, named NAME-2, NAME-3 and so on.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDashboardBuild(g), newDashboardDelete(g), newDashboardRender(g))
	return cmd
}

func newDashboardBuild(g *global) *cobra.Command {
	o := &dashboardOptions{}
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
	}
	o.addDryRun(cmd, "write nothing; show what would be written")
	o.addOutput(cmd)
	return g.start(cmd, setup{params: dashboardParams}, nil, o.build)
}

func newDashboardDelete(g *global) *cobra.Command {
	o := &dashboardOptions{}
	cmd := &cobra.Command{
		Use:   "delete",
		Short: "Delete the dashboard and its numbered ones",
		Long: `Delete the dashboard and the numbered ones that continue it. It is no error if they do not
exist. It asks first; without a terminal it needs --yes.

Exit codes: 0 done, 1 failed or not confirmed, 2 bad usage or configuration, 3 done but
some dashboards failed.`,
		Example: `  personalize-monitor dashboard delete
  personalize-monitor dashboard delete --dashboard-name Second-Monitor --yes`,
	}
	o.addYes(cmd)
	o.addDryRun(cmd, "delete nothing; show what would be deleted")
	o.addOutput(cmd)
	return g.start(cmd, setup{params: []string{config.DashboardName}}, func(streams Streams, _ config.Values) error {
		return o.checkAsk(streams, "dashboard delete asks before it deletes")
	}, o.delete)
}

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
	}
	return g.start(cmd, setup{params: dashboardParams}, nil, render)
}

func dashboardParts(s *session, dryRun bool) *app.App {
	return s.app(app.Options{DryRun: dryRun, Deployment: deployment, ReportMissing: true})
}

func (o *dashboardOptions) build(ctx context.Context, s *session, values config.Values) error {
	parts := dashboardParts(s, o.dryRun)
	may := "may write the dashboard " + values.DashboardName + " and numbered ones of that name, and delete surplus ones"
	if err := s.announce(ctx, parts.Owner, s.regionsOf(values), may, o.dryRun); err != nil {
		return err
	}
	result, err := parts.Dashboard.Build(ctx, cycle.DashboardInput{Params: values})
	s.progress.clear()
	return o.finish(ctx, s, result, err)
}

func (o *dashboardOptions) delete(ctx context.Context, s *session, values config.Values) error {
	parts := dashboardParts(s, o.dryRun)
	what := "the dashboard " + values.DashboardName + " and its numbered ones"
	if err := s.announce(ctx, parts.Owner, "region "+s.config.Region, "may delete "+what, o.dryRun); err != nil {
		return err
	}
	if err := o.confirm(ctx, s.streams, "Delete "+what+"?"); err != nil {
		return err
	}
	result, err := parts.Dashboard.Delete(ctx, values.DashboardName)
	return o.finish(ctx, s, result, err)
}

func (o *dashboardOptions) finish(ctx context.Context, s *session, b report.Boards, err error) error {
	if err != nil {
		return err
	}
	if err := s.streams.print(b, o.output); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", errLeftUndone, ctx.Err())
	}
	return partial(b.Failed())
}

func render(ctx context.Context, s *session, values config.Values) error {
	rendered, err := dashboardParts(s, true).Dashboard.Render(ctx, cycle.DashboardInput{Params: values})
	s.progress.clear()
	if err != nil {
		return err
	}
	if err := writeBodies(s.streams.Out, rendered.Boards); err != nil {
		return fmt.Errorf("print the dashboard: %w", awsapi.Plain(err))
	}
	s.streams.printProblems(rendered.Problems)
	return partial(len(rendered.Problems) > 0)
}

// writeBodies prints the body of one dashboard as it is, indented, and of several as a
// list with their names.
func writeBodies(w io.Writer, boards []dashboard.Board) error {
	type named struct {
		Name string          `json:"name"`
		Body json.RawMessage `json:"body"`
	}
	list := make([]named, len(boards))
	for i, b := range boards {
		list[i] = named{b.Name, b.Body}
	}
	if len(list) == 1 {
		return report.WriteJSON(w, list[0].Body)
	}
	return report.WriteJSON(w, list)
}
