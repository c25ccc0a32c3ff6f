package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
)

// focusLedger spans the end of a month: a campaign whose month fills two tiers, one that was
// created in the span, one of a v2 recipe, a recommender with requests beyond its fee on one day,
// one without a price, and one that could not be read.
func focusLedger() Ledger {
	end := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	span := model.NewWindow(end.Add(-60*time.Hour), end) // from the 31st, 00:00
	table := pricing.NewTable(nil, nil, 7.5).Over(pricing.Builtin())
	china := pricing.Table{}
	var entries []Entry
	add := func(t pricing.Table, kind model.Kind, region, name, recipe string, created time.Time, use func(i int) (minimum, used float64)) {
		r := model.Resource{
			ARN:  model.NewARN(model.PartitionOf(region), "personalize", region, "123456789012", string(kind)+"/"+name),
			Kind: kind, Name: name, Recipe: recipe, Status: model.StatusActive, MinTPS: 1, Created: created,
			DatasetGroup: model.NewARN("aws", "personalize", region, "123456789012", "dataset-group/shop"),
		}
		w := span
		if created.After(w.Start) {
			w.Start = created
		}
		u := billing.Metered{Readable: true, Usage: billing.Usage{Window: w, Hours: w.Duration().Hours()}}
		for i := range int(w.Duration() / time.Hour) {
			minimum, used := use(i)
			u.Hourly = append(u.Hourly, billing.Hour{Start: w.Start.Add(time.Duration(i) * time.Hour), Provisioned: minimum, Actual: used, Paid: max(minimum, used), Used: used})
			u.Paid += max(minimum, used)
		}
		entries = append(entries, EntryOf(r, u, billing.Saving{}, pricing.Proposal{Use: pricing.NewUse(t, r, u.Hourly, u.Hourly, u.Hours)}, nil, ""))
	}
	old := end.AddDate(-1, 0, 0)
	add(table, model.Campaign, "us-east-1", "large", "aws-sims", old, func(i int) (float64, float64) { return 700, 100 + float64(i)/7 })
	add(table, model.Campaign, "us-east-1", "young", "aws-sims", end.Add(-20*time.Hour), func(int) (float64, float64) { return 1, 1.0 / 3 })
	add(table, model.Campaign, "eu-west-1", "newer", "aws-user-personalization-v2", old, func(i int) (float64, float64) { return 2, float64(i % 5) })
	add(table, model.Recommender, "eu-west-1", "feed", "aws-vod-top-picks", old, func(i int) (float64, float64) { return 1, float64(i / 30 * 3) })
	add(china, model.Campaign, "cn-north-1", "unpriced", "aws-sims", old, func(int) (float64, float64) { return 1, 0 })
	entries = append(entries, Entry{Subject: Subject{ARN: "arn:aws:personalize:us-east-1:123456789012:campaign/unread", Kind: model.Campaign}, Note: "not read"})
	entries[0].Tags = map[string]string{"team": `"web" & app`}
	trained := TrainedDay{
		Solution: model.NewARN("aws", "personalize", "us-east-1", "123456789012", "solution/shop"),
		Recipe:   "aws-sims", Day: end.Truncate(24 * time.Hour), Hours: 4.5, Estimate: table.Once("us-east-1", pricing.Training, new(4.5)),
	}
	trained.Price, _ = table.Of("us-east-1", pricing.Training)
	newer := TrainedDay{Solution: trained.Solution, Day: trained.Day.AddDate(0, 0, -1), Hours: 2}
	return Ledger{Window: span, Days: 3, Resources: Priced(entries), Trained: []TrainedDay{trained, newer}, TrainedSince: span.Start.Add(time.Hour)}
}

// TestFocusFollowsTheSpecification holds the rules of FOCUS 1.2 for the columns that are written
// (FinOps-Open-Cost-and-Usage-Spec/FOCUS_Spec, tag v1.2, specification/columns and attributes).
func TestFocusFollowsTheSpecification(t *testing.T) {
	l := focusLedger()
	var out bytes.Buffer
	if err := l.WriteFocus(&out); err != nil {
		t.Fatal(err)
	}
	golden(t, "focus.csv", out.Bytes())
	records, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	header := records[0]
	custom := slices.IndexFunc(header, func(name string) bool { return strings.HasPrefix(name, "x_") })
	for i, name := range header {
		if !regexp.MustCompile(`^(x_)?[A-Z][A-Za-z]{2,48}$`).MatchString(name) || strings.HasPrefix(name, "x_") != (i >= custom) {
			t.Errorf("column %d: %s", i, name)
		}
	}
	for _, name := range []string{ // of the feature level Mandatory
		"BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory",
		"ChargeClass", "ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName",
		"ListCost", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName",
	} {
		if !slices.Contains(header, name) {
			t.Errorf("the column %s is missing", name)
		}
	}
	nullable := map[string]bool{"BillingAccountName": true, "ChargeClass": true, "Tags": true}
	seen, sums := map[string]bool{}, map[string]*big.Rat{}
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, name := range header {
			row[name] = record[i]
			if record[i] == "" && !nullable[name] && !strings.HasPrefix(name, "x_") {
				t.Errorf("%s is null: %v", name, record)
			}
		}
		number := func(name string) *big.Rat {
			if !regexp.MustCompile(`^(0|[1-9]\d*)(\.\d*[1-9])?$`).MatchString(row[name]) {
				t.Errorf("%s is not a plain number: %q", name, row[name])
			}
			v, _ := new(big.Rat).SetString(row[name])
			return v
		}
		product := func(a, b string) *big.Rat { return new(big.Rat).Mul(number(a), number(b)) }
		if product("ListUnitPrice", "PricingQuantity").Cmp(number("ListCost")) != 0 {
			t.Errorf("ListUnitPrice × PricingQuantity is not ListCost: %v", record)
		}
		if product("ContractedUnitPrice", "PricingQuantity").Cmp(number("ContractedCost")) != 0 {
			t.Errorf("ContractedUnitPrice × PricingQuantity is not ContractedCost: %v", record)
		}
		if number("BilledCost").Cmp(number("ContractedCost")) != 0 || number("EffectiveCost").Cmp(number("BilledCost")) != 0 {
			t.Errorf("without commitments all costs after the discount are the same: %v", record)
		}
		contracted, _ := number("ContractedUnitPrice").Float64()
		if list, _ := number("ListUnitPrice").Float64(); math.Abs(contracted-list*0.925) > 1e-9 {
			t.Errorf("a discount of 7.5 %%: %v and %v", list, contracted)
		}
		number("ConsumedQuantity")
		at := func(name string) time.Time {
			v, err := time.Parse("2006-01-02T15:04:05Z", row[name])
			if err != nil {
				t.Error(err)
			}
			return v
		}
		from, to, start, end := at("BillingPeriodStart"), at("BillingPeriodEnd"), at("ChargePeriodStart"), at("ChargePeriodEnd")
		if from.Day() != 1 || from.AddDate(0, 1, 0) != to || start.Before(from) || end.After(to) || !start.Before(end) || end.Sub(start) > 24*time.Hour ||
			start.Before(l.Window.Start) || end.After(l.Window.End) {
			t.Errorf("periods: %v", record)
		}
		if row["BillingCurrency"] != "USD" || row["ChargeCategory"] != "Usage" || row["PricingCategory"] != "Standard" || row["ChargeFrequency"] != "Usage-Based" ||
			row["BillingAccountId"] != "123456789012" || !strings.HasSuffix(row["ResourceId"], "/"+row["ResourceName"]) {
			t.Errorf("%v", record)
		}
		if row["Tags"] != "" && json.Unmarshal([]byte(row["Tags"]), &map[string]string{}) != nil || (row["Tags"] == "") != (row["ResourceName"] != "large") {
			t.Errorf("tags %q", row["Tags"])
		}
		key := row["ResourceId"] + row["ChargePeriodStart"] + row["PricingUnit"]
		if seen[key] {
			t.Errorf("twice: %s", key)
		}
		seen[key] = true
		if sums[row["ResourceId"]] == nil {
			sums[row["ResourceId"]] = new(big.Rat)
		}
		sums[row["ResourceId"]].Add(sums[row["ResourceId"]], number("BilledCost"))
	}
	if sum := sums["arn:aws:personalize:us-east-1:123456789012:solution/shop"]; sum == nil || sum.FloatString(6) != "0.999000" { // 4.5 × 0.24 × 0.925
		t.Errorf("training: %v", sum)
	}
	for _, e := range l.Resources {
		sum, ok := sums[e.ARN]
		if ok != (e.Estimate != nil) {
			t.Errorf("%s: has rows %v", e.Name, ok)
			continue
		}
		if ok {
			if got, _ := sum.Float64(); math.Abs(got-e.Estimate.Paid) > 1e-6*e.Estimate.Paid {
				t.Errorf("%s: rows %v, estimate %v", e.Name, got, e.Estimate.Paid)
			}
		}
	}
	if lines := l.NoFocusRows(); len(lines) != 4 || !strings.Contains(lines[0], "unpriced: there is no price") || !strings.Contains(lines[1], "unread: not read") ||
		!strings.Contains(lines[2], "solution/shop on 2026-11-01: what its training cost is not known") || !strings.Contains(lines[3], "training before 2026-10-31 01:00 UTC") {
		t.Errorf("left out: %v", lines)
	}
}
