package report

import (
	"cmp"
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

// focusColumns are columns of FOCUS 1.2, and after them our own. Left out are those that need what AWS alone
// knows: SKUs, the invoice, the payer's sub accounts, commitments; those of the sub account follow if there are
// several accounts. The billing account of an endpoint is the payer of its account, if that is known, or the
// account itself.
const focusColumns = `BilledCost BillingAccountId BillingAccountName BillingCurrency BillingPeriodEnd BillingPeriodStart
	ChargeCategory ChargeClass ChargeDescription ChargeFrequency ChargePeriodEnd ChargePeriodStart
	ConsumedQuantity ConsumedUnit ContractedCost ContractedUnitPrice EffectiveCost InvoiceIssuerName
	ListCost ListUnitPrice PricingCategory PricingQuantity PricingUnit ProviderName PublisherName
	RegionId RegionName ResourceId ResourceName ResourceType ServiceCategory ServiceName ServiceSubcategory Tags
	x_DatasetGroup x_PriceConfidence x_PriceDate x_PriceSource x_Recipe`

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
	return WriteCSV(w, l.focusRows())
}

func (l Ledger) focusRows() [][]string {
	l.Normalize()
	columns := focusColumns
	if len(l.Accounts) > 0 {
		columns += " SubAccountId SubAccountName"
	}
	rows := [][]string{strings.Fields(columns)}
	bill := BillOf(l.Resources)
	for _, e := range l.Resources {
		if e.Usage == nil {
			continue
		}
		for i, day := range bill.Days(e.use()) {
			for _, charge := range day.Estimate.Charges {
				if charge.Quantity > 0 {
					rows = append(rows, e.focusLine(e.use().Days[i], charge).cells(charge))
				}
			}
		}
	}
	for _, t := range l.Trained {
		for _, charge := range t.Estimate.Charges {
			if charge.Quantity > 0 {
				rows = append(rows, t.focusLine(l.Window).cells(charge))
			}
		}
	}
	return rows
}

// BillOf is the bill of all entries together.
func BillOf(entries []Entry) *pricing.Bill {
	uses := make([]pricing.Use, len(entries))
	for i, e := range entries {
		uses[i] = e.use()
	}
	return pricing.NewBill(uses)
}

// focusLine is a row of FOCUS without its quantities and costs.
type focusLine struct {
	day                 model.Window // the charge period
	consumed, unit      string
	kind                string
	arn                 model.ARN
	account             model.Account // if the ledger covers several, else only the payer
	datasetGroup, tags  string
	recipe, description string
	price               pricing.Price
}

func (e Entry) focusLine(day pricing.Day, c pricing.Charge) focusLine {
	use := e.use()
	line := focusLine{
		day: clipped(day.Start, e.Usage.Window), kind: e.Kind.Title(), arn: use.ARN,
		account:      model.Account{ID: e.Account, Name: e.AccountName, Payer: e.Payer},
		datasetGroup: e.DatasetGroup, tags: tagsText(e.Tags), recipe: e.Recipe, description: c.Unit, price: use.Price,
	}
	line.consumed, line.unit = e.consumed(day, c)
	return line
}

// TrainedDay is the training of a solution that ended on a day.
type TrainedDay struct {
	Solution     model.ARN
	DatasetGroup string
	Recipe       string
	Day          time.Time // 00:00 UTC
	Hours        float64
	Price        pricing.Price
	Estimate     pricing.Estimate // without an amount if it is not known
	Account      model.Account    // if the ledger covers several
}

func (t TrainedDay) focusLine(w model.Window) focusLine {
	return focusLine{
		day: clipped(t.Day, w), consumed: digitsOf(decimal(t.Hours, quantityDecimals)), unit: "Hours",
		kind: "Solution", arn: t.Solution, account: t.Account, datasetGroup: t.DatasetGroup, recipe: t.Recipe,
		description: "training", price: t.Price,
	}
}

// clipped is the part of a day that is in a window.
func clipped(day time.Time, w model.Window) model.Window {
	return model.NewWindow(model.Later(day, w.Start), model.Earlier(day.AddDate(0, 0, 1), w.End))
}

// cells are the line with a charge, in the order of the columns.
func (f focusLine) cells(c pricing.Charge) []string {
	month := billing.FirstOfMonth(f.day.Start)
	quantity, list := decimal(c.Quantity, quantityDecimals), decimal(c.UnitPrice, priceDecimals)
	contracted := decimal(c.UnitPrice*(1-f.price.Discount/100), priceDecimals)
	listCost, cost := new(big.Rat).Mul(quantity, list), digitsOf(new(big.Rat).Mul(quantity, contracted))
	cells := []string{
		cost, cmp.Or(f.account.Payer, f.arn.Account()), "", f.price.Currency, focusTime(month.AddDate(0, 1, 0)), focusTime(month),
		"Usage", "", fmt.Sprintf("Amazon Personalize %s %s: %s (estimate)", strings.ToLower(f.kind), f.arn.Name(), f.description), "Usage-Based",
		focusTime(f.day.End), focusTime(f.day.Start),
		f.consumed, f.unit, cost, digitsOf(contracted), cost, "AWS",
		digitsOf(listCost), digitsOf(list), "Standard", digitsOf(quantity), c.Unit, "AWS", "AWS",
		f.arn.Region(), cmp.Or(regionNames[f.arn.Region()], f.arn.Region()), f.arn.String(), f.arn.Name(), "Personalize " + f.kind,
		"AI and Machine Learning", "Amazon Personalize", "Machine Learning", f.tags,
		f.datasetGroup, string(f.price.Confidence), f.price.Date, f.price.Source, f.recipe,
	}
	if f.account.ID != "" {
		cells = append(cells, f.account.ID, f.account.Name)
	}
	return cells
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
	text, _ := json.Marshal(tags) // strings have no error
	return string(text)
}

func focusTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

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

// NoFocusRows names the endpoints and training of which WriteFocus writes no row, with the reason.
func (l Ledger) NoFocusRows() []string {
	var lines []string
	for _, e := range l.Resources {
		switch {
		case e.Usage == nil:
			lines = append(lines, fmt.Sprintf("no row for %s: %s", e.ARN, e.Note))
		case !e.use().Priced():
			lines = append(lines, fmt.Sprintf("no row for %s: there is no price", e.ARN))
		}
	}
	for _, t := range l.Trained {
		if t.Estimate.Amount == nil {
			lines = append(lines, fmt.Sprintf("no row for %s on %s: what its training cost is not known", t.Solution, t.Day.Format(time.DateOnly)))
		}
	}
	if l.Training != nil {
		for _, region := range l.Training.Totals.Unread {
			lines = append(lines, "no rows for training in "+region+": not all of it could be read")
		}
	}
	if l.TrainedSince.After(l.Window.Start) {
		lines = append(lines, "no rows for training before "+l.TrainedSince.UTC().Format("2006-01-02 15:04 UTC")+": its hours were not read")
	}
	for _, account := range unread(l.Accounts) {
		lines = append(lines, "no rows for "+account+": nothing is known of it")
	}
	for _, gap := range l.gaps() {
		lines = append(lines, "no rows for "+gap+": not all of them could be read")
	}
	slices.Sort(lines)
	return lines
}
