package act

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

func (w *world) untag(name string, keys ...string) {
	w.t.Helper()
	_, err := w.raw.CloudWatch(home).UntagResource(context.Background(), &cloudwatch.UntagResourceInput{
		ResourceARN: w.alarm(name).AlarmArn, TagKeys: keys,
	})
	w.must(err)
}

func (w *world) tag(name, key, value string) {
	w.t.Helper()
	_, err := w.raw.CloudWatch(home).TagResource(context.Background(), &cloudwatch.TagResourceInput{
		ResourceARN: w.alarm(name).AlarmArn, Tags: []types.Tag{{Key: aws.String(key), Value: aws.String(value)}},
	})
	w.must(err)
}

func TestAlarmsOfGoneResourcesAreRemovedAHundredAtATime(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.reconcile(a, campaigns(home, 101), alarmParams, rules.Monitored)
	w.writes()
	w.wantCounts(w.reconcile(a, nil, alarmParams, rules.Gone), AlarmCounts{Deleted: 202})
	w.wantWrites(map[string]int{"cloudwatch.DeleteAlarms": 3})
	w.wantCounts(w.reconcile(a, nil, alarmParams, rules.Gone), AlarmCounts{})
}

func TestAlarmsWithoutOurTagStayAndAreNotAskedAboutAgain(t *testing.T) {
	w := newWorld(t)
	a, log := w.actor()
	w.reconcile(a, campaigns(home, 2), alarmParams, rules.Monitored)
	const theirs = "PersonalizeMonitor-IdleCampaign-c000"
	w.untag(theirs, "CreatedBy")
	w.writes()
	w.wantCounts(w.reconcile(a, nil, alarmParams, rules.Gone), AlarmCounts{Deleted: 3, Kept: 1})
	if n := w.server.Calls()["cloudwatch.ListTagsForResource"]; n != 4 {
		t.Errorf("asked for tags %d times, want 4", n)
	}
	w.writes()

	w.clock.Advance(tagsTTL - time.Minute)
	w.wantCounts(w.reconcile(a, nil, alarmParams, rules.Gone), AlarmCounts{Kept: 1})
	if n := w.server.Calls()["cloudwatch.ListTagsForResource"]; n != 0 {
		t.Errorf("asked for tags %d times within the time", n)
	}
	w.clock.Advance(time.Minute)
	w.wantCounts(w.reconcile(a, nil, alarmParams, rules.Gone), AlarmCounts{Kept: 1})
	if n := w.server.Calls()["cloudwatch.ListTagsForResource"]; n != 1 {
		t.Errorf("asked for tags %d times after the time, want once", n)
	}
	w.wantWrites(map[string]int{})
	if n := log.count("level=INFO", "alarm kept", theirs, "it has no tag CreatedBy=PersonalizeMonitor"); n != 1 {
		t.Errorf("said %d times at info", n)
	}
}

func TestAnotherDeploymentsAlarmsStayUnlessTheirResourceIsGone(t *testing.T) {
	w := newWorld(t)
	stack, _ := w.actor(func(o *Options) { o.Deployment = "eu-west-1/monitor" })
	w.reconcile(stack, campaigns(home, 1), alarmParams, rules.Monitored)
	a, _ := w.actor()
	w.wantCounts(w.reconcile(a, campaigns(home, 1), rules.AlarmParams{}, rules.Monitored), AlarmCounts{Kept: 2})
	w.wantCounts(w.reconcile(a, nil, alarmParams, rules.Gone), AlarmCounts{Deleted: 2})
}

func TestSwitchedOffAlarmsOfOursAreRemoved(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.reconcile(a, campaigns(home, 2), alarmParams, rules.Monitored)
	w.untag("PersonalizeMonitor-IdleCampaign-c001", "Deployment")
	w.tag("PersonalizeMonitor-LowCampaignUtilization-c001", "Deployment", "eu-west-1/monitor")
	w.wantCounts(w.reconcile(a, campaigns(home, 2), rules.AlarmParams{}, rules.Monitored), AlarmCounts{Deleted: 3, Kept: 1})
}

func TestTagsThatMayNotBeReadAreReportedOnce(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.reconcile(a, campaigns(home, 20), alarmParams, rules.Monitored)
	w.writes()
	w.server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "ListTagsForResource", Code: "AccessDenied"})
	changes := w.diff(a, nil, alarmParams, rules.Gone)
	w.server.ResetCalls()
	counts, problems := a.ReconcileAlarms(context.Background(), ReconcileInput{Region: home, Changes: changes})
	w.wantCounts(counts, AlarmCounts{})
	if n := w.server.Calls()["cloudwatch.ListTagsForResource"]; n != parallelTags {
		t.Errorf("asked %d times", n)
	}
	if len(problems) != 1 || !strings.Contains(problems[0].Err.Error(), "failed 8 times in a row, 32 more not tried") {
		t.Errorf("problems %v", problems)
	}
	w.wantWrites(map[string]int{})
}

func TestADeniedDeletionIsReported(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.reconcile(a, campaigns(home, 1), alarmParams, rules.Monitored)
	w.server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "DeleteAlarms", Code: "AccessDenied"})
	counts, problems := a.ReconcileAlarms(context.Background(), ReconcileInput{Region: home, Changes: w.diff(a, nil, alarmParams, rules.Gone)})
	w.wantCounts(counts, AlarmCounts{})
	if len(problems) != 1 || problems[0].Operation != "DeleteAlarms" || !strings.Contains(problems[0].Err.Error(), "delete 2 alarms (PersonalizeMonitor-IdleCampaign-c000 …)") {
		t.Errorf("problems %v", problems)
	}
}

func TestAnAlarmGoneMeanwhileIsNoProblem(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.reconcile(a, campaigns(home, 1), alarmParams, rules.Monitored)
	changes := w.diff(a, nil, alarmParams, rules.Gone)
	w.reconcile(a, nil, alarmParams, rules.Gone)
	w.writes()
	counts, problems := a.ReconcileAlarms(context.Background(), ReconcileInput{Region: home, Changes: changes})
	w.wantCounts(counts, AlarmCounts{})
	w.noProblems(problems)
	w.wantWrites(map[string]int{})
	counts, problems = a.ReconcileAlarms(context.Background(), ReconcileInput{Region: home, Changes: []rules.AlarmChange{{Kind: rules.DeleteAlarm, Name: "n"}}})
	if len(problems) != 1 || counts != (AlarmCounts{}) {
		t.Errorf("an alarm without an ARN: %+v, %v", counts, problems)
	}
}
