package rules_test

import (
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// spoiler is one thing that may stand against an action. The first part happens before
// there are calls, the second after.
type spoiler struct{ before, after func(*history) }

var spoilers = [...]spoiler{
	{before: young},
	{after: callInIdleTime},
	{after: callInIdleTime},
	{after: callSince},
	{after: func(h *history) {
		h.victim, h.damage = h.IntN([...]int{4, 16, 30}[h.IntN(3)]), damage(h.IntN(int(damages)))
	}},
	{after: func(h *history) {
		h.victim, h.damage = h.IntN([...]int{4, 16, 30}[h.IntN(3)]), damage(h.IntN(int(damages)))
	}},
	{after: func(h *history) {
		h.victim, h.damage = h.IntN([...]int{4, 16, 30}[h.IntN(3)]), damage(h.IntN(int(damages)))
	}},
	{after: func(h *history) {
		h.victim, h.damage = h.IntN([...]int{4, 16, 30}[h.IntN(3)]), damage(h.IntN(int(damages)))
	}},
	{before: func(h *history) { h.touch(person, h.updateAge(), h.settled()) }},
	{before: updatedByUs},
	{before: func(h *history) { updatedByUs(h); h.changeAgain() }},
	{before: syncedByService},
	{before: updatedThoughSynced},
	{before: func(h *history) { h.touch(person, h.updateAge(), h.settled()); h.changeAgain() }},
	{before: raised},
	{before: underWay},
	{before: func(h *history) {
		h.resource.Status = [...]model.Status{"DELETE PENDING", "STOP IN_PROGRESS", "INACTIVE", "WHATEVER"}[h.IntN(4)]
	}},
	{before: hardToSee},
	{before: func(h *history) { h.resource.Recipe = "" }},
	{before: func(h *history) { h.resource.Stale = true }},
	{before: func(h *history) { h.resource.MinTPS = 1 }},
	{before: stoppedForAWhile},
	{before: stoppedForAWhile},
	{after: missWindows},
	{after: func(h *history) { h.fresh = h.Int64N(3) }},
}

func young(h *history) {
	h.created = h.now - [...]int64{h.around(h.idle()), h.around(day), h.Int64N(2 * hour)}[h.IntN(3)]
}

func callInIdleTime(h *history) {
	at := h.end - h.between(minute, h.idle())
	h.add(h.IntN(len(metrics)), h.IntN(outcomes), at, 1+h.Int64N(3))
}

func callSince(h *history) {
	h.add(h.IntN(len(metrics)), h.IntN(outcomes), h.end+h.between(0, h.now-h.end), 1)
}

// updatedByUs is a step-down of ours: it lowered the minimum, and set our marker to the time at
// which it was accepted.
func updatedByUs(h *history) {
	if !h.touch(ours, h.updateAge(), h.settled()) {
		return
	}
	h.oldMin = h.resource.MinTPS + 1 + h.IntN(3)
	h.marks = append(h.marks, h.updated)
}

// changeAgain has a person touch the resource after its latest update, as starting a
// recommender again does: only the time of the last change shows it.
func (h *history) changeAgain() {
	if h.resource.Update == nil {
		return
	}
	changed := h.resource.Update.Changed.Unix()
	if at := changed + 2*minute + 1 + h.Int64N(hour); at <= h.now {
		h.by, h.resource.LastUpdated = person, time.Unix(at, 0).UTC()
	}
}

// syncedByService has the service move the campaign to a solution version just trained.
func syncedByService(h *history) {
	if !h.touch(service, h.updateAge(), h.settled()) {
		return
	}
	h.resource.AutoSync = true
	h.resource.VersionReady = time.Unix(h.updated-h.between(0, 6*hour), 0).UTC()
}

// updatedThoughSynced is a person's update of a campaign that synchronises: either no
// version was trained shortly before, or the minimum was changed with it.
func updatedThoughSynced(h *history) {
	if !h.touch(person, h.updateAge(), h.settled()) {
		return
	}
	h.resource.AutoSync = true
	ready := h.updated + 1 + h.Int64N(hour)
	switch h.IntN(4) {
	case 0:
		ready = h.updated - 6*hour - 1 - h.Int64N(day)
	case 1:
		ready, h.oldMin = h.updated-h.Int64N(hour), h.resource.MinTPS+1
	case 2:
		h.resource.VersionReady = time.Time{}
		return
	}
	h.resource.VersionReady = time.Unix(ready, 0).UTC()
}

func raised(h *history) {
	if h.resource.MinTPS == 1 {
		h.resource.MinTPS = 4
	}
	ago := h.between(45*minute, 26*hour)
	if h.oneIn(3) {
		ago = h.around(day)
	}
	if !h.touch(person, ago, h.settled()) {
		return
	}
	h.oldMin = 1 + h.IntN(h.resource.MinTPS-1)
}

func underWay(h *history) {
	status := [...]model.Status{"CREATE PENDING", "CREATE IN_PROGRESS", "DELETE PENDING", "REBALANCING", ""}[h.IntN(5)]
	if !h.touch(ours, h.around(max(h.idle(), day)), status) {
		return
	}
	h.marks = append(h.marks, h.updated)
}

func hardToSee(h *history) {
	h.resource.Recipe = doubtful[h.IntN(len(doubtful))]
}

// stoppedForAWhile has the resource not running for some windows of the idle time.
func stoppedForAWhile(h *history) {
	h.down = h.end/slot*slot - h.between(1, h.idle()/slot+2)*slot
	h.until = h.down + h.between(1, 30)*slot
}

// missWindows has single windows not read at the time.
func missWindows(h *history) {
	at := h.end - h.between(1, h.idle()/slot)*slot
	for range 1 + h.IntN(3) {
		h.missed = append(h.missed, at)
		at -= h.between(1, 20) * slot
	}
}
