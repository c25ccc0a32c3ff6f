package demo

import (
	"context"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// show tells the memory, if there is one, what it is about.
func (d *Demo) show() {
	if d.options.Shown == nil {
		return
	}
	d.watch.shown = d.options.Shown.AddAudit
	d.options.Shown.Update(func(s *serve.Status) {
		s.Version, s.Region, s.Regions, s.Deployment, s.Started = d.options.Version, d.Home, d.regions, d.deployment(), d.Clock.Now()
		s.Role = serve.Leading
	})
}

// observer has the monitor's cycles shown.
func (d *Demo) observer() lambda.Observer {
	if d.options.Shown == nil {
		return nil
	}
	return shown{d.options.Shown, d}
}

// shown notes cycles in a memory.
type shown struct {
	*serve.Memory
	demo *Demo
}

// CycleEnded implements lambda.Observer.
func (s shown) CycleEnded(at time.Time, result report.Result, err error) {
	now := s.demo.Clock.Now()
	took := time.Duration(result.DurationMs) * time.Millisecond
	s.AddCycle(serve.NewCycleRecord(now.Add(-took), now, serve.Leading, result, err), result, now)
	s.Update(func(status *serve.Status) { status.NextCycle = at.Add(cycleEvery) })
}

// App has the parts that a page uses: it reads metrics, and changes things for a person.
func (d *Demo) App() *app.App { return d.app }

// Ledger reads what was paid for and used, hour by hour, for a page.
func (d *Demo) Ledger() *cycle.Ledger { return d.app.Ledger(builtinPrices, true) }

func builtinPrices(context.Context, []string) (report.Prices, []model.Problem) {
	return report.BuiltinPrices(), nil
}

func (d *Demo) deployment() string { return d.Home + "/" + stack }
