package localaws

import (
	"strings"
	"testing"
)

// TestJudge holds the worked examples of the CloudWatch user guide ("Configuring how
// CloudWatch alarms treat missing data"): X breaches, 0 does not, - is missing, the newest
// is on the right. The wanted states are for missing, ignore, breaching and notBreaching.
func TestJudge(t *testing.T) {
	const (
		ok, alarm, none, keep = stateOK, stateAlarm, stateInsufficient, "kept"
	)
	tests := []struct {
		name string
		m, n int
		data string
		want [4]string
	}{
		{"3 of 3: three real data, not all breach", 3, 3, "0 - X - X", [4]string{ok, ok, ok, ok}},
		{"3 of 3: one good datum", 3, 3, "0 - - - -", [4]string{ok, ok, ok, ok}},
		{"3 of 3: nothing", 3, 3, "- - - - -", [4]string{none, keep, alarm, ok}},
		{"3 of 3: the three newest breach", 3, 3, "0 X X - X", [4]string{alarm, alarm, alarm, alarm}},
		{"3 of 3: premature alarm", 3, 3, "- - X - -", [4]string{alarm, keep, alarm, ok}},
		{"2 of 3: two of the three newest real data breach", 2, 3, "0 - X - X", [4]string{alarm, alarm, alarm, alarm}},
		{"2 of 3: nothing missing among the newest", 2, 3, "0 0 X 0 X", [4]string{alarm, alarm, alarm, alarm}},
		{"2 of 3: one breach, one good", 2, 3, "0 - X - -", [4]string{ok, ok, alarm, ok}},
		{"2 of 3: one good", 2, 3, "- - - - 0", [4]string{ok, ok, alarm, ok}},
		{"2 of 3: premature alarm", 2, 3, "- - - X -", [4]string{alarm, keep, alarm, ok}},

		{"3 of 3: a breach that is not old enough", 3, 3, "- - - - X", [4]string{ok, keep, alarm, ok}},
		{"3 of 3: two breaches, not old enough", 3, 3, "- - - X X", [4]string{ok, keep, alarm, ok}},
		{"3 of 3: two breaches, old enough", 3, 3, "- - X - X", [4]string{alarm, keep, alarm, ok}},
		{"only the newest count when enough are real", 3, 3, "X X 0 0 0", [4]string{ok, ok, ok, ok}},
		{"older ones do not help an alarm", 2, 3, "X X 0 0 X", [4]string{ok, ok, ok, ok}},
		{"1 of 1: nothing in this and the two before", 1, 1, "- - -", [4]string{none, keep, alarm, ok}},
		{"1 of 1: falls back on the one before", 1, 1, "- X -", [4]string{alarm, alarm, alarm, alarm}},
		{"1 of 1: the newest wins", 1, 1, "X X 0", [4]string{ok, ok, ok, ok}},
	}
	for _, tt := range tests {
		for i, treat := range []string{"missing", "ignore", "breaching", "notBreaching"} {
			t.Run(tt.name+", "+treat, func(t *testing.T) {
				m := int32(tt.m)
				c := alarmConfig{EvaluationPeriods: tt.n, DatapointsToAlarm: &m, TreatMissingData: &treat}
				state, kept := c.judge(dataFrom(tt.data))
				if kept {
					state = keep
				}
				if state != tt.want[i] {
					t.Errorf("%s: %s, want %s", tt.data, state, tt.want[i])
				}
			})
		}
	}
}

// dataFrom reads data written oldest first.
func dataFrom(text string) []datum {
	marks := strings.Fields(text)
	data := make([]datum, len(marks))
	for i, mark := range marks {
		data[len(marks)-1-i] = datum{present: mark != "-", breaches: mark == "X"}
	}
	return data
}

func TestBreaches(t *testing.T) {
	tests := []struct {
		comparison          string
		below, equal, above bool
	}{
		{"GreaterThanOrEqualToThreshold", false, true, true},
		{"GreaterThanThreshold", false, false, true},
		{"LessThanThreshold", true, false, false},
		{"LessThanOrEqualToThreshold", true, true, false},
	}
	for _, tt := range tests {
		c := alarmConfig{Comparison: tt.comparison, Threshold: 10}
		if c.breaches(9.99) != tt.below || c.breaches(10) != tt.equal || c.breaches(10.01) != tt.above {
			t.Errorf("%s: below %v, equal %v, above %v", tt.comparison, c.breaches(9.99), c.breaches(10), c.breaches(10.01))
		}
	}
}
