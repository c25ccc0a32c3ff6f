package inventory

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// resourceARN is the ARN of an answer, which must be of the kind and region asked for.
func resourceARN(region string, kind model.Kind, s *string) (model.ARN, error) {
	arn, err := model.ParseARN(aws.ToString(s))
	if err != nil {
		return model.ARN{}, fmt.Errorf("a %s without a proper ARN in the answer: %w", kind, err)
	}
	if got, ok := arn.Kind(); !ok || got != kind || arn.Region != region {
		return model.ARN{}, fmt.Errorf("%s in the answer to a question for a %s of %s", arn, kind, region)
	}
	return arn, nil
}

// nameOf is the name given, or the one in the ARN.
func nameOf(arn model.ARN, name *string) string {
	if s := aws.ToString(name); s != "" {
		return s
	}
	return arn.Name()
}

// minimumOf reads a configured minimum. The service's default is 1, and it takes no
// less.
func minimumOf(tps *int32) int { return max(1, int(aws.ToInt32(tps))) }

// timeOf is a time in UTC, comparable with ==; zero if there is none.
func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC().Round(0)
}

// arnOf is the ARN, or the zero one if it is missing or malformed.
func arnOf(s *string) model.ARN {
	arn, err := model.ParseARN(aws.ToString(s))
	if err != nil {
		return model.ARN{}
	}
	return arn
}

// campaignFromSummary knows neither minimum (1 stands in) nor recipe, dataset group
// and latest update.
func campaignFromSummary(region string, s types.CampaignSummary, now time.Time) (model.Resource, error) {
	arn, err := resourceARN(region, model.Campaign, s.CampaignArn)
	if err != nil {
		return model.Resource{}, err
	}
	return model.Resource{
		ARN: arn, Kind: model.Campaign, Name: nameOf(arn, s.Name), Status: model.Status(aws.ToString(s.Status)), MinTPS: 1,
		Created: timeOf(s.CreationDateTime), LastUpdated: timeOf(s.LastUpdatedDateTime), Observed: now,
	}, nil
}

// campaignFromDescription knows all but recipe and dataset group, which are those of
// the solution version, whose ARN is the second result.
func campaignFromDescription(region string, c *types.Campaign, now time.Time) (model.Resource, string, error) {
	if c == nil {
		c = &types.Campaign{}
	}
	arn, err := resourceARN(region, model.Campaign, c.CampaignArn)
	if err != nil {
		return model.Resource{}, "", err
	}
	r := model.Resource{
		ARN: arn, Kind: model.Campaign, Name: nameOf(arn, c.Name), Status: model.Status(aws.ToString(c.Status)),
		MinTPS:  minimumOf(c.MinProvisionedTPS),
		Created: timeOf(c.CreationDateTime), LastUpdated: timeOf(c.LastUpdatedDateTime),
		AutoSync:  c.CampaignConfig != nil && aws.ToBool(c.CampaignConfig.SyncWithLatestSolutionVersion),
		Described: true, Observed: now,
	}
	if u := c.LatestCampaignUpdate; u != nil {
		r.Update = &model.Update{
			Status: model.Status(aws.ToString(u.Status)), MinTPS: int(aws.ToInt32(u.MinProvisionedTPS)),
			Created: timeOf(u.CreationDateTime), Changed: timeOf(u.LastUpdatedDateTime),
		}
	}
	return r, aws.ToString(c.SolutionVersionArn), nil
}

// recommenderFromSummary knows all but the latest update.
func recommenderFromSummary(region string, s types.RecommenderSummary, now time.Time) (model.Resource, error) {
	arn, err := resourceARN(region, model.Recommender, s.RecommenderArn)
	if err != nil {
		return model.Resource{}, err
	}
	return model.Resource{
		ARN: arn, Kind: model.Recommender, Name: nameOf(arn, s.Name), Status: model.Status(aws.ToString(s.Status)),
		DatasetGroup: arnOf(s.DatasetGroupArn), Recipe: model.RecipeName(aws.ToString(s.RecipeArn)),
		MinTPS:  recommenderMinimum(s.RecommenderConfig),
		Created: timeOf(s.CreationDateTime), LastUpdated: timeOf(s.LastUpdatedDateTime), Observed: now,
	}, nil
}

// recommenderFromDescription knows everything.
func recommenderFromDescription(region string, d *types.Recommender, now time.Time) (model.Resource, error) {
	if d == nil {
		d = &types.Recommender{}
	}
	r, err := recommenderFromSummary(region, types.RecommenderSummary{
		RecommenderArn: d.RecommenderArn, Name: d.Name, Status: d.Status, DatasetGroupArn: d.DatasetGroupArn, RecipeArn: d.RecipeArn,
		RecommenderConfig: d.RecommenderConfig, CreationDateTime: d.CreationDateTime, LastUpdatedDateTime: d.LastUpdatedDateTime,
	}, now)
	if err != nil {
		return model.Resource{}, err
	}
	r.Described = true
	if u := d.LatestRecommenderUpdate; u != nil {
		r.Update = &model.Update{
			Status:  model.Status(aws.ToString(u.Status)),
			Created: timeOf(u.CreationDateTime), Changed: timeOf(u.LastUpdatedDateTime),
		}
		if u.RecommenderConfig != nil {
			r.Update.MinTPS = int(aws.ToInt32(u.RecommenderConfig.MinRecommendationRequestsPerSecond))
		}
	}
	return r, nil
}

func recommenderMinimum(c *types.RecommenderConfig) int {
	if c == nil {
		return 1
	}
	return minimumOf(c.MinRecommendationRequestsPerSecond)
}
