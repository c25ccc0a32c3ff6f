package web

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/chart"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

//go:embed assets templates
var files embed.FS

// asset is a file that pages load, at an address that changes with its content.
type asset struct {
	contentType string
	body        []byte
	packed      []byte // with gzip
	tag         string
}

func loadAssets() map[string]asset {
	bodies := map[string]string{"uplot.js": chart.Library(), "uplot.css": chart.Style(), "charts.js": chart.Script()}
	for _, name := range []string{"app.css", "app.js", "icon.svg", "theme.js"} {
		body, err := files.ReadFile("assets/" + name)
		if err != nil {
			panic("an asset of the web page: " + err.Error()) // it is part of the program
		}
		bodies[name] = string(body)
	}
	types := map[string]string{".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
	assets := map[string]asset{}
	for name, body := range bodies {
		sum := sha256.Sum256([]byte(body))
		assets[name] = asset{types[path.Ext(name)] + "; charset=utf-8", []byte(body), packed([]byte(body)), hex.EncodeToString(sum[:8])}
	}
	return assets
}

// loadTemplates parses each page together with the shared parts.
func loadTemplates(assets map[string]asset) map[string]*template.Template {
	shared := template.Must(template.New("layout").Funcs(template.FuncMap{
		"asset":   func(name string) string { return "/assets/" + name + "?v=" + assets[name].tag },
		"capital": func(text any) string { return capital(fmt.Sprint(text)) },
		"percent": func(part, whole float64) string { return percent(percentOf(part, whole)) },
		"sub":     func(a, b int) int { return a - b },
		"task":    func(step string) string { return steps[step][1] },
		"rate":    func(v *float64) string { return known(v, model.Figure) },
		"protect": func() string { return rules.ProtectTag },
		"figure":  model.Figure, "plural": model.Plural, "thousands": number, "link": link,
		"dict": dict, "join": strings.Join, "sum": sum, "alarming": alarming,
	}).ParseFS(files, "templates/layout.tmpl", "templates/parts.tmpl"))
	templates := map[string]*template.Template{}
	for _, name := range []string{"overview", "resources", "resource", "activity", "bill", "dashboard", "login", "failure", "confirm"} {
		templates[name] = template.Must(template.Must(shared.Clone()).ParseFS(files, "templates/"+name+".tmpl"))
	}
	return templates
}

func sum(numbers ...int) (n int) {
	for _, one := range numbers {
		n += one
	}
	return n
}

// dict makes the argument of a part that needs several values.
func dict(pairs ...any) map[string]any {
	values := map[string]any{}
	for pair := range slices.Chunk(pairs, 2) {
		values[fmt.Sprint(pair[0])] = pair[1]
	}
	return values
}

// page is what is rendered.
type page struct {
	template, title string
	path            string // of its link in the navigation
	bare            bool   // without navigation, for people who are not logged in
	forms           bool
	view            any
	tables          []table // of the page, which can be exported; the first one if none is named
}

// table is a table of a page as rows of a CSV, the first of which is the head.
type table struct {
	name    string
	unknown string // why it is not known; empty if it is
	rows    func() [][]string
}

// csvOf is a table with a row for each item of a list.
func csvOf[T any](list []T, columns []string, cells func(T) []any) func() [][]string {
	return func() [][]string {
		rows := [][]string{columns}
		for _, one := range list {
			rows = append(rows, report.Fields(cells(one)...))
		}
		return rows
	}
}

// chartTable is a chart as a table: the times and the values of each line. What is unknown is empty.
func chartTable(name string, c chart.Chart) table {
	labels := mapped(c.Lines, func(line chart.Line) string { return line.Label })
	return table{name, "", func() [][]string {
		rows := [][]string{append([]string{"time"}, labels...)}
		for i, at := range c.Times {
			row := report.Fields(time.Unix(at, 0))
			for _, line := range c.Lines {
				row = append(row, figure(line.Values[i], -1))
			}
			rows = append(rows, row)
		}
		return rows
	}}
}

// figure is a number in a CSV with so many digits, or all it needs if negative; empty if it is not known.
func figure(v *float64, digits int) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'g', digits, 64)
}

// tableLinks lead to the tables of a page, by their names.
func tableLinks(tables []table, path string, pairs ...string) map[string]string {
	links := make(map[string]string, len(tables))
	for _, one := range tables {
		links[one.name] = link(path, append(slices.Clone(pairs), keyFormat, "csv", keyTable, one.name)...)
	}
	return links
}

// table is the requested table of a page.
func (p page) table(q *fields) (table, error) {
	if len(p.tables) == 0 {
		return table{}, notFound("This page has no table.")
	}
	names := mapped(p.tables, func(one table) string { return one.name })
	one := p.tables[slices.Index(names, q.choice(keyTable, names...))]
	if one.unknown != "" {
		return one, statusError{http.StatusServiceUnavailable, one.unknown}
	}
	return one, nil
}

// frame is what surrounds a page.
type frame struct {
	*estate  // nil if it is bare
	Title    string
	Nav      []tab // Count is how many endpoints are failing
	Demo     string
	Program  string // with its version
	LoggedIn bool
	Page     any
}

// Bare reports whether the page has no navigation.
func (f frame) Bare() bool { return f.estate == nil }

// renderer renders pages.
type renderer struct {
	options   Options
	sessions  *sessions
	log       *slog.Logger
	templates map[string]*template.Template
	assets    map[string]asset
	merged    memo[estateKey, estate]
}

func newRenderer(o Options, s *sessions) *renderer {
	assets := loadAssets()
	return &renderer{options: o, sessions: s, log: o.Logger, templates: loadTemplates(assets), assets: assets}
}

// handler serves a page whose query has the given keys.
func (v *renderer) handler(makePage func(*http.Request, *fields) (page, error), keys ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := parseFields(r.URL.RawQuery, append(keys, keyFormat, keyTable)...)
		export := q.choice(keyFormat, "", "csv") == "csv"
		one, err := makePage(r, q)
		var exported table
		if err == nil && export {
			exported, err = one.table(q)
		}
		if err = cmp.Or(q.fault, err); err != nil {
			v.reject(w, r, err)
			return
		}
		if export {
			v.export(w, r, one.template, exported)
			return
		}
		v.render(w, r, http.StatusOK, one)
	})
}

// render writes a page. It is rendered completely first, so that an error in it leaves no
// half of a page.
func (v *renderer) render(w http.ResponseWriter, r *http.Request, status int, p page) {
	f := frame{Title: p.title, Page: p.view, Demo: v.options.Demo, Program: strings.TrimSpace("Personalize Monitor " + v.options.Version)}
	if !p.bare {
		f.estate, f.LoggedIn = v.estate(), v.sessions.guard.NeedsToken()
		f.Nav = []tab{
			{Label: "Overview", Link: "/"},
			{Label: "Resources", Link: "/resources", Count: len(f.Failing())},
			{Label: "Activity", Link: "/activity"},
			{Label: "Bill", Link: "/bill"},
			{Label: "Charts", Link: "/dashboard"},
		}
		for i := range f.Nav {
			f.Nav[i].Current = f.Nav[i].Link == p.path
		}
	}
	var body bytes.Buffer
	if err := v.templates[p.template].ExecuteTemplate(&body, "layout", f); err != nil {
		v.log.ErrorContext(r.Context(), "page not rendered", "op", "serve", "path", r.URL.Path, "err", err)
		http.Error(w, "The page could not be rendered.", http.StatusInternalServerError)
		return
	}
	if p.forms {
		// Browsers send the page's origin with its forms. With no-referrer they send "Origin: null", which
		// over plain http, without Sec-Fetch-Site, looks like another site (Fetch standard, "append a request
		// Origin header"). Other sites still learn nothing.
		w.Header().Set("Referrer-Policy", "same-origin")
	}
	send(w, r, status, "text/html; charset=utf-8", model.Visible(body.Bytes()), !p.forms)
}

// export writes a table of a page as CSV.
func (v *renderer) export(w http.ResponseWriter, r *http.Request, page string, t table) {
	name := page
	if t.name != page {
		name += "-" + t.name
	}
	var body bytes.Buffer
	if err := report.WriteCSV(&body, t.rows()); err != nil {
		v.log.ErrorContext(r.Context(), "table not written", "op", "serve", "path", r.URL.Path, "err", err)
		http.Error(w, "The table could not be written.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Disposition", `attachment; filename="personalize-monitor-`+name+`.csv"`)
	send(w, r, http.StatusOK, "text/csv; charset=utf-8", body.Bytes(), true)
}

type failureView struct {
	Status      int
	Title, Text string
}

// reject shows why a request is rejected: a statusError, or else an invalid query or form.
// People who are not logged in see no navigation.
func (v *renderer) reject(w http.ResponseWriter, r *http.Request, err error) {
	status := statusError{http.StatusBadRequest, capital(err.Error()) + "."}
	_ = errors.As(err, &status) // a status of its own, if it has one
	title := cmp.Or(http.StatusText(status.status), "Error")
	v.render(w, r, status.status, page{
		template: "failure", title: title, bare: !v.sessions.open(r),
		view: failureView{status.status, title, status.text},
	})
}

// asset serves a file that pages load. Its address contains its hash, so browsers keep it.
func (v *renderer) asset(w http.ResponseWriter, r *http.Request) {
	one, ok := v.assets[r.PathValue("name")]
	if !ok {
		v.reject(w, r, notFound("There is no such file."))
		return
	}
	w.Header().Set("Content-Type", one.contentType)
	w.Header().Set("ETag", `"`+one.tag+`"`)
	w.Header().Set("Cache-Control", "no-cache")
	if r.URL.RawQuery == "v="+one.tag {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body := one.body
	w.Header().Add("Vary", "Accept-Encoding")
	if acceptsGzip(r) && len(one.packed) < len(body) {
		body = one.packed
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("ETag", `"`+one.tag+`-gzip"`)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// minPacked is the size in bytes from which a body is compressed.
const minPacked = 1400 // one packet

// send writes a body, compressed if the client accepts that. Pages with forms are not compressed: the
// size would depend on the token beside what the address contains (BREACH).
func send(w http.ResponseWriter, r *http.Request, status int, contentType string, body []byte, compress bool) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Add("Vary", "Accept-Encoding")
	if compress && len(body) >= minPacked && acceptsGzip(r) {
		w.Header().Set("Content-Encoding", "gzip")
		body = packed(body)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // fails only if the client is gone
	}
}

func acceptsGzip(r *http.Request) bool {
	for one := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(one), ";")
		if strings.EqualFold(name, "gzip") && strings.ReplaceAll(quality, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

// packed is a body with gzip. Speed matters more than the last bytes.
func packed(body []byte) []byte {
	var buffer bytes.Buffer
	w, err := gzip.NewWriterLevel(&buffer, gzip.BestSpeed)
	if err != nil {
		return body // the level is valid
	}
	_, _ = w.Write(body) // a buffer accepts everything
	_ = w.Close()
	return buffer.Bytes()
}

// statusError is an error with the status of its response. Its text is shown as it is.
type statusError struct {
	status int
	text   string
}

func (e statusError) Error() string { return e.text }

func notFound(format string, args ...any) error {
	return statusError{http.StatusNotFound, fmt.Sprintf(format, args...)}
}
