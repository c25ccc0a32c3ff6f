package personalize

import (
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
)

type recommenderARN struct {
	ARN string `json:"recommenderArn"`
}

type listRecommendersInput struct {
	pageInput
	GroupARN *string `json:"datasetGroupArn"`
}

type listRecommendersOutput struct {
	Recommenders []recommenderSummary `json:"recommenders"`
	NextToken    string               `json:"nextToken,omitempty"`
}

// recommenderSummary has the configuration, unlike a campaign's, but neither the failure
// reason nor the latest update.
type recommenderSummary struct {
	recommenderARN
	Group  string             `json:"datasetGroupArn"`
	Name   string             `json:"name"`
	Recipe string             `json:"recipeArn"`
	Config *recommenderConfig `json:"recommenderConfig"`
	status
}

func (e *endpoint) recommenderSummary() recommenderSummary {
	shape := recommenderSummary{recommenderARN{e.arn}, e.group.arn, e.name, e.recipe, e.recommender, e.status}
	shape.FailureReason = ""
	return shape
}

func (s *Service) listRecommenders(c *api.Call, in *listRecommendersInput) (out listRecommendersOutput, err error) {
	recommenders := s.region(c.Home).recommenders
	if in.GroupARN != nil {
		if err := checkARN("datasetGroupArn", *in.GroupARN, "dataset-group"); err != nil {
			return out, err
		}
		recommenders = api.Filter(recommenders, func(e *endpoint) bool { return e.group.arn == *in.GroupARN })
	}
	recommenders, out.NextToken, err = in.page(c, recommenders)
	out.Recommenders = api.Map(recommenders, (*endpoint).recommenderSummary)
	return out, err
}

type describeRecommenderOutput struct {
	Recommender recommenderShape `json:"recommender"`
}

type recommenderShape struct {
	recommenderSummary
	LatestUpdate *recommenderUpdate `json:"latestRecommenderUpdate,omitempty"`
}

type recommenderUpdate struct {
	Config *recommenderConfig `json:"recommenderConfig"`
	status
}

func (s *Service) describeRecommender(c *api.Call, in *recommenderARN) (out describeRecommenderOutput, err error) {
	e, err := s.find(c, kindRecommender, in.ARN)
	if err != nil {
		return out, err
	}
	shape := recommenderShape{recommenderSummary: e.recommenderSummary()}
	shape.FailureReason = e.FailureReason
	if u := e.latest; u != nil {
		shape.LatestUpdate = &recommenderUpdate{u.recommender, u.status}
	}
	return describeRecommenderOutput{shape}, nil
}

type createRecommenderInput struct {
	GroupARN string             `json:"datasetGroupArn"`
	Name     string             `json:"name"`
	Recipe   string             `json:"recipeArn"`
	Config   *recommenderConfig `json:"recommenderConfig"`
	Tags     []tag              `json:"tags"`
}

func (s *Service) createRecommender(c *api.Call, in *createRecommenderInput) (out recommenderARN, err error) {
	r := s.region(c.Home)
	e, err := s.create(r, kindRecommender, in.Name, in.Tags, c.Now)
	if err != nil {
		return out, err
	}
	if e.group, err = r.domainGroup(in.GroupARN, in.Recipe); err != nil {
		return out, err
	}
	if e.recommender, err = in.Config.complete(); err != nil {
		return out, err
	}
	if n, quota := len(r.recommenders), s.quotas.RecommendersPerRegion; n >= quota {
		return out, api.Refuse(codeLimit, "the region %s has %d recommenders; the quota is %d", r.Region, n, quota)
	}
	group := api.Filter(r.recommenders, func(other *endpoint) bool { return other.group == e.group })
	if n, quota := len(group), s.quotas.RecommendersPerDatasetGroup; n >= quota {
		return out, api.Refuse(codeLimit, "%s has %d recommenders; the quota is %d", e.group.arn, n, quota)
	}
	e.recipe = in.Recipe
	r.add(e)
	s.beginCreate(e, c.Now)
	return recommenderARN{e.arn}, nil
}

// domainGroup returns the dataset group of a new recommender, whose domain must be that of
// the recipe.
func (r *region) domainGroup(groupARN, recipe string) (*datasetGroup, error) {
	if err := checkARN("datasetGroupArn", groupARN, "dataset-group"); err != nil {
		return nil, err
	}
	if err := checkARN("recipeArn", recipe, "recipe"); err != nil {
		return nil, err
	}
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

// complete checks a configuration and sets the default minimum, 1, if it has none. Everything
// else that is absent is unset, also where it replaces a configuration that had it. c may be nil.
func (c *recommenderConfig) complete() (*recommenderConfig, error) {
	full := api.Value(c)
	if err := checkMinimum("minRecommendationRequestsPerSecond", full.MinRPS); err != nil {
		return nil, err
	}
	full.MinRPS = new(max(api.Value(full.MinRPS), 1))
	return &full, checkExploration(full.ItemExploration)
}

type updateRecommenderInput struct {
	recommenderARN
	Config *recommenderConfig `json:"recommenderConfig"`
}

func (s *Service) updateRecommender(c *api.Call, in *updateRecommenderInput) (out recommenderARN, err error) {
	e, err := s.find(c, kindRecommender, in.ARN)
	if err != nil {
		return out, err
	}
	if in.Config == nil {
		return out, api.Refuse(codeInvalid, "recommenderConfig is required")
	}
	config, err := in.Config.complete()
	if err == nil {
		err = e.checkState("updated", estatefile.Active, estatefile.CreateFailed)
	}
	if err != nil {
		return out, err
	}
	s.beginUpdate(e, settings{recommender: config}, c.Now)
	return recommenderARN{e.arn}, nil
}

func (s *Service) stopRecommender(c *api.Call, in *recommenderARN) (recommenderARN, error) {
	return s.change(c, in, "stopped", s.beginStop, estatefile.Active)
}

func (s *Service) startRecommender(c *api.Call, in *recommenderARN) (recommenderARN, error) {
	return s.change(c, in, "started", s.beginStart, estatefile.Inactive)
}

func (s *Service) deleteRecommender(c *api.Call, in *recommenderARN) error {
	_, err := s.change(c, in, "deleted", s.beginDelete, estatefile.Active, estatefile.Inactive, estatefile.CreateFailed)
	return err
}

// change begins a change of a recommender that is in one of the states.
func (s *Service) change(
	c *api.Call, in *recommenderARN, what string, begin func(*endpoint, time.Time), states ...string,
) (recommenderARN, error) {
	e, err := s.find(c, kindRecommender, in.ARN)
	if err == nil {
		err = e.checkState(what, states...)
	}
	if err == nil {
		begin(e, c.Now)
	}
	return *in, err
}
