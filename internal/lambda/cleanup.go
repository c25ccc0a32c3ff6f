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

var cleanupNames = []string{config.Regions, config.DashboardName}

// A clean-up by an event is confirmed in it: a test event of the console has {}.
const (
	keyConfirm = "Confirm"
	confirmed  = "remove"
)

// cleaner is the function that removes a deployment.
type cleaner struct{ h *Handler }

// serve removes what the deployment created, for a bare event that confirms it and whose other
// keys are parameters. As it cannot be undone, it accepts no other event, and no unknown keys.
func (c cleaner) serve(ctx context.Context, e event) (string, error) {
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
	values, err := c.h.resolve(cleanupNames, e.keys)
	if err != nil {
		return "", err
	}
	return c.remove(ctx, values)
}

// delete serves Delete.
func (c cleaner) delete(ctx context.Context, r request) error {
	text, err := c.remove(ctx, c.h.resolveValid(ctx, cleanupNames, r.properties))
	if err == nil {
		c.h.log.InfoContext(ctx, "cleaned up", "what", text)
	}
	return err
}

// remove removes what the deployment created. It is an error if something of it remains, or may
// remain, as it could not be listed or read.
func (c cleaner) remove(ctx context.Context, values config.Values) (string, error) {
	p, err := c.h.parts(ctx)
	if err != nil {
		return "", err
	}
	result := p.Uninstaller.Run(ctx, uninstall.Input{
		Regions: values.Regions, DashboardName: values.DashboardName,
		Untagged: append([]string{p.Writer.DeploymentRegion}, values.Regions...), Endpoints: p.Endpoints,
	})
	c.h.log.problems(ctx, result.Problems)
	if left := uninstall.InState(result.Items, uninstall.Remaining); len(left)+len(result.Problems) > 0 {
		return "", errors.New(remainder(left, result.Problems))
	}
	removed := len(uninstall.InState(result.Items, uninstall.Removed))
	return sentence(model.Plural(removed, "thing")+" removed in "+model.Plural(len(result.Regions), "region"), []tally{
		{len(uninstall.InState(result.Items, uninstall.Kept)), "thing", "of others kept"},
		{len(result.Skipped), "region", "skipped"},
	}), nil
}

const (
	// reasonRoom is how many characters of a reason fit an answer to CloudFormation, beside its ids.
	reasonRoom = 3000
	// partRoom is how many characters a part of a reason has at least.
	partRoom = 100
)

// remainder lists what remains, or may remain: things, those that differ in the name alone as one,
// then problems. Each part is trimmed, so that a long one leaves room for the others.
func remainder(left []report.CleanupItem, problems []model.Problem) string {
	var parts []string
	for _, item := range report.Grouped(left, 1) {
		parts = append(parts, fmt.Sprintf("%s %s in %s (%s)", item.Kind, item.Name, item.Region, item.Reason))
	}
	for _, p := range problems {
		parts = append(parts, p.Error())
	}
	room := max(partRoom, reasonRoom/len(parts))
	for i, part := range parts {
		if runes := []rune(part); len(runes) > room {
			parts[i] = string(runes[:room-1]) + "…"
		}
	}
	what := model.Plural(len(left), "thing") + " could not be removed: "
	if len(left) == 0 {
		what = "not everything could be listed or read: "
	}
	return what + strings.Join(parts, "; ")
}
