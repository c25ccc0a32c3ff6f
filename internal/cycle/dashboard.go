package cycle

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/dashboard"
	"github.com/personalize-monitor/personalize-monitor/internal/dashboards"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// DashboardOptions wires the building of the dashboard.
type DashboardOptions struct {
	Inventory Inventory              // for Render and Build
	Writer    *dashboards.Dashboards // for Build and Delete
	Progress  Progress               // may be nil
	// Region is the deployment region, where the count of resources is published.
	Region string
	DryRun bool
}

// Dashboard is the pipeline of the dashboard: discover → lay out → act → report. It keeps no
// state between two builds.
type Dashboard struct{ DashboardOptions }

// NewDashboard makes a Dashboard.
func NewDashboard(o DashboardOptions) *Dashboard { return &Dashboard{o} }

// DashboardInput is what a dashboard is built for.
type DashboardInput struct {
	Params config.Values // the selections, Regions and DashboardName count
	// LeaveOut are resources just deleted or stopped, which a listing may still contain.
	LeaveOut []model.ARN
}

// ErrIncompleteEstate is wrapped by the error of a dashboard that would lack a region.
var ErrIncompleteEstate = errors.New("the dashboard is not built, as not all campaigns and recommenders could be listed")

// ErrNoBoards is wrapped by the error of a job that wrote or deleted no dashboard at all.
var ErrNoBoards = errors.New("no dashboard was written or deleted")

// Rendered is what would be written.
type Rendered struct {
	Boards    []dashboard.Board
	Resources int // shown
	Problems  []model.Problem
}

// Render makes the bodies and writes nothing. A region that could not be listed is an error: a
// dashboard without it would look as if the region were empty. Single resources that could not
// be described are problems; until the next build they are missing, or have no dataset group.
func (d *Dashboard) Render(ctx context.Context, in DashboardInput) (Rendered, error) {
	snapshot := d.Inventory.Discover(ctx, Scope(in.Params, d.Region), nil, d.Progress.of("discover"))
	if err := ctx.Err(); err != nil {
		if len(snapshot.Problems) > 0 { // they contain what took the time
			err = joined(snapshot.Problems)
		}
		return Rendered{}, fmt.Errorf("%w: stopped while listing campaigns and recommenders: %w", ErrIncompleteEstate, err)
	}
	regions := slices.DeleteFunc(slices.Clone(snapshot.Problems), func(p model.Problem) bool { return p.ARN != "" })
	if len(regions) > 0 {
		return Rendered{}, fmt.Errorf("%w: %w", ErrIncompleteEstate, joined(regions))
	}
	shown := slices.DeleteFunc(snapshot.Resources, func(r model.Resource) bool { return slices.Contains(in.LeaveOut, r.ARN) })
	boards := dashboard.Render(dashboard.Input{Name: in.Params.DashboardName, Region: d.Region, Resources: shown})
	return Rendered{Boards: boards, Resources: len(shown), Problems: snapshot.Problems}, nil
}

// Build writes the dashboards that the estate needs, over existing ones, and deletes surplus
// ones. It is an error if the estate could not be listed completely, and then all dashboards
// stay as they are, or if no dashboard could be written.
func (d *Dashboard) Build(ctx context.Context, in DashboardInput) (report.Boards, error) {
	rendered, err := d.Render(ctx, in)
	if err != nil {
		return report.Boards{}, err
	}
	results, problems := d.Writer.Build(ctx, in.Params.DashboardName, rendered.Boards)
	return d.report(rendered.Resources, results, rendered.Problems, problems)
}

// Delete deletes the dashboard of a name and its numbered ones. It is no error if they do not
// exist.
func (d *Dashboard) Delete(ctx context.Context, name string) (report.Boards, error) {
	results, problems := d.Writer.Delete(ctx, name)
	return d.report(0, results, nil, problems)
}

// report makes a report of results, or an error if nothing at all was done.
func (d *Dashboard) report(resources int, results []report.Board, discovery, failed []model.Problem) (report.Boards, error) {
	done := slices.ContainsFunc(results, func(b report.Board) bool { return writer.Outcome(b.Outcome).Counts() })
	if !done && len(failed) > 0 {
		return report.Boards{}, fmt.Errorf("%w: %w", ErrNoBoards, joined(failed))
	}
	return report.Boards{Dashboards: results, Resources: resources, DryRun: d.DryRun, Problems: slices.Concat(discovery, failed)}, nil
}
