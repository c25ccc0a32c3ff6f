package lambda

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/uninstall"
)

// cleanupParams are the parameters that a clean-up takes.
var cleanupParams = []string{config.Regions, config.DashboardName}

// cleanup removes what the deployment made, for a bare event, whose keys are parameters.
// As it is not to be undone, it takes no other event, nor one with unknown keys.
func (h *Handler) cleanup(ctx context.Context, e event) (string, error) {
	if e.form != bare {
		return "", e.refused(Cleanup, "a CloudFormation request, or parameters")
	}
	if unknown := e.leftOver(); len(unknown) > 0 {
		return "", fmt.Errorf("nothing was removed: the event has keys that name no parameter (%s)", strings.Join(unknown, ", "))
	}
	values, err := h.resolve(cleanupParams, e.keys)
	if err != nil {
		return "", err
	}
	return h.remove(ctx, values)
}

// removeAll is Delete.
func (h *Handler) removeAll(ctx context.Context, r request) error {
	sentence, err := h.remove(ctx, h.resolveValid(ctx, cleanupParams, r.properties))
	if errors.Is(err, errNothingSeen) { // nothing is known to remain
		h.log.ErrorContext(ctx, "the clean-up could not look for anything", "err", err)
		return nil
	}
	if err == nil {
		h.log.InfoContext(ctx, "cleaned up", "what", sentence)
	}
	return err
}

// errNothingSeen is wrapped by the error of a clean-up that could not look anywhere.
var errNothingSeen = errors.New("nothing was removed")

// remove removes what the deployment made. It is an error if something of ours is known
// to remain, or if it could not look anywhere.
func (h *Handler) remove(ctx context.Context, values config.Values) (string, error) {
	p, err := h.parts(ctx)
	if err != nil {
		return "", err
	}
	result := p.Uninstaller.Run(ctx, uninstall.Input{Regions: values.Regions, DashboardName: values.DashboardName})
	h.problems(ctx, result.Problems)
	if len(result.Regions) == 0 && len(result.Problems) > 0 {
		return "", fmt.Errorf("%w: %w", errNothingSeen, result.Problems[0])
	}
	if left := uninstall.InState(result.Items, uninstall.Remaining); len(left) > 0 {
		return "", remainError(left)
	}
	parts := []string{model.Plural(len(uninstall.InState(result.Items, uninstall.Removed)), "thing") + " removed in " + model.Plural(len(result.Regions), "region")}
	if n := len(uninstall.InState(result.Items, uninstall.Kept)); n > 0 {
		parts = append(parts, model.Plural(n, "thing")+" of others kept")
	}
	if n := len(result.Skipped); n > 0 {
		parts = append(parts, model.Plural(n, "region")+" skipped")
	}
	if n := len(result.Problems); n > 0 {
		parts = append(parts, model.Plural(n, "problem")+" logged")
	}
	return strings.Join(parts, "; ") + ".", nil
}

// remainError names what remains.
func remainError(left []report.CleanupItem) error {
	names := make([]string, len(left))
	for i, item := range left {
		names[i] = fmt.Sprintf("%s %s in %s (%s)", item.Kind, item.Name, item.Region, item.Reason)
	}
	return fmt.Errorf("%s could not be removed: %s", model.Plural(len(left), "thing"), strings.Join(names, "; "))
}
