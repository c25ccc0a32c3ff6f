package serve

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

func found(t *testing.T, name string) model.Resource {
	t.Helper()
	arn, kind, err := model.ParseResourceARN("arn:aws:personalize:us-east-1:123456789012:" + name)
	if err != nil {
		t.Fatal(err)
	}
	return model.Resource{ARN: arn, Kind: kind, Name: arn.Name()}
}

func namesOf(list []model.Resource) []string {
	var names []string
	for _, r := range list {
		names = append(names, r.Name)
	}
	return names
}

// A listing that failed takes nothing away of its kind, whatever became of the other.
func TestWhatIsSeenOfTheEstate(t *testing.T) {
	a, b, r, s := found(t, "campaign/a"), found(t, "campaign/b"), found(t, "recommender/r"), found(t, "recommender/s")
	first := model.Snapshot{Resources: []model.Resource{a, b, r}, Others: []model.Resource{s}, Listings: []model.Listing{{Region: "us-east-1", Campaigns: true, Recommenders: true}}}
	for name, c := range map[string]struct {
		then              model.Snapshot
		campaigns, recomm bool
		want              []string
	}{
		"both listed":                            {model.Snapshot{Resources: []model.Resource{b}}, true, true, nil},
		"neither listed":                         {model.Snapshot{}, false, false, []string{"s"}},
		"campaigns alone":                        {model.Snapshot{Resources: []model.Resource{b}}, true, false, []string{"s"}},
		"recommenders alone":                     {model.Snapshot{Resources: []model.Resource{s}, Others: []model.Resource{r}}, false, true, []string{"r"}},
		"one of which runs again":                {model.Snapshot{Resources: []model.Resource{s}}, false, false, nil},
		"a part of what could not all be listed": {model.Snapshot{Others: []model.Resource{a}}, false, true, []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := NewMemory()
			m.SawEstate(first)
			c.then.Listings = []model.Listing{{Region: "us-east-1", Campaigns: c.campaigns, Recommenders: c.recomm}}
			m.SawEstate(c.then)
			if diff := cmp.Diff(c.want, namesOf(m.Snapshot().Others)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// Alarms are known once every region was listed, and old where the last cycle could not.
func TestAlarmsAreAsOldAsTheyAre(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 3, 4, 12, minute, 0, 0, time.UTC) }
	m := NewMemory()
	m.Update(func(s *Status) { s.Regions = []string{"eu-west-1", "us-east-1"} })
	expect := func(when string, want AlarmsSeen) {
		t.Helper()
		if diff := cmp.Diff(want, m.Snapshot().Alarms); diff != "" {
			t.Errorf("%s (-want +got)\n%s", when, diff)
		}
	}
	none := map[string]time.Time{}
	expect("at first", AlarmsSeen{Old: none})
	listed, one := []alarms.Alarm{{Name: "one"}}, []Alarm{{Name: "one", Region: "eu-west-1"}}
	m.SawAlarms("us-east-1", nil)
	m.AddCycle(CycleRecord{Role: Leading}, report.Result{Alarms: report.Alarms{Created: 10}}, at(1))
	expect("one region was never listed", AlarmsSeen{Old: map[string]time.Time{"eu-west-1": {}}, Created: 10})
	m.SawAlarms("eu-west-1", listed)
	m.SawAlarms("us-east-1", nil)
	expect("listed anew", AlarmsSeen{List: one, Known: true, Old: none})
	m.AddCycle(CycleRecord{Role: Standby}, report.Result{Alarms: report.Alarms{Created: 3}}, at(6))
	expect("who stands by creates none", AlarmsSeen{List: one, Known: true, Old: none})
	m.SawAlarms("us-east-1", nil)
	m.AddCycle(CycleRecord{Role: Leading}, report.Result{Alarms: report.Alarms{Deleted: 1}}, at(11))
	expect("a region failed", AlarmsSeen{List: one, Known: true, Old: map[string]time.Time{"eu-west-1": at(6)}, Deleted: 1})
	m.AddCycle(CycleRecord{Role: Leading, Error: "denied"}, report.Result{}, at(16))
	expect("all failed", AlarmsSeen{List: one, Known: true, Old: map[string]time.Time{"eu-west-1": at(6), "us-east-1": at(11)}, Deleted: 1})
}

// Refusals, of which there may be any number, displace nothing that was done; and it is shown
// since when that is all known.
func TestWhatWasDoneIsKept(t *testing.T) {
	started := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	at := func(minute int, outcome string) events.Audit {
		return events.Audit{Time: started.Add(time.Duration(minute) * time.Minute), Outcome: outcome}
	}
	m := NewMemory()
	m.Update(func(s *Status) { s.Started = started })
	recorded := func() time.Time { return m.Status().Recorded }
	if !recorded().Equal(started) {
		t.Errorf("recorded since %v", recorded())
	}
	m.Remember([]events.Audit{at(-20, events.OutcomeDone), at(-10, events.OutcomeRefused)}, started.Add(-time.Hour))
	if !recorded().Equal(started.Add(-time.Hour)) {
		t.Errorf("recorded since %v, with a file", recorded())
	}
	m.AddAudit(at(1, events.OutcomeDone))
	for i := range 3 * keptRecords {
		m.AddAudit(at(2+i, events.OutcomeRefused))
	}
	list := m.Snapshot().Audits
	done := slices.Collect(func(yield func(events.Audit) bool) {
		for _, a := range list {
			if a.Outcome == events.OutcomeDone && !yield(a) {
				return
			}
		}
	})
	if len(list) != keptRecords+2 || len(done) != 2 || !done[0].Time.After(done[1].Time) || !slices.IsSortedFunc(list, func(a, b events.Audit) int { return b.Time.Compare(a.Time) }) {
		t.Errorf("%d records, %d of them done", len(list), len(done))
	}
	for i := range keptDone {
		m.AddAudit(at(5000+i, events.OutcomeDone))
	}
	if !recorded().Equal(started.Add(5000 * time.Minute)) {
		t.Errorf("recorded since %v, after more than fits", recorded())
	}
}

// Tags that stay the same are no change: pages are not loaded again for them.
func TestMemoryOfTags(t *testing.T) {
	m := NewMemory()
	arn := model.NewARN("aws", "personalize", "us-east-1", "123456789012", "campaign/c")
	versions := []uint64{}
	for _, value := range []string{"tps", "tps", "all"} {
		m.SawTags(map[model.ARN]map[string]string{arn: {"personalize-monitor:protect": value}})
		versions = append(versions, m.Version())
		if got := m.Snapshot().Tags[arn.String()]["personalize-monitor:protect"]; got != value {
			t.Errorf("%q, want %q", got, value)
		}
	}
	if versions[0] != versions[1] || versions[1] == versions[2] {
		t.Errorf("the versions are %v", versions)
	}
}

// What is known of several accounts together has the tags of each.
func TestMergedTags(t *testing.T) {
	of := func(id, arn string) SnapshotOf {
		return SnapshotOf{Account: model.Account{ID: id}, Snapshot: Snapshot{Tags: map[string]map[string]string{arn: {"team": id}}}}
	}
	tags := Merged([]SnapshotOf{of("111111111111", "a"), of("222222222222", "b")}).Tags
	if len(tags) != 2 || tags["a"]["team"] != "111111111111" || tags["b"]["team"] != "222222222222" {
		t.Errorf("%v", tags)
	}
}
