package localaws

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// pricingRegions are those with an endpoint of the Price List API (AWS General Reference,
// "AWS Billing and Cost Management endpoints", and the SDK's table in service/pricing).
var pricingRegions = []string{"us-east-1", "eu-central-1", "ap-south-1", "cn-northwest-1"}

// maxProducts is the most results a page of GetProducts has (API reference).
const maxProducts = 100

// pricingState holds prices per TPS-hour by region and product.
type pricingState map[string]map[string]float64

// priceProducts are the words that stand in the attributes of a product. AWS documents
// none of them for Personalize; these are made to be told apart as a person would.
var priceProducts = map[string]struct{ usage, operation string }{
	"campaign":    {"TPS-Hours", "GetRecommendations"},
	"campaignV2":  {"TPS-Hours-V2", "GetRecommendationsV2"},
	"recommender": {"Recommender-TPS-Hours", "Recommender"},
}

func (s *Server) pricingOperations() map[string]operation {
	return map[string]operation{"GetProducts": s.getProducts}
}

type priceFilter struct {
	Field *string `json:"Field"`
	Type  *string `json:"Type"`
	Value *string `json:"Value"`
}

type getProductsOutput struct {
	FormatVersion string   `json:"FormatVersion"`
	NextToken     string   `json:"NextToken,omitempty"`
	PriceList     []string `json:"PriceList"`
}

// getProducts answers the products of AmazonPersonalize that match every filter, each as
// a JSON text of its own, as the real service does.
func (s *Server) getProducts(c *call) (any, error) {
	var in struct {
		ServiceCode   *string       `json:"ServiceCode"`
		Filters       []priceFilter `json:"Filters"`
		FormatVersion *string       `json:"FormatVersion"`
		MaxResults    *int32        `json:"MaxResults"`
		NextToken     *string       `json:"NextToken"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	size := maxProducts
	if in.MaxResults != nil {
		size = int(*in.MaxResults)
	}
	switch {
	case !slices.Contains(pricingRegions, c.region):
		return nil, refuse("UnknownEndpoint", "the Price List API has no endpoint in %s", c.region)
	case value(in.ServiceCode) == "":
		return nil, refuse("InvalidParameterException", "ServiceCode is missing")
	case in.FormatVersion != nil && *in.FormatVersion != "aws_v1":
		return nil, refuse("InvalidParameterException", "FormatVersion %q is not aws_v1", *in.FormatVersion)
	case size < 1 || size > maxProducts:
		return nil, refuse("InvalidParameterException", "MaxResults is 1 to %d", maxProducts)
	}
	products, err := s.productsFor(*in.ServiceCode, in.Filters)
	if err != nil {
		return nil, err
	}
	list, next, ok := page(c, products, func(p product) string { return p.sku }, value(in.NextToken), size)
	if !ok {
		return nil, refuse("InvalidNextTokenException", "the pagination token is invalid")
	}
	out := getProductsOutput{FormatVersion: "aws_v1", NextToken: next, PriceList: []string{}}
	for _, p := range list {
		text, err := p.json()
		if err != nil {
			return nil, err
		}
		out.PriceList = append(out.PriceList, text)
	}
	return out, nil
}

// product is one product of the price list.
type product struct {
	sku        string
	attributes map[string]string
	price      float64
}

func (s *Server) productsFor(serviceCode string, filters []priceFilter) ([]product, error) {
	if serviceCode != "AmazonPersonalize" {
		return nil, nil
	}
	for _, f := range filters {
		if value(f.Field) == "" || value(f.Type) == "" || value(f.Value) == "" {
			return nil, refuse("InvalidParameterException", "a filter has a Field, a Type and a Value")
		}
		if *f.Type != "TERM_MATCH" {
			return nil, refuse("InvalidParameterException", "this endpoint knows filters of type TERM_MATCH only")
		}
	}
	var list []product
	for _, region := range slices.Sorted(maps.Keys(s.pricing)) {
		for name, price := range s.pricing[region] {
			p := product{
				sku: strings.ToUpper(strings.ReplaceAll(region, "-", "") + name), price: price,
				attributes: map[string]string{
					"servicecode": serviceCode, "servicename": "Amazon Personalize", "regionCode": region, "locationType": "AWS Region",
					"usagetype": priceProducts[name].usage, "operation": priceProducts[name].operation,
				},
			}
			if p.matches(filters) {
				list = append(list, p)
			}
		}
	}
	slices.SortFunc(list, func(a, b product) int { return strings.Compare(a.sku, b.sku) })
	return list, nil
}

func (p product) matches(filters []priceFilter) bool {
	for _, f := range filters {
		if p.attributes[*f.Field] != *f.Value {
			return false
		}
	}
	return true
}

// json is the product in the format aws_v1: terms keyed by codes, numbers as texts.
func (p product) json() (string, error) {
	type m = map[string]any
	code := p.sku + ".JRTCKXETXF"
	rate := code + ".6YS6EN2CT7"
	doc := m{
		"product":         m{"productFamily": "Recommendation", "attributes": p.attributes, "sku": p.sku},
		"serviceCode":     "AmazonPersonalize",
		"version":         "20260101000000",
		"publicationDate": "2026-01-01T00:00:00Z",
		"terms": m{"OnDemand": m{code: m{
			"sku": p.sku, "offerTermCode": "JRTCKXETXF", "effectiveDate": "2026-01-01T00:00:00Z", "termAttributes": m{},
			"priceDimensions": m{rate: m{
				"rateCode": rate, "unit": "TPS-Hours", "beginRange": "0", "endRange": "Inf", "appliesTo": []string{},
				"description":  fmt.Sprintf("$%s per TPS-hour in %s", strconv.FormatFloat(p.price, 'f', -1, 64), p.attributes["regionCode"]),
				"pricePerUnit": m{"USD": strconv.FormatFloat(p.price, 'f', 10, 64)},
			}},
		}}},
	}
	text, err := json.Marshal(doc)
	return string(text), err
}

// checkPrices reports what is wrong with a region's prices.
func (r *EstateRegion) checkPrices(found *faultList) {
	for _, name := range slices.Sorted(maps.Keys(r.TPSHourPrices)) {
		if _, known := priceProducts[name]; !known {
			found.add(r.where.line, "tpsHourPrices of %s has %q; it is campaign, campaignV2 or recommender", r.Name, name)
		}
		if price := r.TPSHourPrices[name]; !(price > 0 && price <= 1000) {
			found.add(r.where.line, "tpsHourPrices of %s has %v for %s; a price is above 0, up to 1000", r.Name, price, name)
		}
	}
}
