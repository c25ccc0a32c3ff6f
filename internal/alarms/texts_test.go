package alarms

import (
	"testing"
	"unsafe"
)

// A listed alarm keeps nothing of the answer that it was read from, and equal texts are kept once.
func TestTextsOfAListing(t *testing.T) {
	answer := "PersonalizeMonitor-IdleCampaign-home arn description AWS/Personalize GetRecommendations topic"
	alarm := func() Alarm {
		return Alarm{Name: answer[:36], ARN: answer[37:40], Settings: Settings{
			Comparison: answer[53:68], Stat: "Sum", OKActions: []string{answer[88:]}, AlarmActions: []string{answer[88:]},
		}}
	}
	texts := texts{}
	one, two := texts.alarm(alarm()), texts.alarm(alarm())
	if one.Name != alarm().Name || one.ARN != "arn" || one.Settings.Comparison != "AWS/Personalize" || one.Settings.OKActions[0] != "topic" {
		t.Errorf("%+v", one)
	}
	begin := uintptr(unsafe.Pointer(unsafe.StringData(answer)))
	for _, text := range []string{one.Name, one.ARN, one.Settings.Comparison, one.Settings.OKActions[0], one.Settings.AlarmActions[0]} {
		if at := uintptr(unsafe.Pointer(unsafe.StringData(text))); at >= begin && at < begin+uintptr(len(answer)) {
			t.Errorf("%q is a part of the answer", text)
		}
	}
	if unsafe.StringData(one.Settings.Comparison) != unsafe.StringData(two.Settings.Comparison) {
		t.Error("a text of two alarms is kept twice")
	}
}
