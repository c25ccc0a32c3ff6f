package notify

import (
	"context"
	"encoding/json"
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

func newTarget(topic model.ARN) types.Target {
	return types.Target{Id: aws.String(TargetID), Arn: aws.String(topic.String()), InputTransformer: transformer()}
}

// chatTarget sends the part of an event that is made for chats. A transformer would have to escape
// the texts in it.
func chatTarget(topic model.ARN) types.Target {
	return types.Target{Id: aws.String(ChatTargetID), Arn: aws.String(ChatTopic(topic).String()), InputPath: aws.String(events.ChatPath)}
}

// SendsText and SendsChat report whether a target sends the readable text, or the messages for chats, as the
// program sets them. A target that a person changed sends something else, and so may its own ones.
func SendsText(t types.Target) bool {
	own, want := t.InputTransformer, transformer()
	return t.Input == nil && t.InputPath == nil && own != nil &&
		aws.ToString(own.InputTemplate) == messageTemplate && maps.Equal(own.InputPathsMap, want.InputPathsMap)
}

// SendsChat is described with SendsText.
func SendsChat(t types.Target) bool {
	return t.Input == nil && t.InputTransformer == nil && aws.ToString(t.InputPath) == events.ChatPath
}

// SendsRaw reports whether a target sends events as they are.
func SendsRaw(t types.Target) bool {
	return t.Input == nil && t.InputPath == nil && t.InputTransformer == nil
}

// laterTypes are the notifications that were added, the latest first: the upstream sample knows
// none of them, and each version of this program those of the versions before.
var laterTypes = [][]events.DetailType{
	{},
	{events.TrainingPaused, events.TrainingResumed, events.ReturnDropped},
	{events.FailuresNoticed, events.MinimumContested},
	{events.DryRunDecision},
}

// rulePatterns match the notifications of the program, and those of its former versions and of the
// upstream sample, the latest first.
func rulePatterns() []string {
	var patterns []string
	known := events.NotificationTypes()
	for _, later := range laterTypes {
		known = slices.DeleteFunc(known, func(t events.DetailType) bool { return slices.Contains(later, t) })
		pattern, _ := json.Marshal(map[string]any{"source": []string{events.Source}, "detail-type": known}) // texts never fail
		patterns = append(patterns, string(pattern))
	}
	return patterns
}

// patternAge is the place of a pattern among the rulePatterns, regardless of order and spacing;
// negative if a person set it.
func patternAge(pattern string) int {
	got, ok := readPattern(pattern)
	return slices.IndexFunc(rulePatterns(), func(of string) bool {
		want, _ := readPattern(of)
		return ok && maps.EqualFunc(got, want, slices.Equal)
	})
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

// KnownPattern reports whether a rule has our pattern, of whichever version, or the upstream sample's.
func KnownPattern(rule *eventbridge.DescribeRuleOutput) bool {
	return patternAge(aws.ToString(rule.EventPattern)) >= 0
}

// SampleRule reports whether an untagged rule is the upstream sample's, by its description or
// its pattern.
func SampleRule(rule *eventbridge.DescribeRuleOutput) bool {
	return aws.ToString(rule.Description) == sampleRuleDescription || KnownPattern(rule)
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

// ensureRule creates the rule with its target, or fixes the target of an existing one.
// Whatever else a person changed stays: a state, a pattern, further targets.
func (s *setup) ensureRule(ctx context.Context) {
	rule, targets, ok := s.readRule(ctx)
	switch {
	case rule == nil && !ok:
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
	arn, age := aws.ToString(rule.Arn), patternAge(aws.ToString(rule.EventPattern))
	switch {
	case rule.State == types.RuleStateDisabled:
		s.logKept(ctx, arn, "notification rule is disabled, and stays so")
	case age < 0:
		s.logKept(ctx, arn, "notification rule has a pattern that a person set, and keeps it")
	case age > 0:
		s.putRule(ctx, arn, "forward all notifications through the rule "+RuleName, &eventbridge.PutRuleInput{
			State: rule.State, Description: rule.Description, RoleArn: rule.RoleArn, ScheduleExpression: rule.ScheduleExpression,
		})
	}
	if !ok { // its targets are not known
		return
	}
	before := len(s.problems)
	s.ensureTarget(ctx, arn, targets)
	s.ensureChatTarget(ctx, targets)
	// After the target: a tagged rule is no longer taken for the sample's.
	if len(s.problems) == before && aws.ToString(rule.Description) == sampleRuleDescription && aws.ToString(rule.ManagedBy) == "" {
		s.adopt(ctx, arn, "the notification rule")
	}
}

// readRule reads the region's rule, nil if it does not exist, and its targets. It is not ok with an
// error, which is recorded.
func (s *setup) readRule(ctx context.Context) (rule *eventbridge.DescribeRuleOutput, targets []types.Target, ok bool) {
	rule, err := DescribeRule(ctx, s.w, s.region)
	if err != nil {
		s.fail("", OpDescribeRule, "look for the rule "+RuleName, err)
	} else if rule != nil {
		if targets, err = ListTargets(ctx, s.w, s.region); err != nil {
			s.fail(aws.ToString(rule.Arn), OpListTargets, "list the targets of the rule "+RuleName, err)
		}
	}
	return rule, targets, err == nil
}

// putRule creates or updates the rule, with our pattern. PutRule resets everything that the input
// leaves out, except tags.
func (s *setup) putRule(ctx context.Context, arn, what string, in *eventbridge.PutRuleInput) (ok bool) {
	in.Name, in.EventPattern = aws.String(RuleName), aws.String(rulePatterns()[0])
	return s.write(ctx, opPutRule, arn, what, writer.Call(s.w.Clients.EventBridge(s.region).PutRule, in))
}

func targetOf(targets []types.Target, id string) int {
	return slices.IndexFunc(targets, func(t types.Target) bool { return aws.ToString(t.Id) == id })
}

// ensureTarget adds a missing target, and gives the upstream sample's, which forwards raw
// JSON, the readable text. A target that a person changed stays, and so does the rule if
// another target sends to the topic.
func (s *setup) ensureTarget(ctx context.Context, rule string, targets []types.Target) {
	toTopic := func(t types.Target) bool { return aws.ToString(t.Arn) == s.topic.String() }
	i := targetOf(targets, TargetID)
	if i < 0 {
		if !slices.ContainsFunc(targets, toTopic) {
			s.putTarget(ctx, newTarget(s.topic))
		}
		return
	}
	target := targets[i]
	if !toTopic(target) || !SendsRaw(target) {
		return
	}
	if s.untagged(ctx, rule, "the notification rule", "notification target has no input transformer, and stays so") {
		target.InputTransformer = transformer()
		s.putTarget(ctx, target)
	}
}

// untagged reports whether no deployment has tagged a rule, so that it may be the upstream sample's,
// which has no tags. In doubt one has; of a deployment's rule, kept is logged.
func (s *setup) untagged(ctx context.Context, rule, name, kept string) bool {
	tags, err := s.w.ReadTags(ctx, s.region, rule)
	if err != nil {
		s.fail(rule, writer.OpListTags, "read the tags of "+name, err)
		return false
	}
	_, tagged := tags[writer.TagDeployment]
	if tagged {
		s.logKept(ctx, rule, kept)
	}
	return !tagged
}

// ensureChatTarget adds the target for chats if they are wanted, and removes it if they no longer are.
// One that a person changed stays.
func (s *setup) ensureChatTarget(ctx context.Context, targets []types.Target) {
	i := targetOf(targets, ChatTargetID)
	switch {
	case s.chatExists && i < 0:
		s.putTarget(ctx, chatTarget(s.topic))
	case !s.Chat && i >= 0 && OurTarget(targets[i], s.topic) && s.ownsChatTopic(ctx):
		s.write(ctx, OpRemoveTargets, "", "remove the target "+ChatTargetID+" of the rule "+RuleName, RemoveTarget(s.w, s.region, ChatTargetID))
	}
}

// ownsChatTopic reports whether this deployment created the topic for chats: another one of the
// account may want it.
func (s *setup) ownsChatTopic(ctx context.Context) bool {
	arn := ChatTopic(s.topic).String()
	tags, err := s.w.ReadTags(ctx, s.region, arn)
	if err != nil && awsapi.KindOf(err) != awsapi.NotFound {
		s.fail(arn, writer.OpListTags, "read the tags of the topic for chats", err)
	}
	return err == nil && tags[writer.TagDeployment] == s.w.Deployment // guard: notify: the chats of another deployment stay
}

func (s *setup) putTarget(ctx context.Context, target types.Target) {
	what := "set the target " + aws.ToString(target.Id) + " of the rule " + RuleName
	s.write(ctx, opPutTargets, aws.ToString(target.Arn), what, func(ctx context.Context) error {
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

// deleteSampleRule deletes, in a region that never has our events, the rule that the upstream
// sample created there: with its pattern, no target but its own, and no deployment's tag. Any other
// rule of that name stays.
func (s *setup) deleteSampleRule(ctx context.Context) {
	rule, targets, ok := s.readRule(ctx)
	if !ok || rule == nil {
		return
	}
	arn := aws.ToString(rule.Arn)
	others := slices.ContainsFunc(targets, func(t types.Target) bool { return aws.ToString(t.Id) != TargetID || !OurTarget(t, s.topic) })
	if others || aws.ToString(rule.ManagedBy) != "" || !KnownPattern(rule) {
		s.logKept(ctx, arn, "notification rule in a region without our events is a person's, and stays")
		return
	}
	if !s.untagged(ctx, arn, "the rule "+RuleName, "notification rule is another deployment's, and stays") {
		return
	}
	if len(targets) == 0 ||
		s.write(ctx, OpRemoveTargets, arn, "remove the target of the rule "+RuleName, RemoveTarget(s.w, s.region, TargetID)) {
		s.write(ctx, OpDeleteRule, arn, "delete the rule "+RuleName+", which never matches in this region", DeleteRule(s.w, s.region))
	}
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

// RemoveTarget is the write that removes a target of the rule of a region. It returns
// writer.ErrAlreadySo if the rule or the target does not exist.
func RemoveTarget(w *writer.Writer, region, id string) func(context.Context) error {
	return func(ctx context.Context) error {
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
}

// DeleteRule is the write that deletes the rule of a region, which must have no targets. It returns
// writer.ErrAlreadySo if the rule does not exist.
func DeleteRule(w *writer.Writer, region string) func(context.Context) error {
	return writer.Removal(w.Clients.EventBridge(region).DeleteRule, &eventbridge.DeleteRuleInput{Name: aws.String(RuleName)})
}
