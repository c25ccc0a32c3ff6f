package alarms

import (
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

func TestDeniedResetsStopAfterThree(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	resources := awsbed.Campaigns(home, 5)
	w.reconcile(a, resources, alarmParams, Monitored)
	w.Server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "SetAlarmState", Code: "AccessDenied"})
	changes := w.diff(a, resources, alarmParams, Monitored)
	for i := range changes {
		changes[i].Kind, changes[i].Reset = Update, true
		changes[i].Settings = testSettings()
		changes[i].Settings.OKActions, changes[i].Settings.AlarmActions, changes[i].Settings.InsufficientActions = nil, nil, nil
	}
	w.Writes()
	counts, problems := a.Reconcile(ctxAll, ReconcileInput{Region: home, Changes: changes})
	w.wantCounts(counts, Counts{Updated: 10})
	w.WantWrites(map[string]int{"cloudwatch.PutMetricAlarm": 10, "cloudwatch.SetAlarmState": 3})
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "failed 3 times in a row, 7 more not tried: reset alarm") {
		t.Errorf("problems %v", problems)
	}
}

func TestDeniedDeletionsStopAfterThreeCalls(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.reconcile(a, awsbed.Campaigns(home, 210), alarmParams, Monitored)
	w.Server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "DeleteAlarms", Code: "AccessDenied"})
	changes := w.diff(a, nil, alarmParams, Gone)
	w.Writes()
	counts, problems := a.Reconcile(ctxAll, ReconcileInput{Region: home, Changes: changes})
	w.wantCounts(counts, Counts{})
	w.WantWrites(map[string]int{"cloudwatch.DeleteAlarms": 3})
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "failed 3 times in a row, 120 more not tried: delete 100 alarms") {
		t.Errorf("problems %v", problems)
	}
}

func TestDeletionsThatDoNotFitTheTimeAreLeft(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.reconcile(a, awsbed.Campaigns(home, 100), alarmParams, Monitored)
	changes := w.diff(a, nil, alarmParams, Gone)
	w.Writes()
	run := func(seconds int) Counts {
		counts, problems := a.Reconcile(ctxAll, ReconcileInput{
			Region: home, Changes: changes, Until: w.Clock.Now().Add(time.Duration(seconds) * time.Second),
		})
		w.NoProblems(problems)
		return counts
	}
	// The tags of ten alarms are read at once, then of ten a second; that stops early
	// enough for the alarms read about to be deleted.
	w.wantCounts(run(2), Counts{Left: 200})
	counts := run(4)
	if counts.Left+counts.Deleted != 200 || counts.Left == 0 || counts.Deleted < 10 {
		t.Errorf("counts %+v", counts)
	}
	w.WantWrites(map[string]int{"cloudwatch.DeleteAlarms": 1})
	w.wantCounts(w.reconcile(a, nil, alarmParams, Gone), Counts{Deleted: counts.Left})
}
