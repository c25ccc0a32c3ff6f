package lambda

import (
	"context"
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// followTime is kept free before the deadline, for a call in progress and the follow-ups of an
// accepted action: these go on for 2 and 10 seconds after the context of the action has ended.
const followTime = 14 * time.Second

// action executes what an event or a bare detail requests. An error means that nothing was
// changed, so that Lambda may retry. What fails after the action was accepted is logged and
// counted in the sentence. It is no error: a retry would find nothing left to do.
func (h *Handler) action(ctx context.Context, action model.Action, payload []byte) (string, error) {
	req, err := events.Decode(payload)
	if err == nil {
		err = req.Validate(action)
	}
	if err != nil {
		return "", err
	}
	if _, err := h.recheckParams(); err != nil {
		return "", err
	}
	p, err := h.parts(ctx)
	if err != nil {
		return "", err
	}
	if account := p.identity.Account; account != "" && account != req.ARN.Account {
		return "", fmt.Errorf("%s belongs to the account %s, this function to %s", req.ARN, req.ARN.Account, account)
	}
	ctx, cancel := shorten(ctx, followTime)
	defer cancel()
	answer, err := p.Actions.Do(ctx, action, req)
	if err != nil {
		return "", err
	}
	h.logProblems(ctx, answer.Problems)
	if answer.Outcome == writer.Refused && len(answer.Problems) > 0 { // it could not be recorded, which may be possible later
		return "", fmt.Errorf("%s %w", answer.Sentence, answer.Err())
	}
	return answer.Sentence, nil
}
