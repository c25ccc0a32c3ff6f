package soak

import (
	"math"
	"time"
)

// stepLength is the length of a step of traffic, for which requests are counted.
const stepLength = 5 * time.Minute

// stepOf is the step that a moment falls into, counted since the epoch.
func stepOf(t time.Time) int64 { return t.Unix() / int64(stepLength/time.Second) }

func stepStart(step int64) time.Time { return time.Unix(step*int64(stepLength/time.Second), 0).UTC() }

// calls are the calls to a resource in a step: answered, and refused for two reasons.
type calls struct{ ok, failed4xx, failed5xx float32 }

func (c calls) any() bool { return c.ok+c.failed4xx+c.failed5xx > 0 }

// shape is a way in which callers behave.
type shape int

const (
	dead     shape = iota
	constant       // the rate, give or take a tenth
	daily          // between nothing much and twice the rate over the day
	bursts         // the rate in one step of twelve at random, else nothing
	broken         // the rate, and every call fails
	trickle        // one call every few hours
	shapes
)

// phase is how callers behave from a step on.
type phase struct {
	from  int64
	shape shape
	tps   float64
}

// history is how many steps back calls are remembered: 14 days and a little more.
const history = int64(retention / stepLength)

// at gives the calls wanted in a step if the resource is there to answer them.
func (p phase) at(step int64, seed uint64) calls {
	all := math.Round(p.tps * stepLength.Seconds() * (1 + 0.1*noise(seed, step)))
	switch p.shape {
	case constant:
		return calls{ok: float32(all)}
	case daily:
		angle := 2 * math.Pi * float64(step%288) / 288
		return calls{ok: float32(math.Round(all * (1 + 0.9*math.Cos(angle))))}
	case bursts:
		if noise(seed+1, step) > 0.83 {
			return calls{ok: float32(all)}
		}
	case broken:
		return calls{failed4xx: float32(math.Floor(all / 2)), failed5xx: float32(all - math.Floor(all/2))}
	case trickle:
		if noise(seed+2, step) > 0.94 {
			return calls{ok: 1}
		}
	}
	return calls{}
}

// noise is a number from -1 to 1 that a seed and a step always give alike.
func noise(seed uint64, step int64) float64 {
	x := seed ^ uint64(step)*0xd1342543de82ef95
	x ^= x >> 32
	x *= 0xd6e8feb86659fd93
	x ^= x >> 32
	x *= 0xd6e8feb86659fd93
	x ^= x >> 32
	return float64(x>>11)/(1<<52) - 1
}

// wanted is what callers send in a step.
func (r *resource) wanted(step int64) calls {
	for i := len(r.phases) - 1; i >= 0; i-- {
		if r.phases[i].from <= step {
			return r.phases[i].at(step, r.seed)
		}
	}
	return calls{}
}

// served are the calls of a step that reached the resource: the share of those sent for
// which it was there.
func (r *resource) served(step int64) calls {
	from, to := stepStart(step), stepStart(step+1)
	var there time.Duration
	for i := len(r.spans) - 1; i >= 0; i-- {
		s := r.spans[i]
		if s.to.Before(from) && !s.to.IsZero() {
			break
		}
		end := to
		if !s.to.IsZero() && s.to.Before(to) {
			end = s.to
		}
		start := from
		if s.from.After(from) {
			start = s.from
		}
		there += max(0, end.Sub(start))
	}
	if there <= 0 {
		return calls{}
	}
	c := r.wanted(step)
	if there >= stepLength {
		return c
	}
	share := float32(there.Seconds() / stepLength.Seconds())
	part := func(n float32) float32 { return float32(math.Round(float64(n * share))) }
	return calls{part(c.ok), part(c.failed4xx), part(c.failed5xx)}
}

// visibleAfter is how long after its end CloudWatch shows a step: up to 110 seconds.
func (r *resource) visibleAfter(step int64) time.Duration {
	return 70*time.Second + time.Duration(noise(r.seed+3, step)*40)*time.Second
}

// calls gives the calls of a step.
func (m *demand) calls(r *resource, step int64) calls {
	if step <= r.recorded {
		if step <= r.recorded-history {
			return calls{}
		}
		return r.past[(step%history+history)%history]
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return r.served(step)
}

// series is one metric of a resource's calls, which the embedded AWS asks for.
type series struct {
	model *demand
	of    *resource
	pick  func(calls) float32
}

// Value gives the metric for the step that begins at start.
func (s series) Value(start time.Time) (float64, bool) {
	step := stepOf(start)
	if step >= s.of.recorded && s.model.clock.Now().Before(stepStart(step+1).Add(s.of.visibleAfter(step))) {
		return 0, false
	}
	v := s.pick(s.model.calls(s.of, step))
	return float64(v), v > 0
}

// record remembers the steps that have ended. Nobody asks for calls meanwhile.
func (m *demand) record(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := stepOf(now) - 1
	for _, r := range m.resources {
		m.settle(r, now)
		for step := max(r.recorded+1, last-history+1); step <= last; step++ {
			r.past[(step%history+history)%history] = r.served(step)
		}
		r.recorded = last
		r.forget(last - history)
	}
}

// forget drops phases and spans that are past remembering.
func (r *resource) forget(before int64) {
	for len(r.phases) > 1 && r.phases[1].from < before {
		r.phases = r.phases[1:]
	}
	for len(r.spans) > 1 && !r.spans[0].to.IsZero() && stepOf(r.spans[0].to) < before {
		r.spans = r.spans[1:]
	}
}
