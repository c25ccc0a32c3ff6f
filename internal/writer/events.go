package writer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

const opPutEvents = "PutEvents"

const (
	// parallelPuts bounds the PutEvents calls under way at once.
	parallelPuts = 8
	// entryRetries is how often entries that the bus could not accept are put again, and
	// entryBackoff the delay before the first retry; it doubles each time.
	entryRetries = 3
	entryBackoff = 500 * time.Millisecond
)

// retryableEntries are the codes of entries that the bus may accept another time
// (PutEventsResultEntry in the EventBridge API reference); all others are final.
var retryableEntries = []string{
	"InternalFailure", "InternalException", "InternalFailureException", "ThrottlingException", "ServiceUnavailable",
}

// Emit sends events to the default bus of the deployment region, as many in a call as it
// accepts. An event without a time gets the current one. Entries that the bus rejects for a
// temporary reason are put again, three times at most. The result has the events that were
// sent (in a dry run, would have been), in their order, and a problem for each of the others.
func (w *Writer) Emit(ctx context.Context, list []events.Event) (sent []events.Event, problems []model.Problem) {
	list = withTimes(list, w.Clock.Now().UTC())
	errs := make([]error, len(list))
	var indices []int
	var entries []events.Entry
	for i, event := range list {
		entry, err := event.Entry()
		if err == nil && entry.Size() > events.MaxBytes {
			err = &events.TooLargeError{Entry: entry, Limit: events.MaxBytes}
		}
		if err != nil {
			errs[i] = err
			continue
		}
		indices, entries = append(indices, i), append(entries, entry)
	}
	calls, _ := events.Batch(entries, events.MaxEntries, events.MaxBytes) // the too large ones are left out above
	var group errgroup.Group
	group.SetLimit(parallelPuts)
	for _, call := range calls {
		positions := indices[:len(call)]
		indices = indices[len(call):]
		group.Go(func() error {
			for i, err := range w.putEvents(ctx, call) {
				errs[positions[i]] = err
			}
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	for i, event := range list {
		if errs[i] == nil {
			sent = append(sent, event)
			continue
		}
		arn := ""
		if len(event.Resources) > 0 {
			arn = event.Resources[0]
		}
		problems = append(problems, Problem(w.DeploymentRegion, arn, opPutEvents, fmt.Errorf("send the event %s: %w", event.DetailType, errs[i])))
	}
	return sent, problems
}

// withTimes is a copy of the events in which each has a time.
func withTimes(list []events.Event, now time.Time) []events.Event {
	list = slices.Clone(list)
	for i := range list {
		if list[i].Time.IsZero() {
			list[i].Time = now
		}
	}
	return list
}

// putEvents puts the entries of one call, and returns an error or nil for each.
func (w *Writer) putEvents(ctx context.Context, call []events.Entry) []error {
	errs := make([]error, len(call))
	open := make([]int, len(call)) // positions of the entries not put yet
	for i := range call {
		open[i] = i
	}
	for try := 0; ; try++ {
		results, err := w.putOnce(ctx, call, open)
		var retry []int
		for i, position := range open {
			if errs[position] = err; err == nil && results != nil {
				var retryable bool
				if retryable, errs[position] = entryResult(results[i]); retryable {
					retry = append(retry, position)
				}
			}
		}
		if open = retry; len(open) == 0 || try == entryRetries || w.Clock.Sleep(ctx, entryBackoff<<try) != nil {
			return errs
		}
	}
}

// putOnce puts the open entries in one call, and returns the results in their order; nil in a
// dry run. The error is that of the whole call.
func (w *Writer) putOnce(ctx context.Context, call []events.Entry, open []int) (results []types.PutEventsResultEntry, err error) {
	in := &eventbridge.PutEventsInput{}
	names := make([]string, 0, len(open))
	intent := Intent{Op: opPutEvents, Region: w.DeploymentRegion}
	for _, i := range open {
		e := call[i]
		in.Entries = append(in.Entries, types.PutEventsRequestEntry{
			Source: aws.String(events.Source), DetailType: aws.String(string(e.DetailType)), Detail: aws.String(string(e.Detail)),
			Resources: e.Resources, Time: aws.Time(e.Time),
		})
		name := string(e.DetailType)
		if len(e.Resources) > 0 {
			name += " about " + e.Resources[0]
			intent.ARN = e.Resources[0]
		}
		names = append(names, name)
	}
	if len(open) > 1 {
		intent.ARN = ""
	}
	intent.What = "send " + strings.Join(names, ", ")
	_, err = w.Do(ctx, intent, func(ctx context.Context) error {
		out, err := w.Clients.EventBridge(w.DeploymentRegion).PutEvents(ctx, in)
		if err != nil {
			return err
		}
		if len(out.Entries) != len(open) {
			return fmt.Errorf("%d events were sent and %d answered", len(open), len(out.Entries))
		}
		results = out.Entries
		if out.FailedEntryCount > 0 {
			return errEntries
		}
		return nil
	})
	if errors.Is(err, errEntries) {
		err = nil // the results have the details
	}
	return results, err
}

// errEntries makes the gate log a call that was accepted, but not all of its entries.
var errEntries = errors.New("some of the events were not accepted")

// entryResult is the error of one entry, nil if it was put, and whether it is temporary.
func entryResult(e types.PutEventsResultEntry) (retryable bool, err error) {
	switch {
	case aws.ToString(e.ErrorCode) != "":
		return slices.Contains(retryableEntries, *e.ErrorCode), EntryError(e.ErrorCode, e.ErrorMessage)
	case aws.ToString(e.EventId) == "":
		return false, errors.New("the answer confirms nothing")
	}
	return false, nil
}

// EntryError is the error of one entry of a batch whose call succeeded.
func EntryError(code, message *string) error {
	if aws.ToString(code) == "" {
		return errors.New("refused without a reason")
	}
	return fmt.Errorf("%s: %s", aws.ToString(code), aws.ToString(message))
}
