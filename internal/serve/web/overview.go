package web

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// How many lines the lists of the overview have.
const (
	overviewAttention = 8
	overviewRecent    = 8
	overviewProblems  = 20
)

type overviewView struct {
	Waiting   bool // no cycle has ended yet
	CycleErr  string
	Older     bool   // there is something older to show in spite of it
	Nothing   string // what it means that nothing needs attention
	Tiles     []tile
	Charts    []chartView
	Attention []attention
	More      int // resources that need attention and are not shown
	Recent    []entryView
	Problems  []string
	Notes     []string
}

// tile is a figure to see first.
type tile struct {
	Label, Value, Unit, Text, Tone, Link string
	Level                                int // of a bar, 0 to 100
	Bar                                  bool
}

// attention is a resource that somebody may want to look at, and why.
type attention struct {
	Row row
	Why string
}

func (h *Handler) overview(w http.ResponseWriter, r *http.Request) {
	if f := parseFields(r.URL.RawQuery); f.fault != nil {
		h.badQuery(w, r, f.fault)
		return
	}
	s := h.Source.Snapshot()
	rows := rowsOf(s)
	view := overviewView{
		Waiting: s.Measured.IsZero() && s.CycleErr == "", CycleErr: s.CycleErr, Older: !s.Measured.IsZero(),
		Tiles: tilesOf(s, rows), Nothing: nothingText(s, rows),
	}
	view.Attention, view.More = attentionOf(rows)
	view.Recent = h.entryViews(recent(s, overviewRecent))
	for _, p := range s.Result.Problems[:min(len(s.Result.Problems), overviewProblems)] {
		view.Problems = append(view.Problems, p.Error())
	}
	if more := len(s.Result.Problems) - overviewProblems; more > 0 {
		view.Problems = append(view.Problems, fmt.Sprintf("… and %s more", plural(more, "problem")))
	}
	if s.LedgerErr != "" {
		view.Notes = append(view.Notes, "What was paid for is not known, or not of late: "+s.LedgerErr)
	}
	if s.Ledger != nil {
		view.Notes = append(view.Notes, s.Ledger.Notes...)
		view.Notes = append(view.Notes, priceNotes(s.Ledger.Prices)...)
		view.Charts = h.totals.get(s.Ledger, func() []chartView { return totalCharts(*s.Ledger) })
	}
	h.render(w, r, http.StatusOK, "overview", frame{Title: "Overview", Path: "/"}, view)
}

// totalCharts draw all resources of a kind together.
func totalCharts(l report.Ledger) []chartView {
	var charts []chartView
	for _, kind := range []model.Kind{model.Campaign, model.Recommender} {
		if hours := l.Hourly[kind]; len(hours) > 0 {
			p := hoursPlot("All "+string(kind)+"s, provisioned and actual", kind.RateUnit(), hours)
			charts = append(charts, chartView{ID: "all-" + string(kind), Plot: p})
		}
	}
	return charts
}

// tilesOf are the figures of the overview.
func tilesOf(s Snapshot, rows []row) []tile {
	tiles := []tile{countTile(s, rows), utilizationTile(rows)}
	tiles = append(tiles, costTile(s, rows))
	if s.Ledger != nil {
		tiles = append(tiles, wasteTile(*s.Ledger), savedTile(s))
	}
	return append(tiles, alarmTile(s))
}

func countTile(s Snapshot, rows []row) tile {
	kinds, regions, others := map[model.Kind]int{}, map[string]bool{}, 0
	for _, r := range rows {
		if !r.Monitored {
			others++
			continue
		}
		kinds[r.Kind]++
		regions[r.Region] = true
	}
	text := plural(kinds[model.Campaign], "campaign") + ", " + plural(kinds[model.Recommender], "recommender") + " in " + plural(len(regions), "region")
	if others > 0 {
		text += fmt.Sprintf("; %d more not in service", others)
	}
	if regions := unlisted(s); len(regions) > 0 {
		text += "; not all of " + strings.Join(regions, ", ") + " could be listed"
	}
	value := thousands(float64(len(rows) - others))
	if s.Measured.IsZero() && len(rows) == 0 {
		value, text = "–", "not known yet"
	}
	return tile{Label: "Monitored", Value: value, Text: text, Link: "/resources"}
}

// utilizationTile sets all demand against all minimums, as far as demand could be read.
func utilizationTile(rows []row) tile {
	average, minimum, unread, unseen := 0.0, 0.0, 0, 0
	for _, r := range rows {
		switch {
		case !r.Monitored:
		case r.Average == nil && r.Invisible:
			unseen++
		case r.Average == nil:
			unread++
		default:
			average += *r.Average
			minimum += float64(r.Min)
		}
	}
	t := tile{Label: "Utilization now", Value: "–", Text: "not measured yet", Link: link("/resources", "sort", "utilization")}
	if minimum > 0 {
		share := percentOf(average, minimum)
		t.Value, t.Bar, t.Level = percent(share), true, int(min(100, share))
		t.Text = figure(average) + " of " + figure(minimum) + " TPS"
	}
	if unread > 0 {
		t.Text += "; " + thousands(float64(unread)) + " could not be read"
	}
	if unseen > 0 {
		t.Text += "; the traffic of " + thousands(float64(unseen)) + " cannot be seen"
	}
	return t
}

// costTile is what the minimums cost in a month if nothing changes.
func costTile(s Snapshot, rows []row) tile {
	minimum := 0
	money, unpriced := map[string]float64{}, 0
	for _, r := range rows {
		if !r.Monitored {
			continue
		}
		minimum += r.Min
		if r.Entry == nil || r.Entry.Estimate == nil {
			unpriced++
			continue
		}
		money[r.Entry.Estimate.Currency] += float64(r.Min) * billing.HoursPerMonth * r.Entry.Estimate.PerTPSHour
	}
	t := tile{
		Label: "Minimums cost a month", Value: thousands(float64(minimum) * billing.HoursPerMonth), Unit: "TPS-hours",
		Text: thousands(float64(minimum)) + " TPS, used or not",
	}
	if sum := moneyText(money); sum != "" {
		t.Text += "; estimate: " + sum + priced(s.Ledger, unpriced, "resource")
	}
	if s.Measured.IsZero() {
		t.Value, t.Unit, t.Text = "–", "", "not measured yet"
	}
	return t
}

func wasteTile(l report.Ledger) tile {
	h := l.Totals.TPSHours
	share := percentOf(h.Wasted, h.Paid)
	t := tile{
		Label: "Wasted in " + plural(l.Days, "day"), Value: figure(h.Wasted), Unit: "TPS-hours", Bar: true, Level: int(share), Tone: "waste",
		Text: percent(share) + " of what was paid for", Link: link("/resources", "sort", "wasted"),
	}
	money := map[string]float64{}
	for _, e := range l.Totals.Estimates {
		money[e.Currency] = e.Wasted
	}
	if sum := moneyText(money); sum != "" {
		t.Text += "; estimate: " + sum + priced(&l, l.Totals.Unpriced, "resource")
	}
	return t
}

// recorded is since when all that was done is on record.
func (s Snapshot) recorded() time.Time {
	if s.Recorded.IsZero() {
		return s.Started
	}
	return s.Recorded
}

func savedTile(s Snapshot) tile {
	got := savedBy(s.Audits, s.Ledger, presentOf(s.Result.Resources))
	t := tile{
		Label: "Saved in " + plural(s.Ledger.Days, "day"), Value: figure(got.TPSHours), Unit: "TPS-hours", Tone: "saved",
		Text: "by " + plural(got.Actions, "action") + " of the monitor, by hourly means", Link: link("/timeline", "kind", "action"),
	}
	// Of what was done before there were records nothing is known here.
	if since := s.recorded(); since.After(s.Ledger.Window.Start) {
		t.Label = "Saved since the start"
		if !since.Equal(s.Started) {
			t.Label = "Saved since " + since.UTC().Format("2 January")
		}
		t.Text += " since " + since.UTC().Format("2 January 15:04 UTC")
	}
	if sum := moneyText(got.Money); sum != "" {
		t.Text += "; estimate: " + sum + priced(s.Ledger, got.Unpriced, "action")
	}
	if got.Uncertain > 0 {
		t.Text += fmt.Sprintf("; of %s more it is not known", plural(got.Uncertain, "action"))
	}
	return t
}

func alarmTile(s Snapshot) tile {
	if !s.AlarmsKnown && len(s.Alarms) == 0 {
		return tile{Label: "Alarms", Value: "–", Text: "not known"}
	}
	n := 0
	for _, a := range s.Alarms {
		if a.State == alarms.StateAlarm {
			n++
		}
	}
	t := tile{Label: "Alarms", Value: thousands(float64(n)), Unit: "in ALARM", Text: "of " + plural(len(s.Alarms), "alarm"), Link: link("/resources", "show", "alarm")}
	if n > 0 {
		t.Tone = "bad"
	}
	var since []string
	if s.AlarmsCreated > 0 {
		since = append(since, thousands(float64(s.AlarmsCreated))+" created")
	}
	if s.AlarmsDeleted > 0 {
		since = append(since, thousands(float64(s.AlarmsDeleted))+" removed")
	}
	if len(since) > 0 {
		t.Text += "; " + strings.Join(since, " and ") + " since they were listed"
	}
	if old := oldAlarms(s); old != "" {
		t.Text += "; " + old
	}
	return t
}

// oldAlarms tells which regions' alarms could not be listed in the last cycle, and of when
// those shown are; empty if all could.
func oldAlarms(s Snapshot) string {
	var parts []string
	for _, region := range slices.Sorted(maps.Keys(s.AlarmsOld)) {
		if asOf := s.AlarmsOld[region]; asOf.IsZero() {
			parts = append(parts, "those of "+region+" are not known")
		} else {
			parts = append(parts, "those of "+region+" are of "+asOf.UTC().Format("2 January 15:04 UTC")+", as they could not be listed since")
		}
	}
	return strings.Join(parts, "; ")
}

// moneyText prints sums by currency, without cents: they are estimates.
func moneyText(sums map[string]float64) string {
	var parts []string
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		parts = append(parts, currency+" "+thousands(sums[currency]))
	}
	return strings.Join(parts, " + ")
}

// priced tells what an estimate rests on: the dates of its prices, and what has none.
func priced(l *report.Ledger, unpriced int, what string) string {
	if l == nil || len(l.Prices) == 0 {
		return ""
	}
	first, last := l.Prices[0].Date, l.Prices[0].Date
	for _, p := range l.Prices {
		first, last = min(first, p.Date), max(last, p.Date)
	}
	text := " at prices of " + first
	if last != first {
		text += " to " + last
	}
	if unpriced > 0 {
		text += "; " + plural(unpriced, what) + " without a price left out"
	}
	return " (" + text[1:] + ")"
}

// priceNotes tell each price that estimates rest on, with its date and source.
func priceNotes(prices []report.Price) []string {
	notes := make([]string, len(prices))
	for i, p := range prices {
		notes[i] = fmt.Sprintf("Price of %s in %s: %s %s a TPS-hour, of %s (%s).", p.Product, p.Region, p.Currency, trimmed(p.PerTPSHour, 4), p.Date, p.Source)
	}
	return notes
}

// nothingText tells what it is worth that no resource needs attention.
func nothingText(s Snapshot, rows []row) string {
	unchecked := 0
	for _, r := range rows {
		if r.Monitored && !r.Checked {
			unchecked++
		}
	}
	switch {
	case s.CycleErr == "" && s.Measured.IsZero():
		return "Nothing is known yet."
	case s.CycleErr != "" || len(s.Result.Problems) > 0:
		return "Nothing that is known of; but not all could be read."
	case unchecked > 0:
		return "Nothing so far; " + plural(unchecked, "resource") + " had no hourly check by this daemon yet."
	case !s.AlarmsKnown || len(s.AlarmsOld) > 0:
		return "No change is due, and everything could be read but the alarms."
	}
	return "Nothing: no change is due, no alarm is on, everything could be read."
}

// attentionOf finds what somebody may want to look at: what should change, what could not
// be read, what is in alarm; the most wasteful first.
func attentionOf(rows []row) (list []attention, more int) {
	for _, r := range rows {
		switch {
		case r.Problem != "":
			list = append(list, attention{r, r.Problem})
		case r.Check.Decision.Changes(), r.Check.Decision == rules.Refused:
			why := r.Check.Reason
			if r.Check.Outcome != "" {
				why += "; " + r.Check.Outcome
			}
			list = append(list, attention{r, why})
		case r.Alarming() > 0:
			list = append(list, attention{r, plural(r.Alarming(), "alarm") + " in ALARM; " + r.Check.Reason})
		}
	}
	slices.SortStableFunc(list, func(a, b attention) int {
		return cmp.Or(cmp.Compare(urgency(b.Row), urgency(a.Row)), cmp.Compare(wasted(b.Row), wasted(a.Row)))
	})
	if len(list) > overviewAttention {
		list, more = list[:overviewAttention], len(list)-overviewAttention
	}
	return list, more
}

func urgency(r row) int {
	switch {
	case r.Problem != "":
		return 2
	case r.Check.Decision.Changes():
		return 1
	}
	return 0
}

func wasted(r row) float64 {
	if r.Entry == nil || r.Entry.Usage == nil {
		return -1
	}
	return r.Entry.Usage.TPSHours.Wasted
}
