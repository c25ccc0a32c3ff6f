package localaws

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	pztypes "github.com/aws/aws-sdk-go-v2/service/personalize/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// The accounts of the example, and the role in two of them.
const (
	management, north, south, finance, left = "111111111111", "222222222222", "333333333333", "444444444444", "555555555555"

	readerRole = ":role/PersonalizeMonitorReader"
	northID    = "shop-north-7"
)

func accountsEstate(t testing.TB) Estate {
	t.Helper()
	estate, err := LoadEstate("example/accounts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return estate
}

func roleOf(account string) string { return "arn:aws:iam::" + account + readerRole }

// assume assumes a role; an empty external id is not sent.
func (r *rig) assume(cfg aws.Config, role, externalID string) (*sts.AssumeRoleOutput, error) {
	in := &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("test")}
	if externalID != "" {
		in.ExternalId = &externalID
	}
	return sts.NewFromConfig(cfg).AssumeRole(background, in)
}

// as is the configuration of someone who assumed the role of an account.
func (r *rig) as(t testing.TB, account string) aws.Config {
	t.Helper()
	cfg := r.config("us-east-1")
	out := ok[*sts.AssumeRoleOutput](t)(r.assume(cfg, roleOf(account), map[string]string{north: northID}[account]))
	cfg.Credentials = credentials.NewStaticCredentialsProvider(
		*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	return cfg
}

func campaigns(t testing.TB, cfg aws.Config) (names []string) {
	t.Helper()
	out := ok[*personalize.ListCampaignsOutput](t)(personalize.NewFromConfig(cfg).ListCampaigns(background, &personalize.ListCampaignsInput{}))
	for _, c := range out.Campaigns {
		names = append(names, *c.CampaignArn)
	}
	return names
}

func TestAssumeRoleOpensTheAccountOfTheRole(t *testing.T) {
	r := newWorld(t, accountsEstate(t))
	cfg := r.as(t, north)
	who := ok[*sts.GetCallerIdentityOutput](t)(sts.NewFromConfig(cfg).GetCallerIdentity(background, nil))
	if *who.Account != north || *who.Arn != "arn:aws:sts::222222222222:assumed-role/PersonalizeMonitorReader/test" || !strings.HasSuffix(*who.UserId, ":test") {
		t.Errorf("the caller is %s %s %s", *who.Account, *who.Arn, *who.UserId)
	}
	for account, want := range map[string][]string{
		management: {"arn:aws:personalize:us-east-1:111111111111:campaign/search"},
		north:      {"arn:aws:personalize:us-east-1:222222222222:campaign/home-page", "arn:aws:personalize:us-east-1:222222222222:campaign/old-sale"},
		south:      {"arn:aws:personalize:us-east-1:333333333333:campaign/home-page"},
	} {
		cfg := r.config("us-east-1")
		if account != management {
			cfg = r.as(t, account)
		}
		if got := campaigns(t, cfg); !slices.Equal(got, want) {
			t.Errorf("%s has %v, want %v", account, got, want)
		}
	}
}

func TestAssumeRoleRefuses(t *testing.T) {
	r := newWorld(t, accountsEstate(t))
	second := r.as(t, south)
	for _, tt := range []struct {
		name, role, externalID, code string
	}{
		{"no external id", roleOf(north), "", "AccessDenied"},
		{"another external id", roleOf(north), northID + "7", "AccessDenied"},
		{"another role", "arn:aws:iam::" + north + ":role/Admin", northID, "AccessDenied"},
		{"a part of the name", roleOf(north)[:40], northID, "AccessDenied"},
		{"another partition", "arn:aws-cn:iam::" + north + readerRole, northID, "AccessDenied"},
		{"an account without the role", roleOf(finance), "", "AccessDenied"},
		{"a suspended account", roleOf(left), "", "AccessDenied"},
		{"an unknown account", roleOf("999999999999"), "", "AccessDenied"},
		{"an ARN of something else", "arn:aws:iam::" + north + ":user/reader", northID, "ValidationError"},
		{"an external id with a blank", roleOf(north), "shop north", "ValidationError"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := r.assume(r.config("us-east-1"), tt.role, tt.externalID)
			if outcome(err) != tt.code {
				t.Errorf("%v, want %s", err, tt.code)
			}
		})
	}
	if _, err := r.assume(second, roleOf(north), northID); outcome(err) != "AccessDenied" {
		t.Errorf("from another account: %v", err)
	}
	_, err := r.assume(second, roleOf(north), northID)
	var refused smithy.APIError
	want := "User: arn:aws:sts::333333333333:assumed-role/PersonalizeMonitorReader/test is not authorized to perform: sts:AssumeRole on resource: " + roleOf(north)
	if !errors.As(err, &refused) || refused.ErrorMessage() != want {
		t.Errorf("the message is %q, want %q", refused.ErrorMessage(), want)
	}
	if _, err := r.assume(r.config("us-east-1"), roleOf(south), "any-id"); err != nil {
		t.Errorf("an external id that the role does not demand: %v", err)
	}
	for seconds, want := range map[int32]string{899: "ValidationError", 900: "ok", 3600: "ok", 3601: "ValidationError", 43201: "ValidationError"} {
		role := roleOf(south)
		_, err := r.sts().AssumeRole(background, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("test"), DurationSeconds: &seconds})
		if outcome(err) != want {
			t.Errorf("%d seconds: %v, want %s", seconds, err, want)
		}
	}
}

// TestSessionsExpire uses a session until it expires, in every protocol.
func TestSessionsExpire(t *testing.T) {
	r := newWorld(t, accountsEstate(t))
	cfg := r.as(t, north)
	calls := func() map[string]string {
		_, personalizeErr := personalize.NewFromConfig(cfg).ListCampaigns(background, &personalize.ListCampaignsInput{})
		_, cloudwatchErr := cloudwatch.NewFromConfig(cfg).ListDashboards(background, &cloudwatch.ListDashboardsInput{})
		_, snsErr := sns.NewFromConfig(cfg).ListTopics(background, &sns.ListTopicsInput{})
		return map[string]string{"personalize": outcome(personalizeErr), "cloudwatch": outcome(cloudwatchErr), "sns": outcome(snsErr)}
	}
	expect := func(want map[string]string) {
		t.Helper()
		for service, got := range calls() {
			if got != want[service] {
				t.Errorf("%s: %s, want %s", service, got, want[service])
			}
		}
	}
	served := map[string]string{"personalize": "ok", "cloudwatch": "ok", "sns": "ok"}
	expect(served)
	r.clock.move(time.Hour - time.Second)
	expect(served)
	r.clock.move(time.Second)
	expect(map[string]string{"personalize": "ExpiredTokenException", "cloudwatch": "ExpiredToken", "sns": "ExpiredToken"})
	known, err := cfg.Credentials.Retrieve(background)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]aws.Credentials{
		"another token": {AccessKeyID: known.AccessKeyID, SecretAccessKey: "x", SessionToken: "other"},
		"no token":      {AccessKeyID: known.AccessKeyID, SecretAccessKey: "x"},
		"another key":   {AccessKeyID: known.AccessKeyID[:15] + "QQQQQ", SecretAccessKey: "x", SessionToken: known.SessionToken},
	} {
		cfg.Credentials = credentials.StaticCredentialsProvider{Value: c}
		t.Run(name, func(*testing.T) {
			expect(map[string]string{"personalize": "UnrecognizedClientException", "cloudwatch": "InvalidClientTokenId", "sns": "InvalidClientTokenId"})
		})
	}
}

func TestListAccounts(t *testing.T) {
	r := newWorld(t, accountsEstate(t))
	client := organizations.NewFromConfig(r.config("us-east-1"))
	var got []string
	pages := organizations.NewListAccountsPaginator(client, &organizations.ListAccountsInput{MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		page := ok[*organizations.ListAccountsOutput](t)(pages.NextPage(background))
		for _, a := range page.Accounts {
			got = append(got, fmt.Sprintf("%s %s %s", *a.Id, *a.Name, a.State))
			if a.Status != "" || *a.Arn != "arn:aws:organizations::111111111111:account/o-localaws00/"+*a.Id || *a.Email == "" || a.JoinedTimestamp.After(noon) {
				t.Errorf("%+v", a)
			}
		}
	}
	want := []string{
		management + " management ACTIVE", north + " shop-north ACTIVE", south + " shop-south ACTIVE", finance + " finance ACTIVE", left + " left SUSPENDED",
	}
	if !slices.Equal(got, want) {
		t.Errorf("accounts %v, want %v", got, want)
	}
	if n := r.Calls()["organizations.ListAccounts"]; n != 3 {
		t.Errorf("%d calls for 5 accounts in pages of 2", n)
	}
	other := organizations.NewFromConfig(r.as(t, north))
	if _, err := other.ListAccounts(background, &organizations.ListAccountsInput{}); outcome(err) != "AccessDeniedException" {
		t.Errorf("a member account: %v", err)
	}
	alone := organizations.NewFromConfig(newRig(t).config("us-east-1"))
	if _, err := alone.ListAccounts(background, &organizations.ListAccountsInput{}); outcome(err) != "AWSOrganizationsNotInUseException" {
		t.Errorf("without an organization: %v", err)
	}
	for name, in := range map[string]*organizations.ListAccountsInput{
		"a page of 21": {MaxResults: aws.Int32(21)}, "a token of another call": {NextToken: aws.String("e30=")},
	} {
		if _, err := client.ListAccounts(background, in); outcome(err) != "InvalidInputException" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFaultsOfAnAccount denies an account half-way: its CloudWatch after an hour, all of it after
// two; throttles it in the third; and costs the other account nothing.
func TestFaultsOfAnAccount(t *testing.T) {
	estate := accountsEstate(t)
	estate.Accounts[1].Faults = []EstateAccountFault{
		{Kind: "throttled", After: 3 * time.Hour, Lasting: time.Hour},
		{Kind: "denied", Service: "cloudwatch", After: time.Hour, Lasting: time.Hour},
		{Kind: "denied", After: 2 * time.Hour, Lasting: time.Hour},
	}
	r := newWorld(t, estate)
	// Sessions end after an hour: a key of 12 digits is the account's for good.
	as := func(account string) aws.Config {
		cfg := r.config("us-east-1")
		cfg.Credentials = credentials.NewStaticCredentialsProvider(account, "secret", "")
		return cfg
	}
	look := func(account string) string {
		cfg := as(account)
		_, cw := cloudwatch.NewFromConfig(cfg).ListDashboards(background, &cloudwatch.ListDashboardsInput{})
		_, topics := sns.NewFromConfig(cfg).ListTopics(background, &sns.ListTopicsInput{})
		_, list := personalize.NewFromConfig(cfg).ListCampaigns(background, &personalize.ListCampaignsInput{})
		_, role := r.assume(r.config("us-east-1"), roleOf(account), map[string]string{north: northID}[account])
		return strings.Join([]string{outcome(cw), outcome(topics), outcome(list), outcome(role)}, " ")
	}
	for hour, want := range []string{
		"ok ok ok ok", "AccessDenied ok ok ok", "AccessDenied AuthorizationError AccessDeniedException AccessDenied",
		"Throttling Throttling ThrottlingException ok", "ok ok ok ok",
	} {
		identity := errOf(sts.NewFromConfig(as(south)).GetCallerIdentity(background, nil))
		if (hour == 3) != (outcome(identity) == "Throttling") || hour != 3 && identity != nil {
			t.Errorf("hour %d: the caller's identity: %v", hour, identity)
		}
		if got := look(south); got != want {
			t.Errorf("hour %d: %s, want %s", hour, got, want)
		}
		if got := look(north); got != "ok ok ok ok" {
			t.Errorf("hour %d, the other account: %s", hour, got)
		}
		r.clock.move(time.Hour)
	}
}

// TestEqualCampaignsOfTwoAccounts changes, tags and measures campaigns of equal names in turn: each
// account sees its own, and an ARN of the other one leads nowhere.
func TestEqualCampaignsOfTwoAccounts(t *testing.T) {
	r := newWorld(t, accountsEstate(t))
	minimum := func(cfg aws.Config, arn string) (int32, string, error) {
		out, err := personalize.NewFromConfig(cfg).DescribeCampaign(background, &personalize.DescribeCampaignInput{CampaignArn: &arn})
		if err != nil {
			return 0, "", err
		}
		tags := ok[*personalize.ListTagsForResourceOutput](t)(personalize.NewFromConfig(cfg).ListTagsForResource(background,
			&personalize.ListTagsForResourceInput{ResourceArn: &arn}))
		return *out.Campaign.MinProvisionedTPS, strconv.Itoa(len(tags.Tags)), nil
	}
	arns, configs := map[string]string{}, map[string]aws.Config{}
	for account, tps := range map[string]int32{north: 21, south: 4} {
		arn := "arn:aws:personalize:us-east-1:" + account + ":campaign/home-page"
		arns[account], configs[account] = arn, r.as(t, account)
		client := personalize.NewFromConfig(configs[account])
		ok[*personalize.UpdateCampaignOutput](t)(client.UpdateCampaign(background, &personalize.UpdateCampaignInput{CampaignArn: &arn, MinProvisionedTPS: &tps}))
		if account == north {
			ok[*personalize.TagResourceOutput](t)(client.TagResource(background, &personalize.TagResourceInput{
				ResourceArn: &arn, Tags: []pztypes.Tag{{TagKey: aws.String("a"), TagValue: aws.String("b")}},
			}))
		}
		ok[*cloudwatch.PutMetricDataOutput](t)(cloudwatch.NewFromConfig(configs[account]).PutMetricData(background, &cloudwatch.PutMetricDataInput{
			Namespace: aws.String("N"), MetricData: []cwtypes.MetricDatum{{MetricName: aws.String("M"), Timestamp: &noon, Value: aws.Float64(float64(tps))}},
		}))
	}
	r.clock.move(20 * time.Minute) // the updates end
	for account, want := range map[string]struct {
		tps  int32
		tags string
	}{north: {21, "1"}, south: {4, "0"}} {
		tps, tags, err := minimum(configs[account], arns[account])
		if err != nil || tps != want.tps || tags != want.tags {
			t.Errorf("%s: %d TPS, %s tags, %v, want %+v", account, tps, tags, err, want)
		}
	}
	for _, cfg := range []aws.Config{configs[north], r.config("us-east-1")} {
		if _, _, err := minimum(cfg, arns[south]); outcome(err) != "ResourceNotFoundException" {
			t.Errorf("a campaign of another account: %v", err)
		}
	}
	want := map[string]float64{north + " us-east-1 M": 21, south + " us-east-1 M": 4}
	if got := r.Data("N", noon); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("data %v, want %v", got, want)
	}
}

// TestAccountsDoNotMix makes and removes things of equal names in three accounts at random, and
// compares what each account shows with what was made in it.
func TestAccountsDoNotMix(t *testing.T) {
	for seed := range uint64(6) {
		random := rand.New(rand.NewPCG(seed, 1))
		r := newWorld(t, accountsEstate(t))
		accounts := []string{management, north, south}
		configs, made := map[string]aws.Config{}, map[string]map[string]bool{}
		for _, a := range accounts {
			configs[a], made[a] = r.config("us-east-1"), map[string]bool{}
			if a != management {
				configs[a] = r.as(t, a)
			}
		}
		for range 60 {
			a, name := accounts[random.IntN(3)], string(rune('a'+random.IntN(3)))
			kind, remove := random.IntN(4), random.IntN(2) == 0
			change(t, configs[a], kind, name, remove)
			key := kinds[kind] + " " + name
			made[a][key] = !remove
		}
		want := map[string]bool{}
		for a, things := range made {
			for key, exists := range things {
				if exists {
					want[a+" "+key] = true
				}
			}
		}
		got := map[string]bool{}
		for _, a := range accounts {
			for _, key := range things(t, configs[a]) {
				got[a+" "+key] = true
			}
		}
		if len(want) == 0 || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("seed %d: got %v, want %v", seed, got, want)
		}
		if held := snapshotKeys(r.Snapshot()); fmt.Sprint(held) != fmt.Sprint(want) {
			t.Errorf("seed %d: the snapshot has %v, want %v", seed, held, want)
		}
	}
}

var kinds = []string{"alarm", "dashboard", "topic", "rule"}

// change makes or removes a thing; removing one that does not exist is not an error here.
func change(t testing.TB, cfg aws.Config, kind int, name string, remove bool) {
	t.Helper()
	cw, bus, topics := cloudwatch.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg), sns.NewFromConfig(cfg)
	var err error
	switch {
	case kind == 0 && !remove:
		_, err = cw.PutMetricAlarm(background, &cloudwatch.PutMetricAlarmInput{
			AlarmName: &name, Namespace: aws.String("N"), MetricName: aws.String("M"), Period: aws.Int32(300), EvaluationPeriods: aws.Int32(1),
			Statistic: cwtypes.StatisticSum, Threshold: aws.Float64(1), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold,
		})
	case kind == 0:
		_, err = cw.DeleteAlarms(background, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{name}})
	case kind == 1 && !remove:
		_, err = cw.PutDashboard(background, &cloudwatch.PutDashboardInput{DashboardName: &name, DashboardBody: aws.String(`{"widgets":[]}`)})
	case kind == 1:
		_, err = cw.DeleteDashboards(background, &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{name}})
	case kind == 2 && !remove:
		_, err = topics.CreateTopic(background, &sns.CreateTopicInput{Name: &name})
	case kind == 2:
		who := ok[*sts.GetCallerIdentityOutput](t)(sts.NewFromConfig(cfg).GetCallerIdentity(background, nil))
		_, err = topics.DeleteTopic(background, &sns.DeleteTopicInput{TopicArn: aws.String("arn:aws:sns:" + cfg.Region + ":" + *who.Account + ":" + name)})
	case !remove:
		_, err = bus.PutRule(background, &eventbridge.PutRuleInput{
			Name: &name, EventPattern: aws.String(`{"source":["s"]}`), State: ebtypes.RuleStateEnabled,
		})
	default:
		_, err = bus.DeleteRule(background, &eventbridge.DeleteRuleInput{Name: &name})
	}
	if remove && slices.Contains([]string{"ResourceNotFound", "ResourceNotFoundException"}, outcome(err)) {
		return
	}
	if err != nil {
		t.Fatalf("%s %s, remove %v: %v", kinds[kind], name, remove, err)
	}
}

// things lists what an account has, by kind and name.
func things(t testing.TB, cfg aws.Config) (list []string) {
	t.Helper()
	cw := cloudwatch.NewFromConfig(cfg)
	for _, a := range ok[*cloudwatch.DescribeAlarmsOutput](t)(cw.DescribeAlarms(background, &cloudwatch.DescribeAlarmsInput{})).MetricAlarms {
		list = append(list, "alarm "+*a.AlarmName)
	}
	for _, d := range ok[*cloudwatch.ListDashboardsOutput](t)(cw.ListDashboards(background, &cloudwatch.ListDashboardsInput{})).DashboardEntries {
		list = append(list, "dashboard "+*d.DashboardName)
	}
	for _, topic := range ok[*sns.ListTopicsOutput](t)(sns.NewFromConfig(cfg).ListTopics(background, &sns.ListTopicsInput{})).Topics {
		list = append(list, "topic "+(*topic.TopicArn)[strings.LastIndex(*topic.TopicArn, ":")+1:])
	}
	for _, rule := range ok[*eventbridge.ListRulesOutput](t)(eventbridge.NewFromConfig(cfg).ListRules(background, &eventbridge.ListRulesInput{})).Rules {
		list = append(list, "rule "+*rule.Name)
	}
	return list
}

// snapshotKeys are the keys of a snapshot, without the region and the estate, with every account.
func snapshotKeys(snapshot map[string]string) map[string]bool {
	keys := map[string]bool{}
	for key := range snapshot {
		words := strings.Fields(key)
		account := management
		if len(words[0]) == 12 && words[0] != "dashboard" {
			account, words = words[0], words[1:]
		}
		if words[0] == "us-east-1" {
			words = words[1:]
		}
		if slices.Contains(kinds, words[0]) {
			keys[account+" "+strings.Join(words, " ")] = true
		}
	}
	return keys
}
