// Package pricing holds the price models of Amazon Personalize, and estimates by them what
// metered quantities cost. It is pure: prices, quantities and times in, estimates out. The
// quantities come from package billing and are exact; every amount is an estimate, and what
// is not known is nil, never 0.
package pricing

import (
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Product is what has a price model of its own. Price files and JSON use these names.
type Product string

// The products (aws.amazon.com/personalize/pricing). Recipes whose name ends in -v2 have
// another price model than the other custom recipes.
const (
	Campaign    Product = "campaign"    // TPS-hours, with volume tiers
	CampaignV2  Product = "campaignV2"  // requests, at least the minimum's worth
	Recommender Product = "recommender" // a fee per hour by users, and requests beyond those it includes
	Training    Product = "training"    // training hours of solution versions
	TrainingV2  Product = "trainingV2"  // interactions that a solution version was trained on
	Batch       Product = "batch"       // users or items of a batch inference job
)

// Products lists the products in the order of reports.
func Products() []Product {
	return []Product{Campaign, CampaignV2, Recommender, Training, TrainingV2, Batch}
}

// ProductOf is what the throughput of a resource is billed as.
func ProductOf(kind model.Kind, recipe string) Product {
	switch {
	case kind == model.Recommender:
		return Recommender
	case v2(recipe):
		return CampaignV2
	}
	return Campaign
}

// TrainingOf is what the training of a solution with the named recipe is billed as.
func TrainingOf(recipe string) Product {
	if v2(recipe) {
		return TrainingV2
	}
	return Training
}

func v2(recipe string) bool { return strings.HasSuffix(recipe, "-v2") }
