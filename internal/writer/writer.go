// Package writer is the way to AWS for everything that changes something there. Each write
// passes the gate, the only place where a dry run differs. The package also holds what the
// packages that write share: ownership tags, the circuit breaker for denied calls,
// deduplicated logging, the owner of the credentials and the budget of stops and deletes.
package writer

import (
	"cmp"
	"context"
	"errors"
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

// Intent describes a write before it is made: what an operator reads in the log, or in a dry
// run instead of the write.
type Intent struct {
	Op     string // the AWS operation
	Region string
	ARN    string // of the resource concerned; empty if there is no single one
	What   string // in words, beginning with a verb
	// Routine writes are made in every cycle; they are logged at debug level.
	Routine bool
}

// Outcome is the outcome of a write.
type Outcome string

// The outcomes. Refused means that AWS would refuse the same write again, Failed that it may
// succeed another time.
const (
	Done      Outcome = "done"
	AlreadySo Outcome = "already so"
	DryRun    Outcome = "dry run"
	Refused   Outcome = "refused"
	Failed    Outcome = "failed"
)

// Counts reports whether a result counts the write as made: it was made, it was not needed,
// or a dry run kept it from being made.
func (o Outcome) Counts() bool { return o == Done || o == AlreadySo || o == DryRun }

// ErrAlreadySo is returned by a write that finds nothing left to do.
var ErrAlreadySo = errors.New("already so")

// AlreadyGone turns the error of a removal into ErrAlreadySo if there was nothing to remove.
func AlreadyGone(err error) error {
	if awsapi.KindOf(err) == awsapi.NotFound {
		return ErrAlreadySo
	}
	return err
}

// Call is the write of one operation, for Do.
func Call[In, Out, Options any](operation func(context.Context, *In, ...func(*Options)) (*Out, error), in *In) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := operation(ctx, in)
		return err
	}
}

// Removal is Call for an operation that removes something, which may be gone already.
func Removal[In, Out, Options any](
	operation func(context.Context, *In, ...func(*Options)) (*Out, error), in *In,
) func(context.Context) error {
	call := Call(operation, in)
	return func(ctx context.Context) error { return AlreadyGone(call(ctx)) }
}

// Do makes the write, unless this is a dry run or ctx has ended, and logs the outcome. The
// error is nil exactly if the outcome counts. Nothing else in the program calls an operation
// that changes something.
func (w *Writer) Do(ctx context.Context, in Intent, write func(context.Context) error) (Outcome, error) {
	if err := ctx.Err(); err != nil {
		return Failed, err
	}
	if w.DryRun {
		w.Logger.Info("dry run, would write", in.Attrs()...)
		return DryRun, nil
	}
	err := write(ctx)
	switch kind := awsapi.KindOf(err); {
	case err == nil:
		level := slog.LevelInfo
		if in.Routine {
			level = slog.LevelDebug
		}
		w.Logger.Log(ctx, level, "written", in.Attrs()...)
		return Done, nil
	case errors.Is(err, ErrAlreadySo):
		w.Logger.Debug("nothing to write, already so", in.Attrs()...)
		return AlreadySo, nil
	case kind == awsapi.Other || kind.Transient():
		w.Logger.Debug("write failed", append(in.Attrs(), "err", awsapi.Line(err))...)
		return Failed, err
	}
	w.Logger.Debug("write refused", append(in.Attrs(), "err", awsapi.Line(err))...)
	return Refused, err
}

// Attrs are the fields of a log line about the write.
func (in Intent) Attrs() []any {
	attrs := []any{"op", in.Op, "region", in.Region}
	if in.ARN != "" {
		attrs = append(attrs, "arn", in.ARN)
	}
	return append(attrs, "what", in.What)
}

// threshold is how many failures in a row open a circuit breaker.
const threshold = 3

// Breaker is the circuit breaker for one kind of call in one region. Denials and lost
// connections in a row open it: a missing permission, or an endpoint that is down, is
// reported once, not once per resource.
type Breaker struct {
	region, op string
	failures   []model.Problem // each reported on its own
	inARow     []model.Problem // denials and lost connections since the last success
	skipped    int
}

// NewBreaker makes a closed breaker.
func NewBreaker(region, op string) *Breaker { return &Breaker{region: region, op: op} }

// Open reports whether another call would be in vain.
func (b *Breaker) Open() bool { return len(b.inARow) >= threshold }

// Skip counts calls that are not made because the breaker is open.
func (b *Breaker) Skip(n int) { b.skipped += n }

// Succeed records a call that succeeded.
func (b *Breaker) Succeed() {
	b.failures = append(b.failures, b.inARow...)
	b.inARow = nil
}

// Fail records a call that failed, with the resource it was about.
func (b *Breaker) Fail(arn string, err error) {
	p := Problem(b.region, arn, b.op, err)
	if kind := awsapi.KindOf(err); kind == awsapi.Denied || kind == awsapi.Unreachable {
		b.inARow = append(b.inARow, p)
		return
	}
	b.failures = append(b.failures, p)
}

// Problems are the failures; those that opened the breaker are one problem.
func (b *Breaker) Problems() []model.Problem {
	if !b.Open() {
		return append(b.failures, b.inARow...)
	}
	err := fmt.Errorf("failed %d times in a row, %d more not tried: %w", len(b.inARow), b.skipped, b.inARow[0].Err)
	return append(b.failures, Problem(b.region, "", b.op, err))
}
