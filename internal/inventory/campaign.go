package inventory

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/personalize"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// describer is the describing half of the API.
type describer interface {
	DescribeCampaign(context.Context, *personalize.DescribeCampaignInput, ...func(*personalize.Options)) (*personalize.DescribeCampaignOutput, error)
	DescribeRecommender(context.Context, *personalize.DescribeRecommenderInput, ...func(*personalize.Options)) (*personalize.DescribeRecommenderOutput, error)
}

// finding is what came of one campaign.
type finding struct {
	arn      model.ARN
	resource model.Resource
	found    bool // else there is no resource, and gone or the problems say why
	gone     bool // listed, but no longer there when it was described
	problems []model.Problem
}

// campaign takes a campaign from its list entry to all that is known of it. One that
// is not ACTIVE is not looked at any closer.
func (d *discovery) campaign(ctx context.Context, listed model.Resource) finding {
	old, known := d.cache.get(listed.ARN)
	if known && old.summary.created != listed.Created {
		// Another campaign has the name now: what is known of the first is of no use.
		d.cache.drop(listed.ARN)
		old, known = entry{}, false
	}
	if listed.Status != model.StatusActive {
		d.cache.drop(listed.ARN)
		return finding{arn: listed.ARN, resource: listed, found: true}
	}
	if known && old.summary == keyOf(listed) && old.settled() {
		old.resource.Observed = listed.Observed
		d.cache.put(old)
		if !d.due(listed.ARN) {
			return d.complete(ctx, old)
		}
	}
	e, err := d.describeCampaign(ctx, listed.ARN)
	switch {
	case err == nil:
		e.summary = keyOf(listed)
		e.keepServed(old)
		return d.complete(ctx, e)
	case awsapi.KindOf(err) == awsapi.NotFound:
		d.cache.drop(listed.ARN)
		d.logger.Info("campaign is gone", "arn", listed.ARN.String(), "region", listed.Region())
		return finding{arn: listed.ARN, gone: true}
	}
	return d.standIn(listed.ARN, old, known, err)
}

// complete adds recipe and dataset group, and remembers the whole.
func (d *discovery) complete(ctx context.Context, e entry) finding {
	f := finding{arn: e.resource.ARN, found: true}
	if problem := d.recipes.complete(ctx, &e); problem != nil {
		f.problems = append(f.problems, *problem)
	}
	d.cache.put(e)
	f.resource = e.full()
	return f
}

// standIn gives the last known copy of a campaign that could not be described, if there
// is one that is not too old.
func (d *discovery) standIn(arn model.ARN, old entry, known bool, err error) finding {
	problem := model.Problem{ARN: arn.String(), Region: arn.Region, Operation: describeOperation(model.Campaign)}
	if !known || !fresh(old, d.clock.Now()) {
		problem.Err = fmt.Errorf("left out this time: %w", err)
		return finding{arn: arn, problems: []model.Problem{problem}}
	}
	problem.Err = fmt.Errorf("metrics only, by the copy of %s: %w", old.resource.Observed.Format("15:04:05"), err)
	d.logger.Debug("last known copy used", "arn", arn.String(), "region", arn.Region, "kind", string(model.Campaign),
		"op", problem.Operation, "observed", old.resource.Observed, "err", err)
	return finding{arn: arn, resource: stale(old), found: true, problems: []model.Problem{problem}}
}

// describeCampaign asks for a campaign as it is now.
func (inv *Inventory) describeCampaign(ctx context.Context, arn model.ARN) (entry, error) {
	name := arn.String()
	out, err := inv.personalize(arn.Region).DescribeCampaign(ctx, &personalize.DescribeCampaignInput{CampaignArn: &name})
	if err != nil {
		return entry{}, awsapi.Plain(err)
	}
	resource, versionARN, err := campaignFromDescription(arn.Region, out.Campaign, inv.clock.Now())
	if err != nil {
		return entry{}, err
	}
	if resource.ARN != arn {
		return entry{}, fmt.Errorf("%s in the answer to a question for %s", resource.ARN, arn)
	}
	return entry{resource: resource, summary: keyOf(resource), versionARN: versionARN}, nil
}

// describeRecommender asks for a recommender as it is now.
func (inv *Inventory) describeRecommender(ctx context.Context, arn model.ARN) (entry, error) {
	name := arn.String()
	out, err := inv.personalize(arn.Region).DescribeRecommender(ctx, &personalize.DescribeRecommenderInput{RecommenderArn: &name})
	if err != nil {
		return entry{}, awsapi.Plain(err)
	}
	resource, err := recommenderFromDescription(arn.Region, out.Recommender, inv.clock.Now())
	if err != nil {
		return entry{}, err
	}
	if resource.ARN != arn {
		return entry{}, fmt.Errorf("%s in the answer to a question for %s", resource.ARN, arn)
	}
	return entry{resource: resource, summary: keyOf(resource)}, nil
}
