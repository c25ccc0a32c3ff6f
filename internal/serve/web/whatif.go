package web

import (
	"context"
	"slices"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/whatif"
)

// whatIfView is what other minimums of a resource would cost and risk.
type whatIfView struct {
	report.WhatIfEntry
	Rows  []whatIfRow
	Fault string // why it is missing or incomplete
}

// whatIfRow is an option in words.
type whatIfRow struct {
	Minimum, Schedule, Why, TPSHours, Estimate, Above, Cold, Worst, Each string
	Risk                                                                 billing.Risk
	Now                                                                  bool // the present minimum
}

// whatIf compares minimums; nil if the page does not.
func (h *site) whatIf(ctx context.Context, r model.Resource) *whatIfView {
	if h.options.WhatIf == nil {
		return nil
	}
	entry, problems := h.options.WhatIf.Of(ctx, r, h.options.MetricDelay)
	view := &whatIfView{WhatIfEntry: entry}
	for _, o := range entry.Options {
		view.Rows = append(view.Rows, whatIfRowOf(o, entry.Price))
	}
	if len(problems) > 0 {
		view.Fault = problems[0].Error()
	}
	return view
}

func whatIfRowOf(o report.WhatIfRow, price *report.WhatIfPrice) whatIfRow {
	row := whatIfRow{
		Minimum: model.Number(float64(o.Minimum), 0), Schedule: o.Schedule, Why: o.Why(), TPSHours: model.Figure(o.TPSHours),
		Estimate: unknownText, Above: report.Number(&o.Above, 1, " %"), Cold: report.Number(o.ColdSteps.PerWeek, 1, ""), Worst: unknownText,
		Each: report.Number(o.PerColdStep, 1, ""), Risk: o.Risk, Now: slices.Contains(o.Reasons, whatif.Present),
	}
	if o.Estimate != nil {
		row.Estimate = price.Currency + " " + model.Number(*o.Estimate, 2)
	}
	if s := o.ColdSteps.Worst; s != nil {
		row.Worst = model.Figure(s.From) + " → " + model.Figure(s.To)
	}
	return row
}

// unknownText is shown for what is not known, or does not exist.
const unknownText = "–"
