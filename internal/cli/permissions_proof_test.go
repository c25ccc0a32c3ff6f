package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/cli"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/permissions"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
	"github.com/personalize-monitor/personalize-monitor/test/iam"
)

// The region of the deployment, where only the dashboards are yet, and that of all resources.
const (
	permHome = "us-east-1"
	permAway = "eu-west-1"
)

func permARN(service, region, resource string) string {
	return "arn:aws:" + service + ":" + region + ":" + iam.Account + ":" + resource
}

// secured is an embedded AWS in which every action of each use is needed, behind a guard.
type secured struct {
	guard *iam.Guard
	url   string
	audit string // a file with the record of a deleted campaign
	ends  []func()
}

func (s *secured) close() {
	for _, end := range slices.Backward(s.ends) {
		end()
	}
}

// permEstate has what is busy, too large, idle, stopped or returned from a raise, and what trains.
func permEstate() localaws.Estate {
	const day = 24 * time.Hour
	steady := localaws.EstateTraffic{Shape: "constant", TPS: 3}
	ended := localaws.EstateTraffic{Shape: "stopped", TPS: 3, Since: 12 * day}
	over := map[string]string{schedule.ReturnTag: schedule.Return{
		Target: 3, From: 3, Raised: 8, Due: time.Now().Add(-3 * day), Arranged: time.Now().Add(-4 * day),
	}.String()}
	endpoint := func(name, recipe string, traffic localaws.EstateTraffic, tags map[string]string) localaws.EstateEndpoint {
		return localaws.EstateEndpoint{Name: name, Recipe: recipe, Age: 60 * day, Traffic: traffic, Tags: tags}
	}
	campaign := func(name string, minimum int, traffic localaws.EstateTraffic, tags map[string]string) localaws.EstateCampaign {
		return localaws.EstateCampaign{EstateEndpoint: endpoint(name, "aws-user-personalization", traffic, tags), MinTPS: minimum}
	}
	recommender := func(name string, minimum int, traffic localaws.EstateTraffic, tags map[string]string) localaws.EstateRecommender {
		return localaws.EstateRecommender{EstateEndpoint: endpoint(name, "aws-ecomm-recommended-for-you", traffic, tags), MinRPS: minimum}
	}
	large, off := campaign("large", 20, steady, nil), recommender("off", 1, localaws.EstateTraffic{}, nil)
	large.EchoLatest, large.AutoSync, off.Status = true, true, "INACTIVE"
	prices := map[string]float64{"campaign": 0.25, "campaignV2": 0.5, "recommender": 0.1}
	return localaws.Estate{Account: iam.Account, Monitored: 30 * day, MonitorRegion: permHome, LifeCycle: localaws.EstateLifeCycle{Delete: time.Second}, Accounts: []localaws.EstateAccount{
		{ID: "222222222222", Role: "Reader", Regions: []localaws.EstateRegion{{Name: permHome}}},
	}, Regions: []localaws.EstateRegion{
		{Name: permHome},
		{Name: permAway, TPSHourPrices: prices, DatasetGroups: []localaws.EstateDatasetGroup{{
			Name: "shop", Domain: "ECOMMERCE",
			Solutions: []localaws.EstateSolution{{Name: "unused", Recipe: "aws-user-personalization"}},
			Campaigns: []localaws.EstateCampaign{
				large, campaign("idle", 1, ended, nil), campaign("raised", 3, steady, over),
				campaign("deleted", 2, steady, map[string]string{"stage": "test"}),
			},
			Recommenders: []localaws.EstateRecommender{
				recommender("large", 20, steady, nil), recommender("idle", 1, ended, nil), recommender("raised", 3, steady, over), off,
			},
		}}},
	}}
}

// newSecured is the AWS as a monitor that may do all has left it a few minutes ago. The clocks of
// AWS and of this machine agree at the end.
func newSecured(ctx context.Context, folder, command string, policy *iam.Policy) (s *secured, err error) {
	s = &secured{}
	clock := model.NewVirtualClock(time.Now().Add(-3 * time.Minute))
	server, err := localaws.New(permEstate(), localaws.WithClock(clock))
	if err != nil {
		return s, err
	}
	open := httptest.NewServer(server)
	owner := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(permHome, open.URL, "LOCAL", nil), Clock: clock})
	s.guard = iam.NewGuard(server, policy, owner)
	guarded := httptest.NewServer(s.guard)
	s.url = guarded.URL
	s.ends = append(s.ends, open.Close, owner.Close, guarded.Close)

	past := permPast{ctx: ctx, clients: owner}
	past.monitored(clock, server, open.URL)
	past.changed(command)
	s.audit = past.deleted(folder, clock.Now())
	clock.Advance(-time.Until(clock.Now()))
	server.Tick()
	return s, past.err
}

// permPast brings about what is there before a command runs. After an error it does nothing.
type permPast struct {
	ctx     context.Context
	clients *awsapi.Clients
	err     error
}

func (p *permPast) did(_ any, err error) { p.err = errors.Join(p.err, err) }

// monitored lets a monitor run a cycle, and build its dashboard.
func (p *permPast) monitored(clock *model.VirtualClock, server *localaws.Server, url string) {
	values, err := config.Resolve(config.Sources{Flags: map[string]string{
		"regions": permAway, "hourly-checks": "never", "notification-endpoint": "a@example.com", "chat-notifications": "yes",
	}})
	p.did(nil, err)
	parts := app.New(app.Options{Config: awsapi.LocalConfig(permHome, url, "LOCAL", nil), Clock: clock, Deployment: "cli", Params: values})
	defer parts.Clients.Close()
	p.did(parts.Cycle.Run(p.ctx, cycle.Input{Params: values}))
	p.did(parts.Dashboard.Build(p.ctx, cycle.DashboardInput{Params: values}))
	clock.Advance(time.Minute)
	server.Tick()
}

// changed is what others have done: a larger dashboard, counts of past actions, the rules of the
// upstream sample, and an alarm that a person deleted. What there is in the home region
// depends on the command.
func (p *permPast) changed(command string) {
	board := config.Values{}.DashboardName
	if values, err := config.Resolve(config.Sources{}); err == nil {
		board = values.DashboardName
	}
	p.did(p.clients.CloudWatch(permHome).PutDashboard(p.ctx, &cloudwatch.PutDashboardInput{
		DashboardName: aws.String(board + "-2"), DashboardBody: aws.String(`{"widgets":[]}`), Tags: []cwtypes.Tag{
			{Key: aws.String("CreatedBy"), Value: aws.String("PersonalizeMonitor")},
			{Key: aws.String("Deployment"), Value: aws.String("cli")},
			{Key: aws.String("Dashboard"), Value: aws.String(board)},
		},
	}))
	p.sample(permAway)
	p.sample(permHome)
	rule, topic := aws.String(notify.RuleName), aws.String(permARN("sns", permHome, notify.TopicName))
	home, topics := p.clients.EventBridge(permHome), p.clients.SNS(permHome)
	switch command {
	case "run": // nothing is there
		p.did(home.RemoveTargets(p.ctx, &eventbridge.RemoveTargetsInput{Rule: rule, Ids: []string{notify.TargetID, notify.ChatTargetID}}))
		p.did(home.DeleteRule(p.ctx, &eventbridge.DeleteRuleInput{Name: rule}))
		chats := aws.String(permARN("sns", permHome, notify.ChatTopicName))
		p.did(topics.DeleteTopic(p.ctx, &sns.DeleteTopicInput{TopicArn: chats}))
		p.did(topics.DeleteTopic(p.ctx, &sns.DeleteTopicInput{TopicArn: topic}))
	case "serve": // the topic was deleted, and chats are no longer wanted
		p.did(home.RemoveTargets(p.ctx, &eventbridge.RemoveTargetsInput{Rule: rule, Ids: []string{notify.TargetID, notify.ChatTargetID}}))
		p.did(home.DeleteRule(p.ctx, &eventbridge.DeleteRuleInput{Name: rule}))
		p.sample(permHome)
		p.did(home.RemoveTargets(p.ctx, &eventbridge.RemoveTargetsInput{Rule: rule, Ids: []string{notify.TargetID}}))
		p.did(home.PutTargets(p.ctx, &eventbridge.PutTargetsInput{Rule: rule, Targets: []ebtypes.Target{{
			Id: aws.String(notify.ChatTargetID), Arn: aws.String(permARN("sns", permHome, notify.ChatTopicName)), InputPath: aws.String(events.ChatPath),
		}}}))
		p.did(topics.DeleteTopic(p.ctx, &sns.DeleteTopicInput{TopicArn: topic}))
	default: // a person uses the rule, too
		targets := []ebtypes.Target{{Id: aws.String("mine"), Arn: topic}}
		p.did(home.PutTargets(p.ctx, &eventbridge.PutTargetsInput{Rule: rule, Targets: targets}))
	}
	p.did(p.clients.CloudWatch(permAway).DeleteAlarms(p.ctx, &cloudwatch.DeleteAlarmsInput{
		AlarmNames: []string{"PersonalizeMonitor-LowCampaignUtilization-raised"},
	}))
	logs := cloudwatchlogs.NewFromConfig(p.clients.ConfigFor(permHome))
	p.did(logs.CreateLogGroup(p.ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/monitor/a")}))
}

// sample leaves counts of past actions in the tags of the topic, and the rule of the upstream sample.
func (p *permPast) sample(region string) {
	topic := aws.String(permARN("sns", region, notify.TopicName))
	p.did(p.clients.SNS(region).TagResource(p.ctx, &sns.TagResourceInput{ResourceArn: topic, Tags: []snstypes.Tag{
		{Key: aws.String("Removals/cli/a"), Value: aws.String("20200101T0000:5")},
		{Key: aws.String("StepDowns/cli/a"), Value: aws.String("20200101T0000:5")},
	}}))
	p.did(p.clients.EventBridge(region).PutRule(p.ctx, &eventbridge.PutRuleInput{
		Name: aws.String(notify.RuleName), State: ebtypes.RuleStateEnabled,
		Description: aws.String("Routes Personalize Monitor notifications to notification SNS topic"),
		EventPattern: aws.String(`{"source": ["personalize.monitor"], "detail-type": ["PersonalizeCampaignMinProvisionedTPSUpdated", ` +
			`"PersonalizeRecommenderMinRecommendationRPSUpdated", "PersonalizeCampaignDeleted", "PersonalizeRecommenderStopped"]}`),
	}))
	p.did(p.clients.EventBridge(region).PutTargets(p.ctx, &eventbridge.PutTargetsInput{
		Rule: aws.String(notify.RuleName), Targets: []ebtypes.Target{{Id: aws.String(notify.TargetID), Arn: topic}},
	}))
}

// deleted deletes a campaign, and writes its record to a file.
func (p *permPast) deleted(folder string, now time.Time) (file string) {
	campaign := permARN("personalize", permAway, "campaign/deleted")
	out, err := p.clients.Personalize(permAway).DescribeCampaign(p.ctx, &personalize.DescribeCampaignInput{CampaignArn: &campaign})
	if err != nil || p.err != nil {
		p.did(nil, err)
		return ""
	}
	p.did(p.clients.Personalize(permAway).DeleteCampaign(p.ctx, &personalize.DeleteCampaignInput{CampaignArn: &campaign}))
	line, err := json.Marshal(events.Audit{
		Time: now, ARN: campaign, Kind: model.Campaign, Region: permAway, Action: model.ActionDelete, Outcome: events.OutcomeDone,
		Before: &events.Before{
			Name: "deleted", Status: string(model.StatusActive), MinTPS: 2, SolutionVersion: *out.Campaign.SolutionVersionArn,
			Tags: map[string]string{"stage": "test"},
		},
	})
	p.did(nil, err)
	created, err := os.CreateTemp(folder, "*.jsonl")
	if err != nil {
		p.did(nil, err)
		return ""
	}
	p.did(created.Write(append(line, '\n')))
	p.did(nil, created.Close())
	return created.Name()
}

// permUse is how a use is tried.
type permUse struct {
	flags []string   // of permissions
	runs  [][]string // command lines, one after the other
}

var (
	permCycle = []string{
		"--regions", permHome + "," + permAway, "--notification-endpoint", "a@example.com", "--auto-create-idle-alarms", "no",
	}
	permOthers = []string{"--organization", "--role-name", "Reader"}
	permChat   = []string{"--chat-notifications", "yes"}
	permEnds   = []string{"--auto-delete-or-stop-idle", "yes", "--yes"}
	permUses   = map[permissions.Use]permUse{
		permissions.Plan: {[]string{"--live-prices", "--chat-notifications", "yes"}, [][]string{
			slices.Concat([]string{"plan", "--live-prices"}, permCycle, permChat), slices.Concat([]string{"plan"}, permCycle),
		}},
		permissions.Report: {slices.Concat([]string{"--live-prices", "--log-group", "/monitor/*"}, permOthers), [][]string{
			{"report", "--live-prices", "--regions", permAway, "--group-by", "tag:stage"},
			{"report", "--recommender-arns", permARN("personalize", permAway, "recommender/large"), "--campaign-arns", "none"},
			{"report", "--savings", "--log-group", "/monitor/*"},
			slices.Concat([]string{"report", "--exclude", iam.Account}, permOthers),
		}},
		permissions.Run: {permChat, [][]string{
			slices.Concat([]string{"run"}, permCycle, permChat), slices.Concat([]string{"run"}, permCycle),
		}},
		permissions.Act: {permChat, [][]string{
			slices.Concat([]string{"run", "--act"}, permCycle, permEnds, permChat), slices.Concat([]string{"run", "--act"}, permCycle, permEnds),
		}},
		permissions.Serve: {[]string{"--allow-actions", "--live-prices"}, [][]string{
			slices.Concat([]string{"serve", "--allow-actions", "--live-prices", "--hourly-checks", "always", "--listen", "127.0.0.1:0"}, permCycle, permEnds),
		}},
		permissions.Cleanup: {nil, [][]string{{"cleanup", "--yes", "--include-untagged"}}},
	}
)

// policy is what permissions prints for the use.
func (u permUse) policy(t *testing.T, use permissions.Use) *iam.Policy {
	t.Helper()
	out := newOutput()
	args := slices.Concat([]string{"permissions", string(use), "--account", iam.Account, "--region", permHome}, u.flags)
	if code := cli.Run(t.Context(), args, "test", cli.Streams{Out: out, Err: out, Env: os.LookupEnv}); code != cli.ExitDone {
		t.Fatalf("exit code %d: %s", code, out)
	}
	policy, err := iam.Parse([]byte(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

// permOutcome is what the commands of a use did without some grants of its policy.
type permOutcome struct {
	text   string
	failed bool         // by an exit code
	named  []*iam.Grant // whose lack the commands reported
	denied []iam.Need
	unused []*iam.Grant // no call has needed them
}

// try runs the commands of a use under a policy that lacks some grants.
func (u permUse) try(ctx context.Context, folder string, policy *iam.Policy, lacks ...*iam.Grant) (permOutcome, error) {
	s, err := newSecured(ctx, folder, u.runs[0][0], policy.Without(lacks...))
	defer s.close()
	if err != nil {
		return permOutcome{}, err
	}
	var out permOutcome
	for _, args := range u.runs {
		var code int
		var text string
		if args[0] == "serve" {
			code, text = s.serve(ctx, args, policy, lacks)
		} else {
			code, text = s.command(ctx, args)
		}
		out.text += fmt.Sprintf("%s: exit code %d\n%s", args[0], code, text)
		if out.named = s.named(out.text, policy, lacks); len(lacks) > 0 && len(out.named) == len(lacks) {
			break
		}
		out.failed = out.failed || code != cli.ExitDone && (args[0] != "plan" || code != cli.ExitChanges)
	}
	out.denied, out.unused = s.guard.Denied(), s.guard.Unused()
	return out, s.guard.Err()
}

// named are the grants of the policy for the lack of which a call was denied, as the text reports.
func (s *secured) named(text string, policy *iam.Policy, lacks []*iam.Grant) []*iam.Grant {
	var named []*iam.Grant
	denied := s.guard.Denied()
	for _, g := range lacks {
		reported := func(n iam.Need) bool {
			return policy.AllowsBy(g, n) && strings.Contains(text, n.Action+" on "+n.Resource)
		}
		if slices.ContainsFunc(denied, reported) {
			named = append(named, g)
		}
	}
	return named
}

func (s *secured) command(ctx context.Context, args []string) (code int, text string) {
	out := newOutput()
	code = cli.Run(ctx, s.line(args), "test", cli.Streams{In: strings.NewReader(""), Out: out, Err: out, Env: os.LookupEnv})
	return code, out.String()
}

func (s *secured) line(args []string) []string {
	return append(slices.Clone(args), "--endpoint-url", s.url, "--region", permHome)
}

// Times of a daemon: how long it may take to do all that it does first, and how long it has to be
// quiet to be done. Nothing is measured against them.
const (
	permWait  = time.Minute
	permQuiet = 300 * time.Millisecond
)

// serve runs a daemon until it has done what the policy allows, or has reported what it lacks. A
// person restores a campaign and starts a recommender on its page.
func (s *secured) serve(ctx context.Context, args []string, policy *iam.Policy, lacks []*iam.Grant) (code int, text string) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out := newOutput()
	ended := make(chan int, 1)
	go func() {
		line := append(s.line(args), "--audit-file", s.audit)
		ended <- cli.Run(ctx, line, "test", cli.Streams{In: strings.NewReader(""), Out: out, Err: out, Env: os.LookupEnv})
	}()
	asked, size, since, dryRun := false, 0, time.Now(), slices.Contains(args, "--dry-run")
	for start := time.Now(); time.Since(start) < permWait; time.Sleep(20 * time.Millisecond) {
		select {
		case code := <-ended:
			return code, out.String()
		default:
		}
		text := out.String()
		if address := regexp.MustCompile(`http://[0-9.:]+`).FindString(text); address != "" && !asked && isReady(address) {
			asked = true
			askOnPage(address, permARN("personalize", permAway, "campaign/deleted"), "restore")
			askOnPage(address, permARN("personalize", permAway, "recommender/off"), "start-recommender")
		}
		if len(text) != size {
			size, since = len(text), time.Now()
		}
		if dryRun && asked && time.Since(since) > permQuiet {
			break
		}
		named := len(s.named(text, policy, lacks))
		if len(lacks) == 0 && asked && len(s.guard.Unused()) == 0 || named > 0 && (named == len(lacks) || time.Since(since) > permQuiet) {
			break
		}
	}
	cancel()
	return <-ended, out.String()
}

func isReady(address string) bool {
	response, err := http.Get(address + "/readyz")
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// askOnPage sends the form of a resource that has the action.
func askOnPage(address, arn, action string) {
	response, err := http.Get(address + "/resource?arn=" + url.QueryEscape(arn))
	if err != nil {
		return
	}
	page, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return
	}
	form := regexp.MustCompile(`(?s)<form method="post" action="/action".*?</form>`)
	for _, one := range form.FindAllString(string(page), -1) {
		values := url.Values{}
		for _, field := range regexp.MustCompile(`name="([a-z]+)" value="([^"]*)"`).FindAllStringSubmatch(one, -1) {
			values.Set(field[1], html.UnescapeString(field[2]))
		}
		if values.Get("action") == action {
			if response, err := http.PostForm(address+"/action", values); err == nil {
				_ = response.Body.Close()
			}
			return
		}
	}
}

// permEnvironment is that of a command with credentials, and no other settings of AWS.
func permEnvironment(t *testing.T) {
	t.Helper()
	none := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_PROFILE": "", "AWS_CONFIG_FILE": none,
		"AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1",
	} {
		t.Setenv(name, value)
	}
}

// eachVariable makes TestPermissionsAreEnoughAndNeeded remove one action at a time, which takes minutes.
const eachVariable = "PERSONALIZE_MONITOR_EACH_PERMISSION"

// Each use runs under exactly the policy that permissions prints for it, and reports a denied call
// without any one of its actions. That each action is needed shows in the first run: it has calls that
// nothing else in the policy allows. That its lack is reported shows in further runs, each without all
// actions whose lack no run has reported yet.
func TestPermissionsAreEnoughAndNeeded(t *testing.T) {
	folder := t.TempDir()
	permEnvironment(t)
	for _, use := range permissions.Uses() {
		t.Run(string(use), func(t *testing.T) {
			t.Parallel()
			u := permUses[use]
			policy := u.policy(t, use)
			out, err := u.try(t.Context(), folder, policy)
			if err != nil || out.failed || len(out.denied) > 0 {
				t.Errorf("it fails under its own policy, which lacks %v: %v\n%s", out.denied, err, out.text)
			}
			for _, g := range out.unused {
				t.Errorf("nothing needs %s", g)
			}
			if os.Getenv(eachVariable) != "" {
				u.withoutEach(t, folder, policy)
			} else {
				u.withoutMany(t, folder, policy)
			}
		})
	}
}

// A daemon that only looks needs what plan and report need, and no more.
func TestDryRunOfServeNeedsPlanAndReport(t *testing.T) {
	permEnvironment(t)
	policy := permUses[permissions.Plan].policy(t, permissions.Plan)
	policy.Grants = append(policy.Grants, permUses[permissions.Report].policy(t, permissions.Report).Grants...)
	u := permUse{nil, [][]string{slices.Concat([]string{"serve", "--dry-run", "--listen", "127.0.0.1:0"}, permCycle, permChat)}}
	out, err := u.try(t.Context(), t.TempDir(), policy)
	if err != nil || out.failed || len(out.denied) > 0 {
		t.Errorf("it lacks %v: %v\n%s", out.denied, err, out.text)
	}
}

// withoutMany removes all actions, then those of them whose lack was not reported, and so on.
func (u permUse) withoutMany(t *testing.T, folder string, policy *iam.Policy) {
	t.Helper()
	for lacks := policy.Distinct(); len(lacks) > 0; {
		out, err := u.try(t.Context(), folder, policy, lacks...)
		if err != nil || len(out.named) == 0 {
			t.Fatalf("without %v it does not fail: %v\n%s", lacks, err, out.text)
		}
		lacks = slices.DeleteFunc(lacks, func(g *iam.Grant) bool { return slices.Contains(out.named, g) })
	}
}

// withoutEach removes one action at a time.
func (u permUse) withoutEach(t *testing.T, folder string, policy *iam.Policy) {
	t.Helper()
	var group errgroup.Group
	group.SetLimit(8)
	for _, g := range policy.Distinct() {
		group.Go(func() error {
			out, err := u.try(t.Context(), folder, policy, g)
			if err == nil && len(out.named) == 0 {
				t.Errorf("without %s it does not fail:\n%s", g, out.text)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}
