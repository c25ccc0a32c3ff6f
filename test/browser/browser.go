// Package browser drives Chromium in the tests of pages.
package browser

import (
	"context"
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
)

// browserTime is the limit of one test in the browser, for a browser that hangs.
const browserTime = 3 * time.Minute

// wide is the width of a window in pixels.
const wide = 1320

// Tab is one tab of Chromium with the errors on its console. A step that fails fails the test.
type Tab struct {
	URL string // of the server, without a path

	t   *testing.T
	ctx context.Context

	mu     sync.Mutex
	faults []string
}

// chromium returns the path of the browser. Without one it skips the test; in CI the test fails.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("Chromium is not installed, and CI=true requires it (apt-get install chromium)")
	}
	t.Skip("Chromium is not installed: the page is not tested in a browser")
	return ""
}

// shared is the browser of all tests of a package. The first test that needs it starts it.
var shared struct {
	once sync.Once
	ctx  context.Context
	end  func()
	err  error
}

// Run runs the tests of a package, for its TestMain, and closes the browser after them.
func Run(m *testing.M) (code int) {
	code = m.Run()
	if shared.end != nil {
		shared.end()
	}
	return code
}

// newTab opens a tab with its own cookies and storage. With -short it skips the test.
func newTab(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes long")
	}
	path := chromium(t)
	shared.once.Do(func() {
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WindowSize(wide, 960), chromedp.Flag("hide-scrollbars", true))
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

// Open opens a tab for the pages below url.
func Open(t *testing.T, url string) *Tab {
	t.Helper()
	b := &Tab{t: t, ctx: newTab(t), URL: url}
	if err := chromedp.Listen(b.ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	return b
}

// listen collects the errors on the browser's console, violations of the Content-Security-Policy among them.
func (b *Tab) listen(event any) {
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

// Forgive drops the errors that the test caused on purpose.
func (b *Tab) Forgive() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = nil
}

// Do runs steps one after the other. It repeats a step while the page replaces its element at that moment, as a live page does.
func (b *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	for _, step := range steps {
		for {
			err := chromedp.Do(b.ctx, step)
			if err == nil {
				break
			}
			if b.ctx.Err() != nil || !strings.Contains(err.Error(), "node") {
				b.t.Fatal(err)
			}
		}
	}
}

// Load opens a page.
func (b *Tab) Load(path string) {
	b.t.Helper()
	b.Do(chromedp.Navigate(b.URL+path), chromedp.WaitReady(chromedp.ID("main")))
}

// Click clicks on the element of a CSS selector.
func (b *Tab) Click(selector string) {
	b.t.Helper()
	b.Do(chromedp.Click(chromedp.CSS(selector)))
}

// Type types into the element of a CSS selector.
func (b *Tab) Type(selector, text string) {
	b.t.Helper()
	b.Do(chromedp.Focus(chromedp.CSS(selector)), chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Until waits until an expression is true, also across pages.
func (b *Tab) Until(expression string) {
	b.t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if err == nil && ok {
			return
		}
		select {
		case <-b.ctx.Done():
			b.t.Fatalf("never true: %s (%v)", expression, err)
		case <-ticker.C:
		}
	}
}

// JS evaluates an expression.
func JS[T any](b *Tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// Quiet fails the test if there are errors on the console.
func (b *Tab) Quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, fault := range b.faults {
		b.t.Errorf("on the console: %s", fault)
	}
	b.faults = nil
}

// Command runs a command of the browser's protocol.
func Command[P any](b *Tab, c cdp.Command[P, cdp.Empty], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, c, params); err != nil {
		b.t.Fatal(err)
	}
}

// Shot writes a picture of the page to the folder in PERSONALIZE_MONITOR_SCREENSHOTS; without it, nothing.
func (b *Tab) Shot(name, scheme string, width, height int64) {
	b.t.Helper()
	folder := os.Getenv("PERSONALIZE_MONITOR_SCREENSHOTS")
	if folder == "" {
		return
	}
	Command(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600})
	Command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	// Charts redraw some time after the width changed.
	JS[bool](b, `new Promise((done) => setTimeout(() => requestAnimationFrame(() => done(true)), 200))`)
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

// Shots writes pictures in both colour schemes of a wide and a small window and of a phone, and restores the width.
func (b *Tab) Shots(name string, height int64) {
	b.t.Helper()
	if os.Getenv("PERSONALIZE_MONITOR_SCREENSHOTS") == "" {
		return
	}
	for _, scheme := range []string{"light", "dark"} {
		b.Shot(name+"-1440-"+scheme, scheme, 1440, height)
		b.Shot(name+"-1024-"+scheme, scheme, 1024, height+400)
		b.Shot(name+"-390-"+scheme, scheme, 390, 2200)
	}
	Command(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: wide, Height: 960, DeviceScaleFactor: 1})
}

// Axe returns the serious and critical findings of axe-core on the page that is open. Without axe-core it skips the test; in CI the
// test fails.
func (b *Tab) Axe() []string {
	b.t.Helper()
	path := os.Getenv("PERSONALIZE_MONITOR_AXE")
	script, err := os.ReadFile(path)
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		b.t.Fatalf("axe-core is not installed, and CI=true requires it (npm install axe-core, PERSONALIZE_MONITOR_AXE): %v", err)
	default:
		b.t.Skip("axe-core is not installed (PERSONALIZE_MONITOR_AXE): the accessibility of the page is not tested")
	}
	JS[bool](b, "("+`() => { if (!window.axe) { `+string(script)+`
} return true; })()`)
	return JS[[]string](b, `axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map((n) => n.target.join(" ") + " (" + n.failureSummary.replaceAll("\n", " ") + ")").join("; ")))`)
}

// Walk presses the tab key until the focus has left the page or the number of elements is reached. It returns what had the focus, each
// as "tag text", with " (hidden)" for what no one sees.
func (b *Tab) Walk(most int) []string {
	b.t.Helper()
	var list []string
	for range most {
		b.Do(chromedp.KeyEvent("\t"))
		at := JS[string](b, `(() => { const e = document.activeElement; if (!e || e === document.body) return "";
			const box = e.getBoundingClientRect(), seen = box.width > 0 && box.height > 0 && getComputedStyle(e).outlineStyle !== "none";
			return e.tagName.toLowerCase() + " " + (e.getAttribute("aria-label") || e.textContent || e.name || "").trim().slice(0, 30) + (seen ? "" : " (hidden)"); })()`)
		if at == "" {
			return list
		}
		list = append(list, at)
	}
	return append(list, "and more")
}
