package cycle_test

import (
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// watcher notes what had been written when it was notified.
type watcher struct {
	calls   func() map[string]int
	decided []report.Result
	alarms  int // writes of alarms before
	tags    map[model.ARN]map[string]string
}

func (*watcher) SawEstate(model.Snapshot)         {}
func (*watcher) SawAlarms(string, []alarms.Alarm) {}

// SawTags notes the tags.
func (w *watcher) SawTags(tags map[model.ARN]map[string]string) { w.tags = tags }

func (w *watcher) Decided(result report.Result, _ time.Time) {
	w.decided = append(w.decided, result)
	w.alarms = w.calls()["cloudwatch.PutMetricAlarm"]
}

// What was measured and decided is shown before the first alarm is written: with thousands of
// resources, alarms take minutes.
func TestDecisionsAreShownBeforeAlarmsAreWritten(t *testing.T) {
	estate := flat(10, home)
	estate.Regions[0].DatasetGroups[0].Campaigns[0].MinTPS = 9
	estate.Regions[0].DatasetGroups[0].Campaigns[0].Tags = map[string]string{"team": "shop", "personalize-monitor:protect": "tps"}
	b := newBed(t, estate)
	seen := &watcher{calls: b.aws.Calls}
	b.cycle.Observer = seen
	result := b.run(map[string]string{config.HourlyChecks: "always"})
	if len(seen.decided) != 1 || seen.alarms != 0 || result.Alarms.Created == 0 {
		t.Fatalf("shown %d times, after %d alarms of %d", len(seen.decided), seen.alarms, result.Alarms.Created)
	}
	shown := seen.decided[0]
	tagged := 0
	for _, tags := range seen.tags {
		tagged += len(tags)
	}
	if len(seen.tags) != len(shown.Resources) || tagged != 10 {
		t.Errorf("shown are the tags %v of %d resources", seen.tags, len(shown.Resources))
	}
	if len(shown.Resources) != len(result.Resources) || shown.Window != result.Window {
		t.Errorf("%d resources were shown of %d", len(shown.Resources), len(result.Resources))
	}
	for i, r := range shown.Resources {
		if r.ARN != result.Resources[i].ARN || r.Decision != result.Resources[i].Decision || r.NewMin != result.Resources[i].NewMin {
			t.Errorf("%s was shown as %s to %d, and is %s to %d", r.ARN, r.Decision, r.NewMin, result.Resources[i].Decision, result.Resources[i].NewMin)
		}
	}
}
