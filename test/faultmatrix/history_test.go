package faultmatrix

import (
	"context"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/personalize-monitor/personalize-monitor/internal/audit/history"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// logGroup has the records of the history scenario.
const logGroup = "/aws/lambda/faultmatrix"

// historyScenario returns the scenario of the command that reads the records of decisions from the log.
func historyScenario() scenario {
	return scenario{
		name: "history",
		prepare: func(b *bed) {
			ctx, client := context.Background(), cloudwatchlogs.NewFromConfig(b.clients().ConfigFor(away))
			_, err := client.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(logGroup)})
			b.noError(err)
			_, err = client.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String(logGroup), LogStreamName: aws.String("s")})
			b.noError(err)
			line, err := json.Marshal(map[string]any{"msg": "audit", "audit": events.Audit{
				Time: b.clock.Now(), ARN: arn("campaign/idle"), Kind: model.Campaign, Region: away, Action: model.ActionDelete,
				Outcome: events.OutcomeDone, Reason: "idle",
			}})
			b.noError(err)
			_, err = client.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{
				LogGroupName: aws.String(logGroup), LogStreamName: aws.String("s"),
				LogEvents: []logtypes.InputLogEvent{{Message: aws.String(string(line)), Timestamp: aws.Int64(b.clock.Now().UnixMilli())}},
			})
			b.noError(err)
			b.wait(time.Minute)
		},
		run:    (*bed).readHistory,
		repair: []func(*bed, outcome){func(b *bed, _ outcome) { must(b, b.readHistory()) }},
	}
}

// readHistory reads the records, as the command does.
func (b *bed) readHistory() outcome {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	var out outcome
	failed := func(operation string, err error) {
		out.err = err
		out.troubles = append(out.troubles, trouble{operation: operation, region: away, text: err.Error()})
	}
	found := history.New(history.Filter{}, func(f history.Fault) { failed("a record", f.Err) })
	reader := history.NewReader(b.clients())
	groups, err := reader.Groups(ctx, history.Group{Region: away, Name: logGroup, Prefix: true})
	if err != nil {
		failed("DescribeLogGroups", err)
	}
	for _, group := range groups {
		if err := reader.Read(ctx, group, found, func(int) {}); err != nil {
			failed("FilterLogEvents", err)
		}
	}
	raw, err := json.Marshal(found.Records())
	b.noError(err)
	out.text = string(raw)
	return out
}
