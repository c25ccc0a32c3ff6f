package estatefile

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

// Solution is a solution with its trainings, whether or not a campaign serves it. A campaign
// serves it by its name (Campaign.Solution). Solutions that only campaigns name need no entry:
// they have one version, or those that AutoSync asks for.
type Solution struct {
	Name   string `yaml:"name"`
	Recipe string `yaml:"recipe"` // of a campaign
	// Age is the time since its creation, 30 days if zero.
	Age time.Duration `yaml:"age"`
	// AutoTraining is performAutoTraining: true (if empty), false, or absent: descriptions do
	// not have it, as those of solutions from before there was automatic training.
	AutoTraining string `yaml:"autoTraining"`
	// TrainEvery is how often automatic training makes a version: 1 to 30 whole days, 7 if zero.
	TrainEvery time.Duration `yaml:"trainEvery"`
	// ManualEvery is how often a schedule of the owner trains it as well; zero means never.
	ManualEvery time.Duration `yaml:"manualEvery"`
	// TrainedAgo is the time since the latest automatic training ended, a day if zero. The
	// latest one of the owner's schedule ended 12 hours before.
	TrainedAgo time.Duration `yaml:"trainedAgo"`
	// TrainingHours are the trainingHours of each version, 1 if zero. A training takes as long.
	TrainingHours float64 `yaml:"trainingHours"`
	// FailingFor makes the trainings fail that ended within this time, and all later ones, with
	// the FailureReason.
	FailingFor    time.Duration `yaml:"failingFor"`
	FailureReason string        `yaml:"failureReason"`
	// StoppedFor makes the trainings stopped ones that ended within this time.
	StoppedFor time.Duration     `yaml:"stoppedFor"`
	Tags       map[string]string `yaml:"tags"`
}

// The values of Solution.AutoTraining.
const (
	AutoTrainingOn     = "true"
	AutoTrainingOff    = "false"
	AutoTrainingAbsent = "absent"
)

// BatchJob is a batch inference job, or a batch segment job, that used the newest version of
// a solution of its dataset group.
type BatchJob struct {
	Name     string        `yaml:"name"`
	Solution string        `yaml:"solution"`
	Age      time.Duration `yaml:"age"` // since its creation, a day if zero
	Segment  bool          `yaml:"segment"`
}

// EventTracker is an event tracker of a dataset group.
type EventTracker struct {
	Name string        `yaml:"name"`
	Age  time.Duration `yaml:"age"` // since its creation, 30 days if zero
}

const day = 24 * time.Hour

func (s *Solution) check(at place, group string, names *names) {
	what := "solution " + api.Quoted(s.Name)
	checkName("solution", s.Name, at.at("name"))
	names.add("solution", s.Name, at.at("name"))
	names.solutions[s.Name] = group + " " + s.Recipe + " false"
	names.declared[s.Name] = true
	if CustomRecipes[s.Recipe] == "" {
		at.at("recipe").bad("%s: recipe is %q; a solution's recipe is one of %s",
			what, s.Recipe, strings.Join(slices.Sorted(maps.Keys(CustomRecipes)), ", "))
	}
	at.forbid(!api.Is(s.AutoTraining, "", AutoTrainingOn, AutoTrainingOff, AutoTrainingAbsent), "autoTraining",
		"%s: autoTraining is %q; it is true, false or absent", what, s.AutoTraining)
	at.forbid(s.TrainEvery%day != 0 || s.TrainEvery < 0 || s.TrainEvery > 30*day, "trainEvery",
		"%s: trainEvery is 1 to 30 whole days", what)
	at.forbid(s.TrainEvery != 0 && !api.Is(s.AutoTraining, "", AutoTrainingOn), "trainEvery", "%s: trainEvery needs autoTraining", what)
	for key, d := range map[string]time.Duration{
		"age": s.Age, "manualEvery": s.ManualEvery, "trainedAgo": s.TrainedAgo, "failingFor": s.FailingFor, "stoppedFor": s.StoppedFor,
	} {
		at.forbid(d < 0, key, "%s: %s is negative", what, key)
	}
	at.forbid(s.ManualEvery > 0 && s.ManualEvery < time.Hour, "manualEvery", "%s: manualEvery is at least an hour", what)
	at.forbid(s.TrainedAgo > cmp.Or(s.Age, 30*day), "trainedAgo", "%s: trainedAgo is longer ago than its creation", what)
	at.forbid(!(s.TrainingHours >= 0 && s.TrainingHours <= 1000), "trainingHours",
		"%s: trainingHours is %v; it is above 0, up to 1000", what, s.TrainingHours)
	at.forbid(s.FailureReason != "" && s.FailingFor == 0, "failureReason", "%s: failureReason needs failingFor", what)
	checkTags(s.Tags, at.at("tags"))
}

func (g *DatasetGroup) checkUse(at place, names *names) {
	own := map[string]bool{}
	for i := range g.Solutions {
		own[g.Solutions[i].Name] = true
	}
	for i, j := range g.BatchJobs {
		at := at.at("batchJobs", i)
		checkName("batch job", j.Name, at.at("name"))
		names.add("batch job", j.Name, at.at("name"))
		at.forbid(!own[j.Solution], "solution", "batch job %q: solution is %q; it is one of the solutions of its dataset group",
			j.Name, j.Solution)
		at.forbid(j.Age < 0, "age", "batch job %q: age is negative", j.Name)
	}
	for i, e := range g.EventTrackers {
		at := at.at("eventTrackers", i)
		checkName("event tracker", e.Name, at.at("name"))
		names.add("event tracker", e.Name, at.at("name"))
		at.forbid(e.Age < 0, "age", "event tracker %q: age is negative", e.Name)
	}
}

// The states of campaigns and recommenders (DescribeCampaign and DescribeRecommender in the
// Personalize API reference).
const (
	Active           = "ACTIVE"
	Inactive         = "INACTIVE"
	CreateFailed     = "CREATE FAILED"
	CreatePending    = "CREATE PENDING"
	CreateInProgress = "CREATE IN_PROGRESS"
	DeletePending    = "DELETE PENDING"
	DeleteInProgress = "DELETE IN_PROGRESS"

	// CreateStopped is a training that its owner stopped.
	CreateStopped = "CREATE STOPPED"
)

// Statuses are all states.
var Statuses = []string{
	Active, Inactive, CreateFailed, CreatePending, CreateInProgress, DeletePending, DeleteInProgress,
	"STOP PENDING", "STOP IN_PROGRESS", "START PENDING", "START IN_PROGRESS",
}

// Metrics of requests. They count successful calls only ("CloudWatch metrics for Amazon
// Personalize" in the developer guide).
const (
	MetricRecommendations = "GetRecommendations"
	metricRanking         = "GetPersonalizedRanking"
	metricActions         = "GetActionRecommendations"
)

// CustomRecipes are the recipes of campaigns, with the metric of their requests ("Choosing a
// recipe" in the developer guide).
var CustomRecipes = map[string]string{
	"aws-user-personalization":    MetricRecommendations,
	"aws-user-personalization-v2": MetricRecommendations,
	"aws-hrnn":                    MetricRecommendations,
	"aws-hrnn-metadata":           MetricRecommendations,
	"aws-hrnn-coldstart":          MetricRecommendations,
	"aws-similar-items":           MetricRecommendations,
	"aws-sims":                    MetricRecommendations,
	"aws-semantic-similarity":     MetricRecommendations,
	"aws-trending-now":            MetricRecommendations,
	"aws-popularity-count":        MetricRecommendations,
	"aws-personalized-ranking":    metricRanking,
	"aws-personalized-ranking-v2": metricRanking,
	"aws-next-best-action":        metricActions,
}

// DomainRecipes are the domains of dataset groups, with the prefix of their recommenders'
// recipes.
var DomainRecipes = map[string]string{"ECOMMERCE": "aws-ecomm-", "VIDEO_ON_DEMAND": "aws-vod-"}

// UseCases are the recipes of recommenders, sorted ("Choosing a use case").
var UseCases = []string{
	"aws-ecomm-customers-who-viewed-x-also-viewed",
	"aws-ecomm-frequently-bought-together",
	"aws-ecomm-popular-items-by-purchases",
	"aws-ecomm-popular-items-by-views",
	"aws-ecomm-recommended-for-you",
	"aws-vod-because-you-watched-x",
	"aws-vod-more-like-x",
	"aws-vod-most-popular",
	"aws-vod-top-picks",
	"aws-vod-trending-now",
}

// MetricOf names the metric of a resource's requests. It is empty if they are not counted:
// AWS documents no metric for action recommendations, so those of a next-best-action campaign
// are only counted if its traffic is visible.
func MetricOf(recipe string, visible bool) string {
	switch {
	case recipe == "aws-next-best-action" && !visible:
		return ""
	case CustomRecipes[recipe] != "":
		return CustomRecipes[recipe]
	}
	return MetricRecommendations
}
