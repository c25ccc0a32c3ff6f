package localaws

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/pricing/types"
)

func pricingClient(t *testing.T, region string) *pricing.Client {
	t.Helper()
	s, err := New(Estate{Regions: []EstateRegion{
		{Name: "us-east-1", TPSHourPrices: map[string]float64{"campaign": 0.25, "campaignV2": 0.5, "recommender": 0.125}},
		{Name: "eu-west-1", TPSHourPrices: map[string]float64{"campaign": 0.3}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return pricing.New(pricing.Options{
		Region: region, BaseEndpoint: aws.String(web.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("LOCAL", "local", ""),
	})
}

func TestGetProducts(t *testing.T) {
	client := pricingClient(t, "us-east-1")
	in := &pricing.GetProductsInput{ServiceCode: aws.String("AmazonPersonalize"), MaxResults: aws.Int32(2)}
	skus := map[string]bool{}
	pages := 0
	for paginator := pricing.NewGetProductsPaginator(client, in); paginator.HasMorePages(); pages++ {
		out, err := paginator.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range out.PriceList {
			var p struct{ Product struct{ SKU string } }
			if err := json.Unmarshal([]byte(text), &p); err != nil {
				t.Fatal(err)
			}
			skus[p.Product.SKU] = true
		}
	}
	if len(skus) != 4 || pages != 2 {
		t.Errorf("%d products on %d pages", len(skus), pages)
	}
	filter := func(field, value string) []types.Filter {
		return []types.Filter{{Field: aws.String(field), Type: types.FilterTypeTermMatch, Value: aws.String(value)}}
	}
	for _, c := range []struct {
		service string
		filters []types.Filter
		want    int
	}{
		{"AmazonPersonalize", filter("regionCode", "us-east-1"), 3},
		{"AmazonPersonalize", filter("regionCode", "us-west-2"), 0},
		{"AmazonEC2", nil, 0},
	} {
		out, err := client.GetProducts(context.Background(), &pricing.GetProductsInput{ServiceCode: aws.String(c.service), Filters: c.filters})
		if err != nil || len(out.PriceList) != c.want {
			t.Errorf("%s: %v, %v", c.service, out, err)
		}
	}
}

func TestGetProductsRefuses(t *testing.T) {
	good := func() *pricing.GetProductsInput {
		return &pricing.GetProductsInput{ServiceCode: aws.String("AmazonPersonalize")}
	}
	for _, c := range []struct {
		name, region, says string
		change             func(*pricing.GetProductsInput)
	}{
		{"a region without an endpoint", "eu-west-1", "no endpoint in eu-west-1", func(*pricing.GetProductsInput) {}},
		{"another format", "us-east-1", "FormatVersion", func(in *pricing.GetProductsInput) { in.FormatVersion = aws.String("v2") }},
		{"a page too long", "us-east-1", "MaxResults", func(in *pricing.GetProductsInput) { in.MaxResults = aws.Int32(101) }},
		{"a token of somebody's", "us-east-1", "InvalidNextTokenException", func(in *pricing.GetProductsInput) { in.NextToken = aws.String("x") }},
		{"another filter", "us-east-1", "TERM_MATCH", func(in *pricing.GetProductsInput) {
			in.Filters = []types.Filter{{Field: aws.String("a"), Type: types.FilterTypeContains, Value: aws.String("b")}}
		}},
		{"half a filter", "us-east-1", "a filter has", func(in *pricing.GetProductsInput) {
			in.Filters = []types.Filter{{Field: aws.String("a"), Type: types.FilterTypeTermMatch, Value: aws.String("")}}
		}},
	} {
		in := good()
		c.change(in)
		if _, err := pricingClient(t, c.region).GetProducts(context.Background(), in); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestPricesOfAnEstateFile(t *testing.T) {
	for text, says := range map[string]string{
		"regions:\n  us-east-1:\n    tpsHourPrices: {campaign: 0.2}\n":   "",
		"regions:\n  us-east-1:\n    tpsHourPrices: {camping: 0.2}\n":    `"camping"`,
		"regions:\n  us-east-1:\n    tpsHourPrices: {campaign: -1}\n":    "above 0",
		"regions:\n  us-east-1:\n    tpsHourPrices: {campaign: cheap}\n": "number",
	} {
		_, err := ParseEstate([]byte(text), "e.yaml", nil)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
