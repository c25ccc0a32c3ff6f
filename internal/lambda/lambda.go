// Package lambda is the entry point for AWS Lambda: one binary with six functions, of which
// _HANDLER selects one. Each function accepts several forms of event, and serves them by the
// same code as the command line.
package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

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

// Start serves the function that the environment names. It returns only if that is
// impossible, which is reported to Lambda too.
func Start(ctx context.Context, o Options) error {
	name, _ := o.Env(envHandler)
	f, err := Named(name)
	if err != nil {
		address, _ := o.Env(envRuntimeAPI)
		reportInit(ctx, address, err)
		return err
	}
	h := New(f, o)
	slog.SetDefault(h.log) // the runtime library logs there
	lambda.StartWithOptions(h, lambda.WithContext(ctx))
	return nil
}

// initTime is the time limit of reportInit.
const initTime = 2 * time.Second

// reportInit reports to Lambda why the function does not start, so that the caller of the
// function reads that instead of an exit status. Nothing depends on it.
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
	client := http.Client{Transport: &http.Transport{}} // no proxy, as in the runtime library
	defer client.CloseIdleConnections()
	if response, err := client.Do(req); err == nil {
		_ = response.Body.Close() // nothing is read from it
	}
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
	return encode(sentence)
}

// serve passes the event on by its form and the function.
func (h *Handler) serve(ctx context.Context, payload []byte) (string, error) {
	e, err := read(payload)
	h.logEvent(ctx, e)
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
