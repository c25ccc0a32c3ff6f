package uninstall

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// The topic for chats and its target go like the others, whichever process removes them: what another
// deployment made stays, and so does a topic that a rule which stays sends to.
func TestWhoseChatsGo(t *testing.T) {
	chatTopic := notify.ChatTopic(testTopic).String()
	theirs := types.Target{Id: aws.String("mine"), Arn: aws.String(chatTopic)}
	for _, tt := range []struct {
		name   string
		change func(*world)
		by     string // the deployment that cleans up; empty for that which made it
		stays  string
	}{
		{"ours", func(*world) {}, "", ""},
		{"another deployment's", func(*world) {}, "eu-west-1/other", "it belongs to the deployment cli"},
		{"ours, with a target of a person's", func(w *world) { w.PutTargets(home, theirs) }, "", "a rule that stays sends to it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			a, _ := w.actor()
			_, problems := a.notifier.Ensure(ctxAll, notify.Input{Chat: true})
			w.NoProblems(problems)
			tt.change(w)
			result := w.cleanup(a, func(in *Input) { in.Deployment = tt.by })
			i := slices.IndexFunc(result.Items, func(i report.CleanupItem) bool { return i.ARN == chatTopic })
			if i < 0 {
				t.Fatalf("the topic is not among %+v", result.Items)
			}
			item := result.Items[i]
			if item.Reason != tt.stays && tt.stays != "" || (item.State == Removed) != (tt.stays == "") {
				t.Errorf("item %+v", item)
			}
			_, err := w.Raw.SNS(home).GetTopicAttributes(ctxAll, &sns.GetTopicAttributesInput{TopicArn: aws.String(chatTopic)})
			if (err == nil) != (tt.stays != "") {
				t.Errorf("the topic: %v", err)
			}
			_, targets := w.Rule(home)
			if _, left := targets[notify.ChatTargetID]; left != (tt.by != "") {
				t.Errorf("targets left: %v", targets)
			}
		})
	}
}
