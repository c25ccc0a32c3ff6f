package cycle

import (
	"slices"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// What was not in the list that a person confirmed is neither deleted nor stopped. The rest of a cycle
// is not affected.
func TestOnlyWhatWasConfirmedIsEnded(t *testing.T) {
	const prefix = "arn:aws:personalize:eu-west-1:123456789012:"
	names := []string{"campaign/shown", "campaign/other", "recommender/shown", "recommender/other", "campaign/large", "campaign/busy"}
	verdicts := []rules.Verdict{rules.Delete, rules.Delete, rules.Stop, rules.Stop, rules.StepDown, rules.None}
	shown := map[string]bool{prefix + "campaign/shown": true, prefix + "recommender/shown": true}
	tests := []struct {
		name   string
		mayEnd map[string]bool
		want   []rules.Verdict
	}{
		{"no one was asked", nil, verdicts},
		{"two were shown", shown, []rules.Verdict{rules.Delete, rules.Refused, rules.Stop, rules.Refused, rules.StepDown, rules.None}},
		{"nothing was shown", map[string]bool{}, []rules.Verdict{rules.Refused, rules.Refused, rules.Refused, rules.Refused, rules.StepDown, rules.None}},
	}
	for _, tt := range tests {
		var decisions []rules.Decision
		for i, name := range names {
			arn, _, err := model.ParseResourceARN(prefix + name)
			if err != nil {
				t.Fatal(err)
			}
			decisions = append(decisions, rules.Decision{Resource: model.Resource{ARN: arn}, Verdict: verdicts[i], Reason: "why"})
		}
		refuseUnconfirmed(decisions, tt.mayEnd)
		var got []rules.Verdict
		for _, d := range decisions {
			got = append(got, d.Verdict)
			if d.Verdict == rules.Refused && !strings.Contains(d.Reason, "it was not in the list that was confirmed") {
				t.Errorf("%s: the reason is %q", tt.name, d.Reason)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
