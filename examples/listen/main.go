// Command listen is a Lambda function for the notifications of Personalize Monitor. It
// is the target of an EventBridge rule and logs a line for each change.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

// change is the detail of the notifications.
type change struct {
	ARN       string
	NewMinTPS int // of the two updates only
	Reason    string
}

func main() { lambda.Start(handle) }

func handle(_ context.Context, event events.EventBridgeEvent) error {
	line, err := describe(event)
	if err != nil {
		return err
	}
	log.Print(line)
	return nil
}

// describe is one line about a notification.
func describe(event events.EventBridgeEvent) (string, error) {
	var c change
	if err := json.Unmarshal(event.Detail, &c); err != nil {
		return "", fmt.Errorf("%s: %w", event.DetailType, err)
	}
	switch event.DetailType {
	case "PersonalizeCampaignMinProvisionedTPSUpdated", "PersonalizeRecommenderMinRecommendationRPSUpdated":
		return fmt.Sprintf("%s has a minimum of %d now: %s", c.ARN, c.NewMinTPS, c.Reason), nil
	case "PersonalizeCampaignDeleted":
		return fmt.Sprintf("%s is being deleted: %s", c.ARN, c.Reason), nil
	case "PersonalizeRecommenderStopped":
		return fmt.Sprintf("%s is being stopped: %s", c.ARN, c.Reason), nil
	}
	return "", fmt.Errorf("%s is not a notification", event.DetailType)
}
