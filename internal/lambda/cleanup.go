package lambda

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/uninstall"
)

// cleanupNames are the parameters of a clean-up.
var cleanupNames = []string{config.Regions, config.DashboardName}

// A clean-up by an event is confirmed in it: a test event of the console has {}.
const (
	keyConfirm = "Confirm"
	confirmed  = "remove"
)

// cleanup removes what the deployment created, for a bare event that confirms it and whose other
// keys are parameters. As it cannot be undone, it accepts no other event, and no unknown keys.
func (h *Handler) cleanup(ctx context.Context, e event) (string, error) {
	if e.form != bare {
		return "", e.refused(string(Cleanup), "a CloudFormation request, or parameters")
	}
	if unknown := e.unknownKeys(keyConfirm); len(unknown) > 0 {
		return "", fmt.Errorf("nothing was removed: the event has keys that name no parameter (%s)", strings.Join(unknown, ", "))
	}
	if given, err := text(e.keys, keyConfirm); err != nil || given != confirmed { // guard: a clean-up that is not confirmed
		return "", fmt.Errorf("nothing was removed: to remove the alarms, topics, rule and dashboards of this deployment, send {%q: %q}; "+
			"CloudFormation does so when it deletes the stack", keyConfirm, confirmed)
	}
	values, err := h.resolve(cleanupNames, e.keys)
	if err != nil {
		return "", err
	}
	return h.remove(ctx, values)
}

// deleteAll serves Delete.
func (h *Handler) deleteAll(ctx context.Context, r request) error {
	text, err := h.remove(ctx, h.resolveValid(ctx, cleanupNames, r.properties))
	if errors.Is(err, errNothingListed) { // nothing is known to remain
		h.log.ErrorContext(ctx, "the clean-up could not list anything", "err", err)
		return nil
	}
	if err == nil {
		h.log.InfoContext(ctx, "cleaned up", "what", text)
	}
	return err
}

// errNothingListed is wrapped by the error of a clean-up that could not read any region.
var errNothingListed = errors.New("nothing was removed")

// remove removes what the deployment created. It is an error if something of it is known to
// remain, or if no region could be read.
func (h *Handler) remove(ctx context.Context, values config.Values) (string, error) {
	p, err := h.parts(ctx)
	if err != nil {
		return "", err
	}
	result := p.Uninstaller.Run(ctx, uninstall.Input{Regions: values.Regions, DashboardName: values.DashboardName})
	h.logProblems(ctx, result.Problems)
	if len(result.Regions) == 0 && len(result.Problems) > 0 {
		return "", fmt.Errorf("%w: %w", errNothingListed, result.Problems[0])
	}
	if left := uninstall.InState(result.Items, uninstall.Remaining); len(left) > 0 {
		names := make([]string, len(left))
		for i, item := range left {
			names[i] = fmt.Sprintf("%s %s in %s (%s)", item.Kind, item.Name, item.Region, item.Reason)
		}
		return "", fmt.Errorf("%s could not be removed: %s", model.Plural(len(left), "thing"), strings.Join(names, "; "))
	}
	removed := len(uninstall.InState(result.Items, uninstall.Removed))
	return sentence(model.Plural(removed, "thing")+" removed in "+model.Plural(len(result.Regions), "region"), []tally{
		{len(uninstall.InState(result.Items, uninstall.Kept)), "thing", "of others kept"},
		{len(result.Skipped), "region", "skipped"},
		{len(result.Problems), "problem", "logged"},
	}), nil
}
