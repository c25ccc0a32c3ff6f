package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/report/page"
)

//go:embed assets templates
var files embed.FS

// asset is a file that pages load, under a name that changes with its content.
type asset struct {
	kind string
	body []byte
	tag  string
}

// loadAssets gathers what pages load.
func loadAssets() (map[string]asset, error) {
	assets := map[string]asset{}
	add := func(name string, body []byte) {
		sum := sha256.Sum256(body)
		kinds := map[string]string{".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
		assets[name] = asset{kind: kinds[path.Ext(name)] + "; charset=utf-8", body: body, tag: hex.EncodeToString(sum[:8])}
	}
	entries, err := files.ReadDir("assets")
	if err != nil {
		return nil, fmt.Errorf("read the assets of the web page: %w", err)
	}
	for _, entry := range entries {
		body, err := files.ReadFile("assets/" + entry.Name())
		if err != nil {
			return nil, fmt.Errorf("read the assets of the web page: %w", err)
		}
		add(entry.Name(), body)
	}
	add("uplot.js", []byte(page.ChartScript()))
	add("uplot.css", []byte(page.ChartStyle()))
	return assets, nil
}

// loadTemplates reads each page together with what all pages share.
func (h *Handler) loadTemplates() (map[string]*template.Template, error) {
	functions := template.FuncMap{
		"asset":  func(name string) string { return "/assets/" + name + "?v=" + h.assets[name].tag },
		"figure": figure, "percent": percent, "plural": plural, "thousands": func(n int) string { return thousands(float64(n)) },
		"deref": func(v *float64) float64 { return *v },
		"dict":  dict,
	}
	shared, err := template.New("layout").Funcs(functions).ParseFS(files, "templates/layout.tmpl", "templates/parts.tmpl")
	if err != nil {
		return nil, fmt.Errorf("read the templates of the web page: %w", err)
	}
	templates := map[string]*template.Template{}
	for _, name := range []string{"overview", "resources", "resource", "timeline", "dashboard", "login", "failure", "again"} {
		page, err := template.Must(shared.Clone()).ParseFS(files, "templates/"+name+".tmpl")
		if err != nil {
			return nil, fmt.Errorf("read the templates of the web page: %w", err)
		}
		templates[name] = page
	}
	return templates, nil
}

// dict makes the argument of a part that needs several values.
func dict(pairs ...any) map[string]any {
	values := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if key, ok := pairs[i].(string); ok {
			values[key] = pairs[i+1]
		}
	}
	return values
}

// frame is what stands around a page.
type frame struct {
	Title, Path string
	Bare        bool // without navigation: nobody is logged in
	Nav         []navigation
	Demo        string
	Version     string
	LoggedIn    bool
	ReadOnly    bool
	Cycle, Next stamp
	Fault       string // why the last cycle measured nothing
	Measured    stamp  // when the last one ended that did
	Mode        string // what this daemon does not do; empty for one that does all
	Problems    int
	Snapshot    uint64
	Page        any
}

type navigation struct {
	Path, Title string
	Current     bool
}

// render writes a page. It is made as a whole first, so that a fault in it is not half
// sent.
func (h *Handler) render(w http.ResponseWriter, r *http.Request, status int, name string, f frame, page any) {
	f.Page, f.Demo, f.Version = page, h.Demo, h.Version
	f.LoggedIn, f.ReadOnly = h.Token != "" && !f.Bare, !h.AllowActions
	if !f.Bare {
		s, now := h.Source.Snapshot(), h.Clock.Now()
		f.Cycle, f.Next = stampOf(s.Cycle, now), stampOf(s.Next, now)
		f.Fault, f.Problems, f.Snapshot = s.CycleErr, len(s.Result.Problems), s.Version
		f.Measured, f.Mode = stampOf(s.Measured, now), modeOf(s)
		for _, n := range []navigation{{Path: "/", Title: "Overview"}, {Path: "/resources", Title: "Resources"}, {Path: "/timeline", Title: "Time line"}, {Path: "/dashboard", Title: "Dashboard"}} {
			n.Current = n.Path == f.Path
			f.Nav = append(f.Nav, n)
		}
	}
	var body bytes.Buffer
	if err := h.templates[name].ExecuteTemplate(&body, "layout", f); err != nil {
		h.Logger.ErrorContext(r.Context(), "page not made", "op", "serve", "path", r.URL.Path, "err", err)
		http.Error(w, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body.Bytes()) // whoever went away does not read on
	}
}

// modeOf tells what a daemon does not do.
func modeOf(s Snapshot) string {
	switch {
	case s.DryRun:
		return "This is a dry run: nothing is written, and what is said to be done only would be."
	case s.Standby:
		return "This daemon stands by: another one decides and acts, and knows of its decisions, records and savings what this one does not."
	}
	return ""
}

type failureView struct {
	Status int
	Title  string
	Text   string
}

// fail shows what went wrong. Who has not logged in sees no navigation.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, status int, text string) {
	// Refused before the guard let anybody in.
	bare := status == http.StatusMisdirectedRequest || status == http.StatusUnauthorized || status == http.StatusTooManyRequests ||
		h.Token != "" && !h.hasSession(r)
	title := cmp.Or(http.StatusText(status), "Error")
	h.render(w, r, status, "failure", frame{Title: title, Bare: bare}, failureView{status, title, text})
}

// badQuery tells what of a query or form is not valid.
func (h *Handler) badQuery(w http.ResponseWriter, r *http.Request, err error) {
	text := err.Error()
	h.fail(w, r, http.StatusBadRequest, strings.ToUpper(text[:1])+text[1:]+".")
}

// asset serves a file that pages load. Its address has its hash, so it may be kept.
func (h *Handler) asset(w http.ResponseWriter, r *http.Request) {
	one, ok := h.assets[r.PathValue("name")]
	if !ok {
		h.fail(w, r, http.StatusNotFound, "There is no such file.")
		return
	}
	w.Header().Set("Content-Type", one.kind)
	w.Header().Set("ETag", `"`+one.tag+`"`)
	if r.URL.RawQuery == "v="+one.tag {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		w.Header().Set("Cache-Control", "no-cache")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(one.body))
}
