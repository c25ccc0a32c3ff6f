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

var tableKeys = []string{keySearch, keyKind, keyRegion, keyShow, keySort, keyDir, keyPage}

var kindOptions = []option{{"", "Campaigns and recommenders"}, {string(model.Campaign), "Campaigns"},
	{string(model.Recommender), "Recommenders"}}

// filters are the choices of what to show.
var filters = []struct {
	option
	shows func(row) bool
}{
	{option{"", "Everything"}, func(row) bool { return true }},
	{option{"change", "To be changed"}, func(r row) bool { return r.Check.Decision.Changes() }},
	{option{"refused", "Change refused"}, func(r row) bool { return r.Check.Decision == rules.Refused }},
	{option{"alarm", "In alarm"}, func(r row) bool { return r.Alarming() > 0 }},
	{option{"low", "Utilization below 100%"}, func(r row) bool { return r.Utilization != nil && *r.Utilization < 100 }},
	{option{"unread", "Could not be read"}, func(r row) bool { return r.Monitored && r.Average == nil && !r.Invisible || r.Problem != "" }},
	{option{"unseen", "Traffic cannot be seen"}, func(r row) bool { return r.Monitored && r.Invisible }},
	{option{"out", "Not in service"}, func(r row) bool { return !r.Monitored }},
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
	Numeric    bool
	compare    func(a, b row) int
	known      func(row) bool // nil: always
}

var columns = []column{
	{Key: "name", Title: "Resource", compare: func(a, b row) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) }},
	{Key: "min", Title: "Minimum", Numeric: true, compare: func(a, b row) int { return cmp.Compare(a.Min, b.Min) }},
	{
		Key: "average", Title: "Average", Numeric: true, known: func(r row) bool { return r.Average != nil },
		compare: func(a, b row) int { return cmp.Compare(*a.Average, *b.Average) },
	},
	{
		Key: "utilization", Title: "Utilization", Numeric: true, known: func(r row) bool { return r.Utilization != nil },
		compare: func(a, b row) int { return cmp.Compare(*a.Utilization, *b.Utilization) },
	},
	{
		Key: "wasted", Title: "Wasted", Numeric: true, known: func(r row) bool { return r.wasted() >= 0 },
		compare: func(a, b row) int { return cmp.Compare(a.wasted(), b.wasted()) },
	},
	{Key: "alarms", Title: "Alarms", Numeric: true, compare: func(a, b row) int { return cmp.Compare(a.Alarming(), b.Alarming()) }},
	{Key: "decision", Title: "Decision", compare: func(a, b row) int {
		return cmp.Or(cmp.Compare(b.Tone(), a.Tone()), cmp.Compare(a.DecisionText(), b.DecisionText()))
	}},
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
	Search, Kind, Region, Show, Sort, Dir string
	Page                                  int
}

func parseTable(f *fields) tableQuery {
	q := tableQuery{
		Search: f.text(keySearch), Kind: f.choice(keyKind, words(kindOptions)...), Region: f.region(keyRegion),
		Show: f.choice(keyShow, words(filterOptions())...), Sort: f.choice(keySort, words(columnOptions())...),
		Page: f.number(keyPage, 1, 1, maxPage),
	}
	q.Dir = cmp.Or(f.choice(keyDir, "", "asc", "desc"), columnOf(q.Sort).defaultDir())
	return q
}

// link leads to the same table with other values. Default values are left out.
func (q tableQuery) link(changes map[string]string) string {
	values := map[string]string{keySearch: q.Search, keyKind: q.Kind, keyRegion: q.Region, keyShow: q.Show, keySort: q.Sort, keyDir: q.Dir,
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

// selects reports whether the table shows a row.
func (q tableQuery) selects(r row) bool {
	if q.Kind != "" && string(r.Kind) != q.Kind || q.Region != "" && r.Region != q.Region {
		return false
	}
	text := strings.ToLower(strings.Join([]string{r.Name, r.ARN, r.DatasetGroup, r.Recipe, r.DecisionText(), r.Check.Reason}, "\n"))
	for _, word := range strings.Fields(strings.ToLower(q.Search)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	for _, f := range filters {
		if f.Value == q.Show {
			return f.shows(r)
		}
	}
	return false
}

// sort sorts rows. Unknown values come last in both directions.
func (q tableQuery) sort(rows []row) {
	c := columnOf(q.Sort)
	slices.SortStableFunc(rows, func(a, b row) int {
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
	Heads        []head
	Rows         []row
	Total, Shown int
	From, To     int
	Pager        pager
	Selects      []selectView
	Filtered     bool
	WastedDays   string // empty if waste is unknown
	Waiting      bool
	Unlisted     string // regions that could not be listed
	OldAlarms    string // regions whose alarms could not be listed
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
	s, _ := h.snapshot()
	view := tableOf(rowsOf(s), q)
	view.Waiting, view.Unlisted, view.OldAlarms = s.Status.LastSuccess.IsZero(), strings.Join(unlisted(s), ", "), oldAlarms(s)
	if s.Ledger != nil {
		view.WastedDays = model.Plural(s.Ledger.Days, "day")
	}
	return page{template: "resources", title: "Resources", path: "/resources", view: view}, nil
}

// tableOf filters, sorts and cuts the rows.
func tableOf(rows []row, q tableQuery) resourcesView {
	view := resourcesView{Total: len(rows), Filtered: q.Search != "" || q.Kind != "" || q.Region != "" || q.Show != ""}
	view.Selects = []selectView{
		{"Kind", keyKind, q.Kind, kindOptions},
		{"Region", keyRegion, q.Region, regionOptions(rows, q.Region)},
		{"Show", keyShow, q.Show, filterOptions()},
		{"Sort by", keySort, q.Sort, columnOptions()},
		{"Order", keyDir, q.Dir, []option{{"asc", "Ascending"}, {"desc", "Descending"}}},
	}
	rows = slices.DeleteFunc(rows, func(r row) bool { return !q.selects(r) })
	q.sort(rows)
	view.Shown = len(rows)
	view.Pager, view.From, view.To = paginate(len(rows), pageSize, q.Page, func(n string) string {
		return q.link(map[string]string{keyPage: cmp.Or(n, "1")})
	})
	view.Rows = rows[view.From:view.To]
	view.From = min(view.From+1, len(rows)) // for people
	q.Page = view.Pager.Page
	view.Query = q
	for _, c := range columns {
		view.Heads = append(view.Heads, q.head(c))
	}
	return view
}

// regionOptions are the regions of the rows, and the requested one.
func regionOptions(rows []row, requested string) []option {
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
