package billing

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// gapSlots is how many slots in a row a recommender must be unseen by a running monitor to
// count as stopped; a single one may be a failed read.
const gapSlots = 2

// slotSeconds is the length of a slot: what is paid for at a minimum of 1, in requests.
const slotSeconds = float64(Slot / time.Second)

// PerTPSHour is how many requests a TPS-hour is. Sums are made of requests, which are
// whole numbers, and only divided at the end, so that they are exact.
const PerTPSHour = float64(time.Hour / time.Second)

// Unit is the time that the throughput of a kind is metered in.
func Unit(kind model.Kind) time.Duration {
	if kind == model.Recommender {
		return time.Hour
	}
	return Slot
}

// Metering is what is paid for in one unit, in requests: those that the minimum provides, or those
// that were made if there are more.
func Metering(provided, made float64) float64 { return max(provided, made) }

// Throughput is what was provisioned and what was used, in requests per second: means of the
// time in which anything ran, and the highest 5 minutes.
type Throughput struct {
	Provisioned float64     `json:"provisioned"`
	Actual      float64     `json:"actual"`
	Peak        float64     `json:"peak"`
	Utilization Utilization `json:"utilization"`
}

// Utilization is how the ratio of demand to minimum was spread, in percent; nil where there is no
// data. The mean is that of the whole time, percentiles are those of 5-minute slots (nearest
// rank), and the lowest and highest are whole hours of the clock.
type Utilization struct {
	Mean        *float64 `json:"mean"`
	P50         *float64 `json:"p50"`
	P95         *float64 `json:"p95"`
	LowestHour  *float64 `json:"lowestHour"`
	HighestHour *float64 `json:"highestHour"`
}

// TPSHours are throughput over time.
type TPSHours struct {
	Paid   float64 `json:"paid"`
	Used   float64 `json:"used"`
	Wasted float64 `json:"wasted"` // paid and not used; never negative
}

// Add adds others.
func (h *TPSHours) Add(other TPSHours) {
	h.Paid += other.Paid
	h.Used += other.Used
	h.Wasted += other.Wasted
}

// finite is nil for NaN and infinity.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// Hour is one hour of the clock: means over the part of it that was metered.
type Hour struct {
	Start       time.Time
	Provisioned float64
	Actual      float64
	Paid        float64 // TPS-hours
	Used        float64 // TPS-hours
}

// slots is a resource's metered time in slots of 5 minutes. All of its demand is known.
type slots struct {
	Demand
	minimum []float64 // TPS; 0 where it was stopped
	known   []bool    // the minimum was published; else it is assumed
	stopped []bool
	called  []bool // by calls that are not among the requests; see Metered.AddCalls
}

// AssumeMinimums fills in the assumed minimum of a resource where none was published (0).
// at is the start of the period of each value, before and after are the minimums that were published
// last before the values and first after them, 0 without any. Since its latest update it is the present
// one; before that the one published last, or else the first published after it. If none
// ever was, it is the present one.
func AssumeMinimums(r model.Resource, minimum []float64, at func(i int) time.Time, before, after float64) {
	inside := 0.0
	if first := slices.IndexFunc(minimum, func(v float64) bool { return v > 0 }); first >= 0 {
		inside = minimum[first]
	}
	assumed := cmp.Or(before, inside, after, float64(r.MinTPS))
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

// newSlots spreads series over the metered time. A slot without requests had none; for one
// without a published minimum see AssumeMinimums.
func newSlots(r model.Resource, w model.Window, requests, minimums, running model.Series) *slots {
	n := int(w.Duration() / Slot)
	s := &slots{
		Demand:  Demand{r.Kind, w.Start, make([]float64, n)},
		minimum: make([]float64, n), known: make([]bool, n), stopped: make([]bool, n), called: make([]bool, n),
	}
	s.each(requests, func(i int, value float64) { s.Requests[i] = value })
	before, after := 0.0, 0.0
	if minimums.Complete {
		s.each(minimums, func(i int, value float64) {
			if value > 0 {
				s.minimum[i], s.known[i] = value, true
			}
		})
		before, after = around(minimums, w, r.Created)
	}
	AssumeMinimums(r, s.minimum, s.Time, before, after)
	if r.Kind == model.Recommender && minimums.Complete && running.Complete {
		s.markStops(running, before > 0)
	}
	return s
}

// around are the last value between a creation and a window, and the first one after the window; 0
// without any.
func around(series model.Series, w model.Window, created time.Time) (before, after float64) {
	for _, p := range series.Points {
		switch {
		case p.Time.Before(created): // of an earlier resource of that name
		case p.Time.Before(w.Start):
			before = p.Value
		case !p.Time.Before(w.End):
			return before, p.Value
		}
	}
	return before, 0
}

// markStops finds when a recommender was stopped: it was seen before, the monitor ran, yet
// published no minimum of it, and no one called it, in at least two slots in a row. A
// campaign cannot be stopped, and what was never seen before may not have been monitored.
func (s *slots) markStops(running model.Series, seen bool) {
	ran := make([]bool, len(s.Requests))
	s.each(running, func(i int, value float64) { ran[i] = value > 0 })
	gap := 0
	for i := range max(0, len(s.Requests)-rules.FreshSlots) {
		seen = seen || s.known[i]
		if !seen || !ran[i] || s.known[i] || s.Requests[i] > 0 {
			gap = 0
			continue
		}
		gap++
		from := i
		if gap == gapSlots {
			from = i - gap + 1
		}
		for j := from; gap >= gapSlots && j <= i; j++ {
			s.stopped[j], s.minimum[j] = true, 0
		}
	}
}

// idle counts the running slots without a call, and finds the first slot since which there
// has been none; that is len(requests) if the last one had some.
func (s *slots) idle() (n, since int) {
	for i, requests := range s.Requests {
		switch {
		case requests > 0 || s.called[i]:
			since = i + 1
		case !s.stopped[i]:
			n++
		}
	}
	return n, since
}

// jumps counts how often demand rose above a rate within one slot, from at or below another
// one; both are in requests a second.
func (s *slots) jumps(from, above float64) int {
	n := 0
	from, above = from*slotSeconds, above*slotSeconds
	for i := 1; i < len(s.Requests); i++ {
		if s.Requests[i] > above && s.Requests[i-1] <= from {
			n++
		}
	}
	return n
}

func (s *slots) throughput() Throughput {
	t := Throughput{Peak: slices.Max(s.Requests) / slotSeconds, Utilization: s.utilization()}
	if ran := float64(len(s.Requests) - count(s.stopped)); ran > 0 {
		t.Provisioned = sum(s.minimum) / ran
		t.Actual = sum(s.Requests) / (ran * slotSeconds)
	}
	return t
}

func (s *slots) utilization() Utilization {
	ratios := make([]float64, 0, len(s.Requests))
	for i := range s.Requests {
		if !s.stopped[i] {
			ratios = append(ratios, s.ratio(i, i+1))
		}
	}
	if len(ratios) == 0 {
		return Utilization{}
	}
	slices.Sort(ratios)
	lowest, highest := math.Inf(1), math.Inf(-1)
	for h := range s.hours(s.inForce) {
		if h.to-h.from == slotsPerHour && !slices.Contains(s.stopped[h.from:h.to], true) {
			ratio := h.made / h.provided * 100
			lowest, highest = min(lowest, ratio), max(highest, ratio)
		}
	}
	return Utilization{
		Mean: finite(s.ratio(0, len(s.Requests))), P50: finite(nearestRank(ratios, 50)), P95: finite(nearestRank(ratios, 95)),
		LowestHour: finite(lowest), HighestHour: finite(highest),
	}
}

// ratio is demand over minimum in the slots [from, to), in percent.
func (s *slots) ratio(from, to int) float64 {
	return sum(s.Requests[from:to]) / (sum(s.minimum[from:to]) * slotSeconds) * 100
}

// inForce is the minimum that was in force.
func (s *slots) inForce(i int) float64 { return s.minimum[i] }

// atMost is the minimum that was in force, with an upper limit.
func (s *slots) atMost(limit float64) minimums {
	return func(i int) float64 { return min(s.minimum[i], limit) }
}

// throughout is one minimum all the time that the resource ran.
func (s *slots) throughout(minimum float64) minimums {
	return func(i int) float64 {
		if s.stopped[i] {
			return 0
		}
		return minimum
	}
}

// removed is the minimum in force until a slot, and none from there on.
func (s *slots) removed(since int) minimums {
	return func(i int) float64 {
		if i >= since {
			return 0
		}
		return s.minimum[i]
	}
}

func hours(slots int) float64 { return float64(slots) / float64(slotsPerHour) }

func count(slots []bool) int {
	n := 0
	for _, is := range slots {
		if is {
			n++
		}
	}
	return n
}

func sum(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total
}
