package serve

import (
	"context"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
)

// wire builds the parts. The cycle of a daemon that stands by is read-only: the daemon that
// leads does the same, and reports it.
func (d *Daemon) wire() {
	o := d.o
	a := app.New(app.Options{
		Config: o.Config, Clock: d.clock, Logger: d.log, Progress: o.Progress, Observer: d.memory,
		AuditLog: func(ctx context.Context, record events.Audit) {
			d.memory.AddAudit(record)
			o.Trail(ctx, record)
		},
		Deployment: o.Deployment, DryRun: o.DryRun, Act: true, Params: o.Params, Rebuild: d.builds.afterCycle,
	})
	d.app, d.clients = a, a.Clients
	d.leading, d.standby, d.boards = a.Cycle, a.ReadOnlyCycle(), a.Dashboard
}
