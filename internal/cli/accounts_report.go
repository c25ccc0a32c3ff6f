package cli

import (
	"context"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// runAll makes the report of several accounts.
func (o *reportOptions) runAll(ctx context.Context, s *session, values config.Values) error {
	began := time.Now()
	spans, err := o.spans(s.clock.Now(), values.MetricDelay)
	if err != nil && !o.whatIf && !o.saved.wanted {
		return usage(err)
	}
	list, err := o.accounts.open(ctx, s, values)
	if err != nil {
		return err
	}
	defer closeAll(list)
	parts := make([]*app.App, len(list))
	for i, m := range list {
		parts[i] = m.app(app.Options{DryRun: true, ReportMissing: true})
	}
	unreached := reachAll(ctx, list, parts)
	announceAll(list, unreached, func(m member) string { return m.regionsOf(m.values) }, "", true)
	switch {
	case o.whatIf:
		made := inEach(list, unreached, "compare minimums", func(m member, i int) (report.WhatIf, error) {
			return parts[i].WhatIf(o.prices.source(m.session)).Run(ctx, m.values, o.days)
		})
		s.progress.clear()
		if err := ctx.Err(); err != nil {
			return errNotRead
		}
		result := report.MergedWhatIf(made)
		result.DurationMs = since(began)
		report.AddCalls(result.Calls, s.clients.Calls())
		return unless(made, finishWhatIf(s, result, o.output))
	case o.saved.wanted:
		return o.savedInAll(ctx, s, list, parts, unreached)
	}
	made := inEach(list, unreached, "make the report", func(m member, i int) (report.Ledger, error) {
		return parts[i].Ledger(o.prices.source(m.session), o.html != "").Run(ctx, cycle.LedgerInput{
			Params: m.values, Spans: spans, GroupBy: report.Grouping(o.group), Tags: o.output == string(report.Focus), LastHours: maxChartHours,
		})
	})
	s.progress.clear()
	if ctx.Err() != nil {
		return errNotRead
	}
	result := report.MergedLedgers(made)
	result.DurationMs = since(began)
	report.AddCalls(result.Calls, s.clients.Calls())
	return unless(made, o.finish(s, result))
}

// savedInAll makes the ledger of savings of several accounts: of each by the records about it.
func (o *reportOptions) savedInAll(ctx context.Context, s *session, list []member, parts []*app.App, unreached []error) error {
	reader, err := o.saved.readRecords(ctx, s)
	if err != nil {
		return err
	}
	records := reader.history.Records()
	made := inEach(list, unreached, "meter savings", func(m member, i int) (report.Saved, error) {
		return parts[i].Savings(o.prices.source(m.session)).Run(ctx, cycle.SavingsInput{Params: m.values, Records: recordsOf(records, m.of)})
	})
	s.progress.clear()
	if ctx.Err() != nil {
		return errNotRead
	}
	saved := report.MergedSaved(made)
	saved.Records = len(records)
	return unless(made, o.saved.print(s, o, reader, saved))
}

// recordsOf are the audit records about resources of an account.
func recordsOf(records []events.Audit, of model.Account) []events.Audit {
	if of.ID == "" { // the only account
		return records
	}
	return slices.DeleteFunc(slices.Clone(records), func(a events.Audit) bool {
		arn, err := model.ParseARN(a.ARN)
		return err != nil || arn.Account != of.ID
	})
}
