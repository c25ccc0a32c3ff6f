package prices

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
)

var today = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

const goodPrices = `date: 2026-02-01
source: bill of January
currency: EUR
regions:
  eu-west-1: {campaign: 0.2, campaignV2: 0.5}
  us-east-1:
    recommender: 0.1
`

// fullPrices has every key.
const fullPrices = `# of our contract
date: 2026-02-01
source: bill of January
currency: EUR
discount: 7.5
users:
  shop: 250000
  arn:aws:personalize:eu-west-1:123456789012:dataset-group/video: 90000
regions:
  eu-west-1:
    campaign:
      tiers:
        - {upTo: 20000, perTPSHour: 0.22}
        - {upTo: 200000, perTPSHour: 0.11}
        - {perTPSHour: 0.055}
    campaignV2: {perThousandRequests: 0.16}
    recommender:
      perHour: 0.4
      usersIncluded: 50000
      perHourPerFurtherUsers: 0.05
      requestsIncluded: 4500
      perThousandRequests: 0
    training: {perHour: 0.25}
    trainingV2: {perThousandInteractions: 0.003}
    batch: {perThousand: 0.09}
  us-east-1:
    campaign: {perTPSHour: 0.2}
    campaignV2: {perTPSHour: 0.5}
    recommender: {perTPSHour: 0.1}
    training: 0.24
    trainingV2: 0.002
    batch: 0.086
`

// all are the prices of a table, without fallbacks and discount.
func all(t pricing.Table) (list []pricing.Price) {
	for _, region := range slices.Concat(awsapi.PersonalizeRegions("aws"), awsapi.PersonalizeRegions("aws-cn")) {
		for _, product := range pricing.Products() {
			if p, ok := t.Of(region, product); ok && p.Fallback == "" {
				p.Discount = 0
				list = append(list, p)
			}
		}
	}
	return list
}

func TestThePresentFormOfAPriceFile(t *testing.T) {
	for name, text := range map[string]string{
		"YAML": goodPrices,
		"JSON": `{"date": "2026-02-01", "source": "bill of January", "currency": "EUR",
			"regions": {"eu-west-1": {"campaign": 0.2, "campaignV2": 0.5}, "us-east-1": {"recommender": 0.1}}}`,
	} {
		prices, err := ParseFile("prices", []byte(text), today)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		price, ok := prices.Of("eu-west-1", pricing.CampaignV2)
		want := pricing.Price{
			Region: "eu-west-1", Product: pricing.CampaignV2, Tiers: []pricing.Tier{{PerTPSHour: 0.5}}, Currency: "EUR",
			Date: "2026-02-01", Source: "bill of January", Confidence: pricing.Given,
		}
		if !ok || !cmp.Equal(price, want) || len(all(prices)) != 3 {
			t.Errorf("%s: %+v of %d", name, price, len(all(prices)))
		}
		if _, ok := prices.Of("us-east-1", pricing.Campaign); ok {
			t.Errorf("%s: a price that is not in the file", name)
		}
	}
}

func TestPriceModelsInAFile(t *testing.T) {
	prices, err := ParseFile("prices", []byte(fullPrices), today)
	if err != nil {
		t.Fatal(err)
	}
	figures := map[string]string{}
	for _, p := range all(prices) {
		figures[p.Region+" "+string(p.Product)] = p.Figures()
	}
	want := map[string]string{
		"eu-west-1 campaign":    "EUR 0.22 per TPS-hour up to 20,000 a month, 0.11 up to 200,000, 0.055 beyond",
		"eu-west-1 campaignV2":  "EUR 0.16 per 1,000 requests",
		"eu-west-1 recommender": "EUR 0.4 an hour up to 50,000 users (0.05 for each further 50,000) with 4,500 requests, 0 per 1,000 beyond",
		"eu-west-1 training":    "EUR 0.25 per training hour",
		"eu-west-1 trainingV2":  "EUR 0.003 per 1,000 interactions",
		"eu-west-1 batch":       "EUR 0.09 per 1,000 users or items",
		"us-east-1 campaign":    "EUR 0.2 per TPS-hour",
		"us-east-1 campaignV2":  "EUR 0.5 per TPS-hour",
		"us-east-1 recommender": "EUR 0.1 per TPS-hour",
		"us-east-1 training":    "EUR 0.24 per training hour",
		"us-east-1 trainingV2":  "EUR 0.002 per 1,000 interactions",
		"us-east-1 batch":       "EUR 0.086 per 1,000 users or items",
	}
	if diff := cmp.Diff(want, figures); diff != "" {
		t.Error(diff)
	}
	if p, _ := prices.Of("eu-west-1", pricing.Training); p.Discount != 7.5 {
		t.Errorf("discount: %+v", p)
	}
	arn, _ := model.ParseARN("arn:aws:personalize:eu-west-1:123456789012:dataset-group/video")
	if n, ok := prices.Users(arn); !ok || n != 90_000 {
		t.Errorf("%d users, known: %v", n, ok)
	}
	arn, _ = model.ParseARN("arn:aws:personalize:us-east-1:123456789012:dataset-group/shop")
	if n, ok := prices.Users(arn); !ok || n != 250_000 {
		t.Errorf("%d users, known: %v", n, ok)
	}
	only, err := ParseFile("prices", []byte("date: 2026-02-01\nsource: contract\ndiscount: 10\n"), today)
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := only.Over(pricing.Builtin()).Of("us-east-1", pricing.Training); !ok || p.Discount != 10 || p.Currency != "USD" {
		t.Errorf("a discount alone holds for the built-in prices: %+v", p)
	}
}

// Every example of the guide is a valid price file.
func TestTheExamplesOfTheGuide(t *testing.T) {
	guide, err := os.ReadFile("../../docs/guide/bill.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(guide, -1)
	if len(examples) != 2 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, example := range examples {
		if _, err := ParseFile("bill.md", example[1], time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)); err != nil {
			t.Error(err)
		}
	}
}

// place is what every fault begins with.
var place = regexp.MustCompile(`^p\.yaml:\d+:\d+: `)

func TestPriceFilesThatAreRefused(t *testing.T) {
	change := func(from, to string) string { return strings.Replace(goodPrices, from, to, 1) }
	full := func(from, to string) string { return strings.Replace(fullPrices, from, to, 1) }
	for _, c := range []struct{ name, text, says string }{
		{"no YAML", "date: [", "p.yaml:1:"},
		{"a list", "- 1", "p.yaml:1:1: a price file is not a mapping of keys to values"},
		{"an unknown key", goodPrices + "extra: 1\n", `p.yaml:8:1: "extra" is not a key of a price file: currency, date, discount, regions, source, users`},
		{"a key twice", goodPrices + "date: 2026-02-02\n", `p.yaml:8:1: not readable as YAML: mapping key "date" already defined`},
		{"an unknown product", change("recommender:", "recomender:"), `p.yaml:7:5: "recomender" is not one of campaign, campaignV2, recommender, training`},
		{"an unknown region", change("eu-west-1", "eu-wset-1"), `p.yaml:5:3: "eu-wset-1" is not a region that offers Amazon Personalize: ap-northeast-1,`},
		{"a region without prices", change("{campaign: 0.2, campaignV2: 0.5}", "{}"), "p.yaml:5:14: eu-west-1 has no prices"},
		{"a region without anything", change("{campaign: 0.2, campaignV2: 0.5}", ""), "eu-west-1 is not a mapping"},
		{"no regions", "date: 2026-02-01\nsource: x\n", "p.yaml:1:1: regions is missing"},
		{"empty regions", "date: 2026-02-01\nsource: x\nregions: {}\n", "p.yaml:3:10: regions has no region"},
		{"no date", "source: x\nregions: {us-east-1: {campaign: 1}}\n", "p.yaml:1:1: date is missing"},
		{"a date in words", change("2026-02-01", "soon"), `p.yaml:1:7: date: "soon" is not a day`},
		{"a day that does not exist", change("2026-02-01", "2026-02-30"), `"2026-02-30" is not a day`},
		{"a date in the future", change("2026-02-01", "2026-03-06"), "p.yaml:1:7: date 2026-03-06 is in the future"},
		{"no source", "date: 2026-02-01\nregions: {us-east-1: {campaign: 1}}\n", "p.yaml:1:1: source is missing"},
		{"an empty source", change("bill of January", `""`), "p.yaml:2:9: source is not one line"},
		{"a source of two lines", change("bill of January", `"a\nb"`), "source is not one line"},
		{"a long source", change("bill of January", strings.Repeat("x", 201)), "source is not one line"},
		{"a source that is a list", change("bill of January", "[a]"), "source is not one line"},
		{"a currency in small letters", change("EUR", "euro"), `p.yaml:3:11: currency: "euro" is not a currency code of ISO 4217`},
		{"a currency that does not exist", change("EUR", "EUX"), `currency: "EUX" is not a currency code`},
		{"a negative price", change("0.2", "-0.2"), "p.yaml:5:25: campaign: -0.2 is not a price per TPS-hour above 0, up to 1000"},
		{"nothing", change("0.2", "0"), "0 is not a price"},
		{"a slip", change("0.2", "2000"), "2000 is not a price"},
		{"infinite", change("0.2", ".inf"), "is not a price"},
		{"no number", change("0.2", ".nan"), "is not a price"},
		{"a text", change("0.2", "cheap"), `p.yaml:5:25: campaign: "cheap" is not a price per TPS-hour`},
		{"a list of prices", change("0.2", "[1]"), "campaign: a list is not a price"},
		{"two documents", goodPrices + "---\n" + goodPrices, "more than one document"},
		{"a discount of everything", full("7.5", "100"), "p.yaml:5:11: discount: 100 is not a percentage from 0 to below 100"},
		{"a negative discount", full("7.5", "-1"), "discount: -1 is not a percentage"},
		{"users in words", full("250000", "many"), `p.yaml:7:9: users of shop: "many" is not a whole number from 0 on`},
		{"half a user", full("250000", "2.5"), "2.5 is not a whole number"},
		{"users of a campaign", full("dataset-group/video", "campaign/video"), "p.yaml:8:3: users: "},
		{"a misspelt key of a tier", full("perTPSHour: 0.22", "perTpsHour: 0.22"), `"perTpsHour" is not a key of a tier: perTPSHour, upTo`},
		{"a tier without a price", full(", perTPSHour: 0.22", ""), "tier 1: perTPSHour is missing"},
		{"tiers that go down", full("upTo: 200000", "upTo: 10000"), "tier 2: upTo is not higher"},
		{"a last tier with an end", full("{perTPSHour: 0.055}", "{upTo: 300000, perTPSHour: 0.055}"), "tier 3: every tier but the last has upTo"},
		{"a tier without an end", full("upTo: 200000, ", ""), "tier 2: every tier but the last has upTo"},
		{"tiers that are one number", strings.Replace(fullPrices, "campaign: {perTPSHour: 0.2}", "campaign: {tiers: 2}", 1), "tiers is not a list of 1 to 20 tiers"},
		{"a misspelt key of a fee", full("perHour: 0.4", "perhour: 0.4"), `"perhour" is not a key of recommender: perHour,`},
		{"a fee without a price", full("      perHour: 0.4\n", ""), "recommender: perHour is missing"},
		{"two models", full("{perTPSHour: 0.1}", "{perTPSHour: 0.1, perHour: 1}"), "recommender: perTPSHour excludes the other keys"},
		{"a negative number of requests", full("4500", "-1"), "requestsIncluded: -1 is not a whole number"},
		{"a negative price beyond", full("perThousandRequests: 0\n", "perThousandRequests: -1\n"), "perThousandRequests: -1 is not a price from 0 to 1000"},
	} {
		prices, err := ParseFile("p.yaml", []byte(c.text), today)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, line := range strings.Split(err.Error(), "\n") {
			if !place.MatchString(line) {
				t.Errorf("%s: no line and column: %s", c.name, line)
			}
		}
		for _, word := range []string{"float64", "string", "struct", "interface", "map["} {
			if strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q in %v", c.name, word, err)
			}
		}
		if len(all(prices)) > 0 {
			t.Errorf("%s: refused, and yet there are prices", c.name)
		}
	}
	for name, text := range map[string]string{
		"empty": "", "too large": goodPrices + strings.Repeat("#", maxPriceFile), "too deep": strings.Repeat("[", 40_000),
	} {
		if _, err := ParseFile("p.yaml", []byte(text), today); err == nil || !strings.HasPrefix(err.Error(), "p.yaml: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := ParseFile("p.yaml", []byte("date: x\nsource: y\ncurrency: z\nregions: {a: {b: -1}}\n"), today)
	if got := strings.Count(err.Error(), "\n") + 1; got != 4 {
		t.Errorf("not all faults are reported: %v", err)
	}
	many := strings.Builder{}
	for i := range 30 {
		fmt.Fprintf(&many, "key%d: 1\n", i)
	}
	if _, err := ParseFile("p.yaml", []byte(many.String()), today); !strings.HasSuffix(err.Error(), "p.yaml: and 10 more") {
		t.Errorf("many faults: %v", err)
	}
	if _, err := ParseFile("p.yaml", []byte(change("2026-02-01", "2026-03-05")), today); err != nil {
		t.Errorf("where it is tomorrow already: %v", err)
	}
}

// A slip of the pen is one fault, in words that fit it.
func TestOneFaultOnePriceFileLine(t *testing.T) {
	change := func(from, to string) string { return strings.Replace(goodPrices, from, to, 1) }
	full := func(from, to string) string { return strings.Replace(fullPrices, from, to, 1) }
	const references = "anchors (&), aliases (*) and merge keys (<<) are not accepted; write the value out"
	for _, c := range []struct{ name, text, says string }{
		{"regions misspelt", change("regions:", "region:"), `p.yaml:4:1: "region" is not a key of a price file: currency, date, discount, regions, source, users`},
		{"date misspelt", change("date:", "data:"), `p.yaml:1:1: "data" is not a key of a price file: currency, date, discount, regions, source, users`},
		{"a key of a tier misspelt", full("perTPSHour: 0.22", "perTpsHour: 0.22"), `p.yaml:13:25: "perTpsHour" is not a key of a tier: perTPSHour, upTo`},
		{"a key of a model misspelt", full("training: {perHour", "training: {perhour"), `p.yaml:23:16: "perhour" is not a key of training: perHour`},
		{"an anchor", change("{campaign: 0.2,", "{campaign: &a 0.2,"), "p.yaml:5:25: " + references},
		{"an anchor and its alias", change("{campaign: 0.2, campaignV2: 0.5}", "{campaign: &a 0.2, campaignV2: *a}"), "p.yaml:5:25: " + references},
		{"a merge key", "date: 2026-02-01\nsource: x\nregions:\n  us-east-1: &all {campaign: 0.2}\n  eu-west-1:\n    <<: *all\n", "p.yaml:4:14: " + references},
		{"a file that is an anchor", "&a {date: 2026-02-01, source: x, discount: 1}", "p.yaml:1:1: " + references},
		{"an empty price", change("recommender: 0.1", "recommender:"), "p.yaml:7:18: recommender: an empty value is not a price per TPS-hour above 0, up to 1000"},
		{"an empty key of a model", full("{perHour: 0.25}", "{perHour: }"), "p.yaml:23:24: perHour: an empty value is not a price per training hour above 0, up to 1000"},
		{"null", change("recommender: 0.1", "recommender: null"), "p.yaml:7:18: recommender: an empty value is not a price per TPS-hour above 0, up to 1000"},
		{"an empty date", change("2026-02-01", ""), "date: an empty value is not a day such as 2026-01-31"},
		{"an empty discount", full(" 7.5", ""), "discount: an empty value is not a percentage from 0 to below 100"},
		{"a mapping as users", full("250000", "{a: 1}"), "users of shop: a mapping is not a whole number from 0 on"},
	} {
		_, err := ParseFile("p.yaml", []byte(c.text), today)
		if err == nil || !strings.HasSuffix(err.Error(), c.says) || strings.Contains(err.Error(), "\n") || !place.MatchString(err.Error()) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func FuzzParseFile(f *testing.F) {
	for _, seed := range []string{goodPrices, fullPrices, "", "{}", "regions: {us-east-1: {campaign: 1e-3}}", "a: &x [*x]", "date: !!binary x", "? - :\n", "regions: *r"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		prices, err := ParseFile("p", data, today)
		if err != nil {
			if len(all(prices)) > 0 || err.Error() == "" {
				t.Fatalf("refused with prices: %v", err)
			}
			return
		}
		for _, p := range all(prices) {
			models := 0
			for _, set := range []bool{len(p.Tiers) > 0, p.PerThousand > 0, p.PerHour > 0, p.Fee != nil} {
				if set {
					models++
				}
			}
			if models != 1 || p.Date == "" || p.Source == "" || len(p.Currency) != 3 || !model.ValidRegion(p.Region) {
				t.Fatalf("accepted: %+v", p)
			}
			end := 0.0
			for i, tier := range p.Tiers {
				if !(tier.PerTPSHour > 0) || math.IsInf(tier.PerTPSHour, 0) || (tier.UpTo <= end) != (i == len(p.Tiers)-1) {
					t.Fatalf("accepted: %+v", p)
				}
				end = tier.UpTo
			}
			if p.Fee != nil && !(p.Fee.PerHour > 0 && p.Fee.UsersIncluded > 0 && p.Fee.RequestsIncluded >= 0) {
				t.Fatalf("accepted: %+v", p.Fee)
			}
		}
	})
}
