package demo_test

import (
	"slices"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/demo"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
)

// In the demo, which plays the functions of the stack, a timed raise returns, and a schedule raises
// and lowers, each in the first cycle of its time.
func TestTagsInTheDemo(t *testing.T) {
	t.Parallel()
	campaign := func(name string, minimum int, tags map[string]string) localaws.EstateCampaign {
		return localaws.EstateCampaign{MinTPS: minimum, EstateEndpoint: localaws.EstateEndpoint{
			Name: name, Recipe: "aws-user-personalization-v2", Traffic: localaws.EstateTraffic{Shape: "constant", TPS: 3}, Tags: tags,
		}}
	}
	// It begins on 2 March 2026 at 00:03 UTC.
	estate := localaws.Estate{Regions: []localaws.EstateRegion{{Name: "us-east-1", DatasetGroups: []localaws.EstateDatasetGroup{{Name: "shop", Campaigns: []localaws.EstateCampaign{
		campaign("sale", 40, map[string]string{schedule.ReturnTag: "to=2 from=2 raised=40 due=2026-03-02T05:00:00Z arranged=2026-03-01T20:00:00Z"}),
		campaign("lunch", 2, map[string]string{schedule.Tag: "base=2 tz=America/New_York daily@11:30-14:00=20"}), // 16:30 to 19:00 UTC
	}}}}}}
	r, err := run(t, demo.Options{Days: 1, Seed: 1, Estate: estate})
	if err != nil {
		t.Fatal(err)
	}
	type change struct {
		name   string
		minute string
		to     int
	}
	var got []change
	for _, e := range r.Events {
		if e.Action == model.ActionUpdate && e.What == demo.Acted {
			got = append(got, change{e.Name, e.Time.Truncate(5 * time.Minute).Format("15:04"), e.NewMin})
		}
	}
	want := []change{{"sale", "05:00", 2}, {"lunch", "16:15", 20}, {"lunch", "19:00", 2}}
	if !slices.Equal(got, want) {
		t.Errorf("changes %v, want %v", got, want)
	}
}
