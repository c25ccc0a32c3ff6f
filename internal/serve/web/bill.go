package web

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

// billGroups are what endpoints can be added up by.
var billGroups = []struct {
	option
	of func(*row) string
}{
	{option{"group", "Dataset group"}, func(r *row) string { return r.DatasetGroup }},
	{option{"region", "Region"}, func(r *row) string { return r.Region }},
	{option{"kind", "Kind"}, func(r *row) string { return string(r.Kind) }},
	{option{"recipe", "Recipe"}, func(r *row) string { return r.Recipe }},
}

// group is a group of endpoints with its sums.
type group struct {
	Name               string
	Endpoints, Unread  int
	Paid, Waste, Saves total
	Hours              billing.TPSHours
	Segments           []segment
	Link               string
	Share              string  // of the TPS-hours, used
	main               float64 // of Paid
}

type billView struct {
	Saved    []savedMonth // the newest first
	Hero     heroView
	Groups   []group
	Sum      group
	By       []spanLink
	Heading  string
	Advice   adviceView
	Notes    []string
	Fault    string               // why nothing is known
	Days     string               // of the ledger
	Trained  []training.Summary   // the most hours first
	Training *report.TrainingView // nil if it is unknown
	Findings int                  // about training that are not shown
	CSV      string
	Tables   map[string]string // links to the tables by name
	More     int               // groups that are not shown
}

// maxGroups is how many groups are shown, those with the most money.
const maxGroups = 50

func (h *site) bill(_ *http.Request, q *fields) (page, error) {
	var choices []string
	for _, g := range billGroups {
		choices = append(choices, g.Value)
	}
	by := q.choice(keyBy, choices...)
	if q.fault != nil {
		return page{}, q.fault
	}
	s, now := h.snapshot()
	all := h.estate(s, now)
	rows := all.rows
	view := billView{Hero: all.hero, Saved: savedMonths(s), Notes: notesOf(s), Advice: adviceViewOf(all.advice, pageSize, h.options.AllowActions, s)}
	if s.Ledger == nil {
		view.Fault = s.LedgerErr
	} else {
		view.Days = model.Plural(s.Ledger.Days, "day")
		view.addTraining(s.Ledger.Training)
	}
	i := slices.Index(choices, by)
	view.Heading = billGroups[i].Label
	for _, g := range billGroups {
		view.By = append(view.By, spanLink{g.Label, link("/bill", keyBy, g.Value), g.Value == by})
	}
	view.Groups, view.Sum = groupsOf(rows, billGroups[i].of)
	view.CSV = link("/bill", keyBy, by, keyFormat, "csv")
	groups, trained := view.Groups, allTrained(s.Ledger)
	view.Groups = groups[:min(len(groups), maxGroups)]
	view.More = len(groups) - len(view.Groups)
	unsaved := ""
	if s.Saved == nil {
		unsaved = "What the actions have saved is not known yet."
	}
	tables := []table{
		{"groups", func() [][]string { return groupsCSV(groups, by) }, unknownMoney(s)},
		{"saved", func() [][]string { return savedMonthsCSV(view.Saved) }, unsaved},
		{"training", func() [][]string { return trainingCSV(trained) }, unknownMoney(s)},
	}
	view.Tables = tableLinks(tables, "/bill")
	return page{template: "bill", title: "Bill", path: "/bill", view: view, tables: tables}, nil
}

// How many solutions and findings are shown, those with the most hours.
const (
	maxTrained  = 20
	maxFindings = 8
)

// addTraining adds what was trained; nil if that was not read.
func (v *billView) addTraining(t *training.Report) {
	if v.Training = report.TrainingViewOf(t); v.Training == nil {
		return
	}
	v.Trained = t.Solutions[:min(len(t.Solutions), maxTrained)]
	if v.Findings = max(0, len(v.Training.Items)-maxFindings); v.Findings > 0 {
		v.Training.Items = v.Training.Items[:maxFindings]
	}
}

// allTrained are all solutions of a ledger.
func allTrained(l *report.Ledger) []training.Summary {
	if l == nil || l.Training == nil {
		return nil
	}
	return l.Training.Solutions
}

func trainingCSV(list []training.Summary) [][]string {
	rows := [][]string{{"arn", "solution", "region", "datasetGroup", "schedule", "trainings", "failed", "hours", "hoursNeverServed"}}
	for _, t := range list {
		rows = append(rows, []string{
			t.ARN, t.Name, t.Region, t.DatasetGroup, t.Schedule, strconv.Itoa(t.Trainings), strconv.Itoa(t.Failed), report.Number(t.Hours, 2, ""),
			report.Number(t.Unserved, 2, ""),
		})
	}
	return rows
}

// groupsOf adds up endpoints, the most expensive group first.
func groupsOf(rows []*row, name func(*row) string) (groups []group, sum group) {
	byName := map[string]*group{}
	sum.Name = "All"
	for _, r := range rows {
		if r.Entry == nil {
			continue
		}
		n := name(r)
		if byName[n] == nil {
			byName[n] = &group{Name: n, Link: link("/resources", keySearch, n)}
		}
		byName[n].add(r)
		sum.add(r)
	}
	for _, n := range sortedKeys(byName) {
		byName[n].finish()
		groups = append(groups, *byName[n])
	}
	sum.finish()
	slices.SortStableFunc(groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(b.main, a.main), cmp.Compare(b.Hours.Paid, a.Hours.Paid))
	})
	return groups, sum
}

func (g *group) add(r *row) {
	g.Endpoints++
	g.Paid.add(r.Costs.Paid)
	g.Waste.add(r.Costs.PaidWaste)
	g.Saves.add(r.Costs.Saves)
	if r.Entry.Usage == nil {
		g.Unread++
		return
	}
	h := r.Entry.Usage.TPSHours
	g.Hours.Paid, g.Hours.Used, g.Hours.Wasted = g.Hours.Paid+h.Paid, g.Hours.Used+h.Used, g.Hours.Wasted+h.Wasted
}

func (g *group) finish() {
	paid, waste := g.Paid.Main(), g.Waste.Main()
	g.main = paid.Amount
	used := money{paid.Amount - waste.Amount, paid.Currency}
	g.Segments = segmentsOf(segment{Label: "Used", Class: "f-used", Value: used}, segment{Label: "Not used", Class: "f-waste", Value: waste})
	g.Share = "–"
	if g.Hours.Paid > 0 {
		g.Share = percent(percentOf(g.Hours.Paid-g.Hours.Wasted, g.Hours.Paid))
	}
}

func groupsCSV(groups []group, by string) [][]string {
	rows := [][]string{{by, "endpoints", "unread", "currency", "paid", "notUsed", "savesPerMonth", "tpsHoursPaid", "tpsHoursUsed", "tpsHoursNotUsed"}}
	amount := func(m money) string {
		if !m.Known() {
			return ""
		}
		return strconv.FormatFloat(m.Amount, 'f', 2, 64)
	}
	for _, g := range groups {
		rows = append(rows, []string{g.Name, strconv.Itoa(g.Endpoints), strconv.Itoa(g.Unread), g.Paid.Main().Currency, amount(g.Paid.Main()),
			amount(g.Waste.Main()), amount(g.Saves.Main()), strconv.FormatFloat(g.Hours.Paid, 'f', 1, 64), strconv.FormatFloat(g.Hours.Used, 'f', 1, 64),
			strconv.FormatFloat(g.Hours.Wasted, 'f', 1, 64)})
	}
	return rows
}

// amountText is a sum in a table whose heading names the currency.
func amountText(t total, currency string) string {
	main := t.Main()
	switch {
	case !main.Known():
		return "–"
	case main.Currency != currency:
		return t.String()
	}
	return main.Digits() + t.Rest()
}
