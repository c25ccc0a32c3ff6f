package act

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/traffic"
)

const (
	home  = "eu-west-1"
	other = "us-east-1"
)

// logBuffer is a log that several goroutines write.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// count counts the lines that hold all the parts.
func (b *logBuffer) count(parts ...string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for line := range strings.Lines(b.text.String()) {
		if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) }) {
			n++
		}
	}
	return n
}

// world is an AWS endpoint on the network with a virtual clock.
type world struct {
	t      *testing.T
	clock  *model.VirtualClock
	server *localaws.Server
	url    string
	// raw clients are the tests' own, without rate limits.
	raw *awsapi.Clients
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := model.NewVirtualClock(testTime)
	server, err := localaws.New(localaws.Estate{Account: testAccount}, localaws.WithClock(clock))
	if err != nil {
		t.Fatal(err)
	}
	return worldAround(t, clock, server, server)
}

func worldAround(t *testing.T, clock *model.VirtualClock, server *localaws.Server, handler http.Handler) *world {
	t.Helper()
	ts := httptest.NewServer(handler)
	w := &world{t: t, clock: clock, server: server, url: ts.URL}
	w.raw = w.clients()
	t.Cleanup(func() {
		w.raw.Close()
		ts.Close()
	})
	return w
}

func (w *world) clients() *awsapi.Clients {
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(home, w.url, testAccount, nil), Clock: w.clock})
	w.t.Cleanup(clients.Close)
	return clients
}

// actor is a process of its own, with its log from debug level on.
func (w *world) actor(change ...func(*Options)) (*Actor, *logBuffer) {
	log := &logBuffer{}
	clients := w.clients()
	o := Options{
		Clients: clients, Clock: w.clock, Meter: traffic.New(traffic.Options{Clients: clients, Clock: w.clock}), DeploymentRegion: home, Deployment: "cli",
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&o)
	}
	return New(o), log
}

func dryRun(o *Options) { o.DryRun = true }

// reads are the operations that change nothing.
var reads = []string{
	"cloudwatch.DescribeAlarms", "cloudwatch.ListTagsForResource", "sns.GetTopicAttributes", "sns.ListSubscriptionsByTopic",
	"events.DescribeRule", "events.ListTargetsByRule", "events.ListTagsForResource", "sts.GetCallerIdentity",
	"sns.ListTagsForResource", "cloudwatch.ListDashboards", "cloudwatch.GetDashboard",
	"cloudwatch.GetMetricData", "personalize.ListTagsForResource",
}

// writes are the writing calls since the last time, which are forgotten.
func (w *world) writes() map[string]int {
	calls := w.server.Calls()
	w.server.ResetCalls()
	maps.DeleteFunc(calls, func(op string, _ int) bool { return slices.Contains(reads, op) })
	return calls
}

func (w *world) wantWrites(want map[string]int) {
	w.t.Helper()
	if got := w.writes(); !maps.Equal(got, want) {
		w.t.Errorf("writes %v, want %v", got, want)
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) noProblems(problems []model.Problem) {
	w.t.Helper()
	for _, p := range problems {
		w.t.Errorf("problem: %v", p)
	}
}

// recheckFunc is a function as a Rechecker.
type recheckFunc func(context.Context, events.Request) (rules.Decision, error)

func (f recheckFunc) Recheck(ctx context.Context, req events.Request) (rules.Decision, error) {
	return f(ctx, req)
}
