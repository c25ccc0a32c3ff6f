package serve_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
)

// A daemon carries out what tags arrange within one cycle of its time, after it was killed too.
func TestTagsInTheDaemon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		estate := shop()
		group := &estate.Regions[0].DatasetGroups[0]
		group.Campaigns = group.Campaigns[1:2] // steady, at 3
		group.Recommenders = nil
		begin := time.Now().UTC()
		group.Campaigns[0].MinTPS = 30
		group.Campaigns[0].Tags = map[string]string{
			schedule.ReturnTag: "to=3 from=3 raised=30 due=" + begin.Add(time.Hour).Format(time.RFC3339) + " arranged=" + begin.Add(-time.Hour).Format(time.RFC3339),
		}
		w := newWorld(t, estate)
		first := w.daemon(w.options(nil))
		w.live(40 * time.Minute)
		first.stop()
		second := w.daemon(w.options(nil))
		w.live(50 * time.Minute)
		second.stop()
		var at []time.Duration
		for _, e := range w.aws.Events() {
			if e.DetailType == "PersonalizeCampaignMinProvisionedTPSUpdated" && strings.Contains(string(e.Detail), `"NewMinTPS":3,`) {
				at = append(at, e.Time.Sub(begin))
			}
		}
		if len(at) != 1 || at[0] < time.Hour || at[0] > time.Hour+6*time.Minute {
			t.Errorf("returned after %v: %v", at, w.sent())
		}
		w.memory.Shut()
	})
}
