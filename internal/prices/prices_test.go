package prices

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
)

// Through the real SDK, against the embedded endpoint: each region's prices come from
// the endpoint that serves it.
func TestPricesThroughTheWire(t *testing.T) {
	server, err := localaws.New(localaws.Estate{Regions: []localaws.EstateRegion{
		{Name: "us-east-1", TPSHourPrices: map[string]float64{"campaign": 0.25, "campaignV2": 0.5, "recommender": 0.1}},
		{Name: "eu-west-1", TPSHourPrices: map[string]float64{"campaign": 0.3}},
		{Name: "us-west-2"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(server)
	defer endpoint.Close()
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig("us-west-2", endpoint.URL, "LOCAL", nil)})
	defer clients.Close()
	got, problems := Lookup(context.Background(), clients, []string{"eu-west-1", "us-east-1", "us-gov-west-1", "us-west-2"})

	for product, want := range map[pricing.Product]float64{
		pricing.Campaign: 0.25, pricing.CampaignV2: 0.5, pricing.Recommender: 0.1,
	} {
		price, ok := got.Of("us-east-1", product)
		if !ok || price.PerTPSHour() == nil || *price.PerTPSHour() != want || price.Currency != "USD" || price.Date != "2026-01-01" || price.Source != "AWS Price List API" {
			t.Errorf("%s: %+v", product, price)
		}
	}
	if price, _ := got.Of("eu-west-1", pricing.Campaign); *price.PerTPSHour() != 0.3 || len(all(got)) != 4 {
		t.Errorf("eu-west-1: %+v of %d", price, len(all(got)))
	}
	if len(problems) != 2 || problems[0].Region != "us-gov-west-1" || problems[1].Region != "us-west-2" ||
		!strings.Contains(problems[1].Error(), "no price per TPS-hour") {
		t.Errorf("problems %v", problems)
	}
	if calls := clients.Calls()["pricing.GetProducts"]; calls != 3 {
		t.Errorf("%d calls", calls)
	}
}

// scripted is a Price List API that returns pages one after the other, or an error.
type scripted struct {
	pages [][]string
	code  string // of the error; empty for none
	asked []map[string]any
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in map[string]any
	_ = json.NewDecoder(r.Body).Decode(&in)
	s.asked = append(s.asked, in)
	out := map[string]any{}
	switch page := len(s.asked) - 1; {
	case s.code != "":
		w.WriteHeader(http.StatusBadRequest)
		out["__type"] = s.code
	default:
		out["PriceList"] = s.pages[page]
		if page+1 < len(s.pages) {
			out["NextToken"] = fmt.Sprint("page ", page+1)
		}
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (s *scripted) ask(t *testing.T) (pricing.Table, string) {
	t.Helper()
	endpoint := httptest.NewServer(s)
	defer endpoint.Close()
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig("us-east-1", endpoint.URL, "LOCAL", nil)})
	defer clients.Close()
	prices, problems := Lookup(t.Context(), clients, []string{"us-east-1"})
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = p.Error()
	}
	return prices, strings.Join(texts, "; ")
}

// offer is a product with dimensions of "unit begin end price" in USD.
func offer(usage string, dimensions ...string) string {
	var list []string
	for i, d := range dimensions {
		var unit, begin, end, price string
		fmt.Sscan(d, &unit, &begin, &end, &price)
		list = append(list, fmt.Sprintf(`"d%d": {"unit": %q, "beginRange": %q, "endRange": %q, "pricePerUnit": {"USD": %q}}`, i, unit, begin, end, price))
	}
	return fmt.Sprintf(`{"product": {"attributes": {"usagetype": %q}}, "terms": {"OnDemand": {"t": {"effectiveDate": "2026-05-01T00:00:00Z", "priceDimensions": {%s}}}}}`,
		usage, strings.Join(list, ", "))
}

func TestWhatThePriceListSays(t *testing.T) {
	for _, c := range []struct {
		name  string
		pages [][]string
		want  string // the campaign's figures; empty if there is no price
		says  string
	}{
		{"one tier", [][]string{{offer("USE1-TPS-Hours", "TPS-Hours 0 Inf 0.2")}}, "USD 0.2 per TPS-hour", ""},
		{
			"tiers in any order",
			[][]string{{offer("USE1-TPS-Hours", "TPS-Hours 20000 200000 0.1", "TPS-Hours 200000 Inf 0.05", "TPS-Hours 0 20000 0.2")}},
			"USD 0.2 per TPS-hour up to 20,000 a month, 0.1 up to 200,000, 0.05 beyond", "",
		},
		{
			"tiers of several products",
			[][]string{{offer("a", "TPS-Hours 20000 Inf 0.1"), offer("b", "TPS-Hours 0 20000 0.2")}},
			"USD 0.2 per TPS-hour up to 20,000 a month, 0.1 beyond", "",
		},
		{"requests by the thousand are 3.6 in a TPS-hour", [][]string{{offer("a", "1000-Requests 0 Inf 0.125")}}, "USD 0.45 per TPS-hour", ""},
		{
			"single requests, in tiers",
			[][]string{{offer("a", "Requests 0 36000000 0.0001", "Requests 36000000 Inf 0.00005")}},
			"USD 0.36 per TPS-hour up to 10,000 a month, 0.18 beyond", "",
		},
		{"pages go on", [][]string{{}, {offer("training", "Hours 0 Inf 0.24")}, {offer("tps", "TPS-Hrs 0 Inf 0.3")}}, "USD 0.3 per TPS-hour", ""},
		{"the same price twice is one", [][]string{{offer("a", "TPS-hour 0 Inf 0.2"), offer("b", "TPS-hour 0 Inf 0.2")}}, "USD 0.2 per TPS-hour", ""},
		{"two prices are none", [][]string{{offer("a", "TPS-hour 0 Inf 0.2"), offer("b", "TPS-hour 0 Inf 0.3")}}, "", "several prices for campaign"},
		{"two units are none", [][]string{{offer("a", "TPS-hour 0 20 0.2"), offer("b", "Requests 72000 Inf 0.3")}}, "", "several prices for campaign"},
		{"tiers with a gap are none", [][]string{{offer("a", "TPS-hour 0 20 0.2", "TPS-hour 30 Inf 0.1")}}, "", "or tiers with gaps"},
		{"without the first tier", [][]string{{offer("a", "TPS-hour 20 Inf 0.2")}}, "", "or tiers with gaps"},
		{"no range", [][]string{{offer("a", "TPS-hour 20 10 0.2")}}, "", `"20" to "10"`},
		{"other units are passed over", [][]string{{offer("a", "GB 0 Inf 0.05", "Hours 0 Inf 0.24")}}, "", "units: GB, Hours"},
		{"requests of a batch job are not throughput", [][]string{{offer("Batch", "1000-Requests 0 Inf 0.05")}}, "", "units: 1000-Requests"},
		{"requests of a recommender are no price without its fee", [][]string{{offer("Recommender", "1000-Requests 0 Inf 0.05")}}, "", "units: 1000-Requests"},
		{"nothing at all", [][]string{{}}, "", "units: none"},
		{"no JSON", [][]string{{"{"}}, "", "cannot be read"},
		{"no number", [][]string{{offer("a", "TPS-hour 0 Inf cheap")}}, "", `"cheap"`},
		{"a price of nothing", [][]string{{offer("a", "TPS-hour 0 Inf 0")}}, "", "cannot be read"},
	} {
		s := &scripted{pages: c.pages}
		prices, problems := s.ask(t)
		got := ""
		if price, ok := prices.Of("us-east-1", pricing.Campaign); ok {
			got = price.Figures()
			if price.Confidence != pricing.Official || price.Date != "2026-05-01" {
				t.Errorf("%s: %+v", c.name, price)
			}
		}
		if got != c.want || (c.says == "") != (problems == "") || !strings.Contains(problems, c.says) {
			t.Errorf("%s: %s, %s", c.name, got, problems)
		}
		if last := s.asked[len(s.asked)-1]; len(s.asked) != len(c.pages) || last["ServiceCode"] != "AmazonPersonalize" {
			t.Errorf("%s: asked %d times", c.name, len(s.asked))
		}
	}
}

func TestTheRequestsOfV2RecipesOnThePriceList(t *testing.T) {
	prices, problems := (&scripted{pages: [][]string{{offer("USE1-Requests-V2", "1,000-requests 0 Inf 0.15")}}}).ask(t)
	if p, _ := prices.Of("us-east-1", pricing.CampaignV2); p.Figures() != "USD 0.15 per 1,000 requests" || problems != "" {
		t.Errorf("%+v, %s", p, problems)
	}
}

func TestAPriceListThatCannotBeAskedIsAProblem(t *testing.T) {
	prices, problems := (&scripted{code: "AccessDeniedException"}).ask(t)
	if len(all(prices)) > 0 || !strings.Contains(problems, "GetProducts us-east-1: AccessDeniedException") {
		t.Errorf("%v, %s", all(prices), problems)
	}
}
