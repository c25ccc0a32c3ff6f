package lambda

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// newLogger makes the logger of a function: JSON, with the id of the invocation. A level
// that is none counts as info, and is told.
func newLogger(w io.Writer, level string, request *atomic.Pointer[string]) *slog.Logger {
	lowest := slog.LevelInfo
	known := level == "" || (lowest.UnmarshalText([]byte(level)) == nil && !strings.ContainsAny(level, "+-"))
	if !known {
		lowest = slog.LevelInfo
	}
	log := slog.New(requestID{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: lowest}), request})
	if !known {
		log.Warn("the variable LOG_LEVEL is not one of debug, info, warn, error", "value", level)
	}
	return log
}

// requestID adds the id of the invocation to each line. Much is logged without a context
// and by parts that outlive an invocation, so the one under way counts there: Lambda
// gives a process one at a time.
type requestID struct {
	slog.Handler
	current *atomic.Pointer[string]
}

// Handle implements slog.Handler.
func (l requestID) Handle(ctx context.Context, record slog.Record) error {
	id := ""
	if invocation, ok := lambdacontext.FromContext(ctx); ok {
		id = invocation.AwsRequestID
	} else if current := l.current.Load(); current != nil {
		id = *current
	}
	if id != "" {
		record.AddAttrs(slog.String("request_id", id))
	}
	return l.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (l requestID) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestID{l.Handler.WithAttrs(attrs), l.current}
}

// WithGroup implements slog.Handler.
func (l requestID) WithGroup(name string) slog.Handler {
	return requestID{l.Handler.WithGroup(name), l.current}
}

// logEvent logs the event at debug level. The URL to answer to is left out: whoever has
// it can answer.
func (h *Handler) logEvent(ctx context.Context, e event, payload []byte) {
	if !h.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	text := string(payload)
	if _, secret := e.keys[keyResponseURL]; secret {
		keys := maps.Clone(e.keys)
		keys[keyResponseURL] = json.RawMessage(`"***"`)
		shown, err := encode(keys)
		if err != nil {
			return
		}
		text = string(shown)
	}
	h.log.DebugContext(ctx, "event", "function", string(h.function), "event", text)
}
