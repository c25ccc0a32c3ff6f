package uninstall

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
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

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/dashboard"
	"github.com/personalize-monitor/personalize-monitor/internal/dashboards"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

const (
	home        = awsbed.Home
	other       = awsbed.Other
	testAccount = awsbed.Account
)

var (
	testTime  = awsbed.Time
	testTopic = awsbed.TopicIn(home)
	ctxAll    = context.Background()
)

// world is the AWS of a test.
type world struct{ *awsbed.World }

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{awsbed.New(t)}
}

func worldAround(t *testing.T, clock *model.VirtualClock, server *localaws.Server, handler http.Handler) *world {
	t.Helper()
	return &world{awsbed.Around(t, clock, server, handler)}
}

// actor is the uninstaller of a process, with what creates the things that it removes.
type actor struct {
	*Uninstaller
	boards *dashboards.Dashboards
}

func (w *world) actor(change ...func(*writer.Options)) (*actor, *awsbed.Log) {
	wr, log := w.Writer(change...)
	owner := writer.NewOwner(wr, writer.Identity{})
	return &actor{New(wr, owner, notify.New(wr, owner), alarms.New(wr)), dashboards.New(wr)}, log
}

// Cleanup is Run with everything that may be removed, and its problems.
func (a *actor) Cleanup(ctx context.Context, in Input) (report.Cleanup, []model.Problem) {
	in.AllUntagged = true
	result := a.Run(ctx, in)
	return result, result.Problems
}

var (
	mail        = config.Endpoint{Protocol: config.Email, Address: "ops@example.com"}
	alarmParams = alarms.Params{LowUtilization: true, Threshold: 100, Idle: true, IdleHours: 24}
)

// notify ensures notifications in the two regions, without a problem.
func (w *world) notify(a *actor, endpoints ...config.Endpoint) {
	w.T.Helper()
	_, problems := a.notifier.Ensure(ctxAll, notify.Input{Regions: []string{other, home}, Endpoints: endpoints})
	w.NoProblems(problems)
}

func (w *world) diff(a *actor, resources []model.Resource, p alarms.Params, standing alarms.ResourceState) []alarms.Change {
	w.T.Helper()
	actual, err := a.alarms.List(context.Background(), home)
	w.Must(err)
	var wanted []alarms.Desired
	for _, r := range resources {
		wanted = append(wanted, alarms.DesiredFor(r, rules.Throughput{Readable: true}, testTopic, p, w.Clock.Now())...)
	}
	return alarms.Diff(wanted, actual, func(model.ARN) alarms.ResourceState { return standing }, w.Clock.Now())
}

func (w *world) reconcile(a *actor, resources []model.Resource, p alarms.Params) alarms.Counts {
	w.T.Helper()
	counts, problems := a.alarms.Reconcile(context.Background(), alarms.ReconcileInput{Region: home, Changes: w.diff(a, resources, p, alarms.Monitored)})
	w.NoProblems(problems)
	return counts
}

func (w *world) wantCounts(got, want alarms.Counts) {
	w.T.Helper()
	if got != want {
		w.T.Errorf("counts %+v, want %+v", got, want)
	}
}

func sids(t *testing.T, policy string) []string {
	t.Helper()
	var p struct{ Statement []struct{ Sid string } }
	if err := json.Unmarshal([]byte(policy), &p); err != nil {
		t.Fatalf("%v in %s", err, policy)
	}
	var list []string
	for _, s := range p.Statement {
		list = append(list, s.Sid)
	}
	return list
}

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
	w.T.Helper()
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
	_, err := w.Raw.CloudWatch(region).PutMetricAlarm(ctxAll, in)
	w.Must(err)
}

// manyAlarms makes n alarms of ours.
func (w *world) manyAlarms(region string, n int) {
	w.T.Helper()
	for i := range n {
		w.putAlarm(region, fmt.Sprintf("PersonalizeMonitor-LowCampaignUtilization-c%03d", i), "", oursTags)
	}
}

func (w *world) alarmNames(region string) []string {
	w.T.Helper()
	list, err := alarms.New(writer.New(writer.Options{Clients: w.Raw})).List(ctxAll, region)
	w.Must(err)
	var names []string
	for _, a := range list {
		names = append(names, a.Name)
	}
	slices.Sort(names)
	return names
}

func (w *world) topicExists(region string) bool {
	w.T.Helper()
	_, err := w.Raw.SNS(region).GetTopicAttributes(ctxAll, &sns.GetTopicAttributesInput{TopicArn: aws.String(awsbed.TopicIn(region).String())})
	return err == nil
}

func (w *world) tagTopic(tags map[string]string) {
	w.T.Helper()
	var list []snstypes.Tag
	for key, value := range tags {
		list = append(list, snstypes.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	_, err := w.Raw.SNS(home).TagResource(ctxAll, &sns.TagResourceInput{ResourceArn: aws.String(awsbed.TopicIn(home).String()), Tags: list})
	w.Must(err)
}

func (w *world) tagRule(tags map[string]string) {
	w.T.Helper()
	var list []types.Tag
	for key, value := range tags {
		list = append(list, types.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	rule, _ := w.Rule(home)
	_, err := w.Raw.EventBridge(home).TagResource(ctxAll, &eventbridge.TagResourceInput{ResourceARN: rule.Arn, Tags: list})
	w.Must(err)
}

func (w *world) tagAlarm(name string, tags map[string]string) {
	w.T.Helper()
	var list []cwtypes.Tag
	for key, value := range tags {
		list = append(list, cwtypes.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	_, err := w.Raw.CloudWatch(home).TagResource(ctxAll, &cloudwatch.TagResourceInput{ResourceARN: w.Alarm(name).AlarmArn, Tags: list})
	w.Must(err)
}

func (w *world) putBoards(names ...string) {
	w.T.Helper()
	for _, name := range names {
		if rest, ok := strings.CutPrefix(name, board); ok && (rest != "" && rest != "s" && rest != "-staging" && rest != "-02" && rest != "-1") {
			w.OurDashboard(name)
		} else {
			w.SomeDashboard(name)
		}
	}
}

func (w *world) boards() []string {
	w.T.Helper()
	out, err := w.Raw.CloudWatch(home).ListDashboards(ctxAll, &cloudwatch.ListDashboardsInput{})
	w.Must(err)
	var names []string
	for _, entry := range out.DashboardEntries {
		names = append(names, *entry.DashboardName)
	}
	return names
}

// cleanup runs a clean-up that must have no problem.
func (w *world) cleanup(a *actor, change ...func(*Input)) report.Cleanup {
	w.T.Helper()
	in := Input{DashboardName: board}
	for _, c := range change {
		c(&in)
	}
	result, problems := a.Cleanup(ctxAll, in)
	w.NoProblems(problems)
	return result
}

// states are the items of a result in short: region kind name: state (reason).
func states(r report.Cleanup) []string {
	var list []string
	for _, i := range r.Items {
		list = append(list, strings.TrimSuffix(fmt.Sprintf("%s %s %s: %s (%s)", i.Region, i.Kind, i.Name, i.State, i.Reason), " ()"))
	}
	return list
}

func (w *world) wantStates(r report.Cleanup, want ...string) {
	w.T.Helper()
	if got := states(r); !slices.Equal(got, want) {
		w.T.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestCleanupRemovesWhatTheProgramMade(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.notify(a, mail)
	w.reconcile(a, awsbed.Campaigns(home, 1), alarmParams)
	// A region whose last resource is gone, and one where Personalize never was.
	w.putAlarm("ap-south-1", "PersonalizeMonitor-IdleCampaign-gone", "", oursTags)
	w.putAlarm(faraway, "PersonalizeMonitor-IdleCampaign-far", "", oursTags)
	w.putBoards(board, board+"-2", board+"-10", board+"-02", board+"-1", board+"-staging", board+"s", "mine")
	w.Writes()

	result := w.cleanup(a, func(in *Input) { in.Regions = []string{faraway, home} })
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
	w.WantWrites(map[string]int{
		"cloudwatch.DeleteAlarms": 3, "events.RemoveTargets": 1, "events.DeleteRule": 1, "sns.DeleteTopic": 2, "cloudwatch.DeleteDashboards": 3,
	})
	if len(result.Regions) != 12 {
		t.Errorf("regions %v", result.Regions)
	}
	for _, region := range result.Regions {
		if rule, _ := w.Rule(region); rule != nil || w.topicExists(region) || len(w.alarmNames(region)) > 0 {
			t.Errorf("something is left in %s", region)
		}
	}
	left := []string{board + "-02", board + "-1", board + "-staging", board + "s", "mine"}
	if got := w.boards(); !slices.Equal(got, left) {
		t.Errorf("dashboards %v, want %v", got, left)
	}

	// Done twice, it finds nothing; and a cycle after it makes everything again at once.
	w.wantStates(w.cleanup(a))
	w.WantWrites(map[string]int{})
	w.notify(a, mail)
	if !w.topicExists(home) {
		t.Error("the topic was believed to be there")
	}
}

func TestCleanupOfHundredsOfAlarms(t *testing.T) {
	w := newWorld(t)
	w.manyAlarms(other, 320)
	w.Writes()
	a, _ := w.actor()
	result := w.cleanup(a)
	w.WantWrites(map[string]int{"cloudwatch.DeleteAlarms": 4})
	if names := w.alarmNames(other); len(names) > 0 {
		t.Errorf("%d alarms are left", len(names))
	}
	if len(result.Items) != 320 || len(InState(result.Items, Removed)) != 320 || result.Items[0].Region != other || result.Items[0].Kind != KindAlarm {
		t.Errorf("%d items, the first %+v", len(result.Items), result.Items[0])
	}
}

func TestCleanupRemovesWhatTheSampleLeftInEveryRegion(t *testing.T) {
	w := newWorld(t)
	for _, region := range []string{home, other} {
		w.SampleRule(region, nil)
		w.SetPolicy(region, awsbed.SamplePolicy(region))
		w.putAlarm(region, "PersonalizeMonitor-LowCampaignUtilization-home", "", formerTags)
	}
	w.putBoards(board)
	a, _ := w.actor(func(o *writer.Options) { o.Deployment = "eu-west-1/stack" })
	result := w.cleanup(a)
	if len(InState(result.Items, Removed)) != 9 || len(result.Items) != 9 || !strings.Contains(states(result)[0], "removed (the upstream sample's)") {
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
	w.Writes()
	scan := func(in *Input) { in.DryRun = true }
	result := w.cleanup(a, scan)
	w.WantWrites(map[string]int{})
	if len(result.Items) != 35 || len(InState(result.Items, WouldRemove)) != 35 {
		t.Errorf("items %v", states(result))
	}
	w.cleanup(a)
	calls := w.Server.Calls()
	if calls["cloudwatch.ListTagsForResource"] != 1 || // of the dashboard
		calls["cloudwatch.DeleteAlarms"] != 1 {
		t.Errorf("calls %v", calls)
	}

	// Old readings are not believed, and dry Actors never write.
	w.manyAlarms(home, 3)
	dry, log := w.actor(awsbed.DryRun)
	w.cleanup(dry)
	if n := log.Count("dry run, would write", "delete 3 alarms (PersonalizeMonitor-LowCampaignUtilization-c000 …)"); n != 1 {
		t.Errorf("logged %d times", n)
	}
	w.cleanup(a, scan)
	w.Clock.Advance(scanTTL)
	w.Writes()
	w.cleanup(a)
	if n := w.Server.Calls()["cloudwatch.ListTagsForResource"]; n != 3 {
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
		{"the sample's, tagged", name, low, formerTags, ""},
		{"the sample's, from where tags were not allowed", name, low, nil, ""},
		{"the sample's, changed by a person", name, "mine now", formerTags, ""},
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
			if tt.stays != "" && log.Count("level=INFO", "alarm stays", tt.stays) != 1 {
				t.Error("not logged")
			}
		})
	}
}

func TestWhoseRuleGoes(t *testing.T) {
	function := types.Target{Id: aws.String("mine"), Arn: aws.String("arn:aws:lambda:eu-west-1:123456789012:function:f")}
	ledAway := types.Target{Id: aws.String(notify.TargetID), Arn: function.Arn}
	tests := []struct {
		name   string
		change func(*eventbridge.PutRuleInput, *types.Target)
		make   func(*world)
		stays  string
		target string // of the targets left
	}{
		{"the sample's", nil, nil, "", ""},
		{"ours", nil, func(w *world) { w.tagRule(oursTags) }, "", ""},
		{"ours, whose pattern and state a person changed", func(r *eventbridge.PutRuleInput, _ *types.Target) {
			r.EventPattern, r.State = aws.String(`{"source":["personalize.monitor"]}`), types.RuleStateDisabled
		}, func(w *world) { w.tagRule(oursTags) }, "", ""},
		{"the sample's, whose pattern a person changed", func(r *eventbridge.PutRuleInput, _ *types.Target) {
			r.EventPattern = aws.String(`{"source":["personalize.monitor"]}`)
		}, nil, "", ""},
		{"without its target", nil, func(w *world) {
			_, err := w.Raw.EventBridge(home).RemoveTargets(ctxAll, &eventbridge.RemoveTargetsInput{Rule: aws.String(notify.RuleName), Ids: []string{notify.TargetID}})
			w.Must(err)
		}, "", ""},
		{
			"another deployment's", nil, func(w *world) { w.tagRule(theirTags) },
			"it belongs to the deployment eu-west-1/other", notify.TargetID,
		},
		{"a person's of the name", func(r *eventbridge.PutRuleInput, _ *types.Target) {
			r.EventPattern, r.Description = aws.String(`{"source":["aws.s3"]}`), aws.String("mine")
		}, nil, "it has no tag CreatedBy=PersonalizeMonitor", notify.TargetID},
		{
			"with a target of a person's", nil, func(w *world) { w.PutTargets(home, function) },
			"it has targets of other people: mine", "mine",
		},
		{
			"with our target led elsewhere", nil, func(w *world) { w.PutTargets(home, ledAway) },
			"it has targets of other people: " + notify.TargetID, notify.TargetID,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.SampleRule(home, tt.change)
			w.SetPolicy(home, awsbed.SamplePolicy(home))
			if tt.make != nil {
				tt.make(w)
			}
			a, _ := w.actor()
			result := w.cleanup(a)
			rule, targets := w.Rule(home)
			if (rule != nil) != (tt.stays != "") {
				t.Errorf("rule %v", rule)
			}
			if left := strings.Join(slices.Collect(maps.Keys(targets)), ","); left != tt.target {
				t.Errorf("targets left: %s", left)
			}
			i := slices.IndexFunc(result.Items, func(i report.CleanupItem) bool { return i.Kind == KindRule })
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
		{"the sample's", func(w *world) { w.SetPolicy(home, awsbed.SamplePolicy(home)) }, ""},
		{"the sample's, taken over by us", func(w *world) {
			w.SetPolicy(home, awsbed.SamplePolicy(home))
			a, _ := w.actor()
			w.notify(a)
		}, ""},
		{"the sample's, with a policy of a person's around its statement", func(w *world) {
			w.SetPolicy(home, strings.Replace(awsbed.SamplePolicy(home), "PublishPolicy", "mine", 1))
		}, ""},
		{"ours", func(w *world) { w.tagTopic(oursTags) }, ""},
		{"another deployment's", func(w *world) { w.tagTopic(theirTags) }, "it belongs to the deployment eu-west-1/other"},
		{"a person's, made before us", func(w *world) {
			a, _ := w.actor()
			w.notify(a)
		}, "it has no tag CreatedBy=PersonalizeMonitor"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.CreateTopic(home)
			tt.make(w)
			a, _ := w.actor()
			result := w.cleanup(a)
			if w.topicExists(home) != (tt.stays != "") {
				t.Errorf("exists: %v", w.topicExists(home))
			}
			i := slices.IndexFunc(result.Items, func(i report.CleanupItem) bool { return i.Kind == KindTopic && i.Region == home })
			if item := result.Items[i]; tt.stays != "" && (item.State != Kept || item.Reason != tt.stays) {
				t.Errorf("item %+v", item)
			}
		})
	}
}

func TestAnotherDeploymentCanBeCleanedUp(t *testing.T) {
	w := newWorld(t)
	stack, _ := w.actor(func(o *writer.Options) { o.Deployment = otherStack })
	w.reconcile(stack, awsbed.Campaigns(home, 1), alarmParams)
	a, _ := w.actor()
	if left := InState(w.cleanup(a).Items, Kept); len(left) != 2 {
		t.Errorf("kept %v", left)
	}
	w.cleanup(a, func(in *Input) { in.Deployment = otherStack })
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
		{"not enabled", localaws.Fault{Code: "UnrecognizedClientException", Status: 403}, "ap-south-1 [alarm] the region ap-south-1 is not enabled for this account (UnrecognizedClientException: injected fault", 1},
		{"not opted in", localaws.Fault{Code: "OptInRequired", Status: 403}, "ap-south-1 [alarm rule topic] OptInRequired: injected fault", 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.manyAlarms(other, 2)
			tt.fault.Region = "ap-south-1"
			w.Server.AddFault(tt.fault)
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
			if n := log.Count("region skipped", "ap-south-1"); n != tt.calls {
				t.Errorf("logged %d times", n)
			}
		})
	}
}

// A deployment that shares the topic of another one takes along what the tags of the topic have of it.
func TestACleanupRemovesItsTagsFromTheTopicOfAnother(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor(func(o *writer.Options) { o.Deployment = otherStack })
	w.CreateTopic(home)
	w.tagTopic(oursTags)
	w.tagTopic(map[string]string{"Version/cli": "1", "Version/" + otherStack: "1", "Removals/" + otherStack + "/a": "20200101T0000:5"})
	w.cleanup(a)
	topic := testTopic.String()
	out, err := w.Raw.SNS(home).ListTagsForResource(ctxAll, &sns.ListTagsForResourceInput{ResourceArn: &topic})
	w.Must(err)
	var left []string
	for _, tag := range out.Tags {
		left = append(left, *tag.Key)
	}
	slices.Sort(left)
	if want := []string{"CreatedBy", "Deployment", "Version/cli"}; !slices.Equal(left, want) {
		t.Errorf("tags %v, want %v", left, want)
	}
}

func TestTheDeploymentRegionBeingClosedIsAProblem(t *testing.T) {
	w := newWorld(t)
	w.Server.AddFault(localaws.Fault{Service: "cloudwatch", Region: home, Code: "AccessDenied"})
	a, _ := w.actor()
	result, problems := a.Cleanup(ctxAll, Input{DashboardName: board})
	if len(problems) != 2 || len(InState(result.Items, Remaining)) > 0 || len(result.Skipped) != 1 || len(result.Skipped[0].What) != 2 {
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
			"DescribeAlarms eu-west-1: look for alarms: InternalFailure",
			[]string{"topic"},
			4,
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
			"DescribeRule eu-west-1: look for the rule: InternalException",
			[]string{"topic"},
			4,
		},
		{
			"the tags of the rule may not be read",
			localaws.Fault{Service: "events", Operation: "ListTagsForResource", Code: "AccessDeniedException"},
			"read the tags of the rule PersonalizeMonitor-NotificationsRule: AccessDeniedException",
			[]string{"topic", "rule?"},
			4,
		},
		{
			"the targets may not be listed",
			localaws.Fault{Service: "events", Operation: "ListTargetsByRule", Code: "AccessDeniedException"},
			"list the targets of the rule PersonalizeMonitor-NotificationsRule: AccessDeniedException",
			[]string{"topic", "rule?"},
			4,
		},
		{
			"the target may not be removed",
			localaws.Fault{Service: "events", Operation: "RemoveTargets", Code: "AccessDeniedException"},
			"remove the target PersonalizeMonitorNotificationsId: AccessDeniedException",
			[]string{"target", "rule", "topic"},
			4,
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
			w.Server.AddFault(tt.fault)
			result, problems := a.Cleanup(ctxAll, Input{DashboardName: board})
			if len(problems) == 0 || !strings.Contains(problems[0].Error(), tt.problem) {
				t.Errorf("problems %v", problems)
			}
			var left []string
			for _, item := range slices.Concat(InState(result.Items, Remaining), InState(result.Items, Unclear)) {
				left = append(left, item.Kind+map[string]string{Unclear: "?"}[item.State])
				if item.Reason == "" {
					t.Errorf("%+v has no reason", item)
				}
			}
			if !slices.Equal(left, tt.left) {
				t.Errorf("left %v, want %v", left, tt.left)
			}
			if got := len(InState(result.Items, Removed)); got != tt.removed {
				t.Errorf("removed %v", states(result))
			}

			// Once it is allowed, another clean-up finishes.
			w.Server.ClearFaults()
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
		w.Server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "DeleteAlarms", Skip: skip, Times: 1, Code: "ValidationError"})
	}
	a, _ := w.actor()
	result, problems := a.Cleanup(ctxAll, Input{})
	const stuck = "PersonalizeMonitor-LowCampaignUtilization-c001"
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "delete alarm "+stuck+": ValidationError") || len(InState(result.Items, Removed)) != 4 {
		t.Errorf("problems %v, %v", problems, states(result))
	}
	if names := w.alarmNames(home); !slices.Equal(names, []string{stuck}) || InState(result.Items, Remaining)[0].Name != stuck {
		t.Errorf("left %v", names)
	}
}

func TestDenialsOfACleanupAreToldOnce(t *testing.T) {
	w := newWorld(t)
	w.manyAlarms(home, 20)
	w.Server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "ListTagsForResource", Code: "AccessDenied"})
	w.Writes()
	a, _ := w.actor()
	result, problems := a.Cleanup(ctxAll, Input{})
	if n := w.Server.Calls()["cloudwatch.ListTagsForResource"]; n != alarms.ParallelTags {
		t.Errorf("asked %d times", n)
	}
	if len(problems) != 1 || len(InState(result.Items, Unclear)) != 20 || !strings.Contains(problems[0].Error(), "12 more not tried") {
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
	w.Server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "DeleteAlarms", Skip: 1, Kind: localaws.Hang})
	go func() {
		for w.Server.Calls()["cloudwatch.DeleteAlarms"] < 2 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	w.Writes()
	result, problems := a.Cleanup(ctx, Input{DashboardName: board})
	if n := len(InState(result.Items, Removed)); n < 100 || n > 101 { // us-east-1 has a topic, too
		t.Errorf("%d removed", n)
	}
	if n := len(InState(result.Items, Remaining)); n != 100 {
		t.Errorf("%d remain", n)
	}
	i := slices.IndexFunc(problems, func(p model.Problem) bool { return p.Region == home })
	if i < 0 || !strings.Contains(problems[i].Error(), "Cleanup eu-west-1: ended before all was done, 100 known to remain: canceled") {
		t.Errorf("problems %v", problems)
	}
	w.Server.ClearFaults()
	w.cleanup(a)
	if w.topicExists(home) || len(w.alarmNames(home)) > 0 || len(w.boards()) > 0 {
		t.Error("something is left")
	}
}

func TestACleanupEndsBeforeItsDeadline(t *testing.T) {
	w := newWorld(t)
	w.manyAlarms(home, 1)
	a, _ := w.actor()
	w.Writes()
	ctx, cancel := context.WithTimeout(ctxAll, reserve)
	defer cancel()
	_, problems := a.Cleanup(ctx, Input{})
	if len(problems) == 0 || ctx.Err() != nil {
		t.Errorf("problems %v, %v", problems, ctx.Err())
	}
	w.WantWrites(map[string]int{})
}

func TestACleanupNeedsToKnowTheAccount(t *testing.T) {
	w := newWorld(t)
	w.Server.AddFault(localaws.Fault{Service: "sts", Code: "ExpiredToken"})
	a, _ := w.actor()
	_, problems := a.Cleanup(ctxAll, Input{})
	if len(problems) != 1 || problems[0].Operation != "GetCallerIdentity" {
		t.Errorf("problems %v", problems)
	}
}

func TestACleanupTellsItsProgress(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	var steps []int
	w.cleanup(a, func(in *Input) { in.Progress = func(done, _ int) { steps = append(steps, done) } })
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
			w.Server.AddFault(fault)
			result, problems := a.Cleanup(ctxAll, Input{DashboardName: board})
			if fault.Operation == "RemoveTargets" {
				// The endpoint still has the target, and so refuses to delete the rule.
				problems = slices.DeleteFunc(problems, func(p model.Problem) bool { return p.Operation == notify.OpDeleteRule })
			}
			w.NoProblems(problems)
			want := 1
			if fault.Service == "cloudwatch" && fault.Operation == "ListTagsForResource" {
				want = 2 // the alarm and the dashboard
			}
			if len(InState(result.Items, AlreadyGone)) != want {
				t.Errorf("items %v", states(result))
			}
		})
	}
}

// A topic stays as long as alarms of ours do that send to it, and is reported with them.
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
		{"nothing prevents it", localaws.Fault{Operation: "GetDashboard", Code: "AccessDenied"}, "removed (of the deployment cli; subscriptions that end with it: 1)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			a, _ := w.actor()
			w.notify(a, mail)
			w.reconcile(a, awsbed.Campaigns(home, 1), alarmParams)
			tt.fault.Service, tt.fault.Region = "cloudwatch", home
			w.Server.AddFault(tt.fault)
			result, _ := a.Cleanup(ctxAll, Input{})
			if got := states(result); !slices.Contains(got, topic+tt.want) {
				t.Errorf("got\n  %s", strings.Join(got, "\n  "))
			}
			if got := w.topicExists(home); got != strings.HasPrefix(tt.want, "remains") {
				t.Errorf("the topic exists: %v", got)
			}
			w.Server.ClearFaults()
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
	_, err := w.Raw.EventBridge(home).RemoveTargets(ctxAll, &eventbridge.RemoveTargetsInput{Rule: aws.String(notify.RuleName), Ids: []string{notify.TargetID}})
	w.Must(err)
	seen := w.cleanup(a, func(in *Input) { in.DryRun = true })

	fresh, _ := w.actor()
	w.notify(fresh)
	w.putAlarm(home, "PersonalizeMonitor-IdleCampaign-new", "", oursTags)
	w.putBoards(board + "-2")
	only := func(in *Input) { in.Only = InState(seen.Items, WouldRemove) }
	w.wantStates(w.cleanup(a, only),
		"eu-west-1 alarm PersonalizeMonitor-IdleCampaign-new: kept ("+appeared+")",
		"eu-west-1 alarm PersonalizeMonitor-IdleCampaign-old: removed (of the deployment cli)",
		"eu-west-1 rule PersonalizeMonitor-NotificationsRule: kept ("+appeared+")",
		"eu-west-1 topic PersonalizeMonitorNotifications: kept (a rule that was created meanwhile sends to it)",
		"eu-west-1 dashboard Amazon-Personalize-Monitor: removed (of the name Amazon-Personalize-Monitor)",
		"eu-west-1 dashboard Amazon-Personalize-Monitor-2: kept ("+appeared+")",
		"us-east-1 topic PersonalizeMonitorNotifications: removed (of the deployment cli)",
	)
	// Nothing that may go is not everything.
	none := w.cleanup(a, func(in *Input) { in.Only = []report.CleanupItem{} })
	if len(InState(none.Items, Kept)) != 4 || len(none.Items) != 4 {
		t.Errorf("got %v", states(none))
	}
	if got := len(InState(w.cleanup(a).Items, Removed)); got != 5 {
		t.Errorf("removed %d", got)
	}
}

func TestACleanupKeepsTheDashboardsOfAnotherSeries(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	second := board + "-2"
	_, problems := a.boards.Build(ctxAll, second, []dashboard.Board{{Name: second, Body: []byte(`{"widgets":[]}`)}})
	w.NoProblems(problems)
	w.SomeDashboard(board)
	w.SomeDashboard(board + "-3")
	w.Server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "ListTagsForResource", Skip: 2, Times: 1, Code: "AccessDenied", Message: "no"})
	result, problems := a.Cleanup(ctxAll, Input{DashboardName: board})
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "read the tags of the dashboard "+board+"-3: AccessDenied") {
		t.Errorf("problems %v", problems)
	}
	var got []string
	for _, item := range result.Items {
		got = append(got, item.Name+": "+item.State)
	}
	if want := []string{board + ": removed", second + ": kept", board + "-3: unclear"}; !slices.Equal(got, want) {
		t.Errorf("items %q", got)
	}
	if got := w.Dashboards(); !slices.Equal(got, []string{second, board + "-3"}) {
		t.Errorf("dashboards %q", got)
	}
}

// The first of a series may be the upstream sample's, without tags; one with another deployment's
// tag is that deployment's.
func TestACleanupKeepsAnotherDeploymentsDashboards(t *testing.T) {
	w := newWorld(t)
	stack, _ := w.actor(func(o *writer.Options) { o.Deployment = "eu-west-1/stack" })
	_, problems := stack.boards.Build(ctxAll, board, dashboard.Render(dashboard.Input{Name: board, Region: home, Resources: awsbed.Campaigns(home, 700)}))
	w.NoProblems(problems)
	a, _ := w.actor()
	result, problems := a.Cleanup(ctxAll, Input{DashboardName: board})
	w.NoProblems(problems)
	if len(InState(result.Items, Removed)) != 0 || len(InState(result.Items, Kept)) != 2 {
		t.Errorf("items %v", states(result))
	}
	result, problems = a.Cleanup(ctxAll, Input{DashboardName: board, Deployment: "eu-west-1/stack"})
	w.NoProblems(problems)
	if len(InState(result.Items, Removed)) != 2 {
		t.Errorf("items %v", states(result))
	}
}

// The topic is one for all deployments: it stays while another's alarms send to it.
func TestACleanupKeepsTheTopicThatAnotherDeploymentsAlarmsUse(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.notify(a)
	stack, _ := w.actor(func(o *writer.Options) { o.Deployment = "eu-west-1/stack" })
	_, problems := stack.alarms.Reconcile(ctxAll, alarms.ReconcileInput{Region: home, Changes: w.diff(stack, awsbed.Campaigns(home, 1), alarmParams, alarms.Monitored)})
	w.NoProblems(problems)
	result, problems := a.Cleanup(ctxAll, Input{})
	w.NoProblems(problems)
	kept := map[string]bool{}
	for _, item := range InState(result.Items, Kept) {
		kept[item.Kind] = kept[item.Kind] || item.Region == home
	}
	if !kept[KindAlarm] || !kept[KindTopic] {
		t.Errorf("items %v", states(result))
	}
}
