package notify

import (
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

func TestTargetsThatFailWithinASuccessfulCallAreReported(t *testing.T) {
	tests := []struct {
		name, target, answer string
		region               string
		want                 string
	}{
		{
			"a target not set", "AWSEvents.PutTargets",
			`{"FailedEntryCount":1,"FailedEntries":[{"TargetId":"x","ErrorCode":"ConcurrentModificationException","ErrorMessage":"busy"}]}`,
			home, "set the target PersonalizeMonitorNotificationsId of the rule PersonalizeMonitor-NotificationsRule: ConcurrentModificationException: busy",
		},
		{
			"a target not set, without a reason", "AWSEvents.PutTargets", `{"FailedEntryCount":1,"FailedEntries":[]}`,
			home, "set the target PersonalizeMonitorNotificationsId of the rule PersonalizeMonitor-NotificationsRule: refused without a reason",
		},
		{
			"a target not removed", "AWSEvents.RemoveTargets",
			`{"FailedEntryCount":1,"FailedEntries":[{"TargetId":"x","ErrorCode":"InternalException","ErrorMessage":"broken"}]}`,
			other, "remove the target of the rule PersonalizeMonitor-NotificationsRule: InternalException: broken",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := &world{awsbed.Answering(t, tt.target, tt.answer)}
			if tt.region == other {
				w.SampleRule(other, nil)
			}
			a, _ := w.actor()
			topics, problems := a.Ensure(ctxAll, Input{Regions: []string{other}})
			if len(topics) != 2 || len(problems) != 1 || problems[0].Region != tt.region || problems[0].Err.Error() != tt.want {
				t.Errorf("topics %v, problems %v", topics, problems)
			}
			if writes := w.Writes(); writes["events.DeleteRule"] != 0 {
				t.Errorf("writes %v", writes)
			}
		})
	}
}

func TestAListingThatGoesRoundInCirclesIsAnError(t *testing.T) {
	w := &world{awsbed.Answering(t, "AWSEvents.ListTargetsByRule", `{"Targets":[],"NextToken":"again"}`)}
	w.SampleRule(home, nil)
	a, _ := w.actor()
	_, problems := a.Ensure(ctxAll, Input{})
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "the listing repeats itself") {
		t.Errorf("problems %v", problems)
	}
}
