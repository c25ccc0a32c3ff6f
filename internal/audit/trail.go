// Package trail reads back what was done and why: the audit records (events.Audit) that
// the program and its functions leave in files and in CloudWatch Logs. It stands beside
// the line discover → measure → decide → act → report, whose last steps write them.
package audit

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Filter says which records are wanted. An empty list and a zero time want all.
type Filter struct {
	ARNs     []string
	Outcomes []string
	Actions  []model.Action
	Since    time.Time // the first moment wanted
	Until    time.Time // the first moment after those wanted
}

// Wants tells whether a record passes.
func (f Filter) Wants(a events.Audit) bool {
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

// Fault is a line that holds an audit record which cannot be read.
type Fault struct {
	Where string // file:line, or log group, stream and time
	Err   error
}

// History gathers records from any number of places, each once. It keeps the records that
// its filter wants and nothing else, however much is read. It is safe for concurrent use.
type History struct {
	filter Filter
	fault  func(Fault)

	mu      sync.Mutex
	records map[identity]events.Audit
}

// identity is what makes two records the same one. The facts and the state before the
// action are left out: events carry them cut to size.
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

// Filter is what the history wants.
func (h *History) Filter() Filter { return h.filter }

// Records are those gathered so far, by time.
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

// line takes the record of a line, if there is one and it is wanted.
func (h *History) line(line []byte, where func() string) {
	a, err := decode(line)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err == nil && h.filter.Wants(a):
		h.add(a)
	case err != nil && !isNone(err):
		h.fault(Fault{Where: where(), Err: err})
	}
}

// add keeps a record; of two that are the same one, that which tells more.
func (h *History) add(a events.Audit) {
	id := identity{a.Time.UnixNano(), a.ARN, a.Outcome, a.Action, a.NewMinTPS, a.Automatic, a.Reason}
	if known, ok := h.records[id]; ok && len(known.Raw()) >= len(a.Raw()) {
		return
	}
	h.records[id] = a
}
