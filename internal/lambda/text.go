package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// tally is a count in a sentence.
type tally struct {
	n          int
	noun, done string
}

// sentence adds the counts that are not zero.
func sentence(first string, tallies []tally) string {
	for _, t := range tallies {
		if t.n > 0 {
			first += "; " + model.Plural(t.n, t.noun) + " " + t.done
		}
	}
	return first + "."
}

// encode writes v as JSON, without the escapes for HTML.
func encode(v any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(buffer.Bytes()), nil
}

// shorten moves the deadline of a context forward by a margin, which is left to the caller,
// but never by more than half of the remaining time.
func shorten(ctx context.Context, margin time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-max(0, min(margin, time.Until(deadline)/2))))
}
