package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// Parameters of the dashboard: what it shows, and what a removal needs.
var (
	boardNames   = []string{config.CampaignARNs, config.RecommenderARNs, config.Regions, config.DashboardName}
	boardRemoval = []string{config.DashboardName}
)

// board is the function that builds the dashboard.
type board struct{ h *Handler }

// serve builds the dashboard, for a schedule, an event that requests it, or a bare event
// with the detail of one and parameters. A resource that the detail names was deleted or
// stopped, and is left out.
func (b board) serve(ctx context.Context, e event) (string, error) {
	var (
		in   cycle.DashboardInput
		keys map[string]json.RawMessage
	)
	if e.form == enveloped && e.detailType != string(events.BuildDashboard) {
		return "", e.refused(string(Dashboard), fmt.Sprintf("a scheduled event, %s, or parameters", events.BuildDashboard))
	}
	if e.form == bare {
		b.h.log.unknownKeys(ctx, e.unknownKeys(keyARN, keyReason))
		keys = e.keys
	}
	if e.form != scheduled {
		detail, err := e.buildDetail()
		if err != nil {
			return "", err
		}
		if detail.ARN != "" {
			arn, _, err := model.ParseResourceARN(detail.ARN)
			if err != nil {
				return "", fmt.Errorf("key %q: %w", keyARN, err)
			}
			in.LeaveOut = []model.ARN{arn}
		}
		b.h.log.InfoContext(ctx, "the dashboard was requested", "arn", detail.ARN, "reason", events.Brief(detail.Reason))
	}
	var err error
	if in.Params, err = b.h.resolve(boardNames, keys); err != nil {
		return "", err
	}
	p, err := b.h.parts(ctx)
	if err != nil {
		return "", err
	}
	return b.build(ctx, p, in)
}

// build builds the dashboard and returns a sentence about it.
func (b board) build(ctx context.Context, p *app.App, in cycle.DashboardInput) (string, error) {
	if err := in.Params.Within(p.Writer.DeploymentRegion); err != nil {
		return "", err
	}
	boards, err := p.Dashboard.Build(ctx, in)
	if err != nil {
		return "", err
	}
	b.h.log.problems(ctx, boards.Problems)
	return boardsSentence(boards), nil
}

// put serves Create and Update: it builds the dashboard. A dashboard of an earlier name
// is deleted here: the physical id does not change, so that CloudFormation does not delete it.
func (b board) put(ctx context.Context, r request) error {
	if err := r.fault; err != nil {
		return err
	}
	values, err := b.h.resolve(boardNames, r.properties)
	if err != nil {
		return err
	}
	p, err := b.h.parts(ctx)
	if err != nil {
		return err
	}
	text, err := b.build(ctx, p, cycle.DashboardInput{Params: values})
	if errors.Is(err, cycle.ErrIncompleteEstate) {
		// A region that is disabled, or unavailable for a moment, must not roll back a whole
		// deployment. The dashboard is built every hour.
		b.h.log.ErrorContext(ctx, "the dashboard was not built, and will be with the next schedule", "err", err)
		return nil
	}
	if err != nil {
		return err
	}
	b.h.log.InfoContext(ctx, "dashboard built", "what", text)
	old := b.h.resolveValid(ctx, boardRemoval, r.oldProperties).DashboardName
	if r.RequestType == cfn.RequestUpdate && old != values.DashboardName {
		b.deleteDashboard(ctx, p, old, "it has the old name; delete it by hand")
	}
	return nil
}

// delete serves Delete. It is no error that the dashboard could not be deleted: the
// clean-up, which runs later, tries again and reports it.
func (b board) delete(ctx context.Context, r request) error {
	p, err := b.h.parts(ctx)
	if err != nil {
		return err
	}
	name := b.h.resolveValid(ctx, boardRemoval, r.properties).DashboardName
	b.deleteDashboard(ctx, p, name, "the clean-up deletes it")
	return nil
}

// deleteDashboard deletes the dashboard of a name. A failure is logged.
func (b board) deleteDashboard(ctx context.Context, p *app.App, name, hint string) {
	boards, err := p.Dashboard.Delete(ctx, name)
	if err != nil {
		b.h.log.ErrorContext(ctx, "the dashboard was not deleted", "what", name, "err", err, "hint", hint)
		return
	}
	b.h.log.problems(ctx, boards.Problems)
}

func boardsSentence(b report.Boards) string {
	counts := map[report.BoardChange]int{}
	for _, board := range b.Dashboards {
		if board.Outcome == "done" {
			counts[board.Change]++
		}
	}
	written := fmt.Sprintf("%s written, showing %s", model.Plural(counts[report.Written], "dashboard"), model.Plural(b.Resources, "resource"))
	return sentence(written, []tally{
		{counts[report.Deleted], "surplus dashboard", "deleted"},
		{len(b.Problems), "problem", "logged"},
	})
}
