package web_test

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web/story"
)

// browserTime bounds what one test does in the browser; it is there for a browser that
// hangs, and nothing is measured against it.
const browserTime = 50 * time.Second

// browser is one tab of a Chromium, and what it complained about.
type browser struct {
	t   *testing.T
	ctx context.Context
	url string

	server *httptest.Server

	mu     sync.Mutex
	faults []string
}

// chromium finds the browser. Where there is none the test is skipped, but for CI.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("there is no Chromium, and CI=true asks for one (apt-get install chromium)")
	}
	t.Skip("there is no Chromium on this machine: the page is not tried in a browser")
	return ""
}

// shared is the one browser of all tests, started by the first that needs it.
var shared struct {
	once sync.Once
	ctx  context.Context
	end  func()
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.end != nil {
		shared.end()
	}
	os.Exit(code)
}

// newTab opens a tab that shares no cookies and no storage with others.
func newTab(t *testing.T) context.Context {
	t.Helper()
	path := chromium(t)
	shared.once.Do(func() {
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WindowSize(1320, 960), chromedp.Flag("hide-scrollbars", true))
		if os.Geteuid() == 0 {
			options = append(options, chromedp.NoSandbox) // Chromium refuses to start for root otherwise
		}
		allocator, endAll := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, endFirst := chromedp.NewContext(allocator)
		shared.ctx, shared.end = ctx, func() { endFirst(); endAll() }
		shared.err = chromedp.Do(ctx)
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	ctx, endTime := context.WithTimeout(shared.ctx, browserTime)
	tab, endTab := chromedp.NewContext(ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(func() { endTab(); endTime() })
	return tab
}

// open opens a page in a browser.
func open(t *testing.T, o web.Options) *browser {
	t.Helper()
	tab := newTab(t)
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
	b := &browser{t: t, ctx: tab, url: server.URL, server: server}
	if err := chromedp.Listen(tab, b.listen); err != nil {
		t.Fatal(err)
	}
	return b
}

// listen gathers what goes to the browser's console as an error, refusals by the
// Content-Security-Policy among it.
func (b *browser) listen(event any) {
	fault := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		fault = e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			fault += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" {
			fault = "console.error was called"
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" {
			fault = e.Entry.Text + " " + e.Entry.URL
		}
	}
	if fault != "" {
		b.mu.Lock()
		b.faults = append(b.faults, fault)
		b.mu.Unlock()
	}
}

// forgive forgets complaints that the test has brought about.
func (b *browser) forgive() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = nil
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// load opens a page.
func (b *browser) load(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.url+path), chromedp.WaitReady(chromedp.ID("main")))
}

func (b *browser) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

func (b *browser) key(selector, text string) {
	b.t.Helper()
	b.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// until waits for an expression to be true, also across pages.
func (b *browser) until(expression string) {
	b.t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		now, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if err == nil && now {
			return
		}
		select {
		case <-b.ctx.Done():
			b.t.Fatalf("never true: %s (%v)", expression, err)
		case <-again.C:
		}
	}
}

// js evaluates an expression.
func js[T any](b *browser, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// quiet fails the test if the browser has complained.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, fault := range b.faults {
		b.t.Errorf("on the console: %s", fault)
	}
	b.faults = nil
}

// command runs a command of the browser's protocol.
func command[P any](b *browser, c cdp.Command[P, cdp.Empty], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, c, params); err != nil {
		b.t.Fatal(err)
	}
}

// shot writes a picture of the page, if pictures are asked for.
func (b *browser) shot(name, scheme string, width, height int64) {
	b.t.Helper()
	folder := os.Getenv("PERSONALIZE_MONITOR_SCREENSHOTS")
	if folder == "" {
		return
	}
	command(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600})
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	// Charts follow the width after a while.
	js[bool](b, `new Promise((done) => setTimeout(() => requestAnimationFrame(() => done(true)), 200))`)
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// shots writes pictures in both colours, and one as a phone shows it.
func (b *browser) shots(name string, height int64) {
	b.t.Helper()
	b.shot(name+"-light", "light", 1320, height)
	b.shot(name+"-dark", "dark", 1320, height)
	b.shot(name+"-phone", "light", 390, 844*2)
}

func shopOptions(t *testing.T) (web.Options, *story.Source) {
	t.Helper()
	snapshot, ok := story.Snapshot("shop")
	if !ok {
		t.Fatal("there is no story")
	}
	return story.Options(snapshot)
}

func TestBrowserShowsEveryPageWithoutComplaint(t *testing.T) {
	options, _ := shopOptions(t)
	b := open(t, options)
	for _, one := range []struct {
		name, path, ready string
		height            int64
	}{
		{"overview", "/", `document.querySelectorAll("canvas").length === 2`, 1500},
		{"resources", "/resources", `document.querySelectorAll("tr[data-arn] .spark").length === 7`, 1000},
		{"resource", "/resource?arn=" + story.SimilarItems + "&range=7d", `document.querySelectorAll("canvas").length === 3`, 1900},
		{"timeline", "/timeline?kind=all", `document.querySelectorAll(".entry").length > 20`, 1200},
		{"dashboard", "/dashboard?range=3d", `document.querySelectorAll("canvas").length >= 3`, 1700},
		{"chart", "/dashboard?range=3d&widget=3", `document.querySelectorAll("canvas").length === 1`, 900},
	} {
		b.load(one.path)
		b.until(one.ready)
		b.shots(one.name, one.height)
		b.quiet()
	}
}

func TestBrowserSortsAndFiltersTheTable(t *testing.T) {
	options, _ := shopOptions(t)
	b := open(t, options)
	b.load("/resources")
	b.click(`a[data-sort=min]`)
	b.until(`document.querySelector("th[aria-sort=descending] a")?.dataset.sort === "min"`)
	first := js[string](b, `document.querySelector("tr[data-arn] th a").textContent`)
	focused := js[string](b, `document.activeElement.dataset.sort`)
	address := js[string](b, `location.search`)
	if first != "shop-similar-items" || focused != "min" || address != "?sort=min" {
		t.Errorf("sorted by minimum: first %q, focus on %q, address %q", first, focused, address)
	}
	b.key(`input[name=q]`, "video")
	b.until(`document.querySelectorAll("tr[data-arn]").length === 3 && document.querySelector("#announce").textContent === "3 of 9 shown"`)
	focused = js[string](b, `document.activeElement.name`)
	address = js[string](b, `location.search`)
	if focused != "q" || !strings.Contains(address, "q=video") || !strings.Contains(address, "sort=min") {
		t.Errorf("after typing: focus on %q, address %q", focused, address)
	}
	js[bool](b, `(() => { const s = document.querySelector("select[name=kind]"); s.value = "recommender"; return s.dispatchEvent(new Event("input", {bubbles: true})); })()`)
	b.until(`document.querySelectorAll("tr[data-arn]").length === 1`)
	b.click(`tr[data-arn] th a`)
	b.until(`document.querySelector("#facts") && document.querySelector("h1").textContent === "video-top-picks"`)
	b.quiet()
}

func TestBrowserWorksWithoutScript(t *testing.T) {
	options, _ := shopOptions(t)
	b := open(t, options)
	command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.load("/resources?show=alarm")
	b.key(`input[name=q]`, "similar")
	b.click(`#filters button`)
	b.do(chromedp.WaitVisible(chromedp.CSS(`a[href="/resources"].button`)))
	b.click(`tr[data-arn] th a`)
	b.do(chromedp.WaitVisible(chromedp.CSS("#charts svg.drawing")))
	b.quiet()
}

func TestBrowserChangesTheTimeShownAndTheColours(t *testing.T) {
	options, _ := shopOptions(t)
	b := open(t, options)
	b.load("/resource?arn=" + story.HomePage)
	const three, points = `document.querySelectorAll("canvas").length === 3`, `JSON.parse(document.getElementById("throughput-data").textContent).t.length`
	b.until(three)
	if n := js[int](b, points); n != 288 {
		t.Errorf("a day has %d points", n)
	}
	b.click(`.ranges li:last-child a`)
	b.until(`location.search.includes("range=14d") && ` + three)
	if n := js[int](b, points); n != 336 {
		t.Errorf("14 days have %d points", n)
	}
	b.click("#theme")
	b.click("#theme")
	theme, background := js[string](b, `document.documentElement.dataset.theme`), js[string](b, `getComputedStyle(document.body).backgroundColor`)
	if theme != "dark" || background != "rgb(15, 21, 25)" {
		t.Errorf("theme %q, background %s", theme, background)
	}
	b.load("/")
	if theme := js[string](b, `document.documentElement.dataset.theme`); theme != "dark" {
		t.Errorf("on the next page: theme %q", theme)
	}
	b.quiet()
}

func TestBrowserFollows(t *testing.T) {
	options, source := shopOptions(t)
	b := open(t, options)
	b.load("/")
	b.until(`document.querySelectorAll("canvas").length === 2`)
	js[bool](b, `window.kept = document.querySelector("#totals details").open = true`)
	source.Change(func(s *web.Snapshot) {
		s.Entries = append([]web.Entry{{Time: story.Now, Kind: web.EntryEvent, ARN: story.HomePage, Title: "SomethingNew"}}, s.Entries...)
	})
	b.until(`document.querySelector("#recent").textContent.includes("SomethingNew")`)
	b.until(`document.querySelector("#announce").textContent === "Updated."`)
	if !js[bool](b, `window.kept === true && document.querySelector("#totals details").open && document.querySelectorAll("canvas").length === 2`) {
		t.Error("the page was loaded anew, or what was open has closed")
	}
	b.quiet()
}

// Parts come and go while the page follows, and the focus stays where it was.
func TestBrowserFollowsWhatComesAndGoes(t *testing.T) {
	options, source := shopOptions(t)
	b := open(t, options)
	b.load("/")
	b.until(`document.querySelectorAll("canvas").length === 2`)
	js[bool](b, `(document.querySelector("#totals summary").focus(), window.kept = true)`)
	source.Change(func(s *web.Snapshot) {
		s.Result.Problems = append(s.Result.Problems, report.Problem{Region: "eu-west-1", Operation: "ListCampaigns", Error: "denied"})
	})
	b.until(`document.querySelector("#problems")?.textContent.includes("denied") && document.querySelectorAll("canvas").length === 2`)
	if focused := js[string](b, `document.activeElement.tagName`); focused != "SUMMARY" {
		t.Errorf("the focus is on %s", focused)
	}
	source.Change(func(s *web.Snapshot) { s.Result.Problems, s.Ledger = nil, nil })
	b.until(`!document.querySelector("#problems") && !document.querySelector("#totals")`)
	if !js[bool](b, `window.kept === true`) {
		t.Error("the page was loaded anew")
	}
	b.quiet()
}

// A page whose daemon is gone does not go on looking like one of now.
func TestBrowserSaysThatNobodyAnswers(t *testing.T) {
	options, _ := shopOptions(t)
	b := open(t, options)
	b.load("/")
	b.until(`document.querySelectorAll("canvas").length === 2`)
	b.server.CloseClientConnections()
	b.server.Listener.Close()
	b.until(`document.querySelector("#pulse.bad")?.textContent === "No answer from the monitor; shown is 2026-03-04 12:05:00 UTC"`)
	b.forgive() // the browser tells of the connection
}

func TestBrowserActsOnlyFromThePage(t *testing.T) {
	options, _ := shopOptions(t)
	actions := &story.Actions{}
	options.AllowActions, options.Actions = true, actions
	b := open(t, options)
	b.load("/resource?arn=" + story.SimilarItems)
	b.until(`document.querySelectorAll("canvas").length === 3`)
	b.shot("actions-light", "light", 1320, 2600)
	b.do(chromedp.SetValue(chromedp.CSS(`input[name=min]`), "55"))
	b.click(`.action button`)
	b.do(chromedp.WaitVisible(chromedp.CSS(".banner.done")))
	if text := js[string](b, `document.querySelector(".banner").textContent`); text != "Canned: update-tps of shop-similar-items was accepted." {
		t.Errorf("told %q", text)
	}
	b.quiet()

	// The same form, posted by another site with the token it could not even have read.
	token := js[string](b, `document.querySelector("input[name=token]").value`)
	other := httptest.NewServer(foreignForm(b.url, token))
	t.Cleanup(other.Close)
	foreign := strings.Replace(other.URL, "127.0.0.1", "localhost", 1) // another site, not only another port
	b.do(chromedp.Navigate(foreign))
	b.click("button")
	b.until(`document.querySelector("#main")`)
	if text := js[string](b, `document.querySelector("#main").textContent`); !strings.Contains(text, "comes from another site") {
		t.Errorf("the other site got %q", text)
	}
	if asked := actions.Asked(); len(asked) != 1 {
		t.Errorf("asked for %q", asked)
	}
}

func TestBrowserIsRefusedAnActionThatIsNotAllowed(t *testing.T) {
	options, _ := shopOptions(t)
	b := open(t, options)
	b.load("/resource?arn=" + story.SimilarItems)
	forms := js[int](b, `document.querySelectorAll("form[action='/action']").length`)
	status := js[int](b, `fetch("/action", {method: "POST", body: new URLSearchParams({arn: "`+story.SimilarItems+`", action: "update-tps", min: "1"})}).then((r) => r.status)`)
	if forms != 0 || status != 403 {
		t.Errorf("%d forms, status %d", forms, status)
	}
}

func TestBrowserLogsIn(t *testing.T) {
	options, _ := shopOptions(t)
	options.Token = "correct horse"
	b := open(t, options)
	b.load("/resources")
	b.shot("login-light", "light", 1320, 700)
	b.key(`input[name=token]`, "wrong")
	b.click(`button.primary`)
	b.do(chromedp.WaitVisible(chromedp.ID("fault")))
	b.forgive() // the browser tells of the status 401
	b.key(`input[name=token]`, "correct horse")
	b.click(`button.primary`)
	b.do(chromedp.WaitVisible(chromedp.ID("tiles")))
	if cookies := js[string](b, `document.cookie`); cookies != "" {
		t.Errorf("a script can read the cookie: %q", cookies)
	}
	b.click(`form[action="/logout"] button`)
	b.do(chromedp.WaitVisible(chromedp.CSS(`input[name=token]`)))
	b.quiet()
}
