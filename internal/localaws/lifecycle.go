package localaws

import (
	"container/heap"
	"time"
)

// The states of campaigns and recommenders (DescribeCampaign and DescribeRecommender in
// the Personalize API reference).
const (
	statusActive           = "ACTIVE"
	statusInactive         = "INACTIVE"
	statusCreateFailed     = "CREATE FAILED"
	statusCreatePending    = "CREATE PENDING"
	statusCreateInProgress = "CREATE IN_PROGRESS"
	statusStopPending      = "STOP PENDING"
	statusStopInProgress   = "STOP IN_PROGRESS"
	statusStartPending     = "START PENDING"
	statusStartInProgress  = "START IN_PROGRESS"
	statusDeletePending    = "DELETE PENDING"
	statusDeleteInProgress = "DELETE IN_PROGRESS"
)

var knownStatuses = []string{
	statusActive, statusInactive, statusCreateFailed, statusCreatePending, statusCreateInProgress, statusStopPending,
	statusStopInProgress, statusStartPending, statusStartInProgress, statusDeletePending, statusDeleteInProgress,
}

// transition is a change that comes about by itself at a time.
type transition struct {
	at  time.Time
	seq int // tells apart those of one moment: first planned, first done
	do  func(at time.Time)
}

// transitions is a heap, the next one first.
type transitions struct {
	queue []transition
	seq   int
}

func (t *transitions) Len() int { return len(t.queue) }

func (t *transitions) Less(i, j int) bool {
	a, b := t.queue[i], t.queue[j]
	if a.at.Equal(b.at) {
		return a.seq < b.seq
	}
	return a.at.Before(b.at)
}

func (t *transitions) Swap(i, j int) { t.queue[i], t.queue[j] = t.queue[j], t.queue[i] }

// Push is for the package heap; plan is for everybody else.
func (t *transitions) Push(x any) { t.queue = append(t.queue, x.(transition)) }

// Pop is for the package heap.
func (t *transitions) Pop() any {
	last := t.queue[len(t.queue)-1]
	t.queue[len(t.queue)-1] = transition{}
	t.queue = t.queue[:len(t.queue)-1]
	return last
}

// plan arranges for do to be called with the time at, once settle has reached it.
func (t *transitions) plan(at time.Time, do func(at time.Time)) {
	t.seq++
	heap.Push(t, transition{at: at, seq: t.seq, do: do})
}

// settle carries out, in order, every transition that is due by now. Each happens at its
// own time, however late settle is called, so a clock that leaps gives the same history
// as one that creeps.
func (s *Server) settle(now time.Time) {
	due := &s.personalize.due
	for len(due.queue) > 0 && !due.queue[0].at.After(now) {
		t := heap.Pop(due).(transition)
		t.do(t.at)
	}
}

// begin puts a resource into a change that takes a while: "verb PENDING" from now on,
// "verb IN_PROGRESS" after a fifth of the time, and in the end what done does.
func (s *Server) begin(e *endpoint, verb string, takes time.Duration, now time.Time, done func(at time.Time)) {
	e.move(verb+" PENDING", now)
	s.personalize.due.plan(now.Add(takes/5), func(at time.Time) { e.move(verb+" IN_PROGRESS", at) })
	s.personalize.due.plan(now.Add(takes), done)
}

// beginUpdate makes the settings those of a pending update. The resource keeps serving
// with the old ones until the update is ACTIVE; if it fails, it keeps them for good.
func (s *Server) beginUpdate(e *endpoint, wanted settings, now time.Time) {
	e.updated = now
	e.latest = &endpointUpdate{settings: wanted, status: statusCreatePending, created: now, updated: now}
	s.planUpdate(e, now, now.Add(s.personalize.cycle.Update))
}

// planUpdate arranges the rest of the latest update's way.
func (s *Server) planUpdate(e *endpoint, accepted, end time.Time) {
	u := e.latest
	if u.status == statusCreatePending {
		s.personalize.due.plan(accepted.Add(end.Sub(accepted)/5), func(at time.Time) {
			u.status, u.updated = statusCreateInProgress, at
		})
	}
	s.personalize.due.plan(end, func(at time.Time) {
		u.updated, e.updated = at, at
		if e.fails == failsUpdate {
			u.status, u.failureReason = statusCreateFailed, "The update failed."
			return
		}
		u.status = statusActive
		e.home.unfollow(e)
		e.settings = u.settings
		e.home.follow(e)
	})
}

// beginCreate, beginStop, beginStart and beginDelete are the other changes.
func (s *Server) beginCreate(e *endpoint, now time.Time) {
	s.begin(e, "CREATE", s.personalize.cycle.Create, now, func(at time.Time) {
		if e.fails == failsCreate {
			e.move(statusCreateFailed, at)
			e.failureReason = "The creation failed."
			return
		}
		e.move(statusActive, at)
	})
}

func (s *Server) beginStop(e *endpoint, now time.Time) {
	s.begin(e, "STOP", s.personalize.cycle.Stop, now, func(at time.Time) { e.move(statusInactive, at) })
}

func (s *Server) beginStart(e *endpoint, now time.Time) {
	s.begin(e, "START", s.personalize.cycle.Start, now, func(at time.Time) { e.move(statusActive, at) })
}

func (s *Server) beginDelete(e *endpoint, now time.Time) {
	s.begin(e, "DELETE", s.personalize.cycle.Delete, now, func(time.Time) { e.home.remove(e) })
}

// move sets the status. A resource serves from when it is ACTIVE until it is not.
func (e *endpoint) move(status string, at time.Time) {
	if e.status == statusActive && status != statusActive && len(e.served) > 0 {
		e.served[len(e.served)-1].to = at.UnixMilli()
	}
	if status == statusActive && e.status != statusActive {
		e.served = append(e.served, since(at))
	}
	e.status, e.updated = status, at
}

// updating tells whether an update has not settled yet.
func (e *endpoint) updating() bool {
	return e.latest != nil && e.latest.status != statusActive && e.latest.status != statusCreateFailed
}

// train gives a solution its next version and moves the campaigns that sync with it
// there, as the service does by itself. One that is busy waits for the version after.
func (s *Server) train(sol *solution, at time.Time) {
	v := sol.addVersion(at, sol.newest().recipe)
	for _, e := range sol.synced {
		if e.status != statusActive || e.updating() {
			continue
		}
		wanted := e.settings
		wanted.version = v.arn
		s.beginUpdate(e, wanted, at)
	}
	s.planTraining(sol, at.Add(sol.trainEvery))
}

func (s *Server) planTraining(sol *solution, next time.Time) {
	s.personalize.due.plan(next, func(at time.Time) { s.train(sol, at) })
}
