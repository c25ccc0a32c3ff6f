package inventory

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

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
	out, err := inv.clients.Personalize(arn.Region).ListTagsForResource(ctx, &personalize.ListTagsForResourceInput{
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
