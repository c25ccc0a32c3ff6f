package alarms

import (
	"reflect"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// FuzzAlarmOfAPerson gives any description to an alarm whose threshold is not ours. It
// is only changed if the description holds a fingerprint that says we wrote that.
func FuzzAlarmOfAPerson(f *testing.F) {
	ours := wantedLow(5, testParams())
	theirs := ours
	theirs.Settings.Threshold = 30
	for _, seed := range []string{
		"", "mine", sampleLowDescription, sampleIdleDescription, fingerprintStart, fingerprintStart + fingerprintEnd,
		describe(LowUtilization, model.Campaign, ours.Settings.fingerprint()), describe(LowUtilization, model.Campaign, theirs.Settings.fingerprint()),
		describe(LowUtilization, model.Campaign, ours.Settings.fingerprint())[:120],
	} {
		f.Add(seed, 30.0)
	}
	f.Fuzz(func(t *testing.T, description string, threshold float64) {
		a := Alarm{Name: ours.Name, Description: description, Settings: ours.Settings, State: StateOK}
		a.Settings.Threshold = threshold
		change := Diff([]Desired{ours}, []Alarm{a}, func(model.ARN) ResourceState { return Monitored }, testNow)[0]
		switch change.Kind {
		case Keep, Reset:
			return
		case Adopt: // the sample's, as it should be
			if description != sampleLowDescription || !reflect.DeepEqual(change.Settings, a.Settings) {
				t.Errorf("%q taken over: %s", description, change.Reason)
			}
			return
		}
		if change.Kind != Update {
			t.Fatalf("%q: %s", description, change.Kind)
		}
		w, known := readFingerprint(description)
		if !known {
			t.Fatalf("%q: changed without a fingerprint: %s", description, change.Reason)
		}
		if w[groupCondition] != a.Settings.print(groupCondition) && a.Settings.print(groupCondition) != change.Settings.print(groupCondition) {
			t.Errorf("%q: the threshold was a person's: %s", description, change.Reason)
		}
		if _, ok := readFingerprint(change.Description); !ok {
			t.Errorf("the new description has no fingerprint: %q", change.Description)
		}
	})
}
