package lambda_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// owner is the account of the estates here.
const owner = "123456789012"

// patience is how long a test waits for a function.
const patience = time.Minute

// fakeLambda starts functions as AWS Lambda does.
type fakeLambda struct {
	program  string
	endpoint string // of the embedded AWS
	clock    string // address of the clock; empty for the system's
}

// outcome is how an invocation, or the start of a function, ended.
type outcome struct {
	path string // what the runtime API was called with
	body string
}

// host is where one function runs: it starts the program and speaks the runtime API with it.
type host struct {
	t       testing.TB
	arn     string
	timeout time.Duration

	api      *httptest.Server
	payloads chan string
	outcomes chan outcome
	count    int
	started  time.Time
	stop     func() // ends the function; may be called again
}

// ServeHTTP is the runtime API.
func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		h.outcomes <- outcome{r.URL.Path, string(body)}
		return
	}
	select {
	case payload := <-h.payloads:
		h.count++
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "invocation-"+strconv.Itoa(h.count))
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(h.timeout).UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", h.arn)
		_, _ = io.WriteString(w, payload)
	case <-r.Context().Done():
	}
}

// start starts a function; it is stopped with the test, or before.
func (l fakeLambda) start(t testing.TB, handler string, env ...string) *host {
	t.Helper()
	h := &host{t: t, arn: "arn:aws:lambda:us-east-1:" + owner + ":function:f:live", timeout: patience / 2}
	h.payloads, h.outcomes = make(chan string), make(chan outcome, 1)
	h.api = httptest.NewServer(h)
	log := &bytes.Buffer{}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, l.program)
	cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(h.api.URL, "http://"), "_HANDLER=" + handler,
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=LOCAL", "AWS_SECRET_ACCESS_KEY=local", "AWS_ENDPOINT_URL=" + l.endpoint,
		"AWS_EC2_METADATA_DISABLED=true", "HOME=" + t.TempDir(), "Deployment=us-east-1/test", "LOG_LEVEL=info",
	}, env...)
	if l.clock != "" {
		cmd.Env = append(cmd.Env, clockVariable+"="+l.clock)
	}
	cmd.Stdout, cmd.Stderr = log, log
	h.started = time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h.stop = sync.OnceFunc(func() {
		cancel()
		_ = cmd.Wait() // it was killed
		h.api.CloseClientConnections()
		h.api.Close()
	})
	t.Cleanup(func() {
		h.stop()
		if t.Failed() {
			t.Logf("the log of %s:\n%s", handler, log)
		}
	})
	return h
}

func (h *host) end() outcome {
	h.t.Helper()
	select {
	case o := <-h.outcomes:
		return o
	case <-time.After(patience):
		h.t.Fatal("the function does not answer")
		return outcome{}
	}
}

// invoke invokes the function once; good tells whether it answered with a sentence.
func (h *host) invoke(payload string) (text string, good bool) {
	h.t.Helper()
	select {
	case h.payloads <- payload:
	case <-time.After(patience):
		h.t.Fatal("the function does not ask for work")
	}
	o := h.end()
	if strings.HasSuffix(o.path, "/response") {
		if err := json.Unmarshal([]byte(o.body), &text); err != nil {
			h.t.Fatalf("the answer %s is no text: %v", o.body, err)
		}
		return text, true
	}
	return h.message(o), false
}

func (h *host) message(o outcome) string {
	var failure struct {
		ErrorMessage string `json:"errorMessage"`
	}
	if err := json.Unmarshal([]byte(o.body), &failure); err != nil || !strings.HasSuffix(o.path, "/error") {
		h.t.Fatalf("%s %s: %v", o.path, o.body, err)
	}
	return failure.ErrorMessage
}

func (h *host) want(payload, part string) {
	h.t.Helper()
	if text, good := h.invoke(payload); !good || !strings.Contains(text, part) {
		h.t.Errorf("answered %q (%v), want %q in it", text, good, part)
	}
}

func (h *host) wantError(payload, part string) {
	h.t.Helper()
	if text, good := h.invoke(payload); good || !strings.Contains(text, part) {
		h.t.Errorf("answered %q (%v), want an error with %q in it", text, good, part)
	}
}

// toldAnswer is what CloudFormation is told of a custom resource.
type toldAnswer struct {
	Status, Reason, PhysicalResourceId, StackId, RequestId, LogicalResourceId string //nolint:revive // its own spelling
}

// answers is where CloudFormation waits for the answers of custom resources.
type answers struct {
	url string
	got chan toldAnswer
}

func newAnswers(t *testing.T) answers {
	t.Helper()
	a := answers{got: make(chan toldAnswer, 1)}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var told toldAnswer
		_ = json.NewDecoder(r.Body).Decode(&told) // an answer that is none shows in its fields
		a.got <- told
	}))
	t.Cleanup(server.Close)
	a.url = server.URL + "/answer?signature=x"
	return a
}

// ask sends a request of CloudFormation to a function, and gives what it was answered.
func (a answers) ask(h *host, request map[string]any) toldAnswer {
	h.t.Helper()
	request["ResponseURL"] = a.url
	payload, err := json.Marshal(request)
	if err != nil {
		h.t.Fatal(err)
	}
	said, good := h.invoke(string(payload))
	select {
	case told := <-a.got:
		ids := []any{told.StackId, told.RequestId, told.LogicalResourceId}
		for i, key := range []string{"StackId", "RequestId", "LogicalResourceId"} {
			if ids[i] != request[key] {
				h.t.Errorf("%s %v is echoed as %v", key, request[key], ids[i])
			}
		}
		if !good || !strings.Contains(said, told.Status) {
			h.t.Errorf("CloudFormation was told %s, Lambda %q (%v)", told.Status, said, good)
		}
		return told
	default:
		h.t.Fatalf("CloudFormation was not answered: %s", cmp.Or(said, "nothing was said"))
		return toldAnswer{}
	}
}
