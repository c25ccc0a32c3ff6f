package logs

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

// Bounds of PutLogEvents (API reference). An event may have 1 MB, so only the bound of the
// batch counts.
const (
	maxBatch      = 10_000
	maxBatchBytes = 1_048_576
	eventOverhead = 26 // bytes that an event counts for in addition to its message
	maxFuture     = 2 * time.Hour
	maxAge        = 14 * 24 * time.Hour
	maxSpan       = 24 * time.Hour // from the first to the last event of a batch
)

type putInput struct {
	Group  string       `json:"logGroupName"`
	Stream string       `json:"logStreamName"`
	Events []inputEvent `json:"logEvents"`
	Token  *string      `json:"sequenceToken"` // AWS ignores it
}

type inputEvent struct {
	Timestamp *int64  `json:"timestamp"`
	Message   *string `json:"message"`
}

type putOutput struct {
	Token    string      `json:"nextSequenceToken"`
	Rejected *rejections `json:"rejectedLogEventsInfo,omitempty"`
}

// rejections is which events of a batch were rejected while the others were stored.
type rejections struct {
	TooNewFrom *int32 `json:"tooNewLogEventStartIndex,omitempty"`
	TooOldTo   *int32 `json:"tooOldLogEventEndIndex,omitempty"`
}

func (s *Service) putLogEvents(c *api.Call, in *putInput) (out putOutput, err error) {
	if err := cmp.Or(checkBatch(in.Events), checkStreamName("logStreamName", in.Stream)); err != nil {
		return out, err
	}
	g, err := s.find(c, "logGroupName", in.Group)
	switch {
	case err != nil:
		return out, err
	case !g.streams[in.Stream]:
		return out, api.Refuse(codeNotFound, "The specified log stream does not exist.")
	}
	from, to := acceptedRange(in.Events, c.Now)
	if from < to && *in.Events[to-1].Timestamp-*in.Events[from].Timestamp > maxSpan.Milliseconds() {
		return out, api.Refuse(codeParameter, "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	for _, e := range in.Events[from:to] {
		s.store(c, g, in.Stream, e)
	}
	out.Token = fmt.Sprintf("%056d", s.count)
	if from > 0 || to < len(in.Events) {
		out.Rejected = &rejections{}
		if from > 0 {
			out.Rejected.TooOldTo = new(int32(from)) //nolint:gosec // at most 10,000
		}
		if to < len(in.Events) {
			out.Rejected.TooNewFrom = new(int32(to)) //nolint:gosec // at most 10,000
		}
	}
	return out, nil
}

// checkBatch refuses a batch that is refused as a whole, at any time.
func checkBatch(events []inputEvent) error {
	if n := len(events); n < 1 || n > maxBatch {
		return constraint("logEvents", fmt.Sprintf("%d events", n), fmt.Sprintf("have length from 1 to %d", maxBatch))
	}
	size := 0
	for i, e := range events {
		member := fmt.Sprintf("logEvents.%d.member.", i+1)
		switch {
		case e.Timestamp == nil || *e.Timestamp < 0:
			return constraint(member+"timestamp", strconv.FormatInt(api.Value(e.Timestamp), 10), "not be null and be greater than or equal to 0")
		case api.Value(e.Message) == "":
			return constraint(member+"message", "", "have length greater than or equal to 1")
		case i > 0 && *e.Timestamp < *events[i-1].Timestamp:
			return api.Refuse(codeParameter, "Log events in a single PutLogEvents request must be in chronological order.")
		}
		size += len(strings.ToValidUTF8(*e.Message, string(utf8.RuneError))) + eventOverhead
	}
	if size > maxBatchBytes {
		return api.Refuse(codeParameter, "Upload too large: %d bytes exceeds limit of %d", size, maxBatchBytes)
	}
	return nil
}

// acceptedRange returns which events of an ordered batch are neither too old nor too new.
func acceptedRange(events []inputEvent, now time.Time) (from, to int) {
	oldest, newest := now.Add(-maxAge).UnixMilli(), now.Add(maxFuture).UnixMilli()
	from = slices.IndexFunc(events, func(e inputEvent) bool { return *e.Timestamp >= oldest })
	if from < 0 {
		return len(events), len(events)
	}
	to = slices.IndexFunc(events, func(e inputEvent) bool { return *e.Timestamp > newest })
	if to < 0 {
		to = len(events)
	}
	return from, max(from, to)
}

func (s *Service) store(c *api.Call, g *group, stream string, in inputEvent) {
	s.count++
	ingested := c.Now.UnixMilli()
	e := &event{
		id: fmt.Sprintf("%056d", s.count), stream: stream, message: *in.Message, timestamp: *in.Timestamp, ingested: ingested,
		key: fmt.Sprintf("%020d/%020d/%020d", *in.Timestamp, ingested, s.count),
	}
	if n := len(g.events); n > 0 && g.events[n-1].key > e.key {
		g.unsorted = true
	}
	g.events = append(g.events, e)
}
