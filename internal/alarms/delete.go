package alarms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

const opDeleteAlarms = "DeleteAlarms"

const (
	// ParallelTags bounds the reads of tags under way at once in a region.
	ParallelTags = 8
	// deletionReserve is how long before the end of the time the reading of tags stops, so
	// that the call that deletes the alarms read so far can still begin.
	deletionReserve = 2 * time.Second
)

// DeletionResult is the result for one alarm. The zero value is a success.
type DeletionResult struct {
	Outcome writer.Outcome // of the call; AlreadySo if the alarm was gone before
	Keep    string         // why it stays because of its tags
	Denied  bool           // not tried, as calls before it were denied
	Late    bool           // there was no time left
	Err     error
}

// Deletion deletes alarms of a region whose tags permit it.
type Deletion struct {
	Writer *writer.Writer
	Region string
	Until  time.Time // no call begins from then on; zero: no limit
	// Reads and Deletes stop calls that are denied three times in a row.
	Reads, Deletes *writer.Breaker
	// Tags returns tags that are known without a call; ok is false for others.
	Tags func(arn string) (tags writer.Tags, ok bool)
	// Keep says why an alarm stays; empty if it may be deleted.
	Keep func(change Change, tags writer.Tags) string
	// Done is called once for each alarm; the tags are nil if they were not read.
	Done func(change Change, tags writer.Tags, result DeletionResult)
}

// tagged is an alarm that is to be deleted, with its tags.
type tagged struct {
	Change
	tags   writer.Tags
	cached bool // the tags were known without a call
	err    error
}

// Run deletes alarms, a hundred in one call. What was read is deleted even if time runs out.
func (d Deletion) Run(ctx context.Context, changes []Change) {
	for batch := range slices.Chunk(changes, awsapi.MaxAlarmNames) {
		d.delete(ctx, d.permitted(ctx, batch))
	}
}

// permitted are the alarms that may be deleted; the others are done. Tags are read a few at a
// time, to stop early if that is denied.
func (d Deletion) permitted(ctx context.Context, changes []Change) (permitted []tagged) {
	lastRead := d.Until
	if !lastRead.IsZero() {
		lastRead = lastRead.Add(-deletionReserve)
	}
	for few := range slices.Chunk(changes, ParallelTags) {
		alarms := make([]tagged, len(few))
		denied := d.Reads.Open()
		var group sync.WaitGroup
		for i, change := range few {
			alarms[i].Change = change
			if !denied {
				group.Go(func() { d.readTags(ctx, &alarms[i], lastRead) })
			}
		}
		group.Wait()
		if denied {
			d.Reads.Skip(len(few))
			d.doneAll(alarms, DeletionResult{Denied: true})
			continue
		}
		for _, a := range alarms {
			if d.check(ctx, a) {
				permitted = append(permitted, a)
			}
		}
	}
	return permitted
}

// ErrNoARN is the error of an alarm that CloudWatch lists without its ARN.
var ErrNoARN = errors.New("the listing has no ARN for it")

// errLate is the error of tags that were not read for lack of time.
var errLate = errors.New("no time was left")

func (d Deletion) readTags(ctx context.Context, a *tagged, lastRead time.Time) {
	if a.ARN == "" {
		a.err = ErrNoARN
		return
	}
	if a.tags, a.cached = d.Tags(a.ARN); a.cached {
		return
	}
	if d.Writer.OutOfTime(ctx, lastRead) {
		a.err = errLate
		return
	}
	a.tags, a.err = d.Writer.ReadTags(ctx, d.Region, a.ARN)
}

// check reports whether an alarm may be deleted; if not, it is done.
func (d Deletion) check(ctx context.Context, a tagged) bool {
	result := DeletionResult{Err: a.err}
	switch {
	case errors.Is(a.err, errLate), a.err != nil && ctx.Err() != nil:
		result = DeletionResult{Late: true}
	case awsapi.KindOf(a.err) == awsapi.NotFound:
		result = DeletionResult{Outcome: writer.AlreadySo}
	case a.err != nil:
		d.Reads.Fail(about(a.Change), fmt.Errorf("read the tags of alarm %s: %w", a.Name, a.err))
	default:
		if !a.cached {
			d.Reads.Succeed()
		}
		if result.Keep = d.Keep(a.Change, a.tags); result.Keep == "" {
			return true
		}
	}
	d.Done(a.Change, a.tags, result)
	return false
}

// about is the ARN in messages about a deletion.
func about(c Change) string {
	if c.Resource != (model.ARN{}) {
		return c.Resource.String()
	}
	return c.ARN
}

func (d Deletion) doneAll(alarms []tagged, result DeletionResult) {
	for _, a := range alarms {
		d.Done(a.Change, a.tags, result)
	}
}

// delete deletes up to a hundred alarms in one call. CloudWatch ignores names that do not exist
// any more. If it rejects the call, as for an alarm that a person's composite alarm depends on,
// the call is repeated in halves, so that only that alarm remains.
func (d Deletion) delete(ctx context.Context, alarms []tagged) {
	switch {
	case len(alarms) == 0:
		return
	case d.Deletes.Open():
		d.Deletes.Skip(len(alarms))
		d.doneAll(alarms, DeletionResult{Denied: true})
		return
	case d.Writer.OutOfTime(ctx, d.Until):
		d.doneAll(alarms, DeletionResult{Late: true})
		return
	}
	names := make([]string, 0, len(alarms))
	for _, a := range alarms {
		names = append(names, a.Name)
	}
	what, reason := fmt.Sprintf("delete %d alarms (%s …)", len(names), names[0]), ""
	intent := writer.Intent{Op: opDeleteAlarms, Region: d.Region}
	if len(names) == 1 {
		what, intent.ARN = "delete alarm "+names[0], about(alarms[0].Change)
		if alarms[0].Reason != "" {
			reason = ": " + alarms[0].Reason
		}
	}
	intent.What = what + reason
	outcome, err := d.Writer.Do(ctx, intent, func(ctx context.Context) error {
		_, err := d.Writer.Clients.CloudWatch(d.Region).DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: names})
		return err
	})
	switch {
	case err == nil:
		d.Deletes.Succeed()
		d.doneAll(alarms, DeletionResult{Outcome: outcome})
	case ctx.Err() != nil:
		d.doneAll(alarms, DeletionResult{Late: true})
	case awsapi.KindOf(err) == awsapi.Invalid && len(alarms) > 1:
		d.delete(ctx, alarms[:len(alarms)/2])
		d.delete(ctx, alarms[len(alarms)/2:])
	default:
		d.Deletes.Fail(intent.ARN, fmt.Errorf("%s: %w", what, err))
		d.doneAll(alarms, DeletionResult{Err: err})
	}
}
