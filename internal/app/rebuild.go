package app

import (
	"context"
	"log/slog"
	"slices"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/dashboards"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// rebuilds are what rebuilds the dashboard after an action and at the end of a cycle that
// acts, which does it once for all its actions.
func (p parts) rebuilds(boards *dashboards.Dashboards, dashboard *cycle.Dashboard) (dashboards.RebuildHere, afterCycle) {
	if !p.OwnDashboard {
		if p.Act && p.Rebuild != nil {
			return leaveToCycle, p.Rebuild
		}
		return nil, p.Rebuild
	}
	own := ownDashboard{
		boards: boards, dashboard: dashboard, deployment: p.Deployment, region: p.Config.Region,
		params: p.Params, regions: p.DashboardRegions, log: p.Logger,
	}
	if p.Act {
		return leaveToCycle, own.afterCycle
	}
	return own.afterAction, own.afterCycle
}

func leaveToCycle(context.Context, events.BuildDetail) (taken bool, problems []model.Problem) {
	return true, nil
}

// ownDashboard rebuilds a deployment's dashboard after something it shows has changed. It
// creates none, and leaves the dashboard of another deployment to that deployment.
type ownDashboard struct {
	boards     *dashboards.Dashboards
	dashboard  *cycle.Dashboard
	deployment string
	region     string
	params     config.Values
	regions    []string
	log        *slog.Logger
}

// afterAction implements dashboards.RebuildHere: an event requests what it does not build.
func (d ownDashboard) afterAction(ctx context.Context, detail events.BuildDetail) (taken bool, problems []model.Problem) {
	arn, _, err := model.ParseResourceARN(detail.ARN)
	if err != nil {
		return d.rebuild(ctx, nil)
	}
	return d.rebuild(ctx, []model.ARN{arn})
}

// afterCycle is for a cycle that acts, which sends no event for it.
func (d ownDashboard) afterCycle(ctx context.Context, removed []model.ARN) []model.Problem {
	_, problems := d.rebuild(ctx, removed)
	return problems
}

func (d ownDashboard) rebuild(ctx context.Context, removed []model.ARN) (taken bool, problems []model.Problem) {
	name := d.params.DashboardName
	state, err := d.boards.State(ctx, name)
	switch {
	case err != nil:
		d.log.WarnContext(ctx, "dashboard not rebuilt, as it could not be read", "what", name, "err", awsapi.Line(err))
		return false, nil
	case !state.Exists, state.Deployment != d.deployment:
		d.log.DebugContext(ctx, "no dashboard of this deployment to rebuild", "what", name, "deployment", state.Deployment)
		return false, nil
	}
	built, err := d.dashboard.Build(ctx, cycle.DashboardInput{Params: d.shown(state.Regions), LeaveOut: removed})
	if err != nil {
		return true, []model.Problem{{Region: d.region, Operation: "BuildDashboard", Err: err}}
	}
	return true, built.Problems
}

// shown are the parameters with the regions that the dashboard shows so far, so that none is
// lost because the command does not name it.
func (d ownDashboard) shown(regions []string) config.Values {
	values := d.params
	if len(values.Regions)+len(regions) == 0 {
		regions = d.regions
	}
	values.Regions = slices.Compact(slices.Sorted(slices.Values(slices.Concat(values.Regions, regions))))
	return values
}
