package localaws

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of PutLogEvents (its page in the API reference). An event may have 1 MB, so the
// bound on the batch is the one that counts.
const (
	maxLogBatch      = 10_000
	maxLogBatchBytes = 1_048_576
	logEventOverhead = 26 // bytes that an event counts for beside its message
	maxLogFuture     = 2 * time.Hour
	maxLogAge        = 14 * 24 * time.Hour
	maxLogSpan       = 24 * time.Hour // from the first to the last event of a batch
)

type logInput struct {
	Timestamp *int64  `json:"timestamp"`
	Message   *string `json:"message"`
}

// logRejects tells which events of a batch were not taken, the others being so.
type logRejects struct {
	TooNewFrom *int32 `json:"tooNewLogEventStartIndex,omitempty"`
	TooOldTo   *int32 `json:"tooOldLogEventEndIndex,omitempty"`
}

func (s *Server) putLogEvents(c *call) (any, error) {
	var in struct {
		Group  *string    `json:"logGroupName"`
		Stream *string    `json:"logStreamName"`
		Events []logInput `json:"logEvents"`
		Token  *string    `json:"sequenceToken"` // no longer looked at
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := checkLogBatch(in.Events); err != nil {
		return nil, err
	}
	if err := checkLogStreamName("logStreamName", in.Stream); err != nil {
		return nil, err
	}
	group, err := s.findLogGroup(c, "logGroupName", in.Group)
	switch {
	case err != nil:
		return nil, err
	case !group.streams[*in.Stream]:
		return nil, refuse(codeNotFound, "The specified log stream does not exist.")
	}
	from, to := taken(in.Events, c.now)
	if from < to && *in.Events[to-1].Timestamp-*in.Events[from].Timestamp > maxLogSpan.Milliseconds() {
		return nil, refuse(codeLogsParameter, "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	for _, e := range in.Events[from:to] {
		s.takeLogEvent(c, group, *in.Stream, e)
	}
	out := struct {
		Token    string      `json:"nextSequenceToken"`
		Rejected *logRejects `json:"rejectedLogEventsInfo,omitempty"`
	}{Token: fmt.Sprintf("%056d", s.logs.count)}
	if from > 0 || to < len(in.Events) {
		out.Rejected = &logRejects{}
		if from > 0 {
			out.Rejected.TooOldTo = ptr(int32(from)) //nolint:gosec // at most 10,000
		}
		if to < len(in.Events) {
			out.Rejected.TooNewFrom = ptr(int32(to)) //nolint:gosec // at most 10,000
		}
	}
	return out, nil
}

// checkLogBatch refuses a batch that is refused as a whole, whenever it comes.
func checkLogBatch(events []logInput) error {
	if n := len(events); n < 1 || n > maxLogBatch {
		return refuse(codeLogsParameter, "1 validation error detected: %d events at 'logEvents' failed to satisfy constraint: Member must have length from 1 to %d", n, maxLogBatch)
	}
	size := 0
	for i, e := range events {
		member := fmt.Sprintf("logEvents.%d.member.", i+1)
		switch {
		case e.Timestamp == nil || *e.Timestamp < 0:
			return logConstraint(member+"timestamp", strconv.FormatInt(value(e.Timestamp), 10), "not be null and be greater than or equal to 0")
		case value(e.Message) == "":
			return logConstraint(member+"message", "", "have length greater than or equal to 1")
		case i > 0 && *e.Timestamp < *events[i-1].Timestamp:
			return refuse(codeLogsParameter, "Log events in a single PutLogEvents request must be in chronological order.")
		}
		size += len(strings.ToValidUTF8(*e.Message, string(utf8.RuneError))) + logEventOverhead
	}
	if size > maxLogBatchBytes {
		return refuse(codeLogsParameter, "Upload too large: %d bytes exceeds limit of %d", size, maxLogBatchBytes)
	}
	return nil
}

// taken tells which events of an ordered batch are neither too old nor too new.
func taken(events []logInput, now time.Time) (from, to int) {
	oldest, newest := now.Add(-maxLogAge).UnixMilli(), now.Add(maxLogFuture).UnixMilli()
	from = slices.IndexFunc(events, func(e logInput) bool { return *e.Timestamp >= oldest })
	if from < 0 {
		return len(events), len(events)
	}
	to = slices.IndexFunc(events, func(e logInput) bool { return *e.Timestamp > newest })
	if to < 0 {
		to = len(events)
	}
	return from, max(from, to)
}

func (s *Server) takeLogEvent(c *call, group *logGroup, stream string, e logInput) {
	s.logs.count++
	event := &logEvent{
		id: fmt.Sprintf("%056d", s.logs.count), stream: stream, message: *e.Message, timestamp: *e.Timestamp, ingested: c.now.UnixMilli(),
	}
	event.key = fmt.Sprintf("%020d/%020d/%020d", event.timestamp, event.ingested, s.logs.count)
	if n := len(group.events); n > 0 && group.events[n-1].key > event.key {
		group.unsorted = true
	}
	group.events = append(group.events, event)
}
