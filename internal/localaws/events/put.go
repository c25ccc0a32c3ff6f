package events

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/sns"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
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
	Time       *wire.Time `json:"Time"`
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
		event.Time = entry.Time.Time
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

// Function is a target within the process, in place of a Lambda function.
type Function func(ctx context.Context, event []byte) error

// Delivery is an event on its way to a function.
type Delivery struct {
	Region string
	Rule   string
	Target string // ARN
	Event  []byte
	// Function is the target, set by Next.
	Function Function
}

// Register sets the function behind a Lambda ARN; nil removes it.
func (s *Service) Register(arn string, fn Function) {
	if fn == nil {
		delete(s.functions, arn)
		return
	}
	s.functions[arn] = fn
}

// Next removes the next event from the queue and returns it, nil if the queue is empty. It
// records events for functions that do not exist as dropped and goes on.
func (s *Service) Next() *Delivery {
	for len(s.queue) > 0 {
		d := s.queue[0]
		s.queue = s.queue[1:]
		if d.Function = s.functions[d.Target]; d.Function != nil {
			return &d
		}
		s.topics.Outbox.Drop(d.Region, d.Rule, d.Target, "no such function")
	}
	return nil
}

// route passes an event to the targets of the rules that match, by the names of the rules and
// the ids of the targets.
func (s *Service) route(h api.Home, event *Event) {
	rules := s.rules.ByHome[h]
	if len(rules) == 0 {
		return
	}
	doc := event.document()
	tree, err := api.JSONObject(doc)
	if err != nil {
		s.log.Error("decode an event", "region", h.Region, "err", err)
		return
	}
	for _, r := range api.Sorted(rules) {
		if r.State == disabled || r.match == nil || !r.match.matches(tree) {
			continue
		}
		for _, t := range api.Sorted(r.targets) {
			input, ok := t.input(doc, tree)
			if !ok {
				s.topics.Outbox.Drop(h.Region, r.Name, t.shape.ARN, "the event has nothing at "+*t.shape.InputPath)
				continue
			}
			s.send(h, r, t.shape.ARN, input)
		}
	}
}

// input is what the target receives for an event. An event without a value at the target's path may
// be lost, so that it is here.
func (t *target) input(doc []byte, tree map[string]any) (input []byte, ok bool) {
	switch {
	case t.shape.Input != nil:
		return []byte(*t.shape.Input), true
	case t.shape.InputPath != nil:
		v, ok := t.path.Of(tree)
		return []byte(renderJSON(v)), ok
	case t.transform != nil:
		return []byte(t.transform.apply(tree)), true
	}
	return doc, true
}

func (s *Service) send(h api.Home, r *rule, arn string, input []byte) {
	if strings.SplitN(arn, ":", 4)[2] == "lambda" {
		s.queue = append(s.queue, Delivery{Region: h.Region, Rule: r.Name, Target: arn, Event: input})
		return
	}
	s.topics.Notify(sns.Notification{
		Principal: sns.PrincipalEvents, Rule: r.Name, Topic: arn, Text: string(input), Detail: "without a condition",
	})
}
