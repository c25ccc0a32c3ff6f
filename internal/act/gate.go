package act

import (
	"context"
	"errors"
	"log/slog"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
)

// Intent is a write about to be made: what an operator reads in the log, or in a dry
// run instead of the write.
type Intent struct {
	Op     string // the AWS operation
	Region string
	ARN    string // of what the write is about; empty where there is no single thing
	What   string // in words, beginning with a verb
	// Routine writes are made in every cycle; they are logged at debug level.
	Routine bool
}

// Outcome is what came of a write.
type Outcome string

// The outcomes. Refused means that AWS said no and would say so again, Failed that the
// write may succeed another time.
const (
	Done      Outcome = "done"
	AlreadySo Outcome = "already so"
	DryRun    Outcome = "dry run"
	Refused   Outcome = "refused"
	Failed    Outcome = "failed"
)

// Counts tells whether a result counts the write as made: it was, it was not needed, or
// a dry run kept it from being made.
func (o Outcome) Counts() bool { return o == Done || o == AlreadySo || o == DryRun }

// errAlreadySo is what a write returns when it finds that there is nothing left to do.
var errAlreadySo = errors.New("already so")

// gate is the one door that all writes pass. Nothing else in this package calls an
// operation that changes anything, and nothing else knows of dry runs.
type gate struct {
	dryRun bool
	log    *slog.Logger
}

// do makes the write, unless this is a dry run or ctx has ended, and logs what came of
// it. The error is nil exactly if the outcome counts.
func (g gate) do(ctx context.Context, in Intent, write func(context.Context) error) (Outcome, error) {
	if err := ctx.Err(); err != nil {
		return Failed, err
	}
	if g.dryRun {
		g.log.Info("dry run, would write", in.attrs()...)
		return DryRun, nil
	}
	err := write(ctx)
	switch kind := awsapi.KindOf(err); {
	case err == nil:
		level := slog.LevelInfo
		if in.Routine {
			level = slog.LevelDebug
		}
		g.log.Log(ctx, level, "written", in.attrs()...)
		return Done, nil
	case errors.Is(err, errAlreadySo):
		g.log.Debug("nothing to write, already so", in.attrs()...)
		return AlreadySo, nil
	case kind == awsapi.Other || kind.Transient():
		g.log.Debug("write failed", append(in.attrs(), "err", awsapi.Line(err))...)
		return Failed, err
	default:
		g.log.Debug("write refused", append(in.attrs(), "err", awsapi.Line(err))...)
		return Refused, err
	}
}

// attrs are the fields of the log line.
func (in Intent) attrs() []any {
	attrs := []any{"op", in.Op, "region", in.Region}
	if in.ARN != "" {
		attrs = append(attrs, "arn", in.ARN)
	}
	return append(attrs, "what", in.What)
}
