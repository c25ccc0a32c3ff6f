package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/report/page"
)

// reportParams are the parameters that say what a report is about.
var reportParams = []string{
	config.CampaignARNs, config.RecommenderARNs, config.Regions, config.IdleThresholdHours, config.MetricDelay,
}

// reportOptions are the settings of report.
type reportOptions struct {
	days   int
	output string
	html   string
	prices priceOptions
}

func newReport(g *global) *cobra.Command {
	o := &reportOptions{}
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Show what was paid for, used and wasted, and what could be saved",
		Long: `Show, for each campaign and recommender and in total over the last 1 to 14 days: what
was provisioned and what was really used, how high utilization was, how long nobody
called, how many TPS-hours were paid for, used and wasted, what would save most of it
(a step-down to the lowest hour of 14 days, a deletion, a stop), and how often demand
rises so fast that a lower minimum would be felt. It writes nothing to the account.

A TPS-hour is one request a second, provisioned or served, for an hour. Campaigns are
metered in slots of 5 minutes, recommenders in hours; each counts the larger of its
minimum and its average. The past minimum comes from the metrics of this monitor; where
it did not run, what is known from before and after is assumed, and the report says so.

Money is an estimate: TPS-hours times a price, which is shown with its date and source.
The table in the program knows few regions and may be out of date; see --prices and
--live-prices.

CloudWatch bills the metrics read: two or three for each resource, two more for one that
was at times without requests, nine more for one that looks idle.

Exit codes: 0 done, 1 failed or interrupted, 2 bad usage or configuration, 3 done but
some resources or regions could not be read.`,
		Example: `  personalize-monitor report --local --html report.html
  personalize-monitor report --days 7 --regions us-east-1,eu-west-1 --prices prices.yaml
  personalize-monitor report --output json | jq '.totals.tpsHours'`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().IntVar(&o.days, "days", billing.MaxDays, fmt.Sprintf("look back over so many `DAYS`, %d to %d", billing.MinDays, billing.MaxDays))
	cmd.Flags().StringVar(&o.output, "output", "table", "`FORM` of the result: table, json or csv")
	complete(cmd, "output", []string{"table", "json", "csv"})
	cmd.Flags().StringVar(&o.html, "html", "", "write the report to `FILE` as well, as one page with charts")
	o.prices.addFlags(cmd)
	for _, spec := range config.All() {
		if slices.Contains(reportParams, spec.Name) {
			addParam(cmd, spec, spec.Default)
		}
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return g.report(cmd.Context(), cmd.Flags(), o) }
	return cmd
}

// check refuses settings that cannot be meant, before anything is asked of AWS.
func (o *reportOptions) check() error {
	switch {
	case o.days < billing.MinDays || o.days > billing.MaxDays:
		return usage(fmt.Errorf("--days %d is not %d to %d", o.days, billing.MinDays, billing.MaxDays))
	case !strings.Contains(" table json csv ", " "+o.output+" "):
		return usage(fmt.Errorf("--output %q is not one of table, json, csv", o.output))
	}
	if err := o.checkHTML(); err != nil {
		return usage(err)
	}
	return o.prices.check()
}

// checkHTML makes sure that there is a place for the page, as measuring may take minutes.
func (o *reportOptions) checkHTML() error {
	if o.html == "" {
		return nil
	}
	if info, err := os.Stat(o.html); err == nil && info.IsDir() {
		return fmt.Errorf("--html %s is a directory; name a file", o.html)
	}
	if _, err := os.Stat(filepath.Dir(o.html)); err != nil {
		return fmt.Errorf("--html: %w", err)
	}
	return nil
}

// report makes the report, prints it, and writes the page.
func (g *global) report(ctx context.Context, flags *pflag.FlagSet, o *reportOptions) error {
	values, err := g.resolveSome(flags, reportParams)
	if err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	s, err := g.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if len(values.Regions) == 0 {
		values.Regions = s.regions
	}
	progress := newProgress(g.streams.Err)
	parts := s.app(app.Options{DryRun: true, ReportMissing: true, Progress: progress.show})
	account, err := g.account(ctx, parts.Owner)
	if err != nil {
		return err
	}
	fmt.Fprintf(g.streams.Err, "%s, %s: reads only.\n", account, regionsOf(values, s))
	result, err := parts.Ledger(o.prices.source(s), o.html != "").Run(ctx, cycle.LedgerInput{Params: values, Days: o.days})
	progress.clear()
	if err != nil {
		return err
	}
	return g.finishReport(result, o)
}

// finishReport prints the report and writes the page. That the page could not be written
// does not keep the result from being printed.
func (g *global) finishReport(result report.Ledger, o *reportOptions) error {
	out := g.streams.Out
	write := func(w io.Writer) error { return result.WriteTable(w, terminalWidth(out), g.streams.color(out)) }
	switch o.output {
	case "json":
		write = result.WriteJSON
	case "csv":
		write = result.WriteCSV
	}
	var failed []error
	if err := write(out); err != nil {
		failed = append(failed, fmt.Errorf("print the report: %w", awsapi.Plain(err)))
	}
	if o.output == "csv" { // it has no room for them
		g.tellProblems(result.Problems)
		for _, note := range result.Notes {
			fmt.Fprintln(g.streams.Err, "note:", note)
		}
	}
	if o.html != "" {
		if err := writePage(o.html, result); err != nil {
			failed = append(failed, fmt.Errorf("write the page: %w", err))
		}
	}
	switch err := errors.Join(failed...); {
	case err != nil:
		return err
	case result.Failed():
		return &exit{code: ExitPartial}
	}
	return nil
}

// writePage writes the page beside its place and then moves it there, so that no half of
// one is ever found.
func writePage(path string, result report.Ledger) error {
	var text bytes.Buffer
	if err := page.Write(&text, result); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = file.Write(text.Bytes())
	err = cmp.Or(err, file.Chmod(0o644), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name()) // the first error tells more
	}
	return err
}
