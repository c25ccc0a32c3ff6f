package web_test

import (
	"errors"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
	"github.com/personalize-monitor/personalize-monitor/test/browser"
	"github.com/personalize-monitor/personalize-monitor/test/webstory"
)

func TestMain(m *testing.M) { os.Exit(browser.Run(m)) }

// open opens a page in a browser.
func open(t *testing.T, o web.Options) *browser.Tab {
	t.Helper()
	tab, _ := openOn(t, o)
	return tab
}

// openOn is open, with the server that serves the page.
func openOn(t *testing.T, o web.Options) (*browser.Tab, *httptest.Server) {
	t.Helper()
	handler, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		handler.Close()
		server.CloseClientConnections()
		server.Close()
	})
	return browser.Open(t, server.URL), server
}

// storyResource is a resource of the shop.
func storyResource(t *testing.T, arn string) model.Resource {
	t.Helper()
	s, _ := webstory.Snapshot("shop")
	for _, r := range s.Resources {
		if r.ARN.String() == arn {
			return r
		}
	}
	t.Fatal("there is no such resource")
	return model.Resource{}
}

func shopOptions(t *testing.T) (web.Options, *webstory.Source) {
	t.Helper()
	snapshot, ok := webstory.Snapshot("shop")
	if !ok {
		t.Fatal("there is no story")
	}
	return webstory.Options(snapshot)
}

func TestBrowserShowsEveryPageWithoutComplaint(t *testing.T) {
	options, _ := shopOptions(t)
	b := open(t, options)
	for _, one := range []struct {
		name, path, ready string
		height            int64
	}{
		{"overview", "/", `document.querySelectorAll("canvas").length === 1`, 1500},
		{"resources", "/resources", `document.querySelectorAll("tr[data-arn] .spark").length === 7`, 1000},
		{"resource", "/resource?arn=" + webstory.SimilarItems + "&range=7d", `document.querySelectorAll("canvas").length === 3`, 1900},
		{"activity", "/activity", `document.querySelectorAll(".entry").length > 5`, 1000},
		{"bill", "/bill", `document.querySelectorAll("#groups tbody tr").length === 2`, 1000},
		{"everything", "/activity?kind=all", `document.querySelectorAll(".entry").length > 20`, 1200},
		{"dashboard", "/dashboard?range=3d", `document.querySelectorAll("canvas").length >= 3`, 1700},
		{"chart", "/dashboard?range=3d&widget=3", `document.querySelectorAll("canvas").length === 1`, 900},
	} {
		b.Load(one.path)
		b.Until(one.ready)
		b.Shots(one.name, one.height)
		b.Quiet()
	}
}

// Every page is accessible in both themes, its contrast included, and usable by the keyboard alone.
func TestBrowserFindsEveryPageAccessible(t *testing.T) {
	options, _ := shopOptions(t)
	options.AllowActions, options.Actions = true, &webstory.Actions{}
	b := open(t, options)
	for _, path := range []string{"/", "/resources", "/resource?arn=" + webstory.SimilarItems, "/activity", "/bill", "/dashboard", "/nowhere"} {
		b.Load(path)
		for _, theme := range []string{"light", "dark"} {
			browser.JS[string](b, `document.documentElement.dataset.theme = "`+theme+`"`)
			for _, found := range b.Axe() {
				t.Errorf("%s, %s: %s", path, theme, found)
			}
		}
	}
	b.Load("/resource?arn=" + webstory.ForYou)
	walked := b.Walk(150)
	for _, want := range []string{"a Skip to the content", "a Resources", "button Change the minimum", "button Stop the recommender"} {
		if !slices.Contains(walked, want) {
			t.Errorf("the tab key does not reach %q: %q", want, walked)
		}
	}
	for _, one := range walked {
		if strings.HasSuffix(one, "(hidden)") {
			t.Errorf("the focus is not seen on %q", one)
		}
	}
	if walked[len(walked)-1] == "and more" {
		t.Errorf("the focus does not leave the page: %q", walked)
	}
	b.Forgive() // /nowhere is not found
}

func TestBrowserSortsAndFiltersTheTable(t *testing.T) {
	options, _ := shopOptions(t)
	b := open(t, options)
	b.Load("/resources")
	b.Click(`a[data-sort=min]`)
	b.Until(`document.querySelector("th[aria-sort=descending] a")?.dataset.sort === "min"`)
	first := browser.JS[string](b, `document.querySelector("tr[data-arn] th a").textContent`)
	focused := browser.JS[string](b, `document.activeElement.dataset.sort`)
	address := browser.JS[string](b, `location.search`)
	if first != "shop-similar-items" || focused != "min" || address != "?sort=min" {
		t.Errorf("sorted by minimum: first %q, focus on %q, address %q", first, focused, address)
	}
	b.Type(`input[name=q]`, "video")
	b.Until(`document.querySelectorAll("tr[data-arn]").length === 3 && document.querySelector("#announce").textContent === "3 of 9 shown"`)
	focused = browser.JS[string](b, `document.activeElement.name`)
	address = browser.JS[string](b, `location.search`)
	if focused != "q" || !strings.Contains(address, "q=video") || !strings.Contains(address, "sort=min") {
		t.Errorf("after typing: focus on %q, address %q", focused, address)
	}
	browser.JS[bool](b, `(() => { const s = document.querySelector("select[name=kind]"); s.value = "recommender"; return s.dispatchEvent(new Event("input", {bubbles: true})); })()`)
	b.Until(`document.querySelectorAll("tr[data-arn]").length === 1`)
	b.Click(`tr[data-arn] th a`)
	b.Until(`document.querySelector("#facts") && document.querySelector("h1").textContent === "video-top-picks"`)
	b.Quiet()
}

func TestBrowserWorksWithoutScript(t *testing.T) {
	options, _ := shopOptions(t)
	b := open(t, options)
	browser.Command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.Load("/resources?show=alarm")
	b.Type(`input[name=q]`, "similar")
	b.Click(`#filters button`)
	b.Do(chromedp.WaitVisible(chromedp.CSS(`a[href="/resources"].button`)))
	b.Click(`tr[data-arn] th a`)
	b.Do(chromedp.WaitVisible(chromedp.CSS("#charts svg.drawing")))
	b.Quiet()
}

func TestBrowserChangesTheTimeShownAndTheColours(t *testing.T) {
	options, _ := shopOptions(t)
	b := open(t, options)
	b.Load("/resource?arn=" + webstory.HomePage)
	const three, points = `document.querySelectorAll("canvas").length === 3`, `JSON.parse(document.getElementById("throughput-data").textContent).t.length`
	b.Until(three)
	if n := browser.JS[int](b, points); n != 336 { // its minimum was changed in them
		t.Errorf("14 days have %d points", n)
	}
	b.Click(`.seg a:nth-child(3)`)
	b.Until(`location.search.includes("range=1d") && ` + three)
	if n := browser.JS[int](b, points); n != 288 {
		t.Errorf("a day has %d points", n)
	}
	b.Click("#theme")
	b.Click("#theme")
	theme, background := browser.JS[string](b, `document.documentElement.dataset.theme`), browser.JS[string](b, `getComputedStyle(document.body).backgroundColor`)
	if theme != "dark" || background != "rgb(14, 17, 22)" {
		t.Errorf("theme %q, background %s", theme, background)
	}
	b.Load("/")
	if theme := browser.JS[string](b, `document.documentElement.dataset.theme`); theme != "dark" {
		t.Errorf("on the next page: theme %q", theme)
	}
	b.Quiet()
}

func TestBrowserFollows(t *testing.T) {
	options, source := shopOptions(t)
	b := open(t, options)
	b.Load("/")
	b.Until(`document.querySelectorAll("canvas").length === 1`)
	browser.JS[bool](b, `window.kept = document.querySelector("#chart-all details").open = true`)
	source.Change(func(s *web.Snapshot) {
		s.Entries = append([]web.Entry{{Time: webstory.Now, Kind: web.EntryProblem, ARN: webstory.HomePage, Title: "SomethingNew"}}, s.Entries...)
	})
	b.Until(`document.querySelector("#recent").textContent.includes("SomethingNew")`)
	b.Until(`document.querySelector("#announce").textContent === "Updated."`)
	if !browser.JS[bool](b, `window.kept === true && document.querySelector("#chart-all details").open && document.querySelectorAll("canvas").length === 1`) {
		t.Error("the page was loaded anew, or what was open has closed")
	}
	b.Quiet()
}

// Parts come and go while the page follows, and the focus stays where it was.
func TestBrowserFollowsWhatComesAndGoes(t *testing.T) {
	options, source := shopOptions(t)
	options.Series = webstory.Series{Until: webstory.Now.Add(-5 * time.Hour)}
	b := open(t, options)
	b.Load("/")
	b.Until(`document.querySelectorAll("canvas").length === 1`)
	browser.JS[bool](b, `(document.querySelector("#chart-all summary").focus(), window.kept = true)`)
	source.Change(func(s *web.Snapshot) {
		s.Result.Problems = append(s.Result.Problems, model.Problem{Region: "eu-west-1", Operation: "ListCampaigns", Err: errors.New("denied")})
	})
	b.Until(`document.querySelector("#problems")?.textContent.includes("denied") && document.querySelectorAll("canvas").length === 1`)
	if focused := browser.JS[string](b, `document.activeElement.tagName`); focused != "SUMMARY" {
		t.Errorf("the focus is on %s", focused)
	}
	source.Change(func(s *web.Snapshot) { s.Result.Problems, s.Ledger = nil, nil })
	b.Until(`!document.querySelector("#problems") && !document.querySelector("#chart-all")`)
	if !browser.JS[bool](b, `window.kept === true`) {
		t.Error("the page was loaded anew")
	}
	source.Change(func(s *web.Snapshot) {
		s.Result.DataLate = []rules.LateRegion{{Region: webstory.Region, Reason: "CloudWatch data are late", Newest: webstory.Now.Add(-5 * time.Hour)}}
	})
	b.Load("/resource?range=1d&arn=" + webstory.HomePage)
	b.Until(`document.querySelectorAll("canvas").length === 3 && document.querySelectorAll("figure .read .swh").length === 3`)
	b.Shot("late-light", "light", 1320, 1500)
	b.Quiet()
}

// A notice without a sign has the whole width of a phone for its text.
func TestBrowserShowsNoticesOnAPhone(t *testing.T) {
	options, source := shopOptions(t)
	source.Change(func(s *web.Snapshot) {
		s.Result.Problems = append(s.Result.Problems, model.Problem{Region: "eu-west-1", Operation: "ListCampaigns", Err: errors.New("denied")})
	})
	b := open(t, options)
	browser.Command(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 390, Height: 844, DeviceScaleFactor: 1, Mobile: true})
	b.Load("/resources")
	if height := browser.JS[int](b, `document.querySelector("#table .notice").offsetHeight`); height > 80 {
		t.Errorf("the notice is %d pixels high", height)
	}
	b.Quiet()
}

// A page whose daemon is gone does not go on looking like one of now.
func TestBrowserSaysThatNobodyAnswers(t *testing.T) {
	options, _ := shopOptions(t)
	b, server := openOn(t, options)
	b.Load("/")
	b.Until(`document.querySelectorAll("canvas").length === 1`)
	server.CloseClientConnections()
	server.Listener.Close()
	b.Until(`document.querySelector("#pulse.bad")?.textContent === "No answer from the monitor; values from 2026-03-04 12:05:00 UTC"`)
	b.Forgive() // the browser tells of the connection
}

func TestBrowserActsOnlyFromThePage(t *testing.T) {
	options, source := shopOptions(t)
	var saved *report.Saved
	source.Change(func(s *web.Snapshot) { saved, s.Saved = s.Saved, nil })
	actions, slow := &webstory.Actions{}, &slowWhatIf{begun: make(chan struct{}, 1000), may: make(chan struct{})}
	slow.entry, _ = webstory.WhatIf{}.Of(t.Context(), storyResource(t, webstory.SimilarItems), 0)
	options.AllowActions, options.Actions, options.WhatIf = true, actions, slow
	b := open(t, options)
	b.Load("/resource?arn=" + webstory.SimilarItems)
	b.Until(`document.querySelectorAll("canvas").length === 3 && document.querySelector("#what-if[data-pending]")`)
	close(slow.may) // what is read later appears without a new load
	b.Until(`document.querySelector("#trial-min")?.checkVisibility()`)
	b.Do(chromedp.Focus(chromedp.CSS("#trial-min")), chromedp.KeyEvent(kb.ArrowRight))
	b.Until(`document.querySelector("[data-of=min]").textContent === "11"`)
	moved := browser.JS[string](b, `[...document.querySelectorAll("#slide [data-of]")].map((e) => e.textContent).join("|") + "|" + document.querySelector("#trial-min").getAttribute("aria-valuetext")`)
	if want := "11|USD 1,606|−2,774 against now|8,030|3|Medium|27.0 %|11: USD 1,606 a month (−2,774), 8,030 TPS-hours, 3 cold steps a week, risk Medium, 27.0 % of the steps above"; moved != want {
		t.Errorf("the slider shows %q, want %q", moved, want)
	}
	b.Click("#trial-apply")
	if form := browser.JS[string](b, `document.activeElement.value + " " + document.querySelector("#preview").textContent`); !strings.HasPrefix(form, "11 USD 1,606 a month (−2,774 against now), 3 cold steps a week") {
		t.Errorf("the form has %q", form)
	}
	b.Shot("actions-light", "light", 1320, 2600)
	browser.JS[bool](b, `(() => { const f = document.querySelector("input[name=min]"); f.value = "55"; return f.dispatchEvent(new Event("input", {bubbles: true})); })()`)
	b.Until(`document.querySelector("#preview").textContent.includes("+18,250 against now. You are asked to confirm it.")`)
	b.Do(chromedp.SetValue(chromedp.CSS(`input[name=min]`), "35"))
	b.Click(`#change button`)
	b.Do(chromedp.WaitVisible(chromedp.CSS(".banner.done")))
	if text := browser.JS[string](b, `document.querySelector(".banner").textContent`); text != "Canned: update-tps of shop-similar-items was accepted." {
		t.Errorf("told %q", text)
	}
	// Neither that nor what is typed is lost when the page learns what was saved.
	b.Do(chromedp.SetValue(chromedp.CSS(`input[name=min]`), "36"))
	source.Change(func(s *web.Snapshot) { s.Saved = saved })
	b.Until(`document.querySelector("#saved td")?.checkVisibility()`)
	if kept := browser.JS[string](b, `document.querySelector(".banner.done")?.textContent + " " + document.querySelector("input[name=min]").value`); !strings.HasSuffix(kept, "accepted. 36") {
		t.Errorf("left on the page: %q", kept)
	}
	b.Quiet()

	// The same form, posted by another site with the token it could not even have read.
	b.Until(`document.querySelector("input[name=token]")`) // below the banner, so it may come later
	token := browser.JS[string](b, `document.querySelector("input[name=token]").value`)
	other := httptest.NewServer(foreignForm(b.URL, token))
	t.Cleanup(other.Close)
	foreign := strings.Replace(other.URL, "127.0.0.1", "localhost", 1) // another site, not only another port
	b.Do(chromedp.Navigate(foreign))
	b.Click("button")
	b.Until(`document.querySelector("#main")`)
	if text := browser.JS[string](b, `document.querySelector("#main").textContent`); !strings.Contains(text, "comes from another site") {
		t.Errorf("the other site got %q", text)
	}
	if asked := actions.Asked(); len(asked) != 1 {
		t.Errorf("asked for %q", asked)
	}
}

func TestBrowserIsRefusedAnActionThatIsNotAllowed(t *testing.T) {
	options, _ := shopOptions(t)
	b := open(t, options)
	b.Load("/resource?arn=" + webstory.SimilarItems)
	forms := browser.JS[int](b, `document.querySelectorAll("form[action='/action']").length`)
	status := browser.JS[int](b, `fetch("/action", {method: "POST", body: new URLSearchParams({arn: "`+webstory.SimilarItems+`", action: "update-tps", min: "1"})}).then((r) => r.status)`)
	if forms != 0 || status != 403 {
		t.Errorf("%d forms, status %d", forms, status)
	}
}

func TestBrowserLogsIn(t *testing.T) {
	options, _ := shopOptions(t)
	options.Guard = testGuard(t, secret)
	b := open(t, options)
	b.Load("/resources")
	b.Shot("login-light", "light", 1320, 700)
	b.Type(`input[name=token]`, "wrong")
	b.Click(`button.primary`)
	b.Do(chromedp.WaitVisible(chromedp.ID("fault")))
	b.Forgive() // the browser tells of the status 401
	b.Type(`input[name=token]`, secret)
	b.Click(`button.primary`)
	b.Do(chromedp.WaitVisible(chromedp.ID("money")))
	if cookies := browser.JS[string](b, `document.cookie`); cookies != "" {
		t.Errorf("a script can read the cookie: %q", cookies)
	}
	b.Click(`form[action="/logout"] button`)
	b.Do(chromedp.WaitVisible(chromedp.CSS(`input[name=token]`)))
	b.Quiet()
}
