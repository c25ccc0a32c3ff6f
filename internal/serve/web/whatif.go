package web

import (
	"context"
	"slices"
	"strconv"
	"strings"

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
	Minimum, Schedule, Why, TPSHours, Above, Worst string

	Cost, Change money  // a month, and against now; unknown without a price
	Link         string // to the form that sets it; empty for a schedule
	Level        risk
	Now          bool // the present minimum
}

// whatIf compares minimums; nil if the page does not.
func (h *site) whatIf(ctx context.Context, r model.Resource) *whatIfView {
	if h.options.WhatIf == nil {
		return nil
	}
	entry, problems := h.options.WhatIf.Of(ctx, r, h.options.MetricDelay)
	view := &whatIfView{WhatIfEntry: entry}
	for _, o := range entry.Options {
		view.Rows = append(view.Rows, whatIfRowOf(o, entry.Price, r.ARN.String()))
	}
	view.compare()
	if len(problems) > 0 {
		view.Fault = problems[0].Error()
	}
	return view
}

// compare adds what each row costs more or less than the present minimum.
func (v *whatIfView) compare() {
	i := slices.IndexFunc(v.Rows, func(r whatIfRow) bool { return r.Now })
	if i < 0 || !v.Rows[i].Cost.Known() {
		return
	}
	now := v.Rows[i].Cost
	for j := range v.Rows {
		if c := v.Rows[j].Cost; c.Currency == now.Currency && j != i {
			v.Rows[j].Change = money{c.Amount - now.Amount, c.Currency}
		}
	}
}

// coldRisk words a risk with the cold steps a week that it is rated by.
func coldRisk(r billing.Risk, c billing.ColdSteps) risk {
	tone, ok := map[billing.Risk]string{billing.RiskLow: "low", billing.RiskMedium: "mid", billing.RiskHigh: "high"}[r]
	if !ok || c.PerWeek == nil {
		return risk{"", "unknown", ""}
	}
	return risk{tone, strings.ToUpper(string(r[:1])) + string(r[1:]), model.Figure(*c.PerWeek) + " cold steps a week"}
}

func whatIfRowOf(o report.WhatIfRow, price *report.WhatIfPrice, arn string) whatIfRow {
	row := whatIfRow{
		Minimum: model.Number(float64(o.Minimum), 0), Schedule: o.Schedule, Why: o.Why(), TPSHours: model.Figure(o.TPSHours),
		Above: report.Number(&o.Above, 1, " %"), Worst: unknownText,
		Now: slices.Contains(o.Reasons, whatif.Present), Level: coldRisk(o.Risk, o.ColdSteps),
	}
	if o.Estimate != nil && price != nil {
		row.Cost = money{*o.Estimate, price.Currency}
	}
	if o.Schedule == "" {
		row.Link = link("/resource", keyARN, arn, keyMin, strconv.Itoa(o.Minimum)) + "#change"
	}
	if s := o.ColdSteps.Worst; s != nil {
		row.Worst = model.Figure(s.From) + " → " + model.Figure(s.To)
	}
	return row
}

// unknownText is shown for what is not known, or does not exist.
const unknownText = "–"
