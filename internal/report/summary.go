package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// labelWidth is the width of the words that begin the lines of the summary.
const labelWidth = 11

// labelled writes one line of the summary, wrapped under its own text.
func (p painter) labelled(label, text string) {
	lines := []string{text}
	if p.width > 0 {
		lines = wrap(text, max(minName, p.width-labelWidth))
	}
	for i, line := range lines {
		if i > 0 {
			label = ""
		}
		p.line(p.paint(bold, label) + strings.Repeat(" ", labelWidth-len(label)) + line)
	}
}

// summary writes what the cycle came to.
func (p painter) summary(r Result) {
	p.labelled("Resources", counted(r.Resources)+", "+r.Window.text())
	if text := decided(r.Resources); text != "" {
		p.labelled("Decisions", text)
	}
	p.savings(r.Resources)
	say := tense{would: r.DryRun}
	if text := outcomes(r.Resources); text != "" {
		p.labelled("Actions", text)
	}
	if r.Alarms != (Alarms{}) {
		p.labelled("Alarms", say.alarms(r.Alarms))
	}
	if len(r.Events) > 0 {
		p.labelled("Events", say.events(r.Events))
	}
	p.labelled("Metrics", say.metrics(r.MetricsPublished))
	p.labelled("AWS calls", fmt.Sprintf("%d in %s", total(r.Calls), spent(r.DurationMs)))
	if r.DryRun {
		p.line("Nothing was written.")
	}
}

// savings writes what the decisions would save together, and the prices of estimates.
func (p painter) savings(resources []Resource) {
	var hours, money SavingTotal
	currency, priced, count := "", 0, 0
	prices := map[string]bool{}
	for _, one := range resources {
		if one.Saving == nil {
			continue
		}
		count++
		hours.add(one.Saving)
		if e := one.Estimate; e != nil && (currency == "" || currency == e.Currency) {
			currency = e.Currency
			priced++
			money.PerMonth += e.SavedPerMonth
			price := Price{Region: one.Region, Product: ProductOf(one.Kind, one.Recipe), PerTPSHour: e.PerTPSHour, Currency: e.Currency, Date: e.PriceDate, Source: e.PriceSource}
			prices[price.text()] = true
		}
	}
	if count == 0 {
		return
	}
	p.labelled("Savings", commas(hours.PerMonth)+" TPS-hours a month, if demand stays as it was in the last 14 days")
	if priced > 0 {
		p.labelled("Estimate", fmt.Sprintf("%s %s a month, of %d of %d decisions", currency, amount(money.PerMonth), priced, count))
	}
	for _, price := range slices.Sorted(maps.Keys(prices)) {
		p.labelled("Price", price)
	}
}

// problems writes each problem on a line of its own, which is never wrapped: errors are
// searched for and copied.
func (p painter) problems(problems []model.Problem) {
	if len(problems) == 0 {
		return
	}
	p.line("")
	p.line(p.paint(bold+red, model.Plural(len(problems), "problem")+":"))
	for _, one := range problems {
		p.line("  " + model.OneLine(one.Error()))
	}
}

// counted tells how many resources there are, of which kinds and in how many regions.
func counted(resources []Resource) string {
	if len(resources) == 0 {
		return "none"
	}
	regions := map[string]bool{}
	kinds := map[model.Kind]int{}
	for _, one := range resources {
		regions[one.Region] = true
		kinds[one.Kind]++
	}
	var parts []string
	for _, kind := range []model.Kind{model.Campaign, model.Recommender} {
		if n := kinds[kind]; n > 0 {
			parts = append(parts, model.Plural(n, string(kind)))
		}
	}
	return strings.Join(parts, " and ") + " in " + model.Plural(len(regions), "region")
}

// text is the window, its date once unless it spans midnight.
func (w Window) text() string {
	end := "15:04"
	if w.Start.Format(time.DateOnly) != w.End.Format(time.DateOnly) {
		end = "2006-01-02 15:04"
	}
	return "window " + w.Start.Format("2006-01-02 15:04") + "–" + w.End.Format(end) + " UTC"
}

// decided counts the decisions.
func decided(resources []Resource) string {
	counts, rehearsed := map[rules.Verdict]int{}, 0
	for _, one := range resources {
		counts[one.Decision]++
		if one.Would.Changes() {
			rehearsed++
		}
	}
	var parts []string
	for _, decision := range decisions {
		if n := counts[decision]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, decision))
		}
	}
	if rehearsed > 0 {
		parts = append(parts, fmt.Sprintf("%d rehearsed (DryRun)", rehearsed))
	}
	return strings.Join(parts, ", ")
}

// tense says what was done, or in a dry run what would be.
type tense struct{ would bool }

func (t tense) verb(would, did string) string {
	if t.would {
		return would
	}
	return did
}

// outcomes counts the outcomes of what the cycle itself carried out.
func outcomes(resources []Resource) string {
	counts := map[string]int{}
	for _, one := range resources {
		if one.Outcome != "" {
			counts[one.Outcome]++
		}
	}
	var parts []string
	for _, outcome := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[outcome], outcome))
	}
	return strings.Join(parts, ", ")
}

func (t tense) alarms(a Alarms) string {
	var parts []string
	for _, change := range []struct {
		count      int
		would, did string
	}{
		{a.Created, "create", "created"},
		{a.Updated, "update", "updated"},
		{a.Deleted, "delete", "deleted"},
	} {
		if change.count > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", t.verb(change.would, change.did), change.count))
		}
	}
	var text []string
	if len(parts) > 0 {
		text = append(text, t.verb("would ", "")+strings.Join(parts, ", "))
	}
	if a.Kept > 0 {
		text = append(text, fmt.Sprintf("kept %d", a.Kept))
	}
	if a.Left > 0 {
		text = append(text, model.Plural(a.Left, "change")+" left for the next cycle")
	}
	return strings.Join(text, "; ")
}

func (t tense) events(events []Event) string {
	counts := map[string]int{}
	var types []string
	for _, event := range events {
		if counts[event.DetailType]++; counts[event.DetailType] == 1 {
			types = append(types, event.DetailType)
		}
	}
	slices.Sort(types)
	for i, detailType := range types {
		if n := counts[detailType]; n > 1 {
			types[i] = fmt.Sprintf("%d×%s", n, detailType)
		}
	}
	return fmt.Sprintf("%s %d: %s", t.verb("would send", "sent"), len(events), strings.Join(types, ", "))
}

func (t tense) metrics(published int) string {
	return fmt.Sprintf("%s %d", t.verb("would publish", "published"), published)
}

// total adds up the calls.
func total(calls map[string]int) int {
	sum := 0
	for _, n := range calls {
		sum += n
	}
	return sum
}

// spent is a duration with as many digits as one wants to read.
func spent(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	if d >= time.Second {
		d = d.Round(100 * time.Millisecond)
	}
	return d.String()
}
