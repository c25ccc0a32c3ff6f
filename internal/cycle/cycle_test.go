package cycle_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// What a thousand resources in one region may cost in calls, half of them campaigns.
func TestCallsOfACycle(t *testing.T) {
	resources := 1000
	if testing.Short() {
		resources = 100
	}
	b := newBed(t, flat(resources, home))
	b.settleAlarms(nil)

	b.restart(b.clock)
	b.aws.ResetCalls()
	cold := b.run(map[string]string{config.HourlyChecks: "never"})
	if got, most := total(b.aws.Calls()), resources/2*22/10+resources+40; got > most {
		t.Errorf("cold: %d calls, at most %d: %v", got, most, b.aws.Calls())
	}
	if got := total(cold.Calls); got != total(b.aws.Calls()) {
		t.Errorf("the result counts %d calls, the service %d", got, total(b.aws.Calls()))
	}
	for window := range 12 {
		b.next()
		b.aws.ResetCalls()
		warm := b.run(nil)
		due := 0
		for _, r := range warm.Resources {
			if r.Checked && r.Kind == "campaign" {
				due++
			}
		}
		calls := b.aws.Calls()
		if got := total(calls); got > 60+due {
			t.Errorf("warm window %d: %d calls with %d campaigns due: %v", window, got, due, calls)
		}
		if calls["personalize.DescribeCampaign"] != due {
			t.Errorf("warm window %d: %d campaigns described, %d due", window, calls["personalize.DescribeCampaign"], due)
		}
		if len(warm.Problems) > 0 || warm.MetricsPublished != 3*resources+1 {
			t.Errorf("warm window %d: %d metrics, problems %v", window, warm.MetricsPublished, warm.Problems)
		}
	}
}

// Acting on a recommender costs one description each, and no more.
func TestRecommendersAreDescribedOnlyBeforeTheyAreActedOn(t *testing.T) {
	estate := flat(20, home)
	idle := &estate.Regions[0].DatasetGroups[0].Recommenders[0]
	idle.MinRPS = 8
	b := newBed(t, estate)
	result := b.run(map[string]string{config.HourlyChecks: "always"})
	if got := b.aws.Calls()["personalize.DescribeRecommender"]; got != 10 {
		t.Errorf("%d descriptions for 10 step-downs", got)
	}
	for _, r := range result.Resources {
		if want := rules.StepDown; r.Kind == "recommender" && r.Decision != want {
			t.Errorf("%s: %s (%s)", r.Name, r.Decision, r.Reason)
		}
	}
	if len(result.Events) != 11 { // and one for the dashboard
		t.Errorf("%d events: %v", len(result.Events), result.Events)
	}
}

func TestRecommenderBeingUpdatedIsRefusedOnAFreshLook(t *testing.T) {
	estate := flat(2, home)
	r := &estate.Regions[0].DatasetGroups[0].Recommenders[0]
	r.MinRPS = 8
	r.Update = &localaws.EstateUpdate{Status: "CREATE IN_PROGRESS", Age: time.Minute}
	result := newBed(t, estate).run(map[string]string{config.HourlyChecks: "always"})
	got := byName(t, result, "r")
	if got.Decision != rules.Refused {
		t.Errorf("%s (%s)", got.Decision, got.Reason)
	}
	for _, e := range result.Events {
		if strings.Contains(e.Resource, "recommender") {
			t.Errorf("sent %v", e)
		}
	}
}

// A second cycle finds everything in place: only metrics are written.
func TestSecondCycleWritesOnlyMetrics(t *testing.T) {
	b := newBed(t, flat(10, home, "eu-west-1"))
	endpoint := map[string]string{"Regions": home + ",eu-west-1", "NotificationEndpoint": "ml@example.com,https://example.com/hook"}
	b.settleAlarms(endpoint)
	b.restart(b.clock)
	b.aws.ResetCalls()
	result := b.run(endpoint)
	for operation := range b.aws.Calls() {
		if _, name, _ := strings.Cut(operation, "."); !strings.HasPrefix(name, "List") && !strings.HasPrefix(name, "Describe") && !strings.HasPrefix(name, "Get") && name != "PutMetricData" {
			t.Errorf("%s was called again", operation)
		}
	}
	if result.Alarms.Kept != 40 || len(result.Problems) > 0 {
		t.Errorf("alarms %+v, problems %v", result.Alarms, result.Problems)
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	estate := flat(10, home)
	estate.Regions[0].DatasetGroups[0].Campaigns[0].MinTPS = 9
	b := newBed(t, estate)
	b.dryRun = true
	b.restart(b.clock)
	result := b.run(map[string]string{config.HourlyChecks: "always"})
	for operation := range b.aws.Calls() {
		if _, name, _ := strings.Cut(operation, "."); !strings.HasPrefix(name, "List") && !strings.HasPrefix(name, "Describe") && !strings.HasPrefix(name, "Get") {
			t.Errorf("%s was called", operation)
		}
	}
	if result.Alarms.Created != 20 || !result.Changes() || !result.DryRun || len(result.Events) != 6 {
		t.Errorf("alarms %+v, events %v", result.Alarms, result.Events)
	}
}

func TestOneRegionsFailureCostsTheOthersNothing(t *testing.T) {
	tests := []struct {
		name    string
		fault   localaws.Fault
		metrics int // of 2 × 10 resources at 3 each, and the count
	}{
		{"its campaigns cannot be listed", localaws.Fault{Service: "personalize", Operation: "ListCampaigns", Region: "eu-west-1", Code: "AccessDeniedException"}, 46},
		{"its metrics cannot be read", localaws.Fault{Service: "cloudwatch", Operation: "GetMetricData", Region: "eu-west-1", Code: "InternalServiceFault", Status: 500}, 41},
		{"its metrics are read in part", localaws.Fault{Service: "cloudwatch", Operation: "GetMetricData", Region: "eu-west-1", Kind: localaws.Partial}, 41},
		{"its metrics cannot be written", localaws.Fault{Service: "cloudwatch", Operation: "PutMetricData", Region: "eu-west-1", Code: "AccessDenied", Status: 403}, 31},
		{"its alarms cannot be listed", localaws.Fault{Service: "cloudwatch", Operation: "DescribeAlarms", Region: "eu-west-1", Code: "AccessDenied", Status: 403}, 61},
		{"its topic cannot be made", localaws.Fault{Service: "sns", Operation: "CreateTopic", Region: "eu-west-1", Code: "AuthorizationError", Status: 403}, 61},
		{"the connection is cut", localaws.Fault{Service: "personalize", Operation: "ListRecommenders", Region: "eu-west-1", Kind: localaws.Reset}, 46},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t, flat(10, home, "eu-west-1"))
			b.aws.AddFault(tt.fault)
			result := b.run(map[string]string{"Regions": home + ",eu-west-1", config.HourlyChecks: "always", "AutoDeleteOrStopIdleResources": "yes"})
			if result.MetricsPublished != tt.metrics {
				t.Errorf("%d metrics, want %d: %v", result.MetricsPublished, tt.metrics, result.Problems)
			}
			if len(result.Problems) == 0 {
				t.Error("no problem is told")
			}
			for _, p := range result.Problems {
				if p.Region != "eu-west-1" || p.Operation == "" || p.Message() == "" {
					t.Errorf("problem %+v", p)
				}
			}
			for _, r := range result.Resources {
				if r.Region == home && r.Utilization == nil || r.Decision != rules.None && r.Decision != rules.Refused {
					t.Errorf("%s in %s: %s (%s)", r.Name, r.Region, r.Decision, r.Reason)
				}
			}
		})
	}
}

func TestNothingMeasuredIsAnError(t *testing.T) {
	b := newBed(t, flat(2, home))
	b.aws.AddFault(localaws.Fault{Service: "personalize", Code: "AccessDeniedException", Status: 400})
	_, err := b.cycle.Run(context.Background(), cycle.Input{Params: values(t, nil)})
	if !errors.Is(err, cycle.ErrNothingMeasured) || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("error %v", err)
	}
	if n := b.aws.Calls()["cloudwatch.PutMetricData"]; n != 0 {
		t.Errorf("%d writes", n)
	}
}

func TestEmptyAccountIsNoError(t *testing.T) {
	result := newBed(t, localaws.Estate{}).run(nil)
	if len(result.Resources) != 0 || len(result.Problems) != 0 || result.MetricsPublished != 1 {
		t.Errorf("%+v", result)
	}
}

func TestCancelledCycleEndsAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := newBed(t, flat(4, home)).cycle.Run(ctx, cycle.Input{Params: values(t, nil)})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// A throttled description gives metrics by the last known copy, and nothing else.
func TestStaleCopyGivesMetricsOnly(t *testing.T) {
	estate := flat(2, home)
	estate.Regions[0].DatasetGroups[0].Campaigns[0].MinTPS = 9
	b := newBed(t, estate)
	b.run(map[string]string{config.HourlyChecks: "never"})
	b.next()
	b.aws.AddFault(localaws.Fault{Service: "personalize", Operation: "DescribeCampaign", Code: "ThrottlingException"})
	result := b.run(map[string]string{config.HourlyChecks: "always"})
	got := byName(t, result, "c")
	if got.Decision != rules.Refused || got.Utilization == nil || len(result.Problems) != 1 || result.MetricsPublished != 7 {
		t.Errorf("%s (%s), %d metrics, problems %v", got.Decision, got.Reason, result.MetricsPublished, result.Problems)
	}
	b.aws.AddFault(localaws.Fault{Service: "personalize", Operation: "ListCampaigns", Code: "ThrottlingException"})
	for _, tt := range []struct {
		after time.Duration
		left  int
	}{{20 * time.Minute, 2}, {5 * time.Minute, 1}} {
		b.clock.Advance(tt.after)
		if result = b.run(nil); len(result.Resources) != tt.left {
			t.Errorf("%s later %d resources are left: %v", tt.after, len(result.Resources), result.Problems)
		}
	}
}

// Thousands of alarms do not fit one cycle; they are carried over, and metrics do not wait.
func TestAlarmsAreCarriedOver(t *testing.T) {
	b := newBed(t, flat(600, home))
	first := b.run(map[string]string{config.HourlyChecks: "never"})
	if first.Alarms.Left == 0 || first.Alarms.Created == 0 || first.Alarms.Created+first.Alarms.Left != 1200 {
		t.Fatalf("first cycle: %+v", first.Alarms)
	}
	if first.MetricsPublished != 1801 {
		t.Errorf("%d metrics", first.MetricsPublished)
	}
	created := first.Alarms.Created
	for created < 1200 {
		b.next()
		result := b.run(map[string]string{config.HourlyChecks: "never"})
		if result.Alarms.Created == 0 {
			t.Fatalf("stuck at %d: %+v", created, result.Alarms)
		}
		created += result.Alarms.Created
	}
	if created != 1200 {
		t.Errorf("%d alarms created", created)
	}
}

// Resources that are gone lose their alarms; a failed listing proves nothing.
func TestAlarmsOfGoneResourcesAreRemoved(t *testing.T) {
	b := newBed(t, flat(4, home))
	b.settleAlarms(nil)
	b.deleteCampaign("c-1")
	b.clock.Advance(30 * time.Minute)
	b.next()

	b.aws.AddFault(localaws.Fault{Service: "personalize", Operation: "ListCampaigns", Code: "ThrottlingException"})
	if result := b.run(nil); result.Alarms.Deleted != 0 {
		t.Errorf("removed on a failed listing: %+v", result.Alarms)
	}
	b.aws.ClearFaults()
	b.next()
	result := b.run(nil)
	if result.Alarms.Deleted != 2 || result.Alarms.Kept != 6 {
		t.Errorf("%+v", result.Alarms)
	}
	if last := result.Events[len(result.Events)-1]; last.DetailType != "BuildPersonalizeMonitorDashboard" {
		t.Errorf("events %v", result.Events)
	}
}

// Alarms of resources that exist but are not monitored are nobody's business here.
func TestUnselectedResourcesKeepTheirAlarms(t *testing.T) {
	b := newBed(t, flat(4, home))
	b.settleAlarms(nil)
	for name, selection := range map[string]map[string]string{
		"one campaign by name": {"CampaignARNs": "arn:aws:personalize:us-east-1:000000000000:campaign/c-1"},
		"no campaigns":         {"CampaignARNs": "none"},
	} {
		if result := b.run(selection); result.Alarms.Deleted != 0 {
			t.Errorf("%s: %+v", name, result.Alarms)
		}
	}
}

func TestSwitchedOffAlarmsAreRemoved(t *testing.T) {
	b := newBed(t, flat(4, home))
	b.settleAlarms(nil)
	result := b.run(map[string]string{"AutoCreateIdleAlarms": "no"})
	if result.Alarms.Deleted != 4 || result.Alarms.Kept != 4 {
		t.Errorf("%+v", result.Alarms)
	}
}

func TestLateEventIsMeasuredButNotDecidedOn(t *testing.T) {
	estate := flat(2, home)
	estate.Regions[0].DatasetGroups[0].Campaigns[0].MinTPS = 9
	b := newBed(t, estate)
	result, err := b.cycle.Run(context.Background(), cycle.Input{
		Params:      values(t, map[string]string{config.HourlyChecks: "always"}),
		ScheduledAt: b.clock.Now().Add(-2 * time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	if result.MetricsPublished != 7 || byName(t, result, "c").Checked || result.Window.End.After(b.clock.Now().Add(-2*time.Hour)) {
		t.Errorf("%+v", result)
	}
}

// A region that does not answer is given up on; the others have their metrics and
// decisions, and the result tells.
func TestHangingRegionCostsTheOthersNothing(t *testing.T) {
	for _, operation := range []string{"ListCampaigns", "DescribeCampaign", "GetMetricData", "DescribeAlarms", "GetTopicAttributes"} {
		t.Run(operation, func(t *testing.T) {
			// On synthetic time: who hangs is given up on when nothing else is left to be done.
			synctest.Test(t, func(t *testing.T) { hangingRegion(t, operation) })
		})
	}
}

func hangingRegion(t *testing.T, operation string) {
	estate := flat(4, home, "eu-west-1")
	estate.Regions[0].DatasetGroups[0].Campaigns[0].MinTPS = 9
	b := newBedInMemory(t, estate)
	b.aws.AddFault(localaws.Fault{Operation: operation, Region: "eu-west-1", Kind: localaws.Hang})
	began := time.Now()
	result := b.run(map[string]string{"Regions": home + ",eu-west-1", config.HourlyChecks: "always"})
	if took := time.Since(began); took > 4*time.Minute {
		t.Errorf("it took %v", took)
	}
	for _, r := range result.Resources {
		if r.Region == home && (r.Utilization == nil || r.Kind == "campaign" && r.Decision != rules.StepDown) {
			t.Errorf("%s: %s (%s)", r.Name, r.Decision, r.Reason)
		}
	}
	if result.MetricsPublished < 13 || len(result.Problems) == 0 {
		t.Errorf("%d metrics, problems %v", result.MetricsPublished, result.Problems)
	}
	for _, p := range result.Problems {
		if p.Region != "eu-west-1" {
			t.Errorf("problem %+v", p)
		}
	}
}

// Alarms of a region whose listing failed stay, whatever other regions' listings say.
func TestGoneIsToldByTheRegionsOwnListing(t *testing.T) {
	b := newBed(t, flat(4, home, "eu-west-1"))
	both := map[string]string{"Regions": home + ",eu-west-1"}
	b.settleAlarms(both)
	b.restart(b.clock) // without copies to stand in
	for _, operation := range []string{"ListCampaigns", "ListRecommenders"} {
		b.aws.AddFault(localaws.Fault{Operation: operation, Region: "eu-west-1", Code: "AccessDeniedException"})
	}
	if result := b.run(both); result.Alarms.Deleted != 0 || result.Alarms.Kept != 16 {
		t.Errorf("%+v", result.Alarms)
	}
}

// Problems of several regions at once are all told.
func TestProblemsOfManyRegionsAreAllTold(t *testing.T) {
	regions := []string{home, "eu-west-1", "eu-central-1", "ap-south-1"}
	b := newBed(t, flat(2, regions...))
	for _, region := range regions[:2] {
		b.aws.AddFault(localaws.Fault{Operation: "DescribeAlarms", Region: region, Code: "AccessDenied"})
	}
	b.aws.AddFault(localaws.Fault{Operation: "PutMetricAlarm", Region: regions[3], Code: "AccessDenied"})
	result := b.run(map[string]string{"Regions": strings.Join(regions, ",")})
	found := map[string]bool{}
	for _, p := range result.Problems {
		found[p.Operation+" "+p.Region] = true
	}
	for _, want := range []string{"DescribeAlarms us-east-1", "DescribeAlarms eu-west-1", "PutMetricAlarm ap-south-1"} {
		if !found[want] {
			t.Errorf("no problem for %s: %v", want, result.Problems)
		}
	}
}

// Without its topic a region's alarms wait, and the result counts them.
func TestAlarmsWaitForTheTopic(t *testing.T) {
	b := newBed(t, flat(4, home))
	b.aws.AddFault(localaws.Fault{Operation: "CreateTopic", Code: "AuthorizationError", Times: 1})
	first := b.run(nil)
	if first.Alarms.Created != 0 || first.Alarms.Left != 8 || b.aws.Calls()["cloudwatch.PutMetricAlarm"] != 0 {
		t.Errorf("without a topic: %+v", first.Alarms)
	}
	b.next()
	if second := b.run(nil); second.Alarms.Created != 8 || second.Alarms.Left != 0 {
		t.Errorf("with a topic: %+v", second.Alarms)
	}
}

// What is about to be deleted gets no new alarms.
func TestDoomedResourcesGetNoAlarms(t *testing.T) {
	estate := flat(2, home)
	idle := &estate.Regions[0].DatasetGroups[0].Campaigns[0]
	idle.Traffic, estate.Monitored = localaws.EstateTraffic{}, 3*24*time.Hour
	result := newBed(t, estate).run(map[string]string{config.HourlyChecks: "always", "AutoDeleteOrStopIdleResources": "yes"})
	if got := byName(t, result, "c"); got.Decision != rules.Delete {
		t.Fatalf("%s (%s)", got.Decision, got.Reason)
	}
	if result.Alarms.Created != 2 {
		t.Errorf("%+v", result.Alarms)
	}
}

// A recommender that is stopped or gone on the fresh look is left alone.
func TestRecommenderThatChangedMeanwhileIsLeftAlone(t *testing.T) {
	tests := []struct {
		name   string
		fault  localaws.Fault
		reason string
	}{
		{"it is gone", localaws.Fault{Operation: "DescribeRecommender", Code: "ResourceNotFoundException"}, "it no longer exists"},
		{"it cannot be described", localaws.Fault{Operation: "DescribeRecommender", Code: "AccessDeniedException"}, "it could not be described again"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			estate := flat(2, home)
			estate.Regions[0].DatasetGroups[0].Recommenders[0].MinRPS = 9
			b := newBed(t, estate)
			b.aws.AddFault(tt.fault)
			got := byName(t, b.run(map[string]string{config.HourlyChecks: "always"}), "r")
			if got.Decision != rules.Refused || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("%s (%s)", got.Decision, got.Reason)
			}
		})
	}
}
