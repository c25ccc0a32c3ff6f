package billing

import (
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// gapSlots is how many steps in a row a recommender must have gone unseen by a running
// monitor to count as stopped; a single one may be a failed read.
const gapSlots = 2

// freshSlots at the end of the span are not searched for gaps: what was put there just
// now may not be visible yet.
const freshSlots = 2

// slotSeconds is the length of a slot: what is paid for at a minimum of 1, in requests.
const slotSeconds = float64(Slot / time.Second)

// perTPSHour is how many requests a TPS-hour is. Sums are made of requests, which are
// whole numbers, and only divided at the end, so that they are exact.
const perTPSHour = float64(time.Hour / time.Second)

// steps is a resource's metered time in slots of 5 minutes.
type steps struct {
	kind     model.Kind
	window   model.Window
	requests []float64
	minimum  []float64 // TPS; 0 where it was stopped
	known    []bool    // the minimum was published; else it is assumed
	stopped  []bool
	called   []bool // by calls that are not among the requests; see Usage.Heed
}

// AssumeMinimums fills in what the minimum of a resource is taken to have been where none
// was published (0). at is the start of the period of each value. Since its latest update it
// is the present one; before that the one published last, or else the first published after
// it. If none ever was, it is the present one.
func AssumeMinimums(r model.Resource, minimum []float64, at func(i int) time.Time) {
	assumed := float64(r.MinTPS)
	if first := slices.IndexFunc(minimum, func(v float64) bool { return v > 0 }); first >= 0 {
		assumed = minimum[first]
	}
	updated := r.LastTouched() // zero if there never was one, as the present minimum then was from the start
	for i, published := range minimum {
		switch {
		case published > 0:
			assumed = published
		case !at(i).Before(updated):
			minimum[i] = float64(r.MinTPS)
		default:
			minimum[i] = assumed
		}
	}
}

// stepsOf lays series out over the metered time. A slot without requests had none; for one
// without a published minimum see AssumeMinimums.
func stepsOf(r model.Resource, w model.Window, requests, minimums, running model.Series) *steps {
	n := int(w.Duration() / Slot)
	s := &steps{
		kind: r.Kind, window: w,
		requests: make([]float64, n), minimum: make([]float64, n), known: make([]bool, n), stopped: make([]bool, n),
		called: make([]bool, n),
	}
	s.each(requests, func(i int, value float64) { s.requests[i] = value })
	if minimums.Complete {
		s.each(minimums, func(i int, value float64) {
			if value > 0 {
				s.minimum[i], s.known[i] = value, true
			}
		})
	}
	AssumeMinimums(r, s.minimum, s.at)
	if r.Kind == model.Recommender && minimums.Complete && running.Complete {
		s.markStops(running)
	}
	return s
}

// each calls f for every datapoint within the window.
func (s *steps) each(series model.Series, f func(i int, value float64)) {
	for _, p := range series.Points {
		if p.Time.Before(s.window.Start) || !p.Time.Before(s.window.End) {
			continue
		}
		f(int(p.Time.Sub(s.window.Start)/Slot), p.Value)
	}
}

// markStops finds when a recommender was stopped: it was seen before, the monitor ran, and
// yet published no minimum of it, and nobody called it, in at least two slots in a row.
// A campaign cannot be stopped, and what was never seen before may not have been watched.
func (s *steps) markStops(running model.Series) {
	ran := make([]bool, len(s.requests))
	s.each(running, func(i int, value float64) { ran[i] = value > 0 })
	seen, from := false, -1
	end := func(to int) {
		if from >= 0 && to-from >= gapSlots {
			for i := from; i < to; i++ {
				s.stopped[i], s.minimum[i] = true, 0
			}
		}
		from = -1
	}
	for i := range max(0, len(s.requests)-freshSlots) {
		gap := seen && ran[i] && !s.known[i] && s.requests[i] == 0
		switch {
		case gap && from < 0:
			from = i
		case !gap:
			end(i)
		}
		seen = seen || s.known[i]
	}
	end(max(0, len(s.requests)-freshSlots))
}

// at is the start of a slot.
func (s *steps) at(i int) time.Time { return s.window.Start.Add(time.Duration(i) * Slot) }

// paid is what is paid for in TPS-hours if the minimum of each slot is the given one.
// That is also what was paid for in truth, if it is the one that was in force.
func (s *steps) paid(minimum func(i int) float64) float64 {
	unit := 1
	if s.kind == model.Recommender {
		unit = slotsPerHour
	}
	total := 0.0
	for from := 0; from < len(s.requests); from += unit {
		least, actual := 0.0, 0.0
		for i := from; i < min(from+unit, len(s.requests)); i++ {
			least += minimum(i) * slotSeconds
			actual += s.requests[i]
		}
		total += max(least, actual)
	}
	return total / perTPSHour
}

// asItWas is the minimum that was in force.
func (s *steps) asItWas(i int) float64 { return s.minimum[i] }

// count tells how many slots are so.
func count(slots []bool) int {
	n := 0
	for _, is := range slots {
		if is {
			n++
		}
	}
	return n
}

// hours is a number of slots in hours.
func hours(slots int) float64 { return float64(slots) / float64(slotsPerHour) }

// idle tells how many running slots had no call, and since which slot there has been
// none; that is len(requests) if the last one had some.
func (s *steps) idle() (slots, since int) {
	for i, requests := range s.requests {
		switch {
		case requests > 0 || s.called[i]:
			since = i + 1
		case !s.stopped[i]:
			slots++
		}
	}
	return slots, since
}

// quiet tells whether there was a running slot without requests.
func (s *steps) quiet() bool {
	for i, requests := range s.requests {
		if requests == 0 && !s.stopped[i] {
			return true
		}
	}
	return false
}

// jumps counts how often demand rose above a rate within one step, from at or below
// another one; both are in requests a second.
func (s *steps) jumps(from, above float64) int {
	n := 0
	from, above = from*slotSeconds, above*slotSeconds
	for i := 1; i < len(s.requests); i++ {
		if s.requests[i] > above && s.requests[i-1] <= from {
			n++
		}
	}
	return n
}
