package localaws

import (
	"strings"
)

func (s *Server) listCampaigns(c *call) (any, error) {
	var in struct {
		SolutionARN *string `json:"solutionArn"`
		NextToken   *string `json:"nextToken"`
		MaxResults  *int32  `json:"maxResults"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	h := s.regionOf(c.home())
	campaigns := h.campaigns
	if in.SolutionARN != nil {
		if err := checkARN("solutionArn", in.SolutionARN, "solution"); err != nil {
			return nil, err
		}
		campaigns = filter(campaigns, func(e *endpoint) bool { return solutionOf(e.version) == *in.SolutionARN })
	}
	page, next, err := pageOf(c, campaigns, endpointARN, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return struct {
		Campaigns []campaignSummary `json:"campaigns"`
		NextToken *string           `json:"nextToken,omitempty"`
	}{each(page, (*endpoint).campaignSummary), next}, nil
}

func (s *Server) describeCampaign(c *call) (any, error) {
	e, err := s.campaignOf(c)
	if err != nil {
		return nil, err
	}
	return struct {
		Campaign campaignShape `json:"campaign"`
	}{e.campaignShape()}, nil
}

// campaignOf decodes an input that has a campaign's ARN and nothing else.
func (s *Server) campaignOf(c *call) (*endpoint, error) {
	var in struct {
		ARN *string `json:"campaignArn"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	return s.findEndpoint(c, "campaignArn", in.ARN, kindCampaign)
}

type campaignARNOutput struct {
	ARN string `json:"campaignArn"`
}

func (s *Server) createCampaign(c *call) (any, error) {
	var in struct {
		Name    *string         `json:"name"`
		Version *string         `json:"solutionVersionArn"`
		MinTPS  *int32          `json:"minProvisionedTPS"`
		Config  *campaignConfig `json:"campaignConfig"`
		Tags    []tagShape      `json:"tags"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	h := s.regionOf(c.home())
	if err := checkNew(h, kindCampaign, in.Name); err != nil {
		return nil, err
	}
	if err := checkMinimum("minProvisionedTPS", in.MinTPS); err != nil {
		return nil, err
	}
	v, err := h.deployable(in.Version, in.Config)
	if err != nil {
		return nil, err
	}
	tags, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	quota := s.personalize.quotas.CampaignsPerDatasetGroup
	if n := len(filter(h.campaigns, func(e *endpoint) bool { return e.group == v.solution.group })); n >= quota {
		return nil, refuse(codeLimitExceeded, "%s has %d campaigns; the quota is %d", v.solution.group.arn, n, quota)
	}
	e := &endpoint{
		kind: kindCampaign, name: *in.Name, arn: h.arn("campaign/" + *in.Name), home: h, group: v.solution.group,
		created: c.now, tags: tags,
		settings: settings{version: v.arn, minTPS: max(value(in.MinTPS), 1), campaign: in.Config},
	}
	h.add(e)
	h.follow(e)
	s.beginCreate(e, c.now)
	return campaignARNOutput{e.arn}, nil
}

// deployable finds the version that a campaign is to serve, and checks that it goes with
// the configuration: only a campaign given as <solution ARN>/$LATEST can follow its
// solution, and one that follows must be given so.
func (h *regionState) deployable(version *string, config *campaignConfig) (*solutionVersion, error) {
	if err := checkARN("solutionVersionArn", version, "solution"); err != nil {
		return nil, err
	}
	if err := config.check(); err != nil {
		return nil, err
	}
	solutionARN, latest := strings.CutSuffix(*version, latestSuffix)
	if config.syncs() && !latest {
		return nil, refuse(codeInvalidInput, "syncWithLatestSolutionVersion needs a solutionVersionArn of the form <solution ARN>/$LATEST, not %s", quoted(*version))
	}
	if !latest {
		if v := h.versions[*version]; v != nil {
			return v, nil
		}
		return nil, notFound(*version)
	}
	sol := h.solutions[solutionARN]
	if sol == nil || sol.newest() == nil {
		return nil, notFound(*version)
	}
	return sol.newest(), nil
}

// check refuses a configuration that the service would not accept. Nil is none.
func (c *campaignConfig) check() error {
	if c == nil {
		return nil
	}
	for key, v := range c.RankingInfluence {
		if !anyOf(key, "POPULARITY", "FRESHNESS") || !(v >= 0 && v <= 1) {
			return refuse(codeInvalidInput, "rankingInfluence %s %v: it is POPULARITY or FRESHNESS, from 0 to 1", quoted(key), v)
		}
	}
	return checkExploration(c.ItemExploration)
}

// updateCampaign asks for other settings. Members left out stay as they are; a
// configuration that is given replaces the former one as a whole.
func (s *Server) updateCampaign(c *call) (any, error) {
	var in struct {
		ARN     *string         `json:"campaignArn"`
		Version *string         `json:"solutionVersionArn"`
		MinTPS  *int32          `json:"minProvisionedTPS"`
		Config  *campaignConfig `json:"campaignConfig"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	e, err := s.findEndpoint(c, "campaignArn", in.ARN, kindCampaign)
	if err != nil {
		return nil, err
	}
	if in.Version == nil && in.MinTPS == nil && in.Config == nil {
		return nil, refuse(codeInvalidInput, "the update of %s changes nothing: give solutionVersionArn, minProvisionedTPS or campaignConfig", e.arn)
	}
	if err := checkMinimum("minProvisionedTPS", in.MinTPS); err != nil {
		return nil, err
	}
	wanted, err := e.wanted(in.Version, in.Config)
	if err != nil {
		return nil, err
	}
	if in.MinTPS != nil {
		wanted.minTPS = *in.MinTPS
	}
	if !anyOf(e.status, statusActive, statusCreateFailed) || e.updating() {
		return nil, inUse(e, "updated")
	}
	s.beginUpdate(e, wanted, c.now)
	return campaignARNOutput{e.arn}, nil
}

// wanted is the campaign's settings with another version and configuration; nil keeps
// the present one.
func (e *endpoint) wanted(version *string, config *campaignConfig) (settings, error) {
	wanted := e.settings
	if config != nil {
		wanted.campaign = config
	}
	if version == nil {
		if config.syncs() {
			return wanted, refuse(codeInvalidInput, "syncWithLatestSolutionVersion needs a solutionVersionArn of the form <solution ARN>/$LATEST")
		}
		return wanted, config.check()
	}
	v, err := e.home.deployable(version, wanted.campaign)
	if err != nil {
		return wanted, err
	}
	wanted.version = v.arn
	return wanted, nil
}

func (s *Server) deleteCampaign(c *call) (any, error) {
	e, err := s.campaignOf(c)
	if err != nil {
		return nil, err
	}
	if !anyOf(e.status, statusActive, statusCreateFailed) || e.updating() {
		return nil, inUse(e, "deleted")
	}
	s.beginDelete(e, c.now)
	return nil, nil
}

// filter returns the items for which keep is true, in a slice of its own.
func filter[T any](items []T, keep func(T) bool) []T {
	var out []T
	for _, item := range items {
		if keep(item) {
			out = append(out, item)
		}
	}
	return out
}

// each returns what f makes of each item; never nil.
func each[T, U any](items []T, f func(T) U) []U {
	out := make([]U, len(items))
	for i, item := range items {
		out[i] = f(item)
	}
	return out
}
