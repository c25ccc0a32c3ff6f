package prices

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// Limits on a price file.
const (
	maxPriceFile = 64 << 10
	maxBrackets  = 2000   // deeper nesting would cost the parser its stack
	maxPrice     = 1000.0 // per TPS-hour; more is a typing error
	maxSource    = 200
)

var currencyPattern = regexp.MustCompile(`^[A-Z]{3}$`)

// priceFile is a file of prices, YAML or JSON.
type priceFile struct {
	Date     string                                `yaml:"date"`
	Source   string                                `yaml:"source"`
	Currency string                                `yaml:"currency"`
	Regions  map[string]map[report.Product]float64 `yaml:"regions"`
}

// ParseFile reads a price file: YAML, which includes JSON, with the keys date, source,
// currency (default USD) and regions, which has prices per TPS-hour by product. It rejects
// other keys and invalid prices; the error has a line for each fault.
func ParseFile(name string, data []byte) (prices report.Prices, err error) {
	// The parser is a library, and a file may contain anything: a panic in it means that the
	// file cannot be read.
	defer func() {
		if recover() != nil {
			prices, err = nil, fmt.Errorf("%s: not readable as YAML", name)
		}
	}()
	switch {
	case len(data) > maxPriceFile:
		return nil, fmt.Errorf("%s: has more than %d bytes", name, maxPriceFile)
	case bytes.Count(data, []byte("{"))+bytes.Count(data, []byte("["))+bytes.Count(data, []byte("- ")) > maxBrackets:
		return nil, fmt.Errorf("%s: has more brackets than a price file needs", name)
	}
	var in priceFile
	decoder := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict())
	if err := decoder.Decode(&in); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %s", name, firstLine(err))
	}
	if err := decoder.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: has more than one document", name)
	}
	if in.Currency == "" {
		in.Currency = "USD"
	}
	if faults := in.faults(); len(faults) > 0 {
		for i := range faults {
			faults[i] = fmt.Errorf("%s: %w", name, faults[i])
		}
		return nil, errors.Join(faults...)
	}
	var list []report.Price
	for region, prices := range in.Regions {
		for product, price := range prices {
			list = append(list, report.Price{
				Region: region, Product: product, PerTPSHour: price,
				Currency: in.Currency, Date: in.Date, Source: in.Source,
			})
		}
	}
	return report.NewPrices(list...), nil
}

func (f priceFile) faults() []error {
	var faults []error
	if _, err := time.Parse(time.DateOnly, f.Date); err != nil {
		faults = append(faults, fmt.Errorf("date %q is not a day such as 2026-01-31", f.Date))
	}
	if f.Source == "" || len(f.Source) > maxSource || strings.ContainsFunc(f.Source, unicode.IsControl) {
		faults = append(faults, fmt.Errorf(
			"source %q is not one line of 1 to %d characters that names the source of the prices", f.Source, maxSource))
	}
	if !currencyPattern.MatchString(f.Currency) {
		faults = append(faults, fmt.Errorf("currency %q is not three capital letters such as USD", f.Currency))
	}
	if len(f.Regions) == 0 {
		faults = append(faults, errors.New("regions: the file has none"))
	}
	var inRegions []error
	for region, prices := range f.Regions {
		if !model.ValidRegion(region) {
			inRegions = append(inRegions, fmt.Errorf("regions: %q is not the name of an AWS region", region))
		}
		if len(prices) == 0 {
			inRegions = append(inRegions, fmt.Errorf("regions: %s has no prices", region))
		}
		for product, price := range prices {
			if !slices.Contains(report.Products(), product) {
				inRegions = append(inRegions, fmt.Errorf("regions: %s: %q is not one of campaign, campaignV2, recommender", region, product))
			}
			if !(price > 0 && price <= maxPrice) || math.IsInf(price, 0) {
				inRegions = append(inRegions, fmt.Errorf(
					"regions: %s: %s: %v is not a price per TPS-hour above 0, up to %v", region, product, price, maxPrice))
			}
		}
	}
	slices.SortFunc(inRegions, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return append(faults, inRegions...)
}

// firstLine returns a YAML error without the excerpt of the file below it.
func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}
