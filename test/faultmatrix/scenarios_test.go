package faultmatrix

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
)

// scenario is one job that the faults hit.
type scenario struct {
	name string
	// prepare brings the world into the state where the job begins; may be nil.
	prepare func(b *bed)
	// run runs the job as a process would.
	run func(b *bed) outcome
	// repair are the runs without a fault that follow, in their order. They restore the state of a run without the fault. The last
	// outcome is that of run.
	repair []func(b *bed, last outcome)
	// measures means that the job publishes the metrics of all resources.
	measures bool
	// world is the estate; nil means the common one.
	world func() localaws.Estate
	// about are the operations that the faults hit; nil means all. Another scenario of the same entry point tests the others.
	about []string
}

// bed builds the world of a scenario.
func (s scenario) bed(t testing.TB) *bed {
	t.Helper()
	return newBed(t, s.estate())
}

// estate is the estate of the scenario.
func (s scenario) estate() localaws.Estate {
	if s.world != nil {
		return s.world()
	}
	return world()
}

// scenarios returns the jobs, one or more for every entry point.
func scenarios() []scenario {
	monitor := func(b *bed) outcome { return b.invoke(lambda.Monitor, "{}") }
	again := func(b *bed, _ outcome) { b.next(); must(b, monitor(b)) }
	resumed := func(b *bed, last outcome) { b.next(); monitor(b); again(b, last) } // nothing is changed before metrics arrive again
	deliver := func(b *bed, _ outcome) { b.deliver() }
	whole := func(b *bed, last outcome) { again(b, last); b.deliver() }
	board := func(b *bed, _ outcome) { must(b, b.invoke(lambda.Dashboard, "{}")) }
	rest := func(b *bed, _ outcome) { b.wait(15 * time.Minute); b.aws.Tick() } // changes take minutes
	acting := func(b *bed, _ outcome) { b.next(); must(b, b.act()) }
	return []scenario{
		{
			name: "monitor, the first time", measures: true,
			prepare: strangers, run: monitor, repair: []func(*bed, outcome){deliver, whole, whole, whole, rest},
		},
		{
			name: "monitor, later", measures: true,
			prepare: func(b *bed) {
				b.env[config.AutoDeleteOrStopIdleResources] = "No" // so that idle resources keep their alarms, which change to ALARM
				b.mustOut(monitor(b))
				b.removeCampaign(away, "busy")
				b.next()
			},
			run: monitor, repair: []func(*bed, outcome){again, again, again},
		},
		{name: "run --act", measures: true, run: (*bed).act, repair: []func(*bed, outcome){acting, acting, acting, rest}},
		{
			name: "dashboard", prepare: oldBoards,
			run:    func(b *bed) outcome { return b.invoke(lambda.Dashboard, "{}") },
			repair: []func(*bed, outcome){board},
		},
		action(lambda.UpdateTPS, events.UpdateCampaign, "campaign/wide", whole, board, rest),
		action(lambda.UpdateTPS, events.UpdateRecommender, "recommender/broad", whole, board, rest),
		action(lambda.DeleteCampaign, events.DeleteCampaign, "campaign/idle", whole, board, rest),
		action(lambda.StopRecommender, events.StopRecommender, "recommender/still", whole, board, rest),
		starting(resumed),
		raising(acting, acting, rest),
		returning(acting, acting, rest),
		restoring(again),
		adopting(monitor, again),
		rebuilding(),
		reporting(), readingTraining(), pausing(),
		historyScenario(),
		{
			name: "cleanup",
			prepare: func(b *bed) {
				strangers(b)
				b.mustOut(monitor(b))
				b.next()
				b.mustOut(b.invoke(lambda.Dashboard, "{}"))
			},
			run:    func(b *bed) outcome { return b.invoke(lambda.Cleanup, `{"Confirm":"remove"}`) },
			repair: []func(*bed, outcome){func(b *bed, _ outcome) { must(b, b.invoke(lambda.Cleanup, `{"Confirm":"remove"}`)) }},
		},
	}
}

// must fails the test if a run without a fault reports trouble.
func must(b *bed, out outcome) {
	b.t.Helper()
	b.mustOut(out)
}

func (b *bed) mustOut(out outcome) {
	b.t.Helper()
	if out.err != nil || len(out.troubles) > 0 {
		b.t.Errorf("a run without a fault failed: %v %v", out.err, out.troubles)
	}
}

// arn returns the ARN of a resource in the region that most faults hit.
func arn(resource string) string {
	return "arn:aws:personalize:" + away + ":" + account + ":" + resource
}

// action returns the scenario of a function that executes an automatic event of the monitor. Lambda delivers the event again if the
// function fails.
func action(f lambda.Function, detailType events.DetailType, resource string, after ...func(*bed, outcome)) scenario {
	run := func(b *bed) outcome { return b.invoke(f, b.event) }
	again := func(b *bed, last outcome) {
		if last.err != nil {
			b.wait(time.Minute)
			must(b, run(b))
		}
	}
	return scenario{
		name: string(f) + " " + resource, world: func() localaws.Estate { return alone(resource) },
		prepare: func(b *bed) {
			b.mustOut(b.invoke(lambda.Monitor, "{}"))
			b.wait(2 * time.Second)
			b.event = b.delivered(detailType, arn(resource))
			b.oldCount()
			b.taken = len(b.aws.Events())
		},
		run: run, repair: append([]func(*bed, outcome){again}, after...),
	}
}

// oldCount adds a count of actions to the topic that is over, of a process that has ended: the next action removes it.
func (b *bed) oldCount() {
	topic := "arn:aws:sns:" + away + ":" + account + ":" + notify.TopicName
	_, err := b.clients().SNS(away).TagResource(context.Background(), &sns.TagResourceInput{
		ResourceArn: &topic, Tags: []snstypes.Tag{{Key: aws.String("StepDowns/" + deployment + "/OLD"), Value: aws.String("19990101T0000:1")}},
	})
	b.noError(err)
}

// alone returns the part of the world that an action on one resource needs.
func alone(resource string) localaws.Estate {
	_, name, _ := strings.Cut(resource, "/")
	estate := world()
	estate.Regions = estate.Regions[1:]
	group := &estate.Regions[0].DatasetGroups[0]
	group.Campaigns = slices.DeleteFunc(group.Campaigns, func(c localaws.EstateCampaign) bool { return c.Name != name })
	group.Recommenders = slices.DeleteFunc(group.Recommenders, func(r localaws.EstateRecommender) bool { return r.Name != name })
	return estate
}

// delivered returns the first event of a type about a resource, as EventBridge delivers it.
func (b *bed) delivered(detailType events.DetailType, resource string) string {
	b.t.Helper()
	for _, event := range b.aws.Events() {
		if event.DetailType == string(detailType) && strings.Join(event.Resources, "") == resource {
			return envelope(b.t, event)
		}
	}
	b.t.Fatalf("the monitor sent no %s about %s", detailType, resource)
	return ""
}

func envelope(t testing.TB, event localaws.Event) string {
	t.Helper()
	raw, err := json.Marshal(map[string]any{
		"version": "0", "id": event.ID, "detail-type": event.DetailType, "source": event.Source, "account": event.Account,
		"time": event.Time.Format(time.RFC3339), "region": event.Region, "resources": event.Resources, "detail": event.Detail,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// deliver invokes the functions with the commands that reached the bus since the last time.
func (b *bed) deliver() {
	all := b.aws.Events()
	for _, event := range all[b.taken:] {
		f, ok := map[events.DetailType]lambda.Function{
			events.UpdateCampaign: lambda.UpdateTPS, events.UpdateRecommender: lambda.UpdateTPS,
			events.DeleteCampaign: lambda.DeleteCampaign, events.StopRecommender: lambda.StopRecommender,
		}[events.DetailType(event.DetailType)]
		if ok {
			must(b, b.invoke(f, envelope(b.t, event)))
		}
	}
	b.taken = len(all)
}

// starting returns the scenario of a person who starts a stopped recommender.
func starting(after func(*bed, outcome)) scenario {
	resource, err := model.ParseARN(arn("recommender/still"))
	req := events.Request{ARN: resource, Kind: model.Recommender, Reason: "the sale begins"}
	run := func(b *bed) outcome { return b.do(model.ActionStart, req) }
	return scenario{
		name: "start-recommender", world: func() localaws.Estate { return alone("recommender/still") },
		prepare: func(b *bed) {
			if err != nil {
				b.t.Fatal(err)
			}
			b.mustOut(b.do(model.ActionStop, req))
			b.wait(time.Hour)
		},
		run: run,
		repair: []func(*bed, outcome){
			func(b *bed, last outcome) {
				if last.err != nil {
					b.wait(time.Minute)
					must(b, run(b))
				}
				b.wait(time.Hour)
			},
			after,
		},
	}
}

// raise requests a minimum for twenty minutes from the beginning of the scenario.
func (b *bed) raise() outcome {
	req, err := events.NewRequest(arn("campaign/wide"))
	if err != nil {
		return outcome{err: err}
	}
	req.NewMinTPS, req.Until, req.Reason = 30, b.began.Add(20*time.Minute), "a sale"
	return b.do(model.ActionUpdate, req)
}

// hourLater is what a monitor does about a raise once it is over.
func hourLater(b *bed, _ outcome) {
	b.wait(time.Hour)
	must(b, b.act())
}

// raising returns the scenario of a person who raises a minimum for a time.
func raising(after ...func(*bed, outcome)) scenario {
	again := func(b *bed, last outcome) {
		if last.err != nil {
			b.wait(time.Minute)
			must(b, b.raise())
		}
	}
	return scenario{
		name: "update-tps for a time", world: func() localaws.Estate { return alone("campaign/wide") },
		prepare: func(b *bed) { b.began = b.clock.Now() },
		about:   []string{"personalize.TagResource"},
		run:     (*bed).raise, repair: append([]func(*bed, outcome){again, hourLater}, after...),
	}
}

// returning returns the scenario of the cycle after the return of a raise, which removes its tag.
func returning(after ...func(*bed, outcome)) scenario {
	return scenario{
		name: "the return of a raise", world: func() localaws.Estate { return alone("campaign/wide") },
		prepare: func(b *bed) {
			b.began = b.clock.Now()
			b.mustOut(b.raise())
			b.wait(time.Hour)
			b.mustOut(b.act()) // the minimum returns; its tag goes once it is back
			b.wait(time.Hour)
		},
		about: []string{"personalize.UntagResource", "personalize.ListTagsForResource"},
		run:   (*bed).act, repair: after,
	}
}

// strangers creates things of others that look like ours, and the rule of the upstream sample, which the program must remove.
func strangers(b *bed) {
	ctx, clients := context.Background(), b.clients()
	alarm := &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("PersonalizeMonitor-IdleCampaign-mine"), Namespace: aws.String("AWS/Personalize"), MetricName: aws.String("GetRecommendations"),
		Statistic: cwtypes.StatisticSum, Period: aws.Int32(300), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(0),
		ComparisonOperator: cwtypes.ComparisonOperatorLessThanOrEqualToThreshold,
		Dimensions:         []cwtypes.Dimension{{Name: aws.String("CampaignArn"), Value: aws.String(arn("campaign/mine"))}},
	}
	topic := "arn:aws:sns:" + away + ":" + account + ":" + notify.TopicName
	_, err := clients.CloudWatch(away).PutMetricAlarm(ctx, alarm)
	b.noError(err)
	_, err = clients.EventBridge(away).PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String(notify.RuleName), EventPattern: aws.String(originalPattern)})
	b.noError(err)
	_, err = clients.EventBridge(away).PutTargets(ctx, &eventbridge.PutTargetsInput{
		Rule: aws.String(notify.RuleName), Targets: []ebtypes.Target{{Id: aws.String(notify.TargetID), Arn: &topic}},
	})
	b.noError(err)
}

// oldBoards creates a surplus dashboard of ours, and one of a person with a similar name.
func oldBoards(b *bed) {
	b.mustOut(b.invoke(lambda.Dashboard, "{}"))
	ctx, clients := context.Background(), b.clients()
	for number, tags := range map[int][]cwtypes.Tag{
		2: {{Key: aws.String("Dashboard"), Value: aws.String("Amazon-Personalize-Monitor")}}, 3: nil,
	} {
		_, err := clients.CloudWatch(home).PutDashboard(ctx, &cloudwatch.PutDashboardInput{
			DashboardName: aws.String(fmt.Sprintf("Amazon-Personalize-Monitor-%d", number)), DashboardBody: aws.String(`{"widgets":[]}`), Tags: tags,
		})
		b.noError(err)
	}
}

// removeCampaign deletes a campaign as its owner.
func (b *bed) removeCampaign(region, name string) {
	clients := b.clients()
	resource := "arn:aws:personalize:" + region + ":" + account + ":campaign/" + name
	_, err := clients.Personalize(region).DeleteCampaign(context.Background(), &personalize.DeleteCampaignInput{CampaignArn: &resource})
	b.noError(err)
}

func (b *bed) noError(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}
