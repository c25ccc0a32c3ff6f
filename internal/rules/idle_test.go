package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

func TestIdle(t *testing.T) {
	s := testSettings()
	idleStart := idleWindow(s, testMoment).Start
	traffic := func(name string, at time.Time, value float64) func(model.Readings, model.Resource) {
		return func(rd model.Readings, r model.Resource) {
			q := idleQuery(r, model.NamespacePersonalize, name, model.Sum, s, testMoment)
			rd[q] = with(rd[q], at, value)
		}
	}
	unread := func(name string) func(model.Readings, model.Resource) {
		return func(rd model.Readings, r model.Resource) {
			rd[idleQuery(r, model.NamespacePersonalize, name, model.Sum, s, testMoment)] = model.Series{}
		}
	}
	// observed makes the monitor run all the time and see the resource, save in the
	// windows that start at the given times before the end of the measured window.
	observed := func(except ...time.Duration) func(model.Readings, model.Resource) {
		return func(rd model.Readings, r model.Resource) {
			rd[runningQuery(s, testMoment)] = steady(runningQuery(s, testMoment), 1)
			seen := steady(utilizationQuery(r, s, testMoment), 1)
			for _, back := range except {
				seen = without(seen, testMoment.Window.End.Add(-back))
			}
			rd[utilizationQuery(r, s, testMoment)] = seen
		}
	}
	// watched makes the monitor run, and see the resource, save from one time to another
	// before the end of the measured window.
	watched := func(from, to time.Duration) func(model.Readings, model.Resource) {
		return func(rd model.Readings, r model.Resource) {
			for _, q := range []model.Query{runningQuery(s, testMoment), utilizationQuery(r, s, testMoment)} {
				series := steady(q, 1)
				for back := from; back > to; back -= WindowLength {
					series = without(series, testMoment.Window.End.Add(-back))
				}
				rd[q] = series
			}
		}
	}
	// marked has a marker of an update that was accepted so long ago.
	marked := func(ago time.Duration) func(model.Readings, model.Resource) {
		return func(rd model.Readings, r model.Resource) {
			q, at := markerQuery(r, s, testMoment), testNow.Add(-ago)
			rd[q] = with(rd[q], at.Truncate(WindowLength), float64(at.UnixMilli())/1000)
		}
	}
	minimumOf := func(r model.Resource) model.Query {
		return idleQuery(r, model.NamespaceMonitor, r.Kind.MinimumMetric(), model.Minimum, s, testMoment)
	}
	// minimums makes our series of the minimum, with the given value up to 6 hours ago
	// and today's from then on.
	minimums := func(before float64) func(model.Readings, model.Resource) {
		return func(rd model.Readings, r model.Resource) {
			series := steady(minimumOf(r), float64(r.MinTPS))
			for i, p := range series.Points {
				if p.Time.Before(testNow.Add(-6 * time.Hour)) {
					series.Points[i].Value = before
				}
			}
			rd[minimumOf(r)] = series
		}
	}
	touchedAfter := func(d time.Duration) func(*model.Resource) {
		return func(r *model.Resource) { r.LastUpdated = r.Update.Changed.Add(d) }
	}
	synced := func(trainedBefore time.Duration) func(*model.Resource) {
		return func(r *model.Resource) {
			updatedAgo(5*time.Hour, "ACTIVE")(r)
			r.AutoSync, r.VersionReady = true, r.Update.Created.Add(-trainedBefore)
		}
	}
	tests := []struct {
		name     string
		resource model.Resource
		change   func(model.Readings, model.Resource)
		stopOff  bool
		action   Verdict
		reason   string // a part of it
	}{
		{name: "a campaign without requests is deleted", resource: campaign(1), action: Delete, reason: "idle: 696 watched hours without a call (needs 24; no earlier call in 90 days; 24 h unknown: 24 too recent)"},
		{name: "a recommender is stopped", resource: recommender(1), change: observed(), action: Stop, reason: "idle: 696 watched hours without a call (needs 24; no earlier call in 90 days; 24 h unknown: 24 too recent)"},
		{name: "switched off: a campaign", resource: campaign(1), stopOff: true, action: None, reason: "idle 14 days; deleting is off (AutoDeleteOrStopIdleResources=No)"},
		{
			name: "switched off: a recommender reports since when", resource: recommender(1, createdAgo(31*time.Hour+10*time.Minute)), stopOff: true, action: None,
			reason: "idle 31 h; stopping is off (AutoDeleteOrStopIdleResources=No)",
		},
		{name: "created 48 h ago to the second", resource: campaign(1, createdAgo(48*time.Hour), func(r *model.Resource) { r.LastUpdated = time.Time{} }), action: Delete},
		{
			name: "created 24 h ago: no hour has been silent for a day", resource: campaign(1, createdAgo(24*time.Hour)), action: None,
			reason: "silent for 0 of the 24 watched hours needed: no earlier call in 90 days; 24 h unknown: 24 too recent",
		},
		{
			name: "created a second later: too new", resource: campaign(1, createdAgo(24*time.Hour-time.Second)), action: None,
			reason: "too new to be idle: created 23 h ago, at least 24 h are needed",
		},
		{
			name: "a request in the first window of the idle time", resource: campaign(1), change: traffic(model.MetricGetRecommendations, idleStart, 1), action: None,
			reason: "no requests now, but 1 in the last 24 h",
		},
		{
			name: "a request of another kind than the recipe's", resource: campaign(1), change: traffic(model.MetricGetPersonalizedRanking, idleStart, 3), action: None,
			reason: "no requests now, but 3 in the last 24 h",
		},
		{name: "an action request", resource: campaign(1), change: traffic(model.MetricGetActionRecommendations, idleStart, 3), action: None},
		{
			name: "failed requests with 4xx: broken, not idle", resource: campaign(1), change: traffic(model.MetricGetRecommendations+model.Suffix4xx, idleStart, 12), action: None,
			reason: "broken, not idle: all its 12 requests in the last 24 h failed",
		},
		{
			name: "failed requests with 5xx: broken, not idle", resource: recommender(1), change: traffic(model.MetricGetPersonalizedRanking+model.Suffix5xx, idleStart, 2), action: None,
			reason: "broken, not idle",
		},
		{
			name: "requests that could not be read are not zero", resource: campaign(1), change: unread(model.MetricGetRecommendations), action: Refused,
			reason: "cannot decide whether it is idle",
		},
		{name: "nor are those of another metric", resource: campaign(1), change: unread(model.MetricGetActionRecommendations), action: Refused},
		{name: "nor failed ones", resource: campaign(1), change: unread(model.MetricGetPersonalizedRanking + model.Suffix5xx), action: Refused},
		{name: "seen running all the time", resource: recommender(1), change: observed(), action: Stop},
		{name: "one window missed between two others", resource: recommender(1), change: observed(time.Hour), action: Stop},
		{name: "two windows missed, apart", resource: recommender(1), change: observed(time.Hour, 2*time.Hour), action: Stop},
		{
			name: "two windows missed in a row: it was not running", resource: recommender(1), change: observed(time.Hour, time.Hour-WindowLength), action: Refused,
			reason: "it was not seen running all that time (no utilization from 2026-03-04 11:00 on)",
		},
		{name: "a gap at the start of the idle time", resource: recommender(1), change: observed(24*time.Hour, 24*time.Hour-WindowLength), action: Refused},
		{
			name: "one window missed by a monitor that runs once an hour", resource: recommender(1), action: Refused, reason: "no utilization from 2026-03-04 09:00 on",
			change: func(rd model.Readings, r model.Resource) {
				for h := 24; h > 0; h-- {
					at := testMoment.Window.End.Add(-time.Duration(h) * time.Hour)
					rd[runningQuery(s, testMoment)] = with(rd[runningQuery(s, testMoment)], at, 1)
					if h != 3 {
						rd[utilizationQuery(r, s, testMoment)] = with(rd[utilizationQuery(r, s, testMoment)], at, 1)
					}
				}
			},
		},
		{
			name: "one window missed right after the monitor itself was out, early in the idle time", resource: recommender(1), action: Refused,
			change: func(rd model.Readings, r model.Resource) {
				first := testMoment.Window.End.Add(-24*time.Hour + WindowLength)
				observed(24*time.Hour, 24*time.Hour-WindowLength)(rd, r)
				rd[runningQuery(s, testMoment)] = without(rd[runningQuery(s, testMoment)], first.Add(-WindowLength))
			},
		},
		{name: "the first window missed", resource: recommender(1), change: observed(24 * time.Hour), action: Stop},
		{name: "the third but last window missed, the last two not visible yet", resource: recommender(1), change: observed(3*WindowLength, 2*WindowLength, WindowLength), action: Refused},
		{name: "the third but last window missed alone", resource: recommender(1), change: observed(3 * WindowLength), action: Stop},
		{name: "the last two windows may not be visible yet", resource: recommender(1), change: observed(2*WindowLength, WindowLength), action: Stop},
		{
			name: "no series of ours at all while the monitor ran", resource: recommender(1), action: Refused,
			change: func(rd model.Readings, _ model.Resource) {
				rd[runningQuery(s, testMoment)] = steady(runningQuery(s, testMoment), 1)
			},
		},
		{
			name: "a recommender that was never monitored", resource: recommender(1), action: Refused,
			reason: "it may have just been started: it was not monitored from 2026-03-03 12:00 to 2026-03-04 11:50",
		},
		{name: "a campaign that was never monitored: it cannot have been stopped", resource: campaign(1), action: Delete},
		{name: "watched since an hour after the idle time began", resource: recommender(1), change: watched(24*time.Hour, 23*time.Hour), action: Stop},
		{
			name: "watched since a window later", resource: recommender(1), change: watched(24*time.Hour, 23*time.Hour-WindowLength), action: Refused,
			reason: "it was not monitored from 2026-03-03 12:00 to 2026-03-03 13:05",
		},
		{name: "an hour without the monitor", resource: recommender(1), change: watched(9*time.Hour, 8*time.Hour), action: Stop},
		{
			name: "a window more than an hour without the monitor", resource: recommender(1), change: watched(9*time.Hour, 8*time.Hour-WindowLength), action: Refused,
			reason: "it was not monitored from 2026-03-04 03:00 to 2026-03-04 04:05",
		},
		{name: "an outage of the monitor proves nothing about a campaign", resource: campaign(1), change: watched(9*time.Hour, 2*time.Hour), action: Delete},
		{
			name: "not watched lately", resource: recommender(1), change: watched(75*time.Minute, 0), action: Refused,
			reason: "it was not monitored from 2026-03-04 10:45 to 2026-03-04 11:50",
		},
		{name: "not watched for an hour, the last two windows apart", resource: recommender(1), change: watched(70*time.Minute, 0), action: Stop},
		{
			name: "our series could not be read", resource: recommender(1), action: Refused, reason: "whether it was running all that time could not be read",
			change: func(rd model.Readings, r model.Resource) { delete(rd, utilizationQuery(r, s, testMoment)) },
		},
		{
			name: "the monitor's own running could not be read", resource: recommender(1), action: Refused,
			change: func(rd model.Readings, _ model.Resource) { delete(rd, runningQuery(s, testMoment)) },
		},
		{name: "updated 23 h 59 min ago by a person", resource: campaign(1, updatedAgo(24*time.Hour-time.Minute, "ACTIVE")), action: Refused, reason: "updated 23 h ago"},
		{name: "updated 24 h ago to the second", resource: campaign(1, updatedAgo(24*time.Hour, "ACTIVE")), action: Delete},
		{name: "updated by us", resource: campaign(1, updatedAgo(5*time.Hour, "ACTIVE")), change: marked(5 * time.Hour), action: Delete},
		{name: "updated by us, its time rounded", resource: campaign(1, updatedAgo(5*time.Hour, "ACTIVE")), change: marked(5*time.Hour + time.Second), action: Delete},
		{name: "its time rounded the other way", resource: campaign(1, updatedAgo(5*time.Hour, "ACTIVE")), change: marked(5*time.Hour - time.Second), action: Delete},
		{name: "updated by a person two seconds after us", resource: campaign(1, updatedAgo(5*time.Hour, "ACTIVE")), change: marked(5*time.Hour + 2*time.Second), action: Refused, reason: "updated 5 h ago"},
		{name: "updated by a person two minutes after us", resource: campaign(1, updatedAgo(5*time.Hour, "ACTIVE")), change: marked(5*time.Hour + 2*time.Minute), action: Refused, reason: "updated 5 h ago"},
		{name: "updated by a person six minutes after us", resource: campaign(1, updatedAgo(5*time.Hour, "ACTIVE")), change: marked(5*time.Hour + 6*time.Minute), action: Refused},
		{name: "an update before our marker", resource: campaign(1, updatedAgo(5*time.Hour, "ACTIVE")), change: marked(5*time.Hour - 2*time.Second), action: Refused},
		{
			name: "changed again after our update", resource: campaign(1, updatedAgo(5*time.Hour, "ACTIVE"), func(r *model.Resource) { r.LastUpdated = testNow.Add(-3 * time.Hour) }),
			change: marked(5 * time.Hour), action: Refused, reason: "updated 3 h ago",
		},
		{
			name: "started again: last updated moves, no update is shown", resource: recommender(1, func(r *model.Resource) { r.LastUpdated = testNow.Add(-2 * time.Hour) }),
			action: Refused, reason: "updated 2 h ago",
		},
		{name: "moved to a new solution version by the service", resource: campaign(1, synced(10*time.Minute)), change: minimums(1), action: Delete},
		{name: "last updated up to two minutes after the update is the same event", resource: campaign(1, synced(10*time.Minute), touchedAfter(updateSlack)), change: minimums(1), action: Delete},
		{name: "last updated later than that is another one", resource: campaign(1, synced(10*time.Minute), touchedAfter(updateSlack+time.Second)), change: minimums(1), action: Refused},
		{name: "our series of the minimum could not be read", resource: campaign(1, synced(10*time.Minute)), action: Refused, change: func(rd model.Readings, r model.Resource) {
			minimums(1)(rd, r)
			rd[minimumOf(r)] = model.Series{Points: rd[minimumOf(r)].Points}
		}},
		{name: "without a minimum from before there is no telling", resource: campaign(1, synced(10*time.Minute)), action: Refused, change: func(rd model.Readings, r model.Resource) {
			rd[minimumOf(r)] = with(rd[minimumOf(r)], testNow.Add(-time.Hour).Truncate(WindowLength), 1)
		}},
		{name: "one published after the update, though stamped before, shows nothing of before", resource: campaign(1, synced(10*time.Minute)), action: Refused, change: func(rd model.Readings, r model.Resource) {
			rd[minimumOf(r)] = without(steady(minimumOf(r), 1), between(idleStart, testNow.Add(-5*time.Hour-publishReach))...)
		}},
		{name: "one published before it does", resource: campaign(1, synced(10*time.Minute)), action: Delete, change: func(rd model.Readings, r model.Resource) {
			rd[minimumOf(r)] = without(steady(minimumOf(r), 1), between(idleStart, testNow.Add(-5*time.Hour-publishReach-WindowLength))...)
		}},
		{name: "nor without one from after", resource: campaign(1, synced(10*time.Minute)), action: Refused, change: func(rd model.Readings, r model.Resource) {
			rd[minimumOf(r)] = with(rd[minimumOf(r)], idleStart, 1)
		}},
		{name: "raised with the update", resource: campaign(4, synced(10*time.Minute)), action: Refused, change: minimums(3)},
		{name: "lowered with the update", resource: campaign(2, synced(10*time.Minute)), action: Refused, change: minimums(3)},
		{name: "trained 6 h before", resource: campaign(1, synced(6*time.Hour)), change: minimums(1), action: Delete},
		{name: "trained longer before: another person's update", resource: campaign(1, synced(6*time.Hour+time.Second)), change: minimums(1), action: Refused},
		{name: "trained after the update: another person's", resource: campaign(1, synced(-time.Second)), change: minimums(1), action: Refused},
		{name: "the same without synchronisation", resource: campaign(1, synced(10*time.Minute), func(r *model.Resource) { r.AutoSync = false }), change: minimums(1), action: Refused},
		{name: "an update in progress", resource: campaign(1, updatedAgo(30*24*time.Hour, "CREATE PENDING")), action: Refused, reason: "an update is in progress (CREATE PENDING)"},
		{name: "a stale copy", resource: campaign(1, func(r *model.Resource) { r.Stale = true }), action: Refused},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := s
			if tt.stopOff {
				s.StopIdle = model.Off
			}
			readings := readEmpty(tt.resource, s, testMoment)
			if tt.change != nil {
				tt.change(readings, tt.resource)
			}
			d := Decide(tt.resource, readings, s, testMoment)
			if d.Verdict != tt.action {
				t.Errorf("got %s (%s), want %s", d.Verdict, d.Reason, tt.action)
			}
			if !strings.Contains(d.Reason, tt.reason) {
				t.Errorf("reason:\n got %s\nwant %s", d.Reason, tt.reason)
			}
		})
	}
}

func TestIdleThresholdOfTheParameter(t *testing.T) {
	s := testSettings()
	for _, hours := range []int{1, 24, 25, 168} {
		s.IdleHours = hours
		for _, tt := range []struct {
			age    time.Duration
			action Verdict
		}{{s.IdleTime() + 24*time.Hour, Delete}, {s.IdleTime() + 23*time.Hour, None}, {s.IdleTime() - time.Second, None}} {
			r := campaign(1, createdAgo(tt.age), func(r *model.Resource) { r.LastUpdated = time.Time{} })
			if d := Decide(r, readEmpty(r, s, testMoment), s, testMoment); d.Verdict != tt.action {
				t.Errorf("%d h, %s old: got %s (%s), want %s", hours, tt.age, d.Verdict, d.Reason, tt.action)
			}
		}
	}
}

// What is idle and may not be stopped is still stepped down; what is stopped is not.
func TestIdleComesBeforeStepDown(t *testing.T) {
	r := campaign(8)
	s := testSettings()
	if d := Decide(r, readSilent(r, s, testMoment), s, testMoment); d.Verdict != Delete {
		t.Errorf("got %s (%s), want delete", d.Verdict, d.Reason)
	}
	s.StopIdle = model.Off
	if d := Decide(r, readSilent(r, s, testMoment), s, testMoment); d.Verdict != StepDown || d.NewMinTPS != 6 {
		t.Errorf("got %s → %d (%s), want step-down → 6", d.Verdict, d.NewMinTPS, d.Reason)
	}
}

// A person's update keeps an idle resource from being stopped. It is not stepped down
// either, as that would become the latest update, ours, and hide the person's.
func TestUpdateThatKeepsAResourceIsNotHidden(t *testing.T) {
	r := campaign(8, updatedAgo(5*time.Hour, "ACTIVE"))
	s := testSettings()
	d := Decide(r, readSilent(r, s, testMoment), s, testMoment)
	if d.Verdict != Refused || !d.Has(ReasonUpdated) {
		t.Errorf("got %s (%s), want refused", d.Verdict, d.Reason)
	}
	s.StopIdle = model.Off
	if d := Decide(r, readSilent(r, s, testMoment), s, testMoment); d.Verdict != StepDown {
		t.Errorf("nothing is stopped anyhow: got %s (%s), want step-down", d.Verdict, d.Reason)
	}
}

// Nothing is done to a resource that is not ACTIVE, whatever led here.
func TestBusyByStatus(t *testing.T) {
	for status, want := range map[model.Status]bool{"ACTIVE": false, "STOP PENDING": true, "INACTIVE": true, "DELETE IN_PROGRESS": true, "WHATEVER": true} {
		if got := busy(campaign(8, func(r *model.Resource) { r.Status = status })) != ""; got != want {
			t.Errorf("%s: busy %v", status, got)
		}
	}
}
