package localaws

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"
)

// campaign describes a campaign; its status is GONE if there is none.
func (r *rig) campaign(t *testing.T, name string) *types.Campaign {
	t.Helper()
	out, err := r.personalize().DescribeCampaign(background, &personalize.DescribeCampaignInput{CampaignArn: arnOf("campaign/" + name)})
	if apiCode(t, err) == "ResourceNotFoundException" {
		return &types.Campaign{Status: aws.String("GONE")}
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Campaign
}

func (r *rig) recommender(t *testing.T, name string) *types.Recommender {
	t.Helper()
	out, err := r.personalize().DescribeRecommender(background, &personalize.DescribeRecommenderInput{RecommenderArn: arnOf("recommender/" + name)})
	if apiCode(t, err) == "ResourceNotFoundException" {
		return &types.Recommender{Status: aws.String("GONE")}
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Recommender
}

// unfold is what look says after each of the moves of the clock.
func (r *rig) unfold(look func() string, moves ...time.Duration) string {
	told := []string{look()}
	for _, d := range moves {
		r.clock.move(d)
		told = append(told, look())
	}
	return strings.Join(told, ", ")
}

func TestUpdateOfACampaignShowsOnlyInItsLatestUpdate(t *testing.T) {
	r := newWorld(t, shopEstate())
	ok[*personalize.UpdateCampaignOutput](t)(r.personalize().UpdateCampaign(background, &personalize.UpdateCampaignInput{CampaignArn: arnOf("campaign/home"), MinProvisionedTPS: aws.Int32(15)}))
	look := func() string {
		c := r.campaign(t, "home")
		u := c.LatestCampaignUpdate
		return fmt.Sprintf("%s %d %s %s %d", *c.Status, *c.MinProvisionedTPS, c.LastUpdatedDateTime.Sub(noon), *u.Status, *u.MinProvisionedTPS)
	}
	got := r.unfold(look, 2*time.Minute-time.Millisecond, time.Millisecond, 8*time.Minute-time.Millisecond, time.Millisecond, time.Hour)
	want := "ACTIVE 20 0s CREATE PENDING 15, ACTIVE 20 0s CREATE PENDING 15, ACTIVE 20 0s CREATE IN_PROGRESS 15, " +
		"ACTIVE 20 0s CREATE IN_PROGRESS 15, ACTIVE 15 10m0s ACTIVE 15, ACTIVE 15 10m0s ACTIVE 15"
	if got != want {
		t.Errorf("history\n%s, want\n%s", got, want)
	}
	if cfg := r.campaign(t, "home").CampaignConfig; cfg == nil || cfg.ItemExplorationConfig["explorationWeight"] != "0.3" {
		t.Errorf("the configuration was not kept: %+v", cfg)
	}
}

func TestChangesDuringAnUpdateAreRefused(t *testing.T) {
	r := newWorld(t, shopEstate())
	pz, arn := r.personalize(), arnOf("campaign/home")
	update := func() error {
		return errOf(pz.UpdateCampaign(background, &personalize.UpdateCampaignInput{CampaignArn: arn, MinProvisionedTPS: aws.Int32(3)}))
	}
	if err := update(); err != nil {
		t.Fatal(err)
	}
	remove := func() error {
		return errOf(pz.DeleteCampaign(background, &personalize.DeleteCampaignInput{CampaignArn: arn}))
	}
	for _, moved := range []time.Duration{0, 10*time.Minute - time.Second} {
		r.clock.move(moved)
		if a, b := apiCode(t, update()), apiCode(t, remove()); a != "ResourceInUseException" || b != a {
			t.Errorf("after %v: update %s, delete %s", moved, a, b)
		}
	}
	r.clock.move(time.Second)
	if err := remove(); err != nil {
		t.Errorf("after the update: %v", err)
	}
	if a, b := apiCode(t, update()), apiCode(t, remove()); a != "ResourceInUseException" || b != a {
		t.Errorf("during the deletion: update %s, delete %s", a, b)
	}
	r.clock.move(2 * time.Minute)
	if a, b := apiCode(t, update()), apiCode(t, remove()); a != "ResourceNotFoundException" || b != a {
		t.Errorf("after the deletion: update %s, delete %s", a, b)
	}
}

func TestUpdateThatFailsChangesNothing(t *testing.T) {
	r := newWorld(t, shopEstate())
	ok[*personalize.UpdateCampaignOutput](t)(r.personalize().UpdateCampaign(background, &personalize.UpdateCampaignInput{CampaignArn: arnOf("campaign/failing"), MinProvisionedTPS: aws.Int32(9)}))
	r.clock.move(time.Hour)
	c := r.campaign(t, "failing")
	if u := c.LatestCampaignUpdate; *c.Status != "ACTIVE" || *c.MinProvisionedTPS != 1 || *u.Status != "CREATE FAILED" || u.FailureReason == nil || *u.MinProvisionedTPS != 9 {
		t.Errorf("campaign %+v, update %+v", c, u)
	}
	if err := errOf(r.personalize().UpdateCampaign(background, &personalize.UpdateCampaignInput{CampaignArn: arnOf("campaign/failing"), MinProvisionedTPS: aws.Int32(8)})); err != nil {
		t.Errorf("another update after a failed one: %v", err)
	}
}

func TestRecommenderStopsAndStartsWithItsTraffic(t *testing.T) {
	r := newWorld(t, shopEstate())
	pz, arn := r.personalize(), arnOf("recommender/for-you")
	look := func() string { return *r.recommender(t, "for-you").Status }

	ok[*personalize.StopRecommenderOutput](t)(pz.StopRecommender(background, &personalize.StopRecommenderInput{RecommenderArn: arn}))
	got := r.unfold(look, time.Minute, 4*time.Minute, time.Hour)
	if want := "STOP PENDING, STOP IN_PROGRESS, INACTIVE, INACTIVE"; got != want {
		t.Errorf("stopping: %s, want %s", got, want)
	}
	const step = 5 * time.Minute
	if r.requests(t, "RecommenderArn", *arn, noon.Add(-step)) == 0 {
		t.Error("no requests before the stop")
	}
	if v := r.requests(t, "RecommenderArn", *arn, noon); v > 0 {
		t.Errorf("%v requests after the stop", v)
	}

	ok[*personalize.StartRecommenderOutput](t)(pz.StartRecommender(background, &personalize.StartRecommenderInput{RecommenderArn: arn}))
	begun := r.clock.Now()
	got = r.unfold(look, 2*time.Minute, 8*time.Minute)
	if want := "START PENDING, START IN_PROGRESS, ACTIVE"; got != want {
		t.Errorf("starting: %s, want %s", got, want)
	}
	r.clock.move(step)
	if r.requests(t, "RecommenderArn", *arn, begun.Add(step)) > 0 {
		t.Error("requests before the start was done")
	}
	if v := r.requests(t, "RecommenderArn", *arn, begun.Add(2*step)); v != 600 {
		t.Errorf("%v requests after the start", v)
	}
}

func TestUpdateOfARecommenderReplacesTheWholeConfiguration(t *testing.T) {
	r := newWorld(t, shopEstate())
	arn := arnOf("recommender/for-you")
	ok[*personalize.UpdateRecommenderOutput](t)(r.personalize().UpdateRecommender(background, &personalize.UpdateRecommenderInput{
		RecommenderArn: arn, RecommenderConfig: &types.RecommenderConfig{MinRecommendationRequestsPerSecond: aws.Int32(4)},
	}))
	before := r.recommender(t, "for-you")
	if *before.RecommenderConfig.MinRecommendationRequestsPerSecond != 5 || before.RecommenderConfig.TrainingDataConfig == nil ||
		*before.LatestRecommenderUpdate.RecommenderConfig.MinRecommendationRequestsPerSecond != 4 {
		t.Errorf("while pending: %+v", before)
	}
	if err := errOf(r.personalize().StopRecommender(background, &personalize.StopRecommenderInput{RecommenderArn: arn})); apiCode(t, err) != "ResourceInUseException" {
		t.Errorf("a stop during the update: %v", err)
	}
	r.clock.move(10 * time.Minute)
	after := r.recommender(t, "for-you").RecommenderConfig
	if *after.MinRecommendationRequestsPerSecond != 4 || after.TrainingDataConfig != nil {
		t.Errorf("afterwards: %+v", after)
	}
}

func TestCreationAndDeletion(t *testing.T) {
	e := shopEstate()
	e.Quotas = EstateQuotas{CampaignsPerDatasetGroup: 9, RecommendersPerDatasetGroup: 3, RecommendersPerRegion: 3}
	e.LifeCycle = EstateLifeCycle{Create: 5 * time.Minute, Delete: time.Minute}
	r := newWorld(t, e)
	pz := r.personalize()
	ok[*personalize.CreateCampaignOutput](t)(pz.CreateCampaign(background, &personalize.CreateCampaignInput{
		Name: aws.String("new"), SolutionVersionArn: arnOf("solution/home/$LATEST"), Tags: []types.Tag{{TagKey: aws.String("k"), TagValue: aws.String("v")}},
	}))
	look := func() string { return *r.campaign(t, "new").Status }
	if got, want := r.unfold(look, time.Minute, 4*time.Minute), "CREATE PENDING, CREATE IN_PROGRESS, ACTIVE"; got != want {
		t.Errorf("creating: %s, want %s", got, want)
	}
	if c := r.campaign(t, "new"); *c.MinProvisionedTPS != 1 || *c.SolutionVersionArn != *r.campaign(t, "home").SolutionVersionArn {
		t.Errorf("created: %+v", c)
	}
	ok[*personalize.DeleteCampaignOutput](t)(pz.DeleteCampaign(background, &personalize.DeleteCampaignInput{CampaignArn: arnOf("campaign/new")}))
	if got, want := r.unfold(look, 12*time.Second, 48*time.Second), "DELETE PENDING, DELETE IN_PROGRESS, GONE"; got != want {
		t.Errorf("deleting: %s, want %s", got, want)
	}
	ok[*personalize.CreateRecommenderOutput](t)(pz.CreateRecommender(background, &personalize.CreateRecommenderInput{
		Name: aws.String("new"), DatasetGroupArn: arnOf("dataset-group/shop"), RecipeArn: aws.String("arn:aws:personalize:::recipe/aws-ecomm-popular-items-by-views"),
	}))
	err := errOf(pz.CreateRecommender(background, &personalize.CreateRecommenderInput{
		Name: aws.String("more"), DatasetGroupArn: arnOf("dataset-group/shop"), RecipeArn: aws.String("arn:aws:personalize:::recipe/aws-ecomm-popular-items-by-views"),
	}))
	if apiCode(t, err) != "LimitExceededException" {
		t.Errorf("beyond the quota: %v", err)
	}
	r.clock.move(5 * time.Minute)
	if rec := r.recommender(t, "new"); *rec.Status != "ACTIVE" || *rec.RecommenderConfig.MinRecommendationRequestsPerSecond != 1 {
		t.Errorf("recommender: %+v", rec)
	}
	ok[*personalize.DeleteRecommenderOutput](t)(pz.DeleteRecommender(background, &personalize.DeleteRecommenderInput{RecommenderArn: arnOf("recommender/new")}))
	r.clock.move(time.Minute)
	if rec := r.recommender(t, "new"); *rec.Status != "GONE" {
		t.Errorf("deleted: %+v", rec)
	}
}

func TestWhatTheFileSaysIsInProgressGoesOn(t *testing.T) {
	e := shopEstate()
	g := &e.Regions[0].DatasetGroups[0]
	g.Campaigns = []EstateCampaign{
		{EstateEndpoint: EstateEndpoint{Name: "coming", Recipe: "aws-sims", Status: "CREATE IN_PROGRESS"}},
		{EstateEndpoint: EstateEndpoint{Name: "failing", Recipe: "aws-sims", Status: "CREATE PENDING", Fails: "create"}},
		{EstateEndpoint: EstateEndpoint{Name: "going", Recipe: "aws-sims", Status: "DELETE PENDING"}},
		{EstateEndpoint: EstateEndpoint{Name: "changing", Recipe: "aws-sims", Update: &EstateUpdate{Status: "CREATE IN_PROGRESS", MinTPS: 7, Age: 4 * time.Minute}}},
		{EstateEndpoint: EstateEndpoint{Name: "late", Recipe: "aws-sims", Update: &EstateUpdate{Status: "CREATE PENDING", MinTPS: 7, Age: 4 * time.Hour}}},
	}
	g.Recommenders = []EstateRecommender{
		{EstateEndpoint: EstateEndpoint{Name: "stopping", Recipe: "aws-ecomm-recommended-for-you", Status: "STOP PENDING"}},
		{EstateEndpoint: EstateEndpoint{Name: "starting", Recipe: "aws-ecomm-recommended-for-you", Status: "START IN_PROGRESS"}},
	}
	r := newWorld(t, e)
	look := func() string {
		status := func(name string) string { return *r.campaign(t, name).Status }
		update := func(name string) string {
			c := r.campaign(t, name)
			return fmt.Sprintf("%s %d", *c.LatestCampaignUpdate.Status, *c.MinProvisionedTPS)
		}
		return strings.Join([]string{
			status("coming"), status("failing"), status("going"), update("changing"), update("late"),
			*r.recommender(t, "stopping").Status, *r.recommender(t, "starting").Status,
		}, "|")
	}
	for _, tt := range []struct {
		move time.Duration
		want string
	}{
		{0, "CREATE IN_PROGRESS|CREATE PENDING|DELETE PENDING|CREATE IN_PROGRESS 1|CREATE IN_PROGRESS 1|STOP PENDING|START IN_PROGRESS"},
		{5 * time.Minute, "CREATE IN_PROGRESS|CREATE IN_PROGRESS|GONE|CREATE IN_PROGRESS 1|CREATE IN_PROGRESS 1|INACTIVE|START IN_PROGRESS"},
		{time.Minute, "CREATE IN_PROGRESS|CREATE IN_PROGRESS|GONE|ACTIVE 7|CREATE IN_PROGRESS 1|INACTIVE|START IN_PROGRESS"},
		{4 * time.Minute, "ACTIVE|CREATE FAILED|GONE|ACTIVE 7|ACTIVE 7|INACTIVE|ACTIVE"},
	} {
		r.clock.move(tt.move)
		if got := look(); got != tt.want {
			t.Errorf("at %v\ngot  %s\nwant %s", r.clock.Now().Sub(noon), got, tt.want)
		}
	}
}

func TestTheServiceMovesSyncedCampaignsToNewVersions(t *testing.T) {
	r := newWorld(t, shopEstate())
	first := r.campaign(t, "synced")
	if u := first.LatestCampaignUpdate; u == nil || !u.CreationDateTime.Equal(noon.Add(-48*time.Hour)) || *u.Status != "ACTIVE" {
		t.Fatalf("the sync with the present version: %+v", u)
	}
	trained := noon.Add(5 * 24 * time.Hour)
	r.clock.move(trained.Sub(noon) - time.Second)
	if c := r.campaign(t, "synced"); *c.SolutionVersionArn != *first.SolutionVersionArn {
		t.Error("synced before there is a new version")
	}
	r.clock.move(time.Hour)
	c := r.campaign(t, "synced")
	if *c.SolutionVersionArn == *first.SolutionVersionArn || !c.LastUpdatedDateTime.Equal(trained.Add(10*time.Minute)) || *c.MinProvisionedTPS != 1 {
		t.Errorf("after the training: %+v", c)
	}
	v := ok[*personalize.DescribeSolutionVersionOutput](t)(r.personalize().DescribeSolutionVersion(background, &personalize.DescribeSolutionVersionInput{SolutionVersionArn: c.SolutionVersionArn})).SolutionVersion
	if !v.LastUpdatedDateTime.Equal(trained) || v.TrainingType != types.TrainingTypeAutomatic {
		t.Errorf("the new version: %+v", v)
	}
	// Switched off, it stays where it is.
	ok[*personalize.UpdateCampaignOutput](t)(r.personalize().UpdateCampaign(background, &personalize.UpdateCampaignInput{CampaignArn: arnOf("campaign/synced"), CampaignConfig: &types.CampaignConfig{}}))
	r.clock.move(30 * 24 * time.Hour)
	if after := r.campaign(t, "synced"); *after.SolutionVersionArn != *c.SolutionVersionArn {
		t.Error("synced after that was switched off")
	}
}

func TestALeapOfTheClockGivesTheHistoryOfACreep(t *testing.T) {
	leap, creep := newWorld(t, shopEstate()), newWorld(t, shopEstate())
	for _, r := range []*rig{leap, creep} {
		ok[*personalize.UpdateCampaignOutput](t)(r.personalize().UpdateCampaign(background, &personalize.UpdateCampaignInput{CampaignArn: arnOf("campaign/home"), MinProvisionedTPS: aws.Int32(3)}))
		ok[*personalize.StopRecommenderOutput](t)(r.personalize().StopRecommender(background, &personalize.StopRecommenderInput{RecommenderArn: arnOf("recommender/for-you")}))
	}
	const span = 40 * 24 * time.Hour
	for range 960 {
		creep.clock.move(span / 960)
		creep.Tick()
	}
	leap.clock.move(span)
	for _, name := range []string{"home", "synced"} {
		a, b := leap.campaign(t, name), creep.campaign(t, name)
		if *a.SolutionVersionArn != *b.SolutionVersionArn || !a.LastUpdatedDateTime.Equal(*b.LastUpdatedDateTime) || *a.MinProvisionedTPS != *b.MinProvisionedTPS {
			t.Errorf("%s: leap %+v, creep %+v", name, a, b)
		}
	}
	if a, b := leap.recommender(t, "for-you"), creep.recommender(t, "for-you"); *a.Status != *b.Status || !a.LastUpdatedDateTime.Equal(*b.LastUpdatedDateTime) {
		t.Errorf("recommender: leap %+v, creep %+v", a, b)
	}
}

func TestUpdateOfARecommenderFromTheFile(t *testing.T) {
	e := shopEstate()
	e.Regions[0].DatasetGroups[0].Recommenders = []EstateRecommender{{
		EstateEndpoint: EstateEndpoint{Name: "r", Recipe: "aws-ecomm-recommended-for-you", Update: &EstateUpdate{Status: "CREATE IN_PROGRESS", MinTPS: 3, Age: time.Minute}},
		MinRPS:         8,
	}}
	r := newWorld(t, e)
	minimum := func() string {
		rec := r.recommender(t, "r")
		return fmt.Sprint(*rec.RecommenderConfig.MinRecommendationRequestsPerSecond, " ", *rec.LatestRecommenderUpdate.RecommenderConfig.MinRecommendationRequestsPerSecond)
	}
	if got, want := r.unfold(minimum, 9*time.Minute-time.Second, time.Second), "8 3, 8 3, 3 3"; got != want {
		t.Errorf("minimum and what is asked for: %s, want %s", got, want)
	}
}

func TestAnUnlistedRecipeIsServed(t *testing.T) {
	e := shopEstate()
	e.Regions[0].DatasetGroups[0].Campaigns = []EstateCampaign{{EstateEndpoint: EstateEndpoint{
		Name: "c", Recipe: "aws-recipe-of-tomorrow", Unlisted: true, Traffic: EstateTraffic{Shape: "constant", TPS: 1},
	}}}
	r := newWorld(t, e)
	c := r.campaign(t, "c")
	v := ok[*personalize.DescribeSolutionVersionOutput](t)(r.personalize().DescribeSolutionVersion(background, &personalize.DescribeSolutionVersionInput{SolutionVersionArn: c.SolutionVersionArn})).SolutionVersion
	if !strings.HasSuffix(*v.RecipeArn, ":recipe/aws-recipe-of-tomorrow") {
		t.Errorf("recipe %s", *v.RecipeArn)
	}
	if n := r.requests(t, "CampaignArn", *c.CampaignArn, noon.Add(-5*time.Minute)); n != 300 {
		t.Errorf("%v requests", n)
	}
}
