package act

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

// formerRule makes the rule as the original application did, with its raw target.
func (w *world) formerRule(region string, change func(*eventbridge.PutRuleInput, *types.Target)) {
	w.t.Helper()
	rule := &eventbridge.PutRuleInput{
		Name: aws.String(RuleName), EventPattern: aws.String(originalPattern), State: types.RuleStateEnabled,
		Description: aws.String("Routes Personalize Monitor notifications to notification SNS topic"),
	}
	target := types.Target{Id: aws.String(TargetID), Arn: aws.String(w.createTopic(region))}
	if change != nil {
		change(rule, &target)
	}
	_, err := w.raw.EventBridge(region).PutRule(ctxAll, rule)
	w.must(err)
	w.putTargets(region, target)
}

func (w *world) putTargets(region string, targets ...types.Target) {
	w.t.Helper()
	_, err := w.raw.EventBridge(region).PutTargets(ctxAll, &eventbridge.PutTargetsInput{Rule: aws.String(RuleName), Targets: targets})
	w.must(err)
}

// rule gives the rule and its targets as they stand; nil if there is none.
func (w *world) rule(region string) (*eventbridge.DescribeRuleOutput, map[string]types.Target) {
	w.t.Helper()
	rule, err := w.raw.EventBridge(region).DescribeRule(ctxAll, &eventbridge.DescribeRuleInput{Name: aws.String(RuleName)})
	if err != nil {
		return nil, nil
	}
	list, err := listTargets(ctxAll, w.raw.EventBridge(region))
	w.must(err)
	targets := map[string]types.Target{}
	for _, t := range list {
		targets[*t.Id] = t
	}
	return rule, targets
}

func TestTheRuleForwardsNotificationsAsText(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.notify(a, mail)
	w.server.ConfirmAll()
	asked := len(w.server.Outbox())
	const arn = "arn:aws:personalize:eu-west-1:123456789012:campaign/home"
	sent, problems := a.Emit(ctxAll, []events.Event{
		{DetailType: events.CampaignDeleted, Resources: []string{arn}, Detail: events.NotificationDetail{
			ARN: arn, Reason: "no request in 24 hours", Audit: events.Audit{Note: "To undo it: say so"}.Raw(),
		}},
		{DetailType: events.BuildDashboard, Detail: events.BuildDetail{Reason: "not for people"}},
	})
	w.noProblems(problems)
	if len(sent) != 2 {
		t.Fatalf("sent %v", sent)
	}
	want := "\"PersonalizeCampaignDeleted: " + arn + "\"\n\"no request in 24 hours\"\n\"To undo it: say so\""
	if got := w.server.Outbox()[asked:]; len(got) != 1 || got[0].Message != want || got[0].Endpoint != mail.Address {
		t.Errorf("mails %+v, want one that says %s", got, want)
	}
	rule, _ := w.rule(home)
	tagged, err := ofDeployment(ctxAll, w.raw.EventBridge(home), rule)
	if err != nil || !tagged {
		t.Errorf("tagged %v, %v", tagged, err)
	}
	if elsewhere, _ := w.rule(other); elsewhere != nil {
		t.Error("a rule where our events never are")
	}
}

func TestTheOriginalsRuleGetsReadableText(t *testing.T) {
	w := newWorld(t)
	w.formerRule(home, func(_ *eventbridge.PutRuleInput, target *types.Target) {
		target.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(7)}
	})
	w.writes()
	a, _ := w.actor()
	w.notify(a)
	if writes := w.writes(); writes["events.PutRule"] != 1 || writes["events.PutTargets"] != 1 {
		t.Errorf("writes %v", writes)
	}
	rule, targets := w.rule(home)
	if !samePattern(*rule.EventPattern, rulePattern()) || *rule.Description != "Routes Personalize Monitor notifications to notification SNS topic" || rule.State != types.RuleStateEnabled {
		t.Errorf("rule %+v", rule)
	}
	if target := targets[TargetID]; target.InputTransformer == nil || target.RetryPolicy == nil || *target.RetryPolicy.MaximumRetryAttempts != 7 {
		t.Errorf("target %+v", target)
	}
	w.clock.Advance(wiringTTL)
	w.notify(a)
	w.wantWrites(map[string]int{})
}

func TestAMissingTargetIsRepaired(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.notify(a)
	_, err := w.raw.EventBridge(home).RemoveTargets(ctxAll, &eventbridge.RemoveTargetsInput{Rule: aws.String(RuleName), Ids: []string{TargetID}})
	w.must(err)
	w.writes()
	w.clock.Advance(wiringTTL)
	w.notify(a)
	w.wantWrites(map[string]int{"events.PutTargets": 1})
	if _, targets := w.rule(home); len(targets) != 1 || targets[TargetID].InputTransformer == nil {
		t.Errorf("targets %v", targets)
	}
}

func TestWhatAPersonMadeOfTheRuleStays(t *testing.T) {
	function := types.Target{Id: aws.String("mine"), Arn: aws.String("arn:aws:lambda:eu-west-1:123456789012:function:f")}
	tests := []struct {
		name   string
		change func(w *world)
		said   string
	}{
		{"disabled", func(w *world) {
			_, err := w.raw.EventBridge(home).DisableRule(ctxAll, &eventbridge.DisableRuleInput{Name: aws.String(RuleName)})
			w.must(err)
		}, "notification rule is disabled"},
		{"another pattern", func(w *world) {
			_, err := w.raw.EventBridge(home).PutRule(ctxAll, &eventbridge.PutRuleInput{Name: aws.String(RuleName), EventPattern: aws.String(`{"source":["personalize.monitor"]}`)})
			w.must(err)
		}, "notification rule has a pattern of a person's"},
		{"another target beside ours", func(w *world) { w.putTargets(home, function) }, ""},
		{"our target without text, as a person wanted", func(w *world) {
			w.putTargets(home, types.Target{Id: aws.String(TargetID), Arn: aws.String(testTopic.String())})
		}, "notification target has no input transformer"},
		{"our target with a text of a person's", func(w *world) {
			w.putTargets(home, types.Target{Id: aws.String(TargetID), Arn: aws.String(testTopic.String()), Input: aws.String(`"look"`)})
		}, ""},
		{"our target sent elsewhere", func(w *world) {
			w.putTargets(home, types.Target{Id: aws.String(TargetID), Arn: function.Arn})
		}, ""},
		{"their own way to the topic", func(w *world) {
			w.putTargets(home, types.Target{Id: aws.String("mine"), Arn: aws.String(testTopic.String())})
			_, err := w.raw.EventBridge(home).RemoveTargets(ctxAll, &eventbridge.RemoveTargetsInput{Rule: aws.String(RuleName), Ids: []string{TargetID}})
			w.must(err)
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			a, log := w.actor()
			w.notify(a)
			tt.change(w)
			w.writes()
			w.clock.Advance(wiringTTL)
			w.notify(a)
			w.wantWrites(map[string]int{})
			if tt.said != "" && log.count("level=INFO", tt.said) != 1 {
				t.Errorf("log:\n%s", log.text.String())
			}
		})
	}
}

func TestTheOriginalsRuleElsewhereIsRemoved(t *testing.T) {
	tests := []struct {
		name    string
		change  func(*eventbridge.PutRuleInput, *types.Target)
		another bool // a person's target beside it
		writes  map[string]int
	}{
		{"as it was made", nil, false, map[string]int{"events.RemoveTargets": 1, "events.DeleteRule": 1}},
		{"with the tag of a deployment it stays", func(r *eventbridge.PutRuleInput, _ *types.Target) {
			r.Tags = []types.Tag{{Key: aws.String("Deployment"), Value: aws.String("us-east-1/monitor")}}
		}, false, nil},
		{"with a pattern of a person's it stays", func(r *eventbridge.PutRuleInput, _ *types.Target) {
			r.EventPattern = aws.String(`{"source":["personalize.monitor"]}`)
		}, false, nil},
		{"with a target of a person's it stays", nil, true, nil},
		{"with its target sent elsewhere it stays", func(_ *eventbridge.PutRuleInput, target *types.Target) {
			target.Arn = aws.String("arn:aws:sns:us-east-1:123456789012:mine")
		}, false, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.formerRule(other, tt.change)
			if tt.another {
				w.putTargets(other, types.Target{Id: aws.String("mine"), Arn: aws.String("arn:aws:lambda:us-east-1:123456789012:function:f")})
			}
			a, _ := w.actor()
			dry, _ := w.actor(dryRun)
			w.writes()
			w.notify(dry)
			w.wantWrites(map[string]int{})
			w.notify(a)
			writes := w.writes()
			for _, op := range []string{"events.RemoveTargets", "events.DeleteRule"} {
				if writes[op] != tt.writes[op] {
					t.Errorf("%s %d times, want %d", op, writes[op], tt.writes[op])
				}
			}
			if rule, _ := w.rule(other); (rule == nil) != (tt.writes != nil) {
				t.Errorf("rule %v", rule)
			}
			w.clock.Advance(wiringTTL)
			w.notify(a)
			w.wantWrites(map[string]int{})
		})
	}
}

func TestARuleOfTheOriginalsWithoutItsTargetIsRemovedToo(t *testing.T) {
	w := newWorld(t)
	w.formerRule(other, nil)
	_, err := w.raw.EventBridge(other).RemoveTargets(ctxAll, &eventbridge.RemoveTargetsInput{Rule: aws.String(RuleName), Ids: []string{TargetID}})
	w.must(err)
	w.writes()
	a, _ := w.actor()
	w.notify(a)
	if writes := w.writes(); writes["events.DeleteRule"] != 1 || writes["events.RemoveTargets"] != 0 {
		t.Errorf("writes %v", writes)
	}
}

func TestEachStepOfTheRuleReportsItsFailure(t *testing.T) {
	tests := []struct {
		operation, region string
		former            bool
	}{
		{"DescribeRule", home, false},
		{"PutRule", home, false},
		{"PutTargets", home, false},
		{"ListTargetsByRule", home, true},
		{"ListTagsForResource", home, true},
		{"DescribeRule", other, true},
		{"ListTargetsByRule", other, true},
		{"ListTagsForResource", other, true},
		{"RemoveTargets", other, true},
		{"DeleteRule", other, true},
	}
	for _, tt := range tests {
		t.Run(tt.operation+" in "+tt.region, func(t *testing.T) {
			w := newWorld(t)
			if tt.former {
				w.formerRule(tt.region, nil)
			}
			a, _ := w.actor()
			w.server.AddFault(localaws.Fault{Service: "events", Operation: tt.operation, Region: tt.region, Code: "AccessDeniedException", Message: "no"})
			topics, problems := a.Notify(ctxAll, NotifyInput{Regions: []string{other}})
			if len(topics) != 2 {
				t.Errorf("topics %v", topics)
			}
			if len(problems) != 1 || problems[0].Operation != tt.operation || problems[0].Region != tt.region || !strings.Contains(problems[0].Error(), "AccessDeniedException: no") {
				t.Errorf("problems %v", problems)
			}
			w.server.ClearFaults()
			w.notify(a)
			w.clock.Advance(2 * time.Hour)
			w.writes()
			w.notify(a)
			w.wantWrites(map[string]int{})
		})
	}
}

func TestRemovalOfWhatIsGoneIsASuccess(t *testing.T) {
	w := newWorld(t)
	w.formerRule(other, nil)
	a, log := w.actor()
	for _, op := range []string{"RemoveTargets", "DeleteRule"} {
		w.server.AddFault(localaws.Fault{Service: "events", Operation: op, Code: "ResourceNotFoundException"})
	}
	w.notify(a)
	if log.count("nothing to write, already so") != 2 {
		t.Errorf("log:\n%s", log.text.String())
	}
}
