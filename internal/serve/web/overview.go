package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/chart"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

// Lengths of the lists of the overview.
const (
	overviewAttention = 8
	overviewRecent    = 8
	overviewProblems  = 20
)

type overviewView struct {
	Waiting   bool // no cycle has ended yet
	CycleErr  string
	Older     bool   // older values are shown in spite of CycleErr
	Nothing   string // what it means that nothing needs attention
	Tiles     []tile
	Health    string // how much of the demand is known
	Late      bool   // data are late
	Charts    []chartView
	Saved     []savedMonth
	Attention []attention
	More      int // resources that need attention and are not shown
	Recent    []entryView
	Problems  []string
	Training  *report.TrainingView // nil if it is unknown
	Findings  int                  // about training that are not shown
	Notes     []string
}

// tile is a key figure.
type tile struct {
	Label, Value, Unit, Text, Tone, Link string
	Level                                int // of a bar, 0 to 100
	Bar                                  bool
}

// attention is a resource that needs attention, and why.
type attention struct {
	Row row
	Why string
}

func (h *site) overview(_ *http.Request, q *fields) (page, error) {
	if q.fault != nil {
		return page{}, q.fault
	}
	s, now := h.snapshot()
	rows := rowsOf(s)
	measured := !s.Status.LastSuccess.IsZero()
	view := overviewView{
		Waiting: !measured && s.Status.LastError == "", CycleErr: s.Status.LastError, Older: measured,
		Tiles: tilesOf(s, rows), Nothing: nothingText(s, rows), Saved: savedMonths(s),
	}
	view.Health, view.Late = healthText(s, rows)
	view.Attention, view.More = attentionOf(rows)
	recent := slices.DeleteFunc(s.timeline(), func(e Entry) bool { return !e.matches("") })
	view.Recent = entryViews(recent[:min(overviewRecent, len(recent))], now)
	for _, late := range s.Result.DataLate {
		view.Problems = append(view.Problems, late.String())
	}
	for _, p := range s.Result.Problems[:min(len(s.Result.Problems), overviewProblems)] {
		view.Problems = append(view.Problems, p.Error())
	}
	if more := len(s.Result.Problems) - overviewProblems; more > 0 {
		view.Problems = append(view.Problems, fmt.Sprintf("… and %s more", model.Plural(more, "problem")))
	}
	if s.LedgerErr != "" {
		view.Notes = append(view.Notes, "What was paid for is unknown or out of date: "+s.LedgerErr)
	}
	if s.Saved != nil {
		view.Notes = append(view.Notes, s.Saved.Limits()...)
	}
	if s.Ledger != nil {
		view.Training, view.Findings = trainingOf(s.Ledger.Training)
		view.Notes = append(view.Notes, s.Ledger.Notes...)
		for _, text := range report.PriceTexts(s.Ledger.Prices) {
			view.Notes = append(view.Notes, "Price: "+text+".")
		}
		view.Charts = h.totals.get(s.Ledger, func() []chartView { return chartTotals(*s.Ledger) })
	}
	return page{template: "overview", title: "Overview", path: "/", view: view}, nil
}

// overviewFindings is how many findings about training are shown, those with the most hours.
const overviewFindings = 8

// trainingOf is training in words, and how many findings are left out of it.
func trainingOf(r *training.Report) (view *report.TrainingView, more int) {
	if view = report.TrainingViewOf(r); view == nil {
		return nil, 0
	}
	if more = max(0, len(view.Items)-overviewFindings); more > 0 {
		view.Items = view.Items[:overviewFindings]
	}
	return view, more
}

// chartTotals are the charts of all resources of each kind.
func chartTotals(l report.Ledger) []chartView {
	var charts []chartView
	for _, kind := range []model.Kind{model.Campaign, model.Recommender} {
		if hours := l.Hourly[kind]; len(hours) > 0 {
			title := "All " + string(kind) + "s, provisioned and actual"
			charts = append(charts, chartView{ID: "all-" + string(kind), Plot: chart.OfHours(title, kind.RateUnit(), hours)})
		}
	}
	return charts
}

func tilesOf(s Snapshot, rows []row) []tile {
	tiles := []tile{countTile(s, rows), utilizationTile(rows), costTile(s, rows)}
	if s.Ledger != nil {
		tiles = append(tiles, wasteTile(*s.Ledger))
	}
	return append(tiles, savedTile(s), alarmTile(s))
}

// healthText is how much of the demand is known, by the hours that decisions go by; empty if it has
// not been read yet. late means that data are late, so that nothing is changed in some regions.
func healthText(s Snapshot, rows []row) (text string, late bool) {
	hours, known, behind := 0, 0, 0
	for _, r := range rows {
		h := r.Health()
		if !r.Monitored || h == nil {
			continue
		}
		hours, known = hours+h.Hours, known+h.Known
		if h.Known < h.Hours {
			behind++
		}
	}
	if hours > 0 {
		text = fmt.Sprintf("Data health: the demand of %s of %s is known.", percent(percentOf(float64(known), float64(hours))), model.Plural(hours, "hour"))
	}
	if behind > 0 {
		text += fmt.Sprintf(" Nothing is decided by the unknown hours of %s.", model.Plural(behind, "resource"))
	}
	var regions []string
	for _, one := range s.Result.DataLate {
		regions = append(regions, one.Region)
	}
	if len(regions) > 0 {
		text += " CloudWatch data are late in " + strings.Join(regions, ", ") + ": nothing is changed there."
	}
	return strings.TrimSpace(text), len(regions) > 0
}

func countTile(s Snapshot, rows []row) tile {
	t := tile{Label: "Monitored", Value: "–", Text: "unknown", Link: "/resources"}
	if s.Status.LastSuccess.IsZero() && len(rows) == 0 {
		return t
	}
	kinds, regions, others := map[model.Kind]int{}, map[string]bool{}, 0
	for _, r := range rows {
		if !r.Monitored {
			others++
			continue
		}
		kinds[r.Kind]++
		regions[r.Region] = true
	}
	t.Value = count(len(rows) - others)
	t.Text = model.Plural(kinds[model.Campaign], "campaign") + ", " + model.Plural(kinds[model.Recommender], "recommender") + " in " +
		model.Plural(len(regions), "region")
	if others > 0 {
		t.Text += fmt.Sprintf("; %d more not in service", others)
	}
	if regions := unlisted(s); len(regions) > 0 {
		t.Text += "; not all of " + strings.Join(regions, ", ") + " could be listed"
	}
	return t
}

func count(n int) string { return model.Number(float64(n), 0) }

// utilizationTile compares all demand with all minimums, where demand could be read.
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
	t := tile{Label: "Utilization now", Value: "–", Text: "not measured yet", Link: link("/resources", keySort, "utilization")}
	if minimum > 0 {
		share := percentOf(average, minimum)
		t.Value, t.Bar, t.Level = percent(share), true, int(min(100, share))
		t.Text = model.Figure(average) + " of " + model.Figure(minimum) + " TPS"
	}
	if unread > 0 {
		t.Text += "; " + count(unread) + " could not be read"
	}
	if unseen > 0 {
		t.Text += "; the traffic of " + count(unseen) + " cannot be seen"
	}
	return t
}

// costTile is what the minimums cost in a month if nothing changes.
func costTile(s Snapshot, rows []row) tile {
	t := tile{Label: "Minimums cost a month", Value: "–", Text: "not measured yet"}
	if s.Status.LastSuccess.IsZero() {
		return t
	}
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
		money[r.Entry.Estimate.Currency] += r.Entry.Estimate.MinimumPerMonth
	}
	t.Value, t.Unit = model.Number(float64(minimum)*billing.HoursPerMonth, 0), "TPS-hours"
	t.Text = count(minimum) + " TPS, used or not" + estimated(money, s.Ledger, unpriced, "resource")
	return t
}

func wasteTile(l report.Ledger) tile {
	h := l.Totals.TPSHours
	share := percentOf(h.Wasted, h.Paid)
	money := map[string]float64{}
	for _, e := range l.Totals.Estimates {
		money[e.Currency] = e.Wasted
	}
	return tile{
		Label: "Wasted in " + model.Plural(l.Days, "day"), Value: model.Figure(h.Wasted), Unit: "TPS-hours", Bar: true, Level: int(share),
		Tone: "waste", Text: percent(share) + " of what was paid for" + estimated(money, &l, l.Totals.Unpriced, "resource"),
		Link: link("/resources", keySort, "wasted"),
	}
}

func alarmTile(s Snapshot) tile {
	if !s.Alarms.Known && len(s.Alarms.List) == 0 {
		return tile{Label: "Alarms", Value: "–", Text: "unknown"}
	}
	n := 0
	for _, a := range s.Alarms.List {
		if a.On() {
			n++
		}
	}
	t := tile{Label: "Alarms", Value: count(n), Unit: "in ALARM", Text: "of " + model.Plural(len(s.Alarms.List), "alarm"),
		Link: link("/resources", keyShow, "alarm")}
	if n > 0 {
		t.Tone = "bad"
	}
	var since []string
	if s.Alarms.Created > 0 {
		since = append(since, count(s.Alarms.Created)+" created")
	}
	if s.Alarms.Deleted > 0 {
		since = append(since, count(s.Alarms.Deleted)+" deleted")
	}
	if len(since) > 0 {
		t.Text += "; " + strings.Join(since, " and ") + " since they were listed"
	}
	if old := oldAlarms(s); old != "" {
		t.Text += "; " + old
	}
	return t
}

// estimated is an amount of money by currency, without cents as it is an estimate, with the
// dates of its prices and what has no price; empty without any.
func estimated(sums map[string]float64, l *report.Ledger, unpriced int, what string) string {
	if len(sums) == 0 {
		return ""
	}
	var parts []string
	for _, currency := range sortedKeys(sums) {
		parts = append(parts, currency+" "+model.Number(sums[currency], 0))
	}
	text := "; estimate: " + strings.Join(parts, " + ")
	if l == nil || len(l.Prices) == 0 {
		return text
	}
	first, last := l.Prices[0].Date, l.Prices[0].Date
	for _, p := range l.Prices {
		first, last = min(first, p.Date), max(last, p.Date)
	}
	text += " (at prices of " + first
	if last != first {
		text += " to " + last
	}
	if unpriced > 0 {
		text += "; " + model.Plural(unpriced, what) + " without a price not included"
	}
	return text + ")"
}

// nothingText explains that no resource needs attention, as far as is known.
func nothingText(s Snapshot, rows []row) string {
	unchecked := 0
	for _, r := range rows {
		if r.Monitored && !r.Checked {
			unchecked++
		}
	}
	switch {
	case s.Status.LastError == "" && s.Status.LastSuccess.IsZero():
		return "Nothing is known yet."
	case s.Status.LastError != "" || len(s.Result.Problems) > 0:
		return "Nothing known; but some data could not be read."
	case unchecked > 0:
		return "Nothing so far; " + model.Plural(unchecked, "resource") + " had no hourly check by this daemon yet."
	case !s.Alarms.Known || len(s.Alarms.Old) > 0:
		return "No change is due, and everything could be read except the alarms."
	}
	return "Nothing: no change is due, no alarm is on, everything could be read."
}

// attentionOf finds what needs attention: problems first, then changes, then the rest; the
// most wasteful first in each.
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
			list = append(list, attention{r, model.Plural(r.Alarming(), "alarm") + " in ALARM; " + r.Check.Reason})
		}
	}
	urgency := func(r row) int {
		switch {
		case r.Problem != "":
			return 2
		case r.Check.Decision.Changes():
			return 1
		}
		return 0
	}
	slices.SortStableFunc(list, func(a, b attention) int {
		return cmp.Or(cmp.Compare(urgency(b.Row), urgency(a.Row)), cmp.Compare(b.Row.wasted(), a.Row.wasted()))
	})
	more = max(0, len(list)-overviewAttention)
	return list[:len(list)-more], more
}
