package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/dashboard"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// estateParams are the parameters that say what a dashboard shows.
var estateParams = []string{config.CampaignARNs, config.RecommenderARNs, config.Regions, config.DashboardName}

// boardOptions are the settings of the dashboard commands.
type boardOptions struct {
	params []string // that the command takes; the others may be as they like
	output string
	dryRun bool
	yes    bool
}

func newDashboard(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dashboard",
		Short: "Build, delete or print the CloudWatch dashboard",
		Long: `Build, delete or print the CloudWatch dashboard, on which each dataset group has graphs
of throughput against the minimum, of utilization and of latency. An estate too large
for one dashboard gets further ones, named NAME-2, NAME-3 and so on.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDashboardBuild(g), newDashboardDelete(g), newDashboardRender(g))
	return cmd
}

func newDashboardBuild(g *global) *cobra.Command {
	o := &boardOptions{params: estateParams}
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Write the dashboard over whatever stands there",
		Long: `Find the campaigns and recommenders and write their dashboard, over whatever stands
there: changes made by hand are lost. Dashboards numbered beyond what is needed are
deleted. If a region cannot be listed nothing is written, rather than a dashboard that
lacks it.

Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 3 done but some resources
or dashboards failed.`,
		Example: `  personalize-monitor dashboard build --regions us-east-1,eu-west-1
  personalize-monitor dashboard build --local --dry-run`,
		Args: cobra.NoArgs,
	}
	o.addFlags(cmd, "write nothing; show what would be written")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return g.buildDashboard(cmd.Context(), cmd.Flags(), o) }
	return cmd
}

func newDashboardDelete(g *global) *cobra.Command {
	o := &boardOptions{params: []string{config.DashboardName}}
	cmd := &cobra.Command{
		Use:   "delete",
		Short: "Delete the dashboard and its numbered ones",
		Long: `Delete the dashboard and the numbered ones that continue it. That there is none is no
error. It asks first; without a terminal to ask on it needs --yes.

Exit codes: 0 done, 1 failed or not confirmed, 2 bad usage or configuration, 3 done but
some dashboards failed.`,
		Example: `  personalize-monitor dashboard delete
  personalize-monitor dashboard delete --dashboard-name Second-Monitor --yes`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
	o.addFlags(cmd, "delete nothing; show what would be deleted")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return g.deleteDashboard(cmd.Context(), cmd.Flags(), o)
	}
	return cmd
}

func newDashboardRender(g *global) *cobra.Command {
	o := &boardOptions{params: estateParams}
	cmd := &cobra.Command{
		Use:   "render",
		Short: "Print the body of the dashboard, and write nothing",
		Long: `Print the body that build would write, as JSON, and write nothing. If the estate needs
several dashboards, it is a list of objects with a name and a body each.

Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 3 done but some resources
failed.`,
		Example: `  personalize-monitor dashboard render --local
  personalize-monitor dashboard render --campaign-arns none > recommenders.json`,
		Args: cobra.NoArgs,
	}
	o.addParams(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return g.renderDashboard(cmd.Context(), cmd.Flags(), o)
	}
	return cmd
}

func (o *boardOptions) addFlags(cmd *cobra.Command, dryRun string) {
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, dryRun)
	cmd.Flags().StringVar(&o.output, "output", "table", "`FORM` of the result: table, json or csv")
	complete(cmd, "output", []string{"table", "json", "csv"})
	o.addParams(cmd)
}

func (o *boardOptions) addParams(cmd *cobra.Command) {
	for _, spec := range config.All() {
		if slices.Contains(o.params, spec.Name) {
			addParam(cmd, spec, spec.Default)
		}
	}
}

// boardJob is one of the dashboard commands at work.
type boardJob struct {
	*global
	*session
	o         *boardOptions
	values    config.Values
	owner     *writer.Owner
	dashboard *cycle.Dashboard
	progress  *progress
}

// openBoards makes a job ready, once all the words of the command line are known to be
// good. It is to be closed.
func (g *global) openBoards(ctx context.Context, flags *pflag.FlagSet, o *boardOptions) (*boardJob, error) {
	values, err := g.resolveSome(flags, o.params)
	if err != nil {
		return nil, err
	}
	if o.output != "" && !strings.Contains(" table json csv ", " "+o.output+" ") {
		return nil, usage(fmt.Errorf("--output %q is not one of table, json, csv", o.output))
	}
	s, err := g.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := values.Within(s.config.Region); err != nil {
		s.close()
		return nil, err
	}
	if len(values.Regions) == 0 {
		values.Regions = s.regions
	}
	progress := newProgress(g.streams.Err)
	parts := s.app(app.Options{DryRun: o.dryRun, Deployment: deployment, Progress: progress.show})
	return &boardJob{
		global: g, session: s, o: o, values: values, owner: parts.Owner, dashboard: parts.Dashboard, progress: progress,
	}, nil
}

func (g *global) buildDashboard(ctx context.Context, flags *pflag.FlagSet, o *boardOptions) error {
	j, err := g.openBoards(ctx, flags, o)
	if err != nil {
		return err
	}
	defer j.close()
	regions := strings.Join(cycle.Regions(cycle.Scope(j.values, j.config.Region)), ", ")
	may := "may write the dashboard " + j.values.DashboardName + " and numbered ones of that name, and delete surplus ones"
	if err := j.announce(ctx, "regions "+cmp.Or(regions, "none"), may); err != nil {
		return err
	}
	result, err := j.dashboard.Build(ctx, cycle.DashboardInput{Params: j.values})
	j.progress.clear()
	if err != nil {
		return err
	}
	return j.finish(ctx, result)
}

func (g *global) deleteDashboard(ctx context.Context, flags *pflag.FlagSet, o *boardOptions) error {
	ask := !o.yes && !o.dryRun
	if ask && !g.streams.interactive() {
		return usage(errors.New("dashboard delete asks before it deletes; without a terminal give --yes, or --dry-run to look only"))
	}
	j, err := g.openBoards(ctx, flags, o)
	if err != nil {
		return err
	}
	defer j.close()
	what := "the dashboard " + j.values.DashboardName + " and its numbered ones"
	if err := j.announce(ctx, "region "+j.config.Region, "may delete "+what); err != nil {
		return err
	}
	if ask {
		if err := g.streams.confirm(ctx, "Delete "+what+"?"); err != nil {
			return err
		}
	}
	result, err := j.dashboard.Delete(ctx, j.values.DashboardName)
	if err != nil {
		return err
	}
	return j.finish(ctx, result)
}

func (g *global) renderDashboard(ctx context.Context, flags *pflag.FlagSet, o *boardOptions) error {
	j, err := g.openBoards(ctx, flags, o)
	if err != nil {
		return err
	}
	defer j.close()
	rendered, err := j.dashboard.Render(ctx, cycle.DashboardInput{Params: j.values})
	j.progress.clear()
	if err != nil {
		return err
	}
	if err := writeBodies(g.streams.Out, rendered.Boards); err != nil {
		return fmt.Errorf("print the dashboard: %w", awsapi.Plain(err))
	}
	g.tellProblems(rendered.Problems)
	if len(rendered.Problems) > 0 {
		return &exit{code: ExitPartial}
	}
	return nil
}

// announce tells for which account the command works and what it may write, before it
// writes anything.
func (j *boardJob) announce(ctx context.Context, where, may string) error {
	if j.o.dryRun {
		may = "reads only"
	}
	return j.global.announce(ctx, j.owner, where, may)
}

// finish prints the result and turns it into the exit code.
func (j *boardJob) finish(ctx context.Context, b report.Boards) error {
	out := j.streams.Out
	write := func(w io.Writer) error { return b.WriteTable(w, j.streams.color(out)) }
	switch j.o.output {
	case "json":
		write = b.WriteJSON
	case "csv":
		write = b.WriteCSV
	}
	if err := write(out); err != nil {
		return fmt.Errorf("print the result: %w", awsapi.Plain(err))
	}
	if j.o.output == "csv" { // it has no room for them
		j.tellProblems(b.Problems)
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("what was left undone comes with the next run: %w", ctx.Err())
	case b.Failed():
		return &exit{code: ExitPartial}
	}
	return nil
}

// tellProblems writes problems to stderr, where the result has no room for them.
func (g *global) tellProblems(problems []model.Problem) {
	for _, p := range problems {
		fmt.Fprintf(g.streams.Err, "%s\n", p.Error())
	}
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
