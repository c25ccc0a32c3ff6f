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

const (
	opDeleteAlarms = "DeleteAlarms"
	// ParallelTags bounds the reads of tags under way at once in a region.
	ParallelTags = 8
	// deletionReserve is how long before the end of the time the reading of tags stops, so
	// that the call that deletes the alarms read so far can still begin.
	deletionReserve = 2 * time.Second
)

// Deletion deletes alarms of a region whose tags permit it.
type Deletion struct {
	Writer *writer.Writer
	Region string
	Until  time.Time                   // no call begins from then on; zero: no limit
	Known  *writer.Memory[writer.Tags] // tags that are not read again, by ARN
	// Keep says why an alarm stays; empty if it may be deleted.
	Keep func(change Change, tags writer.Tags) string
}

// DeletionResult is the result for one alarm. Without Keep and Err it is a success.
type DeletionResult struct {
	Change
	Tags    writer.Tags // nil if they were not read
	Cached  bool        // the tags were known without a call
	Outcome writer.Outcome
	Keep    string // why it stays because of its tags
	Late    bool   // there was no time left, as Err says
	Err     error
}

// The errors of alarms that were not tried, as calls before were denied, or for lack of time.
var (
	errReadsDenied   = errors.New("its tags may not be read")
	errDeletesDenied = errors.New("deleting alarms is denied")
	errUnread        = errors.New("ended before its tags were read")
	errNotDeleted    = errors.New("ended before it was removed") // or after, if the answer did not arrive
)

// deletion is a Deletion in progress. Its breakers stop calls that are denied three times in a row.
type deletion struct {
	Deletion
	reads, deletes *writer.Breaker
}

// Run deletes alarms, a hundred in one call. What was read is deleted even if time runs out. The
// results are in the order of the changes.
func (in Deletion) Run(ctx context.Context, changes []Change) ([]DeletionResult, []model.Problem) {
	d := deletion{in, writer.NewBreaker(in.Region, writer.OpListTags), writer.NewBreaker(in.Region, opDeleteAlarms)}
	results := make([]DeletionResult, len(changes))
	for i, change := range changes {
		results[i].Change = change
	}
	for batch := range slices.Chunk(results, awsapi.MaxAlarmNames) {
		var permitted []*DeletionResult
		for few := range slices.Chunk(batch, ParallelTags) {
			permitted = append(permitted, d.permitted(ctx, few)...)
		}
		d.delete(ctx, permitted)
	}
	return results, slices.Concat(d.reads.Problems(), d.deletes.Problems())
}

// permitted are those of a few alarms that may be deleted. Their tags are read at the same time; no
// more are once that is denied.
func (d deletion) permitted(ctx context.Context, few []DeletionResult) (permitted []*DeletionResult) {
	if d.reads.Open() {
		d.reads.Skip(len(few))
		for i := range few {
			few[i].Err = errReadsDenied
		}
		return nil
	}
	var group sync.WaitGroup
	for i := range few {
		group.Go(func() { d.readTags(ctx, &few[i]) })
	}
	group.Wait()
	for i := range few {
		a := &few[i]
		switch {
		case errors.Is(a.Err, errUnread), a.Err != nil && ctx.Err() != nil:
			a.Late, a.Err = true, errUnread
		case awsapi.KindOf(a.Err) == awsapi.NotFound:
			a.Outcome, a.Err = writer.AlreadySo, nil
		case a.Err != nil:
			d.reads.Fail(a.about(), fmt.Errorf("read the tags of alarm %s: %w", a.Name, a.Err))
		default:
			if !a.Cached {
				d.reads.Succeed()
			}
			if a.Keep = d.Keep(a.Change, a.Tags); a.Keep == "" {
				permitted = append(permitted, a)
			}
		}
	}
	return permitted
}

// ErrNoARN is the error of an alarm that CloudWatch lists without its ARN.
var ErrNoARN = errors.New("the listing has no ARN for it")

func (d deletion) readTags(ctx context.Context, a *DeletionResult) {
	lastRead := d.Until
	if !lastRead.IsZero() {
		lastRead = lastRead.Add(-deletionReserve)
	}
	if a.ARN == "" {
		a.Err = ErrNoARN
		return
	}
	switch a.Tags, a.Cached = d.Known.Get(a.ARN); {
	case a.Cached:
	case d.Writer.OutOfTime(ctx, lastRead):
		a.Err = errUnread
	default:
		a.Tags, a.Err = d.Writer.ReadTags(ctx, d.Region, a.ARN)
	}
}

// about is the ARN in messages about a deletion.
func (c Change) about() string {
	if c.Resource != (model.ARN{}) {
		return c.Resource.String()
	}
	return c.ARN
}

// delete deletes up to a hundred alarms in one call. CloudWatch ignores names that do not exist
// any more. If it rejects the call, as for an alarm that a person's composite alarm depends on,
// the call is repeated in halves, so that only that alarm remains.
func (d deletion) delete(ctx context.Context, alarms []*DeletionResult) {
	set := func(outcome writer.Outcome, err error) {
		for _, a := range alarms {
			a.Outcome, a.Late, a.Err = outcome, errors.Is(err, errNotDeleted), err
		}
	}
	switch {
	case len(alarms) == 0:
		return
	case d.deletes.Open():
		d.deletes.Skip(len(alarms))
		set("", errDeletesDenied)
		return
	case d.Writer.OutOfTime(ctx, d.Until):
		set("", errNotDeleted)
		return
	}
	in, first := &cloudwatch.DeleteAlarmsInput{}, alarms[0]
	for _, a := range alarms {
		in.AlarmNames = append(in.AlarmNames, a.Name)
	}
	what, reason := fmt.Sprintf("delete %d alarms (%s …)", len(alarms), first.Name), ""
	intent := writer.Intent{Op: opDeleteAlarms, Region: d.Region}
	if len(alarms) == 1 {
		what, intent.ARN = "delete alarm "+first.Name, first.about()
		if first.Reason != "" {
			reason = ": " + first.Reason
		}
	}
	intent.What = what + reason
	outcome, err := d.Writer.Do(ctx, intent, writer.Call(d.Writer.Clients.CloudWatch(d.Region).DeleteAlarms, in))
	switch {
	case err == nil:
		d.deletes.Succeed()
		set(outcome, nil)
	case ctx.Err() != nil:
		set("", errNotDeleted)
	case awsapi.KindOf(err) == awsapi.Invalid && len(alarms) > 1:
		d.delete(ctx, alarms[:len(alarms)/2])
		d.delete(ctx, alarms[len(alarms)/2:])
	default:
		d.deletes.Fail(intent.ARN, fmt.Errorf("%s: %w", what, err))
		set("", err)
	}
}
