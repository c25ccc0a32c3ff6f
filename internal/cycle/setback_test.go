package cycle_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// campaignWith is an estate of the campaign c.
func campaignWith(minTPS int, traffic localaws.EstateTraffic) localaws.Estate {
	return localaws.Estate{Regions: []localaws.EstateRegion{{Name: home, DatasetGroups: []localaws.EstateDatasetGroup{{
		Name: "shop",
		Campaigns: []localaws.EstateCampaign{{
			EstateEndpoint: localaws.EstateEndpoint{Name: "c", Recipe: "aws-user-personalization", Age: 60 * 24 * time.Hour, Traffic: traffic},
			MinTPS:         minTPS,
		}},
	}}}}}
}

// hour runs the cycle of the next hour in which the campaign c is checked, and publishes what
// those before it in the hour would have.
func (b *bed) hour(given map[string]string, minimum int) report.Result {
	b.tb.Helper()
	b.skipHour(model.Resource{
		ARN:  model.NewARN("aws", "personalize", home, account, "campaign/c"),
		Kind: model.Campaign, MinTPS: minimum,
	})
	return b.run(given)
}

// skipHour goes on by an hour, and publishes what cycles in the 11 windows before the next one would have of a resource
// without requests.
func (b *bed) skipHour(resource model.Resource) {
	b.tb.Helper()
	start := rules.MeasuredWindow(b.clock.Now(), 2*time.Minute).Start
	var data []model.Datum
	for i := range 11 {
		w := model.NewWindow(start.Add(time.Duration(i+1)*rules.WindowLength), start.Add(time.Duration(i+2)*rules.WindowLength))
		data = append(data, rules.CountMetric(home, 1, w))
		data = append(data, rules.Metrics(resource, rules.Throughput{Readable: true}, w)...)
	}
	b.clock.Advance(time.Hour)
	b.aws.Tick()
	if _, problems := b.writer.Publish(context.Background(), data); len(problems) > 0 {
		b.tb.Fatal(problems)
	}
}

// notified counts the notifications of a type.
func notified(result report.Result, detailType string) int {
	n := 0
	for _, e := range result.Events {
		if e.DetailType == detailType {
			n++
		}
	}
	return n
}

// A second tool that sets the minimum back every 12 hours sets back one descent and a few single
// steps in a fortnight, each later than the one before, and is reported once. Without it the minimum comes to rest.
func TestAMinimumThatASecondToolSetsBack(t *testing.T) {
	days := 14
	if testing.Short() {
		days = 3 // into the second pause
	}
	for _, tt := range []struct {
		name        string
		tool        bool
		days        int
		least, most int // steps
		reported    int
	}{{"set back every 12 h", true, days, 11, 15, 1}, {"the same without the tool", false, 2, 10, 10, 0}} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBedInMemory(t, campaignWith(40, localaws.EstateTraffic{Shape: "constant", TPS: 1.5}))
			b.act = true
			b.restart(b.clock)
			minimum, steps, reported, contested := 40, 0, 0, false
			for hour := range tt.days * 24 {
				if tt.tool && hour%12 == 11 && minimum != 40 {
					b.update(40)
				}
				result := b.hour(map[string]string{config.HourlyChecks: "always"}, minimum)
				got := byName(t, result, "c")
				minimum = got.Min
				if got.Decision == rules.StepDown && got.Outcome == "done" {
					steps++
				}
				reported += notified(result, "PersonalizeMonitorMinimumContested")
				contested = contested || got.Decision == rules.Refused && reported > 0
			}
			t.Logf("%d steps in %d days", steps, tt.days)
			if steps < tt.least || steps > tt.most || reported != tt.reported || contested != tt.tool {
				t.Errorf("%d steps, reported %d times, refused %v", steps, reported, contested)
			}
			if note := entry(t, b.account(14, nil), "c").Note; strings.Contains(note, "contested: ") != tt.tool {
				t.Errorf("the report notes %q", note)
			}
			if !tt.tool && minimum != 1 {
				t.Errorf("the minimum is %d in the end", minimum)
			}
		})
	}
}

// Calls that fail as demand rises above the minimum keep it for 14 days and are reported once.
// Without the failures the same campaign steps down.
func TestFailuresAfterAStepHoldTheMinimum(t *testing.T) {
	for _, tt := range []struct {
		name    string
		failing float64
	}{{"3 % of the calls of a rise fail", 3}, {"none fails", 0}} {
		t.Run(tt.name, func(t *testing.T) {
			traffic := localaws.EstateTraffic{Shape: "spikes", TPS: 0.05, PeakTPS: 50, Every: 48 * time.Hour, Lasting: 15 * time.Minute, Percent5xx: tt.failing}
			estate := campaignWith(40, traffic)
			estate.Seed = 427 // the first spike comes after 4 hours, when there is more to step down
			b := newBedInMemory(t, estate)
			b.act = true
			b.restart(b.clock)
			minimum, reported, held, steps := 40, 0, 0, 0
			for range 3 * 24 {
				result := b.hour(map[string]string{config.HourlyChecks: "always"}, minimum)
				got := byName(t, result, "c")
				minimum = got.Min
				reported += notified(result, "PersonalizeMonitorFailuresNoticed")
				switch {
				case reported > 0 && got.Decision == rules.StepDown:
					t.Errorf("stepped down to %d after the failures (%s)", got.NewMin, got.Reason)
				case reported > 0 && got.Decision == rules.Refused:
					held++
				case got.Decision == rules.StepDown:
					steps++
				}
			}
			t.Logf("%d steps, held %d times, %d in the end", steps, held, minimum)
			if failing := tt.failing > 0; failing != (reported == 1) || failing != (held > 50) || failing != (minimum > 10) || steps == 0 {
				t.Errorf("reported %d times, held %d times, %d steps, the minimum is %d in the end", reported, held, steps, minimum)
			}
		})
	}
}
