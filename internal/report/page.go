package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/chart"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// maxCharts is how many resources have a chart of their own: those that waste most. The
// page would take long to load with thousands.
const maxCharts = 50

// Page is what the HTML page of a ledger shows, in words and numbers; package page renders it.
type Page struct {
	Window, Count, DetailsText string
	Tiles                      []tile
	Notes, Problems            []string
	Charts, Details            []chart.Chart
	Columns                    []pageColumn
	Rows                       [][]pageCell
	Prices                     []string
	Training                   *TrainingView // nil if it was not read
}

type tile struct{ Label, Value, More string }

type pageColumn struct{ Title, Kind string }

var pageColumns = []pageColumn{
	{"Resource", "text"},
	{"Minimum", "number"},
	{"Average", "number"},
	{"Utilization", "number"},
	{"Idle", "number"},
	{"Paid", "number"},
	{"Used", "number"},
	{"Wasted", "number"},
	{"Saves a month", "number"},
	{"What to do", "text"},
}

// pageCell is one cell; Sort is what it is sorted by, empty if that is not known.
type pageCell struct {
	Head                                          bool
	Label, Sort, Text, More, Class, Share, Action string
}

// Page prepares the HTML page of the ledger.
func (l Ledger) Page() Page {
	l.Normalize()
	const minutes = "2006-01-02 15:04"
	p := Page{
		Window: fmt.Sprintf("%s to %s UTC (%s)", l.Window.Start.Format(minutes), l.Window.End.Format(minutes), model.Plural(l.Days, "day")),
		Count:  l.counted(), Tiles: l.tiles(), Notes: l.Notes, Columns: pageColumns, Prices: PriceTexts(l.Prices),
		Training: TrainingViewOf(l.Training),
	}
	entries := slices.Clone(l.Resources)
	waste := func(e Entry) float64 {
		if e.Usage == nil { // at the end
			return -1
		}
		return e.Usage.TPSHours.Wasted
	}
	slices.SortStableFunc(entries, func(a, b Entry) int { return cmp.Compare(waste(b), waste(a)) })
	p.addCharts(entries, l.Hourly)
	for _, e := range entries {
		p.Rows = append(p.Rows, pageRow(e))
	}
	for _, problem := range l.Problems {
		p.Problems = append(p.Problems, model.OneLine(problem.Error()))
	}
	return p
}

// tiles are the figures to see first.
func (l Ledger) tiles() []tile {
	t := l.Totals
	if t.Resources == t.Unread {
		return nil
	}
	share := ""
	if t.TPSHours.Paid > 0 {
		part := t.TPSHours.Wasted / t.TPSHours.Paid * 100
		share = Number(&part, 1, "% of what was paid")
	}
	var tiles []tile
	if all := t.Throughput; all != nil {
		text := fmt.Sprintf("%s of %s TPS, peak %s\n%s",
			Number(&all.Actual, 1, ""), Number(&all.Provisioned, 1, ""), Number(&all.Peak, 1, ""), spread(all.Utilization))
		tiles = append(tiles, tile{"Utilization", Number(all.Utilization.Mean, 1, "%"), text})
	}
	tiles = append(tiles,
		tile{"Idle", commas(t.IdleHours) + " h", "of " + commas(t.Hours) + " h of all resources"},
		tile{"TPS-hours paid for", commas(t.TPSHours.Paid), ""},
		tile{"TPS-hours used", commas(t.TPSHours.Used), ""},
		tile{"TPS-hours wasted", commas(t.TPSHours.Wasted), share},
		tile{"TPS-hours that could be saved a month", commas(t.Saving.PerMonth), tally(t.Actions, decisions)})
	if s := t.Saving; t.Actions[rules.StepDown] > 0 {
		tiles = append(tiles, tile{"Cold steps a week with the new minimums", perWeek(s.ColdPerWeek), coldNow(s)})
	}
	for _, e := range t.Estimates {
		text := fmt.Sprintf("of %s %s paid, %s wasted in the span; %d of %s priced",
			e.Currency, amount(e.Paid), amount(e.Wasted), e.Resources, model.Plural(t.Resources-t.Unread, "resource"))
		text = strings.Join(append([]string{text}, l.Summary.Without()...), "; ")
		tiles = append(tiles, tile{"Estimate: saved a month", e.Currency + " " + amount(e.SavedPerMonth), text})
	}
	return tiles
}

func (p *Page) addCharts(entries []Entry, together map[model.Kind][]billing.Hour) {
	for _, kind := range []model.Kind{model.Campaign, model.Recommender} {
		if hours := together[kind]; len(hours) > 0 {
			title := "All " + string(kind) + "s together: provisioned and actual " + kind.RateUnit()
			p.Charts = append(p.Charts, chart.OfHours(title, kind.RateUnit(), hours))
		}
	}
	for _, e := range entries {
		if len(e.Hourly) == 0 || len(p.Details) == maxCharts {
			continue
		}
		title := fmt.Sprintf("%s (%s, %s): %s TPS-hours wasted", model.OneLine(e.Name), e.Kind, e.Place(), commas(e.Usage.TPSHours.Wasted))
		p.Details = append(p.Details, chart.OfHours(title, e.Kind.RateUnit(), e.Hourly))
	}
	p.DetailsText = "Provisioned and actual throughput, most wasteful first."
	if len(p.Details) == maxCharts && len(entries) > maxCharts {
		p.DetailsText = fmt.Sprintf("Provisioned and actual throughput of the %d that waste most.", maxCharts)
	}
}

func pageRow(e Entry) []pageCell {
	cells := make([]pageCell, len(pageColumns))
	for i := range cells {
		cells[i] = pageCell{Label: pageColumns[i].Title, Text: "–"}
	}
	set := func(i int, value *float64, decimals int, unit, more string) {
		if value != nil {
			cells[i].Sort, cells[i].Text, cells[i].More = digits(*value), Number(value, decimals, unit), more
		}
	}
	cells[0] = pageCell{Head: true, Sort: e.Name, Text: e.Name, More: string(e.Kind) + " in " + e.Place()}
	set(1, new(float64(e.Min)), 0, "", "")
	if u := e.Usage; u != nil {
		set(2, &u.Actual, 2, "", "peak "+Number(&u.Peak, 2, ""))
		set(3, u.Utilization.Mean, 1, "%", spread(u.Utilization))
		set(4, u.IdleHours, 1, " h", "of "+Number(&u.Hours, 1, " h"))
		set(5, &u.TPSHours.Paid, 1, "", "")
		set(6, &u.TPSHours.Used, 1, "", "")
		share := 0.0
		if u.TPSHours.Paid > 0 {
			share = u.TPSHours.Wasted / u.TPSHours.Paid * 100
		}
		set(7, &u.TPSHours.Wasted, 1, "", Number(&share, 1, "%"))
		cells[7].Class, cells[7].Share = "waste", strconv.FormatFloat(share, 'f', 1, 64)
	}
	last := &cells[len(cells)-1]
	last.Class, last.Sort, last.Text = "words", "none", e.Note
	if s := e.Saving; s != nil {
		more, note := "", ""
		if e.Estimate != nil {
			more = fmt.Sprintf("estimate %s %s", e.Estimate.Currency, amount(e.Estimate.SavedPerMonth))
			if e.Estimate.Note != "" {
				note = "; " + e.Estimate.Note
			}
		}
		set(8, &s.PerMonth, 1, "", more)
		last.Sort, last.Action = string(s.Action), string(s.Action)
		if s.Action == rules.StepDown {
			last.Action += " to " + strconv.Itoa(s.NewMin)
			last.More = e.exposure() + note
		}
	}
	if e.Schedule != nil {
		last.More = strings.TrimPrefix(last.More+"\nProposed: "+e.Schedule.Sentence()+": "+e.Schedule.Command, "\n")
	}
	return cells
}

func spread(u billing.Utilization) string {
	return fmt.Sprintf("p50 %s, p95 %s\nhours %s to %s", Number(u.P50, 0, "%"), Number(u.P95, 0, "%"),
		Number(u.LowestHour, 0, "%"), Number(u.HighestHour, 0, "%"))
}
