package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
)

// cycleEvery and boardAfter are the schedules of the template.
const (
	cycleEvery    = 5 * time.Minute
	boardAfter    = 3 * time.Minute // past each full hour
	cycleSchedule = "cron(0/5 * * * ? *)"
	boardSchedule = "cron(3 * * * ? *)"
)

// trigger is what the template has a function started by.
type trigger struct {
	function lambda.Function
	schedule string              // empty if there is none
	events   []events.DetailType // empty if there are none
}

func triggers() []trigger {
	return []trigger{
		{function: lambda.Monitor, schedule: cycleSchedule},
		{function: lambda.Dashboard, schedule: boardSchedule, events: []events.DetailType{events.BuildDashboard}},
		{function: lambda.UpdateTPS, events: []events.DetailType{events.UpdateCampaign, events.UpdateRecommender}},
		{function: lambda.DeleteCampaign, events: []events.DetailType{events.DeleteCampaign}},
		{function: lambda.StopRecommender, events: []events.DetailType{events.StopRecommender}},
		{function: lambda.Cleanup},
	}
}

// environment gives the functions their variables.
func (d *Demo) environment() func(string) (string, bool) {
	variables := map[string]string{
		config.Regions:                       strings.Join(d.regions, ","),
		config.AutoDeleteOrStopIdleResources: "Yes",
		config.IdleThresholdHours:            strconv.Itoa(idleHours),
		config.NotificationEndpoint:          Reader,
		"Deployment":                         d.deployment(),
		"LOG_LEVEL":                          "info",
	}
	return func(name string) (string, bool) { value, ok := variables[name]; return value, ok }
}

func (d *Demo) account() string {
	if d.options.Estate.Account != "" {
		return d.options.Estate.Account
	}
	return "000000000000"
}

func (d *Demo) arn(f lambda.Function) string {
	return fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s-%s", d.Home, d.account(), stack, f)
}

// deploy puts the rules on the bus and the functions behind them, as CloudFormation does.
func (d *Demo) deploy(ctx context.Context) error {
	for _, t := range triggers() {
		d.AWS.RegisterTarget(d.arn(t.function), func(ctx context.Context, event []byte) error { return d.invoke(ctx, t.function, event) })
		if t.schedule != "" {
			rule := eventbridge.PutRuleInput{Name: aws.String(stack + "-" + string(t.function) + "-schedule"), ScheduleExpression: &t.schedule}
			if err := d.rule(ctx, t.function, &rule); err != nil {
				return err
			}
		}
		if len(t.events) == 0 {
			continue
		}
		pattern, err := json.Marshal(map[string]any{"source": []string{events.Source}, "detail-type": t.events})
		if err != nil {
			return err
		}
		rule := eventbridge.PutRuleInput{Name: aws.String(stack + "-" + string(t.function) + "-events"), EventPattern: aws.String(string(pattern))}
		if err := d.rule(ctx, t.function, &rule); err != nil {
			return err
		}
	}
	return nil
}

func (d *Demo) rule(ctx context.Context, f lambda.Function, in *eventbridge.PutRuleInput) error {
	bus := d.app.Clients.EventBridge(d.Home)
	if _, err := bus.PutRule(ctx, in); err != nil {
		return fmt.Errorf("put the rule %s: %w", *in.Name, err)
	}
	_, err := bus.PutTargets(ctx, &eventbridge.PutTargetsInput{
		Rule: in.Name, Targets: []types.Target{{Id: aws.String("Function"), Arn: aws.String(d.arn(f))}},
	})
	if err != nil {
		return fmt.Errorf("put the target of the rule %s: %w", *in.Name, err)
	}
	return nil
}

// invoke has a function do something. That it fails is told with the rest.
func (d *Demo) invoke(ctx context.Context, f lambda.Function, event []byte) error {
	_, err := d.handlers[f].Invoke(ctx, event)
	return err
}

// scheduled is the event of a schedule.
func (d *Demo) scheduled(f lambda.Function, at time.Time) []byte {
	event, err := json.Marshal(map[string]any{
		"version": "0", "id": "53dc4d37", "detail-type": "Scheduled Event", "source": "aws.events", "account": d.account(), "region": d.Home,
		"time": at.Format(time.RFC3339), "detail": map[string]any{},
		"resources": []string{fmt.Sprintf("arn:aws:events:%s:%s:rule/%s-%s-schedule", d.Home, d.account(), stack, f)},
	})
	if err != nil {
		panic(err) // texts always encode
	}
	return event
}

// How long after the full minute things happen. Events come later than any cycle ends, so
// that the end of a change never depends on how long a cycle took.
const (
	scheduleLag = 10 * time.Second
	deliveryLag = 70 * time.Second
)

// step is all that happens from one cycle to the next.
func (d *Demo) step(ctx context.Context) error {
	d.at = d.at.Add(cycleEvery)
	at := d.at
	if board := at.Add(-cycleEvery).Truncate(time.Hour).Add(boardAfter); board.After(at.Add(-cycleEvery)) && board.Before(at) {
		d.wait(board.Add(scheduleLag))
		if err := d.perform(ctx, lambda.Dashboard, board); err != nil {
			return err
		}
	}
	d.wait(at.Add(scheduleLag))
	d.AWS.Tick()
	if err := d.perform(ctx, lambda.Monitor, at); err != nil {
		return err
	}
	d.wait(at.Add(deliveryLag))
	if err := d.deliver(ctx); err != nil {
		return err
	}
	d.tell(at)
	if d.options.Cycled != nil {
		d.options.Cycled(ctx)
	}
	return ctx.Err()
}

// perform has a function do its scheduled work. Failures stand in its log, from which they
// are told; only the end of ctx ends the demo.
func (d *Demo) perform(ctx context.Context, f lambda.Function, at time.Time) error {
	if err := d.invoke(ctx, f, d.scheduled(f, at)); err != nil && ctx.Err() != nil {
		return err
	}
	return ctx.Err()
}

// deliver brings the events of the bus to the functions.
func (d *Demo) deliver(ctx context.Context) error {
	if err := d.AWS.Deliver(ctx); err != nil && ctx.Err() != nil {
		return err
	}
	return ctx.Err()
}
