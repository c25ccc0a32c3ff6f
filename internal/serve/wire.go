package serve

import (
	"context"
	"log/slog"

	"github.com/personalize-monitor/personalize-monitor/internal/act"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/inventory"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/traffic"
)

// wire puts clients, actor, cycles and dashboard together. The cycle of a daemon that
// stands by is the same but for the gate and the trail: what it would do, the one that
// leads does and tells.
func (d *Daemon) wire() {
	o := d.o
	d.clients = awsapi.New(awsapi.Options{Config: o.Config, Clock: d.clock, Logger: d.log})
	meter := traffic.New(traffic.Options{Clients: d.clients, Clock: d.clock, Logger: d.log})
	known := inventory.New(inventory.Options{Clients: d.clients, Clock: d.clock, Logger: d.log})
	trail := func(ctx context.Context, record events.Audit) {
		d.memory.AddAudit(record)
		o.Trail(ctx, record)
	}
	options := act.Options{
		Clients: d.clients, Clock: d.clock, Logger: d.log, DryRun: o.DryRun,
		DeploymentRegion: o.Config.Region, Deployment: o.Deployment,
		Meter: meter, MaxEndings: o.Params.MaxEndingsPerHour, Trail: trail,
		Recheck: func(ctx context.Context, req events.Request) (rules.Decision, error) {
			return d.leading.Recheck(ctx, o.Params, req)
		},
		// The cycle asks for it once, when all is done.
		Rebuild: func(context.Context, events.BuildDetail) (bool, []model.Problem) { return true, nil },
	}
	d.actor, d.meter = act.New(options), meter
	parts := cycle.Options{
		Inventory: known, Meter: meter, Actor: d.actor, Observer: d.memory, Clock: d.clock, Logger: d.log, Trail: trail, Progress: o.Progress,
		Calls: d.clients.Calls, Region: o.Config.Region, DryRun: o.DryRun, Act: true, Rebuild: d.builds.afterCycle,
	}
	d.leading = cycle.New(parts)

	quiet := slog.New(slog.DiscardHandler)
	options.DryRun, options.Logger = true, quiet
	options.Trail = func(context.Context, events.Audit) {}
	parts.Actor, parts.DryRun, parts.Trail, parts.Rebuild = act.New(options), true, options.Trail, nil
	d.standby = cycle.New(parts)

	d.boards = cycle.NewDashboard(cycle.DashboardOptions{Inventory: known, Actor: d.actor, Region: o.Config.Region, DryRun: o.DryRun})
}
