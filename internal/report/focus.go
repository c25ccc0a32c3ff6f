package report

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
)

// Focus is the form that cost tools read: a CSV with columns of the FinOps Open Cost and Usage
// Specification 1.2. Only a ledger has it.
const Focus Form = "focus"

// focusColumns are columns of FOCUS 1.2, and after them our own. Left out are those that need
// what AWS alone knows: SKUs, the invoice, the payer's sub accounts, commitments.
var focusColumns = []string{
	"BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
	"ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart",
	"ConsumedQuantity", "ConsumedUnit", "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "InvoiceIssuerName",
	"ListCost", "ListUnitPrice", "PricingCategory", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName",
	"RegionId", "RegionName", "ResourceId", "ResourceName", "ResourceType", "ServiceCategory", "ServiceName", "ServiceSubcategory", "Tags",
	"x_DatasetGroup", "x_PriceConfidence", "x_PriceDate", "x_PriceSource", "x_Recipe",
}

// Decimals of quantities and unit prices. Costs are their products, with all digits, as FOCUS
// requires that they match.
const (
	quantityDecimals = 6
	priceDecimals    = 10
)

// WriteFocus writes the ledger as FOCUS: a row for each endpoint, day (UTC) and unit that it is
// billed in. What has no price, or could not be read, has no row, as a cost must not be null, and
// is not 0; NoFocusRows names it. The error is w's.
func (l Ledger) WriteFocus(w io.Writer) error {
	return csv.NewWriter(w).WriteAll(inert(l.focusRows()))
}

func (l Ledger) focusRows() [][]string {
	l.Normalize()
	rows := [][]string{focusColumns}
	bill := BillOf(l.Resources)
	for _, e := range l.Resources {
		if e.Usage == nil {
			continue
		}
		for i, day := range bill.Days(e.Proposal.Use) {
			for _, charge := range day.Estimate.Charges {
				if charge.Quantity > 0 {
					rows = append(rows, e.focusRow(e.Proposal.Use.Days[i], charge))
				}
			}
		}
	}
	return rows
}

// BillOf is the bill of all entries together.
func BillOf(entries []Entry) *pricing.Bill {
	uses := make([]pricing.Use, len(entries))
	for i, e := range entries {
		uses[i] = e.Proposal.Use
	}
	return pricing.NewBill(uses)
}

func (e Entry) focusRow(day pricing.Day, c pricing.Charge) []string {
	use := e.Proposal.Use
	month := time.Date(day.Start.Year(), day.Start.Month(), 1, 0, 0, 0, 0, time.UTC)
	period := model.NewWindow(later(day.Start, e.Usage.Window.Start), earlier(day.Start.AddDate(0, 0, 1), e.Usage.Window.End))
	quantity, list := decimal(c.Quantity, quantityDecimals), decimal(c.UnitPrice, priceDecimals)
	contracted := decimal(c.UnitPrice*(1-use.Price.Discount/100), priceDecimals)
	listCost, cost := new(big.Rat).Mul(quantity, list), digitsOf(new(big.Rat).Mul(quantity, contracted))
	consumed, consumedUnit := e.consumed(day, c)
	title := e.Kind.Title()
	return []string{
		cost, use.ARN.Account, "", use.Price.Currency, focusTime(month.AddDate(0, 1, 0)), focusTime(month),
		"Usage", "", fmt.Sprintf("Amazon Personalize %s %s: %s (estimate)", strings.ToLower(title), e.Name, c.Unit), "Usage-Based",
		focusTime(period.End), focusTime(period.Start),
		consumed, consumedUnit, cost, digitsOf(contracted), cost, "AWS",
		digitsOf(listCost), digitsOf(list), "Standard", digitsOf(quantity), c.Unit, "AWS", "AWS",
		e.Region, cmp.Or(regionNames[e.Region], e.Region), e.ARN, e.Name, "Personalize " + title,
		"AI and Machine Learning", "Amazon Personalize", "Machine Learning", tagsText(e.Tags),
		e.DatasetGroup, string(use.Price.Confidence), use.Price.Date, use.Price.Source, e.Recipe,
	}
}

// consumed is what a charge is for: requests, or the hours that a recommender ran.
func (e Entry) consumed(day pricing.Day, c pricing.Charge) (quantity, unit string) {
	switch {
	case c.Unit == pricing.UnitRecommenderHours:
		return digitsOf(decimal(c.Quantity, quantityDecimals)), "Hours"
	case e.Kind == model.Recommender: // requests beyond those that the fee includes
		return digitsOf(decimal(c.Quantity*1000, 0)), "Requests"
	}
	return digitsOf(decimal(day.Used.TPSHours*billing.PerTPSHour, 0)), "Requests"
}

// tagsText are tags as FOCUS holds them, a JSON object; empty, which is null, if they are not known.
func tagsText(tags map[string]string) string {
	if tags == nil {
		return ""
	}
	text, err := json.Marshal(tags)
	if err != nil { // of strings there is none
		return ""
	}
	return string(text)
}

func focusTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if a.After(b) {
		return b
	}
	return a
}

// decimal is a number rounded to so many decimals, exactly.
func decimal(v float64, decimals int) *big.Rat {
	r, ok := new(big.Rat).SetString(fmt.Sprintf("%.*f", decimals, v))
	if !ok {
		return new(big.Rat)
	}
	return r
}

// digitsOf are all digits of a number with a finite number of decimals.
func digitsOf(r *big.Rat) string {
	text := r.FloatString(quantityDecimals + priceDecimals)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// regionNames are the names of the regions of Personalize (AWS General Reference). A region that is
// not among them is named by its code.
var regionNames = map[string]string{
	"ap-northeast-1": "Asia Pacific (Tokyo)",
	"ap-northeast-2": "Asia Pacific (Seoul)",
	"ap-south-1":     "Asia Pacific (Mumbai)",
	"ap-southeast-1": "Asia Pacific (Singapore)",
	"ap-southeast-2": "Asia Pacific (Sydney)",
	"ca-central-1":   "Canada (Central)",
	"cn-north-1":     "China (Beijing)",
	"eu-central-1":   "Europe (Frankfurt)",
	"eu-west-1":      "Europe (Ireland)",
	"us-east-1":      "US East (N. Virginia)",
	"us-east-2":      "US East (Ohio)",
	"us-west-2":      "US West (Oregon)",
}

// NoFocusRows names the endpoints of which WriteFocus writes no row, with the reason.
func (l Ledger) NoFocusRows() []string {
	var lines []string
	for _, e := range l.Resources {
		switch {
		case e.Usage == nil:
			lines = append(lines, fmt.Sprintf("no row for %s: %s", e.ARN, e.Note))
		case !e.Proposal.Use.Priced():
			lines = append(lines, fmt.Sprintf("no row for %s: there is no price", e.ARN))
		}
	}
	slices.Sort(lines)
	return lines
}
