package inventory

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unique"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// List lists the campaigns and recommenders of a region without describing any, so that of a
// campaign the recipe is not known. A problem means that there may be more.
func (inv *Inventory) List(ctx context.Context, region string) ([]model.Resource, []model.Problem) {
	var all []model.Resource
	var problems []model.Problem
	for _, kind := range []model.Kind{model.Campaign, model.Recommender} {
		resources, err := inv.list(ctx, region, kind)
		if err != nil {
			problems = append(problems, model.Problem{Region: region, Operation: kind.ListOperation(), Err: err})
		}
		all = append(all, resources...)
	}
	return all, problems
}

// list reads the resources of a kind in a region, as far as it can; the error says why the
// listing is incomplete. A malformed entry makes it incomplete, as there is a resource of
// which nothing is known.
func (inv *Inventory) list(ctx context.Context, region string, kind model.Kind) ([]model.Resource, error) {
	var resources []model.Resource
	var malformed []error
	add := func(resource model.Resource, err error) {
		if err != nil {
			malformed = append(malformed, err)
			return
		}
		resources = append(resources, resource)
	}
	client, size := inv.o.Clients.Personalize(region), aws.Int32(awsapi.MaxListPage)
	err := awsapi.ReadPages(func(token *string) (*string, error) {
		if kind == model.Recommender {
			out, err := client.ListRecommenders(ctx, &personalize.ListRecommendersInput{MaxResults: size, NextToken: token})
			if err != nil {
				return nil, err
			}
			for _, summary := range out.Recommenders {
				add(recommenderFromSummary(region, summary, inv.o.Clock.Now()))
			}
			return out.NextToken, nil
		}
		out, err := client.ListCampaigns(ctx, &personalize.ListCampaignsInput{MaxResults: size, NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, summary := range out.Campaigns {
			add(campaignFromSummary(region, summary, inv.o.Clock.Now()))
		}
		return out.NextToken, nil
	})
	if err == nil {
		err = errors.Join(malformed...)
	}
	return resources, awsapi.Plain(err)
}

// describe reads a resource as it is now. A campaign lacks recipe and dataset group, which
// come from its solution version.
func (inv *Inventory) describe(ctx context.Context, arn model.ARN, kind model.Kind) (entry, error) {
	client, name := inv.o.Clients.Personalize(arn.Region()), arn.String()
	var e entry
	var err error
	if kind == model.Campaign {
		var out *personalize.DescribeCampaignOutput
		if out, err = client.DescribeCampaign(ctx, &personalize.DescribeCampaignInput{CampaignArn: &name}); err == nil {
			e.resource, e.versionARN, err = campaignFromDescription(arn.Region(), out.Campaign, inv.o.Clock.Now())
		}
	} else {
		var out *personalize.DescribeRecommenderOutput
		if out, err = client.DescribeRecommender(ctx, &personalize.DescribeRecommenderInput{RecommenderArn: &name}); err == nil {
			e.resource, err = recommenderFromDescription(arn.Region(), out.Recommender, inv.o.Clock.Now())
		}
	}
	if err == nil && e.resource.ARN != arn {
		err = fmt.Errorf("the response for %s describes %s", arn, e.resource.ARN)
	}
	e.summary = keyOf(e.resource)
	return e, awsapi.Plain(err)
}

// resourceOf translates what summaries and descriptions of both kinds share. The ARN must
// be of the kind and region. An unknown minimum is 1, which is the service's default and
// its lowest value.
func resourceOf(region string, kind model.Kind, arn, name, status *string, minimum *int32) (model.Resource, error) {
	parsed, err := model.ParseARN(aws.ToString(arn))
	if err != nil {
		return model.Resource{}, fmt.Errorf("the response has a %s without a valid ARN: %w", kind, err)
	}
	if got, ok := parsed.Kind(); !ok || got != kind || parsed.Region() != region {
		return model.Resource{}, fmt.Errorf("the response for a %s in %s has %s", kind, region, parsed)
	}
	r := model.Resource{
		ARN: parsed, Kind: kind, Name: parsed.Name(), Status: model.Status(shared(aws.ToString(status))),
		MinTPS: max(1, int(aws.ToInt32(minimum))),
	}
	if s := aws.ToString(name); s != "" && s != r.Name { // an equal one would be kept beside the ARN
		r.Name = s
	}
	return r, nil
}

// shared is a text that many resources have, in one place in memory for all of them.
func shared(s string) string { return unique.Make(s).Value() }

// timeOf is a time in UTC, comparable with ==; zero if there is none.
func timeOf(t *time.Time) time.Time { return aws.ToTime(t).UTC().Round(0) }

// arnOf is the ARN of something that resources share; zero if it is missing or malformed.
func arnOf(s *string) model.ARN {
	arn, _ := model.ParseARN(shared(aws.ToString(s)))
	return arn
}

// campaignFromSummary does not know the minimum, recipe, dataset group and latest update.
func campaignFromSummary(region string, s types.CampaignSummary, now time.Time) (model.Resource, error) {
	r, err := resourceOf(region, model.Campaign, s.CampaignArn, s.Name, s.Status, nil)
	r.Created, r.LastUpdated, r.Observed = timeOf(s.CreationDateTime), timeOf(s.LastUpdatedDateTime), now
	return r, err
}

// campaignFromDescription knows all but recipe and dataset group, which are those of
// the solution version, whose ARN is the second result.
func campaignFromDescription(region string, c *types.Campaign, now time.Time) (model.Resource, string, error) {
	if c == nil {
		c = &types.Campaign{}
	}
	r, err := resourceOf(region, model.Campaign, c.CampaignArn, c.Name, c.Status, c.MinProvisionedTPS)
	r.Created, r.LastUpdated, r.Observed = timeOf(c.CreationDateTime), timeOf(c.LastUpdatedDateTime), now
	r.Described = true
	r.AutoSync = c.CampaignConfig != nil && aws.ToBool(c.CampaignConfig.SyncWithLatestSolutionVersion)
	if u := c.LatestCampaignUpdate; u != nil {
		r.Update = updateOf(u.Status, u.MinProvisionedTPS, u.CreationDateTime, u.LastUpdatedDateTime)
	}
	return r, aws.ToString(c.SolutionVersionArn), err
}

// recommenderFromSummary knows all but the latest update.
func recommenderFromSummary(region string, s types.RecommenderSummary, now time.Time) (model.Resource, error) {
	r, err := resourceOf(region, model.Recommender, s.RecommenderArn, s.Name, s.Status, configuredMinimum(s.RecommenderConfig))
	r.Created, r.LastUpdated, r.Observed = timeOf(s.CreationDateTime), timeOf(s.LastUpdatedDateTime), now
	r.DatasetGroup, r.Recipe = arnOf(s.DatasetGroupArn), shared(model.RecipeName(aws.ToString(s.RecipeArn)))
	return r, err
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
	r.Described = true
	if u := d.LatestRecommenderUpdate; u != nil {
		r.Update = updateOf(u.Status, configuredMinimum(u.RecommenderConfig), u.CreationDateTime, u.LastUpdatedDateTime)
	}
	return r, err
}

func configuredMinimum(c *types.RecommenderConfig) *int32 {
	if c == nil {
		return nil
	}
	return c.MinRecommendationRequestsPerSecond
}

func updateOf(status *string, minimum *int32, created, changed *time.Time) *model.Update {
	return &model.Update{
		Status: model.Status(aws.ToString(status)), MinTPS: int(aws.ToInt32(minimum)), Created: timeOf(created), Changed: timeOf(changed),
	}
}

// Tags reads the tags of resources, one call each. What could not be read is missing from the
// result, with a problem; a resource without tags has an empty map.
func (inv *Inventory) Tags(ctx context.Context, resources []model.Resource) (map[model.ARN]map[string]string, []model.Problem) {
	found := make([]map[string]string, len(resources))
	failed := make([]error, len(resources))
	awsapi.ParallelByRegion(resources, model.Resource.Region, func(i int) {
		found[i], failed[i] = inv.tags(ctx, resources[i].ARN)
	})
	tags := make(map[model.ARN]map[string]string, len(resources))
	var problems []model.Problem
	for i, r := range resources {
		if failed[i] != nil {
			problems = append(problems, model.Problem{ARN: r.ARN.String(), Region: r.Region(), Operation: "ListTagsForResource", Err: failed[i]})
			continue
		}
		tags[r.ARN] = found[i]
	}
	return tags, problems
}

func (inv *Inventory) tags(ctx context.Context, arn model.ARN) (map[string]string, error) {
	out, err := inv.o.Clients.Personalize(arn.Region()).ListTagsForResource(ctx, &personalize.ListTagsForResourceInput{
		ResourceArn: aws.String(arn.String()),
	})
	if err != nil {
		return nil, awsapi.Plain(err)
	}
	tags := make(map[string]string, len(out.Tags))
	for _, tag := range out.Tags {
		tags[aws.ToString(tag.TagKey)] = aws.ToString(tag.TagValue)
	}
	return tags, nil
}
