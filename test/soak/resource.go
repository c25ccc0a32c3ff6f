package main

import (
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// How long the embedded AWS takes for each change.
const (
	createTime = 10 * time.Minute
	updateTime = 10 * time.Minute
	startTime  = 10 * time.Minute
	stopTime   = 5 * time.Minute
	deleteTime = 2 * time.Minute
)

type status string

const (
	creating status = "creating"
	active   status = "active"
	stopping status = "stopping"
	inactive status = "inactive"
	starting status = "starting"
	deleting status = "deleting"
	gone     status = "gone"
)

// span is a time in which a resource is active; a zero end is in the future.
type span struct{ from, to time.Time }

// resource is a campaign or recommender as the oracle knows it: from accepted calls only.
type resource struct {
	arn, region, name string
	campaign          bool
	metric            string // counts its requests
	seed              uint64

	born   time.Time
	status status
	until  time.Time // when the status becomes next; zero if it stays
	next   status
	since  time.Time // of the status
	spans  []span

	min, newMin int               // minimum now, and after the update in progress
	updateEnds  time.Time         // zero without an update in progress
	updated     time.Time         // when an update was last accepted
	touched     time.Time         // when the owner last requested a change
	raised      time.Time         // when a raise by the owner took effect
	raisedFrom  int               // the minimum before that raise
	stepped     int               // the minimum before the latest step-down by the program that no raise undid; else 0
	undone      int               // how many step-downs a raise undid
	published   []model.Datapoint // the minimums published in the last day, oldest first
	changed     time.Time         // when its settings or status last changed
	history     []string          // the last requested changes, for violations
	protect     string            // value of its protecting tag; empty without one
	tagged      time.Time         // when its owner last changed a tag; the program reads the tags again within the hour
	schedule    *timetable        // in its tag; nil without one
	back        *back             // of a timed raise that its owner has not touched since; nil without one
	arranged    bool              // it has, or had, one of these

	tool     int       // minimum that a second tool sets; 0 without one
	enforced time.Time // when that tool last looked at it

	phases []phase // its traffic
}

type oracle struct {
	mu        sync.Mutex // the embedded AWS asks for traffic from several goroutines
	clock     model.Clock
	resources map[string]*resource // by ARN
}

func newOracle(clock model.Clock) *oracle {
	return &oracle{clock: clock, resources: map[string]*resource{}}
}

// sorted returns the resources by ARN, so that the random choices of a seed are the same every time.
func (o *oracle) sorted() []*resource {
	list := make([]*resource, 0, len(o.resources))
	for _, r := range o.resources {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *resource) int { return strings.Compare(a.arn, b.arn) })
	return list
}

func (o *oracle) count() int {
	n := 0
	for _, r := range o.resources {
		if r.status != gone {
			n++
		}
	}
	return n
}

func arnOf(region, name string) string {
	return fmt.Sprintf("arn:aws:personalize:%s:%s:%s", region, account, name)
}

// add adds a resource. It replaces a former resource of the same ARN, whose requests it keeps: CloudWatch does so too.
func (o *oracle) add(region, name string, campaign bool, metric string, minimum int, now, born time.Time) *resource {
	kind := "recommender/"
	if campaign {
		kind = "campaign/"
	}
	arn := arnOf(region, kind+name)
	h := fnv.New64a()
	_, _ = h.Write([]byte(arn)) // never fails
	r := &resource{
		arn: arn, region: region, name: name, campaign: campaign, metric: metric, seed: h.Sum64(),
		min: minimum, born: born, touched: born, changed: now,
	}
	if former := o.resources[arn]; former != nil {
		r.phases, r.spans, r.published = former.phases, former.spans, former.published
	}
	o.resources[arn] = r
	return r
}

func (r *resource) kind() string {
	if r.campaign {
		return "Campaign"
	}
	return "Recommender"
}

func (r *resource) dimension() map[string]string { return map[string]string{r.kind() + "Arn": r.arn} }

func (r *resource) move(to status, at time.Time) {
	if r.status == active && to != active && len(r.spans) > 0 {
		r.spans[len(r.spans)-1].to = at
	}
	if to == active && r.status != active {
		r.spans = append(r.spans, span{from: at})
	}
	r.status, r.since, r.changed = to, at, at
	r.until = time.Time{}
}

// moveVia changes the status to a passing one, and to the next one after some time.
func (r *resource) moveVia(passing status, duration time.Duration, next status, at time.Time) {
	r.move(passing, at)
	r.until, r.next = at.Add(duration), next
}

func (r *resource) settle(now time.Time) {
	if !r.until.IsZero() && !r.until.After(now) {
		r.move(r.next, r.until)
	}
	if !r.updateEnds.IsZero() && !r.updateEnds.After(now) {
		if r.newMin > r.min && r.touched.Equal(r.updated) {
			r.raised, r.raisedFrom = r.updateEnds, r.min
			if r.stepped > 0 && r.newMin >= r.stepped {
				r.undone, r.stepped = r.undone+1, 0
			}
		}
		r.min, r.changed, r.updateEnds = r.newMin, r.updateEnds, time.Time{}
	}
}

// busy reports whether the resource is not active or has an update in progress.
func (r *resource) busy() bool { return r.status != active || !r.updateEnds.IsZero() }

// activeSince reports whether the resource was active all the time since from.
func (r *resource) activeSince(from time.Time) bool {
	return r.status == active && len(r.spans) > 0 && !r.spans[len(r.spans)-1].from.After(from)
}

func (r *resource) publish(at time.Time, minimum float64) {
	r.published = append(r.published, model.Datapoint{Time: at, Value: minimum})
	for at.Sub(r.published[0].Time) > 25*time.Hour {
		r.published = r.published[1:]
	}
}

// wasLower reports whether a minimum below the present one was published since a time.
func (r *resource) wasLower(since time.Time) bool {
	return slices.ContainsFunc(r.published, func(p model.Datapoint) bool { return !p.Time.Before(since) && p.Value < float64(r.min) })
}

// historySize is how many changes of a resource a violation lists.
const historySize = 6

func (r *resource) accept(op string, minimum int, byOwner bool, now time.Time) {
	r.settle(now)
	change, who := op, "the program"
	if minimum > 0 {
		change = fmt.Sprintf("%s from %d to %d", op, r.min, minimum)
	}
	if byOwner {
		who, r.touched = "its owner", now
	}
	r.history = append(r.history, fmt.Sprintf("%s %s by %s", now.Format("01-02 15:04"), change, who))
	r.history = r.history[max(0, len(r.history)-historySize):]
	switch op {
	case "DeleteCampaign", "DeleteRecommender":
		r.moveVia(deleting, deleteTime, gone, now)
	case "StopRecommender":
		r.moveVia(stopping, stopTime, inactive, now)
	case "StartRecommender":
		r.moveVia(starting, startTime, active, now)
	case "UpdateCampaign", "UpdateRecommender":
		if !byOwner && !r.arranged {
			r.stepped = r.min
		}
		if byOwner {
			r.back = nil
		}
		r.newMin, r.updated, r.updateEnds, r.changed = minimum, now, now.Add(updateTime), now
	}
}

// forgetGone drops and returns the resources that no longer exist for a day.
func (o *oracle) forgetGone(now time.Time) []*resource {
	var dropped []*resource
	for _, r := range o.sorted() {
		if r.status == gone && now.Sub(r.since) > 24*time.Hour {
			delete(o.resources, r.arn)
			dropped = append(dropped, r)
		}
	}
	return dropped
}

// stepLength is the length of a step, for which requests are counted.
const stepLength = 5 * time.Minute

// stepOf is the step that contains a time, counted since the epoch.
func stepOf(t time.Time) int64 { return t.Unix() / int64(stepLength/time.Second) }

func stepStart(step int64) time.Time { return time.Unix(step*int64(stepLength/time.Second), 0).UTC() }

type requests struct{ ok, failed4xx, failed5xx float32 }

func (n requests) any() bool { return n.ok+n.failed4xx+n.failed5xx > 0 }

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
