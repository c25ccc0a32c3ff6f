package inventory_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// retried is how long throttled calls are tried again in vain.
const retried = 19 * time.Second

func TestWhenDescribeFails(t *testing.T) {
	due := func(model.ARN) bool { return true }
	tests := []struct {
		name     string
		code     string
		seen     bool          // an earlier cycle saw the campaign
		initial  object        // what it was then
		wait     time.Duration // since then
		change   object        // as it is now
		want     string
		observed time.Duration // since the first cycle
		problem  string        // empty if none
	}{
		{"throttled, listed unchanged: a copy of now, stale", "ThrottlingException", true, nil, 2 * time.Hour, nil, "eu-west-1/c/c*", 2 * time.Hour, "metrics only"},
		{
			"throttled, listed changed: a copy of 22 minutes ago", "ThrottlingException", true, nil, 22*time.Minute - retried,
			object{"lastUpdatedDateTime": epoch(testStart)},
			"eu-west-1/c/c*", 0, "metrics only",
		},
		{
			"a second older is too old", "ThrottlingException", true, nil, 22*time.Minute - retried + time.Second,
			object{"lastUpdatedDateTime": epoch(testStart)},
			"", 0, "skipped this time",
		},
		{
			"an unsettled copy is not confirmed by the list", "ThrottlingException", true,
			object{"latestCampaignUpdate": object{"status": "CREATE PENDING"}},
			23 * time.Minute, nil, "", 0, "skipped this time",
		},
		{
			"another campaign of that name has no copy", "ThrottlingException", true, nil, time.Minute,
			object{"creationDateTime": epoch(testStart)},
			"", 0, "skipped this time",
		},
		{"never seen: left out", "ThrottlingException", false, nil, 0, nil, "", 0, "skipped this time"},
		{"any other failure is the same", "AccessDeniedException", true, nil, time.Minute, nil, "eu-west-1/c/c*", time.Minute, "AccessDeniedException"},
		{"not found: gone, and no problem", "ResourceNotFoundException", true, nil, time.Minute, nil, "", 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newService(t)
			inv, _ := s.inventory()
			arn := s.addCampaign(region, "c", tt.initial)
			s.addCampaign(region, "other", object{"status": "CREATE FAILED"})
			if tt.seen {
				inv.Discover(t.Context(), everything(region), nil, nil)
			}
			s.clk.Advance(tt.wait)
			s.update(arn, tt.change)
			s.fail("DescribeCampaign", arn, tt.code)
			got := inv.Discover(t.Context(), everything(region), due, nil)
			if names(got.Resources) != tt.want || len(got.Others) != 1 || !got.Listings[0].Campaigns {
				t.Fatalf("got %q, %+v", names(got.Resources), got)
			}
			if len(got.Resources) == 1 {
				r := got.Resources[0]
				if want := testStart.Add(tt.observed); !r.Observed.Equal(want) || r.Recipe == "" || r.MinTPS != 5 {
					t.Errorf("observed %v, want %v: %+v", r.Observed, want, r)
				}
			}
			if gone := tt.problem == ""; got.Listings[0].Seen[arn] == gone {
				t.Errorf("seen %v", got.Listings[0].Seen)
			}
			switch {
			case tt.problem == "" && len(got.Problems) > 0:
				t.Errorf("problems %v", got.Problems)
			case tt.problem != "":
				if len(got.Problems) != 1 || !strings.Contains(got.Problems[0].Error(), tt.problem) || got.Problems[0].ARN != arn.String() ||
					got.Problems[0].Operation != "DescribeCampaign" {
					t.Errorf("problems %v", got.Problems)
				}
			}
			s.fail("", model.ARN{}, "")
			got = inv.Discover(t.Context(), everything(region), due, nil)
			if names(got.Resources) != "eu-west-1/c/c" || len(got.Problems) > 0 {
				t.Errorf("when it works again: %q %v", names(got.Resources), got.Problems)
			}
		})
	}
}

func TestRecipeOfACampaign(t *testing.T) {
	const recipe = "arn:aws:personalize:::recipe/aws-sims"
	latest := versionARN(region, "shop", "$LATEST")
	first := versionARN(region, "shop", "v1")
	solution := strings.TrimSuffix(latest, "/$LATEST")
	ready := testStart.AddDate(0, 0, -2)
	newest := object{"status": "ACTIVE", "lastUpdatedDateTime": epoch(ready)}
	tests := []struct {
		name     string
		version  string // of the campaign
		known    object // the description of the version; nil if there is none
		solution object
		fault    [2]string // operation, code
		recipe   string
		ready    time.Time
		calls    [2]int // DescribeSolutionVersion, DescribeSolution
		problem  string // its operation
	}{
		{"of its version", first, object{"recipeArn": recipe, "status": "ACTIVE", "lastUpdatedDateTime": epoch(ready)}, nil, [2]string{}, "aws-sims", ready, [2]int{1, 0}, ""},
		{"of its solution if it follows the latest", latest, nil, object{"recipeArn": recipe, "latestSolutionVersion": newest}, [2]string{}, "aws-sims", ready, [2]int{0, 1}, ""},
		{
			"the latest is still being trained", latest, nil,
			object{"recipeArn": recipe, "latestSolutionVersion": newest.with(object{"status": "CREATE IN_PROGRESS"})},
			[2]string{},
			"aws-sims",
			time.Time{},
			[2]int{0, 1},
			"",
		},
		{"of its solution if the version is gone", first, nil, object{"recipeArn": recipe}, [2]string{}, "aws-sims", time.Time{}, [2]int{1, 1}, ""},
		{
			"of its solution if the version is refused as invalid", first,
			object{"recipeArn": "x"},
			object{"recipeArn": recipe},
			[2]string{"DescribeSolutionVersion", "InvalidInputException"},
			"aws-sims",
			time.Time{},
			[2]int{1, 1},
			"",
		},
		{"of its solution if the version names none", first, object{"status": "ACTIVE"}, object{"recipeArn": recipe}, [2]string{}, "aws-sims", time.Time{}, [2]int{1, 1}, ""},
		{"chosen by AutoML", latest, nil, object{"autoMLResult": object{"bestRecipeArn": recipe}}, [2]string{}, "aws-sims", time.Time{}, [2]int{0, 1}, ""},
		{
			"unknown if the version's description is throttled", first,
			object{"recipeArn": recipe, "status": "ACTIVE"},
			object{"recipeArn": recipe},
			[2]string{"DescribeSolutionVersion", "ThrottlingException"},
			"",
			time.Time{},
			[2]int{7, 0}, // once, and six times when there was nothing but throttling
			"DescribeSolutionVersion",
		},
		{"unknown if the solution's is", latest, nil, object{"recipeArn": recipe}, [2]string{"DescribeSolution", "ThrottlingException"}, "", time.Time{}, [2]int{0, 7}, "DescribeSolution"},
		{"unknown if neither is there", first, nil, nil, [2]string{}, "", time.Time{}, [2]int{1, 1}, "DescribeSolution"},
		{"unknown if nothing names one", latest, nil, object{}, [2]string{}, "", time.Time{}, [2]int{0, 1}, "DescribeSolution"},
		{"unknown if the version's ARN is no such thing", "nonsense/$LATEST", nil, nil, [2]string{}, "", time.Time{}, [2]int{0, 0}, "DescribeSolution"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newService(t)
			inv, _ := s.inventory()
			arn := s.addCampaign(region, "c", object{"solutionVersionArn": tt.version})
			s.change(func() {
				if tt.known != nil {
					s.versions[first] = tt.known
				}
				if tt.solution != nil {
					s.solutions[solution] = tt.solution
				}
			})
			s.fail(tt.fault[0], model.ARN{}, tt.fault[1])
			got := inv.Discover(t.Context(), everything(region), nil, nil)
			if len(got.Resources) != 1 || got.Resources[0].Recipe != tt.recipe || !got.Resources[0].VersionReady.Equal(tt.ready) || got.Resources[0].Stale {
				t.Errorf("got %+v", got.Resources)
			}
			if calls := [2]int{s.count("DescribeSolutionVersion"), s.count("DescribeSolution")}; calls != tt.calls {
				t.Errorf("calls %v, want %v", calls, tt.calls)
			}
			if tt.problem == "" && len(got.Problems) > 0 {
				t.Errorf("problems %v", got.Problems)
			}
			if tt.problem != "" && (len(got.Problems) != 1 || got.Problems[0].Operation != tt.problem || got.Problems[0].ARN != arn.String()) {
				t.Errorf("problems %v, want one of %s", got.Problems, tt.problem)
			}

			s.fail("", model.ARN{}, "")
			got = inv.Discover(t.Context(), everything(region), nil, nil)
			again := s.count("DescribeSolutionVersion") + s.count("DescribeSolution")
			if tt.problem == "" && (again != 0 || got.Resources[0].Recipe != tt.recipe) {
				t.Errorf("read again (%d) what is known", again)
			}
			if tt.fault[1] == "ThrottlingException" && (again != 1 || got.Resources[0].Recipe != "aws-sims" || s.count("DescribeCampaign") != 1) {
				t.Errorf("not tried again for the recipe alone: %d calls, %+v", again, got.Resources[0])
			}
		})
	}
}

func TestWhatWasReadOfASolutionHoldsUntilTheCampaignChanges(t *testing.T) {
	s := newService(t)
	inv, _ := s.inventory()
	arn := s.addCampaign(region, "c", object{"solutionVersionArn": versionARN(region, "shop", "$LATEST")})
	s.change(func() {
		s.solutions["arn:aws:personalize:eu-west-1:123456789012:solution/shop"] = object{"recipeArn": "arn:aws:personalize:::recipe/aws-sims"}
	})
	due := func(model.ARN) bool { return true }
	for i, step := range []struct {
		change object
		calls  int
	}{
		{nil, 1},
		{nil, 0}, // described again, but nothing has changed
		{object{"lastUpdatedDateTime": epoch(testStart)}, 1},
		{object{"latestCampaignUpdate": object{"status": "ACTIVE"}}, 1},
		{nil, 0},
	} {
		s.update(arn, step.change)
		inv.Discover(t.Context(), everything(region), due, nil)
		if got := s.count("DescribeSolution"); got != step.calls {
			t.Errorf("step %d: %d calls, want %d", i, got, step.calls)
		}
	}
}

func TestCampaignsOnOneVersionShareOneCall(t *testing.T) {
	s := newService(t)
	inv, _ := s.inventory()
	shared := versionARN(region, "shop", "v9")
	s.change(func() { s.versions[shared] = s.version("aws-similar-items") })
	for _, name := range []string{"a", "b", "c", "d"} {
		s.addCampaign(region, name, object{"solutionVersionArn": shared})
	}
	got := inv.Discover(t.Context(), everything(region), nil, nil)
	if n := s.count("DescribeSolutionVersion"); n != 1 || len(got.Resources) != 4 {
		t.Errorf("%d calls for %s", n, names(got.Resources))
	}
	for _, r := range got.Resources {
		if r.Recipe != "aws-similar-items" {
			t.Errorf("%s: recipe %q", r.Name, r.Recipe)
		}
	}
	// Another campaign, later, moves to it: it is known still.
	s.addCampaign(region, "e", object{"solutionVersionArn": shared})
	inv.Discover(t.Context(), everything(region), nil, nil)
	if n := s.count("DescribeSolutionVersion"); n != 0 {
		t.Errorf("%d calls for a version known", n)
	}
	// A version that no campaign serves is dropped.
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		s.remove(arnOf(region, model.Campaign, name))
	}
	inv.Discover(t.Context(), everything(region), nil, nil)
	s.addCampaign(region, "f", object{"solutionVersionArn": shared})
	inv.Discover(t.Context(), everything(region), nil, nil)
	if n := s.count("DescribeSolutionVersion"); n != 1 {
		t.Errorf("%d calls after it was dropped, want 1", n)
	}
	// A failure is shared as well, and each campaign has its problem.
	broken := versionARN(region, "shop", "v10")
	s.addCampaign(region, "g", object{"solutionVersionArn": broken})
	s.addCampaign(region, "h", object{"solutionVersionArn": broken})
	s.fail("DescribeSolutionVersion", model.ARN{}, "InternalFailure")
	got = inv.Discover(t.Context(), everything(region), nil, nil)
	if n := s.count("DescribeSolutionVersion"); n != 1 || len(got.Problems) != 2 || got.Problems[0].ARN == got.Problems[1].ARN {
		t.Errorf("%d calls, problems %v", n, got.Problems)
	}
}

func TestWhatIsGoneFromACompleteListingIsForgotten(t *testing.T) {
	s := newService(t)
	inv, _ := s.inventory()
	c := s.addCampaign(region, "c", nil)
	r := s.addRecommender(region, "r", nil)
	s.addRecommender(region, "stays", nil)
	inv.Discover(t.Context(), everything(region), nil, nil)
	s.remove(c)
	s.remove(r)
	got := inv.Discover(t.Context(), everything(region), nil, nil)
	if names(got.Resources) != "eu-west-1/r/stays" {
		t.Errorf("got %q", names(got.Resources))
	}
	for _, operation := range []string{"ListCampaigns", "ListRecommenders"} {
		s.fail(operation, model.ARN{}, "InternalFailure")
		if got := inv.Discover(t.Context(), everything(region), nil, nil); strings.Contains(names(got.Resources), "/c/c") || strings.Contains(names(got.Resources), "/r/r ") {
			t.Errorf("%s: a copy of what is gone: %q", operation, names(got.Resources))
		}
	}
}

func TestRefresh(t *testing.T) {
	s := newService(t)
	inv, _ := s.inventory()
	c := s.addCampaign(region, "c", nil)
	r := s.addRecommender(region, "r", nil)
	far := s.addRecommender("us-east-1", "far", nil)
	gone := arnOf(region, model.Recommender, "gone")
	refused := s.addRecommender(region, "refused", nil)
	s.change(func() {
		s.described[r.String()] = s.recommenders[0].with(object{"latestRecommenderUpdate": object{
			"status": "CREATE PENDING", "creationDateTime": epoch(testStart), "lastUpdatedDateTime": epoch(testStart),
			"recommenderConfig": object{"minRecommendationRequestsPerSecond": 2},
		}})
	})
	before := inv.Discover(t.Context(), everything(region, "us-east-1"), nil, nil)
	s.update(c, object{"minProvisionedTPS": 9, "status": "DELETE PENDING"})
	s.fail("DescribeRecommender", refused, "ThrottlingException")
	s.clk.Advance(time.Minute)
	ask := append([]model.Resource{{ARN: gone, Kind: model.Recommender}}, before.Resources...)
	got, problems := inv.Refresh(t.Context(), ask)
	if names(got) != "eu-west-1/c/c eu-west-1/r/r us-east-1/r/far" {
		t.Fatalf("got %q", names(got))
	}
	for _, resource := range got {
		if !resource.Described || resource.Stale || !resource.Observed.Equal(testStart.Add(time.Minute)) || resource.Recipe == "" {
			t.Errorf("%+v", resource)
		}
	}
	if got[0].MinTPS != 9 || got[0].Monitored() {
		t.Errorf("campaign not fresh: %+v", got[0])
	}
	if u := got[1].Update; u == nil || u.Status != "CREATE PENDING" || u.MinTPS != 2 || !u.Changed.Equal(testStart) {
		t.Errorf("recommender's update: %+v", u)
	}
	if got[2].ARN != far || got[2].Update != nil {
		t.Errorf("%+v", got[2])
	}
	if len(problems) != 1 || problems[0].ARN != refused.String() || problems[0].Operation != "DescribeRecommender" || awsapi.KindOf(problems[0]) != awsapi.Throttled {
		t.Errorf("problems %v", problems)
	}
	if got, problems := inv.Refresh(t.Context(), nil); len(got)+len(problems) > 0 {
		t.Errorf("of nothing: %v %v", got, problems)
	}
}

func TestRefreshOfACampaignServesTheNextDiscover(t *testing.T) {
	s := newService(t)
	inv, _ := s.inventory()
	s.addCampaign(region, "c", nil)
	first := inv.Discover(t.Context(), everything(region), nil, nil)
	if got, problems := inv.Refresh(t.Context(), first.Resources); len(got) != 1 || len(problems) > 0 {
		t.Fatal(problems)
	}
	inv.Discover(t.Context(), everything(region), nil, nil)
	if n := s.count("DescribeCampaign"); n != 2 {
		t.Errorf("%d describes in all, want 2", n)
	}
	if n := s.count("DescribeSolutionVersion"); n != 1 {
		t.Errorf("%d solution versions, want 1", n)
	}
}

func TestConcurrentDiscovers(t *testing.T) {
	s := newService(t)
	inv, _ := s.inventory()
	for _, name := range []string{"a", "b", "c"} {
		s.addCampaign(region, name, nil)
		s.addRecommender("us-east-1", name, nil)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			got := inv.Discover(t.Context(), everything(region, "us-east-1"), func(model.ARN) bool { return true }, nil)
			if len(got.Resources) != 6 || len(got.Problems) > 0 {
				t.Errorf("%q %v", names(got.Resources), got.Problems)
			}
			if _, problems := inv.Refresh(t.Context(), got.Resources); len(problems) > 0 {
				t.Error(problems)
			}
		})
	}
	wg.Wait()
}
