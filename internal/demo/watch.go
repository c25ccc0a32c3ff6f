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
	"unicode/utf8"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/sns"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// What is a kind of event.
type What string

// The kinds of events, in the order within one minute.
const (
	Kept    What = "kept"    // too new for a rule
	Alarmed What = "alarm"   // changed to ALARM, or back to OK
	Refused What = "refused" // by a rule or guard
	Acted   What = "action"  // accepted by Personalize
	Mailed  What = "mail"    // to a subscriber
	Failed  What = "failed"
)

var order = []What{Kept, Alarmed, Refused, Acted, Mailed, Failed}

// Event is something that happened in the demo.
type Event struct {
	Time   time.Time    `json:"time"` // of the cycle, by the demo's clock
	What   What         `json:"what"`
	Region string       `json:"region"`
	Name   string       `json:"name"` // of the resource or alarm; empty if it is about none
	Text   string       `json:"text"`
	ARN    string       `json:"arn,omitempty"`
	Action model.Action `json:"action,omitempty"`
	Min    int          `json:"min,omitempty"`    // before a change
	NewMin int          `json:"newMin,omitempty"` // after it

	reason string
}

// head is the time of an event and the word for it.
func (e Event) head() string { return fmt.Sprintf("%s  %-8s ", stamp(e.Time), e.What) }

// body is the rest of an event: what it is about, and its text.
func (e Event) body() string {
	about := e.Name
	if e.Region != "" {
		about = strings.TrimSpace(about + " (" + e.Region + ")")
	}
	if e.Text != "" {
		about += ": " + e.Text
	}
	return about
}

// Line is an event as people read it.
func (e Event) Line() string { return e.head() + e.body() }

// Fit is the event for a terminal: in at most two lines, with the word for it in color. A text that is
// too long is cut; names are not. Of an alarm the state comes before its name, which is long.
func (e Event) Fit(style report.Style) string {
	if style.Width <= 0 {
		return e.Line()
	}
	word := report.Word(e.What)
	if e.What == Acted && e.Action.Ends() {
		word.Color = report.Word("deleted").Color
	}
	rest, room := e.body(), style.Width-len(e.head())
	if e.What == Alarmed {
		rest = fmt.Sprintf("%s in %s: %s", e.Text, e.Region, e.Name)
	}
	head := strings.Replace(e.head(), fmt.Sprintf("%-8s", e.What), style.Paint(word.Color, fmt.Sprintf("%-8s", e.What)), 1)
	const indent = "    "
	first, _, _ := strings.Cut(report.Fit(rest, report.Style{Width: room}), "\n")
	more := strings.TrimSpace(strings.TrimPrefix(rest, first))
	switch {
	case more == "":
		return head + first
	case utf8.RuneCountInString(first) > room: // a long name, which has a line of its own
		return strings.TrimRight(head, " ") + "\n" + indent + report.Cut(rest, style.Width-len(indent))
	}
	return head + first + "\n" + indent + report.Cut(more, style.Width-len(indent))
}

// watch collects what happens in a step, and what was reported.
type watch struct {
	memory   *serve.Memory // gets each audit record
	mu       sync.Mutex    // functions log from several goroutines
	found    []Event
	reported []Event
	refused  map[string]bool // reported refusals, by ARN and reason without numbers
	on       map[string]bool // alarms reported as ALARM
	repeated int             // refusals that were reported before
	mails    time.Time       // mails up to then are reported
	happened func(Event)     // called for each reported event
}

func newWatch(memory *serve.Memory, happened func(Event)) *watch {
	return &watch{memory: memory, happened: happened, refused: map[string]bool{}, on: map[string]bool{}}
}

// Write reads a line of a function's log.
func (w *watch) Write(line []byte) (int, error) {
	switch {
	case bytes.Contains(line, []byte(`"audit":`)):
		if a, err := events.DecodeAudit(line); err == nil {
			w.record(a)
		}
	case bytes.Contains(line, []byte(`"level":"ERROR"`)):
		var problem struct{ Msg, Op, Region, Err, Function string }
		if json.Unmarshal(line, &problem) == nil {
			text := cmp.Or(problem.Op, problem.Function, problem.Msg) + " " + problem.Err
			w.add(Event{What: Failed, Region: problem.Region, Text: strings.TrimSpace(text)})
		}
	}
	return len(line), nil
}

func (w *watch) add(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found = append(w.found, e)
}

// record adds an audit record.
func (w *watch) record(a events.Audit) {
	w.memory.AddAudit(a)
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
		text := map[model.Action]string{model.ActionDelete: "deleted", model.ActionStop: "stopped"}[e.Action]
		if e.Action == model.ActionUpdate {
			text = fmt.Sprintf("minimum %d → %d", e.Min, e.NewMin)
		}
		e.Text = cmp.Or(text, string(e.Action)) + ": " + e.reason
	case events.OutcomeRefused:
		e.What = Refused
	case events.OutcomeFailed:
		e.What = Failed
	default:
		return // requested, and reported when it is done
	}
	w.add(e)
}

// alarm adds a change of an alarm's state.
func (w *watch) alarm(c localaws.AlarmChange) {
	w.add(Event{What: Alarmed, Region: c.Region, Name: c.Name, Text: c.To})
}

// step reports what happened in a step, in an order that does not depend on which of several
// simultaneous things came first.
func (w *watch) step(at time.Time, server *localaws.Server, now time.Time) {
	w.mu.Lock()
	found := w.found
	w.found = nil
	w.mu.Unlock()
	found = append(found, w.newMails(server, now)...)
	slices.SortStableFunc(found, func(a, b Event) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.What), slices.Index(order, b.What)), cmp.Compare(a.Region, b.Region),
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.Text, b.Text))
	})
	for _, e := range found {
		e.Time = at
		if w.isNew(e) {
			w.report(e)
		}
	}
}

// report reports an event.
func (w *watch) report(e Event) {
	w.reported = append(w.reported, e)
	w.happened(e)
}

// isNew reports whether an event is worth a line: the same refusal comes every hour, and the
// first state of an alarm is not a change.
func (w *watch) isNew(e Event) bool {
	switch e.What {
	case Refused:
		key := e.ARN + " " + strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' || r == '.' {
				return -1
			}
			return r
		}, e.Text)
		if w.refused[key] {
			w.repeated++
			return false
		}
		w.refused[key] = true
	case Alarmed:
		key := e.Region + " " + e.Name
		before := w.on[key]
		switch e.Text {
		case "ALARM":
			w.on[key] = true
			return !before
		case "OK":
			delete(w.on, key)
			return before
		}
		return false
	}
	return true
}

// newMails are the mails that were sent since the last call.
func (w *watch) newMails(server *localaws.Server, now time.Time) []Event {
	var list []Event
	for _, m := range server.Outbox() {
		if !m.Time.After(w.mails) {
			continue
		}
		list = append(list, Event{What: Mailed, Region: m.Region, Name: m.Endpoint, Text: Subject(m)})
	}
	w.mails = now
	return list
}

// Subject is the subject of a mail or, without one, its first line.
func Subject(m sns.Mail) string {
	first, _, _ := strings.Cut(strings.TrimSpace(m.Message), "\n")
	return cmp.Or(m.Subject, strings.Trim(first, `"`))
}
