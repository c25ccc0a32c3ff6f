// Package model is the vocabulary of the program: campaigns and recommenders, their minimum
// and state, the series measured for them, actions and problems. It comes first in discover
// → measure → decide → act → report and imports nothing of ours, so every other package can
// use it.
package model

// Kind is one of the two endpoint types of Amazon Personalize, or a solution.
type Kind string

// The kinds. Their values are what users see in tables and JSON. Solution is the kind in actions
// about training and in their records; an ARN.Kind and a Resource are of one of the other two.
const (
	Campaign    Kind = "campaign"
	Recommender Kind = "recommender"
	Solution    Kind = "solution"
)

func (k Kind) choose(campaign, recommender string) string {
	if k == Recommender {
		return recommender
	}
	return campaign
}

// Title is the kind as in CamelCase names.
func (k Kind) Title() string {
	if k == Solution {
		return "Solution"
	}
	return k.choose("Campaign", "Recommender")
}

// DimensionName is the CloudWatch dimension that names a resource of this kind, in
// AWS/Personalize and in our own namespace.
func (k Kind) DimensionName() string { return k.Title() + "Arn" }

// MinimumMetric is our metric for the configured minimum.
func (k Kind) MinimumMetric() string {
	return k.choose("minProvisionedTPS", "minRecommendationRequestsPerSecond")
}

// AverageMetric is our metric for requests per second, averaged over a window.
func (k Kind) AverageMetric() string { return k.choose("averageTPS", "averageRPS") }

// UtilizationMetric is our metric for average ÷ minimum, in percent.
func (k Kind) UtilizationMetric() string { return string(k) + "Utilization" }

// RateUnit is the unit of the kind's throughput.
func (k Kind) RateUnit() string { return k.choose("TPS", "RPS") }
