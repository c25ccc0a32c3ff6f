package uninstall

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

// topicItem is what became of the topic of a region, in short.
func topicItem(r report.Cleanup, region string) string {
	for _, i := range r.Items {
		if i.Kind == KindTopic && i.Region == region {
			return i.State + ": " + i.Reason
		}
	}
	return ""
}

// A topic goes with its subscriptions, which cannot be restored. It stays if what may send to it
// could not be listed or read, in whatever way that failed, and that is a problem.
func TestATopicStaysIfWhatMayUseItCouldNotBeRead(t *testing.T) {
	const alarm, rule = "remains: alarms could not be read, and may send to it", "remains: the rule could not be read, and may send to it"
	const unclear = "remains: a rule that could not be read may send to it"
	tests := []struct {
		name  string
		fault localaws.Fault
		want  string
	}{
		{"alarms, denied", localaws.Fault{Service: "cloudwatch", Operation: "DescribeAlarms", Code: "AccessDenied"}, alarm},
		{"alarms, failed", localaws.Fault{Service: "cloudwatch", Operation: "DescribeAlarms", Code: "InternalFailure"}, alarm},
		{"the rule, denied", localaws.Fault{Service: "events", Operation: "DescribeRule", Code: "AccessDeniedException"}, rule},
		{"the rule, failed", localaws.Fault{Service: "events", Operation: "DescribeRule", Code: "InternalException"}, rule},
		{"its tags", localaws.Fault{Service: "events", Operation: "ListTagsForResource", Code: "AccessDeniedException"}, unclear},
		{"its targets", localaws.Fault{Service: "events", Operation: "ListTargetsByRule", Code: "AccessDeniedException"}, unclear},
		{"its target remains", localaws.Fault{Service: "events", Operation: "RemoveTargets", Code: "AccessDeniedException"}, "remains: the rule that sends to it remains"},
		{"everything is read", localaws.Fault{Operation: "none"}, "removed: of the deployment cli; subscriptions that end with it: 1"},
	}
	for _, tt := range tests {
		for _, region := range []string{home, other} {
			t.Run(tt.name+" in "+region, func(t *testing.T) {
				w := newWorld(t)
				a, _ := w.actor()
				w.notify(a, mail)
				if region == other { // it has a rule of ours, too
					w.SampleRule(other, nil)
				}
				w.Server.ConfirmAll()
				tt.fault.Region = region
				w.Server.AddFault(tt.fault)
				seen, _ := a.Cleanup(ctxAll, Input{DryRun: true})
				result, problems := a.Cleanup(ctxAll, Input{})
				if got := topicItem(result, region); got != tt.want {
					t.Errorf("topic %s", got)
				}
				stays := strings.HasPrefix(tt.want, Remaining)
				if strings.HasPrefix(topicItem(seen, region), Remaining) != stays && tt.fault.Operation != "RemoveTargets" {
					t.Errorf("in a dry run: %s", topicItem(seen, region))
				}
				if w.topicExists(region) != stays || (len(problems) > 0) != stays {
					t.Errorf("exists: %v, problems %v", w.topicExists(region), problems)
				}
				w.Server.ClearFaults()
				w.cleanup(a)
				if w.topicExists(region) {
					t.Error("it is left for good")
				}
			})
		}
	}
}

// A region is skipped only if nothing in it could be looked for. If one service alone is denied,
// the program may have made things there.
func TestARegionThatIsDeniedInPartIsAProblem(t *testing.T) {
	for service, problems := range map[string]int{"cloudwatch": 1, "events": 1, "sns": 1, "": 0} {
		w := newWorld(t)
		a, _ := w.actor()
		w.Server.AddFault(localaws.Fault{Service: service, Region: "ap-south-1", Code: "AccessDenied"})
		result, got := a.Cleanup(ctxAll, Input{})
		if len(got) != problems || len(result.Skipped) != 1 {
			t.Errorf("%q: problems %v, skipped %v", service, got, result.Skipped)
		}
	}
}

// Whoever owns it, what stays keeps the topic that it sends to.
func TestWhatStaysKeepsItsTopic(t *testing.T) {
	personsAlarm := func(w *world) {
		in := awsbed.SampleAlarms(awsbed.Campaigns(home, 1)[0])[0]
		in.Tags, in.AlarmDescription = nil, aws.String("mine")
		_, err := w.Raw.CloudWatch(home).PutMetricAlarm(ctxAll, in)
		w.Must(err)
	}
	tests := []struct {
		name string
		make func(*world)
		want string
	}{
		{"a person's alarm", personsAlarm, "kept: alarms that stay send to it"},
		{"another deployment's rule", func(w *world) { w.tagRule(theirTags) }, "kept: a rule that stays sends to it"},
		{"a person's target of our rule", func(w *world) {
			w.PutTargets(home, types.Target{Id: aws.String("mine"), Arn: aws.String(testTopic.String())})
		}, "kept: a rule that stays sends to it"},
		{"another target of our rule", func(w *world) {
			w.PutTargets(home, types.Target{Id: aws.String("mine"), Arn: aws.String("arn:aws:lambda:eu-west-1:123456789012:function:f")})
		}, "removed: of the deployment cli"},
		{"nothing", func(*world) {}, "removed: of the deployment cli"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			a, _ := w.actor()
			w.notify(a)
			tt.make(w)
			if got := topicItem(w.cleanup(a), home); got != tt.want {
				t.Errorf("topic %s", got)
			}
		})
	}
}

// What the sample left without a deployment's tag may be another stack's. It goes in the regions
// given, or everywhere if that is requested; what was taken over goes in any case.
func TestLeftoversOfTheSampleStay(t *testing.T) {
	tests := []struct {
		name        string
		in          Input
		home, other bool // they stay there
	}{
		{"in no region of ours", Input{}, true, true},
		{"in regions of ours", Input{Untagged: []string{home}}, false, true},
		{"everywhere", Input{AllUntagged: true}, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			for _, region := range []string{home, other} {
				w.SampleRule(region, nil)
				w.SetPolicy(region, awsbed.SamplePolicy(region))
				w.putAlarm(region, "PersonalizeMonitor-LowCampaignUtilization-home", "", formerTags)
			}
			w.putAlarm(other, "PersonalizeMonitor-IdleCampaign-ours", "", oursTags)
			w.putBoards(board)
			a, _ := w.actor()
			tt.in.DashboardName = board
			result := a.Run(ctxAll, tt.in)
			w.NoProblems(result.Problems)
			for region, stays := range map[string]bool{home: tt.home, other: tt.other} {
				rule, targets := w.Rule(region)
				names := w.alarmNames(region)
				if w.topicExists(region) != stays || (rule != nil) != stays || (len(targets) == 1) != stays || (len(names) == 1) != stays {
					t.Errorf("%s: left %v, %v, %v\n%s", region, rule, targets, names, strings.Join(states(result), "\n"))
				}
			}
			if got := len(w.boards()) == 1; got != tt.home {
				t.Errorf("the dashboard stays: %v", got)
			}
			for _, item := range InState(result.Items, Kept) {
				if !strings.Contains(item.Reason, "cleanup --include-untagged removes it") {
					t.Errorf("%+v", item)
				}
			}
			if slices.Contains(w.alarmNames(other), "PersonalizeMonitor-IdleCampaign-ours") {
				t.Error("an alarm of ours stays")
			}
		})
	}
	// Once a monitor has taken it over, it is tagged.
	w := newSample(t)
	a, _ := w.actor()
	w.notify(a)
	if got := topicItem(a.Run(ctxAll, Input{}), home); got != "kept: alarms that stay send to it" {
		t.Errorf("topic %s", got) // they have not been taken over yet
	}
	for _, name := range []string{adoptedLow, adoptedIdle} {
		w.tagAlarm(name, map[string]string{writer.TagDeployment: "cli"})
	}
	if got := topicItem(a.Run(ctxAll, Input{}), home); got != "removed: of the deployment cli" {
		t.Errorf("topic %s", got)
	}
}
