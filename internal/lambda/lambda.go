// Package lambda is the entry point for AWS Lambda: one binary with six functions, of which
// _HANDLER selects one. Each function accepts several forms of event, and serves them by the
// same code as the command line.
package lambda

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// Function is one of the Lambda functions. Its value is the name of its handler.
type Function string

// The functions. Those that act on one resource have the names of the actions.
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

// The environment variable of Lambda with the handler, and those that configure a function beside the parameters.
const (
	envHandler    = "_HANDLER"
	envLogLevel   = "LOG_LEVEL"
	envDeployment = "Deployment"
)

// Options is what a function works with.
type Options struct {
	// Env looks up an environment variable, as os.LookupEnv does.
	Env func(name string) (string, bool)
	// Log receives the log, one JSON object a line; nil discards it.
	Log   io.Writer
	Clock model.Clock // nil means the system clock
	// Config loads the AWS settings; nil loads them in the standard way.
	Config func(ctx context.Context, logger *slog.Logger) (aws.Config, error)
	// Observer is notified of the monitor's cycles; may be nil.
	Observer Observer
	// Version is that of the program, which the monitor records; may be empty.
	Version string
}

// Observer is notified of the monitor's cycles, for display; nothing is decided by it.
type Observer interface {
	cycle.Observer
	// CycleEnded reports the result of a cycle and the time of its event; zero if it had none.
	CycleEnded(at time.Time, result report.Result, err error)
}

// Handler serves the invocations of one function. The first invocation that needs clients
// and caches builds them; they live as long as the process.
type Handler struct {
	Options
	function Function
	log      logger
	request  *atomic.Pointer[string] // id of the current invocation, for the log
	http     *http.Client            // answers CloudFormation

	mu   sync.Mutex // guards kept
	kept *app.App
}

// New makes the handler of a function. It calls nothing.
func New(f Function, o Options) *Handler {
	if o.Env == nil {
		o.Env = func(string) (string, bool) { return "", false }
	}
	if o.Clock == nil {
		o.Clock = model.SystemClock{}
	}
	if o.Config == nil {
		o.Config = func(ctx context.Context, logger *slog.Logger) (aws.Config, error) {
			return awsapi.LoadConfig(ctx, awsapi.LoadOptions{Logger: logger})
		}
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	request := &atomic.Pointer[string]{}
	level, _ := o.Env(envLogLevel)
	return &Handler{Options: o, function: f, log: newLogger(o.Log, strings.TrimSpace(level), request), request: request, http: &http.Client{}}
}

// Start serves the function that the environment names, and does not return. One that does not exist
// returns an error to its caller.
func Start(ctx context.Context, o Options) {
	name, _ := o.Env(envHandler)
	h := New(Function(name), o)
	slog.SetDefault(h.log.Logger) // the runtime library logs there
	lambda.StartWithOptions(h, lambda.WithContext(ctx))
}

// Invoke serves one invocation, and returns a sentence as a JSON text. It implements the
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
	return model.EncodeJSON(sentence)
}

// serve passes the event on by its form and the function.
func (h *Handler) serve(ctx context.Context, payload []byte) (string, error) {
	e, err := read(payload)
	h.log.event(ctx, h.function, e)
	switch {
	case err != nil:
		return "", err
	case e.form == custom:
		return h.custom(ctx, e)
	case h.function == Monitor:
		return h.monitor(ctx, e)
	case h.function == Dashboard:
		return board{h}.serve(ctx, e)
	case h.function == Cleanup:
		return cleaner{h}.serve(ctx, e)
	}
	if !slices.Contains(All(), h.function) {
		return "", fmt.Errorf("the handler %q is not a function of this program; the handlers are %q", h.function, All())
	}
	return h.action(ctx, model.Action(h.function), payload)
}

// defaultStack is the name of the stack in the tag Deployment if the environment has no
// Deployment. It is the same for all functions, so that one removes what another created.
const defaultStack = "personalize-monitor"

// parts returns what is kept, or builds it. After a failure the next invocation tries again.
func (h *Handler) parts(ctx context.Context) (*app.App, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.kept != nil {
		return h.kept, nil
	}
	settings, err := h.Config(ctx, h.log.Logger)
	if err != nil {
		return nil, err
	}
	var observer cycle.Observer // stays nil without h.Observer
	if h.Observer != nil {
		observer = h.Observer
	}
	deployment, _ := h.Env(envDeployment)
	// If it is invalid, the functions that act return an error; the others do not use it.
	budget, _ := h.resolve([]string{config.MaxStopsOrDeletesPerHour}, nil)
	h.kept = app.New(app.Options{
		Config: settings, Clock: h.Clock, Logger: h.log.Logger, Observer: observer, Identity: identityOf(ctx),
		Deployment: cmp.Or(strings.TrimSpace(deployment), settings.Region+"/"+defaultStack), Version: h.Version, Params: budget,
		RecheckParams: func() (config.Values, error) { return config.Resolve(cycle.RecheckSources(h.Env)) },
	})
	return h.kept, nil
}

// forget drops what is kept, which a panic may have left in an invalid state.
func (h *Handler) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.kept != nil {
		h.kept.Clients.Close()
		h.kept = nil
	}
}

// identityOf reads the account from the ARN of the invoked function. If that is impossible it
// is zero, and STS is asked.
func identityOf(ctx context.Context) writer.Identity {
	if invocation, ok := lambdacontext.FromContext(ctx); ok {
		arn, err := model.ParseARN(invocation.InvokedFunctionArn)
		if err == nil && arn.Service() == "lambda" && len(arn.Account()) == 12 {
			return writer.Identity{Account: arn.Account(), Partition: arn.Partition()}
		}
	}
	return writer.Identity{}
}

// resolve reads the named parameters from the keys of an event and the environment.
func (h *Handler) resolve(names []string, keys map[string]json.RawMessage) (config.Values, error) {
	return config.Resolve(config.Sources{Only: names, Event: keys, Env: h.Env})
}

// shorten moves the deadline of a context forward by a margin, which is left to the caller,
// but never by more than half of the remaining time.
func shorten(ctx context.Context, margin time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-max(0, min(margin, time.Until(deadline)/2))))
}
