package app

import (
	"context"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/personalize-monitor/personalize-monitor/internal/audit"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
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
	AuditLog audit.Log
	// Identity is the owner of the credentials; if zero, STS is asked when it is needed.
	Identity writer.Identity
	// Deployment is the value of the tag Deployment on everything that is created.
	Deployment string
	// Version is recorded as the one that Deployment runs; empty records none, as for what runs once.
	Version string
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

// parts are what the other parts are built from.
type parts struct {
	Options
	meter     cycle.Meter
	gaps      *cycle.RegionGaps
	arranged  *cycle.ResourceTags
	inventory cycle.Inventory // that of cycles, rechecks and ledgers
	found     cycle.Inventory // without problems for what does not exist
	tags      cycle.TagReader
	rechecker *cycle.Rechecker
}

// afterCycle rebuilds the dashboard at the end of a cycle that acts, without the resources
// that the cycle deleted or stopped.
type afterCycle = func(ctx context.Context, removed []model.ARN) []model.Problem
