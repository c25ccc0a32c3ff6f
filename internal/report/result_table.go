package report

import (
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

// Table writes the resources, a summary and the problems.
func (r Result) Table(p Printer) {
	r = r.normalized()
	p.found(len(r.Resources), r.Problems)
	if len(r.Resources) > 0 {
		grid := resultGrid(r.Resources)
		grid.withAccount(r.Accounts, func(i int) string { return r.Resources[i].accountLabel() })
		p.Grid(grid)
	}
	p.Line("")
	p.summary(r)
	p.Problems(r.Problems)
}

// found writes why there are no resources in a table, if there are none.
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

func resultGrid(resources []Resource) Grid {
	g := Grid{Text: "REASON", Columns: []Column{
		{Title: "KIND", Minor: 2}, {Title: "NAME", Name: true}, {Title: "REGION"}, {Title: "MIN", Right: true},
		{Title: "AVG", Right: true, Minor: 1}, {Title: "UTIL", Right: true}, {Title: "DECISION"},
	}}
	saves := slices.ContainsFunc(resources, func(one Resource) bool { return one.Saving != nil })
	if saves {
		g.Columns = append(g.Columns, Column{Title: "SAVES A MONTH", Minor: 3, Fold: "saving a month: "})
	}
	for _, one := range resources {
		row := Row{Text: Cell{Text: one.reasonText()}, Cells: []Cell{
			{Text: string(one.Kind)}, {Text: one.Name}, {Text: one.Region}, {Text: strconv.Itoa(one.Min)},
			{Text: rounded(one.Average, 2, "")}, {Text: rounded(one.Utilization, 1, "%")}, {one.decisionText(), colorOf(one.Decision)},
		}}
		if saves {
			row.Cells = append(row.Cells, Cell{Text: one.savesText()})
		}
		if one.Decision == rules.None {
			row.Text.Color = dim
		}
		g.Rows = append(g.Rows, row)
	}
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

// reasonText is the reason, and why the decision saves little money if it does.
func (r Resource) reasonText() string {
	if r.Estimate == nil || r.Estimate.Note == "" {
		return r.Reason
	}
	return r.Reason + "; " + r.Estimate.Note
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
	kinds := count(r.Resources, func(one Resource) model.Kind { return one.Kind })
	regions := count(r.Resources, func(one Resource) string { return one.Region })
	p.accounts(r.Accounts)
	resources := counted(kinds, regions)
	if !r.Window.Start.IsZero() {
		resources += ", " + windowText(r.Window)
	}
	p.Label("Resources", resources)
	if text := decisionsText(r.Resources); text != "" {
		p.Label("Decisions", text)
	}
	p.savings(r.Resources)
	outcomes := count(r.Resources, func(one Resource) string { return one.Outcome })
	delete(outcomes, "") // of what the cycle did not execute itself
	if len(outcomes) > 0 {
		p.Label("Actions", tally(outcomes, slices.Sorted(maps.Keys(outcomes))))
	}
	would := func(would, did string) string {
		if r.DryRun {
			return "would " + would
		}
		return did
	}
	if r.Alarms != (Alarms{}) {
		p.Label("Alarms", alarmsText(r.Alarms, r.DryRun))
	}
	if len(r.Events) > 0 {
		p.Label("Events", fmt.Sprintf("%s %d: %s", would("send", "sent"), len(r.Events), typesText(r.Events)))
	}
	p.Label("Metrics", fmt.Sprintf("%s %d", would("publish", "published"), r.MetricsPublished))
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
	money := 0.0
	currency, priced, saving := "", 0, 0
	var prices []pricing.Price
	for _, one := range resources {
		if one.Saving == nil {
			continue
		}
		saving++
		sum.Add(one.Saving.Savings)
		if e := one.Estimate; e != nil && (currency == "" || currency == e.Currency) {
			currency = e.Currency
			priced++
			money += e.SavedPerMonth
			prices = append(prices, *e.Price)
		}
	}
	if saving == 0 {
		return
	}
	p.Label("Savings", commas(sum.PerMonth)+" TPS-hours a month, if demand stays as it was in the last 14 days")
	if slices.ContainsFunc(resources, func(one Resource) bool { return one.Saving != nil && one.Saving.Cold != nil }) {
		p.Label("Cold steps", exposureOfAll(sum))
	}
	if priced > 0 {
		p.Label("Estimate", fmt.Sprintf("%s %s a month, of %d of %d decisions", currency, amount(money), priced, saving))
	}
	for _, price := range PriceTexts(prices) {
		p.Label("Price", price)
	}
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
