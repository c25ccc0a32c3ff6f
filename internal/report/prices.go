package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Product is what has a price of its own per TPS-hour.
type Product string

// The products. The v2 recipes have another price model than the other custom recipes
// (Personalize developer guide, "User-Personalization-v2").
const (
	ProductCampaign    Product = "campaign"
	ProductCampaignV2  Product = "campaignV2"
	ProductRecommender Product = "recommender"
)

// Products lists the products.
func Products() []Product { return []Product{ProductCampaign, ProductCampaignV2, ProductRecommender} }

// ProductOf is what a resource is billed as.
func ProductOf(kind model.Kind, recipe string) Product {
	switch {
	case kind == model.Recommender:
		return ProductRecommender
	case strings.HasSuffix(recipe, "-v2"):
		return ProductCampaignV2
	}
	return ProductCampaign
}

// Price is what a TPS-hour of a product costs in a region, and how one knows.
type Price struct {
	Region     string  `json:"region"`
	Product    Product `json:"product"`
	PerTPSHour float64 `json:"perTPSHour"`
	Currency   string  `json:"currency"`
	Date       string  `json:"date"`   // of the price: 2006-01-02
	Source     string  `json:"source"` // in words
	// UpTo is how many TPS-hours of a month cost that much before further ones get
	// cheaper; 0 if that is not known. Discounts beyond it are left out.
	UpTo float64 `json:"upTo,omitempty"`
}

// Amount is a price with its currency, and all its digits.
func (p Price) Amount() string { return p.Currency + " " + digits(p.PerTPSHour) }

// Prices is a price table. The zero value has no price.
type Prices map[priceKey]Price

type priceKey struct {
	region  string
	product Product
}

// NewPrices makes a table; of two prices for the same thing the later counts.
func NewPrices(list ...Price) Prices {
	p := make(Prices, len(list))
	for _, one := range list {
		p[priceKey{one.Region, one.Product}] = one
	}
	return p
}

// Of is the price of a product in a region; ok is false if there is none.
func (p Prices) Of(region string, product Product) (price Price, ok bool) {
	price, ok = p[priceKey{region, product}]
	return price, ok
}

// Over lays a table over another one, which counts where the first has no price.
func (p Prices) Over(other Prices) Prices {
	return NewPrices(slices.Concat(other.All(), p.All())...)
}

// All lists the prices by region and product.
func (p Prices) All() []Price {
	return list(slices.SortedFunc(maps.Values(p), func(a, b Price) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Product, b.Product))
	}))
}

// builtinSource is where the table in the program comes from.
const builtinSource = "built-in table, from aws.amazon.com/personalize/pricing; may be out of date"

// BuiltinPrices is the table in the program. It holds only what is known to have been on
// the price page: custom recipes other than v2, in us-east-1, the first tier. Every other
// price has to be given in a file or asked of AWS.
func BuiltinPrices() Prices {
	return NewPrices(Price{
		Region: "us-east-1", Product: ProductCampaign, PerTPSHour: 0.20, Currency: "USD",
		Date: "2026-11-22", Source: builtinSource, UpTo: 20_000,
	})
}
