package events

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

// Limits of PutEvents. Newer texts allow 1 MB a call; clients should keep to the older
// limit, which this endpoint enforces.
const (
	maxEventBytes  = 256 * 1024
	eventTimeBytes = 14 // what a Time counts ("Calculating PutEvents event entry size")
	maxKept        = 10_000
)

// Event is one event that a client put on a bus and the bus accepted.
type Event struct {
	ID         string
	Account    string
	Region     string
	Source     string
	DetailType string
	Detail     json.RawMessage // a JSON object, as the client wrote it
	Resources  []string
	Time       time.Time // the client's, or when it was received
}

type entry struct {
	Source     string     `json:"Source"`
	DetailType string     `json:"DetailType"`
	Detail     string     `json:"Detail"`
	Resources  []string   `json:"Resources"`
	Time       *time.Time `json:"Time"`
	Bus        *string    `json:"EventBusName"`
}

// size is what an entry counts against the limit of bytes.
func (e *entry) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	if e.Time != nil {
		n += eventTimeBytes
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

type putEventsInput struct {
	Entries []entry `json:"Entries" check:"1..10"`
}

type putEventsOutput struct {
	Failed  int32    `json:"FailedEntryCount"`
	Entries []result `json:"Entries"`
}

type result struct {
	ID      string `json:"EventId,omitempty"`
	Code    string `json:"ErrorCode,omitempty"`
	Message string `json:"ErrorMessage,omitempty"`
}

// putEvents puts events on the bus, each on its own: a rejected entry is reported in its
// place of the answer and does not affect the others. The rules see an event before the call
// returns; functions receive it with the next Deliver.
func (s *Service) putEvents(c *api.Call, in *putEventsInput) (any, error) {
	var out putEventsOutput
	n, total := len(in.Entries), 0
	for i := range in.Entries {
		total += in.Entries[i].size()
	}
	complete := func(e entry) bool { return e.Source != "" && e.DetailType != "" && e.Detail != "" }
	switch {
	case total > maxEventBytes:
		return nil, api.Refuse(codeValidation, "Total size of the entries in the request is over the limit.")
	case !slices.ContainsFunc(in.Entries, complete):
		return nil, api.Refuse(codeValidation, "None of the entries has a Source, a DetailType and a Detail.")
	}
	for i := range in.Entries {
		code, message := in.Entries[i].check(c)
		if code == "" && i < c.Rejected(n) {
			code, message = c.Partial.Entry()
		}
		if code != "" {
			out.Failed++
			out.Entries = append(out.Entries, result{Code: code, Message: message})
			continue
		}
		out.Entries = append(out.Entries, result{ID: s.accept(c, &in.Entries[i])})
	}
	return out, nil
}

// check returns why the bus rejects an entry, "" if it does not.
func (e *entry) check(c *api.Call) (code, message string) {
	invalid := func(member, reason string) (string, string) {
		return "InvalidArgument", "Parameter " + member + " is not valid. Reason: " + reason
	}
	switch {
	case e.Source == "":
		return invalid("Source", "Source is a required argument.")
	case e.DetailType == "":
		return invalid("DetailType", "DetailType is a required argument.")
	case e.Detail == "":
		return invalid("Detail", "Detail is a required argument.")
	case len([]rune(e.DetailType)) > 128:
		return invalid("DetailType", "it has more than 128 characters.")
	case len(e.Source) > 256:
		return invalid("Source", "it has more than 256 characters.")
	case strings.HasPrefix(e.Source, "aws."):
		return "NotAuthorizedForSourceException", "Not authorized for the source."
	case checkBus(c, e.Bus) != nil:
		return invalid("EventBusName", "this region has no such event bus.")
	}
	if _, err := api.JSONObject([]byte(e.Detail)); err != nil {
		return "MalformedDetail", "Detail is malformed."
	}
	return "", ""
}

func (s *Service) accept(c *api.Call, entry *entry) (id string) {
	event := Event{
		ID: api.NewID(), Account: c.Account, Region: c.Region, Source: entry.Source, DetailType: entry.DetailType,
		Detail: json.RawMessage(entry.Detail), Resources: entry.Resources, Time: c.Now,
	}
	if entry.Time != nil {
		event.Time = *entry.Time
	}
	s.events = api.KeepLast(append(s.events, event), maxKept)
	s.route(c.Home, &event)
	return event.ID
}

// document is the event as rules and targets see it.
func (e *Event) document() []byte {
	return []byte(renderJSON(map[string]any{
		"version": "0", "id": e.ID, "detail-type": e.DetailType, "source": e.Source, "account": e.Account,
		"time": e.Time.UTC().Format("2006-01-02T15:04:05Z"), "region": e.Region, "resources": append([]string{}, e.Resources...),
		"detail": e.Detail,
	}))
}

// Events returns the accepted events, oldest first.
func (s *Service) Events() []Event { return slices.Clone(s.events) }
