package estatefile

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
