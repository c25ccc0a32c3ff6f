// Package history reads the audit log back: the records (events.Audit) of what was done and
// why, from files and from CloudWatch Logs. It is apart from package audit, which the Lambda
// functions link, so that they do not link the client of CloudWatch Logs.
package history

import (
	"bytes"
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Filter selects records. An empty list and a zero time select all.
type Filter struct {
	ARNs     []string
	Outcomes []string
	Actions  []model.Action
	Since    time.Time // inclusive
	Until    time.Time // exclusive
}

// Matches reports whether a record is selected.
func (f Filter) Matches(a events.Audit) bool {
	switch {
	case len(f.ARNs) > 0 && !slices.Contains(f.ARNs, a.ARN),
		len(f.Outcomes) > 0 && !slices.Contains(f.Outcomes, a.Outcome),
		len(f.Actions) > 0 && !slices.Contains(f.Actions, a.Action),
		!f.Since.IsZero() && a.Time.Before(f.Since),
		!f.Until.IsZero() && !a.Time.Before(f.Until):
		return false
	}
	return true
}

// Fault is a line with an audit record that cannot be read.
type Fault struct {
	Where string // file:line, or log group, stream and time
	Err   error
}

// History collects records from any number of places, each once. It keeps the records that its
// filter selects and nothing else, however much is read. It is safe for concurrent use.
type History struct {
	filter Filter
	fault  func(Fault)

	mu      sync.Mutex
	records map[identity]events.Audit
	seen    Seen
}

// Seen is what the lines were that were read, whichever records the filter selects. Empty lines do
// not count.
type Seen struct {
	Lines   int
	Records int // with those that cannot be read, and copies
	Objects int // lines of JSON without a record
	Wrapped int // of them those of docker, the journal, or aws logs, that hold a line of a log
}

// Seen counts what was read so far.
func (h *History) Seen() Seen {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen
}

// identity is what two copies of a record have in common. It leaves out the facts and the state
// before the action: events carry them cut to size.
type identity struct {
	time         int64
	arn, outcome string
	action       model.Action
	newMinTPS    int
	automatic    bool
	reason       string
}

// New is an empty history. It calls fault, one call at a time, for each line that cannot be
// read.
func New(filter Filter, fault func(Fault)) *History {
	return &History{filter: filter, fault: fault, records: map[identity]events.Audit{}}
}

// Records are those collected so far, by time.
func (h *History) Records() []events.Audit {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]events.Audit, 0, len(h.records))
	for _, a := range h.records {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b events.Audit) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ARN, b.ARN), cmp.Compare(a.Action, b.Action),
			cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.NewMinTPS, b.NewMinTPS), cmp.Compare(a.Reason, b.Reason))
	})
	return list
}

// Len is how many records there are so far.
func (h *History) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.records)
}

// addLine keeps the records of a line that the filter selects. There is one at most, unless the line
// wraps several.
func (h *History) addLine(line []byte, where func() string) {
	if line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\ufeff"))); len(line) == 0 {
		return
	}
	d := unwrap(line, maxWrapping)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen.Lines++
	for _, a := range d.records {
		h.keep(a)
	}
	for _, err := range d.faults {
		h.fault(Fault{Where: where(), Err: err})
	}
	records := len(d.records) + len(d.faults)
	h.seen.Records += records
	if records == 0 && d.object {
		h.seen.Objects++
	}
	if records == 0 && d.wrapped {
		h.seen.Wrapped++
	}
}

// keep keeps a record that the filter selects. Of two copies the longer one stays.
func (h *History) keep(a events.Audit) {
	if !h.filter.Matches(a) {
		return
	}
	id := identity{a.Time.UnixNano(), a.ARN, a.Outcome, a.Action, a.NewMinTPS, a.Automatic, a.Reason}
	if known, ok := h.records[id]; !ok || len(known.Raw()) < len(a.Raw()) {
		h.records[id] = a
	}
}
