package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

func TestWrongClock(t *testing.T) {
	for _, tt := range []struct {
		name   string
		offset time.Duration
		known  bool
		want   string
	}{
		{"right", 0, true, ""},
		{"2 minutes ahead", 2 * time.Minute, true, ""},
		{"2 minutes behind", -2 * time.Minute, true, ""},
		{
			"a second more ahead", 2*time.Minute + time.Second, true,
			"the clock of this host is 2 min ahead of AWS's: it shows 2026-03-04 12:02:30, AWS 2026-03-04 12:00:29 UTC",
		},
		{
			"a second more behind", -2*time.Minute - time.Second, true,
			"the clock of this host is 2 min behind AWS's: it shows 2026-03-04 12:02:30, AWS 2026-03-04 12:04:31 UTC",
		},
		{"never compared", 0, false, "the clock of this host could not be compared with AWS's: no response had a date"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := WrongClock(testNow, tt.offset, tt.known); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// Nothing is decided by a wrong clock, whatever else was read.
func TestAWrongClockIsAReason(t *testing.T) {
	s := testSettings()
	s.WrongClock = "the clock of this host is 2 h ahead of AWS's"
	d := Decide(campaign(5), readEmpty(campaign(5), s, testMoment), s, testMoment)
	if d.Verdict != None || d.Checked || !slices.Equal(d.Codes, []ReasonCode{ReasonClock}) || d.Reason != "nothing is decided: "+s.WrongClock {
		t.Errorf("%+v", d)
	}
}

// A region's changes wait for our own metrics: the count of resources in the deployment region, any minimum elsewhere.
func TestRefuseLate(t *testing.T) {
	const home, away = "us-east-1", "eu-west-1"
	at := func(region, name string) model.Resource {
		return campaign(5, func(r *model.Resource) { r.ARN, r.Name = r.ARN.WithRegion(region).WithResource("campaign/"+name), name })
	}
	long := testMoment
	long.Window = MeasuredWindow(testNow, 15*time.Minute) // 11:40 to 11:45
	none := time.Duration(-1)
	for _, tt := range []struct {
		name   string
		region string
		m      EvaluationTime
		age    time.Duration // of the newest datapoint; none if there is none
		broken bool          // the answer is not complete
		late   string        // the reason
	}{
		{name: "the window before", region: home, m: testMoment, age: 12*time.Minute + 30*time.Second},
		{name: "to the second", region: away, m: testMoment, age: 20 * time.Minute},
		{
			name: "a second more", region: away, m: testMoment, age: 20*time.Minute + time.Second,
			late: "the newest of our own metrics is of 2026-03-04 11:42 UTC, 20 min ago; at most 20 min are accepted",
		},
		{name: "3 h", region: home, m: testMoment, age: 3 * time.Hour, late: "3 h ago; at most 20 min are accepted"},
		{name: "none", region: home, m: testMoment, age: none, late: "our own metrics of the last 24 h are missing"},
		{name: "of this cycle", region: home, m: testMoment, age: 7*time.Minute + 30*time.Second, late: "our own metrics of the last 24 h are missing"},
		{name: "not read", region: away, m: testMoment, age: 3 * time.Hour, broken: true, late: "could not be read"},
		{name: "read in part, but new", region: away, m: testMoment, age: 15 * time.Minute, broken: true},
		{name: "a long MetricDelay, the window before", region: home, m: long, age: 27*time.Minute + 30*time.Second},
		{
			name: "a long MetricDelay, the one before that", region: home, m: long, age: 32*time.Minute + 30*time.Second,
			late: "32 min ago; at most 27 min are accepted",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := testSettings()
			decisions := []Decision{
				{Resource: at(tt.region, "delete"), Verdict: Delete, Reason: "idle"},
				{Resource: at(tt.region, "step"), Verdict: StepDown, NewMinTPS: 3, Reason: "too large"},
				{Resource: at(tt.region, "would"), Verdict: None, Would: StepDown, WouldMin: 3, Reason: "dry run"},
				{Resource: at(tt.region, "kept"), Verdict: None, Reason: "kept"},
				{Resource: at("ap-south-1", "other"), Verdict: None, Reason: "not due"}, // nothing is asked about its region
			}
			var resources []model.Resource
			readings := model.Readings{}
			for i := range decisions {
				decisions[i].At = tt.m
				resources = append(resources, decisions[i].Resource)
				for _, q := range ownSeries(decisions[i], s) {
					readings[q] = steady(q, 5)
				}
			}
			for i, q := range ArrivalQueries(tt.region, resources, s, tt.m) {
				series := model.Series{Complete: !tt.broken}
				if i == 0 && tt.age != none { // one is enough
					series.Points = []model.Datapoint{{Time: testNow.Add(-tt.age), Value: 5}}
				}
				if readings[q] = series; i > 0 && tt.late == "" {
					readings[q] = steady(q, 5)
				}
			}
			before := slices.Clone(decisions)
			got := RefuseLate(decisions, readings, s, tt.m)
			if tt.late == "" {
				if len(got) > 0 || fmt.Sprint(decisions) != fmt.Sprint(before) {
					t.Errorf("late %+v, decisions %+v", got, decisions)
				}
				return
			}
			if len(got) != 1 || got[0].Region != tt.region || got[0].Refused != 3 || !strings.Contains(got[0].Reason, tt.late) {
				t.Errorf("late %+v, want %q", got, tt.late)
			}
			for i, d := range decisions {
				refused := d.Verdict == Refused && d.NewMinTPS == 0 && d.Would == None && d.Has(ReasonLate) && strings.Contains(d.Reason, tt.late)
				if refused != (i < 3) {
					t.Errorf("%s: %s (%s)", d.Resource.Name, d.Verdict, d.Reason)
				}
			}
		})
	}
}

// Late data do not show that people were notified before: they are not notified again.
func TestLateDataNotifyOfNoContest(t *testing.T) {
	for _, late := range []bool{true, false} {
		r := campaign(5)
		hold, contested := ownDatum(r, model.MetricStepDownHold, unitCount, 1, testMoment.Window), ownDatum(r, model.MetricMinimumContested, unitCount, 2, testMoment.Window)
		decisions := []Decision{{Resource: r, Verdict: Refused, Caution: Caution{NotifyContest: true, Remember: []model.Datum{hold, contested}}}}
		readings := model.Readings{}
		for _, q := range ArrivalQueries(r.Region(), []model.Resource{r}, testSettings(), testMoment) {
			readings[q] = model.Series{Complete: true}
			if !late {
				readings[q] = with(readings[q], testMoment.Window.Start.Add(-WindowLength), 1)
			}
		}
		RefuseLate(decisions, readings, testSettings(), testMoment)
		want := []model.Datum{hold, contested}
		if late {
			want = want[:1]
		}
		if c := decisions[0].Caution; c.NotifyContest == late || !slices.Equal(c.Remember, want) {
			t.Errorf("late %v: %+v", late, c)
		}
	}
}

// A change in a region that was not asked about is refused.
func TestRefuseLateWithoutAnAnswer(t *testing.T) {
	decisions := []Decision{{Resource: campaign(5), Verdict: StepDown, NewMinTPS: 3}}
	got := RefuseLate(decisions, nil, testSettings(), testMoment)
	if len(got) != 1 || decisions[0].Verdict != Refused || !strings.Contains(got[0].Reason, "could not be read") {
		t.Errorf("%+v, %+v", got, decisions)
	}
}

// Three of a region's resources are asked for, the oldest: a new one has no metrics yet.
func TestArrivalQueries(t *testing.T) {
	var resources []model.Resource
	for i := range 9 {
		resources = append(resources, campaign(5, createdAgo(time.Duration(i)*time.Hour), func(r *model.Resource) {
			r.ARN = r.ARN.WithResource(fmt.Sprintf("campaign/c%d", i))
		}))
	}
	queries := ArrivalQueries("eu-west-1", resources, testSettings(), testMoment)
	if len(queries) != 3 {
		t.Fatalf("%d queries", len(queries))
	}
	for i, q := range queries {
		if want := fmt.Sprintf("campaign/c%d", 8-i); !strings.HasSuffix(q.Metric.DimensionValue, want) || q.Metric.Name != "minProvisionedTPS" {
			t.Errorf("%s of %s, want %s", q.Metric.Name, q.Metric.DimensionValue, want)
		}
	}
	if queries := ArrivalQueries("us-east-1", resources, testSettings(), testMoment); len(queries) != 1 || queries[0].Metric.Name != "monitoredResourceCount" {
		t.Errorf("%+v", queries)
	}
}

// A change is refused if one of the answers of our own that it rests on is empty, or ends too early: it may
// lack more.
func TestAnAnswerWithoutOurLatestMetricsIsRefused(t *testing.T) {
	s := testSettings()
	for _, d := range []Decision{
		{Resource: campaign(5), Verdict: StepDown, NewMinTPS: 3, At: testMoment},
		{Resource: campaign(5), Verdict: None, Would: StepDown, WouldMin: 3, At: testMoment},
		{Resource: campaign(5), Verdict: Delete, At: testMoment},
		{Resource: recommender(5), Verdict: Stop, At: testMoment},
	} {
		own := ownSeries(d, s)
		for _, spoilt := range own {
			for _, tt := range []struct {
				name    string
				left    func(points []model.Datapoint) []model.Datapoint
				refused bool
			}{
				{"whole", func(p []model.Datapoint) []model.Datapoint { return p }, false},
				{"empty", func([]model.Datapoint) []model.Datapoint { return nil }, true},
				{"ends early", func(p []model.Datapoint) []model.Datapoint { return p[:len(p)-5] }, true},
				{"without the newest", func(p []model.Datapoint) []model.Datapoint { return p[:len(p)-1] }, false},
			} {
				if tt.name == "without the newest" && spoilt.Period == time.Hour {
					continue // an hour is too long
				}
				readings := model.Readings{}
				for _, q := range append(own, ArrivalQueries(d.Resource.Region(), []model.Resource{d.Resource}, s, testMoment)...) {
					readings[q] = steady(q, 5)
				}
				if spoilt == minimumQuery(d.Resource, testMoment) { // by which the region is judged
					q := RunningQuery(d.Resource.Region(), dayWindow(testMoment))
					s.DeploymentRegion, readings[q] = d.Resource.Region(), steady(q, 1)
				} else {
					s.DeploymentRegion = testSettings().DeploymentRegion
				}
				readings[spoilt] = model.Series{Points: tt.left(readings[spoilt].Points), Complete: true}
				decisions := []Decision{d}
				late := RefuseLate(decisions, readings, s, testMoment)
				if got := decisions[0]; len(late) > 0 || (got.Verdict == Refused && got.Has(ReasonUnwatched)) != tt.refused {
					t.Errorf("%s, %s %s: %s (%s), late %v", d.Verdict, spoilt.Metric.Name, tt.name, got.Verdict, got.Reason, late)
				}
			}
		}
	}
}
