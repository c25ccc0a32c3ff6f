// Package prices reads prices from files and from the AWS Price List API. They are for the
// estimates of a report; no decision depends on them.
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
	pricelist "github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/pricing/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
)

const (
	operation   = "GetProducts"
	serviceCode = "AmazonPersonalize"  // of Personalize in the price list
	pageSize    = 100                  // the largest MaxResults of GetProducts (API reference)
	source      = "AWS Price List API" // shown beside a price
)

// Lookup returns the prices of throughput in the regions. A region without a price, or
// without a clear one, has a problem that says why.
func Lookup(ctx context.Context, clients *awsapi.Clients, regions []string) (pricing.Table, []model.Problem) {
	var list []pricing.Price
	var problems []model.Problem
	for _, region := range regions {
		found, err := pricesIn(ctx, clients, region)
		list = append(list, found...)
		if err != nil {
			problems = append(problems, model.Problem{Region: region, Operation: operation, Err: err})
		}
	}
	return pricing.NewTable(list, nil, 0), problems
}

// pricesIn reads the products of one region.
func pricesIn(ctx context.Context, clients *awsapi.Clients, region string) ([]pricing.Price, error) {
	from := awsapi.PricingRegion(region)
	if from == "" {
		return nil, errors.New("the Price List API has no endpoint in this partition")
	}
	input := &pricelist.GetProductsInput{
		ServiceCode: aws.String(serviceCode), FormatVersion: aws.String("aws_v1"), MaxResults: aws.Int32(pageSize),
		Filters: []types.Filter{{Field: aws.String("regionCode"), Type: types.FilterTypeTermMatch, Value: aws.String(region)}},
	}
	found := offers{region: region, byProduct: map[pricing.Product][]rate{}}
	client := pricelist.NewFromConfig(clients.ConfigFor(from))
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

// offers collects the prices of throughput in a region.
type offers struct {
	region    string
	byProduct map[pricing.Product][]rate
	units     []string // of the prices skipped
}

// rate is a price of the list, for a part of the volume of a month.
type rate struct {
	from, to   float64 // TPS-hours; to is infinite in the last tier
	perTPSHour float64
	thousand   float64 // price of 1,000 requests; 0 where the unit is a TPS-hour
	currency   string
	date       string
}

// requestsPerTPSHour is how many requests a TPS-hour is.
const requestsPerTPSHour = 3600

// units are those of the price list, and how many of one a TPS-hour is. AWS documents none for
// Personalize, so that only the words count, whatever separates them.
var units = []struct {
	pattern    *regexp.Regexp
	perTPSHour float64
}{
	{regexp.MustCompile(`(?i)^[^a-z]*tps[^a-z]*h(ou)?rs?[^a-z]*$`), 1},
	{regexp.MustCompile(`(?i)^[^a-z0-9]*requests?[^a-z0-9]*$`), requestsPerTPSHour},
	{regexp.MustCompile(`(?i)^[^a-z0-9]*(1[,.]?000|1?k|thousand)[^a-z0-9]*requests?[^a-z0-9]*$`), requestsPerTPSHour / 1000.0},
}

// perTPSHour is how many of a unit a TPS-hour is; 0 for other units.
func perTPSHour(unit string) float64 {
	for _, u := range units {
		if u.pattern.MatchString(unit) {
			return u.perTPSHour
		}
	}
	return 0
}

// add reads one product. It skips what is sold neither by the TPS-hour nor by the request: the
// names of Personalize's usage types are not documented, so only the unit shows what a price is
// for. Requests of a recommender are skipped, too: without its fee their price is useless.
func (o *offers) add(text string) error {
	var it item
	if err := json.Unmarshal([]byte(text), &it); err != nil {
		return fmt.Errorf("a product of the price list cannot be read: %w", err)
	}
	for _, term := range it.Terms.OnDemand {
		for _, d := range term.PriceDimensions {
			product, per := it.productOf(d), perTPSHour(d.Unit)
			if per == 0 || product == "" || product == pricing.Recommender && per != 1 {
				o.units = append(o.units, d.Unit)
				continue
			}
			r, err := d.rate(per)
			if err != nil {
				return err
			}
			r.date, _, _ = strings.Cut(term.EffectiveDate, "T")
			if !slices.Contains(o.byProduct[product], r) {
				o.byProduct[product] = append(o.byProduct[product], r)
			}
		}
	}
	return nil
}

// productOf identifies the product by the words in its attributes; it is empty for what is not
// throughput.
func (it item) productOf(d dimension) pricing.Product {
	words := strings.ToLower(it.Product.Attributes["usagetype"] + " " + it.Product.Attributes["operation"] + " " +
		it.Product.Attributes["group"] + " " + d.Description)
	switch {
	case strings.Contains(words, "batch"), strings.Contains(words, "training"), strings.Contains(words, "metadata"):
		return ""
	case strings.Contains(words, "recommender"):
		return pricing.Recommender
	case strings.Contains(words, "v2"):
		return pricing.CampaignV2
	}
	return pricing.Campaign
}

// rate returns the price of a unit, of which a TPS-hour is per. Of several currencies it uses
// USD; a partition has one currency.
func (d dimension) rate(per float64) (rate, error) {
	currencies := slices.Sorted(maps.Keys(d.PricePerUnit))
	if slices.Contains(currencies, "USD") {
		currencies = []string{"USD"}
	}
	if len(currencies) != 1 {
		return rate{}, fmt.Errorf("a price in %d currencies cannot be read", len(currencies))
	}
	value, err := strconv.ParseFloat(d.PricePerUnit[currencies[0]], 64)
	if err != nil || !(value > 0 && value < 1e6) {
		return rate{}, fmt.Errorf("the price %q per %s cannot be read", d.PricePerUnit[currencies[0]], d.Unit)
	}
	from, err := strconv.ParseFloat(cmp.Or(d.BeginRange, "0"), 64)
	to, failed := strconv.ParseFloat(cmp.Or(d.EndRange, "Inf"), 64)
	if err != nil || failed != nil || !(from >= 0 && from < to) {
		return rate{}, fmt.Errorf("the range %q to %q of a price cannot be read", d.BeginRange, d.EndRange)
	}
	r := rate{from: from / per, to: to / per, perTPSHour: decimal(value * per), currency: currencies[0]}
	if per != 1 {
		r.thousand = decimal(value * per / (requestsPerTPSHour / 1000.0))
	}
	return r, nil
}

// decimal takes the noise of binary fractions off a product: prices have few digits.
func decimal(v float64) float64 {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 12, 64), 64)
	return v
}

// prices returns the prices that are clear; the error names the others.
func (o *offers) prices() ([]pricing.Price, error) {
	var list []pricing.Price
	var unclear []string
	for product, rates := range o.byProduct {
		price, ok := priceOf(product, rates)
		if !ok {
			unclear = append(unclear, string(product))
			continue
		}
		price.Region, price.Product, price.Source, price.Confidence = o.region, product, source, pricing.Official
		list = append(list, price)
	}
	slices.Sort(unclear)
	switch {
	case len(unclear) > 0:
		return list, fmt.Errorf("the price list has several prices for %s, or tiers with gaps; pass yours with --prices",
			strings.Join(unclear, ", "))
	case len(list) == 0:
		slices.Sort(o.units)
		return nil, fmt.Errorf("the price list has no price per TPS-hour or request (units: %s); pass one with --prices",
			cmp.Or(strings.Join(slices.Compact(o.units), ", "), "none"))
	}
	return list, nil
}

// priceOf makes the price of a product; ok is false unless the rates are tiers that follow one
// another from 0 on, in one currency and one unit.
func priceOf(product pricing.Product, rates []rate) (p pricing.Price, ok bool) {
	slices.SortFunc(rates, func(a, b rate) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(a.perTPSHour, b.perTPSHour))
	})
	end := 0.0
	for _, r := range rates {
		if r.from != end || r.currency != rates[0].currency || (r.thousand > 0) != (rates[0].thousand > 0) {
			return pricing.Price{}, false
		}
		end = r.to
		p.Tiers = append(p.Tiers, pricing.Tier{UpTo: r.to, PerTPSHour: r.perTPSHour})
		p.Date = max(p.Date, r.date)
	}
	p.Tiers[len(p.Tiers)-1].UpTo = 0 // the last one goes on
	p.Currency = rates[0].currency
	if each := rates[0].thousand; product == pricing.CampaignV2 && each > 0 && len(rates) == 1 {
		p.Tiers, p.PerThousand = nil, each
	}
	return p, true
}
