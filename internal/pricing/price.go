// Package pricing holds the price models of Amazon Personalize, and estimates by them what
// metered quantities cost. It is pure: prices, quantities and times in, estimates out. The
// quantities come from package billing and are exact; every amount is an estimate, and what
// is not known is nil, never 0.
package pricing

import (
	"encoding/json"
	"fmt"
	"strconv"
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

// thousandsPerTPSHour is how many thousand requests a TPS-hour is.
const thousandsPerTPSHour = 3.6

// Confidence is how sure the figures of a price are; of several it is the lowest.
type Confidence string

// How sure a price is.
const (
	Official   Confidence = "official"    // read from the AWS Price List API
	Given      Confidence = "given"       // in a price file
	ThirdParty Confidence = "third-party" // published by others than AWS
	Unverified Confidence = "unverified"  // not found in any published source
)

// Price is what a product costs in a region, and how one knows. Exactly one of Tiers,
// PerThousand, PerHour and Fee is set, and is the price model. All figures are list prices.
type Price struct {
	Region  string  `json:"region"`
	Product Product `json:"product"`

	// Tiers are prices per TPS-hour by the volume of a calendar month, ascending. A price
	// without volume discount has one.
	Tiers []Tier `json:"tiers,omitempty"`
	// PerThousand is the price of 1,000 requests (CampaignV2), interactions (TrainingV2), or
	// users or items (Batch).
	PerThousand float64 `json:"perThousand,omitempty"`
	// PerHour is the price of a training hour.
	PerHour float64 `json:"perTrainingHour,omitempty"`
	// Fee is the price of a recommender.
	Fee *Fee `json:"fee,omitempty"`

	Currency   string     `json:"currency"` // ISO 4217
	Date       string     `json:"date"`     // of the figures: 2006-01-02
	Source     string     `json:"source"`   // in words
	Confidence Confidence `json:"confidence"`
	// Discount is taken off the list price, in percent from 0 to below 100.
	Discount float64 `json:"discountPercent,omitempty"`
	// Fallback is the region whose price this is, as none is known for Region; usually empty.
	Fallback string `json:"fallbackRegion,omitempty"`
}

// Tier is a part of the volume of a calendar month, and what a TPS-hour in it costs.
type Tier struct {
	// UpTo is the volume in TPS-hours at which the tier ends; 0 for the last one, which has no
	// end.
	UpTo       float64 `json:"upTo,omitempty"`
	PerTPSHour float64 `json:"perTPSHour"`
}

// Fee is the price of a recommender: an hourly fee by the users of its dataset group, which
// includes some requests an hour, and a price of the requests beyond.
type Fee struct {
	PerHour float64 `json:"perHour"` // up to UsersIncluded
	// UsersIncluded is how many users PerHour is for, and each PerHourMore.
	UsersIncluded int     `json:"usersIncluded"`
	PerHourMore   float64 `json:"perHourPerFurtherUsers"` // for each further UsersIncluded, begun ones too
	// RequestsIncluded is in an hour of the clock; what an hour leaves over is lost.
	RequestsIncluded float64 `json:"requestsIncluded"`
	PerThousand      float64 `json:"perThousandRequests"` // beyond
}

// Hourly is the fee of an hour for a number of users.
func (f Fee) Hourly(users int) float64 {
	if users <= f.UsersIncluded || f.UsersIncluded <= 0 {
		return f.PerHour
	}
	further := (users - 1) / f.UsersIncluded // begun ones too
	return f.PerHour + float64(further)*f.PerHourMore
}

// PerTPSHour is the price of a TPS-hour in the first tier; of a price per 1,000 requests it is
// that of the 3,600 requests of a TPS-hour. It is nil where the price is not proportional to
// TPS-hours.
func (p Price) PerTPSHour() *float64 {
	switch {
	case len(p.Tiers) > 0:
		return &p.Tiers[0].PerTPSHour
	case p.Product == CampaignV2 && p.PerThousand > 0:
		return new(p.PerThousand * thousandsPerTPSHour)
	}
	return nil
}

// MarshalJSON adds the price of a TPS-hour in the first tier, and where that tier ends.
func (p Price) MarshalJSON() ([]byte, error) {
	type plain Price
	out := struct {
		plain
		PerTPSHour *float64 `json:"perTPSHour"`
		UpTo       float64  `json:"upTo,omitempty"`
	}{plain: plain(p), PerTPSHour: p.PerTPSHour()}
	if len(p.Tiers) > 1 {
		out.UpTo = p.Tiers[0].UpTo
	}
	return json.Marshal(out)
}

// TierCost is what the first volume TPS-hours of a calendar month cost, by the tiers.
func (p Price) TierCost(volume float64) float64 {
	cost, from := 0.0, 0.0
	for _, tier := range p.Tiers {
		if tier.UpTo <= 0 || volume <= tier.UpTo {
			return cost + max(0, volume-from)*tier.PerTPSHour
		}
		cost += (tier.UpTo - from) * tier.PerTPSHour
		from = tier.UpTo
	}
	if n := len(p.Tiers); n > 0 { // the last tier goes on
		cost += (volume - from) * p.Tiers[n-1].PerTPSHour
	}
	return cost
}

// at is the price of the TPS-hour that a volume ends with.
func (p Price) at(volume float64) float64 {
	for _, tier := range p.Tiers {
		if tier.UpTo <= 0 || volume <= tier.UpTo {
			return tier.PerTPSHour
		}
	}
	return p.Tiers[len(p.Tiers)-1].PerTPSHour
}

// pooled reports whether the price of a TPS-hour depends on what others use.
func (p Price) pooled() bool { return len(p.Tiers) > 1 }

// net is an amount at list prices after the discount.
func (p Price) net(list float64) float64 { return list * (1 - p.Discount/100) }

// Figures is the price in words, with its currency and all its digits.
func (p Price) Figures() string {
	text := p.Currency + " "
	switch {
	case p.Fee != nil:
		text += p.Fee.figures()
	case len(p.Tiers) > 0:
		text += p.tiers()
	case p.Product == Training:
		text += digits(p.PerHour) + " per training hour"
	default:
		text += digits(p.PerThousand) + " per 1,000 " + map[Product]string{
			CampaignV2: "requests", TrainingV2: "interactions", Batch: "users or items",
		}[p.Product]
	}
	if p.Discount > 0 {
		text += ", less " + digits(p.Discount) + "%"
	}
	return text
}

func (p Price) tiers() string {
	parts := make([]string, len(p.Tiers))
	for i, tier := range p.Tiers {
		parts[i] = digits(tier.PerTPSHour)
		if i == 0 {
			parts[i] += " per TPS-hour"
		}
		switch {
		case tier.UpTo > 0 && i == 0:
			parts[i] += " up to " + thousands(tier.UpTo) + " a month"
		case tier.UpTo > 0:
			parts[i] += " up to " + thousands(tier.UpTo)
		case i > 0:
			parts[i] += " beyond"
		}
	}
	return strings.Join(parts, ", ")
}

func (f Fee) figures() string {
	text := digits(f.PerHour) + " an hour"
	if f.PerHourMore > 0 {
		text += fmt.Sprintf(" up to %[1]s users (%[2]s for each further %[1]s)", thousands(float64(f.UsersIncluded)), digits(f.PerHourMore))
	}
	return text + fmt.Sprintf(" with %s requests, %s per 1,000 beyond", thousands(f.RequestsIncluded), digits(f.PerThousand))
}

// Text is the price with all that is needed to check it.
func (p Price) Text() string {
	where := "in " + p.Region
	if p.Fallback != "" {
		where = "of " + p.Fallback + " for " + p.Region
	}
	return fmt.Sprintf("%s, %s %s, of %s (%s)", p.Figures(), p.Product, where, p.Date, p.Source)
}

func digits(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func thousands(v float64) string { return model.Thousands(digits(v)) }
