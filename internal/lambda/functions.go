// Package functions is the door for AWS Lambda: one binary, six functions, of which
// _HANDLER picks one. Each takes the forms of event that it may meet, tells them apart,
// and hands them to the same code that serves the command line. Like cli it stands
// before the line discover → measure → decide → act → report.
package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// Function is one of the Lambda functions. Its value is its handler's name.
type Function string

// The functions. The names of those that act on one resource are the actions'.
const (
	Monitor         Function = "monitor"
	Dashboard       Function = "dashboard"
	UpdateTPS       Function = Function(model.ActionUpdate)
	DeleteCampaign  Function = Function(model.ActionDelete)
	StopRecommender Function = Function(model.ActionStop)
	Cleanup         Function = "cleanup"
)

// All lists the functions.
func All() []Function {
	return []Function{Monitor, Dashboard, UpdateTPS, DeleteCampaign, StopRecommender, Cleanup}
}

// Named is the function of a handler's name.
func Named(handler string) (Function, error) {
	names := make([]string, 0, len(All()))
	for _, f := range All() {
		if string(f) == handler {
			return f, nil
		}
		names = append(names, string(f))
	}
	return "", fmt.Errorf("the handler %q is no function of this program; the handlers are %s", handler, strings.Join(names, ", "))
}

// Environment variables of Lambda, and those by which a function is configured beside
// the parameters.
const (
	envRuntimeAPI = "AWS_LAMBDA_RUNTIME_API"
	envHandler    = "_HANDLER"
	envLogLevel   = "LOG_LEVEL"
	envDeployment = "Deployment"
)

// Options is what a function works with.
type Options struct {
	// Env looks up an environment variable; os.LookupEnv does.
	Env func(name string) (string, bool)
	// Log takes the log, one JSON object a line; nil discards it.
	Log io.Writer
	// Clock is asked for the time and waited on; nil means the system clock.
	Clock model.Clock
	// Config finds the AWS settings; nil reads them in the standard way.
	Config func(ctx context.Context, logger *slog.Logger) (aws.Config, error)
	// Observer is told of the monitor's cycles; may be nil.
	Observer Observer
}

// Observer is told of the monitor's cycles, to be shown; nothing is decided by it.
type Observer interface {
	cycle.Observer
	// CycleEnded is told for which time a cycle was started, zero if none was said, and what
	// it came to.
	CycleEnded(at time.Time, result report.Result, err error)
}

// Handler serves the invocations of one function. Clients, caches and what else is worth
// keeping are made at the first invocation that needs them, and live as long as it does.
type Handler struct {
	function Function
	env      func(name string) (string, bool)
	clock    model.Clock
	load     func(ctx context.Context, logger *slog.Logger) (aws.Config, error)
	log      *slog.Logger
	request  *atomic.Pointer[string] // id of the invocation under way, for the log
	http     *http.Client            // answers CloudFormation
	observer Observer                // may be nil

	mu   sync.Mutex // guards kept
	kept *parts
}

// New makes the handler of a function. It calls nothing.
func New(f Function, o Options) *Handler {
	h := &Handler{function: f, env: o.Env, clock: o.Clock, load: o.Config, request: &atomic.Pointer[string]{}, http: &http.Client{}, observer: o.Observer}
	if h.env == nil {
		h.env = func(string) (string, bool) { return "", false }
	}
	if h.clock == nil {
		h.clock = model.SystemClock{}
	}
	if h.load == nil {
		h.load = func(ctx context.Context, logger *slog.Logger) (aws.Config, error) {
			return awsapi.LoadConfig(ctx, awsapi.LoadOptions{Logger: logger})
		}
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	h.log = newLogger(o.Log, h.variable(envLogLevel), h.request)
	return h
}

// Start serves the function that the environment names, and returns only if that cannot
// be done. Lambda is told of it as well.
func Start(ctx context.Context, o Options) error {
	name, _ := o.Env(envHandler)
	f, err := Named(name)
	if err != nil {
		address, _ := o.Env(envRuntimeAPI)
		reportInit(ctx, address, err)
		return err
	}
	h := New(f, o)
	slog.SetDefault(h.log) // what the runtime library has to say
	lambda.StartWithOptions(h, lambda.WithContext(ctx))
	return nil
}

// initTime is how long Lambda is waited for when a function does not start.
const initTime = 2 * time.Second

// reportInit tells Lambda why the function does not start, so that whoever invokes it
// reads that instead of an exit status. Nothing depends on it.
func reportInit(ctx context.Context, address string, cause error) {
	ctx, cancel := context.WithTimeout(ctx, initTime)
	defer cancel()
	body, err := json.Marshal(map[string]string{"errorMessage": cause.Error(), "errorType": "Handler.Unknown"})
	if err != nil {
		return
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/2018-06-01/runtime/init/error", bytes.NewReader(body))
	if err != nil {
		return
	}
	// As the runtime library does, past any proxy.
	client := http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	if response, err := client.Do(req); err == nil {
		_ = response.Body.Close() // nothing is read from it
	}
}

// Invoke serves one invocation, and answers a sentence as a JSON text. It implements the
// runtime library's Handler.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var id string
	if invocation, ok := lambdacontext.FromContext(ctx); ok {
		id = invocation.AwsRequestID
	}
	h.request.Store(&id)
	sentence, err := h.serve(ctx, payload)
	if err != nil {
		err = awsapi.Plain(err)
		h.log.ErrorContext(ctx, "failed", "function", string(h.function), "err", err)
		return nil, err
	}
	h.log.InfoContext(ctx, "done", "function", string(h.function), "what", sentence)
	return encode(sentence)
}

// serve tells the forms of event apart.
func (h *Handler) serve(ctx context.Context, payload []byte) (string, error) {
	e, err := read(payload)
	h.logEvent(ctx, e, payload)
	switch {
	case err != nil:
		return "", err
	case e.form == custom:
		return h.custom(ctx, e)
	}
	switch h.function {
	case Monitor:
		return h.monitor(ctx, e)
	case Dashboard:
		return h.dashboard(ctx, e)
	case Cleanup:
		return h.cleanup(ctx, e)
	}
	return h.action(ctx, model.Action(h.function), payload)
}

// variable is an environment variable without surrounding space; empty if it is not set.
func (h *Handler) variable(name string) string {
	text, _ := h.env(name)
	return strings.TrimSpace(text)
}

// encode writes v as JSON, without the escapes for HTML.
func encode(v any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(buffer.Bytes()), nil
}

// short cuts a context so that a margin before its deadline is left to whoever waits,
// but never more than half of the time.
func short(ctx context.Context, margin time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-max(0, min(margin, time.Until(deadline)/2))))
}
