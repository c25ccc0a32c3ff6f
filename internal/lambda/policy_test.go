package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/goccy/go-yaml"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
	"github.com/personalize-monitor/personalize-monitor/test/iam"
)

const (
	away   = "eu-west-1"
	boards = "Amazon-Personalize-Monitor" // the dashboard's name
)

// patrol is a function under its own policy, in front of an embedded AWS whose things
// have been brought about without one.
type patrol struct {
	*bed
	guard *iam.Guard
}

// newPatrol puts a function under a policy; nil is none.
func newPatrol(t *testing.T, f Function, p *iam.Policy, what localaws.Estate) *patrol {
	t.Helper()
	env := map[string]string{
		"Regions": home + "," + away, "Deployment": home + "/" + stackName, "NotificationEndpoint": "a@example.com",
		"AutoDeleteOrStopIdleResources": "Yes", "HourlyChecks": "never", "ChatNotifications": "Yes",
	}
	b := newBedOn(t, what, f, env)
	g := iam.NewGuard(b.aws, p, b.world.Raw)
	endpoint := httptest.NewServer(g)
	t.Cleanup(endpoint.Close)
	b.Config = func(context.Context, *slog.Logger) (aws.Config, error) {
		return awsapi.LocalConfig(home, endpoint.URL, "LOCAL", nil), nil
	}
	return &patrol{bed: b, guard: g}
}

// cold starts the function anew, with nothing in mind and some variables changed.
func (p *patrol) cold(env map[string]string) {
	p.env = maps.Clone(p.env)
	maps.Copy(p.env, env)
	p.Handler = p.handler(p.function, p.Config)
}

// free is another function, which may do all.
func (p *patrol) free(f Function, env map[string]string) *bed {
	other := *p.bed
	other.env = maps.Clone(p.env)
	maps.Copy(other.env, env)
	other.Handler = other.handler(f, func(context.Context, *slog.Logger) (aws.Config, error) {
		return awsapi.LocalConfig(home, p.world.URL, "LOCAL", nil), nil
	})
	return &other
}

// pass lets some minutes go by, in steps in which alarms are evaluated.
func (b *bed) pass(length time.Duration) {
	for range int(length / (5 * time.Minute)) {
		b.clock.Advance(5 * time.Minute)
		b.aws.Tick()
	}
}

// shops are two regions with the same resources: busy, too large and idle ones, some of
// which serve the latest version of their solution, whatever that is.
func shops() localaws.Estate {
	const day = 24 * time.Hour
	endpoint := func(name, recipe string, traffic localaws.EstateTraffic) localaws.EstateEndpoint {
		return localaws.EstateEndpoint{Name: name, Recipe: recipe, Age: 60 * day, Traffic: traffic}
	}
	steady := localaws.EstateTraffic{Shape: "constant", TPS: 3}
	ended := localaws.EstateTraffic{Shape: "stopped", TPS: 3, Since: 12 * day}
	campaign := func(name string, minimum int, traffic localaws.EstateTraffic, latest bool) localaws.EstateCampaign {
		return localaws.EstateCampaign{EstateEndpoint: endpoint(name, "aws-user-personalization-v2", traffic), MinTPS: minimum, EchoLatest: latest, AutoSync: latest}
	}
	recommender := func(name string, minimum int, traffic localaws.EstateTraffic) localaws.EstateRecommender {
		return localaws.EstateRecommender{EstateEndpoint: endpoint(name, "aws-ecomm-recommended-for-you", traffic), MinRPS: minimum}
	}
	e := localaws.Estate{Account: account, Monitored: 30 * day}
	for _, region := range []string{home, away} {
		e.Regions = append(e.Regions, localaws.EstateRegion{Name: region, DatasetGroups: []localaws.EstateDatasetGroup{{
			Name: "shop", Domain: "ECOMMERCE",
			Campaigns: []localaws.EstateCampaign{
				campaign("busy", 2, steady, false), campaign("large", 20, steady, false), campaign("large-latest", 20, steady, true),
				campaign("idle", 1, ended, false), campaign("idle-latest", 1, ended, true), campaign("gone-soon", 1, steady, false),
			},
			Recommenders: []localaws.EstateRecommender{recommender("busy", 2, steady), recommender("large", 20, steady), recommender("idle", 1, ended)},
		}}})
	}
	return e
}

func arnOf(region, resource string) string {
	return "arn:aws:personalize:" + region + ":" + account + ":" + resource
}

// originals makes what the original application has made in a region: topic, rule with
// its raw target, and an alarm.
func (p *patrol) originals(region string) {
	p.t.Helper()
	p.world.SampleRule(region, nil)
	p.world.SetPolicy(region, awsbed.SamplePolicy(region))
	p.alarm(region, "PersonalizeMonitor-LowCampaignUtilization-busy", map[string]string{"CreatedBy": "PersonalizeMonitor"}, arnOf(region, "campaign/busy"))
}

// alarm makes an alarm as the original application made those on low utilization.
func (p *patrol) alarm(region, name string, tags map[string]string, campaign string) {
	p.t.Helper()
	arn, err := model.ParseARN(campaign)
	p.world.Must(err)
	in, topic := awsbed.SampleAlarms(model.Resource{ARN: arn})[0], []string{awsbed.TopicIn(region).String()}
	in.AlarmName, in.OKActions, in.AlarmActions, in.Tags = &name, topic, topic, writer.TagList(tags, writer.CloudWatchTag)
	_, err = p.world.Raw.CloudWatch(region).PutMetricAlarm(p.t.Context(), in)
	p.world.Must(err)
}

// board makes a dashboard with tags.
func (p *patrol) board(name string, tags map[string]string) {
	p.t.Helper()
	_, err := p.world.Raw.CloudWatch(home).PutDashboard(p.t.Context(), &cloudwatch.PutDashboardInput{
		DashboardName: &name, DashboardBody: aws.String(`{"widgets":[]}`), Tags: writer.TagList(tags, writer.CloudWatchTag),
	})
	p.world.Must(err)
}

// ours are the tags of a dashboard of a series of this deployment.
func ours(series string) map[string]string {
	return map[string]string{"CreatedBy": "PersonalizeMonitor", "Deployment": home + "/" + stackName, "Dashboard": series}
}

// with sets one of the tags.
func with(tags map[string]string, key, value string) map[string]string {
	tags[key] = value
	return tags
}

// patrols run each function through all that makes it call something else.
var patrols = map[Function]func(t *testing.T, p *iam.Policy) []*patrol{
	Monitor:         monitorPatrols,
	Dashboard:       dashboardPatrols,
	UpdateTPS:       updatePatrols,
	DeleteCampaign:  deletePatrols,
	StopRecommender: stopPatrols,
	Cleanup:         cleanupPatrols,
}

// TestPolicies runs the functions, each under its policy in the deployment template: it
// must not be denied anything, and need all that it is allowed.
func TestPolicies(t *testing.T) {
	called := map[string]bool{}
	for _, f := range All() {
		t.Run(string(f), func(t *testing.T) {
			p := policyOf(t, f)
			for _, done := range patrols[f](t, p) {
				for _, lacking := range done.guard.Denied() {
					t.Errorf("the policy lacks %s", lacking)
				}
				if err := done.guard.Err(); err != nil {
					t.Error(err)
				}
				for _, drop := range done.aws.Dropped() {
					if drop.Rule == notify.RuleName {
						t.Errorf("a notification is lost: %+v", drop)
					}
				}
				wantChats(t, f, done.aws.Events())
				maps.Copy(called, done.guard.Called())
			}
			for _, excess := range p.Excess(home) {
				t.Errorf("the policy exceeds what is called: %s", excess)
			}
		})
	}
	t.Run("all calls of the program", func(t *testing.T) {
		for command, guard := range commandPatrols(t) {
			if len(guard.Called()) == 0 || guard.Err() != nil {
				t.Errorf("%s calls %d operations: %v", command, len(guard.Called()), guard.Err())
			}
			maps.Copy(called, guard.Called())
		}
		inSource := operationsInSource(t)
		for _, name := range slices.Sorted(maps.Keys(inSource)) {
			if !called[name] {
				t.Errorf("%s calls %s, and no function or command here does", inSource[name], name)
			}
		}
		for _, name := range iam.Operations() {
			// TagResource is an action that other operations take, too. The SDK assumes roles.
			if _, there := inSource[name]; !there && !strings.HasSuffix(name, ".TagResource") && name != "sts.AssumeRole" {
				t.Errorf("a permission for %s is described, and nothing calls it", name)
			}
		}
	})
}

// wantChats reads what chats show of the notifications that a function has sent.
func wantChats(t *testing.T, f Function, sent []localaws.Event) {
	t.Helper()
	n := 0
	for _, e := range sent {
		if !slices.Contains(events.NotificationTypes(), events.DetailType(e.DetailType)) {
			continue
		}
		n++
		var detail struct {
			Audit struct{ Chat json.RawMessage }
		}
		if err := json.Unmarshal(e.Detail, &detail); err != nil {
			t.Fatal(err)
		}
		m, err := awsbed.ReadChat(string(detail.Audit.Chat))
		if err != nil || m.Metadata.EventType != e.DetailType || len(m.Content.NextSteps) != 1 || !strings.HasPrefix(m.Content.NextSteps[0], "To undo it: `personalize-monitor ") {
			t.Errorf("%s: %v in %s", e.DetailType, err, detail.Audit.Chat)
		}
	}
	if acts := f == UpdateTPS || f == DeleteCampaign || f == StopRecommender; acts && n == 0 {
		t.Errorf("%s has sent no notification", f)
	}
}

func monitorPatrols(t *testing.T, policy *iam.Policy) []*patrol {
	p := newPatrol(t, Monitor, policy, shops())
	p.must("{}", "18 resources measured") // cold: all is made
	for range 14 {                        // warm: alarms are switched on, or reset
		p.pass(5 * time.Minute)
		p.must("{}", "18 resources measured")
	}
	p.aws.AddFault(localaws.Fault{Service: "personalize", Operation: "DescribeCampaign", Times: 5})
	p.cold(map[string]string{"HourlyChecks": "always"}) // decisions go out as events
	p.must("{}", "events sent")
	p.aws.ClearFaults()
	for _, region := range []string{home, away} { // the alarms of what is gone go as well
		arn := arnOf(region, "campaign/gone-soon")
		_, err := p.world.Raw.Personalize(region).DeleteCampaign(t.Context(), &personalize.DeleteCampaignInput{CampaignArn: &arn})
		p.world.Must(err)
		_, err = p.world.Raw.EventBridge(region).RemoveTargets(t.Context(), &eventbridge.RemoveTargetsInput{Rule: aws.String(notify.RuleName), Ids: []string{notify.TargetID}})
		if region == home {
			p.world.Must(err)
		}
	}
	p.pass(90 * time.Minute)
	p.must("{}", "alarms deleted")
	p.cold(map[string]string{"AutoCreateIdleAlarms": "No", "UtilizationThresholdAlarmLowerBound": "80", "ChatNotifications": "No"})
	p.must("{}", "alarms deleted")

	taken := newPatrol(t, Monitor, policy, shops())
	taken.originals(home)
	taken.originals(away)
	for range 3 {
		taken.must("{}", "18 resources measured")
		taken.pass(time.Hour)
	}
	if _, err := taken.world.Raw.EventBridge(away).DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: aws.String(notify.RuleName)}); err == nil {
		t.Error("the original's rule is still there")
	}
	// Where nobody tells whose account it is.
	taken.cold(nil)
	if _, err := taken.Invoke(t.Context(), []byte("{}")); err != nil {
		t.Error(err)
	}
	return []*patrol{p, taken}
}

// crowd has more resources than a dashboard shows.
func crowd() localaws.Estate {
	e := shops()
	group := &e.Regions[0].DatasetGroups[0]
	group.Recommenders[0].Copies = 700
	return e
}

func dashboardPatrols(t *testing.T, policy *iam.Policy) []*patrol {
	p := newPatrol(t, Dashboard, policy, crowd())
	m := newMailbox(t)
	properties := func(key, name string) string { return fmt.Sprintf(`,%q:{"DashboardName":%q}`, key, name) }
	p.must(m.request("Create", properties("ResourceProperties", boards)), "SUCCESS")
	p.must(envelope("Scheduled Event", `{}`), "3 dashboards written")
	p.board(boards+"-4", with(ours(boards), "Deployment", "cli")) // by a person, in the past
	p.cold(map[string]string{"RecommenderARNs": "none"})
	p.must(envelope("BuildPersonalizeMonitorDashboard", `{"Reason":"alarms changed"}`), "3 surplus dashboards deleted")
	p.must(m.request("Update", `,"PhysicalResourceId":"x"`+properties("ResourceProperties", boards)), "SUCCESS")

	// Another name: of the former one, the dashboards of this deployment go.
	p.board("Former", ours("Former"))
	p.board("Former-2", ours("Former"))
	p.board("Former-3", nil)
	p.must(m.request("Update", `,"PhysicalResourceId":"x"`+properties("ResourceProperties", boards)+properties("OldResourceProperties", "Former")), "SUCCESS")
	if got := p.world.Dashboards(); !slices.Equal(got, []string{boards, "Former-3"}) {
		t.Errorf("dashboards %v", got)
	}

	p.board(boards+"-2", ours(boards))
	p.must(m.request("Delete", `,"PhysicalResourceId":"x"`+properties("ResourceProperties", boards)), "SUCCESS")
	if got := p.world.Dashboards(); !slices.Equal(got, []string{"Former-3"}) {
		t.Errorf("dashboards %v", got)
	}

	// The original's dashboard, and one of somebody else's.
	foreign := newPatrol(t, Dashboard, policy, crowd())
	foreign.board(boards, nil)
	foreign.board(boards+"-2", nil)
	foreign.must("{}", "2 dashboards written")
	foreign.must(m.request("Delete", `,"PhysicalResourceId":"x"`+properties("ResourceProperties", boards)), "SUCCESS")
	if got := foreign.world.Dashboards(); !slices.Equal(got, []string{boards + "-2"}) {
		t.Errorf("dashboards %v", got)
	}
	return []*patrol{p, foreign}
}

// wants sends an event about a resource in each region.
func (p *patrol) wants(resource, more, want string) {
	p.t.Helper()
	for _, region := range []string{home, away} {
		p.must(`{"ARN":"`+arnOf(region, resource)+`"`+more+`}`, want)
	}
}

// counted puts counts of yesterday's actions into the tags of the topics.
func (p *patrol) counted() {
	p.t.Helper()
	for _, region := range []string{home, away} {
		_, err := p.world.Raw.SNS(region).TagResource(p.t.Context(), &sns.TagResourceInput{
			ResourceArn: aws.String(awsbed.TopicIn(region).String()), Tags: []snstypes.Tag{
				{Key: aws.String("Removals/" + home + "/" + stackName + "/a"), Value: aws.String("20200101T0000:5")},
				{Key: aws.String("StepDowns/" + home + "/" + stackName + "/a"), Value: aws.String("20200101T0000:5")},
			},
		})
		p.world.Must(err)
	}
}

func updatePatrols(t *testing.T, policy *iam.Policy) []*patrol {
	estate := shops()
	estate.Monitored = 20 * 24 * time.Hour
	for i := range estate.Regions { // one that steps down only if the data of the region are not missing
		group := &estate.Regions[i].DatasetGroups[0]
		quiet := group.Campaigns[1]
		quiet.Name, quiet.Traffic = "quiet", localaws.EstateTraffic{Shape: "stopped", TPS: 3, Since: 10 * 24 * time.Hour}
		group.Campaigns = append(group.Campaigns, quiet)
	}
	p := newPatrol(t, UpdateTPS, policy, estate)
	for _, region := range []string{home, away} {
		p.world.CreateTopic(region)
	}
	p.counted()
	p.wants("campaign/busy", `,"NewMinTPS":3`, "is being updated")
	p.wants("recommender/busy", `,"NewMinTPS":3`, "is being updated")
	const automatic = `,"CurrentMinTPS":20,"NewMinTPS":15`
	p.wants("campaign/large", automatic, "is being updated")
	p.wants("campaign/large-latest", automatic, "is being updated")
	p.wants("campaign/quiet", automatic, "is being updated")
	p.wants("recommender/large", automatic, "is being updated")
	p.wants("campaign/large", automatic, "Nothing") // delivered twice
	p.wants("campaign/no-more", automatic, "Nothing to do")
	for _, resource := range []string{"campaign/idle", "recommender/idle"} {
		p.wants(resource, `,"NewMinTPS":8,"ForMinutes":60`, "returns to 1 at")
	}
	p.pass(time.Hour)
	for _, resource := range []string{"campaign/idle", "recommender/idle"} {
		p.wants(resource, `,"CurrentMinTPS":8,"NewMinTPS":1,"Scheduled":"return"`, "is being updated")
	}
	p.pass(30 * time.Minute)
	for _, resource := range []string{"campaign/idle", "recommender/idle"} {
		p.wants(resource, `,"CurrentMinTPS":1,"NewMinTPS":1,"Scheduled":"drop-return"`, "the raise to 8 is over")
	}
	return []*patrol{p}
}

// withAlarms lets the monitor make its alarms.
func (p *patrol) withAlarms() {
	p.t.Helper()
	monitor := p.free(Monitor, nil)
	monitor.must("{}", "alarms created")
	monitor.pass(5 * time.Minute)
}

func deletePatrols(t *testing.T, policy *iam.Policy) []*patrol {
	p := newPatrol(t, DeleteCampaign, policy, shops())
	p.withAlarms()
	p.counted()
	const automatic = `,"IdleThresholdHours":24`
	p.wants("campaign/busy", automatic, "Nothing was done")
	p.wants("campaign/busy", "", "alarms removed: 2")
	p.wants("campaign/idle", automatic, "alarms removed: 2")
	p.wants("campaign/idle-latest", automatic, "alarms removed: 2")
	p.wants("campaign/idle", automatic, "Nothing to do")
	return []*patrol{p}
}

func stopPatrols(t *testing.T, policy *iam.Policy) []*patrol {
	p := newPatrol(t, StopRecommender, policy, shops())
	p.withAlarms()
	p.counted()
	const automatic = `,"IdleThresholdHours":24`
	p.wants("recommender/busy", automatic, "Nothing was done")
	p.wants("recommender/busy", "", "alarms removed: 2")
	p.wants("recommender/idle", automatic, "alarms removed: 2")
	p.wants("recommender/idle", automatic, "Nothing to do")
	return []*patrol{p}
}

func cleanupPatrols(t *testing.T, policy *iam.Policy) []*patrol {
	m := newMailbox(t)
	const request = `,"PhysicalResourceId":"x"`
	scheduled := shops()
	for i := range scheduled.Regions {
		group := &scheduled.Regions[i].DatasetGroups[0]
		tags := map[string]string{schedule.Tag: "base=2 daily@09:00-10:00=5"}
		group.Campaigns[0].Tags, group.Recommenders[0].Tags = tags, tags
	}
	p := newPatrol(t, Cleanup, policy, scheduled)
	p.withAlarms()
	for i := range 250 {
		p.alarm(away, fmt.Sprintf("PersonalizeMonitor-%03d", i), ours(""), arnOf(away, "campaign/busy"))
	}
	_, err := p.world.Raw.SNS(away).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String(notify.ChatTopicName), Tags: []snstypes.Tag{
		{Key: aws.String("CreatedBy"), Value: aws.String("PersonalizeMonitor")}, {Key: aws.String("Deployment"), Value: aws.String(home + "/" + stackName)},
	}})
	p.world.Must(err) // by a stack that was there before
	p.board(boards, nil)
	p.board(boards+"-2", ours(boards))
	p.board(boards+"-3", nil)
	p.must(m.request("Create", ""), "SUCCESS")
	p.must(m.request("Delete", request), "SUCCESS")
	if got := p.world.Dashboards(); !slices.Equal(got, []string{boards + "-3"}) {
		t.Errorf("dashboards %v", got)
	}
	p.must(`{"Confirm":"remove"}`, "0 things removed")

	// What the original application left, and other people's things beside it.
	mixed := newPatrol(t, Cleanup, policy, shops())
	mixed.originals(home)
	mixed.originals(away)
	mixed.world.PutTargets(home, ebtypes.Target{Id: aws.String("mine"), Arn: aws.String(awsbed.TopicIn(home).String())})
	mixed.counted()
	others := map[string]string{"CreatedBy": "PersonalizeMonitor", "Deployment": "elsewhere"}
	mixed.alarm(away, "PersonalizeMonitor-LowCampaignUtilization-large", others, arnOf(away, "campaign/large"))
	mixed.must(m.request("Delete", request), "SUCCESS")
	return []*patrol{p, mixed}
}

// RunCommand runs a command of the program, which a test of this package itself cannot
// import, as it imports this package.
var RunCommand func(ctx context.Context, args []string, out io.Writer) (code int)

// commandPatrols are the commands that call what no function does.
func commandPatrols(t *testing.T) map[string]*iam.Guard {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "LOCAL", "AWS_SECRET_ACCESS_KEY": "local", "AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "none"),
		"AWS_SHARED_CREDENTIALS_FILE": filepath.Join(t.TempDir(), "none"), "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	estate := localaws.ExampleEstate()
	estate.Accounts = []localaws.EstateAccount{{ID: "222222222222", Role: "Reader", Regions: []localaws.EstateRegion{{Name: home}}}}
	p := newPatrol(t, Monitor, nil, estate)
	config, err := p.Config(t.Context(), nil)
	p.world.Must(err)
	campaign := arnOf(home, "campaign/shop-home-page")
	described, err := p.world.Raw.Personalize(home).DescribeCampaign(t.Context(), &personalize.DescribeCampaignInput{CampaignArn: &campaign})
	p.world.Must(err)
	_, err = p.world.Raw.Personalize(home).DeleteCampaign(t.Context(), &personalize.DeleteCampaignInput{CampaignArn: &campaign})
	p.world.Must(err)
	p.clock.Advance(time.Hour)
	deleted := events.Audit{
		Time: p.clock.Now(), ARN: campaign, Action: model.ActionDelete, Outcome: events.OutcomeDone,
		Before: &events.Before{Name: "shop-home-page", MinTPS: 1, SolutionVersion: *described.Campaign.SolutionVersionArn},
	}
	token, err := deleted.Token()
	p.world.Must(err)
	_, err = cloudwatchlogs.NewFromConfig(p.world.Raw.ConfigFor(home)).CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/aws/lambda/monitor")})
	p.world.Must(err)
	for _, args := range [][]string{
		{"start-recommender", arnOf(home, "recommender/shop-popular-items")},
		{"dashboard", "build"},
		{"stop-recommender", arnOf(home, "recommender/shop-recommended-for-you"), "--yes"}, // builds that anew
		{"restore", "--no-wait", "--yes", "--record", token},
		{"pause-training", arnOf(home, "solution/shop-gift-ideas"), "--yes"},
		{"report", "--live-prices", "--days", "1"},
		{"history", "--log-group", "/aws/lambda/*"},
		{"report", "--organization", "--role-name", "Reader", "--exclude", account},
	} {
		var out bytes.Buffer
		command := append(args, "--endpoint-url", *config.BaseEndpoint, "--region", home)
		if code := RunCommand(t.Context(), command, &out); code != 0 {
			t.Errorf("%s: exit code %d: %s", args[0], code, &out)
		}
	}
	return map[string]*iam.Guard{"commands": p.guard}
}

// policyOf reads the policy of a function from the deployment template, as it is in a stack of
// the default name in the home region.
func policyOf(t *testing.T, f Function) *iam.Policy {
	t.Helper()
	source, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Type       string `yaml:"Type"`
			Properties struct {
				Handler  string         `yaml:"Handler"`
				Policies []iam.Document `yaml:"Policies"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(source, &template); err != nil {
		t.Fatal(err)
	}
	all := &iam.Policy{}
	for _, resource := range template.Resources {
		if resource.Type != "AWS::Serverless::Function" || resource.Properties.Handler != string(f) {
			continue
		}
		for _, document := range resource.Properties.Policies {
			p, err := document.Policy(func(text string) string { return substituted(t, text) })
			if err != nil {
				t.Fatal(err)
			}
			all.Grants = append(all.Grants, p.Grants...)
		}
	}
	if len(all.Grants) == 0 {
		t.Fatalf("the template has no policy of a function with the handler %s", f)
	}
	return all
}

// stackName is that of make deploy.
const stackName = "personalize-monitor"

// substituted fills in what CloudFormation does.
func substituted(t *testing.T, text string) string {
	t.Helper()
	text = strings.NewReplacer("${AWS::Partition}", "aws", "${AWS::Region}", home, "${AWS::AccountId}", account,
		"${AWS::StackName}", stackName, "${DashboardName}", boards).Replace(text)
	if strings.Contains(text, "${") {
		t.Fatalf("this test does not know the value of %s", text)
	}
	return text
}

// sdkNames are what the services whose packages of the SDK are used are called in IAM.
var sdkNames = map[string]string{"personalize": "personalize", "cloudwatch": "cloudwatch", "eventbridge": "events", "sns": "sns", "sts": "sts", "pricing": "pricing", "cloudwatchlogs": "logs", "organizations": "organizations"}

// operationsInSource finds the operations that the packages beside the AWS can call, by
// the inputs that they fill in or whose types their interfaces name, and where.
func operationsInSource(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (entry.Name() == "soak" || entry.Name() == "demo" || entry.Name() == "probe") {
			// They play the owner and CloudFormation, before an embedded AWS alone; or only look what else there is.
			return filepath.SkipDir
		}
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		services := servicesIn(t, file, path)
		ast.Inspect(file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			operation, isInput := strings.CutSuffix(selector.Sel.Name, "Input")
			pkg, ok := selector.X.(*ast.Ident)
			if ok && isInput && operation != "" && services[pkg.Name] != "" {
				found[services[pkg.Name]+"."+operation] = strings.TrimPrefix(filepath.ToSlash(path), "../")
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 20 {
		t.Fatalf("only %d operations found", len(found))
	}
	return found
}

// servicesIn are the services of AWS that a file imports, as they are called in IAM, by the
// names of the packages in it.
func servicesIn(t *testing.T, file *ast.File, path string) map[string]string {
	t.Helper()
	services := map[string]string{}
	for _, spec := range file.Imports {
		service, ok := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), "github.com/aws/aws-sdk-go-v2/service/")
		if !ok || strings.Contains(service, "/") {
			continue
		}
		if sdkNames[service] == "" {
			t.Errorf("%s imports the service %s, of which nothing here knows", path, service)
		}
		name := service
		if spec.Name != nil {
			name = spec.Name.Name
		}
		services[name] = sdkNames[service]
	}
	return services
}
