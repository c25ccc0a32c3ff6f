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

// CloudWatchTag is a tag of an alarm or a dashboard.
func CloudWatchTag(key, value *string) cwtypes.Tag { return cwtypes.Tag{Key: key, Value: value} }

// EventBridgeTag is a tag of a rule.
func EventBridgeTag(key, value *string) ebtypes.Tag { return ebtypes.Tag{Key: key, Value: value} }

// SNSTag is a tag of a topic.
func SNSTag(key, value *string) snstypes.Tag { return snstypes.Tag{Key: key, Value: value} }

// PersonalizeTag is a tag of a campaign or recommender.
func PersonalizeTag(key, value *string) personalizetypes.Tag {
	return personalizetypes.Tag{TagKey: key, TagValue: value}
}

// ReadTags reads the tags of an alarm, dashboard, rule, topic, campaign or recommender; nil
// only with an error. Dashboards have no region in their ARN.
func (w *Writer) ReadTags(ctx context.Context, region, arn string) (Tags, error) {
	parsed, err := model.ParseARN(arn)
	if err != nil {
		return nil, err
	}
	tags := Tags{}
	add := func(key, value *string) { tags[aws.ToString(key)] = aws.ToString(value) }
	switch parsed.Service() {
	case "cloudwatch":
		out, err := w.Clients.CloudWatch(region).ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: &arn})
		if err != nil {
			return nil, err
		}
		for _, t := range out.Tags {
			add(t.Key, t.Value)
		}
	case "events":
		out, err := w.Clients.EventBridge(region).ListTagsForResource(ctx, &eventbridge.ListTagsForResourceInput{ResourceARN: &arn})
		if err != nil {
			return nil, err
		}
		for _, t := range out.Tags {
			add(t.Key, t.Value)
		}
	case "sns":
		out, err := w.Clients.SNS(region).ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: &arn})
		if err != nil {
			return nil, err
		}
		for _, t := range out.Tags {
			add(t.Key, t.Value)
		}
	case "personalize":
		out, err := w.Clients.Personalize(region).ListTagsForResource(ctx, &personalize.ListTagsForResourceInput{ResourceArn: &arn})
		if err != nil {
			return nil, err
		}
		for _, t := range out.Tags {
			add(t.TagKey, t.TagValue)
		}
	default:
		return nil, fmt.Errorf("tags of %s cannot be read: unknown service %q", arn, parsed.Service())
	}
	return tags, nil
}

// SetTags sets tags of an alarm, rule, topic, campaign or recommender, beside those it has.
func (w *Writer) SetTags(ctx context.Context, in Intent, tags Tags) error {
	arn, err := model.ParseARN(in.ARN)
	if err != nil {
		return err
	}
	write := func(context.Context) error {
		return fmt.Errorf("%s cannot be tagged: unknown service %q", in.ARN, arn.Service())
	}
	switch arn.Service() {
	case "cloudwatch":
		write = Call(w.Clients.CloudWatch(in.Region).TagResource, &cloudwatch.TagResourceInput{
			ResourceARN: &in.ARN, Tags: TagList(tags, CloudWatchTag),
		})
	case "events":
		write = Call(w.Clients.EventBridge(in.Region).TagResource, &eventbridge.TagResourceInput{
			ResourceARN: &in.ARN, Tags: TagList(tags, EventBridgeTag),
		})
	case "sns":
		write = Call(w.Clients.SNS(in.Region).TagResource, &sns.TagResourceInput{ResourceArn: &in.ARN, Tags: TagList(tags, SNSTag)})
	case "personalize":
		write = Call(w.Clients.Personalize(in.Region).TagResource, &personalize.TagResourceInput{
			ResourceArn: &in.ARN, Tags: TagList(tags, PersonalizeTag),
		})
	}
	in.Op = OpTagResource
	_, err = w.Do(ctx, in, write)
	return err
}

// RemoveTags removes tags of a topic, campaign or recommender; those that it does not have are no
// error.
func (w *Writer) RemoveTags(ctx context.Context, in Intent, keys ...string) error {
	arn, err := model.ParseARN(in.ARN)
	if err != nil {
		return err
	}
	write := Removal(w.Clients.Personalize(in.Region).UntagResource, &personalize.UntagResourceInput{ResourceArn: &in.ARN, TagKeys: keys})
	if arn.Service() == "sns" {
		write = Removal(w.Clients.SNS(in.Region).UntagResource, &sns.UntagResourceInput{ResourceArn: &in.ARN, TagKeys: keys})
	}
	in.Op = OpUntagResource
	_, err = w.Do(ctx, in, write)
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
