package act

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
	// entryRetries is how often entries that the bus could not take are put again, and
	// entryBackoff how long is waited before the first time; it doubles each time.
	entryRetries = 3
	entryBackoff = 500 * time.Millisecond
)

// retryableEntries are the codes of entries that the bus may take another time
// (PutEventsResultEntry in the EventBridge API reference); all others are final.
var retryableEntries = map[string]bool{
	"InternalFailure":          true,
	"InternalException":        true,
	"InternalFailureException": true,
	"ThrottlingException":      true,
	"ServiceUnavailable":       true,
}

// eventsAPI is what is asked of EventBridge to put events.
type eventsAPI interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// Emit puts events on the default bus of the deployment region, as many in a call as it
// takes. An event without a time gets the clock's. Entries that the bus refuses for a
// reason that may pass are put again, three times at most. The result has the events
// that were put (in a dry run, would have been), in their order, and a problem for each
// of the others.
func (a *Actor) Emit(ctx context.Context, list []events.Event) (sent []events.Event, problems []model.Problem) {
	list = stamped(list, a.clock.Now().UTC())
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
	calls, _ := events.Batch(entries, events.MaxEntries, events.MaxBytes) // the too large ones are gone
	api := a.clients.EventBridge(a.home)
	var group errgroup.Group
	group.SetLimit(parallelPuts)
	for _, call := range calls {
		mine := indices[:len(call)]
		indices = indices[len(call):]
		group.Go(func() error {
			for i, err := range a.putEvents(ctx, api, call) {
				errs[mine[i]] = err
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
		problems = append(problems, problem(a.home, arn, opPutEvents, fmt.Errorf("send the event %s: %w", event.DetailType, errs[i])))
	}
	return sent, problems
}

// stamped is a copy of the events in which each has a time.
func stamped(list []events.Event, now time.Time) []events.Event {
	list = slices.Clone(list)
	for i := range list {
		if list[i].Time.IsZero() {
			list[i].Time = now
		}
	}
	return list
}

// putEvents puts the entries of one call and tells what became of each.
func (a *Actor) putEvents(ctx context.Context, api eventsAPI, call []events.Entry) []error {
	errs := make([]error, len(call))
	open := make([]int, len(call)) // positions of the entries not put yet
	for i := range call {
		open[i] = i
	}
	for try := 0; len(open) > 0; try++ {
		failed, err := a.putOnce(ctx, api, call, open)
		if err != nil {
			for _, i := range open {
				errs[i] = err
			}
			return errs
		}
		open = open[:0:0]
		for i, failure := range failed {
			if errs[i] = failure.err; failure.err != nil && failure.retryable {
				open = append(open, i)
			}
		}
		slices.Sort(open)
		if len(open) == 0 || try == entryRetries || a.clock.Sleep(ctx, entryBackoff<<try) != nil {
			return errs
		}
	}
	return errs
}

// entryFailure is why one entry was not put; its zero value is an entry that was.
type entryFailure struct {
	err       error
	retryable bool
}

// putOnce puts the open entries in one call. The result tells by position what the bus
// said of each; the error is the whole call's.
func (a *Actor) putOnce(ctx context.Context, api eventsAPI, call []events.Entry, open []int) (map[int]entryFailure, error) {
	in := &eventbridge.PutEventsInput{}
	for _, i := range open {
		in.Entries = append(in.Entries, toEntry(call[i]))
	}
	failed := make(map[int]entryFailure, len(open))
	intent := Intent{Op: opPutEvents, Region: a.home, What: describeEntries(call, open)}
	if len(open) == 1 && len(call[open[0]].Resources) > 0 {
		intent.ARN = call[open[0]].Resources[0]
	}
	_, err := a.gate.do(ctx, intent, func(ctx context.Context) error {
		out, err := api.PutEvents(ctx, in)
		if err != nil {
			return err
		}
		if len(out.Entries) != len(open) {
			return fmt.Errorf("%d events were sent and %d answered", len(open), len(out.Entries))
		}
		for position, i := range open {
			failed[i] = failureOf(out.Entries[position])
		}
		if out.FailedEntryCount > 0 {
			return errEntries
		}
		return nil
	})
	if errors.Is(err, errEntries) {
		err = nil // failed has it in detail
	}
	return failed, err
}

// errEntries makes the gate tell of a call that was accepted, but not all of its entries.
var errEntries = errors.New("some of the events were not accepted")

// describeEntries names the events of a call, for people: what is sent about which resource.
func describeEntries(call []events.Entry, open []int) string {
	names := make([]string, 0, len(open))
	for _, i := range open {
		name := string(call[i].DetailType)
		if len(call[i].Resources) > 0 {
			name += " about " + call[i].Resources[0]
		}
		names = append(names, name)
	}
	return "send " + strings.Join(names, ", ")
}

func failureOf(e types.PutEventsResultEntry) entryFailure {
	switch {
	case aws.ToString(e.ErrorCode) != "":
		return entryFailure{err: entryError(e.ErrorCode, e.ErrorMessage), retryable: retryableEntries[*e.ErrorCode]}
	case aws.ToString(e.EventId) == "":
		return entryFailure{err: errors.New("the answer confirms nothing")}
	}
	return entryFailure{}
}

func toEntry(e events.Entry) types.PutEventsRequestEntry {
	return types.PutEventsRequestEntry{
		Source: aws.String(events.Source), DetailType: aws.String(string(e.DetailType)), Detail: aws.String(string(e.Detail)),
		Resources: e.Resources, Time: aws.Time(e.Time),
	}
}
