package events

import (
	"context"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/sns"
)

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
