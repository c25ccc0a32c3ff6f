package demo

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
)

// The schedules of the template.
const (
	cycleEvery    = 5 * time.Minute
	boardAfter    = 3 * time.Minute // each full hour
	cycleSchedule = "cron(0/5 * * * ? *)"
	boardSchedule = "cron(3 * * * ? *)"
)

// trigger is what starts a function in the template.
type trigger struct {
	function lambda.Function
	schedule string              // may be empty
	events   []events.DetailType // may be empty
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

// deploy puts the rules on the bus and the functions behind them, as CloudFormation does.
func (d *Demo) deploy(ctx context.Context) error {
	for _, t := range triggers() {
		d.AWS.RegisterTarget(d.arn("lambda", "function:"+stack+"-"+string(t.function)), func(ctx context.Context, event []byte) error {
			_, err := d.handlers[t.function].Invoke(ctx, event)
			return err
		})
		if t.schedule != "" {
			if err := d.rule(ctx, t.function, "schedule", eventbridge.PutRuleInput{ScheduleExpression: &t.schedule}); err != nil {
				return err
			}
		}
		if len(t.events) > 0 {
			pattern, err := json.Marshal(map[string]any{"source": []string{events.Source}, "detail-type": t.events})
			if err != nil {
				return err
			}
			if err := d.rule(ctx, t.function, "events", eventbridge.PutRuleInput{EventPattern: aws.String(string(pattern))}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Demo) arn(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, d.Home, d.account(), resource)
}

func (d *Demo) account() string { return cmp.Or(d.options.Estate.Account, "000000000000") }

// rule puts a rule that starts a function.
func (d *Demo) rule(ctx context.Context, f lambda.Function, suffix string, in eventbridge.PutRuleInput) error {
	bus := d.app.Clients.EventBridge(d.Home)
	in.Name = aws.String(stack + "-" + string(f) + "-" + suffix)
	if _, err := bus.PutRule(ctx, &in); err != nil {
		return fmt.Errorf("put the rule %s: %w", *in.Name, err)
	}
	_, err := bus.PutTargets(ctx, &eventbridge.PutTargetsInput{
		Rule: in.Name, Targets: []types.Target{{Id: aws.String("Function"), Arn: aws.String(d.arn("lambda", "function:"+stack+"-"+string(f)))}},
	})
	if err != nil {
		return fmt.Errorf("put the target of the rule %s: %w", *in.Name, err)
	}
	return nil
}

// Delays after the full minute. Events are delivered later than any cycle ends, so that the
// end of a change does not depend on how long a cycle took.
const (
	scheduleLag = 10 * time.Second
	deliveryLag = 70 * time.Second
)

// step is everything that happens from one cycle to the next. Functions log their failures,
// which are reported from there; only the end of ctx ends the demo.
func (d *Demo) step(ctx context.Context) error {
	former := d.at
	d.at = former.Add(cycleEvery)
	if board := former.Truncate(time.Hour).Add(boardAfter); board.After(former) && board.Before(d.at) {
		d.wait(board.Add(scheduleLag))
		if err := d.schedule(ctx, lambda.Dashboard, board); err != nil {
			return err
		}
	}
	d.wait(d.at.Add(scheduleLag))
	d.AWS.Tick()
	if err := d.schedule(ctx, lambda.Monitor, d.at); err != nil {
		return err
	}
	d.wait(d.at.Add(deliveryLag))
	_ = d.AWS.Deliver(ctx) // the functions log it
	if ctx.Err() != nil {
		return ctx.Err()
	}
	d.report(d.at)
	if d.options.Cycled != nil {
		d.options.Cycled(ctx)
	}
	return ctx.Err()
}

// schedule invokes a function by its schedule.
func (d *Demo) schedule(ctx context.Context, f lambda.Function, at time.Time) error {
	event, err := json.Marshal(map[string]any{
		"version": "0", "id": "53dc4d37", "detail-type": "Scheduled Event", "source": "aws.events", "account": d.account(), "region": d.Home,
		"time": at.Format(time.RFC3339), "detail": map[string]any{},
		"resources": []string{d.arn("events", "rule/"+stack+"-"+string(f)+"-schedule")},
	})
	if err != nil {
		panic(err) // strings always encode
	}
	_, _ = d.handlers[f].Invoke(ctx, event) // the function logs its errors
	return ctx.Err()
}
