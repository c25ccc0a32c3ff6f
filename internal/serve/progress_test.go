package serve

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// The steps of a cycle are added up over the regions, and are gone when it ends. Only what a person
// would see is a change.
func TestProgressOfACycle(t *testing.T) {
	m := NewMemory()
	m.BeginProgress()
	for _, at := range []struct {
		step        string
		done, total int
	}{{"discover us-east-1", 4, 4}, {"alarms us-east-1", 300, 600}, {"alarms eu-west-1", 40, 400}, {"look back", 1, 2}} {
		m.SawProgress(at.step, at.done, at.total)
	}
	want := []Progress{{"discover", 4, 4}, {"alarms", 340, 1000}}
	if diff := cmp.Diff(want, m.Snapshot().Progress); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	version := m.Version()
	for done := 301; done < 330; done++ { // less than a twentieth
		m.SawProgress("alarms us-east-1", done, 600)
	}
	if got := m.Version(); got != version {
		t.Errorf("%d changes for 30 alarms of 600", got-version)
	}
	m.SawProgress("alarms us-east-1", 330, 600)
	if m.Version() == version {
		t.Error("no change after a twentieth")
	}
	m.SawProgress("", 0, 0)
	if got := m.Snapshot().Progress; got != nil {
		t.Errorf("after the cycle: %v", got)
	}
	m.SawProgress("measure", 14, 14) // of the report that follows
	if got := m.Snapshot().Progress; got != nil {
		t.Errorf("between two cycles: %v", got)
	}
}

// What was measured and decided is shown before the cycle has ended; a result without data is not.
func TestDecisionsAreShownBeforeTheCycleEnds(t *testing.T) {
	m := NewMemory()
	at, one := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC), 1.0
	resource := report.Resource{Subject: report.Subject{ARN: "a"}, Average: &one, Checked: true, Decision: rules.StepDown, NewMin: 3}
	m.Decided(report.Result{Resources: []report.Resource{{Subject: report.Subject{ARN: "unread"}}}}, at)
	if s := m.Snapshot(); !s.Status.Measured.IsZero() || len(s.Result.Resources) > 0 {
		t.Errorf("without data: %+v", s.Status)
	}
	m.Decided(report.Result{Resources: []report.Resource{resource}}, at)
	s := m.Snapshot()
	if !s.Status.Measured.Equal(at) || !s.Status.LastSuccess.IsZero() || s.Status.Ready() || len(s.Result.Resources) != 1 || s.Checks["a"].NewMin != 3 {
		t.Errorf("%+v, %+v", s.Status, s.Checks)
	}
	ended := at.Add(4 * time.Minute)
	m.AddCycle(CycleRecord{Role: Leading}, report.Result{Resources: []report.Resource{resource}}, ended)
	if s := m.Snapshot(); !s.Status.Measured.Equal(ended) || !s.Checks["a"].Time.Equal(ended) {
		t.Errorf("after the cycle: %+v, %+v", s.Status, s.Checks)
	}
}
