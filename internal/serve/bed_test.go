package serve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/guard"
)

// home is the deployment region of the tests.
const home = "us-east-1"

// secret is a token that may be seen nowhere.
const secret = "correct-horse-battery-staple"

// stillClock stands just after a mark and moves by short waits alone, which cost no time; who
// waits for more than some seconds waits until he is stopped. So a daemon does its first cycle
// and no other, however long that takes.
type stillClock struct {
	mu  sync.Mutex
	now time.Time
}

func newStillClock() *stillClock {
	return &stillClock{now: time.Date(2026, 3, 4, 12, 5, 10, 0, time.UTC)}
}

func (c *stillClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *stillClock) Sleep(ctx context.Context, d time.Duration) error {
	if d > 5*time.Second {
		<-ctx.Done()
		return ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(max(0, d))
	return ctx.Err()
}

// world is an embedded AWS, reached without a network, on the time of the test's bubble.
type world struct {
	t      testing.TB
	aws    *localaws.Server
	memory *localaws.Memory
	// before is called before each request that is served; may be nil.
	before func(operation string)
}

// newWorld begins at a moment three minutes past the hour, for the clock of a bubble begins
// at midnight of the year 2000.
func newWorld(t testing.TB, description localaws.Estate, opts ...localaws.Option) *world {
	t.Helper()
	w := &world{t: t}
	server, err := localaws.New(description, opts...)
	if err != nil {
		t.Fatal(err)
	}
	w.aws = server
	w.memory = localaws.InMemory(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if w.before != nil {
			w.before(r.Header.Get("X-Amz-Target") + r.URL.Path)
		}
		server.ServeHTTP(out, r)
	}))
	return w
}

// options are those of a daemon in this world.
func (w *world) options(changes map[string]string) serve.Options {
	w.t.Helper()
	v, err := config.Resolve(config.Sources{Env: func(name string) (string, bool) {
		value, ok := changes[name]
		return value, ok
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	return complete(serve.Options{
		Config: awsapi.LocalConfig(home, w.memory.URL(), "LOCAL", w.memory.Transport()), Params: v, Deployment: "cli", Version: "test",
		Guard: testGuard(w.t, "127.0.0.1:0", ""),
	})
}

// complete sets what the options lack.
func complete(o serve.Options) serve.Options {
	if o.Clock == nil {
		o.Clock = model.SystemClock{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Memory == nil {
		o.Memory = serve.NewMemory()
	}
	if len(o.Params.Regions) == 0 {
		o.Params.Regions = []string{home}
	}
	o.AuditLog = func(context.Context, events.Audit) error { return nil }
	o.Progress = func(string, int, int) {}
	return o
}

// testGuard is a guard for an address, with a token and further host names.
func testGuard(t testing.TB, address, token string, hosts ...string) *guard.Guard {
	t.Helper()
	g, err := guard.New(address, token, hosts)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// daemon starts a daemon that listens nowhere but in the test.
func (w *world) daemon(o serve.Options) *running {
	w.t.Helper()
	r := &running{t: w.t, pipe: newPipe(), log: &logged{}}
	o.Logger = slog.New(slog.NewTextHandler(r.log, nil))
	o.Memory = serve.NewMemory()
	r.memory = o.Memory
	for i := range o.Accounts {
		o.Accounts[i].Logger = o.Logger.With("account", o.Accounts[i].ID)
	}
	d, err := serve.NewOn(r.pipe, o)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Daemon = d
	if err := d.Start(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	return r
}

// live lets time pass, in which alarms are evaluated as AWS does.
func (w *world) live(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(min(time.Minute, time.Until(end)))
		w.aws.Tick()
	}
}

// sent are the events on the bus, by what they report, with how often each was put.
func (w *world) sent() map[string]int {
	out := map[string]int{}
	for _, e := range w.aws.Events() {
		var detail struct {
			NewMinTPS int
		}
		if err := json.Unmarshal([]byte(e.Detail), &detail); err != nil {
			w.t.Fatal(err)
		}
		name := e.DetailType + " " + strings.Join(e.Resources, ",")
		if detail.NewMinTPS > 0 {
			name += fmt.Sprint(" ", detail.NewMinTPS)
		}
		if e.DetailType == string(events.DryRunDecision) {
			name += " " + e.Time.Format("2006-01-02")
		}
		out[name]++
	}
	return out
}

// mails counts the mails sent, by subject and first line. That of an alarm has the minute in which it was evaluated: a datapoint that is
// written in the same instant may count a minute later.
func (w *world) mails() map[string]int {
	out := map[string]int{}
	for _, m := range w.aws.Outbox() {
		what := m.Subject
		if !strings.HasPrefix(m.Message, "{") {
			what += " " + firstLine(m.Message)
		}
		out[what]++
	}
	return out
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// processTags are the tags of the lease and of what processes counted; they differ from run to run.
var processTags = regexp.MustCompile(`"(Serving|Removals|StepDowns)/[^"]*":"[^"]*",?`)

// wantSame requires the state, events and mails of an undisturbed daemon.
func (w *world) wantSame(t testing.TB, state map[string]string, sent, mails map[string]int) {
	t.Helper()
	if diff := cmp.Diff(state, w.state()); diff != "" {
		t.Errorf("what stands in AWS: %s", diff)
	}
	if diff := cmp.Diff(sent, w.sent()); diff != "" {
		t.Errorf("what was sent: %s", diff)
	}
	if diff := cmp.Diff(mails, w.mails()); diff != "" {
		t.Errorf("mails: %s", diff)
	}
}

// state is all that stands in AWS.
func (w *world) state() map[string]string {
	out := w.aws.Snapshot()
	for name, line := range out {
		out[name] = strings.ReplaceAll(processTags.ReplaceAllString(line, ""), ",}", "}")
	}
	return out
}

// running is a daemon at work.
type running struct {
	*serve.Daemon
	t      testing.TB
	pipe   *pipe
	log    *logged
	memory *serve.Memory
}

// stop stops the daemon, which must succeed.
func (r *running) stop() {
	r.t.Helper()
	if err := r.Stop(context.Background()); err != nil {
		r.t.Error(err)
	}
	r.pipe.hangUp()
}

// get asks the daemon, and gives status and body.
func (r *running) get(path string) (int, string) {
	r.t.Helper()
	response, err := r.pipe.client.Get("http://127.0.0.1:8090" + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// logged is a log that may be read while it is written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// pipe is a listener within the process, with the client that reaches it.
type pipe struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	client *http.Client
}

func newPipe() *pipe {
	p := &pipe{conns: make(chan net.Conn), closed: make(chan struct{})}
	p.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		near, far := net.Pipe()
		select {
		case p.conns <- far:
			return near, nil
		case <-p.closed:
			return nil, net.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}}
	return p
}

func (p *pipe) hangUp() { p.client.CloseIdleConnections() }

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipe) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8090} }

// shop is an estate with something to do: minimums to be lowered in steps, a campaign and
// a recommender that no one calls, and one that all is well with.
func shop() localaws.Estate {
	steady := func(tps float64) localaws.EstateTraffic { return localaws.EstateTraffic{Shape: "constant", TPS: tps} }
	return localaws.Estate{Monitored: 30 * 24 * time.Hour, Regions: []localaws.EstateRegion{{Name: home, DatasetGroups: []localaws.EstateDatasetGroup{{
		Name: "shop", Domain: "ECOMMERCE",
		Campaigns: []localaws.EstateCampaign{
			{EstateEndpoint: localaws.EstateEndpoint{Name: "oversized", Recipe: "aws-user-personalization-v2", Traffic: steady(6.5)}, MinTPS: 20},
			{EstateEndpoint: localaws.EstateEndpoint{Name: "steady", Recipe: "aws-user-personalization-v2", Traffic: steady(3.5)}, MinTPS: 3},
			{EstateEndpoint: localaws.EstateEndpoint{Name: "unused", Recipe: "aws-sims"}, MinTPS: 1},
		},
		Recommenders: []localaws.EstateRecommender{
			{EstateEndpoint: localaws.EstateEndpoint{Name: "generous", Recipe: "aws-ecomm-recommended-for-you", Traffic: steady(4.2)}, MinRPS: 8},
			{EstateEndpoint: localaws.EstateEndpoint{Name: "silent", Recipe: "aws-ecomm-customers-who-viewed-x-also-viewed"}, MinRPS: 1},
		},
	}}}}}
}

// size returns full, or short with -short.
func size[T any](full, short T) T {
	if testing.Short() {
		return short
	}
	return full
}
