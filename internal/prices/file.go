package prices

import (
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

// file is a price file that is being read, and what it holds.
type file struct {
	*yamldoc.Document
	now                    time.Time
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
func ParseFile(name string, data []byte, now time.Time) (pricing.Table, error) {
	f := file{
		Document: &yamldoc.Document{
			Name: name, What: "a price file", Keys: "date, source and regions", MaxBytes: maxPriceFile, MaxBrackets: maxBrackets,
		},
		now: now, currency: "USD", users: map[string]int{},
	}
	if err := f.Read(data, f.read); err != nil {
		return pricing.Table{}, err
	}
	for i := range f.prices {
		p := &f.prices[i]
		p.Date, p.Source, p.Currency, p.Confidence = f.date, f.source, f.currency, pricing.Given
	}
	return pricing.NewTable(f.prices, f.users, f.discount), nil
}

func (f *file) read(root ast.Node) {
	given := f.Fields(root, "a price file", map[string]func(ast.Node){
		"date": f.readDate, "source": f.readSource, "currency": f.readCurrency, "users": f.readUsers, "regions": f.readRegions,
		"discount": func(n ast.Node) { f.discount = f.number(n, "discount", 0, 99.999, "a percentage from 0 to below 100") },
	})
	if given == nil {
		return
	}
	if !given["date"] {
		f.Bad(root, "date is missing: the day of the prices, such as 2026-01-31")
	}
	if !given["source"] {
		f.Bad(root, "source is missing: where the prices are from, in a few words")
	}
	if !given["regions"] && !given["discount"] && !given["users"] {
		f.Bad(root, "regions is missing: the file has no price, no discount and no users")
	}
}

func (f *file) readDate(n ast.Node) {
	text, ok := yamldoc.Scalar(n)
	day, err := time.Parse(time.DateOnly, text)
	switch {
	case !ok || err != nil:
		f.Bad(n, "date: %s is not a day such as 2026-01-31", yamldoc.Shown(n))
	case day.After(f.now.UTC().Add(anywhere)):
		f.Bad(n, "date %s is in the future", text)
	}
	f.date = text
}

func (f *file) readSource(n ast.Node) {
	text, ok := yamldoc.Scalar(n)
	if !ok || text == "" || len(text) > maxSource || strings.ContainsFunc(text, unicode.IsControl) {
		f.Bad(n, "source is not one line of 1 to %d characters that names the source of the prices", maxSource)
	}
	f.source = text
}

// currencies are the codes of ISO 4217 in use, without those of metals, funds and tests.
const currencies = "" +
	" AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY" +
	" COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK" +
	" JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD" +
	" NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL" +
	" THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG "

func (f *file) readCurrency(n ast.Node) {
	text, ok := yamldoc.Scalar(n)
	if !ok || len(text) != 3 || !strings.Contains(currencies, " "+text+" ") {
		f.Bad(n, "currency: %s is not a currency code of ISO 4217 such as USD", yamldoc.Shown(n))
	}
	f.currency = text
}

// groupName is the name of a dataset group (CreateDatasetGroup in the API reference).
var groupName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9\-_]{0,62}$`)

// readUsers reads the users of dataset groups by name or ARN.
func (f *file) readUsers(n ast.Node) {
	f.Entries(n, "users", func(key ast.Node, name string, value ast.Node) {
		arn, err := model.ParseARN(name)
		if (err != nil || arn.Type() != "dataset-group") && !groupName.MatchString(name) {
			f.Bad(key, "users: %q is not the name or ARN of a dataset group", name)
		}
		f.users[name] = int(f.whole(value, "users of "+name))
	})
}

func (f *file) readRegions(n ast.Node) {
	offered := slices.Concat(awsapi.PersonalizeRegions("aws"), awsapi.PersonalizeRegions("aws-cn"))
	found := f.Entries(n, "regions", func(key ast.Node, region string, value ast.Node) {
		if !slices.Contains(offered, region) {
			f.Bad(key, "%q is not a region that offers Amazon Personalize: %s", region, strings.Join(offered, ", "))
		}
		count := f.Entries(value, region, func(key ast.Node, name string, value ast.Node) { f.readPrice(key, region, name, value) })
		if count == 0 {
			f.Bad(value, "%s has no prices", region)
		}
	})
	if found == 0 {
		f.Bad(n, "regions has no region")
	}
}

// unitPrice is a key with the price of one unit.
type unitPrice struct {
	key, unit string
	set       func(p *pricing.Price, v float64)
}

var (
	tpsHourPrice = unitPrice{"perTPSHour", "TPS-hour", func(p *pricing.Price, v float64) { p.Tiers = []pricing.Tier{{PerTPSHour: v}} }}
	perThousand  = func(key, unit string) unitPrice {
		return unitPrice{key, "1,000 " + unit, func(p *pricing.Price, v float64) { p.PerThousand = v }}
	}
	// unitPrices are the keys of the products. A price that is one number is that of the first key. Price models
	// without perTPSHour need the last one, of a campaign tiers.
	unitPrices = map[pricing.Product][]unitPrice{
		pricing.Campaign:    {tpsHourPrice},
		pricing.CampaignV2:  {tpsHourPrice, perThousand("perThousandRequests", "requests")},
		pricing.Recommender: {tpsHourPrice, {"perHour", "hour", func(p *pricing.Price, v float64) { p.Fee.PerHour = v }}},
		pricing.Training:    {{"perHour", "training hour", func(p *pricing.Price, v float64) { p.PerHour = v }}},
		pricing.TrainingV2:  {perThousand("perThousandInteractions", "interactions")},
		pricing.Batch:       {perThousand("perThousand", "users or items")},
	}
)

func (f *file) readPrice(key ast.Node, region, name string, n ast.Node) {
	p := pricing.Price{Region: region, Product: pricing.Product(name)}
	units, ok := unitPrices[p.Product]
	if !ok {
		var names []string
		for _, product := range pricing.Products() {
			names = append(names, string(product))
		}
		f.Bad(key, "%q is not one of %s", name, strings.Join(names, ", "))
		return
	}
	if _, mapping := n.(ast.MapNode); mapping {
		f.readModel(n, &p, units)
	} else {
		units[0].set(&p, f.price(n, name, units[0].unit))
	}
	f.prices = append(f.prices, p)
}

// readModel reads a price with its model.
func (f *file) readModel(n ast.Node, p *pricing.Price, units []unitPrice) {
	keys, needed := map[string]func(ast.Node){}, units[len(units)-1].key
	for _, u := range units {
		keys[u.key] = func(n ast.Node) { u.set(p, f.price(n, u.key, u.unit)) }
	}
	fee := &pricing.Fee{UsersIncluded: 100_000}
	switch p.Product {
	case pricing.Campaign:
		needed = "tiers"
		keys["tiers"] = func(n ast.Node) { p.Tiers = f.tiers(n) }
	case pricing.Recommender:
		p.Fee = fee
		keys["usersIncluded"] = func(n ast.Node) { fee.UsersIncluded = max(1, int(f.whole(n, "usersIncluded"))) }
		keys["perHourPerFurtherUsers"] = func(n ast.Node) { fee.PerHourMore = f.number(n, "perHourPerFurtherUsers", 0, maxPrice, priceFrom0) }
		keys["requestsIncluded"] = func(n ast.Node) { fee.RequestsIncluded = f.whole(n, "requestsIncluded") }
		keys["perThousandRequests"] = func(n ast.Node) { fee.PerThousand = f.number(n, "perThousandRequests", 0, maxPrice, priceFrom0) }
	}
	given := f.Fields(n, string(p.Product), keys)
	switch {
	case given == nil:
	case given["perTPSHour"] && len(given) > 1:
		f.Bad(n, "%s: perTPSHour excludes the other keys", p.Product)
	case given["perTPSHour"]:
		p.Fee = nil
	case !given[needed]:
		f.Bad(n, "%s: %s is missing", p.Product, needed)
	}
}

// tiers reads volume tiers: ascending, and only the last without an end.
func (f *file) tiers(n ast.Node) []pricing.Tier {
	list, ok := n.(*ast.SequenceNode)
	if !ok || len(list.Values) == 0 || len(list.Values) > maxTiers {
		f.Bad(n, "tiers is not a list of 1 to %d tiers such as {upTo: 20000, perTPSHour: 0.2}", maxTiers)
		return nil
	}
	var tiers []pricing.Tier
	for i, value := range list.Values {
		tier := pricing.Tier{}
		given := f.Fields(value, "a tier", map[string]func(ast.Node){
			"upTo": func(n ast.Node) {
				tier.UpTo = f.number(n, "upTo", 1, maxVolume, "a number of TPS-hours a month from 1 on")
			},
			"perTPSHour": func(n ast.Node) { tier.PerTPSHour = f.price(n, "perTPSHour", "TPS-hour") },
		})
		last := i == len(list.Values)-1
		switch {
		case given == nil:
		case !given["perTPSHour"]:
			f.Bad(value, "tier %d: perTPSHour is missing", i+1)
		case given["upTo"] == last:
			f.Bad(value, "tier %d: every tier but the last has upTo, the end of the tier", i+1)
		case i > 0 && !last && tier.UpTo <= tiers[i-1].UpTo:
			f.Bad(value, "tier %d: upTo is not higher than that of the tier before", i+1)
		}
		tiers = append(tiers, tier)
	}
	return tiers
}

const priceFrom0 = "a price from 0 to 1000"

func (f *file) price(n ast.Node, what, unit string) float64 {
	v, ok := yamldoc.Numeric(n)
	if !ok || !(v > 0 && v <= maxPrice) {
		f.Bad(n, "%s: %s is not a price per %s above 0, up to %v", what, yamldoc.Shown(n), unit, maxPrice)
	}
	return v
}

func (f *file) number(n ast.Node, what string, least, most float64, valid string) float64 {
	v, ok := yamldoc.Numeric(n)
	if !ok || !(v >= least && v <= most) {
		f.Bad(n, "%s: %s is not %s", what, yamldoc.Shown(n), valid)
	}
	return v
}

func (f *file) whole(n ast.Node, what string) float64 {
	v, ok := yamldoc.Numeric(n)
	if !ok || !(v >= 0 && v <= maxVolume) || v != float64(int64(v)) {
		f.Bad(n, "%s: %s is not a whole number from 0 on", what, yamldoc.Shown(n))
		return 0
	}
	return v
}
