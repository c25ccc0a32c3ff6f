// Package estate is the vocabulary of the program: campaigns and recommenders, their
// minimum and state, the series measured for them, and what went wrong while looking.
// It stands at the start of the line discover → measure → decide → act → report and
// imports nothing of ours, so every other package can speak its words.
package model

// Kind tells which of the two endpoint types of Amazon Personalize a resource is.
type Kind string

// The two kinds. Their values are what users see in tables and JSON.
const (
	Campaign    Kind = "campaign"
	Recommender Kind = "recommender"
)

// Title is the kind as it stands in CamelCase names: "Campaign" or "Recommender".
func (k Kind) Title() string {
	if k == Recommender {
		return "Recommender"
	}
	return "Campaign"
}

// DimensionName is the CloudWatch dimension that names a resource of this kind, in
// AWS/Personalize and in our own namespace alike.
func (k Kind) DimensionName() string { return k.Title() + "Arn" }

// MinimumMetric is our metric for the configured minimum.
func (k Kind) MinimumMetric() string {
	if k == Recommender {
		return "minRecommendationRequestsPerSecond"
	}
	return "minProvisionedTPS"
}

// AverageMetric is our metric for requests per second, averaged over a window.
func (k Kind) AverageMetric() string {
	if k == Recommender {
		return "averageRPS"
	}
	return "averageTPS"
}

// UtilizationMetric is our metric for average ÷ minimum, in percent.
func (k Kind) UtilizationMetric() string { return string(k) + "Utilization" }

// RateUnit is what the kind's throughput is called: TPS for campaigns, RPS for recommenders.
func (k Kind) RateUnit() string {
	if k == Recommender {
		return "RPS"
	}
	return "TPS"
}
