package cycle_test

import (
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// oversized is an estate of n campaigns in a region whose minimum is far above their traffic.
func oversized(n int, region string) localaws.Estate {
	e := flat(2*n, region)
	group := &e.Regions[0].DatasetGroups[0]
	group.Campaigns[0].MinTPS, group.Recommenders = 40, nil
	return e
}

var stepping = map[string]string{"HourlyChecks": "always", "Regions": home + ",eu-west-1"}

// A region sees step-downs of a fifth of its endpoints an hour, and of ten where that is less.
func TestAnHourSeesAFifthSteppedDown(t *testing.T) {
	description := oversized(14, home)
	description.Regions = append(description.Regions, oversized(60, "eu-west-1").Regions...)
	ways := []bool{false, true}
	if testing.Short() {
		ways = ways[1:]
	}
	for _, inProcess := range ways {
		b := newBed(t, description)
		b.act, b.given = inProcess, stepping
		b.restart(b.clock)
		run := func(want map[string]int, when string) {
			t.Helper()
			result := b.run(stepping)
			got := tally(result, rules.StepDown)
			for _, region := range []string{home, "eu-west-1"} {
				if got[region] != want[region] {
					t.Errorf("in process %t, %s: %d step-downs in %s, want %d", inProcess, when, got[region], region, want[region])
				}
			}
			for _, r := range result.Resources {
				spent := strings.Contains(r.Reason, "step-downs an hour in "+r.Region+" are used up (a fifth of the endpoints, at least 10)")
				if r.Decision == rules.Refused && !spent && !strings.Contains(r.Reason, "an update is in progress") {
					t.Errorf("in process %t, %s: %s: %s", inProcess, when, r.Name, r.Reason)
				}
			}
			if len(result.Problems) > 0 {
				t.Errorf("problems %v", result.Problems)
			}
		}
		all, none := map[string]int{home: 10, "eu-west-1": 12}, map[string]int{}
		run(all, "at first")
		b.next()
		run(none, "five minutes later")
		if !inProcess {
			continue // the events were delivered to no one
		}
		if calls := b.aws.Calls()["personalize.UpdateCampaign"]; calls != 22 {
			t.Errorf("%d updates", calls)
		}
		b.restart(b.clock)
		run(none, "in a process that remembers nothing")
		for range 7 { // metrics alone, whose arrival is a condition of every action
			b.clock.Advance(5 * time.Minute)
			b.next()
			b.run(map[string]string{"HourlyChecks": "never", "Regions": home + ",eu-west-1"})
		}
		run(all, "in the next hour")
	}
}

// Without a topic actions cannot be counted, so the cycle makes none and reports the cause as a problem.
func TestWithoutATopicNothingIsDone(t *testing.T) {
	description := oversized(2, home)
	description.Regions[0].DatasetGroups = append(description.Regions[0].DatasetGroups, idle(2, home).Regions[0].DatasetGroups...)
	for _, inProcess := range []bool{false, true} {
		b := newBed(t, description)
		b.act, b.given = inProcess, deleting
		b.restart(b.clock)
		b.aws.AddFault(localaws.Fault{Service: "sns", Operation: "CreateTopic", Code: "AuthorizationError"})
		result := b.run(deleting)
		for _, r := range result.Resources {
			if r.Decision != rules.Refused || !strings.Contains(r.Reason, "the region has no topic PersonalizeMonitorNotifications") {
				t.Errorf("%s: %s (%s)", r.Name, r.Decision, r.Reason)
			}
		}
		if len(result.Problems) == 0 || result.MetricsPublished == 0 {
			t.Errorf("problems %v, %d metrics published", result.Problems, result.MetricsPublished)
		}
		b.aws.ClearFaults()
		b.next()
		result = b.run(deleting)
		if tally(result, rules.Delete)[home] != 2 || tally(result, rules.StepDown)[home] != 2 {
			t.Errorf("once there is a topic: %+v", result.Resources)
		}
	}
}

// Budgets are read where something would be done, once a cycle.
func TestBudgetsAreReadBeforeActionsAlone(t *testing.T) {
	description := oversized(2, home)
	description.Regions[0].DatasetGroups = append(description.Regions[0].DatasetGroups, idle(2, home).Regions[0].DatasetGroups...)
	b := newBed(t, description)
	b.run(map[string]string{"HourlyChecks": "never"})
	for checks, want := range map[string]int{"never": 0, "always": 1} {
		b.next()
		b.aws.ResetCalls()
		b.run(map[string]string{"HourlyChecks": checks, "AutoDeleteOrStopIdleResources": "Yes"})
		if calls := b.aws.Calls(); calls["sns.ListTagsForResource"] != want || calls["sns.TagResource"] > 0 {
			t.Errorf("checks %s: %v", checks, calls)
		}
	}
}
