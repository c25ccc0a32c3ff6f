package writer

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	personalizetypes "github.com/aws/aws-sdk-go-v2/service/personalize/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Tags that mark what the program creates, and for which deployment.
const (
	TagCreatedBy  = "CreatedBy"
	CreatedBy     = "PersonalizeMonitor"
	TagDeployment = "Deployment"
)

// Operations on tags, by the same name in all services.
const (
	OpListTags      = "ListTagsForResource"
	OpTagResource   = "TagResource"
	OpUntagResource = "UntagResource"
)

// Tags are the tags of something in AWS, by key.
type Tags map[string]string

// Ours reports whether the program created it, for whichever deployment. The upstream sample
// sets the same tag on its alarms.
func (t Tags) Ours() bool { return t[TagCreatedBy] == CreatedBy }

// NoOwner reports whether no tag names an owner. Things of the upstream sample other than
// alarms have none.
func (t Tags) NoOwner() bool { return t[TagCreatedBy] == "" && t[TagDeployment] == "" }

// OwnTags are the tags of what this deployment creates.
func (w *Writer) OwnTags() Tags { return Tags{TagCreatedBy: CreatedBy, TagDeployment: w.Deployment} }

// TagList turns tags into a service's own type, sorted by key; nil without tags, so that a
// request does not mention any.
func TagList[T any](tags Tags, tag func(key, value *string) T) []T {
	var list []T
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, tag(aws.String(key), aws.String(tags[key])))
	}
	return list
}

// CloudWatchTag is a tag as CloudWatch takes it.
func CloudWatchTag(key, value *string) cwtypes.Tag { return cwtypes.Tag{Key: key, Value: value} }

// EventBridgeTag is a tag as EventBridge takes it.
func EventBridgeTag(key, value *string) ebtypes.Tag { return ebtypes.Tag{Key: key, Value: value} }

// SNSTag is a tag as SNS takes it.
func SNSTag(key, value *string) snstypes.Tag { return snstypes.Tag{Key: key, Value: value} }

// tagsOf collects the tags of an answer.
func tagsOf[T any](list []T, pair func(T) (key, value *string)) Tags {
	tags := make(Tags, len(list))
	for _, t := range list {
		key, value := pair(t)
		tags[aws.ToString(key)] = aws.ToString(value)
	}
	return tags
}

// ReadTags reads the tags of an alarm, dashboard, rule, topic, campaign or recommender; nil
// only with an error. Dashboards have no region in their ARN.
func (w *Writer) ReadTags(ctx context.Context, region, arn string) (Tags, error) {
	parsed, err := model.ParseARN(arn)
	if err != nil {
		return nil, err
	}
	switch parsed.Service {
	case "cloudwatch":
		out, err := w.Clients.CloudWatch(region).ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: &arn})
		if err != nil {
			return nil, err
		}
		return tagsOf(out.Tags, func(t cwtypes.Tag) (k, v *string) { return t.Key, t.Value }), nil
	case "events":
		out, err := w.Clients.EventBridge(region).ListTagsForResource(ctx, &eventbridge.ListTagsForResourceInput{ResourceARN: &arn})
		if err != nil {
			return nil, err
		}
		return tagsOf(out.Tags, func(t ebtypes.Tag) (k, v *string) { return t.Key, t.Value }), nil
	case "sns":
		out, err := w.Clients.SNS(region).ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: &arn})
		if err != nil {
			return nil, err
		}
		return tagsOf(out.Tags, func(t snstypes.Tag) (k, v *string) { return t.Key, t.Value }), nil
	case "personalize":
		out, err := w.Clients.Personalize(region).ListTagsForResource(ctx, &personalize.ListTagsForResourceInput{ResourceArn: &arn})
		if err != nil {
			return nil, err
		}
		return tagsOf(out.Tags, func(t personalizetypes.Tag) (k, v *string) { return t.TagKey, t.TagValue }), nil
	}
	return nil, fmt.Errorf("tags of %s cannot be read: unknown service %q", arn, parsed.Service)
}

// PersonalizeTag is a tag as Personalize takes it.
func PersonalizeTag(key, value *string) personalizetypes.Tag {
	return personalizetypes.Tag{TagKey: key, TagValue: value}
}

// RemoveTag removes a tag of a campaign or recommender; one that it does not have is no error.
func (w *Writer) RemoveTag(ctx context.Context, in Intent, key string) error {
	in.Op = OpUntagResource
	_, err := w.Do(ctx, in, func(ctx context.Context) error {
		_, err := w.Clients.Personalize(in.Region).UntagResource(ctx, &personalize.UntagResourceInput{ResourceArn: &in.ARN, TagKeys: []string{key}})
		return err
	})
	return err
}

// SetTags sets tags of an alarm, rule, topic, campaign or recommender, beside those it has.
func (w *Writer) SetTags(ctx context.Context, in Intent, tags Tags) error {
	arn, err := model.ParseARN(in.ARN)
	if err != nil {
		return err
	}
	in.Op = OpTagResource
	_, err = w.Do(ctx, in, func(ctx context.Context) error {
		var err error
		switch arn.Service {
		case "cloudwatch":
			_, err = w.Clients.CloudWatch(in.Region).TagResource(ctx, &cloudwatch.TagResourceInput{
				ResourceARN: &in.ARN, Tags: TagList(tags, CloudWatchTag),
			})
		case "events":
			_, err = w.Clients.EventBridge(in.Region).TagResource(ctx, &eventbridge.TagResourceInput{
				ResourceARN: &in.ARN, Tags: TagList(tags, EventBridgeTag),
			})
		case "sns":
			_, err = w.Clients.SNS(in.Region).TagResource(ctx, &sns.TagResourceInput{ResourceArn: &in.ARN, Tags: TagList(tags, SNSTag)})
		case "personalize":
			_, err = w.Clients.Personalize(in.Region).TagResource(ctx, &personalize.TagResourceInput{
				ResourceArn: &in.ARN, Tags: TagList(tags, PersonalizeTag),
			})
		default:
			err = fmt.Errorf("%s cannot be tagged: unknown service %q", in.ARN, arn.Service)
		}
		return err
	})
	return err
}

// Adopt tags something that the upstream sample created as this deployment's, so that a
// clean-up knows the owner. What has a deployment already, or a person's CreatedBy, stays as
// it is. The operation is the one that failed.
func (w *Writer) Adopt(ctx context.Context, region, arn, what string) (op string, err error) {
	tags, err := w.ReadTags(ctx, region, arn)
	if err != nil {
		return OpListTags, fmt.Errorf("read the tags of %s: %w", what, err)
	}
	if !tags.NoOwner() && (!tags.Ours() || tags[TagDeployment] != "") {
		return "", nil
	}
	missing := w.OwnTags()
	if tags.Ours() {
		delete(missing, TagCreatedBy)
	}
	intent := Intent{Region: region, ARN: arn, What: fmt.Sprintf("tag %s of the upstream sample as the deployment %s's", what, w.Deployment)}
	if err := w.SetTags(ctx, intent, missing); err != nil {
		return OpTagResource, fmt.Errorf("tag %s: %w", what, err)
	}
	return "", nil
}
