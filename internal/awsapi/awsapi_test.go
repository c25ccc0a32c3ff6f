package awsapi_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a virtual clock: sleeping moves it on and is recorded.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
	block chan struct{} // if not nil, Sleep closes it and waits for its context
}

func newClock() *clock { return &clock{now: time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// advance sets the clock forward or back.
func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	if c.block != nil {
		close(c.block)
		<-ctx.Done()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Err() == nil && d > 0 {
		c.now = c.now.Add(d)
		c.slept = append(c.slept, d)
	}
	return ctx.Err()
}

func (c *clock) naps() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]time.Duration(nil), c.slept...)
}

// aws is a scripted endpoint: reply answers each request by its operation and how many
// of that operation came before.
type aws struct {
	*httptest.Server
	mu      sync.Mutex
	seen    map[string]int
	regions map[string]bool
}

func newAWS(t *testing.T, reply func(w http.ResponseWriter, operation string, before int)) *aws {
	t.Helper()
	a := &aws{seen: map[string]int{}, regions: map[string]bool{}}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		operation := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		if target := r.Header.Get("X-Amz-Target"); target != "" {
			_, operation, _ = strings.Cut(target, ".")
		} else if _, rest, ok := strings.Cut(string(body), "Action="); ok {
			operation, _, _ = strings.Cut(rest, "&")
		}
		a.mu.Lock()
		before := a.seen[operation]
		a.seen[operation]++
		if scope := strings.Split(r.Header.Get("Authorization"), "/"); len(scope) > 2 {
			a.regions[scope[2]] = true
		}
		a.mu.Unlock()
		reply(w, operation, before)
	}))
	t.Cleanup(a.Close)
	return a
}

// clients are clients of the endpoint.
func (a *aws) clients(t *testing.T, o awsapi.Options) *awsapi.Clients {
	t.Helper()
	if o.Config.BaseEndpoint == nil {
		o.Config = awsapi.LocalConfig("eu-west-1", a.URL, "AKIDEXAMPLE", nil)
	}
	clients := awsapi.New(o)
	t.Cleanup(clients.Close)
	return clients
}

// refuse answers as a JSON service does.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-Requestid", "r-1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
}

// accept answers an empty output in the protocol of the operation.
func accept(w http.ResponseWriter, operation string) {
	switch operation {
	case "DescribeAlarms", "DeleteAlarms", "GetMetricData", "PutMetricAlarm":
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.Header().Set("Content-Type", "application/cbor")
		_, _ = w.Write([]byte{0xa0})
	case "GetCallerIdentity", "ListTopics":
		_, _ = io.WriteString(w, "<"+operation+"Response><"+operation+"Result></"+operation+"Result></"+operation+"Response>")
	default:
		_, _ = io.WriteString(w, "{}")
	}
}
