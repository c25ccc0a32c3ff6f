package act

import (
	"fmt"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

const (
	adoptedLow  = "PersonalizeMonitor-LowCampaignUtilization-c000"
	adoptedIdle = "PersonalizeMonitor-IdleCampaign-c000"
)

// newOriginal is an account in which the original application ran.
func newOriginal(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.formerRule(home, nil)
	w.setPolicy(home, formerPolicy(home))
	for _, in := range originalAlarms(campaigns(home, 1)[0]) {
		_, err := w.raw.CloudWatch(home).PutMetricAlarm(ctxAll, in)
		w.must(err)
	}
	w.writes()
	return w
}

// wantTags checks the tags of topic, rule and both alarms.
func (w *world) wantTags(topic, rule, low, idle tags) {
	w.t.Helper()
	got := map[string]tags{}
	var err error
	got["topic"], err = topicTags(ctxAll, w.raw.SNS(home), testTopic.String())
	w.must(err)
	r, _ := w.rule(home)
	got["rule"], err = ruleTags(ctxAll, w.raw.EventBridge(home), *r.Arn)
	w.must(err)
	for key, name := range map[string]string{"low": adoptedLow, "idle": adoptedIdle} {
		got[key], err = readAlarmTags(ctxAll, w.raw.CloudWatch(home), *w.alarm(name).AlarmArn)
		w.must(err)
	}
	want := map[string]tags{"topic": topic, "rule": rule, "low": low, "idle": idle}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("tags %v, want %v", got, want)
	}
}

var (
	ourTags  = tags{createdBy, "cli"}
	bareTags = tags{createdBy: createdBy}
)

// What is taken over bears the deployment's tags, and costs nothing more after that.
func TestWhatIsTakenOverIsTagged(t *testing.T) {
	w := newOriginal(t)
	a, _ := w.actor()
	w.notify(a)
	// One alarm is as it should be, the other is brought in step.
	p := alarmParams
	p.IdleHours = 48
	w.wantCounts(w.reconcile(a, campaigns(home, 1), p, rules.Monitored), AlarmCounts{Updated: 2})
	w.wantTags(ourTags, ourTags, ourTags, ourTags)
	w.writes()
	w.wantCounts(w.reconcile(a, campaigns(home, 1), p, rules.Monitored), AlarmCounts{Kept: 2})
	w.clock.Advance(wiringTTL)
	w.notify(a)
	w.wantWrites(map[string]int{})
	if calls := w.server.Calls(); calls["cloudwatch.ListTagsForResource"]+calls["cloudwatch.TagResource"] > 0 {
		t.Errorf("calls %v", calls)
	}

	// Another deployment's clean-up leaves all of it, and ours takes it.
	for _, item := range w.cleanup(a, func(in *CleanupInput) { in.Deployment = otherStack }).Items {
		if item.State != Kept {
			t.Errorf("%+v", item)
		}
	}
	if w.cleanup(a); w.topicExists(home) || len(w.alarmNames(home)) > 0 {
		t.Error("something is left")
	}
}

// What has a deployment, or is a person's by its tag, is not tagged anew.
func TestAnotherDeploymentsThingsKeepTheirTags(t *testing.T) {
	for _, theirs := range []tags{{createdBy, otherStack}, {"me", ""}} {
		w := newOriginal(t)
		list := map[string]string{tagCreatedBy: theirs.createdBy}
		if theirs.deployment != "" {
			list[tagDeployment] = theirs.deployment
		}
		w.tagTopic(home, list)
		w.tagRule(list)
		for _, in := range originalAlarms(campaigns(home, 1)[0]) {
			w.tagAlarm(*in.AlarmName, list)
		}
		w.writes()
		a, _ := w.actor()
		w.notify(a)
		w.reconcile(a, campaigns(home, 1), alarmParams, rules.Monitored)
		for op := range w.writes() {
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
			w := newOriginal(t)
			a, _ := w.actor()
			for service, code := range map[string]string{"sns": "AuthorizationError", "events": "AccessDeniedException", "cloudwatch": "AccessDenied"} {
				w.server.AddFault(localaws.Fault{Service: service, Operation: operation, Code: code})
			}
			topics, problems := a.Notify(ctxAll, NotifyInput{})
			if topics[home] != testTopic || len(problems) != 2 || !strings.Contains(fmt.Sprint(problems), "of the topic") && !strings.Contains(fmt.Sprint(problems), "tag the topic") {
				t.Errorf("topics %v, problems %v", topics, problems)
			}
			if got := sids(t, w.policy(home)); len(got) != 2 {
				t.Errorf("statements %v", got)
			}
			p := alarmParams
			p.IdleHours = 48
			counts, problems := a.ReconcileAlarms(ctxAll, ReconcileInput{Region: home, Changes: w.diff(a, campaigns(home, 1), p, rules.Monitored)})
			w.wantCounts(counts, AlarmCounts{Updated: 1, Kept: 1})
			if len(problems) != 2 || problems[0].Operation != opTagResource {
				t.Errorf("problems %v", problems)
			}
			if got := *w.alarm(adoptedIdle).EvaluationPeriods; got != 48 {
				t.Errorf("%d periods", got)
			}
			w.server.ClearFaults()
			w.wantTags(tags{}, tags{}, bareTags, bareTags)

			w.notify(a)
			w.wantCounts(w.reconcile(a, campaigns(home, 1), p, rules.Monitored), AlarmCounts{Updated: 2})
			w.wantTags(ourTags, ourTags, ourTags, ourTags)
			w.wantCounts(w.reconcile(a, campaigns(home, 1), p, rules.Monitored), AlarmCounts{Kept: 2})
		})
	}
}
