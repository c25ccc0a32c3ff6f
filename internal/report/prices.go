package report

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

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
	// cheaper; 0 if that is not known. Discounts beyond it are not reckoned with.
	UpTo float64 `json:"upTo,omitempty"`
}

// Amount is a price with its currency, and all its digits.
func (p Price) Amount() string { return p.Currency + " " + digits(p.PerTPSHour) }

// Prices is a price table. The zero value has no price.
type Prices struct{ list map[priceKey]Price }

type priceKey struct {
	region  string
	product Product
}

// NewPrices makes a table; of two prices for the same thing the later counts.
func NewPrices(list ...Price) Prices {
	p := Prices{list: map[priceKey]Price{}}
	for _, one := range list {
		p.list[priceKey{one.Region, one.Product}] = one
	}
	return p
}

// Of is the price of a product in a region; ok is false if there is none.
func (p Prices) Of(region string, product Product) (price Price, ok bool) {
	price, ok = p.list[priceKey{region, product}]
	return price, ok
}

// Over lays a table over another one, which counts where the first has no price.
func (p Prices) Over(other Prices) Prices {
	return NewPrices(slices.Concat(other.All(), p.All())...)
}

// All lists the prices by region and product.
func (p Prices) All() []Price {
	list := make([]Price, 0, len(p.list))
	for _, one := range p.list {
		list = append(list, one)
	}
	sortPrices(list)
	return list
}

func sortPrices(list []Price) {
	slices.SortFunc(list, func(a, b Price) int {
		return strings.Compare(a.Region+" "+string(a.Product), b.Region+" "+string(b.Product))
	})
}

// builtinSource says where the table in the program comes from.
const builtinSource = "built-in table, from aws.amazon.com/personalize/pricing; may be out of date"

// builtinDate is when that table was noted.
const builtinDate = "2026-11-22"

// BuiltinPrices is the table in the program. It holds only what is known to have been on
// the price page: custom recipes other than v2, in us-east-1, the first tier. Every other
// price has to be given in a file or asked of AWS.
func BuiltinPrices() Prices {
	return NewPrices(Price{
		Region: "us-east-1", Product: ProductCampaign, PerTPSHour: 0.20, Currency: "USD",
		Date: builtinDate, Source: builtinSource, UpTo: 20_000,
	})
}

// Limits on a price file.
const (
	maxPriceFile = 64 << 10
	maxBrackets  = 2000   // deeper nesting would cost the parser its stack
	maxPrice     = 1000.0 // per TPS-hour; more is a slip
	maxSource    = 200
)

var currencyPattern = regexp.MustCompile(`^[A-Z]{3}$`)

// priceFile is a file of prices, YAML or JSON.
type priceFile struct {
	Date     string                         `yaml:"date"`
	Source   string                         `yaml:"source"`
	Currency string                         `yaml:"currency"`
	Regions  map[string]map[Product]float64 `yaml:"regions"`
}

// ParsePrices reads a price file: YAML, of which JSON is a part, with the keys date,
// source, currency (USD if left out) and regions, which has prices per TPS-hour by product.
// Whatever else is in it is refused, and so is what cannot be a price; the error has a
// line for each fault.
func ParsePrices(name string, data []byte) (prices Prices, err error) {
	// The parser is not ours, and a file may hold anything: a panic in it is a file that
	// cannot be read.
	defer func() {
		if recover() != nil {
			prices, err = Prices{}, fmt.Errorf("%s: not readable as YAML", name)
		}
	}()
	switch {
	case len(data) > maxPriceFile:
		return Prices{}, fmt.Errorf("%s: has %d bytes or more, more than the %d that are read", name, len(data), maxPriceFile)
	case bytes.Count(data, []byte("{"))+bytes.Count(data, []byte("["))+bytes.Count(data, []byte("- ")) > maxBrackets:
		return Prices{}, fmt.Errorf("%s: has more brackets than a price file needs", name)
	}
	file, err := parser.ParseBytes(data, 0)
	switch {
	case err != nil:
		return Prices{}, fmt.Errorf("%s: %s", name, firstLine(err))
	case len(file.Docs) > 1:
		return Prices{}, fmt.Errorf("%s: has %d documents, one is read", name, len(file.Docs))
	}
	var in priceFile
	if err := yaml.UnmarshalWithOptions(data, &in, yaml.Strict()); err != nil {
		return Prices{}, fmt.Errorf("%s: %s", name, firstLine(err))
	}
	if in.Currency == "" {
		in.Currency = "USD"
	}
	if faults := in.faults(); len(faults) > 0 {
		for i := range faults {
			faults[i] = fmt.Errorf("%s: %w", name, faults[i])
		}
		return Prices{}, errors.Join(faults...)
	}
	var list []Price
	for region, prices := range in.Regions {
		for product, price := range prices {
			list = append(list, Price{
				Region: region, Product: product, PerTPSHour: price,
				Currency: in.Currency, Date: in.Date, Source: in.Source,
			})
		}
	}
	return NewPrices(list...), nil
}

// faults are what is wrong with the file's values, sorted.
func (f priceFile) faults() []error {
	var faults []error
	if _, err := time.Parse(time.DateOnly, f.Date); err != nil {
		faults = append(faults, fmt.Errorf("date %q is not a day such as 2026-01-31", f.Date))
	}
	if f.Source == "" || len(f.Source) > maxSource || strings.ContainsFunc(f.Source, unicode.IsControl) {
		faults = append(faults, fmt.Errorf("source %q is not one line of 1 to %d characters that tells where the prices come from", f.Source, maxSource))
	}
	if !currencyPattern.MatchString(f.Currency) {
		faults = append(faults, fmt.Errorf("currency %q is not three capital letters such as USD", f.Currency))
	}
	if len(f.Regions) == 0 {
		faults = append(faults, errors.New("regions: there are none"))
	}
	var inRegions []error
	for region, prices := range f.Regions {
		if !model.ValidRegion(region) {
			inRegions = append(inRegions, fmt.Errorf("regions: %q is not the name of an AWS region", region))
		}
		if len(prices) == 0 {
			inRegions = append(inRegions, fmt.Errorf("regions: %s has no prices", region))
		}
		for product, price := range prices {
			if !slices.Contains(Products(), product) {
				inRegions = append(inRegions, fmt.Errorf("regions: %s: %q is not one of campaign, campaignV2, recommender", region, product))
			}
			if !(price > 0 && price <= maxPrice) || math.IsInf(price, 0) {
				inRegions = append(inRegions, fmt.Errorf("regions: %s: %s: %v is not a price per TPS-hour above 0, up to %v", region, product, price, maxPrice))
			}
		}
	}
	slices.SortFunc(inRegions, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return append(faults, inRegions...)
}

// firstLine is what a YAML error says, without the excerpt of the file below it.
func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}
