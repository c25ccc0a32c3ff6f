package demo

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// What is a kind of event.
type What string

// The kinds of events, in the order in which those of one minute are told.
const (
	Kept    What = "kept"    // a rule had nothing to do yet, for its age
	Alarmed What = "alarm"   // changed to ALARM, or back to OK
	Refused What = "refused" // a rule or guard said no
	Acted   What = "action"  // accepted by Personalize
	Mailed  What = "mail"    // to a subscriber
	Failed  What = "failed"
)

var order = []What{Kept, Alarmed, Refused, Acted, Mailed, Failed}

// Event is something that happened in the demo.
type Event struct {
	Time   time.Time    `json:"time"` // by the demo's clock: the cycle that it belongs to
	What   What         `json:"what"`
	Region string       `json:"region"`
	Name   string       `json:"name"` // of the resource or alarm; empty where it is about none
	Text   string       `json:"text"`
	ARN    string       `json:"arn,omitempty"`
	Action model.Action `json:"action,omitempty"`
	Min    int          `json:"min,omitempty"`    // before a change
	NewMin int          `json:"newMin,omitempty"` // after it

	reason string
}

// watch gathers what happens within a step, and remembers what has been told.
type watch struct {
	mu      sync.Mutex // functions log from several goroutines
	found   []Event
	refused map[string]bool // by ARN and reason without numbers: told since the last action
	raised  map[string]bool // alarms that were told to be in ALARM
	told    []Event
	shown   func(events.Audit) // takes each record too; may be nil
	again   int                // refusals that were told before
}

// Write takes a line of a function's log.
func (w *watch) Write(line []byte) (int, error) {
	switch {
	case bytes.Contains(line, []byte(`"audit":`)):
		if a, err := events.DecodeAudit(line); err == nil {
			w.record(a)
		}
	case bytes.Contains(line, []byte(`"level":"ERROR"`)):
		var problem struct{ Msg, Op, Region, Err, Function string }
		if json.Unmarshal(line, &problem) == nil {
			w.add(Event{What: Failed, Region: problem.Region, Text: strings.TrimSpace(cmp.Or(problem.Op, problem.Function, problem.Msg) + " " + problem.Err)})
		}
	}
	return len(line), nil
}

func (w *watch) add(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found = append(w.found, e)
}

// record takes a record of the audit trail.
func (w *watch) record(a events.Audit) {
	if w.shown != nil {
		w.shown(a)
	}
	e := Event{Region: a.Region, ARN: a.ARN, Action: a.Action, NewMin: a.NewMinTPS, reason: strings.TrimSpace(a.Reason)}
	e.Text = e.reason
	if arn, err := model.ParseARN(a.ARN); err == nil {
		e.Name = arn.Name()
	}
	switch a.Outcome {
	case events.OutcomeDone:
		e.What = Acted
		if a.Before != nil {
			e.Min = a.Before.MinTPS
		}
		e.Text = deed(e) + ": " + e.reason
	case events.OutcomeRefused:
		e.What = Refused
	case events.OutcomeFailed:
		e.What = Failed
	default:
		return // asked for, which is told when it is done
	}
	w.add(e)
}

// deed is an action in words.
func deed(e Event) string {
	switch e.Action {
	case model.ActionUpdate:
		return fmt.Sprintf("minimum %d → %d", e.Min, e.NewMin)
	case model.ActionDelete:
		return "deleted"
	case model.ActionStop:
		return "stopped"
	}
	return string(e.Action)
}

// alarm takes a change of an alarm's state.
func (w *watch) alarm(c localaws.AlarmChange) {
	w.add(Event{What: Alarmed, Region: c.Region, Name: c.Name, Text: c.To})
}

// tell tells of what happened in a step, in an order that does not depend on which of
// several things at a time came first.
func (d *Demo) tell(at time.Time) {
	w := d.watch
	w.mu.Lock()
	found := w.found
	w.found = nil
	w.mu.Unlock()
	found = append(found, d.posted()...)
	slices.SortStableFunc(found, func(a, b Event) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.What), slices.Index(order, b.What)), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Text, b.Text))
	})
	for _, e := range found {
		e.Time = at
		if w.news(e) {
			d.happened(e)
		}
	}
}

func (d *Demo) happened(e Event) {
	d.watch.told = append(d.watch.told, e)
	if d.options.Happened != nil {
		d.options.Happened(e)
	}
}

// news tells whether an event is worth a line: the same refusal comes every hour, and
// alarms begin with a state that nobody waits for.
func (w *watch) news(e Event) bool {
	if w.refused == nil {
		w.refused, w.raised = map[string]bool{}, map[string]bool{}
	}
	switch e.What {
	case Refused:
		key := e.ARN + " " + strings.Map(noDigits, e.Text)
		if w.refused[key] {
			w.again++
			return false
		}
		w.refused[key] = true
	case Alarmed:
		key := e.Region + " " + e.Name
		before := w.raised[key]
		switch e.Text {
		case "ALARM":
			w.raised[key] = true
			return !before
		case "OK":
			delete(w.raised, key)
			return before
		}
		return false
	}
	return true
}

func noDigits(r rune) rune {
	if r >= '0' && r <= '9' || r == '.' {
		return -1
	}
	return r
}

// posted are the mails that were sent since they were last asked for.
func (d *Demo) posted() []Event {
	var list []Event
	for _, m := range d.AWS.Outbox() {
		if !m.Time.After(d.mails) {
			continue
		}
		subject := m.Subject
		if subject == "" {
			first, _, _ := strings.Cut(strings.TrimSpace(m.Message), "\n")
			subject = strings.Trim(first, `"`)
		}
		list = append(list, Event{What: Mailed, Region: m.Region, Name: m.Endpoint, Text: subject})
	}
	d.mails = d.Clock.Now()
	return list
}
