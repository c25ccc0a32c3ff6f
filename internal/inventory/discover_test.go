package inventory_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

const region = "eu-west-1"

// names of resources, those that are stale marked with a star.
func names(resources []model.Resource) string {
	var list []string
	for _, r := range resources {
		name := r.Region() + "/" + string(r.Kind)[:1] + "/" + r.Name
		if r.Stale {
			name += "*"
		}
		list = append(list, name)
	}
	return strings.Join(list, " ")
}

func TestEverythingAboutACampaignAndARecommender(t *testing.T) {
	s := newService(t)
	inv, _ := s.inventory()
	campaign := s.addCampaign(region, "home", object{
		"campaignConfig": object{"syncWithLatestSolutionVersion": true},
		"latestCampaignUpdate": object{
			"status": "CREATE IN_PROGRESS", "minProvisionedTPS": 4,
			"creationDateTime": epoch(testStart.Add(-time.Hour)), "lastUpdatedDateTime": epoch(testStart.Add(-time.Minute)),
		},
	})
	recommender := s.addRecommender(region, "picks", nil)
	got := inv.Discover(t.Context(), everything(region), nil, nil)
	shop, _ := model.ParseARN("arn:aws:personalize:eu-west-1:123456789012:dataset-group/shop")
	films, _ := model.ParseARN("arn:aws:personalize:eu-west-1:123456789012:dataset-group/films")
	created, updated := testStart.AddDate(0, 0, -30), testStart.AddDate(0, 0, -20)
	want := model.Snapshot{
		Resources: []model.Resource{
			{
				ARN: campaign, Kind: model.Campaign, Name: "home", DatasetGroup: shop, Recipe: "aws-user-personalization-v2", Status: "ACTIVE",
				MinTPS: 5, Created: created, LastUpdated: updated, AutoSync: true, VersionReady: testStart.AddDate(0, 0, -21),
				Version:   "arn:aws:personalize:eu-west-1:123456789012:solution/s-home/v1",
				Update:    &model.Update{Status: "CREATE IN_PROGRESS", MinTPS: 4, Created: testStart.Add(-time.Hour), Changed: testStart.Add(-time.Minute)},
				Described: true, Observed: testStart,
			},
			{
				ARN: recommender, Kind: model.Recommender, Name: "picks", DatasetGroup: films, Recipe: "aws-vod-top-picks", Status: "ACTIVE",
				MinTPS: 3, Created: created, LastUpdated: updated, Observed: testStart,
			},
		},
		Listings: []model.Listing{
			{Region: region, Campaigns: true, Recommenders: true, Seen: map[model.ARN]bool{campaign: true, recommender: true}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatTheServiceDoesNotTellIsOneOrNothing(t *testing.T) {
	s := newService(t)
	inv, _ := s.inventory()
	s.addCampaign(region, "c", object{"minProvisionedTPS": nil, "name": nil, "lastUpdatedDateTime": nil})
	s.addRecommender(region, "r", object{"recommenderConfig": nil, "recipeArn": nil, "datasetGroupArn": "x"})
	s.addRecommender(region, "r2", object{"recommenderConfig": object{}})
	got := inv.Discover(t.Context(), everything(region), nil, nil)
	if len(got.Problems) > 0 || names(got.Resources) != "eu-west-1/c/c eu-west-1/r/r eu-west-1/r/r2" {
		t.Fatalf("%s %v", names(got.Resources), got.Problems)
	}
	for _, r := range got.Resources {
		if r.MinTPS != 1 {
			t.Errorf("%s: minimum %d, want 1", r.Name, r.MinTPS)
		}
	}
}

func TestScopeOrderAndState(t *testing.T) {
	s := newService(t)
	b := s.addCampaign("us-east-1", "b", nil)
	s.addCampaign("us-east-1", "a", nil)
	s.addCampaign(region, "z", nil)
	s.addCampaign(region, "making", object{"status": "CREATE PENDING"})
	s.addCampaign(region, "failed", object{"status": "CREATE FAILED"})
	s.addCampaign(region, "leaving", object{"latestCampaignUpdate": object{"status": "DELETE IN_PROGRESS"}})
	r := s.addRecommender(region, "r", nil)
	s.addRecommender(region, "off", object{"status": "INACTIVE"})
	absent := arnOf(region, model.Campaign, "absent")
	all := model.Selection{All: true}
	tests := []struct {
		name      string
		scope     model.Scope
		resources string
		others    string
		listings  string // region, then C and R for what was listed completely
	}{
		{
			"all of two regions", everything("us-east-1", region), "eu-west-1/c/z eu-west-1/r/r us-east-1/c/a us-east-1/c/b",
			"eu-west-1/c/failed eu-west-1/c/leaving eu-west-1/c/making eu-west-1/r/off", "eu-west-1CR us-east-1CR",
		},
		{"one kind only", model.Scope{Recommenders: all, Regions: []string{region}}, "eu-west-1/r/r", "eu-west-1/r/off", "eu-west-1R"},
		{"by name, wherever it is", model.Scope{Campaigns: model.Selection{ARNs: []model.ARN{b}}, Regions: []string{region}}, "us-east-1/c/b", "", "us-east-1C"},
		{
			"all of one kind, one of the other",
			model.Scope{Campaigns: all, Recommenders: model.Selection{ARNs: []model.ARN{r}}, Regions: []string{"us-east-1"}},
			"eu-west-1/r/r us-east-1/c/a us-east-1/c/b", "", "eu-west-1R us-east-1C",
		},
		{"a name that does not exist is skipped", model.Scope{Campaigns: model.Selection{ARNs: []model.ARN{absent, b}}}, "us-east-1/c/b", "", "eu-west-1C us-east-1C"},
		{"nothing", model.Scope{Regions: []string{region}}, "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inv, _ := s.inventory()
			got := inv.Discover(t.Context(), tt.scope, nil, nil)
			var listings []string
			for _, l := range got.Listings {
				text := l.Region
				if l.Campaigns {
					text += "C"
				}
				if l.Recommenders {
					text += "R"
				}
				listings = append(listings, text)
			}
			for what, pair := range map[string][2]string{
				"resources": {names(got.Resources), tt.resources}, "others": {names(got.Others), tt.others},
				"listings": {strings.Join(listings, " "), tt.listings},
			} {
				if pair[0] != pair[1] {
					t.Errorf("%s: got %q, want %q", what, pair[0], pair[1])
				}
			}
			if len(got.Problems) > 0 {
				t.Errorf("problems: %v", got.Problems)
			}
		})
	}
	s.count("DescribeCampaign")
	inv, _ := s.inventory()
	got := inv.Discover(t.Context(), model.Scope{Campaigns: model.Selection{ARNs: []model.ARN{b}}}, nil, nil)
	if len(got.Listings[0].Seen) != 2 || s.count("DescribeCampaign") != 1 {
		t.Error("a selection by name must see the whole listing and describe only what it names")
	}
}

func TestACampaignIsDescribedOnlyWhenNewChangedUnsettledOrDue(t *testing.T) {
	tests := []struct {
		name      string
		initial   object
		change    object
		due       bool
		describes int
	}{
		{"unchanged", nil, nil, false, 0},
		{"unchanged, hourly checks due", nil, nil, true, 1},
		{"updated", nil, object{"lastUpdatedDateTime": epoch(testStart)}, false, 1},
		{"updated and due: once is enough", nil, object{"lastUpdatedDateTime": epoch(testStart)}, true, 1},
		{"made again under the same name", nil, object{"creationDateTime": epoch(testStart)}, false, 1},
		{"its update is in progress", object{"latestCampaignUpdate": object{"status": "CREATE PENDING"}}, nil, false, 1},
		{"its update has a status unknown to us", object{"latestCampaignUpdate": object{"status": "PAUSED"}}, nil, false, 1},
		{"its update is over", object{"latestCampaignUpdate": object{"status": "ACTIVE"}}, nil, false, 0},
		{"its update failed", object{"latestCampaignUpdate": object{"status": "CREATE FAILED"}}, nil, false, 0},
		{"no longer ACTIVE", nil, object{"status": "DELETE PENDING"}, true, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newService(t)
			inv, _ := s.inventory()
			arn := s.addCampaign(region, "c", tt.initial)
			inv.Discover(t.Context(), everything(region), func(model.ARN) bool { return true }, nil)
			if n := s.count("DescribeCampaign"); n != 1 {
				t.Fatalf("new: %d describes, want 1", n)
			}
			s.clk.Advance(5 * time.Minute)
			s.update(arn, tt.change)
			got := inv.Discover(t.Context(), everything(region), func(a model.ARN) bool { return tt.due && a == arn }, nil)
			if n := s.count("DescribeCampaign"); n != tt.describes {
				t.Errorf("%d describes, want %d", n, tt.describes)
			}
			if n := s.count("DescribeSolutionVersion"); n != 1 {
				t.Errorf("%d solution versions described in all, want 1", n)
			}
			all := append(got.Resources, got.Others...)
			if len(all) != 1 || all[0].Stale || !all[0].Observed.Equal(testStart.Add(5*time.Minute)) || len(got.Problems) > 0 {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestCallsColdAndWarm(t *testing.T) {
	s := newService(t)
	inv, clients := s.inventory()
	for i := range 500 {
		s.addCampaign(region, fmt.Sprintf("c%03d", i), nil)
		s.addRecommender(region, fmt.Sprintf("r%03d", i), nil)
	}
	var last [2]int
	cold := inv.Discover(t.Context(), everything(region), nil, func(done, total int) { last = [2]int{done, total} })
	if len(cold.Resources) != 1000 || last != [2]int{1000, 1000} {
		t.Errorf("%d resources, progress %v", len(cold.Resources), last)
	}
	sum := func() (total int) {
		for _, n := range clients.Calls() {
			total += n
		}
		return total
	}
	first := sum()
	if want := 5 + 5 + 500 + 500; first != want {
		t.Errorf("cold: %d calls, want %d", first, want)
	}
	warm := inv.Discover(t.Context(), everything(region), nil, nil)
	if got := sum() - first; got != 10 {
		t.Errorf("warm: %d calls, want 10", got)
	}
	if diff := cmp.Diff(cold, warm); diff != "" {
		t.Error(diff)
	}
}

func TestListings(t *testing.T) {
	tests := []struct {
		name     string
		fault    func(op, region, arn string, page int) string
		complete bool
		problem  string
	}{
		{"every page is read", nil, true, ""},
		{"an empty page with a token is followed", func(op, _, _ string, page int) string {
			if op == "ListCampaigns" && page == 3 { // past the end
				return "token:p4"
			}
			if op == "ListCampaigns" && page == 2 {
				return "token:p3"
			}
			return ""
		}, true, ""},
		{"a token that comes twice ends it", func(op, _, _ string, page int) string {
			if op == "ListCampaigns" && page == 2 {
				return "token:p1"
			}
			return ""
		}, false, "repeats itself"},
		{"a page refused ends it", func(op, _, _ string, page int) string {
			if op == "ListCampaigns" && page == 2 {
				return "ThrottlingException"
			}
			return ""
		}, false, "ThrottlingException: scripted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newService(t)
			s.pageSize = 2
			for i := range 6 {
				s.addCampaign(region, fmt.Sprintf("c%d", i), nil)
			}
			s.addRecommender(region, "r", nil)
			s.change(func() { s.fault = tt.fault })
			inv, _ := s.inventory()
			got := inv.Discover(t.Context(), everything(region), nil, nil)
			if l := got.Listings[0]; l.Campaigns != tt.complete || !l.Recommenders {
				t.Errorf("listing %+v", l)
			}
			want := 7
			if strings.Contains(tt.problem, "Throttling") {
				want = 5 // what was read before
			}
			if len(got.Resources) != want {
				t.Errorf("%d resources, want %d", len(got.Resources), want)
			}
			if tt.problem == "" && len(got.Problems) > 0 {
				t.Errorf("problems %v", got.Problems)
			}
			if tt.problem != "" {
				if len(got.Problems) != 1 || !strings.Contains(got.Problems[0].Error(), tt.problem) ||
					got.Problems[0].Operation != "ListCampaigns" || got.Problems[0].Region != region || got.Problems[0].ARN != "" {
					t.Errorf("problems %v", got.Problems)
				}
			}
		})
	}
}

func TestAnEntryThatMakesNoSenseLeavesTheListingIncomplete(t *testing.T) {
	for name, arn := range map[string]string{
		"no ARN": "", "not an ARN": "campaign/x", "another kind": "arn:aws:personalize:eu-west-1:123456789012:recommender/x",
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t)
			inv, _ := s.inventory()
			s.addCampaign(region, "good", nil)
			s.addCampaign(region, "bad", object{"campaignArn": arn})
			got := inv.Discover(t.Context(), everything(region), nil, nil)
			if names(got.Resources) != "eu-west-1/c/good" || got.Listings[0].Campaigns || len(got.Problems) != 1 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestABrokenListingIsFilledUpWithCopies(t *testing.T) {
	tests := []struct {
		name string
		wait time.Duration
		want string
	}{
		{"of at most 22 minutes", 22 * time.Minute, "eu-west-1/c/a* eu-west-1/c/b* eu-west-1/r/r"},
		{"not older ones", 22*time.Minute + time.Second, "eu-west-1/r/r"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newService(t)
			inv, _ := s.inventory()
			s.addCampaign(region, "a", nil)
			s.addCampaign(region, "b", nil)
			s.addRecommender(region, "r", nil)
			inv.Discover(t.Context(), everything(region), nil, nil)
			s.clk.Advance(tt.wait)
			s.fail("ListCampaigns", model.ARN{}, "InternalFailure")
			got := inv.Discover(t.Context(), everything(region), nil, nil)
			if names(got.Resources) != tt.want {
				t.Errorf("got %q, want %q", names(got.Resources), tt.want)
			}
			if len(got.Problems) != 1 || awsapi.KindOf(got.Problems[0].Err) != awsapi.Unavailable || got.Listings[0].Campaigns {
				t.Errorf("%v %+v", got.Problems, got.Listings)
			}
		})
	}
}

func TestOneRegionsFailureLeavesTheOthersAlone(t *testing.T) {
	s := newService(t)
	inv, _ := s.inventory()
	s.addCampaign(region, "a", nil)
	s.addCampaign("us-east-1", "b", nil)
	s.change(func() {
		s.fault = func(_, in, _ string, _ int) string {
			if in == "us-east-1" {
				return "AccessDeniedException"
			}
			return ""
		}
	})
	got := inv.Discover(t.Context(), everything(region, "us-east-1"), nil, nil)
	if names(got.Resources) != "eu-west-1/c/a" || len(got.Problems) != 2 {
		t.Errorf("%s, %v", names(got.Resources), got.Problems)
	}
	for _, p := range got.Problems {
		if p.Region != "us-east-1" || awsapi.KindOf(p) != awsapi.Denied || strings.Contains(p.Error(), "operation error") {
			t.Errorf("problem %v", p)
		}
	}
}

func TestACanceledDiscoverEndsWithOneProblemPerStep(t *testing.T) {
	s := newService(t)
	inv, _ := s.inventory()
	for i := range 30 {
		s.addCampaign(region, fmt.Sprintf("c%02d", i), nil)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := inv.Discover(ctx, everything(region), nil, func(done, total int) {
		if total == 30 && done == 3 {
			cancel()
		}
	})
	if len(got.Problems) == 0 || len(got.Problems) > 3 || len(got.Resources) >= 30 {
		t.Errorf("%d resources, problems %v", len(got.Resources), got.Problems)
	}
	for _, p := range got.Problems {
		if awsapi.KindOf(p) != awsapi.Canceled {
			t.Errorf("problem %v", p)
		}
	}
}
