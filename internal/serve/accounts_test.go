package serve_test

import (
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// What is known of several accounts is shown together, each thing with its account. One of which nothing is
// known is no account without endpoints.
func TestMergedSnapshots(t *testing.T) {
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	north, south := model.Account{ID: "222222222222", Name: "north"}, model.Account{ID: "333333333333", Name: "south"}
	arn := func(a model.Account) string { return "arn:aws:personalize:us-east-1:" + a.ID + ":campaign/home" }
	one := func(a model.Account) serve.Snapshot {
		m := serve.NewMemory()
		m.Update(func(s *serve.Status) { s.Regions, s.Started, s.Role = []string{"us-east-1"}, at, serve.Leading })
		m.SawAlarms("us-east-1", []alarms.Alarm{{State: alarms.StateOK}})
		result := report.Result{
			Resources: []report.Resource{{Subject: report.Subject{ARN: arn(a), Name: "home", Region: "us-east-1"}, Checked: true}},
			Events:    []report.Event{{DetailType: "BuildPersonalizeMonitorDashboard"}},
			Problems:  []model.Problem{{Region: "us-east-1", Operation: "ListRecommenders"}},
			Alarms:    report.Alarms{Kept: 2},
		}
		m.AddAudit(events.Audit{ARN: arn(a), Time: at, Outcome: events.OutcomeDone})
		m.AddCycle(serve.NewCycleRecord(at, at.Add(time.Second), serve.Leading, result, nil), result, at.Add(time.Second))
		return m.Snapshot()
	}
	waiting := serve.NewMemory()
	waiting.Update(func(s *serve.Status) { s.LastError = "cannot assume the role" })
	got := serve.Merged([]serve.SnapshotOf{
		{Account: north, Snapshot: one(north)},
		{Account: south, Snapshot: one(south)},
		{Account: model.Account{ID: "444444444444"}, Snapshot: waiting.Snapshot()},
	})
	if len(got.Result.Resources) != 2 || got.Result.Resources[0].AccountName != "north" || got.Result.Resources[1].Account != south.ID {
		t.Errorf("resources %+v", got.Result.Resources)
	}
	if len(got.Checks) != 2 || len(got.Audits) != 2 || len(got.Events) != 2 || len(got.Alarms.List) != 2 || got.Result.Alarms.Kept != 4 {
		t.Errorf("%d checks, %d records, %d events, %d alarms, %d kept", len(got.Checks), len(got.Audits), len(got.Events), len(got.Alarms.List), got.Result.Alarms.Kept)
	}
	if got.Events[0].Account.ID == "" || got.Cycles[0].Account.ID == "" || got.Alarms.Known {
		t.Errorf("events %+v, cycles %+v, alarms known %v", got.Events[0], got.Cycles[0], got.Alarms.Known)
	}
	if list := got.Result.Accounts; len(list) != 3 || !list[0].Read || *list[1].Resources != 1 || list[2].Read || list[2].Resources != nil {
		t.Errorf("accounts %+v", list)
	}
	if got.Status.LastError != "" || got.Status.Role != serve.Leading || !got.Accounts[2].Status.LastSuccess.IsZero() {
		t.Errorf("status %+v", got.Status)
	}
	var texts []string
	for _, p := range got.Result.Problems {
		texts = append(texts, p.Where())
	}
	if len(texts) != 3 || texts[0] != "us-east-1 of north (222222222222)" || texts[2] != "444444444444" {
		t.Errorf("problems at %q", texts)
	}
}
