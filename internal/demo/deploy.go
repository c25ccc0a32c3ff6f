package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
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

// deployment is the stack of functions and rules in the embedded AWS.
type deployment struct {
	aws      *localaws.Server
	bus      *eventbridge.Client
	home     string // region
	account  string
	handlers map[lambda.Function]*lambda.Handler
}

// deploy puts the rules on the bus and the functions behind them, as CloudFormation does.
func (d deployment) deploy(ctx context.Context) error {
	for _, t := range triggers() {
		d.aws.RegisterTarget(d.function(t.function), func(ctx context.Context, event []byte) error {
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

func (d deployment) arn(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, d.home, d.account, resource)
}

func (d deployment) function(f lambda.Function) string {
	return d.arn("lambda", "function:"+stack+"-"+string(f))
}

// rule puts a rule that starts a function.
func (d deployment) rule(ctx context.Context, f lambda.Function, suffix string, in eventbridge.PutRuleInput) error {
	in.Name = aws.String(stack + "-" + string(f) + "-" + suffix)
	if _, err := d.bus.PutRule(ctx, &in); err != nil {
		return fmt.Errorf("put the rule %s: %w", *in.Name, err)
	}
	_, err := d.bus.PutTargets(ctx, &eventbridge.PutTargetsInput{
		Rule: in.Name, Targets: []types.Target{{Id: aws.String("Function"), Arn: aws.String(d.function(f))}},
	})
	if err != nil {
		return fmt.Errorf("put the target of the rule %s: %w", *in.Name, err)
	}
	return nil
}

// schedule invokes a function by its schedule.
func (d deployment) schedule(ctx context.Context, f lambda.Function, at time.Time) error {
	event, err := json.Marshal(map[string]any{
		"version": "0", "id": "53dc4d37", "detail-type": "Scheduled Event", "source": "aws.events", "account": d.account, "region": d.home,
		"time": at.Format(time.RFC3339), "detail": map[string]any{},
		"resources": []string{d.arn("events", "rule/"+stack+"-"+string(f)+"-schedule")},
	})
	if err != nil {
		panic(err) // strings always encode
	}
	_, _ = d.handlers[f].Invoke(ctx, event) // the function logs its errors
	return ctx.Err()
}
