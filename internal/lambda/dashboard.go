package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

var boardNames = []string{config.CampaignARNs, config.RecommenderARNs, config.Regions, config.DashboardName}

// board is the function that builds the dashboard.
type board struct{ h *Handler }

// serve builds the dashboard, for a schedule, an event that requests it, or a bare event
// with the detail of one and parameters. A resource that the detail names was deleted or
// stopped, and is left out.
func (b board) serve(ctx context.Context, e event) (string, error) {
	var keys map[string]json.RawMessage
	switch {
	case e.form == scheduled:
		return b.build(ctx, nil)
	case e.form == enveloped && e.detailType != string(events.BuildDashboard):
		return "", e.refused(string(Dashboard), fmt.Sprintf("a scheduled event, %s, or parameters", events.BuildDashboard))
	case e.form == bare:
		b.h.log.unknownKeys(ctx, e.unknownKeys(keyARN, keyReason))
		keys = e.keys
	}
	detail, err := e.buildDetail()
	if err != nil {
		return "", err
	}
	var leaveOut []model.ARN
	if detail.ARN != "" {
		arn, _, err := model.ParseResourceARN(detail.ARN)
		if err != nil {
			return "", fmt.Errorf("key %q: %w", keyARN, err)
		}
		leaveOut = []model.ARN{arn}
	}
	b.h.log.InfoContext(ctx, "the dashboard was requested", "arn", detail.ARN, "reason", events.Brief(detail.Reason))
	return b.build(ctx, keys, leaveOut...)
}

// build builds the dashboard and returns a sentence about it.
func (b board) build(ctx context.Context, keys map[string]json.RawMessage, leaveOut ...model.ARN) (string, error) {
	values, err := b.h.resolve(boardNames, keys)
	if err != nil {
		return "", err
	}
	p, err := b.h.parts(ctx)
	if err == nil {
		err = values.Within(p.Writer.DeploymentRegion)
	}
	if err != nil {
		return "", err
	}
	boards, err := p.Dashboard.Build(ctx, cycle.DashboardInput{Params: values, LeaveOut: leaveOut})
	if err != nil {
		return "", err
	}
	b.h.log.problems(ctx, boards.Problems)
	counts := map[report.BoardChange]int{}
	for _, board := range boards.Dashboards {
		if board.Outcome == "done" {
			counts[board.Change]++
		}
	}
	written := fmt.Sprintf("%s written, showing %s",
		model.Plural(counts[report.Written], "dashboard"), model.Plural(boards.Resources, "resource"))
	return sentence(written, []tally{
		{counts[report.Deleted], "surplus dashboard", "deleted"},
		{len(boards.Problems), "problem", "logged"},
	}), nil
}

// put serves Create and Update: it builds the dashboard. A dashboard of an earlier name
// is deleted here: the physical id does not change, so that CloudFormation does not delete it.
func (b board) put(ctx context.Context, r request) error {
	if err := r.fault; err != nil {
		return err
	}
	text, err := b.build(ctx, r.properties)
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
	if old := b.name(ctx, r.oldProperties); r.RequestType == cfn.RequestUpdate && old != b.name(ctx, r.properties) {
		return b.remove(ctx, old, "it has the old name; delete it by hand")
	}
	return nil
}

// delete serves Delete. It is no error that the dashboard could not be deleted: the
// clean-up, which runs later, tries again and reports it.
func (b board) delete(ctx context.Context, r request) error {
	return b.remove(ctx, b.name(ctx, r.properties), "the clean-up deletes it")
}

// name is the dashboard's, by what is valid.
func (b board) name(ctx context.Context, properties map[string]json.RawMessage) string {
	return b.h.resolveValid(ctx, []string{config.DashboardName}, properties).DashboardName
}

// remove deletes the dashboard of a name. A failure is logged.
func (b board) remove(ctx context.Context, name, hint string) error {
	p, err := b.h.parts(ctx)
	if err != nil {
		return err
	}
	boards, err := p.Dashboard.Delete(ctx, name)
	if err != nil {
		b.h.log.ErrorContext(ctx, "the dashboard was not deleted", "what", name, "err", err, "hint", hint)
	}
	b.h.log.problems(ctx, boards.Problems)
	return nil
}
