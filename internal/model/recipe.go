package model

import "strings"

// The request metrics of AWS/Personalize. Each counts successful calls of the runtime
// operation of its name; failed ones are in the metrics with the suffixes below
// (Personalize developer guide, "CloudWatch metrics for Amazon Personalize").
const (
	MetricGetRecommendations       = "GetRecommendations"
	MetricGetPersonalizedRanking   = "GetPersonalizedRanking"
	MetricGetActionRecommendations = "GetActionRecommendations"
)

// Suffixes of the metrics that count the failed calls of an operation.
const (
	Suffix4xx = "4xxErrors"
	Suffix5xx = "5xxErrors"
)

// SuffixLatency is the suffix of the metrics of the response times of an operation.
const SuffixLatency = "Latency"

// RequestMetrics lists them.
func RequestMetrics() []string {
	return []string{MetricGetRecommendations, MetricGetPersonalizedRanking, MetricGetActionRecommendations}
}

// Recipe is how the traffic of a resource is counted.
type Recipe struct {
	Metric string
	// Sure is false where traffic may be invisible: AWS documents no count metric for
	// action recommendations, and an unknown recipe may have an unknown operation.
	Sure bool
}

// recommendationRecipes are the custom recipes served by GetRecommendations ("Choosing a
// recipe" in the Personalize developer guide); those of domain dataset groups are known by
// prefix.
var recommendationRecipes = map[string]bool{
	"aws-user-personalization":    true,
	"aws-user-personalization-v2": true,
	"aws-hrnn":                    true,
	"aws-hrnn-metadata":           true,
	"aws-hrnn-coldstart":          true,
	"aws-similar-items":           true,
	"aws-sims":                    true,
	"aws-semantic-similarity":     true,
	"aws-trending-now":            true,
	"aws-popularity-count":        true,
}

// RecipeName is the part of a recipe's ARN after "recipe/"; it is the same in every
// partition. The result is empty if there is no such part.
func RecipeName(recipeARN string) string {
	_, name, _ := strings.Cut(recipeARN, ":recipe/")
	return name
}

// RecipeOf is how the traffic of a resource with the named recipe is counted.
// GetRecommendations serves every recommender, whatever its recipe.
func RecipeOf(kind Kind, name string) Recipe {
	switch {
	case kind == Recommender, recommendationRecipes[name],
		strings.HasPrefix(name, "aws-ecomm-"), strings.HasPrefix(name, "aws-vod-"):
		return Recipe{Metric: MetricGetRecommendations, Sure: true}
	case name == "aws-personalized-ranking", name == "aws-personalized-ranking-v2": // guard: personalized-ranking-v2 is a ranking; each:2
		return Recipe{Metric: MetricGetPersonalizedRanking, Sure: true}
	case name == "aws-next-best-action": // guard: next-best-action
		return Recipe{Metric: MetricGetActionRecommendations}
	}
	return Recipe{Metric: MetricGetRecommendations}
}

// LatencyMetric is the metric of AWS/Personalize for the response time of a resource with
// the named recipe. It is empty for action recommendations, for which AWS documents none
// (Personalize developer guide, "CloudWatch metrics for Amazon Personalize").
func LatencyMetric(kind Kind, recipe string) string {
	metric := RecipeOf(kind, recipe).Metric
	if metric == MetricGetActionRecommendations {
		return ""
	}
	return metric + SuffixLatency
}
