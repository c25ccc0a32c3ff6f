package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/report/page"
)

// reportSetup has the parameters that select what a report covers.
var reportSetup = setup{params: []string{
	config.CampaignARNs, config.RecommenderARNs, config.Regions, config.IdleThresholdHours, config.UsedIdleThresholdHours, config.MetricDelay,
}}

// reportOptions are the settings of report.
type reportOptions struct {
	common
	days   int
	html   string
	prices priceOptions
}

func newReport(g *global) *cobra.Command {
	o := &reportOptions{}
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Show what was paid for, used and wasted, and what could be saved",
		Long: `Show, for each campaign and recommender and in total over the last 1 to 14 days: what
was provisioned and what was really used, how high utilization was, how long there were no
calls, how many TPS-hours were paid for, used and wasted, what would save most of it
(a step-down to the low watermark of 14 days, a deletion, a stop), and how often demand
rises so fast that a lower minimum would be felt. It writes nothing to the account.

A TPS-hour is one request a second, provisioned or served, for an hour. Campaigns are
metered in slots of 5 minutes, recommenders in hours; each counts the larger of its
minimum and its average. The past minimum comes from the metrics of this monitor; where
it did not run, what is known from before and after is assumed, and the report notes it.

Money is an estimate by the price model of each product: campaigns by TPS-hours with
volume tiers, those of v2 recipes by requests, recommenders by an hourly fee that includes
requests. Each price is shown with its date and source. The table in the program has those
of us-east-1, uses them in other regions too, and may be out of date; see --prices and
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
	days := fmt.Sprintf("look back over so many `DAYS`, %d to %d", billing.MinDays, billing.MaxDays)
	cmd.Flags().IntVar(&o.days, "days", billing.MaxDays, days)
	o.addOutput(cmd)
	cmd.Flags().StringVar(&o.html, "html", "", "write the report to `FILE` as well, as one page with charts")
	o.prices.addFlags(cmd)
	reportSetup.addParams(cmd)
	return g.start(cmd, reportSetup, o)
}

func (o *reportOptions) check(Streams, config.Values) error {
	if o.days < billing.MinDays || o.days > billing.MaxDays {
		return usage(fmt.Errorf("--days %d is not %d to %d", o.days, billing.MinDays, billing.MaxDays))
	}
	if err := cmp.Or(o.checkOutput(), o.checkHTML()); err != nil {
		return err
	}
	return o.prices.check()
}

// checkHTML makes sure that the page can be written, as measuring may take minutes.
func (o *reportOptions) checkHTML() error {
	if o.html == "" {
		return nil
	}
	if info, err := os.Stat(o.html); err == nil && info.IsDir() {
		return usage(fmt.Errorf("--html %s is a directory; name a file", o.html))
	}
	if _, err := os.Stat(filepath.Dir(o.html)); err != nil {
		return usage(fmt.Errorf("--html: %w", err))
	}
	return nil
}

// run measures, prints the report, and writes the page.
func (o *reportOptions) run(ctx context.Context, s *session, values config.Values) error {
	parts := s.app(app.Options{DryRun: true, ReportMissing: true})
	if err := s.announce(ctx, parts.Owner, s.regionsOf(values), "", true); err != nil {
		return err
	}
	result, err := parts.Ledger(o.prices.source(s), o.html != "").Run(ctx, cycle.LedgerInput{Params: values, Days: o.days})
	s.progress.clear()
	if err != nil {
		return err
	}
	err = s.streams.print(result, o.output)
	if o.html != "" { // even if the result could not be printed
		if failed := writePage(o.html, result); failed != nil {
			err = errors.Join(err, fmt.Errorf("write the page: %w", failed))
		}
	}
	if err != nil {
		return err
	}
	return partial(result.Failed())
}

// writePage writes the page beside its place and then moves it there, so that no reader finds
// half of one.
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
		_ = os.Remove(file.Name()) // the first error is the cause
	}
	return err
}
