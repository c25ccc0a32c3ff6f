package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/personalize-monitor/personalize-monitor/internal/cli"
	"github.com/personalize-monitor/personalize-monitor/test/browser"
)

// output is what a running command has written so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed with the next write
}

func newOutput() *output { return &output{more: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.more)
	o.more = make(chan struct{})
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// wait waits for something to be written, and gives what the pattern's first group matches.
func (o *output) wait(t *testing.T, pattern string, ended <-chan struct{}) string {
	t.Helper()
	sought := regexp.MustCompile(pattern)
	for {
		o.mu.Lock()
		found, more := sought.FindStringSubmatch(o.text.String()), o.more
		o.mu.Unlock()
		if found != nil {
			return found[len(found)-1]
		}
		select {
		case <-more:
		case <-ended:
			t.Fatalf("ended without %s:\n%s", pattern, o)
		case <-time.After(2 * time.Minute): // it hangs; nothing is measured against it
			t.Fatalf("never printed %s:\n%s", pattern, o)
		}
	}
}

// runningDemo is a demo whose days are over and that goes on slowly.
type runningDemo struct {
	url    string
	out    *output
	stderr *output
}

// startDemo starts the demo, and waits until its days are over.
func startDemo(t *testing.T, args ...string) runningDemo {
	t.Helper()
	if testing.Short() {
		t.Skip("days of the demo pass in it")
	}
	ctx, cancel := context.WithCancel(t.Context())
	d := runningDemo{out: newOutput(), stderr: newOutput()}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		args = append([]string{"demo", "--listen", "127.0.0.1:0", "--days", "1"}, args...)
		if code := cli.Run(ctx, args, "test", cli.Streams{Out: d.out, Err: d.stderr, Env: func(string) (string, bool) { return "", false }}); code != cli.ExitDone {
			t.Errorf("exit code %d: %s", code, d.stderr)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	d.url = d.stderr.wait(t, `look at (http://\S+);`, ended)
	return d
}

// demoARN is a campaign of the demo whose minimum was lowered.
const demoARN = "arn:aws:personalize:us-east-1:123456789012:campaign/shop-similar-items"

// Every page of the demo is looked at in a real browser, which may not complain.
func TestDemoInABrowser(t *testing.T) {
	running := startDemo(t)
	withoutScript(t, running.url)
	b := browser.Open(t, running.url)
	for _, page := range []struct {
		name, path, ready string
		height            int64
	}{
		{"overview", "/", `document.querySelectorAll("canvas").length === 1`, 1600},
		{"resources", "/resources", `document.querySelectorAll("tr[data-arn] .spark").length >= 10`, 1200},
		{"resource", "/resource?range=3d&arn=" + demoARN, `document.querySelectorAll("canvas").length === 3`, 2100},
		{"activity", "/activity", `document.querySelectorAll(".entry").length > 5`, 1400},
		{"bill", "/bill", `document.querySelectorAll("#groups tbody tr").length >= 2`, 1400},
		{"everything", "/activity?kind=all", `document.querySelectorAll(".entry").length > 20`, 1200},
		{"dashboard", "/dashboard?range=3d", `document.querySelectorAll("canvas").length >= 3`, 1700},
	} {
		b.Load(page.path)
		b.Until(page.ready)
		b.Shots("demo-"+page.name, page.height)
		if banner := browser.JS[string](b, `document.body.textContent`); !strings.Contains(banner, "Nothing here is real") {
			t.Errorf("%s does not show that it is a demo", page.path)
		}
		b.Quiet()
	}

	fitAPhone(t, b)
	sortAndFilter(t, b)
	changeTheTime(t, b)
	follow(t, b)
	b.Quiet()
	actWithoutTheFlag(t, b)
}

// fitAPhone checks that nothing is wider than a phone, and that the overview is short enough to be scrolled with a thumb.
func fitAPhone(t *testing.T, b *browser.Tab) {
	t.Helper()
	browser.Command(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 390, Height: 844, DeviceScaleFactor: 1, Mobile: true})
	for _, path := range []string{"/resources", "/resource?arn=" + demoARN, "/activity", "/bill", "/dashboard", "/"} {
		b.Load(path)
		if wide := browser.JS[int](b, `document.documentElement.scrollWidth`); wide > 390 {
			t.Errorf("%s is %d pixels wide on a phone of 390", path, wide)
		}
	}
	b.Until(`document.querySelectorAll("canvas").length === 1`)
	if high := browser.JS[int](b, `document.documentElement.scrollHeight`); high > 2200 {
		t.Errorf("the overview is %d pixels high on a phone", high)
	}
	browser.Command(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 1320, Height: 960, DeviceScaleFactor: 1})
}

func sortAndFilter(t *testing.T, b *browser.Tab) {
	t.Helper()
	b.Load("/resources")
	b.Click(`a[data-sort=min]`)
	b.Until(`document.querySelector("th[aria-sort=descending] a")?.dataset.sort === "min"`)
	if first := browser.JS[string](b, `document.querySelector("tr[data-arn] th a").textContent`); first != "shop-checkout" {
		t.Errorf("the largest minimum is that of %s", first)
	}
	b.Type(`input[name=q]`, "video")
	b.Until(`Array.from(document.querySelectorAll("tr[data-arn] th a")).every((a) => a.textContent.startsWith("video-"))`)
	b.Click(`tr[data-arn] th a`)
	b.Until(`document.querySelector("#facts") && document.querySelector("h1").textContent.startsWith("video-")`)
}

func changeTheTime(t *testing.T, b *browser.Tab) {
	t.Helper()
	b.Load("/resource?range=1d&arn=" + demoARN)
	const three, points = `document.querySelectorAll("canvas").length === 3`, `JSON.parse(document.getElementById("throughput-data").textContent).t.length`
	b.Until(three)
	day := browser.JS[int](b, points)
	b.Click(`.seg a:first-child`)
	b.Until(`location.search.includes("range=3h") && ` + three)
	if hours := browser.JS[int](b, points); day != 288 || hours >= day {
		t.Errorf("%d points in a day, %d in 3 hours", day, hours)
	}
	b.Click(`.seg a:last-child`)
	b.Until(`location.search.includes("range=14d") && ` + three)
}

// follow sees the page change automatically, as the demo goes on.
func follow(t *testing.T, b *browser.Tab) {
	t.Helper()
	b.Load("/activity?kind=cycle")
	b.Until(`document.querySelectorAll(".entry").length > 20`)
	browser.JS[bool](b, `window.kept = true`)
	first := browser.JS[string](b, `document.querySelector("#timeline").textContent`)
	b.Until(`document.querySelector("#timeline").textContent !== ` + fmt.Sprintf("%q", first))
	if !browser.JS[bool](b, `window.kept === true`) {
		t.Error("the page was reloaded")
	}
}

func actWithoutTheFlag(t *testing.T, b *browser.Tab) {
	t.Helper()
	b.Load("/resource?arn=" + demoARN)
	forms := browser.JS[int](b, `document.querySelectorAll("form[action='/action']").length`)
	status := browser.JS[int](b, `fetch("/action", {method: "POST", body: new URLSearchParams({arn: "`+demoARN+`", action: "update-tps", min: "1"})}).then((r) => r.status)`)
	if forms != 0 || status != http.StatusForbidden {
		t.Errorf("%d forms, status %d", forms, status)
	}
}

// With --allow-actions a person changes things on the page, and no other site does. What
// they change is done in the embedded AWS: the page shows it when a cycle has seen it.
func TestDemoActsFromThePageAlone(t *testing.T) {
	b := browser.Open(t, startDemo(t, "--allow-actions").url)
	b.Load("/resource?arn=" + demoARN)
	b.Until(`document.querySelectorAll("canvas").length === 3`)
	b.Do(chromedp.SetValue(chromedp.CSS(`input[name=min]`), "17"))
	b.Click(`#change button`)
	b.Until(`document.querySelector("h1").textContent.startsWith("Change the minimum of")`) // the page before has such a field, too
	b.Type(`input[name=confirm]`, "17")                                                     // more than twice the present one is asked about
	b.Click(`form[action="/action"] button`)
	b.Do(chromedp.WaitVisible(chromedp.CSS(".banner.done")))
	b.Until(`Array.from(document.querySelectorAll("#facts dd")).some((d) => d.textContent.trim().startsWith("17"))`)
	b.Until(`document.querySelector("#history").textContent.includes("17")`)
	b.Shot("demo-actions", "light", 1320, 2600)
	b.Quiet()

	token := browser.JS[string](b, `document.querySelector("input[name=token]").value`)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!doctype html><title>Win a prize</title><form method="post" action="%s/action">`+
			`<input name="arn" value="%s"><input name="token" value="%s"><input name="action" value="update-tps"><input name="min" value="99"><button>Win</button></form>`,
			b.URL, demoARN, html.EscapeString(token))
	}))
	t.Cleanup(other.Close)
	b.Do(chromedp.Navigate(strings.Replace(other.URL, "127.0.0.1", "localhost", 1))) // another site, not only another port
	b.Click("button")
	b.Until(`document.querySelector("#main")`)
	if text := browser.JS[string](b, `document.querySelector("#main").textContent`); !strings.Contains(text, "comes from another site") {
		t.Errorf("the other site got %q", text)
	}
}

// withoutScript checks that the page is complete without a script.
func withoutScript(t *testing.T, url string) {
	t.Helper()
	b := browser.Open(t, url)
	browser.Command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.Load("/resources")
	b.Click(`tr[data-arn] th a`)
	b.Do(chromedp.WaitVisible(chromedp.CSS("#charts svg.drawing")))
	b.Quiet()
}
