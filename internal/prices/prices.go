// Package prices asks the AWS Price List API what a TPS-hour costs. It stands beside
// traffic: what it finds goes into the estimates of a report, and nothing is decided on it.
package prices

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// operation is the one that everything here is about.
const operation = "GetProducts"

// serviceCode is that of Personalize in the price list.
const serviceCode = "AmazonPersonalize"

// pageSize is the most products GetProducts gives at a time (API reference, MaxResults).
const pageSize = 100

// source is what stands beside a price found here.
const source = "AWS Price List API"

// productAPI is what is asked of the Price List API.
type productAPI interface {
	GetProducts(context.Context, *pricing.GetProductsInput, ...func(*pricing.Options)) (*pricing.GetProductsOutput, error)
}

// Lookup asks for prices.
type Lookup struct {
	client func(region string) productAPI
}

// New makes a Lookup.
func New(clients *awsapi.Clients) *Lookup {
	return &Lookup{client: func(region string) productAPI { return clients.Pricing(region) }}
}

// For asks what a TPS-hour costs in the regions. A region for which there is no answer, or
// none that is clear, has no price and a problem that tells why.
func (l *Lookup) For(ctx context.Context, regions []string) (report.Prices, []model.Problem) {
	var list []report.Price
	var problems []model.Problem
	for _, region := range regions {
		found, err := l.region(ctx, region)
		list = append(list, found...)
		if err != nil {
			problems = append(problems, model.Problem{Region: region, Operation: operation, Err: err})
		}
	}
	return report.NewPrices(list...), problems
}

// region asks for one region's products, page by page.
func (l *Lookup) region(ctx context.Context, region string) ([]report.Price, error) {
	from := awsapi.PricingRegion(region)
	if from == "" {
		return nil, errors.New("the Price List API has no endpoint in its partition")
	}
	input := &pricing.GetProductsInput{
		ServiceCode: aws.String(serviceCode), FormatVersion: aws.String("aws_v1"), MaxResults: aws.Int32(pageSize),
		Filters: []types.Filter{{Field: aws.String("regionCode"), Type: types.FilterTypeTermMatch, Value: aws.String(region)}},
	}
	found := offers{region: region, byProduct: map[report.Product][]report.Price{}}
	var guard awsapi.Pages
	for {
		out, err := l.client(from).GetProducts(ctx, input)
		if err != nil {
			return nil, awsapi.Plain(err)
		}
		for _, text := range out.PriceList {
			if err := found.add(text); err != nil {
				return nil, err
			}
		}
		more, err := guard.More(aws.ToString(out.NextToken))
		if err != nil {
			return nil, err
		}
		if !more {
			return found.settle()
		}
		input.NextToken = out.NextToken
	}
}

// item is a product of the price list in the format aws_v1.
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

// offers gathers what a region's price list says about TPS-hours.
type offers struct {
	region    string
	byProduct map[report.Product][]report.Price
	units     []string // of what was passed over
}

// add takes in one product. What is not sold by the TPS-hour is passed over: the names of
// Personalize's usage types are not documented, so only the unit says what a price is for.
func (o *offers) add(text string) error {
	var it item
	if err := json.Unmarshal([]byte(text), &it); err != nil {
		return fmt.Errorf("a product of the price list cannot be read: %w", err)
	}
	for _, term := range it.Terms.OnDemand {
		for _, d := range term.PriceDimensions {
			if !d.perTPSHour() {
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

// perTPSHour tells whether a price is for a TPS-hour.
func (d dimension) perTPSHour() bool {
	letters := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(d.Unit))
	return letters == "tpshour" || letters == "tpshours" || letters == "tpshrs" || letters == "tpshr"
}

// productOf tells products apart by the words in their attributes.
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

// price is that of the first tier; ok is false for a further one. Of several currencies
// USD counts, as a partition has one.
func (d dimension) price() (price report.Price, ok bool, err error) {
	if begin, err := strconv.ParseFloat(cmp.Or(d.BeginRange, "0"), 64); err != nil || begin != 0 {
		return report.Price{}, false, nil //nolint:nilerr // what does not begin at 0 is no first tier
	}
	currencies := make([]string, 0, len(d.PricePerUnit))
	for currency := range d.PricePerUnit {
		currencies = append(currencies, currency)
	}
	slices.Sort(currencies)
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

// settle gives the prices that are clear, and says what was not.
func (o *offers) settle() ([]report.Price, error) {
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
		return list, fmt.Errorf("the price list has several prices per TPS-hour for %s; give the one that is yours with --prices", strings.Join(unclear, ", "))
	case len(list) == 0:
		slices.Sort(o.units)
		return nil, fmt.Errorf("the price list has no price per TPS-hour (units: %s); give one with --prices",
			cmp.Or(strings.Join(slices.Compact(o.units), ", "), "none"))
	}
	return list, nil
}
