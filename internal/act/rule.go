package act

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
)

// The rule that forwards notifications to the topic, and its target.
const (
	RuleName = "PersonalizeMonitor-NotificationsRule"
	TargetID = "PersonalizeMonitorNotificationsId"
)

const (
	opDescribeRule  = "DescribeRule"
	opPutRule       = "PutRule"
	opListTargets   = "ListTargetsByRule"
	opPutTargets    = "PutTargets"
	opRemoveTargets = "RemoveTargets"
	opDeleteRule    = "DeleteRule"
)

// ruleAPI is what is asked of EventBridge about rules.
type ruleAPI interface {
	DescribeRule(context.Context, *eventbridge.DescribeRuleInput, ...func(*eventbridge.Options)) (*eventbridge.DescribeRuleOutput, error)
	PutRule(context.Context, *eventbridge.PutRuleInput, ...func(*eventbridge.Options)) (*eventbridge.PutRuleOutput, error)
	DeleteRule(context.Context, *eventbridge.DeleteRuleInput, ...func(*eventbridge.Options)) (*eventbridge.DeleteRuleOutput, error)
	ListTargetsByRule(context.Context, *eventbridge.ListTargetsByRuleInput, ...func(*eventbridge.Options)) (*eventbridge.ListTargetsByRuleOutput, error)
	PutTargets(context.Context, *eventbridge.PutTargetsInput, ...func(*eventbridge.Options)) (*eventbridge.PutTargetsOutput, error)
	RemoveTargets(context.Context, *eventbridge.RemoveTargetsInput, ...func(*eventbridge.Options)) (*eventbridge.RemoveTargetsOutput, error)
	ListTagsForResource(context.Context, *eventbridge.ListTagsForResourceInput, ...func(*eventbridge.Options)) (*eventbridge.ListTagsForResourceOutput, error)
	TagResource(context.Context, *eventbridge.TagResourceInput, ...func(*eventbridge.Options)) (*eventbridge.TagResourceOutput, error)
}

// messageTemplate makes the text of a notification. Each line is a quoted string of its
// own, as EventBridge wants a text of several lines.
const messageTemplate = `"<type>: <arn>"` + "\n" + `"<reason>"` + "\n" + `"<note>"`

// messagePaths are where the parts of the text stand in an event.
func messagePaths() map[string]string {
	return map[string]string{"type": "$.detail-type", "arn": "$.detail.ARN", "reason": "$.detail.Reason", "note": "$.detail.Audit.note"}
}

func ourTransformer() *types.InputTransformer {
	return &types.InputTransformer{InputPathsMap: messagePaths(), InputTemplate: aws.String(messageTemplate)}
}

// rulePattern matches our notifications.
func rulePattern() string { return patternOf(events.NotificationTypes()) }

// formerPattern is the one that the original application made, in meaning: it knows
// nothing of decisions that are only rehearsed.
func formerPattern() string {
	return patternOf(slices.DeleteFunc(events.NotificationTypes(), func(t events.DetailType) bool { return t == events.DryRunDecision }))
}

func patternOf(types []events.DetailType) string {
	pattern, _ := json.Marshal(map[string]any{"source": []string{events.Source}, "detail-type": types}) // texts never fail
	return string(pattern)
}

// samePattern tells whether two patterns mean the same, whatever the order and spacing.
func samePattern(pattern, other string) bool {
	want, _ := readPattern(other)
	got, ok := readPattern(pattern)
	return ok && maps.EqualFunc(got, want, slices.Equal)
}

// knownPattern tells whether a pattern is ours or the original application's.
func knownPattern(pattern string) bool {
	return samePattern(pattern, rulePattern()) || samePattern(pattern, formerPattern())
}

// readPattern reads a pattern of plain lists of texts, sorted; ok is false for others.
func readPattern(pattern string) (lists map[string][]string, ok bool) {
	if err := json.Unmarshal([]byte(pattern), &lists); err != nil {
		return nil, false
	}
	for key, list := range lists {
		slices.Sort(list)
		lists[key] = slices.Compact(list)
	}
	return lists, true
}

// ensureRule creates the rule with its target, or repairs the target of one that is
// there. Whatever else a person made of it stays: a state, a pattern, further targets.
func (n *notifier) ensureRule(ctx context.Context, api ruleAPI) {
	rule, found, err := n.describeRule(ctx, api)
	switch {
	case err != nil:
		return
	case !found:
		n.createRule(ctx, api)
		return
	}
	if rule.State == types.RuleStateDisabled {
		n.tell(ctx, aws.ToString(rule.Arn), "notification rule is disabled, which stays", "region", n.region)
	} else if samePattern(aws.ToString(rule.EventPattern), formerPattern()) {
		n.renewPattern(ctx, api, rule)
	} else if !knownPattern(aws.ToString(rule.EventPattern)) {
		n.tell(ctx, aws.ToString(rule.Arn), "notification rule has a pattern of a person's, which stays", "region", n.region)
	}
	targets, err := listTargets(ctx, api)
	if err != nil {
		n.fail(aws.ToString(rule.Arn), opListTargets, "list the targets of the notification rule", err)
		return
	}
	before := len(n.problems)
	n.ensureTarget(ctx, api, rule, targets)
	// After the target: what is tagged is no longer taken for the original's.
	if len(n.problems) == before && aws.ToString(rule.Description) == originalRuleDescription && aws.ToString(rule.ManagedBy) == "" {
		n.adoptRule(ctx, api, aws.ToString(rule.Arn))
	}
}

// renewPattern gives a rule that has the original application's pattern ours. What is
// left out of the call would be lost, tags aside.
func (n *notifier) renewPattern(ctx context.Context, api ruleAPI, rule *eventbridge.DescribeRuleOutput) {
	arn := aws.ToString(rule.Arn)
	intent := Intent{Op: opPutRule, Region: n.region, ARN: arn, What: "have the rule " + RuleName + " forward decisions that are only rehearsed too"}
	_, err := n.gate.do(ctx, intent, func(ctx context.Context) error {
		_, err := api.PutRule(ctx, &eventbridge.PutRuleInput{
			Name: aws.String(RuleName), EventPattern: aws.String(rulePattern()), State: rule.State, Description: rule.Description,
			RoleArn: rule.RoleArn, ScheduleExpression: rule.ScheduleExpression,
		})
		return err
	})
	if err != nil {
		n.fail(arn, opPutRule, "change the pattern of the rule "+RuleName, err)
	}
}

// describeRule looks for the rule. An error is noted.
func (n *notifier) describeRule(ctx context.Context, api ruleAPI) (rule *eventbridge.DescribeRuleOutput, found bool, err error) {
	rule, err = api.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String(RuleName)})
	switch {
	case awsapi.KindOf(err) == awsapi.NotFound:
		return nil, false, nil
	case err != nil:
		n.fail("", opDescribeRule, "look for the rule "+RuleName, err)
		return nil, false, err
	}
	return rule, true, nil
}

func (n *notifier) createRule(ctx context.Context, api ruleAPI) {
	intent := Intent{Op: opPutRule, Region: n.region, What: "create the rule " + RuleName}
	_, err := n.gate.do(ctx, intent, func(ctx context.Context) error {
		_, err := api.PutRule(ctx, &eventbridge.PutRuleInput{
			Name: aws.String(RuleName), EventPattern: aws.String(rulePattern()), State: types.RuleStateEnabled,
			Description: aws.String("Forwards the notifications of Personalize Monitor to its topic."),
			Tags: []types.Tag{
				{Key: aws.String(tagCreatedBy), Value: aws.String(createdBy)},
				{Key: aws.String(tagDeployment), Value: aws.String(n.deployment)},
			},
		})
		return err
	})
	if err != nil {
		n.fail("", opPutRule, "create the rule "+RuleName, err)
		return
	}
	n.putTarget(ctx, api, n.newTarget())
}

func (n *notifier) newTarget() types.Target {
	return types.Target{Id: aws.String(TargetID), Arn: aws.String(n.topic.String()), InputTransformer: ourTransformer()}
}

// ensureTarget puts back a missing target and gives the original application's, which
// passes raw JSON on, the readable text. A target that a person changed stays, and so
// does the rule if another target of theirs leads to the topic.
func (n *notifier) ensureTarget(ctx context.Context, api ruleAPI, rule *eventbridge.DescribeRuleOutput, targets []types.Target) {
	i := slices.IndexFunc(targets, func(t types.Target) bool { return aws.ToString(t.Id) == TargetID })
	if i < 0 {
		toTopic := func(t types.Target) bool { return aws.ToString(t.Arn) == n.topic.String() }
		if !slices.ContainsFunc(targets, toTopic) {
			n.putTarget(ctx, api, n.newTarget())
		}
		return
	}
	target := targets[i]
	if !n.raw(target) {
		return
	}
	switch tagged, err := ofDeployment(ctx, api, rule); {
	case err != nil:
		n.fail(aws.ToString(rule.Arn), opListTags, "read the tags of the notification rule", err)
	case tagged:
		n.tell(ctx, aws.ToString(rule.Arn), "notification target has no input transformer, which stays", "region", n.region)
	default:
		target.InputTransformer = ourTransformer()
		n.putTarget(ctx, api, target)
	}
}

// raw tells whether a target leads to the topic and passes events on as they are.
func (n *notifier) raw(t types.Target) bool {
	return aws.ToString(t.Arn) == n.topic.String() && t.InputTransformer == nil && t.Input == nil && t.InputPath == nil
}

// ofDeployment tells whether the rule was made by this program, which tags it with its
// deployment, rather than by the original application, which does not tag it at all.
func ofDeployment(ctx context.Context, api ruleAPI, rule *eventbridge.DescribeRuleOutput) (bool, error) {
	out, err := api.ListTagsForResource(ctx, &eventbridge.ListTagsForResourceInput{ResourceARN: rule.Arn})
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(out.Tags, func(t types.Tag) bool { return aws.ToString(t.Key) == tagDeployment }), nil
}

func (n *notifier) putTarget(ctx context.Context, api ruleAPI, target types.Target) {
	intent := Intent{
		Op: opPutTargets, Region: n.region, ARN: n.topic.String(),
		What: "make the notification topic the target of the rule " + RuleName,
	}
	_, err := n.gate.do(ctx, intent, func(ctx context.Context) error {
		out, err := api.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String(RuleName), Targets: []types.Target{target}})
		if err != nil || out.FailedEntryCount == 0 {
			return err
		}
		failed := types.PutTargetsResultEntry{}
		if len(out.FailedEntries) > 0 {
			failed = out.FailedEntries[0]
		}
		return entryError(failed.ErrorCode, failed.ErrorMessage)
	})
	if err != nil {
		n.fail(n.topic.String(), opPutTargets, "set the target of the rule "+RuleName, err)
	}
}

// entryError is the error that an entry of a batch was answered with, while the call as
// a whole succeeded.
func entryError(code, message *string) error {
	if aws.ToString(code) == "" {
		return errors.New("refused without a reason")
	}
	return fmt.Errorf("%s: %s", aws.ToString(code), aws.ToString(message))
}

func listTargets(ctx context.Context, api ruleAPI) ([]types.Target, error) {
	in := &eventbridge.ListTargetsByRuleInput{Rule: aws.String(RuleName)}
	var all []types.Target
	var pages awsapi.Pages
	for {
		out, err := api.ListTargetsByRule(ctx, in)
		if err != nil {
			return nil, err
		}
		all = append(all, out.Targets...)
		if in.NextToken, err = nextToken(&pages, out.NextToken); err != nil || in.NextToken == nil {
			return all, err
		}
	}
}

// removeOriginalRule removes, in a region where our events never are, the rule that the
// original application made there. Any other rule of that name stays.
func (n *notifier) removeOriginalRule(ctx context.Context, api ruleAPI) {
	rule, found, err := n.describeRule(ctx, api)
	if err != nil || !found {
		return
	}
	arn := aws.ToString(rule.Arn)
	targets, err := listTargets(ctx, api)
	if err != nil {
		n.fail(arn, opListTargets, "list the targets of the rule "+RuleName, err)
		return
	}
	if !n.originalRule(ctx, api, rule, targets) || (len(targets) > 0 && !n.removeTarget(ctx, api, arn)) {
		return
	}
	intent := Intent{Op: opDeleteRule, Region: n.region, ARN: arn, What: "delete the rule " + RuleName + ", which never matches in this region"}
	_, err = n.gate.do(ctx, intent, func(ctx context.Context) error { return deleteRule(ctx, api) })
	if err != nil {
		n.fail(arn, opDeleteRule, "delete the rule "+RuleName, err)
	}
}

// deleteRule deletes the rule, which must have no target any more.
func deleteRule(ctx context.Context, api ruleAPI) error {
	_, err := api.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String(RuleName)})
	return alreadyGone(err)
}

// originalRule tells whether a rule is as the original application made it: with its
// pattern, with no target but its own, and without the tag of a deployment. In doubt it
// is not.
func (n *notifier) originalRule(ctx context.Context, api ruleAPI, rule *eventbridge.DescribeRuleOutput, targets []types.Target) bool {
	arn := aws.ToString(rule.Arn)
	others := slices.ContainsFunc(targets, func(t types.Target) bool {
		return aws.ToString(t.Id) != TargetID || aws.ToString(t.Arn) != n.topic.String()
	})
	if others || aws.ToString(rule.ManagedBy) != "" || !knownPattern(aws.ToString(rule.EventPattern)) {
		n.tell(ctx, arn, "notification rule in a region without our events is a person's, and stays", "region", n.region)
		return false
	}
	tagged, err := ofDeployment(ctx, api, rule)
	switch {
	case err != nil:
		n.fail(arn, opListTags, "read the tags of the rule "+RuleName, err)
	case tagged:
		n.tell(ctx, arn, "notification rule is another deployment's, and stays", "region", n.region)
	}
	return err == nil && !tagged
}

// removeTarget takes our target off the rule, which must have none to be deleted.
func (n *notifier) removeTarget(ctx context.Context, api ruleAPI, arn string) bool {
	intent := Intent{Op: opRemoveTargets, Region: n.region, ARN: arn, What: "remove the target of the rule " + RuleName}
	_, err := n.gate.do(ctx, intent, func(ctx context.Context) error { return removeOurTarget(ctx, api) })
	if err != nil {
		n.fail(arn, opRemoveTargets, "remove the target of the rule "+RuleName, err)
	}
	return err == nil
}

// removeOurTarget removes the target; one that is gone is none to remove.
func removeOurTarget(ctx context.Context, api ruleAPI) error {
	out, err := api.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: aws.String(RuleName), Ids: []string{TargetID}})
	if err != nil || out.FailedEntryCount == 0 {
		return alreadyGone(err)
	}
	failed := types.RemoveTargetsResultEntry{}
	if len(out.FailedEntries) > 0 {
		failed = out.FailedEntries[0]
	}
	if aws.ToString(failed.ErrorCode) == targetNotFound {
		return errAlreadySo
	}
	return entryError(failed.ErrorCode, failed.ErrorMessage)
}

// targetNotFound is the code of an entry about a target that the rule does not have.
const targetNotFound = "ResourceNotFoundException"

// alreadyGone makes a success of an error that says that there is nothing to remove.
func alreadyGone(err error) error {
	if awsapi.KindOf(err) == awsapi.NotFound {
		return errAlreadySo
	}
	return err
}
