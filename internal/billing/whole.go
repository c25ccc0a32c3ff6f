package billing

import "github.com/personalize-monitor/personalize-monitor/internal/model"

// Whole adds resources up slot by slot, to know what they did together: the highest slot of
// two is not the sum of their highest slots. A campaign's TPS and a recommender's RPS are
// the same thing. It does not grow with the resources.
type Whole struct {
	slots *slots
	count int
}

// NewWhole makes a Whole of the span of a report, without resources.
func NewWhole(span model.Window) *Whole {
	n := int(span.Duration() / Slot)
	w := &Whole{slots: &slots{
		window: span, requests: make([]float64, n), minimum: make([]float64, n), stopped: make([]bool, n),
	}}
	for i := range w.slots.stopped {
		w.slots.stopped[i] = true
	}
	return w
}

// Add adds the usage of a resource over the same span. One that is not readable is left out.
func (w *Whole) Add(u Usage) {
	if !u.Readable {
		return
	}
	w.count++
	from := int(u.Window.Start.Sub(w.slots.window.Start) / Slot)
	for i := range u.slots.requests {
		w.slots.requests[from+i] += u.slots.requests[i]
		w.slots.minimum[from+i] += u.slots.minimum[i]
		w.slots.stopped[from+i] = w.slots.stopped[from+i] && u.slots.stopped[i]
	}
}

// Throughput is that of all resources together; ok is false if nothing was added.
func (w *Whole) Throughput() (t Throughput, ok bool) {
	if w.count == 0 {
		return Throughput{}, false
	}
	return w.slots.throughput(), true
}
