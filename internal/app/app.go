// Package app is the wiring: New builds clients, inventory, meter, writers, cycle and
// dashboard from one set of options. Entry points call it and nothing below it, so that a
// part gets another collaborator in one place.
package app

import (
	"context"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/personalize-monitor/personalize-monitor/internal/act"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/inventory"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/traffic"
)

// Options configure the parts of the program. Each zero value works, Config aside.
type Options struct {
	// Config holds the deployment region, the credentials and the endpoint.
	Config aws.Config
	// Clients make the calls; nil makes them from Config.
	Clients  *awsapi.Clients
	Clock    model.Clock    // nil means the system clock
	Logger   *slog.Logger   // nil discards the log
	Progress cycle.Progress // may be nil
	Observer cycle.Observer // may be nil
	// AuditLog records each decision and action; nil writes the records to Logger.
	AuditLog act.Trail
	// Identity is the owner of the credentials; if zero, STS is asked when it is needed.
	Identity act.Identity
	// Deployment is the value of the tag Deployment on everything that is created.
	Deployment string
	// DryRun keeps every write from being made.
	DryRun bool
	// Act executes decisions in this process instead of sending them as events.
	Act bool
	// Params bound the automatic stops and deletes, decide on the rechecks, and say what a
	// dashboard shows that OwnDashboard rebuilds.
	Params config.Values
	// RecheckParams reads the parameters of a recheck at each recheck; nil means Params.
	RecheckParams func() (config.Values, error)
	// Prices make the result of a cycle show savings; nil leaves them out.
	Prices cycle.PriceSource
	// ReportMissing makes a problem of each resource that Params name and that does not exist.
	ReportMissing bool

	// Rebuild schedules the dashboard's rebuild at the end of a cycle that acts. Nil sends an
	// event after each action instead, or obeys OwnDashboard.
	Rebuild afterCycle
	// OwnDashboard rebuilds the dashboard in this process after an action, if this
	// Deployment built it; an event asks for any other.
	OwnDashboard bool
	// DashboardRegions are the regions of that dashboard if neither Params nor the dashboard
	// name any.
	DashboardRegions []string
}

// App is the program, ready to be used by an entry point.
type App struct {
	Clients   *awsapi.Clients
	Meter     *traffic.Meter
	Actor     *act.Actor
	Cycle     *cycle.Cycle
	Dashboard *cycle.Dashboard

	parts parts
}

// New builds the parts. It calls nothing.
func New(o Options) *App {
	if o.Clock == nil {
		o.Clock = model.SystemClock{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.AuditLog == nil {
		o.AuditLog = act.LogTrail(o.Logger)
	}
	if o.Clients == nil {
		o.Clients = NewClients(o.Config, o.Clock, o.Logger)
	}
	if o.RecheckParams == nil {
		params := o.Params
		o.RecheckParams = func() (config.Values, error) { return params, nil }
	}
	meter := traffic.New(traffic.Options{Clients: o.Clients, Clock: o.Clock, Logger: o.Logger})
	var known cycle.Inventory = inventory.New(inventory.Options{Clients: o.Clients, Clock: o.Clock, Logger: o.Logger})
	watched := known
	if o.ReportMissing {
		watched = reportMissing{known}
	}
	p := parts{Options: o, meter: meter, inventory: watched, rechecker: cycle.NewRechecker(cycle.RecheckOptions{
		Inventory: watched, Meter: meter, Clock: o.Clock, Logger: o.Logger, Progress: o.Progress, Region: o.Config.Region,
		Params: o.RecheckParams,
	})}
	writer := p.actor(nil)
	dashboard := cycle.NewDashboard(cycle.DashboardOptions{
		Inventory: known, Actor: writer, Progress: o.Progress, Region: o.Config.Region, DryRun: o.DryRun,
	})
	afterAction, afterCycle := p.rebuilds(writer, dashboard)
	actor := p.actor(afterAction)
	return &App{
		Clients: o.Clients, Meter: meter, Actor: actor, Cycle: p.cycle(actor, afterCycle, o.Logger), Dashboard: dashboard, parts: p,
	}
}

// NewClients makes the clients alone, for what needs nothing else.
func NewClients(settings aws.Config, clock model.Clock, logger *slog.Logger) *awsapi.Clients {
	return awsapi.New(awsapi.Options{Config: settings, Clock: clock, Logger: logger})
}

// parts are what the other parts are built from.
type parts struct {
	Options
	meter     *traffic.Meter
	inventory cycle.Inventory // that of cycles, rechecks and ledgers
	rechecker *cycle.Rechecker
}

func (p parts) actor(rebuild act.Rebuild) *act.Actor {
	return act.New(act.Options{
		Clients: p.Clients, Clock: p.Clock, Logger: p.Logger, DryRun: p.DryRun, DeploymentRegion: p.Config.Region, Deployment: p.Deployment,
		Identity: p.Identity, Recheck: p.rechecker, Meter: p.meter, MaxEndings: p.Params.MaxRemovalsPerHour, Trail: p.AuditLog, Rebuild: rebuild,
	})
}

// cycle logs its own steps to log, which is not that of the actor for a read-only cycle.
func (p parts) cycle(actor *act.Actor, rebuild afterCycle, log *slog.Logger) *cycle.Cycle {
	return cycle.New(cycle.Options{
		Inventory: p.inventory, Meter: p.meter, Actor: actor, Observer: p.Observer, Clock: p.Clock, Logger: log, AuditLog: p.AuditLog,
		Progress: p.Progress, Calls: p.Clients.Calls, Region: p.Config.Region, DryRun: p.DryRun, Act: p.Act, Rebuild: rebuild, Prices: p.Prices,
	})
}

// ReadOnlyCycle decides as Cycle does, on the same inventory. It writes nothing, and what it
// would write is neither logged nor recorded.
func (a *App) ReadOnlyCycle() *cycle.Cycle {
	p := a.parts
	p.DryRun, p.Logger = true, slog.New(slog.DiscardHandler)
	p.AuditLog = func(context.Context, events.Audit) {}
	return p.cycle(p.actor(leaveToCycle), nil, a.parts.Logger)
}

// Ledger reads what was provisioned and used; hourly keeps the hours, for charts.
func (a *App) Ledger(prices cycle.PriceSource, hourly bool) *cycle.Ledger {
	p := a.parts
	return cycle.NewLedger(cycle.LedgerOptions{
		Inventory: p.inventory, Meter: p.meter, Clock: p.Clock, Prices: prices, Progress: p.Progress, Calls: p.Clients.Calls,
		Region: p.Config.Region, Hourly: hourly,
	})
}
