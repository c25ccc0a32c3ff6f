package billing

import "github.com/personalize-monitor/personalize-monitor/internal/model"

// Whole adds resources up step by step, so that one can tell what they did together: the
// highest step of two is not the sum of their highest steps. A campaign's TPS and a
// recommender's RPS are the same thing. It grows no bigger with the resources.
type Whole struct {
	steps *steps
	count int
}

// NewWhole makes a Whole of the span of a report, without resources.
func NewWhole(span model.Window) *Whole {
	n := int(span.Duration() / Slot)
	w := &Whole{steps: &steps{
		window: span, requests: make([]float64, n), minimum: make([]float64, n), stopped: make([]bool, n),
	}}
	for i := range w.steps.stopped {
		w.steps.stopped[i] = true
	}
	return w
}

// Add adds what Measure gave for the same span. What is not readable is left out.
func (w *Whole) Add(u Usage) {
	if !u.Readable {
		return
	}
	w.count++
	from := int(u.Window.Start.Sub(w.steps.window.Start) / Slot)
	for i := range u.steps.requests {
		w.steps.requests[from+i] += u.steps.requests[i]
		w.steps.minimum[from+i] += u.steps.minimum[i]
		w.steps.stopped[from+i] = w.steps.stopped[from+i] && u.steps.stopped[i]
	}
}

// Throughput is what resources had and did together, in requests per second: means of the
// time in which at least one of them ran, and the highest 5 minutes.
type Throughput struct {
	Provisioned, Actual, Peak float64
	Utilization               Utilization
}

// Throughput tells it; ok is false if nothing was added.
func (w *Whole) Throughput() (t Throughput, ok bool) {
	if w.count == 0 {
		return Throughput{}, false
	}
	t.Provisioned, t.Actual, t.Peak = w.steps.rates()
	t.Utilization = w.steps.utilization()
	return t, true
}
