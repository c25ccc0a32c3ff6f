package rules

import (
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// A step-down sets our marker only if it is known to hide no one's update.
func TestStepsThatHideAPersonsUpdateSetNoMarker(t *testing.T) {
	s := testSettings()
	marker := func(r model.Resource) model.Query { return markerQuery(r, s, testMoment) }
	marked := func(ago time.Duration, complete bool) func(model.Readings, model.Resource) {
		return func(rd model.Readings, r model.Resource) {
			at := testNow.Add(-ago)
			series := with(rd[marker(r)], at.Truncate(WindowLength), float64(at.Unix()))
			series.Complete = complete
			rd[marker(r)] = series
		}
	}
	synced := func(r *model.Resource) {
		r.AutoSync, r.VersionReady = true, r.Update.Created.Add(-10*time.Minute)
	}
	minimums := func(rd model.Readings, r model.Resource) {
		q := idleQuery(r, model.NamespaceMonitor, r.Kind.MinimumMetric(), model.Minimum, s, testMoment)
		rd[q] = steady(q, float64(r.MinTPS))
	}
	listed := func(r *model.Resource) { r.Described = false }
	tests := []struct {
		name     string
		resource model.Resource
		change   func(model.Readings, model.Resource)
		want     bool
	}{
		{name: "never updated", resource: campaign(8), want: true},
		{name: "known from a list alone, which shows no update", resource: campaign(8, listed)},
		{name: "updated by a person an hour ago", resource: recommender(8, updatedAgo(time.Hour, "ACTIVE"))},
		{name: "updated by a person just within the idle time", resource: campaign(8, updatedAgo(24*time.Hour-time.Second, "ACTIVE"))},
		{name: "updated by a person before the idle time", resource: campaign(8, updatedAgo(24*time.Hour, "ACTIVE")), want: true},
		{name: "updated by us", resource: campaign(8, updatedAgo(time.Hour, "ACTIVE")), change: marked(time.Hour, true), want: true},
		{name: "updated by us, our marks read in part", resource: campaign(8, updatedAgo(time.Hour, "ACTIVE")), change: marked(time.Hour, false), want: true},
		{name: "our mark is of another time", resource: campaign(8, updatedAgo(3*time.Hour, "ACTIVE")), change: marked(time.Hour, true)},
		{name: "our marks not read", resource: campaign(8, updatedAgo(time.Hour, "ACTIVE")), change: func(rd model.Readings, r model.Resource) {
			delete(rd, marker(r))
		}},
		{
			name: "started again since our update", change: marked(5*time.Hour, true),
			resource: recommender(8, updatedAgo(5*time.Hour, "ACTIVE"), func(r *model.Resource) { r.LastUpdated = testNow.Add(-time.Hour) }),
		},
		{name: "started again, never updated", resource: recommender(8, func(r *model.Resource) { r.LastUpdated = testNow.Add(-time.Hour) })},
		{name: "moved to a new version by the service", resource: campaign(8, updatedAgo(5*time.Hour, "ACTIVE"), synced), change: minimums, want: true},
		{name: "moved to a new version, our minimums not read", resource: campaign(8, updatedAgo(5*time.Hour, "ACTIVE"), synced)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			readings := model.Readings{}
			for _, q := range UpdateQueries(tt.resource, s, testMoment) {
				readings[q] = model.Series{Complete: true}
			}
			if tt.change != nil {
				tt.change(readings, tt.resource)
			}
			d := Decision{Resource: tt.resource, Verdict: StepDown, NewMinTPS: 6, By: s, At: testMoment}
			if got := AllowMarker(d, readings); got.Marker != tt.want {
				t.Errorf("marked: %v", got.Marker)
			}
			for _, other := range []Verdict{None, Refused, Stop, Delete} {
				if d.Verdict = other; AllowMarker(d, readings).Marker {
					t.Errorf("%s is marked", other)
				}
			}
		})
	}
}
