package personalize

import (
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
)

type campaignInput struct {
	ARN string `json:"campaignArn" check:"required ..256 campaign"`
}

// campaignSummary lacks the settings and the latest update.
type campaignSummary struct {
	ARN  string `json:"campaignArn"`
	Name string `json:"name"`
	status
}

type campaignShape struct {
	campaignSummary
	campaignSettings
	LatestUpdate *campaignUpdate `json:"latestCampaignUpdate,omitempty"`
}

type campaignUpdate struct {
	campaignSettings
	status
}

func (s *Service) describeCampaign(c *api.Call, in *campaignInput) (any, error) {
	e, err := s.region(c.Home).find(in.ARN)
	if err != nil {
		return nil, err
	}
	shape := campaignShape{campaignSummary{e.arn, e.name, e.status}, e.shown(e.campaignSettings), nil}
	if u := e.latest; u != nil {
		shape.LatestUpdate = &campaignUpdate{e.shown(u.campaignSettings), u.status}
	}
	return api.Out{"campaign": shape}, nil
}

// shown is the settings as DescribeCampaign returns them.
func (e *endpoint) shown(s campaignSettings) campaignSettings {
	if e.echoLatest {
		s.Version = solutionOf(s.Version) + latestSuffix
	}
	return s
}

type createCampaignInput struct {
	Name    string          `json:"name" check:"required name"`
	Version string          `json:"solutionVersionArn" check:"required ..256 solution"`
	MinTPS  *int32          `json:"minProvisionedTPS" check:"1.."`
	Config  *campaignConfig `json:"campaignConfig"`
	Tags    []tag           `json:"tags"`
}

func (s *Service) createCampaign(c *api.Call, in *createCampaignInput) (any, error) {
	r := s.region(c.Home)
	e, err := r.create(c, kindCampaign, in.Name, in.Tags)
	if err != nil {
		return nil, err
	}
	v, err := r.deployable(in.Version, in.Config)
	if err != nil {
		return nil, err
	}
	group, quota := v.solution.group, s.quotas.CampaignsPerDatasetGroup
	if n := len(api.Filter(r.campaigns, func(e *endpoint) bool { return e.group == group })); n >= quota {
		return nil, api.Refuse(codeLimit, "%s has %d campaigns; the quota is %d", group.arn, n, quota)
	}
	e.group = group
	e.campaignSettings = campaignSettings{v.arn, max(api.Value(in.MinTPS), 1), in.Config}
	r.add(e)
	s.life.beginCreate(e, c.Now)
	return campaignInput{e.arn}, nil
}

// create makes an endpoint. It refuses a name that exists, and invalid tags.
func (r *region) create(c *api.Call, kind, name string, tags []tag) (*endpoint, error) {
	arn := r.arn(kind + "/" + name)
	if r.endpoints[arn] != nil {
		return nil, api.Refuse(codeExists, "Another resource with Arn %s already exists.", arn)
	}
	merged, err := c.MergeTags(nil, sharedTags(tags))
	return &endpoint{kind: kind, named: named{arn, name}, region: r, status: status{Created: c.Now}, tags: merged}, err
}

// deployable returns the version that a campaign is to serve, and checks that it fits the
// configuration: only a campaign given as <solution ARN>/$LATEST can follow its solution.
func (r *region) deployable(version string, config *campaignConfig) (*solutionVersion, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	v := r.versions[version]
	solutionARN, latest := strings.CutSuffix(version, latestSuffix)
	if sol := r.solutions[solutionARN]; latest && sol != nil {
		v = sol.newest()
	}
	switch {
	case config.syncs() && !latest:
		return nil, errSync()
	case v == nil:
		return nil, notFound(version)
	}
	return v, nil
}

func errSync() error {
	return api.Refuse(codeInvalid, "syncWithLatestSolutionVersion needs a solutionVersionArn of the form <solution ARN>/$LATEST")
}

// check refuses a configuration that the service does not accept. c may be nil.
func (c *campaignConfig) check() error {
	if c == nil {
		return nil
	}
	for key, v := range c.RankingInfluence {
		if !api.Is(key, "POPULARITY", "FRESHNESS") || !(v >= 0 && v <= 1) {
			return api.Refuse(codeInvalid, "rankingInfluence %s %v: it is POPULARITY or FRESHNESS, from 0 to 1", api.Quoted(key), v)
		}
	}
	return checkExploration(c.ItemExploration)
}

type updateCampaignInput struct {
	campaignInput
	Version *string         `json:"solutionVersionArn" check:"1..256 solution"`
	MinTPS  *int32          `json:"minProvisionedTPS" check:"1.."`
	Config  *campaignConfig `json:"campaignConfig"`
}

// updateCampaign starts an update. Absent members keep their values; a configuration replaces
// the former one completely.
func (s *Service) updateCampaign(c *api.Call, in *updateCampaignInput) (any, error) {
	e, err := s.region(c.Home).find(in.ARN)
	if err != nil {
		return nil, err
	}
	if in.Version == nil && in.MinTPS == nil && in.Config == nil {
		return nil, api.Refuse(codeInvalid, "the update of %s needs solutionVersionArn, minProvisionedTPS or campaignConfig", e.arn)
	}
	wanted := e.settings
	if in.MinTPS != nil {
		wanted.MinTPS = *in.MinTPS
	}
	if in.Config != nil {
		wanted.Config = in.Config
	}
	switch {
	case in.Version != nil:
		v, err := e.region.deployable(*in.Version, wanted.Config)
		if err != nil {
			return nil, err
		}
		wanted.Version = v.arn
	case in.Config.syncs():
		return nil, errSync()
	default:
		if err := in.Config.check(); err != nil {
			return nil, err
		}
	}
	if err := e.checkState("updated", estatefile.Active, estatefile.CreateFailed); err != nil {
		return nil, err
	}
	s.life.beginUpdate(e, wanted, c.Now)
	return in.campaignInput, nil
}
