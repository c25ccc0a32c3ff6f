package localaws

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Estate describes everything that exists when the endpoint starts: a plain value, read
// from a file by LoadEstate or filled by a program. Ages count back from the endpoint's
// clock when it starts. The file's keys are the fields' names in camel case; the shipped
// example (ExampleEstate) shows each at work.
type Estate struct {
	// Account owns the estate: 12 digits. Empty means the endpoint's default account.
	Account string
	// Seed varies the jitter of all generated traffic. The same seed and names give the
	// same traffic.
	Seed int64
	// LifeCycle says how long changes take, for resources of the file and later ones.
	LifeCycle EstateLifeCycle
	// Quotas bound what the Create operations accept. The file itself may exceed them.
	Quotas  EstateQuotas
	Regions []EstateRegion

	file string // for errors; empty if a program filled the estate
}

// EstateLifeCycle says how long each change of a campaign or recommender takes, from the
// accepted request to its end. The first fifth of it the change is PENDING, then
// IN_PROGRESS. Zero means the default: 2 minutes to delete, 5 minutes to stop, 10 minutes
// for the rest.
type EstateLifeCycle struct {
	Create, Update, Stop, Start, Delete time.Duration
}

// EstateQuotas are the service quotas that Create operations are held to. Zero means the
// quota of a new account: 5, 5 and 15 (Personalize developer guide, "Endpoints and quotas").
type EstateQuotas struct {
	CampaignsPerDatasetGroup    int
	RecommendersPerDatasetGroup int
	RecommendersPerRegion       int
}

// EstateRegion is one region; in the file, the key of an entry of regions.
type EstateRegion struct {
	Name          string
	DatasetGroups []EstateDatasetGroup
	// TPSHourPrices are what the price list says a TPS-hour costs in USD, by product:
	// campaign, campaignV2 or recommender. What is not given is not in the price list.
	TPSHourPrices map[string]float64

	where place
}

// EstateDatasetGroup is a dataset group with its campaigns and recommenders.
type EstateDatasetGroup struct {
	Name string
	// Domain is ECOMMERCE, VIDEO_ON_DEMAND or empty. Only groups with a domain have
	// recommenders; all may have campaigns.
	Domain       string
	Tags         map[string]string
	Campaigns    []EstateCampaign
	Recommenders []EstateRecommender

	where place
}

// EstateEndpoint holds what campaigns and recommenders have in common.
type EstateEndpoint struct {
	Name string
	// Copies makes so many alike, named Name-1, Name-2 … with leading zeros, so that they
	// sort by number. Zero or one makes one, named Name.
	Copies int
	// Recipe is the recipe's name after "recipe/", such as aws-user-personalization-v2.
	Recipe string
	// Unlisted allows a recipe that this server does not know, as new ones appear.
	Unlisted bool
	// Age is the time since creation; Created is the moment itself and excludes Age. With
	// neither, the resource was created at the first row of its traffic's CSV, or 30 days ago.
	Age     time.Duration
	Created time.Time
	// Updated is the age of the last settled update, zero if there was none. Update
	// describes the latest update in full and excludes Updated.
	Updated time.Duration
	Update  *EstateUpdate
	// Status is the state at the start, ACTIVE if empty. Something in progress goes on
	// from the start of the endpoint for as long as LifeCycle says.
	Status string
	// UnknownStatus is reported as it stands and never changes; nothing can be done with
	// the resource. It excludes Status.
	UnknownStatus string
	// FailureReason explains a status CREATE FAILED.
	FailureReason string
	// Fails makes a creation ("create") in progress, or every update ("update"), end in
	// CREATE FAILED.
	Fails string
	// ItemExploration is the itemExplorationConfig, for instance explorationWeight: "0.3".
	ItemExploration map[string]string
	// Metadata is enableMetadataWithRecommendations.
	Metadata bool
	Tags     map[string]string
	Traffic  EstateTraffic

	where place
}

// EstateCampaign is a campaign with the solution and solution version behind it.
type EstateCampaign struct {
	EstateEndpoint
	// MinTPS is minProvisionedTPS, 1 if zero.
	MinTPS int
	// Solution names the solution, which campaigns may share; the campaign's own name if empty.
	Solution string
	// SolutionVersionAge is the time since the solution version was trained. If zero, it
	// was trained an hour before the campaign's creation, or 2 days ago if that is more
	// recent and AutoSync is set.
	SolutionVersionAge time.Duration
	// AutoSync lets the service itself move the campaign to each new solution version
	// (syncWithLatestSolutionVersion); TrainEvery says how often there is one, 7 days if zero.
	AutoSync   bool
	TrainEvery time.Duration
	// EchoLatest makes DescribeCampaign answer <solution ARN>/$LATEST as the version.
	EchoLatest bool
	// VersionGone makes DescribeSolutionVersion refuse the campaign's version as unknown.
	VersionGone bool
	// AutoML leaves the recipe to the solution version: the solution itself names none.
	AutoML bool
	// RankingInfluence is the campaign's rankingInfluence, such as POPULARITY: 0.4.
	RankingInfluence map[string]float64
}

// EstateRecommender is a recommender of a dataset group with a domain.
type EstateRecommender struct {
	EstateEndpoint
	// MinRPS is minRecommendationRequestsPerSecond, 1 if zero.
	MinRPS int
	// ExcludedColumns and IncludedColumns are the training data configuration.
	ExcludedColumns map[string][]string
	IncludedColumns map[string][]string
}

// EstateUpdate is the latest update of a resource, accepted Age ago. One in progress
// settles when LifeCycle says, counted from its acceptance, or from the start of the
// endpoint if that time has passed.
type EstateUpdate struct {
	Status        string // CREATE PENDING, CREATE IN_PROGRESS, ACTIVE, CREATE FAILED, or a DELETE state (campaigns)
	Age           time.Duration
	MinTPS        int // the minimum asked for, of either kind; zero means the resource's
	FailureReason string

	where place
}

// place remembers where in a file something stood. Its zero value means nowhere.
type place struct {
	line int
	keys map[string]int // line of each key
}

// of is the line of the key, or of the whole thing if the key was not given.
func (p place) of(key string) int {
	if line, ok := p.keys[key]; ok {
		return line
	}
	return p.line
}

// maxEstateFile bounds an estate file, maxTraceFile a CSV of request counts.
const (
	maxEstateFile = 4 << 20
	maxTraceFile  = 64 << 20
)

// LoadEstate reads an estate file. CSV paths in it are relative to the file's directory.
// The error names the file and, a line each, every fault found in it.
func LoadEstate(path string) (Estate, error) {
	data, err := readBounded(path, maxEstateFile)
	if err != nil {
		return Estate{}, fmt.Errorf("read the estate file: %w", err)
	}
	dir := filepath.Dir(path)
	return ParseEstate(data, path, func(csv string) ([]byte, error) {
		if !filepath.IsAbs(csv) {
			csv = filepath.Join(dir, csv)
		}
		return readBounded(csv, maxTraceFile)
	})
}

// ParseEstate reads an estate from YAML. The name stands in errors, and open resolves the
// CSV paths of traffic as they stand in the file. Unknown keys, wrong types and invalid
// values are all reported in one error, a line each: file, line, what is wrong, what is valid.
func ParseEstate(data []byte, name string, open func(path string) ([]byte, error)) (Estate, error) {
	found := &faultList{file: name}
	root := parseYAML(data, found)
	if root == nil {
		return Estate{}, found.err()
	}
	estate := readEstate(root, found)
	estate.file = name
	readTraces(&estate, open, found)
	meaning := &faultList{file: name}
	estate.check(meaning)
	found.addElsewhere(meaning)
	if err := found.err(); err != nil {
		return Estate{}, err
	}
	return estate, nil
}

func readBounded(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d that are read", path, info.Size(), limit)
	}
	return os.ReadFile(path)
}
