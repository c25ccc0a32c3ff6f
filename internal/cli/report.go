package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/report/page"
)

var reportSetup = setup{readOnly: true, params: []string{
	config.CampaignARNs, config.RecommenderARNs, config.Regions, config.IdleThresholdHours, config.UsedIdleThresholdHours, config.MetricDelay,
}}

// maxChartHours is how many hours a chart of one resource has at most: those of two months. The
// charts of all resources together have all hours.
const maxChartHours = 62 * 24

type reportOptions struct {
	common
	days     int
	month    string
	since    string
	until    string
	group    string
	brief    bool
	whatIf   bool
	flags    *pflag.FlagSet
	html     string
	prices   priceOptions
	saved    savedOptions
	accounts accountOptions
}

func newReport(g *global) *cobra.Command {
	o := &reportOptions{saved: savedOptions{auditFile: &g.auditFile}}
	o.saved.since = &o.since
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Show what was paid for, used and wasted, and what could be saved",
		Long: `Show, for each campaign and recommender and in total over the last 1 to 14 days: what
was provisioned and what was really used, how high utilization was, how long there were no
calls, how many TPS-hours were paid for, used and wasted, what would save most of it
(a step-down to the low watermark of 14 days, a deletion, a stop), and how many cold steps a
lower minimum would mean: 5 minutes with a demand above the minimum and above 1.5 times that
of any of the three steps before. It writes nothing to the account.

A TPS-hour is one request a second, provisioned or served, for an hour. Campaigns are
metered in slots of 5 minutes, recommenders in hours; each counts the larger of its
minimum and its average. The past minimum comes from the metrics of this monitor; where
it did not run, what is known from before and after is assumed, and the report notes it.

Money is an estimate by the price model of each product: campaigns by TPS-hours with
volume tiers, those of v2 recipes by requests, recommenders by an hourly fee that includes
requests. Each price is shown with its date and source. The table in the program has those
of us-east-1, uses them in other regions too, and may be out of date; see --prices and
--live-prices.

Training is that of the last 30 days: the hours of each solution, and what of it no one
uses, with the command that changes it. Solutions are trained and billed whether or not a
campaign serves them.

Where 14 days have at least four cold steps, 56 days are read to find a schedule: a minimum
for some hours of the week that avoids at least 30 % of them for at most 7.5 % more than what
is used, tested on the last 14 days, which it is not fitted on.

CloudWatch bills the metrics read: two or three for each resource, two more for one that
was at times without requests or that has cold steps, nine more for one that looks idle.

With --savings it shows instead what the monitor's actions, and those of its commands,
have saved by action and calendar month: by the audit records of --audit-file,
--log-group, or both, metered like the bill and read from CloudWatch for 63 days by 5
minutes, before that by hours.

Exit codes: 0 done, 1 failed or interrupted, 2 bad usage or configuration, 3 done but
some resources or regions could not be read.`,
		Example: `  personalize-monitor report --local --html report.html
  personalize-monitor report --savings --audit-file audit.jsonl
  personalize-monitor report --days 7 --regions us-east-1,eu-west-1 --prices prices.yaml
  personalize-monitor report --output json | jq '.totals.tpsHours'`,
	}
	days := fmt.Sprintf("look back over so many `DAYS`, %d to %d; with --what-if %d to %d (default %[4]d)",
		billing.MinDays, billing.MaxDays, billing.MinHistoryDays, billing.MaxHistoryDays)
	cmd.Flags().IntVar(&o.days, "days", billing.MaxDays, days)
	cmd.Flags().BoolVar(&o.whatIf, "what-if", false, "show for each what other minimums would cost, as what-if does for one")
	cmd.Flags().StringVar(&o.month, "month", "", "a calendar month (UTC), as `2026-11`, or now: so far, with a forecast and the month before")
	cmd.Flags().StringVar(&o.since, "since", "", "begin at a `TIME`: a date, a time, or how long ago (7d), up to 455 days; "+
		"with --savings, only records from then on (default: all of a file, 63d of a log group)")
	cmd.Flags().StringVar(&o.until, "until", "", "end at a `TIME`; a date is the end of that day")
	o.flags = cmd.Flags()
	cmd.Flags().StringVar(&o.group, "group-by", "", "add up by `KEY`: "+strings.Join(report.Groupings(), ", "))
	complete(cmd, "group-by", report.Groupings()[:4])
	addChoice(cmd, cmd.Flags(), &o.output, "output", outputs[0], append(slices.Clone(outputs), string(report.Focus)),
		"`FORM` of the result: table, json, csv or focus (FOCUS 1.2, see docs/guide/report.md)")
	cmd.Flags().BoolVar(&o.brief, "recommendations", false, "show only the summary and the recommendations")
	cmd.Flags().StringVar(&o.html, "html", "", "write the report to `FILE` as well, as one page with charts")
	o.prices.addFlags(cmd)
	o.saved.addFlags(cmd)
	o.accounts.addFlags(cmd)
	return g.start(cmd, reportSetup, o.check, o.run)
}

func (o *reportOptions) check(Streams, config.Values) error {
	var own error
	if o.whatIf {
		if !o.flags.Changed("days") {
			o.days = billing.MaxHistoryDays
		}
		own = cmp.Or(checkHistoryDays(o.days), reject(o.html != "", "--what-if and --html exclude each other"),
			reject(o.output == string(report.Focus), "--what-if and --output focus exclude each other"))
	} else {
		own = cmp.Or(o.checkSpan(), o.checkForm(), o.checkHTML(), o.saved.check(o.html))
	}
	return cmp.Or(own, o.prices.check(), o.accounts.check())
}

// checkSpan makes sure that the flags name one span of time.
func (o *reportOptions) checkSpan() error {
	spans := 0
	for _, flag := range []string{"days", "month", "since"} {
		if o.flags.Changed(flag) {
			spans++
		}
	}
	return cmp.Or(
		reject(o.days < billing.MinDays || o.days > billing.MaxDays, "--days %d is not %d to %d", o.days, billing.MinDays, billing.MaxDays),
		reject(spans > 1, "--days, --month and --since exclude each other"),
		reject(o.until != "" && o.since == "" && !o.saved.wanted, "--until needs --since"),
	)
}

// checkForm makes sure that what is to be shown goes together.
func (o *reportOptions) checkForm() error {
	focus := o.output == string(report.Focus)
	_, err := report.ParseGrouping(o.group)
	return cmp.Or(
		reject(o.saved.wanted && (o.month != "" || o.until != "" || o.group != "" || o.brief || focus),
			"--savings goes without --month, --until, --group-by, --recommendations and --output focus"),
		reject(err != nil, "--group-by %w", err),
		reject(focus && (o.brief || o.group != ""), "--output focus has no groups and no recommendations"),
	)
}

// checkHTML makes sure that the page can be written, as measuring may take minutes.
func (o *reportOptions) checkHTML() error {
	if o.html == "" {
		return nil
	}
	info, missing := os.Stat(o.html)
	_, err := os.Stat(filepath.Dir(o.html))
	return cmp.Or(
		reject(missing == nil && info.IsDir(), "--html %s is a directory; name a file", o.html),
		reject(err != nil, "--html: %w", err),
	)
}

func (o *reportOptions) spans(now time.Time, delay time.Duration) (billing.Spans, error) {
	switch {
	case o.month == "now":
		return billing.MonthOf(now, now.Add(-delay-time.Hour), delay)
	case o.month != "":
		month, err := time.Parse("2006-01", o.month)
		if err != nil {
			return billing.Spans{}, fmt.Errorf("--month %q is not a month such as 2026-11, or now", o.month)
		}
		spans, err := billing.MonthOf(now, month, delay)
		return spans, prefixed("--month", err)
	case o.since != "":
		since, err := parseTime("--since", o.since, now, false)
		until, untilErr := parseTime("--until", o.until, now, true)
		if err := cmp.Or(err, untilErr); err != nil {
			return billing.Spans{}, err
		}
		spans, err := billing.Between(now, since, until, delay)
		return spans, prefixed("--since", err)
	}
	return billing.Days(now, o.days, delay), nil
}

// prefixed is an error with the flag that it is about; nil stays nil.
func prefixed(flag string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return nil
}

// run measures in each account, prints the report, and writes the page.
func (o *reportOptions) run(ctx context.Context, s *session, values config.Values) error {
	spans, err := o.spans(s.clock.Now(), values.MetricDelay)
	if err != nil && !o.whatIf && !o.saved.wanted {
		return usage(err)
	}
	list, err := o.accounts.work(ctx, s, values, reading, "", "", true)
	if err != nil {
		return err
	}
	defer closeAll(list)
	switch {
	case o.whatIf:
		return compare(ctx, s, list, o.days, o.output, &o.prices, o.accounts.text())
	case o.saved.wanted:
		return o.saved.run(ctx, s, list, o)
	}
	result, none, err := inEach(list, "make the report", func(of []report.Of[report.Ledger]) report.Ledger {
		merged := report.MergedLedgers(of, o.accounts.text())
		merged.DurationMs = s.took(merged.Calls)
		return merged
	}, func(m member) (report.Ledger, error) {
		return m.parts.Ledger(o.prices.source(m.session), o.html != "").Run(ctx, cycle.LedgerInput{
			Params: m.values, Spans: spans, GroupBy: report.Grouping(o.group), Tags: o.output == string(report.Focus), LastHours: maxChartHours,
		})
	})
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return errNotRead
	}
	err = o.print(s.streams, result)
	if o.html != "" { // even if the result could not be printed
		if failed := writePage(o.html, result); failed != nil {
			err = errors.Join(err, fmt.Errorf("write the page: %w", failed))
		} else {
			fmt.Fprintf(s.streams.Err, "Wrote the page with charts to %s.\n", o.html)
		}
	}
	if err != nil {
		return err
	}
	return incomplete(none, result.Failed())
}

// reading are the options of commands that read a whole account.
func reading(member) app.Options { return app.Options{DryRun: true, ReportMissing: true} }

// print prints the ledger, or the part of it that is wanted.
func (o *reportOptions) print(streams Streams, l report.Ledger) error {
	switch {
	case o.output == string(report.Focus):
		if err := l.WriteFocus(streams.Out); err != nil {
			return fmt.Errorf("print the result: %w", err)
		}
		for _, line := range append(l.NoFocusRows(), l.Asides()...) {
			fmt.Fprintln(streams.Err, model.OneLine(line))
		}
		return nil
	case o.brief:
		return streams.print(report.Advice{Ledger: l}, o.output)
	}
	return streams.print(l, o.output)
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
