package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Subject is the campaign or recommender that a record of a report is about.
type Subject struct {
	ARN             string       `json:"arn"`
	Kind            model.Kind   `json:"kind"`
	Name            string       `json:"name"`
	Region          string       `json:"region"`
	DatasetGroup    string       `json:"datasetGroup"` // name; empty if it could not be read
	Recipe          string       `json:"recipe"`       // name; empty if it could not be read
	Status          model.Status `json:"status"`
	Min             int          `json:"min"` // TPS or RPS; the present one
	model.OfAccount              // if the report covers several
}

// SubjectOf describes a resource.
func SubjectOf(r model.Resource) Subject {
	return Subject{
		ARN: r.ARN.String(), Kind: r.Kind, Name: r.Name, Region: r.Region(), DatasetGroup: r.DatasetGroup.Name(), Recipe: r.Recipe,
		Status: r.Status, Min: r.MinTPS,
	}
}

// subjectColumns are those of a CSV whose records are about a Subject.
const subjectColumns = "arn kind name region datasetGroup recipe status min"

// Resource is one campaign or recommender with what was measured and decided.
type Resource struct {
	Subject
	Average *float64 `json:"average"` // TPS or RPS; nil if unreadable
	// Invisible means that no metric counts the requests of its recipe. There is no average
	// then, although nothing failed.
	Invisible   bool               `json:"-"`
	Utilization *float64           `json:"utilization"` // percent; nil if unreadable
	Checked     bool               `json:"checked"`     // whether the hourly checks were done
	Decision    rules.Verdict      `json:"decision"`
	NewMin      int                `json:"newMin,omitempty"` // with a step-down only
	Reason      string             `json:"reason"`
	Codes       []rules.ReasonCode `json:"-"`                // of the reason, for pages
	Health      *rules.Load        `json:"health,omitempty"` // only where the step-down rule read the demand
	// Saving is what the decision would save, and Estimate the money that the last 14 days
	// and the saving are worth. Only a plan has them.
	Saving   *billing.Saving `json:"saving,omitempty"`
	Estimate *Estimate       `json:"estimate,omitempty"`
	// Outcome is that of a decision which the cycle itself executed: done, already so, dry
	// run, refused or failed.
	Outcome string `json:"outcome,omitempty"`
	// Would is the decision that a parameter with the value DryRun kept from being made, and
	// WouldMin the new minimum of a step-down.
	Would    rules.Verdict `json:"would,omitempty"`
	WouldMin int           `json:"wouldMin,omitempty"`
	// Restore is the command that undoes what the cycle itself executed.
	Restore string `json:"restore,omitempty"`
}

// Alarms counts the changes of alarms, in a dry run those that would be made.
type Alarms struct {
	Created int `json:"created"`
	Updated int `json:"updated"`
	Deleted int `json:"deleted"`
	Kept    int `json:"kept"` // as they were
	Left    int `json:"left"` // changes that did not fit and wait for the next cycle
}

// Event is one event that was sent, or in a dry run would be.
type Event struct {
	DetailType      string `json:"detailType"`
	Resource        string `json:"resource"` // ARN; empty for a general rebuild of the dashboard
	model.OfAccount        // if the result covers several
}

// Result is what one cycle measured, decided and did. Its JSON keys are stable.
type Result struct {
	Window    model.Window    `json:"window"`
	Resources []Resource      `json:"resources"`
	Alarms    Alarms          `json:"alarms"`
	Events    []Event         `json:"events"`
	Problems  []model.Problem `json:"problems"`
	// DataLate are the regions in which nothing is changed, because their data are late.
	DataLate         []rules.LateRegion `json:"dataLate,omitempty"`
	MetricsPublished int                `json:"metricsPublished"`
	Calls            map[string]int     `json:"calls"` // by service.Operation
	DurationMs       int64              `json:"durationMs"`
	DryRun           bool               `json:"dryRun"`             // nothing was written; the rest is what would have been
	Accounts         []Account          `json:"accounts,omitempty"` // if it covers several
}

// Changes reports whether there is a change: a decision to act on a resource, or an alarm
// that is created, updated, deleted or left for the next cycle. Kept alarms, events and
// metrics do not count.
func (r Result) Changes() bool {
	a := r.Alarms
	return a.Created+a.Updated+a.Deleted+a.Left > 0 ||
		slices.ContainsFunc(r.Resources, func(one Resource) bool { return one.Decision.Changes() })
}

// Failed reports whether a resource or region had a problem.
func (r Result) Failed() bool { return len(r.Problems) > 0 }

// normalized is the result in the order and form in which it is written: resources by region,
// kind and name, events by type and resource, problems by region and resource, times in UTC,
// no list nil.
func (r Result) normalized() Result {
	r.Window = model.NewWindow(r.Window.Start, r.Window.End)
	read, _ := r.share()
	read = read.normalized()
	r.Resources, r.Events, r.Problems, r.Calls = list(r.Resources), list(r.Events), read.Problems, read.Calls
	slices.SortStableFunc(r.Resources, func(a, b Resource) int { return cmp.Compare(a.ARN, b.ARN) })
	slices.SortStableFunc(r.Events, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.DetailType, b.DetailType), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Account, b.Account))
	})
	return r
}

// plainResult is a Result without its methods, for the encoder.
type plainResult Result

// Asides implements Report.
func (r Result) Asides() []string {
	var lines []string
	for _, late := range r.DataLate {
		lines = append(lines, late.String())
	}
	return append(lines, problemLines(r.Problems)...)
}

// JSON implements Report.
func (r Result) JSON() any { return plainResult(r.normalized()) }

// MarshalJSON writes the result in its order, empty lists as [].
func (r Result) MarshalJSON() ([]byte, error) { return json.Marshal(r.JSON()) }

const resultColumns = subjectColumns + ` average utilization checked decision newMin reason
	tpsHoursSaved=saving.tpsHours tpsHoursSavedPerMonth=saving.tpsHoursPerMonth
	` + priceColumns + `
	estimateSaved=estimate.saved estimateSavedPerMonth=estimate.savedPerMonth would wouldMin outcome restore ` + healthColumns + `
	coldStepsPerWeek=saving.coldStepsPerWeek coldStepsPerWeekNow=saving.coldStepsPerWeekNow risk=saving.coldSteps.risk`

// CSV implements Report.
func (r Result) CSV() [][]string {
	return rowsOf(resultColumns+accountColumns(r.Accounts), r.normalized().Resources)
}

// Table writes the resources, a summary and the problems.
func (r Result) Table(p Printer) {
	r = r.normalized()
	p.found(len(r.Resources), r.Problems)
	if len(r.Resources) > 0 {
		p.Grid(resultGrid(r))
	}
	p.Line("")
	p.summary(r)
	p.Problems(r.Problems)
}

// found writes a line in the place of an empty table.
func (p Printer) found(resources int, problems []model.Problem) {
	switch {
	case resources > 0:
	case len(problems) > 0:
		p.Line("No campaigns or recommenders to show; see the problems below.")
	default:
		p.Line("No active campaigns or recommenders were found.")
	}
}

// foundIn is found for a ledger. Today's endpoints that are younger than a span in the past are not in it.
func (p Printer) foundIn(l Ledger) {
	if len(l.Resources) == 0 && len(l.Problems) == 0 && l.Recommendations == nil {
		p.Line("No campaign or recommender that is active now existed in this span.")
		return
	}
	p.found(len(l.Resources), l.Problems)
}

func resultGrid(r Result) Grid {
	g := Grid{Text: "REASON", Columns: []Column{
		{Title: "KIND", Minor: 2},
		{Title: "NAME", Name: true},
		{Title: "REGION"},
		{Title: "MIN", Right: true},
		{Title: "AVG", Right: true, Minor: 1},
		{Title: "UTIL", Right: true},
		{Title: "DECISION"},
	}}
	saves := slices.ContainsFunc(r.Resources, func(one Resource) bool { return one.Saving != nil })
	if saves {
		g.Columns = append(g.Columns, Column{Title: "SAVES A MONTH", Minor: 3, Fold: "saving a month: "})
	}
	for _, one := range r.Resources {
		row := Row{Text: Cell{Text: one.Reason}, Cells: append(
			Cells(string(one.Kind), one.Name, one.Region, strconv.Itoa(one.Min), Number(one.Average, 2, ""), Number(one.Utilization, 1, "%")),
			Cell{one.decisionText(), colorOf(one.Decision)},
		)}
		if one.Estimate != nil && one.Estimate.Note != "" { // why the decision saves little money
			row.Text.Text += "; " + one.Estimate.Note
		}
		if saves {
			row.Cells = append(row.Cells, Cell{Text: one.savesText()})
		}
		if one.Decision == rules.None {
			row.Text.Color = dim
		}
		g.Rows = append(g.Rows, row)
	}
	g.withAccount(len(r.Accounts) > 0, "REGION", func(i int) string { return r.Resources[i].OfAccount.Label() })
	return g
}

// decisionText is the decision with its outcome, or that of a dry run.
func (r Resource) decisionText() string {
	action, minimum, outcome := r.Decision, r.NewMin, r.Outcome
	if r.Would.Changes() && !action.Changes() {
		action, minimum, outcome = r.Would, r.WouldMin, "DryRun"
	}
	text := string(action)
	if minimum != 0 {
		text += " → " + strconv.Itoa(minimum)
	}
	if outcome != "" && action != rules.Refused {
		text += " (" + outcome + ")"
	}
	return text
}

// savesText is what a decision would save in a month, if that is known.
func (r Resource) savesText() string {
	if r.Saving == nil {
		return ""
	}
	text := commas(r.Saving.PerMonth) + " TPS-h"
	if r.Estimate != nil {
		text += fmt.Sprintf(" (est. %s %s)", r.Estimate.Currency, amount(r.Estimate.SavedPerMonth))
	}
	if cold := r.Saving.Cold; cold != nil {
		text += ", risk " + string(cold.Risk)
	}
	return text
}

func (p Printer) summary(r Result) {
	p.accounts(r.Accounts)
	resources := counted(r.Resources, func(one Resource) Subject { return one.Subject })
	if !r.Window.Start.IsZero() {
		resources += ", " + windowText(r.Window)
	}
	if missing := gapTexts(r.Gaps()); len(missing) > 0 {
		resources += "; not read, and in no sum: " + strings.Join(missing, ", ")
	}
	p.Label("Resources", resources)
	p.Label("Decisions", decisionsText(r.Resources))
	p.savings(r.Resources)
	outcomes := count(r.Resources, func(one Resource) string { return one.Outcome })
	delete(outcomes, "") // of what the cycle did not execute itself
	p.Label("Actions", tally(outcomes, slices.Sorted(maps.Keys(outcomes))))
	send, publish := "sent", "published"
	if r.DryRun {
		send, publish = "would send", "would publish"
	}
	p.Label("Alarms", alarmsText(r.Alarms, r.DryRun))
	if len(r.Events) > 0 {
		p.Label("Events", fmt.Sprintf("%s %d: %s", send, len(r.Events), typesText(r.Events)))
	}
	p.Label("Metrics", fmt.Sprintf("%s %d", publish, r.MetricsPublished))
	for _, late := range r.DataLate {
		p.Label("Late data", late.String())
	}
	p.Label("AWS calls", callsText(r.Calls, r.DurationMs))
	if r.DryRun {
		p.Line("Nothing was written.")
	}
}

// savings writes what the decisions would save together, and the prices of estimates.
func (p Printer) savings(resources []Resource) {
	var sum billing.Savings
	var prices []pricing.Price
	currency, money, saving, exposed := "", 0.0, 0, false
	for _, one := range resources {
		if one.Saving == nil {
			continue
		}
		saving++
		exposed = exposed || one.Saving.Cold != nil
		sum.Add(one.Saving.Savings)
		if e := one.Estimate; e != nil && (currency == "" || currency == e.Currency) {
			currency = e.Currency
			money += e.SavedPerMonth
			prices = append(prices, *e.Price)
		}
	}
	if saving == 0 {
		return
	}
	p.Label("Savings", commas(sum.PerMonth)+" TPS-hours a month, if demand stays as it was in the last 14 days")
	if exposed {
		p.Label("Cold steps", exposureOfAll(sum))
	}
	if len(prices) > 0 {
		p.Label("Estimate", fmt.Sprintf("%s %s a month, of %d of %d decisions", currency, amount(money), len(prices), saving))
	}
	p.Label("Price", PriceTexts(prices)...)
}

func decisionsText(resources []Resource) string {
	text := tally(count(resources, func(one Resource) rules.Verdict { return one.Decision }), decisions)
	if n := count(resources, func(one Resource) bool { return one.Would.Changes() })[true]; n > 0 {
		text += fmt.Sprintf(", %d dry run", n)
	}
	return text
}

// alarmsText counts the changes of alarms, those made or in a dry run those that would be.
func alarmsText(a Alarms, dryRun bool) string {
	verbs, would := []string{"created", "updated", "deleted"}, ""
	if dryRun {
		verbs, would = []string{"create", "update", "delete"}, "would "
	}
	var changes, parts []string
	for i, n := range []int{a.Created, a.Updated, a.Deleted} {
		if n > 0 {
			changes = append(changes, fmt.Sprintf("%s %d", verbs[i], n))
		}
	}
	if len(changes) > 0 {
		parts = append(parts, would+strings.Join(changes, ", "))
	}
	if a.Kept > 0 {
		parts = append(parts, fmt.Sprintf("kept %d", a.Kept))
	}
	if a.Left > 0 {
		parts = append(parts, model.Plural(a.Left, "change")+" left for the next cycle")
	}
	return strings.Join(parts, "; ")
}

// typesText names the types of events, with how many there are of each.
func typesText(events []Event) string {
	counts := count(events, func(e Event) string { return e.DetailType })
	types := slices.Sorted(maps.Keys(counts))
	for i, detailType := range types {
		if n := counts[detailType]; n > 1 {
			types[i] = fmt.Sprintf("%d×%s", n, detailType)
		}
	}
	return strings.Join(types, ", ")
}
