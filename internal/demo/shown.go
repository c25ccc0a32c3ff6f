package demo

import (
	"context"
	"log/slog"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/act"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/traffic"
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
	record := serve.CycleRecord{At: at, Began: now.Add(-took), Took: took, Role: serve.Leading}
	s.AddCycle(record.With(result, err), result, now)
	s.Update(func(status *serve.Status) { status.NextCycle = at.Add(cycleEvery) })
}

// Meter reads the metrics of the demo, for the charts of a page.
func (d *Demo) Meter() *traffic.Meter {
	return traffic.New(traffic.Options{Clients: d.clients, Clock: d.Clock, Logger: slog.New(slog.DiscardHandler)})
}

// Ledger reads what was paid for and used, hour by hour, for a page.
func (d *Demo) Ledger() *cycle.Ledger { return d.ledger(true) }

// Actor changes things in the demo for a person who asks for it on a page.
func (d *Demo) Actor() *act.Actor {
	return act.New(act.Options{
		Clients: d.clients, Clock: d.Clock, Logger: slog.New(slog.DiscardHandler), Meter: d.Meter(), DeploymentRegion: d.Home, Deployment: d.deployment(),
		Trail: func(_ context.Context, record events.Audit) { d.watch.record(record) },
	})
}

func (d *Demo) deployment() string { return d.Home + "/" + stack }
