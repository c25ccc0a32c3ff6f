// Package prices reads from the AWS Price List API what a TPS-hour costs. The prices are
// for the estimates of a report; no decision depends on them.
package prices

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/pricing/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

const (
	operation   = "GetProducts"
	serviceCode = "AmazonPersonalize"  // of Personalize in the price list
	pageSize    = 100                  // the largest MaxResults of GetProducts (API reference)
	source      = "AWS Price List API" // shown beside a price
)

// Lookup returns the prices of a TPS-hour in the regions. A region without a price, or
// without a clear one, has a problem that says why.
func Lookup(ctx context.Context, clients *awsapi.Clients, regions []string) (report.Prices, []model.Problem) {
	var list []report.Price
	var problems []model.Problem
	for _, region := range regions {
		found, err := pricesIn(ctx, clients, region)
		list = append(list, found...)
		if err != nil {
			problems = append(problems, model.Problem{Region: region, Operation: operation, Err: err})
		}
	}
	return report.NewPrices(list...), problems
}

// pricesIn reads the products of one region.
func pricesIn(ctx context.Context, clients *awsapi.Clients, region string) ([]report.Price, error) {
	from := awsapi.PricingRegion(region)
	if from == "" {
		return nil, errors.New("the Price List API has no endpoint in this partition")
	}
	input := &pricing.GetProductsInput{
		ServiceCode: aws.String(serviceCode), FormatVersion: aws.String("aws_v1"), MaxResults: aws.Int32(pageSize),
		Filters: []types.Filter{{Field: aws.String("regionCode"), Type: types.FilterTypeTermMatch, Value: aws.String(region)}},
	}
	found := offers{region: region, byProduct: map[report.Product][]report.Price{}}
	client := pricing.NewFromConfig(clients.ConfigFor(from))
	err := awsapi.ReadPages(func(token *string) (*string, error) {
		input.NextToken = token
		out, err := client.GetProducts(ctx, input)
		if err != nil {
			return nil, awsapi.Plain(err)
		}
		for _, text := range out.PriceList {
			if err := found.add(text); err != nil {
				return nil, err
			}
		}
		return out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return found.prices()
}

type item struct {
	Product struct {
		Attributes map[string]string `json:"attributes"`
	} `json:"product"`
	Terms struct {
		OnDemand map[string]struct {
			EffectiveDate   string               `json:"effectiveDate"`
			PriceDimensions map[string]dimension `json:"priceDimensions"`
		} `json:"OnDemand"`
	} `json:"terms"`
}

type dimension struct {
	Unit         string            `json:"unit"`
	Description  string            `json:"description"`
	BeginRange   string            `json:"beginRange"`
	EndRange     string            `json:"endRange"`
	PricePerUnit map[string]string `json:"pricePerUnit"`
}

// offers collects the TPS-hour prices of a region.
type offers struct {
	region    string
	byProduct map[report.Product][]report.Price
	units     []string // of the prices skipped
}

// tpsHour matches the unit of a TPS-hour, whatever separates its words.
var tpsHour = regexp.MustCompile(`(?i)^[^a-z]*tps[^a-z]*h(ou)?rs?[^a-z]*$`)

// add reads one product. It skips what is not sold by the TPS-hour: the names of
// Personalize's usage types are not documented, so only the unit shows what a price is for.
func (o *offers) add(text string) error {
	var it item
	if err := json.Unmarshal([]byte(text), &it); err != nil {
		return fmt.Errorf("a product of the price list cannot be read: %w", err)
	}
	for _, term := range it.Terms.OnDemand {
		for _, d := range term.PriceDimensions {
			if !tpsHour.MatchString(d.Unit) {
				o.units = append(o.units, d.Unit)
				continue
			}
			price, ok, err := d.price()
			if err != nil {
				return err
			}
			if !ok {
				continue // a further tier
			}
			price.Region, price.Product, price.Source = o.region, it.productOf(d), source
			price.Date, _, _ = strings.Cut(term.EffectiveDate, "T")
			if !slices.Contains(o.byProduct[price.Product], price) {
				o.byProduct[price.Product] = append(o.byProduct[price.Product], price)
			}
		}
	}
	return nil
}

// productOf identifies the product by the words in its attributes.
func (it item) productOf(d dimension) report.Product {
	words := strings.ToLower(it.Product.Attributes["usagetype"] + " " + it.Product.Attributes["operation"] + " " +
		it.Product.Attributes["group"] + " " + d.Description)
	switch {
	case strings.Contains(words, "recommender"):
		return report.ProductRecommender
	case strings.Contains(words, "v2"):
		return report.ProductCampaignV2
	}
	return report.ProductCampaign
}

// price returns the price of the first tier; ok is false for a further one. Of several
// currencies it uses USD; a partition has one currency.
func (d dimension) price() (price report.Price, ok bool, err error) {
	if begin, err := strconv.ParseFloat(cmp.Or(d.BeginRange, "0"), 64); err != nil || begin != 0 {
		return report.Price{}, false, nil //nolint:nilerr // a range that does not begin at 0 is no first tier
	}
	currencies := slices.Sorted(maps.Keys(d.PricePerUnit))
	if slices.Contains(currencies, "USD") {
		currencies = []string{"USD"}
	}
	if len(currencies) != 1 {
		return report.Price{}, false, fmt.Errorf("a price in %d currencies cannot be read", len(currencies))
	}
	value, err := strconv.ParseFloat(d.PricePerUnit[currencies[0]], 64)
	if err != nil || !(value > 0 && value < 1e6) {
		return report.Price{}, false, fmt.Errorf("the price %q per %s cannot be read", d.PricePerUnit[currencies[0]], d.Unit)
	}
	price = report.Price{PerTPSHour: value, Currency: currencies[0]}
	if end, err := strconv.ParseFloat(d.EndRange, 64); err == nil && end > 0 && end < 1e12 {
		price.UpTo = end
	}
	return price, true, nil
}

// prices returns the prices that are clear; the error names the others.
func (o *offers) prices() ([]report.Price, error) {
	var list []report.Price
	var unclear []string
	for product, prices := range o.byProduct {
		if len(prices) > 1 {
			unclear = append(unclear, string(product))
			continue
		}
		list = append(list, prices[0])
	}
	slices.Sort(unclear)
	switch {
	case len(unclear) > 0:
		return list, fmt.Errorf("the price list has several prices per TPS-hour for %s; pass yours with --prices", strings.Join(unclear, ", "))
	case len(list) == 0:
		slices.Sort(o.units)
		return nil, fmt.Errorf("the price list has no price per TPS-hour (units: %s); pass one with --prices",
			cmp.Or(strings.Join(slices.Compact(o.units), ", "), "none"))
	}
	return list, nil
}
