package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// boardParams are the parameters that say what a dashboard shows.
var boardParams = []string{config.CampaignARNs, config.RecommenderARNs, config.Regions, config.DashboardName}

// boardName is the parameter that a removal goes by.
var boardName = []string{config.DashboardName}

// dashboard builds the dashboard, for a schedule, an event that asks for it, or a bare
// one with its detail and parameters. A resource that the detail names was deleted or
// stopped, and is left out.
func (h *Handler) dashboard(ctx context.Context, e event) (string, error) {
	var (
		in   cycle.DashboardInput
		keys map[string]json.RawMessage
	)
	if e.form == enveloped && e.detailType != string(events.BuildDashboard) {
		return "", e.refused(Dashboard, fmt.Sprintf("a scheduled event, %s, or parameters", events.BuildDashboard))
	}
	if e.form == bare {
		h.passOver(ctx, e.leftOver(keyARN, keyReason))
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
		h.log.InfoContext(ctx, "asked to build the dashboard", "arn", detail.ARN, "reason", events.Brief(detail.Reason))
	}
	var err error
	if in.Params, err = h.resolve(boardParams, keys); err != nil {
		return "", err
	}
	p, err := h.parts(ctx)
	if err != nil {
		return "", err
	}
	return h.build(ctx, p, in)
}

// build builds the dashboard, and tells of it.
func (h *Handler) build(ctx context.Context, p *parts, in cycle.DashboardInput) (string, error) {
	if err := in.Params.Within(p.region); err != nil {
		return "", err
	}
	boards, err := p.Dashboard.Build(ctx, in)
	if err != nil {
		return "", err
	}
	h.problems(ctx, boards.Problems)
	return boardsSentence(boards), nil
}

// putBoards is Create and Update: build the dashboard. One of another name, from before
// an update, is deleted, as the physical id, which stays, keeps CloudFormation from it.
func (h *Handler) putBoards(ctx context.Context, r request) error {
	if err := r.fault; err != nil {
		return err
	}
	values, err := h.resolve(boardParams, r.properties)
	if err != nil {
		return err
	}
	p, err := h.parts(ctx)
	if err != nil {
		return err
	}
	sentence, err := h.build(ctx, p, cycle.DashboardInput{Params: values})
	if errors.Is(err, cycle.ErrIncompleteEstate) {
		// A region that is closed, or out of order for a moment, must not take back a whole
		// deployment. The dashboard is built every hour.
		h.log.ErrorContext(ctx, "the dashboard was not built, and will be with the next schedule", "err", err)
		return nil
	}
	if err != nil {
		return err
	}
	h.log.InfoContext(ctx, "dashboard built", "what", sentence)
	old := h.resolveValid(ctx, boardName, r.oldProperties).DashboardName
	if r.kind != updateRequest || old == values.DashboardName {
		return nil
	}
	boards, err := p.Dashboard.Delete(ctx, old)
	if err != nil { // the new one stands all the same
		h.log.ErrorContext(ctx, "the dashboard of the old name was not deleted", "what", old, "err", err)
		return nil
	}
	h.problems(ctx, boards.Problems)
	return nil
}

// deleteBoards is Delete: delete the dashboard. That there is none is no error, and nor is
// what could not be deleted: the clean-up, which comes after, tries again and tells.
func (h *Handler) deleteBoards(ctx context.Context, r request) error {
	p, err := h.parts(ctx)
	if err != nil {
		return err
	}
	boards, err := p.Dashboard.Delete(ctx, h.resolveValid(ctx, boardName, r.properties).DashboardName)
	if err != nil {
		h.log.ErrorContext(ctx, "the dashboard was not deleted, which is left to the clean-up", "err", err)
		return nil
	}
	h.problems(ctx, boards.Problems)
	return nil
}

// boardsSentence tells of dashboards.
func boardsSentence(b report.Boards) string {
	counts := map[report.BoardChange]int{}
	for _, board := range b.Dashboards {
		if board.Outcome == "done" {
			counts[board.Change]++
		}
	}
	parts := []string{fmt.Sprintf("%s written, showing %s", model.Plural(counts[report.Written], "dashboard"), model.Plural(b.Resources, "resource"))}
	if n := counts[report.Deleted]; n > 0 {
		parts = append(parts, model.Plural(n, "surplus dashboard")+" deleted")
	}
	if n := len(b.Problems); n > 0 {
		parts = append(parts, model.Plural(n, "problem")+" logged")
	}
	return strings.Join(parts, "; ") + "."
}
