package localaws

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Limits of PutEvents. Newer texts allow 1 MB a call; clients do well to keep to the older
// limit, and this endpoint holds them to it.
const (
	maxEventEntries  = 10
	maxEventBytes    = 256 * 1024
	maxDetailType    = 128
	eventTimeBytes   = 14 // what a Time counts for ("Calculating PutEvents event entry size")
	maxKeptEvents    = 10_000
	maxEventTextSize = 256 // source
)

// Event is one event that a client put on a bus and the bus took.
type Event struct {
	ID         string
	Account    string
	Region     string
	Source     string
	DetailType string
	Detail     json.RawMessage // a JSON object, as the client wrote it
	Resources  []string
	Time       time.Time // the client's, or when it came in
	Received   time.Time
}

type eventEntry struct {
	Source     *string    `json:"Source"`
	DetailType *string    `json:"DetailType"`
	Detail     *string    `json:"Detail"`
	Resources  []string   `json:"Resources"`
	Time       *time.Time `json:"Time"`
	Bus        *string    `json:"EventBusName"`
	Trace      *string    `json:"TraceHeader"`
}

// size is what an entry counts for against the limit of bytes.
func (e *eventEntry) size() int {
	n := len(value(e.Source)) + len(value(e.DetailType)) + len(value(e.Detail))
	if e.Time != nil {
		n += eventTimeBytes
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

func (e *eventEntry) complete() bool {
	return value(e.Source) != "" && value(e.DetailType) != "" && value(e.Detail) != ""
}

type eventResult struct {
	ID      string `json:"EventId,omitempty"`
	Code    string `json:"ErrorCode,omitempty"`
	Message string `json:"ErrorMessage,omitempty"`
}

// putEvents takes events onto the bus, each by itself: a refused entry is told in its
// place of the answer and costs the others nothing. The rules see an event before the
// call returns; functions get it with the next Deliver.
func (s *Server) putEvents(c *call) (any, error) {
	var in struct {
		Entries []eventEntry `json:"Entries"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if n := len(in.Entries); n < 1 || n > maxEventEntries {
		return nil, refuse(codeValidation, "1 validation error detected: %d entries at 'entries' failed to satisfy constraint: Member must have length from 1 to %d", n, maxEventEntries)
	}
	total := 0
	for i := range in.Entries {
		total += in.Entries[i].size()
	}
	if total > maxEventBytes {
		return nil, refuse(codeValidation, "Total size of the entries in the request is over the limit.")
	}
	if !slices.ContainsFunc(in.Entries, func(e eventEntry) bool { return e.complete() }) {
		return nil, refuse(codeValidation, "None of the entries has a Source, a DetailType and a Detail.")
	}
	out := struct {
		Failed  int32         `json:"FailedEntryCount"`
		Entries []eventResult `json:"Entries"`
	}{}
	for i := range in.Entries {
		entry := &in.Entries[i]
		code, message := entry.fault(c)
		if code == "" && i < c.half(len(in.Entries)) {
			code, message = c.partial.refusal()
		}
		if code != "" {
			out.Failed++
			out.Entries = append(out.Entries, eventResult{Code: code, Message: message})
			continue
		}
		id := s.takeEvent(c, entry)
		out.Entries = append(out.Entries, eventResult{ID: id})
	}
	return out, nil
}

// fault tells why the bus does not take an entry; empty if it does.
func (e *eventEntry) fault(c *call) (code, message string) {
	invalid := func(member, reason string) (string, string) {
		return "InvalidArgument", "Parameter " + member + " is not valid. Reason: " + reason
	}
	for _, required := range []struct {
		name  string
		value *string
	}{{"Source", e.Source}, {"DetailType", e.DetailType}, {"Detail", e.Detail}} {
		if value(required.value) == "" {
			return invalid(required.name, required.name+" is a required argument.")
		}
	}
	switch {
	case len([]rune(*e.DetailType)) > maxDetailType:
		return invalid("DetailType", "it has more than 128 characters.")
	case len(*e.Source) > maxEventTextSize:
		return invalid("Source", "it has more than 256 characters.")
	case strings.HasPrefix(*e.Source, "aws."):
		return "NotAuthorizedForSourceException", "Not authorized for the source."
	case checkBus(c, e.Bus) != nil:
		return invalid("EventBusName", "there is no such event bus in this region.")
	}
	if _, err := decodeObject([]byte(*e.Detail)); err != nil {
		return "MalformedDetail", "Detail is malformed."
	}
	return "", ""
}

func (s *Server) takeEvent(c *call, entry *eventEntry) (id string) {
	event := Event{
		ID: newRequestID(), Account: c.account, Region: c.region, Source: *entry.Source, DetailType: *entry.DetailType,
		Detail: json.RawMessage(*entry.Detail), Resources: entry.Resources, Time: c.now, Received: c.now,
	}
	if entry.Time != nil {
		event.Time = *entry.Time
	}
	s.events.log = keepLast(append(s.events.log, event), maxKeptEvents)
	s.routeEvent(c.home(), &event)
	return event.ID
}

// keepLast drops the oldest items beyond a number, many at a time.
func keepLast[T any](items []T, most int) []T {
	if len(items) < 2*most {
		return items
	}
	return slices.Clone(items[len(items)-most:])
}

// document is the event as rules and targets see it.
func (e *Event) document() []byte {
	resources := e.Resources
	if resources == nil {
		resources = []string{}
	}
	return []byte(jsonOf(struct {
		Version    string          `json:"version"`
		ID         string          `json:"id"`
		DetailType string          `json:"detail-type"`
		Source     string          `json:"source"`
		Account    string          `json:"account"`
		Time       string          `json:"time"`
		Region     string          `json:"region"`
		Resources  []string        `json:"resources"`
		Detail     json.RawMessage `json:"detail"`
	}{
		"0", e.ID, e.DetailType, e.Source, e.Account, e.Time.UTC().Format("2006-01-02T15:04:05Z"), e.Region,
		resources, e.Detail,
	}))
}

// Events returns the events that buses took, oldest first: at least the last 10,000.
func (s *Server) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events.log)
}
