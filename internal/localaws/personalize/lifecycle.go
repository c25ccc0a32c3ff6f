package personalize

import (
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
)

// lifecycle executes the changes of resources that take time.
type lifecycle struct {
	cycle estatefile.LifeCycle
	due   []transition // by time
}

// transition is a change that happens automatically at a time.
type transition struct {
	at time.Time
	do func(at time.Time)
}

// plan schedules a transition, after those that are planned for the same time.
func (l *lifecycle) plan(at time.Time, do func(at time.Time)) {
	i, _ := slices.BinarySearchFunc(l.due, at, func(t transition, at time.Time) int {
		if t.at.After(at) {
			return 1
		}
		return -1
	})
	l.due = slices.Insert(l.due, i, transition{at, do})
}

// begin starts a change: its status is "verb PENDING" from now on, "verb IN_PROGRESS" after a
// fifth of its time; in the end done is called.
func (l *lifecycle) begin(e *endpoint, verb string, takes time.Duration, now time.Time, done func(at time.Time)) {
	e.move(verb+" PENDING", now)
	l.plan(now.Add(takes/5), func(at time.Time) { e.move(verb+" IN_PROGRESS", at) })
	l.plan(now.Add(takes), done)
}

func (l *lifecycle) beginCreate(e *endpoint, now time.Time) {
	l.begin(e, "CREATE", l.cycle.Create, now, func(at time.Time) {
		if e.fails == "create" {
			e.move(estatefile.CreateFailed, at)
			e.FailureReason = "The creation failed."
			return
		}
		e.move(estatefile.Active, at)
	})
}

func (l *lifecycle) beginStop(e *endpoint, now time.Time) {
	l.begin(e, "STOP", l.cycle.Stop, now, func(at time.Time) { e.move(estatefile.Inactive, at) })
}

func (l *lifecycle) beginStart(e *endpoint, now time.Time) {
	l.begin(e, "START", l.cycle.Start, now, func(at time.Time) { e.move(estatefile.Active, at) })
}

func (l *lifecycle) beginDelete(e *endpoint, now time.Time) {
	l.begin(e, "DELETE", l.cycle.Delete, now, func(time.Time) { e.region.remove(e) })
}

// beginUpdate starts an update to other settings. The resource serves with the old ones until
// the update is ACTIVE, and keeps them if it fails.
func (l *lifecycle) beginUpdate(e *endpoint, wanted settings, now time.Time) {
	e.Updated = now
	e.latest = &update{settings: wanted, status: status{Status: estatefile.CreatePending, Created: now, Updated: now}}
	l.planUpdate(e, now, now.Add(l.cycle.Update))
}

// planUpdate schedules the rest of the latest update.
func (l *lifecycle) planUpdate(e *endpoint, accepted, end time.Time) {
	u := e.latest
	if u.Status == estatefile.CreatePending {
		l.plan(accepted.Add(end.Sub(accepted)/5), func(at time.Time) {
			u.Status, u.Updated = estatefile.CreateInProgress, at
		})
	}
	l.plan(end, func(at time.Time) {
		u.Updated, e.Updated = at, at
		if e.fails == "update" {
			u.Status, u.FailureReason = estatefile.CreateFailed, "The update failed."
			return
		}
		u.Status = estatefile.Active
		e.region.unfollow(e)
		e.settings = u.settings
		e.region.follow(e)
	})
}

// advance executes, in order, every transition that is due. Each happens at its own time,
// however late advance is called: a clock that leaps gives the same history as one that creeps.
func (l *lifecycle) advance(now time.Time) {
	for len(l.due) > 0 && !l.due[0].at.After(now) {
		t := l.due[0]
		l.due = l.due[1:]
		t.do(t.at)
	}
}
