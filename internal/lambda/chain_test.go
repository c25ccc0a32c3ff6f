package lambda_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// away is the other region with resources in it, and further where others are at work.
const (
	away    = "eu-west-1"
	further = "us-west-2"
)

// reader gets the notifications.
const reader = "ml@example.com"

func campaignARN(region, name string) string {
	return "arn:aws:personalize:" + region + ":" + owner + ":campaign/" + name
}

func recommenderARN(region, name string) string {
	return "arn:aws:personalize:" + region + ":" + owner + ":recommender/" + name
}

// shopEstate is a shop with a busy campaign, an over-provisioned one whose lowest hour has
// 4.3 TPS, and one that is not used any more; and abroad a busy campaign and a recommender
// that is not used any more. A monitor has watched them for twenty days.
func shopEstate() localaws.Estate {
	endpoint := func(name, recipe string, tps float64) localaws.EstateEndpoint {
		e := localaws.EstateEndpoint{Name: name, Recipe: recipe, Age: 60 * 24 * time.Hour}
		if tps > 0 {
			e.Traffic = localaws.EstateTraffic{Shape: "constant", TPS: tps}
		}
		return e
	}
	ended := func(e localaws.EstateEndpoint) localaws.EstateEndpoint {
		e.Traffic = localaws.EstateTraffic{Shape: "stopped", TPS: 3, Since: 12 * 24 * time.Hour}
		return e
	}
	return localaws.Estate{Monitored: 20 * 24 * time.Hour, Regions: []localaws.EstateRegion{
		{Name: home, DatasetGroups: []localaws.EstateDatasetGroup{{Name: "shop", Campaigns: []localaws.EstateCampaign{
			{EstateEndpoint: endpoint("home-page", "aws-user-personalization-v2", 3), MinTPS: 2},
			{EstateEndpoint: endpoint("similar-items", "aws-similar-items", 4.3), MinTPS: 10},
			{EstateEndpoint: ended(endpoint("spring-sale", "aws-user-personalization", 0)), MinTPS: 1},
		}}}},
		{Name: away, DatasetGroups: []localaws.EstateDatasetGroup{{
			Name: "video", Domain: "VIDEO_ON_DEMAND",
			Campaigns:    []localaws.EstateCampaign{{EstateEndpoint: endpoint("rows", "aws-personalized-ranking-v2", 5), MinTPS: 3}},
			Recommenders: []localaws.EstateRecommender{{EstateEndpoint: ended(endpoint("top-picks", "aws-vod-top-picks", 0)), MinRPS: 1}},
		}}},
	}}
}

// all is how the stack is deployed that does all it can; hours are those without a
// request after which something is idle.
func all(hours string) map[string]string {
	return map[string]string{
		"Regions": home + "," + away, "AutoDeleteOrStopIdleResources": "Yes", "IdleThresholdHours": hours, "NotificationEndpoint": reader,
	}
}

// putOthersThings puts things into the account that are like the program's and are not its.
func putOthersThings(s *stack) {
	s.t.Helper()
	c := s.clients()
	// Of a person, by our names and about our resources.
	c.putAlarm(home, "PersonalizeMonitor-LowCampaignUtilization-mine", campaignARN(home, "home-page"), nobodys)
	c.putAlarm(home, "PersonalizeMonitor-of-the-shop-team", campaignARN(home, "spring-sale"), nobodys)
	c.putAlarm(away, "rows-are-slow", campaignARN(away, "rows"), nobodys)
	c.putBoard("shop", "the shop team's", nobodys)
	c.putBoard("Amazon-Personalize-Monitor-Notes", "the shop team's", nobodys)
	topic := c.putTopic(home, "shop-team", nobodys, "shop@example.com")
	c.setPolicy(home, topic, `{"Version":"2012-10-17","Statement":[{"Sid":"events","Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sns:Publish","Resource":"`+topic+`"}]}`)
	putRule(c, home, "shop-team", `{"source":["personalize.monitor"],"detail-type":["PersonalizeCampaignDeleted"]}`, "shop-team", topic, nobodys)
	// Of another deployment, in regions where this one looks too.
	for _, region := range []string{further, "ap-south-1"} {
		topic := c.putTopic(region, "PersonalizeMonitorNotifications", anothers, "another@example.com")
		c.putAlarm(region, "PersonalizeMonitor-IdleCampaign-theirs", campaignARN(region, "theirs"), anothers)
		putRule(c, region, "PersonalizeMonitor-NotificationsRule", notificationPattern, "PersonalizeMonitorNotificationsId", topic, anothers)
	}
	c.putBoard("Amazon-Personalize-Monitor-2024", "another deployment's", anothers)
	s.aws.ConfirmAll()
}

// notificationPattern is that of the original application's rule.
const notificationPattern = `{
  "detail-type": ["PersonalizeCampaignMinProvisionedTPSUpdated", "PersonalizeCampaignDeleted", "PersonalizeRecommenderMinRecommendationRPSUpdated", "PersonalizeRecommenderStopped"],
  "source": ["personalize.monitor"]
}`

func putRule(c clients, region, name, pattern, target, topic string, tags map[string]string, description ...string) {
	c.t.Helper()
	in := &eventbridge.PutRuleInput{
		Name: &name, EventPattern: &pattern, State: types.RuleStateEnabled, Tags: writer.TagList(tags, writer.EventBridgeTag),
	}
	if len(description) > 0 {
		in.Description = &description[0]
	}
	_, err := c.events(region).PutRule(c.t.Context(), in)
	c.must(err)
	_, err = c.events(region).PutTargets(c.t.Context(), &eventbridge.PutTargetsInput{Rule: &name, Targets: []types.Target{{Id: &target, Arn: &topic}}})
	c.must(err)
}

// notifications are the mails to an address that tell of something done, oldest first.
func (s *stack) notifications(address string) []string {
	var list []string
	for _, mail := range s.aws.Outbox() {
		if mail.Endpoint == address && mail.Token == "" && mail.Subject == "" {
			list = append(list, mail.Message)
		}
	}
	return list
}

// alarmMails are the subjects of the mails that alarms sent to the reader, oldest first.
func (s *stack) alarmMails() []string {
	var list []string
	for _, mail := range s.aws.Outbox() {
		if mail.Endpoint == reader && mail.Token == "" && mail.Subject != "" {
			list = append(list, mail.Subject)
		}
	}
	return list
}

// steps are the minimums that a campaign was given, with the hours between them.
func (s *stack) steps(arn string) (minimums []int, hours []float64) {
	s.t.Helper()
	var last time.Time
	for _, e := range s.aws.Events() {
		var detail struct {
			ARN       string
			NewMinTPS int
		}
		s.must(json.Unmarshal(e.Detail, &detail))
		if e.DetailType != "PersonalizeCampaignMinProvisionedTPSUpdated" || detail.ARN != arn {
			continue
		}
		if !last.IsZero() {
			hours = append(hours, e.Time.Sub(last).Round(time.Minute).Hours())
		}
		minimums, last = append(minimums, detail.NewMinTPS), e.Time
	}
	return minimums, hours
}

// wantShown compares the resources that the dashboard tells of.
func (s *stack) wantShown(names ...string) {
	s.t.Helper()
	body := s.board("Amazon-Personalize-Monitor")
	for _, name := range []string{"campaign/home-page", "campaign/similar-items", "campaign/spring-sale", "campaign/rows", "recommender/top-picks"} {
		_, short, _ := strings.Cut(name, "/")
		if shown := strings.Contains(body, name); shown != slices.Contains(names, short) {
			s.t.Errorf("the dashboard shows %s: %t", name, shown)
		}
	}
}

// ownAlarms are the names of the alarms that bear the tag of the stack.
func (s *stack) ownAlarms() []string {
	var names []string
	for name, text := range s.account() {
		if strings.Contains(name, " alarm ") && strings.Contains(text, home+"/"+s.name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// wantRemoved deletes the stack, and compares the account with what it was without it.
func (s *stack) wantRemoved(before map[string]string) {
	s.t.Helper()
	resources := s.resources(home, away)
	s.told = nil
	s.aws.ResetCalls()
	s.remove()
	want := []string{
		"Delete DeployDashboardCustomResource " + s.physical["DeployDashboardCustomResource"],
		"Delete CleanupCustomResource " + s.physical["CleanupCustomResource"],
	}
	if diff := cmp.Diff(want, s.told); diff != "" {
		s.t.Error(diff)
	}
	if deeds := s.deeds(); len(deeds) > 0 {
		s.t.Errorf("the deletion did %v", deeds)
	}
	for _, d := range differences(before, s.account()) {
		s.t.Error(d)
	}
	if diff := cmp.Diff(resources, s.resources(home, away)); diff != "" {
		s.t.Error(diff)
	}
}

// TestChain is the life of a deployment, from the creation of its stack to the deletion,
// with all that the monitor does by itself in between. The functions are processes that
// live by the clock of the embedded AWS (see TestMain); but for that they are the program.
func TestChain(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts many processes")
	}
	t.Parallel()
	s := newStack(t, shopEstate(), all("3"))
	putOthersThings(s)
	before := s.account()

	s.create()
	if diff := cmp.Diff([]string{"Create CleanupCustomResource", "Create DeployDashboardCustomResource"}, s.told); diff != "" {
		t.Error(diff)
	}
	s.wantShown("home-page", "similar-items", "spring-sale", "rows", "top-picks")
	s.turn(func(minute time.Time) {
		s.fire(minute)
		if n := s.aws.ConfirmAll(); n != 2 {
			t.Errorf("%d subscriptions wait to be confirmed", n)
		}
		s.deliver()
	})
	s.raise("home-page", 12, 30)
	s.pass(time.Hour)
	minimums, hours := s.steps(campaignARN(home, "home-page"))
	if !slices.Equal(minimums, []int{12, 2}) || hours[0] < 0.5 || hours[0] > 0.6 {
		t.Errorf("raised for half an hour: to %v, %v hours apart", minimums, hours)
	}
	now := s.resources(home, away)
	if now["similar-items"] != "ACTIVE 7" || now["spring-sale"] != "" {
		t.Errorf("after an hour: %v", now)
	}

	s.startFunction("MonitorFunction") // a new process knows nothing of the former one
	s.pass(5 * time.Hour)
	want := map[string]string{"home-page": "ACTIVE 2", "similar-items": "ACTIVE 4", "rows": "ACTIVE 3", "top-picks": "INACTIVE 1"}
	if diff := cmp.Diff(want, s.resources(home, away)); diff != "" {
		t.Errorf("in the end: %s", diff)
	}
	minimums, hours = s.steps(campaignARN(home, "similar-items"))
	if !slices.Equal(minimums, []int{7, 5, 4}) || !slices.Equal(hours, []float64{1, 1}) {
		t.Errorf("steps to %v, %v hours apart", minimums, hours)
	}
	s.wantShown("home-page", "similar-items", "rows")
	wantMails(s)
	wantAlarms := []string{
		away + " alarm PersonalizeMonitor-IdleCampaign-rows", away + " alarm PersonalizeMonitor-LowCampaignUtilization-rows",
		home + " alarm PersonalizeMonitor-IdleCampaign-home-page", home + " alarm PersonalizeMonitor-IdleCampaign-similar-items",
		home + " alarm PersonalizeMonitor-LowCampaignUtilization-home-page", home + " alarm PersonalizeMonitor-LowCampaignUtilization-similar-items",
	}
	if diff := cmp.Diff(wantAlarms, s.ownAlarms()); diff != "" {
		t.Error(diff)
	}
	s.wantRemoved(before)
}

// raise asks for a minimum for some minutes, as a person's event does.
func (s *stack) raise(campaign string, minimum, minutes int) {
	s.t.Helper()
	detail := fmt.Sprintf(`{"ARN":%q,"NewMinTPS":%d,"ForMinutes":%d,"Reason":"a sale"}`, campaignARN(home, campaign), minimum, minutes)
	_, err := s.clients().events(home).PutEvents(s.t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
		Source: aws.String("personalize.monitor"), DetailType: aws.String("UpdatePersonalizeCampaignMinProvisionedTPS"), Detail: &detail,
	}}})
	s.must(err)
	s.deliver()
}

// wantMails compares what people read.
func wantMails(s *stack) {
	s.t.Helper()
	told := func(what, arn, why, undo string) string {
		return fmt.Sprintf("\"%s: %s\"\n\"%s\"\n\"To undo it: personalize-monitor %s\"", what, arn, why, undo)
	}
	step := func(from, to int) string {
		arn := campaignARN(home, "similar-items")
		return told("PersonalizeCampaignMinProvisionedTPSUpdated", arn,
			fmt.Sprintf("step down from %d to %d: lowest level reached 3 times: 4.3 TPS (KNOWN)", from, to), fmt.Sprintf("update-tps %s %d", arn, from))
	}
	idle := "idle: N watched hours without a call (needs 192; longest earlier silence 0 h; 24 h unknown: 24 too recent)"
	want := []string{
		told("PersonalizeCampaignDeleted", campaignARN(home, "spring-sale"), idle, "restore --record WORD"),
		told("PersonalizeRecommenderStopped", recommenderARN(away, "top-picks"), idle, "start-recommender "+recommenderARN(away, "top-picks")),
		step(10, 7), step(7, 5), step(5, 4),
		told("PersonalizeCampaignMinProvisionedTPSUpdated", campaignARN(home, "home-page"), "a sale; returns to 2 at TIME UTC",
			"update-tps "+campaignARN(home, "home-page")+" 2"),
		told("PersonalizeCampaignMinProvisionedTPSUpdated", campaignARN(home, "home-page"), "return from 12 to 2: it was raised until TIME",
			"update-tps "+campaignARN(home, "home-page")+" 12"),
	}
	slices.Sort(want)
	got := s.notifications(reader)
	for i := range got {
		got[i] = regexp.MustCompile(`--record [A-Za-z0-9_-]+`).ReplaceAllString(got[i], "--record WORD")
		got[i] = regexp.MustCompile(`\([0-9]+ of [0-9]+ h known[^)]*(\([^)]*\)[^)]*)*\)`).ReplaceAllString(got[i], "(KNOWN)")
		got[i] = regexp.MustCompile(`idle: [0-9]+ watched`).ReplaceAllString(got[i], "idle: N watched")
		got[i] = regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}`).ReplaceAllString(got[i], "TIME")
	}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(got))); diff != "" {
		s.t.Errorf("notifications: %s", diff)
	}
	// Each that is wrong once, the one that was set right once more, and none that is well.
	want = []string{
		`ALARM: "PersonalizeMonitor-IdleCampaign-spring-sale" in US East (N. Virginia)`,
		`ALARM: "PersonalizeMonitor-IdleRecommender-top-picks" in EU (Ireland)`,
		`ALARM: "PersonalizeMonitor-LowCampaignUtilization-similar-items" in US East (N. Virginia)`,
		`OK: "PersonalizeMonitor-LowCampaignUtilization-similar-items" in US East (N. Virginia)`,
	}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(s.alarmMails()))); diff != "" {
		s.t.Errorf("mails of alarms: %s", diff)
	}
	theirs := s.notifications("shop@example.com")
	if len(theirs) != 1 || !strings.Contains(theirs[0], `"detail-type":"PersonalizeCampaignDeleted"`) {
		s.t.Errorf("the rule of other people brought them %v", theirs)
	}
	if dropped := s.aws.Dropped(); len(dropped) > 0 {
		s.t.Errorf("dropped: %v", dropped)
	}
}

// TestChainOfTheRealProgram is as much of that life as fits the present hour: the program
// as it is shipped knows no time but the system's. The events that its schedule should have
// sent in the last hour come late, each with its own time, so that each resource's turn
// comes once.
func TestChainOfTheRealProgram(t *testing.T) {
	t.Parallel()
	description := shopEstate()
	// Nothing that is set going ends before the test does.
	description.LifeCycle = localaws.EstateLifeCycle{Update: time.Hour, Stop: time.Hour, Delete: time.Hour}
	s := newRealStack(t, description, all("1"))
	putOthersThings(s)
	before := s.account()
	s.create()
	start := s.now()
	cycle := func(age time.Duration) {
		s.schedule("MonitorFunction", "schedule", start.Add(-age))
		s.aws.Tick()
		s.aws.ConfirmAll()
		s.deliver()
	}
	// What is later than an hour is measured and not decided on.
	cycle(61 * time.Minute)
	if got := s.aws.Events(); slices.ContainsFunc(got, func(e localaws.Event) bool { return e.DetailType != "BuildPersonalizeMonitorDashboard" }) {
		t.Errorf("sent: %v", got)
	}
	start = s.now() // however long that took
	for age := 55 * time.Minute; age >= 0; age -= 5 * time.Minute {
		cycle(age)
	}
	now := s.resources(home, away)
	if !strings.HasPrefix(now["top-picks"], "STOP ") || !strings.HasPrefix(now["spring-sale"], "DELETE ") {
		t.Errorf("what was idle stands as %s and %s", now["top-picks"], now["spring-sale"])
	}
	if minimums, _ := s.steps(campaignARN(home, "similar-items")); !slices.Equal(minimums, []int{7}) {
		t.Errorf("steps to %v", minimums)
	}
	if got := s.notifications(reader); len(got) != 3 {
		t.Errorf("notifications: %q", got)
	}
	s.wantShown("home-page", "similar-items", "rows")
	s.schedule("DashboardManagementFunction", "schedule", s.now())
	s.wantShown("home-page", "similar-items", "rows")
	if got := s.ownAlarms(); len(got) != 6 {
		t.Errorf("alarms: %q", got)
	}
	s.wantRemoved(before)
}
