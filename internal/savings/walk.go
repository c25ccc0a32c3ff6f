package savings

import (
	"slices"
	"time"
)

// Bounds of what is taken for the effect of an action.
const (
	// executed is how long after a decision its action is on record, at the latest.
	executed = 3 * time.Minute
	// settled is how long after an action its effect must show. An update takes minutes.
	settled = 3 * time.Hour
	// startTime is how long a start or a restoration may take until the endpoint is in service.
	startTime = time.Hour
)

// layer is the part of the minimum that one action owns. Layers lie on each other without gaps:
// the oldest on top, the minimum in force below the newest.
type layer struct {
	id     int // grows from the oldest to the newest
	action int // index; nobody if somebody lowered the minimum without a record
	lo, hi float64
}

const nobody = -1

// course is what became of an action.
type course struct {
	lowering
	first int // the cell from which on its effect may show
	cell  int // the cell of the action
	// Of a stop or deletion: out of service in the cells from first to end. lost is set if it is
	// not known until when.
	end  int
	lost bool

	left  float64
	state State
	ended time.Time
	sums  map[string]Amount // by month
	// What was paid for with its part of the minimum in force, and without it.
	with, without hours
}

// walk goes through the time of an endpoint, cell by cell.
type walk struct {
	cells   []cell
	actions []*course
	raised  []raise
	lag     time.Duration
	vanish  int // from this cell on the endpoint is out of service without a record of it

	next    int // the first action that has not begun
	raise   int // the first raise on record that has not begun
	awaited *raise
	pending []int
	gone    int // the stop or deletion that is in effect, or nobody
	layers  []layer
	ids     int
	level   float64 // the last known minimum
	leveled bool

	whole hours // what would have been paid for without any action
}

func newWalk(e Endpoint, list []cell, known Known, lag time.Duration) *walk {
	w := &walk{cells: list, raised: e.raised, lag: lag, vanish: len(list), gone: nobody}
	for i, l := range e.lowered {
		c := &course{lowering: l, state: NotSeen, sums: map[string]Amount{}, cell: indexOf(list, l.at), end: len(list)}
		c.first = indexOf(list, l.at.Add(-lag))
		if l.ends {
			c.first = w.lastPublished(c)
			w.findReturn(c, i, e, known)
		}
		w.actions = append(w.actions, c)
	}
	if known.Listed && known.Resource == nil {
		w.findVanishing()
	}
	return w
}

// lastPublished is the cell after the last one whose minimum was published before the endpoint went
// out of service: the series is early. Without one it is the cell after that of the action.
func (w *walk) lastPublished(c *course) int {
	for i := min(c.cell, len(w.cells)-1); i >= 0 && c.at.Sub(w.cells[i].end()) <= w.lag; i-- {
		if w.cells[i].published && !w.cells[i].at.After(c.at) {
			return i + 1
		}
	}
	if c.cell < len(w.cells) && w.cells[c.cell].at.Before(c.at) {
		return c.cell + 1
	}
	return c.cell
}

// changedAfter are the times at which an endpoint was raised, or lowered after the action with a number.
func (e Endpoint) changedAfter(i int) (times []time.Time) {
	for _, l := range e.lowered[i+1:] {
		times = append(times, l.at)
	}
	for _, r := range e.raised {
		times = append(times, r.at)
	}
	return times
}

// findReturn finds the cell from which on a stopped or deleted endpoint is in service again.
func (w *walk) findReturn(c *course, i int, e Endpoint, known Known) {
	shown := min(c.first, len(w.cells)) // the first cell whose minimum was published again
	for shown < len(w.cells) && !w.cells[shown].published {
		shown++
	}
	limit := earliest(e.changedAfter(i), c.at, time.Time{}) // whatever was done to it then, it was in service
	at := earliest(e.started, c.at, limit)
	switch {
	case !at.IsZero():
		if c.end = indexOf(w.cells, at); shown < len(w.cells) && w.cells[shown].at.Sub(at) <= startTime {
			c.end = shown // not billed before it was in service
		}
	case !limit.IsZero() && indexOf(w.cells, limit) < shown:
		c.end, c.lost = c.first, true
	case shown < len(w.cells):
		for c.end = shown; c.end > c.first && !w.cells[c.end-1].ran; {
			c.end-- // it may have been in service, unseen
		}
	case !known.Listed:
		c.end, c.lost = c.first, true
	case known.Resource != nil && known.Resource.Created.After(c.at):
		c.end = indexOf(w.cells, known.Resource.Created)
	case known.Resource != nil:
		c.end, c.lost = c.first, true
	}
	c.end = max(c.end, c.first)
}

// earliest is the first of times after one and before another, which may be zero; zero if there is none.
func earliest(times []time.Time, after, before time.Time) (first time.Time) {
	for _, t := range times {
		if t.After(after) && (before.IsZero() || t.Before(before)) && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// findVanishing finds since when an endpoint that is not in service has been out of it, unless an
// action on record explains that.
func (w *walk) findVanishing() {
	last := 0
	for i, c := range w.cells {
		if c.published {
			last = i + 1
		}
	}
	for _, c := range w.actions {
		if c.ends && c.end == len(w.cells) {
			return
		}
		if last < c.cell {
			last = min(c.cell+1, len(w.cells)) // it was in service when it was acted on
		}
	}
	w.vanish = last
}

// view is what is known of one cell.
type view struct {
	cell
	layers []layer
	open   []int // actions that may be in effect, if the minimum is not known
}

// step goes on to the next cell.
func (w *walk) step(i int) view {
	c := w.cells[i]
	if i == w.vanish {
		w.drop(0, OutOfUse, c.at)
		w.pending, w.leveled = nil, false
	}
	if w.gone != nobody && i >= w.actions[w.gone].end {
		w.gone, w.leveled = nobody, false
	}
	for ; w.raise < len(w.raised) && indexOf(w.cells, w.raised[w.raise].at) <= i; w.raise++ {
		w.awaited = &w.raised[w.raise]
	}
	for ; w.next < len(w.actions) && w.actions[w.next].first <= i; w.next++ {
		w.begin(w.next, i)
	}
	switch {
	case i >= w.vanish:
		c.known, c.counted, c.minimum = true, true, 0
	case w.gone != nobody:
		c.known, c.counted, c.minimum = true, true, 0 // what is gone is not called
	case c.known:
		w.observe(i, c.minimum)
	case w.awaited != nil && w.awaited.to > w.level:
		w.set(w.awaited.to, c.at) // in doubt the saving has ended
	}
	v := view{cell: c, layers: w.layers}
	for _, p := range w.pending {
		if i > w.actions[p].cell { // its effect is awaited
			v.open = append(v.open, p)
		}
	}
	return v
}

// begin begins an action: a stop or deletion is in effect, an update is awaited.
func (w *walk) begin(n, i int) {
	c, at := w.actions[n], w.cells[i].at
	if w.awaited != nil && w.awaited.at.Before(c.at) {
		w.awaited = nil // its record has what became of that
	}
	switch {
	case c.from == 0:
		c.state = Incomplete
	case c.lost:
		c.state = Unverified
		w.pending = append(w.pending, n)
	case !c.ends:
		w.pending = append(w.pending, n)
	case i >= c.end:
		c.state, c.ended = Restored, at
	default:
		w.observe(i, c.from)
		w.pending = nil // what has not shown by now never will
		w.push(n, 0)
		w.gone = n
	}
}

// observe notes that the minimum in a cell is known.
func (w *walk) observe(i int, minimum float64) {
	at := w.cells[i].at
	w.pending = slices.DeleteFunc(w.pending, func(p int) bool {
		c := w.actions[p]
		switch {
		case c.lost: // it is in service, since when is unknown
			return i > c.cell
		case minimum <= c.to && (i >= c.cell || w.leveled && w.level >= c.from):
			w.set(c.from, at)
			w.push(p, c.to)
			return true
		}
		return w.cells[i].at.Sub(c.at) > settled // the update failed
	})
	w.set(minimum, at)
	if w.awaited != nil && (minimum >= w.awaited.to || at.Sub(w.awaited.at) > settled) {
		w.awaited = nil
	}
}

// push puts the layer of an action, or of nobody, below the others.
func (w *walk) push(action int, to float64) {
	w.ids++
	w.layers = append(slices.Clip(w.layers), layer{w.ids, action, to, w.level})
	w.level = to
	if action != nobody {
		c := w.actions[action]
		c.state, c.left = InEffect, c.from-to
	}
}

// set sets the minimum in force. A raise takes from the layers what lies below it for good.
func (w *walk) set(minimum float64, at time.Time) {
	if !w.leveled {
		w.leveled = true
		if len(w.layers) == 0 {
			w.level = minimum
			return
		}
	}
	if minimum < w.level {
		if len(w.layers) > 0 {
			w.push(nobody, minimum)
		}
		w.level = minimum
		return
	}
	if len(w.layers) > 0 && w.level < minimum {
		w.layers = slices.Clone(w.layers) // views share them
	}
	for n := len(w.layers) - 1; n >= 0 && w.layers[n].lo < minimum; n-- {
		l := &w.layers[n]
		if l.hi <= minimum {
			w.drop(n, w.endOf(l.action), at)
			continue
		}
		l.lo = minimum
		if l.action != nobody {
			w.actions[l.action].left = l.hi - l.lo
		}
	}
	w.level = minimum
}

// endOf is how a layer ends whose part of the minimum is in force again.
func (w *walk) endOf(action int) State {
	if action != nobody && w.actions[action].ends {
		return Restored
	}
	return Raised
}

// drop ends the layers from the n-th on.
func (w *walk) drop(n int, why State, at time.Time) {
	for _, l := range w.layers[n:] {
		if l.action != nobody {
			c := w.actions[l.action]
			c.state, c.left, c.ended = why, 0, at
		}
	}
	w.layers = w.layers[:n]
}
