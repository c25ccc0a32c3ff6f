package web_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
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
		Options: []whatif.Option{
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
		`<tr class="now" data-min="7"><th scope="row">7 <span class="soft small">now, low watermark</span></th><td class="n">USD 1,234</td><td class="n">–</td><td class="n v">4,938</td><td class="n v">12.3 %</td><td class="n w">7 → 700</td>`,
		`Low <em>3.5</em>`,
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

// slowWhatIf answers once it may.
type slowWhatIf struct {
	knownWhatIf
	begun chan struct{} // one for each question
	may   chan struct{}
}

func (w *slowWhatIf) Of(ctx context.Context, r model.Resource, delay time.Duration) (report.WhatIfEntry, []model.Problem) {
	w.begun <- struct{}{}
	<-w.may
	return w.knownWhatIf.Of(ctx, r, delay)
}

// The page of a resource does not wait for its what-if, which is read once and is there at a later look, with what failed too.
func TestThePageDoesNotWaitForWhatIf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &slowWhatIf{
			knownWhatIf: knownWhatIf{entry: report.WhatIfEntry{Note: "not all of it"}, problems: []model.Problem{{Operation: "GetMetricData", Err: errors.New("throttled")}}},
			begun:       make(chan struct{}, 3), may: make(chan struct{}),
		}
		h := page(t, "shop", func(o *web.Options) { o.WhatIf = slow })
		look := func() string { return get(t, h, "/resource?arn="+url.QueryEscape(webstory.HomePage)).Body.String() }
		for range 2 {
			body := look()
			if !strings.Contains(body, `id="what-if" data-live data-pending`) || !strings.Contains(body, ">Look again</a>") || !strings.Contains(body, `id="charts"`) {
				t.Fatal("the page is not there without its what-if")
			}
		}
		close(slow.may)
		body := look()
		if strings.Contains(body, "data-pending") || !strings.Contains(body, "throttled") || len(slow.begun) != 1 {
			t.Errorf("asked %d times, and what was read is not shown", len(slow.begun))
		}
		if look(); len(slow.begun) != 2 {
			t.Errorf("what failed is not read again: asked %d times", len(slow.begun))
		}
	})
}

// The slider has its figures in the page, with what each minimum costs against now; without a script it is hidden.
func TestWhatIfHasASlider(t *testing.T) {
	step := func(minimum int, cost, perWeek float64, risk billing.Risk) whatif.Option {
		return whatif.Option{Minimum: minimum, TPSHours: float64(minimum) * 730, Estimate: &cost, Above: 1.5, Risk: risk, ColdSteps: billing.ColdSteps{PerWeek: &perWeek}}
	}
	present := step(20, 2920, 0, billing.RiskLow)
	present.Reasons = []whatif.Reason{whatif.Present}
	entry := report.WhatIfEntry{
		Price: &report.WhatIfPrice{Currency: "USD"}, Options: []whatif.Option{present},
		Steps: []whatif.Option{step(19, 2774, 2.5, billing.RiskMedium), step(20, 2920, 0, billing.RiskLow), step(21, 3066, 0, billing.RiskUnknown)},
	}
	for _, allowed := range []bool{true, false} {
		h := page(t, "shop", func(o *web.Options) {
			o.WhatIf = &knownWhatIf{entry: entry}
			if o.AllowActions = allowed; allowed {
				o.Actions = &webstory.Actions{}
			}
		})
		body := get(t, h, "/resource?arn="+url.QueryEscape(webstory.HomePage)+"&min=21").Body.String()
		for _, want := range []string{
			`<div class="slide" id="slide" hidden>`, `<label class="vh" for="trial-min">Minimum to try, TPS</label>`, `min="0" max="2" step="1" value="2"`,
			`{"min":19,"cost":"USD 2,774","change":"−146","cheaper":true,"hours":"13,870","above":"1.5 %","cold":"2.5","risk":"Medium","tone":"mid"}`,
			`{"min":20,"cost":"USD 2,920","change":"","hours":"14,600","above":"1.5 %","cold":"0","risk":"Low","tone":"low","now":true}`,
			`"cold":"0","risk":"unknown","tone":""}`,
		} {
			if !strings.Contains(body, want) {
				t.Errorf("allowed %v: the page lacks %q", allowed, want)
			}
		}
		if allowed != strings.Contains(body, `id="trial-apply"`) || allowed == strings.Contains(body, `data-command="personalize-monitor update-tps `+webstory.HomePage+`"`) {
			t.Errorf("allowed %v: not the right way to apply it", allowed)
		}
	}
}

// A schedule is drawn with its levels, and described; what a tag arranges comes before what is proposed.
func TestSchedulesAreDrawn(t *testing.T) {
	show := func(tags map[string]string) string {
		h := changed(t, func(s *web.Snapshot) { s.Tags = map[string]map[string]string{webstory.HomePage: tags} })
		return get(t, h, "/resource?arn="+url.QueryEscape(webstory.HomePage)).Body.String()
	}
	body := show(map[string]string{"personalize-monitor:schedule": "base=5 lead=0m mon-fri@09:00-18:00=50 mon-fri@12:00-13:00=80"})
	for _, want := range []string{ // it is Wednesday, 12:07
		`aria-label="Mon–Fri: 5 from 00:00, 50 from 09:00, 80 from 12:00, 50 from 13:00, 5 from 18:00. Sat, Sun: 5 all day. Times in UTC; now it is Wednesday 12:07, and the schedule is at 80."`,
		`<rect x="240" y="16" width="19" height="34"/><text x="249" y="16" dy="-3">80</text>`, `<rect class="base" x="0" y="47" width="479" height="3"/>`, `<path d="M242 0V50"/></svg>`,
		"Next: 50 at Wednesday 13:00 UTC.",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if n := strings.Count(body, `viewBox="0 0 480 50"`); n != 2 {
		t.Errorf("%d rows are drawn", n)
	}
	if body := show(map[string]string{"personalize-monitor:schedule": "base=5 nonsense"}); !strings.Contains(body, "is not understood, so nothing is done by it") {
		t.Error("a schedule that is not understood is not shown")
	}
	raised := show(map[string]string{"personalize-monitor:return": "to=20 from=20 raised=40 due=2026-03-05T14:00:00Z arranged=2026-03-04T10:00:00Z"})
	if !strings.Contains(raised, "Raised to 40 for a time: it returns to 20 on 5 Mar 14:00 UTC.") {
		t.Error("a timed raise is not shown")
	}
	if body := show(nil); !strings.Contains(body, `aria-labelledby="schedule-title" hidden>`) {
		t.Error("without a schedule there is a part for it")
	}
}
