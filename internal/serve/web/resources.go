package web

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// pageSize is how many resources a page of the table has.
const pageSize = 50

var tableKeys = []string{keySearch, keyKind, keyAccount, keyRegion, keyShow, keySort, keyDir, keyPage}

var kindOptions = []option{{"", "Campaigns and recommenders"}, {string(model.Campaign), "Campaigns"},
	{string(model.Recommender), "Recommenders"}}

// filters are the choices of what to show: the states, and some more.
var filters = func() (list []filter) {
	list = append(list, filter{option{"", "All"}, func(*row) bool { return true }})
	for _, one := range states {
		list = append(list, filter{option{one.Key, one.Label}, func(r *row) bool { return r.State.Key == one.Key }})
	}
	return append(list,
		filter{option{"protected", "Protected"}, func(r *row) bool { return r.Protection != "" }},
		filter{option{"change", "Being changed"}, func(r *row) bool { return r.Check.Decision.Changes() }},
		filter{option{"refused", "Blocked"}, func(r *row) bool { return r.Check.Decision == rules.Refused }},
		filter{option{"alarm", "In alarm"}, func(r *row) bool { return r.Alarming() > 0 }},
		filter{option{"unread", "Not read"}, func(r *row) bool { return r.Monitored && r.Average == nil && !r.Invisible || r.Problem != "" }},
		filter{option{"unseen", "Cannot be seen"}, func(r *row) bool { return r.Monitored && r.Invisible }})
}()

type filter struct {
	option
	shows func(*row) bool
}

func filterOptions() []option {
	list := make([]option, len(filters))
	for i, f := range filters {
		list[i] = f.option
	}
	return list
}

// column is one that the table can be sorted by.
type column struct {
	Key, Title string
	Class      string // of its cells: n for numbers, w and v where a narrow screen drops it
	Numeric    bool
	compare    func(a, b *row) int
	known      func(*row) bool // nil: always
}

// byMoney compares amounts, or quantities where one has no price: 0 of money is less than any quantity.
func byMoney(amount func(*row) money, quantity func(*row) float64) func(a, b *row) int {
	class := func(r *row) int {
		switch {
		case amount(r).Amount > 0:
			return 2
		case quantity(r) > 0:
			return 1
		}
		return 0
	}
	return func(a, b *row) int {
		return cmp.Or(cmp.Compare(class(a), class(b)), cmp.Compare(amount(a).Amount, amount(b).Amount), cmp.Compare(quantity(a), quantity(b)))
	}
}

var columns = []column{
	{
		Key: "saves", Title: "Can save", Class: "n", Numeric: true, known: func(r *row) bool { return r.Entry != nil },
		compare: byMoney(func(r *row) money { return r.Costs.Saves }, (*row).saves),
	},
	{Key: "name", Title: "Endpoint", compare: func(a, b *row) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) }},
	{Key: "state", Title: "State", compare: func(a, b *row) int {
		return cmp.Compare(slices.Index(states, stateByKey(a.State.Key)), slices.Index(states, stateByKey(b.State.Key)))
	}},
	{Key: "min", Title: "Minimum", Class: "n", Numeric: true, compare: func(a, b *row) int { return cmp.Compare(a.Min, b.Min) }},
	{
		Key: "average", Title: "Demand", Class: "n v", Numeric: true, known: func(r *row) bool { return r.Average != nil },
		compare: func(a, b *row) int { return cmp.Compare(*a.Average, *b.Average) },
	},
	{
		Key: "utilization", Title: "Used", Class: "n v", Numeric: true, known: func(r *row) bool { return r.Utilization != nil },
		compare: func(a, b *row) int { return cmp.Compare(*a.Utilization, *b.Utilization) },
	},
	{
		Key: "cost", Title: "Costs", Class: "n", Numeric: true, known: func(r *row) bool { return r.wasted() >= 0 },
		compare: byMoney(func(r *row) money { return r.Costs.Monthly }, func(r *row) float64 { return r.Entry.Usage.TPSHours.Paid }),
	},
	{
		Key: "wasted", Title: "Not used", Class: "n w", Numeric: true, known: func(r *row) bool { return r.wasted() >= 0 },
		compare: byMoney(func(r *row) money { return r.Costs.Wasted }, (*row).wasted),
	},
}

func stateByKey(key string) state {
	return states[slices.IndexFunc(states, func(s state) bool { return s.Key == key })]
}

func columnOptions() []option {
	list := make([]option, len(columns))
	for i, c := range columns {
		list[i] = option{c.Key, c.Title}
	}
	return list
}

// columnOf is the column of a valid key.
func columnOf(key string) column {
	return columns[slices.IndexFunc(columns, func(c column) bool { return c.Key == key })]
}

// defaultDir is the direction in which a column is sorted first: large numbers first, names
// in alphabetical order.
func (c column) defaultDir() string {
	if c.Numeric {
		return "desc"
	}
	return "asc"
}

// tableQuery selects what the table shows.
type tableQuery struct {
	Search, Kind, Account, Region, Show, Sort, Dir string
	Page                                           int
}

func parseTable(f *fields) tableQuery {
	q := tableQuery{
		Search: f.text(keySearch), Kind: f.choice(keyKind, words(kindOptions)...), Account: f.account(keyAccount), Region: f.region(keyRegion),
		Show: f.choice(keyShow, words(filterOptions())...), Sort: f.choice(keySort, words(columnOptions())...),
		Page: f.number(keyPage, 1, 1, maxPage),
	}
	q.Dir = cmp.Or(f.choice(keyDir, "", "asc", "desc"), columnOf(q.Sort).defaultDir())
	return q
}

// link leads to the same table with other values. Default values are left out.
func (q tableQuery) link(changes map[string]string) string {
	values := map[string]string{keySearch: q.Search, keyKind: q.Kind, keyAccount: q.Account, keyRegion: q.Region, keyShow: q.Show, keySort: q.Sort, keyDir: q.Dir,
		keyPage: strconv.Itoa(q.Page)}
	maps.Copy(values, changes)
	defaults := map[string]string{keyDir: columnOf(values[keySort]).defaultDir(), keySort: columns[0].Key, keyPage: "1"}
	var pairs []string
	for key, value := range values {
		if value != defaults[key] {
			pairs = append(pairs, key, value)
		}
	}
	return link("/resources", pairs...)
}

// head is the head of a column, which sorts by it.
type head struct {
	column
	Link, Sorted string // Sorted is for aria-sort; empty if the table is not sorted by it
}

func (q tableQuery) head(c column) head {
	h := head{column: c}
	dir := c.defaultDir()
	if q.Sort == c.Key {
		h.Sorted = map[string]string{"asc": "ascending", "desc": "descending"}[q.Dir]
		dir = map[string]string{"asc": "desc", "desc": "asc"}[q.Dir]
	}
	h.Link = q.link(map[string]string{keySort: c.Key, keyDir: dir, keyPage: "1"})
	return h
}

// selects reports whether a row matches the search, whatever its state.
func (q tableQuery) selects(r *row) bool {
	if q.Kind != "" && string(r.Kind) != q.Kind || q.Region != "" && r.Region != q.Region || q.Account != "" && r.Account != q.Account {
		return false
	}
	if q.Search == "" {
		return true
	}
	text := strings.ToLower(strings.Join([]string{r.Name, r.ARN, r.DatasetGroup, r.Recipe, r.AccountName, r.State.Label, r.Next, r.Check.Reason}, "\n"))
	for _, word := range strings.Fields(strings.ToLower(q.Search)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// sort sorts rows. Unknown values come last in both directions. In the default order what is failing is
// on top.
func (q tableQuery) sort(rows []*row) {
	c := columnOf(q.Sort)
	slices.SortStableFunc(rows, func(a, b *row) int {
		if q.Sort == columns[0].Key && (a.State == failing) != (b.State == failing) {
			return rank(a.State == failing) - rank(b.State == failing)
		}
		if c.known != nil && !(c.known(a) && c.known(b)) {
			return rank(c.known(a)) - rank(c.known(b))
		}
		if q.Dir == "desc" {
			a, b = b, a
		}
		return c.compare(a, b)
	})
}

func rank(known bool) int {
	if known {
		return 0
	}
	return 1
}

type resourcesView struct {
	Query        tableQuery
	Heads        map[string]head
	Rows         []*row
	Total, Shown int
	From, To     int
	Pager        pager
	Tabs         []tab
	Selects      []selectView
	Filtered     bool
	Currency     string // of the money in the table; another one is named beside the amount
	Cost, Saves  total  // of what is shown
	Days         string // that the money is of; empty if it is unknown
	Waiting      bool
	Unlisted     string // regions that could not be listed
	OldAlarms    string // regions whose alarms could not be listed
	CSV          string
}

// selectView is a select element of the form.
type selectView struct {
	Label, Name, Value string
	Options            []option
}

func (h *site) resources(_ *http.Request, f *fields) (page, error) {
	q := parseTable(f)
	if f.fault != nil {
		return page{}, f.fault
	}
	s, now := h.snapshot()
	view, list := tableOf(h.estate(s, now).rows, q, accountOptions(s))
	view.Waiting, view.Unlisted, view.OldAlarms = measured(s).IsZero(), strings.Join(unlisted(s), ", "), oldAlarms(s)
	if s.Ledger != nil {
		view.Days = model.Plural(s.Ledger.Days, "day")
	}
	return page{template: "resources", title: "Resources", path: "/resources", view: view, tables: []table{{name: "resources", rows: func() [][]string { return rowsCSV(list) }}}}, nil
}

// tableOf filters, sorts and cuts the rows. The list is what was not cut.
func tableOf(rows []*row, q tableQuery, accounts []option) (view resourcesView, list []*row) {
	view = resourcesView{Total: len(rows), Filtered: q.Search != "" || q.Kind != "" || q.Account != "" || q.Region != "" || q.Show != "", Heads: map[string]head{}}
	view.Selects = []selectView{
		{"Kind", keyKind, q.Kind, kindOptions},
		{"Account", keyAccount, q.Account, accounts},
		{"Region", keyRegion, q.Region, regionOptions(rows, q.Region)},
		{"Sort by", keySort, q.Sort, columnOptions()},
		{"Order", keyDir, q.Dir, []option{{"asc", "Ascending"}, {"desc", "Descending"}}},
	}
	view.Selects = slices.DeleteFunc(view.Selects, func(s selectView) bool { return len(s.Options) == 0 })
	rows = slices.DeleteFunc(slices.Clone(rows), func(r *row) bool { return !q.selects(r) })
	for _, one := range filters {
		t := tab{Label: one.Label, Link: q.link(map[string]string{keyShow: one.Value, keyPage: "1"}), Current: one.Value == q.Show}
		for _, r := range rows {
			if one.shows(r) {
				t.Count++
			}
		}
		if t.Count > 0 || t.Current || one.Value == "" {
			view.Tabs = append(view.Tabs, t)
		}
		if t.Current {
			list = slices.DeleteFunc(slices.Clone(rows), func(r *row) bool { return !one.shows(r) })
		}
	}
	q.sort(list)
	view.Shown = len(list)
	view.Pager, view.From, view.To = paginate(len(list), pageSize, q.Page, func(n string) string {
		return q.link(map[string]string{keyPage: cmp.Or(n, "1")})
	})
	view.Rows = list[view.From:view.To]
	view.From = min(view.From+1, len(list)) // for people
	q.Page = view.Pager.Page
	view.Query = q
	for _, c := range columns {
		view.Heads[c.Key] = q.head(c)
	}
	for _, r := range list {
		view.Cost.add(r.Costs.Monthly)
		view.Saves.add(r.Costs.Saves)
	}
	view.Currency = view.Cost.Main().Currency
	view.CSV = q.link(map[string]string{keyFormat: "csv", keyPage: "1"})
	return view, list
}

// rowsCSV is the table with all its columns. What is unknown is an empty field.
func rowsCSV(rows []*row) [][]string {
	table := [][]string{{"arn", "kind", "name", "region", "datasetGroup", "recipe", "status", "state", "min", "average", "utilization",
		"currency", "costPerMonth", "notUsedPerMonth", "savesPerMonth", "tpsHoursNotUsed", "tpsHoursSavedPerMonth", "alarmsOn", "next", "why", "reason"}}
	number := func(v *float64) string {
		if v == nil {
			return ""
		}
		return strconv.FormatFloat(*v, 'g', 6, 64)
	}
	several := slices.ContainsFunc(rows, func(r *row) bool { return r.Account != "" })
	if several {
		table[0] = append(table[0], "account", "accountName")
	}
	for _, r := range rows {
		amount := func(m money) string {
			if !m.Known() {
				return ""
			}
			return strconv.FormatFloat(m.Amount, 'f', 2, 64)
		}
		hours := func(v float64) string {
			if v < 0 {
				return ""
			}
			return strconv.FormatFloat(v, 'f', 1, 64)
		}
		table = append(table, []string{r.ARN, string(r.Kind), r.Name, r.Region, r.DatasetGroup, r.Recipe, string(r.Status), r.State.Key,
			strconv.Itoa(r.Min), number(r.Average), number(r.Utilization), r.Costs.Monthly.Currency, amount(r.Costs.Monthly), amount(r.Costs.Wasted),
			amount(r.Costs.Saves), hours(r.wasted()), hours(r.saves()), strconv.Itoa(r.Alarming()), r.Next, r.Why, r.Check.Reason})
		if several {
			table[len(table)-1] = append(table[len(table)-1], r.Account, r.AccountName)
		}
	}
	return table
}

// regionOptions are the regions of the rows, and the requested one.
func regionOptions(rows []*row, requested string) []option {
	names := map[string]bool{}
	for _, r := range rows {
		names[r.Region] = true
	}
	if requested != "" {
		names[requested] = true
	}
	options := []option{{"", "All regions"}}
	for _, name := range sortedKeys(names) {
		options = append(options, option{name, name})
	}
	return options
}
