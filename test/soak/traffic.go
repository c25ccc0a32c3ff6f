package main

import (
	"math"
	"time"
)

// stepLength is the length of a step, for which requests are counted.
const stepLength = 5 * time.Minute

// stepOf is the step that contains a time, counted since the epoch.
func stepOf(t time.Time) int64 { return t.Unix() / int64(stepLength/time.Second) }

func stepStart(step int64) time.Time { return time.Unix(step*int64(stepLength/time.Second), 0).UTC() }

// requests are the requests to a resource in a step.
type requests struct{ ok, failed4xx, failed5xx float32 }

func (n requests) any() bool { return n.ok+n.failed4xx+n.failed5xx > 0 }

// shape is a pattern of traffic.
type shape int

const (
	none     shape = iota
	constant       // the rate, within a tenth
	daily          // between almost nothing and twice the rate over the day
	bursts         // the rate in one step of twelve at random, else nothing
	failing        // the rate, and every request fails
	trickle        // one request every few hours
	weekly         // the rate in one hour of each week, up to 8 hours late
	shapes
)

// phase is the traffic from a step on.
type phase struct {
	from  int64
	shape shape
	tps   float64
}

// at returns the requests that callers send in a step.
func (p phase) at(step int64, seed uint64) requests {
	all := math.Round(p.tps * stepLength.Seconds() * (1 + 0.1*noise(seed, step)))
	switch p.shape {
	case constant:
		return requests{ok: float32(all)}
	case daily:
		angle := 2 * math.Pi * float64(step%288) / 288
		return requests{ok: float32(math.Round(all * (1 + 0.9*math.Cos(angle))))}
	case bursts:
		if noise(seed+1, step) > 0.83 {
			return requests{ok: float32(all)}
		}
	case failing:
		return requests{failed4xx: float32(math.Floor(all / 2)), failed5xx: float32(all - math.Floor(all/2))}
	case trickle:
		if noise(seed+2, step) > 0.94 {
			return requests{ok: 1}
		}
	case weekly:
		hour := step / 12
		week := hour / (7 * 24)
		due := int64((noise(seed, 0)+1)/2*(7*24-9)) + int64((noise(seed+4, week)+1)/2*9)
		if hour%(7*24) == due {
			return requests{ok: float32(all)}
		}
	}
	return requests{}
}

// noise is a number from -1 to 1 that depends on the seed and the step only.
func noise(seed uint64, step int64) float64 {
	x := seed ^ uint64(step)*0xd1342543de82ef95
	x ^= x >> 32
	x *= 0xd6e8feb86659fd93
	x ^= x >> 32
	x *= 0xd6e8feb86659fd93
	x ^= x >> 32
	return float64(x>>11)/(1<<52) - 1
}

// requests returns the requests of a step that reached the resource: the share that was sent while it was active.
func (r *resource) requests(step int64) requests {
	from, to := stepStart(step), stepStart(step+1)
	var up time.Duration
	for i := len(r.spans) - 1; i >= 0; i-- {
		start, end := r.spans[i].from, r.spans[i].to
		if end.Before(from) && !end.IsZero() {
			break
		}
		if end.IsZero() || end.After(to) {
			end = to
		}
		if start.Before(from) {
			start = from
		}
		up += max(0, end.Sub(start))
	}
	if up <= 0 {
		return requests{}
	}
	n := r.demand(step)
	if up >= stepLength {
		return n
	}
	share := float32(up.Seconds() / stepLength.Seconds())
	part := func(n float32) float32 { return float32(math.Round(float64(n * share))) }
	return requests{part(n.ok), part(n.failed4xx), part(n.failed5xx)}
}

// demand returns the requests that callers send in a step, whether or not the resource is active.
func (r *resource) demand(step int64) requests {
	for i := len(r.phases) - 1; i >= 0; i-- {
		if r.phases[i].from <= step {
			return r.phases[i].at(step, r.seed)
		}
	}
	return requests{}
}

// visibleAfter is how long after its end CloudWatch shows a step: up to 110 seconds.
func (r *resource) visibleAfter(step int64) time.Duration {
	return 70*time.Second + time.Duration(noise(r.seed+3, step)*40)*time.Second
}

// visible reports whether CloudWatch shows a step at a time.
func (r *resource) visible(step int64, at time.Time) bool {
	return !at.Before(stepStart(step + 1).Add(r.visibleAfter(step)))
}

// series is one metric of the requests to a resource, which the embedded AWS reads.
type series struct {
	oracle   *oracle
	resource *resource
	pick     func(requests) float32
}

// Value returns the metric for the step that begins at start.
func (s series) Value(start time.Time) (float64, bool) {
	step := stepOf(start)
	s.oracle.mu.Lock()
	defer s.oracle.mu.Unlock()
	if !s.resource.visible(step, s.oracle.clock.Now()) {
		return 0, false
	}
	v := s.pick(s.resource.requests(step))
	return float64(v), v > 0
}

// advance settles all resources, and drops traffic that is so old that no one asks for it.
func (o *oracle) advance(now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	oldest := now.Add(-history)
	for _, r := range o.resources {
		r.settle(now)
		for len(r.phases) > 1 && stepStart(r.phases[1].from).Before(oldest) {
			r.phases = r.phases[1:]
		}
		for len(r.spans) > 1 && !r.spans[0].to.IsZero() && r.spans[0].to.Before(oldest) {
			r.spans = r.spans[1:]
		}
	}
}
