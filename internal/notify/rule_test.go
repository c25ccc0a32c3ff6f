package notify

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

func TestTheRuleForwardsNotificationsAsText(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.notify(a, mail)
	w.Server.ConfirmAll()
	asked := len(w.Server.Outbox())
	const arn = "arn:aws:personalize:eu-west-1:123456789012:campaign/home"
	sent, problems := a.w.Emit(ctxAll, []events.Event{
		{DetailType: events.CampaignDeleted, Resources: []string{arn}, Detail: events.NotificationDetail{
			ARN: arn, Reason: "no request in 24 hours", Audit: events.Audit{Note: "To undo it: say so"}.Raw(),
		}},
		{DetailType: events.BuildDashboard, Detail: events.BuildDetail{Reason: "not for people"}},
	})
	w.NoProblems(problems)
	if len(sent) != 2 {
		t.Fatalf("sent %v", sent)
	}
	want := "\"PersonalizeCampaignDeleted: " + arn + "\"\n\"no request in 24 hours\"\n\"To undo it: say so\""
	if got := w.Server.Outbox()[asked:]; len(got) != 1 || got[0].Message != want || got[0].Endpoint != mail.Address {
		t.Errorf("mails %+v, want one that says %s", got, want)
	}
	rule, _ := w.Rule(home)
	if tags, err := a.w.ReadTags(ctxAll, home, *rule.Arn); err != nil || tags["Deployment"] == "" {
		t.Errorf("tags %v, %v", tags, err)
	}
	if elsewhere, _ := w.Rule(other); elsewhere != nil {
		t.Error("a rule where our events never are")
	}
}

func TestTheSamplesRuleGetsReadableText(t *testing.T) {
	w := newWorld(t)
	w.SampleRule(home, func(_ *eventbridge.PutRuleInput, target *types.Target) {
		target.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(7)}
	})
	w.Writes()
	a, _ := w.actor()
	w.notify(a)
	if writes := w.Writes(); writes["events.PutRule"] != 1 || writes["events.PutTargets"] != 1 {
		t.Errorf("writes %v", writes)
	}
	rule, targets := w.Rule(home)
	if patternAge(*rule.EventPattern) != 0 || *rule.Description != "Routes Personalize Monitor notifications to notification SNS topic" || rule.State != types.RuleStateEnabled {
		t.Errorf("rule %+v", rule)
	}
	if target := targets[TargetID]; target.InputTransformer == nil || target.RetryPolicy == nil || *target.RetryPolicy.MaximumRetryAttempts != 7 {
		t.Errorf("target %+v", target)
	}
	w.Clock.Advance(checkTTL)
	w.notify(a)
	w.WantWrites(map[string]int{})
}

func TestAMissingTargetIsRepaired(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.notify(a)
	_, err := w.Raw.EventBridge(home).RemoveTargets(ctxAll, &eventbridge.RemoveTargetsInput{Rule: aws.String(RuleName), Ids: []string{TargetID}})
	w.Must(err)
	w.Writes()
	w.Clock.Advance(checkTTL)
	w.notify(a)
	w.WantWrites(map[string]int{"events.PutTargets": 1})
	if _, targets := w.Rule(home); len(targets) != 1 || targets[TargetID].InputTransformer == nil {
		t.Errorf("targets %v", targets)
	}
}

func TestWhatAPersonMadeOfTheRuleStays(t *testing.T) {
	function := types.Target{Id: aws.String("mine"), Arn: aws.String("arn:aws:lambda:eu-west-1:123456789012:function:f")}
	tests := []struct {
		name   string
		change func(w *world)
		logged string
	}{
		{"disabled", func(w *world) {
			_, err := w.Raw.EventBridge(home).DisableRule(ctxAll, &eventbridge.DisableRuleInput{Name: aws.String(RuleName)})
			w.Must(err)
		}, "notification rule is disabled"},
		{"another pattern", func(w *world) {
			_, err := w.Raw.EventBridge(home).PutRule(ctxAll, &eventbridge.PutRuleInput{Name: aws.String(RuleName), EventPattern: aws.String(`{"source":["personalize.monitor"]}`)})
			w.Must(err)
		}, "notification rule has a pattern that a person set"},
		{"another target beside ours", func(w *world) { w.PutTargets(home, function) }, ""},
		{"our target without text, as a person wanted", func(w *world) {
			w.PutTargets(home, types.Target{Id: aws.String(TargetID), Arn: aws.String(testTopic.String())})
		}, "notification target has no input transformer"},
		{"our target with a text of a person's", func(w *world) {
			w.PutTargets(home, types.Target{Id: aws.String(TargetID), Arn: aws.String(testTopic.String()), Input: aws.String(`"look"`)})
		}, ""},
		{"our target sent elsewhere", func(w *world) {
			w.PutTargets(home, types.Target{Id: aws.String(TargetID), Arn: function.Arn})
		}, ""},
		{"their own way to the topic", func(w *world) {
			w.PutTargets(home, types.Target{Id: aws.String("mine"), Arn: aws.String(testTopic.String())})
			_, err := w.Raw.EventBridge(home).RemoveTargets(ctxAll, &eventbridge.RemoveTargetsInput{Rule: aws.String(RuleName), Ids: []string{TargetID}})
			w.Must(err)
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			a, log := w.actor()
			w.notify(a)
			tt.change(w)
			w.Writes()
			w.Clock.Advance(checkTTL)
			w.notify(a)
			w.WantWrites(map[string]int{})
			if tt.logged != "" && log.Count("level=INFO", tt.logged) != 1 {
				t.Errorf("log:\n%s", log.String())
			}
		})
	}
}

func TestTheSamplesRuleElsewhereIsRemoved(t *testing.T) {
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
			w.SampleRule(other, tt.change)
			if tt.another {
				w.PutTargets(other, types.Target{Id: aws.String("mine"), Arn: aws.String("arn:aws:lambda:us-east-1:123456789012:function:f")})
			}
			a, _ := w.actor()
			dry, _ := w.actor(awsbed.DryRun)
			w.Writes()
			w.notify(dry)
			w.WantWrites(map[string]int{})
			w.notify(a)
			writes := w.Writes()
			for _, op := range []string{"events.RemoveTargets", "events.DeleteRule"} {
				if writes[op] != tt.writes[op] {
					t.Errorf("%s %d times, want %d", op, writes[op], tt.writes[op])
				}
			}
			if rule, _ := w.Rule(other); (rule == nil) != (tt.writes != nil) {
				t.Errorf("rule %v", rule)
			}
			w.Clock.Advance(checkTTL)
			w.notify(a)
			w.WantWrites(map[string]int{})
		})
	}
}

func TestARuleOfTheSamplesWithoutItsTargetIsRemovedToo(t *testing.T) {
	w := newWorld(t)
	w.SampleRule(other, nil)
	_, err := w.Raw.EventBridge(other).RemoveTargets(ctxAll, &eventbridge.RemoveTargetsInput{Rule: aws.String(RuleName), Ids: []string{TargetID}})
	w.Must(err)
	w.Writes()
	a, _ := w.actor()
	w.notify(a)
	if writes := w.Writes(); writes["events.DeleteRule"] != 1 || writes["events.RemoveTargets"] != 0 {
		t.Errorf("writes %v", writes)
	}
}

// What the rule forwards does not depend on its targets.
func TestAFormerPatternIsReplacedThoughTheTargetsCannotBeListed(t *testing.T) {
	w := newWorld(t)
	w.SampleRule(home, nil)
	a, _ := w.actor()
	w.Server.AddFault(localaws.Fault{Service: "events", Operation: "ListTargetsByRule", Region: home, Code: "AccessDeniedException", Message: "no"})
	w.Writes()
	_, problems := a.Ensure(ctxAll, Input{})
	if len(problems) != 1 || problems[0].Operation != "ListTargetsByRule" {
		t.Errorf("problems %v", problems)
	}
	if writes := w.Writes(); writes["events.PutRule"] != 1 || writes["events.PutTargets"] != 0 {
		t.Errorf("writes %v", writes)
	}
	w.Server.ClearFaults()
	if rule, _ := w.Rule(home); patternAge(*rule.EventPattern) != 0 {
		t.Errorf("rule %+v", rule)
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
				w.SampleRule(tt.region, nil)
			}
			a, _ := w.actor()
			w.Server.AddFault(localaws.Fault{Service: "events", Operation: tt.operation, Region: tt.region, Code: "AccessDeniedException", Message: "no"})
			topics, problems := a.Ensure(ctxAll, Input{Regions: []string{other}})
			if len(topics) != 2 {
				t.Errorf("topics %v", topics)
			}
			if len(problems) != 1 || problems[0].Operation != tt.operation || problems[0].Region != tt.region || !strings.Contains(problems[0].Error(), "AccessDeniedException: no") {
				t.Errorf("problems %v", problems)
			}
			w.Server.ClearFaults()
			w.notify(a)
			w.Clock.Advance(2 * time.Hour)
			w.Writes()
			w.notify(a)
			w.WantWrites(map[string]int{})
		})
	}
}

func TestRemovalOfWhatIsGoneIsASuccess(t *testing.T) {
	w := newWorld(t)
	w.SampleRule(other, nil)
	a, log := w.actor()
	for _, op := range []string{"RemoveTargets", "DeleteRule"} {
		w.Server.AddFault(localaws.Fault{Service: "events", Operation: op, Code: "ResourceNotFoundException"})
	}
	w.notify(a)
	if log.Count("nothing to write, already so") != 2 {
		t.Errorf("log:\n%s", log.String())
	}
}
