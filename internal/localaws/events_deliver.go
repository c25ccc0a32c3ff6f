package localaws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// function is a target within the process, in place of a Lambda function.
type function func(ctx context.Context, event []byte) error

// delivery is an event on its way to a function.
type delivery struct {
	home   home
	rule   string
	target string
	event  []byte
}

// Drop is a notification that did not reach its target, as AWS would have dropped it
// silently.
type Drop struct {
	Time   time.Time
	Region string
	Rule   string // empty for an alarm's action
	Target string // ARN
	Reason string
}

// RegisterTarget makes fn the function behind a Lambda ARN. Rules with that target have
// it called by Deliver. It replaces a function registered before; nil removes it.
func (s *Server) RegisterTarget(arn string, fn func(ctx context.Context, event []byte) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.events.functions == nil {
		s.events.functions = map[string]function{}
	}
	s.events.functions[arn] = fn
	if fn == nil {
		delete(s.events.functions, arn)
	}
}

// Deliver calls the functions that events are waiting for, one after the other, in the
// order in which the events came in and, for one event, of rules' names and targets' ids.
// Events that the functions put meanwhile are delivered too, so nothing waits when it
// returns without an error. Nothing is retried: the returned error joins those of the
// functions. A context that ends leaves the rest waiting. Topics need no Deliver.
func (s *Server) Deliver(ctx context.Context) error {
	var failed []error
	for {
		if err := ctx.Err(); err != nil {
			return errors.Join(append(failed, fmt.Errorf("deliver events: %w", err))...)
		}
		d, fn, ok := s.nextDelivery()
		if !ok {
			return errors.Join(failed...)
		}
		if fn == nil {
			continue
		}
		if err := fn(ctx, d.event); err != nil {
			failed = append(failed, fmt.Errorf("deliver an event to %s: %w", d.target, err))
		}
	}
}

// nextDelivery takes the next waiting event. Its function is nil if there is none, which
// counts as dropped.
func (s *Server) nextDelivery() (delivery, function, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events.queue) == 0 {
		return delivery{}, nil, false
	}
	d := s.events.queue[0]
	s.events.queue = s.events.queue[1:]
	fn := s.events.functions[d.target]
	if fn == nil {
		s.drop(d.home.region, d.rule, d.target, "no such function")
	}
	return d, fn, true
}

// routeEvent shows an event to the rules of its bus and passes it to their targets.
func (s *Server) routeEvent(h home, event *Event) {
	rules := s.events.rules[h]
	if len(rules) == 0 {
		return
	}
	doc := event.document()
	tree, err := decodeObject(doc)
	if err != nil {
		s.log.Error("decode an event", "region", h.region, "err", err)
		return
	}
	for _, r := range sorted(rules) {
		if r.state == ruleDisabled || r.match == nil || !r.match.match(tree) {
			continue
		}
		for _, t := range sorted(r.targets) {
			s.sendEvent(h, r, t, t.input(r, event, doc, tree))
		}
	}
}

// input is what the target gets for an event.
func (t *eventTarget) input(r *rule, event *Event, doc []byte, tree map[string]any) []byte {
	switch {
	case t.shape.Input != nil:
		return []byte(*t.shape.Input)
	case t.shape.InputPath != nil:
		return []byte(jsonOf(t.path.of(tree)))
	case t.transform != nil:
		return []byte(t.transform.apply(r, event, tree))
	}
	return doc
}

func (s *Server) sendEvent(h home, r *rule, t *eventTarget, input []byte) {
	arn := *t.shape.ARN
	if strings.SplitN(arn, ":", 4)[2] == "lambda" {
		s.events.queue = append(s.events.queue, delivery{home: h, rule: r.name, target: arn, event: input})
		return
	}
	topic := s.sns.topics[arn]
	switch {
	case topic == nil:
		s.drop(h.region, r.name, arn, "no such topic")
	case !topic.policy.lets(principalEvents, nil, arn):
		s.drop(h.region, r.name, arn, "the topic's policy does not let events.amazonaws.com publish without a condition")
	default:
		s.deliverMessage(topic, "", string(input), s.clock.Now().UTC())
	}
}

func (s *Server) drop(region, ruleName, target, reason string) {
	s.log.Info("notification dropped", "region", region, "arn", target, "rule", ruleName, "reason", reason)
	s.events.dropped = keepLast(append(s.events.dropped, Drop{
		Time: s.clock.Now().UTC(), Region: region, Rule: ruleName, Target: target, Reason: reason,
	}), maxKeptEvents)
}

// Dropped returns the notifications that did not reach their targets, oldest first: of
// rules, because a topic or function is missing or the topic's policy does not let
// EventBridge publish, and of alarms likewise. At least the last 10,000 are kept.
func (s *Server) Dropped() []Drop {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events.dropped)
}
