package uninstall

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

const (
	adoptedLow  = "PersonalizeMonitor-LowCampaignUtilization-c000"
	adoptedIdle = "PersonalizeMonitor-IdleCampaign-c000"
)

// newSample is an account in which the upstream sample ran.
func newSample(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.SampleRule(home, nil)
	w.SetPolicy(home, awsbed.SamplePolicy(home))
	for _, in := range awsbed.SampleAlarms(awsbed.Campaigns(home, 1)[0]) {
		_, err := w.Raw.CloudWatch(home).PutMetricAlarm(ctxAll, in)
		w.Must(err)
	}
	w.Writes()
	return w
}

// wantTags checks the tags of topic, rule and both alarms.
func (w *world) wantTags(topic, rule, low, idle writer.Tags) {
	w.T.Helper()
	r, _ := w.Rule(home)
	got := map[string]writer.Tags{}
	for key, arn := range map[string]string{
		"topic": testTopic.String(), "rule": *r.Arn, "low": *w.Alarm(adoptedLow).AlarmArn, "idle": *w.Alarm(adoptedIdle).AlarmArn,
	} {
		var err error
		got[key], err = writer.New(writer.Options{Clients: w.Raw}).ReadTags(ctxAll, home, arn)
		w.Must(err)
	}
	want := map[string]writer.Tags{"topic": topic, "rule": rule, "low": low, "idle": idle}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.T.Errorf("tags %v, want %v", got, want)
	}
}

var (
	ourTags  = writer.Tags{writer.TagCreatedBy: writer.CreatedBy, writer.TagDeployment: "cli"}
	bareTags = writer.Tags{writer.TagCreatedBy: writer.CreatedBy}
)

// What is taken over has the deployment's tags, and costs nothing more after that.
func TestWhatIsTakenOverIsTagged(t *testing.T) {
	w := newSample(t)
	a, _ := w.actor()
	w.notify(a)
	// One alarm is as it should be, the other is brought in step.
	p := alarmParams
	p.IdleHours = 48
	w.wantCounts(w.reconcile(a, awsbed.Campaigns(home, 1), p), alarms.Counts{Updated: 2})
	w.wantTags(ourTags, ourTags, ourTags, ourTags)
	w.Writes()
	w.wantCounts(w.reconcile(a, awsbed.Campaigns(home, 1), p), alarms.Counts{Kept: 2})
	w.Clock.Advance(time.Hour)
	w.notify(a)
	w.WantWrites(map[string]int{})
	if calls := w.Server.Calls(); calls["cloudwatch.ListTagsForResource"]+calls["cloudwatch.TagResource"] > 0 {
		t.Errorf("calls %v", calls)
	}

	// Another deployment's clean-up leaves all of it, and ours takes it.
	for _, item := range w.cleanup(a, func(in *Input) { in.Deployment = otherStack }).Items {
		if item.State != Kept {
			t.Errorf("%+v", item)
		}
	}
	if w.cleanup(a); w.topicExists(home) || len(w.alarmNames(home)) > 0 {
		t.Error("something is left")
	}
}

// What has a deployment, or is a person's by its tag, is not tagged again.
func TestAnotherDeploymentsThingsKeepTheirTags(t *testing.T) {
	for _, theirs := range []writer.Tags{{writer.TagCreatedBy: writer.CreatedBy, writer.TagDeployment: otherStack}, {writer.TagCreatedBy: "me"}} {
		w := newSample(t)
		w.tagTopic(theirs)
		w.tagRule(theirs)
		for _, in := range awsbed.SampleAlarms(awsbed.Campaigns(home, 1)[0]) {
			w.tagAlarm(*in.AlarmName, theirs)
		}
		w.Writes()
		a, _ := w.actor()
		w.notify(a)
		w.reconcile(a, awsbed.Campaigns(home, 1), alarmParams)
		for op := range w.Writes() {
			if strings.HasSuffix(op, ".TagResource") {
				t.Errorf("%v: %s", theirs, op)
			}
		}
		w.wantTags(theirs, theirs, theirs, theirs)
	}
}

// That a tag cannot be set or read is a problem and costs nothing else; it is tried again.
func TestATagThatCannotBeSetCostsNothingElse(t *testing.T) {
	for _, operation := range []string{"TagResource", "ListTagsForResource"} {
		t.Run(operation, func(t *testing.T) {
			w := newSample(t)
			a, _ := w.actor()
			for service, code := range map[string]string{"sns": "AuthorizationError", "events": "AccessDeniedException", "cloudwatch": "AccessDenied"} {
				w.Server.AddFault(localaws.Fault{Service: service, Operation: operation, Code: code})
			}
			topics, problems := a.notifier.Ensure(ctxAll, notify.Input{})
			if topics[home] != testTopic || len(problems) != 2 || !strings.Contains(fmt.Sprint(problems), "of the topic") && !strings.Contains(fmt.Sprint(problems), "tag the topic") {
				t.Errorf("topics %v, problems %v", topics, problems)
			}
			if got := sids(t, w.Policy(home)); len(got) != 2 {
				t.Errorf("statements %v", got)
			}
			p := alarmParams
			p.IdleHours = 48
			counts, problems := a.alarms.Reconcile(ctxAll, alarms.ReconcileInput{Region: home, Changes: w.diff(a, awsbed.Campaigns(home, 1), p, alarms.Monitored)})
			w.wantCounts(counts, alarms.Counts{Updated: 1, Kept: 1})
			if len(problems) != 2 || problems[0].Operation != writer.OpTagResource {
				t.Errorf("problems %v", problems)
			}
			if got := *w.Alarm(adoptedIdle).EvaluationPeriods; got != 48 {
				t.Errorf("%d periods", got)
			}
			w.Server.ClearFaults()
			w.wantTags(writer.Tags{}, writer.Tags{}, bareTags, bareTags)

			w.notify(a)
			w.wantCounts(w.reconcile(a, awsbed.Campaigns(home, 1), p), alarms.Counts{Updated: 2})
			w.wantTags(ourTags, ourTags, ourTags, ourTags)
			w.wantCounts(w.reconcile(a, awsbed.Campaigns(home, 1), p), alarms.Counts{Kept: 2})
		})
	}
}
