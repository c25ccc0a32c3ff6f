package personalize

import (
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
)

type campaignARN struct {
	ARN string `json:"campaignArn"`
}

type listCampaignsInput struct {
	pageInput
	SolutionARN *string `json:"solutionArn"`
}

type listCampaignsOutput struct {
	Campaigns []campaignSummary `json:"campaigns"`
	NextToken string            `json:"nextToken,omitempty"`
}

// campaignSummary lacks the settings and the latest update.
type campaignSummary struct {
	campaignARN
	Name string `json:"name"`
	status
}

func (s *Service) listCampaigns(c *api.Call, in *listCampaignsInput) (out listCampaignsOutput, err error) {
	campaigns := s.region(c.Home).campaigns
	if in.SolutionARN != nil {
		if err := checkARN("solutionArn", *in.SolutionARN, "solution"); err != nil {
			return out, err
		}
		campaigns = api.Filter(campaigns, func(e *endpoint) bool { return solutionOf(e.Version) == *in.SolutionARN })
	}
	campaigns, out.NextToken, err = in.page(c, campaigns)
	out.Campaigns = api.Map(campaigns, func(e *endpoint) campaignSummary {
		return campaignSummary{campaignARN{e.arn}, e.name, e.status}
	})
	return out, err
}

type describeCampaignOutput struct {
	Campaign campaignShape `json:"campaign"`
}

type campaignShape struct {
	campaignARN
	Name string `json:"name"`
	campaignSettings
	status
	LatestUpdate *campaignUpdate `json:"latestCampaignUpdate,omitempty"`
}

type campaignUpdate struct {
	campaignSettings
	status
}

func (s *Service) describeCampaign(c *api.Call, in *campaignARN) (out describeCampaignOutput, err error) {
	e, err := s.find(c, kindCampaign, in.ARN)
	if err != nil {
		return out, err
	}
	shape := campaignShape{campaignARN: campaignARN{e.arn}, Name: e.name, campaignSettings: e.shown(e.campaignSettings), status: e.status}
	if u := e.latest; u != nil {
		shape.LatestUpdate = &campaignUpdate{e.shown(u.campaignSettings), u.status}
	}
	return describeCampaignOutput{shape}, nil
}

// shown is the settings as DescribeCampaign returns them.
func (e *endpoint) shown(s campaignSettings) campaignSettings {
	if e.echoLatest {
		s.Version = solutionOf(s.Version) + latestSuffix
	}
	return s
}

type createCampaignInput struct {
	Name    string          `json:"name"`
	Version string          `json:"solutionVersionArn"`
	MinTPS  *int32          `json:"minProvisionedTPS"`
	Config  *campaignConfig `json:"campaignConfig"`
	Tags    []tag           `json:"tags"`
}

func (s *Service) createCampaign(c *api.Call, in *createCampaignInput) (out campaignARN, err error) {
	r := s.region(c.Home)
	e, err := s.create(r, kindCampaign, in.Name, in.Tags, c.Now)
	if err != nil {
		return out, err
	}
	if err := checkMinimum("minProvisionedTPS", in.MinTPS); err != nil {
		return out, err
	}
	v, err := r.deployable(in.Version, in.Config)
	if err != nil {
		return out, err
	}
	group, quota := v.solution.group, s.quotas.CampaignsPerDatasetGroup
	if n := len(api.Filter(r.campaigns, func(e *endpoint) bool { return e.group == group })); n >= quota {
		return out, api.Refuse(codeLimit, "%s has %d campaigns; the quota is %d", group.arn, n, quota)
	}
	e.group = group
	e.campaignSettings = campaignSettings{v.arn, max(api.Value(in.MinTPS), 1), in.Config}
	r.add(e)
	s.beginCreate(e, c.Now)
	return campaignARN{e.arn}, nil
}

// create makes an endpoint. It refuses a name that is malformed or taken, and invalid tags.
func (s *Service) create(r *region, kind, name string, tags []tag, now time.Time) (*endpoint, error) {
	arn := r.arn(kind + "/" + name)
	if !estatefile.NamePattern().MatchString(name) {
		return nil, api.Refuse(codeInvalid, "name %s is not valid: it has 1 to 63 letters, digits, - and _", api.Quoted(name))
	}
	if r.endpoints[arn] != nil {
		return nil, api.Refuse(codeExists, "Another resource with Arn %s already exists.", arn)
	}
	merged, err := mergeTags(nil, tags)
	return &endpoint{kind: kind, name: name, arn: arn, region: r, status: status{Created: now}, tags: merged}, err
}

// deployable returns the version that a campaign is to serve, and checks that it fits the
// configuration: only a campaign given as <solution ARN>/$LATEST can follow its solution.
func (r *region) deployable(version string, config *campaignConfig) (*solutionVersion, error) {
	if err := checkARN("solutionVersionArn", version, "solution"); err != nil {
		return nil, err
	}
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
	campaignARN
	Version *string         `json:"solutionVersionArn"`
	MinTPS  *int32          `json:"minProvisionedTPS"`
	Config  *campaignConfig `json:"campaignConfig"`
}

// updateCampaign starts an update. Absent members keep their values; a configuration replaces
// the former one completely.
func (s *Service) updateCampaign(c *api.Call, in *updateCampaignInput) (out campaignARN, err error) {
	e, err := s.find(c, kindCampaign, in.ARN)
	if err != nil {
		return out, err
	}
	if in.Version == nil && in.MinTPS == nil && in.Config == nil {
		return out, api.Refuse(codeInvalid, "the update of %s needs solutionVersionArn, minProvisionedTPS or campaignConfig", e.arn)
	}
	if err := checkMinimum("minProvisionedTPS", in.MinTPS); err != nil {
		return out, err
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
			return out, err
		}
		wanted.Version = v.arn
	case in.Config.syncs():
		return out, errSync()
	default:
		if err := in.Config.check(); err != nil {
			return out, err
		}
	}
	if err := e.checkState("updated", estatefile.Active, estatefile.CreateFailed); err != nil {
		return out, err
	}
	s.beginUpdate(e, wanted, c.Now)
	return campaignARN{e.arn}, nil
}

func (s *Service) deleteCampaign(c *api.Call, in *campaignARN) error {
	e, err := s.find(c, kindCampaign, in.ARN)
	if err == nil {
		err = e.checkState("deleted", estatefile.Active, estatefile.CreateFailed)
	}
	if err == nil {
		s.beginDelete(e, c.Now)
	}
	return err
}
