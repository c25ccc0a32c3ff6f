package prices

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml/ast"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/yamldoc"
)

// Limits on a price file.
const (
	maxPriceFile = 64 << 10
	maxBrackets  = 2000
	maxPrice     = 1000.0 // of a unit; more is a typing error
	maxSource    = 200
	maxTiers     = 20
	maxVolume    = 1e12 // TPS-hours of a tier, requests of a fee, users
)

// anywhere is how far the calendar is ahead of UTC in the first time zone of the day: a date is
// in the future only once it is so everywhere.
const anywhere = 14 * time.Hour

// document is a price file that is being read.
type document struct{ *yamldoc.Document }

// file is what a price file holds.
type file struct {
	date, source, currency string
	discount               float64
	users                  map[string]int
	prices                 []pricing.Price
}

// ParseFile reads a price file: YAML, which includes JSON, with the keys date, source, currency
// (default USD), discount in percent, users of dataset groups, and regions, which has prices
// by product. A number as the price is per TPS-hour, per training hour, or per 1,000
// interactions, users or items; a mapping has the whole price model. ParseFile rejects other
// keys and invalid values; the error has one line for each fault, with line and column.
// Now is for a date in the future.
func ParseFile(name string, data []byte, now time.Time) (table pricing.Table, err error) {
	// The parser is a library, and a file may contain anything: a panic in it means that the
	// file cannot be read.
	defer func() {
		if recover() != nil {
			table, err = pricing.Table{}, fmt.Errorf("%s: not readable as YAML", name)
		}
	}()
	d := &document{&yamldoc.Document{Name: name, What: "a price file", Keys: "date, source and regions", MaxBytes: maxPriceFile, MaxBrackets: maxBrackets}}
	root := d.Parse(data)
	f := file{currency: "USD"}
	if root != nil {
		f.read(d, root, now)
	}
	if err := d.Err(); err != nil {
		return pricing.Table{}, err
	}
	for i := range f.prices {
		p := &f.prices[i]
		p.Date, p.Source, p.Currency, p.Confidence = f.date, f.source, f.currency, pricing.Given
	}
	return pricing.NewTable(f.prices, f.users, f.discount), nil
}

func (f *file) read(d *document, root ast.Node, now time.Time) {
	given := d.Fields(root, "a price file", map[string]func(ast.Node){
		"date":     func(n ast.Node) { f.date = d.date(n, now) },
		"source":   func(n ast.Node) { f.source = d.source(n) },
		"currency": func(n ast.Node) { f.currency = d.currency(n) },
		"discount": func(n ast.Node) { f.discount = d.number(n, "discount", 0, 99.999, "a percentage from 0 to below 100") },
		"users":    func(n ast.Node) { f.users = d.users(n) },
		"regions":  func(n ast.Node) { f.prices = d.regions(n) },
	})
	if given == nil {
		return
	}
	if !given["date"] {
		d.Bad(root, "date is missing: the day of the prices, such as 2026-01-31")
	}
	if !given["source"] {
		d.Bad(root, "source is missing: where the prices are from, in a few words")
	}
	if !given["regions"] && !given["discount"] && !given["users"] {
		d.Bad(root, "regions is missing: the file has no price, no discount and no users")
	}
}

func (d *document) date(n ast.Node, now time.Time) string {
	text, ok := yamldoc.Scalar(n)
	day, err := time.Parse(time.DateOnly, text)
	switch {
	case !ok || err != nil:
		d.Bad(n, "date: %s is not a day such as 2026-01-31", yamldoc.Shown(n))
	case day.After(now.UTC().Add(anywhere)):
		d.Bad(n, "date %s is in the future", text)
	}
	return text
}

func (d *document) source(n ast.Node) string {
	text, ok := yamldoc.Scalar(n)
	if !ok || text == "" || len(text) > maxSource || strings.ContainsFunc(text, unicode.IsControl) {
		d.Bad(n, "source is not one line of 1 to %d characters that names the source of the prices", maxSource)
	}
	return text
}

// currencies are the codes of ISO 4217 in use, without those of metals, funds and tests.
const currencies = " AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY" +
	" COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK" +
	" JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD" +
	" NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL" +
	" THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG "

func (d *document) currency(n ast.Node) string {
	text, ok := yamldoc.Scalar(n)
	if !ok || len(text) != 3 || !strings.Contains(currencies, " "+text+" ") {
		d.Bad(n, "currency: %s is not a currency code of ISO 4217 such as USD", yamldoc.Shown(n))
	}
	return text
}

// groupName is the name of a dataset group (CreateDatasetGroup in the API reference).
var groupName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9\-_]{0,62}$`)

// users reads the users of dataset groups by name or ARN.
func (d *document) users(n ast.Node) map[string]int {
	users := map[string]int{}
	d.Entries(n, "users", func(key ast.Node, name string, value ast.Node) {
		arn, err := model.ParseARN(name)
		if (err != nil || arn.Type() != "dataset-group") && !groupName.MatchString(name) {
			d.Bad(key, "users: %q is not the name or ARN of a dataset group", name)
		}
		users[name] = int(d.whole(value, "users of "+name))
	})
	return users
}

func (d *document) regions(n ast.Node) []pricing.Price {
	var list []pricing.Price
	offered := slices.Concat(awsapi.PersonalizeRegions("aws"), awsapi.PersonalizeRegions("aws-cn"))
	found := d.Entries(n, "regions", func(key ast.Node, region string, value ast.Node) {
		if !slices.Contains(offered, region) {
			d.Bad(key, "%q is not a region that offers Amazon Personalize: %s", region, strings.Join(offered, ", "))
		}
		if d.prices(value, region, &list) == 0 {
			d.Bad(value, "%s has no prices", region)
		}
	})
	if found == 0 {
		d.Bad(n, "regions has no region")
	}
	return list
}

// prices reads the prices of a region and returns how many keys there are, -1 if there cannot
// be any.
func (d *document) prices(n ast.Node, region string, list *[]pricing.Price) int {
	names := make([]string, 0, len(pricing.Products()))
	for _, product := range pricing.Products() {
		names = append(names, string(product))
	}
	return d.Entries(n, region, func(key ast.Node, name string, value ast.Node) {
		if !slices.Contains(names, name) {
			d.Bad(key, "%q is not one of %s", name, strings.Join(names, ", "))
			return
		}
		p := pricing.Price{Region: region, Product: pricing.Product(name)}
		if _, mapping := value.(ast.MapNode); mapping {
			d.priceModel(value, &p)
		} else {
			d.simple(value, &p)
		}
		*list = append(*list, p)
	})
}

// simple reads a price that is one number.
func (d *document) simple(n ast.Node, p *pricing.Price) {
	switch p.Product {
	case pricing.Training:
		p.PerHour = d.price(n, "training", "training hour")
	case pricing.TrainingV2:
		p.PerThousand = d.price(n, "trainingV2", "1,000 interactions")
	case pricing.Batch:
		p.PerThousand = d.price(n, "batch", "1,000 users or items")
	case pricing.Campaign, pricing.CampaignV2, pricing.Recommender:
		p.Tiers = []pricing.Tier{{PerTPSHour: d.price(n, string(p.Product), "TPS-hour")}}
	}
}

// priceModel reads a price with its model.
func (d *document) priceModel(n ast.Node, p *pricing.Price) {
	fee := pricing.Fee{UsersIncluded: 100_000}
	perTPSHour := func(n ast.Node) { p.Tiers = []pricing.Tier{{PerTPSHour: d.price(n, "perTPSHour", "TPS-hour")}} }
	perThousand := func(key, unit string) map[string]func(ast.Node) {
		return map[string]func(ast.Node){key: func(n ast.Node) { p.PerThousand = d.price(n, key, unit) }}
	}
	var keys map[string]func(ast.Node)
	needed := "" // key that the model cannot do without
	switch p.Product {
	case pricing.Campaign:
		keys, needed = map[string]func(ast.Node){"tiers": func(n ast.Node) { p.Tiers = d.tiers(n) }, "perTPSHour": perTPSHour}, "tiers"
	case pricing.CampaignV2:
		keys, needed = perThousand("perThousandRequests", "1,000 requests"), "perThousandRequests"
		keys["perTPSHour"] = perTPSHour
	case pricing.Recommender:
		needed = "perHour"
		keys = map[string]func(ast.Node){
			"perTPSHour":             perTPSHour,
			"perHour":                func(n ast.Node) { fee.PerHour = d.price(n, "perHour", "hour") },
			"usersIncluded":          func(n ast.Node) { fee.UsersIncluded = max(1, int(d.whole(n, "usersIncluded"))) },
			"perHourPerFurtherUsers": func(n ast.Node) { fee.PerHourMore = d.number(n, "perHourPerFurtherUsers", 0, maxPrice, priceFrom0) },
			"requestsIncluded":       func(n ast.Node) { fee.RequestsIncluded = d.whole(n, "requestsIncluded") },
			"perThousandRequests":    func(n ast.Node) { fee.PerThousand = d.number(n, "perThousandRequests", 0, maxPrice, priceFrom0) },
		}
	case pricing.Training:
		keys, needed = map[string]func(ast.Node){"perHour": func(n ast.Node) { p.PerHour = d.price(n, "perHour", "training hour") }}, "perHour"
	case pricing.TrainingV2:
		keys, needed = perThousand("perThousandInteractions", "1,000 interactions"), "perThousandInteractions"
	case pricing.Batch:
		keys, needed = perThousand("perThousand", "1,000 users or items"), "perThousand"
	}
	given := d.Fields(n, string(p.Product), keys)
	switch {
	case given == nil:
	case given["perTPSHour"] && len(given) > 1:
		d.Bad(n, "%s: perTPSHour excludes the other keys", p.Product)
	case !given[needed] && !given["perTPSHour"]:
		d.Bad(n, "%s: %s is missing", p.Product, needed)
	case given["perHour"] && p.Product == pricing.Recommender:
		p.Fee = &fee
	}
}

// tiers reads volume tiers: ascending, and only the last without an end.
func (d *document) tiers(n ast.Node) []pricing.Tier {
	list, ok := n.(*ast.SequenceNode)
	if !ok || len(list.Values) == 0 || len(list.Values) > maxTiers {
		d.Bad(n, "tiers is not a list of 1 to %d tiers such as {upTo: 20000, perTPSHour: 0.2}", maxTiers)
		return nil
	}
	var tiers []pricing.Tier
	for i, value := range list.Values {
		tier := pricing.Tier{}
		given := d.Fields(value, "a tier", map[string]func(ast.Node){
			"upTo": func(n ast.Node) {
				tier.UpTo = d.number(n, "upTo", 1, maxVolume, "a number of TPS-hours a month from 1 on")
			},
			"perTPSHour": func(n ast.Node) { tier.PerTPSHour = d.price(n, "perTPSHour", "TPS-hour") },
		})
		last := i == len(list.Values)-1
		switch {
		case given == nil:
		case !given["perTPSHour"]:
			d.Bad(value, "tier %d: perTPSHour is missing", i+1)
		case given["upTo"] == last:
			d.Bad(value, "tier %d: every tier but the last has upTo, the end of the tier", i+1)
		case i > 0 && !last && tier.UpTo <= tiers[i-1].UpTo:
			d.Bad(value, "tier %d: upTo is not higher than that of the tier before", i+1)
		}
		tiers = append(tiers, tier)
	}
	return tiers
}

const priceFrom0 = "a price from 0 to 1000"

func (d *document) price(n ast.Node, what, unit string) float64 {
	v, ok := yamldoc.Numeric(n)
	if !ok || !(v > 0 && v <= maxPrice) {
		d.Bad(n, "%s: %s is not a price per %s above 0, up to %v", what, yamldoc.Shown(n), unit, maxPrice)
	}
	return v
}

func (d *document) number(n ast.Node, what string, least, most float64, valid string) float64 {
	v, ok := yamldoc.Numeric(n)
	if !ok || !(v >= least && v <= most) {
		d.Bad(n, "%s: %s is not %s", what, yamldoc.Shown(n), valid)
	}
	return v
}

func (d *document) whole(n ast.Node, what string) float64 {
	v, ok := yamldoc.Numeric(n)
	if !ok || !(v >= 0 && v <= maxVolume) || v != float64(int64(v)) {
		d.Bad(n, "%s: %s is not a whole number from 0 on", what, yamldoc.Shown(n))
		return 0
	}
	return v
}
