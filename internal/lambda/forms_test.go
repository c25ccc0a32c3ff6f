package lambda_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

// event is an event as EventBridge hands it to a function.
func event(detailType, source, arn, detail string) string {
	return fmt.Sprintf(`{"version":"0","id":"7bf73129-1428-4cd3-a780-95db273d1602","detail-type":%q,"source":%q,"account":%q,"time":%q,
		"region":%q,"resources":[%q],"detail":%s}`, detailType, source, owner, time.Now().UTC().Format(time.RFC3339), home, arn, detail)
}

// ofOriginal is an event of the kind that the original application documents.
func ofOriginal(detailType, arn, detail string) string {
	return event(detailType, "personalize.monitor", arn, strings.ReplaceAll(detail, "$ARN", arn))
}

// TestEventForms sends each function each form of event that the original application
// documents for it, and those that are not for it, through the runtime API. Whatever is not
// for a function is refused, and nothing is called.
func TestEventForms(t *testing.T) {
	program := realProgram(t)
	t.Parallel()
	server, lambda := exampleLambda(t, program)
	const (
		step = `{"ARN":"$ARN","Utilization":35,"AgeHours":1440,"CurrentMinTPS":40,"NewMinTPS":30,"MinAverageTPS":5,"MaxAverageTPS":14,` +
			`"Datapoints":[{"Timestamp":"2026-03-04T11:00:00Z","Value":18000}],"Reason":"Step down"}`
		ended = `{"ARN":"$ARN","Utilization":0,"AgeHours":2880,"IdleThresholdHours":24,"TotalRequestsDuringIdleThresholdHours":0,"Reason":"Idle"}`
		top   = "arn:aws:personalize:eu-west-1:123456789012:recommender/video-top-picks"
		more  = "arn:aws:personalize:eu-west-1:123456789012:recommender/video-more-like-this"
		forMe = "arn:aws:personalize:us-east-1:123456789012:recommender/shop-recommended-for-you"
		kids  = "arn:aws:personalize:eu-west-1:123456789012:campaign/video-kids-profile"
		// An automatic event that is not true, or not any more.
		nothing = "Nothing was done"
		unasked = "requests no action"
	)
	scheduled := event("Scheduled Event", "aws.events", "arn:aws:events:us-east-1:123456789012:rule/r", `{}`)
	type form struct {
		payload string
		says    string
		wrong   bool
	}
	tests := map[string][]form{
		"monitor": {
			{scheduled, "7 resources measured", false},
			{`{}`, "7 resources measured", false},
			{`{"Regions":"eu-west-1","CampaignARNs":"` + kids + `","RecommenderARNs":"none"}`, "1 resource measured", false},
			{ofOriginal("DeletePersonalizeCampaign", idle, ended), "is not for monitor", true},
			{ofOriginal("PersonalizeCampaignDeleted", idle, `{"ARN":"$ARN"}`), "is not for monitor", true},
		},
		"dashboard": {
			{scheduled, "showing 7 resources", false},
			{ofOriginal("BuildPersonalizeMonitorDashboard", oversized, `{"Reason":"Rebuild due to campaign deletion"}`), "showing 7 resources", false},
			{ofOriginal("BuildPersonalizeMonitorDashboard", oversized, `{"ARN":"$ARN","Reason":"deleted"}`), "showing 6 resources", false},
			{`{"Reason":"because"}`, "showing 7 resources", false},
			{ofOriginal("DeletePersonalizeCampaign", idle, ended), "is not for dashboard", true},
		},
		"update-tps": {
			{ofOriginal("UpdatePersonalizeCampaignMinProvisionedTPS", oversized, step), "is being updated from 40 to 30 TPS", false},
			{ofOriginal("UpdatePersonalizeRecommenderMinRecommendationRPS", forMe, strings.Replace(step, `"CurrentMinTPS":40`, `"CurrentMinTPS":16`, 1)), nothing, false},
			{ofOriginal("UpdatePersonalizeRecommenderMinRecommendationRPS", forMe, `{"ARN":"$ARN","NewMinTPS":9}`), "is being updated from 12 to 9 RPS", false},
			{`{"ARN":"` + unused + `","NewMinTPS":2,"Reason":"a sale"}`, "is being updated from 1 to 2 RPS", false},
			{ofOriginal("DeletePersonalizeCampaign", idle, ended), "is not for update-tps", true},
			{scheduled, unasked, true},
		},
		"delete-campaign": {
			{ofOriginal("DeletePersonalizeCampaign", kids, ended), nothing, false},
			{ofOriginal("DeletePersonalizeCampaign", idle, `{"ARN":"$ARN","Reason":"the sale is over"}`), "is being deleted", false},
			{`{"ARN":"` + kids + `","Reason":"not needed"}`, "is being deleted", false},
			{ofOriginal("StopPersonalizeRecommender", unused, ended), "is not for delete-campaign", true},
			{scheduled, unasked, true},
		},
		"stop-recommender": {
			{ofOriginal("StopPersonalizeRecommender", more, ended), nothing, false},
			{ofOriginal("StopPersonalizeRecommender", top, `{"ARN":"$ARN","Reason":"by night"}`), "is being stopped", false},
			{`{"ARN":"` + more + `"}`, "is being stopped", false},
			{ofOriginal("DeletePersonalizeCampaign", idle, ended), "is not for stop-recommender", true},
			{scheduled, unasked, true},
		},
		"cleanup": {
			{ofOriginal("DeletePersonalizeCampaign", idle, ended), "is not for cleanup", true},
			{scheduled, "is not for cleanup", true},
			{`{"ARN":"` + idle + `"}`, "nothing was removed", true},
			{`{}`, `nothing was removed: to remove the alarms, topics, rule and dashboards of this deployment, send {"Confirm": "remove"}`, true},
			{`{"Regions":"us-east-1"}`, "nothing was removed", true},
			{`{"Confirm":"yes"}`, "nothing was removed", true},
			{`{"Regions":"us-east-1","Confirm":"remove"}`, "removed in", false},
		},
	}
	for _, handler := range []string{"monitor", "dashboard", "update-tps", "delete-campaign", "stop-recommender", "cleanup"} {
		h := lambda.start(t, handler, "AutoDeleteOrStopIdleResources=Yes")
		for _, form := range tests[handler] {
			before := server.Calls()
			text, good := h.invoke(form.payload)
			if good == form.wrong || !strings.Contains(text, form.says) {
				t.Errorf("%s answered %.100s with %q (%v), want %q in it", handler, form.payload, text, good, form.says)
			}
			if form.wrong && !maps.Equal(before, server.Calls()) {
				t.Errorf("%s refused %.100s, and made calls", handler, form.payload)
			}
			if form.says == nothing && !maps.Equal(writing(before), writing(server.Calls())) {
				t.Errorf("%s did nothing about %.100s, and changed something", handler, form.payload)
			}
		}
	}
}

// exampleLambda is where functions run in front of the example estate.
func exampleLambda(t *testing.T, program string) (*localaws.Server, fakeLambda) {
	t.Helper()
	s := stackOn(t, localaws.ExampleEstate(), nil)
	return s.aws, fakeLambda{program: program, endpoint: s.url}
}

// sentences are what functions said of events of a type.
func (s *stack) sentences(detailType string) []string {
	var list []string
	for _, one := range s.said {
		if one.detailType == detailType {
			list = append(list, one.sentence)
		}
	}
	return list
}

// lived is what a stack has come to after some hours: the resources, what stands in the
// account, what people were told, and what was done to resources.
type lived struct {
	Resources, Account map[string]string
	Told               []string
	Done               map[string]int
}

// chance is what is made up: the ends of the ARNs of subscriptions, and of the keys of counts.
var chance = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Z2-7]{26}`)

func live(t *testing.T, times int) lived {
	t.Helper()
	s := newStack(t, shopEstate(), all("3"))
	s.times = times
	s.create()
	s.turn(s.tick)
	s.aws.ConfirmAll()
	s.pass(5 * time.Hour)
	done := s.deeds()
	account := s.account()
	for name, text := range account {
		account[name] = chance.ReplaceAllString(text, "…")
	}
	told := append(s.notifications(reader), s.alarmMails()...)
	slices.Sort(told) // regions are at work side by side
	return lived{s.resources(home, away), account, told, done}
}

// TestEverythingDeliveredTwice compares a stack whose functions get every event twice, those
// of the schedules included, with one whose functions get them once.
func TestEverythingDeliveredTwice(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts many processes")
	}
	t.Parallel()
	once, twice := live(t, 1), live(t, 2)
	if want := map[string]int{"personalize.UpdateCampaign": 3, "personalize.DeleteCampaign": 1, "personalize.StopRecommender": 1}; !maps.Equal(once.Done, want) {
		t.Errorf("done: %v", once.Done)
	}
	if diff := cmp.Diff(once, twice); diff != "" {
		t.Errorf("once and twice: %s", diff)
	}
}

// lateEstate is a shop of which the seasonal campaign is used again from 13:00 on, for the
// first time in weeks, an hour after the stack is there.
func lateEstate(t *testing.T) localaws.Estate {
	t.Helper()
	var csv strings.Builder
	csv.WriteString("timestamp,value\n")
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 30 * 288 {
		calls := 0
		if i == 13 { // after the last row the first is the one of 11:55
			calls = 900
		}
		fmt.Fprintf(&csv, "%s,%d\n", start.Add(time.Duration(i)*5*time.Minute).Format(time.DateTime), calls)
	}
	trace, err := localaws.ParseTrace([]byte(csv.String()), "seasonal")
	if err != nil {
		t.Fatal(err)
	}
	e := shopEstate()
	e.Monitored = 30 * 24 * time.Hour
	group := &e.Regions[0].DatasetGroups[0]
	seasonal, raised := group.Campaigns[2], group.Campaigns[1]
	seasonal.Name, seasonal.Age = "seasonal", 25*24*time.Hour
	seasonal.Traffic = localaws.EstateTraffic{Trace: trace, Repeat: true}
	raised.Name = "raised"
	group.Campaigns = append(group.Campaigns, seasonal, raised)
	return e
}

// TestLateAutomaticEvents delivers what the monitor asked for when up to an hour has passed,
// and more has changed than the time.
func TestLateAutomaticEvents(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts many processes")
	}
	t.Parallel()
	parameters := all("1")
	parameters["Regions"] = home
	s := newStack(t, lateEstate(t), parameters)
	s.create()
	for s.now().Minute() != 55 || s.now().Hour() != 12 {
		s.turn(s.fire)
	}
	_, err := s.clients().personalize(home).UpdateCampaign(t.Context(), &personalize.UpdateCampaignInput{
		CampaignArn: aws.String(campaignARN(home, "raised")), MinProvisionedTPS: aws.Int32(12),
	})
	s.must(err)
	s.clock.Advance(18 * time.Minute)                                          // 13:13
	went := func(metric, campaign string, value float64) cwtypes.MetricDatum { // as the monitor went on
		d := cwtypes.MetricDatum{MetricName: aws.String(metric), Value: aws.Float64(value), Timestamp: aws.Time(s.now().Add(-13 * time.Minute))}
		if campaign != "" {
			d.Dimensions = []cwtypes.Dimension{{Name: aws.String("CampaignArn"), Value: aws.String(campaignARN(home, campaign))}}
		}
		return d
	}
	_, err = s.clients().alarms(home).PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{
		Namespace: aws.String("PersonalizeMonitor"), MetricData: []cwtypes.MetricDatum{
			went("monitoredResourceCount", "", 5), went("campaignUtilization", "spring-sale", 0), went("minProvisionedTPS", "similar-items", 10),
		},
	})
	s.must(err)
	s.aws.ConfirmAll()
	s.aws.ResetCalls()
	s.deliver()
	about := func(name, rest string) string { return "ampaign " + campaignARN(home, name) + " " + rest }
	for detailType, want := range map[string][]string{
		"DeletePersonalizeCampaign": {
			"C" + about("spring-sale", "is being deleted"),
			"Nothing was done: the decision about c" + about("seasonal", "no longer holds: no requests now, but 900 in the last 1 h"),
		},
		"UpdatePersonalizeCampaignMinProvisionedTPS": {
			"C" + about("similar-items", "is being updated from 10 to 7 TPS"),
			"Nothing was done: the decision about c" + about("raised", "no longer holds: its minimum is 12 TPS and no longer 10"),
		},
	} {
		got := s.sentences(detailType)
		slices.Sort(got)
		if len(got) != len(want) || !strings.HasPrefix(got[0], want[0]) || !strings.HasPrefix(got[1], want[1]) {
			t.Errorf("%s was answered with %q, want %q", detailType, got, want)
		}
	}
	if deeds := s.deeds(); !maps.Equal(deeds, map[string]int{"personalize.DeleteCampaign": 1, "personalize.UpdateCampaign": 1}) {
		t.Errorf("done: %v", deeds)
	}
	if got := s.notifications(reader); len(got) != 2 {
		t.Errorf("notifications: %q", got)
	}
}
