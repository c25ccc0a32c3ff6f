package web

import (
	"bytes"
	"cmp"
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
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/chart"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
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

func loadAssets() (map[string]asset, error) {
	assets := map[string]asset{}
	add := func(name string, body []byte) {
		sum := sha256.Sum256(body)
		types := map[string]string{".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
		assets[name] = asset{contentType: types[path.Ext(name)] + "; charset=utf-8", body: body, packed: packed(body), tag: hex.EncodeToString(sum[:8])}
	}
	entries, err := files.ReadDir("assets")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		body, err := files.ReadFile("assets/" + entry.Name())
		if err != nil {
			return nil, err
		}
		add(entry.Name(), body)
	}
	add("uplot.js", []byte(chart.Library()))
	add("uplot.css", []byte(chart.Style()))
	add("charts.js", []byte(chart.Script()))
	return assets, nil
}

// loadTemplates parses each page together with the shared parts.
func loadTemplates(assets map[string]asset) (map[string]*template.Template, error) {
	functions := template.FuncMap{
		"asset":  func(name string) string { return "/assets/" + name + "?v=" + assets[name].tag },
		"figure": model.Figure, "plural": model.Plural, "thousands": func(n int) string { return model.Number(float64(n), 0) },
		"inc": func(i int) int { return i + 1 }, "dict": dict, "amount": amountText,
	}
	shared, err := template.New("layout").Funcs(functions).ParseFS(files, "templates/layout.tmpl", "templates/parts.tmpl")
	if err != nil {
		return nil, err
	}
	templates := map[string]*template.Template{}
	for _, name := range []string{"overview", "resources", "resource", "activity", "bill", "dashboard", "login", "failure", "confirm"} {
		if templates[name], err = template.Must(shared.Clone()).ParseFS(files, "templates/"+name+".tmpl"); err != nil {
			return nil, err
		}
	}
	return templates, nil
}

// dict makes the argument of a part that needs several values.
func dict(pairs ...any) map[string]any {
	values := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values[fmt.Sprint(pairs[i])] = pairs[i+1]
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
	rows    func() [][]string
	unknown string // why it is not known; empty if it is
}

// table is the requested table of a page.
func (p page) table(q *fields) (table, error) {
	if len(p.tables) == 0 {
		return table{}, notFound("This page has no table.")
	}
	names := make([]string, len(p.tables))
	for i, one := range p.tables {
		names[i] = one.name
	}
	one := p.tables[slices.Index(names, q.choice(keyTable, names...))]
	if one.unknown != "" {
		return one, statusError{http.StatusServiceUnavailable, one.unknown}
	}
	return one, nil
}

// frame is what surrounds a page.
type frame struct {
	Title, Path string
	Bare        bool
	Nav         []navigation
	Demo        string
	Version     string
	LoggedIn    bool
	ReadOnly    bool // no buttons
	Mode        modeView
	Notices     []notice
	Snapshot    uint64
	Page        any
}

type navigation struct {
	Path, Title string
	Current     bool
	Badge       int // how many endpoints are failing
}

// renderer renders pages.
type renderer struct {
	options   Options
	sessions  *sessions
	log       *slog.Logger
	templates map[string]*template.Template
	assets    map[string]asset
	merged    memo[rowsKey, estate]
}

// rowsKey names what rows are made of. They depend on the time by the minute.
type rowsKey struct {
	version uint64
	minute  int64
}

// estate is what pages show of all resources together.
type estate struct {
	rows                   []*row
	advice                 []recommendation
	hero                   heroView
	states                 []stateCount
	facts                  []string
	late                   bool        // data of a region are late
	happenings, everything []happening // the newest first
}

// estate is made once for each snapshot and minute. It is shared, and must not be changed.
func (v *renderer) estate(s Snapshot, now time.Time) estate {
	return v.merged.get(rowsKey{s.Version, now.Unix() / 60}, func() estate {
		e := estate{rows: rowsOf(s, now)}
		e.advice, e.hero, e.states = recommendationsOf(s, e.rows), heroOf(s, e.rows), stateCounts(e.rows)
		e.facts, e.late = factsOf(s, e.rows)
		e.happenings, e.everything = s.happenings(now), s.everything()
		return e
	})
}

func newRenderer(o Options, s *sessions) (*renderer, error) {
	assets, err := loadAssets()
	if err != nil {
		return nil, fmt.Errorf("read the assets of the web page: %w", err)
	}
	templates, err := loadTemplates(assets)
	if err != nil {
		return nil, fmt.Errorf("read the templates of the web page: %w", err)
	}
	return &renderer{options: o, sessions: s, log: o.Logger, templates: templates, assets: assets}, nil
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
	f := frame{
		Title: p.title, Path: p.path, Bare: p.bare, Page: p.view, Demo: v.options.Demo, Version: v.options.Version,
		LoggedIn: v.sessions.guard.NeedsToken() && !p.bare, ReadOnly: !v.options.AllowActions,
	}
	if !p.bare {
		s, now := v.options.Source.Snapshot(), v.options.Clock.Now()
		f.Mode, f.Notices, f.Snapshot = modeOf(s, v.estate(s, now).rows, v.options.AllowActions, now), noticesOf(s, now), s.Version
		for _, n := range []navigation{{Path: "/", Title: "Overview"}, {Path: "/resources", Title: "Resources"},
			{Path: "/activity", Title: "Activity"}, {Path: "/bill", Title: "Bill"}, {Path: "/dashboard", Title: "Charts"}} {
			n.Current = n.Path == f.Path
			if n.Path == "/resources" {
				n.Badge = f.Mode.Failing
			}
			f.Nav = append(f.Nav, n)
		}
	}
	var body bytes.Buffer
	if err := v.templates[p.template].ExecuteTemplate(&body, "layout", f); err != nil {
		v.log.ErrorContext(r.Context(), "page not rendered", "op", "serve", "path", r.URL.Path, "err", err)
		http.Error(w, "The page could not be rendered.", http.StatusInternalServerError)
		return
	}
	if p.forms {
		sendOrigin(w)
	}
	send(w, r, status, "text/html; charset=utf-8", model.Visible(body.Bytes()), !p.forms)
}

type failureView struct {
	Status      int
	Title, Text string
}

// reject shows why a request is rejected: a statusError, or else an invalid query or form.
// People who are not logged in see no navigation.
func (v *renderer) reject(w http.ResponseWriter, r *http.Request, err error) {
	text := err.Error()
	status := statusError{http.StatusBadRequest, strings.ToUpper(text[:1]) + text[1:] + "."}
	_ = errors.As(err, &status) // a status of its own, if it has one
	title := cmp.Or(http.StatusText(status.status), "Error")
	v.render(w, r, status.status, page{template: "failure", title: title, bare: !v.sessions.open(r),
		view: failureView{status.status, title, status.text}})
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

// statusError is an error with the status of its response. Its text is shown as it is.
type statusError struct {
	status int
	text   string
}

func (e statusError) Error() string { return e.text }

func notFound(format string, args ...any) error {
	return statusError{http.StatusNotFound, fmt.Sprintf(format, args...)}
}

// sendOrigin makes browsers send the page's origin with its forms. With no-referrer they send
// "Origin: null", which over plain http, without Sec-Fetch-Site, looks like another site
// (Fetch standard, "append a request Origin header"). Other sites still learn nothing.
func sendOrigin(w http.ResponseWriter) { w.Header().Set("Referrer-Policy", "same-origin") }
