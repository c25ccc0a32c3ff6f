package pricing

import (
	"cmp"
	"maps"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// FallbackRegion is the region whose prices are used in regions of its partition that have
// none of their own.
const FallbackRegion = "us-east-1"

// Table holds prices, and the users of dataset groups. The zero value has no price.
type Table struct {
	prices   map[key]Price
	users    map[string]int
	discount float64
}

type key struct {
	region  string
	product Product
}

// NewTable makes a table; of two prices for the same thing the later one counts. Users are the
// users of dataset groups by ARN or name, and may be nil. The discount is in percent, from 0
// to below 100, and is taken off every price of the table and of those below it.
func NewTable(list []Price, users map[string]int, discount float64) Table {
	t := Table{prices: make(map[key]Price, len(list)), users: users, discount: discount}
	for _, p := range list {
		t.prices[key{p.Region, p.Product}] = p
	}
	return t
}

// Of is the price of a product in a region. A region that has none of its own has that of
// FallbackRegion, which Fallback then names; ok is false where that is missing, too, or the
// region is in another partition, which has its own prices and currency.
func (t Table) Of(region string, product Product) (p Price, ok bool) {
	p, ok = t.prices[key{region, product}]
	if !ok && model.PartitionOf(region) == model.PartitionOf(FallbackRegion) {
		p, ok = t.prices[key{FallbackRegion, product}]
		p.Region, p.Fallback = region, FallbackRegion
	}
	if !ok {
		return Price{}, false
	}
	p.Discount = t.discount
	return p, true
}

// Over lays a table over another one, which counts where the first has no price. The first
// one's discount holds for the prices of both.
func (t Table) Over(other Table) Table {
	out := Table{prices: maps.Clone(other.prices), users: maps.Clone(other.users), discount: cmp.Or(t.discount, other.discount)}
	if out.prices == nil {
		out.prices = map[key]Price{}
	}
	if out.users == nil {
		out.users = map[string]int{}
	}
	maps.Copy(out.prices, t.prices)
	maps.Copy(out.users, t.users)
	return out
}

// Users returns the number of users of a dataset group; known is false if the table has none.
func (t Table) Users(group model.ARN) (users int, known bool) {
	if users, known = t.users[group.String()]; known {
		return users, true
	}
	users, known = t.users[group.Name()]
	return users, known
}

// builtinDate is of the table in the program: that of an estimate whose totals its figures
// reproduce to a cent.
const builtinDate = "2026-08-09"

// builtinSources are the sources of the table, by how sure a price is.
var builtinSources = map[Confidence]string{
	ThirdParty: "built-in table, published by others than AWS; may be out of date",
	Unverified: "built-in table, partly unverified; may be out of date",
}

// Builtin is the table in the program, in USD of us-east-1. AWS documents the price models
// (aws.amazon.com/personalize/pricing, and of recommenders an answer on re:Post); the
// figures were published by others. What a recommender's fee includes, and the price beyond
// it, were not found in any published source.
func Builtin() Table {
	price := func(product Product, confidence Confidence, p Price) Price {
		p.Region, p.Product, p.Currency, p.Date = FallbackRegion, product, "USD", builtinDate
		p.Source, p.Confidence = builtinSources[confidence], confidence
		return p
	}
	return NewTable([]Price{
		price(Campaign, ThirdParty, Price{
			Tiers: []Tier{{UpTo: 20_000, PerTPSHour: 0.20}, {UpTo: 200_000, PerTPSHour: 0.10}, {PerTPSHour: 0.05}},
		}),
		price(CampaignV2, ThirdParty, Price{PerThousand: 0.15}),
		price(Recommender, Unverified, Price{Fee: &Fee{
			PerHour: 0.375, UsersIncluded: 100_000, PerHourMore: 0.045, RequestsIncluded: 4_000, PerThousand: 0.083,
		}}),
		price(Training, ThirdParty, Price{PerHour: 0.24}),
		price(TrainingV2, ThirdParty, Price{PerThousand: 0.002}),
		price(Batch, ThirdParty, Price{PerThousand: 0.086}),
	}, nil, 0)
}
