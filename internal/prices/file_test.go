package prices

import (
	"math"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

const goodPrices = `date: 2026-02-01
source: bill of January
currency: EUR
regions:
  eu-west-1: {campaign: 0.2, campaignV2: 0.5}
  us-east-1:
    recommender: 0.1
`

func TestPriceFile(t *testing.T) {
	for name, text := range map[string]string{
		"YAML": goodPrices,
		"JSON": `{"date": "2026-02-01", "source": "bill of January", "currency": "EUR",
			"regions": {"eu-west-1": {"campaign": 0.2, "campaignV2": 0.5}, "us-east-1": {"recommender": 0.1}}}`,
	} {
		prices, err := ParseFile("prices", []byte(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		price, ok := prices.Of("eu-west-1", report.ProductCampaignV2)
		want := report.Price{Region: "eu-west-1", Product: report.ProductCampaignV2, PerTPSHour: 0.5, Currency: "EUR", Date: "2026-02-01", Source: "bill of January"}
		if !ok || price != want || len(prices.All()) != 3 {
			t.Errorf("%s: %+v of %d", name, price, len(prices.All()))
		}
		if _, ok := prices.Of("us-east-1", report.ProductCampaign); ok {
			t.Errorf("%s: a price that is not in the file", name)
		}
	}
}

func TestPriceFilesThatAreRefused(t *testing.T) {
	change := func(from, to string) string { return strings.Replace(goodPrices, from, to, 1) }
	for _, c := range []struct{ name, text, says string }{
		{"empty", "", "date"},
		{"no YAML", "date: [", "p.yaml:"},
		{"a list", "- 1", "p.yaml:"},
		{"an unknown key", goodPrices + "extra: 1\n", "extra"},
		{"a key twice", goodPrices + "date: 2026-02-02\n", "date"},
		{"an unknown product", change("recommender:", "recomender:"), `"recomender" is not one of campaign, campaignV2, recommender`},
		{"no region", change("eu-west-1", "Ireland"), `"Ireland" is not the name of an AWS region`},
		{"a region without prices", change("{campaign: 0.2, campaignV2: 0.5}", "{}"), "eu-west-1 has no prices"},
		{"no regions", "date: 2026-02-01\nsource: x\n", "regions: the file has none"},
		{"no date", change("2026-02-01", "soon"), `date "soon" is not a day`},
		{"a day that is none", change("2026-02-01", "2026-02-30"), "is not a day"},
		{"no source", change("bill of January", `""`), "source"},
		{"a source of two lines", change("bill of January", `"a\nb"`), "source"},
		{"a long source", change("bill of January", strings.Repeat("x", 201)), "source"},
		{"no currency", change("EUR", "euro"), `currency "euro"`},
		{"a negative price", change("0.2", "-0.2"), "-0.2 is not a price"},
		{"nothing", change("0.2", "0"), "0 is not a price"},
		{"a slip", change("0.2", "2000"), "2000 is not a price"},
		{"infinite", change("0.2", ".inf"), "is not a price"},
		{"no number", change("0.2", ".nan"), "is not a price"},
		{"a text", change("0.2", "cheap"), "p.yaml:"},
		{"two documents", goodPrices + "---\n" + goodPrices, "more than one document"},
		{"too large", goodPrices + strings.Repeat("#", maxPriceFile), "more than 65536 bytes"},
		{"too deep", strings.Repeat("[", 40_000), "p.yaml:"},
	} {
		prices, err := ParseFile("p.yaml", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil && len(prices.All()) > 0 {
			t.Errorf("%s: refused, and yet there are prices", c.name)
		}
	}
	_, err := ParseFile("p.yaml", []byte("date: x\nsource: y\ncurrency: z\nregions: {a: {b: -1}}\n"))
	if got := strings.Count(err.Error(), "\n") + 1; got != 5 {
		t.Errorf("not all faults are reported: %v", err)
	}
}

func FuzzParseFile(f *testing.F) {
	for _, seed := range []string{goodPrices, "", "{}", "regions: {us-east-1: {campaign: 1e-3}}", "a: &x [*x]", "date: !!binary x", "? - :\n", "regions: *r"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		prices, err := ParseFile("p", data)
		if err != nil {
			if len(prices.All()) > 0 || err.Error() == "" {
				t.Fatalf("refused with prices: %v", err)
			}
			return
		}
		if len(prices.All()) == 0 {
			t.Fatal("accepted without a price")
		}
		for _, p := range prices.All() {
			if !(p.PerTPSHour > 0) || math.IsInf(p.PerTPSHour, 0) || p.Date == "" || p.Source == "" || len(p.Currency) != 3 || !model.ValidRegion(p.Region) {
				t.Fatalf("accepted: %+v", p)
			}
		}
	})
}
