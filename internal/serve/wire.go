package serve

import (
	"context"
	"log/slog"

	"github.com/personalize-monitor/personalize-monitor/internal/act"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/decide"
	"github.com/personalize-monitor/personalize-monitor/internal/estate"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/inventory"
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
		d.memory.addAudit(record)
		o.Trail(ctx, record)
	}
	options := act.Options{
		Clients: d.clients, Clock: d.clock, Logger: d.log, DryRun: o.DryRun,
		DeploymentRegion: o.Config.Region, Deployment: o.Deployment,
		Meter: meter, MaxEndings: o.Params.MaxEndingsPerHour, Trail: trail,
		Recheck: func(ctx context.Context, req events.Request) (decide.Decision, error) {
			return d.leading.Recheck(ctx, o.Params, req)
		},
		// The cycle asks for it once, when all is done.
		Rebuild: func(context.Context, events.BuildDetail) (bool, []estate.Problem) { return true, nil },
	}
	d.actor, d.meter = act.New(options), meter
	seen := watched{Inventory: known, memory: d.memory}
	parts := cycle.Options{
		Inventory: seen, Meter: meter, Actor: listing{Actor: d.actor, memory: d.memory}, Clock: d.clock, Logger: d.log, Trail: trail, Progress: o.Progress,
		Calls: d.clients.Calls, Region: o.Config.Region, DryRun: o.DryRun, Act: true, Rebuild: d.builds.afterCycle,
	}
	d.leading = cycle.New(parts)

	quiet := slog.New(slog.DiscardHandler)
	options.DryRun, options.Logger = true, quiet
	options.Trail = func(context.Context, events.Audit) {}
	parts.Actor, parts.DryRun, parts.Trail, parts.Rebuild = listing{Actor: act.New(options), memory: d.memory}, true, options.Trail, nil
	d.standby = cycle.New(parts)

	d.boards = cycle.NewDashboard(cycle.DashboardOptions{Inventory: known, Actor: d.actor, Region: o.Config.Region, DryRun: o.DryRun})
}

// watched is an inventory that notes what it finds, to be shown.
type watched struct {
	*inventory.Inventory
	memory *Memory
}

// Discover implements cycle.Inventory.
func (w watched) Discover(ctx context.Context, scope estate.Scope, due func(estate.ARN) bool, progress func(done, total int)) estate.Snapshot {
	snapshot := w.Inventory.Discover(ctx, scope, due, progress)
	w.memory.saw(snapshot)
	return snapshot
}

// listing is an actor that notes the alarms it lists, to be shown.
type listing struct {
	*act.Actor
	memory *Memory
}

// ListAlarms implements cycle.Actor.
func (l listing) ListAlarms(ctx context.Context, region string) ([]decide.Alarm, error) {
	list, err := l.Actor.ListAlarms(ctx, region)
	if err == nil {
		l.memory.sawAlarms(region, list)
	}
	return list, err
}
