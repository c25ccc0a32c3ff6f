package web

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// pageSize is how many resources a page of the table has.
const pageSize = 50

// tableQuery is what the table of resources is asked for.
type tableQuery struct {
	Search, Kind, Region, Show, Sort, Dir string
	Page                                  int
}

// The keys of tableQuery in query strings.
const (
	keySearch = "q"
	keyKind   = "kind"
	keyRegion = "region"
	keyShow   = "show"
	keySort   = "sort"
	keyDir    = "dir"
	keyPage   = "page"
)

// option is one of the words that can be chosen.
type option struct{ Value, Label string }

var (
	kindOptions = []option{{"", "Campaigns and recommenders"}, {string(model.Campaign), "Campaigns"}, {string(model.Recommender), "Recommenders"}}
	showOptions = []option{
		{"", "Everything"},
		{"change", "To be changed"},
		{"refused", "Change refused"},
		{"alarm", "In alarm"},
		{"low", "Utilization below 100%"},
		{"unread", "Could not be read"},
		{"unseen", "Traffic cannot be seen"},
		{"out", "Not in service"},
	}
)

func words(options []option) []string {
	list := make([]string, len(options))
	for i, o := range options {
		list[i] = o.Value
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
		Key: "wasted", Title: "Wasted", Numeric: true, known: func(r row) bool { return wasted(r) >= 0 },
		compare: func(a, b row) int { return cmp.Compare(wasted(a), wasted(b)) },
	},
	{Key: "alarms", Title: "Alarms", Numeric: true, compare: func(a, b row) int { return cmp.Compare(a.Alarming(), b.Alarming()) }},
	{Key: "decision", Title: "Decision", compare: func(a, b row) int {
		return cmp.Or(cmp.Compare(b.Tone(), a.Tone()), cmp.Compare(a.Decision(), b.Decision()))
	}},
}

func columnKeys() []string {
	keys := make([]string, len(columns))
	for i, c := range columns {
		keys[i] = c.Key
	}
	return keys
}

// parseTable reads the query string of the table.
func parseTable(raw string) (tableQuery, error) {
	f := parseFields(raw, keySearch, keyKind, keyRegion, keyShow, keySort, keyDir, keyPage)
	q := tableQuery{
		Search: f.text(keySearch), Kind: f.choice(keyKind, words(kindOptions)...), Region: f.region(keyRegion),
		Show: f.choice(keyShow, words(showOptions)...), Sort: f.choice(keySort, columnKeys()...), Page: f.number(keyPage, 1, 1, maxPage),
	}
	q.Dir = f.choice(keyDir, "", "asc", "desc")
	if q.Dir == "" {
		q.Dir = usualDir(q.Sort)
	}
	return q, f.fault
}

// usualDir is the way in which a column is sorted first: what is most comes first, and
// names as in a dictionary.
func usualDir(key string) string {
	for _, c := range columns {
		if c.Key == key && c.Numeric {
			return "desc"
		}
	}
	return "asc"
}

// link leads to the same table with other values.
func (q tableQuery) link(changes map[string]string) string {
	values := map[string]string{keySearch: q.Search, keyKind: q.Kind, keyRegion: q.Region, keyShow: q.Show, keySort: q.Sort, keyDir: q.Dir, keyPage: strconv.Itoa(q.Page)}
	for key, value := range changes {
		values[key] = value
	}
	if values[keyDir] == usualDir(values[keySort]) {
		values[keyDir] = ""
	}
	if values[keySort] == columns[0].Key {
		values[keySort] = ""
	}
	if values[keyPage] == "1" {
		values[keyPage] = ""
	}
	var pairs []string
	for key, value := range values {
		pairs = append(pairs, key, value)
	}
	return link("/resources", pairs...)
}

// head is the head of a column, which sorts by it.
type head struct {
	Title, Link, Sorted string // Sorted is for aria-sort; empty if it is not sorted by this
	Numeric             bool
	Key                 string
}

type resourcesView struct {
	Query              tableQuery
	Heads              []head
	Rows               []row
	Total, Shown       int
	From, To           int
	Previous, Next     string
	Kinds, Shows       []option
	Regions            []option
	Ledger             bool
	Filtered           bool
	Columns            int
	SortOptions        []option
	DirOptions         []option
	WastedDays         string
	Waiting, Pageable  bool
	Unlisted           string // regions that could not be listed
	OldAlarms          string // which regions' alarms could not be
	PageNumber, PageOf int
}

func (h *Handler) resources(w http.ResponseWriter, r *http.Request) {
	q, err := parseTable(r.URL.RawQuery)
	if err != nil {
		h.badQuery(w, r, err)
		return
	}
	s := h.Source.Snapshot()
	view := tableOf(rowsOf(s), q)
	view.Ledger, view.Waiting, view.Unlisted = s.Ledger != nil, s.Measured.IsZero(), strings.Join(unlisted(s), ", ")
	view.OldAlarms = oldAlarms(s)
	if s.Ledger != nil {
		view.WastedDays = plural(s.Ledger.Days, "day")
	}
	h.render(w, r, http.StatusOK, "resources", frame{Title: "Resources", Path: "/resources"}, view)
}

// tableOf selects, sorts and cuts the rows.
func tableOf(rows []row, q tableQuery) resourcesView {
	view := resourcesView{
		Total: len(rows), Kinds: kindOptions, Shows: showOptions, Regions: regionOptions(rows, q.Region),
		DirOptions: []option{{"asc", "Ascending"}, {"desc", "Descending"}},
	}
	rows = slices.DeleteFunc(rows, func(r row) bool { return !q.shows(r) })
	sortRows(rows, q.Sort, q.Dir)
	view.Shown = len(rows)
	view.Filtered = q.Search != "" || q.Kind != "" || q.Region != "" || q.Show != ""
	view.PageOf = max(1, (len(rows)+pageSize-1)/pageSize)
	q.Page = min(q.Page, view.PageOf)
	view.Query, view.PageNumber, view.Pageable = q, q.Page, view.PageOf > 1
	start := (q.Page - 1) * pageSize
	view.Rows = rows[start:min(len(rows), start+pageSize)]
	view.From, view.To = min(start+1, len(rows)), start+len(view.Rows)
	if q.Page > 1 {
		view.Previous = q.link(map[string]string{keyPage: strconv.Itoa(q.Page - 1)})
	}
	if q.Page < view.PageOf {
		view.Next = q.link(map[string]string{keyPage: strconv.Itoa(q.Page + 1)})
	}
	for _, c := range columns {
		view.Heads = append(view.Heads, q.head(c))
		view.SortOptions = append(view.SortOptions, option{c.Key, c.Title})
	}
	view.Columns = len(columns)
	return view
}

func (q tableQuery) head(c column) head {
	h := head{Title: c.Title, Numeric: c.Numeric, Key: c.Key}
	dir := usualDir(c.Key)
	if q.Sort == c.Key {
		h.Sorted = map[string]string{"asc": "ascending", "desc": "descending"}[q.Dir]
		dir = map[string]string{"asc": "desc", "desc": "asc"}[q.Dir]
	}
	h.Link = q.link(map[string]string{keySort: c.Key, keyDir: dir, keyPage: "1"})
	return h
}

// regionOptions are the regions there are, and the one asked for.
func regionOptions(rows []row, asked string) []option {
	var names []string
	for _, r := range rows {
		names = append(names, r.Region)
	}
	if asked != "" {
		names = append(names, asked)
	}
	slices.Sort(names)
	options := []option{{"", "All regions"}}
	for _, name := range slices.Compact(names) {
		options = append(options, option{name, name})
	}
	return options
}

// shows tells whether a row is wanted.
func (q tableQuery) shows(r row) bool {
	if q.Kind != "" && string(r.Kind) != q.Kind || q.Region != "" && r.Region != q.Region {
		return false
	}
	all := strings.ToLower(strings.Join([]string{r.Name, r.ARN, r.Group, r.Recipe, r.Decision(), r.Check.Reason}, "\n"))
	for _, word := range strings.Fields(strings.ToLower(q.Search)) {
		if !strings.Contains(all, word) {
			return false
		}
	}
	return shown(q.Show, r)
}

// shown tells whether a row is one of those that a choice of showOptions shows.
func shown(show string, r row) bool {
	switch show {
	case "change":
		return r.Check.Decision.Changes()
	case "refused":
		return r.Check.Decision == rules.Refused
	case "alarm":
		return r.Alarming() > 0
	case "low":
		return r.Utilization != nil && *r.Utilization < 100
	case "unread":
		return r.Monitored && r.Average == nil && !r.Invisible || r.Problem != ""
	case "unseen":
		return r.Monitored && r.Invisible
	case "out":
		return !r.Monitored
	}
	return true
}

// sortRows sorts by a column. What is not known comes last, whichever way.
func sortRows(rows []row, key, dir string) {
	i := slices.IndexFunc(columns, func(c column) bool { return c.Key == key })
	if i < 0 {
		return
	}
	c := columns[i]
	slices.SortStableFunc(rows, func(a, b row) int {
		if c.known != nil {
			switch ka, kb := c.known(a), c.known(b); {
			case !ka && !kb:
				return 0
			case !ka:
				return 1
			case !kb:
				return -1
			}
		}
		if dir == "desc" {
			a, b = b, a
		}
		return c.compare(a, b)
	})
}
