package lambda

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
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

// Named is the function with the handler name.
func Named(handler string) (Function, error) {
	names := make([]string, 0, len(All()))
	for _, f := range All() {
		if string(f) == handler {
			return f, nil
		}
		names = append(names, string(f))
	}
	return "", fmt.Errorf("the handler %q is not a function of this program; the handlers are %s", handler, strings.Join(names, ", "))
}

// Environment variables of Lambda, and those that configure a function beside the parameters.
const (
	envRuntimeAPI = "AWS_LAMBDA_RUNTIME_API"
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
	log      *slog.Logger
	request  *atomic.Pointer[string] // id of the current invocation, for the log
	http     *http.Client            // answers CloudFormation

	mu   sync.Mutex // guards kept
	kept *parts
}

// parts are what a function keeps from one invocation to the next.
type parts struct {
	*app.App
	region   string // the deployment region
	identity writer.Identity
}
