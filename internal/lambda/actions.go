package lambda

import (
	"context"
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// followTime is kept free before the deadline, for a call under way and what follows an
// accepted action: the act package lets these go on for 2 and 10 seconds after its context
// has ended.
const followTime = 14 * time.Second

// recheckParams are the parameters by which automatic events are checked again.
var recheckParams = []string{
	config.AutoAdjustMinTPS, config.IdleThresholdHours, config.AutoDeleteOrStopIdleResources, config.MetricDelay, config.MaxStopsOrDeletesPerHour,
}

// recheckValues are the parameters by which automatic events are checked again. The keys
// of an event are none: an automatic one brings along what it was decided by.
func (h *Handler) recheckValues() (config.Values, error) {
	sources := h.sources(recheckParams, nil)
	sources.Defaults = cycle.RecheckDefaults()
	return config.Resolve(sources)
}

// action carries out what an event or a bare detail asks for. An error means that nothing
// was changed, so that Lambda may well try again. What fails after the action was
// accepted is logged, counted in the sentence, and no error: a second try would find
// nothing left to do.
func (h *Handler) action(ctx context.Context, action model.Action, payload []byte) (string, error) {
	req, err := events.Decode(payload)
	if err == nil {
		err = req.Validate(action)
	}
	if err != nil {
		return "", err
	}
	if _, err := h.recheckValues(); err != nil {
		return "", err
	}
	p, err := h.parts(ctx)
	if err != nil {
		return "", err
	}
	if ours := p.identity.Account; ours != "" && ours != req.ARN.Account {
		return "", fmt.Errorf("%s belongs to the account %s, this function to %s", req.ARN, req.ARN.Account, ours)
	}
	ctx, cancel := short(ctx, followTime)
	defer cancel()
	answer, err := p.Actions.Do(ctx, action, req)
	if err != nil {
		return "", err
	}
	h.problems(ctx, answer.Problems)
	return answer.Sentence, nil
}
