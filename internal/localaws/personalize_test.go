package localaws

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"
)

func TestCampaignSummariesTellLessThanDescriptions(t *testing.T) {
	pz := newWorld(t, shopEstate()).personalize()
	list := ok[*personalize.ListCampaignsOutput](t)(pz.ListCampaigns(background, &personalize.ListCampaignsInput{}))
	if len(list.Campaigns) != 8 || list.NextToken != nil {
		t.Fatalf("%d campaigns, token %v", len(list.Campaigns), list.NextToken)
	}
	for _, c := range list.Campaigns {
		if c.CampaignArn == nil || c.Name == nil || c.Status == nil || c.CreationDateTime == nil || c.LastUpdatedDateTime == nil {
			t.Errorf("incomplete summary: %+v", c)
		}
		if aws.ToString(c.Name) == "broken" && aws.ToString(c.FailureReason) != "bad data" {
			t.Errorf("failure reason %v", c.FailureReason)
		}
	}
	c := ok[*personalize.DescribeCampaignOutput](t)(pz.DescribeCampaign(background, &personalize.DescribeCampaignInput{CampaignArn: arnOf("campaign/home")})).Campaign
	if *c.MinProvisionedTPS != 20 || *c.Status != "ACTIVE" || !c.CreationDateTime.Equal(noon.Add(-48*time.Hour)) || c.LatestCampaignUpdate != nil {
		t.Errorf("campaign: %+v", c)
	}
	cfg := c.CampaignConfig
	if cfg.ItemExplorationConfig["explorationWeight"] != "0.3" || !*cfg.EnableMetadataWithRecommendations || cfg.RankingInfluence["POPULARITY"] != 0.5 || cfg.SyncWithLatestSolutionVersion != nil {
		t.Errorf("campaign config: %+v", cfg)
	}
	v := ok[*personalize.DescribeSolutionVersionOutput](t)(pz.DescribeSolutionVersion(background, &personalize.DescribeSolutionVersionInput{SolutionVersionArn: c.SolutionVersionArn})).SolutionVersion
	if *v.RecipeArn != "arn:aws:personalize:::recipe/aws-user-personalization-v2" || *v.DatasetGroupArn != *arnOf("dataset-group/shop") || !v.LastUpdatedDateTime.Equal(noon.Add(-49*time.Hour)) {
		t.Errorf("solution version: %+v", v)
	}
}

func TestRecommenderSummariesTellTheConfiguration(t *testing.T) {
	pz := newWorld(t, shopEstate()).personalize()
	list := ok[*personalize.ListRecommendersOutput](t)(pz.ListRecommenders(background, &personalize.ListRecommendersInput{DatasetGroupArn: arnOf("dataset-group/shop")}))
	if len(list.Recommenders) != 2 {
		t.Fatalf("%d recommenders", len(list.Recommenders))
	}
	s := list.Recommenders[0]
	if *s.RecommenderConfig.MinRecommendationRequestsPerSecond != 5 || *s.RecipeArn != "arn:aws:personalize:::recipe/aws-ecomm-recommended-for-you" ||
		*s.DatasetGroupArn != *arnOf("dataset-group/shop") || s.RecommenderConfig.TrainingDataConfig.ExcludedDatasetColumns["ITEMS"][0] != "PRICE" {
		t.Errorf("summary: %+v", s)
	}
	r := ok[*personalize.DescribeRecommenderOutput](t)(pz.DescribeRecommender(background, &personalize.DescribeRecommenderInput{RecommenderArn: s.RecommenderArn})).Recommender
	if u := r.LatestRecommenderUpdate; u == nil || *u.Status != "ACTIVE" || !u.LastUpdatedDateTime.Equal(noon.Add(-3*time.Hour)) || !r.LastUpdatedDateTime.Equal(noon.Add(-3*time.Hour)) {
		t.Errorf("recommender: %+v, update %+v", r, u)
	}
	other := ok[*personalize.ListRecommendersOutput](t)(pz.ListRecommenders(background, &personalize.ListRecommendersInput{DatasetGroupArn: arnOf("dataset-group/custom")}))
	if len(other.Recommenders) != 0 {
		t.Errorf("%d recommenders in the other group", len(other.Recommenders))
	}
}

func TestVersionsThatCannotBeDescribed(t *testing.T) {
	pz := newWorld(t, shopEstate()).personalize()
	describe := func(name string) (version string, err error) {
		c := ok[*personalize.DescribeCampaignOutput](t)(pz.DescribeCampaign(background, &personalize.DescribeCampaignInput{CampaignArn: arnOf("campaign/" + name)})).Campaign
		version = *c.SolutionVersionArn
		return version, errOf(pz.DescribeSolutionVersion(background, &personalize.DescribeSolutionVersionInput{SolutionVersionArn: &version}))
	}
	version, err := describe("latest")
	if version != *arnOf("solution/latest/$LATEST") || apiCode(t, err) != "InvalidInputException" {
		t.Errorf("echoLatest: %s, %v", version, err)
	}
	version, err = describe("orphan")
	if !strings.HasPrefix(version, *arnOf("solution/orphan/")) || apiCode(t, err) != "ResourceNotFoundException" {
		t.Errorf("versionGone: %s, %v", version, err)
	}
	solution := func(name string) *types.Solution {
		return ok[*personalize.DescribeSolutionOutput](t)(pz.DescribeSolution(background, &personalize.DescribeSolutionInput{SolutionArn: arnOf("solution/" + name)})).Solution
	}
	if s := solution("orphan"); *s.RecipeArn != "arn:aws:personalize:::recipe/aws-sims" || s.LatestSolutionVersion != nil {
		t.Errorf("the solution of a version that is gone: %+v", s)
	}
	if s := solution("automl"); s.RecipeArn != nil || *s.AutoMLResult.BestRecipeArn != "arn:aws:personalize:::recipe/aws-hrnn" || s.LatestSolutionVersion == nil {
		t.Errorf("an AutoML solution: %+v", s)
	}
}

func TestPagesOfListings(t *testing.T) {
	e := shopEstate()
	e.Regions[0].DatasetGroups[0].Campaigns = []EstateCampaign{{EstateEndpoint: EstateEndpoint{Name: "c", Recipe: "aws-sims", Copies: 250}}}
	r := newWorld(t, e)
	pz := r.personalize()
	for _, tt := range []struct {
		size  *int32
		pages int
	}{{nil, 3}, {aws.Int32(100), 3}, {aws.Int32(99), 3}, {aws.Int32(250 / 5), 5}} {
		seen, pages := map[string]bool{}, 0
		for p := personalize.NewListCampaignsPaginator(pz, &personalize.ListCampaignsInput{MaxResults: tt.size}); p.HasMorePages(); pages++ {
			out := ok[*personalize.ListCampaignsOutput](t)(p.NextPage(background))
			for _, c := range out.Campaigns {
				seen[*c.CampaignArn] = true
			}
		}
		if len(seen) != 250 || pages != tt.pages {
			t.Errorf("size %v: %d campaigns on %d pages", aws.ToInt32(tt.size), len(seen), pages)
		}
	}
	bySolution := ok[*personalize.ListCampaignsOutput](t)(pz.ListCampaigns(background, &personalize.ListCampaignsInput{SolutionArn: arnOf("solution/c-007")}))
	if len(bySolution.Campaigns) != 1 || *bySolution.Campaigns[0].Name != "c-007" {
		t.Errorf("by solution: %+v", bySolution.Campaigns)
	}
}

func TestPersonalizeRefuses(t *testing.T) {
	pz := newWorld(t, shopEstate()).personalize()
	home, forYou := arnOf("campaign/home"), arnOf("recommender/for-you")
	version := ok[*personalize.DescribeCampaignOutput](t)(pz.DescribeCampaign(background, &personalize.DescribeCampaignInput{CampaignArn: home})).Campaign.SolutionVersionArn
	config := func(minimum int32) *types.RecommenderConfig {
		return &types.RecommenderConfig{MinRecommendationRequestsPerSecond: &minimum}
	}
	update := func(in personalize.UpdateCampaignInput) error {
		in.CampaignArn = home
		return errOf(pz.UpdateCampaign(background, &in))
	}
	create := func(name string, in personalize.CreateCampaignInput) error {
		in.Name = &name
		if in.SolutionVersionArn == nil {
			in.SolutionVersionArn = version
		}
		return errOf(pz.CreateCampaign(background, &in))
	}
	recommender := func(in personalize.CreateRecommenderInput) error {
		in.Name = aws.String("new")
		return errOf(pz.CreateRecommender(background, &in))
	}
	const invalid, missing, inUse = "InvalidInputException", "ResourceNotFoundException", "ResourceInUseException"
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"an ARN that is none", errOf(pz.DescribeCampaign(background, &personalize.DescribeCampaignInput{CampaignArn: aws.String("home")})), invalid},
		{"the ARN of another kind", errOf(pz.DescribeCampaign(background, &personalize.DescribeCampaignInput{CampaignArn: forYou})), invalid},
		{"an ARN beyond 256 characters", errOf(pz.DescribeCampaign(background, &personalize.DescribeCampaignInput{CampaignArn: arnOf("campaign/" + strings.Repeat("a", 256))})), invalid},
		{"an unknown campaign", errOf(pz.DescribeCampaign(background, &personalize.DescribeCampaignInput{CampaignArn: arnOf("campaign/none")})), missing},
		{"a campaign of another region", errOf(pz.DescribeCampaign(background, &personalize.DescribeCampaignInput{CampaignArn: aws.String(strings.Replace(*home, testRegion, "us-east-1", 1))})), missing},
		{"a page of 101", errOf(pz.ListCampaigns(background, &personalize.ListCampaignsInput{MaxResults: aws.Int32(101)})), invalid},
		{"a page of none", errOf(pz.ListCampaigns(background, &personalize.ListCampaignsInput{MaxResults: aws.Int32(0)})), invalid},
		{"a token of one's own", errOf(pz.ListCampaigns(background, &personalize.ListCampaignsInput{NextToken: aws.String("more")})), "InvalidNextTokenException"},
		{"an update of nothing", update(personalize.UpdateCampaignInput{}), invalid},
		{"a minimum of zero", update(personalize.UpdateCampaignInput{MinProvisionedTPS: aws.Int32(0)}), invalid},
		{"an unknown version", update(personalize.UpdateCampaignInput{SolutionVersionArn: arnOf("solution/home/12345678")}), missing},
		{"syncing with a fixed version", update(personalize.UpdateCampaignInput{SolutionVersionArn: version, CampaignConfig: &types.CampaignConfig{SyncWithLatestSolutionVersion: aws.Bool(true)}}), invalid},
		{"syncing with no version given", update(personalize.UpdateCampaignInput{CampaignConfig: &types.CampaignConfig{SyncWithLatestSolutionVersion: aws.Bool(true)}}), invalid},
		{"an exploration weight beyond 1", update(personalize.UpdateCampaignInput{CampaignConfig: &types.CampaignConfig{ItemExplorationConfig: map[string]string{"explorationWeight": "1.1"}}}), invalid},
		{"a ranking influence of no sort", update(personalize.UpdateCampaignInput{CampaignConfig: &types.CampaignConfig{RankingInfluence: map[string]float64{"PRICE": 0.1}}}), invalid},
		{"an update of one with an unknown status", errOf(pz.UpdateCampaign(background, &personalize.UpdateCampaignInput{CampaignArn: arnOf("campaign/odd"), MinProvisionedTPS: aws.Int32(2)})), inUse},
		{"a deletion of one with an unknown status", errOf(pz.DeleteCampaign(background, &personalize.DeleteCampaignInput{CampaignArn: arnOf("campaign/odd")})), inUse},
		{"a name that is taken", create("home", personalize.CreateCampaignInput{}), "ResourceAlreadyExistsException"},
		{"a name with a blank", create("a b", personalize.CreateCampaignInput{}), invalid},
		{"a sixth campaign of a group", create("new", personalize.CreateCampaignInput{}), "LimitExceededException"},
		{"a tag that AWS reserves", create("new", personalize.CreateCampaignInput{Tags: []types.Tag{{TagKey: aws.String("aws:x"), TagValue: aws.String("")}}}), invalid},
		{"a recommender without configuration", errOf(pz.UpdateRecommender(background, &personalize.UpdateRecommenderInput{RecommenderArn: forYou, RecommenderConfig: config(0)})), invalid},
		{"a start of a running recommender", errOf(pz.StartRecommender(background, &personalize.StartRecommenderInput{RecommenderArn: forYou})), inUse},
		{"a stop of a stopped recommender", errOf(pz.StopRecommender(background, &personalize.StopRecommenderInput{RecommenderArn: arnOf("recommender/resting")})), inUse},
		{"an update of a stopped recommender", errOf(pz.UpdateRecommender(background, &personalize.UpdateRecommenderInput{RecommenderArn: arnOf("recommender/resting"), RecommenderConfig: config(2)})), inUse},
		{"a recommender in a group without domain", recommender(personalize.CreateRecommenderInput{DatasetGroupArn: arnOf("dataset-group/custom"), RecipeArn: aws.String("arn:aws:personalize:::recipe/aws-vod-top-picks")}), invalid},
		{"a recommender of another domain", recommender(personalize.CreateRecommenderInput{DatasetGroupArn: arnOf("dataset-group/shop"), RecipeArn: aws.String("arn:aws:personalize:::recipe/aws-vod-top-picks")}), invalid},
		{"a recommender of a custom recipe", recommender(personalize.CreateRecommenderInput{DatasetGroupArn: arnOf("dataset-group/shop"), RecipeArn: aws.String("arn:aws:personalize:::recipe/aws-sims")}), missing},
		{"the tags of an unknown resource", errOf(pz.ListTagsForResource(background, &personalize.ListTagsForResourceInput{ResourceArn: arnOf("campaign/none")})), missing},
	}
	for _, tt := range tests {
		if got := apiCode(t, tt.err); got != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, tt.err, tt.want)
		}
	}
}

func TestTagsOfPersonalize(t *testing.T) {
	pz := newWorld(t, shopEstate()).personalize()
	arn := arnOf("campaign/home")
	tags := func() string {
		out := ok[*personalize.ListTagsForResourceOutput](t)(pz.ListTagsForResource(background, &personalize.ListTagsForResourceInput{ResourceArn: arn}))
		var all []string
		for _, tag := range out.Tags {
			all = append(all, *tag.TagKey+"="+*tag.TagValue)
		}
		return strings.Join(all, " ")
	}
	if tags() != "a=b" {
		t.Errorf("at first: %s", tags())
	}
	ok[*personalize.TagResourceOutput](t)(pz.TagResource(background, &personalize.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{
		{TagKey: aws.String("a"), TagValue: aws.String("c")}, {TagKey: aws.String("x"), TagValue: aws.String("")},
	}}))
	if tags() != "a=c x=" {
		t.Errorf("tagged: %s", tags())
	}
	ok[*personalize.UntagResourceOutput](t)(pz.UntagResource(background, &personalize.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a", "none"}}))
	if tags() != "x=" {
		t.Errorf("untagged: %s", tags())
	}
}

func TestPartitionsOfPersonalize(t *testing.T) {
	r := newWorld(t, Estate{Regions: []EstateRegion{{Name: "cn-north-1", DatasetGroups: []EstateDatasetGroup{{
		Name: "g", Campaigns: []EstateCampaign{{EstateEndpoint: EstateEndpoint{Name: "c", Recipe: "aws-sims"}}},
	}}}}})
	arn := "arn:aws-cn:personalize:cn-north-1:" + "000000000000" + ":solution/c"
	out := ok[*personalize.DescribeSolutionOutput](t)(personalize.NewFromConfig(r.config("cn-north-1")).DescribeSolution(background, &personalize.DescribeSolutionInput{SolutionArn: &arn}))
	if *out.Solution.SolutionArn != arn || *out.Solution.RecipeArn != "arn:aws-cn:personalize:::recipe/aws-sims" {
		t.Errorf("solution: %+v", out.Solution)
	}
}
