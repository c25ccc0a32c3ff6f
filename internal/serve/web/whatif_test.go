package web_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
	"github.com/personalize-monitor/personalize-monitor/internal/whatif"
	"github.com/personalize-monitor/personalize-monitor/test/webstory"
)

// knownWhatIf answers with an entry of its own.
type knownWhatIf struct {
	entry    report.WhatIfEntry
	problems []model.Problem
	asked    []model.Resource
}

func (w *knownWhatIf) Of(_ context.Context, r model.Resource, _ time.Duration) (report.WhatIfEntry, []model.Problem) {
	w.asked = append(w.asked, r)
	return w.entry, w.problems
}

func TestWhatIfOnThePageOfAResource(t *testing.T) {
	perWeek, price, each := 3.5, 1234.5, 22.25
	known := &knownWhatIf{entry: report.WhatIfEntry{
		Hours: 1338, Known: 1300, Price: &report.WhatIfPrice{Currency: "USD"},
		Options: []report.WhatIfRow{
			{
				Minimum: 7, Reasons: []whatif.Reason{whatif.Present, whatif.Watermark}, TPSHours: 4938, Estimate: &price, Above: 12.34, Risk: billing.RiskLow,
				ColdSteps:   billing.ColdSteps{Cold: 28, Known: 16000, PerWeek: &perWeek, Worst: &billing.Surge{From: 7, To: 700}},
				PerColdStep: &each,
			},
			{Minimum: 5, Schedule: "base=5 daily@12:00-13:00=60", Reasons: []whatif.Reason{whatif.Proposed}, TPSHours: 5000, Risk: billing.RiskUnknown},
		},
		Schedule: &report.ProposedSchedule{
			Text: "base=5 daily@12:00-13:00=60", Base: 5, Days: 14, ColdSteps: 1, ColdStepsAtBase: 14, Command: "personalize-monitor schedule set x 'y'",
		},
	}}
	show := func(w *knownWhatIf) string {
		h := page(t, "shop", func(o *web.Options) { o.WhatIf = w })
		return get(t, h, "/resource?arn="+url.QueryEscape(webstory.HomePage)).Body.String()
	}
	body := show(known)
	for _, want := range []string{
		`<strong>now, low watermark</strong></td><td>4,938</td><td>USD 1,234.50</td><td>12.3 %</td><td>3.5</td><td class="nowrap">7 → 700</td><td>22.2</td><td>low</td>`,
		`<code>base=5 daily@12:00-13:00=60</code></th><td>schedule</td><td>5,000</td><td>–</td><td>0.0 %</td><td>–</td><td class="nowrap">–</td><td>–</td><td>unknown</td>`,
		"1,300 of 1,338 h is known", "1 cold step in the last 14 days, 14 at a minimum of 5 all the time", "<code>personalize-monitor schedule set x &#39;y&#39;</code>",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if len(known.asked) != 1 || known.asked[0].ARN.String() != webstory.HomePage {
		t.Errorf("asked of %v", known.asked)
	}
	body = show(&knownWhatIf{
		entry:    report.WhatIfEntry{Note: "its requests could not be read completely"},
		problems: []model.Problem{{Operation: "GetMetricData", Err: errors.New("<throttled>")}},
	})
	if !strings.Contains(body, "its requests could not be read completely") || !strings.Contains(body, "&lt;throttled&gt;") || strings.Contains(body, "is known. TPS-hours") {
		t.Error("the page does not show that nothing is known")
	}
}
