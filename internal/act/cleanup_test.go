package act

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

const (
	board      = "Amazon-Personalize-Monitor"
	otherStack = "eu-west-1/other"
	// faraway is a region where Personalize is not offered.
	faraway = "eu-west-3"
)

var (
	oursTags   = map[string]string{"CreatedBy": "PersonalizeMonitor", "Deployment": "cli"}
	formerTags = map[string]string{"CreatedBy": "PersonalizeMonitor"}
	theirTags  = map[string]string{"CreatedBy": "PersonalizeMonitor", "Deployment": otherStack}
)

// putAlarm makes an alarm of the resource that its name ends with.
func (w *world) putAlarm(region, name, description string, tags map[string]string) {
	w.t.Helper()
	in := &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String(name), AlarmDescription: aws.String(description),
		Namespace: aws.String("PersonalizeMonitor"), MetricName: aws.String("campaignUtilization"),
		Dimensions: []cwtypes.Dimension{{
			Name:  aws.String("CampaignArn"),
			Value: aws.String("arn:aws:personalize:" + region + ":" + testAccount + ":campaign/" + name[strings.LastIndex(name, "-")+1:]),
		}},
		Statistic: cwtypes.StatisticAverage, Period: aws.Int32(300), EvaluationPeriods: aws.Int32(12), DatapointsToAlarm: aws.Int32(9),
		Threshold: aws.Float64(100), ComparisonOperator: cwtypes.ComparisonOperatorLessThanThreshold,
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		in.Tags = append(in.Tags, cwtypes.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	_, err := w.raw.CloudWatch(region).PutMetricAlarm(ctxAll, in)
	w.must(err)
}

// manyAlarms makes n alarms of ours.
func (w *world) manyAlarms(region string, n int) {
	w.t.Helper()
	for i := range n {
		w.putAlarm(region, fmt.Sprintf("PersonalizeMonitor-LowCampaignUtilization-c%03d", i), "", oursTags)
	}
}

func (w *world) alarmNames(region string) []string {
	w.t.Helper()
	alarms, err := listAlarms(ctxAll, w.raw.CloudWatch(region))
	w.must(err)
	var names []string
	for _, a := range alarms {
		names = append(names, a.Name)
	}
	slices.Sort(names)
	return names
}

func (w *world) topicExists(region string) bool {
	w.t.Helper()
	_, err := w.raw.SNS(region).GetTopicAttributes(ctxAll, &sns.GetTopicAttributesInput{TopicArn: aws.String(topicIn(region).String())})
	return err == nil
}

func (w *world) tagTopic(region string, tags map[string]string) {
	w.t.Helper()
	var list []snstypes.Tag
	for key, value := range tags {
		list = append(list, snstypes.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	_, err := w.raw.SNS(region).TagResource(ctxAll, &sns.TagResourceInput{ResourceArn: aws.String(topicIn(region).String()), Tags: list})
	w.must(err)
}

func (w *world) tagRule(tags map[string]string) {
	w.t.Helper()
	var list []types.Tag
	for key, value := range tags {
		list = append(list, types.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	rule, _ := w.rule(home)
	_, err := w.raw.EventBridge(home).TagResource(ctxAll, &eventbridge.TagResourceInput{ResourceARN: rule.Arn, Tags: list})
	w.must(err)
}

func (w *world) tagAlarm(name string, tags map[string]string) {
	w.t.Helper()
	var list []cwtypes.Tag
	for key, value := range tags {
		list = append(list, cwtypes.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	_, err := w.raw.CloudWatch(home).TagResource(ctxAll, &cloudwatch.TagResourceInput{ResourceARN: w.alarm(name).AlarmArn, Tags: list})
	w.must(err)
}

// formerPolicy is the policy that the original application gave the topic.
func formerPolicy(region string) string {
	return `{"Version":"2008-10-17","Id":"PublishPolicy","Statement":[{"Effect":"Allow","Principal":{"Service":` +
		`["cloudwatch.amazonaws.com","events.amazonaws.com"]},"Action":["sns:Publish"],"Resource":"` + topicIn(region).String() + `"}]}`
}

func (w *world) putBoards(names ...string) {
	w.t.Helper()
	for _, name := range names {
		if rest, ok := strings.CutPrefix(name, board); ok && numbered.MatchString(rest) {
			w.ourDashboard(name)
		} else {
			w.someDashboard(name)
		}
	}
}

func (w *world) boards() []string {
	w.t.Helper()
	out, err := w.raw.CloudWatch(home).ListDashboards(ctxAll, &cloudwatch.ListDashboardsInput{})
	w.must(err)
	var names []string
	for _, entry := range out.DashboardEntries {
		names = append(names, *entry.DashboardName)
	}
	return names
}

// cleanup runs a clean-up that must have no problem.
func (w *world) cleanup(a *Actor, change ...func(*CleanupInput)) CleanupResult {
	w.t.Helper()
	in := CleanupInput{DashboardName: board}
	for _, c := range change {
		c(&in)
	}
	result, problems := a.Cleanup(ctxAll, in)
	w.noProblems(problems)
	return result
}

// states are the items of a result in short: region kind name: state (reason).
func states(r CleanupResult) []string {
	var list []string
	for _, i := range r.Items {
		list = append(list, strings.TrimSuffix(fmt.Sprintf("%s %s %s: %s (%s)", i.Region, i.Kind, i.Name, i.State, i.Reason), " ()"))
	}
	return list
}

func (w *world) wantStates(r CleanupResult, want ...string) {
	w.t.Helper()
	if got := states(r); !slices.Equal(got, want) {
		w.t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestCleanupRemovesWhatTheProgramMade(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.notify(a, mail)
	w.reconcile(a, campaigns(home, 1), alarmParams, rules.Monitored)
	// A region whose last resource is gone, and one where Personalize never was.
	w.putAlarm("ap-south-1", "PersonalizeMonitor-IdleCampaign-gone", "", oursTags)
	w.putAlarm(faraway, "PersonalizeMonitor-IdleCampaign-far", "", oursTags)
	w.putBoards(board, board+"-2", board+"-10", board+"-02", board+"-1", board+"-staging", board+"s", "mine")
	w.writes()

	result := w.cleanup(a, func(in *CleanupInput) { in.Regions = []string{faraway, home} })
	w.wantStates(result,
		"ap-south-1 alarm PersonalizeMonitor-IdleCampaign-gone: removed (of the deployment cli)",
		"eu-west-1 alarm PersonalizeMonitor-IdleCampaign-c000: removed (of the deployment cli)",
		"eu-west-1 alarm PersonalizeMonitor-LowCampaignUtilization-c000: removed (of the deployment cli)",
		"eu-west-1 target PersonalizeMonitorNotificationsId: removed (of the deployment cli)",
		"eu-west-1 rule PersonalizeMonitor-NotificationsRule: removed (of the deployment cli)",
		"eu-west-1 topic PersonalizeMonitorNotifications: removed (of the deployment cli; subscriptions that end with it: 1)",
		"eu-west-1 dashboard Amazon-Personalize-Monitor: removed (of the name Amazon-Personalize-Monitor)",
		"eu-west-1 dashboard Amazon-Personalize-Monitor-10: removed (of the name Amazon-Personalize-Monitor)",
		"eu-west-1 dashboard Amazon-Personalize-Monitor-2: removed (of the name Amazon-Personalize-Monitor)",
		"eu-west-3 alarm PersonalizeMonitor-IdleCampaign-far: removed (of the deployment cli)",
		"us-east-1 topic PersonalizeMonitorNotifications: removed (of the deployment cli; subscriptions that end with it: 1)",
	)
	w.wantWrites(map[string]int{
		"cloudwatch.DeleteAlarms": 3, "events.RemoveTargets": 1, "events.DeleteRule": 1, "sns.DeleteTopic": 2, "cloudwatch.DeleteDashboards": 3,
	})
	if len(result.Regions) != 12 || result.Account != testAccount {
		t.Errorf("account %s, regions %v", result.Account, result.Regions)
	}
	for _, region := range result.Regions {
		if rule, _ := w.rule(region); rule != nil || w.topicExists(region) || len(w.alarmNames(region)) > 0 {
			t.Errorf("something is left in %s", region)
		}
	}
	left := []string{board + "-02", board + "-1", board + "-staging", board + "s", "mine"}
	if got := w.boards(); !slices.Equal(got, left) {
		t.Errorf("dashboards %v, want %v", got, left)
	}

	// Done twice, it finds nothing; and a cycle after it makes everything anew at once.
	w.wantStates(w.cleanup(a))
	w.wantWrites(map[string]int{})
	w.notify(a, mail)
	if !w.topicExists(home) {
		t.Error("the topic was believed to be there")
	}
}

func TestCleanupOfHundredsOfAlarms(t *testing.T) {
	w := newWorld(t)
	w.manyAlarms(other, 320)
	w.writes()
	a, _ := w.actor()
	result := w.cleanup(a)
	w.wantWrites(map[string]int{"cloudwatch.DeleteAlarms": 4})
	if names := w.alarmNames(other); len(names) > 0 {
		t.Errorf("%d alarms are left", len(names))
	}
	counts := result.Counts()
	if len(counts) != 1 || counts[0].Region != other || counts[0].Kind != KindAlarm || counts[0].States[Removed] != 320 {
		t.Errorf("counts %+v", counts)
	}
}

func TestCleanupRemovesWhatTheOriginalLeftInEveryRegion(t *testing.T) {
	w := newWorld(t)
	for _, region := range []string{home, other} {
		w.formerRule(region, nil)
		w.setPolicy(region, formerPolicy(region))
		w.putAlarm(region, "PersonalizeMonitor-LowCampaignUtilization-home", "", formerTags)
	}
	w.putBoards(board)
	a, _ := w.actor(func(o *Options) { o.Deployment = "eu-west-1/stack" })
	result := w.cleanup(a)
	if len(result.In(Removed)) != 9 || len(result.Items) != 9 || !strings.Contains(states(result)[0], "removed (the original application's)") {
		t.Errorf("items %v", states(result))
	}
	w.wantStates(w.cleanup(a))
}

func TestCleanupAfterItsDryRunReadsNoTagsTwice(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.notify(a)
	w.manyAlarms(home, 30)
	w.putBoards(board)
	w.writes()
	scan := func(in *CleanupInput) { in.DryRun = true }
	result := w.cleanup(a, scan)
	w.wantWrites(map[string]int{})
	if len(result.Items) != 35 || len(result.In(WouldGo)) != 35 {
		t.Errorf("items %v", states(result))
	}
	w.cleanup(a)
	calls := w.server.Calls()
	if calls["cloudwatch.ListTagsForResource"] != 1 || // of the dashboard
		calls["cloudwatch.DeleteAlarms"] != 1 {
		t.Errorf("calls %v", calls)
	}

	// Old readings are not believed, and dry Actors never write.
	w.manyAlarms(home, 3)
	dry, log := w.actor(dryRun)
	w.cleanup(dry)
	if n := log.count("dry run, would write", "delete 3 alarms (PersonalizeMonitor-LowCampaignUtilization-c000 …)"); n != 1 {
		t.Errorf("said %d times", n)
	}
	w.cleanup(a, scan)
	w.clock.Advance(scanTTL)
	w.writes()
	w.cleanup(a)
	if n := w.server.Calls()["cloudwatch.ListTagsForResource"]; n != 3 {
		t.Errorf("read the tags of %d alarms", n)
	}
}

func TestWhoseAlarmsGo(t *testing.T) {
	const (
		low  = "Alarms when utilization falls below threshold indicating possible over provisioning condition"
		name = "PersonalizeMonitor-LowCampaignUtilization-home"
	)
	tests := []struct {
		name        string
		alarm       string
		description string
		tags        map[string]string
		stays       string
	}{
		{"ours", name, "", oursTags, ""},
		{"the original's, tagged", name, low, formerTags, ""},
		{"the original's, from where tags were not allowed", name, low, nil, ""},
		{"the original's, changed by a person", name, "mine now", formerTags, ""},
		{"with a tag of a person's", name, low, map[string]string{"team": "ml"}, ""},
		{"another deployment's", name, "", theirTags, "it belongs to the deployment eu-west-1/other"},
		{"another deployment's, without the other tag", name, low, map[string]string{"Deployment": otherStack}, "it belongs to the deployment eu-west-1/other"},
		{"a person's of the same name", name, "my own", nil, "it has no tag CreatedBy=PersonalizeMonitor"},
		{"a person's under the prefix", "PersonalizeMonitor-latency-home", low, nil, "it has no tag CreatedBy=PersonalizeMonitor"},
		{"made by something else", name, low, map[string]string{"CreatedBy": "terraform"}, "it has no tag CreatedBy=PersonalizeMonitor"},
		{"ours, whose tag a person took off", name, low, map[string]string{"Deployment": "cli"}, "it has no tag CreatedBy=PersonalizeMonitor"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.putAlarm(other, tt.alarm, tt.description, tt.tags)
			a, log := w.actor()
			result := w.cleanup(a)
			if len(result.Items) != 1 {
				t.Fatalf("items %v", states(result))
			}
			if stays := len(w.alarmNames(other)) == 1; stays != (tt.stays != "") {
				t.Errorf("stays: %v", stays)
			}
			if item := result.Items[0]; tt.stays != "" && (item.State != Kept || item.Reason != tt.stays) {
				t.Errorf("item %+v", item)
			}
			if tt.stays != "" && log.count("level=INFO", "alarm stays", tt.stays) != 1 {
				t.Error("not told")
			}
		})
	}
}

func TestWhoseRuleGoes(t *testing.T) {
	function := types.Target{Id: aws.String("mine"), Arn: aws.String("arn:aws:lambda:eu-west-1:123456789012:function:f")}
	ledAway := types.Target{Id: aws.String(TargetID), Arn: function.Arn}
	tests := []struct {
		name   string
		change func(*eventbridge.PutRuleInput, *types.Target)
		make   func(*world)
		stays  string
		target string // of the targets left
	}{
		{"the original's", nil, nil, "", ""},
		{"ours", nil, func(w *world) { w.tagRule(oursTags) }, "", ""},
		{"ours, whose pattern and state a person changed", func(r *eventbridge.PutRuleInput, _ *types.Target) {
			r.EventPattern, r.State = aws.String(`{"source":["personalize.monitor"]}`), types.RuleStateDisabled
		}, func(w *world) { w.tagRule(oursTags) }, "", ""},
		{"the original's, whose pattern a person changed", func(r *eventbridge.PutRuleInput, _ *types.Target) {
			r.EventPattern = aws.String(`{"source":["personalize.monitor"]}`)
		}, nil, "", ""},
		{"without its target", nil, func(w *world) {
			_, err := w.raw.EventBridge(home).RemoveTargets(ctxAll, &eventbridge.RemoveTargetsInput{Rule: aws.String(RuleName), Ids: []string{TargetID}})
			w.must(err)
		}, "", ""},
		{
			"another deployment's", nil, func(w *world) { w.tagRule(theirTags) },
			"it belongs to the deployment eu-west-1/other", TargetID,
		},
		{"a person's of the name", func(r *eventbridge.PutRuleInput, _ *types.Target) {
			r.EventPattern, r.Description = aws.String(`{"source":["aws.s3"]}`), aws.String("mine")
		}, nil, "it has no tag CreatedBy=PersonalizeMonitor", TargetID},
		{
			"with a target of a person's", nil, func(w *world) { w.putTargets(home, function) },
			"it has targets of other people's: mine", "mine",
		},
		{
			"with our target led elsewhere", nil, func(w *world) { w.putTargets(home, ledAway) },
			"it has targets of other people's: " + TargetID, TargetID,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.formerRule(home, tt.change)
			w.setPolicy(home, formerPolicy(home))
			if tt.make != nil {
				tt.make(w)
			}
			a, _ := w.actor()
			result := w.cleanup(a)
			rule, targets := w.rule(home)
			if (rule != nil) != (tt.stays != "") {
				t.Errorf("rule %v", rule)
			}
			if left := strings.Join(slices.Collect(maps.Keys(targets)), ","); left != tt.target {
				t.Errorf("targets left: %s", left)
			}
			i := slices.IndexFunc(result.Items, func(i CleanupItem) bool { return i.Kind == KindRule })
			if item := result.Items[i]; tt.stays != "" && (item.State != Kept || item.Reason != tt.stays) || tt.stays == "" && item.State != Removed {
				t.Errorf("item %+v", item)
			}
		})
	}
}

func TestWhoseTopicGoes(t *testing.T) {
	tests := []struct {
		name  string
		make  func(*world)
		stays string
	}{
		{"the original's", func(w *world) { w.setPolicy(home, formerPolicy(home)) }, ""},
		{"the original's, taken over by us", func(w *world) {
			w.setPolicy(home, formerPolicy(home))
			a, _ := w.actor()
			w.notify(a)
		}, ""},
		{"the original's, with a policy of a person's around its statement", func(w *world) {
			w.setPolicy(home, strings.Replace(formerPolicy(home), "PublishPolicy", "mine", 1))
		}, ""},
		{"ours", func(w *world) { w.tagTopic(home, oursTags) }, ""},
		{"another deployment's", func(w *world) { w.tagTopic(home, theirTags) }, "it belongs to the deployment eu-west-1/other"},
		{"a person's, made before us", func(w *world) {
			a, _ := w.actor()
			w.notify(a)
		}, "it has no tag CreatedBy=PersonalizeMonitor"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.createTopic(home)
			tt.make(w)
			a, _ := w.actor()
			result := w.cleanup(a)
			if w.topicExists(home) != (tt.stays != "") {
				t.Errorf("exists: %v", w.topicExists(home))
			}
			i := slices.IndexFunc(result.Items, func(i CleanupItem) bool { return i.Kind == KindTopic && i.Region == home })
			if item := result.Items[i]; tt.stays != "" && (item.State != Kept || item.Reason != tt.stays) {
				t.Errorf("item %+v", item)
			}
		})
	}
}

func TestAnotherDeploymentCanBeCleanedUp(t *testing.T) {
	w := newWorld(t)
	stack, _ := w.actor(func(o *Options) { o.Deployment = otherStack })
	w.reconcile(stack, campaigns(home, 1), alarmParams, rules.Monitored)
	a, _ := w.actor()
	if left := w.cleanup(a).In(Kept); len(left) != 2 {
		t.Errorf("kept %v", left)
	}
	w.cleanup(a, func(in *CleanupInput) { in.Deployment = otherStack })
	if names := w.alarmNames(home); len(names) > 0 {
		t.Errorf("left: %v", names)
	}
}

func TestClosedRegionsDoNotFailACleanup(t *testing.T) {
	tests := []struct {
		name  string
		fault localaws.Fault
		want  string
		calls int // in the region
	}{
		{"denied", localaws.Fault{Code: "AccessDeniedException"}, "ap-south-1 [alarm rule topic] AccessDeniedException: injected fault", 3},
		{"not enabled", localaws.Fault{Code: "UnrecognizedClientException", Status: 403}, "ap-south-1 [alarm] UnrecognizedClientException: injected fault", 1},
		{"not opted in", localaws.Fault{Code: "OptInRequired", Status: 403}, "ap-south-1 [alarm rule topic] OptInRequired: injected fault", 3},
		{"denied for one service", localaws.Fault{Service: "sns", Code: "AuthorizationError"}, "ap-south-1 [topic] AuthorizationError: injected fault", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.manyAlarms(other, 2)
			tt.fault.Region = "ap-south-1"
			w.server.AddFault(tt.fault)
			a, log := w.actor()
			result := w.cleanup(a)
			if len(w.alarmNames(other)) > 0 {
				t.Error("the other regions were not cleaned up")
			}
			if len(result.Skipped) != 1 {
				t.Fatalf("skipped %v", result.Skipped)
			}
			skip := result.Skipped[0]
			if got := fmt.Sprint(skip.Region, " ", skip.What, " ", skip.Reason); !strings.HasPrefix(got, tt.want) {
				t.Errorf("skipped %s", got)
			}
			if n := log.count("region skipped", "ap-south-1"); n != tt.calls {
				t.Errorf("told %d times", n)
			}
		})
	}
}

func TestTheDeploymentRegionBeingClosedIsAProblem(t *testing.T) {
	w := newWorld(t)
	w.server.AddFault(localaws.Fault{Service: "cloudwatch", Region: home, Code: "AccessDenied"})
	a, _ := w.actor()
	result, problems := a.Cleanup(ctxAll, CleanupInput{DashboardName: board})
	if len(problems) != 2 || len(result.Remaining()) > 0 || len(result.Skipped) != 1 || len(result.Skipped[0].What) != 2 {
		t.Errorf("problems %v, skipped %v", problems, result.Skipped)
	}
}

func TestWhatFailsInACleanupIsAProblemAndTheRestGoesOn(t *testing.T) {
	tests := []struct {
		name    string
		fault   localaws.Fault
		problem string
		left    []string
		removed int // of two alarms, target, rule, two topics and dashboard
	}{
		{
			"alarms cannot be listed",
			localaws.Fault{Service: "cloudwatch", Operation: "DescribeAlarms", Code: "InternalFailure"},
			"DescribeAlarms eu-west-1: look for alarms: InternalFailure", nil, 5,
		},
		{
			"alarms may not be deleted",
			localaws.Fault{Service: "cloudwatch", Operation: "DeleteAlarms", Code: "AccessDenied"},
			"DeleteAlarms eu-west-1: delete 2 alarms (PersonalizeMonitor-LowCampaignUtilization-c000 …): AccessDenied",
			[]string{"alarm", "alarm"},
			5,
		},
		{
			"tags of alarms may not be read",
			localaws.Fault{Service: "cloudwatch", Operation: "ListTagsForResource", Code: "AccessDenied"},
			"read the tags of alarm PersonalizeMonitor-LowCampaignUtilization-c000: AccessDenied",
			[]string{"alarm?", "alarm?", "dashboard?"},
			4,
		},
		{
			"the rule cannot be looked for",
			localaws.Fault{Service: "events", Operation: "DescribeRule", Code: "InternalException"},
			"DescribeRule eu-west-1: look for the rule: InternalException", nil, 5,
		},
		{
			"the tags of the rule may not be read",
			localaws.Fault{Service: "events", Operation: "ListTagsForResource", Code: "AccessDeniedException"},
			"read the tags of the rule PersonalizeMonitor-NotificationsRule: AccessDeniedException",
			[]string{"rule?"},
			5,
		},
		{
			"the targets may not be listed",
			localaws.Fault{Service: "events", Operation: "ListTargetsByRule", Code: "AccessDeniedException"},
			"list the targets of the rule PersonalizeMonitor-NotificationsRule: AccessDeniedException",
			[]string{"rule?"},
			5,
		},
		{
			"the target may not be removed",
			localaws.Fault{Service: "events", Operation: "RemoveTargets", Code: "AccessDeniedException"},
			"remove the target PersonalizeMonitorNotificationsId: AccessDeniedException",
			[]string{"target", "rule"},
			5,
		},
		{
			"the rule may not be deleted",
			localaws.Fault{Service: "events", Operation: "DeleteRule", Code: "AccessDeniedException"},
			"remove the rule PersonalizeMonitor-NotificationsRule: AccessDeniedException",
			[]string{"rule"},
			6,
		},
		{
			"the tags of the topic may not be read",
			localaws.Fault{Service: "sns", Operation: "ListTagsForResource", Code: "AuthorizationError"},
			"read the tags of the topic PersonalizeMonitorNotifications: AuthorizationError",
			[]string{"topic?"},
			6,
		},
		{
			"the topic may not be deleted",
			localaws.Fault{Service: "sns", Operation: "DeleteTopic", Code: "AuthorizationError"},
			"remove the topic PersonalizeMonitorNotifications: AuthorizationError",
			[]string{"topic"},
			6,
		},
		{
			"dashboards cannot be listed",
			localaws.Fault{Service: "cloudwatch", Operation: "ListDashboards", Code: "InternalServiceFault"},
			"ListDashboards eu-west-1: look for dashboards: InternalServiceFault", nil, 6,
		},
		{
			"the dashboard may not be deleted",
			localaws.Fault{Service: "cloudwatch", Operation: "DeleteDashboards", Code: "AccessDenied"},
			"remove the dashboard Amazon-Personalize-Monitor: AccessDenied",
			[]string{"dashboard"},
			6,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			a, _ := w.actor()
			w.notify(a)
			w.manyAlarms(home, 2)
			w.putBoards(board)
			tt.fault.Region = home
			w.server.AddFault(tt.fault)
			result, problems := a.Cleanup(ctxAll, CleanupInput{DashboardName: board})
			if len(problems) == 0 || !strings.Contains(problems[0].Error(), tt.problem) {
				t.Errorf("problems %v", problems)
			}
			var left []string
			for _, item := range result.In(Remaining, Unclear) {
				left = append(left, string(item.Kind)+map[CleanupState]string{Unclear: "?"}[item.State])
				if item.Reason == "" {
					t.Errorf("%+v has no reason", item)
				}
			}
			if !slices.Equal(left, tt.left) {
				t.Errorf("left %v, want %v", left, tt.left)
			}
			if got := len(result.In(Removed)); got != tt.removed {
				t.Errorf("removed %v", states(result))
			}

			// Once it is allowed, another clean-up finishes.
			w.server.ClearFaults()
			w.cleanup(a)
			if w.topicExists(home) || len(w.alarmNames(home)) > 0 || len(w.boards()) > 0 {
				t.Error("something is left")
			}
		})
	}
}

func TestAnAlarmThatCannotBeDeletedKeepsNoOtherFromBeing(t *testing.T) {
	w := newWorld(t)
	w.manyAlarms(home, 5)
	// Refused are the whole, the first half, and of that the second alarm. Each fault
	// counts the calls that those before it let through.
	for _, skip := range []int{0, 0, 1} {
		w.server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "DeleteAlarms", Skip: skip, Times: 1, Code: "ValidationError"})
	}
	a, _ := w.actor()
	result, problems := a.Cleanup(ctxAll, CleanupInput{})
	const stuck = "PersonalizeMonitor-LowCampaignUtilization-c001"
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "delete alarm "+stuck+": ValidationError") || len(result.In(Removed)) != 4 {
		t.Errorf("problems %v, %v", problems, states(result))
	}
	if names := w.alarmNames(home); !slices.Equal(names, []string{stuck}) || result.Remaining()[0].Name != stuck {
		t.Errorf("left %v", names)
	}
}

func TestDenialsOfACleanupAreToldOnce(t *testing.T) {
	w := newWorld(t)
	w.manyAlarms(home, 20)
	w.server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "ListTagsForResource", Code: "AccessDenied"})
	w.writes()
	a, _ := w.actor()
	result, problems := a.Cleanup(ctxAll, CleanupInput{})
	if n := w.server.Calls()["cloudwatch.ListTagsForResource"]; n != parallelTags {
		t.Errorf("asked %d times", n)
	}
	if len(problems) != 1 || len(result.In(Unclear)) != 20 || !strings.Contains(problems[0].Error(), "12 more not tried") {
		t.Errorf("problems %v", problems)
	}
}

func TestACleanupThatIsInterrupted(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.notify(a)
	w.manyAlarms(home, 250)
	w.putBoards(board)
	ctx, cancel := context.WithCancel(ctxAll)
	defer cancel()
	// It is interrupted while the second hundred is being deleted.
	w.server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "DeleteAlarms", Skip: 1, Kind: localaws.Hang})
	go func() {
		for w.server.Calls()["cloudwatch.DeleteAlarms"] < 2 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	w.writes()
	result, problems := a.Cleanup(ctx, CleanupInput{DashboardName: board})
	if n := len(result.In(Removed)); n < 100 || n > 101 { // us-east-1 has a topic, too
		t.Errorf("%d removed", n)
	}
	if n := len(result.Remaining()); n != 100 {
		t.Errorf("%d remain", n)
	}
	i := slices.IndexFunc(problems, func(p model.Problem) bool { return p.Region == home })
	if i < 0 || !strings.Contains(problems[i].Error(), "Cleanup eu-west-1: ended before all was done, 100 known to remain: canceled") {
		t.Errorf("problems %v", problems)
	}
	w.server.ClearFaults()
	w.cleanup(a)
	if w.topicExists(home) || len(w.alarmNames(home)) > 0 || len(w.boards()) > 0 {
		t.Error("something is left")
	}
}

func TestACleanupEndsBeforeItsDeadline(t *testing.T) {
	w := newWorld(t)
	w.manyAlarms(home, 1)
	a, _ := w.actor()
	w.writes()
	ctx, cancel := context.WithTimeout(ctxAll, cleanupMargin)
	defer cancel()
	_, problems := a.Cleanup(ctx, CleanupInput{})
	if len(problems) == 0 || ctx.Err() != nil {
		t.Errorf("problems %v, %v", problems, ctx.Err())
	}
	w.wantWrites(map[string]int{})
}

func TestACleanupNeedsToKnowTheAccount(t *testing.T) {
	w := newWorld(t)
	w.server.AddFault(localaws.Fault{Service: "sts", Code: "ExpiredToken"})
	a, _ := w.actor()
	_, problems := a.Cleanup(ctxAll, CleanupInput{})
	if len(problems) != 1 || problems[0].Operation != "GetCallerIdentity" {
		t.Errorf("problems %v", problems)
	}
}

func TestACleanupTellsItsProgress(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	var steps []int
	w.cleanup(a, func(in *CleanupInput) { in.Progress = func(done, _ int) { steps = append(steps, done) } })
	if len(steps) != 11 || !slices.IsSorted(steps) {
		t.Errorf("steps %v", steps)
	}
}

func TestThingsThatVanishDuringACleanupAreNoProblem(t *testing.T) {
	gone := []localaws.Fault{
		{Service: "cloudwatch", Operation: "ListTagsForResource", Code: "ResourceNotFoundException"},
		{Service: "events", Operation: "ListTagsForResource", Code: "ResourceNotFoundException"},
		{Service: "sns", Operation: "ListTagsForResource", Code: "ResourceNotFound"},
		{Service: "events", Operation: "RemoveTargets", Code: "ResourceNotFoundException"},
		{Service: "sns", Operation: "DeleteTopic", Code: "NotFound"},
		{Service: "cloudwatch", Operation: "DeleteDashboards", Code: "ResourceNotFound"},
	}
	for _, fault := range gone {
		t.Run(fault.Service+" "+fault.Operation, func(t *testing.T) {
			w := newWorld(t)
			a, _ := w.actor()
			w.notify(a)
			w.manyAlarms(home, 1)
			w.putBoards(board)
			fault.Region = home
			w.server.AddFault(fault)
			result, problems := a.Cleanup(ctxAll, CleanupInput{DashboardName: board})
			if fault.Operation == "RemoveTargets" {
				// The endpoint still has the target, and so refuses to delete the rule.
				problems = slices.DeleteFunc(problems, func(p model.Problem) bool { return p.Operation == opDeleteRule })
			}
			w.noProblems(problems)
			want := 1
			if fault.Service == "cloudwatch" && fault.Operation == "ListTagsForResource" {
				want = 2 // the alarm and the dashboard
			}
			if len(result.In(Gone)) != want {
				t.Errorf("items %v", states(result))
			}
		})
	}
}

// A topic stays as long as alarms of ours do that send to it, and is told with them.
func TestATopicOutlivesTheAlarmsThatSendToIt(t *testing.T) {
	const topic = "eu-west-1 topic PersonalizeMonitorNotifications: "
	tests := []struct {
		name  string
		fault localaws.Fault
		want  string
	}{
		{"deleting them is denied", localaws.Fault{Operation: "DeleteAlarms", Code: "AccessDenied"}, "remains (alarms that send to it remain)"},
		{"deleting them fails", localaws.Fault{Operation: "DeleteAlarms", Code: "InternalServiceFault"}, "remains (alarms that send to it remain)"},
		{"whose they are is unknown", localaws.Fault{Operation: "ListTagsForResource", Code: "AccessDenied"}, "remains (alarms that send to it remain)"},
		{"nothing stands in the way", localaws.Fault{Operation: "GetDashboard", Code: "AccessDenied"}, "removed (of the deployment cli; subscriptions that end with it: 1)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			a, _ := w.actor()
			w.notify(a, mail)
			w.reconcile(a, campaigns(home, 1), alarmParams, rules.Monitored)
			tt.fault.Service, tt.fault.Region = "cloudwatch", home
			w.server.AddFault(tt.fault)
			result, _ := a.Cleanup(ctxAll, CleanupInput{})
			if got := states(result); !slices.Contains(got, topic+tt.want) {
				t.Errorf("got\n  %s", strings.Join(got, "\n  "))
			}
			if got := w.topicExists(home); got != strings.HasPrefix(tt.want, "remains") {
				t.Errorf("the topic exists: %v", got)
			}
			w.server.ClearFaults()
			w.cleanup(a)
			if w.topicExists(home) || len(w.alarmNames(home)) > 0 {
				t.Error("something is left")
			}
		})
	}
}

// What appears after the look stays: alarms, rule, target and dashboards, and the topic
// that they send to.
func TestACleanupOfWhatWasSeenLeavesTheRest(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.putAlarm(home, "PersonalizeMonitor-IdleCampaign-old", "", oursTags)
	w.putBoards(board)
	w.notify(a)
	_, err := w.raw.EventBridge(home).RemoveTargets(ctxAll, &eventbridge.RemoveTargetsInput{Rule: aws.String(RuleName), Ids: []string{TargetID}})
	w.must(err)
	seen := w.cleanup(a, func(in *CleanupInput) { in.DryRun = true })

	fresh, _ := w.actor()
	w.notify(fresh)
	w.putAlarm(home, "PersonalizeMonitor-IdleCampaign-new", "", oursTags)
	w.putBoards(board + "-2")
	only := func(in *CleanupInput) { in.Only = seen.In(WouldGo) }
	w.wantStates(w.cleanup(a, only),
		"eu-west-1 alarm PersonalizeMonitor-IdleCampaign-new: kept ("+appearedReason+")",
		"eu-west-1 alarm PersonalizeMonitor-IdleCampaign-old: removed (of the deployment cli)",
		"eu-west-1 rule PersonalizeMonitor-NotificationsRule: kept ("+appearedReason+")",
		"eu-west-1 topic PersonalizeMonitorNotifications: kept (a rule that was made meanwhile sends to it)",
		"eu-west-1 dashboard Amazon-Personalize-Monitor: removed (of the name Amazon-Personalize-Monitor)",
		"eu-west-1 dashboard Amazon-Personalize-Monitor-2: kept ("+appearedReason+")",
		"us-east-1 topic PersonalizeMonitorNotifications: removed (of the deployment cli)",
	)
	// Nothing that may go is not everything.
	none := w.cleanup(a, func(in *CleanupInput) { in.Only = []CleanupItem{} })
	if len(none.In(Kept)) != 4 || len(none.Items) != 4 {
		t.Errorf("got %v", states(none))
	}
	if got := len(w.cleanup(a).In(Removed)); got != 5 {
		t.Errorf("removed %d", got)
	}
}
