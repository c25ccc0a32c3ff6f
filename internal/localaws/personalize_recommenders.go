package localaws

import "strings"

func (s *Server) listRecommenders(c *call) (any, error) {
	var in struct {
		GroupARN   *string `json:"datasetGroupArn"`
		NextToken  *string `json:"nextToken"`
		MaxResults *int32  `json:"maxResults"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	recommenders := s.regionOf(c.home()).recommenders
	if in.GroupARN != nil {
		if err := checkARN("datasetGroupArn", in.GroupARN, "dataset-group"); err != nil {
			return nil, err
		}
		recommenders = filter(recommenders, func(e *endpoint) bool { return e.group.arn == *in.GroupARN })
	}
	page, next, err := pageOf(c, recommenders, endpointARN, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return struct {
		Recommenders []recommenderSummary `json:"recommenders"`
		NextToken    *string              `json:"nextToken,omitempty"`
	}{each(page, (*endpoint).recommenderSummary), next}, nil
}

func (s *Server) describeRecommender(c *call) (any, error) {
	e, err := s.recommenderOf(c)
	if err != nil {
		return nil, err
	}
	return struct {
		Recommender recommenderShape `json:"recommender"`
	}{e.recommenderShape()}, nil
}

// recommenderOf decodes an input that has a recommender's ARN and nothing else.
func (s *Server) recommenderOf(c *call) (*endpoint, error) {
	var in struct {
		ARN *string `json:"recommenderArn"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	return s.findEndpoint(c, "recommenderArn", in.ARN, kindRecommender)
}

type recommenderARNOutput struct {
	ARN string `json:"recommenderArn"`
}

func (s *Server) createRecommender(c *call) (any, error) {
	var in struct {
		GroupARN *string            `json:"datasetGroupArn"`
		Name     *string            `json:"name"`
		Recipe   *string            `json:"recipeArn"`
		Config   *recommenderConfig `json:"recommenderConfig"`
		Tags     []tagShape         `json:"tags"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	h := s.regionOf(c.home())
	if err := checkNew(h, kindRecommender, in.Name); err != nil {
		return nil, err
	}
	g, err := h.domainGroup(in.GroupARN, in.Recipe)
	if err != nil {
		return nil, err
	}
	config, err := in.Config.complete()
	if err != nil {
		return nil, err
	}
	tags, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	if err := s.checkRecommenderQuotas(h, g); err != nil {
		return nil, err
	}
	e := &endpoint{
		kind: kindRecommender, name: *in.Name, arn: h.arn("recommender/" + *in.Name), home: h, group: g,
		recipe: *in.Recipe, created: c.now, tags: tags, settings: settings{recommender: config},
	}
	h.add(e)
	s.beginCreate(e, c.now)
	return recommenderARNOutput{e.arn}, nil
}

// domainGroup finds the dataset group of a new recommender, whose domain must be that of
// the recipe.
func (h *regionState) domainGroup(groupARN, recipe *string) (*datasetGroup, error) {
	if err := checkARN("datasetGroupArn", groupARN, "dataset-group"); err != nil {
		return nil, err
	}
	if err := checkARN("recipeArn", recipe, "recipe"); err != nil {
		return nil, err
	}
	g := h.groups[*groupARN]
	if g == nil {
		return nil, notFound(*groupARN)
	}
	name := recipeName(*recipe)
	if !useCases[name] || *recipe != h.recipeARN(name) {
		return nil, notFound(*recipe)
	}
	if prefix := domainRecipes[g.domain]; prefix == "" || !strings.HasPrefix(name, prefix) {
		return nil, refuse(codeInvalidInput, "the recipe %s is not for the dataset group %s, whose domain is %s", name, g.arn, quoted(g.domain))
	}
	return g, nil
}

func (s *Server) checkRecommenderQuotas(h *regionState, g *datasetGroup) error {
	quotas := s.personalize.quotas
	if n := len(h.recommenders); n >= quotas.RecommendersPerRegion {
		return refuse(codeLimitExceeded, "the region %s has %d recommenders; the quota is %d", h.region, n, quotas.RecommendersPerRegion)
	}
	n := len(filter(h.recommenders, func(e *endpoint) bool { return e.group == g }))
	if n >= quotas.RecommendersPerDatasetGroup {
		return refuse(codeLimitExceeded, "%s has %d recommenders; the quota is %d", g.arn, n, quotas.RecommendersPerDatasetGroup)
	}
	return nil
}

// complete checks a configuration and gives it the default minimum, 1, if it has none.
// Whatever else it leaves out is unset, also where it replaces one that had it.
func (c *recommenderConfig) complete() (*recommenderConfig, error) {
	if c == nil {
		c = &recommenderConfig{}
	}
	if err := checkMinimum("minRecommendationRequestsPerSecond", c.MinRPS); err != nil {
		return nil, err
	}
	if err := checkExploration(c.ItemExploration); err != nil {
		return nil, err
	}
	full := *c
	full.MinRPS = ptr(max(value(c.MinRPS), 1))
	return &full, nil
}

func (s *Server) updateRecommender(c *call) (any, error) {
	var in struct {
		ARN    *string            `json:"recommenderArn"`
		Config *recommenderConfig `json:"recommenderConfig"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	e, err := s.findEndpoint(c, "recommenderArn", in.ARN, kindRecommender)
	if err != nil {
		return nil, err
	}
	if in.Config == nil {
		return nil, refuse(codeInvalidInput, "recommenderConfig is required")
	}
	config, err := in.Config.complete()
	if err != nil {
		return nil, err
	}
	if !anyOf(e.status, statusActive, statusCreateFailed) || e.updating() {
		return nil, inUse(e, "updated")
	}
	s.beginUpdate(e, settings{recommender: config}, c.now)
	return recommenderARNOutput{e.arn}, nil
}

func (s *Server) stopRecommender(c *call) (any, error) {
	e, err := s.recommenderOf(c)
	if err != nil {
		return nil, err
	}
	if e.status != statusActive || e.updating() {
		return nil, inUse(e, "stopped")
	}
	s.beginStop(e, c.now)
	return recommenderARNOutput{e.arn}, nil
}

func (s *Server) startRecommender(c *call) (any, error) {
	e, err := s.recommenderOf(c)
	if err != nil {
		return nil, err
	}
	if e.status != statusInactive {
		return nil, inUse(e, "started")
	}
	s.beginStart(e, c.now)
	return recommenderARNOutput{e.arn}, nil
}

func (s *Server) deleteRecommender(c *call) (any, error) {
	e, err := s.recommenderOf(c)
	if err != nil {
		return nil, err
	}
	if !anyOf(e.status, statusActive, statusInactive, statusCreateFailed) || e.updating() {
		return nil, inUse(e, "deleted")
	}
	s.beginDelete(e, c.now)
	return nil, nil
}
