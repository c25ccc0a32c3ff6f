package actions

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// The record has what the action is expected to save: a step by the hours that it rests on, a deletion its
// whole minimum, and a person's change of a minimum nothing, as no one compared it with the demand.
func TestRecordsHaveWhatIsPromised(t *testing.T) {
	hour := func(rate float64) model.Datapoint {
		return model.Datapoint{Time: testTime.Add(-time.Hour), Value: rate * 3600}
	}
	for _, c := range []struct {
		name   string
		action model.Action
		req    events.Request
		step   rules.Step
		want   float64 // 0 is nothing
	}{
		{
			"hours below the new minimum, between both, above, and one in silence", model.ActionUpdate,
			automatic(t, model.ActionUpdate, "campaign/home", 10, 7),
			rules.Step{Load: rules.Load{Silent: 1}, Datapoints: []model.Datapoint{hour(2), hour(8), hour(20)}},
			(3 + 2 + 0 + 3) * 730.0 / 4,
		},
		{"a step that rests on no hours", model.ActionUpdate, automatic(t, model.ActionUpdate, "campaign/home", 10, 7), rules.Step{}, 0},
		{"a person's step", model.ActionUpdate, ask(t, "campaign/home", 7), rules.Step{}, 0},
		{"a deletion", model.ActionDelete, ask(t, "campaign/home", 0), rules.Step{}, 7300},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newShop(t)
			var records []events.Audit
			a, _ := w.actor(confirming(rules.StepDown), recorder(&records), func(o *testOptions) {
				confirm := o.Recheck
				o.Recheck = recheckFunc(func(ctx context.Context, req events.Request) (rules.Decision, error) {
					d, err := confirm.Recheck(ctx, req)
					d.StepDown = c.step
					return d, err
				})
			})
			if _, err := a.Do(ctxAll, c.action, c.req); err != nil {
				t.Fatal(err)
			}
			got := records[len(records)-1].PromisedPerMonth
			if (got == nil) != (c.want == 0) || got != nil && math.Abs(*got-c.want) > 1e-9 {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
