// Package pricing is the AWS Price List API, with the prices of Amazon Personalize.
package pricing

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

const codeParameter = "InvalidParameterException"

// regions are those with an endpoint of the API (AWS General Reference, "AWS Billing and Cost
// Management endpoints", and the SDK's table in service/pricing).
var regions = []string{"us-east-1", "eu-central-1", "ap-south-1", "cn-northwest-1"}

// attributes are the words in the attributes of a product. AWS documents none of them for
// Personalize; these are chosen so that a person can tell them apart.
var attributes = map[string]struct{ usage, operation string }{
	"campaign":    {"TPS-Hours", "GetRecommendations"},
	"campaignV2":  {"TPS-Hours-V2", "GetRecommendationsV2"},
	"recommender": {"Recommender-TPS-Hours", "Recommender"},
}

// Service is the price list.
type Service struct{ products []product } // by SKU

type product struct {
	sku        string
	attributes map[string]string
	price      float64 // USD per TPS-hour
}

// New makes a price list of the prices of an estate.
func New(estate estatefile.Estate) *Service {
	s := &Service{}
	listed := map[string]bool{} // by SKU; the accounts agree on prices
	for _, region := range estate.All() {
		for name, price := range region.TPSHourPrices {
			sku := strings.ToUpper(strings.ReplaceAll(region.Name, "-", "") + name)
			if listed[sku] {
				continue
			}
			listed[sku] = true
			s.products = append(s.products, product{
				sku: sku, price: price,
				attributes: map[string]string{
					"servicecode": "AmazonPersonalize", "servicename": "Amazon Personalize", "regionCode": region.Name, "locationType": "AWS Region",
					"usagetype": attributes[name].usage, "operation": attributes[name].operation,
				},
			})
		}
	}
	slices.SortFunc(s.products, func(a, b product) int { return strings.Compare(a.sku, b.sku) })
	return s
}

// API describes the service.
func (s *Service) API() *api.Service {
	return &api.Service{
		Name: "pricing", Signing: "pricing", Protocols: []wire.Protocol{wire.JSON}, Target: "AWSPriceListService",
		Operations: map[string]api.Operation{"GetProducts": api.Op(s.getProducts)},
		Model: api.NewModel(codeParameter, codeParameter, api.Refuse("InvalidNextTokenException", "the pagination token is invalid"),
			map[string]api.Pattern{"format": {Expression: api.Lazy(`^aws_v1$`), Rule: "be aws_v1"}}),
	}
}

type getProductsInput struct {
	ServiceCode   string   `json:"ServiceCode" check:"required"`
	Filters       []filter `json:"Filters"`
	FormatVersion *string  `json:"FormatVersion" check:"format"`
	MaxResults    *int32   `json:"MaxResults" check:"1..100"`
	NextToken     *string  `json:"NextToken"`
}

type filter struct {
	Field string `json:"Field"`
	Type  string `json:"Type"`
	Value string `json:"Value"`
}

// getProducts returns the products that match every filter, each as a JSON text, as the real
// service does.
func (s *Service) getProducts(c *api.Call, in *getProductsInput) (any, error) {
	if !slices.Contains(regions, c.Region) {
		return nil, api.Refuse("UnknownEndpoint", "the Price List API has no endpoint in %s", c.Region)
	}
	for _, f := range in.Filters {
		if f.Field == "" || f.Value == "" || f.Type != "TERM_MATCH" {
			return nil, api.Refuse(codeParameter, "a filter has a Field, a Value and the Type TERM_MATCH, the only one of this endpoint")
		}
	}
	products := api.Filter(s.products, func(p product) bool {
		return p.attributes["servicecode"] == in.ServiceCode &&
			!slices.ContainsFunc(in.Filters, func(f filter) bool { return p.attributes[f.Field] != f.Value })
	})
	products, next, err := api.Page(c, products, func(p product) string { return p.sku }, in.NextToken, in.MaxResults, 100)
	list := []string{}
	for _, p := range products {
		text, err := p.json()
		if err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	out := api.Listing("PriceList", list, "NextToken", next)
	out["FormatVersion"] = "aws_v1"
	return out, err
}

// json is the product in the format aws_v1: terms keyed by codes, numbers as texts.
func (p product) json() (string, error) {
	type m = map[string]any
	code := p.sku + ".JRTCKXETXF"
	rate := code + ".6YS6EN2CT7"
	text, err := json.Marshal(m{
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
	})
	return string(text), err
}
