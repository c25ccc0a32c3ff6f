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
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// pageSize is how many resources a page of the table has.
const pageSize = 50

var tableKeys = []string{keySearch, keyKind, keyAccount, keyRegion, keyShow, keySort, keyDir, keyPage}

var (
	kindOptions = []option{
		{"", "Campaigns and recommenders"}, {string(model.Campaign), "Campaigns"}, {string(model.Recommender), "Recommenders"},
	}
	dirOptions = []option{{"asc", "Ascending"}, {"desc", "Descending"}}
)

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

// column is one that the table can be sorted by.
type column struct {
	option
	Class   string // of its cells: n for numbers, w and v where a narrow screen drops it
	compare func(a, b *row) int
	known   func(*row) bool // nil: always
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

func metered(r *row) bool { return r.Usage != nil }

// columns are those that the table can be sorted by; by the first one it is sorted at first.
var columns = []column{
	{option{"saves", "Can save"}, "n", byMoney(func(r *row) money { return r.Costs.Saves }, (*row).saves), metered},
	{option{"name", "Endpoint"}, "", func(a, b *row) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) }, nil},
	{option{"state", "State"}, "", func(a, b *row) int { return cmp.Compare(a.State.order(), b.State.order()) }, nil},
	{option{"min", "Minimum"}, "n", func(a, b *row) int { return cmp.Compare(a.Min, b.Min) }, nil},
	{
		option{"average", "Demand"},
		"n v", func(a, b *row) int { return cmp.Compare(*a.Average, *b.Average) },
		func(r *row) bool { return r.Average != nil },
	},
	{
		option{"utilization", "Used"},
		"n v", func(a, b *row) int { return cmp.Compare(*a.Utilization, *b.Utilization) },
		func(r *row) bool { return r.Utilization != nil },
	},
	{
		option{"cost", "Costs"},
		"n",
		byMoney(func(r *row) money { return r.Costs.Monthly }, func(r *row) float64 { return r.Usage.TPSHours.Paid }), metered,
	},
	{
		option{"wasted", "Not used"},
		"n w",
		byMoney(func(r *row) money { return r.Costs.Wasted }, func(r *row) float64 { return r.Usage.TPSHours.Wasted }), metered,
	},
}

var (
	filterOptions = mapped(filters, func(f filter) option { return f.option })
	columnOptions = mapped(columns, func(c column) option { return c.option })
)

// mapped has the result of a function for each item of a list.
func mapped[T, R any](list []T, of func(T) R) []R {
	results := make([]R, len(list))
	for i, one := range list {
		results[i] = of(one)
	}
	return results
}

// columnOf is the column of a valid key.
func columnOf(key string) column {
	return columns[slices.IndexFunc(columns, func(c column) bool { return c.Value == key })]
}

// defaultDir is the direction in which a column is sorted first: large numbers first, names
// in alphabetical order.
func (c column) defaultDir() string {
	if c.Class != "" {
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
		Search: f.text(keySearch), Kind: f.choice(keyKind, words(kindOptions)...),
		Account: f.valid(keyAccount, model.ValidAccount, "the ID of an account"),
		Region:  f.valid(keyRegion, model.ValidRegion, "the name of a region"), Show: f.choice(keyShow, words(filterOptions)...),
		Sort: f.choice(keySort, words(columnOptions)...), Page: f.number(keyPage, 1, 1, maxPage),
	}
	q.Dir = cmp.Or(f.choice(keyDir, "", "asc", "desc"), columnOf(q.Sort).defaultDir())
	return q
}

// link leads to the same table with other values. Default values are left out.
func (q tableQuery) link(changes map[string]string) string {
	values := map[string]string{
		keySearch: q.Search, keyKind: q.Kind, keyAccount: q.Account, keyRegion: q.Region, keyShow: q.Show, keySort: q.Sort, keyDir: q.Dir,
		keyPage: strconv.Itoa(q.Page),
	}
	maps.Copy(values, changes)
	defaults := map[string]string{keyDir: columnOf(values[keySort]).defaultDir(), keySort: columns[0].Value, keyPage: "1"}
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
	if q.Sort == c.Value {
		h.Sorted = map[string]string{"asc": "ascending", "desc": "descending"}[q.Dir]
		dir = map[string]string{"asc": "desc", "desc": "asc"}[q.Dir]
	}
	h.Link = q.link(map[string]string{keySort: c.Value, keyDir: dir, keyPage: "1"})
	return h
}

// selects reports whether a row matches the search, whatever its state.
func (q tableQuery) selects(r *row) bool {
	if q.Kind != "" && string(r.Kind) != q.Kind || q.Region != "" && r.Region != q.Region || q.Account != "" && r.Account != q.Account {
		return false
	}
	texts := []string{r.Name, r.ARN, r.DatasetGroup, r.Recipe, r.AccountName, r.State.Label, r.Next, r.Check.Reason}
	return q.Search == "" || hasWords(strings.Join(texts, "\n"), q.Search)
}

// sort sorts rows. Unknown values come last in both directions. In the default order what is failing is
// on top.
func (q tableQuery) sort(rows []*row) {
	c := columnOf(q.Sort)
	rank := func(of func(*row) bool, a, b *row) int { // those of which it holds come first
		switch {
		case of(a) == of(b):
			return 0
		case of(a):
			return -1
		}
		return 1
	}
	slices.SortStableFunc(rows, func(a, b *row) int {
		if q.Sort == columns[0].Value && (a.State == failing) != (b.State == failing) {
			return rank(func(r *row) bool { return r.State == failing }, a, b)
		}
		if c.known != nil && !(c.known(a) && c.known(b)) {
			return rank(c.known, a, b)
		}
		if q.Dir == "desc" {
			a, b = b, a
		}
		return c.compare(a, b)
	})
}

type resourcesView struct {
	*estate
	Query        tableQuery
	Heads        map[string]head
	List         []*row // of one page
	Total, Shown int
	From, To     int
	Pager        pager
	Tabs         []tab
	Selects      []selectView
	Filtered     bool
	Unmeasured   bool   // only an account is shown in which no cycle has measured anything: how many endpoints it has is unknown
	Currency     string // of the money in the table; another one is named beside the amount
	Cost, Saves  total  // of what is shown
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
	e := h.pages.estate()
	view := resourcesView{
		estate: e, Total: len(e.Rows), Heads: map[string]head{},
		Filtered: q.Search != "" || q.Kind != "" || q.Account != "" || q.Region != "" || q.Show != "",
		Selects:  []selectView{{"Kind", keyKind, q.Kind, kindOptions}},
	}
	if len(e.Accounts) > 0 {
		a := e.account(q.Account)
		view.Unmeasured = a.ID != "" && a.LastSuccess.IsZero() && a.Measured.IsZero()
		view.Selects = append(view.Selects, selectView{"Account", keyAccount, q.Account, e.accountOptions()})
	}
	view.Selects = append(view.Selects, selectView{"Region", keyRegion, q.Region, e.regionOptions(q.Region)},
		selectView{"Sort by", keySort, q.Sort, columnOptions}, selectView{"Order", keyDir, q.Dir, dirOptions})
	list := view.filter(q)
	q.sort(list)
	view.Shown = len(list)
	view.Pager, view.From, view.To = paginate(len(list), pageSize, q.Page, func(n string) string {
		return q.link(map[string]string{keyPage: cmp.Or(n, "1")})
	})
	view.List = list[view.From:view.To]
	view.From = min(view.From+1, len(list)) // for people
	q.Page = view.Pager.Page
	view.Query = q
	for _, c := range columns {
		view.Heads[c.Value] = q.head(c)
	}
	for _, r := range list {
		view.Cost.add(r.Costs.Monthly)
		view.Saves.add(r.Costs.Saves)
	}
	view.Currency = view.Cost.Main().Currency
	view.CSV = q.link(map[string]string{keyFormat: "csv", keyPage: "1"})
	return page{template: "resources", title: "Resources", path: "/resources", view: view, tables: []table{rowsTable(list)}}, nil
}

// filter makes the tabs, and returns the rows of the current one.
func (v *resourcesView) filter(q tableQuery) (list []*row) {
	rows := slices.DeleteFunc(slices.Clone(v.Rows), func(r *row) bool { return !q.selects(r) })
	for _, one := range filters {
		shown := slices.DeleteFunc(slices.Clone(rows), func(r *row) bool { return !one.shows(r) })
		address := q.link(map[string]string{keyShow: one.Value, keyPage: "1"})
		t := tab{Label: one.Label, Link: address, Current: one.Value == q.Show, Count: len(shown)}
		if t.Count > 0 || t.Current || one.Value == "" {
			v.Tabs = append(v.Tabs, t)
		}
		if t.Current {
			list = shown
		}
	}
	return list
}

// rowsTable is the table with all its columns. What is unknown is an empty field.
func rowsTable(rows []*row) table {
	columns := []string{
		"arn", "kind", "name", "region", "datasetGroup", "recipe", "status", "state", "min", "average", "utilization", "currency", "costPerMonth",
		"notUsedPerMonth", "savesPerMonth", "tpsHoursNotUsed", "tpsHoursSavedPerMonth", "alarmsOn", "next", "why", "reason",
	}
	several := slices.ContainsFunc(rows, func(r *row) bool { return r.Account != "" })
	if several {
		columns = append(columns, "account", "accountName")
	}
	return table{"resources", "", csvOf(rows, columns, func(r *row) []any {
		wasted := 0.0
		if r.Usage != nil {
			wasted = r.Usage.TPSHours.Wasted
		}
		cells := []any{
			r.ARN, r.Kind, r.Name, r.Region, r.DatasetGroup, r.Recipe, r.Status, r.State.Key, r.Min, figure(r.Average, 6), figure(r.Utilization, 6),
			r.Costs.Monthly.Currency, r.Costs.Monthly.field(), r.Costs.Wasted.field(), r.Costs.Saves.field(), decimals(r.Usage != nil, wasted, 1),
			decimals(r.Usage != nil, r.saves(), 1), r.Alarming(), r.Next, r.Why, r.Check.Reason,
		}
		if several {
			cells = append(cells, r.Account, r.AccountName)
		}
		return cells
	})}
}

// accountOptions are the choices of one of several accounts.
func (s Snapshot) accountOptions() []option {
	options := mapped(s.Accounts, func(one serve.AccountStatus) option { return option{one.ID, one.Account.String()} })
	return append([]option{{"", "All accounts"}}, options...)
}

// regionOptions are the regions of the rows, and the requested one.
func (e *estate) regionOptions(requested string) []option {
	names := map[string]bool{"": true, requested: true}
	for _, r := range e.Rows {
		names[r.Region] = true
	}
	options := mapped(sortedKeys(names), func(name string) option { return option{name, name} })
	options[0].Label = "All regions"
	return options
}
