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

const (
	opPutEvents = "PutEvents"
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

// pending is an entry on its way to the bus, and where its error goes.
type pending struct {
	events.Entry
	err *error
}

// Emit sends events to the default bus of the deployment region, as many in a call as it
// accepts. An event without a time gets the current one. Entries that the bus rejects for a
// temporary reason are put again, three times at most. The result has the events that were
// sent (in a dry run, would have been), in their order, and a problem for each of the others.
func (w *Writer) Emit(ctx context.Context, list []events.Event) (sent []events.Event, problems []model.Problem) {
	list = slices.Clone(list)
	errs := make([]error, len(list))
	var entries []pending
	for i := range list {
		if list[i].Time.IsZero() {
			list[i].Time = w.Clock.Now().UTC()
		}
		entry, err := list[i].Entry()
		if errs[i] = err; err == nil {
			entries = append(entries, pending{entry, &errs[i]})
		}
	}
	var group errgroup.Group
	group.SetLimit(parallelPuts)
	for _, call := range pack(entries, events.MaxEntries, events.MaxBytes, pending.Size) {
		group.Go(func() error {
			w.putEvents(ctx, call)
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

// pack cuts a list into calls of at most maxCount items and maxBytes bytes, in the order of the
// list. An item that is larger goes alone.
func pack[T any](items []T, maxCount, maxBytes int, size func(T) int) (calls [][]T) {
	bytes := 0 // of the last call
	for _, item := range items {
		last := len(calls) - 1
		if last < 0 || len(calls[last]) >= maxCount || bytes+size(item) > maxBytes {
			calls, bytes, last = append(calls, nil), 0, last+1
		}
		calls[last] = append(calls[last], item)
		bytes += size(item)
	}
	return calls
}

// putEvents puts the entries of one call, and some of them again.
func (w *Writer) putEvents(ctx context.Context, call []pending) {
	for try := 0; ; try++ {
		results, err := w.putOnce(ctx, call)
		var retry []pending
		for i, entry := range call {
			*entry.err = err
			if err == nil && results != nil {
				*entry.err = entryResult(results[i])
				if slices.Contains(retryableEntries, aws.ToString(results[i].ErrorCode)) {
					retry = append(retry, entry)
				}
			}
		}
		if call = retry; len(call) == 0 || try == entryRetries || w.Clock.Sleep(ctx, entryBackoff<<try) != nil {
			return
		}
	}
}

// putOnce puts entries in one call, and returns the results in their order; nil in a dry run. The
// error is that of the whole call.
func (w *Writer) putOnce(ctx context.Context, call []pending) (results []types.PutEventsResultEntry, err error) {
	in := &eventbridge.PutEventsInput{}
	names := make([]string, 0, len(call))
	intent := Intent{Op: opPutEvents, Region: w.DeploymentRegion}
	for _, e := range call {
		in.Entries = append(in.Entries, types.PutEventsRequestEntry{
			Source: aws.String(events.Source), DetailType: aws.String(string(e.DetailType)), Detail: aws.String(string(e.Detail)),
			Resources: e.Resources, Time: aws.Time(e.Time),
		})
		names = append(names, e.Name())
		if len(call) == 1 && len(e.Resources) > 0 {
			intent.ARN = e.Resources[0]
		}
	}
	intent.What = "send " + strings.Join(names, ", ")
	_, err = w.Do(ctx, intent, func(ctx context.Context) error {
		out, err := w.Clients.EventBridge(w.DeploymentRegion).PutEvents(ctx, in)
		if err != nil {
			return err
		}
		if len(out.Entries) != len(call) {
			return fmt.Errorf("%d events were sent and %d answered", len(call), len(out.Entries))
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

// entryResult is the error of one entry, nil if it was put.
func entryResult(e types.PutEventsResultEntry) error {
	switch {
	case aws.ToString(e.ErrorCode) != "":
		return EntryError(e.ErrorCode, e.ErrorMessage)
	case aws.ToString(e.EventId) == "":
		return errors.New("the answer confirms nothing")
	}
	return nil
}

// EntryError is the error of one entry of a batch whose call succeeded.
func EntryError(code, message *string) error {
	if aws.ToString(code) == "" {
		return errors.New("refused without a reason")
	}
	return fmt.Errorf("%s: %s", aws.ToString(code), aws.ToString(message))
}
