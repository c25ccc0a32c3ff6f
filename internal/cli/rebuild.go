package cli

import (
	"context"
	"slices"

	"github.com/personalize-monitor/personalize-monitor/internal/act"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// rebuilder builds the dashboard of the command line anew after something it shows has
// changed. It makes none where there is none, and leaves another deployment's to that.
type rebuilder struct {
	*session
	inventory cycle.Inventory
	actor     *act.Actor
	values    config.Values
	dryRun    bool
}

// afterAction is for the commands that act on one resource: what it does not build, an
// event asks for.
func (b *rebuilder) afterAction(ctx context.Context, detail events.BuildDetail) (taken bool, problems []model.Problem) {
	arn, _, err := model.ParseResourceARN(detail.ARN)
	if err != nil {
		return b.rebuild(ctx, nil)
	}
	return b.rebuild(ctx, []model.ARN{arn})
}

// afterRun is for run --act, which sends notifications only.
func (b *rebuilder) afterRun(ctx context.Context, ended []model.ARN) []model.Problem {
	_, problems := b.rebuild(ctx, ended)
	return problems
}

func (b *rebuilder) rebuild(ctx context.Context, ended []model.ARN) (taken bool, problems []model.Problem) {
	name := b.values.DashboardName
	state, err := b.actor.Board(ctx, name)
	switch {
	case err != nil:
		b.logger.WarnContext(ctx, "dashboard not rebuilt, as it could not be looked at", "what", name, "err", awsapi.Line(err))
		return false, nil
	case !state.Exists, state.Deployment != deployment:
		b.logger.DebugContext(ctx, "no dashboard of ours to rebuild", "what", name, "deployment", state.Deployment)
		return false, nil
	}
	boards := cycle.NewDashboard(cycle.DashboardOptions{Inventory: b.inventory, Actor: b.actor, Region: b.config.Region, DryRun: b.dryRun})
	built, err := boards.Build(ctx, cycle.DashboardInput{Params: b.shown(state.Regions), LeaveOut: ended})
	if err != nil {
		return true, []model.Problem{{Region: b.config.Region, Operation: "BuildDashboard", Err: err}}
	}
	return true, built.Problems
}

// shown are the parameters of the command with the regions that the dashboard shows so
// far, so that none is lost for not being named this time. Without either they are those
// that a dashboard is built for.
func (b *rebuilder) shown(regions []string) config.Values {
	values := b.values
	if len(values.Regions)+len(regions) == 0 {
		regions = b.regions
	}
	values.Regions = slices.Compact(slices.Sorted(slices.Values(slices.Concat(values.Regions, regions))))
	return values
}
