package cli

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// whatIfSetup has no parameter that selects resources: the argument does.
var whatIfSetup = setup{params: []string{config.MetricDelay}}

type whatIfOptions struct {
	common
	days     int
	resource model.ARN
	kind     model.Kind
	prices   priceOptions
}

func newWhatIf(g *global) *cobra.Command {
	o := &whatIfOptions{}
	cmd := &cobra.Command{
		Use:   "what-if ARN",
		Short: "Show what other minimums of a campaign or recommender would cost and risk",
		Long: `Show, by the demand of the last 14 to 56 days, what some minimums would have meant: the
TPS-hours of a month, an estimate of their price, the share of 5-minute steps with a demand
above the minimum, the cold steps of a week, the worst of them, and what each cold step that
is avoided costs, against a minimum of 1. It writes nothing.

A step is cold if its demand is above the minimum and above 1.5 times that of any of the
three steps before it: it comes faster than capacity is added. The risk compares with the
present minimum: low is less than one more a week, medium less than seven, else high.

The minimums are 1, the low watermark that step-downs lead to, the highest ones that cost
1 and 5 % more than what is used, the demand that 50, 90 and 99.5 % of the steps do not
exceed, and the present one. With 56 days there is a schedule too, if one is proven: at
least 30 % fewer cold steps in the last 14 days than with its base all the time, for at most
7.5 % more than what is used, fitted to the days before.

Hours whose demand is not known are left out. Money is an estimate: TPS-hours times a price;
see --prices and --live-prices. report --what-if shows the same for all resources.

Exit codes: 0 done, 1 failed or interrupted, 2 bad usage or configuration, 3 done but
something could not be read, or the ARN does not exist.`,
		Example: `  personalize-monitor what-if arn:aws:personalize:us-east-1:123456789012:campaign/home
  personalize-monitor report --what-if --days 28 --output csv`,
		Args: exactArgs(1),
	}
	days := fmt.Sprintf("look back over so many `DAYS`, %d to %d", billing.MinHistoryDays, billing.MaxHistoryDays)
	cmd.Flags().IntVar(&o.days, "days", billing.MaxHistoryDays, days)
	o.addOutput(cmd)
	o.prices.addFlags(cmd)
	g.start(cmd, whatIfSetup, o.check, o.run)
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if o.resource, o.kind, err = model.ParseResourceARN(args[0]); err != nil {
			return usage(err)
		}
		return run(cmd, args)
	}
	return cmd
}

func (o *whatIfOptions) check(Streams, config.Values) error {
	return cmp.Or(checkHistoryDays(o.days), o.prices.check())
}

func checkHistoryDays(days int) error {
	return reject(days < billing.MinHistoryDays || days > billing.MaxHistoryDays,
		"--days %d is not %d to %d", days, billing.MinHistoryDays, billing.MaxHistoryDays)
}

func (o *whatIfOptions) run(ctx context.Context, s *session, values config.Values) error {
	one := model.Selection{ARNs: []model.ARN{o.resource}}
	values.Campaigns, values.Recommenders = one, model.Selection{}
	if o.kind == model.Recommender {
		values.Campaigns, values.Recommenders = model.Selection{}, one
	}
	if err := values.Within(s.config.Region); err != nil {
		return err
	}
	list, err := (&accountOptions{}).work(ctx, s, values, reading, "", "", true)
	if err != nil {
		return err
	}
	return compare(ctx, s, list, o.days, o.output, &o.prices, "")
}

// compare compares minimums for what the parameters select, and prints the result. Flags are what select several accounts.
func compare(ctx context.Context, s *session, list []member, days int, output string, prices *priceOptions, flags string) error {
	result, none, err := inEach(list, "compare minimums", func(of []report.Of[report.WhatIf]) report.WhatIf {
		merged := report.MergedWhatIf(of, flags)
		merged.DurationMs = s.took(merged.Calls)
		return merged
	}, func(m member) (report.WhatIf, error) {
		return m.parts.WhatIf(prices.source(m.session)).Run(ctx, m.values, days)
	})
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return errNotRead
	}
	return s.streams.finish(result, output, none, result.Failed())
}
