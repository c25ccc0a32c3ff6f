package act

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// answering passes requests on to the embedded endpoint, save those of one operation,
// which it answers itself without carrying them out.
func answering(t *testing.T, target, answer string) *world {
	t.Helper()
	w := newWorld(t)
	return worldAround(t, w.clock, w.server, http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") != target {
			w.server.ServeHTTP(out, r)
			return
		}
		out.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = io.WriteString(out, answer)
	}))
}

func TestTargetsThatFailWithinASuccessfulCallAreReported(t *testing.T) {
	tests := []struct {
		name, target, answer string
		region               string
		want                 string
	}{
		{
			"a target not set", "AWSEvents.PutTargets",
			`{"FailedEntryCount":1,"FailedEntries":[{"TargetId":"x","ErrorCode":"ConcurrentModificationException","ErrorMessage":"busy"}]}`,
			home, "set the target of the rule PersonalizeMonitor-NotificationsRule: ConcurrentModificationException: busy",
		},
		{
			"a target not set, without a reason", "AWSEvents.PutTargets", `{"FailedEntryCount":1,"FailedEntries":[]}`,
			home, "set the target of the rule PersonalizeMonitor-NotificationsRule: refused without a reason",
		},
		{
			"a target not removed", "AWSEvents.RemoveTargets",
			`{"FailedEntryCount":1,"FailedEntries":[{"TargetId":"x","ErrorCode":"InternalException","ErrorMessage":"broken"}]}`,
			other, "remove the target of the rule PersonalizeMonitor-NotificationsRule: InternalException: broken",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := answering(t, tt.target, tt.answer)
			if tt.region == other {
				w.formerRule(other, nil)
			}
			a, _ := w.actor()
			topics, problems := a.Notify(ctxAll, NotifyInput{Regions: []string{other}})
			if len(topics) != 2 || len(problems) != 1 || problems[0].Region != tt.region || problems[0].Err.Error() != tt.want {
				t.Errorf("topics %v, problems %v", topics, problems)
			}
			if writes := w.writes(); writes["events.DeleteRule"] != 0 {
				t.Errorf("writes %v", writes)
			}
		})
	}
}

func TestAListingThatGoesRoundInCirclesIsAnError(t *testing.T) {
	w := answering(t, "AWSEvents.ListTargetsByRule", `{"Targets":[],"NextToken":"again"}`)
	w.formerRule(home, nil)
	a, _ := w.actor()
	_, problems := a.Notify(ctxAll, NotifyInput{})
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "the listing repeats itself") {
		t.Errorf("problems %v", problems)
	}
}

func TestDeniedResetsStopAfterThree(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	resources := campaigns(home, 5)
	w.reconcile(a, resources, alarmParams, rules.Monitored)
	w.server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "SetAlarmState", Code: "AccessDenied"})
	changes := w.diff(a, resources, alarmParams, rules.Monitored)
	for i := range changes {
		changes[i].Kind, changes[i].Reset = rules.UpdateAlarm, true
		changes[i].Settings = testSettings()
		changes[i].Settings.OKActions, changes[i].Settings.AlarmActions, changes[i].Settings.InsufficientActions = nil, nil, nil
	}
	w.writes()
	counts, problems := a.ReconcileAlarms(ctxAll, ReconcileInput{Region: home, Changes: changes})
	w.wantCounts(counts, AlarmCounts{Updated: 10})
	w.wantWrites(map[string]int{"cloudwatch.PutMetricAlarm": 10, "cloudwatch.SetAlarmState": 3})
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "failed 3 times in a row, 7 more not tried: reset alarm") {
		t.Errorf("problems %v", problems)
	}
}

func TestDeniedDeletionsStopAfterThreeCalls(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.reconcile(a, campaigns(home, 210), alarmParams, rules.Monitored)
	w.server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "DeleteAlarms", Code: "AccessDenied"})
	changes := w.diff(a, nil, alarmParams, rules.Gone)
	w.writes()
	counts, problems := a.ReconcileAlarms(ctxAll, ReconcileInput{Region: home, Changes: changes})
	w.wantCounts(counts, AlarmCounts{})
	w.wantWrites(map[string]int{"cloudwatch.DeleteAlarms": 3})
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "failed 3 times in a row, 120 more not tried: delete 100 alarms") {
		t.Errorf("problems %v", problems)
	}
}

func TestDeletionsThatDoNotFitTheTimeAreLeft(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.reconcile(a, campaigns(home, 100), alarmParams, rules.Monitored)
	changes := w.diff(a, nil, alarmParams, rules.Gone)
	w.writes()
	run := func(seconds int) AlarmCounts {
		counts, problems := a.ReconcileAlarms(ctxAll, ReconcileInput{
			Region: home, Changes: changes, Until: w.clock.Now().Add(time.Duration(seconds) * time.Second),
		})
		w.noProblems(problems)
		return counts
	}
	// The tags of ten alarms are read at once, then of ten a second; that stops early
	// enough for the alarms read about to be deleted.
	w.wantCounts(run(2), AlarmCounts{Left: 200})
	counts := run(4)
	if counts.Left+counts.Deleted != 200 || counts.Left == 0 || counts.Deleted < 10 {
		t.Errorf("counts %+v", counts)
	}
	w.wantWrites(map[string]int{"cloudwatch.DeleteAlarms": 1})
	w.wantCounts(w.reconcile(a, nil, alarmParams, rules.Gone), AlarmCounts{Deleted: counts.Left})
}
