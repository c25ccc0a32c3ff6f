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
		`data-min="7" data-cost="USD 1,234"`, `7 <span class="soft small">now, low watermark</span></th><td class="n">USD 1,234</td><td class="n">–</td><td class="n v">4,938</td><td class="n v">12.3 %</td><td class="n w">7 → 700</td>`,
		`Low <em>3.5 cold steps a week</em>`,
		`<code>base=5 daily@12:00-13:00=60</code> <span class="soft small">schedule</span></th><td class="n">unknown</td><td class="n">–</td><td class="n v">5,000</td>`,
		"by the demand of 1,300 of 1,338 h", "1 cold step in the last 14 days, 14 at a minimum of 5 all the time", ">personalize-monitor schedule set x &#39;y&#39;</span>",
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
	if !strings.Contains(body, "its requests could not be read completely") || !strings.Contains(body, "&lt;throttled&gt;") || strings.Contains(body, `id="trial"`) {
		t.Error("the page does not show that nothing is known")
	}
}
