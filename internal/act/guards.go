package act

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// judgement is what the checks before an automatic action came to.
type judgement struct {
	decision *rules.Decision // made anew; nil if it did not come to that
	why      string          // why the action is not carried out; empty if it is
	guarded  bool            // it would still be right, but a guard says no
	release  func()          // gives back what was reserved for it; never nil
}

// judge makes the checks before an automatic action, each of which can only say no: it
// must still hold by fresh data, no tag may protect the resource, and a stop or delete
// must fit the budget of the hour. An error means that a check could not be made.
func (a *Actor) judge(ctx context.Context, req events.Request, d deed, before standing) (judgement, error) {
	v := judgement{release: func() {}}
	if d.outdated != nil {
		if v.why = d.outdated(before); v.why != "" {
			return v, nil
		}
	}
	if a.recheck == nil {
		return v, errors.New("nothing here can do that")
	}
	decision, err := a.recheck.Recheck(ctx, req)
	if err != nil {
		return v, err
	}
	v.decision = &decision
	if v.why = d.contradicted(decision); v.why != "" {
		return v, nil
	}
	v.why = rules.Protected(before.tags, rules.VerdictOf(d.action), a.clock.Now())
	if v.why == "" && d.action.Ends() {
		v.release, v.why = a.reserve(ctx, req.ARN.Region, rules.VerdictOf(d.action))
	}
	v.guarded = v.why != ""
	return v, nil
}

// RefusedKey is what refusals are counted by.
type RefusedKey struct {
	Region string
	Action rules.Verdict // Refused where a rule refused before it came to an action
}

// CountRefused publishes how many actions rules and guards kept from being done. What
// cannot be published is logged: nothing depends on it.
func (a *Actor) CountRefused(ctx context.Context, counts map[RefusedKey]int) {
	data := make([]model.Datum, 0, len(counts))
	for key, n := range counts {
		data = append(data, model.Datum{
			Region: key.Region, Unit: "Count", Value: float64(n), Time: a.clock.Now().UTC(),
			Metric: model.Metric{
				Namespace: model.NamespaceMonitor, Name: model.MetricActionsRefused,
				DimensionName: rules.DimensionAction, DimensionValue: string(key.Action),
			},
		})
	}
	_, problems := a.Publish(ctx, data)
	for _, p := range problems {
		a.log.WarnContext(ctx, "refusals not counted", "op", p.Operation, "region", p.Region, "err", p.Err)
	}
}

// tagsAPI is what is asked of Personalize about tags.
type tagsAPI interface {
	ListTagsForResource(context.Context, *personalize.ListTagsForResourceInput, ...func(*personalize.Options)) (*personalize.ListTagsForResourceOutput, error)
}

// readTags reads the tags of a resource; never nil without an error.
func readTags(ctx context.Context, api tagsAPI, arn string) (map[string]string, error) {
	out, err := api.ListTagsForResource(ctx, &personalize.ListTagsForResourceInput{ResourceArn: &arn})
	if err != nil {
		return nil, fmt.Errorf("read its tags: ListTagsForResource: %w", awsapi.Plain(err))
	}
	tags := make(map[string]string, len(out.Tags))
	for _, tag := range out.Tags {
		tags[aws.ToString(tag.TagKey)] = aws.ToString(tag.TagValue)
	}
	return tags, nil
}
