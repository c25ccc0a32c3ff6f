// Package browser drives a Chromium for the tests of pages. It is a part of no program.
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

// browserTime bounds what one test does in the browser; it is there for a browser that
// hangs, and nothing is measured against it.
const browserTime = 3 * time.Minute

// Tab is one tab of a Chromium, and what it complained about. Whatever fails in it fails
// the test.
type Tab struct {
	URL string // of the server, without a path

	t   *testing.T
	ctx context.Context

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

// Run runs the tests of a package, for its TestMain, and ends the browser after them.
func Run(m *testing.M) (code int) {
	code = m.Run()
	if shared.end != nil {
		shared.end()
	}
	return code
}

// newTab opens a tab that shares no cookies and no storage with others.
func newTab(t *testing.T) context.Context {
	t.Helper()
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

// Open opens a tab for the pages at url, which is followed by their paths.
func Open(t *testing.T, url string) *Tab {
	t.Helper()
	b := &Tab{t: t, ctx: newTab(t), URL: url}
	if err := chromedp.Listen(b.ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	return b
}

// listen gathers what goes to the browser's console as an error, refusals by the
// Content-Security-Policy among it.
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

// Forgive forgets complaints that the test has brought about.
func (b *Tab) Forgive() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = nil
}

// Do takes steps.
func (b *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// Load opens a page.
func (b *Tab) Load(path string) {
	b.t.Helper()
	b.Do(chromedp.Navigate(b.URL+path), chromedp.WaitReady(chromedp.ID("main")))
}

// Click clicks on what a CSS selector names.
func (b *Tab) Click(selector string) {
	b.t.Helper()
	b.persist(chromedp.Click(chromedp.CSS(selector)))
}

// Type types into what a CSS selector names.
func (b *Tab) Type(selector, text string) {
	b.t.Helper()
	b.persist(chromedp.Focus(chromedp.CSS(selector)))
	b.Do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// persist takes a step again for as long as what it is about is replaced at that moment, as
// happens on a page that follows what happens.
func (b *Tab) persist(step chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	for {
		err := chromedp.Do(b.ctx, step)
		switch {
		case err == nil:
			return
		case b.ctx.Err() != nil || !strings.Contains(err.Error(), "node"):
			b.t.Fatal(err)
		}
	}
}

// Until waits for an expression to be true, also across pages.
func (b *Tab) Until(expression string) {
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

// JS evaluates an expression.
func JS[T any](b *Tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// Quiet fails the test if the browser has complained.
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

// Shot writes a picture of the page, if pictures are asked for.
func (b *Tab) Shot(name, scheme string, width, height int64) {
	b.t.Helper()
	folder := os.Getenv("PERSONALIZE_MONITOR_SCREENSHOTS")
	if folder == "" {
		return
	}
	Command(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600})
	Command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	// Charts follow the width after a while.
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

// Shots writes pictures in both colours, and one as a phone shows it. The page is as wide
// as before in the end.
func (b *Tab) Shots(name string, height int64) {
	b.t.Helper()
	b.Shot(name+"-light", "light", wide, height)
	b.Shot(name+"-dark", "dark", wide, height)
	b.Shot(name+"-phone", "light", 390, 844*2)
	Command(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: wide, Height: 960, DeviceScaleFactor: 1})
}

// wide is how wide a window is, in pixels.
const wide = 1320
