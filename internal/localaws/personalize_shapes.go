package localaws

import (
	"maps"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// The shapes of the service's structures, as in its API reference. Pointers are members
// that may be absent.

type campaignConfig struct {
	ItemExploration  map[string]string  `json:"itemExplorationConfig,omitempty"`
	Metadata         *bool              `json:"enableMetadataWithRecommendations,omitempty"`
	Sync             *bool              `json:"syncWithLatestSolutionVersion,omitempty"`
	RankingInfluence map[string]float64 `json:"rankingInfluence,omitempty"`
}

// syncs tells whether the campaign follows its solution's latest version. It may be
// called on nil.
func (c *campaignConfig) syncs() bool { return c != nil && c.Sync != nil && *c.Sync }

// newCampaignConfig is nil if nothing is configured.
func newCampaignConfig(exploration map[string]string, metadata, sync bool, influence map[string]float64) *campaignConfig {
	if len(exploration) == 0 && !metadata && !sync && len(influence) == 0 {
		return nil
	}
	c := &campaignConfig{ItemExploration: maps.Clone(exploration), RankingInfluence: maps.Clone(influence)}
	if metadata {
		c.Metadata = &metadata
	}
	if sync {
		c.Sync = &sync
	}
	return c
}

type campaignShape struct {
	ARN             string               `json:"campaignArn"`
	Name            string               `json:"name"`
	SolutionVersion string               `json:"solutionVersionArn"`
	MinTPS          int32                `json:"minProvisionedTPS"`
	Config          *campaignConfig      `json:"campaignConfig,omitempty"`
	Status          string               `json:"status"`
	FailureReason   string               `json:"failureReason,omitempty"`
	Created         wire.Time            `json:"creationDateTime"`
	Updated         wire.Time            `json:"lastUpdatedDateTime"`
	LatestUpdate    *campaignUpdateShape `json:"latestCampaignUpdate,omitempty"`
}

type campaignUpdateShape struct {
	SolutionVersion string          `json:"solutionVersionArn"`
	MinTPS          int32           `json:"minProvisionedTPS"`
	Config          *campaignConfig `json:"campaignConfig,omitempty"`
	Status          string          `json:"status"`
	FailureReason   string          `json:"failureReason,omitempty"`
	Created         wire.Time       `json:"creationDateTime"`
	Updated         wire.Time       `json:"lastUpdatedDateTime"`
}

// campaignSummary lacks the minimum, the solution version and the latest update.
type campaignSummary struct {
	ARN           string    `json:"campaignArn"`
	Name          string    `json:"name"`
	Status        string    `json:"status"`
	FailureReason string    `json:"failureReason,omitempty"`
	Created       wire.Time `json:"creationDateTime"`
	Updated       wire.Time `json:"lastUpdatedDateTime"`
}

func (e *endpoint) campaignSummary() campaignSummary {
	return campaignSummary{
		ARN: e.arn, Name: e.name, Status: e.status, FailureReason: e.failureReason,
		Created: wire.Time{Time: e.created}, Updated: wire.Time{Time: e.updated},
	}
}

func (e *endpoint) campaignShape() campaignShape {
	shape := campaignShape{
		ARN: e.arn, Name: e.name, SolutionVersion: e.shownVersion(e.version), MinTPS: e.minTPS, Config: e.campaign,
		Status: e.status, FailureReason: e.failureReason,
		Created: wire.Time{Time: e.created}, Updated: wire.Time{Time: e.updated},
	}
	if u := e.latest; u != nil {
		shape.LatestUpdate = &campaignUpdateShape{
			SolutionVersion: e.shownVersion(u.version), MinTPS: u.minTPS, Config: u.campaign,
			Status: u.status, FailureReason: u.failureReason,
			Created: wire.Time{Time: u.created}, Updated: wire.Time{Time: u.updated},
		}
	}
	return shape
}

// shownVersion is the version as DescribeCampaign tells it.
func (e *endpoint) shownVersion(versionARN string) string {
	if e.echoLatest {
		return solutionOf(versionARN) + latestSuffix
	}
	return versionARN
}

type trainingDataConfig struct {
	Excluded map[string][]string `json:"excludedDatasetColumns,omitempty"`
	Included map[string][]string `json:"includedDatasetColumns,omitempty"`
}

type recommenderConfig struct {
	ItemExploration map[string]string   `json:"itemExplorationConfig,omitempty"`
	MinRPS          *int32              `json:"minRecommendationRequestsPerSecond,omitempty"`
	TrainingData    *trainingDataConfig `json:"trainingDataConfig,omitempty"`
	Metadata        *bool               `json:"enableMetadataWithRecommendations,omitempty"`
}

func newRecommenderConfig(conf *EstateRecommender) *recommenderConfig {
	c := &recommenderConfig{ItemExploration: maps.Clone(conf.ItemExploration), MinRPS: ptr(int32(max(conf.MinRPS, 1)))}
	if conf.Metadata {
		c.Metadata = ptr(true)
	}
	if len(conf.ExcludedColumns)+len(conf.IncludedColumns) > 0 {
		c.TrainingData = &trainingDataConfig{Excluded: maps.Clone(conf.ExcludedColumns), Included: maps.Clone(conf.IncludedColumns)}
	}
	return c
}

type recommenderShape struct {
	ARN           string                  `json:"recommenderArn"`
	Group         string                  `json:"datasetGroupArn"`
	Name          string                  `json:"name"`
	Recipe        string                  `json:"recipeArn"`
	Config        *recommenderConfig      `json:"recommenderConfig"`
	Status        string                  `json:"status"`
	FailureReason string                  `json:"failureReason,omitempty"`
	Created       wire.Time               `json:"creationDateTime"`
	Updated       wire.Time               `json:"lastUpdatedDateTime"`
	LatestUpdate  *recommenderUpdateShape `json:"latestRecommenderUpdate,omitempty"`
}

type recommenderUpdateShape struct {
	Config        *recommenderConfig `json:"recommenderConfig"`
	Status        string             `json:"status"`
	FailureReason string             `json:"failureReason,omitempty"`
	Created       wire.Time          `json:"creationDateTime"`
	Updated       wire.Time          `json:"lastUpdatedDateTime"`
}

// recommenderSummary has the configuration, other than a campaign's, but neither the
// failure reason nor the latest update.
type recommenderSummary struct {
	ARN     string             `json:"recommenderArn"`
	Group   string             `json:"datasetGroupArn"`
	Name    string             `json:"name"`
	Recipe  string             `json:"recipeArn"`
	Config  *recommenderConfig `json:"recommenderConfig"`
	Status  string             `json:"status"`
	Created wire.Time          `json:"creationDateTime"`
	Updated wire.Time          `json:"lastUpdatedDateTime"`
}

func (e *endpoint) recommenderSummary() recommenderSummary {
	return recommenderSummary{
		ARN: e.arn, Group: e.group.arn, Name: e.name, Recipe: e.recipe, Config: e.recommender, Status: e.status,
		Created: wire.Time{Time: e.created}, Updated: wire.Time{Time: e.updated},
	}
}

func (e *endpoint) recommenderShape() recommenderShape {
	shape := recommenderShape{
		ARN: e.arn, Group: e.group.arn, Name: e.name, Recipe: e.recipe, Config: e.recommender,
		Status: e.status, FailureReason: e.failureReason,
		Created: wire.Time{Time: e.created}, Updated: wire.Time{Time: e.updated},
	}
	if u := e.latest; u != nil {
		shape.LatestUpdate = &recommenderUpdateShape{
			Config: u.recommender, Status: u.status, FailureReason: u.failureReason,
			Created: wire.Time{Time: u.created}, Updated: wire.Time{Time: u.updated},
		}
	}
	return shape
}

type tagShape struct {
	Key   *string `json:"tagKey"`
	Value *string `json:"tagValue"`
}
