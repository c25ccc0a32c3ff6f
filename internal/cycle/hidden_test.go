package cycle_test

import (
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Only the latest update is told by the service. A person's within the idle time counts
// all the same, though a step-down of ours has followed it.
func TestAnUpdateUnderAStepOfOursStillSpares(t *testing.T) {
	for _, tt := range []struct {
		name   string
		person bool // makes the update before the step; else it is another step of ours
	}{
		{"a person's update", true},
		{"another step of ours", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := unused(t, 40)
			e.Regions[0].DatasetGroups[0].Campaigns[0].Traffic = localaws.EstateTraffic{} // never called
			b := newBed(t, e)
			log := &safeLog{}
			b.log, b.act, b.given = log, true, idleOn("3")
			b.restart(b.clock)
			at := func(clock string) report.Resource {
				t.Helper()
				now, err := time.Parse(time.TimeOnly, clock)
				if err != nil {
					t.Fatal(err)
				}
				midnight := b.clock.Now().Truncate(24 * time.Hour)
				b.clock.Advance(midnight.Add(time.Duration(now.Hour())*time.Hour + time.Duration(now.Minute())*time.Minute + 150*time.Second).Sub(b.clock.Now()))
				b.aws.Tick()
				b.watched(30*time.Minute, "campaign/c")
				return byName(t, b.run(b.given), "c")
			}
			if b.given = with(idleOn("3"), config.AutoDeleteOrStopIdleResources, "no"); tt.person {
				b.given = with(idleOn("3"), config.HourlyChecks, "never")
			}
			at("13:00:00")
			b.given = with(idleOn("3"), config.AutoDeleteOrStopIdleResources, "no")
			if tt.person {
				b.update(38)
			}
			if got := at("14:00:00"); got.Decision != rules.StepDown || got.Outcome != "done" {
				t.Fatalf("%s, %s (%s), want a step-down", got.Decision, got.Outcome, got.Reason)
			} else if want := map[bool]int{true: 38, false: 30}[tt.person]; got.Min != want {
				t.Fatalf("stepped down from %d, want %d", got.Min, want)
			}
			b.given = idleOn("3")
			got := at("15:35:00")
			if spared := got.Decision == rules.Refused && strings.Contains(got.Reason, "skipped: updated "); spared != tt.person {
				t.Errorf("%s (%s)", got.Decision, got.Reason)
			}
			if told := strings.Contains(log.String(), "not marked as ours"); told != tt.person {
				t.Errorf("said so: %v", told)
			}
			if !tt.person {
				if got.Decision != rules.Delete || got.Outcome != "done" {
					t.Errorf("%s, %s (%s), want it deleted", got.Decision, got.Outcome, got.Reason)
				}
				return
			}
			if got = at("17:20:00"); got.Decision != rules.Delete || got.Outcome != "done" {
				t.Errorf("an idle time after the step: %s, %s (%s), want it deleted", got.Decision, got.Outcome, got.Reason)
			}
		})
	}
}
