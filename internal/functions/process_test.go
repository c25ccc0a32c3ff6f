package functions_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

const (
	oversized = "arn:aws:personalize:us-east-1:123456789012:campaign/shop-similar-items"
	idle      = "arn:aws:personalize:us-east-1:123456789012:campaign/shop-spring-sale"
	unused    = "arn:aws:personalize:us-east-1:123456789012:recommender/shop-customers-also-viewed"
)

// patience is how long a test waits for a function.
const patience = 30 * time.Second

// outcome is how an invocation, or the start of a function, ended.
type outcome struct {
	path string // what the runtime API was called with
	body string
}

// host is Lambda: it starts the real program and speaks the runtime API with it.
type host struct {
	t        testing.TB
	program  string
	endpoint string // of the embedded AWS

	api      *httptest.Server
	payloads chan string
	outcomes chan outcome
	log      *bytes.Buffer
	count    int
	started  time.Time
	stop     func() // ends the function; may be called again
}

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
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(patience).UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:f:live")
		_, _ = io.WriteString(w, payload)
	case <-r.Context().Done():
	}
}

// start starts a function; it is ended with the test, or earlier by stop.
func (h host) start(t testing.TB, handler string, env ...string) *host {
	t.Helper()
	h.t, h.payloads, h.outcomes, h.log = t, make(chan string), make(chan outcome, 1), &bytes.Buffer{}
	h.api = httptest.NewServer(&h)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, h.program)
	cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(h.api.URL, "http://"), "_HANDLER=" + handler,
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=LOCAL", "AWS_SECRET_ACCESS_KEY=local", "AWS_ENDPOINT_URL=" + h.endpoint,
		"AWS_EC2_METADATA_DISABLED=true", "HOME=" + t.TempDir(), "Deployment=us-east-1/test", "LOG_LEVEL=info",
	}, env...)
	cmd.Stdout, cmd.Stderr = h.log, h.log
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
			t.Logf("the log of %s:\n%s", handler, h.log)
		}
	})
	return &h
}

// build builds the program, with the flags in addition.
func build(t testing.TB, flags ...string) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "bootstrap")
	flags = append([]string{"build", "-o", program}, flags...)
	cmd := exec.Command("go", append(flags, "github.com/personalize-monitor/personalize-monitor/cmd/personalize-monitor")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
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

// TestProgram runs the real program as Lambda does, against an embedded AWS.
func TestProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program")
	}
	program := build(t)
	server, err := localaws.New(localaws.ExampleEstate())
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(server)
	t.Cleanup(endpoint.Close)
	answers := make(chan map[string]string, 1)
	mailbox := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var a map[string]string
		_ = json.NewDecoder(r.Body).Decode(&a) // an answer that is none shows in its fields
		answers <- a
	}))
	t.Cleanup(mailbox.Close)
	lambda := host{program: program, endpoint: endpoint.URL}
	envelope := func(detailType, detail string) string {
		return fmt.Sprintf(`{"version":"0","detail-type":%q,"source":"personalize.monitor","time":%q,"detail":%s}`,
			detailType, time.Now().UTC().Format(time.RFC3339), detail)
	}
	resource := func(h *host, kind, more, status, physical string) {
		h.t.Helper()
		h.want(fmt.Sprintf(`{"RequestType":%q,"ResponseURL":%q,"StackId":"s","RequestId":"r","LogicalResourceId":"l"%s}`, kind, mailbox.URL, more), status)
		if a := <-answers; a["Status"] != status || a["PhysicalResourceId"] != physical || a["StackId"]+a["RequestId"]+a["LogicalResourceId"] != "srl" {
			h.t.Errorf("%s: CloudFormation was told %v", kind, a)
		}
	}

	t.Run("no such function", func(t *testing.T) {
		h := lambda.start(t, "bootstrap")
		if o := h.end(); o.path != "/2018-06-01/runtime/init/error" || !strings.Contains(h.message(o), `the handler "bootstrap" is no function`) {
			t.Errorf("got %v", o)
		}
	})
	t.Run("monitor", func(t *testing.T) {
		h := lambda.start(t, "monitor", "Regions=us-east-1,eu-west-1", "AutoCreateUtilizationAlarms=No", "AutoCreateIdleAlarms=No", "HourlyChecks=never")
		h.want(envelope("Scheduled Event", "{}"), "14 resources measured")
		cold := server.Calls()["personalize.DescribeCampaign"]
		h.want(`{"RecommenderARNs":"none"}`, "10 resources measured")
		if warm := server.Calls()["personalize.DescribeCampaign"]; cold == 0 || warm-cold > 1 { // one has an update under way
			t.Errorf("%d campaigns described at first, %d then", cold, warm-cold)
		}
		h.wantError(`{"Regions":"x"}`, "invalid parameter Regions")
	})
	t.Run("update-tps", func(t *testing.T) {
		h := lambda.start(t, "update-tps")
		h.want(`{"ARN":"`+oversized+`","NewMinTPS":30,"Reason":"less"}`, "is being updated from 40 to 30 TPS")
		h.want(envelope("UpdatePersonalizeRecommenderMinRecommendationRPS", `{"ARN":"`+unused+`","NewMinTPS":2}`), "is being updated from 1 to 2")
		before := server.Calls()
		for _, wrong := range []string{`0`, `-1`, `1.5`, `"5"`, `1e99`} {
			h.wantError(`{"ARN":"`+oversized+`","NewMinTPS":`+wrong+`}`, `key "NewMinTPS" is`)
		}
		h.wantError(`{"NewMinTPS":5}`, `key "ARN" is missing`)
		h.wantError(`[]`, "is not a JSON object")
		for operation, count := range server.Calls() {
			if count != before[operation] {
				t.Errorf("malformed events called %s", operation)
			}
		}
	})
	t.Run("delete-campaign", func(t *testing.T) {
		h := lambda.start(t, "delete-campaign")
		for _, part := range []string{"is being deleted", "Nothing to do"} {
			h.want(envelope("DeletePersonalizeCampaign", `{"ARN":"`+idle+`"}`), part)
		}
		h.wantError(`{"ARN":"`+unused+`"}`, "deletes campaigns")
	})
	t.Run("stop-recommender", func(t *testing.T) {
		h := lambda.start(t, "stop-recommender")
		h.wantError(`{"ARN":"`+idle+`"}`, "is about recommenders")
		h.want(`{"ARN":"arn:aws:personalize:eu-west-1:123456789012:recommender/video-top-picks"}`, "is being stopped")
	})
	t.Run("dashboard", func(t *testing.T) {
		h := lambda.start(t, "dashboard", "Regions=us-east-1")
		resource(h, "Create", `,"ResourceProperties":{"DashboardName":"a b"}`, "FAILED", "Amazon-Personalize-Monitor")
		resource(h, "Delete", `,"PhysicalResourceId":"Amazon-Personalize-Monitor","ResourceProperties":{"DashboardName":"a b"}`, "SUCCESS", "Amazon-Personalize-Monitor")
		resource(h, "Create", "", "SUCCESS", "Amazon-Personalize-Monitor")
		resource(h, "Update", `,"PhysicalResourceId":"of old"`, "SUCCESS", "of old")
		h.want(envelope("BuildPersonalizeMonitorDashboard", `{"Reason":"x"}`), "1 dashboard written")
		resource(h, "Delete", `,"PhysicalResourceId":"of old"`, "SUCCESS", "of old")
		resource(h, "Whatever", `,"PhysicalResourceId":"of old"`, "FAILED", "of old")
	})
	t.Run("cleanup", func(t *testing.T) {
		h := lambda.start(t, "cleanup")
		resource(h, "Create", "", "SUCCESS", "personalize-monitor-cleanup")
		resource(h, "Delete", `,"PhysicalResourceId":"of old"`, "SUCCESS", "of old")
		if calls := server.Calls(); calls["sns.DeleteTopic"] != 2 || calls["events.DeleteRule"] != 1 {
			t.Errorf("topics and rule were not removed: %v", calls)
		}
	})
	var sent []string
	for _, e := range server.Events() {
		sent = append(sent, e.DetailType)
	}
	for _, one := range []string{"PersonalizeCampaignDeleted", "PersonalizeRecommenderStopped", "PersonalizeCampaignMinProvisionedTPSUpdated"} {
		if n := len(slices.DeleteFunc(slices.Clone(sent), func(s string) bool { return s != one })); n != 1 {
			t.Errorf("%s was sent %d times", one, n)
		}
	}
}
