package inventory_test

import (
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/inventory"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// One who only describes what he is asked about, as the functions that act do, remembers
// nothing for more than a day that he is not asked about again.
func TestRefreshForgetsWhatIsMetNoMore(t *testing.T) {
	clock := model.NewVirtualClock(testStart)
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
	all := inventory.New(inventory.Options{Clients: clients, Clock: clock}).Discover(t.Context(), everything(region), nil, nil).Resources
	inv := inventory.New(inventory.Options{Clients: clients, Clock: clock})
	for _, resource := range all {
		if found, problems := inv.Refresh(t.Context(), []model.Resource{resource}); len(found) != 1 || len(problems) > 0 {
			t.Fatalf("%v, %v", found, problems)
		}
		clock.Advance(6 * time.Hour)
		// Five campaigns of the last day, with the solution version of each.
		if n := inv.Remembered(); n > 10 {
			t.Fatalf("%d things are remembered", n)
		}
	}
	if len(all) != 30 {
		t.Errorf("%d campaigns", len(all))
	}
}
