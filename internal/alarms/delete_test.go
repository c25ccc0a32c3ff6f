package alarms

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

func (w *world) untag(name string, keys ...string) {
	w.T.Helper()
	_, err := w.Raw.CloudWatch(home).UntagResource(context.Background(), &cloudwatch.UntagResourceInput{
		ResourceARN: w.Alarm(name).AlarmArn, TagKeys: keys,
	})
	w.Must(err)
}

func (w *world) tag(name, key, value string) {
	w.T.Helper()
	_, err := w.Raw.CloudWatch(home).TagResource(context.Background(), &cloudwatch.TagResourceInput{
		ResourceARN: w.Alarm(name).AlarmArn, Tags: []types.Tag{{Key: aws.String(key), Value: aws.String(value)}},
	})
	w.Must(err)
}

func TestAlarmsOfGoneResourcesAreRemovedAHundredAtATime(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.reconcile(a, awsbed.Campaigns(home, 101), alarmParams, Monitored)
	w.Writes()
	w.wantCounts(w.reconcile(a, nil, alarmParams, Gone), Counts{Deleted: 202})
	w.WantWrites(map[string]int{"cloudwatch.DeleteAlarms": 3})
	w.wantCounts(w.reconcile(a, nil, alarmParams, Gone), Counts{})
}

func TestAlarmsWithoutOurTagStayAndAreNotAskedAboutAgain(t *testing.T) {
	w := newWorld(t)
	a, log := w.actor()
	w.reconcile(a, awsbed.Campaigns(home, 2), alarmParams, Monitored)
	const theirs = "PersonalizeMonitor-IdleCampaign-c000"
	w.untag(theirs, "CreatedBy")
	w.Writes()
	w.wantCounts(w.reconcile(a, nil, alarmParams, Gone), Counts{Deleted: 3, Kept: 1})
	if n := w.Server.Calls()["cloudwatch.ListTagsForResource"]; n != 4 {
		t.Errorf("asked for tags %d times, want 4", n)
	}
	w.Writes()

	w.Clock.Advance(tagsTTL - time.Minute)
	w.wantCounts(w.reconcile(a, nil, alarmParams, Gone), Counts{Kept: 1})
	if n := w.Server.Calls()["cloudwatch.ListTagsForResource"]; n != 0 {
		t.Errorf("asked for tags %d times within the time", n)
	}
	w.Clock.Advance(time.Minute)
	w.wantCounts(w.reconcile(a, nil, alarmParams, Gone), Counts{Kept: 1})
	if n := w.Server.Calls()["cloudwatch.ListTagsForResource"]; n != 1 {
		t.Errorf("asked for tags %d times after the time, want once", n)
	}
	w.WantWrites(map[string]int{})
	if n := log.Count("level=INFO", "alarm kept", theirs, "it has no tag CreatedBy=PersonalizeMonitor"); n != 1 {
		t.Errorf("logged %d times at info", n)
	}
}

func TestAnotherDeploymentsAlarmsStayUnlessTheirResourceIsGone(t *testing.T) {
	w := newWorld(t)
	stack, _ := w.actor(func(o *writer.Options) { o.Deployment = "eu-west-1/monitor" })
	w.reconcile(stack, awsbed.Campaigns(home, 1), alarmParams, Monitored)
	a, _ := w.actor()
	w.wantCounts(w.reconcile(a, awsbed.Campaigns(home, 1), Params{}, Monitored), Counts{Kept: 2})
	w.wantCounts(w.reconcile(a, nil, alarmParams, Gone), Counts{Deleted: 2})
}

func TestSwitchedOffAlarmsOfOursAreRemoved(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.reconcile(a, awsbed.Campaigns(home, 2), alarmParams, Monitored)
	w.untag("PersonalizeMonitor-IdleCampaign-c001", "Deployment")
	w.tag("PersonalizeMonitor-LowCampaignUtilization-c001", "Deployment", "eu-west-1/monitor")
	w.wantCounts(w.reconcile(a, awsbed.Campaigns(home, 2), Params{}, Monitored), Counts{Deleted: 3, Kept: 1})
}

func TestTagsThatMayNotBeReadAreReportedOnce(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.reconcile(a, awsbed.Campaigns(home, 20), alarmParams, Monitored)
	w.Writes()
	w.Server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "ListTagsForResource", Code: "AccessDenied"})
	changes := w.diff(a, nil, alarmParams, Gone)
	w.Server.ResetCalls()
	counts, problems := a.Reconcile(context.Background(), ReconcileInput{Region: home, Changes: changes})
	w.wantCounts(counts, Counts{})
	if n := w.Server.Calls()["cloudwatch.ListTagsForResource"]; n != ParallelTags {
		t.Errorf("asked %d times", n)
	}
	if len(problems) != 1 || !strings.Contains(problems[0].Err.Error(), "failed 8 times in a row, 32 more not tried") {
		t.Errorf("problems %v", problems)
	}
	w.WantWrites(map[string]int{})
}

func TestADeniedDeletionIsReported(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.reconcile(a, awsbed.Campaigns(home, 1), alarmParams, Monitored)
	w.Server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "DeleteAlarms", Code: "AccessDenied"})
	counts, problems := a.Reconcile(context.Background(), ReconcileInput{Region: home, Changes: w.diff(a, nil, alarmParams, Gone)})
	w.wantCounts(counts, Counts{})
	if len(problems) != 1 || problems[0].Operation != "DeleteAlarms" || !strings.Contains(problems[0].Err.Error(), "delete 2 alarms (PersonalizeMonitor-IdleCampaign-c000 …)") {
		t.Errorf("problems %v", problems)
	}
}

func TestAnAlarmGoneMeanwhileIsNoProblem(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.reconcile(a, awsbed.Campaigns(home, 1), alarmParams, Monitored)
	changes := w.diff(a, nil, alarmParams, Gone)
	w.reconcile(a, nil, alarmParams, Gone)
	w.Writes()
	counts, problems := a.Reconcile(context.Background(), ReconcileInput{Region: home, Changes: changes})
	w.wantCounts(counts, Counts{})
	w.NoProblems(problems)
	w.WantWrites(map[string]int{})
	counts, problems = a.Reconcile(context.Background(), ReconcileInput{Region: home, Changes: []Change{{Kind: Delete, Name: "n"}}})
	if len(problems) != 1 || counts != (Counts{}) {
		t.Errorf("an alarm without an ARN: %+v, %v", counts, problems)
	}
}
