package logs

import (
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
	maxBatchBytes = 1_048_576
	eventOverhead = 26 // bytes that an event counts for in addition to its message
	maxFuture     = 2 * time.Hour
	maxAge        = 14 * 24 * time.Hour
	maxSpan       = 24 * time.Hour // from the first to the last event of a batch
)

type putInput struct {
	Group  string       `json:"logGroupName" check:"required group"`
	Stream string       `json:"logStreamName" check:"required stream"`
	Events []inputEvent `json:"logEvents" check:"1..10000"`
	Token  *string      `json:"sequenceToken"` // AWS ignores it
}

type inputEvent struct {
	Timestamp *int64 `json:"timestamp" check:"required"`
	Message   string `json:"message" check:"required"`
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

func (s *Service) putLogEvents(c *api.Call, in *putInput) (any, error) {
	if err := checkBatch(in.Events); err != nil {
		return nil, err
	}
	g, err := s.find(c, in.Group)
	switch {
	case err != nil:
		return nil, err
	case !g.streams[in.Stream]:
		return nil, api.Refuse(codeNotFound, "The specified log stream does not exist.")
	}
	from, to := acceptedRange(in.Events, c.Now)
	if from < to && *in.Events[to-1].Timestamp-*in.Events[from].Timestamp > maxSpan.Milliseconds() {
		return nil, api.Refuse(codeParameter, "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	for _, e := range in.Events[from:to] {
		s.store(c, g, in.Stream, e)
	}
	out := putOutput{Token: fmt.Sprintf("%056d", s.count)}
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
	size := 0
	for i, e := range events {
		switch {
		case *e.Timestamp < 0:
			return api.Constraint(codeParameter, "timestamp", strconv.FormatInt(*e.Timestamp, 10), "be greater than or equal to 0")
		case i > 0 && *e.Timestamp < *events[i-1].Timestamp:
			return api.Refuse(codeParameter, "Log events in a single PutLogEvents request must be in chronological order.")
		}
		size += len(strings.ToValidUTF8(e.Message, string(utf8.RuneError))) + eventOverhead
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
		id: fmt.Sprintf("%056d", s.count), stream: stream, message: in.Message, timestamp: *in.Timestamp, ingested: ingested,
		key: fmt.Sprintf("%020d/%020d/%020d", *in.Timestamp, ingested, s.count),
	}
	if n := len(g.events); n > 0 && g.events[n-1].key > e.key {
		g.unsorted = true
	}
	g.events = append(g.events, e)
}
