package personalize

import (
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
)

// transition is a change that happens automatically at a time.
type transition struct {
	at time.Time
	do func(at time.Time)
}

// plan schedules a transition, after those that are planned for the same time.
func (s *Service) plan(at time.Time, do func(at time.Time)) {
	i, _ := slices.BinarySearchFunc(s.due, at, func(t transition, at time.Time) int {
		if t.at.After(at) {
			return 1
		}
		return -1
	})
	s.due = slices.Insert(s.due, i, transition{at, do})
}

// begin starts a change: its status is "verb PENDING" from now on, "verb IN_PROGRESS" after a
// fifth of its time; in the end done is called.
func (s *Service) begin(e *endpoint, verb string, takes time.Duration, now time.Time, done func(at time.Time)) {
	e.move(verb+" PENDING", now)
	s.plan(now.Add(takes/5), func(at time.Time) { e.move(verb+" IN_PROGRESS", at) })
	s.plan(now.Add(takes), done)
}

func (s *Service) beginCreate(e *endpoint, now time.Time) {
	s.begin(e, "CREATE", s.cycle.Create, now, func(at time.Time) {
		if e.fails == "create" {
			e.move(estatefile.CreateFailed, at)
			e.FailureReason = "The creation failed."
			return
		}
		e.move(estatefile.Active, at)
	})
}

func (s *Service) beginStop(e *endpoint, now time.Time) {
	s.begin(e, "STOP", s.cycle.Stop, now, func(at time.Time) { e.move(estatefile.Inactive, at) })
}

func (s *Service) beginStart(e *endpoint, now time.Time) {
	s.begin(e, "START", s.cycle.Start, now, func(at time.Time) { e.move(estatefile.Active, at) })
}

func (s *Service) beginDelete(e *endpoint, now time.Time) {
	s.begin(e, "DELETE", s.cycle.Delete, now, func(time.Time) { e.region.remove(e) })
}

// beginUpdate starts an update to other settings. The resource serves with the old ones until
// the update is ACTIVE, and keeps them if it fails.
func (s *Service) beginUpdate(e *endpoint, wanted settings, now time.Time) {
	e.Updated = now
	e.latest = &update{settings: wanted, status: status{Status: estatefile.CreatePending, Created: now, Updated: now}}
	s.planUpdate(e, now, now.Add(s.cycle.Update))
}

// planUpdate schedules the rest of the latest update.
func (s *Service) planUpdate(e *endpoint, accepted, end time.Time) {
	u := e.latest
	if u.Status == estatefile.CreatePending {
		s.plan(accepted.Add(end.Sub(accepted)/5), func(at time.Time) {
			u.Status, u.Updated = estatefile.CreateInProgress, at
		})
	}
	s.plan(end, func(at time.Time) {
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

// train adds a version to a solution and moves the campaigns that sync with it there, as the
// service does. A campaign that is busy waits for the version after it.
func (s *Service) train(sol *solution, at time.Time) {
	v := sol.addVersion(at, sol.newest().recipe)
	for _, e := range sol.synced {
		if e.Status != estatefile.Active || e.updating() {
			continue
		}
		wanted := e.settings
		wanted.Version = v.arn
		s.beginUpdate(e, wanted, at)
	}
	s.planTraining(sol, at.Add(sol.trainEvery))
}

func (s *Service) planTraining(sol *solution, next time.Time) {
	s.plan(next, func(at time.Time) { s.train(sol, at) })
}
