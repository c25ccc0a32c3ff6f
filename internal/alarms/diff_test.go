package alarms

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

var testNow = time.Date(2026, 3, 4, 12, 2, 30, 0, time.UTC)

func campaign(minTPS int, change ...func(*model.Resource)) model.Resource {
	r := model.Resource{
		ARN:  model.NewARN("aws", "personalize", "eu-west-1", "123456789012", "campaign/home"),
		Kind: model.Campaign, Name: "home", Recipe: "aws-user-personalization", Status: model.StatusActive, MinTPS: minTPS,
		Created: testNow.Add(-30 * 24 * time.Hour), LastUpdated: testNow.Add(-30 * 24 * time.Hour),
		Described: true, Observed: testNow,
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

func recommender(minRPS int, change ...func(*model.Resource)) model.Resource {
	return campaign(minRPS, append([]func(*model.Resource){func(r *model.Resource) {
		r.Kind, r.ARN, r.Recipe = model.Recommender, r.ARN.WithResource("recommender/home"), "aws-ecomm-recommended-for-you"
	}}, change...)...)
}

func createdAgo(d time.Duration) func(*model.Resource) {
	return func(r *model.Resource) { r.Created, r.LastUpdated = testNow.Add(-d), testNow.Add(-d) }
}

func recipe(name string) func(*model.Resource) {
	return func(r *model.Resource) { r.Recipe = name }
}

func testParams() Params {
	return Params{LowUtilization: true, Threshold: 100, Idle: true, IdleHours: 24}
}

func TestWantedAlarms(t *testing.T) {
	topic := []string{testTopic.String()}
	got := DesiredFor(campaign(3, recipe("aws-personalized-ranking-v2")), rules.Throughput{Readable: true}, testTopic, testParams(), testNow)
	arn := campaign(3).ARN
	want := []Desired{
		{
			Name: "PersonalizeMonitor-LowCampaignUtilization-home", Resource: arn, Type: LowUtilization,
			Settings: Settings{
				Metric: model.Metric{Namespace: "PersonalizeMonitor", Name: "campaignUtilization", DimensionName: "CampaignArn", DimensionValue: arn.String()},
				Stat:   model.Average, PeriodSeconds: 300, EvaluationPeriods: 12, DatapointsToAlarm: 9, Threshold: 100,
				Comparison: "LessThanThreshold", MissingData: "missing", OKActions: topic, AlarmActions: topic, ActionsOn: true,
			},
		},
		{
			Name: "PersonalizeMonitor-IdleCampaign-home", Resource: arn, Type: Idle,
			Settings: Settings{
				Metric: model.Metric{Namespace: "AWS/Personalize", Name: "GetPersonalizedRanking", DimensionName: "CampaignArn", DimensionValue: arn.String()},
				Stat:   model.Sum, PeriodSeconds: 300, EvaluationPeriods: 288,
				Comparison: "LessThanOrEqualToThreshold", MissingData: "breaching", OKActions: topic, AlarmActions: topic, ActionsOn: true,
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	names := []string{}
	for _, w := range DesiredFor(recommender(3), rules.Throughput{Readable: true}, testTopic, testParams(), testNow) {
		names = append(names, w.Name)
	}
	if diff := cmp.Diff([]string{"PersonalizeMonitor-LowRecommenderUtilization-home", "PersonalizeMonitor-IdleRecommender-home"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestActionsComeOnByTheirCondition(t *testing.T) {
	tests := []struct {
		name      string
		resource  model.Resource
		low, idle bool
	}{
		{"a minimum of 1 cannot be lowered", campaign(1), false, true},
		{"a minimum of 2 can", campaign(2), true, true},
		{"24 h old to the second", campaign(1, createdAgo(24*time.Hour)), false, true},
		{"a second younger", campaign(2, createdAgo(24*time.Hour-time.Second)), true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := DesiredFor(tt.resource, rules.Throughput{Readable: true}, testTopic, testParams(), testNow)
			if w[0].Settings.ActionsOn != tt.low || w[1].Settings.ActionsOn != tt.idle {
				t.Errorf("low %v, idle %v", w[0].Settings.ActionsOn, w[1].Settings.ActionsOn)
			}
		})
	}
}

// CloudWatch takes Period × EvaluationPeriods up to a day, and up to a week where the
// period is an hour or more.
func TestIdlePeriodsStayWithinWhatCloudWatchTakes(t *testing.T) {
	for hours := 1; hours <= 168; hours++ {
		period, evaluations := idlePeriods(hours)
		total := period * evaluations
		if total != hours*3600 || total > 604800 || (period < 3600 && total > 86400) {
			t.Errorf("%d h: %d × %d s", hours, evaluations, period)
		}
	}
}

// existing makes the alarm in CloudWatch after a change.
func existing(c Change, state State) Alarm {
	return Alarm{Name: c.Name, ARN: "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:" + c.Name, Description: c.Description, Settings: c.Settings, State: state}
}

func wantedLow(minTPS int, p Params) Desired {
	return DesiredFor(campaign(minTPS), rules.Throughput{Readable: true}, testTopic, p, testNow)[0]
}

func diffOne(t *testing.T, w Desired, a Alarm) Change {
	t.Helper()
	changes := Diff([]Desired{w}, []Alarm{a}, func(model.ARN) ResourceState { return Monitored }, testNow)
	if len(changes) != 1 {
		t.Fatalf("%d changes", len(changes))
	}
	return changes[0]
}

func TestAlarmIsCreatedWithActionsOffAndSwitchedOnLater(t *testing.T) {
	w := wantedLow(5, testParams())
	created := Diff([]Desired{w}, nil, nil, testNow)[0]
	if created.Kind != Create || created.Settings.ActionsOn {
		t.Fatalf("created: %+v", created)
	}
	tests := []struct {
		name  string
		state State
		kind  ChangeKind
		reset bool
	}{
		{"not evaluated yet: it waits", StateInsufficient, Keep, false},
		{"OK: silently", StateOK, Update, false},
		{"in ALARM: with a reset, so that it notifies people", StateAlarm, Update, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := diffOne(t, w, existing(created, tt.state))
			if got.Kind != tt.kind || got.Reset != tt.reset || (got.Kind == Update && !got.Settings.ActionsOn) {
				t.Errorf("%+v", got)
			}
			if got.Kind == Update {
				if after := diffOne(t, w, existing(got, StateOK)); after.Kind != Keep || after.Reason != "" {
					t.Errorf("then: %+v", after)
				}
			}
		})
	}
}

func TestResetThatWasLostIsMadeGood(t *testing.T) {
	w := wantedLow(5, testParams())
	on := diffOne(t, w, existing(Diff([]Desired{w}, nil, nil, testNow)[0], StateAlarm))
	a := existing(on, StateAlarm)
	a.Configured = testNow
	for _, tt := range []struct {
		name    string
		changed time.Time
		state   State
		kind    ChangeKind
	}{
		{"in ALARM since before it was switched on", testNow.Add(-time.Second), StateAlarm, Reset},
		{"changed at that very second", testNow, StateAlarm, Keep},
		{"in ALARM again since", testNow.Add(time.Second), StateAlarm, Keep},
		{"reset, not evaluated yet", testNow.Add(time.Second), StateInsufficient, Keep},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a.StateChanged, a.State = tt.changed, tt.state
			if got := diffOne(t, w, a); got.Kind != tt.kind {
				t.Errorf("%+v", got)
			}
		})
	}
	// Once it has notified, neither a later change of ours nor a person's makes it notify again.
	a.StateChanged, a.State, a.Configured = testNow.Add(time.Minute), StateAlarm, testNow.Add(time.Hour)
	if got := diffOne(t, w, a); got.Kind != Keep {
		t.Errorf("written again later: %+v", got)
	}
	stricter := testParams()
	stricter.Threshold = 50
	again := existing(diffOne(t, wantedLow(5, stricter), a), StateAlarm)
	again.StateChanged, again.Configured = a.StateChanged, testNow.Add(2*time.Hour)
	if got := diffOne(t, wantedLow(5, stricter), again); got.Kind != Keep {
		t.Errorf("after a new threshold: %+v", got)
	}
}

func TestAlarmsFollowTheParameters(t *testing.T) {
	w := wantedLow(5, testParams())
	on := existing(diffOne(t, w, existing(Diff([]Desired{w}, nil, nil, testNow)[0], StateOK)), StateOK)

	stricter := testParams()
	stricter.Threshold = 50
	got := diffOne(t, wantedLow(5, stricter), on)
	if got.Kind != Update || got.Settings.Threshold != 50 || !got.Settings.ActionsOn {
		t.Errorf("a changed threshold: %+v", got)
	}
	if got = diffOne(t, wantedLow(1, testParams()), on); got.Kind != Update || got.Settings.ActionsOn {
		t.Errorf("a minimum of 1 switches actions off: %+v", got)
	}

	longer := testParams()
	longer.IdleHours = 48
	idle := DesiredFor(campaign(5), rules.Throughput{Readable: true}, testTopic, testParams(), testNow)[1]
	idleOn := existing(Diff([]Desired{idle}, nil, nil, testNow)[0], StateInsufficient)
	got = diffOne(t, DesiredFor(campaign(5), rules.Throughput{Readable: true}, testTopic, longer, testNow)[1], idleOn)
	if got.Kind != Update || got.Settings.PeriodSeconds != 3600 || got.Settings.EvaluationPeriods != 48 {
		t.Errorf("a longer idle time: %+v", got)
	}
}

func TestWhatAPersonChangedStays(t *testing.T) {
	w := wantedLow(5, testParams())
	on := existing(diffOne(t, w, existing(Diff([]Desired{w}, nil, nil, testNow)[0], StateOK)), StateOK)
	stricter := testParams()
	stricter.Threshold = 50
	tests := []struct {
		name   string
		change func(*Alarm)
		want   Desired
		kind   ChangeKind
		check  func(Settings) bool
		reason string
	}{
		{"the threshold", func(a *Alarm) { a.Settings.Threshold = 30 }, wantedLow(5, stricter), Keep, nil, "condition"},
		{"actions switched off", func(a *Alarm) { a.Settings.ActionsOn = false }, w, Keep, nil, "on"},
		{"actions switched off in ALARM", func(a *Alarm) { a.Settings.ActionsOn, a.State = false, StateAlarm }, w, Keep, nil, "on"},
		{
			"a further action, while the threshold follows", func(a *Alarm) {
				a.Settings.AlarmActions = append([]string{"arn:aws:sns:eu-west-1:123456789012:chat"}, a.Settings.AlarmActions...)
			},
			wantedLow(5, stricter), Update, func(s Settings) bool { return len(s.AlarmActions) == 2 && s.Threshold == 50 }, "actions",
		},
		{
			"the evaluation window, while the threshold follows", func(a *Alarm) { a.Settings.EvaluationPeriods = 6; a.Settings.DatapointsToAlarm = 6 },
			wantedLow(5, stricter), Update, func(s Settings) bool { return s.EvaluationPeriods == 6 && s.Threshold == 50 }, "window",
		},
		{"the description: it is theirs altogether", func(a *Alarm) { a.Description = "my alarm" }, wantedLow(5, stricter), Keep, nil, "no fingerprint"},
		{
			"the description, cut off: it is theirs altogether", func(a *Alarm) { a.Description = strings.TrimSuffix(a.Description, "]") },
			wantedLow(5, stricter), Keep, nil, "no fingerprint",
		},
		{"metric math: theirs altogether", func(a *Alarm) { a.Foreign = true }, wantedLow(5, stricter), Keep, nil, "changed by a person"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := on
			tt.change(&a)
			got := diffOne(t, tt.want, a)
			if got.Kind != tt.kind || !strings.Contains(got.Reason, tt.reason) || (tt.check != nil && !tt.check(got.Settings)) {
				t.Fatalf("%+v", got)
			}
			if got.Kind == Update { // what is theirs is still known as theirs afterwards
				after := diffOne(t, w, existing(got, StateOK))
				if tt.check != nil && after.Kind == Update && after.Settings.EvaluationPeriods != got.Settings.EvaluationPeriods {
					t.Errorf("then: %+v", after)
				}
				if !strings.Contains(after.Reason, tt.reason) {
					t.Errorf("then the reason is %q", after.Reason)
				}
			}
		})
	}
}

func TestSampleAlarmsAreAdopted(t *testing.T) {
	topic := []string{testTopic.String()}
	low, idle := wantedLow(5, testParams()), DesiredFor(campaign(5, recipe("aws-personalized-ranking-v2")), rules.Throughput{Readable: true}, testTopic, testParams(), testNow)[1]
	originalLow := Alarm{Name: low.Name, Description: sampleLowDescription, State: StateOK, Settings: low.Settings}
	originalIdle := Alarm{Name: idle.Name, Description: sampleIdleDescription, State: StateOK, Settings: idle.Settings}
	with := func(a Alarm, f func(*Alarm)) Alarm {
		a.Settings.OKActions, a.Settings.AlarmActions = topic, topic
		f(&a)
		return a
	}
	longer := testParams()
	longer.IdleHours, longer.Threshold = 48, 60
	tests := []struct {
		name  string
		want  Desired
		alarm Alarm
		kind  ChangeKind
	}{
		{"as it should be: taken over as it is", low, with(originalLow, func(*Alarm) {}), Adopt},
		{"the default threshold follows a new one", wantedLow(5, longer), with(originalLow, func(*Alarm) {}), Update},
		{"another threshold is a person's", low, with(originalLow, func(a *Alarm) { a.Settings.Threshold = 42 }), Keep},
		{"another action is a person's", wantedLow(5, longer), with(originalLow, func(a *Alarm) { a.Settings.AlarmActions = nil }), Keep},
		{"another description is a person's", wantedLow(5, longer), with(originalLow, func(a *Alarm) { a.Description = "mine" }), Keep},
		{"the wrong metric of a newer ranking recipe is mended", idle, with(originalIdle, func(a *Alarm) { a.Settings.Metric.Name = "GetRecommendations" }), Update},
		{
			"the default idle time follows a new one", DesiredFor(campaign(5), rules.Throughput{Readable: true}, testTopic, longer, testNow)[1],
			with(originalIdle, func(a *Alarm) { a.Settings.Metric.Name = "GetRecommendations" }), Update,
		},
		{
			"another description of the idle alarm is a person's", DesiredFor(campaign(5), rules.Throughput{Readable: true}, testTopic, longer, testNow)[1],
			with(originalIdle, func(a *Alarm) { a.Description, a.Settings.Metric.Name = "mine", "GetRecommendations" }), Keep,
		},
		{"another metric is a person's", idle, with(originalIdle, func(a *Alarm) { a.Settings.Metric.Name = "GetActionRecommendations" }), Keep},
		{"another idle time is a person's", idle, with(originalIdle, func(a *Alarm) { a.Settings.EvaluationPeriods = 24 }), Keep},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := diffOne(t, tt.want, tt.alarm); got.Kind != tt.kind {
				t.Errorf("%+v", got)
			}
		})
	}
}

// An alarm of the sample's is written once, as it is, and follows the parameters
// from then on, whatever it was deployed with.
func TestASampleAlarmTakenOverFollowsTheParameters(t *testing.T) {
	deployed, later := testParams(), testParams()
	deployed.Threshold, later.Threshold = 80, 60
	wanted := wantedLow(5, deployed)
	alarm := Alarm{Name: wanted.Name, Description: sampleLowDescription, State: StateAlarm, Settings: wanted.Settings}
	taken := diffOne(t, wanted, alarm)
	if taken.Kind != Adopt || taken.Reset || !reflect.DeepEqual(taken.Settings, alarm.Settings) {
		t.Fatalf("taken over by %+v", taken)
	}
	alarm.Description = taken.Description
	if again := diffOne(t, wanted, alarm); again.Kind != Keep {
		t.Errorf("again: %+v", again)
	}
	if next := diffOne(t, wantedLow(5, later), alarm); next.Kind != Update || next.Settings.Threshold != 60 {
		t.Errorf("with another threshold: %+v", next)
	}
}

func TestUnwantedAlarms(t *testing.T) {
	alarm := existing(Diff([]Desired{wantedLow(5, testParams())}, nil, nil, testNow)[0], StateOK)
	alarm.ARN = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:" + alarm.Name
	tests := []struct {
		name     string
		standing ResourceState
		change   func(*Alarm)
		kind     ChangeKind
		ownOnly  bool
	}{
		{"its resource is gone", Gone, nil, Delete, false},
		{"its resource is stopped or being deleted", Inactive, nil, Delete, false},
		{"switched off: only this deployment's", Monitored, nil, Delete, true},
		{"nothing is known of its resource", Unknown, nil, Keep, false},
		{"a person's alarm under our prefix", Gone, func(a *Alarm) { a.Name = Prefix + "latency" }, Keep, false},
		{"a name and a dimension that do not fit", Gone, func(a *Alarm) { a.Settings.Metric.DimensionValue += "-2" }, Keep, false},
		{"no dimension", Gone, func(a *Alarm) { a.Settings.Metric = model.Metric{} }, Keep, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := alarm
			if tt.change != nil {
				tt.change(&a)
			}
			got := Diff(nil, []Alarm{a}, func(model.ARN) ResourceState { return tt.standing }, testNow)[0]
			if got.Kind != tt.kind || got.OwnOnly != tt.ownOnly {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestTrafficThatCannotBeSeenHasNoAlarms(t *testing.T) {
	if got := DesiredFor(campaign(8, recipe("aws-next-best-action")), rules.Throughput{Invisible: true}, testTopic, testParams(), testNow); got != nil {
		t.Errorf("desired: %v", got)
	}
}

func TestUncertainResourcesKeepTheirAlarms(t *testing.T) {
	tests := []struct {
		name     string
		resource model.Resource
		t        rules.Throughput
		want     bool
	}{
		{"measured", campaign(1), rules.Throughput{Readable: true}, true},
		{"window unread, recipe known", campaign(1), rules.Throughput{}, true},
		{"a stale copy", campaign(1, func(r *model.Resource) { r.Stale = true }), rules.Throughput{Readable: true}, false},
		{"recipe unread", campaign(1, recipe("")), rules.Throughput{}, false},
		{"recipe unread, whatever else is known", campaign(1, recipe("")), rules.Throughput{Readable: true}, false},
		{"traffic known to be invisible", campaign(1, recipe("aws-next-best-action")), rules.Throughput{Invisible: true}, true},
		{"visibility unread", campaign(1, recipe("aws-next-best-action")), rules.Throughput{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Known(tt.resource, tt.t); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// Over many windows every change comes first once, so that none waits for ever.
func TestRotateIsFair(t *testing.T) {
	changes := make([]Change, 7)
	for i := range changes {
		changes[i].Name = string(rune('a' + i))
	}
	first := map[string]bool{}
	for window := range 70 {
		at := rules.MeasuredWindow(testNow, 2*time.Minute).Start.Add(time.Duration(window) * rules.WindowLength)
		got := Rotate(changes, model.NewWindow(at, at.Add(rules.WindowLength)))
		if len(got) != len(changes) {
			t.Fatal("lost some")
		}
		first[got[0].Name] = true
	}
	if len(first) != len(changes) {
		t.Errorf("only %d of %d ever come first", len(first), len(changes))
	}
	if Rotate(nil, rules.MeasuredWindow(testNow, 2*time.Minute)) != nil {
		t.Error("nothing stays nothing")
	}
}

// Of a list of any length a cycle comes as far as its time, and the next ones do the rest.
func TestRotateLeavesNothingForLong(t *testing.T) {
	const made = 720
	for _, length := range []int{710, 1418, 1440, 8001, 16002, 21_270} {
		changes, came := make([]Change, length), map[string]bool{}
		for i := range changes {
			changes[i].Name = strconv.Itoa(i)
		}
		cycles := 0
		for at := rules.MeasuredWindow(testNow, 2*time.Minute).Start; len(came) < length && cycles < length; at = at.Add(rules.WindowLength) {
			for _, c := range Rotate(changes, model.NewWindow(at, at.Add(rules.WindowLength)))[:min(made, length)] {
				came[c.Name] = true
			}
			cycles++
		}
		if most := length/700 + 2; cycles > most {
			t.Errorf("%d changes take %d cycles, want at most %d", length, cycles, most)
		}
	}
}

func FuzzReadFingerprint(f *testing.F) {
	f.Add(describe(LowUtilization, model.Campaign, wantedLow(5, testParams()).Settings.fingerprint()))
	f.Add(sampleIdleDescription)
	f.Add("x [pm1 metric= window]")
	f.Fuzz(func(t *testing.T, description string) {
		w, ok := readFingerprint(description)
		if !ok {
			return
		}
		again, ok := readFingerprint(describe(Idle, model.Campaign, w))
		if ok && !cmp.Equal(w[groupWindow], again[groupWindow]) {
			t.Errorf("%v became %v", w, again)
		}
	})
}

func TestAlarmsOfTheSampleAreKnownByTheirDescription(t *testing.T) {
	const arn = "arn:aws:personalize:eu-west-1:123456789012:campaign/home"
	low, idle := LowUtilization.Name(model.Campaign, "home"), Idle.Name(model.Campaign, "home")
	tests := []struct {
		name                                 string
		alarm, description, dimension, value string
		want                                 bool
	}{
		{"low utilization", low, sampleLowDescription, "CampaignArn", arn, true},
		{"idle", idle, sampleIdleDescription, "CampaignArn", arn, true},
		{"the description of the other alarm", idle, sampleLowDescription, "CampaignArn", arn, false},
		{"described by a person", low, "mine", "CampaignArn", arn, false},
		{"taken over", low, describe(LowUtilization, model.Campaign, wantedLow(5, testParams()).Settings.fingerprint()), "CampaignArn", arn, true},
		{"with a broken fingerprint", low, sampleLowDescription + fingerprintStart, "CampaignArn", arn, false},
		{"with a fingerprint that lacks a group", low, sampleIdleDescription + fingerprintStart + "metric=1 window=2 condition=3 actions=4" + fingerprintEnd, "CampaignArn", arn, false},
		{"named for another resource", low + "-page", sampleLowDescription, "CampaignArn", arn, false},
		{"of another name", Prefix + "mine-home", sampleLowDescription, "CampaignArn", arn, false},
		{"of another kind of resource", low, sampleLowDescription, "RecommenderArn", arn, false},
		{"of no resource", low, sampleLowDescription, "", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := Alarm{Name: tt.alarm, Description: tt.description}
			a.Settings.Metric = model.Metric{DimensionName: tt.dimension, DimensionValue: tt.value}
			if got := FromSample(a); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
