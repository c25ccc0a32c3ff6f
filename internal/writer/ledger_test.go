package writer

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Keys and values fit the tags of SNS, whatever the name of the deployment and however much was
// counted, and are read back as they were written.
func TestTagsOfCounts(t *testing.T) {
	deployment := "us-gov-west-1/" + strings.Repeat("stack-", 21)
	for _, key := range []string{keyPrefix(rules.StepDowns, deployment) + strings.Repeat("A", 26), limitKey(deployment)} {
		if len(key) > 128 {
			t.Errorf("the key %s has %d characters", key, len(key))
		}
	}
	now := time.Date(2026, 3, 4, 12, 2, 30, 0, time.UTC)
	c := rules.Counts{}
	for i := range 30 {
		c[rules.CountedAt(now.Add(-time.Duration(i)*rules.WindowLength))] = 990 + i%10
	}
	c = c.Current(now)
	text := formatCounts(c)
	if len(text) > 256 || len(c) < 13 {
		t.Errorf("%d counts have %d characters", len(c), len(text))
	}
	back, err := parseCounts(text)
	if err != nil || !maps.Equal(back, c) {
		t.Errorf("%s is read as %v, %v", text, back, err)
	}
	for _, garbage := range []string{"x", "20260304T1200", "20260304T1200:", "20260304T1200:1.5", "20260304T1200:0", "20261304T1200:1", "1:1 :"} {
		if c, err := parseCounts(garbage); err == nil {
			t.Errorf("%q is read as %v", garbage, c)
		}
	}
}

func TestCountTags(t *testing.T) {
	tags := Tags{
		"Removals/cli/A": "", "StepDowns/cli/B": "", "StepDownsAnHour/cli": "12", "CreatedBy": CreatedBy, "Removals/other/C": "",
		"StepDownsAnHour/other": "", "Serving/cli": "",
	}
	if got := strings.Join(CountTags(tags, "cli"), " "); got != "Removals/cli/A StepDowns/cli/B StepDownsAnHour/cli" {
		t.Error(got)
	}
}
