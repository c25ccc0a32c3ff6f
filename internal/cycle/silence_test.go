package cycle_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// oneCampaign is an estate of one campaign, of so many hours, monitored for all of that time.
func oneCampaign(ageHours int, traffic localaws.EstateTraffic) localaws.Estate {
	e := localaws.Estate{Monitored: time.Duration(ageHours) * time.Hour}
	e.Regions = []localaws.EstateRegion{{Name: home, DatasetGroups: []localaws.EstateDatasetGroup{{Name: "shop", Campaigns: []localaws.EstateCampaign{{
		EstateEndpoint: localaws.EstateEndpoint{Name: "c", Recipe: "aws-user-personalization-v2", Age: e.Monitored, Traffic: traffic}, MinTPS: 1,
	}}}}}}
	return e
}

// callsHoursAgo is traffic of 60 calls in each 5 minutes of the hours that began so long before 12:00, when
// the tests begin.
func callsHoursAgo(t *testing.T, hours ...int) localaws.EstateTraffic {
	t.Helper()
	const total = 60 * 24
	start := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC).Add(-total * time.Hour)
	calls := map[int]int{}
	for _, ago := range hours {
		calls[total-ago] = 60
	}
	var csv strings.Builder
	csv.WriteString("timestamp,value\n")
	for i := range 12 * total {
		fmt.Fprintf(&csv, "%s,%d\n", start.Add(time.Duration(i)*rules.WindowLength).Format(time.DateTime), calls[i/12])
	}
	trace, err := localaws.ParseTrace([]byte(csv.String()), "hours")
	if err != nil {
		t.Fatal(err)
	}
	return localaws.EstateTraffic{Trace: trace}
}

// ending are parameters by which all that is idle is removed in one cycle.
func ending(idleHours string) map[string]string {
	return with(idleOn(idleHours), config.MaxStopsOrDeletesPerHour, "1000")
}

func endedBy(t *testing.T, e localaws.Estate, params map[string]string) (result report.Result, deleted int) {
	t.Helper()
	result = newBedInMemory(t, e).run(params)
	return result, tally(result, rules.Delete)[home]
}

// To the monitor, counts that are late look like an endpoint that was called until then. What
// was busy is not removed, however short the idle time; what is abandoned is.
func TestLateCountsEndNothing(t *testing.T) {
	estate := func(since time.Duration) localaws.Estate {
		e := oneCampaign(30*24, localaws.EstateTraffic{Shape: "stopped", TPS: 50, Since: since})
		e.Regions[0].DatasetGroups[0].Campaigns[0].Copies = 5
		for i := range 11 {
			group := e.Regions[0].DatasetGroups[0]
			group.Name = fmt.Sprintf("shop-%d", i)
			group.Campaigns = []localaws.EstateCampaign{group.Campaigns[0]}
			group.Campaigns[0].Name = fmt.Sprintf("c%d", i)
			e.Regions[0].DatasetGroups = append(e.Regions[0].DatasetGroups, group)
		}
		return e
	}
	idleTimes := []int{1, 6, 24}
	if testing.Short() {
		idleTimes = idleTimes[2:]
	}
	for _, idle := range idleTimes {
		for _, late := range []time.Duration{time.Duration(idle)*time.Hour + 30*time.Minute, 96 * time.Hour} {
			result, deleted := endedBy(t, estate(late), ending(strconv.Itoa(idle)))
			if len(result.Resources) != 60 || deleted > 0 {
				t.Errorf("idle time %d h, counts %s late: %d of %d deleted", idle, late, deleted, len(result.Resources))
			}
			if got := result.Resources[0]; !strings.Contains(got.Reason, "of the 192 watched hours needed: longest earlier silence") {
				t.Errorf("reason %s", got.Reason)
			}
		}
	}
	if _, deleted := endedBy(t, estate(10*24*time.Hour), ending("24")); deleted != 60 {
		t.Errorf("%d of 60 abandoned campaigns deleted", deleted)
	}
}

// Who calls for an hour a week has not left when a call is two hours late.
func TestAWeeklyCallerKeepsItsCampaign(t *testing.T) {
	for _, idle := range []string{"24", "168"} {
		for name, tt := range map[string]struct {
			estate localaws.Estate
			want   rules.Verdict
			reason string
		}{
			"the third call is two hours late": {
				oneCampaign(340, callsHoursAgo(t, 170+168, 170)), rules.None, "silent for 145 of the 334 watched hours needed: longest earlier silence 167 h",
			},
			"no call for over two weeks": {
				oneCampaign(530, callsHoursAgo(t, 360+168, 360)), rules.Delete, "idle: 335 watched hours without a call (needs 334; longest earlier silence 167 h",
			},
		} {
			result, deleted := endedBy(t, tt.estate, ending(idle))
			got := byName(t, result, "c")
			if got.Decision != tt.want || !strings.Contains(got.Reason, tt.reason) || (deleted == 1) != (tt.want == rules.Delete) {
				t.Errorf("%s, idle time %s h: %s, %d deleted (%s)", name, idle, got.Decision, deleted, got.Reason)
			}
		}
	}
}

// One call shows that some calls by a recipe are counted, not that all are.
func TestACampaignOfAnUnknownRecipeIsNotRemoved(t *testing.T) {
	unknown := oneCampaign(30*24, callsHoursAgo(t, 13*24))
	c := &unknown.Regions[0].DatasetGroups[0].Campaigns[0]
	c.Recipe, c.Unlisted = "aws-quite-new", true
	result, deleted := endedBy(t, unknown, ending("24"))
	if got := byName(t, result, "c"); got.Decision != rules.Refused || deleted > 0 || !strings.Contains(got.Reason, "calls by its recipe aws-quite-new may not be counted") {
		t.Errorf("%s (%s)", got.Decision, got.Reason)
	}
	known := oneCampaign(30*24, callsHoursAgo(t))
	if result, deleted := endedBy(t, known, ending("24")); deleted != 1 {
		t.Errorf("a known one: %s", byName(t, result, "c").Reason)
	}
}

// The history costs one call for each candidate, and nothing where there is none.
func TestCallsOfTheHistory(t *testing.T) {
	reads := func(e localaws.Estate, params map[string]string) int {
		b := newBedInMemory(t, e)
		b.run(params)
		return b.aws.Calls()["cloudwatch.GetMetricData"]
	}
	off := with(ending("24"), config.AutoDeleteOrStopIdleResources, "no")
	busy := localaws.EstateTraffic{Shape: "constant", TPS: 2}
	for _, tt := range []struct {
		name     string
		ageHours int
		traffic  localaws.EstateTraffic
		want     int
	}{
		{"a candidate", 30 * 24, localaws.EstateTraffic{}, 1},
		{"an old one, whose minimums CloudWatch does not keep for as long as its calls", 200 * 24, localaws.EstateTraffic{}, 2},
		{"in use", 30 * 24, busy, 0},
	} {
		without, history := reads(oneCampaign(tt.ageHours, tt.traffic), off), reads(oneCampaign(tt.ageHours, tt.traffic), ending("24"))
		more := history - without
		if tt.traffic.Shape == "" {
			more -= 2 // before a removal its budget is read, and the gaps of the region
		}
		if more != tt.want {
			t.Errorf("%s: %d calls more, want %d", tt.name, more, tt.want)
		}
	}
}
