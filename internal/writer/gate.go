package writer

import (
	"context"
	"errors"
	"log/slog"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
)

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
func Removal[In, Out, Options any](operation func(context.Context, *In, ...func(*Options)) (*Out, error), in *In) func(context.Context) error {
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
