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

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// newLogger makes the logger of a function: JSON, with the id of the invocation. An invalid
// level counts as info, with a warning.
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

// requestID adds the id of the invocation to each line: that of the context, as work that was
// abandoned may go on during the next invocation. Much is logged without one, by parts that
// outlive an invocation, and gets the id of the current invocation: Lambda gives a process one
// at a time.
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

// logEvent logs the event at debug level, without the URL for the answer: it lets anyone
// answer.
func (h *Handler) logEvent(ctx context.Context, e event) {
	if !h.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	text := e.payload
	if e.has(keyResponseURL) {
		keys := maps.Clone(e.keys)
		keys[keyResponseURL] = json.RawMessage(`"***"`)
		var err error
		if text, err = encode(keys); err != nil {
			return
		}
	}
	h.log.DebugContext(ctx, "event", "function", string(h.function), "event", string(text))
}

// logUnknownKeys logs keys that are ignored; they may be misspelled.
func (h *Handler) logUnknownKeys(ctx context.Context, keys []string) {
	if len(keys) > 0 {
		h.log.WarnContext(ctx, "keys that name no parameter are ignored", "keys", strings.Join(keys, ", "))
	}
}

// logProblems logs what failed while the rest went on: a warning for a single resource, an
// error for more than that.
func (h *Handler) logProblems(ctx context.Context, list []model.Problem) {
	for _, p := range list {
		level := slog.LevelWarn
		if p.ARN == "" {
			level = slog.LevelError
		}
		h.log.Log(ctx, level, "problem", "op", p.Operation, "arn", p.ARN, "region", p.Region, "err", p.Message())
	}
}
