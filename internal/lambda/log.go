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

type logger struct{ *slog.Logger }

// levels are those of LOG_LEVEL.
var levels = map[string]slog.Level{
	"": slog.LevelInfo, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
}

// newLogger makes the logger of a function: JSON, with the id of the invocation. An invalid
// level counts as info, with a warning.
func newLogger(w io.Writer, level string, request *atomic.Pointer[string]) logger {
	lowest, known := levels[strings.ToLower(level)]
	log := slog.New(requestID{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: lowest}), request})
	if !known {
		log.Warn("the variable LOG_LEVEL is not one of debug, info, warn, error", "value", level)
	}
	return logger{log}
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

// event logs an event at debug level, without the URL for the answer: it lets anyone
// answer.
func (l logger) event(ctx context.Context, f Function, e event) {
	if !l.Enabled(ctx, slog.LevelDebug) {
		return
	}
	text := e.payload
	if e.has(keyResponseURL) {
		keys := maps.Clone(e.keys)
		keys[keyResponseURL] = json.RawMessage(`"***"`)
		text, _ = model.EncodeJSON(keys) // they were read from JSON
	}
	l.DebugContext(ctx, "event", "function", string(f), "event", string(text))
}

// unknownKeys logs keys that are ignored; they may be misspelled.
func (l logger) unknownKeys(ctx context.Context, keys []string) {
	if len(keys) > 0 {
		l.WarnContext(ctx, "keys that name no parameter are ignored", "keys", strings.Join(keys, ", "))
	}
}

// problems logs what failed while the rest went on: a warning for a single resource, an
// error for more than that.
func (l logger) problems(ctx context.Context, list []model.Problem) {
	for _, p := range list {
		level := slog.LevelWarn
		if p.ARN == "" {
			level = slog.LevelError
		}
		l.Log(ctx, level, "problem", "op", p.Operation, "arn", p.ARN, "region", p.Region, "err", p.Message())
	}
}
