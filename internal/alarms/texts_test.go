package alarms

import (
	"testing"
	"unsafe"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// A listed alarm keeps nothing of the answer that it was read from, and equal texts are kept once.
func TestTextsOfAListing(t *testing.T) {
	answer := "PersonalizeMonitor-IdleCampaign-home arn description AWS/Personalize GetRecommendations topic"
	listed := types.MetricAlarm{
		AlarmName: aws.String(answer[:36]), AlarmArn: aws.String(answer[37:40]), Namespace: aws.String(answer[53:68]),
		OKActions: []string{answer[88:]}, AlarmActions: []string{answer[88:]},
	}
	one, two := toAlarm(listed), toAlarm(listed)
	if one.Name != answer[:36] || one.ARN != "arn" || one.Settings.Metric.Namespace != "AWS/Personalize" || one.Settings.OKActions[0] != "topic" {
		t.Errorf("%+v", one)
	}
	begin := uintptr(unsafe.Pointer(unsafe.StringData(answer)))
	for _, text := range []string{one.Name, one.ARN, one.Settings.Metric.Namespace, one.Settings.OKActions[0], one.Settings.AlarmActions[0]} {
		if at := uintptr(unsafe.Pointer(unsafe.StringData(text))); at >= begin && at < begin+uintptr(len(answer)) {
			t.Errorf("%q is a part of the answer", text)
		}
	}
	if unsafe.StringData(one.Settings.Metric.Namespace) != unsafe.StringData(two.Settings.Metric.Namespace) {
		t.Error("a text of two alarms is kept twice")
	}
}
