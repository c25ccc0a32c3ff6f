package inventory

import (
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// A caller that only refreshes, as the functions that act do, keeps nothing in the cache
// for more than a day that it does not refresh again.
func TestRefreshForgetsWhatItDoesNotMeetAgain(t *testing.T) {
	const region = "eu-west-1"
	clock := model.NewVirtualClock(time.Date(2025, 6, 2, 12, 0, 0, 0, time.UTC))
	local, err := localaws.New(localaws.Estate{Regions: []localaws.EstateRegion{{Name: region, DatasetGroups: []localaws.EstateDatasetGroup{{
		Name: "shop", Campaigns: []localaws.EstateCampaign{{
			EstateEndpoint: localaws.EstateEndpoint{Name: "c", Recipe: "aws-sims", Copies: 30, Age: 30 * 24 * time.Hour},
		}},
	}}}}}, localaws.WithClock(clock))
	if err != nil {
		t.Fatal(err)
	}
	memory := localaws.InMemory(local)
	t.Cleanup(memory.Shut)
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(region, memory.URL(), "LOCAL", memory.Transport()), Clock: clock})
	t.Cleanup(clients.Close)
	scope := model.Scope{Campaigns: model.Selection{All: true}, Regions: []string{region}}
	all := New(Options{Clients: clients, Clock: clock}).Discover(t.Context(), scope, nil, nil).Resources
	inv := New(Options{Clients: clients, Clock: clock})
	for _, resource := range all {
		if found, problems := inv.Refresh(t.Context(), []model.Resource{resource}); len(found) != 1 || len(problems) > 0 {
			t.Fatalf("%v, %v", found, problems)
		}
		clock.Advance(6 * time.Hour)
		// Five campaigns of the last day, with the solution version of each.
		if n := len(inv.entries.items) + len(inv.versions.items); n > 10 {
			t.Fatalf("%d entries are cached", n)
		}
	}
	if len(all) != 30 {
		t.Errorf("%d campaigns", len(all))
	}
}
