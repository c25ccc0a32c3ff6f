package inventory_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/inventory"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// TestAgainstTheEmbeddedAWS looks at what an endpoint with life cycles and strict inputs
// shows, at the usual rates.
func TestAgainstTheEmbeddedAWS(t *testing.T) {
	endpoint := func(name, recipe string, copies int) localaws.EstateEndpoint {
		return localaws.EstateEndpoint{Name: name, Recipe: recipe, Copies: copies, Age: 30 * 24 * time.Hour}
	}
	latest := localaws.EstateCampaign{EstateEndpoint: endpoint("latest", "aws-sims", 0), EchoLatest: true, AutoSync: true}
	gone := localaws.EstateCampaign{EstateEndpoint: endpoint("gone", "aws-personalized-ranking-v2", 0), VersionGone: true}
	automl := localaws.EstateCampaign{EstateEndpoint: endpoint("automl", "aws-hrnn", 0), AutoML: true}
	updating := localaws.EstateCampaign{EstateEndpoint: endpoint("updating", "aws-user-personalization", 0), MinTPS: 8}
	updating.Update = &localaws.EstateUpdate{Age: time.Minute, Status: "CREATE IN_PROGRESS", MinTPS: 6}
	off := localaws.EstateRecommender{EstateEndpoint: endpoint("off", "aws-vod-top-picks", 0)}
	off.Status = "INACTIVE"
	clk := model.NewVirtualClock(testStart)
	local, err := localaws.New(localaws.Estate{Regions: []localaws.EstateRegion{{
		Name: region,
		DatasetGroups: []localaws.EstateDatasetGroup{
			{Name: "shop", Campaigns: []localaws.EstateCampaign{
				latest, gone, automl, updating, {EstateEndpoint: endpoint("many", "aws-user-personalization-v2", 150), MinTPS: 2},
			}},
			{Name: "films", Domain: "VIDEO_ON_DEMAND", Recommenders: []localaws.EstateRecommender{
				{EstateEndpoint: endpoint("picks", "aws-vod-top-picks", 120), MinRPS: 4}, off,
			}},
		},
	}}}, localaws.WithClock(clk))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(local)
	t.Cleanup(server.Close)
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(region, server.URL, "LOCAL", nil), Clock: clk})
	t.Cleanup(clients.Close)
	inv := inventory.New(inventory.Options{Clients: clients, Clock: clk})

	got := inv.Discover(t.Context(), everything(region), nil, nil)
	if len(got.Resources) != 4+150+120 || len(got.Others) != 1 || len(got.Problems) > 0 {
		t.Fatalf("%d resources, %d others, problems %v", len(got.Resources), len(got.Others), got.Problems)
	}
	recipes := map[string]string{
		"latest": "aws-sims", "gone": "aws-personalized-ranking-v2", "automl": "aws-hrnn", "updating": "aws-user-personalization",
		"many-001": "aws-user-personalization-v2", "picks-120": "aws-vod-top-picks",
	}
	for _, r := range got.Resources {
		if want, ok := recipes[r.Name]; ok && (r.Recipe != want || r.DatasetGroup.Name() == "" || r.Stale) {
			t.Errorf("%s: %+v", r.Name, r)
		}
		switch r.Name {
		case "updating":
			if r.Update == nil || r.Update.MinTPS != 6 || r.MinTPS != 8 || r.Update.Status.Settled() {
				t.Errorf("updating: minimum %d, update %+v", r.MinTPS, r.Update)
			}
		case "latest":
			if !r.AutoSync || r.VersionReady.IsZero() {
				t.Errorf("latest: %+v", r)
			}
		case "picks-120":
			if r.MinTPS != 4 {
				t.Errorf("picks: minimum %d", r.MinTPS)
			}
		}
	}
	calls := func() (total int) {
		for _, n := range local.Calls() {
			total += n
		}
		local.ResetCalls()
		return total
	}
	if n := calls(); n > 4+154*22/10 {
		t.Errorf("cold: %d calls", n)
	}
	inv.Discover(t.Context(), everything(region), nil, nil)
	if n := calls(); n != 5 { // four pages, and the campaign that is being updated
		t.Errorf("warm: %d calls, want 5", n)
	}
	clk.Advance(time.Hour)
	got = inv.Discover(t.Context(), everything(region), nil, nil)
	for _, r := range got.Resources {
		if r.Name == "updating" && (r.MinTPS != 6 || !r.Update.Status.Settled()) {
			t.Errorf("updated: minimum %d, update %+v", r.MinTPS, r.Update)
		}
	}
	fresh, problems := inv.Refresh(t.Context(), got.Resources[:2])
	if len(fresh) != 2 || len(problems) > 0 {
		t.Errorf("refreshed %d: %v", len(fresh), problems)
	}
}
