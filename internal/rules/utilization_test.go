package rules

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

func recipe(name string) func(*model.Resource) {
	return func(r *model.Resource) { r.Recipe = name }
}

// metricValues answers a resource's window with the series and gives what is published.
func metricValues(r model.Resource, window, presence model.Series) map[string]float64 {
	readings := model.Readings{windowQuery(r, testMoment): window, presenceQuery(r, testMoment): presence}
	values := map[string]float64{}
	for _, d := range Metrics(r, ThroughputOf(r, readings, testMoment), testMoment.Window) {
		values[d.Metric.Name] = d.Value
	}
	return values
}

func points(values ...float64) model.Series {
	s := model.Series{Complete: true}
	for i, v := range values {
		s.Points = append(s.Points, model.Datapoint{Time: testMoment.Window.Start.Add(time.Duration(i) * time.Hour), Value: v})
	}
	return s
}

func TestMetrics(t *testing.T) {
	unread := model.Series{}
	tests := []struct {
		name             string
		resource         model.Resource
		window, presence model.Series
		want             map[string]float64
	}{
		{
			"a campaign: requests ÷ 300, in percent of the minimum", campaign(4), points(600), unread,
			map[string]float64{"minProvisionedTPS": 4, "averageTPS": 2, "campaignUtilization": 50},
		},
		{
			"a recommender", recommender(2), points(1500), unread,
			map[string]float64{"minRecommendationRequestsPerSecond": 2, "averageRPS": 5, "recommenderUtilization": 250},
		},
		{
			"no requests: no average, utilization 0", campaign(4), points(), unread,
			map[string]float64{"minProvisionedTPS": 4, "campaignUtilization": 0},
		},
		{
			"a window that was not read completely: the minimum only", campaign(4),
			model.Series{Points: points(600).Points},
			unread,
			map[string]float64{"minProvisionedTPS": 4},
		},
		{
			"a recipe that could not be read: the minimum only", campaign(4, recipe("")), points(600), points(600),
			map[string]float64{"minProvisionedTPS": 4},
		},
		{
			"a recommender's recipe does not matter", recommender(4, recipe("")), points(600), unread,
			map[string]float64{"minRecommendationRequestsPerSecond": 4, "averageRPS": 2, "recommenderUtilization": 50},
		},
		{
			"next-best-action without data in 14 days: the minimum only", campaign(4, recipe("aws-next-best-action")), points(), points(),
			map[string]float64{"minProvisionedTPS": 4},
		},
		{
			"next-best-action with data in 14 days: as any other", campaign(4, recipe("aws-next-best-action")), points(), points(7),
			map[string]float64{"minProvisionedTPS": 4, "campaignUtilization": 0},
		},
		{
			"next-best-action, some of whose 14 days could be read: it counts", campaign(4, recipe("aws-next-best-action")), points(600),
			model.Series{Points: points(7).Points},
			map[string]float64{"minProvisionedTPS": 4, "averageTPS": 2, "campaignUtilization": 50},
		},
		{
			"next-best-action, nothing of whose 14 days could be read", campaign(4, recipe("aws-next-best-action")), points(), unread,
			map[string]float64{"minProvisionedTPS": 4},
		},
		{
			"an unknown recipe without data in 14 days: the minimum only", campaign(4, recipe("aws-mind-reading")), points(), points(),
			map[string]float64{"minProvisionedTPS": 4},
		},
		{
			"an unknown recipe with data", campaign(4, recipe("aws-mind-reading")), points(300), points(300),
			map[string]float64{"minProvisionedTPS": 4, "averageTPS": 1, "campaignUtilization": 25},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, metricValues(tt.resource, tt.window, tt.presence)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMetricsAreStampedAndNamed(t *testing.T) {
	r := campaign(4)
	got := Metrics(r, Throughput{Readable: true, Requests: 600, Average: 2, Utilization: 50}, testMoment.Window)
	want := model.Datum{
		Region: "eu-west-1", Unit: "Count/Second", Value: 4, Time: testMoment.Window.Start,
		Metric: model.Metric{Namespace: "PersonalizeMonitor", Name: "minProvisionedTPS", DimensionName: "CampaignArn", DimensionValue: r.ARN.String()},
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
	if got[2].Unit != "Percent" {
		t.Errorf("utilization is in %s", got[2].Unit)
	}
	count := CountMetric("us-east-1", 12, testMoment.Window)
	if count.Metric.DimensionName != "" || count.Unit != "Count" || count.Value != 12 {
		t.Errorf("count: %+v", count)
	}
}

// A busy campaign must be seen as busy whatever its recipe and partition.
func TestRequestMetricFollowsTheRecipe(t *testing.T) {
	tests := map[string]string{
		"aws-user-personalization-v2":     "GetRecommendations",
		"aws-personalized-ranking":        "GetPersonalizedRanking",
		"aws-personalized-ranking-v2":     "GetPersonalizedRanking",
		"aws-next-best-action":            "GetActionRecommendations",
		"aws-semantic-similarity":         "GetRecommendations",
		"aws-vod-most-popular":            "GetRecommendations",
		"something-new":                   "GetRecommendations",
		"aws-personalized-ranking-future": "GetRecommendations",
	}
	for name, want := range tests {
		for _, partition := range []string{"aws", "aws-cn"} {
			got := model.RecipeOf(model.Campaign, model.RecipeName("arn:"+partition+":personalize:::recipe/"+name))
			if got.Metric != want {
				t.Errorf("%s in %s: %s, want %s", name, partition, got.Metric, want)
			}
		}
	}
}

func TestMeasuredWindow(t *testing.T) {
	at := func(h, m, s int) time.Time { return time.Date(2026, 3, 4, h, m, s, 0, time.UTC) }
	tests := []struct {
		name  string
		now   time.Time
		delay time.Duration
		end   time.Time
	}{
		{"ended exactly the delay ago", at(12, 2, 0), 2 * time.Minute, at(12, 0, 0)},
		{"a second less: the window before", at(12, 1, 59), 2 * time.Minute, at(11, 55, 0)},
		{"no delay, on the boundary", at(12, 0, 0), 0, at(12, 0, 0)},
		{"the longest delay", at(12, 0, 0), 15 * time.Minute, at(11, 45, 0)},
		{"another zone's clock", at(12, 2, 0).In(time.FixedZone("", 3600+600)), 2 * time.Minute, at(12, 0, 0)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := MeasuredWindow(tt.now, tt.delay)
			if want := model.NewWindow(tt.end.Add(-5*time.Minute), tt.end); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// Over an hour of windows each resource is due exactly once, and the resources are
// spread over all of them.
func TestEachResourceIsDueOnceAnHour(t *testing.T) {
	s := testSettings()
	s.HourlyChecks = model.Auto
	perSlot := map[int]int{}
	const resources = 1200
	for i := range resources {
		arn := model.NewARN("aws", "personalize", "eu-west-1", "123456789012", fmt.Sprintf("campaign/c-%d", i))
		due := 0
		for slot := range slotsPerHour {
			start := time.Date(2026, 3, 4, 9, slot*5, 0, 0, time.UTC)
			if Due(arn, s, EvaluationTime{Window: model.NewWindow(start, start.Add(WindowLength))}) {
				due++
				perSlot[slot]++
			}
		}
		if due != 1 {
			t.Fatalf("%s is due %d times", arn, due)
		}
	}
	for slot := range slotsPerHour {
		if n := perSlot[slot]; n < resources/slotsPerHour/2 || n > resources/slotsPerHour*2 {
			t.Errorf("slot %d has %d of %d resources", slot, n, resources)
		}
	}
}

func TestChecksAreMadeOnlyWhenDue(t *testing.T) {
	r := campaign(8)
	other := EvaluationTime{Now: testNow, Window: model.NewWindow(testMoment.Window.Start.Add(-WindowLength), testMoment.Window.Start)}
	own := testMoment
	for slotOf(own.Window) != Slot(r.ARN) {
		own.Window = model.NewWindow(own.Window.Start.Add(-WindowLength), own.Window.Start)
	}
	if slotOf(other.Window) == Slot(r.ARN) {
		other.Window = model.NewWindow(other.Window.Start.Add(-WindowLength), other.Window.Start)
	}
	tests := []struct {
		name     string
		settings Settings
		moment   EvaluationTime
		checked  bool
	}{
		{"auto, in its slot", Settings{AdjustMinTPS: model.On, IdleHours: 24, HourlyChecks: model.Auto}, own, true},
		{"auto, in another slot", Settings{AdjustMinTPS: model.On, IdleHours: 24, HourlyChecks: model.Auto}, other, false},
		{"always", Settings{AdjustMinTPS: model.On, IdleHours: 24, HourlyChecks: model.Always}, other, true},
		{"on standby", Settings{AdjustMinTPS: model.On, IdleHours: 24, HourlyChecks: model.Elsewhere}, own, false},
		{"never", Settings{AdjustMinTPS: model.On, IdleHours: 24, HourlyChecks: model.Never}, own, false},
		{"always, but not this time", Settings{AdjustMinTPS: model.On, IdleHours: 24, HourlyChecks: model.Always, NoChecks: "the event is 2 h old"}, own, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := Decide(r, readSilent(r, tt.settings, tt.moment), tt.settings, tt.moment)
			if d.Checked != tt.checked || d.Verdict.Changes() != tt.checked || d.Reason == "" {
				t.Errorf("checked %v, %s (%s)", d.Checked, d.Verdict, d.Reason)
			}
		})
	}
}

// Without a single answer nothing is ever done.
func TestNothingReadNothingDone(t *testing.T) {
	for _, r := range []model.Resource{campaign(8), recommender(8), campaign(1), campaign(8, recipe("")), campaign(8, recipe("aws-next-best-action"))} {
		if d := Decide(r, nil, testSettings(), testMoment); d.Verdict != Refused {
			t.Errorf("%s: %s (%s)", r.Recipe, d.Verdict, d.Reason)
		}
	}
}

func TestInvisibleTrafficIsSkipped(t *testing.T) {
	r := campaign(8, recipe("aws-next-best-action"))
	s := testSettings()
	d := Decide(r, readEmpty(r, s, testMoment), s, testMoment)
	if d.Verdict != None || !d.Throughput.Invisible {
		t.Errorf("%s (%s)", d.Verdict, d.Reason)
	}
}

func TestEvaluationTimeOfAScheduledEvent(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 2, 30, 0, time.UTC)
	window := func(h, m int) model.Window {
		start := time.Date(2026, 3, 4, h, m, 0, 0, time.UTC)
		return model.NewWindow(start, start.Add(WindowLength))
	}
	tests := []struct {
		name      string
		scheduled time.Time
		window    model.Window
		checks    bool
		warning   bool
	}{
		{"no event: now", time.Time{}, window(11, 55), true, false},
		{"a little late: the window of its own time", now.Add(-150 * time.Second), window(11, 50), true, false},
		{"repeated later: the same window", time.Date(2026, 3, 4, 11, 30, 0, 0, time.UTC), window(11, 20), true, false},
		{"an hour old to the second", now.Add(-time.Hour), window(10, 55), true, false},
		{"more than an hour old: measured, not decided on", now.Add(-time.Hour - time.Second), window(10, 55), false, false},
		{"a day old to the second", now.Add(-24 * time.Hour), model.NewWindow(window(11, 55).Start.Add(-24*time.Hour), window(11, 55).End.Add(-24*time.Hour)), false, false},
		{"more than a day old: now", now.Add(-24*time.Hour - time.Second), window(11, 55), true, true},
		{"in the future: now", now.Add(time.Second), window(11, 55), true, true},
		{"the console's test event: now", time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), window(11, 55), true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, noChecks, warning := EvaluationTimeOf(now, tt.scheduled, 2*time.Minute)
			if m.Window != tt.window || (noChecks == "") != tt.checks || (warning != "") != tt.warning {
				t.Errorf("window %v, noChecks %q, warning %q", m.Window, noChecks, warning)
			}
			if !m.Now.Equal(now) {
				t.Errorf("ages are counted to %v", m.Now)
			}
		})
	}
}

// The checks are refused where the window could not be read, even if everything else
// was, and says that there is nothing against an action.
func TestNothingIsDecidedWithoutTheWindow(t *testing.T) {
	for name, r := range map[string]model.Resource{"idle": campaign(8), "too large": campaign(8, createdAgo(96*time.Hour))} {
		s := testSettings()
		if name == "too large" {
			s.StopIdle = model.Off
		}
		readings := readSilent(r, s, testMoment)
		if d := Decide(r, readings, s, testMoment); !d.Verdict.Changes() {
			t.Fatalf("%s: read completely it is %s (%s)", name, d.Verdict, d.Reason)
		}
		readings[windowQuery(r, testMoment)] = model.Series{}
		d := Decide(r, readings, s, testMoment)
		if want := "nothing is decided: its requests in the window could not be read completely"; d.Verdict != Refused || d.Reason != want {
			t.Errorf("%s: %s (%s)", name, d.Verdict, d.Reason)
		}
	}
}
