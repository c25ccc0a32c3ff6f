// Package estatefile describes the resources that exist when the endpoint starts, and reads
// them from a YAML file.
package estatefile

import (
	"fmt"
	"strconv"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

// Estate is all that exists when the endpoint starts: a plain value, read from a file by Load
// or filled by a program. Ages count back from the endpoint's clock when it starts. The
// shipped example (localaws.ExampleEstate) shows each key of the file.
type Estate struct {
	// Account owns the estate: 12 digits, 000000000000 if empty. It is the management account of
	// the organization that Accounts list.
	Account string `yaml:"account"`
	// Seed varies the jitter of all generated traffic. The same seed and names give the
	// same traffic.
	Seed int64 `yaml:"seed"`
	// LifeCycle is how long changes take, for resources of the file and later ones.
	LifeCycle LifeCycle `yaml:"lifeCycle"`
	// Monitored is how long a monitor has published its metrics before the endpoint starts, for
	// each resource while it was ACTIVE; zero means not at all. MonitorRegion is the region in
	// which it counted the resources, the first of the regions if empty.
	Monitored     time.Duration `yaml:"monitored"`
	MonitorRegion string        `yaml:"monitorRegion"`
	// DataFaults hide metric data, until they are cleared.
	DataFaults []DataFault `yaml:"dataFaults"`
	// Denied are the actions that the account's credentials may not use, such as sns:Subscribe; one
	// that ends with * means all that begin so.
	Denied []string `yaml:"denied"`
	// ClockSkew is how far the clocks of all services are ahead of the clients'; negative if they
	// are behind.
	ClockSkew time.Duration `yaml:"clockSkew"`
	// Quotas bound what the Create operations accept. The file itself may exceed them.
	Quotas  Quotas   `yaml:"quotas"`
	Regions []Region `yaml:"-"` // of Account; a mapping by name in the file
	// Accounts are the further accounts. Seed, LifeCycle, Monitored, MonitorRegion, DataFaults
	// and Quotas are for all accounts. Account may be among them, for its name and role.
	Accounts []Account `yaml:"-"`

	file *source // for errors; nil if a program filled the estate
}

// DataFault hides metric data from clients. Its From and Until are ages.
type DataFault struct {
	api.DataFault `yaml:",inline"`
	From          time.Duration `yaml:"from"`
	Until         time.Duration `yaml:"until"`
}

// At returns the fault with times, for an endpoint that starts at a time.
func (f *DataFault) At(start time.Time) api.DataFault {
	fault := f.DataFault
	if f.From > 0 {
		fault.From = start.Add(-f.From)
	}
	if f.Until > 0 {
		fault.Until = start.Add(-f.Until)
	}
	return fault
}

// LifeCycle is how long each change of a campaign or recommender takes, from the accepted
// request to its end. The first fifth of it the change is PENDING, then IN_PROGRESS. Zero
// means the default: 2 minutes to delete, 5 minutes to stop, 10 minutes for the rest.
type LifeCycle struct {
	Create time.Duration `yaml:"create"`
	Update time.Duration `yaml:"update"`
	Stop   time.Duration `yaml:"stop"`
	Start  time.Duration `yaml:"start"`
	Delete time.Duration `yaml:"delete"`
}

// Quotas are the service quotas that Create operations enforce. Zero means the quota of a
// new account: 5, 5 and 15 (Personalize developer guide, "Endpoints and quotas").
type Quotas struct {
	CampaignsPerDatasetGroup    int `yaml:"campaignsPerDatasetGroup"`
	RecommendersPerDatasetGroup int `yaml:"recommendersPerDatasetGroup"`
	RecommendersPerRegion       int `yaml:"recommendersPerRegion"`
}

// Region is one region.
type Region struct {
	Name          string         `yaml:"-"`
	DatasetGroups []DatasetGroup `yaml:"datasetGroups"`
	// TPSHourPrices are the prices of a TPS-hour in USD on the price list, by product:
	// campaign, campaignV2 or recommender. A missing product is not on the price list.
	TPSHourPrices map[string]float64 `yaml:"tpsHourPrices"`
	// Disabled means that the region is not enabled for the account: it knows no credentials.
	Disabled bool  `yaml:"disabled"`
	Keys     []Key `yaml:"keys"`
}

// Key is a KMS key of the account.
type Key struct {
	ID     string `yaml:"id"`
	Alias  string `yaml:"alias"`  // such as alias/topics; may be empty
	Policy string `yaml:"policy"` // a JSON document
	State  string `yaml:"state"`  // Enabled, Disabled or PendingDeletion; Enabled if empty
}

// DatasetGroup is a dataset group with what belongs to it.
type DatasetGroup struct {
	Name string `yaml:"name"`
	// Domain is ECOMMERCE, VIDEO_ON_DEMAND or empty. Only groups with a domain have
	// recommenders; all may have campaigns.
	Domain        string            `yaml:"domain"`
	Tags          map[string]string `yaml:"tags"`
	Solutions     []Solution        `yaml:"solutions"`
	Campaigns     []Campaign        `yaml:"campaigns"`
	Recommenders  []Recommender     `yaml:"recommenders"`
	BatchJobs     []BatchJob        `yaml:"batchJobs"`
	EventTrackers []EventTracker    `yaml:"eventTrackers"`
}

// EstateEndpoint holds what campaigns and recommenders have in common. The name is the one
// under which they embed it.
type EstateEndpoint struct {
	Name string `yaml:"name"`
	// Copies makes so many alike, named Name-1, Name-2 … with leading zeros, so that they
	// sort by number. Zero or one makes one, named Name.
	Copies int `yaml:"copies"`
	// Recipe is the recipe's name after "recipe/", such as aws-user-personalization-v2.
	Recipe string `yaml:"recipe"`
	// Unlisted allows a recipe that this endpoint does not know, as new ones appear.
	Unlisted bool `yaml:"unlisted"`
	// Age is the time since creation; Created is the time itself and excludes Age. With
	// neither, the resource was created at the first row of its traffic's CSV, or 30 days ago.
	Age     time.Duration `yaml:"age"`
	Created time.Time     `yaml:"created"`
	// Updated is the age of the last completed update, zero if there was none. Update
	// describes the latest update in full and excludes Updated.
	Updated time.Duration `yaml:"updated"`
	Update  *Update       `yaml:"update"`
	// Status is the state at the start, ACTIVE if empty. A change in progress continues from
	// the start of the endpoint for as long as LifeCycle defines.
	Status string `yaml:"status"`
	// UnknownStatus is reported as it is and never changes; the resource refuses every
	// operation. It excludes Status.
	UnknownStatus string `yaml:"unknownStatus"`
	// FailureReason explains a status CREATE FAILED.
	FailureReason string `yaml:"failureReason"`
	// Fails makes a creation ("create") in progress, or every update ("update"), end in
	// CREATE FAILED.
	Fails string `yaml:"fails"`
	// ItemExploration is the itemExplorationConfig, for instance explorationWeight: "0.3".
	ItemExploration map[string]string `yaml:"itemExploration"`
	// Metadata is enableMetadataWithRecommendations.
	Metadata bool              `yaml:"metadata"`
	Tags     map[string]string `yaml:"tags"`
	Traffic  Traffic           `yaml:"traffic"`
}

// Campaign is a campaign with the solution and solution version that it serves.
type Campaign struct {
	EstateEndpoint `yaml:",inline"`
	// MinTPS is minProvisionedTPS, 1 if zero.
	MinTPS int `yaml:"minTPS"`
	// Solution names the solution, which campaigns may share; the campaign's own name if empty.
	Solution string `yaml:"solution"`
	// SolutionVersionAge is the time since the solution version was trained. If zero, it
	// was trained an hour before the campaign's creation, or 2 days ago if that is more
	// recent and AutoSync is set. With a Solution of the dataset group, it is the newest
	// version that is as old or older.
	SolutionVersionAge time.Duration `yaml:"solutionVersionAge"`
	// AutoSync lets the service move the campaign to each new solution version
	// (syncWithLatestSolutionVersion); TrainEvery is how often there is one, 7 days if zero.
	// A Solution of the dataset group has its own TrainEvery instead.
	AutoSync   bool          `yaml:"autoSync"`
	TrainEvery time.Duration `yaml:"trainEvery"`
	// EchoLatest makes DescribeCampaign return <solution ARN>/$LATEST as the version.
	EchoLatest bool `yaml:"echoLatest"`
	// VersionGone makes DescribeSolutionVersion refuse the campaign's version as unknown.
	VersionGone bool `yaml:"versionGone"`
	// AutoML leaves the recipe to the solution version: the solution itself names none.
	AutoML bool `yaml:"autoML"`
	// RankingInfluence is the campaign's rankingInfluence, such as POPULARITY: 0.4.
	RankingInfluence map[string]float64 `yaml:"rankingInfluence"`
}

// Recommender is a recommender of a dataset group with a domain.
type Recommender struct {
	EstateEndpoint `yaml:",inline"`
	// MinRPS is minRecommendationRequestsPerSecond, 1 if zero.
	MinRPS int `yaml:"minRPS"`
	// ExcludedColumns and IncludedColumns are the training data configuration.
	ExcludedColumns map[string][]string `yaml:"excludedColumns"`
	IncludedColumns map[string][]string `yaml:"includedColumns"`
}

// Update is the latest update of a resource, accepted Age ago. One in progress completes when
// LifeCycle defines, counted from its acceptance, or from the start of the endpoint if that
// time has passed.
type Update struct {
	Status string        `yaml:"status"` // CREATE PENDING, CREATE IN_PROGRESS, ACTIVE, CREATE FAILED, or a DELETE state (campaigns)
	Age    time.Duration `yaml:"age"`
	// MinTPS is the requested minimum, of either kind; zero means the resource's. In the
	// file of recommenders it is minRPS.
	MinTPS        int    `yaml:"minTPS"`
	MinRPS        int    `yaml:"minRPS"`
	FailureReason string `yaml:"failureReason"`
}

// CopyName is the name of the nth copy, counted from one; the name itself without copies.
func (e *EstateEndpoint) CopyName(n int) string {
	if e.Copies <= 1 {
		return e.Name
	}
	digits := len(strconv.Itoa(e.Copies))
	return fmt.Sprintf("%s-%0*d", e.Name, digits, n)
}
