package personalize

import (
	"slices"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
)

type recommenderInput struct {
	ARN string `json:"recommenderArn" check:"required ..256 recommender"`
}

// recommenderSummary has the configuration, unlike a campaign's, but neither the failure
// reason nor the latest update.
type recommenderSummary struct {
	ARN    string             `json:"recommenderArn"`
	Group  string             `json:"datasetGroupArn"`
	Name   string             `json:"name"`
	Recipe string             `json:"recipeArn"`
	Config *recommenderConfig `json:"recommenderConfig"`
	status
}

// summary is an endpoint as listings return it.
func (e *endpoint) summary() any {
	if e.kind == kindCampaign {
		return campaignSummary{e.arn, e.name, e.status}
	}
	return e.recommenderSummary()
}

func (e *endpoint) recommenderSummary() recommenderSummary {
	shape := recommenderSummary{e.arn, e.group.arn, e.name, e.recipe, e.recommender, e.status}
	shape.FailureReason = ""
	return shape
}

type recommenderShape struct {
	recommenderSummary
	LatestUpdate *recommenderUpdate `json:"latestRecommenderUpdate,omitempty"`
}

type recommenderUpdate struct {
	Config *recommenderConfig `json:"recommenderConfig"`
	status
}

func (s *Service) describeRecommender(c *api.Call, in *recommenderInput) (any, error) {
	e, err := s.region(c.Home).find(in.ARN)
	if err != nil {
		return nil, err
	}
	shape := recommenderShape{recommenderSummary: e.recommenderSummary()}
	shape.FailureReason = e.FailureReason
	if u := e.latest; u != nil {
		shape.LatestUpdate = &recommenderUpdate{u.recommender, u.status}
	}
	return api.Out{"recommender": shape}, nil
}

type createRecommenderInput struct {
	GroupARN string             `json:"datasetGroupArn" check:"required ..256 dataset-group"`
	Name     string             `json:"name" check:"required name"`
	Recipe   string             `json:"recipeArn" check:"required ..256 recipe"`
	Config   *recommenderConfig `json:"recommenderConfig"`
	Tags     []tag              `json:"tags"`
}

func (s *Service) createRecommender(c *api.Call, in *createRecommenderInput) (any, error) {
	r := s.region(c.Home)
	e, err := r.create(c, kindRecommender, in.Name, in.Tags)
	if err != nil {
		return nil, err
	}
	if e.group, err = r.domainGroup(in.GroupARN, in.Recipe); err != nil {
		return nil, err
	}
	if e.recommender, err = in.Config.complete(); err != nil {
		return nil, err
	}
	if n, quota := len(r.recommenders), s.quotas.RecommendersPerRegion; n >= quota {
		return nil, api.Refuse(codeLimit, "the region %s has %d recommenders; the quota is %d", r.Region, n, quota)
	}
	group := api.Filter(r.recommenders, func(other *endpoint) bool { return other.group == e.group })
	if n, quota := len(group), s.quotas.RecommendersPerDatasetGroup; n >= quota {
		return nil, api.Refuse(codeLimit, "%s has %d recommenders; the quota is %d", e.group.arn, n, quota)
	}
	e.recipe = in.Recipe
	r.add(e)
	s.life.beginCreate(e, c.Now)
	return recommenderInput{e.arn}, nil
}

// domainGroup returns the dataset group of a new recommender, whose domain must be that of
// the recipe.
func (r *region) domainGroup(groupARN, recipe string) (*datasetGroup, error) {
	g := r.groups[groupARN]
	name := strings.TrimPrefix(recipe, r.recipeARN(""))
	switch {
	case g == nil:
		return nil, notFound(groupARN)
	case !slices.Contains(estatefile.UseCases, name):
		return nil, notFound(recipe)
	}
	if prefix := estatefile.DomainRecipes[g.domain]; prefix == "" || !strings.HasPrefix(name, prefix) {
		return nil, api.Refuse(codeInvalid, "the recipe %s is not for the domain %s of %s", name, api.Quoted(g.domain), g.arn)
	}
	return g, nil
}

// complete checks item exploration and sets the default minimum, 1, if it has none. Everything
// else that is absent is unset, also where it replaces a configuration that had it. c may be nil.
func (c *recommenderConfig) complete() (*recommenderConfig, error) {
	full := api.Value(c)
	full.MinRPS = new(max(api.Value(full.MinRPS), 1))
	return &full, checkExploration(full.ItemExploration)
}

type updateRecommenderInput struct {
	recommenderInput
	Config *recommenderConfig `json:"recommenderConfig" check:"required"`
}

func (s *Service) updateRecommender(c *api.Call, in *updateRecommenderInput) (any, error) {
	e, err := s.region(c.Home).find(in.ARN)
	if err != nil {
		return nil, err
	}
	config, err := in.Config.complete()
	if err == nil {
		err = e.checkState("updated", estatefile.Active, estatefile.CreateFailed)
	}
	if err != nil {
		return nil, err
	}
	s.life.beginUpdate(e, settings{recommender: config}, c.Now)
	return recommenderInput{e.arn}, nil
}
