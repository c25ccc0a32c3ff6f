package act

import (
	"context"
	"fmt"
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
)

// campaigns are n campaigns of a region, 30 days old, with a minimum above 1.
func campaigns(region string, n int) []model.Resource {
	list := make([]model.Resource, n)
	for i := range list {
		name := fmt.Sprintf("c%03d", i)
		list[i] = model.Resource{
			ARN:  model.ARN{Partition: "aws", Service: "personalize", Region: region, Account: testAccount, Resource: "campaign/" + name},
			Kind: model.Campaign, Name: name, Recipe: "aws-user-personalization", Status: model.StatusActive, MinTPS: 5,
			Created: testTime.Add(-30 * 24 * time.Hour),
		}
	}
	return list
}

var alarmParams = rules.AlarmParams{LowUtilization: true, Threshold: 100, Idle: true, IdleHours: 24}

// diff is what decide wants done to the alarms of the home region.
func (w *world) diff(a *Actor, resources []model.Resource, p rules.AlarmParams, standing rules.Standing) []rules.AlarmChange {
	w.t.Helper()
	actual, err := a.ListAlarms(context.Background(), home)
	w.must(err)
	var wanted []rules.WantedAlarm
	for _, r := range resources {
		wanted = append(wanted, rules.WantedAlarms(r, rules.Throughput{Readable: true}, testTopic, p, rules.EvaluationTime{Now: w.clock.Now()})...)
	}
	return rules.DiffAlarms(wanted, actual, func(model.ARN) rules.Standing { return standing }, w.clock.Now())
}

// reconcile brings the alarms of the home region in step.
func (w *world) reconcile(a *Actor, resources []model.Resource, p rules.AlarmParams, standing rules.Standing) AlarmCounts {
	w.t.Helper()
	counts, problems := a.ReconcileAlarms(context.Background(), ReconcileInput{Region: home, Changes: w.diff(a, resources, p, standing)})
	w.noProblems(problems)
	return counts
}

func (w *world) wantCounts(got, want AlarmCounts) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("counts %+v, want %+v", got, want)
	}
}

// alarm is one alarm as it stands.
func (w *world) alarm(name string) types.MetricAlarm {
	w.t.Helper()
	out, err := w.raw.CloudWatch(home).DescribeAlarms(context.Background(), &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}})
	w.must(err)
	if len(out.MetricAlarms) != 1 {
		w.t.Fatalf("alarm %s: %d found", name, len(out.MetricAlarms))
	}
	return out.MetricAlarms[0]
}

// rewrite changes an alarm as a person would.
func (w *world) rewrite(name string, change func(*cloudwatch.PutMetricAlarmInput)) {
	w.t.Helper()
	a := toAlarm(w.alarm(name))
	in := fromAlarm(name, a.Description, a.Settings)
	change(in)
	_, err := w.raw.CloudWatch(home).PutMetricAlarm(context.Background(), in)
	w.must(err)
}

func TestAlarmsAreCreatedOnceWithTagsAndActionsOff(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.wantCounts(w.reconcile(a, campaigns(home, 3), alarmParams, rules.Monitored), AlarmCounts{Created: 6})
	w.wantWrites(map[string]int{"cloudwatch.PutMetricAlarm": 6})

	m := w.alarm("PersonalizeMonitor-LowCampaignUtilization-c001")
	if *m.ActionsEnabled || !slices.Equal(m.AlarmActions, []string{testTopic.String()}) || m.Unit != "" || aws.ToInt32(m.DatapointsToAlarm) != 9 {
		t.Errorf("got %+v", m)
	}
	out, err := w.raw.CloudWatch(home).ListTagsForResource(context.Background(), &cloudwatch.ListTagsForResourceInput{ResourceARN: m.AlarmArn})
	w.must(err)
	got := map[string]string{}
	for _, tag := range out.Tags {
		got[*tag.Key] = *tag.Value
	}
	if len(got) != 2 || got["CreatedBy"] != "PersonalizeMonitor" || got["Deployment"] != "cli" {
		t.Errorf("tags %v", got)
	}

	w.server.ResetCalls()
	w.wantCounts(w.reconcile(a, campaigns(home, 3), alarmParams, rules.Monitored), AlarmCounts{Kept: 6})
	w.wantWrites(map[string]int{})
}

func TestADryRunOfAlarmsCountsWhatItWouldWrite(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.reconcile(a, campaigns(home, 2), alarmParams, rules.Monitored)
	w.writes()

	dry, log := w.actor(dryRun)
	p := alarmParams
	p.Threshold, p.Idle = 50, false
	w.wantCounts(w.reconcile(dry, campaigns(home, 3), p, rules.Monitored), AlarmCounts{Created: 1, Updated: 2, Deleted: 2})
	w.wantWrites(map[string]int{})
	if log.count("dry run, would write", "op=PutMetricAlarm", "create alarm PersonalizeMonitor-LowCampaignUtilization-c002") != 1 ||
		log.count("dry run, would write", "op=DeleteAlarms", "delete 2 alarms") != 1 {
		t.Errorf("log:\n%s", log.text.String())
	}
}

func TestAChangedParameterUpdatesOurAlarmsAndAPersonsSettingsStay(t *testing.T) {
	w := newWorld(t)
	a, log := w.actor()
	w.reconcile(a, campaigns(home, 2), alarmParams, rules.Monitored)
	const edited = "PersonalizeMonitor-LowCampaignUtilization-c000"
	extra := "arn:aws:sns:eu-west-1:123456789012:pager"
	w.rewrite(edited, func(in *cloudwatch.PutMetricAlarmInput) {
		in.AlarmActions = append(in.AlarmActions, extra)
		in.EvaluationPeriods, in.DatapointsToAlarm = aws.Int32(6), aws.Int32(6)
	})
	w.writes()

	p := alarmParams
	p.Threshold = 50
	w.wantCounts(w.reconcile(a, campaigns(home, 2), p, rules.Monitored), AlarmCounts{Updated: 2, Kept: 2})
	w.wantWrites(map[string]int{"cloudwatch.PutMetricAlarm": 2})
	m := w.alarm(edited)
	if aws.ToFloat64(m.Threshold) != 50 || !slices.Contains(m.AlarmActions, extra) || aws.ToInt32(m.EvaluationPeriods) != 6 {
		t.Errorf("got %+v", m)
	}
	for range 2 {
		w.wantCounts(w.reconcile(a, campaigns(home, 2), p, rules.Monitored), AlarmCounts{Kept: 4})
	}
	w.wantWrites(map[string]int{})
	if n := log.count("level=INFO", "alarm kept", edited, "changed by a person"); n != 1 {
		t.Errorf("said %d times that it is a person's, want once at info", n)
	}
	if n := log.count("level=DEBUG", "alarm kept", edited, "changed by a person"); n != 1 {
		t.Errorf("said %d times that it is a person's at debug", n)
	}
}

func TestForeignAlarmsStay(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.reconcile(a, campaigns(home, 1), alarmParams, rules.Monitored)
	w.rewrite("PersonalizeMonitor-IdleCampaign-c000", func(in *cloudwatch.PutMetricAlarmInput) { in.Unit = types.StandardUnitCount })
	w.writes()
	p := alarmParams
	p.IdleHours = 48
	w.wantCounts(w.reconcile(a, campaigns(home, 1), p, rules.Monitored), AlarmCounts{Kept: 2})
	w.wantWrites(map[string]int{})
}

func TestTheOriginalsAlarmsAreAdopted(t *testing.T) {
	w := newWorld(t)
	for _, r := range campaigns(home, 1) {
		for _, in := range originalAlarms(r) {
			_, err := w.raw.CloudWatch(home).PutMetricAlarm(context.Background(), in)
			w.must(err)
		}
	}
	w.writes()
	a, _ := w.actor()
	p := alarmParams
	p.Threshold, p.IdleHours = 80, 48
	w.wantCounts(w.reconcile(a, campaigns(home, 1), p, rules.Monitored), AlarmCounts{Updated: 2})
	w.wantWrites(map[string]int{"cloudwatch.PutMetricAlarm": 2, "cloudwatch.TagResource": 2})
	if m := w.alarm("PersonalizeMonitor-IdleCampaign-c000"); aws.ToInt32(m.Period) != 3600 || aws.ToInt32(m.EvaluationPeriods) != 48 {
		t.Errorf("idle alarm: %+v", m)
	}
	w.wantCounts(w.reconcile(a, campaigns(home, 1), p, rules.Monitored), AlarmCounts{Kept: 2})

	// They are this deployment's now, and removed where switched off.
	p.Idle = false
	w.wantCounts(w.reconcile(a, campaigns(home, 1), p, rules.Monitored), AlarmCounts{Deleted: 1, Kept: 1})
}

// originalAlarms are the alarms that the original application made for a campaign.
func originalAlarms(r model.Resource) []*cloudwatch.PutMetricAlarmInput {
	tags := []types.Tag{{Key: aws.String("CreatedBy"), Value: aws.String("PersonalizeMonitor")}}
	topic := []string{testTopic.String()}
	dimensions := []types.Dimension{{Name: aws.String("CampaignArn"), Value: aws.String(r.ARN.String())}}
	return []*cloudwatch.PutMetricAlarmInput{
		{
			AlarmName:        aws.String("PersonalizeMonitor-LowCampaignUtilization-" + r.Name),
			AlarmDescription: aws.String("Alarms when utilization falls below threshold indicating possible over provisioning condition"),
			ActionsEnabled:   aws.Bool(true), OKActions: topic, AlarmActions: topic, Dimensions: dimensions,
			Namespace: aws.String("PersonalizeMonitor"), MetricName: aws.String("campaignUtilization"), Statistic: types.StatisticAverage,
			Period: aws.Int32(300), EvaluationPeriods: aws.Int32(12), DatapointsToAlarm: aws.Int32(9), Threshold: aws.Float64(100),
			ComparisonOperator: types.ComparisonOperatorLessThanThreshold, TreatMissingData: aws.String("missing"), Tags: tags,
		},
		{
			AlarmName:        aws.String("PersonalizeMonitor-IdleCampaign-" + r.Name),
			AlarmDescription: aws.String("Alarms when utilization is idle for continguous length of time indicating potential abandoned campaign/recommender"),
			ActionsEnabled:   aws.Bool(true), OKActions: topic, AlarmActions: topic, Dimensions: dimensions,
			Namespace: aws.String("AWS/Personalize"), MetricName: aws.String("GetRecommendations"), Statistic: types.StatisticSum,
			Period: aws.Int32(300), EvaluationPeriods: aws.Int32(288), Threshold: aws.Float64(0),
			ComparisonOperator: types.ComparisonOperatorLessThanOrEqualToThreshold, TreatMissingData: aws.String("breaching"), Tags: tags,
		},
	}
}

func TestAnAlarmSwitchedOnInAlarmIsReset(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	ctx := context.Background()
	resources := campaigns(home, 1)
	w.reconcile(a, resources, alarmParams, rules.Monitored)
	const name = "PersonalizeMonitor-IdleCampaign-c000"
	inAlarm := func() {
		_, err := w.raw.CloudWatch(home).SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{
			AlarmName: aws.String(name), StateValue: types.StateValueAlarm, StateReason: aws.String("test"),
		})
		w.must(err)
	}
	inAlarm()
	w.writes()
	w.clock.Advance(time.Second)

	changes := w.diff(a, resources, alarmParams, rules.Monitored)
	i := slices.IndexFunc(changes, func(c rules.AlarmChange) bool { return c.Name == name })
	if changes[i].Kind != rules.UpdateAlarm || !changes[i].Reset {
		t.Fatalf("change %+v", changes[i])
	}
	// The program is stopped before the reset: the alarm stands in ALARM, with its actions on.
	w.server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "SetAlarmState", Code: "ValidationError"})
	counts, problems := a.ReconcileAlarms(ctx, ReconcileInput{Region: home, Changes: changes[i : i+1]})
	w.wantCounts(counts, AlarmCounts{Updated: 1})
	if len(problems) != 1 || problems[0].Operation != "SetAlarmState" || problems[0].ARN != resources[0].ARN.String() {
		t.Fatalf("problems %v", problems)
	}
	if m := w.alarm(name); !*m.ActionsEnabled || m.StateValue != types.StateValueAlarm {
		t.Fatalf("got %+v", m)
	}

	w.server.ClearFaults()
	w.writes()
	w.wantCounts(w.reconcile(a, resources, alarmParams, rules.Monitored), AlarmCounts{Updated: 1, Kept: 1})
	w.wantWrites(map[string]int{"cloudwatch.SetAlarmState": 1})
	if m := w.alarm(name); m.StateValue != types.StateValueInsufficientData || *m.StateReason != stateReason {
		t.Errorf("got %+v", m)
	}

	counts, problems = a.ReconcileAlarms(ctx, ReconcileInput{Region: home, Changes: []rules.AlarmChange{{Kind: rules.ResetAlarm, Name: "PersonalizeMonitor-IdleCampaign-gone"}}})
	w.wantCounts(counts, AlarmCounts{Updated: 1})
	w.noProblems(problems)
}

func TestAnUpdateWithResetWritesBoth(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	r := campaigns(home, 1)
	w.reconcile(a, r, alarmParams, rules.Monitored)
	changes := []rules.AlarmChange{{
		Kind: rules.UpdateAlarm, Reset: true, Name: "PersonalizeMonitor-LowCampaignUtilization-c000", Resource: r[0].ARN, Settings: testSettings(),
	}}
	changes[0].Settings.AlarmActions, changes[0].Settings.OKActions, changes[0].Settings.InsufficientActions = nil, nil, nil
	w.writes()
	counts, problems := a.ReconcileAlarms(context.Background(), ReconcileInput{Region: home, Changes: changes})
	w.wantCounts(counts, AlarmCounts{Updated: 1})
	w.noProblems(problems)
	w.wantWrites(map[string]int{"cloudwatch.PutMetricAlarm": 1, "cloudwatch.SetAlarmState": 1})
}

func TestWorkThatDoesNotFitTheTimeIsLeft(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	resources := campaigns(home, 10)
	changes := w.diff(a, resources, alarmParams, rules.Monitored)
	run := func(until time.Time) AlarmCounts {
		counts, problems := a.ReconcileAlarms(context.Background(), ReconcileInput{Region: home, Changes: changes, Until: until})
		w.noProblems(problems)
		return counts
	}
	w.wantCounts(run(w.clock.Now()), AlarmCounts{Left: 20})
	w.wantWrites(map[string]int{})
	// Three at once, then three a second.
	w.wantCounts(run(w.clock.Now().Add(2*time.Second)), AlarmCounts{Created: 9, Left: 11})

	changes = w.diff(a, resources, alarmParams, rules.Monitored)
	w.wantCounts(run(time.Time{}), AlarmCounts{Created: 11, Kept: 9})
	w.wantCounts(w.reconcile(a, resources, alarmParams, rules.Monitored), AlarmCounts{Kept: 20})

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	deletions := w.diff(a, nil, alarmParams, rules.Gone)
	counts, problems := a.ReconcileAlarms(ctx, ReconcileInput{Region: home, Changes: deletions})
	w.noProblems(problems)
	w.wantCounts(counts, AlarmCounts{Left: 20})
	w.writes()
	counts, _ = a.ReconcileAlarms(context.Background(), ReconcileInput{Region: home, Changes: deletions, Until: w.clock.Now()})
	w.wantCounts(counts, AlarmCounts{Left: 20})
	w.wantWrites(map[string]int{})
}

func TestADeniedOperationIsReportedOnce(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "PutMetricAlarm", Code: "AccessDenied", Message: "not authorized"})
	changes := w.diff(a, campaigns(home, 10), alarmParams, rules.Monitored)
	counts, problems := a.ReconcileAlarms(context.Background(), ReconcileInput{Region: home, Changes: changes})
	w.wantCounts(counts, AlarmCounts{})
	w.wantWrites(map[string]int{"cloudwatch.PutMetricAlarm": 3})
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
	changes := w.diff(a, campaigns(home, 3), alarmParams, rules.Monitored)
	changes[1].Settings.EvaluationPeriods = 10_000
	counts, problems := a.ReconcileAlarms(context.Background(), ReconcileInput{Region: home, Changes: changes})
	w.wantCounts(counts, AlarmCounts{Created: 5})
	if len(problems) != 1 || problems[0].ARN != changes[1].Resource.String() || !strings.Contains(problems[0].Err.Error(), "create alarm "+changes[1].Name) {
		t.Errorf("problems %v", problems)
	}
}

func TestReconcileAllAddsUpTheRegions(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	topic := testTopic
	topic.Region = other
	elsewhere := rules.DiffAlarms(
		rules.WantedAlarms(campaigns(other, 1)[0], rules.Throughput{Readable: true}, topic, alarmParams, rules.EvaluationTime{Now: testTime}), nil, nil, testTime)
	counts, problems := a.ReconcileAll(context.Background(), []ReconcileInput{
		{Region: home, Changes: w.diff(a, campaigns(home, 2), alarmParams, rules.Monitored)},
		{Region: other, Changes: elsewhere, Until: w.clock.Now()},
	})
	w.noProblems(problems)
	w.wantCounts(counts, AlarmCounts{Created: 4, Left: 2})
}

func TestListAlarmsReadsEveryPage(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.reconcile(a, campaigns(home, 105), alarmParams, rules.Monitored)
	w.server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "DescribeAlarms", Kind: localaws.EmptyPage, Skip: 1, Times: 1})
	w.server.ResetCalls()
	alarms, err := a.ListAlarms(context.Background(), home)
	w.must(err)
	if n := w.server.Calls()["cloudwatch.DescribeAlarms"]; len(alarms) != 210 || n != 4 {
		t.Errorf("%d alarms in %d calls", len(alarms), n)
	}
	w.server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "DescribeAlarms", Code: "AccessDenied", Message: "no"})
	if alarms, err := a.ListAlarms(context.Background(), home); err == nil || alarms != nil || !strings.HasPrefix(err.Error(), "list the alarms of eu-west-1: AccessDenied: no") {
		t.Errorf("got %d alarms, %v", len(alarms), err)
	}
}
