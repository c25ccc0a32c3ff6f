package alarms

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

const (
	home        = awsbed.Home
	other       = awsbed.Other
	testAccount = awsbed.Account
)

var (
	testTime  = awsbed.Time
	testTopic = awsbed.TopicIn(home)
	ctxAll    = context.Background()
)

// world is the AWS of a test.
type world struct{ *awsbed.World }

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{awsbed.New(t)}
}

func (w *world) actor(change ...func(*writer.Options)) (*Alarms, *awsbed.Log) {
	wr, log := w.Writer(change...)
	return New(wr), log
}

var alarmParams = Params{LowUtilization: true, Threshold: 100, Idle: true, IdleHours: 24}

// diff are the changes to the alarms of the home region.
func (w *world) diff(a *Alarms, resources []model.Resource, p Params, standing ResourceState) []Change {
	w.T.Helper()
	actual, err := a.List(context.Background(), home)
	w.Must(err)
	var wanted []Desired
	for _, r := range resources {
		wanted = append(wanted, DesiredFor(r, rules.Throughput{Readable: true}, testTopic, p, w.Clock.Now())...)
	}
	return Diff(wanted, actual, func(model.ARN) ResourceState { return standing }, w.Clock.Now())
}

// reconcile reconciles the alarms of the home region.
func (w *world) reconcile(a *Alarms, resources []model.Resource, p Params, standing ResourceState) Counts {
	w.T.Helper()
	counts, problems := a.Reconcile(context.Background(), ReconcileInput{Region: home, Changes: w.diff(a, resources, p, standing)})
	w.NoProblems(problems)
	return counts
}

func (w *world) wantCounts(got, want Counts) {
	w.T.Helper()
	if got != want {
		w.T.Errorf("counts %+v, want %+v", got, want)
	}
}

// rewrite changes an alarm as a person would.
func (w *world) rewrite(name string, change func(*cloudwatch.PutMetricAlarmInput)) {
	w.T.Helper()
	a := toAlarm(w.Alarm(name))
	in := fromAlarm(name, a.Description, a.Settings)
	change(in)
	_, err := w.Raw.CloudWatch(home).PutMetricAlarm(context.Background(), in)
	w.Must(err)
}

func TestAlarmsAreCreatedOnceWithTagsAndActionsOff(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.wantCounts(w.reconcile(a, awsbed.Campaigns(home, 3), alarmParams, Monitored), Counts{Created: 6})
	w.WantWrites(map[string]int{"cloudwatch.PutMetricAlarm": 6})

	m := w.Alarm("PersonalizeMonitor-LowCampaignUtilization-c001")
	if *m.ActionsEnabled || !slices.Equal(m.AlarmActions, []string{testTopic.String()}) || m.Unit != "" || aws.ToInt32(m.DatapointsToAlarm) != 9 {
		t.Errorf("got %+v", m)
	}
	out, err := w.Raw.CloudWatch(home).ListTagsForResource(context.Background(), &cloudwatch.ListTagsForResourceInput{ResourceARN: m.AlarmArn})
	w.Must(err)
	got := map[string]string{}
	for _, tag := range out.Tags {
		got[*tag.Key] = *tag.Value
	}
	if len(got) != 2 || got["CreatedBy"] != "PersonalizeMonitor" || got["Deployment"] != "cli" {
		t.Errorf("tags %v", got)
	}

	w.Server.ResetCalls()
	w.wantCounts(w.reconcile(a, awsbed.Campaigns(home, 3), alarmParams, Monitored), Counts{Kept: 6})
	w.WantWrites(map[string]int{})
}

func TestADryRunOfAlarmsCountsWhatItWouldWrite(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.reconcile(a, awsbed.Campaigns(home, 2), alarmParams, Monitored)
	w.Writes()

	dry, log := w.actor(awsbed.DryRun)
	p := alarmParams
	p.Threshold, p.Idle = 50, false
	w.wantCounts(w.reconcile(dry, awsbed.Campaigns(home, 3), p, Monitored), Counts{Created: 1, Updated: 2, Deleted: 2})
	w.WantWrites(map[string]int{})
	if log.Count("dry run, would write", "op=PutMetricAlarm", "create alarm PersonalizeMonitor-LowCampaignUtilization-c002") != 1 ||
		log.Count("dry run, would write", "op=DeleteAlarms", "delete 2 alarms") != 1 {
		t.Errorf("log:\n%s", log.String())
	}
}

func TestAChangedParameterUpdatesOurAlarmsAndAPersonsSettingsStay(t *testing.T) {
	w := newWorld(t)
	a, log := w.actor()
	w.reconcile(a, awsbed.Campaigns(home, 2), alarmParams, Monitored)
	const edited = "PersonalizeMonitor-LowCampaignUtilization-c000"
	extra := "arn:aws:sns:eu-west-1:123456789012:pager"
	w.rewrite(edited, func(in *cloudwatch.PutMetricAlarmInput) {
		in.AlarmActions = append(in.AlarmActions, extra)
		in.EvaluationPeriods, in.DatapointsToAlarm = aws.Int32(6), aws.Int32(6)
	})
	w.Writes()

	p := alarmParams
	p.Threshold = 50
	w.wantCounts(w.reconcile(a, awsbed.Campaigns(home, 2), p, Monitored), Counts{Updated: 2, Kept: 2})
	w.WantWrites(map[string]int{"cloudwatch.PutMetricAlarm": 2})
	m := w.Alarm(edited)
	if aws.ToFloat64(m.Threshold) != 50 || !slices.Contains(m.AlarmActions, extra) || aws.ToInt32(m.EvaluationPeriods) != 6 {
		t.Errorf("got %+v", m)
	}
	for range 2 {
		w.wantCounts(w.reconcile(a, awsbed.Campaigns(home, 2), p, Monitored), Counts{Kept: 4})
	}
	w.WantWrites(map[string]int{})
	if n := log.Count("level=INFO", "alarm kept", edited, "changed by a person"); n != 1 {
		t.Errorf("logged %d times that it is a person's, want once at info", n)
	}
	if n := log.Count("level=DEBUG", "alarm kept", edited, "changed by a person"); n != 1 {
		t.Errorf("logged %d times that it is a person's at debug", n)
	}
}

func TestForeignAlarmsStay(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.reconcile(a, awsbed.Campaigns(home, 1), alarmParams, Monitored)
	w.rewrite("PersonalizeMonitor-IdleCampaign-c000", func(in *cloudwatch.PutMetricAlarmInput) { in.Unit = types.StandardUnitCount })
	w.Writes()
	p := alarmParams
	p.IdleHours = 48
	w.wantCounts(w.reconcile(a, awsbed.Campaigns(home, 1), p, Monitored), Counts{Kept: 2})
	w.WantWrites(map[string]int{})
}

func TestTheSamplesAlarmsAreAdopted(t *testing.T) {
	w := newWorld(t)
	for _, r := range awsbed.Campaigns(home, 1) {
		for _, in := range awsbed.SampleAlarms(r) {
			_, err := w.Raw.CloudWatch(home).PutMetricAlarm(context.Background(), in)
			w.Must(err)
		}
	}
	w.Writes()
	a, _ := w.actor()
	p := alarmParams
	p.Threshold, p.IdleHours = 80, 48
	w.wantCounts(w.reconcile(a, awsbed.Campaigns(home, 1), p, Monitored), Counts{Updated: 2})
	w.WantWrites(map[string]int{"cloudwatch.PutMetricAlarm": 2, "cloudwatch.TagResource": 2})
	if m := w.Alarm("PersonalizeMonitor-IdleCampaign-c000"); aws.ToInt32(m.Period) != 3600 || aws.ToInt32(m.EvaluationPeriods) != 48 {
		t.Errorf("idle alarm: %+v", m)
	}
	w.wantCounts(w.reconcile(a, awsbed.Campaigns(home, 1), p, Monitored), Counts{Kept: 2})

	// They are this deployment's now, and removed where switched off.
	p.Idle = false
	w.wantCounts(w.reconcile(a, awsbed.Campaigns(home, 1), p, Monitored), Counts{Deleted: 1, Kept: 1})
}

func TestAnAlarmSwitchedOnInAlarmIsReset(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	ctx := context.Background()
	resources := awsbed.Campaigns(home, 1)
	w.reconcile(a, resources, alarmParams, Monitored)
	const name = "PersonalizeMonitor-IdleCampaign-c000"
	inAlarm := func() {
		_, err := w.Raw.CloudWatch(home).SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{
			AlarmName: aws.String(name), StateValue: types.StateValueAlarm, StateReason: aws.String("test"),
		})
		w.Must(err)
	}
	inAlarm()
	w.Writes()
	w.Clock.Advance(time.Second)

	changes := w.diff(a, resources, alarmParams, Monitored)
	i := slices.IndexFunc(changes, func(c Change) bool { return c.Name == name })
	if changes[i].Kind != Update || !changes[i].Reset {
		t.Fatalf("change %+v", changes[i])
	}
	// The program is stopped before the reset: the alarm is in ALARM, with its actions on.
	w.Server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "SetAlarmState", Code: "ValidationError"})
	counts, problems := a.Reconcile(ctx, ReconcileInput{Region: home, Changes: changes[i : i+1]})
	w.wantCounts(counts, Counts{Updated: 1})
	if len(problems) != 1 || problems[0].Operation != "SetAlarmState" || problems[0].ARN != resources[0].ARN.String() {
		t.Fatalf("problems %v", problems)
	}
	if m := w.Alarm(name); !*m.ActionsEnabled || m.StateValue != types.StateValueAlarm {
		t.Fatalf("got %+v", m)
	}

	w.Server.ClearFaults()
	w.Writes()
	w.wantCounts(w.reconcile(a, resources, alarmParams, Monitored), Counts{Updated: 1, Kept: 1})
	w.WantWrites(map[string]int{"cloudwatch.SetAlarmState": 1})
	if m := w.Alarm(name); m.StateValue != types.StateValueInsufficientData || *m.StateReason != resetReason {
		t.Errorf("got %+v", m)
	}

	counts, problems = a.Reconcile(ctx, ReconcileInput{Region: home, Changes: []Change{{Kind: Reset, Name: "PersonalizeMonitor-IdleCampaign-gone"}}})
	w.wantCounts(counts, Counts{Updated: 1})
	w.NoProblems(problems)
}

func TestAnUpdateWithResetWritesBoth(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	r := awsbed.Campaigns(home, 1)
	w.reconcile(a, r, alarmParams, Monitored)
	changes := []Change{{
		Kind: Update, Reset: true, Name: "PersonalizeMonitor-LowCampaignUtilization-c000", Resource: r[0].ARN, Settings: testSettings(),
	}}
	changes[0].Settings.AlarmActions, changes[0].Settings.OKActions, changes[0].Settings.InsufficientActions = nil, nil, nil
	w.Writes()
	counts, problems := a.Reconcile(context.Background(), ReconcileInput{Region: home, Changes: changes})
	w.wantCounts(counts, Counts{Updated: 1})
	w.NoProblems(problems)
	w.WantWrites(map[string]int{"cloudwatch.PutMetricAlarm": 1, "cloudwatch.SetAlarmState": 1})
}

func TestWorkThatDoesNotFitTheTimeIsLeft(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	resources := awsbed.Campaigns(home, 10)
	changes := w.diff(a, resources, alarmParams, Monitored)
	run := func(until time.Time) Counts {
		counts, problems := a.Reconcile(context.Background(), ReconcileInput{Region: home, Changes: changes, Until: until})
		w.NoProblems(problems)
		return counts
	}
	w.wantCounts(run(w.Clock.Now()), Counts{Left: 20})
	w.WantWrites(map[string]int{})
	// Three at once, then three a second.
	w.wantCounts(run(w.Clock.Now().Add(2*time.Second)), Counts{Created: 9, Left: 11})

	changes = w.diff(a, resources, alarmParams, Monitored)
	w.wantCounts(run(time.Time{}), Counts{Created: 11, Kept: 9})
	w.wantCounts(w.reconcile(a, resources, alarmParams, Monitored), Counts{Kept: 20})

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	deletions := w.diff(a, nil, alarmParams, Gone)
	counts, problems := a.Reconcile(ctx, ReconcileInput{Region: home, Changes: deletions})
	w.NoProblems(problems)
	w.wantCounts(counts, Counts{Left: 20})
	w.Writes()
	counts, _ = a.Reconcile(context.Background(), ReconcileInput{Region: home, Changes: deletions, Until: w.Clock.Now()})
	w.wantCounts(counts, Counts{Left: 20})
	w.WantWrites(map[string]int{})
}

func TestADeniedOperationIsReportedOnce(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.Server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "PutMetricAlarm", Code: "AccessDenied", Message: "not authorized"})
	changes := w.diff(a, awsbed.Campaigns(home, 10), alarmParams, Monitored)
	counts, problems := a.Reconcile(context.Background(), ReconcileInput{Region: home, Changes: changes})
	w.wantCounts(counts, Counts{})
	w.WantWrites(map[string]int{"cloudwatch.PutMetricAlarm": 3})
	if len(problems) != 1 || problems[0].Region != home || problems[0].Operation != "PutMetricAlarm" ||
		!strings.Contains(problems[0].Err.Error(), "failed 3 times in a row, 17 more not tried") {
		t.Fatalf("problems %v", problems)
	}
	if strings.Contains(problems[0].Err.Error(), "operation error") {
		t.Errorf("not one clear line: %v", problems[0])
	}
}

func TestOneAlarmsFailureCostsTheOthersNothing(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	changes := w.diff(a, awsbed.Campaigns(home, 3), alarmParams, Monitored)
	changes[1].Settings.EvaluationPeriods = 10_000
	counts, problems := a.Reconcile(context.Background(), ReconcileInput{Region: home, Changes: changes})
	w.wantCounts(counts, Counts{Created: 5})
	if len(problems) != 1 || problems[0].ARN != changes[1].Resource.String() || !strings.Contains(problems[0].Err.Error(), "create alarm "+changes[1].Name) {
		t.Errorf("problems %v", problems)
	}
}

func TestReconcileAllAddsUpTheRegions(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	topic := testTopic
	topic = topic.WithRegion(other)
	elsewhere := Diff(
		DesiredFor(awsbed.Campaigns(other, 1)[0], rules.Throughput{Readable: true}, topic, alarmParams, testTime), nil, nil, testTime)
	counts, problems := a.ReconcileAll(context.Background(), []ReconcileInput{
		{Region: home, Changes: w.diff(a, awsbed.Campaigns(home, 2), alarmParams, Monitored)},
		{Region: other, Changes: elsewhere, Until: w.Clock.Now()},
	})
	w.NoProblems(problems)
	w.wantCounts(counts, Counts{Created: 4, Left: 2})
}

func TestListAlarmsReadsEveryPage(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.reconcile(a, awsbed.Campaigns(home, 105), alarmParams, Monitored)
	w.Server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "DescribeAlarms", Kind: localaws.EmptyPage, Skip: 1, Times: 1})
	w.Server.ResetCalls()
	alarms, err := a.List(context.Background(), home)
	w.Must(err)
	if n := w.Server.Calls()["cloudwatch.DescribeAlarms"]; len(alarms) != 210 || n != 4 {
		t.Errorf("%d alarms in %d calls", len(alarms), n)
	}
	w.Server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "DescribeAlarms", Code: "AccessDenied", Message: "no"})
	if alarms, err := a.List(context.Background(), home); err == nil || alarms != nil || !strings.HasPrefix(err.Error(), "AccessDenied: no") {
		t.Errorf("got %d alarms, %v", len(alarms), err)
	}
}
