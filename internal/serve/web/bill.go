package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/savings"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

// billGroups are what endpoints can be added up by; of several accounts, by account too.
var (
	billGroups   = []option{{"group", "Dataset group"}, {"region", "Region"}, {"kind", "Kind"}, {"recipe", "Recipe"}}
	accountGroup = option{"account", "Account"}
)

// How many groups, solutions and findings are shown, those with the most money or hours.
const (
	maxGroups   = 50
	maxTrained  = 20
	maxFindings = 8
)

type billView struct {
	*estate
	Groups   []group
	More     int // groups that are not shown
	Sum      group
	By       []tab
	Heading  string
	Advice   adviceView
	Trained  []training.Summary   // the most hours first
	Training *report.TrainingView // nil if it is unknown
	Findings int                  // about training that are not shown
	Months   []savedMonth         // the newest first
	CSV      string
	Tables   map[string]string // links to the tables by name
}

func (h *site) bill(_ *http.Request, q *fields) (page, error) {
	e, choices := h.pages.estate(), billGroups
	if len(e.Accounts) > 0 {
		choices = append(slices.Clone(billGroups), accountGroup)
	}
	by := q.choice(keyBy, words(choices)...)
	if q.fault != nil {
		return page{}, q.fault
	}
	view := billView{estate: e, Months: savedMonths(e.Saved), Advice: e.adviceView(pageSize), CSV: link("/bill", keyBy, by, keyFormat, "csv")}
	for _, g := range choices {
		view.By = append(view.By, tab{Label: g.Label, Link: link("/bill", keyBy, g.Value), Current: g.Value == by})
		if g.Value == by {
			view.Heading = g.Label
		}
	}
	groups, sum := groupsOf(e.Rows, by)
	if by == accountGroup.Value && e.Ledger != nil {
		groups = append(groups, unreadGroups(e.Ledger.Accounts)...)
	}
	view.Groups, view.Sum = groups[:min(len(groups), maxGroups)], sum
	view.More = len(groups) - len(view.Groups)
	var trained []training.Summary
	if e.Ledger != nil && e.Ledger.Training != nil {
		trained, view.Training = e.Ledger.Training.Solutions, report.TrainingViewOf(e.Ledger.Training)
		view.Trained = trained[:min(len(trained), maxTrained)]
		view.Findings = max(0, len(view.Training.Items)-maxFindings)
		view.Training.Items = view.Training.Items[:len(view.Training.Items)-view.Findings]
	}
	unsaved := ""
	if e.Saved == nil {
		unsaved = "What the actions have saved is not known yet."
	}
	tables := []table{
		{"groups", e.unknownMoney(), csvOf(groups, []string{
			by, "endpoints", "unread", "currency", "paid", "notUsed", "savesPerMonth", "tpsHoursPaid", "tpsHoursUsed", "tpsHoursNotUsed",
		}, group.cells)},
		{"saved", unsaved, csvOf(view.Months, []string{"month", "action", "saved", "by"}, func(m savedMonth) []any {
			return []any{m.Month, m.Action, m.Saved, m.Actions}
		})},
		{"training", e.unknownMoney(), trainedRows(trained, len(e.Accounts) > 0)},
	}
	view.Tables = tableLinks(tables, "/bill")
	return page{template: "bill", title: "Bill", path: "/bill", view: view, tables: tables}, nil
}

// trainedRows are solutions, with their accounts if there are several.
func trainedRows(list []training.Summary, several bool) func() [][]string {
	columns := []string{"arn", "solution", "region", "datasetGroup", "schedule", "trainings", "failed", "hours", "hoursNeverServed"}
	if several {
		columns = append(columns, "account", "accountName")
	}
	return csvOf(list, columns, func(t training.Summary) []any {
		cells := []any{
			t.ARN, t.Name, t.Region, t.DatasetGroup, t.Schedule, t.Trainings, t.Failed,
			report.Number(t.Hours, 2, ""), report.Number(t.Unserved, 2, ""),
		}
		if several {
			cells = append(cells, t.Account, t.AccountName)
		}
		return cells
	})
}

// group is a group of endpoints with its sums.
type group struct {
	Name, Link         string
	NotRead            bool // nothing is known of it, an account
	Endpoints, Unread  int
	Paid, Waste, Saves total
	Hours              billing.TPSHours
}

// groupsOf adds up endpoints by one of billGroups, the most expensive group first.
func groupsOf(rows []*row, by string) (groups []group, sum group) {
	byKey := map[string]*group{}
	for _, r := range rows {
		if r.Entry == nil {
			continue
		}
		key := r.groupKey(by)
		if byKey[key] == nil {
			byKey[key] = &group{Name: key, Link: link("/resources", keySearch, key)}
			if by == accountGroup.Value {
				account := model.Account{ID: r.Account, Name: r.AccountName}
				byKey[key] = &group{Name: account.String(), Link: link("/resources", keyAccount, r.Account)}
			}
		}
		byKey[key].add(r)
		sum.add(r)
	}
	for _, key := range sortedKeys(byKey) {
		groups = append(groups, *byKey[key])
	}
	slices.SortStableFunc(groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(b.Paid.Main().Amount, a.Paid.Main().Amount), cmp.Compare(b.Hours.Paid, a.Hours.Paid))
	})
	return groups, sum
}

// groupKey is what the endpoints of a group have in common; of an account, its ID.
func (r *row) groupKey(by string) string {
	switch by {
	case "region":
		return r.Region
	case "kind":
		return string(r.Kind)
	case "recipe":
		return r.Recipe
	case accountGroup.Value:
		return r.Account
	}
	return r.DatasetGroup
}

// unreadGroups are the accounts of which nothing is known.
func unreadGroups(accounts []report.Account) (groups []group) {
	for _, a := range accounts {
		if !a.Read {
			groups = append(groups, group{Name: a.String(), Link: "/#problems", NotRead: true})
		}
	}
	return groups
}

func (g *group) add(r *row) {
	g.Endpoints++
	g.Paid.add(r.Costs.Paid)
	g.Waste.add(r.Costs.PaidWaste)
	g.Saves.add(r.Costs.Saves)
	if r.Usage == nil {
		g.Unread++
		return
	}
	g.Hours.Add(r.Usage.TPSHours)
}

// Segments are what of the money was used and what was not.
func (g group) Segments() segments {
	paid, waste := g.Paid.Main(), g.Waste.Main()
	used := money{paid.Amount - waste.Amount, paid.Currency}
	return segmentsOf(segment{Label: "Used", Class: "f-used", Value: used}, segment{Label: "Not used", Class: "f-waste", Value: waste})
}

// Share is how much of the TPS-hours was used.
func (g group) Share() string {
	if g.Hours.Paid <= 0 {
		return unknownText
	}
	return percent(percentOf(g.Hours.Paid-g.Hours.Wasted, g.Hours.Paid))
}

func (g group) cells() []any {
	hours := func(v float64) string { return decimals(!g.NotRead, v, 1) }
	endpoints, unread := strconv.Itoa(g.Endpoints), strconv.Itoa(g.Unread)
	if g.NotRead {
		endpoints, unread = "", ""
	}
	return []any{
		g.Name, endpoints, unread, g.Paid.Main().Currency, g.Paid.Main().field(), g.Waste.Main().field(), g.Saves.Main().field(),
		hours(g.Hours.Paid), hours(g.Hours.Used), hours(g.Hours.Wasted),
	}
}

// savedView is what the actions on record have saved in the calendar month that was metered last, and in
// all: money, or TPS-hours without prices.
type savedView struct{ Label, Value, Text string }

func savedOf(s Snapshot) savedView {
	v := savedView{Label: "Saved", Value: "unknown", Text: "not known yet"}
	if s.Saved == nil {
		return v
	}
	begin := billing.FirstOfMonth(s.Saved.Until.Add(-time.Nanosecond))
	month := s.Saved.In(begin.Format("2006-01"))
	v.Label = "Saved in " + begin.Format("January")
	// What was done before the records began is unknown.
	if since := s.Status.Recorded; since.After(begin) {
		v.Label = "Saved since the start"
		if !since.Equal(s.Status.Started) {
			v.Label = "Saved since " + since.UTC().Format("2 January")
		}
	}
	v.Text = "by " + model.Plural(month.Actions, "action")
	hours := known(month.TPSHours, model.Figure) + " TPS-hours"
	switch {
	case len(month.Estimates) > 0:
		v.Value = amounts(month.Estimates, 0).String()
		if month.TPSHours != nil {
			v.Text = hours + " " + v.Text
		}
	case month.TPSHours != nil:
		v.Value = hours
	case month.UnknownHours == 0 && s.Saved.Without() == "":
		v.Value = "0" // nothing was in effect
	}
	if month.UnknownHours > 0 {
		v.Text += "; " + model.Figure(month.UnknownHours) + " h of actions are unknown"
	}
	v.Text += s.savedInAll()
	return v
}

// savedInAll is which accounts what is saved lacks, and what the actions on record have saved in all.
func (s Snapshot) savedInAll() (text string) {
	without, all := s.Saved.Without(), s.Saved.Total
	if without != "" {
		text = ", " + without
	}
	if known := without == "" || all.TPSHours != nil || all.UnknownHours > 0; known && !s.Status.Recorded.IsZero() {
		text += "; since " + s.Status.Recorded.UTC().Format("2 January 15:04 UTC") + ": " + savedText(all)
	}
	return text
}

// savedText is what actions have saved: money first, and what it leaves out.
func savedText(s savings.Sum) string {
	if len(s.Estimates) == 0 {
		return report.SavedText(s)
	}
	text := amounts(s.Estimates, 0).String()
	if s.TPSHours != nil {
		text += ", " + model.Figure(*s.TPSHours) + " TPS-hours"
	}
	if s.Unpriced > 0 {
		text += ", without " + model.Plural(s.Unpriced, "action")
	}
	if s.UnknownHours > 0 {
		text += fmt.Sprintf(" (%s h of actions are unknown)", model.Figure(s.UnknownHours))
	}
	return text
}

// savedMonth is what one kind of action has saved in a calendar month.
type savedMonth struct{ Month, Action, Saved, Actions string }

// savedMonths are the months of what was saved, the newest first.
func savedMonths(s *report.Saved) (list []savedMonth) {
	if s == nil {
		return nil
	}
	kinds := map[model.Action]string{
		model.ActionUpdate: "lowered minimums", model.ActionDelete: "deleted campaigns", model.ActionStop: "stopped recommenders",
		model.ActionPause: "paused training",
	}
	for _, m := range slices.Backward(s.Months) {
		kind := cmp.Or(kinds[m.Action], strings.ReplaceAll(string(m.Action), "-", " "))
		list = append(list, savedMonth{m.Month, kind, savedText(m.Sum), model.Plural(m.Actions, "action")})
	}
	return list
}

// savedAction is what one action on a resource has saved.
type savedAction struct {
	When                                   stamp
	What, Saved, Promised, Achieved, State string
}

// savedActions are the actions on a resource, the newest first.
func (e *estate) savedActions(arn string) (list []savedAction) {
	if e.Saved == nil {
		return nil
	}
	words := map[model.Action]string{
		model.ActionDelete: "campaign deleted", model.ActionStop: "recommender stopped", model.ActionPause: "training paused",
	}
	for _, a := range slices.Backward(e.Saved.Of(arn)) {
		what := cmp.Or(words[a.Action], strings.ReplaceAll(string(a.Action), "-", " "))
		if a.Action == model.ActionUpdate {
			what = "minimum lowered " + report.SavedMinimum(a)
			if a.To > a.From {
				what = "minimum raised " + report.SavedMinimum(a)
			}
		}
		sum := savings.Sum{Actions: 1, Amount: a.Amount}
		if a.Estimate != nil {
			sum.Estimates = []model.Money{*a.Estimate}
		}
		list = append(list, savedAction{
			When: e.Stamp(a.Time), What: what, Saved: savedText(sum),
			Promised: report.Number(a.PromisedPerMonth, 1, ""), Achieved: report.Number(a.AchievedPerMonth, 1, ""), State: report.SavedState(a),
		})
	}
	return list
}
