// Command prewarm requests another minimum from Personalize Monitor, for example half an hour
// before a sale:
//
//	prewarm ARN NEW_MIN REASON
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "prewarm:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("want ARN NEW_MIN REASON, got %d arguments", len(args))
	}
	minimum, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	// The region must be the one that the monitor is deployed to, wherever the ARN is.
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	return request(ctx, eventbridge.NewFromConfig(cfg), args[0], minimum, args[2])
}

// request sends the event. It returns before the minimum is changed.
func request(ctx context.Context, bus *eventbridge.Client, arn string, minimum int, reason string) error {
	detailType := "UpdatePersonalizeCampaignMinProvisionedTPS"
	if strings.Contains(arn, ":recommender/") {
		detailType = "UpdatePersonalizeRecommenderMinRecommendationRPS"
	}
	detail, err := json.Marshal(map[string]any{"ARN": arn, "NewMinTPS": minimum, "Reason": reason})
	if err != nil {
		return err
	}
	out, err := bus.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
		Source:     aws.String("personalize.monitor"),
		DetailType: aws.String(detailType),
		Resources:  []string{arn},
		Detail:     aws.String(string(detail)),
	}}})
	if err != nil {
		return err
	}
	if out.FailedEntryCount > 0 { // a response without an error may still reject the event
		return fmt.Errorf("%s: %s", aws.ToString(out.Entries[0].ErrorCode), aws.ToString(out.Entries[0].ErrorMessage))
	}
	return nil
}
