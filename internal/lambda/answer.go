package lambda

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sort"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
)

// maxAnswer is how many bytes an answer may have (custom resource response objects, in the
// CloudFormation user guide).
const maxAnswer = 4096

// answerBody is the answer as JSON, with its reason cut until it fits.
func answerBody(answer cfn.Response) ([]byte, error) {
	body, err := encode(answer)
	if err != nil || len(body) <= maxAnswer {
		return body, err
	}
	reason := []rune(answer.Reason)
	tooLong := sort.Search(len(reason), func(n int) bool {
		answer.Reason = string(reason[:n]) + "…"
		body, err := encode(answer)
		return err != nil || len(body) > maxAnswer
	})
	if tooLong == 0 {
		return nil, errors.New("its ids are too long")
	}
	answer.Reason = string(reason[:tooLong-1]) + "…"
	return encode(answer)
}

// How often and for how long the delivery of an answer is tried.
const (
	deliveries   = 4
	deliveryWait = 200 * time.Millisecond // doubled each time
	deliveryTime = 10 * time.Second       // limit of one try
)

// deliver puts the answer to the URL where CloudFormation waits for it. Errors do not contain
// the URL: it lets anyone answer.
func (h *Handler) deliver(ctx context.Context, to string, answer cfn.Response) error {
	body, err := answerBody(answer)
	if err != nil {
		return fmt.Errorf("the answer to CloudFormation cannot be written: %w", err)
	}
	for try, wait := 1, deliveryWait; ; try, wait = try+1, wait*2 {
		retry, err := h.put(ctx, to, body)
		switch {
		case err == nil:
			return nil
		case retry && try < deliveries && ctx.Err() == nil:
			h.log.WarnContext(ctx, "the answer was not delivered; trying again", "err", err)
			if h.Clock.Sleep(ctx, wait) == nil {
				continue
			}
		}
		return fmt.Errorf("the answer (%s) was not delivered to CloudFormation: %w", answer.Status, err)
	}
}

// put tries once to deliver; retry reports whether another try may succeed.
func (h *Handler) put(ctx context.Context, to string, body []byte) (retry bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, deliveryTime)
	defer cancel()
	ctx, stop := shorten(ctx, deliveryTime) // half of what is left
	defer stop()
	// No content type: the URL is signed without one.
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, to, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("its ResponseURL is not a URL")
	}
	response, err := h.http.Do(req)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return true, err
	}
	defer func() { _ = response.Body.Close() }() // nothing more is read from it
	if response.StatusCode < http.StatusMultipleChoices {
		return false, nil
	}
	text, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer)) // for the message only
	retry = response.StatusCode >= http.StatusInternalServerError ||
		response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusRequestTimeout
	return retry, fmt.Errorf("HTTP %d %s", response.StatusCode, events.Brief(string(text)))
}
