package web_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/guard"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
	"github.com/personalize-monitor/personalize-monitor/test/webstory"
)

var update = flag.Bool("update", false, "write the golden files")

// page is a handler over a story.
func page(t testing.TB, name string, change func(*web.Options)) *web.Handler {
	t.Helper()
	snapshot, ok := webstory.Snapshot(name)
	if !ok {
		t.Fatalf("there is no story %q", name)
	}
	options, _ := webstory.Options(snapshot)
	if change != nil {
		change(&options)
	}
	handler, err := web.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(handler.Close)
	return handler
}

// get asks for a page by the name localhost.
func get(t testing.TB, h http.Handler, target string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	return ask(h, httptest.NewRequest(http.MethodGet, target, nil), change...)
}

func ask(h http.Handler, r *http.Request, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r.Host = "localhost:8080"
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// post sends a form as the page itself would.
func post(h http.Handler, path string, form url.Values, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return ask(h, r, change...)
}

func header(key, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(key, value) }
}

func host(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }

// hashes in the addresses of assets change with every edit of them.
var hashes = regexp.MustCompile(`\?v=[0-9a-f]{16}`)

func TestPagesAreAsTheyWere(t *testing.T) {
	for _, one := range []struct{ file, story, target string }{
		{"start", "start", "/"},
		{"failing", "failing", "/"},
		{"resources", "shop", "/resources?sort=wasted&show=oversized"},
		{"bill", "shop", "/bill?by=region"},
		{"activity", "shop", "/activity"},
		{"dashboard", "shop", "/dashboard"},
		{"unknown", "shop", "/resource?arn=" + strings.Replace(webstory.HomePage, "home-page", "gone", 1)},
	} {
		t.Run(one.file, func(t *testing.T) {
			got := hashes.ReplaceAllString(get(t, page(t, one.story, nil), one.target).Body.String(), "?v=…")
			path := filepath.Join("testdata", one.file+".html")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("the page differs from %s (run with -update if it should):\n%s", path, diff)
			}
		})
	}
}

func TestEveryResponseIsProtected(t *testing.T) {
	h := page(t, "shop", nil)
	for _, target := range []string{"/", "/resources", "/nowhere", "/assets/app.css", "/assets/nothing", "/chart?widget=3", "/resources?x=1"} {
		head := get(t, h, target).Header()
		for key, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := head.Get(key); got != want {
				t.Errorf("%s: %s is %q, want %q", target, key, got, want)
			}
		}
		policy := head.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy %q lacks %q", target, policy, part)
			}
		}
	}
}

// inPage matches what the policy would refuse: scripts, handlers and styles in a page.
var inPage = regexp.MustCompile(`(?i)<script(?: type="text/javascript")?>|<[a-z][^>]*\s(on[a-z]+|style)=|javascript:`)

func TestPagesHoldNoScriptAndEscapeWhatTheyShow(t *testing.T) {
	h := page(t, "failing", func(o *web.Options) { o.Demo = "<b>demo</b>" })
	for _, target := range []string{"/", "/resources", "/resource?arn=" + webstory.ForYou, "/activity?kind=all", "/dashboard", "/resources?q=" + url.QueryEscape(`"><script>alert(1)</script>`)} {
		body := get(t, h, target).Body.String()
		if found := inPage.FindString(body); found != "" {
			t.Errorf("%s holds %q", target, found)
		}
		for _, raw := range []string{"<script>alert", "<img src=x", "<b>demo"} {
			if strings.Contains(body, raw) {
				t.Errorf("%s: %q is not escaped", target, raw)
			}
		}
		if strings.Contains(body, "ZgotmplZ") {
			t.Errorf("%s: the template refused a value", target)
		}
	}
}

func TestForeignNamesAreRefused(t *testing.T) {
	h := page(t, "shop", func(o *web.Options) { o.Guard = testGuard(t, "", "monitor.example.com") })
	for name, want := range map[string]int{
		"localhost": 200, "LOCALHOST:80": 200, "127.0.0.1:8080": 200, "[::1]:8080": 200, "10.1.2.3": 200, "monitor.example.com": 200, "Monitor.Example.com:443": 200,
		"evil.example.com": 421, "monitor.example.com.evil.com": 421, "localhost.evil.com": 421, "": 421, "127.0.0.1.nip.io": 421,
	} {
		if w := get(t, h, "/", host(name)); w.Code != want {
			t.Errorf("host %q: status %d, want %d", name, w.Code, want)
		} else if want == 421 && strings.Contains(w.Body.String(), "shop-") {
			t.Errorf("host %q was shown something", name)
		}
	}
}

func TestQueriesAreReadStrictly(t *testing.T) {
	h := page(t, "shop", nil)
	for _, target := range []string{
		"/?x=1", "/resources?sort=price", "/resources?page=0", "/resources?page=01", "/resources?page=1e3", "/resources?q=a&q=b", "/resources?dir=up",
		"/resources?region=here", "/resources?q=" + strings.Repeat("a", 101), "/resources?q=%00", "/resources?q=%ff", "/resources?q=%zz", "/resources?a;b",
		"/resource", "/resource?arn=x", "/resource?arn=" + webstory.HomePage + "&range=1y", "/activity?kind=none", "/dashboard?widget=-1", "/chart?board=x", "/live?x=1",
		"/resources?q=" + strings.Repeat("%20", 1000),
	} {
		if w := get(t, h, target); w.Code != http.StatusBadRequest {
			t.Errorf("%.60s: status %d", target, w.Code)
		}
	}
	for _, target := range []string{"/nowhere", "/dashboard?board=2", "/dashboard?widget=1", "/chart?widget=999", "/assets/..%2fweb.go"} {
		if w := get(t, h, target); w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", target, w.Code)
		}
	}
}

func FuzzQueries(f *testing.F) {
	paths := []string{"/resources", "/resource", "/activity", "/dashboard", "/chart", "/", "/bill"}
	for i, seed := range []string{"", "q=a", "sort=min&dir=asc&page=2", "arn=" + webstory.HomePage + "&range=7d", "kind=action", "widget=3&range=3h", "q=%3Cscript%3E&show=alarm", "a;b&&=", "done=x&arn=" + webstory.ForYou} {
		f.Add(uint8(i), seed)
	}
	h := page(f, "failing", nil)
	f.Fuzz(func(t *testing.T, which uint8, query string) {
		path := paths[int(which)%len(paths)]
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.URL.RawQuery = query
		w := ask(h, r)
		if w.Code != 200 && w.Code != 400 && w.Code != 404 {
			t.Fatalf("%s?%s: status %d", path, query, w.Code)
		}
		if body := w.Body.String(); inPage.MatchString(body) || strings.Contains(body, "ZgotmplZ") {
			t.Fatalf("%s?%s: %q", path, query, inPage.FindString(body))
		}
	})
}

var arnsInRows = regexp.MustCompile(`<tr data-arn="([^"]+)"`)

// names are those of the resources in a table.
func names(body string) []string {
	var list []string
	for _, m := range arnsInRows.FindAllStringSubmatch(body, -1) {
		list = append(list, m[1][strings.LastIndex(m[1], "/")+1:])
	}
	return list
}

func TestTableSortsAndFilters(t *testing.T) {
	h := page(t, "shop", nil)
	for query, want := range map[string][]string{
		"sort=min":                            {"shop-similar-items", "shop-home-page", "shop-recommended-for-you", "shop-search-ranking", "video-top-picks", "video-home-rows", "video-next-best-action", "shop-spring-sale", "shop-popular-items"},
		"sort=utilization&dir=asc&q=vid":      {"video-top-picks", "video-home-rows", "video-next-best-action"}, // what is not known comes last
		"sort=utilization&q=video":            {"video-home-rows", "video-top-picks", "video-next-best-action"},
		"kind=recommender&sort=name&dir=desc": {"video-top-picks", "shop-recommended-for-you", "shop-popular-items"},
		"":                                    {"shop-similar-items", "shop-recommended-for-you", "video-top-picks", "video-home-rows", "shop-home-page", "shop-search-ranking", "shop-spring-sale", "video-next-best-action", "shop-popular-items"}, // what can save most first
		"show=contested":                      {"shop-recommended-for-you"},
		"show=change":                         {"shop-similar-items", "video-top-picks"},
		"show=refused":                        {"shop-recommended-for-you"},
		"show=out":                            {"shop-popular-items"},
		"show=unread":                         nil,
		"show=unseen":                         {"video-next-best-action"},
		"region=eu-west-1&q=rows":             {"video-home-rows"},
		"q=ONLINE-shop+idle":                  {"shop-spring-sale"},
		"q=nowhere":                           nil,
	} {
		if diff := cmp.Diff(want, names(get(t, h, "/resources?"+query).Body.String())); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", query, diff)
		}
	}
}

func TestTableOfThousandsComesInPages(t *testing.T) {
	h := page(t, "large", nil)
	var all []string
	for n := 1; n <= 101; n++ {
		all = append(all, names(get(t, h, fmt.Sprintf("/resources?sort=name&page=%d", n)).Body.String())...)
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(all) != 5009 {
		t.Errorf("101 pages show %d resources", len(all))
	}
	last := names(get(t, h, "/resources?sort=name&page=99999").Body.String())
	if len(last) != 9 || last[len(last)-1] != "video-top-picks" {
		t.Errorf("beyond the last page: %q", last)
	}
}

func TestChartsShareAndKeepWhatWasRead(t *testing.T) {
	counting := &countingSeries{}
	h := page(t, "shop", func(o *web.Options) { o.Series = counting })
	target := "/resource?arn=" + webstory.HomePage
	first := get(t, h, target).Body.String()
	if again := get(t, h, target).Body.String(); again != first {
		t.Error("the same page differs")
	}
	if counting.calls != 1 || counting.queries != 5 {
		t.Errorf("%d calls, %d queries for two looks at a page", counting.calls, counting.queries)
	}
}

type countingSeries struct {
	webstory.Series
	calls, queries int
}

func (c *countingSeries) Measure(ctx context.Context, queries []model.Query, progress func(done, total int)) (model.Readings, []model.Problem) {
	c.calls++
	c.queries += len(queries)
	return c.Series.Measure(ctx, queries, progress)
}

type brokenSeries struct{}

func (brokenSeries) Measure(context.Context, []model.Query, func(done, total int)) (model.Readings, []model.Problem) {
	return model.Readings{}, []model.Problem{{Region: "us-east-1", Operation: "GetMetricData", Err: errors.New("access <denied>")}}
}

func TestWhatCannotBeReadIsSaidAndNotDrawnAsZero(t *testing.T) {
	h := page(t, "shop", func(o *web.Options) { o.Series = brokenSeries{} })
	body := get(t, h, "/resource?arn="+webstory.HomePage).Body.String()
	for _, want := range []string{"GetMetricData us-east-1: access &lt;denied&gt;", "what is missing is not zero"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(body, "There are no data in this time.") {
		t.Error("the page says that there are no data, and nobody knows")
	}
	if body := get(t, h, "/chart?widget=3").Body.String(); !strings.Contains(body, "Not all data could be read") || strings.Contains(body, `"v":[0`) {
		t.Errorf("the chart is %.300s", body)
	}
}

func TestDashboardShowsTheWidgetsThatArePublished(t *testing.T) {
	h := page(t, "shop", nil)
	body := get(t, h, "/dashboard").Body.String()
	for _, want := range []string{"Dataset group video-service (eu-west-1)", "Actual vs Provisioned TPS/RPS", `href="https://console.aws.amazon.com/personalize/home?region=us-east-1#`} {
		if !strings.Contains(body, want) {
			t.Errorf("the dashboard lacks %q", want)
		}
	}
	if body := get(t, h, "/chart?widget=3&range=3h").Body.String(); !strings.Contains(body, `"label":"video-home-rows provisioned TPS"`) || !strings.Contains(body, `"label":"lowest allowed"`) {
		t.Errorf("the chart is %.400s", body)
	}
}

var tokens = regexp.MustCompile(`name="token" value="([^"]+)"`)

// acting is a page that allows actions, with the token of a resource's form.
func acting(t *testing.T, arn string) (*web.Handler, *webstory.Actions, string) {
	t.Helper()
	actions := &webstory.Actions{}
	h := page(t, "shop", func(o *web.Options) { o.AllowActions, o.Actions = true, actions })
	w := get(t, h, "/resource?arn="+arn)
	m := tokens.FindStringSubmatch(w.Body.String())
	if m == nil {
		t.Fatal("there is no form")
	}
	if got := w.Header().Get("Referrer-Policy"); got != "same-origin" {
		t.Errorf("a page with forms has the referrer policy %q; over http its forms would have no origin", got)
	}
	return h, actions, m[1]
}

func TestActions(t *testing.T) {
	for _, one := range []struct {
		name, arn string
		form      url.Values
		status    int
		asked     string
	}{
		{"raise", webstory.HomePage, url.Values{"action": {"update-tps"}, "min": {"30"}, "reason": {"sale"}}, 303, "update-tps " + webstory.HomePage + " 30 sale"},
		{"a reason as long as the form takes it", webstory.HomePage, url.Values{"action": {"update-tps"}, "min": {"30"}, "reason": {strings.Repeat("é", 100)}}, 303, "update-tps " + webstory.HomePage + " 30 " + strings.Repeat("é", 100)},
		{"a longer one", webstory.HomePage, url.Values{"action": {"update-tps"}, "min": {"50"}, "reason": {strings.Repeat("é", 101)}}, 400, ""},
		{"ten more", webstory.HomePage, url.Values{"action": {"update-tps"}, "min": {"30"}}, 303, "update-tps " + webstory.HomePage + " 30 requested on the web page"},
		{"more than ten more", webstory.HomePage, url.Values{"action": {"update-tps"}, "min": {"31"}}, 200, ""},
		{"more than ten more, confirmed", webstory.HomePage, url.Values{"action": {"update-tps"}, "min": {"31"}, "confirm": {"31"}}, 303, "update-tps " + webstory.HomePage + " 31 requested on the web page"},
		{"twice as much", webstory.SpringSale, url.Values{"action": {"update-tps"}, "min": {"2"}}, 303, "update-tps " + webstory.SpringSale + " 2 requested on the web page"},
		{"more than twice as much", webstory.SpringSale, url.Values{"action": {"update-tps"}, "min": {"3"}}, 200, ""},
		{"lower", webstory.HomePage, url.Values{"action": {"update-tps"}, "min": {"1"}}, 303, "update-tps " + webstory.HomePage + " 1 requested on the web page"},
		{"more than ten times", webstory.HomePage, url.Values{"action": {"update-tps"}, "min": {"201"}}, 200, ""},
		{"more than ten times, not confirmed", webstory.HomePage, url.Values{"action": {"update-tps"}, "min": {"201"}, "confirm": {"2O1"}}, 200, ""},
		{"more than ten times, confirmed", webstory.HomePage, url.Values{"action": {"update-tps"}, "min": {"201"}, "confirm": {"201"}}, 303, "update-tps " + webstory.HomePage + " 201 requested on the web page"},
		{"the most there is", webstory.HomePage, url.Values{"action": {"update-tps"}, "min": {"2147483647"}}, 200, ""},
		{"more of little", webstory.SpringSale, url.Values{"action": {"update-tps"}, "min": {"11"}}, 200, ""},
		{"no number", webstory.HomePage, url.Values{"action": {"update-tps"}, "min": {""}}, 400, ""},
		{"zero", webstory.HomePage, url.Values{"action": {"update-tps"}, "min": {"0"}}, 400, ""},
		{"a fraction", webstory.HomePage, url.Values{"action": {"update-tps"}, "min": {"1.5"}}, 400, ""},
		{"too much", webstory.HomePage, url.Values{"action": {"update-tps"}, "min": {"2147483648"}}, 400, ""},
		{"delete", webstory.HomePage, url.Values{"action": {"delete-campaign"}, "confirm": {"shop-home-page"}}, 303, "delete-campaign " + webstory.HomePage + " 0 requested on the web page"},
		{"delete, another name typed", webstory.HomePage, url.Values{"action": {"delete-campaign"}, "confirm": {"shop-home"}}, 400, ""},
		{"delete, nothing typed", webstory.HomePage, url.Values{"action": {"delete-campaign"}}, 400, ""},
		{"delete a recommender", webstory.ForYou, url.Values{"action": {"delete-campaign"}, "confirm": {"shop-recommended-for-you"}}, 400, ""},
		{"stop", webstory.ForYou, url.Values{"action": {"stop-recommender"}, "confirm": {"shop-recommended-for-you"}}, 303, "stop-recommender " + webstory.ForYou + " 0 requested on the web page"},
		{"stop, nothing typed", webstory.ForYou, url.Values{"action": {"stop-recommender"}}, 400, ""},
		{"start", webstory.Popular, url.Values{"action": {"start-recommender"}}, 303, "start-recommender " + webstory.Popular + " 0 requested on the web page"},
		{"restore", webstory.SimilarItems, url.Values{"action": {"restore"}, "record": {"2026-03-02T08:07:30Z update-tps"}}, 303, "restore " + webstory.SimilarItems + " update-tps"},
		{"restore, no such record", webstory.SimilarItems, url.Values{"action": {"restore"}, "record": {"2020-01-01T00:00:00Z update-tps"}}, 303, ""},
		{"restore, only asked for", webstory.SimilarItems, url.Values{"action": {"restore"}, "record": {"2026-03-04T11:35:30Z update-tps"}}, 303, ""},
		{"an unknown action", webstory.HomePage, url.Values{"action": {"explode"}}, 400, ""},
		{"an unknown key", webstory.HomePage, url.Values{"action": {"update-tps"}, "min": {"5"}, "force": {"1"}}, 400, ""},
		{"a key given twice", webstory.HomePage, url.Values{"action": {"update-tps"}, "min": {"5", "6"}}, 400, ""},
	} {
		t.Run(one.name, func(t *testing.T) {
			h, actions, token := acting(t, one.arn)
			one.form.Set("arn", one.arn)
			one.form.Set("token", token)
			w := post(h, "/action", one.form)
			if asked := strings.Join(actions.Asked(), "\n"); w.Code != one.status || asked != one.asked {
				t.Fatalf("status %d, asked %q; want %d, %q\n%s", w.Code, asked, one.status, one.asked, w.Body)
			}
			if w.Code != http.StatusSeeOther {
				return
			}
			told := get(t, h, w.Header().Get("Location")).Body.String()
			if want := map[bool]string{true: "Canned:", false: "no such record"}[one.asked != ""]; !strings.Contains(told, want) {
				t.Errorf("the page after it does not say %q", want)
			}
			if again := get(t, h, w.Header().Get("Location")).Body.String(); strings.Contains(again, "Canned:") {
				t.Error("it is said twice")
			}
		})
	}
}

// What is asked before a minimum is raised by much holds all that was asked for, and does it
// when it is answered.
func TestRaisingByMuchIsAskedTwice(t *testing.T) {
	h, actions, token := acting(t, webstory.HomePage)
	w := post(h, "/action", url.Values{"arn": {webstory.HomePage}, "action": {"update-tps"}, "min": {"5000"}, "reason": {`a "sale"`}, "token": {token}})
	body := w.Body.String()
	for _, want := range []string{"is <strong>20</strong> TPS, and is to become <strong>5,000</strong>: 3,650,000 TPS-hours a month", "Nothing has been changed yet.", "<code>5000</code>"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q:\n%s", want, body)
		}
	}
	if got := w.Header().Get("Referrer-Policy"); got != "same-origin" {
		t.Errorf("referrer policy %q: over http the answer would have no origin", got)
	}
	form := url.Values{"confirm": {"5000"}}
	for _, m := range regexp.MustCompile(`type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(body[strings.Index(body, "<main"):], -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	w = post(h, "/action", form)
	if asked := actions.Asked(); w.Code != 303 || len(asked) != 1 || asked[0] != "update-tps "+webstory.HomePage+` 5000 a "sale"` {
		t.Errorf("status %d, asked %q", w.Code, asked)
	}
}

func TestActionsAreRefused(t *testing.T) {
	form := func(token string) url.Values {
		return url.Values{"arn": {webstory.HomePage}, "action": {"update-tps"}, "min": {"5"}, "token": {token}}
	}
	h, actions, token := acting(t, webstory.HomePage)
	_, _, foreignToken := acting(t, webstory.HomePage) // of another process
	_, _, otherToken := acting(t, webstory.ForYou)
	for name, w := range map[string]*httptest.ResponseRecorder{
		"from another site":     post(h, "/action", form(token), header("Sec-Fetch-Site", "cross-site")),
		"from a sibling":        post(h, "/action", form(token), header("Sec-Fetch-Site", "same-site")),
		"with another origin":   post(h, "/action", form(token), header("Sec-Fetch-Site", ""), header("Origin", "https://evil.example.com")),
		"with the origin null":  post(h, "/action", form(token), header("Sec-Fetch-Site", ""), header("Origin", "null")),
		"without a token":       post(h, "/action", form("")),
		"with another token":    post(h, "/action", form(foreignToken)),
		"another one's token":   post(h, "/action", form(otherToken)),
		"actions are forbidden": post(page(t, "shop", nil), "/action", form(token)),
	} {
		if w.Code != http.StatusForbidden {
			t.Errorf("%s: status %d", name, w.Code)
		}
	}
	if w := get(t, h, "/action?"+form(token).Encode()); w.Code != http.StatusMethodNotAllowed && w.Code != http.StatusNotFound {
		t.Errorf("by GET: status %d", w.Code)
	}
	if w := post(h, "/action?min=5", form(token)); w.Code != http.StatusBadRequest {
		t.Errorf("with a query: status %d", w.Code)
	}
	big := form(token)
	big.Set("reason", strings.Repeat("x", 20<<10))
	if w := post(h, "/action", big); w.Code != http.StatusBadRequest {
		t.Errorf("a form of 20 KB: status %d", w.Code)
	}
	if w := post(h, "/action", form(token), header("Sec-Fetch-Site", ""), header("Origin", "http://localhost:8080")); w.Code != http.StatusSeeOther {
		t.Errorf("over plain http: status %d", w.Code)
	}
	if asked := actions.Asked(); len(asked) != 1 {
		t.Errorf("asked for %q", asked)
	}
}

func TestFailedActionSaysSo(t *testing.T) {
	h, actions, token := acting(t, webstory.HomePage)
	actions.Err = errors.New("UpdateCampaign: <ResourceInUse>")
	w := post(h, "/action", url.Values{"arn": {webstory.HomePage}, "action": {"update-tps"}, "min": {"5"}, "token": {token}})
	if body := get(t, h, w.Header().Get("Location")).Body.String(); !strings.Contains(body, "Not done: UpdateCampaign: &lt;ResourceInUse&gt;") {
		t.Error("the page does not tell of the failure")
	}
}

const secret = "s3cret-token-of-tests"

// testGuard is a guard with a token and further host names.
func testGuard(t testing.TB, token string, hosts ...string) *guard.Guard {
	t.Helper()
	g, err := guard.New("127.0.0.1:0", token, hosts)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestLogin(t *testing.T) {
	var logged bytes.Buffer
	clock := model.NewVirtualClock(webstory.Now)
	h := page(t, "shop", func(o *web.Options) {
		o.Guard, o.Clock, o.Logger = testGuard(t, secret), clock, slog.New(slog.NewTextHandler(&logged, nil))
	})
	browser := header("Accept", "text/html")
	if w := get(t, h, "/resources", browser); w.Code != 303 || w.Header().Get("Location") != "/login" {
		t.Errorf("without a login: status %d to %q", w.Code, w.Header().Get("Location"))
	}
	for _, target := range []string{"/", "/live", "/chart?widget=3", "/nowhere"} {
		if w := get(t, h, target); w.Code != 401 || strings.Contains(w.Body.String(), "shop-") {
			t.Errorf("%s without a login: status %d", target, w.Code)
		}
	}
	if w := get(t, h, "/", header("Authorization", "Bearer "+secret)); w.Code != 200 {
		t.Errorf("with the token: status %d", w.Code)
	}
	if w := get(t, h, "/", header("Authorization", "Bearer wrong")); w.Code != 401 {
		t.Errorf("with a wrong token: status %d", w.Code)
	}
	w := post(h, "/login", url.Values{"token": {secret}})
	cookies := w.Result().Cookies()
	if w.Code != 303 || len(cookies) != 1 {
		t.Fatalf("login: status %d, cookies %v", w.Code, cookies)
	}
	cookie := cookies[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || strings.Contains(cookie.Value, secret) {
		t.Errorf("the cookie is %v", cookie)
	}
	with := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookie.Name, Value: value}) }
	}
	if w := get(t, h, "/", with(cookie.Value)); w.Code != 200 || strings.Contains(w.Body.String(), secret) {
		t.Errorf("logged in: status %d", w.Code)
	}
	for _, forged := range []string{"", cookie.Value[1:], cookie.Value + "x", strings.ToLower(cookie.Value)} {
		if w := get(t, h, "/", with(forged)); w.Code != 401 {
			t.Errorf("cookie %q: status %d", forged, w.Code)
		}
	}
	clock.Advance(12 * time.Hour)
	if w := get(t, h, "/", with(cookie.Value)); w.Code != 401 {
		t.Errorf("12 hours later: status %d", w.Code)
	}
	if strings.Contains(logged.String(), secret) || strings.Contains(logged.String(), "wrong") {
		t.Errorf("the log tells %s", logged.String())
	}
}

// Who logs out has ended his session, and no other, also for who has copied its cookie.
func TestLogoutEndsTheSession(t *testing.T) {
	h := page(t, "shop", func(o *web.Options) { o.Guard, o.Clock = testGuard(t, secret), model.NewVirtualClock(webstory.Now) })
	login := func() func(*http.Request) {
		cookie := post(h, "/login", url.Values{"token": {secret}}).Result().Cookies()[0]
		return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value}) }
	}
	one, other := login(), login() // at the same moment
	if w := post(h, "/logout", nil, one); w.Code != 303 || w.Result().Cookies()[0].MaxAge >= 0 {
		t.Errorf("logout: status %d", w.Code)
	}
	if w := get(t, h, "/", one); w.Code != 401 {
		t.Errorf("after the logout its cookie is answered %d", w.Code)
	}
	if w := get(t, h, "/", other); w.Code != 200 {
		t.Errorf("another session is answered %d", w.Code)
	}
}

func TestGuessingTokensIsSlowedDown(t *testing.T) {
	clock := model.NewVirtualClock(webstory.Now)
	h := page(t, "shop", func(o *web.Options) { o.Guard, o.Clock = testGuard(t, secret), clock })
	for range 10 {
		if w := post(h, "/login", url.Values{"token": {"guess"}}); w.Code != 401 {
			t.Fatalf("a guess: status %d", w.Code)
		}
	}
	if w := post(h, "/login", url.Values{"token": {"guess"}}); w.Code != 429 {
		t.Errorf("after ten guesses: status %d", w.Code)
	}
	if w := get(t, h, "/", header("Authorization", "Bearer guess")); w.Code != 429 {
		t.Errorf("after ten guesses, as a program: status %d", w.Code)
	}
	if w := post(h, "/login", url.Values{"token": {secret}}); w.Code != 303 {
		t.Errorf("the right token is kept out: status %d", w.Code)
	}
	elsewhere := func(r *http.Request) { r.RemoteAddr = "198.51.100.7:1000" }
	if w := get(t, h, "/", header("Authorization", "Bearer guess"), elsewhere); w.Code != 401 {
		t.Errorf("another address: status %d", w.Code)
	}
	clock.Advance(time.Minute)
	if w := post(h, "/login", url.Values{"token": {"guess"}}); w.Code != 401 {
		t.Errorf("a minute later: status %d", w.Code)
	}
}

func TestLoginCookieIsForHTTPSBehindAProxy(t *testing.T) {
	h := page(t, "shop", func(o *web.Options) { o.Guard = testGuard(t, secret) })
	for origin, want := range map[string]bool{"": false, "http://localhost:8080": false, "https://localhost:8080": true} {
		cookies := post(h, "/login", url.Values{"token": {secret}}, header("Origin", origin)).Result().Cookies()
		if len(cookies) != 1 || cookies[0].Secure != want {
			t.Errorf("from %q: cookies %v", origin, cookies)
		}
	}
}

func TestOtherSitesCannotEmbedPages(t *testing.T) {
	h := page(t, "shop", nil)
	for _, one := range []struct {
		site, mode string
		status     int
	}{
		{"cross-site", "no-cors", 403},
		{"cross-site", "cors", 403},
		{"same-site", "no-cors", 403}, // another port of this machine
		{"cross-site", "navigate", 200},
		{"same-origin", "cors", 200},
		{"none", "navigate", 200},
		{"", "", 200},
	} {
		w := get(t, h, "/chart?widget=3", header("Sec-Fetch-Site", one.site), header("Sec-Fetch-Mode", one.mode))
		if w.Code != one.status {
			t.Errorf("%s, %s: status %d, want %d", one.site, one.mode, w.Code, one.status)
		}
	}
}

func TestLiveTellsOfChangesAndEnds(t *testing.T) {
	snapshot, _ := webstory.Snapshot("start")
	options, source := webstory.Options(snapshot)
	h, err := web.New(options)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	message := make([]byte, len("event: change\ndata: 1\n\n"))
	for _, want := range []string{"1", "2"} {
		if _, err := io.ReadFull(answer.Body, message); err != nil || string(message) != "event: change\ndata: "+want+"\n\n" {
			t.Fatalf("message %q, %v", message, err)
		}
		if want == "1" {
			source.Change(func(*web.Snapshot) {})
		}
	}
	h.Close()
	h.Close()
	if rest, err := io.ReadAll(answer.Body); err != nil || len(rest) > 0 {
		t.Errorf("after the end: %q, %v", rest, err)
	}
}

func TestAssetsAreKeptByTheirHash(t *testing.T) {
	h := page(t, "shop", nil)
	body := get(t, h, "/").Body.String()
	addresses := regexp.MustCompile(`"(/assets/[^"]+)"`).FindAllStringSubmatch(body, -1)
	if len(addresses) < 6 {
		t.Fatalf("the page loads %d assets", len(addresses))
	}
	for _, a := range addresses {
		w := get(t, h, a[1])
		if w.Code != 200 || w.Body.Len() == 0 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: status %d, %q", a[1], w.Code, w.Header().Get("Cache-Control"))
		}
		plain, _, _ := strings.Cut(a[1], "?")
		if w := get(t, h, plain, header("If-None-Match", w.Header().Get("ETag"))); w.Code != http.StatusNotModified {
			t.Errorf("%s, unchanged: status %d", plain, w.Code)
		}
	}
	if script := get(t, h, "/assets/uplot.js").Body.String(); !strings.Contains(script, "Permission is hereby granted") {
		t.Error("the chart library comes without its licence")
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	if _, err := web.New(web.Options{}); err == nil {
		t.Error("a page without a source")
	}
	options, _ := webstory.Options(web.Snapshot{})
	options.Guard = nil
	if _, err := web.New(options); err == nil {
		t.Error("a page without a guard")
	}
	options, _ = webstory.Options(web.Snapshot{})
	options.AllowActions = true
	if _, err := web.New(options); err == nil {
		t.Error("a page that allows actions which nobody carries out")
	}
}

func TestRecordsThatCannotBeUndoneHaveNoButton(t *testing.T) {
	h, _, _ := acting(t, webstory.SimilarItems)
	body := get(t, h, "/resource?arn="+webstory.SimilarItems).Body.String()
	if n := strings.Count(body, `value="restore"`); n != 1 {
		t.Errorf("%d buttons to restore; one of its two records tells of something done", n)
	}
}

// A reason may come from anyone who can send events: it must not look like another text.
func TestMarksOfTextDirectionAreNeutralized(t *testing.T) {
	snapshot, ok := webstory.Snapshot("shop")
	if !ok || len(snapshot.Audits) == 0 {
		t.Fatal("no story")
	}
	for i := range snapshot.Audits {
		snapshot.Audits[i].Reason = "sale\u202e\u2066 over\x1b"
	}
	options, _ := webstory.Options(snapshot)
	handler, err := web.New(options)
	if err != nil {
		t.Fatal(err)
	}
	defer handler.Close()
	for _, target := range []string{"/activity", "/resource?arn=" + url.QueryEscape(snapshot.Audits[0].ARN)} {
		body := get(t, handler, target).Body.String()
		if strings.ContainsAny(body, "\u202e\u2066\x1b") || !strings.Contains(body, "sale\ufffd\ufffd over\ufffd") {
			t.Errorf("%s: %q", target, body)
		}
	}
}
