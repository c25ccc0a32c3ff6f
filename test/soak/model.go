package soak

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Life cycle of campaigns and recommenders, as the embedded AWS is told.
const (
	createTakes = 10 * time.Minute
	updateTakes = 10 * time.Minute
	startTakes  = 10 * time.Minute
	stopTakes   = 5 * time.Minute
	deleteTakes = 2 * time.Minute
)

// status is what a resource is up to, as far as it matters.
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

// span is a stretch of time in which a resource is active; a zero end has not come.
type span struct{ from, to time.Time }

// resource is a campaign or recommender as the oracle knows it: from accepted calls alone.
type resource struct {
	arn, region, name string
	campaign          bool
	metric            string // that counts its requests
	seed              uint64

	born   time.Time
	status status
	until  time.Time // when the status becomes the next one; zero if it stays
	next   status
	since  time.Time // of the status
	spans  []span

	min, wants int       // minimum; of an update under way
	settles    time.Time // when that ends; zero without one
	updated    time.Time // when an update was last accepted, whoever asked for it
	touched    time.Time // when the owner last asked for a change of it
	raised     time.Time // when a raise by the owner took effect
	raisedFrom int       // what it was a raise from
	published  []shown   // the minimums published in the last day, oldest first
	changed    time.Time // when its settings or status last changed
	doings     []string  // the last changes asked for, told when something is wrong
	protect    string    // value of its protecting tag; empty without one

	phases   []phase
	past     []calls // a ring of the steps up to recorded
	recorded int64
}

// demand is the estate as it should be.
type demand struct {
	mu        sync.Mutex // while calls are under way
	clock     model.Clock
	resources map[string]*resource // by ARN
}

func newDemand(clock model.Clock) *demand {
	return &demand{clock: clock, resources: map[string]*resource{}}
}

// sorted are the resources by ARN, so that chance finds them in the same order every time.
func (m *demand) sorted() []*resource {
	list := make([]*resource, 0, len(m.resources))
	for _, r := range m.resources {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *resource) int { return strings.Compare(a.arn, b.arn) })
	return list
}

// count is how many resources there are.
func (m *demand) count() int {
	n := 0
	for _, r := range m.resources {
		if r.status != gone {
			n++
		}
	}
	return n
}

const account = "000000000000"

func arnOf(region, name string) string {
	return fmt.Sprintf("arn:aws:personalize:%s:%s:%s", region, account, name)
}

// add makes a resource known; one of the same ARN takes the place of a former one, whose
// calls stay those of the ARN.
func (m *demand) add(region, name string, campaign bool, metric string, minimum int, now, born time.Time) *resource {
	kind := "recommender/"
	if campaign {
		kind = "campaign/"
	}
	arn := arnOf(region, kind+name)
	r := m.resources[arn]
	if r == nil {
		h := fnv.New64a()
		_, _ = h.Write([]byte(arn)) // a hash takes everything
		r = &resource{arn: arn, region: region, name: name, campaign: campaign, seed: h.Sum64(), past: make([]calls, history)}
		r.recorded = stepOf(born) - 1
		m.resources[arn] = r
	}
	r.metric, r.min, r.wants = metric, minimum, 0
	r.born, r.settles, r.updated, r.raised, r.touched, r.protect = born, time.Time{}, time.Time{}, time.Time{}, born, ""
	r.changed, r.doings = now, nil
	return r
}

// move puts a resource into a status.
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

// become puts a resource into a status that becomes another after some time.
func (r *resource) become(doing status, takes time.Duration, then status, at time.Time) {
	r.move(doing, at)
	r.until, r.next = at.Add(takes), then
}

// settle carries out what has come about by now.
func (m *demand) settle(r *resource, now time.Time) {
	if !r.until.IsZero() && !r.until.After(now) {
		r.move(r.next, r.until)
	}
	if !r.settles.IsZero() && !r.settles.After(now) {
		if r.wants > r.min && r.touched.Equal(r.updated) {
			r.raised, r.raisedFrom = r.settles, r.min
		}
		r.min, r.changed, r.settles = r.wants, r.settles, time.Time{}
	}
}

// busy tells whether something is under way with a resource.
func (r *resource) busy() bool { return r.status != active || !r.settles.IsZero() }

// activeAll tells whether a resource was active all the time in [from, to].
func (r *resource) activeAll(from time.Time) bool {
	return r.status == active && len(r.spans) > 0 && !r.spans[len(r.spans)-1].from.After(from)
}

// shown is a minimum that was published for a window.
type shown struct {
	at      time.Time // start of the window
	minimum float64
}

// show notes a minimum that was published.
func (r *resource) show(at time.Time, minimum float64) {
	r.published = append(r.published, shown{at, minimum})
	for at.Sub(r.published[0].at) > 25*time.Hour {
		r.published = r.published[1:]
	}
}

// wasLower tells whether a lower minimum than the present one was published since a time.
func (r *resource) wasLower(since time.Time) bool {
	return slices.ContainsFunc(r.published, func(s shown) bool { return !s.at.Before(since) && s.minimum < float64(r.min) })
}

// accepted notes an accepted change of a resource. It is called under the lock.
func (m *demand) accepted(op string, r *resource, minimum int, byOwner bool, now time.Time) {
	m.settle(r, now)
	r.tell(op, minimum, byOwner, now)
	if byOwner {
		r.touched = now
	}
	switch op {
	case "DeleteCampaign", "DeleteRecommender":
		r.become(deleting, deleteTakes, gone, now)
	case "StopRecommender":
		r.become(stopping, stopTakes, inactive, now)
	case "StartRecommender":
		r.become(starting, startTakes, active, now)
	case "UpdateCampaign", "UpdateRecommender":
		r.wants, r.updated, r.settles, r.changed = minimum, now, now.Add(updateTakes), now
	}
}

// doingsTold is how many of its latest changes are told of a resource.
const doingsTold = 6

// tell notes a change that was asked for.
func (r *resource) tell(op string, minimum int, byOwner bool, now time.Time) {
	doing, who := op, "the program"
	if minimum > 0 {
		doing = fmt.Sprintf("%s from %d to %d", op, r.min, minimum)
	}
	if byOwner {
		who = "its owner"
	}
	r.doings = append(r.doings, fmt.Sprintf("%s %s by %s", now.Format("01-02 15:04"), doing, who))
	r.doings = r.doings[max(0, len(r.doings)-doingsTold):]
}

// forgetGone drops resources that have been gone for long, and gives them.
func (m *demand) forgetGone(now time.Time) []*resource {
	var dropped []*resource
	for _, r := range m.sorted() {
		if r.status == gone && now.Sub(r.since) > 24*time.Hour {
			delete(m.resources, r.arn)
			dropped = append(dropped, r)
		}
	}
	return dropped
}
