// Package app is the wiring: New builds clients, inventory, meter, writers, cycle and
// dashboard from one set of options. Entry points call it and nothing below it, so that a
// part gets another collaborator in one place.
package app

import (
	"context"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/personalize-monitor/personalize-monitor/internal/actions"
	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/audit"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/dashboards"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/inventory"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/solutions"
	"github.com/personalize-monitor/personalize-monitor/internal/traffic"
	"github.com/personalize-monitor/personalize-monitor/internal/uninstall"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// App is the program, ready to be used by an entry point.
type App struct {
	Clients     *awsapi.Clients
	Meter       cycle.Meter
	Writer      *writer.Writer
	Owner       *writer.Owner // of the credentials
	Notifier    *notify.Notifier
	Actions     *actions.Actions
	Uninstaller *uninstall.Uninstaller
	Cycle       *cycle.Cycle
	Dashboard   *cycle.Dashboard
	// Endpoints lists the campaigns and recommenders of a region.
	Endpoints cycle.Lister
	// Monitored are the monitored campaigns and recommenders of a scope as they were last seen, sorted by ARN.
	Monitored func(model.Scope) []model.Resource

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
		o.AuditLog = audit.ToLogger(o.Logger)
	}
	if o.Clients == nil {
		o.Clients = NewClients(o.Config, o.Clock, o.Logger)
	}
	if o.RecheckParams == nil {
		params := o.Params
		o.RecheckParams = func() (config.Values, error) { return params, nil }
	}
	meter := cycle.NewWatchedMeter(traffic.New(traffic.Options{Clients: o.Clients, Clock: o.Clock, Logger: o.Logger}))
	found := inventory.New(inventory.Options{Clients: o.Clients, Clock: o.Clock, Logger: o.Logger})
	gaps := cycle.NewRegionGaps(meter, found.List)
	w := parts{Options: o}.writer()
	arranged := cycle.NewResourceTags(w.ReadTags, o.Clock)
	var known cycle.Inventory = found
	watched := known
	if o.ReportMissing {
		watched = reportMissing{known}
	}
	shown := watched
	if o.OwnDashboard { // it is rebuilt after a deletion, of what parameters may name
		shown = known
	}
	p := parts{
		Options: o, meter: meter, gaps: gaps, inventory: watched, found: known, tags: found.Tags, arranged: arranged,
		rechecker: cycle.NewRechecker(cycle.RecheckOptions{
			Inventory: watched, Meter: meter, Gaps: gaps, Clock: o.Clock, Logger: o.Logger, Progress: o.Progress, Region: o.Config.Region,
			ClockOffset: o.Clients.ClockOffset, Params: o.RecheckParams,
		}),
	}
	boards := dashboards.New(w)
	dashboard := cycle.NewDashboard(cycle.DashboardOptions{
		Inventory: shown, Writer: boards, Progress: o.Progress, Region: o.Config.Region, DryRun: o.DryRun,
	})
	afterAction, afterCycle := p.rebuilds(boards, dashboard)
	writers := p.writers(w, afterAction)
	return &App{
		Clients: o.Clients, Meter: meter, Writer: w, Owner: writers.owner, Notifier: writers.notifier, Actions: writers.actions,
		Uninstaller: uninstall.New(w, writers.owner, writers.notifier, writers.alarms),
		Cycle:       p.cycle(writers, afterCycle, o.Logger), Dashboard: dashboard, Endpoints: found.List, Monitored: found.Known, parts: p,
	}
}

// NewClients makes the clients alone, for what needs nothing else.
func NewClients(settings aws.Config, clock model.Clock, logger *slog.Logger) *awsapi.Clients {
	return awsapi.New(awsapi.Options{Config: settings, Clock: clock, Logger: logger})
}

func (p parts) writer() *writer.Writer {
	return writer.New(writer.Options{
		Clients: p.Clients, Clock: p.Clock, Logger: p.Logger, DryRun: p.DryRun, DeploymentRegion: p.Config.Region, Deployment: p.Deployment,
		Version: p.Version,
	})
}

// writers are the parts of a cycle that write.
type writers struct {
	writer    *writer.Writer
	owner     *writer.Owner
	budget    *writer.Budget
	alarms    *alarms.Alarms
	notifier  *notify.Notifier
	rebuilder *dashboards.Rebuilder
	actions   *actions.Actions
}

func (p parts) writers(w *writer.Writer, rebuild dashboards.RebuildHere) writers {
	owner := writer.NewOwner(w, p.Identity)
	budget := writer.NewBudget(w, p.meter, p.Params.MaxRemovalsPerHour)
	written := alarms.New(w)
	rebuilder := dashboards.NewRebuilder(w, rebuild)
	return writers{
		writer: w, owner: owner, budget: budget, alarms: written, notifier: notify.New(w, owner), rebuilder: rebuilder,
		actions: actions.New(actions.Options{
			Writer: w, Owner: owner, Budget: budget, Alarms: written, Rebuilder: rebuilder, Rechecker: p.rechecker, AuditLog: p.AuditLog,
		}),
	}
}

// cycle logs its own steps to log, which is not that of the writers for a read-only cycle.
func (p parts) cycle(w writers, rebuild afterCycle, log *slog.Logger) *cycle.Cycle {
	return cycle.New(cycle.Options{
		Inventory: p.inventory, Meter: p.meter, Gaps: p.gaps, Tags: p.arranged, Writer: w.writer,
		Notifier: w.notifier, Alarms: w.alarms, Actions: w.actions,
		Budgets: w.budget, Rebuilder: w.rebuilder, Observer: p.Observer, Clock: p.Clock, Logger: log, AuditLog: p.AuditLog,
		Progress: p.Progress, Calls: p.Clients.Calls, ClockOffset: p.Clients.ClockOffset, Region: p.Config.Region,
		DryRun: p.DryRun, Act: p.Act, Rebuild: rebuild, Prices: p.Prices,
	})
}

// ReadOnlyCycle decides as Cycle does, on the same inventory. It writes nothing, and what it
// would write is neither logged nor recorded.
func (a *App) ReadOnlyCycle() *cycle.Cycle {
	p := a.parts
	p.DryRun, p.Logger = true, slog.New(slog.DiscardHandler)
	p.AuditLog = func(context.Context, events.Audit) error { return nil }
	return p.cycle(p.writers(p.writer(), leaveToCycle), nil, a.parts.Logger)
}

// Ledger reads what was provisioned and used; hourly keeps the hours, for charts.
func (a *App) Ledger(prices cycle.PriceSource, hourly bool) *cycle.Ledger {
	return cycle.NewLedger(a.parts.ledger(prices, hourly))
}

// WhatIf compares minimums.
func (a *App) WhatIf(prices cycle.PriceSource) *cycle.WhatIf {
	return cycle.NewWhatIf(a.parts.ledger(prices, false))
}

func (p parts) ledger(prices cycle.PriceSource, hourly bool) cycle.LedgerOptions {
	return cycle.LedgerOptions{
		Inventory: p.inventory, Meter: p.meter, Gaps: p.gaps, Clock: p.Clock, Training: p.training(), Prices: prices, Progress: p.Progress,
		Calls: p.Clients.Calls, Region: p.Config.Region, Hourly: hourly, Tags: p.tags,
	}
}

// Savings reads what the actions on record have saved.
func (a *App) Savings(prices cycle.PriceSource) *cycle.Savings {
	p := a.parts
	return cycle.NewSavings(cycle.SavingsOptions{
		Inventory: p.found, Meter: p.meter, Clock: p.Clock, Prices: prices, Progress: p.Progress, Calls: p.Clients.Calls, Region: p.Config.Region,
	})
}

// training reads how solutions are trained, once a day at most.
func (p parts) training() cycle.TrainingReader {
	return cycle.NewDailyTraining(solutions.New(solutions.Options{Clients: p.Clients, Clock: p.Clock}), p.Clock)
}
