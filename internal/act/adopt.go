package act

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Things of the original application that are taken over are tagged as this deployment's,
// so that a clean-up knows whose they are. What has a deployment already is never tagged
// anew. That a tag cannot be set is a problem, and keeps nothing else from being done.

const opTagResource = "TagResource"

// pair is one tag.
type pair struct{ key, value string }

// missing are the tags that a thing of the original's lacks to be this deployment's: none
// if it is any deployment's, or if a person says that it is theirs.
func (a *Actor) missing(t tags) []pair {
	deployment := pair{tagDeployment, a.deployment}
	switch {
	case t.deployment != "" || (t.createdBy != "" && t.createdBy != createdBy):
		return nil
	case t.createdBy == "":
		return []pair{{tagCreatedBy, createdBy}, deployment}
	}
	return []pair{deployment}
}

// adopt passes the tagging of a thing through the gate.
func (a *Actor) adopt(ctx context.Context, region, arn, what string, write func(context.Context) error) error {
	intent := Intent{Op: opTagResource, Region: region, ARN: arn, What: fmt.Sprintf("tag %s of the original application as the deployment %s's", what, a.deployment)}
	_, err := a.gate.do(ctx, intent, write)
	return err
}

// adoptTopic tags the topic, which the original application made.
func (n *notifier) adoptTopic(ctx context.Context, api topicAPI) {
	arn := n.topic.String()
	read := func(ctx context.Context) (tags, error) { return topicTags(ctx, api, arn) }
	n.adoptThing(ctx, arn, "the topic", read, func(ctx context.Context, missing []pair) error {
		in := &sns.TagResourceInput{ResourceArn: aws.String(arn)}
		for _, p := range missing {
			in.Tags = append(in.Tags, snstypes.Tag{Key: aws.String(p.key), Value: aws.String(p.value)})
		}
		_, err := api.TagResource(ctx, in)
		return err
	})
}

// adoptRule tags the rule, which the original application made.
func (n *notifier) adoptRule(ctx context.Context, api ruleAPI, arn string) {
	read := func(ctx context.Context) (tags, error) { return ruleTags(ctx, api, arn) }
	n.adoptThing(ctx, arn, "the notification rule", read, func(ctx context.Context, missing []pair) error {
		in := &eventbridge.TagResourceInput{ResourceARN: aws.String(arn)}
		for _, p := range missing {
			in.Tags = append(in.Tags, ebtypes.Tag{Key: aws.String(p.key), Value: aws.String(p.value)})
		}
		_, err := api.TagResource(ctx, in)
		return err
	})
}

// adoptThing tags what lacks tags, and notes what fails.
func (n *notifier) adoptThing(ctx context.Context, arn, what string,
	read func(context.Context) (tags, error), write func(ctx context.Context, missing []pair) error,
) {
	t, err := read(ctx)
	if err != nil {
		n.fail(arn, opListTags, "read the tags of "+what, err)
		return
	}
	missing := n.missing(t)
	if len(missing) == 0 {
		return
	}
	if err := n.adopt(ctx, n.region, arn, what, func(ctx context.Context) error { return write(ctx, missing) }); err != nil {
		n.fail(arn, opTagResource, "tag "+what, err)
	}
}

// claim tags an alarm that the original application made, and tells whether it is known
// whose it is now. Denials are told once.
func (r *reconciler) claim(ctx context.Context, change rules.AlarmChange) bool {
	streak := r.streak(opTagResource, opTagResource)
	if streak.broken() {
		streak.skip(1)
		return false
	}
	t, err := readAlarmTags(ctx, r.api, change.ARN)
	if err != nil {
		err = fmt.Errorf("read its tags: %s: %w", opListTags, err)
	} else {
		var list []cwtypes.Tag
		for _, p := range r.missing(t) {
			list = append(list, cwtypes.Tag{Key: aws.String(p.key), Value: aws.String(p.value)})
		}
		if len(list) > 0 {
			err = r.adopt(ctx, r.region, change.ARN, "the alarm "+change.Name, func(ctx context.Context) error {
				_, err := r.api.TagResource(ctx, &cloudwatch.TagResourceInput{ResourceARN: aws.String(change.ARN), Tags: list})
				return err
			})
		}
	}
	switch {
	case err == nil:
		streak.succeed()
		return true
	case awsapi.KindOf(err) == awsapi.NotFound: // it is made anew, with tags
		return true
	case ctx.Err() == nil:
		streak.fail(change.Resource.String(), fmt.Errorf("tag alarm %s: %w", change.Name, err))
	}
	return false
}
