package notify

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// The rule that forwards notifications to the topic, and its target.
const (
	RuleName = "PersonalizeMonitor-NotificationsRule"
	TargetID = "PersonalizeMonitorNotificationsId"
)

// Operations on rules.
const (
	OpDescribeRule  = "DescribeRule"
	OpListTargets   = "ListTargetsByRule"
	OpRemoveTargets = "RemoveTargets"
	OpDeleteRule    = "DeleteRule"
	opPutRule       = "PutRule"
	opPutTargets    = "PutTargets"
)

// sampleRuleDescription is the description of the rule that the upstream sample creates.
const sampleRuleDescription = "Routes Personalize Monitor notifications to notification SNS topic"

// messageTemplate makes the text of a notification. Each line is a quoted string of its own,
// as EventBridge expects a text of several lines.
const messageTemplate = `"<type>: <arn>"` + "\n" + `"<reason>"` + "\n" + `"<note>"`

// transformer turns an event into the text of a notification.
func transformer() *types.InputTransformer {
	return &types.InputTransformer{
		InputPathsMap: map[string]string{
			"type": "$.detail-type", "arn": "$.detail.ARN", "reason": "$.detail.Reason", "note": "$.detail.Audit.note",
		},
		InputTemplate: aws.String(messageTemplate),
	}
}

// rulePattern matches the notifications of the program.
func rulePattern() string { return patternOf(events.NotificationTypes()) }

// laterTypes are the notifications that were added, the latest first: the upstream sample knows
// none of them, and each version of this program those of the versions before.
func laterTypes() [][]events.DetailType {
	return [][]events.DetailType{
		{events.TrainingPaused, events.TrainingResumed, events.ReturnDropped}, {events.FailuresNoticed, events.MinimumContested}, {events.DryRunDecision},
	}
}

// formerPattern reports whether a pattern is equivalent to that of the upstream sample or of an
// earlier version.
func formerPattern(pattern string) bool {
	types := events.NotificationTypes()
	for _, later := range laterTypes() {
		types = slices.DeleteFunc(types, func(t events.DetailType) bool { return slices.Contains(later, t) })
		if samePattern(pattern, patternOf(types)) {
			return true
		}
	}
	return false
}

func patternOf(types []events.DetailType) string {
	pattern, _ := json.Marshal(map[string]any{"source": []string{events.Source}, "detail-type": types}) // texts never fail
	return string(pattern)
}

// samePattern reports whether two patterns are equivalent, regardless of order and spacing.
func samePattern(pattern, other string) bool {
	want, _ := readPattern(other)
	got, ok := readPattern(pattern)
	return ok && maps.EqualFunc(got, want, slices.Equal)
}

// knownPattern reports whether a pattern is ours, of whichever version, or the upstream sample's.
func knownPattern(pattern string) bool {
	return samePattern(pattern, rulePattern()) || formerPattern(pattern)
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

// ensureRule creates the rule with its target, or fixes the target of an existing one.
// Whatever else a person changed stays: a state, a pattern, further targets.
func (s *setup) ensureRule(ctx context.Context) {
	rule, err := DescribeRule(ctx, s.w, s.region)
	switch {
	case err != nil:
		s.fail("", OpDescribeRule, "look for the rule "+RuleName, err)
		return
	case rule == nil:
		created := s.putRule(ctx, "", "create the rule "+RuleName, &eventbridge.PutRuleInput{
			State: types.RuleStateEnabled, Tags: writer.TagList(s.w.OwnTags(), writer.EventBridgeTag),
			Description: aws.String("Forwards the notifications of Personalize Monitor to its topic."),
		})
		if created {
			s.putTarget(ctx, newTarget(s.topic))
			s.ensureChatTarget(ctx, nil)
		}
		return
	}
	arn, pattern := aws.ToString(rule.Arn), aws.ToString(rule.EventPattern)
	if rule.State == types.RuleStateDisabled {
		s.logKept(ctx, arn, "notification rule is disabled, and stays so")
	} else if formerPattern(pattern) {
		s.putRule(ctx, arn, "forward all notifications through the rule "+RuleName, &eventbridge.PutRuleInput{
			State: rule.State, Description: rule.Description, RoleArn: rule.RoleArn, ScheduleExpression: rule.ScheduleExpression,
		})
	} else if !knownPattern(pattern) {
		s.logKept(ctx, arn, "notification rule has a pattern that a person set, and keeps it")
	}
	targets, err := ListTargets(ctx, s.w, s.region)
	if err != nil {
		s.fail(arn, OpListTargets, "list the targets of the notification rule", err)
		return
	}
	before := len(s.problems)
	s.ensureTarget(ctx, rule, targets)
	s.ensureChatTarget(ctx, targets)
	// After the target: a tagged rule is no longer taken for the sample's.
	if len(s.problems) == before && aws.ToString(rule.Description) == sampleRuleDescription && aws.ToString(rule.ManagedBy) == "" {
		s.adopt(ctx, arn, "the notification rule")
	}
}

func (s *setup) logKept(ctx context.Context, arn, what string) {
	s.w.LogOnce(ctx, slog.LevelInfo, arn, what, "region", s.region)
}

// putRule creates or updates the rule, with our pattern. PutRule resets everything that the input
// leaves out, except tags.
func (s *setup) putRule(ctx context.Context, arn, what string, in *eventbridge.PutRuleInput) (ok bool) {
	in.Name, in.EventPattern = aws.String(RuleName), aws.String(rulePattern())
	_, err := s.write(ctx, opPutRule, arn, what, func(ctx context.Context) error {
		_, err := s.w.Clients.EventBridge(s.region).PutRule(ctx, in)
		return err
	})
	return err == nil
}

// DescribeRule reads the rule of a region; nil if it does not exist.
func DescribeRule(ctx context.Context, w *writer.Writer, region string) (*eventbridge.DescribeRuleOutput, error) {
	rule, err := w.Clients.EventBridge(region).DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String(RuleName)})
	switch {
	case awsapi.KindOf(err) == awsapi.NotFound:
		return nil, nil //nolint:nilnil // no rule is not an error
	case err != nil:
		return nil, err
	}
	return rule, nil
}

func newTarget(topic model.ARN) types.Target {
	return types.Target{Id: aws.String(TargetID), Arn: aws.String(topic.String()), InputTransformer: transformer()}
}

// ensureTarget adds a missing target, and gives the upstream sample's, which forwards raw
// JSON, the readable text. A target that a person changed stays, and so does the rule if
// another target sends to the topic.
func (s *setup) ensureTarget(ctx context.Context, rule *eventbridge.DescribeRuleOutput, targets []types.Target) {
	i := slices.IndexFunc(targets, func(t types.Target) bool { return aws.ToString(t.Id) == TargetID })
	if i < 0 {
		if !slices.ContainsFunc(targets, func(t types.Target) bool { return aws.ToString(t.Arn) == s.topic.String() }) {
			s.putTarget(ctx, newTarget(s.topic))
		}
		return
	}
	target, arn := targets[i], aws.ToString(rule.Arn)
	if aws.ToString(target.Arn) != s.topic.String() || target.InputTransformer != nil || target.Input != nil || target.InputPath != nil {
		return
	}
	switch tags, err := s.w.ReadTags(ctx, s.region, arn); {
	case err != nil:
		s.fail(arn, writer.OpListTags, "read the tags of the notification rule", err)
	case hasDeployment(tags):
		s.logKept(ctx, arn, "notification target has no input transformer, and stays so")
	default:
		target.InputTransformer = transformer()
		s.putTarget(ctx, target)
	}
}

// hasDeployment reports whether the program created a rule, rather than the upstream sample,
// which does not tag it.
func hasDeployment(tags writer.Tags) bool {
	_, ok := tags[writer.TagDeployment]
	return ok
}

func (s *setup) putTarget(ctx context.Context, target types.Target) {
	what := "set the target " + aws.ToString(target.Id) + " of the rule " + RuleName
	_, _ = s.write(ctx, opPutTargets, aws.ToString(target.Arn), what, func(ctx context.Context) error {
		out, err := s.w.Clients.EventBridge(s.region).PutTargets(ctx, &eventbridge.PutTargetsInput{
			Rule: aws.String(RuleName), Targets: []types.Target{target},
		})
		if err != nil || out.FailedEntryCount == 0 {
			return err
		}
		failed := append(out.FailedEntries, types.PutTargetsResultEntry{})[0]
		return writer.EntryError(failed.ErrorCode, failed.ErrorMessage)
	})
}

// ListTargets lists the targets of the rule of a region.
func ListTargets(ctx context.Context, w *writer.Writer, region string) (targets []types.Target, err error) {
	err = awsapi.ReadPages(func(token *string) (*string, error) {
		out, err := w.Clients.EventBridge(region).ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{
			Rule: aws.String(RuleName), NextToken: token,
		})
		if err != nil {
			return nil, err
		}
		targets = append(targets, out.Targets...)
		return out.NextToken, nil
	})
	return targets, err
}

// OurTarget reports whether a target is as the program or the upstream sample set it, for the region's
// topic or that for chats; one that a person pointed elsewhere is theirs.
func OurTarget(t types.Target, topic model.ARN) bool {
	switch aws.ToString(t.Id) {
	case TargetID:
		return aws.ToString(t.Arn) == topic.String()
	case ChatTargetID:
		return aws.ToString(t.Arn) == ChatTopic(topic).String()
	}
	return false
}

// deleteSampleRule deletes, in a region that never has our events, the rule that the upstream
// sample created there. Any other rule of that name stays.
func (s *setup) deleteSampleRule(ctx context.Context) {
	rule, err := DescribeRule(ctx, s.w, s.region)
	if err != nil {
		s.fail("", OpDescribeRule, "look for the rule "+RuleName, err)
	}
	if rule == nil {
		return
	}
	arn := aws.ToString(rule.Arn)
	targets, err := ListTargets(ctx, s.w, s.region)
	if err != nil {
		s.fail(arn, OpListTargets, "list the targets of the rule "+RuleName, err)
		return
	}
	if !s.unchangedSampleRule(ctx, rule, targets) {
		return
	}
	if len(targets) > 0 {
		_, err := s.write(ctx, OpRemoveTargets, arn, "remove the target of the rule "+RuleName, func(ctx context.Context) error {
			return RemoveTarget(ctx, s.w, s.region, TargetID)
		})
		if err != nil {
			return
		}
	}
	what := "delete the rule " + RuleName + ", which never matches in this region"
	_, _ = s.write(ctx, OpDeleteRule, arn, what, func(ctx context.Context) error { return DeleteRule(ctx, s.w, s.region) })
}

// unchangedSampleRule reports whether a rule is as the upstream sample created it: with its
// pattern, no target but its own, and no deployment's tag. In doubt it is not.
func (s *setup) unchangedSampleRule(ctx context.Context, rule *eventbridge.DescribeRuleOutput, targets []types.Target) bool {
	arn := aws.ToString(rule.Arn)
	others := slices.ContainsFunc(targets, func(t types.Target) bool { return aws.ToString(t.Id) != TargetID || !OurTarget(t, s.topic) })
	if others || aws.ToString(rule.ManagedBy) != "" || !knownPattern(aws.ToString(rule.EventPattern)) {
		s.logKept(ctx, arn, "notification rule in a region without our events is a person's, and stays")
		return false
	}
	tags, err := s.w.ReadTags(ctx, s.region, arn)
	switch {
	case err != nil:
		s.fail(arn, writer.OpListTags, "read the tags of the rule "+RuleName, err)
	case hasDeployment(tags):
		s.logKept(ctx, arn, "notification rule is another deployment's, and stays")
	default:
		return true
	}
	return false
}

// SampleRule reports whether an untagged rule is the upstream sample's, by its description or
// its pattern.
func SampleRule(rule *eventbridge.DescribeRuleOutput) bool {
	return aws.ToString(rule.Description) == sampleRuleDescription || knownPattern(aws.ToString(rule.EventPattern))
}

// KnownPattern reports whether a rule has our pattern, of whichever version, or the upstream sample's.
func KnownPattern(rule *eventbridge.DescribeRuleOutput) bool {
	return knownPattern(aws.ToString(rule.EventPattern))
}

// RemoveTarget removes a target of the rule of a region. It must run in the gate, and returns
// writer.ErrAlreadySo if the rule or the target does not exist.
func RemoveTarget(ctx context.Context, w *writer.Writer, region, id string) error {
	out, err := w.Clients.EventBridge(region).RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{
		Rule: aws.String(RuleName), Ids: []string{id},
	})
	if err != nil || out.FailedEntryCount == 0 {
		return writer.AlreadyGone(err)
	}
	failed := append(out.FailedEntries, types.RemoveTargetsResultEntry{})[0]
	if aws.ToString(failed.ErrorCode) == "ResourceNotFoundException" {
		return writer.ErrAlreadySo
	}
	return writer.EntryError(failed.ErrorCode, failed.ErrorMessage)
}

// DeleteRule deletes the rule of a region, which must have no targets. It must run in the gate,
// and returns writer.ErrAlreadySo if the rule does not exist.
func DeleteRule(ctx context.Context, w *writer.Writer, region string) error {
	_, err := w.Clients.EventBridge(region).DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String(RuleName)})
	return writer.AlreadyGone(err)
}
