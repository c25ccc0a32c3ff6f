package pricing

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

var march = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func resource(kind model.Kind, region, name, recipe string, minimum int) model.Resource {
	arn := func(path string) model.ARN {
		return model.NewARN("aws", "personalize", region, "123456789012", path)
	}
	return model.Resource{
		ARN: arn(string(kind) + "/" + name), Kind: kind, Name: name, Recipe: recipe, MinTPS: minimum,
		Created: march.AddDate(-1, 0, 0), DatasetGroup: arn("dataset-group/shop"),
	}
}

func campaign(name string, minimum int) model.Resource {
	return resource(model.Campaign, "us-east-1", name, "aws-user-personalization", minimum)
}

func recommender(minimum int) model.Resource {
	return resource(model.Recommender, "us-east-1", "r", "aws-ecomm-recommended-for-you", minimum)
}

// level is hours of a constant minimum and demand, in TPS.
func level(from time.Time, hours int, minimum, actual float64) []billing.Hour {
	list := make([]billing.Hour, hours)
	for i := range list {
		list[i] = billing.Hour{
			Start: from.Add(time.Duration(i) * time.Hour), Provisioned: minimum, Actual: actual, Paid: max(minimum, actual), Used: actual,
		}
	}
	return list
}

func use(t Table, r model.Resource, hours []billing.Hour) Use {
	return NewUse(t, r, hours, hours, float64(len(hours)))
}

func near(t *testing.T, what string, got *float64, want float64) {
	t.Helper()
	if got == nil {
		t.Errorf("%s: unknown, want %v", what, want)
	} else if math.Abs(*got-want) > 1e-9*max(1, math.Abs(want)) {
		t.Errorf("%s: %v, want %v", what, *got, want)
	}
}

func TestVolumeTiers(t *testing.T) {
	price, _ := Builtin().Of("us-east-1", Campaign)
	for _, c := range []struct {
		name         string
		volume, cost float64
	}{
		{"nothing", 0, 0},
		{"within the first tier", 730, 146},
		{"the end of the first tier", 20_000, 4_000},
		{"just beyond", 20_001, 4_000.10},
		{"the end of the second tier", 200_000, 22_000},
		{"the last tier has no end", 300_000, 27_000},
	} {
		if got := price.TierCost(c.volume); math.Abs(got-c.cost) > 1e-6 {
			t.Errorf("%s: %v costs %v, want %v", c.name, c.volume, got, c.cost)
		}
	}
	ends := Price{Tiers: []Tier{{UpTo: 10, PerTPSHour: 2}}}
	if got := ends.TierCost(15); got != 30 {
		t.Errorf("a last tier with an end goes on: %v", got)
	}
}

func TestTheFeeOfARecommender(t *testing.T) {
	price, _ := Builtin().Of("us-east-1", Recommender)
	for users, want := range map[int]float64{0: 0.375, 100_000: 0.375, 100_001: 0.42, 200_000: 0.42, 200_001: 0.465} {
		if got := price.Fee.Hourly(users); math.Abs(got-want) > 1e-12 {
			t.Errorf("%d users: %v an hour, want %v", users, got, want)
		}
	}
	// 4,000 requests an hour are 10/9 RPS.
	for _, c := range []struct {
		name                  string
		minimum, actual, hour float64
	}{
		{"a minimum of 1 lies within the included requests", 1, 0.2, 0.375},
		{"demand of just as many", 1, 4000.0 / 3600, 0.375},
		{"one request more", 1, 4001.0 / 3600, 0.375 + 0.083/1000},
		{"a minimum of 2 is 7,200 requests, called or not", 2, 0, 0.375 + 3.2*0.083},
		{"stopped costs nothing", 0, 0, 0},
	} {
		u := use(Builtin(), recommender(1), level(march, 10, c.minimum, c.actual))
		near(t, c.name, NewBill([]Use{u}).Span(u).Amount, 10*c.hour)
	}
}

func TestPricesByTheRequest(t *testing.T) {
	r := resource(model.Campaign, "us-east-1", "c", "aws-user-personalization-v2", 1)
	u := use(Builtin(), r, level(march, 730, 1, 0.5))
	got := NewBill([]Use{u}).Span(u)
	near(t, "an idle minimum of 1 for a month", got.Amount, 394.2)
	if c := got.Charges; len(c) != 1 || c[0].Unit != UnitRequests || math.Abs(c[0].Quantity-2628) > 1e-9 || c[0].UnitPrice != 0.15 {
		t.Errorf("charges %+v", c)
	}
}

// The tiers of a month are shared, and what they cost is spread so that it adds up.
func TestRowsAddUpToTheTieredTotal(t *testing.T) {
	var uses []Use
	for i, minimum := range []float64{3, 20, 31, 150} { // 204 TPS: 151,776 TPS-hours in 31 days
		r := campaign(string(rune('a'+i)), int(minimum))
		uses = append(uses, use(Builtin(), r, level(march, 31*24, minimum, 1)))
	}
	other := resource(model.Campaign, "eu-west-1", "elsewhere", "aws-sims", 10)
	uses = append(uses, use(Builtin(), other, level(march, 31*24, 10, 1)))
	b := NewBill(uses)
	price, _ := Builtin().Of("us-east-1", Campaign)
	want := price.TierCost(204*31*24) + 10*31*24*0.2
	total, byDay, byMonth := 0.0, 0.0, 0.0
	for _, u := range uses {
		total += *b.Span(u).Amount
		for _, d := range b.Days(u) {
			byDay += *d.Estimate.Amount
			for _, c := range d.Estimate.Charges {
				if c.Quantity*c.UnitPrice != c.List {
					t.Errorf("%v × %v is not %v", c.Quantity, c.UnitPrice, c.List)
				}
			}
		}
		for _, amount := range months(b.Days(u)) {
			byMonth += amount
		}
	}
	near(t, "rows", &total, want)
	near(t, "days", &byDay, want)
	near(t, "months", &byMonth, want)
	if len(b.Days(uses[0])) != 31 || len(months(b.Days(uses[0]))) != 1 {
		t.Errorf("%d days, %d months", len(b.Days(uses[0])), len(months(b.Days(uses[0]))))
	}
}

// months are the amounts of days by calendar month, ascending.
func months(days []Period) (amounts []float64) {
	for i, d := range days {
		if i == 0 || d.Start.Month() != days[i-1].Start.Month() {
			amounts = append(amounts, 0)
		}
		amounts[len(amounts)-1] += *d.Estimate.Amount
	}
	return amounts
}

// A new month begins in the first tier, and a span within a month where it would have got to.
func TestWhereASpanBeginsInTheTiers(t *testing.T) {
	price, _ := Builtin().Of("us-east-1", Campaign)
	r := campaign("c", 100)
	across := use(Builtin(), r, level(march.Add(-48*time.Hour), 96, 100, 1)) // two days each of February and March
	b := NewBill([]Use{across})
	before := 100.0 * 26 * 24
	amounts := months(b.Days(across))
	near(t, "February", &amounts[0], price.TierCost(before+4800)-price.TierCost(before))
	near(t, "March", &amounts[1], price.TierCost(4800))
	if a := b.Span(across).Assumptions; len(a) != 1 || !strings.Contains(a[0], "before the span") {
		t.Errorf("assumptions %q", a)
	}
	r.Created = march.Add(-48 * time.Hour)
	young := use(Builtin(), r, level(march.Add(-48*time.Hour), 96, 100, 1))
	near(t, "nothing before its creation", &months(NewBill([]Use{young}).Days(young))[0], 960)
}

func TestSavingsAreDifferences(t *testing.T) {
	lower := func(r model.Resource, minimum float64) Use { return use(Builtin(), r, level(march, 31*24, minimum, 0)) }
	for _, c := range []struct {
		name        string
		before      Use
		after       Use
		month       float64 // saved in a month of 730 hours
		wholeSpan   float64 // saved in the 744 hours
		alsoPresent []Use
	}{
		{"a campaign in the first tier", lower(campaign("c", 3), 3), lower(campaign("c", 1), 1), 2 * 146, 2 * 744 * 0.2, nil},
		{
			"marginal prices count: the others fill the first tier", lower(campaign("c", 3), 3), lower(campaign("c", 1), 1),
			2 * 73, 2 * 744 * 0.1,
			[]Use{lower(campaign("d", 40), 40)},
		},
		{
			"a step across the end of a tier", lower(campaign("c", 30), 30), lower(campaign("c", 20), 20),
			1900*0.1 + 5400*0.2, 2320*0.1 + 5120*0.2, nil,
		},
		{
			"a recommender from 2 to 1 saves what exceeds the included requests alone", lower(recommender(2), 2), lower(recommender(1), 1),
			3.2 * 0.083 * 730, 3.2 * 0.083 * 744, nil,
		},
		{"stopping one saves its fee", lower(recommender(1), 1), lower(recommender(0), 0), 273.75, 279, nil},
	} {
		b := NewBill(append([]Use{c.before}, c.alsoPresent...))
		near(t, c.name+", a month", b.MonthDifference(c.before, c.after).Amount, c.month)
		near(t, c.name+", in the span", b.Difference(c.before, c.after).Amount, c.wholeSpan)
	}
	// A recommender whose demand is beyond what a minimum of 2 would cost saves nothing by 1.
	busy := use(Builtin(), recommender(2), level(march, 100, 2, 2.5))
	near(t, "a lower minimum below the demand", NewBill([]Use{busy}).MonthDifference(busy, use(Builtin(), recommender(1), level(march, 100, 1, 2.5))).Amount, 0)
}

func TestTheHypotheticalMinimum(t *testing.T) {
	c, r := use(Builtin(), campaign("c", 2), level(march, 24, 2, 1)), use(Builtin(), recommender(2), level(march, 24, 2, 1))
	b := NewBill([]Use{c, r})
	near(t, "a campaign at 5", b.AtMinimum(c, 5).Amount, 5*146)
	near(t, "a recommender at 1", b.AtMinimum(r, 1).Amount, 273.75)
	near(t, "none", b.AtMinimum(r, 0).Amount, 0)
	if got := b.FeeText(r); !strings.Contains(got, "includes 4,000 requests an hour") || !strings.Contains(got, "stopping it would save USD 467.64 a month") {
		t.Errorf("fee: %s", got)
	}
	if got := b.FeeText(c); got != "" {
		t.Errorf("a campaign has no fee: %s", got)
	}
}

func TestWaste(t *testing.T) {
	for _, c := range []struct {
		name string
		u    Use
		want float64
	}{
		{"a campaign's unused part", use(Builtin(), campaign("c", 4), level(march, 10, 4, 1)), 10 * 3 * 0.2},
		{"a silent recommender's fee, and the requests of its minimum", use(Builtin(), recommender(2), level(march, 10, 2, 0)), 10 * (0.375 + 3.2*0.083)},
		{"a recommender in use wastes no fee", use(Builtin(), recommender(1), level(march, 10, 1, 0.1)), 0},
	} {
		near(t, c.name, NewBill([]Use{c.u}).Wasted(c.u).Amount, c.want)
	}
}

func TestWhatIsBilledOnce(t *testing.T) {
	some := func(v float64) *float64 { return &v }
	near(t, "training hours", Builtin().Once("us-east-1", Training, some(10)).Amount, 2.4)
	near(t, "interactions", Builtin().Once("us-east-1", TrainingV2, some(1_000_000)).Amount, 2)
	near(t, "batch", Builtin().Once("us-east-1", Batch, some(50_000)).Amount, 4.3)
	unknown := Builtin().Once("eu-west-1", Training, nil)
	if unknown.Amount != nil || unknown.Currency != "USD" || len(unknown.Assumptions) != 1 {
		t.Errorf("a quantity that is not known: %+v", unknown)
	}
	for _, e := range []Estimate{Builtin().Once("cn-north-1", Training, some(1)), Builtin().Once("us-east-1", Campaign, some(1))} {
		if e.Amount != nil || e.List != nil {
			t.Errorf("no price, and yet %+v", e)
		}
	}
}

func TestWhichPriceCounts(t *testing.T) {
	given := NewTable([]Price{{Region: "eu-west-1", Product: Campaign, Tiers: []Tier{{PerTPSHour: 7}}, Currency: "EUR"}},
		map[string]int{"shop": 250_000}, 10).Over(Builtin())
	if p, _ := given.Of("eu-west-1", Campaign); p.Tiers[0].PerTPSHour != 7 || p.Fallback != "" || p.Discount != 10 {
		t.Errorf("a given price: %+v", p)
	}
	if p, ok := given.Of("ap-south-1", Campaign); !ok || p.Fallback != "us-east-1" || p.Region != "ap-south-1" || p.Tiers[0].PerTPSHour != 0.2 {
		t.Errorf("a fallback: %+v", p)
	}
	if p, ok := given.Of("cn-north-1", Campaign); ok {
		t.Errorf("another partition has other prices: %+v", p)
	}
	r := recommender(1)
	u := use(given, r, level(march, 10, 1, 1))
	near(t, "three times 100,000 users, less 10%", NewBill([]Use{u}).Span(u).Amount, 10*(0.375+0.09)*0.9)
	near(t, "the list price", NewBill([]Use{u}).Span(u).List, 10*(0.375+0.09))
	if e := NewBill([]Use{u}).Span(u); len(e.Assumptions) != 0 {
		t.Errorf("nothing is assumed: %q", e.Assumptions)
	}
	plain := use(Builtin(), r, level(march, 10, 1, 1))
	if e := NewBill([]Use{plain}).Span(plain); len(e.Assumptions) != 1 || !strings.Contains(e.Assumptions[0], "100,000 users") {
		t.Errorf("assumptions %q", e.Assumptions)
	}
	none := use(Builtin(), resource(model.Campaign, "cn-north-1", "c", "aws-sims", 1), level(march, 10, 1, 1))
	b := NewBill([]Use{none})
	for _, e := range []Estimate{b.Span(none), b.Wasted(none), b.PerMonth(none), b.AtMinimum(none, 1), b.Difference(none, none), b.MonthDifference(none, none)} {
		if e.Amount != nil || e.List != nil || e.Currency != "" {
			t.Errorf("without a price: %+v", e)
		}
	}
}

func TestAPartOfAUse(t *testing.T) {
	u := use(Builtin(), campaign("c", 2), level(march, 48, 2, 1))
	b := NewBill([]Use{u})
	part := u.In(model.NewWindow(march.Add(24*time.Hour), march.Add(72*time.Hour)))
	near(t, "the second day", b.Span(part).Amount, 24*2*0.2)
	if u.Total().TPSHours != 96 || part.Total().TPSHours != 48 {
		t.Errorf("totals %v, %v", u.Total(), part.Total())
	}
}

func TestPricesInWordsAndJSON(t *testing.T) {
	for product, want := range map[Product]string{
		Campaign:    "USD 0.2 per TPS-hour up to 20,000 a month, 0.1 up to 200,000, 0.05 beyond",
		CampaignV2:  "USD 0.15 per 1,000 requests",
		Recommender: "USD 0.375 an hour up to 100,000 users (0.045 for each further 100,000) with 4,000 requests, 0.083 per 1,000 beyond",
		Training:    "USD 0.24 per training hour",
		TrainingV2:  "USD 0.002 per 1,000 interactions",
		Batch:       "USD 0.086 per 1,000 users or items",
	} {
		p, ok := Builtin().Of("us-east-1", product)
		if !ok || p.Figures() != want || p.Confidence == "" || p.Date == "" || !strings.Contains(p.Source, "may be out of date") {
			t.Errorf("%s: %s; %+v", product, p.Figures(), p)
		}
	}
	p, _ := Builtin().Of("us-east-1", Campaign)
	text, err := json.Marshal(p)
	if err != nil || !strings.Contains(string(text), `"perTPSHour":0.2,"upTo":20000`) {
		t.Errorf("%s, %v", text, err)
	}
	for _, product := range Products() {
		if _, ok := Builtin().Of("us-east-1", product); !ok {
			t.Errorf("%s has no built-in price", product)
		}
	}
}

func TestProducts(t *testing.T) {
	for _, c := range []struct {
		kind           model.Kind
		recipe         string
		want, training Product
	}{
		{model.Campaign, "aws-user-personalization", Campaign, Training},
		{model.Campaign, "aws-user-personalization-v2", CampaignV2, TrainingV2},
		{model.Campaign, "aws-personalized-ranking-v2", CampaignV2, TrainingV2},
		{model.Recommender, "aws-ecomm-recommended-for-you", Recommender, Training},
	} {
		if got := ProductOf(c.kind, c.recipe); got != c.want || TrainingOf(c.recipe) != c.training {
			t.Errorf("%s %s: %s, trained as %s", c.kind, c.recipe, got, TrainingOf(c.recipe))
		}
	}
}

func TestTheMarginalPrice(t *testing.T) {
	small, large := use(Builtin(), campaign("s", 1), level(march, 730, 1, 0)), use(Builtin(), campaign("l", 40), level(march, 730, 40, 0))
	near(t, "in the first tier", NewBill([]Use{small}).Marginal(small), 0.2)
	near(t, "where others reach the second", NewBill([]Use{small, large}).Marginal(small), 0.1)
	discounted := NewTable(nil, nil, 50).Over(Builtin())
	v2 := use(discounted, resource(model.Campaign, "us-east-1", "c", "aws-user-personalization-v2", 1), level(march, 10, 1, 0))
	near(t, "of requests, after the discount", NewBill([]Use{v2}).Marginal(v2), 0.27)
	r := use(Builtin(), recommender(1), level(march, 10, 1, 0))
	if got := NewBill([]Use{r}).Marginal(r); got != nil {
		t.Errorf("a fee does not go by TPS-hours: %v", *got)
	}
}

func TestMonthsOfAUse(t *testing.T) {
	r := campaign("c", 5)
	present := NewUse(Builtin(), r, level(march, 73, 10, 0), level(march, 73, 5, 0), 73) // it had a minimum of 10
	b := NewBill([]Use{present})
	near(t, "with the present minimum", b.PerMonth(present).Amount, 5*146)
	before := present.Extrapolated(73)
	near(t, "as it was", NewBill([]Use{before}).PerMonth(before).Amount, 10*146)
	never := NewUse(Builtin(), r, nil, nil, 0)
	near(t, "one that did not run costs its minimum", NewBill([]Use{never}).PerMonth(never).Amount, 5*146)
	least := MinimumUse(Builtin(), r, model.NewWindow(march, march.Add(48*time.Hour)))
	near(t, "by the minimum alone", NewBill([]Use{least}).Span(least).Amount, 48*5*0.2)
}
