// Package writer is the way to AWS for everything that changes something there. Each write
// passes the gate, the only place where a dry run differs. The package also holds what the
// packages that write share: ownership tags, the circuit breaker for denied calls,
// deduplicated logging, the owner of the credentials and the budget of stops and deletes.
package writer

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// ParallelCalls bounds the calls of one kind that are under way at once, over all regions.
// The clients apply the rate limits.
const ParallelCalls = 16

// logTTL is how long a line is not logged again after it was last repeated. What still holds
// is repeated in every cycle, or every hour.
const logTTL = 24 * time.Hour

// Options configure a Writer.
type Options struct {
	// Clients make the calls, with rate limits and retries.
	Clients *awsapi.Clients
	Clock   model.Clock  // nil means the system clock
	Logger  *slog.Logger // nil discards the log
	// DryRun keeps every write from being made. Reads are made, and results report what
	// would have been written as if it had been.
	DryRun bool
	// DeploymentRegion is where events are sent and where the notification rule is.
	DeploymentRegion string
	// Deployment is the value of the tag Deployment: "cli", or "<region>/<stack name>".
	Deployment string
	// Version is the one that is recorded as the deployment's; empty records none.
	Version string
}

// Writer makes writes. It is safe for concurrent use. Its options are read-only.
type Writer struct {
	Options
	logged *Memory[string] // the last line that LogOnce logged about something, by its ARN
}

// New makes a Writer. It calls nothing.
func New(o Options) *Writer {
	if o.Clock == nil {
		o.Clock = model.SystemClock{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Writer{Options: o, logged: NewMemory[string](o.Clock, logTTL)}
}

// As returns a writer for another deployment, unless that is empty, which makes no writes
// if dryRun is set.
func (w *Writer) As(deployment string, dryRun bool) *Writer {
	other := *w
	other.Deployment, other.DryRun = cmp.Or(deployment, w.Deployment), w.DryRun || dryRun
	return &other
}

// LogOnce logs a line about a resource if it differs from the last one about it, and at debug
// level otherwise, so that a cycle every 5 minutes does not fill the log with it.
func (w *Writer) LogOnce(ctx context.Context, level slog.Level, arn, what string, args ...any) {
	line := what + fmt.Sprint(args...)
	if last, ok := w.logged.Put(arn, line); ok && last == line {
		level = slog.LevelDebug
	}
	w.Logger.Log(ctx, level, "noticed", append([]any{"what", what, "arn", arn}, args...)...)
}

// OutOfTime reports whether no further write may begin: ctx has ended, or the time has
// come. The zero time never comes.
func (w *Writer) OutOfTime(ctx context.Context, until time.Time) bool {
	return ctx.Err() != nil || (!until.IsZero() && !w.Clock.Now().Before(until))
}

// Problem is a failure of one operation on one resource; the ARN may be empty.
func Problem(region, arn, op string, err error) model.Problem {
	return model.Problem{ARN: arn, Region: region, Operation: op, Err: awsapi.Plain(err)}
}
