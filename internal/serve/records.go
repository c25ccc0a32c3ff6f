package serve

import (
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
)

// Audit are the last audit records, the newest first. What they point to is shared:
// nobody may change it.
func (m *Memory) Audit() []events.Audit {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := slices.Concat(m.audit.newestFirst(), m.done.newestFirst())
	slices.SortStableFunc(list, func(a, b events.Audit) int { return b.Time.Compare(a.Time) })
	return list
}

// AddAudit notes an audit record.
func (m *Memory) AddAudit(record events.Audit) { m.change(func() { m.addAudit(record) }) }

func (m *Memory) addAudit(record events.Audit) {
	if record.Outcome == events.OutcomeDone {
		m.done.add(record)
		return
	}
	m.audit.add(record)
}

// Remember notes the records of earlier daemons, the oldest first, before there are others.
// There is none older than since that was kept.
func (m *Memory) Remember(records []events.Audit, since time.Time) {
	m.change(func() {
		for _, record := range records {
			m.addAudit(record)
		}
		m.before = since
	})
}

// ring keeps the last of what is added to it.
type ring[T any] struct {
	limit int
	list  []T // the oldest first, from next on once it is full
	next  int
}

func (r *ring[T]) add(v T) {
	if len(r.list) < r.limit {
		r.list = append(r.list, v)
		return
	}
	r.list[r.next] = v
	r.next = (r.next + 1) % r.limit
}

// oldest is the oldest kept, and whether there is no room left.
func (r *ring[T]) oldest() (first T, full bool) {
	if len(r.list) < r.limit {
		return first, false
	}
	return r.list[r.next], true
}

func (r *ring[T]) newestFirst() []T {
	out := slices.Concat(r.list[r.next:], r.list[:r.next])
	slices.Reverse(out)
	return out
}
