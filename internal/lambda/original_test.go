package lambda_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/google/go-cmp/cmp"
)

// former is a region that the original application watched once. What it made there is
// still there, as it only ever looked where resources are.
const former = "eu-central-1"

// originalIDs are the physical ids that the original's custom resources have: stack,
// logical id and eight characters by chance, as its library makes them.
func originalIDs() map[string]string {
	return map[string]string{
		"DeployDashboardCustomResource": "monitor_DeployDashboardCustomResource_x3Kq81Lz",
		"CleanupCustomResource":         "monitor_CleanupCustomResource_0pWm4RtB",
	}
}

// originalProperties are the properties that its template gave them.
func originalProperties() map[string]object {
	properties := object{
		"CampaignARNs": "all", "RecommenderARNs": "all", "Regions": home + "," + away, "AutoCreateUtilizationAlarms": "Yes",
		"UtilizationThresholdAlarmLowerBound": "80", "AutoAdjustMinTPS": "No", "AutoCreateIdleAlarms": "Yes", "IdleThresholdHours": "24",
		"AutoDeleteOrStopIdleResources": "No",
	}
	return map[string]object{"DeployDashboardCustomResource": properties, "CleanupCustomResource": properties}
}

// watched is a resource as the original saw it, with its request metric: of a ranking by
// the newer recipe it looked at the wrong one.
type watched struct {
	region, kind, name string
	minimum            int
	utilization        float64 // what it published last, in percent
}

func (w watched) arn() string {
	if w.kind == "Campaign" {
		return campaignARN(w.region, w.name)
	}
	return recommenderARN(w.region, w.name)
}

func (w watched) alarms() (low, idle string) {
	return "PersonalizeMonitor-Low" + w.kind + "Utilization-" + w.name, "PersonalizeMonitor-Idle" + w.kind + "-" + w.name
}

// shop is what is in shopEstate.
func shop() []watched {
	return []watched{
		{home, "Campaign", "home-page", 2, 150},
		{home, "Campaign", "similar-items", 10, 43},
		{home, "Campaign", "spring-sale", 1, 0},
		{away, "Campaign", "rows", 3, 0},
		{away, "Recommender", "top-picks", 1, 0},
	}
}

// changed is the alarm of the original's that a person has changed.
const changed = "PersonalizeMonitor-LowCampaignUtilization-home-page"

// putOriginal makes what the original application has made in an account after it ran
// for a while, and gives the ARNs of its topics by region.
func putOriginal(s *stack) map[string]string {
	s.t.Helper()
	c, topics := s.clients(), map[string]string{}
	for _, region := range []string{home, away, former} {
		topic := c.putTopic(region, "PersonalizeMonitorNotifications", nobodys, reader)
		c.setPolicy(region, topic, `{"Version":"2008-10-17","Id":"PublishPolicy","Statement":[{"Effect":"Allow","Principal":{"Service":`+
			`["cloudwatch.amazonaws.com","events.amazonaws.com"]},"Action":["sns:Publish"],"Resource":"`+topic+`"}]}`)
		putRule(c, region, "PersonalizeMonitor-NotificationsRule", notificationPattern, "PersonalizeMonitorNotificationsId", topic, nobodys,
			"Routes Personalize Monitor notifications to notification SNS topic")
		topics[region] = topic
	}
	s.aws.ConfirmAll()
	c.putBoard("Amazon-Personalize-Monitor", "the original's", nobodys)
	for _, w := range append(shop(), watched{former, "Campaign", "long-gone", 2, 0}) {
		c.putOriginalAlarms(w, topics[w.region])
	}
	for range 24 {
		now := s.clock.Now()
		for _, w := range shop() {
			c.putData(w.region, strings.ToLower(w.kind)+"Utilization", w.kind+"Arn", w.arn(), w.utilization, now.Add(-5*time.Minute), now)
		}
		s.clock.Advance(5 * time.Minute)
		s.aws.Tick()
	}
	return topics
}

// putOriginalAlarms makes the two alarms of a resource by the original's settings.
func (c clients) putOriginalAlarms(w watched, topic string) {
	c.t.Helper()
	low, idle := w.alarms()
	common := func(in *cloudwatch.PutMetricAlarmInput) {
		in.OKActions, in.AlarmActions = []string{topic}, []string{topic}
		in.Dimensions[0].Name = aws.String(w.kind + "Arn")
	}
	c.putAlarm(w.region, low, w.arn(), formers, common, func(in *cloudwatch.PutMetricAlarmInput) {
		in.AlarmDescription = aws.String("Alarms when utilization falls below threshold indicating possible over provisioning condition")
		in.MetricName = aws.String(strings.ToLower(w.kind) + "Utilization")
		in.ActionsEnabled, in.TreatMissingData, in.Threshold = aws.Bool(w.minimum > 1), aws.String("missing"), aws.Float64(80)
	})
	c.putAlarm(w.region, idle, w.arn(), formers, common, func(in *cloudwatch.PutMetricAlarmInput) {
		in.AlarmDescription = aws.String("Alarms when utilization is idle for continguous length of time indicating potential abandoned campaign/recommender")
		in.Namespace, in.MetricName, in.Statistic = aws.String("AWS/Personalize"), aws.String("GetRecommendations"), cwtypes.StatisticSum
		in.EvaluationPeriods, in.DatapointsToAlarm, in.Threshold = aws.Int32(288), nil, aws.Float64(0)
		in.ComparisonOperator, in.TreatMissingData = cwtypes.ComparisonOperatorLessThanOrEqualToThreshold, aws.String("breaching")
	})
}

// alarm is one alarm.
func (c clients) alarm(region, name string) cwtypes.MetricAlarm {
	c.t.Helper()
	for _, a := range c.listAlarms(region) {
		if *a.AlarmName == name {
			return a
		}
	}
	c.t.Fatalf("there is no alarm %s in %s", name, region)
	return cwtypes.MetricAlarm{}
}

// changeAlarm changes settings of an alarm, as a person does who edits it.
func (c clients) changeAlarm(region, name string, change func(*cloudwatch.PutMetricAlarmInput)) {
	c.t.Helper()
	a := c.alarm(region, name)
	in := &cloudwatch.PutMetricAlarmInput{
		AlarmName: a.AlarmName, AlarmDescription: a.AlarmDescription, ActionsEnabled: a.ActionsEnabled, OKActions: a.OKActions,
		AlarmActions: a.AlarmActions, Namespace: a.Namespace, MetricName: a.MetricName, Dimensions: a.Dimensions, Statistic: a.Statistic,
		Period: a.Period, EvaluationPeriods: a.EvaluationPeriods, DatapointsToAlarm: a.DatapointsToAlarm, Threshold: a.Threshold,
		ComparisonOperator: a.ComparisonOperator, TreatMissingData: a.TreatMissingData,
	}
	change(in)
	_, err := c.alarms(region).PutMetricAlarm(c.t.Context(), in)
	c.must(err)
}

// alarmARNs are the ARNs of all alarms in some regions.
func (c clients) alarmARNs(regions ...string) []string {
	c.t.Helper()
	var list []string
	for _, region := range regions {
		for _, a := range c.listAlarms(region) {
			list = append(list, *a.AlarmArn)
		}
	}
	return list
}

// A stack of the original application is updated in place to this one, lives on, and is
// deleted in the end: what it made is taken over, not made anew.
func TestUpdateOfADeployedOriginal(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts many processes")
	}
	t.Parallel()
	s := newStack(t, shopEstate(), map[string]string{
		"Regions": home + "," + away, "NotificationEndpoint": reader, "AutoAdjustMinTPS": "No", "AutoDeleteOrStopIdleResources": "No",
		"UtilizationThresholdAlarmLowerBound": "80",
	})
	putOthersThings(s)
	before := s.account()
	topics := putOriginal(s)
	c := s.clients()
	c.changeAlarm(home, changed, func(in *cloudwatch.PutMetricAlarmInput) { in.Threshold = aws.Float64(40) })
	original := s.account()
	alarms, mails := c.alarmARNs(everywhere()...), len(s.alarmMails())
	deletions := s.aws.Calls()["cloudwatch.DeleteAlarms"]

	s.update(originalIDs(), originalProperties())
	wantSameIDs(s)
	s.pass(3 * time.Hour)

	if diff := cmp.Diff(alarms, c.alarmARNs(everywhere()...)); diff != "" {
		t.Errorf("alarms: %s", diff)
	}
	if n := s.aws.Calls()["cloudwatch.DeleteAlarms"]; n != deletions {
		t.Errorf("alarms were deleted, in %d calls", n-deletions)
	}
	// Of what is well and of what was told before there is no mail. The original looked at a
	// metric that the requests to the newer ranking recipe are not counted under.
	want := []string{
		`OK: "PersonalizeMonitor-IdleCampaign-rows" in EU (Ireland)`,
		`OK: "PersonalizeMonitor-LowCampaignUtilization-rows" in EU (Ireland)`,
	}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(s.alarmMails()[mails:]))); diff != "" {
		t.Errorf("mails: %s", diff)
	}
	wantTakenOver(s, original, topics)

	// An update of its own, later on, keeps the ids just as well, and what was taken over
	// follows the parameters.
	maps.Copy(s.parameters, map[string]string{
		"AutoDeleteOrStopIdleResources": "Yes", "IdleThresholdHours": "3", "UtilizationThresholdAlarmLowerBound": "60",
	})
	s.update(nil, nil)
	wantSameIDs(s)
	s.pass(10 * time.Minute)
	for _, w := range shop() {
		low, idle := w.alarms()
		threshold := 60.0
		if low == changed {
			threshold = 40
		}
		if a := c.alarm(w.region, low); *a.Threshold != threshold {
			t.Errorf("%s has the threshold %v", low, *a.Threshold)
		}
		if a := c.alarm(w.region, idle); *a.EvaluationPeriods != 36 {
			t.Errorf("%s looks at %d periods", idle, *a.EvaluationPeriods)
		}
	}
	s.pass(time.Hour)
	if now := s.resources(home, away); now["top-picks"] != "INACTIVE 1" || now["spring-sale"] != "" {
		t.Errorf("resources: %v", now)
	}
	// What it never took over, in a region that is not its own, another stack of the original may use.
	for name, text := range original {
		if strings.HasPrefix(name, former+" ") {
			before[name] = text
		}
	}
	s.wantRemoved(before)
}

// wantSameIDs compares what CloudFormation asked for last with two updates, answered with
// the ids of the original.
func wantSameIDs(s *stack) {
	s.t.Helper()
	ids := originalIDs()
	if diff := cmp.Diff(ids, s.physical); diff != "" {
		s.t.Error(diff)
	}
	want := []string{
		"Update CleanupCustomResource " + ids["CleanupCustomResource"],
		"Update DeployDashboardCustomResource " + ids["DeployDashboardCustomResource"],
	}
	if diff := cmp.Diff(want, s.told); diff != "" {
		s.t.Error(diff)
	}
	s.told = nil
}

// wantTakenOver looks at what became of the original's things.
func wantTakenOver(s *stack, original map[string]string, topics map[string]string) {
	s.t.Helper()
	c, now := s.clients(), s.account()
	for _, w := range shop() {
		low, idle := w.alarms()
		for _, name := range []string{low, idle} {
			if ours := strings.Contains(now[w.region+" alarm "+name], "[pm1 "); ours == (name == changed) {
				s.t.Errorf("%s was taken over: %t", name, ours)
			}
		}
	}
	for _, stays := range []string{home + " alarm " + changed, former + " alarm PersonalizeMonitor-IdleCampaign-long-gone", former + " topic PersonalizeMonitorNotifications"} {
		if now[stays] != original[stays] {
			s.t.Errorf("%s was %s, is %s", stays, original[stays], now[stays])
		}
	}
	for _, region := range []string{home, away} {
		list := c.subscriptions(region, topics[region])
		if len(list) != 1 || *list[0].Endpoint != reader || !strings.HasPrefix(*list[0].SubscriptionArn, topics[region]+":") {
			s.t.Errorf("subscriptions in %s: %+v", region, list)
		}
		topic := now[region+" topic PersonalizeMonitorNotifications"]
		if !strings.Contains(topic, "aws:SourceAccount") {
			s.t.Errorf("topic in %s: %s", region, topic)
		}
	}
	rule := "PersonalizeMonitor-NotificationsRule"
	if text, there := now[away+" rule "+rule]; there {
		s.t.Errorf("the rule that never matches is still there: %s", text)
	}
	targets, err := c.events(home).ListTargetsByRule(s.t.Context(), &eventbridge.ListTargetsByRuleInput{Rule: &rule})
	s.must(err)
	if len(targets.Targets) != 1 || targets.Targets[0].InputTransformer == nil || *targets.Targets[0].Arn != topics[home] {
		s.t.Errorf("targets: %+v", targets.Targets)
	}
	s.wantShown("home-page", "similar-items", "spring-sale", "rows", "top-picks")

	// What it takes for a person to be told works as a whole.
	told := len(s.notifications(reader))
	h := s.processes["UpdateTPSFunction"]
	h.want(`{"ARN":"`+campaignARN(home, "home-page")+`","NewMinTPS":3,"Reason":"the sale begins"}`, "is being updated from 2 to 3 TPS")
	if got := s.notifications(reader); len(got) != told+1 || !strings.Contains(got[told], `"the sale begins"`) {
		s.t.Errorf("notifications: %q", got)
	}
}
